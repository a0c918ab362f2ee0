package views

import (
	"net/url"
	"time"

	"orrery/internal/evidence"
	"orrery/internal/workload"
	"orrery/web/views/ui"
)

// ChangesPage is what two collections of a workload found otherwise.
type ChangesPage struct {
	Workload workload.Workload
	Runs     []evidence.Run // that ended, the newest first
	Changes  evidence.Changes
	CanRead  bool
	Now      time.Time
}

// page is the evidence page of which this is a part.
func (c ChangesPage) page() EvidencePage {
	return EvidencePage{Workload: c.Workload, View: EvidenceChanges}
}

func (c ChangesPage) csv() string {
	q := url.Values{"from": {c.Changes.From.ID.String()}, "to": {c.Changes.To.ID.String()}}
	return withQuery("/workloads/"+c.Workload.Key+"/evidence/changes.csv", q)
}

func (c ChangesPage) runOptions(chosen evidence.Run) []ui.Option {
	var list []ui.Option
	for _, r := range c.Runs {
		list = append(list, ui.Option{Value: r.ID.String(), Text: r.FinishedAt.UTC().Format("2 Jan 2006, 15:04:05 UTC"), Selected: r.ID == chosen.ID})
	}
	return list
}

// changeGroup is one kind of changes with its words.
type changeGroup struct {
	ID, Title, Meta string
	List            []evidence.Change
}

func (c ChangesPage) groups() []changeGroup {
	return []changeGroup{
		{"new", "New failures", "did not fail before", c.Changes.Of(evidence.NewFailure)},
		{"mended", "Mended", "failed, and pass now", c.Changes.Of(evidence.Mended)},
		{"gone", "Gone", "a whole reading did not find them any more", c.Changes.Of(evidence.Gone)},
		{"other", "Other changes", "new and passing, suppressed, no longer evaluated", c.Changes.Of(evidence.OtherChange)},
	}
}

func (c ChangesPage) figures() []ui.Count {
	var list []ui.Count
	for _, g := range c.groups() {
		one := ui.Count{Figure: len(g.List), Text: g.Title}
		if len(g.List) > 0 {
			one.Href = "#" + g.ID
		}
		list = append(list, one)
	}
	return list
}

// factWord is a state in a change; a fact that is not there has its own words.
func factWord(s evidence.FactState, absent string) (ui.Kind, string) {
	if s == "" {
		return ui.StateNotStarted, absent
	}
	return factState(s)
}
