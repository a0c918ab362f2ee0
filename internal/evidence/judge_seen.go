package evidence

import (
	"fmt"
	"slices"
	"time"
)

// judgeSeen judges what looks back. A fact that passes is a sighting, as old as what was
// seen; a fact with the reason NotSeen says that there was none.
//
//   - seen_within: one sighting within the time supports. Without one, a gap makes it
//     "cannot tell"; else it contradicts.
//   - not_seen_within: one sighting within the time contradicts, however little else could
//     be read. Without one, a gap makes it "cannot tell"; else it supports.
//   - Where the check looks back further than AWS remembers, nothing seen says nothing.
func (t *tally) judgeSeen(v *Verdict) {
	told := len(t.late) + len(t.unseen) + len(t.fails)
	wanted := t.check.Expect == "seen_within"
	switch {
	case len(t.passes) > 0 && wanted:
		v.Verdict, v.AsOf, v.Detail = Supports, t.now, t.sighting(t.passes)
	case len(t.passes) > 0:
		v.Verdict, v.AsOf, v.Detail = Contradicts, t.now, t.sighting(t.passes)
		v.Failed, v.Passed = v.Passed, 0
		t.fails = t.passes
		v.Failing = t.failing()
	case len(t.gaps) > 0 || told == 0:
		t.cannotTell(v)
	case t.check.TooFarBack():
		v.Verdict, v.Reason, v.Detail = CannotTell, NotSeen, t.absence()+" AWS does not remember the whole time, so this may have been done all the same."
	case wanted:
		v.Verdict, v.Reason, v.AsOf, v.Detail = Contradicts, NotSeen, t.now, t.absence()
		if len(t.fails) > 0 {
			v.Reason, v.AsOf, v.Detail = "", newest(t.fails), t.failSentence()
		}
	default:
		v.Verdict, v.AsOf, v.Detail = Supports, t.now, t.absence()
		v.Passed, v.NotEvaluated = told, v.NotEvaluated-told
	}
}

// sighting is the sentence on the newest sighting.
func (t *tally) sighting(facts []*Fact) string {
	last := slices.MaxFunc(facts, byAge)
	if last.Title != "" && ours(last) {
		return last.Title
	}
	return fmt.Sprintf("It was last seen on %s.", last.ObservedAt.UTC().Format("2 January 2006"))
}

// absence is the sentence where nothing was seen in the time.
func (t *tally) absence() string {
	if len(t.late) > 0 {
		return fmt.Sprintf("Nothing was seen within %s. %s", days(t.check.Within), t.sighting(t.late))
	}
	said := fmt.Sprintf("Nothing was seen within %s.", days(t.check.Within))
	if len(t.unseen) > 0 && t.unseen[0].Title != "" {
		said += " " + t.unseen[0].Title
	}
	return said
}

// days writes a time to look back.
func days(d time.Duration) string {
	if n := int(d / (24 * time.Hour)); n > 1 {
		return fmt.Sprintf("%d days", n)
	}
	return fmt.Sprintf("%d hours", int(d/time.Hour))
}
