package portfolio_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"orrery/internal/fault"
	"orrery/internal/identity"
	"orrery/internal/portfolio"
	"orrery/internal/postgres/pgtest"
	"orrery/internal/questionnaire"
	"orrery/internal/remediation"
	"orrery/internal/review"
	"orrery/internal/workload"
	"orrery/questionnaires"
)

var start = time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)

// world is an installation with two teams, on a clock that the test moves.
type world struct {
	t                 *testing.T
	db                *pgxpool.Pool
	now               time.Time
	workloads         *workload.Service
	items             *remediation.Service
	reviews           *review.Service
	portfolio         *portfolio.Service
	ledger, shop      uuid.UUID
	asha, mika, jonas identity.Actor // asha leads ledger, mika is in shop, jonas is in no team
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, db: pgtest.New(t), now: start}
	clock := func() time.Time { return w.now }
	library := questionnaire.NewLibrary(w.db, clock)
	if _, err := library.LoadShipped(t.Context(), questionnaires.FS); err != nil {
		t.Fatal(err)
	}
	w.workloads, w.items = workload.NewService(w.db, clock), remediation.NewService(w.db, clock)
	w.reviews, w.portfolio = review.NewService(w.db, library, "http://orrery.test", clock), portfolio.NewService(w.db, library, clock)
	if err := w.reviews.EnsureTypes(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.ledger, w.shop = w.team("ledger", "Ledger"), w.team("shop", "Storefront")
	w.asha, w.mika, w.jonas = w.person("Asha Rao"), w.person("Mika Laine"), w.person("Jonas Weber")
	w.asha.Teams = []identity.Membership{{TeamID: w.ledger, Role: identity.Lead}}
	w.mika.Teams = []identity.Membership{{TeamID: w.shop, Role: identity.Member}}
	return w
}

func (w *world) exec(sql string, args ...any) {
	w.t.Helper()
	if _, err := w.db.Exec(w.t.Context(), sql, args...); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) team(key, name string) uuid.UUID {
	w.t.Helper()
	id := uuid.Must(uuid.NewV7())
	w.exec(`insert into teams (id, key, name, created_at) values ($1, $2, $3, $4)`, id, key, name, w.now)
	return id
}

func (w *world) person(name string) identity.Actor {
	w.t.Helper()
	who := identity.Actor{PersonID: uuid.Must(uuid.NewV7()), Name: name}
	email := strings.ToLower(strings.ReplaceAll(name, " ", ".")) + "@example.org"
	w.exec(`insert into people (id, email, name, created_at) values ($1, $2, $3, $4)`, who.PersonID, email, name, w.now)
	return who
}

// approver returns the actor with an approver grant given by somebody else.
func approver(who identity.Actor, workload uuid.UUID) identity.Actor {
	who.Grants = append(slices.Clone(who.Grants), identity.Grant{Kind: identity.Approver, WorkloadID: workload})
	return who
}

// workload creates a workload of the actor's team.
func (w *world) workload(who identity.Actor, key string, change ...func(*workload.Input)) workload.Workload {
	w.t.Helper()
	team := map[uuid.UUID]string{w.ledger: "ledger", w.shop: "shop"}[who.Teams[0].TeamID]
	in := workload.Input{Key: key, Name: strings.ToUpper(key[:1]) + key[1:], TeamKey: team, Tier: 3, Stage: workload.Planned}
	for _, c := range change {
		c(&in)
	}
	made, err := w.workloads.Create(w.t.Context(), who, in)
	if err != nil {
		w.t.Fatal(err)
	}
	return made
}

// start opens a review of the workload and answers every question of it: the best choice,
// or "do not know" for the first highs of them.
func (w *world) review(who identity.Actor, load workload.Workload, answers, highs int) review.Sheet {
	w.t.Helper()
	r, err := w.reviews.Start(w.t.Context(), who, load.ID, review.StartInput{Type: "new-service"})
	if err != nil {
		w.t.Fatal(err)
	}
	sheet, err := w.reviews.Sheet(w.t.Context(), who, r.ID)
	if err != nil {
		w.t.Fatal(err)
	}
	for i, e := range sheet.Entries() {
		if i >= answers {
			break
		}
		in := review.AnswerInput{ReviewID: r.ID, Questionnaire: e.Questionnaire, QuestionID: e.Question.ID, Unknown: i < highs}
		for _, c := range e.Question.Choices {
			if i >= highs && !c.None && c.Weight != questionnaire.WeightScope {
				in.Chosen = append(in.Chosen, c.ID)
			}
		}
		if _, err := w.reviews.SaveAnswer(w.t.Context(), who, in); err != nil {
			w.t.Fatal(err)
		}
	}
	return sheet
}

