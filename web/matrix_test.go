package web_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"orrery/internal/discussion"
	"orrery/internal/evidence"
	"orrery/internal/fault"
	"orrery/internal/identity"
	"orrery/internal/incident"
	"orrery/internal/remediation"
	"orrery/internal/review"
	"orrery/internal/workload"
)

// The roles of the matrix. Lead and member are of the team that owns the first workload;
// chief approves everything and is facilitator of nothing; approver approves the first
// workload alone; self is an admin who made herself approver, which opens nothing; token is
// an API token of the lead that may only read.
const roles = "lead member approver chief facilitator participant curator auditor admin self outsider token"

// everybody are the roles but the token.
const everybody = "lead member approver chief facilitator participant curator auditor admin self outsider"

// place is one column of the matrix: a workload with something of every kind in it.
type place struct {
	name                            string // own, other or restricted, as the lead and the member see it
	w                               workload.Workload
	host                            identity.Actor // who made it all
	sheet                           review.Sheet
	entry                           review.Entry // answered with a high
	comment, thread, file, toRemove uuid.UUID
	item, acceptance, run, outside  uuid.UUID
	connection                      evidence.Connection // of an account of the team
	incident                        uuid.UUID           // closed
	lesson                          uuid.UUID           // proposed
	followUp                        uuid.UUID           // open
}

func (p *place) review() uuid.UUID { return p.sheet.Review.ID }

// rule says who gets through, by column: roles with spaces between, "all" for all of them.
type rule struct{ own, other, restricted string }

// The rules that the services keep, in the order of strictness. They are written here a second time on
// purpose: the matrix compares them with what the program does.
var (
	anyone         = rule{"all", "all", "all"}
	readers        = rule{"all", "all", readsRestricted}
	people         = rule{everybody, everybody, readsRestricted}
	persons        = rule{people.own, people.own, people.own}
	insiders       = rule{"lead member approver chief facilitator participant auditor token", readsRestricted, readsRestricted}
	team           = rule{"lead member", "", ""}
	teamOrAdmin    = rule{"lead member admin self", "admin self", ""}
	leads          = rule{"lead", "", ""}
	leadsOrAdmin   = rule{"lead admin self", "admin self", ""}
	approvers      = rule{"approver chief", "chief", "chief"}
	helpers        = rule{"lead member approver chief facilitator", "chief facilitator", "chief facilitator"}
	creators       = rule{"lead member admin self", "lead member admin self", "lead member admin self"} // with a team of their own, or any
	settlers       = rule{"lead member facilitator", "facilitator", "facilitator"}
	curators       = rule{"curator", "curator", "curator"}
	auditors       = rule{"auditor admin self", "auditor admin self", "auditor admin self"}
	admins         = rule{"admin self", "admin self", "admin self"}
	seers          = rule{"lead member auditor admin self token", "auditor admin self", "auditor admin self"} // of a connection
	lenders        = rule{"lead admin self", "admin self", "admin self"}
	leadsAndAdmins = rule{"lead admin self", "admin self", "admin self"} // of a team that everybody knows
	unsaid         = rule{"", "", " "}                                   // nobody of the roles; a restricted workload hides it as well
	nobody         = rule{}
	lessonReaders  = rule{"all", "all", readsRestricted + " curator"} // of one that is proposed
	judges         = rule{"curator", "curator", " curator"}           // the restricted one is hidden from those who may not
)

// readsRestricted are the roles that know of a restricted workload of another team.
const readsRestricted = "chief facilitator participant auditor"

// lets says whether the role gets through in the column.
func (r rule) lets(role, column string) bool {
	list := map[string]string{"own": r.own, "other": r.other, "restricted": r.restricted}[column]
	return list == "all" || slices.Contains(strings.Fields(list), role)
}

// want is what a refused role is told: what it may not read does not exist.
func (r rule) want(name, role, column string) fault.Kind {
	if slices.Contains([]string{"workload.Create", "notify.Channel", "notify.SaveChannel"}, name) || strings.HasSuffix(name, "ServiceToken") || strings.HasSuffix(name, "ServiceTokens") {
		return fault.Forbidden // there is nothing yet that could be hidden, and everybody knows the teams
	}
	if column == "restricted" && !slices.Contains(strings.Fields(readsRestricted), role) && r.restricted != r.own {
		return fault.NotFound
	}
	return fault.Forbidden
}

