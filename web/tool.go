package web

import (
	"net/http"
	"strconv"

	"github.com/google/uuid"

	"orrery/internal/fault"
	"orrery/internal/identity"
	"orrery/internal/review"
	"orrery/web/views"
)

// toolRoutes take answers from the Well-Architected Tool into a running review.
func toolRoutes() []Route {
	return []Route{
		{"GET", "/reviews/{id}/tool", signedIn(toolPage)},
		{"POST", "/reviews/{id}/tool", signedIn(takeToolAnswers)},
	}
}

func toolPage(v *visit) error {
	id, err := v.pathID("id")
	if err != nil {
		return err
	}
	return v.showTool(http.StatusOK, id, "")
}

func (v *visit) showTool(status int, id uuid.UUID, problem string) error {
	d, err := v.Reviews.ToolDraft(v.ctx(), v.who, id)
	if err != nil {
		return err
	}
	page := views.ToolPage{ToolDraft: d, Problem: problem, MayTake: d.Round.State == review.Draft && v.who.May(identity.AnswerReview, d.Target()) == nil}
	p := v.page("Answers from the Well-Architected Tool - "+d.Workload.Name, "/reviews", reviewCrumbs(d.Review, "Well-Architected Tool")...)
	return v.render(status, views.ToolDraft(p, page))
}

func takeToolAnswers(v *visit) error {
	id, form, err := v.idForm()
	if err != nil {
		return err
	}
	n, err := v.Reviews.TakeToolAnswers(v.ctx(), v.who, review.TakeToolInput{ReviewID: id, Seen: form.Get("seen")})
	if fault.Is(err, fault.Conflict) {
		return v.showTool(http.StatusConflict, id, fault.MessageOf(err))
	}
	if err != nil {
		return err
	}
	words := " answers are taken as drafts. Each waits to be confirmed."
	if n == 1 {
		words = " answer is taken as a draft. It waits to be confirmed."
	}
	return v.redirect("/reviews/"+id.String(), strconv.Itoa(n)+words)
}
