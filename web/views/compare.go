package views

import (
	"net/url"
	"strings"

	"github.com/google/uuid"

	"orrery/internal/review"
	"orrery/web/views/ui"
)

// ComparePath is the address that compares two rounds of a workload.
func ComparePath(from, to review.RoundRef) string {
	q := url.Values{"from": {roundValue(from, to.ReviewID)}, "to": {itoa(to.Number)}}
	return withQuery("/reviews/"+to.ReviewID.String()+"/compare", q)
}

// roundValue names a round within a review: its number, or the review and the number.
func roundValue(ref review.RoundRef, within uuid.UUID) string {
	if ref.ReviewID == within {
		return itoa(ref.Number)
	}
	return ref.ReviewID.String() + ":" + itoa(ref.Number)
}

// roundOptions are the rounds to choose from: all of the workload, or those of the review.
func roundOptions(c review.Compared, chosen *review.RoundOption, own bool) []ui.Option {
	var options []ui.Option
	for _, o := range c.Rounds {
		if o.ReviewID == c.ID || !own {
			options = append(options, ui.Option{Value: roundValue(o.Ref(), c.ID), Text: roundWords(o)})
		}
	}
	if chosen == nil {
		return append([]ui.Option{{Value: "", Text: "Choose a round"}}, options...)
	}
	return ui.Selected(options, roundValue(chosen.Ref(), c.ID))
}

// roundWords names a round: "New service, round 2, no-go, 20 Nov 2026".
func roundWords(o review.RoundOption) string {
	words := o.TypeName
	if o.ChangeKey != "" {
		words += " of " + o.ChangeKey
	}
	return words + ", round " + itoa(o.Number) + ", " + stateWords(o) + ", " + o.At.UTC().Format("2 Jan 2006")
}

// stateWords says where a round is, or what it came to.
func stateWords(o review.RoundOption) string {
	if o.Outcome != "" {
		return strings.ToLower(outcomeWord(o.Outcome))
	}
	return o.State
}

// pathOf is where a question that changed is read. One that is gone is read nowhere.
func pathOf(c review.Compared, q review.QuestionChange) string {
	if q.Move == review.Gone || c.To.Number != c.Round.Number {
		return ""
	}
	return c.Path() + "/q/" + q.Key
}

// moveWords says how the risk of a question moved.
var moveWords = map[string]string{
	review.Improved: "Improved", review.Worse: "Worse", review.Answered: "Newly answered", review.New: "New question", review.Gone: "Gone",
}

// moveKinds gives each move the shape of what it comes to.
var moveKinds = map[string]ui.Kind{
	review.Improved: ui.StateVerified, review.Worse: ui.StateProblem, review.Answered: ui.StateDone, review.New: ui.StateNotStarted, review.Gone: ui.StateCancelled,
}

func comparisonNote(c review.Comparison) ui.NoteKind {
	switch {
	case c.Worse > 0:
		return ui.NoteMedium
	case c.Improved > 0:
		return ui.NoteGood
	}
	return ui.NoteInfo
}

// compareLead names what is compared.
func compareLead(c review.Compared) string {
	if c.From == nil {
		return roundWords(*c.To) + "."
	}
	return "From " + roundWords(*c.From) + ", to " + roundWords(*c.To) + ". Only what changed is shown."
}

// sectionMeta says what a section was called, when it has another name, and how much of it
// changed.
func sectionMeta(s review.SectionChange) string {
	words := counted(len(s.Questions), "question", "questions")
	if s.Was != "" {
		words += ", was called " + s.Was
	}
	return words
}

// again stands for what was submitted again, so that its questions lead to where they are read.
func (d DecidePage) again() review.Compared {
	return review.Compared{Review: d.Review, To: &review.RoundOption{ReviewID: d.ID, Number: d.Round.Number}}
}
