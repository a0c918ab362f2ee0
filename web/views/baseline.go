package views

import (
	"slices"
	"time"

	"orrery/internal/evidence"
	"orrery/internal/identity"
	"orrery/internal/workload"
	"orrery/web/views/ui"
)

// BaselinePage is what fails for a workload, by control.
type BaselinePage struct {
	Workload workload.Workload
	Failures []evidence.Failure
	Chosen   []string // keys of failures, as ticked
	Owner    string
	DueOn    string
	Owners   []ui.Option
	CanRead  bool
	CanTrack bool
	Now      time.Time
	Who      identity.Actor // the reader
}

// page is the evidence page of which this is a part.
func (b BaselinePage) page() EvidencePage {
	return EvidencePage{Workload: b.Workload, View: EvidenceBaseline}
}

func (b BaselinePage) chosen(f evidence.Failure) bool { return slices.Contains(b.Chosen, f.Key()) }

// untracked counts the failures that no item tracks.
func (b BaselinePage) untracked() (n int) {
	for _, f := range b.Failures {
		if !f.Tracked() {
			n++
		}
	}
	return n
}

func (b BaselinePage) factsOf(f evidence.Failure) string {
	return FactsPath(b.Workload.Key, evidence.FactFilter{Source: f.Source, Control: f.Control, State: evidence.Fail}, "")
}

func (b BaselinePage) lead() string {
	n := counted(len(b.Failures), "control fails", "controls fail")
	return n + ", " + itoa(b.untracked()) + " not tracked. Choose what to track; the rest stays here, and counts in the verdicts all the same."
}

// TrackedWords say how many items were opened.
func TrackedWords(n int) string {
	if n == 0 {
		return "All of these were tracked already."
	}
	return counted(n, "item is open", "items are open") + ". A collection closes each when nothing of it fails any more."
}

func (b BaselinePage) columns() []ui.Column {
	list := []ui.Column{{Text: "Control"}, {Text: "Failing", Numeric: true}, {Text: "Passing", Numeric: true}, {Text: "Since"}, {Text: "Item"}}
	if b.CanTrack {
		list = append([]ui.Column{{Text: "Track", Hidden: true}}, list...)
	}
	return list
}

// trackWords say where the item of a failure stands.
func trackWords(f evidence.Failure) string {
	if !f.Tracked() {
		return "Was tracked, " + f.Item.State
	}
	return f.Item.OwnerName + ", due " + f.Item.DueOn.Format("2 Jan 2006")
}
