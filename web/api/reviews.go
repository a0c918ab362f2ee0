package api

import (
	"context"
	"encoding/hex"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"orrery/internal/audit"
	"orrery/internal/identity"
	"orrery/internal/portfolio"
	"orrery/internal/review"
)

// Review is one review type on one subject, with its newest round.
type Review struct {
	ID             uuid.UUID `json:"id"`
	Workload       string    `json:"workload" doc:"Key of the workload."`
	Type           string    `json:"type" doc:"Key of the review type."`
	TypeName       string    `json:"type_name"`
	Change         *Change   `json:"change" doc:"Null: the whole workload is reviewed."`
	State          string    `json:"state" enum:"open,closed,cancelled"`
	Tier           int       `json:"tier"`
	GatesLaunch    bool      `json:"gates_launch"`
	SignoffsNeeded int       `json:"sign_offs_needed"`
	ValidDays      int       `json:"valid_days"`
	StartedBy      string    `json:"started_by"`
	StartedAt      time.Time `json:"started_at"`
	Round          Round     `json:"round"`
	Pins           []Pin     `json:"questionnaires" nullable:"false"`
	HTMLURL        string    `json:"html_url" format:"uri"`
}

// Change is what a review is about when it is not the whole workload.
type Change struct {
	Key    string  `json:"key"`
	Title  string  `json:"title"`
	Ticket *string `json:"ticket"`
}

// Round is one pass from draft to decision.
type Round struct {
	Number       int        `json:"number"`
	State        string     `json:"state" enum:"draft,submitted,sealed,superseded,cancelled"`
	OpenedAt     time.Time  `json:"opened_at"`
	SubmittedBy  *string    `json:"submitted_by"`
	SubmittedAt  *time.Time `json:"submitted_at"`
	Content      *string    `json:"content_sha256"`
	ReturnedNote *string    `json:"returned_note" doc:"What an approver wanted changed."`
}

// Pin is a questionnaire version that a review asks.
type Pin struct {
	Questionnaire string    `json:"questionnaire"`
	VersionID     uuid.UUID `json:"version_id"`
}

// ReviewLine is a review as the list has it.
type ReviewLine struct {
	ID         uuid.UUID  `json:"id"`
	Workload   string     `json:"workload"`
	TypeName   string     `json:"type_name"`
	Change     *string    `json:"change" doc:"Key of the change; null: the whole workload."`
	State      string     `json:"state" enum:"open,closed,cancelled"`
	Round      int        `json:"round"`
	RoundState string     `json:"round_state"`
	StartedAt  time.Time  `json:"started_at"`
	Outcome    *string    `json:"outcome" doc:"Of the newest decision: go, conditional, no_go, or revoked."`
	DecidedAt  *time.Time `json:"decided_at"`
	ValidUntil *time.Time `json:"valid_until"`
	Emergency  *time.Time `json:"emergency_until" doc:"An EMERGENCY go governs the launches of its subject until then; null: none does."`
	HTMLURL    string     `json:"html_url" format:"uri"`
}

type reviewsInput struct {
	Listing
	Workload string `query:"workload" maxLength:"40" doc:"Key of a workload."`
	State    string `query:"state" enum:"draft,submitted,closed,cancelled,all" doc:"Without it: what is open."`
}

type reviewInput struct {
	Reading
	ID string `path:"id" maxLength:"36"`
}

type reviewListInput struct {
	Listing
	ID string `path:"id" maxLength:"36"`
}

// NewReview is what a review is started with.
type NewReview struct {
	Type      string   `json:"type" maxLength:"60" doc:"Key of a review type."`
	Change    *Change  `json:"change,omitempty" doc:"Leave it out to review the whole workload."`
	Sets      []string `json:"questionnaires,omitempty" maxItems:"20" doc:"Keys of sets to ask beside those of the type."`
	CarryOver bool     `json:"carry_over,omitempty" doc:"Begin with what earlier rounds answered, to be confirmed."`
}

type startInput struct {
	Writing
	Key  string `path:"key" maxLength:"40" doc:"Key of the workload."`
	Body NewReview
}

