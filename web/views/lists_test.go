package views

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"orrery/internal/evidence"
	"orrery/internal/portfolio"
	"orrery/internal/questionnaire"
	"orrery/internal/remediation"
	"orrery/internal/review"
	"orrery/internal/workload"
	"orrery/web/views/ui"
)

var noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

func day(offset int) time.Time { return time.Date(2026, 11, 21+offset, 0, 0, 0, 0, time.UTC) }

func TestSayKeepsTheSpaceAndEscapes(t *testing.T) {
	var b bytes.Buffer
	if err := say("since <b>", ui.Date(day(0)), ", & on").Render(t.Context(), &b); err != nil {
		t.Fatal(err)
	}
	if want := `since &lt;b&gt;<time datetime="2026-11-21">21 Nov 2026</time>, &amp; on`; b.String() != want {
		t.Errorf("got %s", b.String())
	}
	if err := say(7).Render(t.Context(), &b); err == nil {
		t.Error("a number is neither text nor a component")
	}
}

func TestDaysFrom(t *testing.T) {
	for offset, want := range map[int]string{-40: "40 days ago", -2: "2 days ago", -1: "yesterday", 0: "today", 1: "tomorrow", 3: "in 3 days"} {
		if got := daysFrom(day(offset), noon); got != want {
			t.Errorf("%d: %s", offset, got)
		}
	}
}

func TestDecisionOf(t *testing.T) {
	before, after := noon.Add(-time.Hour), noon.AddDate(0, 1, 0)
	for _, c := range []struct {
		line  portfolio.Line
		kind  ui.Kind
		words string
		short string
	}{
		{portfolio.Line{}, ui.DecisionNone, "No decision yet", "No decision yet"},
		{portfolio.Line{Outcome: review.NoGo}, ui.DecisionNoGo, "No-go", "No-go"},
		{portfolio.Line{Outcome: review.Go, ValidUntil: &after}, ui.DecisionGo, "Go until 21 Dec 2026", "Go"},
		{portfolio.Line{Outcome: review.Conditional, ValidUntil: &after}, ui.DecisionConditional, "Conditional go until 21 Dec 2026", "Conditional go"},
		{portfolio.Line{Outcome: review.Go, ValidUntil: &before}, ui.DecisionExpired, "Go, ended 21 Nov 2026", "Go, ended"},
		{portfolio.Line{Outcome: review.Conditional, ValidUntil: &before}, ui.DecisionExpired, "Conditional go, ended 21 Nov 2026", "Conditional go, ended"},
	} {
		kind, words := decisionOf(c.line, noon)
		if kind != c.kind || words != c.words {
			t.Errorf("%+v: %s %q", c.line, kind, words)
		}
		if kind, words = decisionStatus(c.line, noon); kind != c.kind || words != c.short {
			t.Errorf("%+v: short %s %q", c.line, kind, words)
		}
	}
}

func TestSubmissionMetaSaysTheVoices(t *testing.T) {
	s := portfolio.Submission{TeamName: "Ledger", Tier: 1, SubmittedBy: "Mika Laine", Needed: 2, Agree: 1}
	if got, want := submissionMeta(s), "Ledger, tier 1. Submitted by Mika Laine. 1 of 2 sign-offs agree, nobody from outside the team yet."; got != want {
		t.Errorf("got %s", got)
	}
	s.Needed, s.Object, s.Outside, s.Voice = 1, 2, true, review.Object
	if got, want := submissionMeta(s), "Ledger, tier 1. Submitted by Mika Laine. 1 of 1 sign-off agrees, 2 object. You objected."; got != want {
		t.Errorf("got %s", got)
	}
}

