package review

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"orrery/internal/audit"
	"orrery/internal/evidence"
	"orrery/internal/identity"
	"orrery/internal/postgres"
	"orrery/internal/workload"
)

// EvidenceSince lists what evidence says against the answers of the decision that governs
// the workload, and did not say when they were submitted; none while no decision stands. Not
// found when who may not read the workload.
func (s *Service) EvidenceSince(ctx context.Context, who identity.Actor, workloadID uuid.UUID) (Review, []ChangedProof, error) {
	if _, err := workload.Load(ctx, s.db, who, workloadID); err != nil {
		return Review{}, nil, err
	}
	r, turned, _, err := s.turnedSince(ctx, s.db, who, workloadID)
	return r, turned, err
}

// turnedSince is EvidenceSince with the id of the decision, for whom may read the workload.
func (s *Service) turnedSince(ctx context.Context, q postgres.Batcher, who identity.Actor, workloadID uuid.UUID) (Review, []ChangedProof, uuid.UUID, error) {
	g, err := governingOf(ctx, q, workloadID, "")
	if err != nil || g.review == uuid.Nil || g.decision == nil || g.outcome == Revoked {
		return Review{}, nil, uuid.Nil, ignoreNone(err)
	}
	r, err := load(ctx, q, who, g.review)
	if err != nil || r.Round.State != Sealed { // a newer round shows it beside each question
		return r, nil, *g.decision, err
	}
	sheet, err := s.sheet(ctx, q, r)
	if err != nil {
		return r, nil, *g.decision, err
	}
	var sealed []byte
	if err := q.QueryRow(ctx, `select content from rounds where id = $1`, r.Round.ID).Scan(&sealed); err != nil {
		return r, nil, *g.decision, fmt.Errorf("read content: %w", err)
	}
	var content Snapshot
	if err := json.Unmarshal(sealed, &content); err != nil {
		return r, nil, *g.decision, fmt.Errorf("decode content: %w", err)
	}
	turned := slices.DeleteFunc(changedProofs(sheet, content), func(c ChangedProof) bool {
		return !c.Proof.Against || c.Before == string(evidence.Contradicts) || c.Before == string(evidence.Mixed)
	})
	return r, turned, *g.decision, nil
}

// AfterRun is what reviews do at the end of a run, within its transaction: they open the
// items that evidence calls for, but for the first run, and record what turned against the
// decision. It does not authorise: evidence calls it.
func (s *Service) AfterRun(ctx context.Context, tx pgx.Tx, w workload.Workload, newlyFailing []string, first bool, now time.Time) error {
	if !first {
		if err := s.openFromEvidence(ctx, tx, w, newlyFailing, now); err != nil {
			return err
		}
	}
	if len(newlyFailing) == 0 {
		return nil
	}
	return s.recordTurned(ctx, tx, w, newlyFailing, now)
}

// recordTurned records, once for a run, that checks which newly fail speak against answers
// of the decision that governs. Owner and decider are told by the event.
func (s *Service) recordTurned(ctx context.Context, tx pgx.Tx, w workload.Workload, newlyFailing []string, now time.Time) error {
	who := identity.SystemActor("evidence")
	r, turned, decision, err := s.turnedSince(ctx, tx, who, w.ID)
	if err != nil {
		return err
	}
	var questions []string
	run := uuid.Nil
	for _, c := range turned {
		if slices.Contains(newlyFailing, c.Proof.Check.Digest()) {
			questions, run = append(questions, c.Entry.Key()), c.Proof.Verdict.RunID
		}
	}
	if len(questions) == 0 {
		return nil
	}
	slices.Sort(questions)
	return audit.Record(ctx, tx, who, audit.Act{
		Stream: audit.WorkloadStream(w.ID), Verb: "evidence.turned", TargetKind: "review", TargetID: r.ID.String(), At: now,
		Details: []audit.Detail{
			{Name: "decision", Value: decision.String()}, {Name: "run", Value: run.String()},
			{Name: "questions", Value: strings.Join(slices.Compact(questions), " ")},
		},
	})
}
