package review

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"orrery/internal/discussion"
	"orrery/internal/fault"
	"orrery/internal/identity"
)

// Paper is one round ready to be handed over: what a report prints.
type Paper struct {
	Snapshot      Snapshot
	Seal          *Seal // nil until decided
	State         string
	ContentSHA256 string
	SealSHA256    string
	SignOffs      []SealedSignOff // of a round that is not sealed
	Items         []SealedItem    // of a round that is not sealed
	Path          string
	Beside        Beside
}

// Beside is what stands beside the frozen content of a round: no hash covers it, and it is as
// it stands when it is read.
type Beside struct {
	Revoked     *Revocation // of the round's decision; nil while it was not taken back
	Followed    bool        // another act governs launches of the subject now
	HoldsFrom   *time.Time  // when the decision has ended and its grace is over; nil when it gives no permission
	Conditions  []Condition // of the decision, with their items as they stand now
	Next        *NextRound  // nil: it is the newest one
	Emergencies []EmergencyGo
	Elsewhere   []OutsideDecision // nothing for the review of a change
	Talk        []discussion.Thread
	Brought     []discussion.Attachment // that stood there when the round was frozen; now, for a draft
}

// NextRound is the round that came after one.
type NextRound struct {
	Number   int
	State    string
	OpenedAt time.Time
	Outcome  string // empty until decided
}

// Paper reads a round for a report: the newest one when number is 0. A submitted or sealed
// round is read from its frozen bytes; a draft as it stands.
func (s *Service) Paper(ctx context.Context, who identity.Actor, id uuid.UUID, number int) (Paper, error) {
	r, err := load(ctx, s.db, who, id)
	if err != nil {
		return Paper{}, err
	}
	if number == 0 {
		number = r.Round.Number
	}
	p, err := s.paper(ctx, r, number)
	if err != nil {
		return p, err
	}
	return p, s.beside(ctx, r, number, &p)
}

// Readable returns nil when who may read the review: not found otherwise.
func (s *Service) Readable(ctx context.Context, who identity.Actor, id uuid.UUID) error {
	_, err := load(ctx, s.db, who, id)
	return err
}

// paper reads what is frozen of a round, or the draft.
func (s *Service) paper(ctx context.Context, r Review, number int) (Paper, error) {
	p := Paper{Path: r.Path()}
	var content, seal, sealSum, sum []byte
	var round uuid.UUID
	err := s.db.QueryRow(ctx, `
		select d.id, d.state, d.content, d.content_sha256, c.seal, c.seal_sha256
		from rounds d left join decisions c on c.round_id = d.id where d.review_id = $1 and d.number = $2`, r.ID, number).
		Scan(&round, &p.State, &content, &sum, &seal, &sealSum)
	if errors.Is(err, pgx.ErrNoRows) {
		return p, fault.New(fault.NotFound, "This review has no such round.")
	}
	if err != nil {
		return p, fmt.Errorf("read round: %w", err)
	}
	if p.State == Draft || content == nil && seal == nil { // a draft, also one that was cancelled
		return p, s.draftPaper(ctx, r, &p)
	}
	p.ContentSHA256, p.SealSHA256 = hex.EncodeToString(sum), hex.EncodeToString(sealSum)
	if err := json.Unmarshal(content, &p.Snapshot); err != nil {
		return p, fmt.Errorf("decode content: %w", err)
	}
	if p.State == Superseded {
		return p, nil
	}
	if seal != nil {
		p.Seal = &Seal{}
		if err := json.Unmarshal(seal, p.Seal); err != nil {
			return p, fmt.Errorf("decode seal: %w", err)
		}
		return p, nil
	}
	return p, s.openPaper(ctx, r, round, sum, &p)
}

// beside fills what stands beside the frozen content.
func (s *Service) beside(ctx context.Context, r Review, number int, p *Paper) error {
	b := &p.Beside
	decisions, err := decisionsOf(ctx, s.db, r.ID)
	if err != nil {
		return err
	}
	if d := decisions[number]; d != nil {
		if err := s.after(ctx, r, *d, b); err != nil {
			return err
		}
	}
	if b.Next, err = s.nextOf(ctx, r, number); err != nil {
		return err
	}
	all, err := s.EmergenciesOf(ctx, r.Workload.ID)
	if err != nil {
		return err
	}
	b.Emergencies = slices.DeleteFunc(all, func(e EmergencyGo) bool { return e.ReviewID != r.ID })
	if r.ChangeKey == "" {
		if b.Elsewhere, err = s.OutsideOf(ctx, r.Workload.ID); err != nil {
			return err
		}
	}
	if b.Talk, err = discussion.OfReview(ctx, s.db, r.ID); err != nil {
		return err
	}
	brought, err := discussion.HumanEvidence(ctx, s.db, r.ID)
	b.Brought = standing(brought, p.Snapshot.Review.SubmittedAt)
	return err
}

// after fills what became of a decision.
func (s *Service) after(ctx context.Context, r Review, d Decision, b *Beside) error {
	b.Revoked, b.Conditions = d.Revoked, d.Conditions
	if d.ValidUntil != nil {
		from := d.ValidUntil.Add(endGrace)
		b.HoldsFrom = &from
	}
	g, err := governingOf(ctx, s.db, r.Workload.ID, r.ChangeKey)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read governing decision: %w", err)
	}
	b.Followed = r.GatesLaunch && (g.decision == nil || *g.decision != d.ID)
	return nil
}

// nextOf reads the round after a round; nil when there is none.
func (s *Service) nextOf(ctx context.Context, r Review, number int) (*NextRound, error) {
	var n NextRound
	err := s.db.QueryRow(ctx, `
		select d.number, d.state, d.opened_at, coalesce(c.outcome, '')
		from rounds d left join decisions c on c.round_id = d.id where d.review_id = $1 and d.number = $2`, r.ID, number+1).
		Scan(&n.Number, &n.State, &n.OpenedAt, &n.Outcome)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read next round: %w", err)
	}
	return &n, nil
}

// standing keeps what stood there at a time in RFC 3339, in whole seconds; what stands there
// now when it is empty.
func standing(list []discussion.Attachment, at string) []discussion.Attachment {
	frozen, err := time.Parse(time.RFC3339, at)
	return slices.DeleteFunc(list, func(a discussion.Attachment) bool {
		if err != nil {
			return a.RemovedAt != nil
		}
		end := frozen.Add(time.Second)
		return !a.AddedAt.Before(end) || a.RemovedAt != nil && a.RemovedAt.Before(end)
	})
}
