package incident

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"orrery/internal/audit"
	"orrery/internal/fault"
	"orrery/internal/identity"
	"orrery/internal/postgres"
	"orrery/internal/text"
)

// Lesson reads one lesson. An accepted one is for everyone who is signed in; others are not
// found but for who proposed them, curators, and who may read the incident.
func (s *Service) Lesson(ctx context.Context, who identity.Actor, id uuid.UUID) (Lesson, error) {
	if err := signedIn(who); err != nil {
		return Lesson{}, err
	}
	return lessonByID(ctx, s.db, who, id, "")
}

// Lessons reads a page of the lessons that who may read, newest first, and the cursor of the
// next page, empty at the end. Invalid on "state" and "after".
func (s *Service) Lessons(ctx context.Context, who identity.Actor, f LessonFilter) (list []Lesson, next string, err error) {
	if err := signedIn(who); err != nil {
		return nil, "", err
	}
	if !slices.Contains([]string{"", Proposed, Accepted, Merged, Declined}, f.State) {
		return nil, "", fault.InvalidField("state", "There is no such state of a lesson.")
	}
	after, err := postgres.AfterID(f.After)
	if err != nil {
		return nil, "", err
	}
	if f.Limit <= 0 || f.Limit > 100 {
		f.Limit = 50
	}
	if list, err = listLessons(ctx, s.db, who, f, after, f.Limit+1); err != nil {
		return nil, "", err
	}
	if len(list) > f.Limit {
		list = list[:f.Limit]
		next = list[f.Limit-1].ID.String()
	}
	return list, next, nil
}

// Propose draws a lesson from an incident. Any person who may read the incident may: not
// found for others. Invalid with a message per field.
func (s *Service) Propose(ctx context.Context, who identity.Actor, incident uuid.UUID, in LessonInput) (Lesson, error) {
	now := s.now()
	l := Lesson{ID: uuid.Must(uuid.NewV7()), IncidentID: incident, State: Proposed, DueDays: 30}
	err := pgx.BeginFunc(ctx, s.db, func(tx pgx.Tx) error {
		i, err := byID(ctx, tx, who, incident, "for share of i")
		if err != nil {
			return err
		}
		if err := who.May(identity.ProposeLesson, identity.Target{}); err != nil {
			return err
		}
		if err := s.fillLesson(ctx, tx, &l, in); err != nil {
			return err
		}
		if err := insertLesson(ctx, tx, l, who, now); err != nil {
			return err
		}
		return recordLesson(ctx, tx, who, "lesson.proposed", i.stream(), l, now)
	})
	if err != nil {
		return Lesson{}, fmt.Errorf("propose lesson: %w", err)
	}
	return lessonByID(ctx, s.db, who, l.ID, "")
}

func (s *Service) fillLesson(ctx context.Context, tx pgx.Tx, l *Lesson, in LessonInput) error {
	bad := in.apply(l)
	set, id := in.target()
	if in.Kind == NewChoice || in.Kind == NewWording {
		q, err := s.question(ctx, tx, set, id)
		if err != nil {
			return err
		}
		if q == nil {
			bad.add("question", "Choose the question that it adds to or changes.")
		}
	}
	l.SetKey, l.QuestionID = set, id
	return fault.InvalidFields(bad...)
}

// ChangeLesson changes a proposed lesson as it was seen at version. Who proposed it and
// curators may. Invalid with a message per field; a stale version, and one that is judged,
// are a conflict.
func (s *Service) ChangeLesson(ctx context.Context, who identity.Actor, id uuid.UUID, version int, in LessonInput) (Lesson, error) {
	return s.withLesson(ctx, who, id, version, "lesson.changed", Lesson.MayChange, func(tx pgx.Tx, l *Lesson, _ time.Time) error {
		if err := s.fillLesson(ctx, tx, l, in); err != nil {
			return err
		}
		return putPractices(ctx, tx, *l)
	})
}

