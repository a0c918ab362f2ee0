package review

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"orrery/internal/fault"
	"orrery/internal/identity"
	"orrery/internal/postgres"
	"orrery/internal/remediation"
	"orrery/internal/workload"
)

// The answers of the launch gate.
const (
	GateGo          = "go"
	GateConditional = "conditional"
	GateHold        = "hold"    // do not launch: Blockers say why
	GateUnknown     = "unknown" // cannot tell: nobody ever asked
)

const (
	endWarning = 14 * 24 * time.Hour // a decision that ends so soon is warned of
	endGrace   = 14 * 24 * time.Hour // so long after its end a decision still stands, with a warning
)

// Gate answers "may this launch?" for a workload, or for a change on it.
type Gate struct {
	Status     string // GateGo, GateConditional, GateHold, GateUnknown
	Mode       string // advise, enforce: what the review type wants of pipelines
	Decision   string // the outcome of the governing decision, Emergency, Elsewhere, Revoked; empty when there is none
	DecidedAt  *time.Time
	ValidUntil *time.Time
	Review     uuid.UUID // the governing or the open review; uuid.Nil when there is none
	ReviewURL  string
	Content    string // hex SHA-256 of the decided content
	Blockers   []GateReason
	Warnings   []GateReason
	Standing   Standing // the zero Standing while nothing is decided
	AsOf       time.Time
}

// GateReason is one thing that holds a launch or should be known before it.
type GateReason struct {
	Code       string
	Message    string
	Question   string // questionnaire/question, when it is about one
	Item       string // the item's id, when it is about one
	Acceptance string // the acceptance's id, when it is about one
	URL        string
}

// What may govern a launch besides the outcomes of a decision, in Gate.Decision.
const (
	Emergency = "emergency"         // let through before the review was done
	Elsewhere = "decided_elsewhere" // decided before Orrery
	Revoked   = "revoked"           // the newest decision was taken back

	elsewherePrefix = "elsewhere_" // of the outcome of a decision made elsewhere, in launch_acts
)

// governing is the newest act on a subject, or the open review when there is none.
type governing struct {
	review     uuid.UUID // uuid.Nil for a decision made elsewhere
	mode       string
	outcome    string     // empty: nothing was decided yet
	decision   *uuid.UUID // the sealed decision; nil for an emergency and one made elsewhere
	decidedAt  *time.Time
	validUntil *time.Time
	content    []byte
	tier       int // when the review started
}

// Launch answers the gate for the workload with the key: for the change when one is named,
// else for the whole workload. It answers from the newest act on the subject: a sealed round
// of a review whose type gates launches, a revocation, or an emergency go; when there is none,
// from a confirmed decision made elsewhere. Whoever may read the workload may ask; a read
// token is enough.
func (s *Service) Launch(ctx context.Context, who identity.Actor, key, change string) (Gate, error) {
	var b pgx.Batch
	var acts []governing
	postgres.Collect(&b, &acts, scanAct, newestAct(workload.IDOfKey), key, change, uuid.Nil)
	w, err := workload.LoadByKeyWith(ctx, s.db, who, key, &b)
	if err != nil {
		return Gate{}, err
	}
	return s.judge(ctx, s.db, w, change, acts, s.now())
}

// launch is Launch of a workload that was read.
func (s *Service) launch(ctx context.Context, q postgres.Batcher, w workload.Workload, change string, now time.Time) (Gate, error) {
	acts, err := actOn(ctx, q, w.ID, change)
	if err != nil {
		return Gate{}, err
	}
	return s.judge(ctx, q, w, change, acts, now)
}

