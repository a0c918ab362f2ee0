package evidence

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"orrery/internal/postgres"
)

// notLent says in SQL that account a belongs to another team than workload w, and that it has
// not allowed w to read it: the rule of workload.Foreign, also for what a scope names no more.
const notLent = `(a.team_id <> w.team_id and not exists (
			select from account_allowances l where l.account = a.account and l.workload_id = w.id))`

// leaveOut finds the accounts of a run that other teams have not lent, whose facts do not
// count, and remembers them with the run: it was judged without them.
func leaveOut(ctx context.Context, tx pgx.Tx, runID uuid.UUID) (accounts []string, err error) {
	const sql = `
		update runs r set left_out = array(
			select distinct a.account
			from run_cells c join accounts a on a.account = c.account join workloads w on w.id = r.workload_id
			where c.run_id = r.id and ` + notLent + ` order by 1)
		where r.id = $1 returning r.left_out`
	if err := tx.QueryRow(ctx, sql, runID).Scan(&accounts); err != nil {
		return nil, fmt.Errorf("read accounts of others: %w", err)
	}
	return accounts, nil
}

// firstReading reports whether no run of the workload before this one was judged after it had
// read anything. A run that was stopped was not judged, and told nobody what fails.
func firstReading(ctx context.Context, q postgres.Querier, run Run) (first bool, err error) {
	const sql = `
		select not exists (
			select from runs r join run_cells c on c.run_id = r.id
			where r.workload_id = $1 and r.id <> $2 and (c.outcome = 'ok' or c.facts > 0)
				and (r.left_out is not null or r.state in ('complete', 'partial')))`
	if err := q.QueryRow(ctx, sql, run.WorkloadID, run.ID).Scan(&first); err != nil {
		return false, fmt.Errorf("look for earlier collections: %w", err)
	}
	return first, nil
}

// without is the verdict once the accounts it was judged with are not lent any more: what was
// read there is not shown and proves nothing. What fails in other accounts stands, however
// little is known of the rest.
func (v Verdict) without(taken []string) Verdict {
	shown := len(v.Failing)
	v.Failing = slices.DeleteFunc(v.Failing, func(f Failing) bool { return slices.Contains(taken, f.Account) })
	more := v.Failed > shown
	v.Passed, v.Failed, v.Suppressed, v.NotEvaluated, v.Untagged = 0, len(v.Failing), 0, 0, 0
	v.Verdict, v.Reason = CannotTell, ScopeChanged
	v.Detail = "What was read in account " + strings.Join(taken, ", ") + " does not count any more: another team owns it and does not lend it. Collect again."
	if v.Failed == 0 {
		return v
	}
	v.Verdict = Contradicts
	least := ""
	if more {
		least = "At least "
	}
	v.Detail = least + verb(v.Failed, "failure stands", "failures stand") + " in the other accounts. " + v.Detail
	return v
}
