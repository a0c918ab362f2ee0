package review

import (
	"cmp"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"orrery/internal/audit"
	"orrery/internal/fault"
	"orrery/internal/identity"
	"orrery/internal/postgres"
	"orrery/internal/text"
	"orrery/internal/workload"
)

// Revocation takes a decision back. The sealed record stays as it was.
type Revocation struct {
	DecisionID uuid.UUID
	Reason     string
	RevokedBy  string
	RevokedAt  time.Time
}

const maxWhy = 10_000

// checkReason reads the field "reason", which must be there; empty says what is missing. At
// most most characters are taken, a number of thousands.
func checkReason(typed, empty string, most int) (string, []fault.Field) {
	reason := text.Clean(typed)
	switch {
	case reason == "":
		return "", []fault.Field{{Name: "reason", Message: empty}}
	case utf8.RuneCountInString(reason) > most:
		return "", []fault.Field{{Name: "reason", Message: fmt.Sprintf("Keep it under %d,000 characters.", most/1000)}}
	}
	return reason, nil
}

// Revoke takes back the go or conditional go that governs the review's subject. An approver
// who is no author of the decided content may, with a reason. The launch gate holds from
// then on, and no older decision comes back. The next round is open afterwards: this review's,
// unless another review of the subject is open already, or the workload is retired. A decision that was taken back, has
// ended, or was followed by another is a conflict; so is one with another content, in hex, than
// the actor saw.
func (s *Service) Revoke(ctx context.Context, who identity.Actor, id uuid.UUID, content, why string) (Review, error) {
	now := s.now()
	err := pgx.BeginFunc(ctx, s.db, func(tx pgx.Tx) error {
		r, err := lockToOpen(ctx, tx, who, id)
		if err != nil {
			return err
		}
		if err := who.May(identity.Judge, r.Target()); err != nil {
			return err
		}
		g, err := s.revocable(ctx, tx, r, now)
		if err != nil {
			return err
		}
		if content != hex.EncodeToString(g.content) {
			return fault.New(fault.Conflict, "Another decision was made since you opened this page. Read it before you take it back.")
		}
		if !now.After(*g.decidedAt) { // decided while this waited, or by a clock ahead: the revocation is the later act
			now = g.decidedAt.Add(time.Microsecond)
		}
		reason, bad := checkReason(why, "Say why the decision is taken back, so that the team knows what to mend.", maxWhy)
		if err := fault.InvalidFields(bad...); err != nil {
			return err
		}
		const sql = `insert into revocations (id, decision_id, reason, revoked_by, revoked_at) values ($1, $2, $3, $4, $5)`
		if _, err := tx.Exec(ctx, sql, uuid.Must(uuid.NewV7()), g.decision, reason, who.PersonID, now); err != nil {
			return revoked(err)
		}
		if err := s.reopen(ctx, tx, r, now); err != nil {
			return err
		}
		return record(ctx, tx, who, "decision.revoked", r, now, audit.Detail{Name: "decision", Value: g.decision.String()},
			audit.Detail{Name: "content_sha256", Value: hex.EncodeToString(g.content)})
	})
	if err != nil {
		return Review{}, fmt.Errorf("revoke decision: %w", err)
	}
	return load(ctx, s.db, who, id)
}

// revoked turns the database's refusals into words.
func revoked(err error) error {
	if name, ok := postgres.Constraint(err); ok && name == "four_eyes" {
		return fault.New(fault.Forbidden, "You saved an answer that was decided on, so you may not take the decision back. Another approver must.")
	}
	if postgres.IsUnique(err, "revocations_once") {
		return fault.New(fault.Conflict, "This decision is revoked already.")
	}
	return fmt.Errorf("insert revocation: %w", err)
}

// revocable finds the decision of the review that can be taken back.
func (s *Service) revocable(ctx context.Context, q postgres.Querier, r Review, now time.Time) (governing, error) {
	g, err := s.governs(ctx, q, r, "revoked")
	switch {
	case err != nil:
		return g, err
	case g.outcome == NoGo:
		return g, fault.New(fault.Conflict, "The decision is a no-go: there is nothing to take back.")
	case g.validUntil != nil && now.After(g.validUntil.Add(endGrace)):
		return g, fault.New(fault.Conflict, "The decision has ended, so there is nothing to take back.")
	}
	return g, nil
}

// governs returns the newest act on the review's subject, when it is a decision of this
// review; a conflict that says what is in the way of being verb otherwise.
func (s *Service) governs(ctx context.Context, q postgres.Querier, r Review, verb string) (governing, error) {
	g, err := governingOf(ctx, q, r.Workload.ID, r.ChangeKey)
	switch {
	case errors.Is(err, pgx.ErrNoRows) || err == nil && (g.outcome == "" || g.outcome == elsewherePrefix+Go || g.outcome == elsewherePrefix+Conditional):
		return g, fault.New(fault.Conflict, "This review is not decided, so there is nothing to be %s.", verb)
	case err != nil:
		return g, fmt.Errorf("read governing decision: %w", err)
	case g.outcome == Revoked:
		return g, fault.New(fault.Conflict, "This decision is revoked already.")
	case g.review != r.ID || g.decision == nil:
		return g, fault.New(fault.Conflict, "A newer decision governs this subject, so this one cannot be %s.", verb)
	}
	return g, nil
}

