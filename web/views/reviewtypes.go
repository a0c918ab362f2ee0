package views

import (
	"strings"

	"orrery/internal/questionnaire"
	"orrery/internal/review"
	"orrery/web/views/ui"
)

// ReviewTypeList is the list of review types.
type ReviewTypeList struct {
	Types     []review.Type
	Asked     map[string][3]int // required questions of each tier, by the type's key
	Names     map[string]string // of the sets, by their keys
	MayCurate bool
	New       NewReviewType
}

// NewReviewType is the form of a type to add, as typed.
type NewReviewType struct{ Key, Name, Like string }

// likes are the types that a new one may begin as.
func (l ReviewTypeList) likes() []ui.Option {
	var options []ui.Option
	for _, t := range l.Types {
		options = append(options, ui.Option{Value: t.Key, Text: t.Name})
	}
	return ui.Selected(options, l.New.Like)
}

// ReviewTypePage is one review type with its form.
type ReviewTypePage struct {
	Key       string
	Form      review.Type
	Signoffs  [3]string // as typed
	ValidDays string    // as typed
	Order     []SetOrder
	Lint      review.TypeLint
	Conflict  string // why it was not saved
	MayCurate bool
}

// SetOrder is one set and its place among those that the type asks; an empty place asks it not.
type SetOrder struct {
	Key, Name string
	Place     string
}

// ReviewTypePath is the address of a review type.
func ReviewTypePath(key string) string { return "/review-types/" + key }

// placeField names the field of a set's place.
func placeField(key string) string { return "place_" + key }

// setNames are the names of a type's sets in a row.
func (l ReviewTypeList) setNames(t review.Type) string {
	names := make([]string, len(t.Questionnaires))
	for i, key := range t.Questionnaires {
		names[i] = orElse(l.Names[key], key)
	}
	return strings.Join(names, ", ")
}

func perTier(list []int) string {
	words := make([]string, len(list))
	for i, n := range list {
		words[i] = itoa(n)
	}
	return strings.Join(words, " / ")
}

// gateWords say what a type's decision means for launches.
func gateWords(t review.Type) string {
	switch {
	case !t.GatesLaunch:
		return "opens no gate"
	case t.GateMode == review.Advise:
		return "advises"
	}
	return "enforces"
}

func tierChoices(chosen []int) []ui.Option {
	list := []ui.Option{{Value: "1", Text: "Tier 1"}, {Value: "2", Text: "Tier 2"}, {Value: "3", Text: "Tier 3"}}
	for i := range list {
		for _, tier := range chosen {
			list[i].Selected = list[i].Selected || list[i].Value == itoa(tier)
		}
	}
	return list
}

func modeOptions(chosen string) []ui.Option {
	return ui.Selected([]ui.Option{
		{Value: review.Enforce, Text: "Enforce", Hint: "Pipelines should hold until the answer is go."},
		{Value: review.Advise, Text: "Advise", Hint: "Pipelines are told, and may go on."},
	}, chosen)
}

// placeWords names where a practice is asked.
func askedAt(a questionnaire.Asked) string {
	return a.Set + "/" + a.Question + " (choice " + a.Choice + "): " + a.Title
}
