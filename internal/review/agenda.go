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

// check reads the days of a review that began on the day: a message for each field that does
// not fit. A target is today or later, unless it is the one that stands; a meeting that was
// held may be written down, so it is over the review if it was not before the review began.
func (in *AgendaInput) check(now Agenda, began, today time.Time) (bad []fault.Field) {
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
	if in.target != nil && in.target.Before(today) && in.TargetOn != day(now.TargetOn) {
		bad = append(bad, fault.Field{Name: "target_on", Message: "This day is over. Choose today or a later one."})
	}
	if in.meeting != nil && in.meeting.Before(began) && in.MeetingOn != day(now.MeetingOn) {
		bad = append(bad, fault.Field{Name: "meeting_on", Message: "A meeting over this review is not before the day it was started, " + began.Format("2 January 2006") + "."})
	}
	return bad
}

// dayOf is the day of a moment in UTC.
func dayOf(t time.Time) time.Time { return t.UTC().Truncate(24 * time.Hour) }

// SaveAgenda changes the plan of an open review. The owning team may. Invalid with a message
// per field; a Conflict when the review is over or somebody changed the plan meanwhile.
func (s *Service) SaveAgenda(ctx context.Context, who identity.Actor, id uuid.UUID, in AgendaInput) error {
	now := s.now()
	err := pgx.BeginFunc(ctx, s.db, func(tx pgx.Tx) error {
		r, err := lockForUpdate(ctx, tx, who, id)
		if err != nil {
			return err
		}
		if err := who.May(identity.StartReview, r.Target()); err != nil {
			return err
		}
		if err := fault.InvalidFields(in.check(r.Agenda, dayOf(r.StartedAt), dayOf(now))...); err != nil {
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
