package evidence

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"orrery/internal/questionnaire"
)

// Ground is what a verdict is computed from.
type Ground struct {
	Cells          []CellState // the whole ledger of the run
	Tags           []string    // of the scope, as key=value
	ApplicationARN string      // of the scope
	Facts          []Fact      // the standing facts on the check's source and key in the run's accounts and Regions
	Now            time.Time
}

// Judge computes how the facts bear on a check. It is a pure function; its rules:
//
//   - A fact on the account as a whole, and every fact when the check's level is account,
//     belongs to the workload. A fact on a resource belongs when its application is the
//     scope's, or when it carries any tag of the scope, or when the scope names neither.
//   - A pass counts only in a cell that the run read whole. A failure counts until a whole
//     reading shows otherwise: losing a permission does not clear it.
//   - Not looked at is a gap: a cell that was not read whole, an unknown fact, a control
//     that is disabled. With a gap "every one passes" cannot be told.
//   - all_pass: any failure contradicts (level account, or nothing passes) or makes it
//     mixed; else a gap makes it "cannot tell"; else a suppressed failure beside passes
//     makes it mixed; else at least one pass supports; else it cannot be told.
//   - any_pass: one pass supports; else a gap makes it "cannot tell"; else a failure
//     contradicts. What looks back (seen_within, not_seen_within) has rules of its own.
//   - Facts of a global source that another Region's reading left behind do not count.
//   - Global services (IAM and the like) answer once for the account: the same resource in
//     several Regions counts once, and a Region where the control is disabled or silent is
//     no gap while another Region of the account answers.
//   - It is as old as what it rests on: for all_pass the oldest pass; for any_pass the
//     newest pass; for a contradiction the newest failure, since one is enough.
func Judge(c questionnaire.Check, g Ground) Verdict {
	_, v := judge(c, g)
	return v
}

// judge is Judge, with what the verdict was computed from.
func judge(c questionnaire.Check, g Ground) (tally, Verdict) {
	t := weigh(c, g)
	v := Verdict{
		Check: c.Digest(), ComputedAt: g.Now,
		Passed: len(t.passes), Failed: len(t.fails), Suppressed: t.suppressed, NotEvaluated: t.notEvaluated,
		Untagged: t.untagged, Failing: t.failing(),
	}
	switch {
	case c.LooksBack():
		t.judgeSeen(&v)
	case c.Expect == "any_pass":
		t.judgeAny(&v)
	default:
		t.judgeAll(&v)
	}
	v.Detail += t.untaggedSentence(&v)
	return t, v
}

// gap is something that was not looked at.
type gap struct {
	Cell
	reason string
	detail string // a whole sentence
}

// tally is the ground sorted by what it says.
type tally struct {
	check        questionnaire.Check
	now          time.Time
	passes       []*Fact
	fails        []*Fact
	late         []*Fact // sightings before the time that the check looks back
	unseen       []*Fact // facts that say that nothing was seen
	suppressed   int
	notEvaluated int
	empty        string // why there was nothing to evaluate, from the facts that say so
	elsewhere    int    // facts that belong to other workloads
	untagged     int    // of these, resources without any tag
	strays       int    // of these, resources that fail
	unsaid       int    // facts on nothing to evaluate that do not say that nothing is there
	gaps         []gap
	cells        int // cells that the run looked at for this source
}

func weigh(c questionnaire.Check, g Ground) tally {
	t := tally{check: c, now: g.Now}
	whole := map[Cell]bool{}
	for _, l := range g.Cells {
		if l.Source != c.Source {
			continue
		}
		t.cells++
		whole[l.Cell] = l.Result == OK
		if l.Result != OK {
			t.gaps = append(t.gaps, gap{l.Cell, string(cmp.Or(l.Result, Error)), cmp.Or(l.Detail, inWords(string(l.Result)))})
		}
	}
	if t.cells == 0 {
		t.gaps = append(t.gaps, gap{reason: NotRead, detail: notReadSentence(c.Source)})
		return t
	}
	facts := listed(g.Facts, c, g)
	for _, f := range facts {
		if unread(f.State, f.Reason) {
			whole[Cell{f.Account, f.Region}] = false // this control was not looked at, though others were
		}
	}
	if global(c) {
		facts = once(ofTheRun(facts, c.Source, whole), whole)
	}
	spoken := map[Cell]bool{}
	for i := range facts {
		f := &facts[i]
		cell := Cell{f.Account, f.Region}
		spoken[cell] = true
		if f.Reason == TrailKept {
			continue // says where to look, not what was seen
		}
		if !belongs(f, c.Level, g) {
			t.elsewhere++
			if len(f.Tags) == 0 {
				t.untagged++
				if f.State == Fail {
					t.strays++
				}
			}
			continue
		}
		t.add(f, whole[cell])
	}
	for cell, ok := range whole {
		if ok && !spoken[cell] && !global(c) {
			t.gaps = append(t.gaps, gap{cell, NotRead, fmt.Sprintf("The last run did not ask for this in %s.", cell)})
		}
	}
	t.homeGaps(facts, whole)
	slices.SortFunc(t.gaps, compareGaps)
	return t
}