func TestDraftItemsLeadToWhatIsNext(t *testing.T) {
	id := uuid.Must(uuid.NewV7())
	h := HomePage{Now: noon}
	for _, d := range []portfolio.Draft{
		{Questions: 15, Unanswered: 15, Blocking: 15}, {Questions: 15, Unanswered: 3, Blocking: 3}, {Questions: 15}, {Questions: 15, Unowned: 2},
		{Questions: 15, Unanswered: 1}, {Questions: 15, Unanswered: 3, Blocking: 3, ReturnedBy: "Sara", ReturnedNote: "Say how\nit was tested."},
	} {
		d.ReviewID, d.WorkloadName, d.TypeName, d.ChangeKey, d.Round = id, "Payments", "New service", "CHG-1", 2
		h.Drafts = append(h.Drafts, d)
	}
	var got []string
	for _, i := range draftItems(h) {
		got = append(got, fmt.Sprintf("%s|%s|%s", i.Kind, i.Meta, strings.TrimPrefix(i.Href, "/reviews/"+id.String())))
		if i.Title != "Payments: New service, CHG-1, round 2" {
			t.Errorf("title %q", i.Title)
		}
	}
	want := []string{
		"not-started|Not started: 15 questions.|", "progress|3 of 15 questions unanswered.|",
		"done|All questions are answered. Check the answers and submit.|/check",
		"progress|Answered. 2 highs wait to be mended by somebody, or accepted.|/check", "done|What must be answered is. Check the answers and submit.|/check", "returned|Sara asked for changes: Say how it was tested.|",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
}

func TestWorkloadsPathCarriesTheFilter(t *testing.T) {
	for want, f := range map[string]portfolio.Filter{
		"/workloads": {Sort: portfolio.ByName}, "/workloads?mine=1": {Mine: true}, "/workloads?name=a+%26b&tier=2": {Text: "a &b", Tier: 2},
		"/workloads?decision=go&highs=1&overdue=1&sort=tier&stage=live&team=x": {Decision: "go", Highs: true, Overdue: true, Sort: portfolio.ByTier, Stage: "live", TeamKey: "x"},
	} {
		if got := WorkloadsPath(f, ""); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	if got := WorkloadsPath(portfolio.Filter{Tier: 1}, "abc"); got != "/workloads?after=abc&tier=1" {
		t.Errorf("got %s", got)
	}
}

func TestSavedViewIsMarkedInAnyOrder(t *testing.T) {
	current := func(f portfolio.Filter) (names []string) {
		for _, tab := range (WorkloadList{Filter: f}).tabs() {
			if tab.Current {
				names = append(names, tab.Text)
			}
		}
		return names
	}
	if got := current(portfolio.Filter{Sort: portfolio.ByTier}); !slices.Equal(got, []string{"All"}) {
		t.Errorf("got %v", got)
	}
	if got := current(portfolio.Filter{Mine: true, Text: "x"}); len(got) != 0 {
		t.Errorf("a filter within a view is not the view: %v", got)
	}
}

func TestGateItemsHoldFirst(t *testing.T) {
	id := uuid.Must(uuid.NewV7())
	g := review.Gate{
		Review:   id,
		Blockers: []review.GateReason{{Code: "condition_before_launch", Message: "Not verified: x", Item: "i1"}, {Code: "no_go", Message: "No."}},
		Warnings: []review.GateReason{{Code: "high_open", Message: "y", Item: "i2"}, {Code: "decision_ends_soon", Message: "soon"}, {Code: "retired", Message: "gone"}},
	}
	var got []string
	for _, i := range gateItems(g) {
		got = append(got, string(i.Kind)+" "+i.Href)
	}
	at := "/reviews/" + id.String()
	if want := []string{"hold /items/i1", "hold " + at, "waiting " + at, "waiting "}; !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
	if n := itemWarnings(g); n != 1 {
		t.Errorf("%d items are warned of", n)
	}
	never := review.Gate{Status: review.GateUnknown, Blockers: []review.GateReason{{Code: "never_reviewed", Message: "Never."}}}
	if list := gateItems(never); len(list) != 1 || list[0].Href != "" || list[0].Kind != ui.DecisionNone {
		t.Errorf("there is no review to lead to: %+v", list)
	}
}

func TestDifferencesOfAWorkload(t *testing.T) {
	launch := day(9)
	stored := workload.Workload{
		Key: "payments", Name: "Payments", TeamKey: "ledger", Tier: 2, Stage: workload.Live, LaunchOn: &launch,
		Production: workload.Scope{Accounts: []string{"1", "2"}, Regions: []string{"eu-west-1"}},
	}
	f := FormOf(stored)
	f.Stored = &stored
	f.Accounts = "1   2" // the same, typed otherwise
	if d := f.differences(); len(d) != 0 {
		t.Errorf("nothing differs: %v", d)
	}
	f.Tier, f.Restricted, f.LaunchOn, f.Regions = "3", true, "", "eu-west-1, eu-north-1"
	var labels []string
	for _, d := range f.differences() {
		labels = append(labels, d[0]+": "+d[1]+" -> "+d[2])
	}
	want := []string{"Tier: 2 -> 3", "Launch: 2026-11-30 -> ", "Restricted: no -> yes", "Regions: eu-west-1 -> eu-west-1, eu-north-1"}
	if !slices.Equal(labels, want) {
		t.Errorf("got %q", labels)
	}
}

func TestTiersAreNamedByTheirCriteria(t *testing.T) {
	tiers := WorkloadForm{Tier: "2"}.tiers()
	for i, o := range tiers {
		if o.Value != itoa(i+1) || !strings.HasPrefix(o.Text, "Tier "+o.Value+", ") || !strings.HasSuffix(o.Hint, ".") || o.Selected != (i == 1) {
			t.Errorf("%+v", o)
		}
	}
}

func TestGroupsOfItems(t *testing.T) {
	item := func(due int) remediation.Item {
		return remediation.Item{DueOn: day(due), State: remediation.Open, Risk: "high"}
	}
	l := ItemList{Now: noon, Items: []remediation.Item{item(-30), item(-1), item(0), item(13), item(15)}}
	var got []string
	for _, g := range l.groups() {
		got = append(got, fmt.Sprintf("%s %d", g.Title, len(g.Items)))
	}
	if want := []string{"Overdue 2", "Due within 14 days 2", "Later 1"}; !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
	l.View = ItemsAll
	if g := l.groups(); len(g) != 1 || g[0].Title != "" {
		t.Errorf("a list with finished items is one group: %+v", g)
	}
}

func TestStatesThatAReaderMayChoose(t *testing.T) {
	for _, c := range []struct {
		name            string
		state           string
		work, canVerify bool
		want            []string
	}{
		{"a member of an open item", remediation.Open, true, false, []string{"open", "in_progress", "done"}},
		{"a member who did it", remediation.Done, true, false, []string{"open", "done"}},
		{"a member who did not", remediation.Done, true, true, []string{"open", "done", "verified"}},
		{"an approver from outside", remediation.Done, false, true, []string{"verified"}},
		{"a member of a verified item", remediation.Verified, true, false, []string{"open"}},
		{"a stranger", remediation.Done, false, false, nil},
	} {
		p := ItemPage{Item: remediation.Item{State: c.state, Risk: "high"}, State: c.state, CanWork: c.work, CanVerify: c.canVerify}
		var got []string
		for _, o := range p.states() {
			got = append(got, o.Value)
			if o.Text == "" || o.Hint == "" {
				t.Errorf("%s: %+v has no words", c.name, o)
			}
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}

func TestVerifyWordsNameWhoMayNot(t *testing.T) {
	p := ItemPage{TeamName: "Ledger", Item: remediation.Item{State: remediation.Done, Risk: "high", DoneByName: "Mika Laine"}}
	if got := p.verifyWords(); !strings.Contains(got, "another person than Mika Laine") || !strings.Contains(got, "Ledger") {
		t.Errorf("got %s", got)
	}
	p.Item.Risk = "medium"
	if got := p.verifyWords(); got != "" {
		t.Errorf("a medium needs nobody: %s", got)
	}
	p.Item.CauseKind, p.Item.State = remediation.CauseCondition, remediation.Open
	if got := p.verifyWords(); !strings.Contains(got, "another person") {
		t.Errorf("a condition needs another person: %q", got)
	}
}

func TestLocalHref(t *testing.T) {
	for href, want := range map[string]string{
		"/reviews/1/q/orr/x": "/reviews/1/q/orr/x", "": "", "//evil.example": "", "https://evil.example": "", "javascript:alert(1)": "",
	} {
		if got := localHref(href); got != want {
			t.Errorf("%q: %q", href, got)
		}
	}
}

func cellState(account, region, source string, result evidence.Result, detail, permission string) evidence.CellState {
	return evidence.CellState{Cell: evidence.Cell{Account: account, Region: region}, Source: source, State: "done", Result: result, Detail: detail, Permission: permission}
}

func TestCoverArrangesTheLedger(t *testing.T) {
	cells := []evidence.CellState{
		cellState("2", "b", evidence.TrailSource, evidence.OK, "", ""), cellState("1", "b", evidence.ControlSource, evidence.Off, "", ""),
		cellState("1", "a", evidence.ControlSource, evidence.OK, "", ""), cellState("1", "a", evidence.TrailSource, evidence.OK, "", ""),
	}
	m := cover(cells)
	if !slices.Equal(m.Sources, []string{evidence.ControlSource, evidence.TrailSource}) || m.Folded != 0 {
		t.Errorf("sources %v, folded %d", m.Sources, m.Folded)
	}
	var got []string
	for _, r := range m.Rows {
		words := r.Account + r.Region
		for _, c := range r.Lines {
			if c == nil {
				words += " -"
			} else {
				words += " " + string(c.Result)
			}
		}
		got = append(got, words)
	}
	if want := []string{"1a ok ok", "1b off -", "2b - ok"}; !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
	if m := cover(nil); len(m.Rows) != 0 {
		t.Errorf("nothing was looked at: %+v", m)
	}
}

func TestLongCoverageFoldsWhatWasReadWhole(t *testing.T) {
	var cells []evidence.CellState
	for i := range 100 {
		result := evidence.OK
		if i%25 == 0 {
			result = evidence.Denied
		}
		cells = append(cells, cellState(fmt.Sprintf("%012d", i), "eu-west-1", evidence.ControlSource, result, "", ""))
	}
	m := cover(cells)
	if len(m.Rows) != 4 || m.Folded != 96 || foldedWords(m) != "96 more were read whole." {
		t.Errorf("%d rows, %q", len(m.Rows), foldedWords(m))
	}
}

func TestGapsJoinTheSameReason(t *testing.T) {
	list := gaps([]evidence.CellState{
		cellState("1", "a", evidence.TrailSource, evidence.Error, "It failed.", ""),
		cellState("1", "a", evidence.ControlSource, evidence.Denied, "Denied in account 1, a.", "securityhub:GetFindings"),
		cellState("1", "b", evidence.ControlSource, evidence.Denied, "Denied in account 1, b.", "securityhub:GetFindings"),
		cellState("1", "c", evidence.ControlSource, evidence.OK, "", ""),
		cellState("1", "c", evidence.RecorderSource, evidence.OK, "Extras were denied.", "config:DescribeConfigRules"),
		{Cell: evidence.Cell{Account: "1", Region: "d"}, Source: evidence.ControlSource, State: "running"},
	})
	var got []string
	for _, g := range list {
		got = append(got, fmt.Sprintf("%s %s %s", g.Source, g.Result, g.where()))
	}
	want := []string{"securityhub.control denied 1 a, 1 b", "config.recorder ok 1 c", "cloudtrail.trail error 1 a"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
	if list[0].Mend == "" {
		t.Error("a denial says what mends it")
	}
}

func TestPlainPermission(t *testing.T) {
	for p, want := range map[string]bool{
		"config:DescribeConfigRules": true, "securityhub:GetFindings": true, "": false, "config": false, ":x": false, "a:b\"}": false, "a:b:c": false, "a: b": false,
	} {
		if got := plainPermission(p); got != want {
			t.Errorf("%q: %v", p, got)
		}
	}
}

func TestEveryResultOfACellHasWords(t *testing.T) {
	fallback, _ := outcomeOfCell(evidence.CellState{State: "done", Result: "never heard of"})
	if fallback != ui.StateProblem {
		t.Error("an unknown result must not look fine")
	}
	for _, r := range []evidence.Result{evidence.OK, evidence.Partial, evidence.Denied, evidence.Throttled, evidence.Off, evidence.WrongAccount, evidence.Expired, evidence.RegionOff} {
		if _, words := outcomeOfCell(evidence.CellState{State: "done", Result: r}); words == "Failed" {
			t.Errorf("%s has no words of its own", r)
		}
	}
}

func TestSetsOfOneVerdict(t *testing.T) {
	proof := func(s evidence.State) review.Proof { return review.Proof{State: s} }
	all := []portfolio.Set{
		{Key: "a", Questions: []portfolio.Checked{
			{Question: &questionnaire.Question{ID: "1"}, Proofs: []review.Proof{proof(evidence.Supports), proof(evidence.Contradicts)}},
			{Question: &questionnaire.Question{ID: "2"}, Proofs: []review.Proof{proof(evidence.Supports)}},
		}},
		{Key: "b", Questions: []portfolio.Checked{{Question: &questionnaire.Question{ID: "3"}, Proofs: []review.Proof{proof(evidence.CannotTell)}}}},
	}
	e := EvidencePage{Evidence: portfolio.Evidence{Sets: all}, Verdict: evidence.Contradicts}
	got := e.sets()
	if len(got) != 1 || len(got[0].Questions) != 1 || len(got[0].Questions[0].Proofs) != 1 || got[0].Questions[0].Question.ID != "1" {
		t.Errorf("got %+v", got)
	}
	if len(all[0].Questions) != 2 || len(all[0].Questions[0].Proofs) != 2 {
		t.Error("the sets themselves were changed")
	}
	e.Verdict = ""
	if len(e.sets()) != 2 {
		t.Error("without a verdict all sets are shown")
	}
	if got, want := setSummary(all[0]), "2 questions with checks: 1 contradicts, 2 support"; got != want {
		t.Errorf("got %q", got)
	}
}
