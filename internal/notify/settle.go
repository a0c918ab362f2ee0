package notify

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"orrery/internal/audit"
)

// settle marks as read what the event makes pointless to tell: a decision that was made waits
// for nobody, and an item that is done is no longer anybody's to mend.
func settle(ctx context.Context, tx pgx.Tx, e audit.Event) error {
	if err := settleMoved(ctx, tx, e); err != nil {
		return err
	}
	href, kinds := settledBy(e)
	if href == "" {
		return nil
	}
	var only *uuid.UUID
	if e.Verb == "round.signed_off" { // others' voices are still asked for
		only = &e.ActorID
	}
	const sql = `
		update notices set read_at = $3
		where href = $1 and kind = any($2) and read_at is null and at < $3 and ($4::uuid is null or person_id = $4)`
	_, err := tx.Exec(ctx, sql, href, kinds, e.At, only)
	return err
}

// settleMoved marks as read that an item is somebody's, or due on a day, once it is another's or
// due on another day.
func settleMoved(ctx context.Context, tx pgx.Tx, e audit.Event) error {
	owner, err := uuid.Parse(e.Detail("owner"))
	if err != nil || e.TargetKind != "item" {
		return nil //nolint:nilerr // it says nothing of the owner
	}
	returned, err := uuid.Parse(e.Detail("returned_by"))
	if err != nil {
		returned = uuid.Nil
	}
	const sql = `
		update notices set read_at = @at
		where href = '/items/' || @item::text and kind in ('assigned', 'due') and read_at is null and at < @at
			and (person_id = @returned or @owner::uuid <> '00000000-0000-0000-0000-000000000000' and (person_id <> @owner or key like '%/queue-%')
				or kind = 'due' and not starts_with(key, 'item/' || @item::text || '/' || @due::text || '/'))`
	_, err = tx.Exec(ctx, sql, pgx.StrictNamedArgs{"item": e.TargetID, "owner": owner, "returned": returned, "due": e.Detail("due_on"), "at": e.At})
	return err
}

func settledBy(e audit.Event) (href string, kinds []string) {
	switch e.Verb {
	case "round.submitted", "review.cancelled":
		return "/reviews/" + e.TargetID, []string{Assigned, Decide}
	case "round.decided", "round.withdrawn", "round.signed_off":
		return "/reviews/" + e.TargetID, []string{Decide}
	case "acceptance.granted", "acceptance.declined", "acceptance.withdrawn":
		return "/acceptances/" + e.TargetID, []string{Decide}
	case "acceptance.revoked":
		return "/acceptances/" + e.TargetID, []string{Ending}
	case "lesson.accepted", "lesson.merged", "lesson.declined":
		return "/lessons/" + e.TargetID, []string{Decide}
	case "follow_up.answered", "follow_up.not_applicable":
		return "/follow-ups/" + e.TargetID, []string{Assigned, Due}
	case "item.done", "item.verified", "item.closed":
		return "/items/" + e.TargetID, []string{Assigned, Due}
	}
	return "", nil
}
