package review

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"orrery/internal/evidence"
	"orrery/internal/fault"
	"orrery/internal/identity"
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

// EvidenceSince lists what evidence says against the answers of the decision that governs
// the workload, and did not say when they were submitted; none while no decision stands. Not
// found when who may not read the workload.
func (s *Service) EvidenceSince(ctx context.Context, who identity.Actor, workloadID uuid.UUID) (Review, []ChangedProof, error) {
	if _, err := workload.Load(ctx, s.db, who, workloadID); err != nil {
		return Review{}, nil, err
	}
	g, err := governingOf(ctx, s.db, workloadID, "")
	if err != nil || g.review == uuid.Nil || g.decision == nil || g.outcome == Revoked {
		return Review{}, nil, ignoreNone(err)
	}
	r, err := load(ctx, s.db, who, g.review)
	if err != nil || r.Round.State != Sealed { // a newer round shows it beside each question
		return r, nil, err
	}
	sheet, err := s.sheet(ctx, s.db, r)
	if err != nil {
		return r, nil, err
	}
	var sealed []byte
	if err := s.db.QueryRow(ctx, `select content from rounds where id = $1`, r.Round.ID).Scan(&sealed); err != nil {
		return r, nil, fmt.Errorf("read content: %w", err)
	}
	var content Snapshot
	if err := json.Unmarshal(sealed, &content); err != nil {
		return r, nil, fmt.Errorf("decode content: %w", err)
	}
	turned := slices.DeleteFunc(changedProofs(sheet, content), func(c ChangedProof) bool {
		return !c.Proof.Against || c.Before == string(evidence.Contradicts) || c.Before == string(evidence.Mixed)
	})
	return r, turned, nil
}

func ignoreNone(err error) error {
	if errors.Is(err, pgx.ErrNoRows) {
		return nil
	}
	return err
}

// OpenFromEvidence opens the items that evidence calls for by itself, within the caller's
// transaction: where it contradicts a ticked choice, or where a check on a required question
// newly fails. The first collection of a workload opens none, an accepted risk only for what
// newly fails, and a cause that has an item is left to it. It does not authorise: evidence
// calls it at the end of a run.
func (s *Service) OpenFromEvidence(ctx context.Context, tx pgx.Tx, w workload.Workload, newlyFailing []string, first bool, now time.Time) error {
	if first {
		return nil
	}
	owner, err := leadOf(ctx, tx, w.TeamID)
	if err != nil || owner == uuid.Nil {
		return err
	}
	known, err := remediation.OfEvidence(ctx, tx, w.ID)
	if err != nil {
		return err
	}
	has := map[string]bool{}
	for _, it := range known {
		has[it.CauseKey] = true
	}
	sheets, err := s.standingSheets(ctx, tx, w.ID)
	if err != nil {
		return err
	}
	for _, sheet := range sheets {
		for _, e := range sheet.Entries() {
			for _, p := range e.Proofs {
				key := p.Check.Source + "/" + p.Check.Key
				if has[key] || !callsForItem(e, p, slices.Contains(newlyFailing, p.Check.Digest())) {
					continue
				}
				has[key] = true
				if err := openOne(ctx, tx, sheet, e, p, owner, now); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func callsForItem(e Entry, p Proof, newly bool) bool {
	failing := p.Verdict.Failed > 0 && (p.State == evidence.Contradicts || p.State == evidence.Mixed)
	if !failing || e.Acceptance.Running != nil && !newly {
		return false
	}
	return p.Against || e.Answer.Required && newly
}

func openOne(ctx context.Context, tx pgx.Tx, sheet Sheet, e Entry, p Proof, owner uuid.UUID, now time.Time) error {
	detail := p.Verdict.Detail
	for _, f := range p.Verdict.Failing {
		detail += "\n- " + f.Resource
	}
	title := []rune(p.Check.Key + ": " + e.Question.Title)
	policy, err := remediation.LoadPolicy(ctx, tx)
	if err != nil {
		return err
	}
	_, err = remediation.OpenItem(ctx, tx, identity.SystemActor("evidence"), remediation.Opening{
		WorkloadID: sheet.Workload.ID, CauseKind: remediation.CauseEvidence, CauseKey: p.Check.Source + "/" + p.Check.Key,
		Title: string(title[:min(len(title), 280)]), Detail: detail, Risk: "medium", Href: sheet.QuestionPath(e),
		OwnerID: owner, DueOn: policy.Due("medium", sheet.Workload.Tier, now),
	}, now)
	if fault.Is(err, fault.Invalid) {
		return nil // nobody can own it, and the run ends all the same
	}
	return err
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
