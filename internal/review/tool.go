package review

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"orrery/internal/audit"
	"orrery/internal/evidence"
	"orrery/internal/fault"
	"orrery/internal/identity"
	"orrery/internal/postgres"
	"orrery/internal/questionnaire"
)

// ToolSaying is what people answered in the Well-Architected Tool to what a question asks.
type ToolSaying struct {
	evidence.ToolAnswer
	Ticked []string              // ids of our choices that are ticked there
	Apart  []evidence.ToolChoice // ticked there, and no choice here
}

// Risk is the risk that the tool gives, in our words.
func (t ToolSaying) Risk() questionnaire.Risk {
	switch t.ToolAnswer.Risk {
	case "HIGH":
		return questionnaire.RiskHigh
	case "MEDIUM":
		return questionnaire.RiskMedium
	case "NONE":
		return questionnaire.RiskNone
	case "NOT_APPLICABLE":
		return questionnaire.RiskNotApplicable
	}
	return questionnaire.RiskUnanswered
}

// saysOf finds what the tool says to the question. A choice of an official lens is found by the
// tool's id of it; a question of a custom lens by its own id and those of all its choices.
func saysOf(q *questionnaire.Question, answers []evidence.ToolAnswer) (list []ToolSaying) {
	for _, a := range answers {
		if says, ok := match(q, a); ok {
			list = append(list, says)
		}
	}
	return list
}

func match(q *questionnaire.Question, a evidence.ToolAnswer) (ToolSaying, bool) {
	says, found := ToolSaying{ToolAnswer: a}, false
	same := sameQuestion(q, a)
	for _, t := range a.Choices {
		at := slices.IndexFunc(q.Choices, func(c questionnaire.Choice) bool {
			return same && c.ID == t.ID || official(a.Lens) && c.WAToolID != "" && c.WAToolID == t.ID
		})
		found = found || at >= 0
		if none, ok := q.NoneChoice(); at < 0 && ok && strings.HasSuffix(t.ID, "_no") {
			at = slices.IndexFunc(q.Choices, func(c questionnaire.Choice) bool { return c.ID == none.ID })
		}
		switch {
		case !t.Ticked():
		case at < 0:
			says.Apart = append(says.Apart, t)
		default:
			says.Ticked = append(says.Ticked, q.Choices[at].ID)
		}
	}
	return says, found
}

// official reports whether a lens is AWS's own: an alias, or an ARN without an account.
func official(lens string) bool {
	return !strings.HasPrefix(lens, "arn:") || strings.Contains(lens, "::lens/")
}

// sameQuestion reports whether the tool asks this very question, as a custom lens that was
// imported: its id, and every choice of it, are ours.
func sameQuestion(q *questionnaire.Question, a evidence.ToolAnswer) bool {
	return q.ID == a.QuestionID && !slices.ContainsFunc(a.Choices, func(t evidence.ToolChoice) bool {
		_, ok := q.Choice(t.ID)
		return !ok
	})
}

// ticksOf are the choices that every saying ticks, as a draft would have them.
func ticksOf(q *questionnaire.Question, says []ToolSaying) []string {
	ticks := []string{}
	for i := range q.Choices {
		c := &q.Choices[i]
		all := !slices.ContainsFunc(says, func(t ToolSaying) bool { return !t.Applicable || !slices.Contains(t.Ticked, c.ID) })
		if all && len(says) > 0 {
			ticks = append(ticks, c.ID)
		}
	}
	if none, ok := q.NoneChoice(); ok && len(ticks) > 1 { // "none of these" beside others says nothing
		ticks = slices.DeleteFunc(ticks, func(id string) bool { return id == none.ID })
	}
	return ticks
}

// ToolLine is a question that the tool says something to.
type ToolLine struct {
	Entry
	Says   []ToolSaying
	Ticks  []string           // of the draft
	Risk   questionnaire.Risk // of the draft
	AsOf   time.Time          // the oldest of what is said
	Source string             // names of the workloads there
}

// ToolDraft is what taking answers from the Well-Architected Tool would do.
type ToolDraft struct {
	Review
	Drafts  []ToolLine // would get a draft, to be confirmed
	Left    []ToolLine // are answered, or have a draft: they stay as they are
	ByHand  []ToolLine // the tool says something that no draft holds, such as "not applicable"
	Without int        // the tool says nothing to them
	Seen    string     // names the drafts that were shown: taking them on another Seen is a conflict
}

func errToolClosed() error {
	return fault.New(fault.Forbidden, "Only the owning team, the workload's approvers and facilitators, and auditors may read what the Well-Architected Tool says.")
}

// ToolDraft reads what taking answers from the Well-Architected Tool would do; it writes
// nothing. Raw findings are not for everybody who may read the review: others get Forbidden.
func (s *Service) ToolDraft(ctx context.Context, who identity.Actor, id uuid.UUID) (ToolDraft, error) {
	r, err := load(ctx, s.db, who, id)
	if err != nil {
		return ToolDraft{}, err
	}
	if !who.CanReadFindings(r.Target()) {
		return ToolDraft{}, errToolClosed()
	}
	sheet, err := s.sheet(ctx, s.db, r)
	if err != nil {
		return ToolDraft{}, err
	}
	return draftOf(ctx, s.db, sheet)
}

