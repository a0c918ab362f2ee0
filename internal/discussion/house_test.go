package discussion_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"orrery/internal/discussion"
	"orrery/internal/fault"
	"orrery/internal/identity"
	"orrery/internal/postgres/pgtest"
	"orrery/internal/questionnaire"
	"orrery/questionnaires"
)

// house is a database with a team, a review of its workload, and people around it.
type house struct {
	*testing.T
	db                         *pgxpool.Pool
	talk                       *discussion.Service
	clock                      time.Time
	asha, mika                 identity.Actor // of the team; Asha leads it
	fay, noor                  identity.Actor // facilitator, approver of everything, outside the team
	vera, tomas                identity.Actor // somebody else; of another team
	token                      identity.Actor // a token of Asha's that may write
	team, workload             uuid.UUID
	review, round              uuid.UUID
	question, item, wholeThing string // ids of targets
}

func newHouse(t *testing.T, restricted bool) *house {
	t.Helper()
	h := &house{T: t, db: pgtest.New(t), clock: time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)}
	now := func() time.Time { return h.clock }
	library := questionnaire.NewLibrary(h.db, now)
	if _, err := library.LoadShipped(t.Context(), questionnaires.FS); err != nil {
		t.Fatal(err)
	}
	h.talk = discussion.NewService(h.db, library, now)
	h.team = h.newTeam("ledger", "Ledger")
	h.asha, h.mika = h.person("Asha Rao", h.team), h.person("Mika Laine", h.team)
	h.asha.Teams[0].Role = identity.Lead
	h.fay, h.noor, h.vera = h.person("Fay Okoro", uuid.Nil), h.person("Noor Haddad", uuid.Nil), h.person("Vera Lind", uuid.Nil)
	h.tomas = h.person("Tomas Berg", h.newTeam("search", "Search"))
	h.grant(&h.fay, identity.Facilitator)
	h.grant(&h.noor, identity.Approver)
	h.token = h.asha
	h.token.TokenID, h.token.Scopes = uuid.Must(uuid.NewV7()), []string{identity.ReadReviews}
	h.build(restricted)
	return h
}

// build lays down the workload, its review with one question, and an item.
func (h *house) build(restricted bool) {
	h.Helper()
	h.workload, h.review, h.round = uuid.Must(uuid.NewV7()), uuid.Must(uuid.NewV7()), uuid.Must(uuid.NewV7())
	item := uuid.Must(uuid.NewV7())
	h.exec(`insert into workloads (id, key, name, description, team_id, tier, stage, restricted, created_at, updated_at)
		values ($1, 'payments', 'Payments', '', $2, 2, 'live', $3, $4, $4)`, h.workload, h.team, restricted, h.clock)
	h.exec(`insert into review_types (key, name, description, questionnaires, gates_launch, gate_mode, valid_days, signoffs)
		values ('new-service', 'New service', '', '{orr}', true, 'advise', 365, '{2,1,1}')`)
	h.exec(`insert into reviews (id, workload_id, type_key, change_key, change_title, change_ticket, state, core_path, gates_launch, valid_days, signoffs, tier, started_at)
		values ($1, $2, 'new-service', '', '', '', 'open', true, true, 365, 1, 2, $3)`, h.review, h.workload, h.clock)
	h.exec(`insert into review_questionnaires (review_id, position, questionnaire_key, version_id)
		select $1, 0, 'orr', id from questionnaire_versions where questionnaire_key = 'orr'`, h.review)
	h.exec(`insert into rounds (id, review_id, number, state, opened_at) values ($1, $2, 1, 'draft', $3)`, h.round, h.review, h.clock)
	h.exec(`insert into answers (round_id, version_id, question_id, position, required)
		select $1, id, 'quotas', 0, true from questionnaire_versions where questionnaire_key = 'orr'`, h.round)
	h.exec(`insert into items (id, workload_id, cause_kind, cause_key, title, detail, risk, timing, href, owner_id, due_on, state, resolution, opened_at)
		values ($1, $2, 'manual', 'x', 'Mend it', '', 'none', '', '/', $3, '2026-12-01', 'open', '', $4)`, item, h.workload, h.asha.PersonID, h.clock)
	h.question, h.item, h.wholeThing = discussion.QuestionID(h.review, "orr", "quotas"), item.String(), h.review.String()
}

