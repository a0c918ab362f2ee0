package tickets

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/riverqueue/river"

	"orrery/internal/identity"
	"orrery/internal/postgres"
	"orrery/internal/remediation"
	"orrery/internal/text"
)

// The River queues of what is said to trackers, and of the poll, which may take minutes.
const (
	Queue     = "tickets"
	QueuePoll = "tickets_poll"
)

const (
	makeAttempts = 8
	searchLag    = 3 * time.Minute // after which a tracker's search finds a ticket that was made
	talkTime     = 5 * time.Minute // with a tracker about one ticket: up to ten requests, each with 15 seconds
)

// MakeArgs is the job that makes the ticket of a link.
type MakeArgs struct {
	LinkID uuid.UUID `json:"link_id"`
}

// Kind names the job.
func (MakeArgs) Kind() string { return "tickets.make" }

// InsertOpts puts the job in its queue.
func (MakeArgs) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: Queue, MaxAttempts: makeAttempts}
}

// TellArgs is the job that tells a tracker how its item stands.
type TellArgs struct {
	LinkID  uuid.UUID `json:"link_id"`
	EventID uuid.UUID `json:"event_id"`
}

// Kind names the job.
func (TellArgs) Kind() string { return "tickets.tell" }

// InsertOpts puts the job in its queue.
func (TellArgs) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: Queue, MaxAttempts: makeAttempts}
}

// RegisterWorkers adds the workers of this room.
func RegisterWorkers(w *river.Workers, s *Service) {
	river.AddWorker(w, postgres.WorkWithin(talkTime, func(ctx context.Context, job *river.Job[MakeArgs]) error {
		return s.Make(ctx, job.Args.LinkID, job.Attempt >= job.MaxAttempts)
	}))
	river.AddWorker(w, postgres.WorkWithin(talkTime, func(ctx context.Context, job *river.Job[TellArgs]) error {
		return s.Tell(ctx, job.Args.LinkID)
	}))
	river.AddWorker(w, postgres.WorkWithin(pollTime+time.Minute, func(ctx context.Context, _ *river.Job[PollArgs]) error { return s.Poll(ctx) }))
}

// followed loads a link with its item, tracker and the tracker's API; ok is false when there
// is nothing to do any more. A refusal when the token does not open.
func (s *Service) followed(ctx context.Context, id uuid.UUID) (l Link, it remediation.Item, r remote, ok bool, err error) {
	l, err = linkByID(ctx, s.db, id)
	if err != nil || l.TrackerID == nil || l.State == Removed {
		return l, it, nil, false, err
	}
	t, err := trackerByID(ctx, s.db, *l.TrackerID)
	if err != nil || !t.Active {
		return l, it, nil, false, err
	}
	if it, err = remediation.Load(ctx, s.db, identity.SystemActor("tickets"), l.ItemID); err != nil {
		return l, it, nil, false, err
	}
	token, err := s.token(ctx, t.ID)
	if err != nil {
		return l, it, nil, false, err
	}
	return l, it, s.remote(t, token), true, nil
}

// ticket is what a tracker is told of an item.
func (s *Service) ticket(it remediation.Item) ticket {
	summary := it.WorkloadName + ", due " + it.DueOn.Format(time.DateOnly)
	return ticket{ItemID: it.ID, Title: shorten(it.Title, 250), Text: summary + ".\n\n" + it.Detail, Href: s.url + "/items/" + it.ID.String(), DueOn: it.DueOn, Summary: summary, Dropped: it.State == remediation.Closed}
}

func shorten(s string, most int) string {
	if r := []rune(text.Line(s)); len(r) > most {
		return string(r[:most-3]) + "..."
	}
	return text.Line(s)
}

// Make makes the ticket of a link, or finds the one that an earlier try made, and tells it how
// its item stands. A refusal, and the last try, end it; a person may ask again. Where a ticket
// may be made that no search knows yet, the job is snoozed. It does not authorise: the queue calls it.
func (s *Service) Make(ctx context.Context, link uuid.UUID, last bool) error {
	l, it, r, ok, err := s.followed(ctx, link)
	switch {
	case err != nil:
		return s.giveUp(ctx, link, err, last)
	case !ok && l.State == Creating && l.TrackerID != nil:
		return s.problem(ctx, link, Refused, "The tracker is switched off.")
	case ok && l.State == Creating:
		if err := s.wait(ctx, l); err != nil {
			return err
		}
		i, err := s.send(ctx, l, it, r)
		if err != nil {
			return s.giveUp(ctx, link, err, last)
		}
		if err := s.made(ctx, l, i); err != nil {
			return err
		}
	}
	return s.tell(ctx, link, true)
}

