package evidence_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"orrery/internal/evidence"
	"orrery/internal/questionnaire"
)

const (
	one = "111111111111"
	two = "222222222222"
	eu  = "eu-west-1"
	us  = "us-east-1"
	app = "arn:aws:servicecatalog:eu-west-1:111111111111:/applications/ledger"
)

var (
	now = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

	everyPasses = check(evidence.ControlSource, "S3.1", "all_pass", "resource")
	anyPasses   = check(evidence.ControlSource, "S3.1", "any_pass", "resource")
	wholeOf     = check(evidence.ControlSource, "CloudTrail.1", "all_pass", "account")
	ruleOf      = check(evidence.RuleSource, "x", "all_pass", "account")
	trailWorks  = check(evidence.TrailSource, "trail", "all_pass", "account")
	users       = check(evidence.ControlSource, "IAM.9", "all_pass", "account")
	seenLately  = questionnaire.Check{Source: evidence.ControlSource, Key: "X.1", Expect: "seen_within", Within: 48 * time.Hour, Level: "resource"}
)

var (
	restored = looking("seen_within", "restore_test", 30*24*time.Hour)
	quiet    = looking("not_seen_within", "root_sign_in", 30*24*time.Hour)
)

// stopped asks whether a trail was stopped; kept says where a trail is.
var stopped = looking("not_seen_within", "stop_logging", 30*24*time.Hour)

func kept(account, region string) evidence.Fact {
	return fact(evidence.NotApplicable, "arn:aws:cloudtrail:"+region+":"+account+":trail/main", 0, because("trail_kept"))
}

func looking(expect, key string, within time.Duration) questionnaire.Check {
	return questionnaire.Check{ID: "c", Choice: "a", Source: evidence.ActivitySource, Key: key, Expect: expect, Within: within, Level: "account"}
}

func check(source, key, expect, level string) questionnaire.Check {
	return questionnaire.Check{ID: "c", Choice: "a", Source: source, Key: key, Expect: expect, Level: level}
}

// line is one line of the ledger of the check's source.
func line(account, region string, r evidence.Result) evidence.CellState {
	return evidence.CellState{Cell: evidence.Cell{Account: account, Region: region}, State: "done", Result: r,
		Detail: map[bool]string{false: fmt.Sprintf("It was %s in %s %s.", r, account, region)}[r == evidence.OK]}
}

// fact is a fact in account one and eu-west-1, n hours old; change alters it.
func fact(state evidence.FactState, resource string, hours int, change ...func(*evidence.Fact)) evidence.Fact {
	f := evidence.Fact{Account: one, Region: eu, Resource: resource, State: state, ObservedAt: now.Add(-time.Duration(hours) * time.Hour)}
	for _, c := range change {
		c(&f)
	}
	return f
}

func in(account, region string) func(*evidence.Fact) {
	return func(f *evidence.Fact) { f.Account, f.Region = account, region }
}
func because(code string) func(*evidence.Fact) { return func(f *evidence.Fact) { f.Reason = code } }
func titled(s string) func(*evidence.Fact)     { return func(f *evidence.Fact) { f.Title = s } }
func tagged(tags ...string) func(*evidence.Fact) {
	return func(f *evidence.Fact) { f.Tags = tags }
}
func ofApp(f *evidence.Fact) { f.ApplicationARN = app }

type judgeCase struct {
	name   string
	check  questionnaire.Check
	cells  []evidence.CellState
	tags   []string
	arn    string
	facts  []evidence.Fact
	want   evidence.State
	reason string
	hours  int    // age of what it rests on; -1: rests on nothing
	says   string // part of the sentence
}

type facts = []evidence.Fact

const (
	p, f, s, na, u = evidence.Pass, evidence.Fail, evidence.Suppressed, evidence.NotApplicable, evidence.Unknown
)

var (
	okEU, okUS = line(one, eu, evidence.OK), line(one, us, evidence.OK)
	account    = evidence.AccountResource(one)
)

