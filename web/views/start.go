package views

import (
	"slices"

	"orrery/internal/review"
	"orrery/web/views/ui"
)

// StartPage is what a person reads before starting a review.
type StartPage struct {
	WorkloadKey  string
	WorkloadName string
	TeamName     string
	Tier         int
	Plans        []review.Plan
	Offers       []review.Offer
	Past         review.Past
	Sources      []review.Source
	Total        StartSum
	Judges       []Judge
	Pool         []Judge // the organisation's approvers, when nobody is eligible yet
	Form         review.StartInput
	MayStart     bool
	WhyNot       string    // why not, when the reader may not
	Open         []ui.Link // reviews that are open already
}

// StartSum is what a review would ask as the form stands.
type StartSum struct {
	Questions, Minutes, Carried int
}

// path is the address of the form.
func (s StartPage) path(to string) string { return "/workloads/" + s.WorkloadKey + "/reviews" + to }

// planWords says what a review of the plan needs to be decided.
func planWords(s StartPage, p review.Plan) string {
	words := "For tier " + itoa(s.Tier) + " it needs " + counted(p.Signoffs, "sign-off", "sign-offs")
	if p.Signoffs == 0 {
		words = "For tier " + itoa(s.Tier) + " it needs no sign-off"
	} else if s.Tier == 1 {
		words += ", one of them from outside " + s.TeamName
	}
	words += ". A go stands for " + itoa(p.Type.ValidDays) + " days."
	switch {
	case !p.Type.GatesLaunch:
		words += " It opens and closes no launch gate."
	case p.Type.GateMode == review.Advise:
		words += " Pipelines are told the outcome, and may go on."
	default:
		words += " Pipelines hold until it is decided."
	}
	if p.Type.AboutChange {
		words += " It reviews a change: give it a key below."
	}
	return words
}

// askedWords says how much a plan asks.
func askedWords(questions, minutes int) string {
	words := counted(questions, "question", "questions")
	if minutes > 0 {
		words += ", about " + counted(minutes, "minute", "minutes")
	}
	return words
}

func (s StartPage) chosen(key string) bool { return slices.Contains(s.Form.Sets, key) }

// sourceOptions are the decided reviews of others whose answers may be taken.
func (s StartPage) sourceOptions() []ui.Option {
	list := []ui.Option{{Value: "", Text: "Nobody"}}
	for _, one := range s.Sources {
		list = append(list, ui.Option{
			Value: one.ReviewID.String(), Text: one.TeamName + ": " + one.WorkloadName + ", " + typeAndChange(one.TypeName, one.ChangeKey) + ", " + one.DecidedAt.UTC().Format("2 January 2006"),
		})
	}
	return ui.Selected(list, s.Form.InheritFrom)
}

// carryWords says what the history of the workload would fill.
func (s StartPage) carryWords() string {
	return "Carry over what was answered before, to be confirmed: " + counted(len(s.Past), "answer", "answers") +
		", the newest of " + s.Past.Newest().UTC().Format("2 January 2006")
}

// sumWords says what the review would ask as the form stands.
func (t StartSum) sumWords() string {
	words := "In all: " + askedWords(t.Questions, t.Minutes) + "."
	if t.Carried > 0 {
		words += " Of them " + counted(t.Carried, "question begins with an earlier answer.", "questions begin with earlier answers.")
	}
	return words
}
