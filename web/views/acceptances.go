package views

import (
	"net/url"
	"time"

	"orrery/internal/portfolio"
	"orrery/internal/remediation"
	"orrery/internal/review"
	"orrery/internal/workload"
	"orrery/web/views/ui"
)

// AcceptanceList is a page of the list of acceptances.
type AcceptanceList struct {
	View        string // of a remediation.AcceptanceFilter
	WorkloadKey string // empty: all
	Acceptances []remediation.Acceptance
	After, Next string
	Now         time.Time
}

// AcceptancesPath is the address of the list of acceptances in a view, after a cursor.
func AcceptancesPath(view, workload, after string) string {
	q := url.Values{}
	for name, value := range map[string]string{"view": view, "workload": workload, "after": after} {
		if value != "" {
			q.Set(name, value)
		}
	}
	return withQuery("/acceptances", q)
}

func (l AcceptanceList) tabs() []ui.Tab {
	tab := func(text, view string) ui.Tab {
		return ui.Tab{Text: text, Href: AcceptancesPath(view, l.WorkloadKey, ""), Current: l.View == view}
	}
	return []ui.Tab{
		tab("Running and asked for", ""), tab("Asked for", remediation.Asked), tab("Running", remediation.Granted),
		tab("Ends in 30 days", remediation.AcceptancesEnding), tab("Past", remediation.Ended), tab("All", "all"),
	}
}

func (l AcceptanceList) filters() int {
	if l.WorkloadKey == "" {
		return 0
	}
	return 1
}

// WorkloadAcceptances is the list of one workload.
type WorkloadAcceptances struct {
	Workload             workload.Workload
	Asked, Running, Past []remediation.Acceptance
	More                 bool // a part is longer than is shown
	Now                  time.Time
}

// AskPage is the form that asks for an acceptance.
type AskPage struct {
	About    review.Acceptable
	Question string // as asked for in the address
	Next     string // where to go on, a path of ours
	Form     remediation.AskInput
	Bearing  remediation.Bearing
	Now      time.Time
}

// longest says how long the policy lets this risk be accepted.
func (p AskPage) longest() string {
	days := remediation.LongestAcceptance(p.About.Risk, p.About.Workload.Tier)
	return "The end of this day, a working day. A " + p.About.Risk + " risk in tier " + itoa(p.About.Workload.Tier) + " is accepted for " + itoa(days) + " days at most."
}

// AcceptancePage is one acceptance, with its forms as they were typed.
type AcceptancePage struct {
	remediation.Acceptance
	Others    []remediation.Acceptance // of the same question
	Owners    []ui.Option
	Form      AcceptanceForm
	Problem   string // why what was tried is not possible
	CanJudge  bool   // the reader may grant or decline it
	WhyNot    string // why not
	CanRevoke bool
	InTeam    bool
	Now       time.Time
}

// AcceptanceForm is what was typed into the forms of an acceptance.
type AcceptanceForm struct{ Until, Note, DeclineNote, RevokeNote, Owner, DueOn string }

func (p AcceptancePage) state() string { return p.StateAt(p.Now) }

// over reports whether the risk stands without being accepted or asked to be.
func (p AcceptancePage) over() bool {
	switch p.state() {
	case remediation.Ended, remediation.Declined, remediation.Withdrawn, remediation.Revoked:
		return true
	}
	return false
}

func askPath(workloadKey, question, next string) string {
	q := url.Values{"question": {question}}
	if next != "" {
		q.Set("next", next)
	}
	return "/workloads/" + workloadKey + "/acceptances/new?" + q.Encode()
}

// acceptanceStatus is the shape and the words of where an acceptance stands.
func acceptanceStatus(a remediation.Acceptance, now time.Time) (ui.Kind, string) {
	switch a.StateAt(now) {
	case remediation.Asked:
		return ui.StateWaiting, "Asked for"
	case remediation.Granted:
		if a.Ending(now) {
			return ui.DecisionHold, "Accepted, ends soon"
		}
		return ui.StateDone, "Accepted"
	case remediation.Ended:
		return ui.DecisionExpired, "Ended, the risk stands again"
	case remediation.Declined:
		return ui.StateReturned, "Declined"
	case remediation.Withdrawn:
		return ui.StateCancelled, "Withdrawn"
	case remediation.Revoked:
		return ui.StateProblem, "Revoked, the risk stands again"
	case remediation.Mended:
		return ui.StateVerified, "The risk is mended"
	}
	return ui.StateCancelled, "Replaced by a later one"
}

// lastDay is the last day of an acceptance: as granted, or as asked for.
func lastDay(a remediation.Acceptance) time.Time {
	if a.Until != nil {
		return *a.Until
	}
	return a.WantedUntil
}

// riskStatus is the risk of an answer; what is accepted is still shown as the risk it is.
func riskStatus(e review.Entry) (ui.Kind, string) {
	kind := ui.RiskMedium
	if e.Answer.Risk.CountsAsHigh() {
		kind = ui.RiskHigh
	}
	return kind, riskWords(e)
}

// riskWords are the risk of an answer in words: "High, accepted until 3 March 2027".
func riskWords(e review.Entry) string {
	words := ui.RiskWord(string(e.Answer.Risk))
	if a := e.Accepted(); a != nil {
		words += ", accepted until " + a.Until.Format("2 January 2006")
	}
	return words
}

