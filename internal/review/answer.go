package review

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"orrery/internal/audit"
	"orrery/internal/fault"
	"orrery/internal/identity"
	"orrery/internal/questionnaire"
	"orrery/internal/text"
)

const (
	maxNotes  = 20_000
	maxReason = 1_000
	maxNote   = 4_000 // of a sign-off, and of what should change
)

// AnswerInput is one answer as a person gave it, on top of the version they saw.
type AnswerInput struct {
	ReviewID      uuid.UUID
	Questionnaire string
	QuestionID    string
	Version       int // the version the person saw; 0 when it was never saved
	Round         int // the round the person saw; 0 when the caller does not say
	Chosen        []string
	Unknown       bool
	NotApplicable bool
	Reason        string
	NAChoices     []string
	NAReasons     []string // beside NAChoices
	Notes         string
	Resolves      string // Replace or Merge when a person who saw a conflict decided so; else empty
}

// How a person settles a conflict of two versions. Either way the version they replace stays
// in the history, and the record says what they did.
const (
	Replace = "replaced" // theirs gives way to mine as it is
	Merge   = "merged"   // mine was changed on sight of theirs
)

// StaleAnswer says that somebody saved the answer since it was read. It carries both
// versions so that a person can choose; nothing was written.
type StaleAnswer struct {
	Theirs Answer
	Mine   AnswerInput
}

func (e *StaleAnswer) Error() string {
	return fmt.Sprintf("answer is at version %d, input was made on %d", e.Theirs.Version, e.Mine.Version)
}

// Unwrap makes a StaleAnswer a Conflict.
func (e *StaleAnswer) Unwrap() error {
	return fault.New(fault.Conflict, "%s saved this answer while you were writing. Nothing is lost: compare the two.", e.Theirs.SavedBy)
}

// SaveAnswer stores an answer with its risk. The owning team may, while the round is a
// draft. Repeating a save that was stored is fine and changes nothing, so a client may try
// again when it saw no answer. Resolves is taken for the record only: a version that is stale
// once more is refused once more. A version that is not the newest is a *StaleAnswer; input
// that does not fit the pinned question is Invalid with a message per field; a round that
// is over is a Conflict. What was carried to be confirmed is confirmed by saving it.
func (s *Service) SaveAnswer(ctx context.Context, who identity.Actor, in AnswerInput) (Answer, error) {
	var saved Answer
	err := pgx.BeginFunc(ctx, s.db, func(tx pgx.Tx) error {
		r, err := lockForShare(ctx, tx, who, in.ReviewID)
		if err != nil {
			return err
		}
		if err := who.May(identity.AnswerReview, r.Target()); err != nil {
			return err
		}
		saved, err = s.saveAnswer(ctx, tx, who, r, in)
		return err
	})
	if err != nil {
		return Answer{}, fmt.Errorf("save answer %s: %w", in.QuestionID, err)
	}
	return saved, nil
}

func (s *Service) saveAnswer(ctx context.Context, tx pgx.Tx, who identity.Actor, r Review, in AnswerInput) (Answer, error) {
	if in.Round != 0 && in.Round != r.Round.Number {
		return Answer{}, errOtherRound(r)
	}
	question, version, err := s.question(ctx, tx, r, in.Questionnaire, in.QuestionID)
	if err != nil {
		return Answer{}, err
	}
	a, err := in.check(question)
	if err != nil {
		return Answer{}, err
	}
	now, err := lockAnswer(ctx, tx, r.Round.ID, version, in.QuestionID)
	if err != nil {
		return Answer{}, err
	}
	if now.Version > 0 && now.sameAs(a) {
		return now, nil
	}
	if now.Version == 0 && a.empty() && !now.ToConfirm {
		return now, nil // nothing was said
	}
	if r.Round.State != Draft {
		return Answer{}, fault.New(fault.Conflict, "%s", frozen[r.Round.State])
	}
	if now.Version != in.Version {
		return Answer{}, &StaleAnswer{Theirs: now, Mine: in}
	}
	a.VersionID, a.QuestionID, a.Position, a.Required, a.Origin = version, in.QuestionID, now.Position, now.Required, now.Origin
	a.Drafted = now.Drafted
	a.Risk = question.Score(a.Selection())
	at := s.now()
	a.Version, a.SavedBy, a.SavedByID, a.SavedAt = now.Version+1, who.Name, &who.PersonID, &at
	if err := putAnswer(ctx, tx, r.Round.ID, a); err != nil {
		return Answer{}, err
	}
	return a, recordAnswer(ctx, tx, who, r, a, in.Resolves, at)
}

// question finds the pinned question, and the version it is of.
func (s *Service) question(ctx context.Context, tx pgx.Tx, r Review, key, id string) (*questionnaire.Question, uuid.UUID, error) {
	missing := errNotAsked()
	pin, ok := r.Pin(key)
	if !ok {
		return nil, uuid.Nil, missing
	}
	q, err := s.library.Version(ctx, tx, pin.VersionID)
	if err != nil {
		return nil, uuid.Nil, err
	}
	question, ok := q.Question(id)
	if !ok {
		return nil, uuid.Nil, missing
	}
	return question, pin.VersionID, nil
}

