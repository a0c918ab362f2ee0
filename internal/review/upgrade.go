package review

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"orrery/internal/audit"
	"orrery/internal/fault"
	"orrery/internal/identity"
	"orrery/internal/postgres"
	"orrery/internal/questionnaire"
)

// Newer is a pinned set of which a newer version is published.
type Newer struct {
	Key       string
	Name      string
	From, To  string // version numbers
	VersionID uuid.UUID
}

// Upgrade is what an upgrade of a running review would do.
type Upgrade struct {
	Review
	Sets []UpgradeSet
	Seen string // names the answers that were shown: an upgrade on another Seen is a conflict
}

// UpgradeSet is one set with a newer version: what changed, and what becomes of the answers.
type UpgradeSet struct {
	Newer
	Difference questionnaire.Difference
	Answers    []Fate
}

// The fates of an answer in an upgrade.
const (
	FateStays   = "stays"      // the question is unchanged: the answer stands as it is
	FateConfirm = "to_confirm" // its ticks are carried, to be confirmed
	FateOpen    = "open"       // it is unanswered, and stays so
	FateNew     = "new"        // nobody was asked yet
	FateGone    = "gone"       // it is asked no more: its answer stays in the record
)

// Fate is what becomes of one question and its answer.
type Fate struct {
	Kind     string
	Question *questionnaire.Question // as it is asked after, or before when it is gone
	Before   Answer                  // the zero Answer when it is new
	was      *questionnaire.Question
	after    Answer
}

// Was is the question as it was asked before; nil when it is new.
func (f Fate) Was() *questionnaire.Question { return f.was }

// After is what the question's row begins with; the zero Answer when it is gone.
func (f Fate) After() Answer { return f.after }

// Left reports whether something of the answer is left behind: notes, or not-applicable flags.
func (f Fate) Left() bool { return f.Kind != FateStays && f.Before.leaves() }

// leaves reports whether the answer holds what is never carried.
func (a Answer) leaves() bool {
	return a.Notes != "" || a.NotApplicable || len(a.NAChoices) > 0
}

// Newer lists the sets of a review with a newer published version. It does not authorise:
// it is called for a review that was loaded for the reader.
func (s *Service) Newer(ctx context.Context, r Review) ([]Newer, error) {
	return s.newer(ctx, s.db, r)
}

