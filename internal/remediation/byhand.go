package remediation

import (
	"context"
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"orrery/internal/fault"
	"orrery/internal/identity"
	"orrery/internal/text"
	"orrery/internal/workload"
)

// NewItem is an item that somebody writes by hand.
type NewItem struct {
	Title   string
	Detail  string
	Risk    string
	OwnerID string
	DueOn   string // 2006-01-02; empty: by the policy
}

// Open opens an item by hand. The owning team may; not found when the workload is not
// readable by who, a conflict when it is retired. Invalid on "title", "detail", "risk", "owner"
// and "due_on".
func (s *Service) Open(ctx context.Context, who identity.Actor, workloadID uuid.UUID, in NewItem) (uuid.UUID, error) {
	now := s.now()
	var id uuid.UUID
	err := pgx.BeginFunc(ctx, s.db, func(tx pgx.Tx) error {
		w, err := workload.Load(ctx, tx, who, workloadID)
		if err != nil {
			return err
		}
		if err := who.May(identity.WorkItems, w.Target()); err != nil {
			return err
		}
		if w.Stage == workload.Retired {
			return fault.New(fault.Conflict, "This workload is retired, so no item is opened for it.")
		}
		policy, err := LoadPolicy(ctx, tx)
		if err != nil {
			return err
		}
		o, err := in.opening(w, policy, now)
		if err != nil {
			return err
		}
		id, err = OpenItem(ctx, tx, who, o, now)
		return err
	})
	if err != nil {
		return uuid.Nil, fmt.Errorf("open item by hand: %w", err)
	}
	return id, nil
}

func (in NewItem) opening(w workload.Workload, policy Policy, now time.Time) (Opening, error) {
	var bad []fault.Field
	add := func(wrong bool, name, message string) {
		if wrong {
			bad = append(bad, fault.Field{Name: name, Message: message})
		}
	}
	in.Title, in.Detail = text.Line(in.Title), text.Clean(in.Detail)
	n := utf8.RuneCountInString(in.Title)
	add(n == 0 || n > 300, "title", "Say what is to be done, in at most 300 characters.")
	add(utf8.RuneCountInString(in.Detail) > 4000, "detail", "Keep it under 4,000 characters.")
	add(in.Risk != "high" && in.Risk != "medium" && in.Risk != "none", "risk", "Choose a risk.")
	owner, err := uuid.Parse(in.OwnerID)
	add(err != nil, "owner", "Choose an owner from the list.")
	due := policy.Due(in.Risk, w.Tier, now)
	if in.DueOn != "" {
		day, problem := ReadDue(in.DueOn, now)
		add(problem != "", "due_on", problem)
		due = day
	}
	return Opening{
		WorkloadID: w.ID, CauseKind: CauseManual, CauseKey: uuid.NewString(), Title: in.Title, Detail: in.Detail,
		Risk: in.Risk, OwnerID: owner, DueOn: due,
	}, fault.InvalidFields(bad...)
}
