package evidence

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"orrery/internal/fault"
	"orrery/internal/postgres"
	"orrery/internal/workload"
)

func errNoRun() error { return fault.New(fault.NotFound, "There is no such collection.") }

// lockWorkload makes starts of runs on one workload wait for each other. A workload that
// is not there locks nothing; reading it says so.
func lockWorkload(ctx context.Context, tx pgx.Tx, id uuid.UUID) error {
	_, err := tx.Exec(ctx, `select from workloads where id = $1 for no key update`, id)
	return err
}

func runningRun(ctx context.Context, tx pgx.Tx, workloadID uuid.UUID) (id uuid.UUID, found bool, err error) {
	err = tx.QueryRow(ctx, `select id from runs where workload_id = $1 and state = 'running'`, workloadID).Scan(&id)
	if errors.Is(err, pgx.ErrNoRows) {
		return id, false, nil
	}
	return id, err == nil, err
}

func insertRun(ctx context.Context, tx pgx.Tx, r Run, s workload.Scope) error {
	const sql = `
		insert into runs (id, workload_id, scope_id, state, requested_by, requested_at, tags, application_arn)
		values ($1, $2, $3, 'running', $4, $5, $6, $7)`
	_, err := tx.Exec(ctx, sql, r.ID, r.WorkloadID, s.ID, nilID(r.RequestedBy), r.RequestedAt, notNil(s.Tags), s.ApplicationARN)
	return err
}

func nilID(id uuid.UUID) *uuid.UUID {
	if id == uuid.Nil {
		return nil
	}
	return &id
}

func insertCells(ctx context.Context, tx pgx.Tx, runID uuid.UUID, cells []Cell, sources []string) error {
	const sql = `
		insert into run_cells (run_id, account, region, source, state, outcome, detail, permission, facts)
		select $1, cell.account, cell.region, s.source, 'queued', '', '', '', 0
		from unnest($2::text[], $3::text[]) as cell(account, region), unnest($4::text[]) as s(source)
		where cell.region = $6 or s.source <> all($5)`
	var accounts, regions []string
	for _, c := range cells {
		accounts, regions = append(accounts, c.Account), append(regions, c.Region)
	}
	_, err := tx.Exec(ctx, sql, runID, accounts, regions, sources, onceAnAccount(sources), homeRegion(cells))
	return err
}

const runColumns = `
	select r.id, r.workload_id, r.state, coalesce(r.requested_by, '00000000-0000-0000-0000-000000000000'),
		coalesce(p.name, 'Orrery'), r.requested_at, r.finished_at
	from runs r left join people p on p.id = r.requested_by`

// loadRun reads a run with its ledger; not found when there is none.
func loadRun(ctx context.Context, q postgres.Querier, id uuid.UUID) (Run, error) {
	r, found, err := oneRun(ctx, q, runColumns+` where r.id = $1`, id)
	if err == nil && !found {
		return r, errNoRun()
	}
	return r, err
}

// LatestRun reads the newest run of a workload with its ledger; found is false when there
// has been none. It does not authorise: pages call it after they have read the workload.
func LatestRun(ctx context.Context, q postgres.Querier, workloadID uuid.UUID) (run Run, found bool, err error) {
	return oneRun(ctx, q, runColumns+` where r.workload_id = $1 order by r.requested_at desc, r.id desc limit 1`, workloadID)
}

func oneRun(ctx context.Context, q postgres.Querier, sql string, arg uuid.UUID) (r Run, found bool, err error) {
	err = q.QueryRow(ctx, sql, arg).Scan(&r.ID, &r.WorkloadID, &r.State, &r.RequestedBy, &r.RequestedByName, &r.RequestedAt, &r.FinishedAt)
	if errors.Is(err, pgx.ErrNoRows) {
		return r, false, nil
	}
	if err != nil {
		return r, false, fmt.Errorf("read run: %w", err)
	}
	r.Cells, err = ledger(ctx, q, r.ID)
	return r, err == nil, err
}

// ledger reads the lines of a run by account, Region and source.
func ledger(ctx context.Context, q postgres.Querier, runID uuid.UUID) ([]CellState, error) {
	const sql = `
		select account, region, source, state, outcome, detail, permission, facts, started_at, finished_at
		from run_cells where run_id = $1 order by account, region, source`
	rows, err := q.Query(ctx, sql, runID)
	if err != nil {
		return nil, fmt.Errorf("read ledger: %w", err)
	}
	cells, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (CellState, error) {
		var c CellState
		err := row.Scan(&c.Account, &c.Region, &c.Source, &c.State, &c.Result, &c.Detail, &c.Permission, &c.Facts, &c.StartedAt, &c.FinishedAt)
		return c, err
	})
	if err != nil {
		return nil, fmt.Errorf("read ledger: %w", err)
	}
	return cells, nil
}

