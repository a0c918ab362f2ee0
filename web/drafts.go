package web

import (
	"cmp"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"orrery/internal/fault"
	"orrery/internal/questionnaire"
	"orrery/internal/text"
	"orrery/web/views"
	"orrery/web/views/ui"
)

// draftRoutes are where curators write the sets of the organisation.
func draftRoutes() []Route {
	return []Route{
		{"GET", "/questionnaires/drafts/new", signedIn(curating(newDraft))},
		{"POST", "/questionnaires/drafts", signedIn(curating(createDraft))},
		{"GET", "/questionnaires/drafts/{id}", signedIn(curating(draftPage))},
		{"POST", "/questionnaires/drafts/{id}", signedIn(curating(changeDraft))},
		{"GET", "/questionnaires/drafts/{id}/q/{question}", signedIn(curating(draftQuestion))},
		{"POST", "/questionnaires/drafts/{id}/q/{question}", signedIn(curating(saveDraftQuestion))},
		{"POST", "/questionnaires/drafts/{id}/q/{question}/check", signedIn(curating(checkDraftQuestion))},
		{"GET", "/questionnaires/drafts/{id}/s/{section}", signedIn(curating(draftSection))},
		{"POST", "/questionnaires/drafts/{id}/s/{section}", signedIn(curating(saveDraftSection))},
		{"GET", "/questionnaires/drafts/{id}/copy", signedIn(curating(draftCopy))},
		{"POST", "/questionnaires/drafts/{id}/copy", signedIn(curating(copyIntoDraft))},
	}
}

func newDraft(v *visit) error {
	q := v.r.URL.Query()
	return v.showNewDraft(http.StatusOK, questionnaire.DraftInput{Key: text.Clean(q.Get("key")), From: text.Clean(q.Get("from"))}, nil)
}

func (v *visit) showNewDraft(status int, in questionnaire.DraftInput, errs ui.FieldErrors) error {
	sets, err := v.Library.Sets(v.ctx(), v.DB)
	if err != nil {
		return err
	}
	frame := v.page("Write a set", library, ui.Link{Text: "Questionnaires", Href: library}, ui.Link{Text: "Write a set"})
	frame.Errors = errs
	return v.render(status, views.NewDraft(frame, views.NewDraftPage{DraftInput: in, Sets: sets}))
}

func createDraft(v *visit) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	in := questionnaire.DraftInput{Key: text.Clean(form.Get("key")), Name: text.Clean(form.Get("name")), From: text.Clean(form.Get("from"))}
	d, err := v.Library.CreateDraft(v.ctx(), v.who, in)
	if errs, bad := invalid(err); bad {
		return v.showNewDraft(http.StatusUnprocessableEntity, in, errs)
	}
	if err != nil {
		return err
	}
	return v.redirect(views.DraftPath(d), "The draft is begun. Nobody but curators sees it until it is published.")
}

// draft reads the draft of the path.
func (v *visit) draft() (questionnaire.Draft, error) {
	id, err := v.pathID("id")
	if err != nil {
		return questionnaire.Draft{}, err
	}
	return v.Library.Draft(v.ctx(), v.who, id)
}

func draftPage(v *visit) error {
	d, err := v.draft()
	if err != nil {
		return err
	}
	return v.showDraft(http.StatusOK, views.DraftPage{Draft: d, Form: questionnaire.SetInput{Name: d.Set.Name, Description: d.Set.Description, Minutes: d.Set.Minutes}}, nil)
}

func (v *visit) showDraft(status int, p views.DraftPage, errs ui.FieldErrors) error {
	var err error
	if p.Proposal, err = v.Library.ProposeDraft(v.ctx(), v.who, p.Draft, p.Version); err != nil {
		return err
	}
	if p.Version == "" && p.Proposal.Set != nil {
		p.Version = p.Proposal.Set.Version
	}
	if p.Lessons, err = v.lessonsIn(p.Draft); err != nil {
		return err
	}
	frame := v.page("Draft of "+p.Draft.Set.Name, library, ui.Link{Text: "Questionnaires", Href: library}, ui.Link{Text: "Draft of " + p.Draft.Set.Name})
	frame.Errors = errs
	return v.render(status, views.DraftOfSet(frame, p))
}

