// Package identity holds the people: who they are, which teams and roles they have, how
// they sign in, and what they may do.
package identity

import (
	"slices"

	"github.com/google/uuid"

	"orrery/internal/fault"
)

// TeamRole is a person's place in a team.
type TeamRole string

// The roles in a team.
const (
	Lead   TeamRole = "lead"
	Member TeamRole = "member"
)

// OrgRole is a role in the whole organisation.
type OrgRole string

// The roles in the organisation.
const (
	Admin   OrgRole = "admin"   // invites people, makes teams, gives roles; is not above four eyes
	Curator OrgRole = "curator" // edits questionnaires and review types
	Auditor OrgRole = "auditor" // reads everything, also what is restricted, and the audit record
)

// GrantKind is what a grant lets a person do, on one workload or on all; a participant is one of
// a workload only.
type GrantKind string

// The kinds of grants.
const (
	Approver    GrantKind = "approver"    // signs off and decides
	Facilitator GrantKind = "facilitator" // challenges answers
	Participant GrantKind = "participant" // reads what is restricted, and raw findings
)

// Membership is the actor's place in one team.
type Membership struct {
	TeamID uuid.UUID
	Role   TeamRole
}

// Grant is something the actor may do on one workload, or on all when WorkloadID is nil.
// SelfGiven grants open nothing: a role one gave oneself does not count.
type Grant struct {
	Kind       GrantKind
	WorkloadID uuid.UUID // uuid.Nil: the whole organisation
	SelfGiven  bool
}

// Actor is who asks: a person in a browser, a person's token, or a named part of the
// system. It is loaded afresh for each request, so a role that was taken away is gone.
type Actor struct {
	PersonID  uuid.UUID
	Name      string
	Email     string
	System    string    // the name of a system actor; PersonID is then nil
	TokenID   uuid.UUID // set when the request came with an API token
	Scopes    []string  // the token's scopes
	Roles     []OrgRole
	Teams     []Membership
	Grants    []Grant
	RequestID string
	Service   bool // a service of a team, no person: it never signs in and never judges
	Once      Once // how a repeat of the request is known
}

// Once names a request of a program, so that a repeat of it is not a second act. Without a
// key nothing is kept.
type Once struct {
	Key     string    // as the program chose it
	Request []byte    // SHA-256 of what it asks
	Attempt uuid.UUID // of this try alone
}

// SystemActor is a named part of the program that acts by itself, with no person's rights.
func SystemActor(name string) Actor { return Actor{System: name} }

// Target is what is acted on: always the facts of the stored row, never of the input.
type Target struct {
	WorkloadID uuid.UUID
	TeamID     uuid.UUID
	Restricted bool
}

// Is reports whether the actor has the role in the organisation.
func (a Actor) Is(r OrgRole) bool { return slices.Contains(a.Roles, r) }

// InTeam reports whether the actor is in the team, as lead or member.
func (a Actor) InTeam(team uuid.UUID) bool {
	return slices.ContainsFunc(a.Teams, func(m Membership) bool { return m.TeamID == team })
}

// Leads reports whether the actor is a lead of the team.
func (a Actor) Leads(team uuid.UUID) bool {
	return slices.Contains(a.Teams, Membership{TeamID: team, Role: Lead})
}

// Has reports whether the actor holds a grant of the kind on the workload or on all, by
// somebody else's word: a grant one gave oneself opens nothing.
func (a Actor) Has(k GrantKind, workload uuid.UUID) bool {
	return slices.ContainsFunc(a.Grants, func(g Grant) bool {
		return g.Kind == k && !g.SelfGiven && (g.WorkloadID == uuid.Nil || g.WorkloadID == workload)
	})
}

// Approves reports whether the actor may judge the workload: an approver by somebody
// else's word. A token never judges.
func (a Actor) Approves(workload uuid.UUID) bool {
	return a.TokenID == uuid.Nil && a.Has(Approver, workload)
}

// CanRead reports whether the actor may see the target at all. Anyone signed in reads
// what is not restricted; a restricted workload is seen by its team, by holders of a
// grant on it, participants among them, and by auditors. Who may not read gets "not found".
func (a Actor) CanRead(t Target) bool {
	if !t.Restricted {
		return a.PersonID != uuid.Nil || a.System != ""
	}
	return a.System != "" || a.InTeam(t.TeamID) || a.Is(Auditor) ||
		a.Has(Approver, t.WorkloadID) || a.Has(Facilitator, t.WorkloadID) || a.Has(Participant, t.WorkloadID)
}

// CanReadFindings reports whether the actor may see raw findings: the team, holders of a
// grant on the workload, and auditors.
func (a Actor) CanReadFindings(t Target) bool {
	t.Restricted = true
	return a.CanRead(t)
}

// Action is something an actor may or may not do.
type Action int

