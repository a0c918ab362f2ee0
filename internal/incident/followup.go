package incident

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"orrery/internal/audit"
	"orrery/internal/fault"
	"orrery/internal/identity"
	"orrery/internal/questionnaire"
	"orrery/internal/remediation"
	"orrery/internal/text"
)

// The states of a follow-up.
const (
	FollowOpen          = "open"
	FollowAnswered      = "answered"
	FollowNotApplicable = "not_applicable"
)

// FollowUp is one published question asked of one workload, without a review.
type FollowUp struct {
	ID           uuid.UUID
	LessonID     uuid.UUID
	Lesson       string
	WorkloadID   uuid.UUID
	WorkloadKey  string
	WorkloadName string
	Tier         int
	TeamID       uuid.UUID
	TeamName     string
	Restricted   bool
	VersionID    uuid.UUID
	SetKey       string
	QuestionID   string
	AskedOn      time.Time // a day
	DueOn        time.Time // a day
	State        string
	Chosen       []string
	Unknown      bool
	Note         string
	Risk         questionnaire.Risk
	ItemID       *uuid.UUID
	ItemState    string // of the item; empty when there is none
	Version      int
	AnsweredBy   string
	AnsweredAt   *time.Time

	Question *questionnaire.Question // nil in lists
}

// Path is the address of the follow-up.
func (f FollowUp) Path() string { return "/follow-ups/" + f.ID.String() }

// Target is what identity decides on.
func (f FollowUp) Target() identity.Target {
	return identity.Target{WorkloadID: f.WorkloadID, TeamID: f.TeamID, Restricted: f.Restricted}
}

// Mended reports whether a high that the answer found is mended and verified.
func (f FollowUp) Mended() bool { return f.ItemState == remediation.Verified }

// FollowAnswer is an answer to a follow-up, as it was seen at Version.
type FollowAnswer struct {
	Version       int
	Chosen        []string
	Unknown       bool
	NotApplicable bool
	Note          string // needed where the question does not apply
}

// FollowUp reads one follow-up with its question. Not found when who may not read its
// workload, or it is asked on a later day.
func (s *Service) FollowUp(ctx context.Context, who identity.Actor, id uuid.UUID) (FollowUp, error) {
	f, err := followByID(ctx, s.db, who, id, "")
	if err != nil {
		return f, err
	}
	if f.AskedOn.After(s.now()) {
		return FollowUp{}, errNoFollowUp()
	}
	f.Question, err = s.asked(ctx, f)
	return f, err
}

func errNoFollowUp() error { return fault.New(fault.NotFound, "There is no such follow-up.") }

func (s *Service) asked(ctx context.Context, f FollowUp) (*questionnaire.Question, error) {
	set, err := s.library.Version(ctx, s.db, f.VersionID)
	if err != nil {
		return nil, err
	}
	q, ok := set.Question(f.QuestionID)
	if !ok {
		return nil, fmt.Errorf("version %s has no question %s", f.VersionID, f.QuestionID)
	}
	return q, nil
}

// Answer scores the answer and keeps it; it may be given again later. Members of the owning
// team may. A high opens an item of the team's lead, anything less mends it; an item that is
// worked on keeps its owner and due day, and the same answer again changes nothing of it. Invalid
// on "choice" and "note"; a stale version is a conflict.
func (s *Service) Answer(ctx context.Context, who identity.Actor, id uuid.UUID, in FollowAnswer) (FollowUp, error) {
	now := s.now()
	asked, err := s.FollowUp(ctx, who, id)
	if err != nil {
		return FollowUp{}, err
	}
	err = pgx.BeginFunc(ctx, s.db, func(tx pgx.Tx) error {
		f, err := followByID(ctx, tx, who, id, "for update of f")
		if err != nil {
			return err
		}
		if err := who.May(identity.AnswerFollowUp, f.Target()); err != nil {
			return err
		}
		if f.Version != in.Version {
			return fault.New(fault.Conflict, "Somebody answered this since you opened it. Read it again; your input is still here.")
		}
		before := f
		if err := f.take(in, asked.Question); err != nil {
			return err
		}
		if err := remediation.LockItems(ctx, tx, f.WorkloadID); err != nil {
			return err
		}
		if !f.saysTheSame(before) {
			if err := f.settle(ctx, tx, who, asked.Question, now); err != nil {
				return err
			}
		}
		if err := putAnswer(ctx, tx, f, who, now); err != nil {
			return err
		}
		return audit.Record(ctx, tx, who, audit.Act{
			Stream: audit.WorkloadStream(f.WorkloadID), Verb: "follow_up." + f.State, TargetKind: "follow_up", TargetID: f.ID.String(), At: now,
			Details: []audit.Detail{{Name: "question", Value: f.SetKey + "/" + f.QuestionID}, {Name: "risk", Value: string(f.Risk)}},
		})
	})
	if err != nil {
		return FollowUp{}, fmt.Errorf("answer follow-up: %w", err)
	}
	return s.FollowUp(ctx, who, id)
}

