package review

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"orrery/internal/audit"
	"orrery/internal/fault"
	"orrery/internal/identity"
	"orrery/internal/postgres"
	"orrery/internal/questionnaire"
)

// ConfirmInput names the section whose carried answers a person confirms, in the round they
// saw.
type ConfirmInput struct {
	ReviewID      uuid.UUID
	Round         int
	Questionnaire string
	Section       string
}

// ToConfirm is a section with carried answers that wait to be confirmed.
type ToConfirm struct {
	Section
	AtOnce int // how many ConfirmSection would confirm
}

// ToConfirm lists the sections of the sheet with answers to confirm, those entries only.
func (s *Service) ToConfirm(ctx context.Context, sheet Sheet) ([]ToConfirm, error) {
	var list []ToConfirm
	for _, section := range sheet.Sections {
		part := ToConfirm{Section: Section{Questionnaire: section.Questionnaire, ID: section.ID, Name: section.Name}}
		for _, e := range section.Entries {
			if !e.Answer.ToConfirm {
				continue
			}
			part.Entries = append(part.Entries, e)
			same, err := s.sameAsThen(ctx, s.db, e)
			if err != nil {
				return nil, err
			}
			if same {
				part.AtOnce++
			}
		}
		if len(part.Entries) > 0 {
			list = append(list, part)
		}
	}
	return list, nil
}

// sameAsThen reports whether a carried answer says what it said then: the question did not
// change since, and nothing of the answer but its notes was left behind. Drafts never do:
// they are looked at one by one.
func (s *Service) sameAsThen(ctx context.Context, q postgres.Querier, e Entry) (bool, error) {
	o := e.Answer.Origin
	if o == nil || e.Answer.Drafted.From != "" {
		return false, nil
	}
	if o.Flagged || o.VersionID == e.Answer.VersionID {
		return !o.Flagged, nil
	}
	then, err := s.library.Version(ctx, q, o.VersionID)
	if err != nil {
		return false, err
	}
	now, err := s.library.Version(ctx, q, e.Answer.VersionID)
	if err != nil {
		return false, err
	}
	return !questionnaire.Compare(then, now).Touches(o.QuestionID), nil
}

// ConfirmSection confirms the carried answers of a section as they are, and returns how
// many: those whose question is unchanged since and that had no not-applicable flag. The
// owning team may, while the round is a draft; whoever confirms is an author. A round that
// is over is a Conflict, and so is a section in which nothing can be confirmed at once.
func (s *Service) ConfirmSection(ctx context.Context, who identity.Actor, in ConfirmInput) (n int, err error) {
	now := s.now()
	err = pgx.BeginFunc(ctx, s.db, func(tx pgx.Tx) error {
		r, err := lockForShare(ctx, tx, who, in.ReviewID)
		if err != nil {
			return err
		}
		if err := who.May(identity.AnswerReview, r.Target()); err != nil {
			return err
		}
		if in.Round != r.Round.Number {
			return errOtherRound(r)
		}
		if r.Round.State != Draft {
			return fault.New(fault.Conflict, "%s", frozen[r.Round.State])
		}
		n, err = s.confirm(ctx, tx, who, r, in, now)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("confirm section %s: %w", in.Section, err)
	}
	return n, nil
}

func (s *Service) confirm(ctx context.Context, tx pgx.Tx, who identity.Actor, r Review, in ConfirmInput, now time.Time) (n int, err error) {
	sheet, err := s.sheet(ctx, tx, r)
	if err != nil {
		return 0, err
	}
	for _, e := range sheet.Entries() {
		if e.Questionnaire != in.Questionnaire || e.Question.Section != in.Section || !e.Answer.ToConfirm {
			continue
		}
		a, err := lockAnswer(ctx, tx, r.Round.ID, e.Answer.VersionID, e.Answer.QuestionID)
		if err != nil {
			return 0, err
		}
		same, err := s.sameAsThen(ctx, tx, e)
		if err != nil {
			return 0, err
		}
		if !same || !a.ToConfirm {
			continue // somebody confirmed it by hand, or should look at it
		}
		a.Version, a.SavedBy, a.SavedByID, a.SavedAt, a.ToConfirm = a.Version+1, who.Name, &who.PersonID, &now, false
		if err := putAnswer(ctx, tx, r.Round.ID, a); err != nil {
			return 0, err
		}
		n++
	}
	if n == 0 {
		return 0, fault.New(fault.Conflict, "Nothing of this section can be confirmed at once. Open each question and look at it.")
	}
	return n, record(ctx, tx, who, "answers.confirmed", r, now,
		audit.Detail{Name: "round", Value: strconv.Itoa(r.Round.Number)}, audit.Detail{Name: "section", Value: in.Questionnaire + "/" + in.Section},
		audit.Detail{Name: "answers", Value: strconv.Itoa(n)})
}
