package evidence

import (
	"fmt"
	"slices"
	"strings"
)

// String names the cell for people.
func (c Cell) String() string { return "account " + c.Account + ", " + c.Region }

func notReadSentence(source string) string {
	if reads(source) {
		return "The last run did not ask for this; it was added later. Collect again."
	}
	return "Orrery does not read this source, so people answer here."
}

// count is a number with its noun and the verb that fits: "1 resource passes".
func (t *tally) count(n int, one, many string) string {
	return t.countOf(n, 0, one, many)
}

// countOf is count out of a total: "2 of 12 resources fail". A total of 0 is left out.
func (t *tally) countOf(n, total int, one, many string) string {
	noun := "resources"
	if t.check.Level == "account" && !t.named() {
		noun = "accounts and Regions"
	}
	if max(n, total) == 1 {
		noun = strings.NewReplacer("resources", "resource", "accounts", "account", "Regions", "Region").Replace(noun)
	}
	if n == 1 {
		many = one
	}
	if total > n {
		return fmt.Sprintf("%d of %d %s %s", n, total, noun, many)
	}
	return fmt.Sprintf("%d %s %s", n, noun, many)
}

// named reports whether a check on the account is told resource by resource, as the users of
// IAM and what fails a rule are.
func (t *tally) named() bool {
	return slices.ContainsFunc(slices.Concat(t.passes, t.fails), func(f *Fact) bool { return !strings.HasPrefix(f.Resource, accountPrefix) })
}

func verb(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// ours reports whether the fact's title is a sentence of our own on what was seen. The
// title of a finding says what should be, not what is.
func ours(f *Fact) bool {
	return f.Source != ControlSource || slices.ContainsFunc(reasons, func(r Reason) bool { return r.Code == f.Reason })
}

// note is what to say beside a failing resource.
func note(f *Fact) string {
	switch {
	case ours(f):
		return f.Title
	case f.Reason != "":
		return "failed: " + f.Reason
	}
	return "failed"
}

func (t *tally) supportSentence() string {
	if len(t.passes) > 1 {
		return t.count(len(t.passes), "passes", "pass") + ", none fails."
	}
	return t.single(t.passes[0], "passes")
}

func (t *tally) failSentence() string {
	n, all := len(t.fails), len(t.fails)+len(t.passes)
	if all == 1 {
		return t.single(t.fails[0], "fails")
	}
	said := t.countOf(n, all, "fails", "fail") + "."
	if ours(t.fails[0]) {
		said += " " + t.fails[0].Title
	}
	return said
}

// single is the sentence where one fact is all there is.
func (t *tally) single(f *Fact, verb string) string {
	switch {
	case ours(f):
		return f.Title
	case t.check.Level == "account":
		return fmt.Sprintf("It %s in %s.", verb, Cell{f.Account, f.Region})
	}
	return t.count(1, verb, verb) + "."
}

// gapSentence says the first reason why something was not looked at, and how many more.
func (t *tally) gapSentence() string {
	s := t.gaps[0].detail
	if n := len(t.gaps) - 1; n > 0 {
		s += fmt.Sprintf(" %s not known either.", verb(n, "more is", "more are"))
	}
	return s
}

// untaggedSentence counts what may belong to the workload, but carries no tag to tell by.
func (t *tally) untaggedSentence(v *Verdict) string {
	if t.untagged == 0 {
		return ""
	}
	if v.Reason == NothingInScope { // they were counted in that sentence
		return " " + verb(t.untagged, "of them carries no tag at all.", "of them carry no tag at all.")
	}
	one, many := " carries no tag at all and was not counted.", " carry no tag at all and were not counted."
	if t.untagged == 1 {
		return " 1 more resource" + one
	}
	return fmt.Sprintf(" %d more resources%s", t.untagged, many)
}
