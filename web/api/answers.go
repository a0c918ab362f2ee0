package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"orrery/internal/identity"
	"orrery/internal/review"
)

// Answer is a question of a review with what was answered in the newest round.
type Answer struct {
	Review        uuid.UUID    `json:"review"`
	Questionnaire string       `json:"questionnaire"`
	Question      string       `json:"question" doc:"Id of the question."`
	Title         string       `json:"title"`
	Required      bool         `json:"required"`
	Choices       []ChoiceMark `json:"choices" nullable:"false"`
	Unknown       bool         `json:"unknown" doc:"\"Do not know\" was answered."`
	NotApplicable bool         `json:"not_applicable"`
	Reason        string       `json:"reason" doc:"Why the question does not apply."`
	Notes         string       `json:"notes"`
	Risk          string       `json:"risk" enum:"none,medium,high,unanswered,not_applicable,unmatched" doc:"unmatched counts as high."`
	ToConfirm     bool         `json:"to_confirm" doc:"Carried from an earlier round; nobody confirmed it in this one."`
	Version       int          `json:"version" doc:"0: never saved."`
	SavedBy       *Person      `json:"saved_by"`
	SavedAt       *time.Time   `json:"saved_at"`
	HTMLURL       string       `json:"html_url" format:"uri"`
}

// ChoiceMark is a choice of a question, and whether it is ticked.
type ChoiceMark struct {
	ID            string  `json:"id"`
	Title         string  `json:"title"`
	Chosen        bool    `json:"chosen"`
	NotApplicable *string `json:"not_applicable" doc:"Why the choice does not apply; null when it does."`
}

// NewAnswer is the whole answer as it shall be.
type NewAnswer struct {
	Chosen        []string        `json:"chosen,omitempty" maxItems:"200" doc:"Ids of the choices that are ticked."`
	Unknown       bool            `json:"unknown,omitempty"`
	NotApplicable bool            `json:"not_applicable,omitempty"`
	Reason        string          `json:"reason,omitempty" maxLength:"1000"`
	NAChoices     []NotApplicable `json:"choices_not_applicable,omitempty" maxItems:"200"`
	Notes         string          `json:"notes,omitempty" maxLength:"20000"`
}

// NotApplicable is a choice that does not apply, and why.
type NotApplicable struct {
	Choice string `json:"choice" maxLength:"200"`
	Reason string `json:"reason" maxLength:"1000"`
}

// AnswerPlace names an answer.
type AnswerPlace struct {
	ID       string `path:"id" maxLength:"36" doc:"Id of the review."`
	Set      string `path:"questionnaire" maxLength:"40"`
	Question string `path:"question" maxLength:"200"`
}

type answerInput struct {
	Reading
	AnswerPlace
}

type saveAnswerInput struct {
	Editing
	AnswerPlace
	Body NewAnswer
}

func (s *server) answers(a huma.API) {
	const tag, one = "Answers", "/api/v1/reviews/{id}/answers/{questionnaire}/{question}"
	register(a, operation{id: "list-answers", method: http.MethodGet, path: "/api/v1/reviews/{id}/answers", scope: identity.ReadReviews, tag: tag, summary: "List the answers of the newest round"}, s.listAnswers)
	register(a, operation{id: "get-answer", method: http.MethodGet, path: one, scope: identity.ReadReviews, tag: tag, summary: "Read an answer"}, s.getAnswer)
	register(a, operation{
		id: "save-answer", method: http.MethodPut, path: one, scope: identity.WriteAnswers, tag: tag,
		summary: "Save an answer", about: "Members of the owning team may, while the round is a draft: 409 afterwards. Whose token saves is an author of the round, and neither signs off nor decides it.",
	}, s.saveAnswer)
}

func (s *server) listAnswers(ctx context.Context, in *reviewListInput) (*Tagged[Page[Answer]], error) {
	id, err := pathID(in.ID, "review")
	var sheet review.Sheet
	if err == nil {
		sheet, err = s.Reviews.Sheet(ctx, actorOf(ctx), id)
	}
	if err != nil {
		return nil, s.problem(ctx, err, "path")
	}
	data, next, err := cut(in.Listing, sheet.Entries(), func(e review.Entry) string { return e.Key() }, func(e review.Entry) Answer {
		return s.answer(sheet.Review, e)
	})
	if err != nil {
		return nil, s.problem(ctx, err, "query")
	}
	return list(ctx, s, in.Listing, data, next)
}

func (s *server) loadAnswer(ctx context.Context, at AnswerPlace) (review.QuestionPage, error) {
	id, err := pathID(at.ID, "review")
	if err != nil {
		return review.QuestionPage{}, err
	}
	return s.Reviews.Question(ctx, actorOf(ctx), id, at.Set, at.Question)
}

func (s *server) getAnswer(ctx context.Context, in *answerInput) (*Tagged[Answer], error) {
	p, err := s.loadAnswer(ctx, in.AnswerPlace)
	if err != nil {
		return nil, s.problem(ctx, err, "path")
	}
	return show(ctx, s, in.Reading, s.answer(p.Review, p.Entry))
}

func (s *server) saveAnswer(ctx context.Context, in *saveAnswerInput) (*Written[Answer], error) {
	b := in.Body
	load := func() (review.QuestionPage, error) { return s.loadAnswer(ctx, in.AnswerPlace) }
	return change(ctx, s, in.Editing, edit[review.QuestionPage, Answer]{
		load: load,
		show: func(p review.QuestionPage) Answer { return s.answer(p.Review, p.Entry) },
		do: func(p review.QuestionPage) (review.QuestionPage, error) {
			typed := review.AnswerInput{
				ReviewID: p.ID, Questionnaire: in.Set, QuestionID: in.Question, Version: p.Entry.Answer.Version, Round: p.Round.Number,
				Chosen: b.Chosen, Unknown: b.Unknown, NotApplicable: b.NotApplicable, Reason: b.Reason, Notes: b.Notes,
			}
			for _, c := range b.NAChoices {
				typed.NAChoices, typed.NAReasons = append(typed.NAChoices, c.Choice), append(typed.NAReasons, c.Reason)
			}
			if _, err := s.Reviews.SaveAnswer(ctx, actorOf(ctx), typed); err != nil {
				return p, err
			}
			return load()
		},
	})
}

func (s *server) answer(r review.Review, e review.Entry) Answer {
	a := e.Answer
	out := Answer{
		Review: r.ID, Questionnaire: e.Questionnaire, Question: e.Question.ID, Title: e.Question.Title, Required: a.Required, Choices: []ChoiceMark{},
		Unknown: a.Unknown, NotApplicable: a.NotApplicable, Reason: a.Reason, Notes: a.Notes, Risk: string(a.Risk), ToConfirm: a.ToConfirm, Version: a.Version,
		SavedBy: somebody(a.SavedByID, a.SavedBy), SavedAt: utc(a.SavedAt), HTMLURL: s.html(r.QuestionPath(e)),
	}
	for _, c := range e.Question.Choices {
		mark := ChoiceMark{ID: c.ID, Title: c.Title, Chosen: a.Has(c.ID)}
		if reason, ok := a.NAReason(c.ID); ok {
			mark.NotApplicable = &reason
		}
		out.Choices = append(out.Choices, mark)
	}
	return out
}