// add sorts one fact that belongs. whole: its cell was read whole in this run.
func (t *tally) add(f *Fact, whole bool) {
	switch f.State {
	case Fail:
		t.fails = append(t.fails, f)
	case Suppressed:
		t.suppressed++
	case Pass:
		switch {
		case whole && t.tooOld(f):
			t.notEvaluated++
			t.late = append(t.late, f)
		case whole, t.check.Expect == "not_seen_within" && !t.tooOld(f): // what was seen was seen
			t.passes = append(t.passes, f)
		default:
			t.notEvaluated++
		}
	case NotApplicable:
		t.notEvaluated++
		if whole && f.Reason == NotSeen {
			t.unseen = append(t.unseen, f)
		}
		if !slices.Contains(nothing, f.Reason) {
			t.unsaid++
		}
		if t.empty == "" || t.empty == NoFinding { // an evaluation of nothing says more than no finding
			t.empty = f.Reason
		}
	default:
		t.notEvaluated++
		t.gaps = append(t.gaps, gap{Cell{f.Account, f.Region}, f.Reason, cmp.Or(f.Title, inWords(f.Reason))})
	}
}

func (t *tally) tooOld(f *Fact) bool {
	return t.check.LooksBack() && t.now.Sub(f.ObservedAt) > t.check.Within
}

// judgeAll: everything evaluated has to pass.
func (t *tally) judgeAll(v *Verdict) {
	switch {
	case len(t.fails) > 0:
		t.contradicts(v)
	case len(t.gaps) > 0:
		t.cannotTell(v)
	case len(t.passes) > 0 && t.suppressed > 0:
		v.Verdict, v.Reason, v.AsOf = Mixed, SomeSuppressed, oldest(t.passes)
		v.Detail = fmt.Sprintf("%s, %s suppressed in AWS, which is not a pass.",
			t.count(len(t.passes), "passes", "pass"), verb(t.suppressed, "is", "are"))
	case len(t.passes) > 0:
		v.Verdict, v.AsOf = Supports, oldest(t.passes)
		v.Detail = t.supportSentence()
	default:
		t.cannotTell(v)
	}
}

// judgeAny: one pass is enough.
func (t *tally) judgeAny(v *Verdict) {
	switch {
	case len(t.passes) > 0:
		v.Verdict, v.AsOf = Supports, newest(t.passes)
		v.Detail = t.supportSentence()
	case len(t.gaps) > 0 || len(t.fails) == 0:
		t.cannotTell(v)
	default:
		t.contradicts(v)
	}
}

func (t *tally) contradicts(v *Verdict) {
	v.AsOf = newest(t.fails)
	v.Verdict = Contradicts
	if t.check.Level != "account" && len(t.passes) > 0 {
		v.Verdict, v.Reason = Mixed, SomeFail
	}
	v.Detail = t.failSentence()
	if len(t.gaps) > 0 {
		v.Detail += " " + t.gapSentence()
	}
}

func (t *tally) cannotTell(v *Verdict) {
	v.Verdict = CannotTell
	if len(t.passes) > 0 {
		v.AsOf = oldest(t.passes)
	}
	switch {
	case len(t.gaps) > 0:
		v.Reason, v.Detail = t.gaps[0].reason, t.gapSentence()
		if n := len(t.passes); n > 0 {
			v.Detail = t.count(n, "passes", "pass") + ", but not everything was looked at. " + v.Detail
		}
	case t.suppressed > 0:
		v.Reason = OnlySuppressed
		v.Detail = fmt.Sprintf("%s suppressed in AWS, and nothing passes. A suppressed failure is not a pass.",
			t.count(t.suppressed, "is", "are"))
	case t.elsewhere > 0:
		v.Reason = NothingInScope
		v.Detail = fmt.Sprintf("%s evaluated in these accounts, but none carries the tags or the application of the scope.",
			t.count(t.elsewhere, "was", "were"))
	case t.empty == NoFinding:
		v.Reason, v.Detail = NoFinding, "Security Hub holds no finding of this control in the scope. There may be nothing of the kind; that is not a pass."
	default:
		v.Reason, v.Detail = cmp.Or(t.empty, Vacuous), "Nothing was evaluated: there is nothing of the kind this looks at. That is not a pass."
	}
}