var judgeCases = []judgeCase{
	{name: "everything evaluated passes", check: everyPasses, cells: []evidence.CellState{okEU}, facts: facts{fact(p, "a", 1), fact(p, "b", 5)}, want: "supports", hours: 5, says: "2 resources pass, none fails."},
	{name: "some fail", check: everyPasses, cells: []evidence.CellState{okEU}, facts: facts{fact(p, "a", 1), fact(f, "b", 5), fact(f, "c", 2)}, want: "mixed", reason: "some_fail", hours: 2, says: "2 of 3 resources fail."},
	{name: "all fail", check: everyPasses, cells: []evidence.CellState{okEU}, facts: facts{fact(f, "a", 1), fact(f, "b", 5)}, want: "contradicts", hours: 1, says: "2 resources fail."},
	{name: "one fails of an account's", check: wholeOf, cells: []evidence.CellState{okEU, okUS}, facts: facts{fact(p, account, 1), fact(f, account, 3, in(one, us))}, want: "contradicts", hours: 3, says: "1 of 2 accounts and Regions fails."},
	{name: "our own source speaks in its own sentence", check: trailWorks, cells: []evidence.CellState{okEU}, facts: facts{fact(f, account, 0, titled("The trail x is stopped."))}, want: "contradicts", says: "The trail x is stopped."},
	{name: "our own source supports in its own sentence", check: trailWorks, cells: []evidence.CellState{okEU}, facts: facts{fact(p, account, 0, titled("The trail x works."))}, want: "supports", says: "The trail x works."},

	{name: "denied", check: everyPasses, cells: []evidence.CellState{line(one, eu, evidence.Denied)}, want: "cannot_tell", reason: "denied", hours: -1, says: "It was denied in"},
	{name: "off", check: everyPasses, cells: []evidence.CellState{line(one, eu, evidence.Off)}, want: "cannot_tell", reason: "off", hours: -1},
	{name: "throttled", check: everyPasses, cells: []evidence.CellState{line(one, eu, evidence.Throttled)}, want: "cannot_tell", reason: "throttled", hours: -1},
	{name: "expired", check: everyPasses, cells: []evidence.CellState{line(one, eu, evidence.Expired)}, want: "cannot_tell", reason: "expired", hours: -1},
	{name: "Region off", check: everyPasses, cells: []evidence.CellState{line(one, eu, evidence.RegionOff)}, want: "cannot_tell", reason: "region_off", hours: -1},
	{name: "wrong account", check: everyPasses, cells: []evidence.CellState{line(one, eu, evidence.WrongAccount)}, want: "cannot_tell", reason: "wrong_account", hours: -1},
	{name: "another error", check: everyPasses, cells: []evidence.CellState{line(one, eu, evidence.Error)}, want: "cannot_tell", reason: "error", hours: -1},
	{name: "partial", check: everyPasses, cells: []evidence.CellState{line(one, eu, evidence.Partial)}, facts: facts{fact(p, "a", 1)}, want: "cannot_tell", reason: "partial", hours: -1},
	{name: "one cell passes, another is denied", check: everyPasses, cells: []evidence.CellState{okEU, line(one, us, evidence.Denied)}, facts: facts{fact(p, "a", 1)}, want: "cannot_tell", reason: "denied", hours: 1, says: "1 resource passes, but not everything was looked at. It was denied"},
	{name: "one cell fails, another is denied", check: everyPasses, cells: []evidence.CellState{okEU, line(one, us, evidence.Denied)}, facts: facts{fact(f, "a", 1)}, want: "contradicts", hours: 1, says: "It was denied"},
	{name: "old passes of a cell that is denied now", check: everyPasses, cells: []evidence.CellState{line(one, eu, evidence.Denied)}, facts: facts{fact(p, "a", 20)}, want: "cannot_tell", reason: "denied", hours: -1},
	{name: "an old failure of a cell that is denied now", check: everyPasses, cells: []evidence.CellState{line(one, eu, evidence.Denied)}, facts: facts{fact(f, "a", 20)}, want: "contradicts", hours: 20},
	{name: "what can be mended is said first", check: everyPasses, cells: []evidence.CellState{line(one, us, evidence.Partial), line(two, eu, evidence.Denied)}, want: "cannot_tell", reason: "denied", hours: -1, says: "1 more is not known either."},

	{name: "passes and suppressed", check: everyPasses, cells: []evidence.CellState{okEU}, facts: facts{fact(p, "a", 1), fact(s, "b", 9)}, want: "mixed", reason: "some_suppressed", hours: 1, says: "1 resource passes, 1 is suppressed in AWS, which is not a pass."},
	{name: "only suppressed", check: everyPasses, cells: []evidence.CellState{okEU}, facts: facts{fact(s, "b", 9)}, want: "cannot_tell", reason: "only_suppressed", hours: -1},
	{name: "fails and suppressed", check: everyPasses, cells: []evidence.CellState{okEU}, facts: facts{fact(f, "a", 1), fact(s, "b", 9)}, want: "contradicts", hours: 1},
	{name: "vacuous", check: everyPasses, cells: []evidence.CellState{okEU}, facts: facts{fact(na, "a", 1, because("vacuous"))}, want: "cannot_tell", reason: "vacuous", hours: -1, says: "That is not a pass."},
	{name: "a rule with nothing in reach", check: check(evidence.RuleSource, "x", "all_pass", "resource"), cells: []evidence.CellState{okEU}, facts: facts{fact(na, account, 1, because("rule_not_applied"))}, want: "cannot_tell", reason: "rule_not_applied", hours: -1},
	{name: "a rule steps aside for what fails it", check: ruleOf, cells: []evidence.CellState{okEU}, facts: facts{fact(f, account, 0), fact(f, "a", 0, titled("a is not compliant.")), fact(f, "b", 0)}, want: "contradicts", says: "2 resources fail. a is not compliant."},
	{name: "a rule counts itself while the list is not whole", check: ruleOf, cells: []evidence.CellState{okEU}, facts: facts{fact(f, account, 0, because("resources_unlisted"), titled("Not everything that fails could be listed.")), fact(f, "a", 0)}, want: "contradicts", says: "2 resources fail. Not everything"},
	{name: "a rule without a list", check: ruleOf, cells: []evidence.CellState{okEU}, facts: facts{fact(f, account, 0, titled("Something is not compliant."))}, want: "contradicts", says: "Something is not compliant."},
	{name: "what fails a rule is others'", check: check(evidence.RuleSource, "x", "all_pass", "resource"), cells: []evidence.CellState{okEU}, tags: []string{"app=ledger"}, facts: facts{fact(f, account, 0), fact(f, "a", 0, tagged("app=shop"))}, want: "cannot_tell", reason: "nothing_in_scope", hours: -1},
	{name: "the tags of what fails a rule are not known", check: check(evidence.RuleSource, "x", "all_pass", "resource"), cells: []evidence.CellState{okEU}, tags: []string{"app=ledger"}, facts: facts{fact(f, account, 0, because("tags_unread"), titled("One is not compliant.")), fact(f, "a", 0)}, want: "contradicts", says: "One is not compliant."},
	{name: "nor do they matter without tags", check: check(evidence.RuleSource, "x", "all_pass", "resource"), cells: []evidence.CellState{okEU}, facts: facts{fact(f, account, 0, because("tags_unread")), fact(f, "a", 0, titled("a is not compliant."))}, want: "contradicts", says: "a is not compliant."},
	{name: "vacuous beside no finding", check: everyPasses, cells: []evidence.CellState{okEU, okUS}, facts: facts{fact(na, account, 1, because("no_finding")), fact(na, account, 1, in(one, us), because("vacuous"))}, want: "cannot_tell", reason: "vacuous", hours: -1},
	{name: "vacuous in one Region, passes in another", check: everyPasses, cells: []evidence.CellState{okEU, okUS}, facts: facts{fact(na, account, 1, because("vacuous")), fact(p, "b", 1, in(one, us))}, want: "supports", hours: 1},
	{name: "no finding anywhere", check: everyPasses, cells: []evidence.CellState{okEU}, facts: facts{fact(na, account, 0, because("no_finding"))}, want: "cannot_tell", reason: "no_finding", hours: -1},
	{name: "no finding in one Region, passes in another", check: everyPasses, cells: []evidence.CellState{okEU, okUS}, facts: facts{fact(na, account, 0, because("no_finding")), fact(p, "b", 1, in(one, us))}, want: "supports", hours: 1},
	{name: "control disabled in one Region", check: everyPasses, cells: []evidence.CellState{okEU, okUS}, facts: facts{fact(u, account, 0, because("control_disabled")), fact(p, "b", 1, in(one, us))}, want: "cannot_tell", reason: "control_disabled", hours: 1},
	{name: "AWS could not evaluate one", check: everyPasses, cells: []evidence.CellState{okEU}, facts: facts{fact(u, "a", 0, because("CONFIG_ACCESS_DENIED"), titled("It could not be evaluated.")), fact(p, "b", 1)}, want: "cannot_tell", reason: "CONFIG_ACCESS_DENIED", hours: 1, says: "It could not be evaluated."},
	{name: "never asked: no line of the source", check: everyPasses, cells: nil, want: "cannot_tell", reason: "not_read", hours: -1},
	{name: "never asked: read, but nothing said", check: everyPasses, cells: []evidence.CellState{okEU, okUS}, facts: facts{fact(p, "a", 1)}, want: "cannot_tell", reason: "not_read", hours: 1},
	{name: "a source nobody reads", check: check("trustedadvisor.check", "x", "any_pass", "account"), cells: nil, want: "cannot_tell", reason: "not_read", hours: -1, says: "does not read this source"},

	{name: "tags: mine pass, others fail", check: everyPasses, cells: []evidence.CellState{okEU}, tags: []string{"app=ledger", "app=books"}, facts: facts{fact(p, "a", 1, tagged("app=books", "env=prod")), fact(f, "b", 1, tagged("app=shop")), fact(f, "c", 1)}, want: "supports", hours: 1, says: "1 resource passes"},
	{name: "tags: none is mine", check: everyPasses, cells: []evidence.CellState{okEU}, tags: []string{"app=ledger"}, facts: facts{fact(p, "a", 1), fact(p, "b", 1, tagged("app=shop"))}, want: "cannot_tell", reason: "nothing_in_scope", hours: -1, says: "2 resources were evaluated in these accounts, but none carries"},
	{name: "tags: level account takes all", check: wholeOf, cells: []evidence.CellState{okEU}, tags: []string{"app=ledger"}, facts: facts{fact(f, "a", 1, tagged("app=shop"))}, want: "contradicts", hours: 1},
	{name: "tags: a fact on the account is everyone's", check: everyPasses, cells: []evidence.CellState{okEU}, tags: []string{"app=ledger"}, facts: facts{fact(f, account, 1)}, want: "contradicts", hours: 1},
	{name: "application: mine", check: everyPasses, cells: []evidence.CellState{okEU}, arn: app, facts: facts{fact(p, "a", 1, ofApp), fact(f, "b", 1, tagged("app=ledger"))}, want: "supports", hours: 1},
	{name: "application or tag", check: everyPasses, cells: []evidence.CellState{okEU}, arn: app, tags: []string{"app=ledger"}, facts: facts{fact(p, "a", 1, ofApp), fact(f, "b", 2, tagged("app=ledger"))}, want: "mixed", reason: "some_fail", hours: 2},

	{name: "any: one passes, another cell is denied", check: anyPasses, cells: []evidence.CellState{okEU, line(one, us, evidence.Denied)}, facts: facts{fact(p, "a", 5), fact(p, "c", 2), fact(f, "b", 1)}, want: "supports", hours: 2},
	{name: "any: none passes, another cell is denied", check: anyPasses, cells: []evidence.CellState{okEU, line(one, us, evidence.Denied)}, facts: facts{fact(f, "b", 1)}, want: "cannot_tell", reason: "denied", hours: -1},
	{name: "any: none passes", check: anyPasses, cells: []evidence.CellState{okEU}, facts: facts{fact(f, "b", 1)}, want: "contradicts", hours: 1},
	{name: "any: a pass of a cell that is denied now", check: anyPasses, cells: []evidence.CellState{line(one, eu, evidence.Denied)}, facts: facts{fact(p, "b", 1)}, want: "cannot_tell", reason: "denied", hours: -1},
	{name: "any: only suppressed", check: anyPasses, cells: []evidence.CellState{okEU}, facts: facts{fact(s, "b", 1)}, want: "cannot_tell", reason: "only_suppressed", hours: -1},
	{name: "seen within: in time", check: seenLately, cells: []evidence.CellState{okEU}, facts: facts{fact(p, "b", 47)}, want: "supports", hours: 0},
	{name: "seen: the newest sighting speaks", check: restored, cells: []evidence.CellState{okEU, okUS}, facts: facts{fact(p, account, 50, titled("A restore was started long ago.")), fact(p, account, 20, in(one, us), titled("A restore was started."))}, want: "supports", hours: 0, says: "A restore was started."},
	{name: "seen: too long ago", check: restored, cells: []evidence.CellState{okEU}, facts: facts{fact(p, account, 31*24, titled("A restore was started."))}, want: "contradicts", reason: "not_seen", hours: 0, says: "Nothing was seen within 30 days. A restore was started."},
	{name: "seen: never", check: restored, cells: []evidence.CellState{okEU}, facts: facts{fact(na, account, 0, because("not_seen"), titled("No restore was started."))}, want: "contradicts", reason: "not_seen", hours: 0, says: "No restore was started."},
	{name: "seen: never, another cell is denied", check: restored, cells: []evidence.CellState{okEU, line(one, us, evidence.Denied)}, facts: facts{fact(na, account, 0, because("not_seen"))}, want: "cannot_tell", reason: "denied", hours: -1},
	{name: "seen: in a time that AWS does not remember", check: looking("seen_within", "restore_test", 183*24*time.Hour), cells: []evidence.CellState{okEU}, facts: facts{fact(na, account, 0, because("not_seen"))}, want: "cannot_tell", reason: "not_seen", hours: -1, says: "AWS does not remember the whole time"},
	{name: "not seen: nothing", check: quiet, cells: []evidence.CellState{okEU, okUS}, facts: facts{fact(na, account, 0, because("not_seen")), fact(na, account, 0, in(one, us), because("not_seen"))}, want: "supports", hours: 0, says: "Nothing was seen within 30 days."},
	{name: "not seen: where it is recorded nobody looked", check: quiet, cells: []evidence.CellState{okEU}, facts: facts{fact(na, account, 0, because("not_seen"))}, want: "cannot_tell", reason: "home_not_read", hours: -1, says: "account 111111111111, us-east-1"},
	{name: "seen: where it is recorded nobody looked, and it was seen", check: looking("seen_within", "ConsoleLogin", 30*24*time.Hour), cells: []evidence.CellState{okEU}, facts: facts{fact(p, account, 5)}, want: "supports", hours: 0},
	{name: "not seen: a trail kept here", check: stopped, cells: []evidence.CellState{okEU}, facts: facts{fact(na, account, 0, because("not_seen")), kept(one, eu)}, want: "supports", hours: 0},
	{name: "not seen: a trail kept elsewhere", check: stopped, cells: []evidence.CellState{okEU}, facts: facts{fact(na, account, 0, because("not_seen")), kept(one, "ap-south-1"), kept(one, eu)}, want: "cannot_tell", reason: "home_not_read", hours: -1, says: "ap-south-1"},
	{name: "not seen: a trail of the organisation", check: stopped, cells: []evidence.CellState{okEU}, facts: facts{fact(na, account, 0, because("not_seen")), kept(two, eu)}, want: "cannot_tell", reason: "home_not_read", hours: -1, says: "account 222222222222"},
	{name: "not seen: no trail is known", check: stopped, cells: []evidence.CellState{okEU}, facts: facts{fact(na, account, 0, because("not_seen"))}, want: "cannot_tell", reason: "home_not_read", hours: -1, says: "No trail is known"},
	{name: "not seen: stopped here, a trail kept elsewhere", check: stopped, cells: []evidence.CellState{okEU}, facts: facts{fact(p, account, 5), kept(one, us)}, want: "contradicts", hours: 0},
	{name: "not seen: long ago", check: quiet, cells: []evidence.CellState{okEU, okUS}, facts: facts{fact(na, account, 0, in(one, us), because("not_seen")), fact(p, account, 31*24, titled("The root user signed in."))}, want: "supports", hours: 0},
	{name: "not seen: it was", check: quiet, cells: []evidence.CellState{okEU}, facts: facts{fact(p, account, 5, titled("The root user signed in."))}, want: "contradicts", hours: 0, says: "The root user signed in."},
	{name: "not seen: it was, before the cell was denied", check: quiet, cells: []evidence.CellState{line(one, eu, evidence.Denied)}, facts: facts{fact(p, account, 5, titled("The root user signed in."))}, want: "contradicts", hours: 0},
	{name: "not seen: another cell is off", check: quiet, cells: []evidence.CellState{okEU, line(one, us, evidence.Off)}, facts: facts{fact(na, account, 0, because("not_seen"))}, want: "cannot_tell", reason: "off", hours: -1},
	{name: "not seen: nothing was told", check: quiet, cells: []evidence.CellState{okEU}, want: "cannot_tell", reason: "not_read", hours: -1},
	{name: "once an account: what another Region left behind", check: check(evidence.IAMSource, "root_mfa", "all_pass", "account"), cells: []evidence.CellState{okUS}, facts: facts{fact(f, account, 99), fact(p, account, 0, in(one, us), titled("It has one."))}, want: "supports", hours: 0, says: "It has one."},
	{name: "untagged is counted", check: check(evidence.DatabaseSource, "multi_az", "all_pass", "resource"), cells: []evidence.CellState{okEU}, tags: []string{"app=ledger"}, facts: facts{fact(p, "a", 0, tagged("app=ledger")), fact(f, "b", 0), fact(f, "c", 0, tagged("app=other"))}, want: "supports", hours: 0, says: "1 more resource carries no tag at all and was not counted."},
	{name: "untagged is counted once", check: check(evidence.NetworkSource, "flow_log", "all_pass", "resource"), cells: []evidence.CellState{okEU}, tags: []string{"app=ledger"}, facts: facts{fact(f, "b", 0)}, want: "cannot_tell", reason: "nothing_in_scope", hours: -1, says: "of the scope. 1 of them carries no tag at all."},
	{name: "seen within: too long ago, failure beside", check: seenLately, cells: []evidence.CellState{okEU}, facts: facts{fact(p, "b", 49), fact(f, "c", 1)}, want: "contradicts", hours: 1},

	{name: "global: disabled elsewhere is no gap", check: users, cells: []evidence.CellState{okEU, okUS}, facts: facts{fact(u, account, 0, because("control_disabled")), fact(p, account, 1, in(one, us))}, want: "supports", hours: 1},
	{name: "global: silent elsewhere is no gap", check: users, cells: []evidence.CellState{okEU, okUS}, facts: facts{fact(p, account, 1, in(one, us))}, want: "supports", hours: 1},
	{name: "global: disabled everywhere is one", check: users, cells: []evidence.CellState{okEU, okUS}, facts: facts{fact(u, account, 0, because("control_disabled")), fact(u, account, 0, in(one, us), because("control_disabled"))}, want: "cannot_tell", reason: "control_disabled", hours: -1},
	{name: "global: the same resource counts once, at its worst", check: check(evidence.ControlSource, "IAM.5", "all_pass", "resource"), cells: []evidence.CellState{okEU, okUS}, facts: facts{fact(p, "user/kim", 1), fact(f, "user/kim", 1, in(one, us)), fact(p, "user/sam", 1)}, want: "mixed", reason: "some_fail", hours: 1, says: "1 of 2 resources fails."},
	{name: "global: the Region that was read answers", check: check(evidence.ControlSource, "IAM.5", "any_pass", "resource"), cells: []evidence.CellState{line(one, eu, evidence.Denied), okUS}, facts: facts{fact(p, "user/kim", 3), fact(p, "user/kim", 5, in(one, us))}, want: "supports", hours: 5},
	{name: "a single pass of an account's", check: wholeOf, cells: []evidence.CellState{okEU}, facts: facts{fact(p, account, 1)}, want: "supports", hours: 1, says: "It passes in account 111111111111, eu-west-1."},
	{name: "a pass of AWS that we know better", check: wholeOf, cells: []evidence.CellState{okEU}, facts: facts{fact(f, account, 1, because("recorder_off"), titled("The recorder says otherwise."))}, want: "contradicts", hours: 1, says: "The recorder says otherwise."},
	{name: "global: silent in another account is a gap", check: users, cells: []evidence.CellState{okEU, line(two, eu, evidence.OK)}, facts: facts{fact(p, account, 1), fact(u, evidence.AccountResource(two), 0, in(two, eu), because("control_disabled"))}, want: "cannot_tell", reason: "control_disabled", hours: 1},
}

