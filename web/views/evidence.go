package views

import (
	"net/url"
	"slices"
	"strings"
	"time"

	"orrery/internal/evidence"
	"orrery/internal/portfolio"
	"orrery/internal/questionnaire"
	"orrery/internal/review"
	"orrery/internal/workload"
	"orrery/web/views/ui"
)

// The parts of the evidence page.
const (
	EvidenceVerdicts = ""
	EvidenceCoverage = "coverage"
	EvidenceFacts    = "facts"
	EvidenceChanges  = "changes"  // a page of its own
	EvidenceBaseline = "baseline" // a page of its own
)

// EvidencePage is what evidence says of a workload.
type EvidencePage struct {
	Workload   workload.Workload
	Evidence   portfolio.Evidence
	View       string         // one of the parts
	Verdict    evidence.State // only checks of this verdict; empty: all
	Facts      evidence.FactPage
	Filter     evidence.FactFilter
	After      string             // the cursor that this page of facts was asked for
	Own        []evidence.OwnFact // what programs reported
	MoreOwn    bool               // there is more of that
	Removed    []string           // accounts whose connection was removed
	CanRead    bool               // raw findings
	CanCollect bool
	CanEdit    bool
	Now        time.Time
}

// ownMeta says how much of what programs reported is shown.
func (e EvidencePage) ownMeta() string {
	if e.MoreOwn {
		return "The first " + itoa(len(e.Own)) + "; the API lists all"
	}
	return counted(len(e.Own), "fact", "facts")
}

// removedWords say what is from before its connection was removed.
func (e EvidencePage) removedWords() string {
	if len(e.Removed) == 1 {
		return "The connection to account " + e.Removed[0] + " was removed. What is shown of it is from before."
	}
	return "The connections to the accounts " + strings.Join(e.Removed, ", ") + " were removed. What is shown of them is from before."
}

func (e EvidencePage) path() string { return "/workloads/" + e.Workload.Key }

// part is the address of a part of the page.
func (e EvidencePage) part(view string) string {
	switch view {
	case "":
		return e.path() + "/evidence"
	case EvidenceChanges, EvidenceBaseline:
		return e.path() + "/evidence/" + view
	}
	return e.path() + "/evidence?view=" + view
}

func (e EvidencePage) tabs() []ui.Tab {
	tab := func(text, view string) ui.Tab {
		return ui.Tab{Text: text, Href: e.part(view), Current: e.View == view}
	}
	return []ui.Tab{tab("Verdicts", EvidenceVerdicts), tab("What was looked at", EvidenceCoverage), tab("Failures", EvidenceBaseline), tab("Facts", EvidenceFacts), tab("Changes", EvidenceChanges)}
}

// FactsPath is the address of the facts of a workload under a filter, after a cursor.
func FactsPath(workload string, f evidence.FactFilter, after string) string {
	q := url.Values{"view": {EvidenceFacts}}
	for name, value := range map[string]string{
		"source": f.Source, "control": f.Control, "state": string(f.State), "account": f.Account, "region": f.Region, "after": after,
	} {
		if value != "" {
			q.Set(name, value)
		}
	}
	return withQuery("/workloads/"+workload+"/evidence", q)
}

func (e EvidencePage) activeFilters() (n int) {
	f := e.Filter
	for _, v := range []string{f.Source, f.Control, string(f.State), f.Account, f.Region} {
		if v != "" {
			n++
		}
	}
	return n
}

// verdictCount is how many checks a verdict has.
type verdictCount struct {
	Kind   ui.Kind
	Text   string
	Figure int
}

// verdictCounts lists the verdicts that any check has, the most pressing first.
func verdictCounts(c portfolio.VerdictCounts) []verdictCount {
	all := []verdictCount{
		{ui.VerdictContradicts, "Contradicts", c.Contradicts}, {ui.VerdictMixed, "Mixed", c.Mixed}, {ui.VerdictStale, "Stale", c.Stale},
		{ui.VerdictCannotTell, "Cannot tell", c.CannotTell}, {ui.VerdictSupports, "Supports", c.Supports}, {ui.VerdictCannotTell, "Never collected", c.Unread},
	}
	return slices.DeleteFunc(all, func(v verdictCount) bool { return v.Figure == 0 })
}