// check returns the input as an answer in its stored form: choices in the order of the
// question, texts normalised. Invalid with a message per field when it does not fit.
func (in AnswerInput) check(q *questionnaire.Question) (Answer, error) {
	var bad []fault.Field
	add := func(name, message string) { bad = append(bad, fault.Field{Name: name, Message: message}) }
	a := Answer{
		Chosen: []string{}, NAChoices: []string{}, NAReasons: []string{}, Unknown: in.Unknown, NotApplicable: in.NotApplicable,
		Reason: text.Clean(in.Reason), Notes: text.Clean(in.Notes),
	}
	for _, id := range append(slices.Clone(in.Chosen), in.NAChoices...) {
		if _, ok := q.Choice(id); !ok {
			add("choice", "This question has no choice \""+text.Cut(id)+"\".")
			break
		}
	}
	for i := range q.Choices {
		c := &q.Choices[i]
		ticked := slices.Contains(in.Chosen, c.ID)
		if ticked {
			a.Chosen = append(a.Chosen, c.ID)
		}
		at := slices.Index(in.NAChoices, c.ID)
		if at < 0 {
			continue
		}
		reason := ""
		if at < len(in.NAReasons) {
			reason = text.Clean(in.NAReasons[at])
		}
		switch {
		case ticked:
			add("na_"+c.ID, "This choice is ticked and marked not applicable. Choose one.")
		case c.None:
			add("na_"+c.ID, "\"None of these\" cannot be not applicable.")
		case reason == "":
			add("na_"+c.ID, "Say why this choice does not apply.")
		case utf8.RuneCountInString(reason) > maxReason:
			add("na_"+c.ID, "Keep the reason under 1,000 characters.")
		}
		a.NAChoices, a.NAReasons = append(a.NAChoices, c.ID), append(a.NAReasons, reason)
	}
	if none, ok := q.NoneChoice(); ok && len(a.Chosen) > 1 && slices.Contains(a.Chosen, none.ID) {
		add("choice", "\"None of these\" cannot be ticked beside others.")
	}
	if a.Unknown && len(a.Chosen) > 0 {
		add("choice", "\"Do not know\" cannot be ticked beside a choice.")
	}
	if a.NotApplicable && (len(a.Chosen) > 0 || a.Unknown) {
		add("choice", "A question that does not apply has no ticks beside it. Take the ticks away, or \"It does not apply\".")
	}
	if a.NotApplicable && a.Reason == "" {
		add("reason", "Say why this question does not apply.")
	}
	if !a.NotApplicable {
		a.Reason = ""
	}
	if utf8.RuneCountInString(a.Reason) > maxReason {
		add("reason", "Keep the reason under 1,000 characters.")
	}
	if utf8.RuneCountInString(a.Notes) > maxNotes {
		add("notes", "Keep the notes under 20,000 characters.")
	}
	return a, fault.InvalidFields(bad...)
}

// frozen says why answers of a round cannot change.
var frozen = map[string]string{
	Submitted: "This round is submitted, so answers cannot change. The team may withdraw it.",
	Sealed:    "This round is decided and sealed, so answers cannot change.",
	Cancelled: "This round is cancelled, so answers cannot change.",

	Superseded: "An upgrade took this round's place, so its answers cannot change.",
}

// errOtherRound says that the input was made on a round that is over.
func errOtherRound(r Review) error {
	return fault.New(fault.Conflict, "This review has gone on to round %d since you opened the question. Your input is still here: look at the question as it is asked now, and save again.", r.Round.Number)
}

// empty reports whether the answer says nothing at all.
func (a Answer) empty() bool {
	return len(a.Chosen) == 0 && len(a.NAChoices) == 0 && !a.Unknown && !a.NotApplicable && a.Notes == ""
}

// sameAs reports whether both say the same.
func (a Answer) sameAs(b Answer) bool {
	return slices.Equal(a.Chosen, b.Chosen) && a.Unknown == b.Unknown && a.NotApplicable == b.NotApplicable &&
		a.Reason == b.Reason && slices.Equal(a.NAChoices, b.NAChoices) && slices.Equal(a.NAReasons, b.NAReasons) && a.Notes == b.Notes
}

// recordAnswer writes the audit row: what was answered only as a hash.
func recordAnswer(ctx context.Context, tx pgx.Tx, who identity.Actor, r Review, a Answer, resolves string, at time.Time) error {
	content, err := json.Marshal([]any{a.Chosen, a.Unknown, a.NotApplicable, a.Reason, a.NAChoices, a.NAReasons, a.Notes})
	if err != nil {
		return fmt.Errorf("encode answer: %w", err)
	}
	verb := "answer.saved"
	if resolves == Replace || resolves == Merge {
		verb = "answer." + resolves
	}
	return record(ctx, tx, who, verb, r, at,
		audit.Detail{Name: "round", Value: strconv.Itoa(r.Round.Number)},
		audit.Detail{Name: "question", Value: r.pinOf(a.VersionID).Key + "/" + a.QuestionID},
		audit.Detail{Name: "version", Value: strconv.Itoa(a.Version)},
		audit.Detail{Name: "risk", Value: string(a.Risk)},
		audit.Detail{Name: "sha256", Value: fmt.Sprintf("%x", sha256.Sum256(content))})
}
