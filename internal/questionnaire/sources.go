package questionnaire

import (
	"cmp"
	"regexp"
	"slices"
	"strings"
	"time"
)

// CheckSource says what a check may look at in one source.
type CheckSource struct {
	Name    string
	Title   string        // for people
	Keys    []string      // the keys it knows; none: what key matches
	key     string        // a pattern of further keys; empty: none
	Sights  bool          // its facts are sightings: expect seen_within or not_seen_within
	Account bool          // its facts are on the account: level account
	Memory  time.Duration // of sightings: how far back AWS can tell
}

const day = 24 * time.Hour

// checkSourceTable lists the sources in the order of a form. What is read from each is in
// docs/evidence.md.
var checkSourceTable = []CheckSource{
	{Name: "securityhub.control", Title: "Security Hub control", key: `^[A-Za-z0-9]+\.[0-9]+$`},
	{Name: "config.rule", Title: "Config rule", key: `^\S+$`},
	{Name: "config.recorder", Title: "Config recorder", Keys: []string{"recorder"}},
	{Name: "cloudtrail.trail", Title: "CloudTrail trail", Keys: []string{"trail", "validated"}},
	{Name: "cloudtrail.activity", Title: "CloudTrail activity", Keys: []string{"restore_test", "game_day", "root_sign_in", "stop_logging"},
		key: `^[A-Z][A-Za-z0-9]+$`, Sights: true, Account: true, Memory: 90 * day},
	{Name: "iam.account", Title: "IAM of the account", Keys: []string{"root_mfa", "root_keys", "user_mfa", "old_keys"}, Account: true},
	{Name: "account.contact", Title: "Alternate contact of the account", Keys: []string{"security", "operations", "billing"}, Account: true},
	{Name: "cloudwatch.alarm", Title: "CloudWatch alarms", Keys: []string{"actions", "data"}},
	{Name: "ec2.vpc", Title: "VPCs", Keys: []string{"flow_log"}},
	{Name: "rds.database", Title: "RDS databases", Keys: []string{"multi_az", "backups"}},
	{Name: "backup.plan", Title: "AWS Backup plans", Keys: []string{"runs"}},
	{Name: "backup.restore", Title: "AWS Backup restore jobs", Keys: []string{"completed"}, Sights: true, Account: true, Memory: 30 * day},
	{Name: "autoscaling.group", Title: "Auto Scaling groups", Keys: []string{"zones", "health_check"}},
	{Name: "elb.balancer", Title: "Load balancers", Keys: []string{"zones", "health_check"}},
}

// TitleOfSource is what people call a source of checks; an unknown one is its own title.
func TitleOfSource(name string) string {
	if s, ok := sourceOf(name); ok {
		return s.Title
	}
	return name
}

// KnowsKey reports whether the source can be asked for the key.
func (s CheckSource) KnowsKey(key string) bool {
	return slices.Contains(s.Keys, key) || s.key != "" && regexp.MustCompile(s.key).MatchString(key)
}

// ownSource is the form of sources that programs of the organisation report to, such as
// own:pipeline; ownKey that of what they report.
var (
	ownSource = regexp.MustCompile(`^own:[a-z0-9][a-z0-9-]{0,39}$`)
	ownKey    = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$`)
)

// IsOwn reports whether programs of the organisation report to the source.
func IsOwn(source string) bool { return ownSource.MatchString(source) }

// IsOwnKey reports whether the key fits a source of the organisation's own.
func IsOwnKey(key string) bool { return ownKey.MatchString(key) }

func sourceOf(name string) (CheckSource, bool) {
	if IsOwn(name) {
		return CheckSource{Name: name, Title: "Reports of " + strings.TrimPrefix(name, "own:"), key: ownKey.String()}, true
	}
	i := slices.IndexFunc(checkSourceTable, func(s CheckSource) bool { return s.Name == name })
	if i < 0 {
		return CheckSource{}, false
	}
	return checkSourceTable[i], true
}

func sourceNames() []string {
	out := make([]string, len(checkSourceTable))
	for i, s := range checkSourceTable {
		out[i] = s.Name
	}
	return out
}

// IsSighted reports whether the facts of a source are sightings: that something was done, be
// it good or bad.
func IsSighted(source string) bool {
	s, _ := sourceOf(source)
	return s.Sights
}

// LooksBack reports whether the check expects sightings, so that it has a Within.
func (c Check) LooksBack() bool { return c.Expect == "seen_within" || c.Expect == "not_seen_within" }

// TooFarBack reports whether the check looks back further than AWS remembers: then only
// what was seen tells anything.
func (c Check) TooFarBack() bool {
	s, _ := sourceOf(c.Source)
	return s.Memory > 0 && c.Within > s.Memory
}

// lintCheck looks for checks that can be read but never say anything.
func (l *linter) lintCheck(c *Check, path string) {
	s, known := sourceOf(c.Source)
	if !known {
		return
	}
	if c.Key != "" && !s.KnowsKey(c.Key) {
		l.warn(join(path, "key"), c.at, "unknown-key", cmp.Or(s.mend(), "Correct the key."), "The source %s has no key %s, so the check %s will not tell anything.", c.Source, c.Key, c.ID)
	}
	switch {
	case s.Sights && !c.LooksBack():
		l.warn(join(path, "expect"), c.at, "not-a-state", "Expect seen_within or not_seen_within.", "The source %s tells when something was last seen, not how it is.", c.Source)
	case IsOwn(c.Source) && c.Expect == "not_seen_within":
		l.warn(join(path, "expect"), c.at, "not-a-sighting", "Expect all_pass, any_pass or seen_within.", "What nobody reported may have happened all the same, so the check %s can never be met.", c.ID)
	case !s.Sights && c.Expect == "not_seen_within":
		l.warn(join(path, "expect"), c.at, "not-a-sighting", "Expect all_pass or any_pass.", "The source %s tells how something is, not when it was last seen.", c.Source)
	}
	if c.Expect == "not_seen_within" && c.TooFarBack() {
		l.warn(join(path, "within"), c.at, "too-far-back", "Look back at most "+s.Memory.String()+".", "AWS remembers %s for %d days only, so the check %s can never be met.", c.Source, int(s.Memory/day), c.ID)
	}
	if s.Account && c.Level != "" && c.Level != "account" {
		l.warn(join(path, "level"), c.at, "level-account", "Make the level account.", "What %s tells is about the account and carries no tags, so with the level resource it may not count.", c.Source)
	}
}

// mend lists the keys of a source that has a few.
func (s CheckSource) mend() string {
	if len(s.Keys) == 0 {
		return ""
	}
	out := "It has " + strings.Join(s.Keys, ", ")
	if s.key != "" {
		out += ", and the names of events"
	}
	return out + "."
}

// SourcesOfChecks lists the sources in the order of a form.
func SourcesOfChecks() []CheckSource { return slices.Clone(checkSourceTable) }
