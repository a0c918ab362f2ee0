package web

import (
	"net/http"
	"strings"

	"github.com/google/uuid"

	"orrery/internal/fault"
	"orrery/internal/identity"
	"orrery/internal/questionnaire"
	"orrery/internal/text"
	"orrery/web/views"
	"orrery/web/views/ui"
)

// markRoutes let readers mark questions, and curators settle the marks.
func markRoutes() []Route {
	return []Route{
		{"GET", "/questionnaires/{key}/q/{question}/mark", signedIn(markForm)},
		{"POST", "/questionnaires/{key}/q/{question}/mark", signedIn(markQuestion)},
		{"GET", "/questionnaires/{key}/marks", signedIn(curating(marksPage))},
		{"POST", "/questionnaires/{key}/marks", signedIn(curating(settleMarks))},
	}
}

// markForm shows the form with the reader's open mark in it.
func markForm(v *visit) error {
	q := v.r.URL.Query()
	p := views.MarkPage{Version: text.Clean(q.Get("version")), Back: q.Get("back")}
	own, err := v.Library.OwnMarks(v.ctx(), v.DB, v.who, v.r.PathValue("key"))
	if err != nil {
		return err
	}
	if m, ok := own[v.r.PathValue("question")]; ok {
		p.Kind, p.Note, p.Marked = m.Kind, m.Note, true
	}
	return v.showMark(http.StatusOK, p, nil)
}

func (v *visit) showMark(status int, p views.MarkPage, errs ui.FieldErrors) error {
	number := p.Version
	if _, err := uuid.Parse(number); err == nil {
		number = "" // the page shows the newest; the mark is made on the version of the form
	}
	var err error
	if _, p.Set, err = v.setVersion(number); err != nil {
		return err
	}
	id := v.r.PathValue("question")
	p.QuestionID, p.Title = id, id
	if q, ok := p.Set.Question(id); ok {
		p.Title = q.Title
	} else if status == http.StatusOK {
		return fault.New(fault.NotFound, "There is no such question in the set.")
	}
	frame := v.page("Mark a question", library, ui.Link{Text: "Questionnaires", Href: library},
		ui.Link{Text: p.Set.Name, Href: views.QuestionnairePath(p.Set.Key, number)}, ui.Link{Text: "Mark a question"})
	frame.Errors = errs
	return v.render(status, views.MarkQuestion(frame, p))
}

// markQuestion keeps a mark, or takes it away, and leads back to where the form stood.
func markQuestion(v *visit) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	in := questionnaire.MarkInput{
		Key: v.r.PathValue("key"), Question: v.r.PathValue("question"), Version: text.Clean(form.Get("marked_version")),
		Kind: questionnaire.MarkKind(form.Get("kind")), Note: text.Clean(form.Get("note")),
	}
	p := views.MarkPage{Version: in.Version, Back: form.Get("back"), Kind: in.Kind, Note: in.Note}
	if id, err := uuid.Parse(in.Version); err == nil {
		in.VersionID, in.Version = id, ""
	}
	back := views.QuestionnairePath(in.Key, in.Version) + "#q-" + in.Question
	if p.Back != "" {
		back = localPath(p.Back)
	}
	if form.Get("act") == "unmark" {
		if err := v.Library.Unmark(v.ctx(), v.who, in.Key, in.Question); err != nil {
			return err
		}
		return v.redirect(back, "Your mark is taken away.")
	}
	err = v.Library.Mark(v.ctx(), v.who, in)
	if errs, bad := invalid(err); bad {
		return v.showMark(http.StatusUnprocessableEntity, p, errs)
	}
	if err != nil {
		return err
	}
	return v.redirect(back, "The question is marked as "+in.Kind.Label()+". Curators see it.")
}

func marksPage(v *visit) error { return v.showMarks(http.StatusOK, views.MarksPage{}, nil) }

// showMarks lists the marks that the address asks for.
func (v *visit) showMarks(status int, p views.MarksPage, errs ui.FieldErrors) error {
	var err error
	if _, p.Set, err = v.setVersion(""); err != nil {
		return err
	}
	q := v.r.URL.Query()
	p.Filter = questionnaire.MarkFilter{Question: text.Clean(q.Get("question")), Settled: q.Get("settled") == "1"}
	if before := q.Get("before"); before != "" {
		if p.Filter.Before, err = uuid.Parse(before); err != nil {
			return fault.InvalidField("before", "This is not the end of a page. Start again from the first page.")
		}
	}
	if p.Marks, p.More, err = v.Library.Marks(v.ctx(), v.who, p.Set.Key, p.Filter); err != nil {
		return err
	}
	if p.Counts, err = v.Library.MarkCounts(v.ctx(), v.who, p.Set.Key); err != nil {
		return err
	}
	frame := v.page("Marks on "+p.Set.Name, library, ui.Link{Text: "Questionnaires", Href: library},
		ui.Link{Text: p.Set.Name, Href: views.QuestionnairePath(p.Set.Key, "")}, ui.Link{Text: "Marks"})
	frame.Errors = errs
	return v.render(status, views.Marks(frame, p))
}

func settleMarks(v *visit) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	p := views.MarksPage{Note: text.Clean(form.Get("note")), Ticked: form["mark"]}
	var ids []uuid.UUID
	for _, each := range p.Ticked {
		id, err := uuid.Parse(each)
		if err != nil {
			return fault.New(fault.Invalid, "The form could not be read.")
		}
		ids = append(ids, id)
	}
	key := v.r.PathValue("key")
	err = v.Library.SettleMarks(v.ctx(), v.who, key, ids, p.Note)
	if errs, bad := invalid(err); bad {
		return v.showMarks(http.StatusUnprocessableEntity, p, errs)
	}
	if fault.Is(err, fault.Conflict) {
		p.Conflict = fault.MessageOf(err)
		return v.showMarks(http.StatusConflict, p, nil)
	}
	if err != nil {
		return err
	}
	to := views.MarksPath(key, "")
	if q := v.r.URL.RawQuery; q != "" {
		to += "?" + strings.TrimPrefix(q, "?")
	}
	return v.redirect(to, plural(len(ids), "mark is settled.", "marks are settled."))
}

// fillMarks puts the marks into a version's page: the reader's own, and for a curator how
// many there are.
func (v *visit) fillMarks(p *views.QuestionnairePage) (err error) {
	if p.OwnMarks, err = v.Library.OwnMarks(v.ctx(), v.DB, v.who, p.Set.Key); err != nil || !v.who.Is(identity.Curator) {
		return err
	}
	p.MarkCounts, err = v.Library.MarkCounts(v.ctx(), v.who, p.Set.Key)
	return err
}
