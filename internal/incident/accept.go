package incident

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"orrery/internal/fault"
	"orrery/internal/identity"
	"orrery/internal/questionnaire"
	"orrery/internal/text"
)

// Accept puts a proposed lesson into the draft of a set of the organisation, with the
// incident as its cautionary tale. From then on everyone who is signed in reads the lesson,
// whoever may read the incident. Curators may. A new question goes into the set named, or
// into LessonSet; a choice or a wording into the set of its question, which must be one of
// the organisation's own. Invalid on "set", "due_days" and "question"; a stale version, and
// one that is judged, are a conflict.
func (s *Service) Accept(ctx context.Context, who identity.Actor, id uuid.UUID, in AcceptInput) (Lesson, error) {
	l, err := s.Lesson(ctx, who, id)
	if err != nil {
		return Lesson{}, err
	}
	if err := mayJudge(l, who); err != nil {
		return Lesson{}, err
	}
	key, days, err := in.check(l)
	if err != nil {
		return Lesson{}, fmt.Errorf("accept lesson: %w", err)
	}
	begin, err := s.beginning(ctx, l, key)
	if err != nil {
		return Lesson{}, fmt.Errorf("accept lesson: %w", err)
	}
	return s.withLesson(ctx, who, id, in.Version, "lesson.accepted", mayJudge, func(tx pgx.Tx, l *Lesson, now time.Time) error {
		tale, err := byID(ctx, tx, identity.SystemActor("incident"), l.IncidentID, "")
		if err != nil {
			return err
		}
		l.State, l.JudgedAt, l.DueDays, l.Monthly = Accepted, &now, days, in.Monthly
		l.PutSet = key
		_, err = questionnaire.EditDraft(ctx, tx, who, begin, l.edit(s.links(*l, tale)), now)
		if err != nil {
			return s.inWords(err)
		}
		const sql = `insert into lesson_questions (lesson_id, set_key, question_id, put_at) values ($1, $2, $3, $4)`
		_, err = tx.Exec(ctx, sql, l.ID, l.PutSet, l.PutQuestion, now)
		return err
	})
}

// check reads the form against the lesson.
func (in AcceptInput) check(l Lesson) (key string, days int, err error) {
	var bad fields
	days = 30
	if typed := text.Line(in.DueDays); typed != "" {
		if days, err = strconv.Atoi(typed); err != nil || days < 1 || days > 365 {
			bad.add("due_days", "Write a number of days from 1 to 365.")
		}
	}
	if key = text.Line(in.Set); key == "" {
		key = LessonSet
	}
	if l.Kind != NewQuestion {
		key = l.SetKey
	}
	return key, days, fault.InvalidFields(bad...)
}

// beginning is what a draft of the set begins with, if there is none.
func (s *Service) beginning(ctx context.Context, l Lesson, key string) (*questionnaire.Questionnaire, error) {
	begin, err := s.library.Beginning(ctx, key, LessonSetName)
	if !fault.Is(err, fault.Invalid) {
		return begin, err
	}
	words := strings.Join(messages(err), " ")
	if l.Kind != NewQuestion {
		return nil, fault.InvalidField("question", "%s Change the lesson into a question of its own, or choose a question of a set of yours.", words)
	}
	return nil, fault.InvalidField("set", "%s", words)
}

func messages(err error) (list []string) {
	for _, f := range fault.FieldsOf(err) {
		list = append(list, f.Message)
	}
	return append(list, "")
}

// inWords makes one message of what the draft says against the question.
func (s *Service) inWords(err error) error {
	if fault.Is(err, fault.Invalid) {
		return fault.InvalidField("set", "The question does not fit into the draft: %s %s", fault.MessageOf(err), strings.Join(messages(err), " "))
	}
	return err
}

// links lead from the question back: to the lesson, and to the incident unless it is still
// written or touched a restricted workload.
func (s *Service) links(l Lesson, tale Incident) []questionnaire.Link {
	if s.site == "" {
		return nil
	}
	list := []questionnaire.Link{{Text: "Lesson: " + l.Title, URL: s.site + l.Path()}}
	if tale.ForEveryone() {
		list = append(list, questionnaire.Link{Text: "Cautionary tale: " + tale.Title, URL: s.site + "/incidents/" + tale.ID.String()})
	}
	return list
}

// edit puts the lesson into a draft and remembers as which question.
func (l *Lesson) edit(links []questionnaire.Link) questionnaire.Edit {
	return func(q *questionnaire.Questionnaire) error {
		if l.Kind == NewQuestion {
			return l.addQuestion(q, links)
		}
		old, ok := q.Question(l.QuestionID)
		if !ok {
			return fault.New(fault.Invalid, "The draft of the set does not ask this question any more.")
		}
		in := questionnaire.InputOf(old)
		in.Links = append(slices.Clone(in.Links), links...)
		if l.Kind == NewWording {
			in.Title = l.Proposal
		} else {
			in.Choices = append(in.Choices, l.choice(Practice{Title: l.Proposal, Effect: l.effect()}))
		}
		l.PutQuestion = old.ID
		return in.Apply()(q)
	}
}

// effect is the strongest that the practices would have had.
func (l *Lesson) effect() string {
	if slices.ContainsFunc(l.Practices, func(p Practice) bool { return p.Effect == Prevented }) {
		return Prevented
	}
	return Shortened
}

func (l *Lesson) choice(p Practice) questionnaire.ChoiceInput {
	c := questionnaire.ChoiceInput{Title: p.Title, Weight: questionnaire.WeightExtra}
	if p.Effect == Prevented {
		c.Weight = questionnaire.WeightCore
	}
	if p.URL != "" {
		c.FirstStep, c.StepURL = "Read the guidance.", p.URL
	}
	return c
}

func (l *Lesson) addQuestion(q *questionnaire.Questionnaire, links []questionnaire.Link) error {
	if len(q.Sections) == 0 {
		if err := questionnaire.AddSection(LessonSetName)(q); err != nil {
			return err
		}
	}
	section := q.Sections[len(q.Sections)-1].ID
	in := questionnaire.QuestionInput{
		Section: section, Title: l.Proposal, Why: l.Why, Phase: questionnaire.PhaseLaunch, MaxRisk: questionnaire.Risk(l.MaxRisk),
		Tiers: l.Tiers, Links: links,
	}
	if in.Why == "" {
		in.Why = l.Failure
	}
	if len(l.Prompts) > 0 {
		in.Description = "Consider when answering: " + strings.Join(l.Prompts, " ")
	}
	for _, p := range l.Practices {
		in.Choices = append(in.Choices, l.choice(p))
	}
	if err := in.Apply()(q); err != nil {
		return err
	}
	d := questionnaire.Draft{Set: q}
	l.PutQuestion = d.Newest(section)
	return nil
}