// wait snoozes the job while a ticket may be made for the item in the tracker whose key is not
// known, by this link or one that was removed since.
func (s *Service) wait(ctx context.Context, l Link) error {
	if l.Key != "" {
		return nil
	}
	var sent *time.Time
	const sql = `select max(sent_at) from ticket_links where item_id = $1 and tracker_id = $2`
	if err := s.db.QueryRow(ctx, sql, l.ItemID, l.TrackerID).Scan(&sent); err != nil {
		return fmt.Errorf("read when a ticket was sent: %w", err)
	}
	if sent == nil {
		return nil
	}
	left := min(sent.Add(searchLag).Sub(s.now()), searchLag)
	if left <= 0 {
		return nil
	}
	if err := s.problem(ctx, l.ID, "", "It is made in a few minutes: the tracker may have one that it does not find yet."); err != nil {
		return err
	}
	return river.JobSnooze(left)
}

// send has the ticket of a link made, or found. That it is asked for is stored before, so that
// nothing forgets it, and its key as soon as that is known.
func (s *Service) send(ctx context.Context, l Link, it remediation.Item, r remote) (issue, error) {
	t, asked := s.ticket(it), false
	t.Key = l.Key
	store := func(key string, maybe bool) error {
		at := new(s.now())
		if !maybe {
			at = nil
		}
		const sql = `update ticket_links set key = $2, sent_at = $3 where id = $1`
		if _, err := s.db.Exec(context.WithoutCancel(ctx), sql, l.ID, text.Line(key), at); err != nil {
			return fmt.Errorf("store that a ticket was sent: %w", err)
		}
		return nil
	}
	i, err := r.make(ctx, t, func() error {
		asked = true
		return store("", true)
	})
	var no *refusal
	switch {
	case err == nil:
		return i, nil
	case i.Key != "":
		return i, errors.Join(err, store(i.Key, true))
	case asked: // a refusal says that none was made
		return i, errors.Join(err, store("", !errors.As(err, &no)))
	}
	return i, err
}

// giveUp stores what a refusal says and ends the job; another error is tried again until the
// last try.
func (s *Service) giveUp(ctx context.Context, link uuid.UUID, err error, last bool) error {
	var no *refusal
	switch {
	case errors.As(err, &no):
		return s.problem(ctx, link, Refused, no.Words)
	case last:
		return errors.Join(err, s.problem(context.WithoutCancel(ctx), link, Refused, "The tracker did not answer for hours."))
	}
	return errors.Join(err, s.problem(context.WithoutCancel(ctx), link, "", "The tracker does not answer. It is tried again."))
}

// Tell closes the ticket of a finished item and opens it with the item again. While the item
// waits to be verified nothing is said. A refusal is kept on the link and holds nothing up; what
// may pass is an error, to be tried again. It does not authorise: the queue calls it.
func (s *Service) Tell(ctx context.Context, link uuid.UUID) error { return s.tell(ctx, link, false) }

// tell is Tell. Who asked for the ticket wants it to be open with its item; otherwise that of an
// item of evidence, which a closed ticket does not end, stays closed.
func (s *Service) tell(ctx context.Context, link uuid.UUID, asked bool) error {
	for range 3 { // the item may move while its tracker is told
		again, err := s.tellOnce(ctx, link, asked)
		if err != nil || !again {
			return err
		}
	}
	return nil // the event of its last move asks once more
}

func (s *Service) tellOnce(ctx context.Context, link uuid.UUID, asked bool) (again bool, err error) {
	l, it, r, ok, err := s.followed(ctx, link)
	if err != nil || !ok || l.State != Linked {
		return false, err
	}
	finished := it.Finished()
	left := it.CauseKind == remediation.CauseEvidence && !finished && !l.Told && !asked
	if it.State == remediation.Done && !finished || finished == l.Told && finished == l.Closed || left {
		_, err := s.db.Exec(ctx, `update ticket_links set tell_due = false where id = $1`, link)
		return false, err
	}
	i, err := r.tell(ctx, l.Key, s.ticket(it), finished)
	var no *refusal
	if errors.As(err, &no) {
		return s.told(ctx, l, i, finished, no.Words)
	}
	if err != nil {
		const sql = `update ticket_links set tell_problem = 'The tracker does not answer. It hears of the item later.' where id = $1`
		_, err2 := s.db.Exec(context.WithoutCancel(ctx), sql, link)
		return false, errors.Join(err, err2)
	}
	return s.told(ctx, l, i, finished, "")
}