func TestJudge(t *testing.T) {
	for _, tt := range judgeCases {
		t.Run(tt.name, func(t *testing.T) {
			for i := range tt.cells {
				tt.cells[i].Source = tt.check.Source
			}
			for i := range tt.facts {
				tt.facts[i].Source, tt.facts[i].Control = tt.check.Source, tt.check.Key
			}
			v := evidence.Judge(tt.check, evidence.Ground{Cells: tt.cells, Tags: tt.tags, ApplicationARN: tt.arn, Facts: tt.facts, Now: now})
			if v.Verdict != tt.want || v.Reason != tt.reason {
				t.Errorf("got %s (%q), want %s (%q): %s", v.Verdict, v.Reason, tt.want, tt.reason, v.Detail)
			}
			if !strings.Contains(v.Detail, tt.says) {
				t.Errorf("the sentence is %q, want %q in it", v.Detail, tt.says)
			}
			var want time.Time
			if tt.hours >= 0 {
				want = now.Add(-time.Duration(tt.hours) * time.Hour)
			}
			if !v.AsOf.Equal(want) {
				t.Errorf("as of %v, want %v", v.AsOf, want)
			}
			if v.Check != tt.check.Digest() || v.Detail == "" || !strings.HasSuffix(v.Detail, ".") {
				t.Errorf("verdict is not whole: %+v", v)
			}
		})
	}
}

