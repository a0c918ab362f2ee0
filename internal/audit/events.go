package audit

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// EventType is a kind of act that others hear of.
type EventType struct {
	Type string // the verb of the act
	Says string // what happened, in words
}

// eventTypes is the closed list. Record keeps an event for these verbs only.
var eventTypes = []EventType{
	{"acceptance.asked", "A risk is asked to be accepted."},
	{"acceptance.declined", "The acceptance of a risk was declined."},
	{"acceptance.granted", "A risk was accepted, until a day."},
	{"acceptance.revoked", "The acceptance of a risk was revoked."},
	{"acceptance.withdrawn", "A team no longer asks for a risk to be accepted."},
	{"answers.assigned", "Questions were assigned to a person."},
	{"comment.edited", "A comment was changed."},
	{"comment.removed", "A comment was taken away."},
	{"comment.written", "A comment was written."},
	{"decision.revoked", "A decision was revoked."},
	{"emergency.decided", "An emergency go was given."},
	{"emergency.ended", "An emergency go was ended."},
	{"evidence.run_finished", "A collection of evidence ended."},
	{"evidence.turned", "Evidence speaks against an answer since the decision."},
	{"follow_up.answered", "A question that was asked after a lesson was answered."},
	{"follow_up.not_applicable", "A question that was asked after a lesson does not apply to the workload."},
	{"incident.action_dropped", "An action after an incident was dropped."},
	{"incident.action_saved", "An action after an incident was written or changed."},
	{"incident.changed", "An incident was changed."},
	{"incident.closed", "The analysis of an incident was closed."},
	{"incident.created", "An incident was written down."},
	{"incident.reopened", "The analysis of an incident was opened again."},
	{"item.closed", "An item was closed: its workload was retired."},
	{"item.done", "The work of an item is done."},
	{"item.in_progress", "Somebody works on an item."},
	{"item.kept", "The cause of an open item was found again."},
	{"item.open", "An item was changed, or opened again by hand."},
	{"item.opened", "An item was opened."},
	{"item.reopened", "An item was opened again: its cause came back."},
	{"item.verified", "Another person verified that an item is done."},
	{"lesson.accepted", "A curator accepted a lesson as a question."},
	{"lesson.changed", "A proposed lesson was changed."},
	{"lesson.declined", "A curator declined a lesson."},
	{"lesson.merged", "A lesson was merged into another."},
	{"lesson.proposed", "A lesson was proposed."},
	{"lesson.published", "The question of a lesson was published, and is asked of the workloads it concerns."},
	{"outside_decision.confirmed", "An approver confirmed a decision made elsewhere."},
	{"outside_decision.recorded", "A decision made elsewhere was recorded and waits for an approver."},
	{"outside_decision.refused", "An approver refused a decision made elsewhere."},
	{"person.deactivated", "A person can no longer sign in."},
	{"questionnaire.published", "A version of a questionnaire was published."},
	{"review.cancelled", "A review was cancelled."},
	{"review.started", "A review was started."},
	{"round.decided", "A round was decided."},
	{"round.signed_off", "An approver signed off a round."},
	{"round.submitted", "A round was submitted and waits for a decision."},
	{"round.withdrawn", "A submitted round went back to draft."},
	{"ticket.asked", "A ticket is to be made of an item."},
	{"ticket.linked", "A ticket was linked to an item."},
	{"ticket.unlinked", "A ticket of an item is followed no more."},
	{"workload.brought_back", "A retired workload came back."},
	{"workload.changed", "A workload was changed."},
	{"workload.created", "A workload was created."},
	{"workload.moved", "A workload was moved to another team."},
	{"workload.retired", "A workload was retired."},
}

// EventTypes lists what others may hear of, by name.
func EventTypes() []EventType { return slices.Clone(eventTypes) }

// IsEvent reports whether acts with the verb are handed on.
func IsEvent(verb string) bool {
	_, found := slices.BinarySearchFunc(eventTypes, verb, func(t EventType, v string) int { return strings.Compare(t.Type, v) })
	return found
}

// Event is an act that is handed on. Its ID stays the same however often that happens.
type Event struct {
	ID uuid.UUID
	Entry
}

// WorkloadID is the workload whose stream the act is in; uuid.Nil for the organisation's.
func (e Event) WorkloadID() uuid.UUID {
	id, _ := uuid.Parse(strings.TrimPrefix(e.Stream, "workload/")) // the organisation's is none
	return id
}

// Detail returns the value of the detail with the name, or nothing.
func (e Event) Detail(name string) string {
	for _, d := range e.Details {
		if d.Name == name {
			return d.Value
		}
	}
	return ""
}

// batch is how many events one transaction hands on.
const batch = 100

// HandOn gives the events that wait to the subscribers, each with all that they write in one
// savepoint, and forgets those that were taken. It returns how many were looked at: fewer
// than the batch when no more wait. What fails is tried again later, up to ten minutes apart,
// and returned joined. It is called by cmd/server's dispatcher, on every replica at once.
func HandOn(ctx context.Context, db *pgxpool.Pool, now time.Time, subscribers ...func(context.Context, pgx.Tx, Event) error) (looked int, more bool, err error) {
	var failed error
	err = pgx.BeginFunc(ctx, db, func(tx pgx.Tx) error {
		events, err := dueEvents(ctx, tx, now)
		if err != nil {
			return err
		}
		looked = len(events)
		var taken []uuid.UUID
		for _, e := range events {
			err := pgx.BeginFunc(ctx, tx, func(tx pgx.Tx) error {
				for _, take := range subscribers {
					if err := take(ctx, tx, e); err != nil {
						return err
					}
				}
				return nil
			})
			if err == nil {
				taken = append(taken, e.ID)
				continue
			}
			failed = errors.Join(failed, fmt.Errorf("hand on %s %s: %w", e.Verb, e.ID, err))
			const sql = `update audit_events set tries = tries + 1, due_at = $2::timestamptz + least(600, power(2, least(tries, 10))) * interval '1 second' where id = $1`
			if _, err := tx.Exec(ctx, sql, e.ID, now); err != nil {
				return err
			}
		}
		_, err = tx.Exec(ctx, `delete from audit_events where id = any($1)`, taken)
		return err
	})
	return looked, looked == batch, errors.Join(failed, err)
}

func dueEvents(ctx context.Context, tx pgx.Tx, now time.Time) ([]Event, error) {
	const sql = `
		select e.id, r.stream, r.seq, r.at, r.body, r.hash
		from audit_events e
		join audit_records r on r.stream = e.stream and r.seq = e.seq
		where e.due_at <= $1
		order by e.due_at, e.id limit $2
		for update of e skip locked`
	rows, err := tx.Query(ctx, sql, now, batch)
	if err != nil {
		return nil, fmt.Errorf("read events: %w", err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (e Event, err error) {
		var encoded []byte
		if err := row.Scan(&e.ID, &e.Stream, &e.Seq, &e.At, &encoded, &e.Hash); err != nil {
			return e, err
		}
		var b body
		if err := json.Unmarshal(encoded, &b); err != nil {
			return e, err
		}
		e.Entry = b.entry(e.Entry)
		return e, nil
	})
}
