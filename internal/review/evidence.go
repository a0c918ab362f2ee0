package review

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"orrery/internal/evidence"
	"orrery/internal/fault"
	"orrery/internal/identity"
	"orrery/internal/questionnaire"
	"orrery/internal/remediation"
	"orrery/internal/workload"
)

// Supported lists the choices that evidence supports and the answer does not tick: every
// check of the choice supports it now. A person takes them into the answer by saving it.
func (e *Entry) Supported() (choices []string) {
	if e.Answer.NotApplicable {
		return nil
	}
	for _, c := range e.Question.Choices {
		checked, all := false, true
		for _, p := range e.Proofs {
			if p.Check.Choice == c.ID {
				checked, all = true, all && p.State == evidence.Supports
			}
		}
		if checked && all && !c.None && !e.Answer.Has(c.ID) {
			choices = append(choices, c.ID)
		}
	}
	return choices
}

func ignoreNone(err error) error {
	if errors.Is(err, pgx.ErrNoRows) {
		return nil
	}
	return err
}

// openFromEvidence opens the items that evidence calls for by itself: where it contradicts a
// ticked choice, or where a check on a required question newly fails. The first collection of
// a workload opens none, an accepted risk only for what newly fails, and a cause that has an
// item is left to it, unless it was closed without being mended; so is what the team that owns
// the account tracks.
func (s *Service) openFromEvidence(ctx context.Context, tx pgx.Tx, w workload.Workload, newlyFailing []string, now time.Time) error {
	lead, err := leadOf(ctx, tx, w.TeamID)
	if err != nil || lead == uuid.Nil {
		return err
	}
	known, err := remediation.OfEvidence(ctx, tx, w.ID)
	if err != nil {
		return err
	}
	has := map[string]bool{}
	for _, it := range known {
		has[it.CauseKey] = it.State != remediation.Closed
	}
	sheets, err := s.standingSheets(ctx, tx, w.ID)
	if err != nil {
		return err
	}
	elsewhere, err := evidence.TrackedElsewhere(ctx, tx, w, checksOf(sheets), now)
	if err != nil {
		return err
	}
	for key := range elsewhere {
		has[key] = true
	}
	for _, sheet := range sheets {
		for _, e := range sheet.Entries() {
			for _, p := range e.Proofs {
				key := p.Check.Source + "/" + p.Check.Key
				if has[key] || !callsForItem(e, p, slices.Contains(newlyFailing, p.Check.Digest())) {
					continue
				}
				has[key] = true
				if err := openOne(ctx, tx, sheet, e, p, lead, now); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// checksOf lists the checks that bear on the questions of the sheets.
func checksOf(sheets []Sheet) (checks []questionnaire.Check) {
	for _, sheet := range sheets {
		for _, e := range sheet.Entries() {
			for _, p := range e.Proofs {
				checks = append(checks, p.Check)
			}
		}
	}
	return checks
}

func callsForItem(e Entry, p Proof, newly bool) bool {
	failing := p.Verdict.Failed > 0 && (p.State == evidence.Contradicts || p.State == evidence.Mixed)
	if !failing || e.Acceptance.Running != nil && !newly {
		return false
	}
	return p.Against || e.Answer.Required && newly
}

// openOne opens the item of a proof. Who should answer the question owns it, or a lead.
func openOne(ctx context.Context, tx pgx.Tx, sheet Sheet, e Entry, p Proof, lead uuid.UUID, now time.Time) error {
	detail := p.Verdict.Detail
	for _, f := range p.Verdict.Failing {
		detail += "\n- " + f.Resource
	}
	title := []rune(p.Check.Key + ": " + e.Question.Title)
	policy, err := remediation.LoadPolicy(ctx, tx)
	if err != nil {
		return err
	}
	severity, err := evidence.SeverityOf(ctx, tx, sheet.Workload.Production, p.Check.Source, p.Check.Key)
	if err != nil {
		return err
	}
	risk := itemRisk(severity, e, p)
	o := remediation.Opening{
		WorkloadID: sheet.Workload.ID, CauseKind: remediation.CauseEvidence, CauseKey: p.Check.Source + "/" + p.Check.Key,
		Title: string(title[:min(len(title), 280)]), Detail: detail, Risk: risk, Href: sheet.QuestionPath(e),
		OwnerID: lead, DueOn: policy.Due(risk, sheet.Workload.Tier, now),
	}
	if e.Assignee.ID != uuid.Nil {
		o.OwnerID = e.Assignee.ID
	}
	_, err = remediation.OpenItem(ctx, tx, identity.SystemActor("evidence"), o, now)
	if fault.Is(err, fault.Invalid) && o.OwnerID != lead { // who left owns nothing
		o.OwnerID = lead
		_, err = remediation.OpenItem(ctx, tx, identity.SystemActor("evidence"), o, now)
	}
	if fault.Is(err, fault.Invalid) {
		return nil // nobody can own it, and the run ends all the same
	}
	return err
}

// itemRisk is the risk of an item: what AWS says of the control where it says so, else what
// the answer would be worth without the choice that evidence stands against.
func itemRisk(severity evidence.Severity, e Entry, p Proof) string {
	if severity != "" {
		return severity.Risk()
	}
	s := e.Answer.Selection()
	s.Chosen = slices.DeleteFunc(slices.Clone(s.Chosen), func(id string) bool { return id == p.Check.Choice })
	switch e.Question.Score(s) {
	case questionnaire.RiskHigh, questionnaire.RiskUnanswered, questionnaire.RiskUnmatched:
		return "high"
	}
	return "medium"
}

// standingSheets reads the open reviews of a workload and the one whose decision governs.
func (s *Service) standingSheets(ctx context.Context, tx pgx.Tx, workloadID uuid.UUID) ([]Sheet, error) {
	g, err := governingOf(ctx, tx, workloadID, "")
	if ignoreNone(err) != nil {
		return nil, err
	}
	rows, err := tx.Query(ctx, `select id from reviews where workload_id = $1 and (state = 'open' or id = $2) order by started_at, id`, workloadID, g.review)
	if err != nil {
		return nil, fmt.Errorf("list reviews: %w", err)
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	if err != nil {
		return nil, fmt.Errorf("list reviews: %w", err)
	}
	var sheets []Sheet
	for _, id := range ids {
		r, err := load(ctx, tx, identity.SystemActor("evidence"), id)
		if err != nil {
			return nil, err
		}
		sheet, err := s.sheet(ctx, tx, r)
		if err != nil {
			return nil, err
		}
		sheets = append(sheets, sheet)
	}
	return sheets, nil
}

// leadOf is an active lead of the team, or any member; uuid.Nil when there is nobody.
func leadOf(ctx context.Context, tx pgx.Tx, team uuid.UUID) (id uuid.UUID, err error) {
	err = tx.QueryRow(ctx, `
		select p.id from memberships m join people p on p.id = m.person_id
		where m.team_id = $1 and p.deactivated_at is null order by m.role = 'lead' desc, p.name, p.id limit 1`, team).Scan(&id)
	return id, ignoreNone(err)
}