// Decline ends a proposed lesson with a reason. Curators may. Invalid on "reason"; a stale
// version, and one that is judged, are a conflict.
func (s *Service) Decline(ctx context.Context, who identity.Actor, id uuid.UUID, version int, reason string) (Lesson, error) {
	return s.withLesson(ctx, who, id, version, "lesson.declined", mayJudge, func(_ pgx.Tx, l *Lesson, now time.Time) error {
		var bad fields
		l.Reason = bad.need("reason", text.Clean(reason), "Say why, so that who proposed it learns something.", 4000)
		l.State, l.JudgedAt = Declined, &now
		return fault.InvalidFields(bad...)
	})
}

// Merge ends a proposed lesson because another says it; those that were merged into it go on to the
// other. Curators may. Invalid on "into"; a
// stale version, and one that is judged, are a conflict.
func (s *Service) Merge(ctx context.Context, who identity.Actor, id uuid.UUID, version int, into string) (Lesson, error) {
	return s.withLesson(ctx, who, id, version, "lesson.merged", mayJudge, func(tx pgx.Tx, l *Lesson, now time.Time) error {
		bad := fault.InvalidField("into", "Choose another lesson that is proposed or accepted.")
		other, err := uuid.Parse(text.Line(into))
		if err != nil || other == l.ID {
			return bad
		}
		to, err := lessonByID(ctx, tx, who, other, "for share of l")
		if fault.Is(err, fault.NotFound) || err == nil && to.State != Proposed && to.State != Accepted {
			return bad
		}
		if err != nil {
			return err
		}
		l.State, l.MergedInto, l.JudgedAt = Merged, &to.ID, &now
		if _, err := tx.Exec(ctx, `update lessons set merged_into = $2, version = version + 1 where merged_into = $1`, l.ID, to.ID); err != nil {
			return fmt.Errorf("merge on: %w", err)
		}
		return nil
	})
}

func mayJudge(_ Lesson, who identity.Actor) error {
	return who.May(identity.JudgeLesson, identity.Target{})
}

// withLesson locks a proposed lesson, authorises, wants the version, acts, writes and records.
func (s *Service) withLesson(ctx context.Context, who identity.Actor, id uuid.UUID, version int, verb string,
	may func(Lesson, identity.Actor) error, act func(pgx.Tx, *Lesson, time.Time) error,
) (Lesson, error) {
	if err := signedIn(who); err != nil {
		return Lesson{}, err
	}
	now := s.now()
	err := pgx.BeginFunc(ctx, s.db, func(tx pgx.Tx) error {
		l, err := lessonByID(ctx, tx, who, id, "for update of l")
		if err != nil {
			return err
		}
		if err := may(l, who); err != nil {
			return err
		}
		if l.State != Proposed {
			return fault.New(fault.Conflict, "This lesson is %s already.", l.State)
		}
		if l.Version != version {
			return fault.New(fault.Conflict, "Somebody changed this lesson since you opened it. Read it again.")
		}
		if err := act(tx, &l, now); err != nil {
			return err
		}
		if err := updateLesson(ctx, tx, l, who); err != nil {
			return err
		}
		i, err := byID(ctx, tx, identity.SystemActor("incident"), l.IncidentID, "")
		if err != nil {
			return err
		}
		return recordLesson(ctx, tx, who, verb, i.stream(), l, now)
	})
	if err != nil {
		return Lesson{}, fmt.Errorf("change lesson: %w", err)
	}
	return lessonByID(ctx, s.db, who, id, "")
}

func recordLesson(ctx context.Context, tx pgx.Tx, who identity.Actor, verb, stream string, l Lesson, at time.Time, details ...audit.Detail) error {
	return audit.Record(ctx, tx, who, audit.Act{
		Stream: stream, Verb: verb, TargetKind: "lesson", TargetID: l.ID.String(), At: at,
		Details: append(details, audit.Detail{Name: "incident", Value: l.IncidentID.String()}, audit.Detail{Name: "question", Value: strings.Trim(l.PutSet+"/"+l.PutQuestion, "/")}),
	})
}
