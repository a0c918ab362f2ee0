package web

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"github.com/a-h/templ"

	"orrery/internal/fault"
	"orrery/internal/identity"
	"orrery/internal/review"
	"orrery/web/views"
	"orrery/web/views/ui"
)

// answerState is what a page that saves by itself hears of an answer: what is stored now, or
// why it is not.
type answerState struct {
	Words    string        `json:"words"`              // for the save state
	Version  int           `json:"version,omitempty"`  // of what is stored
	Status   string        `json:"status,omitempty"`   // markup of its risk
	Icon     string        `json:"icon,omitempty"`     // the same without the word
	Conflict bool          `json:"conflict,omitempty"` // somebody else saved meanwhile
	Hold     bool          `json:"hold,omitempty"`     // a person must press Save first
	Fields   []fieldOfForm `json:"fields,omitempty"`   // what is wrong with the form
}

type fieldOfForm struct {
	Name    string `json:"name"`
	Message string `json:"message"`
}

// autosave stores the form like saveAnswer and answers with an answerState. It never makes a
// possible approver an author unless the form says that the person knows.
func (v *visit) autosave() error {
	in, form, err := v.answerForm()
	if by := form.Get("person"); err == nil && by != "" && by != v.who.PersonID.String() {
		err = fault.New(fault.Forbidden, "You are signed in as %s now. Sign in as who wrote this, then retry.", v.who.Name)
	}
	if err == nil && form.Get("knowing") == "" {
		err = v.wouldBecomeAuthor()
		if errors.Is(err, errBecomesAuthor) {
			return v.json(http.StatusConflict, answerState{Hold: true, Words: fault.MessageOf(err)})
		}
	}
	var saved review.Answer
	if err == nil {
		saved, err = v.Reviews.SaveAnswer(v.ctx(), v.who, in)
	}
	var stale *review.StaleAnswer
	switch {
	case err == nil:
		return v.savedState(saved)
	case errors.As(err, &stale):
		by := stale.Theirs.SavedBy
		if views.SavedByReader(stale.Theirs, v.who.PersonID.String()) {
			by = "you in another window"
		}
		return v.json(http.StatusConflict, answerState{Conflict: true, Words: "Changed by " + by, Version: stale.Theirs.Version})
	case fault.Is(err, fault.Internal), fault.Is(err, fault.Unavailable):
		return err
	}
	state := answerState{Words: "Not saved: " + words(err)} // the form keeps the text
	for _, f := range fault.FieldsOf(err) {
		state.Fields = append(state.Fields, fieldOfForm(f))
	}
	return v.json(statusOf[fault.KindOf(err)], state)
}

var errBecomesAuthor = fault.New(fault.Conflict, "Not saved yet: press Save once to become an author")

// wouldBecomeAuthor is errBecomesAuthor when saving takes from the reader the right to judge
// the round.
func (v *visit) wouldBecomeAuthor() error {
	if len(v.who.Grants) == 0 {
		return nil // asks the database only for the few whom it concerns
	}
	q, err := v.question()
	if err != nil {
		return err
	}
	if v.who.May(identity.AnswerReview, q.Target()) == nil && v.who.Approves(q.Workload.ID) && !q.AuthoredByActor {
		return errBecomesAuthor
	}
	return nil
}

func (v *visit) savedState(a review.Answer) error {
	state := answerState{Words: views.SavedWords(a), Version: a.Version}
	var err error
	if state.Status, err = v.markup(ui.RiskStatus(string(a.Risk))); err != nil {
		return err
	}
	if state.Icon, err = v.markup(ui.RiskIcon(string(a.Risk))); err != nil {
		return err
	}
	return v.json(http.StatusOK, state)
}

func (v *visit) markup(c templ.Component) (string, error) {
	var b strings.Builder
	err := c.Render(v.ctx(), &b)
	return b.String(), err
}

func (v *visit) json(status int, value any) error {
	body, err := json.Marshal(value)
	if err != nil {
		return err
	}
	v.w.Header().Set("Content-Type", "application/json")
	v.w.Header().Set("Cache-Control", "no-store")
	v.w.WriteHeader(status)
	_, err = v.w.Write(body)
	return ignoreGone(v, err)
}