func TestJudgeListsTenFailing(t *testing.T) {
	var facts []evidence.Fact
	for i := range 25 {
		facts = append(facts, fact(evidence.Fail, fmt.Sprintf("bucket-%02d", 24-i), 1))
	}
	l := line(one, eu, evidence.OK)
	l.Source = evidence.ControlSource
	v := evidence.Judge(everyPasses, evidence.Ground{Cells: []evidence.CellState{l}, Facts: facts, Now: now})
	if v.Failed != 25 || len(v.Failing) != 10 || v.Failing[0].Resource != "bucket-00" || v.Failing[9].Resource != "bucket-09" {
		t.Errorf("25 failures became %d counted and %+v", v.Failed, v.Failing)
	}
}

func TestVerdictAges(t *testing.T) {
	tests := []struct {
		verdict evidence.State
		hours   int
		limit   time.Duration
		want    evidence.State
	}{
		{evidence.Supports, 30, 0, evidence.Supports},
		{evidence.Supports, 31, 0, evidence.Stale},
		{evidence.Contradicts, 31, 0, evidence.Stale},
		{evidence.Mixed, 2, time.Hour, evidence.Stale},
		{evidence.Mixed, 100, 101 * time.Hour, evidence.Mixed},
		{evidence.CannotTell, 1000, 0, evidence.CannotTell},
	}
	for _, tt := range tests {
		v := evidence.Verdict{Verdict: tt.verdict, AsOf: now.Add(-time.Duration(tt.hours) * time.Hour)}
		if got := v.At(now, tt.limit); got != tt.want {
			t.Errorf("%s at %d h with limit %v is %s, want %s", tt.verdict, tt.hours, tt.limit, got, tt.want)
		}
	}
}

