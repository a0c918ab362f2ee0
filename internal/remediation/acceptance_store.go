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

const acceptanceColumns = `
	a.id, a.workload_id, w.key as workload_key, w.name as workload_name, w.team_id, t.name as team_name, w.tier, w.restricted,
	a.question, a.title, a.risk, a.href, a.reason, a.control, a.wanted_until, a.asked_by, q.name as asked_by_name, a.asked_at,
	a.state, a.until, a.judged_by, coalesce(j.name, '') as judged_by_name, a.judged_at, a.note,
	coalesce(c.name, '') as closed_by_name, a.closed_at, a.close_note, a.settled_at
	from acceptances a
	join workloads w on w.id = a.workload_id
	join teams t on t.id = w.team_id
	join people q on q.id = a.asked_by
	left join people j on j.id = a.judged_by
	left join people c on c.id = a.closed_by`

func oneAcceptance(ctx context.Context, q postgres.Querier, who identity.Actor, sql string, args ...any) (Acceptance, error) {
	rows, err := q.Query(ctx, sql, args...)
	if err != nil {
		return Acceptance{}, fmt.Errorf("read acceptance: %w", err)
	}
	a, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[Acceptance])
	if errors.Is(err, pgx.ErrNoRows) || err == nil && !who.CanRead(a.Target()) {
		return Acceptance{}, fault.New(fault.NotFound, "There is no such acceptance.")
	}
	if err != nil {
		return Acceptance{}, fmt.Errorf("read acceptance: %w", err)
	}
	return a, nil
}

func acceptanceByID(ctx context.Context, q postgres.Querier, who identity.Actor, id uuid.UUID) (Acceptance, error) {
	return oneAcceptance(ctx, q, who, `select`+acceptanceColumns+` where a.id = $1`, id)
}

// lockAcceptance locks the acceptances of the question that bear on it, and the one with the
// id, in the order in which LockStanding locks them, and reads that one: a grant replaces
// another of them.
func lockAcceptance(ctx context.Context, tx pgx.Tx, who identity.Actor, id uuid.UUID) (Acceptance, error) {
	const sql = `
		select from acceptances a
		where a.id = $1 or a.settled_at is null and (a.workload_id, a.question) = (select x.workload_id, x.question from acceptances x where x.id = $1)
		order by a.id for update`
	if _, err := tx.Exec(ctx, sql, id); err != nil {
		return Acceptance{}, fmt.Errorf("lock acceptances: %w", err)
	}
	return acceptanceByID(ctx, tx, who, id)
}

// standingAcceptances reads those of a workload whose risk is not mended, newest first.
const standingAcceptances = `select` + acceptanceColumns + `
	where a.workload_id = $1 and a.settled_at is null order by a.asked_at desc, a.id desc limit 1000`