// figures are the same as the figures that lead the page; each leads to its checks.
func (e EvidencePage) figures() []ui.Count {
	c := e.Evidence.Counts
	href := func(s evidence.State, n int) string {
		if n == 0 {
			return ""
		}
		return e.path() + "/evidence?verdict=" + string(s)
	}
	untold := c.CannotTell + c.Unread
	return []ui.Count{
		{Figure: c.Contradicts, Text: "Contradict", Href: href(evidence.Contradicts, c.Contradicts)},
		{Figure: c.Mixed, Text: "Mixed", Href: href(evidence.Mixed, c.Mixed)},
		{Figure: untold, Text: "Cannot tell", Hint: unreadHint(c), Href: href(evidence.CannotTell, untold)},
		{Figure: c.Stale, Text: "Stale", Hint: "too old to count", Href: href(evidence.Stale, c.Stale)},
		{Figure: c.Supports, Text: "Support", Href: href(evidence.Supports, c.Supports)},
	}
}

// verdictWord is a verdict as the sentence over a filtered list says it.
func verdictWord(s evidence.State) string {
	return map[evidence.State]string{
		evidence.Contradicts: "that contradict", evidence.Mixed: "with a mixed verdict", evidence.CannotTell: "that cannot tell",
		evidence.Stale: "whose facts are stale", evidence.Supports: "that support",
	}[s]
}

// sets are the sets with the checks of the verdict that is asked for.
func (e EvidencePage) sets() []portfolio.Set {
	if e.Verdict == "" {
		return e.Evidence.Sets
	}
	var list []portfolio.Set
	for _, s := range e.Evidence.Sets {
		kept := s
		kept.Questions = nil
		for _, q := range s.Questions {
			c := portfolio.Checked{Question: q.Question}
			for _, p := range q.Proofs {
				if p.State == e.Verdict {
					c.Proofs = append(c.Proofs, p)
				}
			}
			if len(c.Proofs) > 0 {
				kept.Questions = append(kept.Questions, c)
			}
		}
		if len(kept.Questions) > 0 {
			list = append(list, kept)
		}
	}
	return list
}

// unseen counts the readings of the newest run that did not see everything, and all of them.
func (e EvidencePage) unseen() (gaps, total int) {
	for _, c := range e.Evidence.Run.Cells {
		if c.State == "done" && c.Result != evidence.OK {
			gaps++
		}
	}
	return gaps, len(e.Evidence.Run.Cells)
}

func unreadHint(c portfolio.VerdictCounts) string {
	if c.Unread == 0 {
		return ""
	}
	return itoa(c.Unread) + " never collected"
}

// sourceName names a source of facts.
func sourceName(source string) string {
	switch source {
	case evidence.ControlSource:
		return "Security Hub"
	case evidence.RuleSource:
		return "Config rules"
	case evidence.RecorderSource:
		return "Config recorder"
	case evidence.TrailSource:
		return "CloudTrail"
	case evidence.ToolSource:
		return "Well-Architected Tool"
	}
	return questionnaire.TitleOfSource(source)
}

// outcomeOfCell is the shape and the words of how reading a source in a cell ended.
func outcomeOfCell(c evidence.CellState) (ui.Kind, string) {
	switch {
	case c.State == "queued":
		return ui.StateWaiting, "Waits its turn"
	case c.State == "running":
		return ui.StateBusy, "Being read"
	}
	switch c.Result {
	case evidence.OK:
		return ui.StateDone, "Read"
	case evidence.Partial:
		return ui.VerdictMixed, "Read in part"
	case evidence.Denied:
		return ui.StateProblem, "Denied"
	case evidence.Throttled:
		return ui.VerdictCannotTell, "Throttled"
	case evidence.Off:
		return ui.VerdictCannotTell, "Service is off"
	case evidence.WrongAccount:
		return ui.StateProblem, "Wrong account"
	case evidence.Expired:
		return ui.StateProblem, "Credentials expired"
	case evidence.RegionOff:
		return ui.VerdictCannotTell, "Region is off"
	}
	return ui.StateProblem, "Failed"
}

// runWords say where a run stands.
func runWords(s evidence.RunState) (ui.Kind, string) {
	switch s {
	case evidence.Running:
		return ui.StateBusy, "Being collected"
	case evidence.Complete:
		return ui.StateDone, "Complete"
	case evidence.Incomplete:
		return ui.VerdictMixed, "Not everything could be read"
	}
	return ui.StateProblem, "Nothing could be read"
}