// startCell marks the unfinished lines of a cell as running and returns their sources;
// none when the run is over or another job finished the cell.
func startCell(ctx context.Context, tx pgx.Tx, runID uuid.UUID, c Cell, now time.Time) ([]string, error) {
	const sql = `
		update run_cells l set state = 'running', started_at = coalesce(l.started_at, $4)
		from runs r
		where l.run_id = $1 and l.account = $2 and l.region = $3 and l.state <> 'done'
			and r.id = l.run_id and r.state = 'running'
		returning l.source`
	rows, err := tx.Query(ctx, sql, runID, c.Account, c.Region, now)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

// lockRun takes the run's row lock, which orders the ends of its cells. open is false when
// the run is over or gone.
func lockRun(ctx context.Context, tx pgx.Tx, id uuid.UUID) (r Run, open bool, err error) {
	const sql = `select id, workload_id, state, requested_at from runs where id = $1 for no key update`
	err = tx.QueryRow(ctx, sql, id).Scan(&r.ID, &r.WorkloadID, &r.State, &r.RequestedAt)
	if errors.Is(err, pgx.ErrNoRows) {
		return r, false, nil
	}
	return r, r.State == Running, err
}

// endLine finishes one line of the ledger, once.
func endLine(ctx context.Context, tx pgx.Tx, runID uuid.UUID, c Cell, o Outcome, facts int, now time.Time) error {
	const sql = `
		update run_cells set state = 'done', outcome = $5, detail = $6, permission = $7, facts = $8, finished_at = $9
		where run_id = $1 and account = $2 and region = $3 and source = $4 and state <> 'done'`
	_, err := tx.Exec(ctx, sql, runID, c.Account, c.Region, o.Source, o.Result, shorten(clean(o.Detail), 1000), clean(o.Permission), facts, now)
	return err
}

func endRun(ctx context.Context, tx pgx.Tx, id uuid.UUID, state RunState, now time.Time) error {
	_, err := tx.Exec(ctx, `update runs set state = $2, finished_at = $3 where id = $1`, id, state, now)
	return err
}

// runScope reads the tags and the application of the scope that a run was started for,
// whatever became of them since.
func runScope(ctx context.Context, q postgres.Querier, runID uuid.UUID) (tags []string, applicationARN string, err error) {
	const sql = `
		select coalesce(r.tags, s.tags), coalesce(r.application_arn, s.application_arn)
		from runs r join scopes s on s.id = r.scope_id where r.id = $1`
	err = q.QueryRow(ctx, sql, runID).Scan(&tags, &applicationARN)
	return tags, applicationARN, err
}

func putVerdict(ctx context.Context, tx pgx.Tx, workloadID uuid.UUID, v Verdict) error {
	const sql = `
		insert into verdicts (workload_id, check_digest, verdict, reason, detail, passed, failed, suppressed, not_evaluated,
			failing, as_of, run_id, computed_at, untagged)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
		on conflict (workload_id, check_digest) do update set verdict = excluded.verdict, reason = excluded.reason,
			detail = excluded.detail, passed = excluded.passed, failed = excluded.failed, suppressed = excluded.suppressed,
			not_evaluated = excluded.not_evaluated, failing = excluded.failing, as_of = excluded.as_of,
			run_id = excluded.run_id, computed_at = excluded.computed_at, untagged = excluded.untagged`
	failing, err := json.Marshal(v.Failing)
	if err != nil {
		return err
	}
	var asOf *time.Time
	if !v.AsOf.IsZero() {
		asOf = &v.AsOf
	}
	_, err = tx.Exec(ctx, sql, workloadID, v.Check, v.Verdict, v.Reason, v.Detail, v.Passed, v.Failed, v.Suppressed,
		v.NotEvaluated, failing, asOf, v.RunID, v.ComputedAt, v.Untagged)
	return err
}

const verdictsSQL = `
	with used as (
		select r.id as run_id, r.tags, r.application_arn, r.left_out
		from runs r where r.id in (select run_id from verdicts where workload_id = $1)),
	outgrown as (
		select u.run_id from used u join scopes s on s.workload_id = $1 and s.production
		where not coalesce(u.tags @> s.tags and u.tags <@ s.tags and u.application_arn = s.application_arn, false)
			or exists (
				select from unnest(s.accounts) as needs_account, unnest(s.regions) as needs_region
				where not exists (
					select from run_cells c where c.run_id = u.run_id and c.account = needs_account and c.region = needs_region))),
	taken as (
		select u.run_id, array_agg(distinct a.account) as accounts
		from used u join run_cells c on c.run_id = u.run_id join accounts a on a.account = c.account join workloads w on w.id = $1
		where a.account <> all(coalesce(u.left_out, '{}')) and ` + notLent + `
		group by u.run_id)
	select v.check_digest, v.verdict, v.reason, v.detail, v.passed, v.failed, v.suppressed, v.not_evaluated, v.failing,
		v.as_of, v.run_id, v.computed_at, v.run_id in (select run_id from outgrown), null::timestamptz, v.untagged,
		coalesce((select t.accounts from taken t where t.run_id = v.run_id), '{}')
	from verdicts v where v.workload_id = $1
	union all
	select o.check_digest, o.verdict, o.reason, o.detail, o.passed, o.failed, 0, o.not_evaluated, o.failing,
		o.as_of, '00000000-0000-0000-0000-000000000000'::uuid, o.computed_at, false, o.valid_until, 0, '{}'
	from own_verdicts o where o.workload_id = $1`

// Verdicts reads the stored verdicts of a workload by the digest of their check; a check
// that is not in the map was never collected. A verdict that supports although the scope
// has since gained accounts or Regions, or has other tags or another application, cannot tell
// any more; of accounts that were taken back nothing is left. It does not authorise: pages and
// reviews call it after they have read the workload.
func Verdicts(ctx context.Context, q postgres.Querier, workloadID uuid.UUID) (map[string]Verdict, error) {
	rows, err := q.Query(ctx, verdictsSQL, workloadID)
	if err != nil {
		return nil, fmt.Errorf("read verdicts: %w", err)
	}
	out := map[string]Verdict{}
	return out, scanVerdicts(rows, out)
}

// QueueVerdicts is Verdicts for a page that asks for several things in one go: out is
// filled when the batch is read.
func QueueVerdicts(b *pgx.Batch, workloadID uuid.UUID, out map[string]Verdict) {
	b.Queue(verdictsSQL, workloadID).Query(func(rows pgx.Rows) error { return scanVerdicts(rows, out) })
}

func scanVerdicts(rows pgx.Rows, out map[string]Verdict) error {
	var v Verdict
	var asOf *time.Time
	var outgrown bool
	var taken []string
	_, err := pgx.ForEachRow(rows, []any{&v.Check, &v.Verdict, &v.Reason, &v.Detail, &v.Passed, &v.Failed, &v.Suppressed,
		&v.NotEvaluated, &v.Failing, &asOf, &v.RunID, &v.ComputedAt, &outgrown, &v.Until, &v.Untagged, &taken}, func() error {
		one := v
		v.Failing, v.Until = nil, nil // scanned in place: the next row needs its own
		if asOf != nil {
			one.AsOf = *asOf
		}
		switch {
		case len(taken) > 0:
			one = one.without(taken)
		case outgrown && one.Verdict == Supports:
			one.Verdict, one.Reason = CannotTell, ScopeChanged
			one.Detail = "The accounts, Regions, tags or the application of the scope changed after the last collection. Collect again."
		}
		out[one.Check] = one
		return nil
	})
	if err != nil {
		return fmt.Errorf("read verdicts: %w", err)
	}
	return nil
}

// orphan is an unfinished cell that no job works on.
type orphan struct {
	CollectArgs
	RequestedAt time.Time
	Jobs        int // made for it so far
}

// orphanedCells finds unfinished cells of open runs without a waiting job, without a job
// that started after startedAfter, and whose lock nobody holds. It reads River's table of
// jobs: that is where a dead worker leaves its trace.
func orphanedCells(ctx context.Context, q postgres.Querier, startedAfter time.Time) ([]orphan, error) {
	const sql = `
		with cells as (
			select distinct r.id, r.requested_by, r.requested_at, c.account, c.region
			from runs r join run_cells c on c.run_id = r.id
			where r.state = 'running' and c.state <> 'done'),
		worked as (
			select c.*, count(j.id) as jobs,
				count(*) filter (where j.state in ('available', 'pending', 'retryable', 'scheduled')
					or j.state = 'running' and j.attempted_at > $2) as alive
			from cells c
			left join river.river_job j on j.kind = $3 and j.args @> jsonb_build_object('run_id', c.id, 'account', c.account, 'region', c.region)
			group by c.id, c.requested_by, c.requested_at, c.account, c.region)
		select w.id, w.account, w.region, coalesce(w.requested_by, '00000000-0000-0000-0000-000000000000'), w.requested_at, w.jobs
		from worked w
		where w.alive = 0 and not exists (
			select from pg_locks l join pg_database d on d.oid = l.database and d.datname = current_database()
			where l.locktype = 'advisory' and l.objsubid = 2 and l.granted and l.classid::bigint = $1
				and l.objid::bigint = (hashtext(w.account || '/' || w.region)::bigint & 4294967295))`
	rows, err := q.Query(ctx, sql, lockClass, startedAfter, CollectArgs{}.Kind())
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (o orphan, err error) {
		return o, row.Scan(&o.RunID, &o.Account, &o.Region, &o.RequestedBy, &o.RequestedAt, &o.Jobs)
	})
}