func (h *house) exec(sql string, args ...any) {
	h.Helper()
	if _, err := h.db.Exec(context.Background(), sql, args...); err != nil {
		h.Fatal(err)
	}
}

func (h *house) newTeam(key, name string) uuid.UUID {
	id := uuid.Must(uuid.NewV7())
	h.exec(`insert into teams (id, key, name, created_at) values ($1, $2, $3, $4)`, id, key, name, h.clock)
	return id
}

func (h *house) person(name string, team uuid.UUID) identity.Actor {
	who := identity.Actor{PersonID: uuid.Must(uuid.NewV7()), Name: name}
	first, _, _ := strings.Cut(strings.ToLower(name), " ")
	h.exec(`insert into people (id, email, name, created_at) values ($1, $2, $3, $4)`, who.PersonID, first+"@example.org", name, h.clock)
	if team != uuid.Nil {
		h.exec(`insert into memberships (team_id, person_id, role, granted_at) values ($1, $2, 'member', $3)`, team, who.PersonID, h.clock)
		who.Teams = []identity.Membership{{TeamID: team, Role: identity.Member}}
	}
	return who
}

func (h *house) grant(who *identity.Actor, kind identity.GrantKind) {
	h.exec(`insert into grants (id, person_id, kind, granted_by, granted_at) values ($1, $2, $3, $4, $5)`,
		uuid.Must(uuid.NewV7()), who.PersonID, kind, h.vera.PersonID, h.clock)
	who.Grants = append(who.Grants, identity.Grant{Kind: kind})
}

// submit and the like move the round as the review room would.
func (h *house) submit() {
	h.exec(`update rounds set state = 'submitted', content = '', content_sha256 = '', submitted_by = $2, submitted_at = $3 where id = $1`, h.round, h.asha.PersonID, h.clock)
}

func (h *house) seal() {
	h.exec(`update rounds set state = 'sealed' where id = $1`, h.round)
	next := uuid.Must(uuid.NewV7())
	h.exec(`insert into rounds (id, review_id, number, state, opened_at) values ($1, $2, 2, 'draft', $3)`, next, h.review, h.clock)
	h.exec(`insert into answers (round_id, version_id, question_id, position, required) select $1, version_id, question_id, position, required from answers where round_id = $2`, next, h.round)
}

func (h *house) wants(what string, err error, k fault.Kind, words string) {
	h.Helper()
	said := fault.MessageOf(err)
	for _, f := range fault.FieldsOf(err) {
		said += " " + f.Name + ": " + f.Message
	}
	if !fault.Is(err, k) || !strings.Contains(said, words) {
		h.Errorf("%s: got %v (%s), want kind %d with %q", what, err, said, k, words)
	}
}

func (h *house) fine(what string, err error) {
	h.Helper()
	if err != nil {
		h.Fatalf("%s: %v", what, err)
	}
}

// start begins a thread on the question and returns thread and comment.
func (h *house) start(who identity.Actor, in discussion.Input) (thread, comment uuid.UUID) {
	h.Helper()
	comment, err := h.talk.Start(h.Context(), who, discussion.OnQuestion, h.question, in)
	h.fine("start", err)
	for _, one := range h.read(h.asha).Threads {
		for _, c := range one.Comments {
			if c.ID == comment {
				return one.ID, comment
			}
		}
	}
	h.Fatal("the thread is not there")
	return
}

// read is the talk about the question as who sees it.
func (h *house) read(who identity.Actor) discussion.Talk {
	h.Helper()
	t, err := h.talk.Target(h.Context(), who, discussion.OnQuestion, h.question)
	h.fine("target", err)
	talk, err := h.talk.Talk(h.Context(), who, t)
	h.fine("talk", err)
	return talk
}

func (h *house) thread(who identity.Actor, id uuid.UUID) discussion.Thread {
	h.Helper()
	for _, one := range h.read(who).Threads {
		if one.ID == id {
			return one
		}
	}
	h.Fatal("no such thread")
	return discussion.Thread{}
}

func (h *house) count(sql string, args ...any) (n int) {
	h.Helper()
	h.fine("count", h.db.QueryRow(context.Background(), sql, args...).Scan(&n))
	return n
}
