package views

import (
	"net/url"

	"github.com/google/uuid"

	"orrery/internal/questionnaire"
	"orrery/internal/review"
	"orrery/web/views/ui"
)

var showWords = map[review.Show]string{
	"": "All", review.ShowUnanswered: "Unanswered", review.ShowHigh: "High", review.ShowMedium: "Medium", review.ShowMine: "Yours",
	review.ShowToConfirm:    "To confirm",
	review.ShowContradicted: "Evidence contradicts", review.ShowTalk: "Open comments", review.ShowStale: "Stale evidence", review.ShowChanged: "Changed since the last round",
}

// rare are shown only while they hold something, or are asked for.
var rare = map[review.Show]bool{review.ShowToConfirm: true, review.ShowTalk: true, review.ShowStale: true, review.ShowChanged: true}

// filtered is the address of the home with the filter.
func (h ReviewHome) filtered(show review.Show, phase questionnaire.Phase) string {
	q := url.Values{}
	if show != "" {
		q.Set("show", string(show))
	}
	if phase != "" {
		q.Set("phase", string(phase))
	}
	if len(q) == 0 {
		return h.Path() + "#questions"
	}
	return h.Path() + "?" + q.Encode() + "#questions"
}

func (h ReviewHome) showViews() []ui.Tab {
	var list []ui.Tab
	for _, show := range review.Shows {
		if rare[show] && h.Counts[show] == 0 && h.Filter.Show != show {
			continue
		}
		list = append(list, ui.Tab{
			Text: showWords[show], Href: h.filtered(show, h.Filter.Phase), Count: h.Counts[show], HasCount: true, Current: h.Filter.Show == show,
		})
	}
	return list
}

func (h ReviewHome) phaseViews() []ui.Tab {
	var list []ui.Tab
	for _, phase := range []struct {
		phase questionnaire.Phase
		words string
	}{{"", "Any phase"}, {questionnaire.PhaseDesign, "Design"}, {questionnaire.PhaseBuild, "Build"}, {questionnaire.PhaseLaunch, "Launch"}} {
		list = append(list, ui.Tab{Text: phase.words, Href: h.filtered(h.Filter.Show, phase.phase), Current: h.Filter.Phase == phase.phase})
	}
	return list
}

// assigneeTag names who is asked to answer.
func (h ReviewHome) assigneeTag(e review.Entry) string {
	if h.Filter.Reader != uuid.Nil && e.Assignee.ID == h.Filter.Reader {
		return "yours"
	}
	return "asked: " + e.Assignee.Name
}