// judge answers the gate from the newest act on the subject, if there is any.
func (s *Service) judge(ctx context.Context, q postgres.Batcher, w workload.Workload, change string, acts []governing, now time.Time) (Gate, error) {
	g := Gate{Mode: "enforce", AsOf: now, Blockers: []GateReason{}, Warnings: []GateReason{}}
	page := s.baseURL + "/workloads/" + w.Key
	gov, err := actOrReview(ctx, q, acts, w.ID, change)
	if errors.Is(err, pgx.ErrNoRows) {
		g.Status = GateUnknown
		g.Blockers = append(g.Blockers, GateReason{Code: "never_reviewed", Message: neverReviewed(change), URL: page})
		return g, nil
	}
	if err != nil {
		return Gate{}, fmt.Errorf("read launch gate: %w", err)
	}
	g.Mode, g.Review, g.ReviewURL = gov.mode, gov.review, s.baseURL+"/reviews/"+gov.review.String()
	if gov.review == uuid.Nil {
		g.ReviewURL = ""
	}
	if gov.outcome == "" {
		g.Status = GateHold
		g.Blockers = append(g.Blockers, GateReason{Code: "not_decided", Message: "The review is not decided yet.", URL: g.ReviewURL})
		return g, nil
	}
	g.Decision, g.DecidedAt, g.ValidUntil, g.Content = gov.outcome, gov.decidedAt, gov.validUntil, hex.EncodeToString(gov.content)
	g.judgeOutcome(gov.outcome, page, now)
	items, risks, err := gov.left(ctx, q, w.ID)
	if err != nil {
		return Gate{}, fmt.Errorf("read launch gate: %w", err)
	}
	running := acceptedOf(risks, now)
	for _, it := range items {
		if it.CauseKind == remediation.CauseQuestion && running[it.CauseKey] && it.LateBy(now) == 0 {
			continue // that it is accepted says it
		}
		g.judgeItem(it, s.baseURL, now)
	}
	g.judgeStanding(risks, s.baseURL, now)
	if w.Tier < gov.tier {
		g.Warnings = append(g.Warnings, GateReason{Code: "tier_raised", Message: fmt.Sprintf("This was decided at tier %d; the workload is tier %d now.", gov.tier, w.Tier), URL: g.ReviewURL})
	}
	if w.Stage == workload.Retired {
		g.Warnings = append(g.Warnings, GateReason{Code: "retired", Message: "This workload is retired.", URL: page})
	}
	return g, nil
}

func neverReviewed(change string) string {
	if change != "" {
		return "No review of this change was ever started."
	}
	return "No review that gates launches was ever started for this workload."
}

// governingOf reads the newest act on a subject, else its open review; pgx.ErrNoRows when
// there is neither.
func governingOf(ctx context.Context, q postgres.Querier, workloadID uuid.UUID, change string) (governing, error) {
	acts, err := actOn(ctx, q, workloadID, change)
	if err != nil {
		return governing{}, err
	}
	return actOrReview(ctx, q, acts, workloadID, change)
}

// actOn reads the newest act on a subject; none when nothing was ever decided.
func actOn(ctx context.Context, q postgres.Querier, workloadID uuid.UUID, change string) ([]governing, error) {
	rows, err := q.Query(ctx, newestAct("$1"), workloadID, change, uuid.Nil)
	if err != nil {
		return nil, fmt.Errorf("read acts: %w", err)
	}
	acts, err := pgx.CollectRows(rows, scanAct)
	if err != nil {
		return nil, fmt.Errorf("read acts: %w", err)
	}
	return acts, nil
}

// newestAct asks for the newest act on the change $2, or on the whole, of a workload that an
// expression of $1 names; $3 is uuid.Nil.
func newestAct(workloadID string) string {
	return `
		select coalesce(a.review_id, $3), coalesce((select gate_mode from review_types where key = a.type_key), 'enforce'), a.outcome,
			a.decision_id, a.decided_at, a.valid_until, a.content_sha256, coalesce(a.tier, 0)
		from launch_acts a
		where a.workload_id = ` + workloadID + ` and lower(a.change_key) = lower($2)
		order by a.acted_at desc, a.decided_at desc, a.id desc limit 1`
}

func scanAct(row pgx.CollectableRow) (g governing, err error) {
	err = row.Scan(&g.review, &g.mode, &g.outcome, &g.decision, &g.decidedAt, &g.validUntil, &g.content, &g.tier)
	return g, err
}

// actOrReview is the newest act, else the subject's open review; pgx.ErrNoRows when there is none.
func actOrReview(ctx context.Context, q postgres.Querier, acts []governing, workloadID uuid.UUID, change string) (g governing, err error) {
	if len(acts) > 0 {
		return acts[0], nil
	}
	const open = `
		select r.id, t.gate_mode from reviews r join review_types t on t.key = r.type_key
		where r.workload_id = $1 and lower(r.change_key) = lower($2) and r.gates_launch and r.state <> 'cancelled'
		order by r.started_at desc limit 1`
	err = q.QueryRow(ctx, open, workloadID, change).Scan(&g.review, &g.mode)
	return g, err
}

// left reads what is left to do, and how the risks stand of a sealed decision that was not
// taken back.
func (gov governing) left(ctx context.Context, q postgres.Batcher, workloadID uuid.UUID) (items []remediation.Item, risks []standingRisk, err error) {
	var b pgx.Batch
	var decision uuid.UUID
	if gov.decision != nil && gov.outcome != Revoked {
		decision = *gov.decision
		postgres.Collect(&b, &risks, scanStanding, standingSQL, decision)
	}
	remediation.CollectLeft(&b, &items, workloadID, decision)
	err = q.SendBatch(ctx, &b).Close()
	return items, risks, err
}