// reopen opens the next round of a decided review, unless this review or another one of its
// subject is open already, or its workload is retired.
func (s *Service) reopen(ctx context.Context, tx pgx.Tx, r Review, now time.Time) error {
	if r.Workload.Stage == workload.Retired {
		return nil
	}
	open, err := isOpen(ctx, tx, r)
	if err != nil || open {
		return err
	}
	_, err = tx.Exec(ctx, `update reviews set state = 'open', closed_at = null where id = $1`, r.ID)
	if postgres.IsUnique(err, "reviews_one_open") {
		return fault.New(fault.Conflict, "Another review of this subject was started just now. Try once more.")
	}
	if err != nil {
		return fmt.Errorf("open review: %w", err)
	}
	return s.nextRound(ctx, tx, r, now)
}

// OpenNextRound opens the next round of a review whose decision has ended, or ends within
// 14 days, with the answers kept. The owning team may. It is a conflict before that, when the
// decision no longer governs, when a review of the subject is open, and for a retired workload.
func (s *Service) OpenNextRound(ctx context.Context, who identity.Actor, id uuid.UUID) (Review, error) {
	now := s.now()
	err := pgx.BeginFunc(ctx, s.db, func(tx pgx.Tx) error {
		r, err := lockToOpen(ctx, tx, who, id)
		if err != nil {
			return err
		}
		if err := who.May(identity.StartReview, r.Target()); err != nil {
			return err
		}
		if r.Workload.Stage == workload.Retired {
			return fault.New(fault.Conflict, "This workload is retired. Make it planned or live to review it.")
		}
		if r.State != Closed {
			return fault.New(fault.Conflict, "This review is %s, so its next round cannot be opened.", r.State)
		}
		g, err := s.governs(ctx, tx, r, "renewed")
		if err != nil {
			return err
		}
		if g.validUntil == nil || !now.After(g.validUntil.Add(-endWarning)) {
			return fault.New(fault.Conflict, "The decision stands for more than 14 days. Start another review to decide anew before that.")
		}
		errOther := fault.New(fault.Conflict, "Another review of this subject is open already. Finish that one.")
		if open, err := isOpen(ctx, tx, r); err != nil || open {
			return cmp.Or(err, errOther)
		}
		if _, err := tx.Exec(ctx, `update reviews set state = 'open', closed_at = null where id = $1`, r.ID); err != nil {
			if postgres.IsUnique(err, "reviews_one_open") {
				return errOther
			}
			return fmt.Errorf("open review: %w", err)
		}
		if err := s.nextRound(ctx, tx, r, now); err != nil {
			return err
		}
		return record(ctx, tx, who, "round.opened", r, now, audit.Detail{Name: "round", Value: strconv.Itoa(r.Round.Number + 1)})
	})
	if err != nil {
		return Review{}, fmt.Errorf("open next round: %w", err)
	}
	return load(ctx, s.db, who, id)
}

// revocationsOf reads the revocations of a review's decisions, by decision.
func revocationsOf(ctx context.Context, q postgres.Querier, review uuid.UUID) (map[uuid.UUID]Revocation, error) {
	rows, err := q.Query(ctx, `
		select v.decision_id, v.reason, p.name as revoked_by, v.revoked_at
		from revocations v join people p on p.id = v.revoked_by join decisions c on c.id = v.decision_id join rounds x on x.id = c.round_id
		where x.review_id = $1`, review)
	if err != nil {
		return nil, fmt.Errorf("read revocations: %w", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByName[Revocation])
	if err != nil {
		return nil, fmt.Errorf("read revocations: %w", err)
	}
	byDecision := map[uuid.UUID]Revocation{}
	for _, v := range list {
		byDecision[v.DecisionID] = v
	}
	return byDecision, nil
}

// After says what may follow the newest decision of a review.
type After struct {
	Governs   bool // it is what the launch gate answers from
	Revocable bool // an approver who is no author may take it back
	Ended     bool // its end, without the grace, has passed
	Renewable bool // the team may open the next round

	Content string // hex SHA-256 of the decided content, when it governs
}

// AfterDecision tells what may follow the newest decision of a review, whoever asks. It does
// not authorise: pages call it for a review they have loaded for the reader.
func (s *Service) AfterDecision(ctx context.Context, r Review) (After, error) {
	now := s.now()
	g, err := s.governs(ctx, s.db, r, "read")
	if fault.Is(err, fault.Conflict) {
		return After{}, nil
	}
	if err != nil {
		return After{}, err
	}
	a := After{Governs: true, Content: hex.EncodeToString(g.content), Ended: g.validUntil != nil && now.After(*g.validUntil)}
	_, err = s.revocable(ctx, s.db, r, now)
	a.Revocable = err == nil
	a.Renewable = r.State == Closed && r.Workload.Stage != workload.Retired && g.validUntil != nil && now.After(g.validUntil.Add(-endWarning))
	return a, nil
}