// take checks the answer against the question and scores it.
func (f *FollowUp) take(in FollowAnswer, q *questionnaire.Question) error {
	var bad fields
	f.Note = bad.fit("note", text.Clean(in.Note), 4000)
	f.Unknown, f.Chosen, f.State = in.Unknown, []string{}, FollowAnswered
	for _, id := range in.Chosen {
		c, ok := q.Choice(id)
		if !ok {
			bad.add("choice", "Choose among the statements of the question.")
			break
		}
		if !slices.Contains(f.Chosen, c.ID) {
			f.Chosen = append(f.Chosen, c.ID)
		}
	}
	switch none, has := q.NoneChoice(); {
	case in.NotApplicable:
		f.State, f.Chosen, f.Unknown = FollowNotApplicable, []string{}, false
		if f.Note == "" {
			bad.add("note", "Say why the question does not apply to this workload.")
		}
	case in.Unknown && len(f.Chosen) > 0:
		bad.add("choice", "Either tick what is true, or say that you do not know.")
	case !in.Unknown && len(f.Chosen) == 0 && len(bad) == 0:
		bad.add("choice", "Tick what is true, or say that you do not know.")
	case has && len(f.Chosen) > 1 && slices.Contains(f.Chosen, none.ID):
		bad.add("choice", "None of these stands alone.")
	}
	f.Risk = q.Score(questionnaire.Selection{Chosen: f.Chosen, Unknown: f.Unknown, NotApplicable: in.NotApplicable})
	return fault.InvalidFields(bad...)
}

// saysTheSame reports whether the answer differs in its note at most from one that was given before.
func (f *FollowUp) saysTheSame(before FollowUp) bool {
	return before.State == f.State && before.Unknown == f.Unknown && before.Risk == f.Risk &&
		slices.Equal(slices.Sorted(slices.Values(before.Chosen)), slices.Sorted(slices.Values(f.Chosen)))
}

// settle opens the item of a high, or mends the one that is open. Of several follow-ups on one
// question an older one mends nothing that a newer one found.
func (f *FollowUp) settle(ctx context.Context, tx pgx.Tx, who identity.Actor, q *questionnaire.Question, now time.Time) error {
	key := f.SetKey + "/" + f.QuestionID
	if !f.Risk.CountsAsHigh() {
		if found, err := foundLater(ctx, tx, *f); found || err != nil {
			return err
		}
		words := "The follow-up was answered again: "
		if f.ItemID == nil {
			words = "A later follow-up on the same question was answered: "
		}
		return remediation.MendItem(ctx, tx, who, f.WorkloadID, remediation.CauseFollowUp, key, words+f.Risk.Label()+".", personOf(who), now)
	}
	kept, err := remediation.UnfinishedItem(ctx, tx, f.WorkloadID, remediation.CauseFollowUp, key)
	if err != nil {
		return err
	}
	if kept != uuid.Nil {
		f.ItemID = &kept
		return nil
	}
	owner, err := leadOf(ctx, tx, f.TeamID)
	if err != nil {
		return err
	}
	if owner == uuid.Nil {
		owner = who.PersonID
	}
	policy, err := remediation.LoadPolicy(ctx, tx)
	if err != nil {
		return err
	}
	id, err := remediation.OpenItem(ctx, tx, who, remediation.Opening{
		WorkloadID: f.WorkloadID, CauseKind: remediation.CauseFollowUp, CauseKey: key, Title: q.Title, Detail: "Found by the follow-up of the lesson: " + f.Lesson,
		Risk: "high", Href: f.Path(), OwnerID: owner, DueOn: policy.Due("high", f.Tier, now),
	}, now)
	f.ItemID = &id
	return err
}

