package remediation

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"orrery/internal/fault"
	"orrery/internal/identity"
	"orrery/internal/postgres"
)

// columns are those of an item i; people completes it, from follows its workload w.
const (
	columns = `
	i.id, i.workload_id, w.key as workload_key, w.name as workload_name, w.team_id, t.name as team_name, w.tier, w.restricted,
	i.cause_kind, i.cause_key, i.title, i.detail, i.risk, i.timing, i.href,
	coalesce(i.owner_id, '00000000-0000-0000-0000-000000000000') as owner_id, coalesce(o.name, 'Nobody yet') as owner_name,
	i.due_on, i.state, i.resolution, i.version, i.opened_at, i.done_by, coalesce(d.name, '') as done_by_name, i.done_at, i.had_ticket,
	coalesce(v.name, '') as verified_by, i.verified_at, coalesce(x.name, '') as closed_by, i.closed_at, i.closed_reason`
	people = `
	join workloads w on w.id = i.workload_id
	join teams t on t.id = w.team_id
	left join people o on o.id = i.owner_id
	left join people d on d.id = i.done_by
	left join people v on v.id = i.verified_by
	left join people x on x.id = i.closed_by`
	from = columns + ` from items i` + people
)

// finished in SQL, as Item.Finished says it.
const finished = `(i.state in ('verified', 'closed') or i.state = 'done' and i.risk <> 'high' and i.cause_kind not in ('condition', 'incident'))`

func one(ctx context.Context, q postgres.Querier, who identity.Actor, sql string, args ...any) (Item, error) {
	rows, err := q.Query(ctx, sql, args...)
	if err != nil {
		return Item{}, fmt.Errorf("read item: %w", err)
	}
	it, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[Item])
	if errors.Is(err, pgx.ErrNoRows) || err == nil && !who.CanRead(it.Target()) {
		return Item{}, fault.New(fault.NotFound, "There is no such item.")
	}
	if err != nil {
		return Item{}, fmt.Errorf("read item: %w", err)
	}
	return it, nil
}

func byID(ctx context.Context, q postgres.Querier, who identity.Actor, id uuid.UUID) (Item, error) {
	return one(ctx, q, who, `select`+from+` where i.id = $1`, id)
}

func lock(ctx context.Context, tx pgx.Tx, who identity.Actor, id uuid.UUID) (Item, error) {
	return one(ctx, tx, who, `select`+from+` where i.id = $1 for update of i`, id)
}

