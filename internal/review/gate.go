package review

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
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
	Decision   string // the outcome of the governing decision; empty when there is none
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

// governing is the newest decision of a subject, or the open review when there is none.
type governing struct {
	review     uuid.UUID
	mode       string
	outcome    *string
	decision   *uuid.UUID
	decidedAt  *time.Time
	validUntil *time.Time
	content    []byte
	tier       int // when the review started
}

// Launch answers the gate for the workload with the key: for the change when one is named,
// else for the whole workload. It answers from the newest sealed round of a review whose
// type gates launches. Whoever may read the workload may ask; a read token is enough.
func (s *Service) Launch(ctx context.Context, who identity.Actor, key, change string) (Gate, error) {
	w, err := workloadByKey(ctx, s.db, who, key)
	if err != nil {
		return Gate{}, err
	}
	now := s.now()
	g := Gate{Mode: "enforce", AsOf: now, Blockers: []GateReason{}, Warnings: []GateReason{}}
	gov, err := governingOf(ctx, s.db, w.ID, change)
	if errors.Is(err, pgx.ErrNoRows) {
		g.Status = GateUnknown
		g.Blockers = append(g.Blockers, GateReason{Code: "never_reviewed", Message: neverReviewed(change), URL: s.baseURL + "/workloads/" + w.Key})
		return g, nil
	}
	if err != nil {
		return Gate{}, fmt.Errorf("read launch gate: %w", err)
	}
	g.Mode, g.Review, g.ReviewURL = gov.mode, gov.review, s.baseURL+"/reviews/"+gov.review.String()
	if gov.outcome == nil {
		g.Status = GateHold
		g.Blockers = append(g.Blockers, GateReason{Code: "not_decided", Message: "The review is not decided yet.", URL: g.ReviewURL})
		return g, nil
	}
	g.Decision, g.DecidedAt, g.ValidUntil, g.Content = *gov.outcome, gov.decidedAt, gov.validUntil, hex.EncodeToString(gov.content)
	items, err := gateItems(ctx, s.db, w.ID, *gov.decision)
	if err != nil {
		return Gate{}, err
	}
	g.judge(items, s.baseURL, now)
	risks, err := standingRisks(ctx, s.db, *gov.decision)
	if err != nil {
		return Gate{}, err
	}
	g.judgeStanding(risks, s.baseURL, now)
	if w.Tier < gov.tier {
		g.Warnings = append(g.Warnings, GateReason{Code: "tier_raised", Message: fmt.Sprintf("This was decided at tier %d; the workload is tier %d now.", gov.tier, w.Tier), URL: g.ReviewURL})
	}
	if w.Stage == workload.Retired {
		g.Warnings = append(g.Warnings, GateReason{Code: "retired", Message: "This workload is retired.", URL: s.baseURL + "/workloads/" + w.Key})
	}
	return g, nil
}

func neverReviewed(change string) string {
	if change != "" {
		return "No review of this change was ever started."
	}
	return "No review that gates launches was ever started for this workload."
}

func workloadByKey(ctx context.Context, q postgres.Querier, who identity.Actor, key string) (workload.Workload, error) {
	var id uuid.UUID
	err := q.QueryRow(ctx, `
		select coalesce((select id from workloads where key = $1), (select workload_id from workload_keys where key = $1),
			'00000000-0000-0000-0000-000000000000')`, key).Scan(&id)
	if err != nil {
		return workload.Workload{}, fmt.Errorf("find workload: %w", err)
	}
	return workload.Load(ctx, q, who, id)
}

func governingOf(ctx context.Context, q postgres.Querier, workloadID uuid.UUID, change string) (governing, error) {
	const sql = `
		select r.id, t.gate_mode, d.outcome, d.id, d.decided_at, d.valid_until, d.content_sha256, r.tier
		from reviews r
		join review_types t on t.key = r.type_key
		left join rounds o on o.review_id = r.id and o.state = 'sealed'
		left join decisions d on d.round_id = o.id
		where r.workload_id = $1 and r.change_key = $2 and r.gates_launch and (r.state <> 'cancelled' or d.id is not null)
		order by d.decided_at desc nulls last, r.started_at desc limit 1`
	var g governing
	err := q.QueryRow(ctx, sql, workloadID, change).Scan(&g.review, &g.mode, &g.outcome, &g.decision, &g.decidedAt, &g.validUntil, &g.content, &g.tier)
	return g, err
}