// FollowUps lists what is asked of the workloads of the actor's teams and not answered, by
// due day, at most 500.
func (s *Service) FollowUps(ctx context.Context, who identity.Actor) ([]FollowUp, error) {
	if err := signedIn(who); err != nil {
		return nil, err
	}
	return listFollowUps(ctx, s.db, who, `f.state = 'open' and f.asked_on <= @today and w.stage <> 'retired' and w.team_id = any(@teams)`, pgx.StrictNamedArgs{"today": today(s.now())})
}

// FollowUpsOfWorkload lists what a workload is or was asked, the open ones first. Not
// authorised beyond that: workloads that who may not read have none.
func (s *Service) FollowUpsOfWorkload(ctx context.Context, who identity.Actor, workload uuid.UUID) ([]FollowUp, error) {
	if err := signedIn(who); err != nil {
		return nil, err
	}
	return listFollowUps(ctx, s.db, who, `f.workload_id = @workload and f.asked_on <= @today`, pgx.StrictNamedArgs{"workload": workload, "today": today(s.now())})
}

// RollOut lists the follow-ups of a lesson on the workloads that who may read, the open ones
// first, at most 500, also those that ask for another lesson on the same question. Not found when
// who may not read the lesson.
func (s *Service) RollOut(ctx context.Context, who identity.Actor, lesson uuid.UUID) ([]FollowUp, error) {
	if _, err := s.Lesson(ctx, who, lesson); err != nil {
		return nil, err
	}
	return listFollowUps(ctx, s.db, who, ofLesson, pgx.StrictNamedArgs{"lesson": lesson})
}

// Progress counts the follow-ups of a lesson.
type Progress struct {
	Asked    int
	Answered int
	Highs    int        // answers that found a high
	Mended   int        // of these, mended and verified
	First    *time.Time // the day from which the first one is asked; nil when there is none
}

// RollOutProgress counts all that RollOut would list without its limit. Not found when who may
// not read the lesson.
func (s *Service) RollOutProgress(ctx context.Context, who identity.Actor, lesson uuid.UUID) (p Progress, err error) {
	if _, err := s.Lesson(ctx, who, lesson); err != nil {
		return p, err
	}
	return countFollowUps(ctx, s.db, who, lesson)
}

// spread asks what a version brings of the workloads it concerns, within the transaction
// that publishes it. The library calls it.
func (s *Service) spread(ctx context.Context, tx pgx.Tx, who identity.Actor, version questionnaire.Published, set *questionnaire.Questionnaire) error {
	now := s.now()
	waiting, err := unpublished(ctx, tx, set.Key)
	if err != nil {
		return err
	}
	for _, l := range waiting {
		q, ok := set.Question(l.PutQuestion)
		if !ok {
			continue // taken out of the draft meanwhile
		}
		asked := l.askOn(now)
		places, err := s.concerned(ctx, tx, l)
		if err != nil {
			return err
		}
		places = slices.DeleteFunc(places, func(p Place) bool { return !q.AppliesTo(p.Tier) })
		if err := ask(ctx, tx, l, places, version.ID, asked); err != nil {
			return err
		}
		if err := markPublished(ctx, tx, l.ID, version.ID, now); err != nil {
			return err
		}
		if err := recordLesson(ctx, tx, who, "lesson.published", audit.OrgStream, l, now, audit.Detail{Name: "workloads", Value: fmt.Sprint(len(places))}); err != nil {
			return err
		}
	}
	return nil
}

func today(now time.Time) time.Time { return now.UTC().Truncate(24 * time.Hour) }
