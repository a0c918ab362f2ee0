package identity

import (
	"slices"

	"github.com/google/uuid"

	"orrery/internal/fault"
)

// The scopes of API tokens. A scope opens nothing that its person may not do; what no scope
// names (signing off, deciding, granting, verifying, people and roles) no token does.
const (
	ReadReviews         = "reviews:read"
	WriteWorkloads      = "workloads:write"
	WriteAnswers        = "answers:write"
	WriteItems          = "items:write"
	WriteEvidence       = "evidence:write"
	WriteIncidents      = "incidents:write"
	WriteQuestionnaires = "questionnaires:write"
	WriteWebhooks       = "webhooks:write"
	ScopeAudit          = "audit:read"
)

// ScopeRead is the name that ReadReviews had before there were others. Tokens may carry it.
const ScopeRead = "read"

// Scope is what a token may be made for.
type Scope struct {
	Name  string
	Words string // what it opens, a whole sentence
}

var scopes = []Scope{
	{ReadReviews, "Read workloads, reviews, answers, items, evidence, people and teams, and ask the launch gate."},
	{WriteWorkloads, "Create and change workloads."},
	{WriteAnswers, "Start reviews, save answers and write comments."},
	{WriteItems, "Change items and their tickets, ask for a risk to be accepted, and take that back."},
	{WriteEvidence, "Start the collection of evidence, and report facts of your own."},
	{WriteIncidents, "Write, close and open incidents again, and propose lessons."},
	{WriteQuestionnaires, "Check and import questionnaires, and judge lessons."},
	{WriteWebhooks, "Read and change webhooks, and send deliveries again."},
	{ScopeAudit, "Read the audit record."},
}

// Scopes lists the scopes in the order they are offered.
func Scopes() []Scope { return slices.Clone(scopes) }

// ServiceScopes lists what a service's token may be made for. A service answers nothing: an
// answer has an author, and four eyes counts authors.
func ServiceScopes() []Scope {
	return slices.DeleteFunc(Scopes(), func(s Scope) bool {
		return !slices.Contains([]string{ReadReviews, WriteWorkloads, WriteItems, WriteEvidence, WriteIncidents}, s.Name)
	})
}

// scopeOf names the scope that a token needs for an action. A token does nothing that is not
// listed.
var scopeOf = map[Action]string{
	CreateWorkload:  WriteWorkloads,
	EditWorkload:    WriteWorkloads,
	StartReview:     WriteAnswers,
	AnswerReview:    WriteAnswers,
	WorkItems:       WriteItems,
	AskAcceptance:   WriteItems,
	CollectEvidence: WriteEvidence,
	ReportFacts:     WriteEvidence,
	ReadAudit:       ScopeAudit,
	Curate:          WriteQuestionnaires,
	WriteIncident:   WriteIncidents,
	ProposeLesson:   WriteIncidents,
	JudgeLesson:     WriteQuestionnaires,
	ManageWebhooks:  WriteWebhooks,
}

// Scoped reports whether the actor came in person, or with a token that has the scope.
func (a Actor) Scoped(scope string) bool {
	return a.TokenID == uuid.Nil || slices.Contains(a.Scopes, scope) || scope == ReadReviews && slices.Contains(a.Scopes, ScopeRead)
}

// scoped refuses an action that the actor's token does not open.
func (a Actor) scoped(do Action) error {
	scope, listed := scopeOf[do]
	switch {
	case a.TokenID == uuid.Nil:
		return nil
	case !listed:
		return fault.New(fault.Forbidden, "%s An API token never may.", refusals[do])
	case !a.Scoped(scope):
		return fault.New(fault.Forbidden, "This token lacks the scope %s.", scope)
	}
	return nil
}

// scopes returns the chosen scopes in the order they are offered, each once. The old name of
// ReadReviews is taken for it.
func (p *problems) scopes(chosen []string, offered []Scope) []string {
	out := []string{}
	for _, s := range offered {
		if slices.Contains(chosen, s.Name) || s.Name == ReadReviews && slices.Contains(chosen, ScopeRead) {
			out = append(out, s.Name)
		}
	}
	unknown := slices.ContainsFunc(chosen, func(name string) bool {
		return name != ScopeRead && !slices.ContainsFunc(offered, func(s Scope) bool { return s.Name == name })
	})
	if unknown || len(out) == 0 {
		p.add("scopes", "Choose at least one of the scopes on the list, and no other.")
		return nil
	}
	return out
}
