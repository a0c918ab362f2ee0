package review

import (
	"github.com/google/uuid"

	"orrery/internal/evidence"
	"orrery/internal/questionnaire"
)

// Show narrows the questions of a review to what a person looks for. Its text stands in
// addresses.
type Show string

// What may be shown. The zero Show is everything.
const (
	ShowUnanswered   Show = "unanswered"
	ShowHigh         Show = "high"
	ShowMedium       Show = "medium"
	ShowMine         Show = "mine" // assigned to the reader
	ShowToConfirm    Show = "to-confirm"
	ShowContradicted Show = "contradicted"
	ShowTalk         Show = "comments" // threads and challenges that are open
	ShowStale        Show = "stale"    // evidence on it is out of date
	ShowChanged      Show = "changed"  // saved since the last round
)

// Shows lists them in the order of a page.
var Shows = []Show{"", ShowUnanswered, ShowHigh, ShowMedium, ShowMine, ShowToConfirm, ShowContradicted, ShowTalk, ShowStale, ShowChanged}

// Holds reports whether the entry is among what is shown to the reader.
func (s Show) Holds(e *Entry, reader uuid.UUID) bool {
	switch s {
	case ShowUnanswered:
		return !e.Answered() && !e.Answer.ToConfirm
	case ShowToConfirm:
		return e.Answer.ToConfirm
	case ShowHigh:
		return e.Answer.Risk.CountsAsHigh()
	case ShowMedium:
		return e.Answer.Risk == questionnaire.RiskMedium
	case ShowMine:
		return reader != uuid.Nil && e.Assignee.ID == reader
	case ShowContradicted:
		return e.Contradicted()
	case ShowTalk:
		return e.OpenThreads > 0
	case ShowStale:
		for i := range e.Proofs {
			if e.Proofs[i].State == evidence.Stale {
				return true
			}
		}
		return false
	case ShowChanged:
		return e.SavedHere
	}
	return s == ""
}

// Filter narrows the questions of a review. The zero Filter lets everything through.
type Filter struct {
	Show   Show
	Phase  questionnaire.Phase // design, build, launch; empty: any
	Reader uuid.UUID           // who "mine" is
}

// Narrow keeps of each section what the filter lets through, leaves empty sections out, and
// counts what each Show would hold within the phase.
func (s Sheet) Narrow(f Filter) ([]Section, map[Show]int) {
	counts := map[Show]int{}
	var sections []Section
	for _, section := range s.Sections {
		kept := section
		kept.Entries = nil
		for i := range section.Entries {
			e := &section.Entries[i]
			if f.Phase != "" && e.Question.Phase != f.Phase {
				continue
			}
			for _, show := range Shows {
				if show.Holds(e, f.Reader) {
					counts[show]++
				}
			}
			if f.Show.Holds(e, f.Reader) {
				kept.Entries = append(kept.Entries, *e)
			}
		}
		if len(kept.Entries) > 0 {
			sections = append(sections, kept)
		}
	}
	return sections, counts
}