// all answers every question.
const all = 1 << 20

// submit submits the review; its highs get an owner and a due day.
func (w *world) submit(who identity.Actor, id uuid.UUID, owner identity.Actor, due string) {
	w.t.Helper()
	sheet, err := w.reviews.Sheet(w.t.Context(), who, id)
	if err != nil {
		w.t.Fatal(err)
	}
	w.exec(`insert into memberships (team_id, person_id, role, granted_at) values ($1, $2, 'member', $3) on conflict do nothing`, sheet.Workload.TeamID, owner.PersonID, w.now)
	in := review.SubmitInput{ReviewID: id, Steps: map[string]review.FirstStep{}}
	for _, e := range sheet.Highs() {
		in.Steps[e.Key()] = review.FirstStep{OwnerID: owner.PersonID.String(), DueOn: max(due, w.now.Format(time.DateOnly))}
	}
	if _, err := w.reviews.Submit(w.t.Context(), who, in); err != nil {
		w.t.Fatal(err)
	}
	if due != "" && due < w.now.Format(time.DateOnly) { // no form takes a day that is over
		w.exec(`update items set due_on = $1 where workload_id = $2 and cause_kind = 'question'`, due, sheet.Workload.ID)
	}
}

// decide signs the round off and decides it.
func (w *world) decide(who identity.Actor, id uuid.UUID, outcome string, owner identity.Actor) {
	w.t.Helper()
	out, err := w.reviews.Readout(w.t.Context(), who, id)
	if err != nil {
		w.t.Fatal(err)
	}
	w.exec(`insert into grants (id, person_id, kind, granted_at) values ($1, $2, 'approver', $3) on conflict do nothing`, uuid.Must(uuid.NewV7()), who.PersonID, w.now)
	content := fmt.Sprintf("%x", out.Round.ContentSHA256)
	if outcome != review.NoGo {
		if err := w.reviews.SignOff(w.t.Context(), who, review.SignOffInput{ReviewID: id, Content: content, Voice: review.Agree}); err != nil {
			w.t.Fatal(err)
		}
	}
	if out, err = w.reviews.Readout(w.t.Context(), who, id); err != nil {
		w.t.Fatal(err)
	}
	in := review.DecideInput{ReviewID: id, Content: content, Seen: out.Seen(), Outcome: outcome, Reason: "As read.", Acknowledge: true}
	if outcome == review.Conditional {
		in.Conditions = []review.ConditionInput{{Text: "Rehearse the rollback", Timing: remediation.BeforeLaunch, OwnerID: owner.PersonID.String(), DueOn: w.now.AddDate(0, 0, 7).Format(time.DateOnly)}}
	}
	if _, err := w.reviews.Decide(w.t.Context(), who, in); err != nil {
		w.t.Fatal(err)
	}
}

// keys reads every page of the list and returns the keys in order.
func (w *world) keys(who identity.Actor, f portfolio.Filter) []string {
	w.t.Helper()
	var keys []string
	for cursor := ""; ; {
		lines, next, err := w.portfolio.Workloads(w.t.Context(), who, f, cursor)
		if err != nil {
			w.t.Fatal(err)
		}
		for _, l := range lines {
			keys = append(keys, l.Key)
		}
		if cursor = next; cursor == "" {
			return keys
		}
	}
}

func want[T any](t *testing.T, what string, got, want T) {
	t.Helper()
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

func wantFault(t *testing.T, err error, kind fault.Kind, field string) {
	t.Helper()
	if fields := fault.FieldsOf(err); fault.KindOf(err) != kind || field != "" && (len(fields) != 1 || fields[0].Name != field) {
		t.Errorf("got %v, want kind %d on %q", err, kind, field)
	}
}
