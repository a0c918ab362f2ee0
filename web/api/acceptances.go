package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"orrery/internal/audit"
	"orrery/internal/identity"
	"orrery/internal/remediation"
)

// Acceptance is a risk that is lived with until a day.
type Acceptance struct {
	ID          uuid.UUID  `json:"id"`
	Workload    string     `json:"workload" doc:"Key of the workload."`
	Question    string     `json:"question" doc:"questionnaire/question"`
	Title       string     `json:"title"`
	Risk        string     `json:"risk" enum:"high,medium"`
	State       string     `json:"state" doc:"asked, granted, declined, withdrawn, revoked, replaced, ended, mended. More may be added."`
	Reason      string     `json:"reason"`
	Control     string     `json:"control" doc:"What keeps the risk small meanwhile."`
	WantedUntil string     `json:"wanted_until" format:"date"`
	Until       *string    `json:"until" format:"date" doc:"The last day; null until it is granted."`
	AskedBy     *Person    `json:"asked_by"`
	AskedAt     time.Time  `json:"asked_at"`
	JudgedBy    *Person    `json:"judged_by"`
	JudgedAt    *time.Time `json:"judged_at"`
	Note        string     `json:"note" doc:"Of whoever judged."`
	HTMLURL     string     `json:"html_url" format:"uri"`
}

type acceptancesInput struct {
	Listing
	Workload string `query:"workload" maxLength:"40" doc:"Key of a workload."`
	View     string `query:"view" enum:"asked,granted,ending,ended,all" doc:"Without it: what runs and what is asked for."`
}

type acceptanceInput struct {
	Reading
	ID string `path:"id" maxLength:"36"`
}

// NewAcceptance is what somebody asks an approver to accept.
type NewAcceptance struct {
	Question string `json:"question" maxLength:"300" doc:"questionnaire/question"`
	Reason   string `json:"reason" maxLength:"4000"`
	Control  string `json:"control" maxLength:"4000"`
	Until    string `json:"until" maxLength:"10" doc:"Year-month-day, a working day."`
}

type askInput struct {
	Writing
	Key  string `path:"key" maxLength:"40" doc:"Key of the workload."`
	Body NewAcceptance
}

// AcceptanceChange takes an acceptance back.
type AcceptanceChange struct {
	State string `json:"state" enum:"withdrawn"`
}

type changeAcceptanceInput struct {
	Editing
	ID   string `path:"id" maxLength:"36"`
	Body AcceptanceChange
}

func (s *server) acceptances(a huma.API) {
	const tag = "Acceptances"
	register(a, operation{id: "list-acceptances", method: http.MethodGet, path: "/api/v1/acceptances", scope: identity.ReadReviews, tag: tag, summary: "List acceptances of risks"}, s.listAcceptances)
	register(a, operation{id: "get-acceptance", method: http.MethodGet, path: "/api/v1/acceptances/{id}", scope: identity.ReadReviews, tag: tag, summary: "Read an acceptance"}, s.getAcceptance)
	register(a, operation{
		id: "ask-acceptance", method: http.MethodPost, path: "/api/v1/workloads/{key}/acceptances", scope: identity.WriteItems, tag: tag, status: http.StatusCreated,
		summary: "Ask for a risk to be accepted", about: "The owning team may. An approver grants or declines it in the portal; no token does.",
	}, s.askAcceptance)
	register(a, operation{
		id: "withdraw-acceptance", method: http.MethodPatch, path: "/api/v1/acceptances/{id}", scope: identity.WriteItems, tag: tag,
		summary: "Withdraw an acceptance", about: "Takes back what is asked for or runs: the risk stands again. The owning team may. Approvers revoke in the portal.",
	}, s.withdrawAcceptance)
}

func (s *server) withdrawAcceptance(ctx context.Context, in *changeAcceptanceInput) (*Written[Acceptance], error) {
	return change(ctx, s, in.Editing, edit[remediation.Acceptance, Acceptance]{
		load: func() (remediation.Acceptance, error) { return s.acceptanceOf(ctx, in.ID) },
		show: s.acceptance,
		do: func(a remediation.Acceptance) (remediation.Acceptance, error) {
			return s.Items.Withdraw(ctx, actorOf(ctx), a.ID)
		},
	})
}

func (s *server) listAcceptances(ctx context.Context, in *acceptancesInput) (*Tagged[Page[Acceptance]], error) {
	found, next, err := s.Items.Acceptances(ctx, actorOf(ctx), remediation.AcceptanceFilter{WorkloadKey: in.Workload, View: in.View, After: in.After, Limit: in.Limit})
	if err != nil {
		return nil, s.problem(ctx, err, "query")
	}
	data := make([]Acceptance, 0, len(found))
	for _, one := range found {
		data = append(data, s.acceptance(one))
	}
	return list(ctx, s, in.Listing, data, next)
}

func (s *server) acceptanceOf(ctx context.Context, id string) (remediation.Acceptance, error) {
	known, err := pathID(id, "acceptance")
	if err != nil {
		return remediation.Acceptance{}, err
	}
	return s.Items.Acceptance(ctx, actorOf(ctx), known)
}

func (s *server) loadAcceptance(ctx context.Context, id string) (Acceptance, error) {
	a, err := s.acceptanceOf(ctx, id)
	return s.acceptance(a), err
}

func (s *server) getAcceptance(ctx context.Context, in *acceptanceInput) (*Tagged[Acceptance], error) {
	a, err := s.loadAcceptance(ctx, in.ID)
	if err != nil {
		return nil, s.problem(ctx, err, "path")
	}
	return show(ctx, s, in.Reading, a)
}

func (s *server) askAcceptance(ctx context.Context, in *askInput) (*Written[Acceptance], error) {
	b := in.Body
	return write(ctx, s, writing[Acceptance]{
		do: func() (Acceptance, error) {
			id, err := s.Reviews.AskAcceptance(ctx, actorOf(ctx), in.Key, b.Question, remediation.AskInput{Reason: b.Reason, Control: b.Control, Until: b.Until})
			if err != nil {
				return Acceptance{}, err
			}
			return s.loadAcceptance(ctx, id.String())
		},
		again: func(did audit.Did) (Acceptance, error) { return s.loadAcceptance(ctx, did.TargetID) },
		at:    func(a Acceptance) string { return "/api/v1/acceptances/" + a.ID.String() },
	})
}

func (s *server) acceptance(a remediation.Acceptance) Acceptance {
	asker := a.AskedBy
	return Acceptance{
		ID: a.ID, Workload: a.WorkloadKey, Question: a.Question, Title: a.Title, Risk: a.Risk, State: a.StateAt(s.Now()), Reason: a.Reason, Control: a.Control,
		WantedUntil: a.WantedUntil.Format(time.DateOnly), Until: date(a.Until), AskedBy: somebody(known(asker), a.AskedByName), AskedAt: a.AskedAt.UTC(),
		JudgedBy: somebody(a.JudgedBy, a.JudgedByName), JudgedAt: utc(a.JudgedAt), Note: a.Note, HTMLURL: s.html(a.Path()),
	}
}
