package api

import (
	"cmp"
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"orrery/internal/identity"
	"orrery/internal/review"
)

// Gate is the answer of the launch gate.
type Gate struct {
	Status     string     `json:"status" enum:"go,conditional,hold,unknown" doc:"May this launch? hold: no, see blockers. unknown: nobody ever asked."`
	Mode       string     `json:"mode" enum:"advise,enforce" doc:"What a pipeline should do with the answer."`
	Workload   string     `json:"workload" doc:"Key of the workload."`
	Change     string     `json:"change,omitempty" doc:"Key of the change, when one was asked about."`
	Decision   *string    `json:"decision" enum:"go,conditional,no_go,emergency,decided_elsewhere,revoked" doc:"What governs the launch: the outcome of a decision, an emergency go, a decision made before Orrery, or a decision that was revoked; null when there is none."`
	DecidedAt  *time.Time `json:"decided_at"`
	ValidUntil *time.Time `json:"valid_until"`
	Review     *string    `json:"review" doc:"Address of the governing review, or of the open one."`
	ReviewID   *uuid.UUID `json:"review_id"`
	Content    *string    `json:"content_sha256" doc:"Hash of the content that was decided."`
	Blockers   []Reason   `json:"blockers" nullable:"false"`
	Warnings   []Reason   `json:"warnings" nullable:"false"`
	AsOf       time.Time  `json:"as_of" doc:"When this was computed."`
	HTMLURL    string     `json:"html_url" format:"uri" doc:"Page of the governing review, or of the workload."`
}

// Reason is one thing that holds a launch, or should be known before it.
type Reason struct {
	Code     string  `json:"code" doc:"Stable code: never_reviewed, not_decided, no_go, revoked, expired, emergency_ended, emergency, decided_elsewhere, decision_in_grace, decision_ends_soon, condition_before_launch, condition_after_launch, condition_overdue, high_open, high_overdue, risk_accepted, acceptance_ending, acceptance_ended, tier_raised, retired. More may be added."`
	Message  string  `json:"message"`
	Question *string `json:"question" doc:"questionnaire/question, when it is about one."`
	Item     *string `json:"item" doc:"Id of the item, when it is about one."`
	URL      string  `json:"url"`
}

type launchInput struct {
	Reading
	Key    string `path:"key" maxLength:"40" doc:"Key of the workload; an old key works too."`
	Change string `query:"change" maxLength:"80" doc:"Key of a change; without it the whole workload is asked about."`
}

type launchOutput struct {
	ETag         string `header:"ETag"`
	CacheControl string `header:"Cache-Control"`
	Body         Gate
}

// launch registers the launch gate.
func (s *server) launch(a huma.API) {
	register(a, operation{
		id: "get-launch-gate", method: http.MethodGet, path: "/api/v1/workloads/{key}/launch", scope: identity.ReadReviews, tag: "Launch gate",
		summary: "May this workload launch?", about: "Answers 200 whatever the answer is: read status. The ETag covers everything but as_of.",
	}, s.getLaunch)
}

func (s *server) getLaunch(ctx context.Context, in *launchInput) (*launchOutput, error) {
	if err := review.CheckChangeKey(in.Change); err != nil {
		return nil, s.problem(ctx, err, "query")
	}
	g, err := s.Reviews.Launch(ctx, actorOf(ctx), in.Key, in.Change)
	if err != nil {
		return nil, s.problem(ctx, err, "path")
	}
	body := gateOf(g, in)
	body.HTMLURL = cmp.Or(g.ReviewURL, s.html("/workloads/"+in.Key))
	tag, err := etag(body)
	if err != nil {
		return nil, s.problem(ctx, err, "")
	}
	if matches(in.IfNoneMatch, tag) {
		return nil, huma.ErrorWithHeaders(huma.Status304NotModified(), http.Header{"Etag": {tag}, "Cache-Control": {"no-cache"}})
	}
	return &launchOutput{ETag: tag, CacheControl: "no-cache", Body: body}, nil
}

func gateOf(g review.Gate, in *launchInput) Gate {
	out := Gate{
		Status: g.Status, Mode: g.Mode, Workload: in.Key, Change: in.Change, DecidedAt: g.DecidedAt, ValidUntil: g.ValidUntil,
		Decision: present(g.Decision), Review: present(g.ReviewURL), Content: present(g.Content),
		Blockers: reasons(g.Blockers), Warnings: reasons(g.Warnings), AsOf: g.AsOf.UTC(),
	}
	if g.Review != uuid.Nil {
		out.ReviewID = &g.Review
	}
	return out
}

func reasons(list []review.GateReason) []Reason {
	out := make([]Reason, 0, len(list))
	for _, r := range list {
		out = append(out, Reason{Code: r.Code, Message: r.Message, Question: present(r.Question), Item: present(r.Item), URL: r.URL})
	}
	return out
}

// etag is a strong tag over the answer without the time it was computed at.
func etag(g Gate) (string, error) {
	g.AsOf = time.Time{}
	return tagOf(g)
}
