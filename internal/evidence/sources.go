package evidence

import (
	"cmp"
	"maps"
	"slices"
)

// The further sources. Their keys are in the table of the questionnaire room; what each
// looks at is in docs/evidence.md.
const (
	ActivitySource = "cloudtrail.activity" // when something was last done, by CloudTrail's event history
	IAMSource      = "iam.account"         // the account's summary and its credential report
	ContactSource  = "account.contact"     // the account's alternate contacts
	AlarmSource    = "cloudwatch.alarm"
	NetworkSource  = "ec2.vpc"
	DatabaseSource = "rds.database"
	PlanSource     = "backup.plan"
	RestoreSource  = "backup.restore" // when AWS Backup last completed a restore
	GroupSource    = "autoscaling.group"
	BalancerSource = "elb.balancer"
	ToolSource     = "wellarchitected" // what people answered in the Well-Architected Tool; no check looks at it
)

// furtherSources are those of Ask.More, in the order in which they are read.
var furtherSources = []string{ActivitySource, IAMSource, ContactSource, AlarmSource, NetworkSource, DatabaseSource,
	PlanSource, RestoreSource, GroupSource, BalancerSource, ToolSource}

// globalSources have no Regions: a run reads them once for each account, in one Region.
var globalSources = []string{IAMSource, ContactSource}

// reads reports whether Orrery collects the source at all.
func reads(source string) bool {
	return slices.Contains(Sources(), source)
}

// further lists the further sources the ask touches.
func (a Ask) further() []string {
	var out []string
	for _, s := range furtherSources {
		if len(a.More[s]) > 0 {
			out = append(out, s)
		}
	}
	return out
}

// onlyMore is the part of a.More that touches the sources.
func (a Ask) onlyMore(sources []string) map[string][]string {
	out := maps.Clone(a.More)
	maps.DeleteFunc(out, func(source string, _ []string) bool { return !slices.Contains(sources, source) })
	return out
}

// addMore asks the source for the key when it is one of the further ones.
func (a *Ask) addMore(source, key string) {
	if !slices.Contains(furtherSources, source) || slices.Contains(a.More[source], key) {
		return
	}
	if a.More == nil {
		a.More = map[string][]string{}
	}
	a.More[source] = append(a.More[source], key)
	slices.Sort(a.More[source])
}

// homeRegion is the Region in which a run reads what has no Regions: where such services
// live when the scope has it, else the first.
func homeRegion(cells []Cell) string {
	home := ""
	for _, c := range cells {
		if c.Region == "us-east-1" {
			return c.Region
		}
		if home == "" || cmp.Less(c.Region, home) {
			home = c.Region
		}
	}
	return home
}

// onceAnAccount are the sources that a ledger has once for each account. When there is no
// other source every cell has them all, so that a run shows which Regions it covers.
func onceAnAccount(sources []string) []string {
	out := []string{}
	for _, s := range sources {
		if slices.Contains(globalSources, s) {
			out = append(out, s)
		}
	}
	if len(out) == len(sources) {
		return []string{}
	}
	return out
}