// failing are the first ten failures, by account, Region and resource.
func (t *tally) failing() []Failing {
	slices.SortFunc(t.fails, func(a, b *Fact) int {
		return cmp.Or(cmp.Compare(a.Account, b.Account), cmp.Compare(a.Region, b.Region), cmp.Compare(a.Resource, b.Resource))
	})
	out := make([]Failing, 0, min(10, len(t.fails)))
	for _, f := range t.fails[:min(10, len(t.fails))] {
		out = append(out, Failing{Resource: f.Resource, Account: f.Account, Region: f.Region, Note: note(f)})
	}
	return out
}

// belongs says whether a fact speaks for the workload.
func belongs(f *Fact, level string, g Ground) bool {
	switch {
	case level == "account", strings.HasPrefix(f.Resource, accountPrefix):
		return true
	case g.ApplicationARN != "" && f.ApplicationARN == g.ApplicationARN:
		return true
	case len(g.Tags) == 0 && g.ApplicationARN == "":
		return true
	}
	return slices.ContainsFunc(f.Tags, func(t string) bool { return slices.Contains(g.Tags, t) })
}

// global says whether a control looks at a service without Regions.
func global(c questionnaire.Check) bool {
	if c.Source != ControlSource {
		return slices.Contains(globalSources, c.Source)
	}
	service, _, _ := strings.Cut(c.Key, ".")
	return slices.Contains([]string{"Account", "CloudFront", "GlobalAccelerator", "IAM", "Route53"}, service)
}

// ofTheRun leaves out facts of a source without Regions from cells where the run did not
// look: another Region answers for the account now.
func ofTheRun(facts []Fact, source string, whole map[Cell]bool) []Fact {
	if !slices.Contains(globalSources, source) {
		return facts
	}
	return slices.DeleteFunc(slices.Clone(facts), func(f Fact) bool {
		_, looked := whole[Cell{f.Account, f.Region}]
		return !looked
	})
}

// once keeps one fact for each account and resource of a global service: the worst, of
// equal ones that of a cell that was read whole, then the newest. It drops "disabled" and
// "silent" where another Region of the account answers.
func once(facts []Fact, whole map[Cell]bool) []Fact {
	type key struct{ account, resource string }
	answered := map[string]bool{}
	for _, f := range facts {
		answered[f.Account] = answered[f.Account] || !silent(f)
	}
	better := func(a, b Fact) bool {
		if r := rank(a.State) - rank(b.State); r != 0 {
			return r > 0
		}
		if now, before := whole[Cell{a.Account, a.Region}], whole[Cell{b.Account, b.Region}]; now != before {
			return now
		}
		return a.ObservedAt.After(b.ObservedAt)
	}
	best := map[key]int{}
	var out []Fact
	for _, f := range facts {
		if silent(f) && answered[f.Account] {
			continue
		}
		k := key{f.Account, f.Resource}
		i, ok := best[k]
		switch {
		case !ok:
			best[k] = len(out)
			out = append(out, f)
		case better(f, out[i]):
			out[i] = f
		}
	}
	return out
}

func silent(f Fact) bool { return f.Reason == ControlDisabled || f.Reason == NoFinding }

// rank orders states by how much they stand against a pass: of several records on one
// resource the highest counts.
func rank(s FactState) int {
	return slices.Index([]FactState{NotApplicable, Pass, Suppressed, Unknown, Fail}, s)
}

var gapOrder = []string{string(Denied), string(WrongAccount), string(Expired), string(RegionOff), string(Off),
	string(Throttled), string(Error), string(Partial)}

// compareGaps puts what somebody can mend first; unlisted reasons come after.
func compareGaps(a, b gap) int {
	order := func(g gap) int {
		if i := slices.Index(gapOrder, g.reason); i >= 0 {
			return i
		}
		return len(gapOrder)
	}
	return cmp.Or(order(a)-order(b), cmp.Compare(a.Account, b.Account), cmp.Compare(a.Region, b.Region), cmp.Compare(a.detail, b.detail))
}

func oldest(facts []*Fact) time.Time {
	return slices.MinFunc(facts, byAge).ObservedAt
}

func newest(facts []*Fact) time.Time {
	return slices.MaxFunc(facts, byAge).ObservedAt
}

func byAge(a, b *Fact) int { return a.ObservedAt.Compare(b.ObservedAt) }
