package remediation

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"orrery/internal/audit"
	"orrery/internal/identity"
	"orrery/internal/postgres"
)

// Load reads one item for another room; not found when who may not read its workload.
func Load(ctx context.Context, q postgres.Querier, who identity.Actor, id uuid.UUID) (Item, error) {
	return byID(ctx, q, who, id)
}

// LockItem is Load with the item locked, before anything that belongs to it.
func LockItem(ctx context.Context, tx pgx.Tx, who identity.Actor, id uuid.UUID) (Item, error) {
	return lock(ctx, tx, who, id)
}

// TicketClosed makes an item done within the caller's transaction, when nobody has yet: its
// ticket was closed. Nobody named did the work, so who had the ticket, its maker and everybody who
// ever owned the item, verifies nothing. What was typed of the work stays. An item of evidence goes on,
// and the record says that its ticket was closed. It does not authorise: tickets call it for a status
// that the tracker signed or was asked for.
func TicketClosed(ctx context.Context, tx pgx.Tx, it Item, ticket string, maker *uuid.UUID, now time.Time) error {
	if it.State != Open && it.State != InProgress {
		return nil
	}
	if it.CauseKind == CauseEvidence {
		return record(ctx, tx, identity.SystemActor("tickets"), "item.ticket_closed", it.WorkloadID, it.ID, now, audit.Detail{Name: "ticket", Value: ticket})
	}
	it.State, it.DoneBy, it.DoneAt = Done, nil, &now
	it.Resolution = beside(it.Resolution, closedWords(ticket))
	if err := save(ctx, tx, it, nil); err != nil {
		return fmt.Errorf("close item of ticket: %w", err)
	}
	const sql = `update items set had_ticket = array(select distinct p from unnest(had_ticket || array[$2, $3]::uuid[]) p where p is not null) where id = $1`
	if _, err := tx.Exec(ctx, sql, it.ID, maker, nullable(it.OwnerID)); err != nil {
		return fmt.Errorf("close item of ticket: %w", err)
	}
	if err := it.settle(ctx, tx, now); err != nil {
		return err
	}
	return record(ctx, tx, identity.SystemActor("tickets"), "item.done", it.WorkloadID, it.ID, now)
}

// TicketReopened opens an item again within the caller's transaction, when it is done only
// because the ticket was closed; what was typed before stays. It does not authorise: tickets call it.
func TicketReopened(ctx context.Context, tx pgx.Tx, it Item, ticket string, now time.Time) error {
	before, by := strings.CutSuffix(it.Resolution, closedWords(ticket))
	if it.State != Done || it.DoneBy != nil || !by {
		return nil
	}
	it.State, it.DoneAt, it.Resolution = Open, nil, strings.TrimSpace(before)
	if err := save(ctx, tx, it, nil); err != nil {
		return fmt.Errorf("reopen item of ticket: %w", err)
	}
	return record(ctx, tx, identity.SystemActor("tickets"), "item.open", it.WorkloadID, it.ID, now)
}

// beside puts what is found under what was typed of the work, once.
func beside(typed, found string) string {
	switch {
	case typed == "":
		return found
	case strings.HasSuffix(typed, found):
		return typed
	}
	return typed + "\n\n" + found
}

func closedWords(ticket string) string { return "The ticket " + ticket + " was closed." }
