package views

import (
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"orrery/internal/incident"
	"orrery/internal/portfolio"
	"orrery/internal/remediation"
	"orrery/internal/review"
	"orrery/internal/workload"
	"orrery/web/views/ui"
)

// WorkloadList is a page of the list of workloads.
type WorkloadList struct {
	Filter    portfolio.Filter
	Lines     []portfolio.Line
	Views     portfolio.Views
	Teams     []ui.Option
	After     string // the cursor that this page was asked for; empty on the first
	Next      string // the cursor of the next page; empty on the last
	CanCreate bool
	CanImport bool
	Now       time.Time
}

// WorkloadsPath is the address of the list of workloads under a filter, after a cursor.
func WorkloadsPath(f portfolio.Filter, after string) string {
	return workloadsPath("/workloads", f, after)
}

// WorkloadsCSVPath is the address of the whole list under a filter, as CSV.
func WorkloadsCSVPath(f portfolio.Filter) string { return workloadsPath("/workloads.csv", f, "") }

func workloadsPath(path string, f portfolio.Filter, after string) string {
	q := url.Values{}
	set := func(name, value string) {
		if value != "" {
			q.Set(name, value)
		}
	}
	flag := func(name string, on bool) {
		if on {
			q.Set(name, "1")
		}
	}
	set("name", f.Text)
	set("team", f.TeamKey)
	if f.Tier != 0 {
		set("tier", strconv.Itoa(f.Tier))
	}
	set("stage", f.Stage)
	set("decision", f.Decision)
	flag("mine", f.Mine)
	flag("highs", f.Highs)
	flag("overdue", f.Overdue)
	if f.Ending {
		set("acceptances", "ending")
	}
	if f.Sort != portfolio.ByName {
		set("sort", f.Sort)
	}
	set("after", after)
	return withQuery(path, q)
}

func withQuery(path string, q url.Values) string {
	if len(q) == 0 {
		return path
	}
	return path + "?" + q.Encode()
}

// unsorted returns the filter without its order.
func unsorted(f portfolio.Filter) portfolio.Filter {
	f.Sort = ""
	return f
}

func (l WorkloadList) lead() string {
	return counted(l.Views.All, "workload", "workloads") + " planned or live. The decision is the sealed record, the other columns are what is true now."
}

func (l WorkloadList) tabs() []ui.Tab {
	v, now := l.Views, unsorted(l.Filter)
	tab := func(text string, n int, f portfolio.Filter) ui.Tab {
		return ui.Tab{Text: text, Count: n, HasCount: true, Href: WorkloadsPath(f, ""), Current: now == f}
	}
	return []ui.Tab{
		tab("All", v.All, portfolio.Filter{}), tab("Mine", v.Mine, portfolio.Filter{Mine: true}),
		tab("High open", v.Highs, portfolio.Filter{Highs: true}), tab("Overdue", v.Overdue, portfolio.Filter{Overdue: true}),
		tab("No decision yet", v.Undecided, portfolio.Filter{Decision: portfolio.Undecided}),
		tab("Ends in 30 days", v.Ending, portfolio.Filter{Decision: portfolio.Ending}),
		tab("Acceptance ends", v.Acceptances, portfolio.Filter{Ending: true}),
		tab("Decision ended", v.Ended, portfolio.Filter{Decision: portfolio.Ended}),
	}
}

// active counts the filters in use that the form shows.
func (l WorkloadList) active() (n int) {
	f := l.Filter
	for _, on := range []bool{f.Text != "", f.TeamKey != "", f.Tier != 0, f.Stage != "", f.Decision != ""} {
		if on {
			n++
		}
	}
	return n
}

// column heads a column that the list can be sorted by.
func (l WorkloadList) column(text, sort string) ui.Column {
	f := l.Filter
	c := ui.Column{Text: text, Numeric: sort == portfolio.ByTier || sort == portfolio.ByHighs}
	if f.Sort == sort || f.Sort == "" && sort == portfolio.ByName {
		c.Sort = "ascending"
		if sort == portfolio.ByHighs {
			c.Sort = "descending"
		}
	}
	f.Sort = sort
	c.Href = WorkloadsPath(f, "")
	return c
}

func (l WorkloadList) columns() []ui.Column {
	return []ui.Column{
		l.column("Workload", portfolio.ByName), l.column("Tier", portfolio.ByTier), l.column("Decision", portfolio.ByEnd), {Text: "Open review"},
		l.column("High", portfolio.ByHighs), {Text: "Overdue", Numeric: true}, {Text: "Acceptances ending", Numeric: true}, l.column("Next review", portfolio.ByDue), {Text: "Evidence read"},
	}
}

func tierOptions(first string, chosen int) []ui.Option {
	return withFirst(first, []ui.Option{{Value: "1", Text: "1"}, {Value: "2", Text: "2"}, {Value: "3", Text: "3"}}, strings.TrimPrefix(strconv.Itoa(chosen), "0"))
}

