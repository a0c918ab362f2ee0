package review

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

	"orrery/internal/fault"
	"orrery/internal/identity"
	"orrery/internal/postgres"
)

// RoundRef names a round of a review. The number 0 is its newest.
type RoundRef struct {
	ReviewID uuid.UUID
	Number   int
}

// RoundOption is a round of a workload that can be compared.
type RoundOption struct {
	ReviewID  uuid.UUID
	TypeName  string
	ChangeKey string
	Number    int
	State     string
	Outcome   string    // of its decision; empty when there is none
	At        time.Time // decided, submitted or opened, what was last
}

// Ref is the round that the option is.
func (o RoundOption) Ref() RoundRef { return RoundRef{o.ReviewID, o.Number} }

// Compared is two rounds of a workload and what changed between them. From is nil when
// there is nothing to compare with.
type Compared struct {
	Review
	From, To *RoundOption
	Rounds   []RoundOption // of the workload, the newest first
	Comparison
}

// Compare compares a round of a review with an earlier one of the same review, or of another
// review of its workload. Without an earlier round it takes the one before; for a first round
// the newest that was decided before it. A draft is compared as it stands, a submitted or
// sealed round by its frozen bytes. Not found when the actor may not read a review or there
// is no such round; invalid when the reviews are of two workloads.
func (s *Service) Compare(ctx context.Context, who identity.Actor, from, to RoundRef) (Compared, error) {
	r, err := load(ctx, s.db, who, to.ReviewID)
	if err != nil {
		return Compared{}, err
	}
	c := Compared{Review: r}
	if c.Rounds, err = roundsOf(ctx, s.db, r.Workload.ID); err != nil {
		return c, err
	}
	if !who.CanRead(r.Workload.Target()) { // but this review: others of the workload stay hidden
		c.Rounds = slices.DeleteFunc(c.Rounds, func(o RoundOption) bool { return o.ReviewID != r.ID })
	}
	if to.Number == 0 {
		to.Number = r.Round.Number
	}
	if c.To = findRound(c.Rounds, to); c.To == nil {
		return c, errNoRound()
	}
	if from, err = s.earlier(ctx, who, c, from); err != nil || from.ReviewID == uuid.Nil {
		return c, err
	}
	if c.From = findRound(c.Rounds, from); c.From == nil {
		return c, errNoRound()
	}
	before, err := s.Paper(ctx, who, from.ReviewID, from.Number)
	if err != nil {
		return c, err
	}
	after, err := s.Paper(ctx, who, to.ReviewID, to.Number)
	if err != nil {
		return c, err
	}
	c.Comparison = CompareRounds(before.Snapshot, after.Snapshot)
	return c, nil
}

func errNoRound() error { return fault.New(fault.NotFound, "This review has no such round.") }

// earlier completes the round to compare with; the zero RoundRef when there is none.
func (s *Service) earlier(ctx context.Context, who identity.Actor, c Compared, from RoundRef) (RoundRef, error) {
	switch {
	case from.ReviewID == uuid.Nil:
		return roundBefore(c), nil
	case from.ReviewID == c.ID && from.Number > 0:
		return from, nil
	}
	other, err := load(ctx, s.db, who, from.ReviewID)
	if err != nil {
		return from, err
	}
	if other.Workload.ID != c.Workload.ID {
		return from, fault.New(fault.Invalid, "These are reviews of two workloads, so their rounds cannot be compared.")
	}
	if from.Number == 0 {
		from.Number = other.Round.Number
	}
	return from, nil
}

// roundBefore picks the round that comes before the one compared to.
func roundBefore(c Compared) RoundRef {
	if c.To.Number > 1 {
		return RoundRef{c.ID, c.To.Number - 1}
	}
	for _, o := range c.Rounds {
		if o.ReviewID != c.ID && o.Outcome != "" && strings.EqualFold(o.ChangeKey, c.ChangeKey) && o.At.Before(c.To.At) {
			return o.Ref()
		}
	}
	return RoundRef{}
}

func findRound(rounds []RoundOption, ref RoundRef) *RoundOption {
	for i := range rounds {
		if rounds[i].Ref() == ref {
			return &rounds[i]
		}
	}
	return nil
}

// roundsOf lists the rounds of a workload, the newest first.
func roundsOf(ctx context.Context, q postgres.Querier, workloadID uuid.UUID) ([]RoundOption, error) {
	const sql = `
		select r.id as review_id, t.name as type_name, r.change_key, d.number, d.state, coalesce(c.outcome, '') as outcome,
			coalesce(c.decided_at, d.submitted_at, d.opened_at) as at
		from reviews r join review_types t on t.key = r.type_key join rounds d on d.review_id = r.id left join decisions c on c.round_id = d.id
		where r.workload_id = $1 order by at desc, d.number desc, r.id desc limit 500`
	rows, err := q.Query(ctx, sql, workloadID)
	if err != nil {
		return nil, fmt.Errorf("list rounds: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByName[RoundOption])
}

// Since is what changed from the decision before to a submitted round.
type Since struct {
	Decided RoundOption
	Comparison
}

// SinceDecision compares the content of a readout with the newest round of its subject that
// was decided before; nil when there is none. It does not authorise: pages call it for a
// readout they have loaded for the reader; a decision the reader may not see is left out.
func (s *Service) SinceDecision(ctx context.Context, who identity.Actor, r Readout) (*Since, error) {
	rounds, err := roundsOf(ctx, s.db, r.Workload.ID)
	if err != nil {
		return nil, err
	}
	for _, o := range rounds {
		if o.Outcome == "" || !strings.EqualFold(o.ChangeKey, r.ChangeKey) || o.Ref() == (RoundRef{r.ID, r.Round.Number}) {
			continue
		}
		paper, err := s.Paper(ctx, who, o.ReviewID, o.Number)
		if fault.Is(err, fault.NotFound) {
			return nil, nil // of a review that the reader may not see
		}
		if err != nil {
			return nil, err
		}
		return &Since{Decided: o, Comparison: CompareRounds(paper.Snapshot, r.Content)}, nil
	}
	return nil, nil
}

// SinceSubmission compares the content of a readout with what was submitted in the same round
// before; nil when it was submitted once. It does not authorise: pages call it for a readout
// they have loaded for the reader.
func (s *Service) SinceSubmission(ctx context.Context, r Readout) (*Comparison, error) {
	var before []byte
	err := s.db.QueryRow(ctx, `select content_before from rounds where id = $1`, r.Round.ID).Scan(&before)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return nil, fmt.Errorf("read what was submitted before: %w", err)
	}
	if before == nil {
		return nil, nil
	}
	var earlier Snapshot
	if err := json.Unmarshal(before, &earlier); err != nil {
		return nil, fmt.Errorf("decode what was submitted before: %w", err)
	}
	c := CompareRounds(earlier, r.Content)
	return &c, nil
}
