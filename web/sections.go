package web

import (
	"net/http"
	"slices"
	"strconv"

	"orrery/internal/fault"
	"orrery/internal/identity"
	"orrery/internal/questionnaire"
	"orrery/internal/review"
	"orrery/web/views"
)

// sectionRoutes show a section on one page, keep how people like to answer, and say who
// should answer what.
func sectionRoutes() []Route {
	return []Route{
		{"GET", "/reviews/{id}/s/{set}/{section}", signedIn(sectionPage)},
		{"POST", "/reviews/{id}/assign", signedIn(assignQuestions)},
		{"POST", "/account/pages", signedIn(choosePages)},
		{"POST", "/account/answering", signedIn(saveAnswering)},
	}
}

func sectionPage(v *visit) error {
	id, err := v.pathID("id")
	if err != nil {
		return err
	}
	s, err := v.Reviews.Section(v.ctx(), v.who, id, v.r.PathValue("set"), v.r.PathValue("section"))
	if err != nil {
		return err
	}
	settings, err := identity.SettingsOf(v.ctx(), v.DB, v.who)
	if err != nil {
		return err
	}
	page := views.SectionView{SectionPage: s, Keys: settings.SingleKeys, Questions: v.sectionForms(s)}
	page.Warn = page.Questions[0].Form.Warn && !page.Questions[0].Form.ReadOnly
	p := v.page(s.Section.Name+" - "+s.Workload.Name, "/reviews", reviewCrumbs(s.Review, s.Section.Name)...)
	return v.render(http.StatusOK, views.SectionOnOnePage(p, page))
}

// sectionForms makes a form of each question of the section.
func (v *visit) sectionForms(s review.SectionPage) []views.SectionQuestion {
	list := make([]views.SectionQuestion, len(s.Section.Entries))
	here := s.SectionPath(s.Section)
	for i, e := range s.Section.Entries {
		q := review.QuestionPage{Review: s.Review, Entry: e, Next: s.Next}
		if i+1 < len(list) {
			q.Next = here + "#" + s.Section.Entries[i+1].Anchor()
		}
		f := views.QuestionForm{AnswerInput: stored(q), Prefix: "q" + strconv.Itoa(i+1) + "-", Back: here + "#" + e.Anchor(), OnSection: true}
		v.completeForm(&f, q)
		list[i] = views.SectionQuestion{Page: q, Form: f}
	}
	return list
}

// assignQuestions asks a person to answer the questions and sections that are selected.
func assignQuestions(v *visit) error {
	id, form, err := v.idForm()
	if err != nil {
		return err
	}
	n, err := v.Reviews.Assign(v.ctx(), v.who, review.AssignInput{ReviewID: id, Keys: form["question"], PersonID: form.Get("person")})
	if err != nil {
		return err
	}
	notice := views.Asked(n, form.Get("person") != "")
	return v.redirect(localPath(form.Get("next")), notice)
}

// choosePages keeps whether the reader likes a section or a question on a page, and goes on.
func choosePages(v *visit) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	settings, err := identity.SettingsOf(v.ctx(), v.DB, v.who)
	if err != nil {
		return err
	}
	settings.SectionPages = form.Get("pages") == "section"
	if err := v.Identity.SaveSettings(v.ctx(), v.who, settings); err != nil {
		return err
	}
	return v.redirect(localPath(form.Get("next")), "")
}

// saveAnswering stores the part of the account page about answering.
func saveAnswering(v *visit) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	settings := identity.Settings{SectionPages: form.Get("pages") == "section", SingleKeys: form.Get("single_keys") != ""}
	if err := v.Identity.SaveSettings(v.ctx(), v.who, settings); err != nil {
		return err
	}
	return v.redirect("/account", "How you answer is saved.")
}

// narrowHome applies the filter of the address to the home of a review.
func (v *visit) narrowHome(h *views.ReviewHome) error {
	asked := v.r.URL.Query()
	h.Filter = review.Filter{Show: review.Show(asked.Get("show")), Phase: questionnaire.Phase(asked.Get("phase")), Reader: v.who.PersonID}
	phases := []questionnaire.Phase{"", questionnaire.PhaseDesign, questionnaire.PhaseBuild, questionnaire.PhaseLaunch}
	if !slices.Contains(review.Shows, h.Filter.Show) || !slices.Contains(phases, h.Filter.Phase) {
		return fault.New(fault.NotFound, "A review has no such filter.")
	}
	h.Shown, h.Counts = h.Narrow(h.Filter)
	if !h.CanAnswer {
		return nil
	}
	people, err := identity.PeopleOfTeam(v.ctx(), v.DB, h.Workload.TeamID)
	h.People = options(people)
	return err
}