func stageFilterOptions(chosen string) []ui.Option {
	return withFirst("Planned and live", []ui.Option{
		{Value: workload.Planned, Text: "Planned"}, {Value: workload.Live, Text: "Live"}, {Value: workload.Retired, Text: "Retired"}, {Value: portfolio.AnyStage, Text: "All"},
	}, chosen)
}

func decisionOptions(chosen string) []ui.Option {
	return withFirst("Any", []ui.Option{
		{Value: review.Go, Text: "Go"}, {Value: review.Conditional, Text: "Conditional go"}, {Value: review.NoGo, Text: "No-go"},
		{Value: review.Emergency, Text: "EMERGENCY go"}, {Value: review.Elsewhere, Text: "Decided elsewhere"}, {Value: review.Revoked, Text: "Revoked"},
		{Value: portfolio.Undecided, Text: "None yet"}, {Value: portfolio.Ending, Text: "Ends in 30 days"}, {Value: portfolio.Ended, Text: "Ended"},
	}, chosen)
}

// decisionStatus is the decision of a line without its date, which stands under it.
func decisionStatus(l portfolio.Line, now time.Time) (ui.Kind, string) {
	kind, words := decisionOf(l, now)
	if l.Ended(now) && l.Outcome != review.Revoked {
		return kind, outcomeWord(l.Outcome) + ", ended"
	}
	words, _, _ = strings.Cut(words, " until ")
	return kind, words
}

// WorkloadPage is the page of one workload.
type WorkloadPage struct {
	Workload    workload.Workload
	Gate        review.Gate
	Reviews     []review.Line
	Items       []remediation.Item // unfinished, by due day
	Evidence    portfolio.Evidence
	Acceptances []remediation.Acceptance // whose risk is not mended, newest first
	FollowUps   []incident.FollowUp      // the open ones first
	Now         time.Time
	CanEdit     bool
	CanStart    bool
	CanCollect  bool
	CanRetire   bool // also: bring it back
	CanMove     bool

	Decided review.Review         // the review whose decision governs
	Turned  []review.ChangedProof // what evidence says against it since

	CanEmergency bool // the reader may let it through in an emergency
	CanRecord    bool // the reader may record a decision made elsewhere
	Emergencies  int
	Elsewhere    int // decisions made elsewhere that are recorded
	Waiting      int // of these, what waits for an approver
}

func (w WorkloadPage) path() string { return "/workloads/" + w.Workload.Key }

// highs counts unfinished items of high risk and what was accepted instead, late those whose day has passed.
func (w WorkloadPage) highs() (high, late int) {
	for _, it := range w.Items {
		if it.Risk == "high" && it.CauseKind != remediation.CauseCondition {
			high++
		}
		if it.LateBy(w.Now) > 0 {
			late++
		}
	}
	runs, over := w.acceptedHighs()
	return high + runs + over, late
}

// highsHint says what the highs are: work that is not finished, and what was accepted. Which
// of them the decision knew stands in what is true of it now.
func (w WorkloadPage) highsHint() string {
	high, _ := w.highs()
	runs, over := w.acceptedHighs()
	var parts []string
	say := func(n int, words string) {
		if n > 0 {
			parts = append(parts, itoa(n)+" "+words)
		}
	}
	say(high-runs-over, "to mend")
	say(runs, "accepted")
	say(over, "accepted no longer")
	return strings.Join(parts, ", ")
}

func (w WorkloadPage) counts() []ui.Count {
	high, late := w.highs()
	items := "/items?workload=" + url.QueryEscape(w.Workload.Key)
	open := 0
	for _, r := range w.Reviews {
		if r.State == review.Open {
			open++
		}
	}
	c := w.Evidence.Counts
	return []ui.Count{
		{Figure: high, Text: "High open", Hint: w.highsHint(), Href: items}, {Figure: late, Text: "Overdue", Href: items + "&view=overdue"},
		{Figure: w.running(), Text: "Accepted", Href: w.path() + "/acceptances"},
		{Figure: open, Text: "Reviews open", Href: "#reviews"},
		{Figure: c.Contradicts, Text: "Evidence contradicts", Hint: mixedHint(c), Href: w.path() + "/evidence"},
	}
}

func mixedHint(c portfolio.VerdictCounts) string {
	if c.Mixed == 0 {
		return ""
	}
	return "and " + itoa(c.Mixed) + " mixed"
}

// mayWords says who may do what the reader may not; empty when the reader may do all of it.
func (w WorkloadPage) mayWords() string {
	team := w.Workload.TeamName
	switch {
	case w.CanEdit && w.CanStart && (w.CanCollect || w.Workload.Stage == workload.Retired):
		return ""
	case w.CanCollect:
		return "Members of " + team + " change this workload and start its reviews."
	}
	return "Members of " + team + " change this workload and start its reviews; they, its approvers and its facilitators collect evidence."
}

