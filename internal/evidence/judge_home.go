package evidence

import (
	"fmt"
	"slices"
	"strings"
)

// The activities that AWS records in one Region only, wherever they are done from: those of
// a global service, and what is done to a trail, which its own Region knows.
var globalActivities = []string{"root_sign_in", "ConsoleLogin"}

const trailActivity = "stop_logging"

// homeGaps adds a gap for each Region where the activity would be recorded and that the run
// did not ask for; what was asked for and not read is a gap already.
func (t *tally) homeGaps(facts []Fact, looked map[Cell]bool) {
	if t.check.Source != ActivitySource {
		return
	}
	need := func(c Cell, detail string) {
		if _, asked := looked[c]; !asked {
			t.gaps = append(t.gaps, gap{c, HomeNotRead, detail})
		}
	}
	kept := map[string]bool{}
	for _, f := range facts {
		if home, ok := trailHome(f); ok && t.check.Key == trailActivity && !kept[f.Account+f.Resource] {
			kept[f.Account], kept[f.Account+f.Resource] = true, true
			need(home, fmt.Sprintf("A trail is kept in %s, and only there is recorded what is done to it. The run did not ask there.", home))
		}
	}
	seen := map[string]bool{}
	for cell, ok := range looked {
		if seen[cell.Account] || !ok {
			continue
		}
		seen[cell.Account] = true
		switch {
		case slices.Contains(globalActivities, t.check.Key):
			home := Cell{cell.Account, globalRegion(cell.Region)}
			need(home, fmt.Sprintf("Most sign-ins are recorded in %s, wherever they come from. The run did not ask there.", home))
		case t.check.Key == trailActivity && !kept[cell.Account]:
			t.gaps = append(t.gaps, gap{cell, HomeNotRead, fmt.Sprintf("No trail is known in account %s, and one that is gone was recorded only in its own Region.", cell.Account)})
		}
	}
}

// trailHome is where the trail is kept that a fact names.
func trailHome(f Fact) (Cell, bool) {
	part := strings.SplitN(f.Resource, ":", 6)
	if f.Reason != TrailKept || len(part) < 6 {
		return Cell{}, false
	}
	return Cell{part[4], part[3]}, true
}

// globalRegion is the Region that records for services without Regions, in the partition of
// a Region.
func globalRegion(region string) string {
	switch {
	case strings.HasPrefix(region, "us-gov-"):
		return "us-gov-west-1"
	case strings.HasPrefix(region, "cn-"):
		return "cn-north-1"
	}
	return "us-east-1"
}