// house is a portal with the three columns and all roles.
type house struct {
	*site
	places   []*place
	browsers map[string]*browser
	actors   map[string]identity.Actor
}

func newHouse(t *testing.T) *house {
	t.Helper()
	h := &house{site: newSite(t), browsers: map[string]*browser{}, actors: map[string]identity.Actor{}}
	h.publish()
	h.openDoor()
	h.Clock.pass(-48 * time.Hour)
	own := h.team("ledger", "Ledger")
	h.places = []*place{h.furnish("own", "payments", own, false), h.furnish("other", "stock", h.team("depot", "Depot"), false), h.furnish("restricted", "vault", h.team("safe", "Safe"), true)}
	h.Clock.pass(48 * time.Hour) // comments can no longer be edited by who wrote them
	h.admit(own)
	return h
}

// admit lets somebody in for every role.
func (h *house) admit(own identity.Team) {
	h.Helper()
	for role, in := range map[string]identity.InviteInput{
		"lead":        {Teams: []identity.Membership{{TeamID: own.ID, Role: identity.Lead}}},
		"member":      {Teams: []identity.Membership{{TeamID: own.ID, Role: identity.Member}}},
		"approver":    {Grants: []identity.GrantInput{{Kind: identity.Approver, WorkloadID: h.places[0].w.ID}}},
		"chief":       {Grants: []identity.GrantInput{{Kind: identity.Approver}}},
		"facilitator": {Grants: []identity.GrantInput{{Kind: identity.Facilitator}}},
		"participant": {},
		"curator":     {Roles: []identity.OrgRole{identity.Curator}},
		"auditor":     {Roles: []identity.OrgRole{identity.Auditor}},
		"admin":       {Roles: []identity.OrgRole{identity.Admin}},
		"outsider":    {},
	} {
		_, b := h.person(strings.ToUpper(role[:1])+role[1:]+" Person", in)
		h.browsers[role], h.actors[role] = b, b.actor()
	}
	for _, p := range h.places { // takes part everywhere
		if _, err := h.Workloads.AddParticipant(h.Context(), p.host, p.w.ID, "participant@example.org"); err != nil {
			h.Fatal(err)
		}
	}
	h.actors["participant"] = h.browsers["participant"].actor()
	if err := h.Identity.Grant(h.Context(), h.admin(), h.admin().PersonID, identity.GrantInput{Kind: identity.Approver}); err != nil {
		h.Fatal(err)
	}
	h.browsers["self"], h.actors["self"] = h.Ada, h.admin()
	_, secret, err := h.Identity.CreateToken(h.Context(), h.actors["lead"], "reader", []string{"read"}, 24*time.Hour)
	if err != nil {
		h.Fatal(err)
	}
	if h.actors["token"], err = h.Identity.ActorByToken(h.Context(), secret); err != nil {
		h.Fatal(err)
	}
}

var accountsOfPlaces = map[string]string{"own": "111111111111", "other": "222222222222", "restricted": "333333333333"}