func workloadTabs(key, current string) []ui.Tab {
	return []ui.Tab{
		{Text: "Overview", Href: "/workloads/" + key, Current: current == "overview"},
		{Text: "Evidence", Href: "/workloads/" + key + "/evidence", Current: current == "evidence"},
		{Text: "Acceptances", Href: "/workloads/" + key + "/acceptances", Current: current == "acceptances"},
	}
}

// gateKind is the status of the launch gate in the words of a page.
func gateKind(status string) (ui.Kind, string) {
	switch status {
	case review.GateGo:
		return ui.DecisionGo, "Yes"
	case review.GateConditional:
		return ui.DecisionConditional, "Yes, under conditions"
	case review.GateHold:
		return ui.DecisionHold, "No, hold"
	}
	return ui.DecisionNone, "Cannot tell"
}

// itemWarnings counts the open items that the gate warns of.
func itemWarnings(g review.Gate) (n int) {
	for _, r := range g.Warnings {
		if r.Item != "" {
			n++
		}
	}
	return n
}

// gateItems lists what holds a launch, then what the gate warns of besides open items.
func gateItems(g review.Gate) (list []ui.WorkItem) {
	add := func(kind ui.Kind, meta string, r review.GateReason) {
		item := ui.WorkItem{Kind: kind, Title: r.Message, Meta: meta}
		switch {
		case r.Item != "":
			item.Href = "/items/" + r.Item
		case r.Acceptance != "":
			item.Href = "/acceptances/" + r.Acceptance
		case g.Review != uuid.Nil && r.Code != "retired":
			item.Href = "/reviews/" + g.Review.String()
		}
		list = append(list, item)
	}
	for _, r := range g.Blockers {
		if g.Status == review.GateUnknown {
			add(ui.DecisionNone, "", r)
		} else {
			add(ui.DecisionHold, "This holds a launch.", r)
		}
	}
	for _, r := range g.Warnings {
		if r.Item == "" {
			add(ui.StateWaiting, "", r)
		}
	}
	return list
}

// typeAndChange names a review by its type, and the change if it is about one.
func typeAndChange(kind, change string) string {
	if change == "" {
		return kind
	}
	return kind + ", " + change
}

func reviewItems(list []review.Line) []ui.WorkItem {
	items := make([]ui.WorkItem, 0, len(list))
	for _, r := range list {
		kind, words := reviewStanding(r.State, r.RoundState, r.Outcome)
		items = append(items, ui.WorkItem{Kind: kind, Title: typeAndChange(r.TypeName, r.ChangeKey), Href: "/reviews/" + r.ID.String(), Meta: words + ", round " + itoa(r.Round) + ".", Due: ui.Date(r.StartedAt)})
	}
	return items
}

// reviewStanding is the shape and the words of where a review stands.
func reviewStanding(state, round, outcome string) (ui.Kind, string) {
	switch {
	case state == review.Cancelled:
		return ui.StateCancelled, "Cancelled"
	case outcome == review.Revoked && round == review.Draft:
		return ui.DecisionNoGo, "Revoked, being answered again"
	case state == review.Closed && outcome == review.Revoked:
		return ui.DecisionNoGo, "Revoked"
	case state == review.Closed && outcome == review.Conditional:
		return ui.DecisionConditional, "Conditional go"
	case state == review.Closed && outcome == review.Go:
		return ui.DecisionGo, "Go"
	case round == review.Submitted:
		return ui.StateFrozen, "Submitted, waits for a decision"
	case outcome == review.NoGo:
		return ui.DecisionNoGo, "No-go, being answered again"
	}
	return ui.StateProgress, "Being answered"
}

// scopeFacts are what the workload is in AWS.
func scopeFacts(s workload.Scope) []ui.Definition {
	list := []ui.Definition{{Term: "Accounts", Body: codes(s.Accounts)}, {Term: "Regions", Body: codes(s.Regions)}}
	if len(s.Tags) > 0 {
		list = append(list, ui.Definition{Term: "Tags", Body: codes(s.Tags)})
	}
	if s.ApplicationARN != "" {
		list = append(list, ui.Definition{Term: "Application", Body: codes([]string{s.ApplicationARN})})
	}
	if len(s.WAWorkloads) > 0 {
		list = append(list, ui.Definition{Term: "Well-Architected Tool", Text: strings.Join(s.WAWorkloads, ", ")})
	}
	return list
}