// judgeOutcome sets the status from the outcome and its end, as the rules say: a revoked
// decision holds, a decision stands for its grace after its end, an emergency go ends at its
// end.
func (g *Gate) judgeOutcome(outcome, page string, now time.Time) {
	g.Status = outcome
	switch outcome {
	case NoGo:
		g.block(GateReason{Code: "no_go", Message: "The decision was no-go.", URL: g.ReviewURL})
	case Revoked:
		g.block(GateReason{Code: "revoked", Message: "The decision was revoked. The next one must be made before a launch.", URL: g.ReviewURL})
	case Emergency:
		g.judgeEmergency(now)
		return
	case elsewherePrefix + Go, elsewherePrefix + Conditional:
		g.Status, g.Decision = strings.TrimPrefix(outcome, elsewherePrefix), Elsewhere
		g.Warnings = append(g.Warnings, GateReason{Code: Elsewhere, Message: "This was decided elsewhere, before Orrery: no review stands behind it.", URL: page + "/elsewhere"})
		g.judgeEnd(page+"/elsewhere", now)
		return
	}
	g.judgeEnd(g.ReviewURL, now)
}

// judgeEmergency lets a running emergency go through with a warning.
func (g *Gate) judgeEmergency(now time.Time) {
	words := g.ValidUntil.UTC().Format("2 January 2006, 15:04 UTC")
	if !now.Before(*g.ValidUntil) {
		g.block(GateReason{Code: "emergency_ended", Message: "The EMERGENCY go ended on " + words + ", and nothing was decided since.", URL: g.ReviewURL})
		return
	}
	g.Status = GateConditional
	g.Warnings = append(g.Warnings, GateReason{Code: Emergency, Message: "This is an EMERGENCY go: it ends on " + words + ", and the full review is open.", URL: g.ReviewURL})
}

func (g *Gate) block(r GateReason) {
	g.Status = GateHold
	g.Blockers = append(g.Blockers, r)
}

func (g *Gate) judgeEnd(url string, now time.Time) {
	if g.ValidUntil == nil {
		return
	}
	end := *g.ValidUntil
	words := end.UTC().Format("2 January 2006")
	switch {
	case now.After(end.Add(endGrace)):
		g.block(GateReason{Code: "expired", Message: "The decision ended on " + words + ".", URL: url})
	case now.After(end):
		g.Warnings = append(g.Warnings, GateReason{Code: "decision_in_grace", Message: "The decision ended on " + words + " and stands for 14 more days only.", URL: url})
	case now.After(end.Add(-endWarning)):
		g.Warnings = append(g.Warnings, GateReason{Code: "decision_ends_soon", Message: "The decision ends on " + words + ".", URL: url})
	}
}

func (g *Gate) judgeItem(it remediation.Item, baseURL string, now time.Time) {
	r := GateReason{Item: it.ID.String(), URL: baseURL + "/items/" + it.ID.String()}
	if it.CauseKind == remediation.CauseQuestion {
		r.Question = it.CauseKey
	}
	late, condition := it.LateBy(now) > 0, it.CauseKind == remediation.CauseCondition // of the governing decision
	switch {
	case condition && it.Timing == remediation.BeforeLaunch:
		r.Code, r.Message = "condition_before_launch", "Not verified: "+it.Title
		g.block(r)
	case condition && late:
		r.Code, r.Message = "condition_overdue", "Overdue since "+it.DueOn.Format("2 January 2006")+": "+it.Title
		g.block(r)
	case condition:
		r.Code, r.Message = "condition_after_launch", "Due on "+it.DueOn.Format("2 January 2006")+": "+it.Title
		g.Warnings = append(g.Warnings, r)
	case it.Risk == "high" && late:
		r.Code, r.Message = "high_overdue", "Overdue since "+it.DueOn.Format("2 January 2006")+": "+it.Title
		g.Warnings = append(g.Warnings, r)
	case it.Risk == "high":
		r.Code, r.Message = "high_open", "Open, due on "+it.DueOn.Format("2 January 2006")+": "+it.Title
		g.Warnings = append(g.Warnings, r)
	}
}

// CheckChangeKey refuses what no change can be called: for callers that take it as input.
func CheckChangeKey(key string) error {
	if !changeKeyForm.MatchString(key) {
		return fault.InvalidField("change", "A change's key has letters, digits and . _ / - only.")
	}
	return nil
}