// ToolOffer counts the questions of the sheet that would get a draft. It does not authorise:
// pages offer it to whom SaveAnswer lets.
func (s *Service) ToolOffer(ctx context.Context, sheet Sheet) (int, error) {
	d, err := draftOf(ctx, s.db, sheet)
	return len(d.Drafts), err
}

func draftOf(ctx context.Context, q postgres.Querier, sheet Sheet) (ToolDraft, error) {
	d := ToolDraft{Review: sheet.Review}
	answers, err := evidence.ToolAnswers(ctx, q, sheet.Workload.ID)
	if err != nil {
		return d, err
	}
	for _, e := range sheet.Entries() {
		line := lineOf(e, saysOf(e.Question, answers))
		switch {
		case len(line.Says) == 0:
			d.Without++
		case e.Answer.ToConfirm || e.Answer.Version > 0:
			d.Left = append(d.Left, line)
		case line.Risk == questionnaire.RiskUnanswered:
			d.ByHand = append(d.ByHand, line)
		default:
			d.Drafts = append(d.Drafts, line)
		}
	}
	d.Seen, err = d.seen()
	return d, err
}

func lineOf(e Entry, says []ToolSaying) ToolLine {
	l := ToolLine{Entry: e, Says: says, Ticks: ticksOf(e.Question, says)}
	l.Risk = e.Question.Score(questionnaire.Selection{Chosen: l.Ticks})
	var names []string
	for _, t := range says {
		if l.AsOf.IsZero() || t.AsOf.Before(l.AsOf) {
			l.AsOf = t.AsOf
		}
		if !slices.Contains(names, t.Workload) {
			names = append(names, t.Workload)
		}
	}
	l.Source = strings.Join(names, ", ")
	return l
}

// seen hashes the drafts: the questions, the ticks and their dates.
func (d ToolDraft) seen() (string, error) {
	h := sha256.New()
	for i := range d.Drafts {
		l := &d.Drafts[i]
		line, err := json.Marshal([]any{d.Round.ID, l.Key(), l.Ticks, l.Source, l.AsOf.UnixMicro()})
		if err != nil {
			return "", fmt.Errorf("hash drafts: %w", err)
		}
		_, _ = h.Write(line)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// TakeToolInput takes the drafts that were shown.
type TakeToolInput struct {
	ReviewID uuid.UUID
	Seen     string // ToolDraft.Seen of what was shown
}

// TakeToolAnswers writes what people answered in the Well-Architected Tool as answers to be
// confirmed, and returns how many. Only questions that nobody answered get one. The owning
// team may, while the round is a draft; whoever takes them is no author, whoever confirms
// one is. It is a Conflict when the round is none, when other drafts were shown, and when
// there is nothing to take.
func (s *Service) TakeToolAnswers(ctx context.Context, who identity.Actor, in TakeToolInput) (n int, err error) {
	now := s.now()
	err = pgx.BeginFunc(ctx, s.db, func(tx pgx.Tx) error {
		r, err := lockForShare(ctx, tx, who, in.ReviewID)
		if err != nil {
			return err
		}
		if err := who.May(identity.AnswerReview, r.Target()); err != nil {
			return err
		}
		if r.Round.State != Draft {
			return fault.New(fault.Conflict, "%s", frozen[r.Round.State])
		}
		n, err = s.takeTool(ctx, tx, who, r, in, now)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("take answers of the tool: %w", err)
	}
	return n, nil
}

func (s *Service) takeTool(ctx context.Context, tx pgx.Tx, who identity.Actor, r Review, in TakeToolInput, now time.Time) (int, error) {
	sheet, err := s.sheet(ctx, tx, r)
	if err != nil {
		return 0, err
	}
	d, err := draftOf(ctx, tx, sheet)
	if err != nil {
		return 0, err
	}
	switch {
	case len(d.Drafts) == 0:
		return 0, fault.New(fault.Conflict, "There is nothing to take: no question without an answer has one in the Well-Architected Tool.")
	case d.Seen != in.Seen:
		return 0, fault.New(fault.Conflict, "Answers were saved or collected since you read this page. Read what would be taken now, and take it again.")
	}
	for i := range d.Drafts {
		if err := putDraft(ctx, tx, r.Round.ID, &d.Drafts[i]); err != nil {
			return 0, err
		}
	}
	return len(d.Drafts), record(ctx, tx, who, "answers.drafted", r, now,
		audit.Detail{Name: "round", Value: strconv.Itoa(r.Round.Number)}, audit.Detail{Name: "source", Value: evidence.ToolSource},
		audit.Detail{Name: "answers", Value: strconv.Itoa(len(d.Drafts))}, audit.Detail{Name: "sha256", Value: d.Seen})
}

// putDraft writes one draft, unless somebody was faster.
func putDraft(ctx context.Context, tx pgx.Tx, round uuid.UUID, l *ToolLine) error {
	const sql = `
		update answers set chosen = $4, risk = $5, to_confirm = true, drafted_from = $6, drafted_as_of = $7
		where round_id = $1 and version_id = $2 and question_id = $3 and version = 0 and not to_confirm`
	done, err := tx.Exec(ctx, sql, round, l.Answer.VersionID, l.Answer.QuestionID, l.Ticks, l.Risk, l.Source, l.AsOf)
	if err != nil {
		return fmt.Errorf("write draft: %w", err)
	}
	if done.RowsAffected() == 0 {
		return fault.New(fault.Conflict, "Somebody saved an answer while you took these. Read what would be taken now, and take it again.")
	}
	return nil
}