// furnish makes a workload with an open review, a high answer, and one of everything that a
// workload may have, by somebody of its team who is none of the roles.
func (h *house) furnish(name, key string, team identity.Team, restricted bool) *place {
	h.Helper()
	must := func(err error) {
		h.Helper()
		if err != nil {
			h.Fatal(err)
		}
	}
	_, b := h.person("Host "+key, identity.InviteInput{Email: key + "@example.org", Teams: []identity.Membership{{TeamID: team.ID, Role: identity.Lead}}})
	host, ctx := b.actor(), h.Context()
	p := &place{name: name, w: h.workload(key, key, team.Key, restricted), host: host}
	r, err := h.Reviews.Start(ctx, host, p.w.ID, review.StartInput{Type: "new-service"})
	must(err)
	p.sheet, err = h.Reviews.Sheet(ctx, host, r.ID)
	must(err)
	p.entry = p.sheet.Entries()[0]
	_, err = h.Reviews.SaveAnswer(ctx, host, review.AnswerInput{ReviewID: r.ID, Questionnaire: p.entry.Questionnaire, QuestionID: p.entry.Question.ID, Unknown: true})
	must(err)
	on := discussion.QuestionID(r.ID, p.entry.Questionnaire, p.entry.Question.ID)
	p.comment, err = h.Talk.Start(ctx, host, discussion.OnQuestion, on, discussion.Input{Body: "Why so?"})
	must(err)
	must(h.DB.QueryRow(ctx, `select thread_id from comments where id = $1`, p.comment).Scan(&p.thread))
	p.file, err = h.Talk.AddFile(ctx, host, discussion.OnQuestion, on, "kept.txt", []byte("a file\n"), discussion.Brought{Dated: "2026-11-01"})
	must(err)
	p.toRemove, err = h.Talk.AddFile(ctx, host, discussion.OnQuestion, on, "gone.txt", []byte("another file\n"), discussion.Brought{Dated: "2026-11-01"})
	must(err)
	p.acceptance, err = h.Reviews.AskAcceptance(ctx, host, key, p.entry.Key(), remediation.AskInput{Reason: "It comes in spring.", Control: "We watch it daily.", Until: "2027-01-29"})
	must(err)
	p.outside, err = h.Reviews.RecordOutside(ctx, host, p.w.ID, review.OutsideInput{Outcome: review.Go, DecidedOn: "2026-11-02", DecidedBy: "The board", ValidUntil: "2027-03-01", Note: "In the old tool.", FileName: "old.pdf", File: []byte("%PDF-1.7 an old record\n")})
	must(err)
	must(pgx.BeginFunc(ctx, h.DB, func(tx pgx.Tx) (err error) {
		p.item, err = remediation.OpenItem(ctx, tx, host, remediation.Opening{WorkloadID: p.w.ID, CauseKind: remediation.CauseQuestion, CauseKey: "orr/x", Title: "Mend it", Risk: "high", OwnerID: host.PersonID, DueOn: h.Clock.now().AddDate(0, 0, 9)}, h.Clock.now())
		return err
	}))
	_, err = h.Items.Change(ctx, host, p.item, remediation.Change{Version: 1, OwnerID: host.PersonID.String(), DueOn: h.Clock.now().AddDate(0, 0, 9).Format(time.DateOnly), State: "done", Resolution: "Mended."})
	must(err)
	_, err = h.Workloads.Update(ctx, host, p.w.ID, p.w.Version, workload.Input{Key: key, Name: key, TeamKey: team.Key, Tier: 2, Stage: workload.Live, Restricted: restricted,
		Accounts: []string{"123456789012"}, Regions: []string{"eu-west-1"}})
	must(err)
	i, err := h.Incidents.Create(ctx, host, incident.Input{Title: "It failed", Severity: "2", Workloads: []string{key}, Summary: "It failed.", Impact: "Nobody could pay.", Causes: []string{"Drift."},
		Started: "2026-11-01T10:00", Detected: "2026-11-01T10:00", Mitigated: "2026-11-01T10:00", Resolved: "2026-11-01T10:00"})
	must(err)
	i, err = h.Incidents.Close(ctx, host, i.ID, i.Version)
	must(err)
	p.incident = i.ID
	l, err := h.Incidents.Propose(ctx, host, i.ID, incident.LessonInput{Title: "Look for drift", Failure: "Drift.", Kind: incident.NewQuestion, Proposal: "How do you find drift?", MaxRisk: "high",
		Practices: []incident.Practice{{Title: "We look daily.", Effect: incident.Prevented}}})
	must(err)
	p.lesson, p.followUp = l.ID, uuid.Must(uuid.NewV7())
	_, err = h.DB.Exec(ctx, `insert into follow_ups (id, lesson_id, workload_id, version_id, set_key, question_id, asked_on, due_on, state)
		select $1, $2, $3, v.id, v.questionnaire_key, $4, '2026-11-01', '2026-12-01', 'open' from questionnaire_versions v where v.questionnaire_key = $5`,
		p.followUp, p.lesson, p.w.ID, p.entry.Question.ID, p.entry.Questionnaire)
	must(err)
	run, _, err := h.Evidence.StartRun(ctx, host, p.w.ID)
	must(err)
	p.run = run.ID
	p.connection, err = h.Evidence.AddConnection(ctx, h.admin(), evidence.ConnectionInput{Account: accountsOfPlaces[name], Name: key, TeamKey: team.Key, Mode: evidence.DefaultChain, Sources: evidence.Sources()})
	must(err)
	p.w, err = h.Workloads.ByKey(ctx, host, key)
	must(err)
	return p
}
