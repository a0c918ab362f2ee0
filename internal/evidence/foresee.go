package evidence

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"orrery/internal/postgres"
	"orrery/internal/questionnaire"
	"orrery/internal/workload"
)

// Foresee is Verdicts together with those of checks that nothing published asks yet, computed
// from what the workload's last collection read. What that did not look at cannot be told. It
// does not authorise: incidents call it for workloads they have loaded for the reader.
func Foresee(ctx context.Context, q postgres.Querier, workloadID uuid.UUID, checks []questionnaire.Check, now time.Time) (map[string]Verdict, error) {
	out, err := Verdicts(ctx, q, workloadID)
	if err != nil {
		return nil, err
	}
	var g *Ground
	for _, c := range checks {
		if _, stored := out[c.Digest()]; stored {
			continue
		}
		if g == nil {
			g = &Ground{Now: now}
		}
		if err := g.judgeInto(ctx, q, workloadID, c, out); err != nil {
			return nil, fmt.Errorf("foresee: %w", err)
		}
	}
	return out, nil
}

// judgeInto adds the verdict of one check, if there was a collection.
func (g *Ground) judgeInto(ctx context.Context, q postgres.Querier, workloadID uuid.UUID, c questionnaire.Check, out map[string]Verdict) error {
	var run uuid.UUID
	const last = `select id from runs where workload_id = $1 and state <> 'running' order by requested_at desc limit 1`
	if err := q.QueryRow(ctx, last, workloadID).Scan(&run); errors.Is(err, pgx.ErrNoRows) {
		return nil
	} else if err != nil {
		return err
	}
	var err error
	if g.Cells == nil {
		if g.Cells, err = ledger(ctx, q, run); err != nil {
			return err
		}
		if g.Tags, g.ApplicationARN, err = runScope(ctx, q, run); err != nil {
			return err
		}
	}
	foreign, err := workload.Foreign(ctx, q, workloadID)
	if err != nil {
		return err
	}
	if g.Facts, err = factsFor(ctx, q, run, c.Source, c.Key, foreign); err != nil {
		return err
	}
	out[c.Digest()] = Judge(c, *g)
	return nil
}