// judgeItems are the acceptances that wait for the reader's word.
func judgeItems(h HomePage) []ui.WorkItem {
	list := make([]ui.WorkItem, 0, len(h.Asked))
	for _, a := range first(h.Asked) {
		list = append(list, ui.WorkItem{
			Kind: riskKind(a.Risk), Title: a.Title, Href: "/acceptances/" + a.ID.String(),
			Meta: a.WorkloadName + ". " + a.AskedBy + " asks to accept it.", Due: untilDay(a.Until),
		})
	}
	return list
}

// acceptanceItems are the acceptances that end soon or ended.
func acceptanceItems(h HomePage) []ui.WorkItem {
	list := make([]ui.WorkItem, 0, len(h.AcceptancesEnding))
	for _, a := range first(h.AcceptancesEnding) {
		list = append(list, ui.WorkItem{
			Kind: riskKind(a.Risk), Title: a.Title, Href: "/acceptances/" + a.ID.String(), Meta: endingMeta(a, h.Now), Due: endDay(a.Until, h.Now),
		})
	}
	return list
}

func endingMeta(a portfolio.AcceptanceTask, now time.Time) string {
	if !now.Before(a.Until.AddDate(0, 0, 1)) {
		return a.WorkloadName + ". Ended: the risk stands again."
	}
	return a.WorkloadName + ". Mend it, or ask again."
}

// acceptedHighs counts highs that were accepted and that no item mends, those whose acceptance
// runs apart from those where it is over: they are highs still.
func (w WorkloadPage) acceptedHighs() (runs, over int) {
	seen := map[string]bool{}
	for _, it := range w.Items {
		if it.CauseKind == remediation.CauseQuestion {
			seen[it.CauseKey] = true
		}
	}
	for _, a := range w.Acceptances {
		if a.Risk != "high" || a.Until == nil || seen[a.Question] {
			continue
		}
		seen[a.Question] = true
		if a.Running(w.Now) {
			runs++
		} else {
			over++
		}
	}
	return runs, over
}

// running counts the acceptances that run.
func (w WorkloadPage) running() (n int) {
	for _, a := range w.Acceptances {
		if a.Running(w.Now) {
			n++
		}
	}
	return n
}

// standingFacts are what is true now beside the sealed decision.
func standingFacts(g review.Gate) []ui.Definition {
	s := g.Standing
	list := []ui.Definition{{Term: "Decision", Text: outcomeWord(g.Decision)}}
	if !sealedWord(g.Decision) {
		return list // it knew of no risks
	}
	list = append(list, []ui.Definition{
		{Term: "Its highs, not mended", Body: ui.Status(highKind(s.Highs), itoa(s.Highs))},
		{Term: "Accepted of these", Text: itoa(s.Accepted)},
	}...)
	if s.AcceptedUntil != nil {
		list = append(list, ui.Definition{Term: "First to end", Body: ui.Date(*s.AcceptedUntil)})
	}
	if s.Ended > 0 {
		list = append(list, ui.Definition{Term: "Acceptance over", Body: ui.Status(ui.DecisionExpired, itoa(s.Ended))})
	}
	return append(list, ui.Definition{Term: "Mended since", Text: itoa(s.Mended)})
}

// sealedWord reports whether the governing decision is a sealed one of a review.
func sealedWord(decision string) bool {
	return decision == review.Go || decision == review.Conditional || decision == review.NoGo
}

func highKind(n int) ui.Kind {
	if n == 0 {
		return ui.StateDone
	}
	return ui.RiskHigh
}

func closedWord(state string) string {
	switch state {
	case remediation.Withdrawn:
		return "Withdrawn"
	case remediation.Revoked:
		return "Revoked"
	}
	return "Replaced by a later one, granted"
}

// acceptances lists what runs and what is asked for, in the order of the questions.
func (d DecidePage) acceptances() (list []remediation.Acceptance) {
	for _, e := range d.Entries() {
		for _, a := range []*remediation.Acceptance{e.Accepted(), e.AskedToAccept()} {
			if a != nil {
				list = append(list, *a)
			}
		}
	}
	return list
}

// ownerWords say who mends a high, or that nobody has to.
func (d DecidePage) ownerWords(e review.Entry, it remediation.Item) string {
	switch {
	case it.OwnerName != "":
		return it.OwnerName
	case e.Accepted() != nil:
		return "accepted"
	case e.AskedToAccept() != nil:
		return "nobody yet, asked to accept"
	}
	return "nobody"
}

// goWords say, beside a plain go, what highs do to it.
func goWords(d DecidePage) string {
	c := review.Count(d.Entries())
	switch {
	case c.High > 0 && c.Unaccepted == 0:
		return ". Every high is accepted, so a plain go is possible; launches are held when an acceptance ends."
	case c.High > c.Unaccepted:
		return ". Refused while a high is open that is not accepted."
	}
	return ". Refused while a high is open."
}

// acceptedWords say how many of the highs are accepted; nothing when none is.
func acceptedWords(c review.Counts) string {
	if c.Unaccepted == c.High {
		return ""
	}
	return itoa(c.High-c.Unaccepted) + " of them accepted, "
}

// highsHint says who takes care of the highs of a round.
func highsHint(d DecidePage, c review.Counts) string {
	switch {
	case c.High == 0:
		return ""
	case len(d.Unowned) > 0:
		return itoa(len(d.Unowned)) + " with neither owner nor acceptance"
	case c.Unaccepted == 0:
		return "each is accepted"
	case c.Unaccepted < c.High:
		return itoa(c.High-c.Unaccepted) + " accepted, the others have an item"
	}
	return "each has an item"
}
