package review_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"orrery/internal/identity"
	"orrery/internal/postgres/pgtest"
	"orrery/internal/questionnaire"
	"orrery/internal/remediation"
	"orrery/internal/review"
	"orrery/internal/workload"
	"orrery/questionnaires"
)

// world is a database with a team, people and a workload, and the services on it. Its
// clock stands still until a test moves it.
type world struct {
	t         *testing.T
	db        *pgxpool.Pool
	clock     time.Time
	library   *questionnaire.Library
	reviews   *review.Service
	workloads *workload.Service
	items     *remediation.Service
	team      uuid.UUID
	asha      identity.Actor // a member of the team
	mika      identity.Actor // another member of the team
	noor      identity.Actor // an approver from outside the team
	tomas     identity.Actor // an approver in the team
	vera      identity.Actor // somebody else who is signed in
	payments  workload.Workload
}

func newWorld(t *testing.T, tier int) *world {
	t.Helper()
	w := &world{t: t, db: pgtest.New(t), clock: time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)}
	now := func() time.Time { return w.clock }
	w.library = questionnaire.NewLibrary(w.db, now)
	w.reviews = review.NewService(w.db, w.library, "https://orrery.test", now)
	w.workloads = workload.NewService(w.db, now)
	w.items = remediation.NewService(w.db, now)
	if _, err := w.library.LoadShipped(t.Context(), questionnaires.FS); err != nil {
		t.Fatal(err)
	}
	if err := w.reviews.EnsureTypes(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.exec(`update review_types set core_tiers = '{1,2,3}' where key = 'new-service'`) // 15 questions are enough for most tests
	w.team = w.addTeam("ledger")
	w.asha, w.mika = w.person("Asha Rao", w.team), w.person("Mika Laine", w.team)
	w.noor, w.tomas, w.vera = w.person("Noor Haddad", uuid.Nil), w.person("Tomas Berg", w.team), w.person("Vera Lind", uuid.Nil)
	w.approver(&w.noor)
	w.approver(&w.tomas)
	w.payments = w.workload("payments", tier, false)
	t.Cleanup(w.wantActs)
	return w
}

// wantActs compares the acts that are kept with what follows from what was decided.
func (w *world) wantActs() {
	var differ int
	const sql = `select count(*) from ((table launch_acts_now except table launch_acts) union all (table launch_acts except table launch_acts_now)) d`
	if err := w.db.QueryRow(context.Background(), sql).Scan(&differ); err != nil || differ != 0 {
		w.t.Errorf("%d acts are not as they follow from what was decided, %v", differ, err)
	}
}

func (w *world) exec(sql string, args ...any) {
	w.t.Helper()
	if _, err := w.db.Exec(context.Background(), sql, args...); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) addTeam(key string) uuid.UUID {
	id := uuid.Must(uuid.NewV7())
	w.exec(`insert into teams (id, key, name, created_at) values ($1, $2, $2, $3)`, id, key, w.clock)
	return id
}

func (w *world) person(name string, team uuid.UUID) identity.Actor {
	who := identity.Actor{PersonID: uuid.Must(uuid.NewV7()), Name: name}
	w.exec(`insert into people (id, email, name, created_at) values ($1, $2, $3, $4)`, who.PersonID, who.PersonID.String()+"@example.com", name, w.clock)
	if team != uuid.Nil {
		w.exec(`insert into memberships (team_id, person_id, role, granted_at) values ($1, $2, 'member', $3)`, team, who.PersonID, w.clock)
		who.Teams = []identity.Membership{{TeamID: team, Role: identity.Member}}
	}
	return who
}

// approver makes somebody approver of everything, by somebody else's word.
func (w *world) approver(who *identity.Actor) {
	w.exec(`insert into grants (id, person_id, kind, granted_by, granted_at) values ($1, $2, 'approver', $3, $4)`, uuid.Must(uuid.NewV7()), who.PersonID, w.vera.PersonID, w.clock)
	who.Grants = []identity.Grant{{Kind: identity.Approver}}
}

func (w *world) workload(key string, tier int, restricted bool) workload.Workload {
	w.t.Helper()
	made, err := w.workloads.Create(w.t.Context(), w.asha, workload.Input{
		Key: key, Name: "The " + key, TeamKey: "ledger", Tier: tier, Stage: workload.Planned, Restricted: restricted, LaunchOn: "2026-12-10",
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return made
}

func (w *world) start(in review.StartInput) review.Review {
	w.t.Helper()
	if in.Type == "" {
		in.Type = "new-service"
	}
	r, err := w.reviews.Start(w.t.Context(), w.asha, w.payments.ID, in)
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

// answerAll answers every question of the draft as who: everything ticked, or nothing of it.
func (w *world) answerAll(who identity.Actor, id uuid.UUID, good bool) review.Sheet {
	w.t.Helper()
	sheet, err := w.reviews.Sheet(w.t.Context(), who, id)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, e := range sheet.Entries() {
		w.answer(who, id, e, good)
	}
	return w.sheet(id)
}

func (w *world) answer(who identity.Actor, id uuid.UUID, e review.Entry, good bool) review.Answer {
	w.t.Helper()
	in := review.AnswerInput{ReviewID: id, Questionnaire: e.Questionnaire, QuestionID: e.Question.ID, Version: e.Answer.Version}
	for _, c := range e.Question.Choices {
		if c.None != good {
			in.Chosen = append(in.Chosen, c.ID)
		}
	}
	a, err := w.reviews.SaveAnswer(w.t.Context(), who, in)
	if err != nil {
		w.t.Fatal(err)
	}
	return a
}

func (w *world) sheet(id uuid.UUID) review.Sheet {
	w.t.Helper()
	sheet, err := w.reviews.Sheet(w.t.Context(), w.asha, id)
	if err != nil {
		w.t.Fatal(err)
	}
	return sheet
}

// steps names an owner and a date for each high.
func (w *world) steps(sheet review.Sheet) map[string]review.FirstStep {
	steps := map[string]review.FirstStep{}
	for _, e := range sheet.Highs() {
		steps[e.Key()] = review.FirstStep{OwnerID: w.asha.PersonID.String(), DueOn: "2026-12-05"}
	}
	return steps
}

func (w *world) submit(id uuid.UUID) review.Review {
	w.t.Helper()
	r, err := w.reviews.Submit(w.t.Context(), w.asha, review.SubmitInput{ReviewID: id, Steps: w.steps(w.sheet(id))})
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

// decide decides on what the decider sees at this moment.
func (w *world) decide(who identity.Actor, in review.DecideInput) (review.Review, error) {
	if readout, err := w.reviews.Readout(context.Background(), who, in.ReviewID); err == nil {
		in.Seen = readout.Seen()
	}
	return w.reviews.Decide(context.Background(), who, in)
}