// WorkloadForm is the form of a workload with what was typed, exactly as it was typed.
type WorkloadForm struct {
	Key, Name, Description, Team, Tier, Stage string
	Restricted                                bool
	LaunchOn, Accounts, Regions, Tags         string
	ApplicationARN, WAWorkloads               string
	Version                                   string

	Teams    []ui.Option
	Stored   *workload.Workload // nil: a new one
	Conflict string             // what happened when somebody else saved meanwhile
	TierOnly bool               // the reader approves it from outside its team
}

// FormOf is the form of a stored workload.
func FormOf(w workload.Workload) WorkloadForm {
	f := WorkloadForm{
		Key: w.Key, Name: w.Name, Description: w.Description, Team: w.TeamKey, Tier: strconv.Itoa(w.Tier), Stage: w.Stage, Restricted: w.Restricted,
		Accounts: strings.Join(w.Production.Accounts, "\n"), Regions: strings.Join(w.Production.Regions, "\n"), Tags: strings.Join(w.Production.Tags, "\n"),
		ApplicationARN: w.Production.ApplicationARN, WAWorkloads: strings.Join(w.Production.WAWorkloads, "\n"), Version: strconv.Itoa(w.Version), Stored: &w,
	}
	if w.LaunchOn != nil {
		f.LaunchOn = w.LaunchOn.Format(time.DateOnly)
	}
	return f
}

func (f WorkloadForm) action() string {
	if f.Stored == nil {
		return "/workloads"
	}
	return "/workloads/" + f.Stored.Key + "/edit"
}

func (f WorkloadForm) back() string {
	if f.Stored == nil {
		return "/workloads"
	}
	return "/workloads/" + f.Stored.Key
}

func (f WorkloadForm) title() string {
	if f.Stored == nil {
		return "Add a workload"
	}
	return "Edit " + f.Stored.Name
}

func (f WorkloadForm) save() string {
	switch {
	case f.Conflict != "":
		return "Save mine instead"
	case f.Stored == nil:
		return "Add the workload"
	}
	return "Save"
}

// tiers are the three tiers with their criteria, without the words that name the tier.
func (f WorkloadForm) tiers() []ui.Option {
	var list []ui.Option
	for i, criterion := range workload.TierCriteria {
		name, harm, _ := strings.Cut(criterion, ": ")
		list = append(list, ui.Option{Value: strconv.Itoa(i + 1), Text: name, Hint: strings.ToUpper(harm[:1]) + harm[1:]})
	}
	return ui.Selected(list, f.Tier)
}

func (f WorkloadForm) stages() []ui.Option {
	return ui.Selected([]ui.Option{
		{Value: workload.Planned, Text: "Planned", Hint: "Not in production yet."}, {Value: workload.Live, Text: "Live", Hint: "Takes production traffic."},
	}, f.Stage)
}

// retired reports whether the form is that of a retired workload, whose stage stays.
func (f WorkloadForm) retired() bool { return f.Stored != nil && f.Stored.Stage == workload.Retired }

// differences lists the fields in which the stored workload is not what was typed: the
// label, what is stored, what was typed.
func (f WorkloadForm) differences() (list [][3]string) {
	if f.Stored == nil {
		return nil
	}
	s := FormOf(*f.Stored)
	yes := map[bool]string{true: "yes", false: "no"}
	for _, d := range [][3]string{
		{"Name", s.Name, f.Name}, {"Key", s.Key, f.Key}, {"Description", s.Description, f.Description}, {"Team", s.Team, f.Team},
		{"Tier", s.Tier, f.Tier}, {"Stage", s.Stage, f.Stage}, {"Launch", s.LaunchOn, f.LaunchOn}, {"Restricted", yes[s.Restricted], yes[f.Restricted]},
		{"Accounts", s.Accounts, f.Accounts}, {"Regions", s.Regions, f.Regions}, {"Tags", s.Tags, f.Tags}, {"Application", s.ApplicationARN, f.ApplicationARN},
		{"Well-Architected Tool", s.WAWorkloads, f.WAWorkloads},
	} {
		if strings.Join(strings.Fields(d[1]), " ") != strings.Join(strings.Fields(d[2]), " ") {
			list = append(list, d)
		}
	}
	return list
}

func keyHint(f WorkloadForm) string {
	if f.Stored == nil {
		return "The address of the workload and what pipelines ask for: small letters, digits and hyphens, for example payments."
	}
	return "The old key keeps leading here when you change it."
}

func tierHint(f WorkloadForm) string {
	if f.Stored == nil {
		return "Take the first that fits. It decides which questions are asked and how many approvers must agree."
	}
	return "Take the first that fits. Lowering it needs an approver of this workload."
}

// stands is the word between a decision and its end.
func stands(end, now time.Time) string {
	if now.After(end) {
		return " and stood until "
	}
	return " and stands until "
}

// decidedWords come between the word of a decision and its day.
func decidedWords(decision string) string {
	if decision == review.Elsewhere {
		return " on "
	}
	return " was decided on "
}
