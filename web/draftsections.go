package web

import (
	"net/http"
	"strconv"

	"orrery/internal/fault"
	"orrery/internal/questionnaire"
	"orrery/internal/text"
	"orrery/web/views"
	"orrery/web/views/ui"
)

// draftFrame is the frame of a page within a draft.
func (v *visit) draftFrame(d questionnaire.Draft, title string) ui.Page {
	return v.page(title, library, ui.Link{Text: "Questionnaires", Href: library},
		ui.Link{Text: "Draft of " + d.Set.Name, Href: views.DraftPath(d)}, ui.Link{Text: title})
}

func draftSection(v *visit) error {
	d, err := v.draft()
	if err != nil {
		return err
	}
	s, ok := d.Set.Section(v.r.PathValue("section"))
	if !ok {
		return fault.New(fault.NotFound, "There is no such section in the draft.")
	}
	in := questionnaire.SectionInput{Name: s.Name, Description: s.Description}
	return v.showDraftSection(http.StatusOK, views.DraftSection{Draft: d, ID: s.ID, Input: in, Revision: d.Revision}, nil)
}

func (v *visit) showDraftSection(status int, p views.DraftSection, errs ui.FieldErrors) error {
	frame := v.draftFrame(p.Draft, "Section")
	frame.Errors = errs
	return v.render(status, views.DraftSectionForm(frame, p))
}

func saveDraftSection(v *visit) error {
	d, err := v.draft()
	if err != nil {
		return err
	}
	form, err := v.form()
	if err != nil {
		return err
	}
	p := views.DraftSection{Draft: d, ID: v.r.PathValue("section")}
	p.Input = questionnaire.SectionInput{Name: text.Clean(form.Get("name")), Description: text.Clean(form.Get("description"))}
	p.Revision, _ = strconv.Atoi(form.Get("revision")) // a revision nobody wrote is 0, which is stale
	_, err = v.Library.SaveDraft(v.ctx(), v.who, d.ID, p.Revision, p.Input.Apply(p.ID))
	if errs, bad := invalid(err); bad {
		return v.showDraftSection(http.StatusUnprocessableEntity, p, errs)
	}
	if fault.Is(err, fault.Conflict) {
		p.Conflict, p.Revision = fault.MessageOf(err), d.Revision
		return v.showDraftSection(http.StatusConflict, p, nil)
	}
	if err != nil {
		return err
	}
	return v.redirect(views.DraftPath(d), "The section is saved.")
}

// copySource reads the set that questions are copied from; a key that is empty is none, and
// so is one that no set has.
func (v *visit) copySource(key string) (*questionnaire.Questionnaire, error) {
	if key == "" {
		return nil, nil
	}
	p, err := v.Library.Newest(v.ctx(), v.DB, key, "")
	if fault.Is(err, fault.NotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return v.Library.Version(v.ctx(), v.DB, p.ID)
}

func draftCopy(v *visit) error {
	d, err := v.draft()
	if err != nil {
		return err
	}
	q := v.r.URL.Query()
	p := views.DraftCopy{Draft: d, From: text.Clean(q.Get("from")), Section: text.Clean(q.Get("section")), Text: text.Clean(q.Get("q"))}
	return v.showDraftCopy(http.StatusOK, p, nil)
}

func (v *visit) showDraftCopy(status int, p views.DraftCopy, errs ui.FieldErrors) error {
	var err error
	if p.Sets, err = v.Library.Sets(v.ctx(), v.DB); err != nil {
		return err
	}
	if p.Source, err = v.copySource(p.From); err != nil {
		return err
	}
	frame := v.draftFrame(p.Draft, "Copy questions")
	frame.Errors = errs
	return v.render(status, views.CopyQuestions(frame, p))
}

// copyIntoDraft copies one question, and shows the list again: more may follow.
func copyIntoDraft(v *visit) error {
	d, err := v.draft()
	if err != nil {
		return err
	}
	form, err := v.form()
	if err != nil {
		return err
	}
	revision, _ := strconv.Atoi(form.Get("revision"))
	p := views.DraftCopy{Draft: d, From: text.Clean(form.Get("from")), Section: text.Clean(form.Get("section")), Text: text.Clean(form.Get("q"))}
	source, err := v.copySource(p.From)
	if err != nil {
		return err
	}
	if source == nil {
		return v.showDraftCopy(http.StatusUnprocessableEntity, p, ui.FieldErrors{{Name: "from", Message: "Choose a set to copy from."}})
	}
	question, ok := source.Question(text.Clean(form.Get("question")))
	if !ok {
		return v.showDraftCopy(http.StatusUnprocessableEntity, p, ui.FieldErrors{{Name: "from", Message: "Choose a question of the set."}})
	}
	_, err = v.Library.SaveDraft(v.ctx(), v.who, d.ID, revision, questionnaire.CopyQuestion(question, p.Section))
	if errs, bad := invalid(err); bad {
		return v.showDraftCopy(http.StatusUnprocessableEntity, p, errs)
	}
	if fault.Is(err, fault.Conflict) {
		p.Conflict = fault.MessageOf(err)
		return v.showDraftCopy(http.StatusConflict, p, nil)
	}
	if err != nil {
		return err
	}
	return v.redirect(views.DraftCopyPath(p), "The question is copied into the draft: "+question.Title)
}