// The actions. Each line says who may.
const (
	ManagePeople      Action = iota // admins
	CreateWorkload                  // members of the owning team, admins
	EditWorkload                    // members of the owning team
	LowerTier                       // approvers of the workload
	StartReview                     // members of the owning team
	AnswerReview                    // members of the owning team
	SubmitReview                    // members of the owning team
	Judge                           // approvers by somebody else's word, never by token
	CollectEvidence                 // members of the owning team, approvers and facilitators of the workload
	WorkItems                       // members of the owning team
	VerifyItem                      // members of the owning team, approvers and facilitators of the workload
	ReadAudit                       // auditors, admins
	Curate                          // curators
	AskAcceptance                   // members of the owning team
	GrantAcceptance                 // approvers by somebody else's word, never by token
	RetireWorkload                  // leads of the owning team, admins
	MoveWorkload                    // leads of the owning team, admins
	CancelReview                    // leads of the owning team
	CloseItem                       // leads of the owning team
	MarkQuestions                   // any person
	RecordElsewhere                 // members of the owning team, admins
	ManageConnections               // admins
	ManageWebhooks                  // admins
	ReportFacts                     // members of the owning team
	LendAccount                     // leads of the team that owns the account, admins
	WriteIncident                   // members of the team of one of its workloads
	ProposeLesson                   // any person
	JudgeLesson                     // curators
	AnswerFollowUp                  // members of the owning team
)

var refusals = map[Action]string{
	ManagePeople:    "Only an admin may change people, teams and roles.",
	CreateWorkload:  "Only a member of the owning team or an admin may create its workloads.",
	EditWorkload:    "Only a member of the owning team may change this workload.",
	LowerTier:       "Lowering the tier needs an approver of this workload.",
	StartReview:     "Only a member of the owning team may start a review.",
	AnswerReview:    "Only a member of the owning team may answer this review.",
	SubmitReview:    "Only a member of the owning team may submit or withdraw this review.",
	Judge:           "Only an approver of this workload, made so by somebody else, may sign off or decide.",
	CollectEvidence: "Only the owning team and the workload's approvers and facilitators may collect evidence.",
	WorkItems:       "Only a member of the owning team may change this item.",
	VerifyItem:      "Only the owning team and the workload's approvers and facilitators may verify this item.",
	ReadAudit:       "Only an auditor or an admin may read the audit record.",
	Curate:          "Only a curator may write and import questionnaires, and change review types.",
	AskAcceptance:   "Only a member of the owning team may ask for a risk to be accepted, or withdraw what it asked.",
	GrantAcceptance: "Only an approver of this workload, made so by somebody else, may grant, decline or revoke an acceptance.",
	RetireWorkload:  "Only a lead of the owning team or an admin may retire this workload or bring it back.",
	MoveWorkload:    "Only a lead of the owning team or an admin may move this workload to another team.",
	CancelReview:    "Only a lead of the owning team may cancel this review.",
	CloseItem:       "Only a lead of the owning team may close this item.",
	MarkQuestions:   "Only a person who is signed in may mark questions.",
	RecordElsewhere: "Only a member of the owning team or an admin may record a decision made elsewhere.",

	ManageConnections: "Only an admin may change connections to AWS, trackers and the policy of due days.",
	ManageWebhooks:    "Only an admin may see and change webhooks.",
	ReportFacts:       "Only a member of the owning team may report facts on this workload.",
	LendAccount:       "Only a lead of the team that owns the account or an admin may allow workloads of other teams to name it.",
	WriteIncident:     "Only members of the teams of its workloads may write this incident.",
	ProposeLesson:     "Only a person who is signed in may propose a lesson.",
	JudgeLesson:       "Only a curator may judge lessons.",
	AnswerFollowUp:    "Only a member of the owning team may answer this question.",
}

// May answers whether the actor may do the action to the target: nil, or a Forbidden
// fault that says who may. It does not hide anything; ask CanRead first.
func (a Actor) May(do Action, t Target) error {
	if err := a.scoped(do); err != nil {
		return err
	}
	if a.allowed(do, t) {
		return nil
	}
	return fault.New(fault.Forbidden, "%s", refusals[do])
}

func (a Actor) allowed(do Action, t Target) bool {
	switch do {
	case ManagePeople, ManageConnections, ManageWebhooks:
		return a.Is(Admin)
	case CreateWorkload, RecordElsewhere:
		return a.InTeam(t.TeamID) || a.Is(Admin)
	case EditWorkload, StartReview, AnswerReview, SubmitReview, WorkItems, AskAcceptance, WriteIncident, AnswerFollowUp, ReportFacts:
		return a.InTeam(t.TeamID)
	case LowerTier, Judge, GrantAcceptance:
		return a.Approves(t.WorkloadID)
	case CollectEvidence, VerifyItem:
		return a.InTeam(t.TeamID) || a.Has(Approver, t.WorkloadID) || a.Has(Facilitator, t.WorkloadID)
	case ReadAudit:
		return a.Is(Auditor) || a.Is(Admin)
	case Curate, JudgeLesson:
		return a.Is(Curator)
	case RetireWorkload, MoveWorkload, LendAccount:
		return a.Leads(t.TeamID) || a.Is(Admin)
	case CancelReview, CloseItem:
		return a.Leads(t.TeamID)
	case MarkQuestions, ProposeLesson:
		return a.PersonID != uuid.Nil
	}
	return false
}
