package awscloud_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"orrery/internal/awscloud"
	"orrery/internal/awscloud/awstest"
	"orrery/internal/evidence"
)

var (
	mine   = awstest.Evaluated{Kind: "AWS::S3::Bucket", ID: "mine", Annotation: "No lock."}
	theirs = awstest.Evaluated{Kind: "AWS::EC2::Volume", ID: "vol-1"}
	group  = awstest.Evaluated{Kind: "AWS::RDS::DBInstance", ID: "db-ABC"}
	topic  = awstest.Evaluated{Kind: "AWS::SNS::Topic", ID: "arn:aws:sns:eu-west-1:111111111111:news"}
)

const (
	mineARN   = "arn:aws:s3:::mine"
	theirsARN = "arn:aws:ec2:eu-west-1:111111111111:volume/vol-1"
)

// failingRule is a Region in which a rule is not compliant, and the tags that are told.
func failingRule(failing ...awstest.Evaluated) awstest.Region {
	tags := awstest.Always(map[string]any{"ResourceTagMappingList": []any{
		map[string]any{"ResourceARN": mineARN, "Tags": []any{map[string]any{"Key": "app", "Value": "payments"}}},
		map[string]any{"ResourceARN": theirsARN, "Tags": []any{map[string]any{"Key": "app", "Value": "another"}}},
	}})
	return awstest.Region{Recorders: []awstest.Recorder{{Name: "default"}}, Answers: awstest.Answers{"GetResources": tags},
		Rules: []awstest.Rule{{Name: "root-mfa", Compliance: "NON_COMPLIANT", Failing: failing}, {Name: "sound"}}}
}

// resources are what facts are about, the account left out.
func (r reading) resources() (out []string) {
	for _, f := range r.facts {
		if f.Resource != own {
			out = append(out, f.Resource)
		}
	}
	return out
}

// What fails a rule is told one by one, with its tags as far as they are known.
func TestRuleNamesWhatFails(t *testing.T) {
	ask := evidence.Ask{ConfigRules: []string{"root-mfa", "sound"}}
	r, aws := read(t, world(failingRule(mine, theirs, topic)), ask, awscloud.Options{Unlimited: true})
	if got := r.resources(); !slices.Equal(got, []string{mineARN, theirsARN, topic.ID}) {
		t.Errorf("named are %v", got)
	}
	if f := r.of("root-mfa"); f.Resource != own || f.State != evidence.Fail || f.Reason != "" || !strings.HasPrefix(f.Title, "3 resources are not compliant with the Config rule root-mfa") {
		t.Errorf("the rule's own fact: %+v", f)
	}
	for _, f := range r.facts {
		if f.Resource == mineARN && (f.State != evidence.Fail || !slices.Equal(f.Tags, []string{"app=payments"}) || !strings.Contains(string(f.Detail), "No lock.") ||
			f.Title != "AWS::S3::Bucket mine is not compliant with the Config rule root-mfa in account 111111111111, eu-west-1.") {
			t.Errorf("got %+v %s", f, f.Detail)
		}
	}
	if calls := aws.Calls("GetComplianceDetailsByConfigRule"); len(calls) != 1 || !strings.Contains(calls[0].Body, "NON_COMPLIANT") {
		t.Errorf("details were asked for %d times: %+v", len(calls), calls)
	}
	if tags := aws.Calls("GetResources"); len(tags) != 1 || !strings.Contains(tags[0].Body, mineARN) {
		t.Errorf("tags: %+v", tags)
	}
	if o := r.outcomes[evidence.RuleSource]; o.Result != evidence.OK || o.Detail != "" {
		t.Errorf("got %+v", o)
	}
}

func TestRuleWithoutAWholeList(t *testing.T) {
	many := make([]awstest.Evaluated, 730)
	for i := range many {
		many[i] = awstest.Evaluated{Kind: "AWS::S3::Bucket", ID: fmt.Sprintf("bucket-%03d", i)}
	}
	denied := awstest.Fault{Code: "AccessDeniedException", Forever: true}
	tests := []struct {
		name    string
		failing []awstest.Evaluated
		op      string
		named   int
		reason  string
		says    string
	}{
		{"more than are listed", many, "", 500, evidence.Unlisted, "Only the first 500 of what fails were read."},
		{"denied", []awstest.Evaluated{mine}, "GetComplianceDetailsByConfigRule", 0, evidence.Unlisted, "Access was denied to config:GetComplianceDetailsByConfigRule"},
		{"the tags are denied", []awstest.Evaluated{mine}, "GetResources", 1, evidence.TagsUnread, "Their tags could not be read. Access was denied to tag:GetResources"},
		{"a kind whose ARN is not known", []awstest.Evaluated{mine, group}, "", 2, evidence.TagsUnread, "The tags of some of them are not known."},
		{"the account itself", nil, "", 0, "", "Something is not compliant"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r, _ := read(t, world(failingRule(tt.failing...)), evidence.Ask{ConfigRules: []string{"root-mfa", "sound"}}, awscloud.Options{Unlimited: true}, func(s *awstest.Server) {
				if tt.op != "" {
					s.Fail(tt.op, denied)
				}
			})
			if f := r.of("root-mfa"); len(r.resources()) != tt.named || f.State != evidence.Fail || f.Reason != tt.reason || !strings.Contains(f.Title, tt.says) {
				t.Errorf("%d named; %+v", len(r.resources()), f)
			}
			if o := r.outcomes[evidence.RuleSource]; o.Result != evidence.OK || r.of("sound").State != evidence.Pass || tt.name == "denied" && o.Permission != "config:GetComplianceDetailsByConfigRule" {
				t.Errorf("got %+v", o)
			}
		})
	}
}