func (s *server) reviews(a huma.API) {
	const tag = "Reviews"
	register(a, operation{id: "list-reviews", method: http.MethodGet, path: "/api/v1/reviews", scope: identity.ReadReviews, tag: tag, summary: "List reviews", about: "Newest first."}, s.listReviews)
	register(a, operation{
		id: "start-review", method: http.MethodPost, path: "/api/v1/workloads/{key}/reviews", scope: identity.WriteAnswers, tag: tag, status: http.StatusCreated,
		summary: "Start a review", about: "Members of the owning team may. 409 while one of the same subject is open.",
	}, s.startReview)
	register(a, operation{id: "get-review", method: http.MethodGet, path: "/api/v1/reviews/{id}", scope: identity.ReadReviews, tag: tag, summary: "Read a review"}, s.getReview)
	register(a, operation{
		id: "list-sign-offs", method: http.MethodGet, path: "/api/v1/reviews/{id}/sign-offs", scope: identity.ReadReviews, tag: tag,
		summary: "List the sign-offs of the newest round", about: "The newest voice of each approver on what was submitted. People sign off in the portal; no token does.",
	}, s.listSignOffs)
	register(a, operation{
		id: "list-decisions", method: http.MethodGet, path: "/api/v1/reviews/{id}/decisions", scope: identity.ReadReviews, tag: tag,
		summary: "List the decisions of a review", about: "Newest first. People decide in the portal; no token does.",
	}, s.listDecisions)
}

func (s *server) listReviews(ctx context.Context, in *reviewsInput) (*Tagged[Page[ReviewLine]], error) {
	lines, next, err := s.Portfolio.Reviews(ctx, actorOf(ctx), portfolio.ReviewFilter{State: in.State, WorkloadKey: in.Workload, Limit: in.Limit}, in.After)
	if err != nil {
		return nil, s.problem(ctx, err, "query")
	}
	data := make([]ReviewLine, 0, len(lines))
	for _, l := range lines {
		data = append(data, ReviewLine{
			ID: l.ID, Workload: l.WorkloadKey, TypeName: l.TypeName, Change: present(l.ChangeKey), State: l.State, Round: l.Round, RoundState: l.RoundState,
			StartedAt: l.StartedAt.UTC(), Outcome: present(l.Outcome), DecidedAt: utc(l.DecidedAt), ValidUntil: utc(l.ValidUntil), Emergency: utc(l.EmergencyUntil),
			HTMLURL: s.html("/reviews/" + l.ID.String()),
		})
	}
	return list(ctx, s, in.Listing, data, next)
}

func (s *server) startReview(ctx context.Context, in *startInput) (*Written[Review], error) {
	who := actorOf(ctx)
	typed := review.StartInput{Type: in.Body.Type, Sets: in.Body.Sets, CarryOver: in.Body.CarryOver}
	if c := in.Body.Change; c != nil {
		typed.ChangeKey, typed.ChangeTitle = c.Key, c.Title
		set(&typed.ChangeTicket, c.Ticket)
	}
	return write(ctx, s, writing[Review]{
		do: func() (Review, error) {
			w, err := s.Workloads.ByKey(ctx, who, in.Key)
			if err != nil {
				return Review{}, err
			}
			r, err := s.Reviews.Start(ctx, who, w.ID, typed)
			return s.review(r), err
		},
		again: func(did audit.Did) (Review, error) {
			rec, err := s.record(ctx, did.TargetID)
			return s.review(rec.Review), err
		},
		at: func(r Review) string { return "/api/v1/reviews/" + r.ID.String() },
	})
}

func (s *server) record(ctx context.Context, id string) (review.Record, error) {
	known, err := pathID(id, "review")
	if err != nil {
		return review.Record{}, err
	}
	return s.Reviews.Record(ctx, actorOf(ctx), known)
}

func (s *server) getReview(ctx context.Context, in *reviewInput) (*Tagged[Review], error) {
	rec, err := s.record(ctx, in.ID)
	if err != nil {
		return nil, s.problem(ctx, err, "path")
	}
	return show(ctx, s, in.Reading, s.review(rec.Review))
}

func (s *server) review(r review.Review) Review {
	d := r.Round
	out := Review{
		ID: r.ID, Workload: r.Workload.Key, Type: r.TypeKey, TypeName: r.TypeName, State: r.State, Tier: r.Tier, GatesLaunch: r.GatesLaunch,
		SignoffsNeeded: r.SignoffsNeeded, ValidDays: r.ValidDays, StartedBy: r.StartedBy, StartedAt: r.StartedAt.UTC(), Pins: []Pin{}, HTMLURL: s.html(r.Path()),
		Round: Round{
			Number: d.Number, State: d.State, OpenedAt: d.OpenedAt.UTC(), SubmittedBy: present(d.SubmittedBy), SubmittedAt: utc(d.SubmittedAt),
			Content: present(hex.EncodeToString(d.ContentSHA256)), ReturnedNote: present(d.ReturnedNote),
		},
	}
	if r.ChangeKey != "" {
		out.Change = &Change{Key: r.ChangeKey, Title: r.ChangeTitle, Ticket: present(r.ChangeTicket)}
	}
	for _, p := range r.Pins {
		out.Pins = append(out.Pins, Pin{p.Key, p.VersionID})
	}
	return out
}

