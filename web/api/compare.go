package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"orrery/internal/fault"
	"orrery/internal/identity"
	"orrery/internal/review"
)

// Comparison is what changed from one round to another.
type Comparison struct {
	From      *RoundName       `json:"from" doc:"Null when there is nothing to compare with."`
	To        RoundName        `json:"to"`
	Summary   string           `json:"summary"`
	Improved  int              `json:"improved"`
	Worse     int              `json:"worse"`
	Answered  int              `json:"answered"`
	New       int              `json:"new"`
	Gone      int              `json:"gone"`
	Edited    int              `json:"edited"`
	Questions []QuestionChange `json:"questions" nullable:"false" doc:"Those of which something changed."`
	HTMLURL   string           `json:"html_url" format:"uri"`
}

// RoundName names a round.
type RoundName struct {
	Review uuid.UUID `json:"review"`
	Number int       `json:"number"`
	State  string    `json:"state"`
}

// QuestionChange is a question of which something changed.
type QuestionChange struct {
	Question   string   `json:"question" doc:"questionnaire/question"`
	Title      string   `json:"title"`
	Move       *string  `json:"move" enum:"improved,worse,answered,new,gone" doc:"Null when the risk weighs the same."`
	RiskBefore *string  `json:"risk_before"`
	Risk       *string  `json:"risk"`
	Ticked     []string `json:"ticked" nullable:"false" doc:"Titles of choices that are ticked now and were not."`
	Unticked   []string `json:"unticked" nullable:"false"`
}

type compareInput struct {
	Reading
	ID    string `path:"id" maxLength:"36"`
	Round int    `query:"round" minimum:"1" maximum:"10000" doc:"Number of the later round; without it the newest."`
	From  string `query:"from_review" maxLength:"36" doc:"Id of the earlier review of the same workload; without it this one."`
	Since int    `query:"from_round" minimum:"1" maximum:"10000" doc:"Number of the earlier round; without it the one before."`
}

func (s *server) compare(a huma.API) {
	register(a, operation{
		id: "compare-rounds", method: http.MethodGet, path: "/api/v1/reviews/{id}/comparison", scope: identity.ReadReviews, tag: "Reviews",
		summary: "Compare a round with an earlier one",
	}, s.compareRounds)
}

func (s *server) compareRounds(ctx context.Context, in *compareInput) (*Tagged[Comparison], error) {
	id, err := pathID(in.ID, "review")
	if err != nil {
		return nil, s.problem(ctx, err, "path")
	}
	from := review.RoundRef{Number: in.Since}
	if in.Since > 0 {
		from.ReviewID = id
	}
	if in.From != "" {
		if from.ReviewID, err = uuid.Parse(in.From); err != nil {
			return nil, s.problem(ctx, fault.InvalidField("from_review", "Write the id of a review."), "query")
		}
	}
	c, err := s.Reviews.Compare(ctx, actorOf(ctx), from, review.RoundRef{ReviewID: id, Number: in.Round})
	if err != nil {
		return nil, s.problem(ctx, err, "query")
	}
	out := Comparison{
		To: roundName(*c.To), Summary: c.Sentence(), Improved: c.Improved, Worse: c.Worse, Answered: c.Comparison.Answered, New: c.New, Gone: c.Gone, Edited: c.Edited,
		Questions: []QuestionChange{}, HTMLURL: s.html(c.Path() + "/compare"),
	}
	if c.From != nil {
		name := roundName(*c.From)
		out.From = &name
	}
	for _, section := range c.Sections {
		for _, q := range section.Questions {
			out.Questions = append(out.Questions, QuestionChange{
				Question: q.Key, Title: q.Title, Move: present(q.Move), RiskBefore: present(q.RiskBefore), Risk: present(q.Risk), Ticked: some(q.Ticked), Unticked: some(q.Unticked),
			})
		}
	}
	return show(ctx, s, in.Reading, out)
}

func roundName(o review.RoundOption) RoundName { return RoundName{o.ReviewID, o.Number, o.State} }
