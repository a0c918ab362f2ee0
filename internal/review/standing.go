package review

import (
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"orrery/internal/questionnaire"
	"orrery/internal/remediation"
)

// Standing is what is true now of the risks that the governing decision was made on.
type Standing struct {
	Highs         int        // not mended since, accepted or not
	Accepted      int        // of those, accepted now
	AcceptedUntil *time.Time // the last day of the acceptance that ends first
	Ended         int        // of those, whose acceptance ended, or was revoked or withdrawn
	Mended        int        // highs of the decision that were verified as mended since its submission
}

// standingRisk is a high or medium of the governing decision as it stands now.
type standingRisk struct {
	question   string // questionnaire/question
	versionID  uuid.UUID
	questionID string
	risk       questionnaire.Risk
	mended     bool       // since what was decided was submitted
	item       bool       // work on it is not finished
	accepted   *uuid.UUID // by this acceptance, which may be over
	title      *string
	state      *string
	until      *time.Time
	closedAt   *time.Time
}

// standingSQL takes an acceptance into account that was settled since the decision: what is
// mended is skipped, and what was mended and broke again, or was settled by another decision, is
// as it was decided on.
const standingSQL = `
	select p.questionnaire_key || '/' || a.question_id, a.version_id, a.question_id, a.risk,
		coalesce(i.verified_at > d.submitted_at, false), coalesce(i.state in ('open', 'in_progress', 'done'), false),
		x.id, x.title, x.state, x.until, x.closed_at
	from decisions c
	join rounds d on d.id = c.round_id
	join reviews r on r.id = d.review_id
	join answers a on a.round_id = d.id and a.risk in ('high', 'unmatched', 'medium')
	join review_questionnaires p on p.review_id = r.id and p.version_id = a.version_id
	left join items i on i.workload_id = r.workload_id and i.cause_kind = 'question' and i.cause_key = p.questionnaire_key || '/' || a.question_id
	left join lateral (
		select * from acceptances x
		where x.workload_id = r.workload_id and x.question = p.questionnaire_key || '/' || a.question_id and (x.settled_at is null or x.settled_at > c.decided_at)
			and x.state in ('granted', 'revoked', 'withdrawn') and x.until is not null and (x.risk = 'high' or a.risk = 'medium')
		order by x.judged_at desc, x.id desc limit 1) x on true
	where c.id = $1 order by a.position`

func scanStanding(row pgx.CollectableRow) (standingRisk, error) {
	var r standingRisk
	err := row.Scan(&r.question, &r.versionID, &r.questionID, &r.risk, &r.mended, &r.item, &r.accepted, &r.title, &r.state, &r.until, &r.closedAt)
	return r, err
}

// acceptance is that of a risk that was ever accepted.
func (r standingRisk) acceptance() remediation.Acceptance {
	return remediation.Acceptance{ID: *r.accepted, State: *r.state, Until: r.until}
}

// acceptedOf names the questions that are high and accepted, by an acceptance that runs.
func acceptedOf(risks []standingRisk, now time.Time) map[string]bool {
	running := map[string]bool{}
	for _, r := range risks {
		if r.accepted != nil && r.risk.CountsAsHigh() && r.acceptance().Running(now) {
			running[r.question] = true
		}
	}
	return running
}

// judgeStanding adds what acceptances do to the gate: one that ended, was revoked or
// withdrawn lets a high block a launch again, and a medium be warned of; one that ends within
// 30 days, and any that runs, is a warning.
func (g *Gate) judgeStanding(risks []standingRisk, baseURL string, now time.Time) {
	for _, r := range risks {
		high := r.risk.CountsAsHigh()
		if r.mended {
			if high {
				g.Standing.Mended++
			}
			continue
		}
		if high {
			g.Standing.Highs++
		}
		if r.accepted != nil {
			g.judgeAcceptance(r, high, baseURL, now)
		}
	}
}

func (g *Gate) judgeAcceptance(r standingRisk, high bool, baseURL string, now time.Time) {
	a := r.acceptance()
	day := r.until.Format("2 January 2006")
	reason := GateReason{Question: r.question, Acceptance: a.ID.String(), URL: baseURL + a.Path()}
	word := "Medium"
	if high {
		word = "High"
	}
	switch {
	case a.Ending(now):
		reason.Code, reason.Message = "acceptance_ending", word+", accepted until "+day+" only: "+*r.title
	case a.Running(now):
		reason.Code, reason.Message = "risk_accepted", word+", accepted until "+day+": "+*r.title
	default:
		reason.Code = "acceptance_ended"
		how := "ended on " + day
		if a.State != remediation.Granted && r.closedAt != nil {
			how = "was " + a.State + " on " + r.closedAt.UTC().Format("2 January 2006")
		}
		reason.Message = word + " again, for its acceptance " + how + ": " + *r.title
	}
	if high {
		g.countAcceptance(a, now)
	}
	if high && reason.Code == "acceptance_ended" {
		g.block(reason)
		return
	}
	g.Warnings = append(g.Warnings, reason)
}

func (g *Gate) countAcceptance(a remediation.Acceptance, now time.Time) {
	s := &g.Standing
	if !a.Running(now) {
		s.Ended++
		return
	}
	s.Accepted++
	if s.AcceptedUntil == nil || a.Until.Before(*s.AcceptedUntil) {
		s.AcceptedUntil = a.Until
	}
}