// changeDraft takes every small form of the draft's page; its button says which act.
func changeDraft(v *visit) error {
	d, err := v.draft()
	if err != nil {
		return err
	}
	form, err := v.form()
	if err != nil {
		return err
	}
	revision, _ := strconv.Atoi(form.Get("revision")) // a revision nobody wrote is 0, which is stale
	p := views.DraftPage{Draft: d, Form: questionnaire.SetInput{Name: d.Set.Name, Description: d.Set.Description, Minutes: d.Set.Minutes}}
	act, subject, _ := strings.Cut(form.Get("act"), " ")
	var edit questionnaire.Edit
	notice := "Saved."
	switch act {
	case "set":
		p.Form = questionnaire.SetInput{Name: text.Clean(form.Get("name")), Description: text.Clean(form.Get("description")), Minutes: minutesOf(form)}
		edit = p.Form.Apply()
	case "add-section":
		p.NewSection = text.Clean(form.Get("section"))
		edit, notice = questionnaire.AddSection(p.NewSection), "The section is added."
	case "remove-section":
		edit, notice = questionnaire.RemoveSection(subject), "The section is removed."
	case "section-up", "section-down":
		edit, notice = questionnaire.MoveSection(subject, act == "section-up"), ""
	case "up", "down":
		edit, notice = questionnaire.MoveQuestion(subject, act == "up"), ""
	case "remove":
		edit, notice = questionnaire.RemoveQuestion(subject), "The question is removed from the draft."
	case "discard":
		if err := v.Library.DiscardDraft(v.ctx(), v.who, d.ID, revision); err != nil {
			return err
		}
		return v.redirect(library, "The draft of "+d.Set.Name+" is thrown away.")
	case "publish":
		return v.publishDraft(p, revision, text.Clean(form.Get("version")))
	default:
		return fault.New(fault.Invalid, "The form could not be read.")
	}
	_, err = v.Library.SaveDraft(v.ctx(), v.who, d.ID, revision, edit)
	if errs, bad := invalid(err); bad {
		return v.showDraft(http.StatusUnprocessableEntity, p, errs)
	}
	if err != nil {
		return err
	}
	return v.redirect(views.DraftPath(d), notice)
}

func minutesOf(form url.Values) int {
	typed := text.Clean(form.Get("minutes"))
	if typed == "" {
		return 0
	}
	n, err := strconv.Atoi(typed)
	if err != nil {
		return -1
	}
	return n
}

func (v *visit) publishDraft(p views.DraftPage, revision int, version string) error {
	p.Version = version
	done, err := v.Library.PublishDraft(v.ctx(), v.who, p.Draft.ID, revision, version)
	if errs, bad := invalid(err); bad {
		return v.showDraft(http.StatusUnprocessableEntity, p, errs)
	}
	if err != nil {
		return err
	}
	return v.redirect(views.QuestionnairePath(done.Key, ""), "Version "+done.Version+" of "+p.Draft.Set.Name+" is published.")
}

func draftQuestion(v *visit) error {
	d, err := v.draft()
	if err != nil {
		return err
	}
	p := views.DraftQuestion{Draft: d, IsNew: v.r.PathValue("question") == "new"}
	if p.IsNew {
		p.Input = questionnaire.QuestionInput{Section: text.Clean(v.r.URL.Query().Get("section")), Phase: questionnaire.PhaseLaunch, MaxRisk: questionnaire.RiskHigh}
	} else {
		q, ok := d.Set.Question(v.r.PathValue("question"))
		if !ok {
			return fault.New(fault.NotFound, "There is no such question in the draft.")
		}
		p.Input = questionnaire.InputOf(q)
	}
	p.Revision = d.Revision
	return v.showDraftQuestion(http.StatusOK, p, nil)
}

func (v *visit) showDraftQuestion(status int, p views.DraftQuestion, errs ui.FieldErrors) error {
	var err error
	if p.Preview, err = p.Input.Preview(p.Draft.Set); err != nil {
		return err
	}
	title := "New question"
	if !p.IsNew {
		title = cmp.Or(p.Input.Title, "Question")
	}
	frame := v.page(title, library, ui.Link{Text: "Questionnaires", Href: library},
		ui.Link{Text: "Draft of " + p.Draft.Set.Name, Href: views.DraftPath(p.Draft)}, ui.Link{Text: "Question"})
	frame.Errors = errs
	return v.render(status, views.DraftQuestionForm(frame, p))
}

func saveDraftQuestion(v *visit) error {
	d, err := v.draft()
	if err != nil {
		return err
	}
	form, err := v.form()
	if err != nil {
		return err
	}
	p := views.DraftQuestion{Draft: d, Input: v.readQuestion(form), IsNew: v.r.PathValue("question") == "new"}
	p.Revision, _ = strconv.Atoi(form.Get("revision"))
	if act, n, ok := strings.Cut(form.Get("act"), " "); ok && (act == "up" || act == "down") {
		if at, err := strconv.Atoi(n); err == nil {
			p.Input.MoveChoice(at, act == "up")
		}
	}
	saved, err := v.Library.SaveDraft(v.ctx(), v.who, d.ID, p.Revision, p.Input.Apply())
	if errs, bad := invalid(err); bad {
		return v.showDraftQuestion(http.StatusUnprocessableEntity, p, errs)
	}
	if fault.Is(err, fault.Conflict) {
		p.Conflict, p.Revision = fault.MessageOf(err), d.Revision
		return v.showDraftQuestion(http.StatusConflict, p, nil)
	}
	if err != nil {
		return err
	}
	switch {
	case form.Get("act") == "done":
		return v.redirect(views.DraftPath(d), "The question is saved.")
	case p.IsNew:
		return v.redirect(views.DraftQuestionPath(d, saved.Newest(p.Input.Section)), "The question is saved.")
	}
	return v.redirect(views.DraftQuestionPath(d, p.Input.ID), "The question is saved.")
}

// checkDraftQuestion answers with the preview alone while somebody writes; nothing is saved.
func checkDraftQuestion(v *visit) error {
	d, err := v.draft()
	if err != nil {
		return err
	}
	form, err := v.form()
	if err != nil {
		return err
	}
	preview, err := v.readQuestion(form).Preview(d.Set)
	if err != nil {
		return err
	}
	return v.render(http.StatusOK, views.QuestionPreview(preview))
}