// gateItem is an unfinished item as the gate sees it.
type gateItem struct {
	item      remediation.Item
	condition bool // of the governing decision
}

func gateItems(ctx context.Context, q postgres.Querier, workloadID, decision uuid.UUID) ([]gateItem, error) {
	all, err := remediation.OfWorkload(ctx, q, workloadID)
	if err != nil {
		return nil, err
	}
	var list []gateItem
	prefix := decision.String() + "/"
	for _, it := range all {
		mine := it.CauseKind == remediation.CauseCondition && len(it.CauseKey) > len(prefix) && it.CauseKey[:len(prefix)] == prefix
		left := !it.Finished() || it.State == remediation.Closed // to retire and come back verifies nothing
		if left && (mine || it.CauseKind != remediation.CauseCondition) {
			list = append(list, gateItem{item: it, condition: mine})
		}
	}
	return list, nil
}

// judge sets the status from the decision, its end and the items, as the rules say: a
// before-launch condition holds until verified, an after-launch one only when overdue; a
// decision stands for its grace after its end.
func (g *Gate) judge(items []gateItem, baseURL string, now time.Time) {
	g.Status = g.Decision
	if g.Decision == NoGo {
		g.block(GateReason{Code: "no_go", Message: "The decision was no-go.", URL: g.ReviewURL})
	}
	g.judgeEnd(now)
	for _, it := range items {
		g.judgeItem(it, baseURL, now)
	}
}

func (g *Gate) block(r GateReason) {
	g.Status = GateHold
	g.Blockers = append(g.Blockers, r)
}

func (g *Gate) judgeEnd(now time.Time) {
	if g.ValidUntil == nil {
		return
	}
	end := *g.ValidUntil
	words := end.UTC().Format("2 January 2006")
	switch {
	case now.After(end.Add(endGrace)):
		g.block(GateReason{Code: "decision_ended", Message: "The decision ended on " + words + ".", URL: g.ReviewURL})
	case now.After(end):
		g.Warnings = append(g.Warnings, GateReason{Code: "decision_in_grace", Message: "The decision ended on " + words + " and stands for 14 more days only.", URL: g.ReviewURL})
	case now.After(end.Add(-endWarning)):
		g.Warnings = append(g.Warnings, GateReason{Code: "decision_ends_soon", Message: "The decision ends on " + words + ".", URL: g.ReviewURL})
	}
}

func (g *Gate) judgeItem(it gateItem, baseURL string, now time.Time) {
	r := GateReason{Item: it.item.ID.String(), URL: baseURL + "/items/" + it.item.ID.String()}
	if it.item.CauseKind == remediation.CauseQuestion {
		r.Question = it.item.CauseKey
	}
	late := it.item.LateBy(now) > 0
	switch {
	case it.condition && it.item.Timing == remediation.BeforeLaunch:
		r.Code, r.Message = "condition_before_launch", "Not verified: "+it.item.Title
		g.block(r)
	case it.condition && late:
		r.Code, r.Message = "condition_overdue", "Overdue since "+it.item.DueOn.Format("2 January 2006")+": "+it.item.Title
		g.block(r)
	case it.condition:
		r.Code, r.Message = "condition_after_launch", "Due on "+it.item.DueOn.Format("2 January 2006")+": "+it.item.Title
		g.Warnings = append(g.Warnings, r)
	case it.item.Risk == "high" && late:
		r.Code, r.Message = "high_overdue", "Overdue since "+it.item.DueOn.Format("2 January 2006")+": "+it.item.Title
		g.Warnings = append(g.Warnings, r)
	case it.item.Risk == "high":
		r.Code, r.Message = "high_open", "Open, due on "+it.item.DueOn.Format("2 January 2006")+": "+it.item.Title
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
