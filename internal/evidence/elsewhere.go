package evidence

import (
	"context"
	"fmt"
	"maps"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"orrery/internal/identity"
	"orrery/internal/postgres"
	"orrery/internal/questionnaire"
	"orrery/internal/workload"
)

// Elsewhere is the item of another workload that tracks a failure of an account as a whole:
// the team that owns the account tracks it once, whoever else names the account.
type Elsewhere struct {
	ItemID      uuid.UUID
	DueOn       time.Time
	TeamName    string
	WorkloadKey string
	target      identity.Target
}

// Readable reports whether the actor may read the item.
func (e Elsewhere) Readable(who identity.Actor) bool { return who.CanRead(e.target) }

// TrackedElsewhere finds, by Failure.Key, what fails for the workload only on accounts as a
// whole, by the checks or by what AWS says, and is tracked by the team that owns them on
// another workload that names them. It does not authorise: reviews call it at the end of a run, pages for a workload they have read.
func TrackedElsewhere(ctx context.Context, q postgres.Querier, w workload.Workload, checks []questionnaire.Check, now time.Time) (map[string]Elsewhere, error) {
	const sql = `
		with mine as (
			select f.source || '/' || f.control as key, array_agg(distinct f.account) as accounts, array_agg(distinct f.region) as regions
			from facts f
			where f.gone_at is null and ` + failing + ` and ` + inScope + `
			group by f.source, f.control having bool_and(f.resource like @whole || '%' or f.source || '/' || f.control = any(@wide)))
		select distinct on (m.key) m.key, i.id, i.due_on, t.name, w.key, w.id, w.team_id, w.restricted
		from mine m
		join items i on i.cause_kind = 'evidence' and i.cause_key = m.key and i.state in ('open', 'in_progress') and i.workload_id <> @workload
		join workloads w on w.id = i.workload_id and w.stage <> 'retired'
		join teams t on t.id = w.team_id
		join scopes s on s.workload_id = w.id and s.production and m.accounts <@ s.accounts and m.regions <@ s.regions
		where not exists (
			select from unnest(m.accounts) as named(account) left join accounts a on a.account = named.account
			where a.team_id is distinct from w.team_id)
		order by m.key, i.opened_at, i.id`
	args := askedBy(checks, now).failingArgs(w.Production)
	maps.Copy(args, pgx.StrictNamedArgs{"workload": w.ID})
	rows, err := q.Query(ctx, sql, args)
	if err != nil {
		return nil, fmt.Errorf("read what is tracked elsewhere: %w", err)
	}
	out := map[string]Elsewhere{}
	var key string
	var e Elsewhere
	_, err = pgx.ForEachRow(rows, []any{&key, &e.ItemID, &e.DueOn, &e.TeamName, &e.WorkloadKey, &e.target.WorkloadID, &e.target.TeamID, &e.target.Restricted}, func() error {
		out[key] = e
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read what is tracked elsewhere: %w", err)
	}
	return out, nil
}