func factState(s evidence.FactState) (ui.Kind, string) {
	switch s {
	case evidence.Pass:
		return ui.VerdictSupports, "Pass"
	case evidence.Fail:
		return ui.VerdictContradicts, "Fail"
	case evidence.Suppressed:
		return ui.StateCancelled, "Suppressed"
	case evidence.NotApplicable:
		return ui.RiskNotApplicable, "Not applicable"
	case evidence.Stated:
		return ui.StateWaiting, "Said by people"
	}
	return ui.VerdictCannotTell, "Unknown"
}

// stateOfFact is the state in which a fact is shown: a sighting says that something was done,
// which is neither good nor bad by itself.
func stateOfFact(f evidence.Fact) (ui.Kind, string) {
	switch {
	case f.State == evidence.Pass && questionnaire.IsSighted(f.Source):
		return ui.StateWaiting, "Seen"
	case f.Reason == evidence.NotSeen:
		return ui.RiskNotApplicable, "Not seen"
	}
	return factState(f.State)
}

func factStateOptions(chosen evidence.FactState) []ui.Option {
	var list []ui.Option
	for _, s := range []evidence.FactState{evidence.Pass, evidence.Fail, evidence.Suppressed, evidence.NotApplicable, evidence.Unknown, evidence.Stated} {
		_, words := factState(s)
		list = append(list, ui.Option{Value: string(s), Text: words})
	}
	return withFirst("Any", list, string(chosen))
}

func sourceOptions(chosen string) []ui.Option {
	var list []ui.Option
	for _, s := range sourceOrder {
		list = append(list, ui.Option{Value: s, Text: sourceName(s)})
	}
	return withFirst("Any", list, chosen)
}

func codeOptions(codes []string, chosen string) []ui.Option {
	var list []ui.Option
	for _, c := range codes {
		list = append(list, ui.Option{Value: c, Text: c})
	}
	return withFirst("Any", list, chosen)
}

// asked parts the sets: those that open reviews of the workload ask, and the others.
func asked(sets []portfolio.Set) (now, other []portfolio.Set) {
	for _, s := range sets {
		if s.Asked {
			now = append(now, s)
		} else {
			other = append(other, s)
		}
	}
	return now, other
}

// setSummary counts the verdicts of one set in words.
func setSummary(s portfolio.Set) string {
	n := map[evidence.State]int{}
	for _, q := range s.Questions {
		for _, p := range q.Proofs {
			n[p.State]++
		}
	}
	var words []string
	for _, w := range []struct {
		state     evidence.State
		one, many string
	}{
		{evidence.Contradicts, "contradicts", "contradict"}, {evidence.Mixed, "mixed", "mixed"}, {evidence.Stale, "stale", "stale"},
		{evidence.CannotTell, "cannot tell", "cannot tell"}, {evidence.Supports, "supports", "support"},
	} {
		if n[w.state] > 0 {
			words = append(words, counted(n[w.state], w.one, w.many))
		}
	}
	return counted(len(s.Questions), "question", "questions") + " with checks: " + strings.Join(words, ", ")
}

// proofDetail is the sentence of a proof; one that was never collected says so.
func proofDetail(p review.Proof) string {
	switch {
	case !p.Read:
		return "Nothing was collected for this check yet."
	case p.State == evidence.Stale:
		return "It rests on facts that are too old to count. " + p.Verdict.Detail
	}
	return p.Verdict.Detail
}

// claimOf is what a check claims; an organisation's check may have no words of its own.
func claimOf(c questionnaire.Check) string { return orElse(c.Claim, sourceWord(c)) }

// RunPage is the page of one collection.
type RunPage struct {
	Run       evidence.Run
	Workload  workload.Workload
	CanCancel bool
	Now       time.Time
}

// took is how long a run took, or how long it has been at it.
func (r RunPage) took() string {
	if r.Run.FinishedAt != nil {
		return "took " + ui.Span(r.Run.FinishedAt.Sub(r.Run.RequestedAt))
	}
	return "for " + ui.Span(r.Now.Sub(r.Run.RequestedAt))
}

// running reports whether there is more to come.
func (r RunPage) running() bool { return r.Run.State == evidence.Running }

// says is the state of a run in one sentence, for everyone who cannot see the bar.
func (r RunPage) says() string {
	if r.running() {
		return "The collection goes on."
	}
	return "The collection is over: " + strings.ToLower(runTitle(r)) + "."
}

func runTitle(r RunPage) string {
	_, words := runWords(r.Run.State)
	return words
}