func (s *Service) newer(ctx context.Context, q postgres.Querier, r Review) ([]Newer, error) {
	const sql = `
		select p.questionnaire_key as key, s.name, o.version as from, n.version as to, n.id as version_id
		from review_questionnaires p
		join questionnaires s on s.key = p.questionnaire_key
		join questionnaire_versions o on o.id = p.version_id
		cross join lateral (
			select * from questionnaire_versions v where v.questionnaire_key = p.questionnaire_key order by v.published_at desc, v.id desc limit 1) n
		where p.review_id = $1 and n.id <> p.version_id order by p.position`
	rows, err := q.Query(ctx, sql, r.ID)
	if err != nil {
		return nil, fmt.Errorf("look for newer versions: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByName[Newer])
}

// Upgrade reads what an upgrade of the review would do; not found when who may not read it,
// a conflict when its round is no draft.
func (s *Service) Upgrade(ctx context.Context, who identity.Actor, id uuid.UUID) (Upgrade, error) {
	r, err := load(ctx, s.db, who, id)
	if err != nil {
		return Upgrade{}, err
	}
	return s.upgrade(ctx, s.db, r)
}

func (s *Service) upgrade(ctx context.Context, q postgres.Querier, r Review) (Upgrade, error) {
	u := Upgrade{Review: r}
	switch r.Round.State {
	case Draft:
	case Submitted:
		return u, fault.New(fault.Conflict, "This round is submitted, so it cannot be upgraded. Withdraw it first: then its answers can change.")
	default:
		return u, fault.New(fault.Conflict, "This round is %s, so it cannot be upgraded.", r.Round.State)
	}
	answers, err := answersOf(ctx, q, r.Round.ID)
	if err != nil {
		return u, err
	}
	u.Seen = seenAnswers(r, answers)
	list, err := s.newer(ctx, q, r)
	if err != nil {
		return u, err
	}
	for _, n := range list {
		set, err := s.upgradeSet(ctx, q, r, n, answers)
		if err != nil {
			return u, err
		}
		u.Sets = append(u.Sets, set)
	}
	return u, nil
}

// seenAnswers names a round's answers as they stand.
func seenAnswers(r Review, answers []Answer) string {
	h := sha256.New()
	_, _ = fmt.Fprintln(h, r.Round.ID)
	for _, a := range answers {
		_, _ = fmt.Fprintln(h, a.VersionID, a.QuestionID, a.Version)
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// upgradeSet compares the pinned version with the newer one and finds each answer's fate.
func (s *Service) upgradeSet(ctx context.Context, q postgres.Querier, r Review, n Newer, answers []Answer) (UpgradeSet, error) {
	u := UpgradeSet{Newer: n}
	pin, _ := r.Pin(n.Key)
	old, err := s.library.Version(ctx, q, pin.VersionID)
	if err != nil {
		return u, err
	}
	pub, err := s.library.Newest(ctx, q, n.Key, n.To)
	if err != nil {
		return u, err
	}
	o, err := s.version(ctx, q, pub)
	if err != nil {
		return u, err
	}
	u.Difference = questionnaire.Compare(old, o.set)
	left := map[string]Answer{}
	for _, a := range answers {
		if a.VersionID == pin.VersionID {
			left[a.QuestionID] = a
		}
	}
	for _, question := range asks(o.set, o.off, r.CorePath && !pin.Extra, r.Tier) {
		before, asked := left[question.ID]
		delete(left, question.ID)
		was, _ := old.Question(question.ID)
		f := Fate{Question: question, Before: before, was: was}
		f.decide(r.Round.ID, asked, !u.Difference.Touches(question.ID))
		f.after.VersionID = o.ID
		u.Answers = append(u.Answers, f)
	}
	for _, a := range answers {
		if _, gone := left[a.QuestionID]; gone && a.VersionID == pin.VersionID {
			was, _ := old.Question(a.QuestionID)
			u.Answers = append(u.Answers, Fate{Kind: FateGone, Question: was, Before: a, was: was})
		}
	}
	return u, nil
}

// decide says what becomes of the answer, and what its row begins with.
func (f *Fate) decide(round uuid.UUID, asked, same bool) {
	from := f.Before.origin(round)
	switch {
	case !asked:
		f.Kind, f.after = FateNew, blank(f.Question.ID)
	case from == nil:
		f.Kind, f.after = FateOpen, blank(f.Question.ID)
	case same && f.Before.Version > 0 && f.Before.Risk != questionnaire.RiskUnanswered && !f.Before.leaves():
		f.Kind, f.after = FateStays, f.Before
		f.after.Version = 1
	default:
		f.Kind, f.after = FateConfirm, carry(f.Question, f.Before, *from)
		if !f.after.ToConfirm {
			f.Kind = FateOpen
		}
	}
}

// UpgradeInput accepts an upgrade as it was shown.
type UpgradeInput struct {
	ReviewID uuid.UUID
	Versions []uuid.UUID // the versions to upgrade to, of the sets that were chosen
	Seen     string      // Upgrade.Seen of what was shown
}

// AcceptUpgrade pins the review to the newer versions. Its round is frozen as it stands and
// stays in the record; a new draft begins with the answers that stay, and with those that are
// to be confirmed. The owning team may, while the round is a draft. It is a Conflict when the
// round is none, when an answer was saved since, or when a version is not the newest any more.
func (s *Service) AcceptUpgrade(ctx context.Context, who identity.Actor, in UpgradeInput) (Review, error) {
	now := s.now()
	err := pgx.BeginFunc(ctx, s.db, func(tx pgx.Tx) error {
		r, err := lockForUpdate(ctx, tx, who, in.ReviewID)
		if err != nil {
			return err
		}
		if err := who.May(identity.AnswerReview, r.Target()); err != nil {
			return err
		}
		u, err := s.upgrade(ctx, tx, r)
		if err != nil {
			return err
		}
		if in.Seen != u.Seen {
			return fault.New(fault.Conflict, "Somebody saved an answer or upgraded the review since you read this page. Read what becomes of the answers now, and accept again.")
		}
		chosen, err := in.choose(u)
		if err != nil {
			return err
		}
		return s.supersede(ctx, tx, who, r, chosen, now)
	})
	if err != nil {
		return Review{}, fmt.Errorf("upgrade review: %w", err)
	}
	return load(ctx, s.db, who, in.ReviewID)
}

// choose returns the sets that were chosen, each still at the version that was shown.
func (in UpgradeInput) choose(u Upgrade) ([]UpgradeSet, error) {
	var chosen []UpgradeSet
	for _, set := range u.Sets {
		if slices.Contains(in.Versions, set.VersionID) {
			chosen = append(chosen, set)
		}
	}
	switch {
	case len(in.Versions) == 0:
		return nil, fault.InvalidField("versions", "Choose at least one set to upgrade.")
	case len(chosen) != len(in.Versions):
		return nil, fault.New(fault.Conflict, "A newer version was published since you read this page. Read what changed, and accept again.")
	}
	return chosen, nil
}

// supersede freezes the round as it stands, moves the pins, and begins the next round.
func (s *Service) supersede(ctx context.Context, tx pgx.Tx, who identity.Actor, r Review, chosen []UpgradeSet, now time.Time) error {
	sheet, err := s.sheet(ctx, tx, r)
	if err != nil {
		return err
	}
	snap, err := s.snapshot(ctx, tx, sheet)
	if err != nil {
		return err
	}
	content, sum, err := encode(snap)
	if err != nil {
		return err
	}
	to := make([]string, len(chosen))
	for i, set := range chosen {
		to[i] = set.Name + " " + set.To
	}
	const freeze = `
		update rounds set state = 'superseded', content = $2, content_sha256 = $3, superseded_by = $4, superseded_at = $5, superseded_to = $6 where id = $1`
	if _, err := tx.Exec(ctx, freeze, r.Round.ID, content, sum, who.PersonID, now, strings.Join(to, ", ")); err != nil {
		return fmt.Errorf("freeze round: %w", err)
	}
	const pin = `update review_questionnaires set version_id = $3 where review_id = $1 and questionnaire_key = $2`
	for _, set := range chosen {
		if _, err := tx.Exec(ctx, pin, r.ID, set.Key, set.VersionID); err != nil {
			return fmt.Errorf("pin %s: %w", set.Key, err)
		}
	}
	round, err := insertRound(ctx, tx, r.ID, r.Round.Number+1, now)
	if err != nil {
		return err
	}
	if err := insertAnswers(ctx, tx, round, upgraded(sheet, chosen)); err != nil {
		return err
	}
	return record(ctx, tx, who, "review.upgraded", r, now, upgradeDetails(r, chosen, sum)...)
}

// upgraded lists what the next round begins with, in the order of the sets: the sets that
// were not chosen as they are.
func upgraded(sheet Sheet, chosen []UpgradeSet) []Answer {
	var list []Answer
	for _, pin := range sheet.Pins {
		at := slices.IndexFunc(chosen, func(u UpgradeSet) bool { return u.Key == pin.Key })
		if at < 0 {
			for _, e := range sheet.Entries() {
				if e.Questionnaire == pin.Key {
					a := e.Answer
					a.Version = min(a.Version, 1)
					list = append(list, a)
				}
			}
			continue
		}
		for _, f := range chosen[at].Answers {
			if f.Kind != FateGone {
				list = append(list, f.after)
			}
		}
	}
	return list
}

func upgradeDetails(r Review, chosen []UpgradeSet, sum []byte) []audit.Detail {
	details := []audit.Detail{
		{Name: "round", Value: strconv.Itoa(r.Round.Number)}, {Name: "content_sha256", Value: hex.EncodeToString(sum)},
	}
	for _, set := range chosen {
		counts := map[string]int{}
		for _, f := range set.Answers {
			counts[f.Kind]++
		}
		details = append(details, audit.Detail{Name: set.Key, Value: fmt.Sprintf("%s to %s: %d stay, %d to confirm, %d open, %d new, %d gone",
			set.From, set.To, counts[FateStays], counts[FateConfirm], counts[FateOpen], counts[FateNew], counts[FateGone])})
	}
	return details
}