// SignOff is one approver's voice on a submitted round.
type SignOff struct {
	Person      string    `json:"person"`
	Voice       string    `json:"voice" enum:"agree,object"`
	Note        string    `json:"note"`
	OutsideTeam bool      `json:"outside_team"`
	Counts      bool      `json:"counts" doc:"Whether its giver may still judge."`
	SignedAt    time.Time `json:"signed_at"`
	HTMLURL     string    `json:"html_url" format:"uri" doc:"Page of the review."`
}

func (s *server) listSignOffs(ctx context.Context, in *reviewListInput) (*Tagged[Page[SignOff]], error) {
	id, err := pathID(in.ID, "review")
	var found []review.SignOff
	if err == nil {
		found, err = s.Reviews.SignOffs(ctx, actorOf(ctx), id)
	}
	if err != nil {
		return nil, s.problem(ctx, err, "path")
	}
	data, next, err := cut(in.Listing, found, func(o review.SignOff) string { return o.PersonID.String() }, func(o review.SignOff) SignOff {
		return SignOff{Person: o.Person, Voice: o.Voice, Note: o.Note, OutsideTeam: o.OutsideTeam, Counts: o.Counts, SignedAt: o.SignedAt.UTC(), HTMLURL: s.html("/reviews/" + in.ID)}
	})
	if err != nil {
		return nil, s.problem(ctx, err, "query")
	}
	return list(ctx, s, in.Listing, data, next)
}

// Decision is the sealed outcome of a round.
type Decision struct {
	ID         uuid.UUID   `json:"id"`
	Round      int         `json:"round"`
	Outcome    string      `json:"outcome" enum:"go,conditional,no_go"`
	Reason     string      `json:"reason"`
	DecidedBy  string      `json:"decided_by"`
	DecidedAt  time.Time   `json:"decided_at"`
	ValidUntil *time.Time  `json:"valid_until"`
	Content    string      `json:"content_sha256"`
	Seal       string      `json:"seal_sha256"`
	Conditions []Condition `json:"conditions" nullable:"false"`
	RevokedAt  *time.Time  `json:"revoked_at"`
	HTMLURL    string      `json:"html_url" format:"uri"`
}

// Condition is one demand of a decision, with its item as it stands now.
type Condition struct {
	Text   string    `json:"text"`
	Timing string    `json:"timing" enum:"before_launch,after_launch"`
	DueOn  string    `json:"due_on" format:"date"`
	Owner  string    `json:"owner"`
	Item   uuid.UUID `json:"item" doc:"Id of the item."`
	State  string    `json:"state" doc:"Of the item."`
}

func (s *server) listDecisions(ctx context.Context, in *reviewListInput) (*Tagged[Page[Decision]], error) {
	rec, err := s.record(ctx, in.ID)
	if err != nil {
		return nil, s.problem(ctx, err, "path")
	}
	var made []*review.Decision
	for _, r := range rec.Rounds {
		if r.Decision != nil {
			made = append(made, r.Decision)
		}
	}
	data, next, err := cut(in.Listing, made, func(d *review.Decision) string { return d.ID.String() }, func(d *review.Decision) Decision {
		return s.decision(rec.Review, d)
	})
	if err != nil {
		return nil, s.problem(ctx, err, "query")
	}
	return list(ctx, s, in.Listing, data, next)
}

func (s *server) decision(r review.Review, d *review.Decision) Decision {
	out := Decision{
		ID: d.ID, Round: d.Round, Outcome: d.Outcome, Reason: d.Reason, DecidedBy: d.DecidedBy, DecidedAt: d.DecidedAt.UTC(), ValidUntil: utc(d.ValidUntil),
		Content: hex.EncodeToString(d.ContentSHA256), Seal: hex.EncodeToString(d.SealSHA256), Conditions: []Condition{}, HTMLURL: s.html(r.Path() + "/record"),
	}
	for _, c := range d.Conditions {
		out.Conditions = append(out.Conditions, Condition{c.Text, c.Timing, c.DueOn.Format(time.DateOnly), c.Owner, c.ItemID, c.ItemState})
	}
	if d.Revoked != nil {
		at := d.Revoked.RevokedAt.UTC()
		out.RevokedAt = &at
	}
	return out
}
