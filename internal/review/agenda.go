package review

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
)

// Agenda is when a review is meant to be done, and who meets over it.
type Agenda struct {
	TargetOn  *time.Time
	MeetingOn *time.Time
	Attendees string
	Version   int
}

// Input is the plan as a form shows it.
func (a Agenda) Input() AgendaInput {
	return AgendaInput{TargetOn: day(a.TargetOn), MeetingOn: day(a.MeetingOn), Attendees: a.Attendees, Version: a.Version}
}

// AgendaInput is an Agenda as a person wrote it: days as 2006-01-02, or empty.
type AgendaInput struct {
	TargetOn  string
	MeetingOn string
	Attendees string
	Version   int

	target, meeting *time.Time
}

// check reads the days: a message for each field that does not fit.
func (in *AgendaInput) check() (bad []fault.Field) {
	in.Attendees = text.Clean(in.Attendees)
	if utf8.RuneCountInString(in.Attendees) > 500 {
		bad = append(bad, fault.Field{Name: "attendees", Message: "Keep it under 500 characters."})
	}
	read := func(name, value string) *time.Time {
		if value == "" {
			return nil
		}
		on, err := time.Parse(time.DateOnly, value)
		if err != nil || on.Year() < 2000 || on.Year() > 2200 {
			bad = append(bad, fault.Field{Name: name, Message: "Write the date as year-month-day, for example 2026-11-30."})
			return nil
		}
		return &on
	}
	in.target, in.meeting = read("target_on", in.TargetOn), read("meeting_on", in.MeetingOn)
	return bad
}

// SaveAgenda changes the plan of an open review. The owning team may. Invalid with a message
// per field; a Conflict when the review is over or somebody changed the plan meanwhile.
func (s *Service) SaveAgenda(ctx context.Context, who identity.Actor, id uuid.UUID, in AgendaInput) error {
	bad := in.check()
	now := s.now()
	err := pgx.BeginFunc(ctx, s.db, func(tx pgx.Tx) error {
		r, err := lockForUpdate(ctx, tx, who, id)
		if err != nil {
			return err
		}
		if err := who.May(identity.StartReview, r.Target()); err != nil {
			return err
		}
		if err := fault.InvalidFields(bad...); err != nil {
			return err
		}
		if r.State != Open {
			return fault.New(fault.Conflict, "This review is %s, so its plan cannot change.", r.State)
		}
		if r.Agenda.Version != in.Version {
			return fault.New(fault.Conflict, "Somebody changed the plan since you opened it. Your input is still here: compare it with the plan as it is now, and save again.")
		}
		const sql = `update reviews set target_on = $2, meeting_on = $3, attendees = $4, plan_version = plan_version + 1 where id = $1`
		if _, err := tx.Exec(ctx, sql, id, in.target, in.meeting, in.Attendees); err != nil {
			return fmt.Errorf("write plan: %w", err)
		}
		return record(ctx, tx, who, "review.planned", r, now)
	})
	if err != nil {
		return fmt.Errorf("plan review: %w", err)
	}
	return nil
}