// Whatever the facts and the ledger say, a verdict that everything passes has a reading of
// every cell, nothing unknown, nothing failed or suppressed, and at least one pass.
func TestSupportsOnlyWhatWasLookedAt(t *testing.T) {
	states := []evidence.FactState{evidence.Pass, evidence.Pass, evidence.Fail, evidence.Suppressed, evidence.NotApplicable, evidence.Unknown}
	results := []evidence.Result{evidence.OK, evidence.OK, evidence.OK, evidence.Partial, evidence.Denied, evidence.Off, evidence.Error}
	rapid.Check(t, func(t *rapid.T) {
		g := evidence.Ground{Now: now}
		whole, clean, passes := true, true, 0
		for _, region := range rapid.SliceOfNDistinct(rapid.SampledFrom([]string{eu, us, "eu-north-1"}), 1, 3, rapid.ID).Draw(t, "regions") {
			l := line(one, region, rapid.SampledFrom(results).Draw(t, "result"))
			l.Source = evidence.ControlSource
			g.Cells = append(g.Cells, l)
			n := rapid.IntRange(0, 4).Draw(t, "facts")
			whole = whole && l.Result == evidence.OK && n > 0
			for i := range n {
				state := rapid.SampledFrom(states).Draw(t, "state")
				clean = clean && (state == evidence.Pass || state == evidence.NotApplicable)
				if state == evidence.Pass {
					passes++
				}
				f := fact(state, fmt.Sprint(i), i, in(one, region))
				f.Source = evidence.ControlSource
				g.Facts = append(g.Facts, f)
			}
		}
		want := whole && clean && passes > 0
		if v := evidence.Judge(everyPasses, g); (v.Verdict == evidence.Supports) != want {
			t.Fatalf("whole %v, clean %v, %d passes: %s, %s", whole, clean, passes, v.Verdict, v.Detail)
		}
	})
}