// The hub names what fails of the account; what it refuses the account itself is asked for.
func TestHubNamesWhatFails(t *testing.T) {
	for _, refused := range []bool{false, true} {
		w := organisation(func(w *awstest.World) {
			w.Hub.Rules[0].Compliance, w.Hub.Rules[0].Failing = "NON_COMPLIANT", []awstest.Evaluated{mine}
			w.Regions[eu].Rules[0].Failing = []awstest.Evaluated{theirs}
		})
		r, _ := read(t, w, throughHub(), awscloud.Options{Unlimited: true}, func(s *awstest.Server) {
			if refused {
				s.Fail("GetAggregateComplianceDetailsByConfigRule", awstest.Fault{Code: "AccessDeniedException", Forever: true})
			}
		})
		want := map[bool]string{false: mineARN, true: theirsARN}[refused]
		if !slices.Contains(r.resources(), want) || r.of("root-mfa").Reason == evidence.Unlisted {
			t.Errorf("refused %v: named are %v; %+v", refused, r.resources(), r.of("root-mfa"))
		}
	}
}

// A verdict of a tagged workload rests on what carries its tags; the list beside the question
// names it, what to track has it, and its item closes by a reading in which nothing fails.
func TestVerdictNamesWhatFailsARule(t *testing.T) {
	scoped := check(evidence.RuleSource, "root-mfa", "all_pass", "resource")
	h, aws, c := setup(t, world(failingRule(mine, theirs, topic)), awscloud.Options{Unlimited: true})
	h.Scope(t, []string{account}, []string{eu}, "app=payments")
	h.Publish(scoped)
	h.Work(t, c)
	h.Collect(t)
	v := h.Verdict(t, scoped)
	expect(t, v, evidence.Contradicts, "", "AWS::S3::Bucket mine is not compliant")
	if v.Untagged != 1 { // read back from where it is kept
		t.Errorf("untagged are %d", v.Untagged)
	}
	if v.Failed != 1 || len(v.Failing) != 1 || v.Failing[0].Resource != mineARN {
		t.Errorf("named are %+v", v.Failing)
	}
	failures, err := h.Service.Failures(context.Background(), h.Member, h.Workload)
	if err != nil || len(failures) != 1 || failures[0].Failed != 1 || !slices.Equal(failures[0].Resources, []string{mineARN}) {
		t.Fatalf("failures: %+v, %v", failures, err)
	}
	if _, err = h.Service.Track(context.Background(), h.Member, h.Workload, evidence.TrackInput{Keys: []string{failures[0].Key()}, OwnerID: h.Member.PersonID.String(), DueOn: "2099-01-31"}); err != nil {
		t.Fatal(err)
	}
	item := func(want string) {
		t.Helper()
		if h.Count(t, `select count(*) from items where state = $1`, want) != 1 {
			t.Errorf("the item is not %s", want)
		}
	}
	item("open")

	aws.Change(func(w *awstest.World) { w.Regions[eu].Rules[0].Failing = []awstest.Evaluated{theirs} })
	h.Collect(t)
	expect(t, h.Verdict(t, scoped), evidence.CannotTell, evidence.NothingInScope)
	if failures, err = h.Service.Failures(context.Background(), h.Member, h.Workload); err != nil || len(failures) != 0 {
		t.Errorf("failures of others: %+v, %v", failures, err)
	}
	item("verified") // nothing of the kind is left in the scope

	aws.Change(func(w *awstest.World) { w.Regions[eu].Rules[0].Failing = []awstest.Evaluated{theirs, mine, group} })
	h.Collect(t)
	if v := h.Verdict(t, scoped); v.Verdict != evidence.Contradicts || v.Failed != 2 {
		t.Errorf("with tags that are not known the rule itself counts: %+v", v)
	}
	item("open")

	// a list that is not whole closes nothing
	aws.Fail("GetComplianceDetailsByConfigRule", awstest.Fault{Code: "AccessDeniedException", Forever: true})
	h.Collect(t)
	if n := len(h.Facts(t, evidence.FactFilter{Control: "root-mfa"})); n != 2 { // its own fact, and mine
		t.Errorf("%d facts stand", n)
	}
	item("open")
	aws.Mend()
	aws.Change(func(w *awstest.World) { w.Regions[eu].Rules[0] = awstest.Rule{Name: "root-mfa"} })
	h.Collect(t)
	expect(t, h.Verdict(t, scoped), evidence.Supports, "")
	item("verified")
	if n := h.Count(t, `select count(*) from facts where gone_at is null and state = 'fail'`); n != 0 {
		t.Errorf("%d failures stand", n)
	}
}
