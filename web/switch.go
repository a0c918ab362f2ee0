package web

import (
	"net/http"

	"orrery/internal/fault"
	"orrery/internal/text"
	"orrery/web/views"
	"orrery/web/views/ui"
)

// switchRoutes switch questions of shipped sets off and on.
func switchRoutes() []Route {
	return []Route{
		{"GET", "/questionnaires/{key}/q/{question}/off", signedIn(curating(switchForm))},
		{"POST", "/questionnaires/{key}/q/{question}/off", signedIn(curating(switchOff))},
		{"POST", "/questionnaires/{key}/q/{question}/on", signedIn(curating(switchOn))},
	}
}

func switchForm(v *visit) error { return v.showSwitch(http.StatusOK, views.SwitchPage{}, nil) }

func (v *visit) showSwitch(status int, p views.SwitchPage, errs ui.FieldErrors) error {
	var err error
	if _, p.Set, err = v.setVersion(""); err != nil {
		return err
	}
	var ok bool
	if p.Question, ok = p.Set.Question(v.r.PathValue("question")); !ok {
		return fault.New(fault.NotFound, "There is no such question in the set.")
	}
	off, err := v.Library.SwitchedOff(v.ctx(), v.DB, p.Set.Key)
	if err != nil {
		return err
	}
	if s, ok := off[p.Question.ID]; ok {
		p.Off = &s
	}
	frame := v.page("Switch a question off", library, ui.Link{Text: "Questionnaires", Href: library},
		ui.Link{Text: p.Set.Name, Href: views.QuestionnairePath(p.Set.Key, "")}, ui.Link{Text: "Switch a question off"})
	frame.Errors = errs
	return v.render(status, views.SwitchQuestion(frame, p))
}

func switchOff(v *visit) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	p := views.SwitchPage{Reason: text.Clean(form.Get("reason")), ReviewOn: text.Clean(form.Get("review_on"))}
	key := v.r.PathValue("key")
	err = v.Library.SwitchOff(v.ctx(), v.who, key, v.r.PathValue("question"), p.Reason, p.ReviewOn)
	if errs, bad := invalid(err); bad {
		return v.showSwitch(http.StatusUnprocessableEntity, p, errs)
	}
	if err != nil {
		return err
	}
	return v.redirect(views.QuestionnairePath(key, ""), "The question is switched off. Reviews that start from now on do not ask it.")
}

func switchOn(v *visit) error {
	key := v.r.PathValue("key")
	if err := v.Library.SwitchOn(v.ctx(), v.who, key, v.r.PathValue("question")); err != nil {
		return err
	}
	return v.redirect(views.QuestionnairePath(key, ""), "The question is switched on. Reviews that start from now on ask it.")
}