// AcceptancesOf reads the acceptances of a workload that still bear on its questions. It does
// not authorise: reviews call it for a workload they have loaded for the reader.
func AcceptancesOf(ctx context.Context, q postgres.Querier, workloadID uuid.UUID) ([]Acceptance, error) {
	rows, err := q.Query(ctx, standingAcceptances, workloadID)
	if err != nil {
		return nil, fmt.Errorf("list acceptances: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByName[Acceptance])
}

// QueueAcceptances is AcceptancesOf within a batch.
func QueueAcceptances(b *pgx.Batch, workloadID uuid.UUID, out *[]Acceptance) {
	postgres.Collect(b, out, pgx.RowToStructByName[Acceptance], standingAcceptances, workloadID)
}

// LockStanding locks the items of the workload, then its acceptances, so that neither
// changes while a review is submitted or decided on them.
func LockStanding(ctx context.Context, tx pgx.Tx, workloadID uuid.UUID) error {
	if err := LockItems(ctx, tx, workloadID); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, `select from acceptances where workload_id = $1 and settled_at is null order by id for update`, workloadID); err != nil {
		return fmt.Errorf("lock acceptances: %w", err)
	}
	return nil
}

func insertAcceptance(ctx context.Context, tx pgx.Tx, who identity.Actor, a Acceptance) error {
	const sql = `
		insert into acceptances (id, workload_id, question, title, risk, href, reason, control, wanted_until, asked_by, asked_at, state)
		values (@id, @workload, @question, @title, @risk, @href, @reason, @control, @until, @by, @now, 'asked')`
	_, err := tx.Exec(ctx, sql, pgx.StrictNamedArgs{
		"id": a.ID, "workload": a.WorkloadID, "question": a.Question, "title": a.Title, "risk": a.Risk, "href": a.Href, "reason": a.Reason,
		"control": a.Control, "until": a.WantedUntil, "by": who.PersonID, "now": a.AskedAt,
	})
	if postgres.IsUnique(err, "acceptances_one_asked") {
		return fault.New(fault.Conflict, "An acceptance of this risk is asked for already. An approver grants or declines it first.")
	}
	return err
}

func judgeAcceptance(ctx context.Context, tx pgx.Tx, who identity.Actor, id uuid.UUID, state string, until *time.Time, note string, now time.Time) error {
	const sql = `update acceptances set state = $2, until = $3, judged_by = $4, judged_at = $5, note = $6 where id = $1`
	_, err := tx.Exec(ctx, sql, id, state, until, who.PersonID, now, note)
	if name, ok := postgres.Constraint(err); ok && name == "acceptances_four_eyes" {
		return errJudge()
	}
	return err
}

// closeAcceptance ends one that was asked for or granted.
func closeAcceptance(ctx context.Context, tx pgx.Tx, who identity.Actor, id uuid.UUID, state, note string, now time.Time) error {
	const sql = `update acceptances set state = $2, closed_by = $3, closed_at = $4, close_note = $5 where id = $1`
	_, err := tx.Exec(ctx, sql, id, state, who.PersonID, now, note)
	return err
}

// grantedOf finds the granted acceptance of a question, or uuid.Nil.
func grantedOf(ctx context.Context, tx pgx.Tx, workloadID uuid.UUID, question string) (id uuid.UUID, err error) {
	err = tx.QueryRow(ctx, `
		select id from acceptances where workload_id = $1 and question = $2 and state = 'granted' and settled_at is null for update`, workloadID, question).Scan(&id)
	if errors.Is(err, pgx.ErrNoRows) {
		return uuid.Nil, nil
	}
	return id, err
}

// answered reports whether the person wrote an answer to the question in an open round.
func answered(ctx context.Context, q postgres.Querier, a Acceptance, person uuid.UUID) (yes bool, err error) {
	err = q.QueryRow(ctx, `select acceptance_author($1, $2, $3)`, a.WorkloadID, a.Question, person).Scan(&yes)
	return yes, err
}

// acceptanceViews are the conditions of the views, and whether the first to end comes first.
var acceptanceViews = map[string]struct {
	where string
	first bool
}{
	"":                {`a.settled_at is null and (a.state = 'asked' or a.state = 'granted' and a.until >= @today)`, true},
	Asked:             {`a.settled_at is null and a.state = 'asked'`, true},
	Granted:           {`a.settled_at is null and a.state = 'granted' and a.until >= @today`, true},
	AcceptancesEnding: {`a.settled_at is null and a.state = 'granted' and a.until >= @today and a.until < @soon`, true},
	Ended:             {`(a.settled_at is not null or a.state not in ('asked', 'granted') or a.state = 'granted' and a.until < @today)`, false},
	"all":             {`true`, false},
}

// listAcceptances reads one page; restricted workloads are left out unless who may see them.
func listAcceptances(ctx context.Context, q postgres.Querier, who identity.Actor, f AcceptanceFilter, after *cursor, now time.Time) ([]Acceptance, error) {
	teams, grants := visible(who)
	view := acceptanceViews[f.View]
	than, order := ">", ""
	if !view.first {
		than, order = "<", " desc"
	}
	sql := `select` + acceptanceColumns + `
		where (not w.restricted or @all or w.team_id = any(@teams) or w.id = any(@grants))
		and (@workload = '' or w.key = @workload) and ` + view.where + `
		and (@after_day::date is null or (coalesce(a.until, a.wanted_until), a.id) ` + than + ` (@after_day, @after_id))
		and (@today::date is not null and @soon::date is not null)
		order by coalesce(a.until, a.wanted_until)` + order + `, a.id` + order + ` limit @limit`
	args := pgx.StrictNamedArgs{
		"all": seesAll(who), "teams": teams, "grants": grants, "workload": f.WorkloadKey, "today": today(now),
		"soon": today(now).Add(endingSoon), "after_day": nil, "after_id": nil, "limit": f.Limit + 1,
	}
	if after != nil {
		args["after_day"], args["after_id"] = after.Due, after.ID
	}
	rows, err := q.Query(ctx, sql, args)
	if err != nil {
		return nil, fmt.Errorf("list acceptances: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByName[Acceptance])
}