// OfWorkload lists every item of a workload, the unfinished first, by due day. It does not
// authorise: pages and reviews call it for a workload they have loaded for the reader.
func OfWorkload(ctx context.Context, q postgres.Querier, workloadID uuid.UUID) ([]Item, error) {
	rows, err := q.Query(ctx, `select`+from+` where i.workload_id = $1 order by `+finished+`, i.due_on, i.id limit 500`, workloadID)
	if err != nil {
		return nil, fmt.Errorf("list items: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByName[Item])
}

// CollectLeft queues what the launch gate may hold for: the items of a workload that are
// conditions of the decision, also when they were closed, which verifies nothing, or unfinished
// and of high risk. uuid.Nil asks for no conditions. They come first, then by due day. Of an Item
// ID, CauseKind, CauseKey, Title, Risk, Timing, DueOn and State are filled. It does not
// authorise, as OfWorkload.
func CollectLeft(b *pgx.Batch, out *[]Item, workloadID, decision uuid.UUID) {
	postgres.Collect(b, out, pgx.RowToStructByNameLax[Item], `
		select i.id, i.cause_kind, i.cause_key, i.title, i.risk, i.timing, i.due_on, i.state from items i
		where i.workload_id = $1 and case
			when i.cause_kind = 'condition' then starts_with(i.cause_key, $2) and (i.state = 'closed' or not `+finished+`)
			else i.risk = 'high' and not `+finished+` end
		order by i.cause_kind <> 'condition', i.due_on, i.id limit 500`, workloadID, decision.String()+"/")
}

// ownedBefore is had_ticket of an item i whose owner becomes @owner: an owner is remembered.
const ownedBefore = `case when i.owner_id is distinct from @owner
	then array_remove(array_remove(i.had_ticket, i.owner_id) || i.owner_id, null) else i.had_ticket end`

// upsert opens the item of a cause, or reopens it. An item that is already open keeps its
// state and takes the owner and due day that were said last; had is who owned it before.
func upsert(ctx context.Context, tx pgx.Tx, o Opening, by *uuid.UUID, now time.Time) (id uuid.UUID, verb string, had uuid.UUID, err error) {
	const sql = `
		with before as (select owner_id from items where workload_id = @workload and cause_kind = @kind and cause_key = @key)
		insert into items as i (id, workload_id, cause_kind, cause_key, title, detail, risk, timing, href,
			owner_id, due_on, state, resolution, opened_by, opened_at)
		values (@id, @workload, @kind, @key, @title, @detail, @risk, @timing, @href, @owner, @due, 'open', '', @by, @now)
		on conflict on constraint items_cause_unique do update set
			title = @title, detail = @detail, risk = @risk, timing = @timing, href = @href, version = i.version + 1,
			had_ticket = ` + ownedBefore + `, owner_id = @owner, due_on = @due,
			resolution = case when i.state in ('open', 'in_progress') then i.resolution else '' end,
			opened_at = case when i.state in ('open', 'in_progress') then i.opened_at else @now end,
			opened_by = case when i.state in ('open', 'in_progress') then i.opened_by else @by end,
			state = case when i.state in ('open', 'in_progress') then i.state else 'open' end,
			done_by = null, done_at = null, verified_by = null, verified_at = null,
			closed_by = null, closed_at = null, closed_reason = '', closed_alone = false
		returning id, case when version = 1 then 'item.opened' when opened_at = @now then 'item.reopened' else 'item.kept' end, coalesce((select owner_id from before), '00000000-0000-0000-0000-000000000000')`
	err = tx.QueryRow(ctx, sql, pgx.StrictNamedArgs{
		"id": uuid.Must(uuid.NewV7()), "workload": o.WorkloadID, "kind": o.CauseKind, "key": o.CauseKey,
		"title": o.Title, "detail": o.Detail, "risk": o.Risk, "timing": o.Timing, "href": o.Href,
		"owner": o.OwnerID, "due": o.DueOn, "by": by, "now": now,
	}).Scan(&id, &verb, &had)
	if name, ok := postgres.Constraint(err); ok && name == "items_owner_id_fkey" {
		return id, "", had, fault.InvalidField("owner", "Choose an owner from the list.")
	}
	return id, verb, had, err
}

func save(ctx context.Context, tx pgx.Tx, it Item, verifiedBy *uuid.UUID) error {
	const sql = `
		update items i set had_ticket = ` + ownedBefore + `, owner_id = @owner, due_on = @due, state = @state, resolution = @resolution, version = version + 1,
			done_by = @done_by, done_at = @done_at, verified_by = @verified_by, verified_at = @verified_at,
			closed_at = case when @state = 'closed' then closed_at end, closed_by = case when @state = 'closed' then closed_by end,
			closed_reason = case when @state = 'closed' then closed_reason else '' end, closed_alone = closed_alone and @state = 'closed'
		where id = @id`
	_, err := tx.Exec(ctx, sql, pgx.StrictNamedArgs{
		"id": it.ID, "owner": nullable(it.OwnerID), "due": it.DueOn, "state": it.State, "resolution": it.Resolution,
		"done_by": it.DoneBy, "done_at": it.DoneAt, "verified_by": verifiedBy, "verified_at": it.VerifiedAt,
	})
	if name, ok := postgres.Constraint(err); ok && name == "items_four_eyes" {
		return errNeedsAnother(it)
	}
	return err
}

// mayOwn reports whether the person is active and, where the workload is restricted, in its
// team: nobody owns work that they cannot see.
func mayOwn(ctx context.Context, q postgres.Querier, person, workloadID uuid.UUID) (ok bool, err error) {
	err = q.QueryRow(ctx, `
		select exists (
			select from people p join workloads w on w.id = $2
			where p.id = $1 and p.deactivated_at is null and p.service_team is null
			and (not w.restricted or exists (select from memberships m where m.person_id = p.id and m.team_id = w.team_id)))`, person, workloadID).Scan(&ok)
	return ok, err
}

// LockItems locks every item of the workload, in one order, before any of them is changed
// together with the audit record: whoever changes one item locks it before the record too.
func LockItems(ctx context.Context, tx pgx.Tx, workloadID uuid.UUID) error {
	_, err := tx.Exec(ctx, `select from items where workload_id = $1 order by id for update`, workloadID)
	if err != nil {
		return fmt.Errorf("lock items: %w", err)
	}
	return nil
}

// unfinishedOfCause finds the open item of a cause, or uuid.Nil.
func unfinishedOfCause(ctx context.Context, tx pgx.Tx, workloadID uuid.UUID, kind, key string) (id uuid.UUID, err error) {
	err = tx.QueryRow(ctx, `
		select id from items where workload_id = $1 and cause_kind = $2 and cause_key = $3 and state in ('open', 'in_progress')
		for update`, workloadID, kind, key).Scan(&id)
	if errors.Is(err, pgx.ErrNoRows) {
		return uuid.Nil, nil
	}
	return id, err
}

func nullable(id uuid.UUID) *uuid.UUID {
	if id == uuid.Nil {
		return nil
	}
	return &id
}

// seesAll and visible say in SQL's terms what identity.Actor.CanRead says of one target.
func seesAll(who identity.Actor) bool {
	return who.System != "" || who.Is(identity.Auditor) ||
		who.Has(identity.Approver, uuid.Nil) || who.Has(identity.Facilitator, uuid.Nil)
}

func visible(who identity.Actor) (teams, grants []uuid.UUID) {
	teams, grants = []uuid.UUID{}, []uuid.UUID{}
	for _, m := range who.Teams {
		teams = append(teams, m.TeamID)
	}
	for _, g := range who.Grants {
		if !g.SelfGiven {
			grants = append(grants, g.WorkloadID)
		}
	}
	return teams, grants
}

// ByID reads an item. It does not authorise: incidents call it for the actions of a record
// that they have loaded for the reader.
func ByID(ctx context.Context, q postgres.Querier, id uuid.UUID) (Item, error) {
	return byID(ctx, q, identity.SystemActor("remediation"), id)
}
