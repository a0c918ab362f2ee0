package views

import (
	"encoding/json"
	"testing"

	"orrery/internal/evidence"
	"orrery/internal/questionnaire"
	"orrery/internal/review"
)

func TestConsoleAddress(t *testing.T) {
	for want, f := range map[string]evidence.Fact{
		"https://console.aws.amazon.com/securityhub/home?region=eu-west-1#/controls/S3.1":                     {Source: evidence.ControlSource, Control: "S3.1", Region: "eu-west-1"},
		"https://console.aws.amazon.com/config/home?region=eu-west-1#/rules/details?configRuleName=a%26b":     {Source: evidence.RuleSource, Control: "a&b", Region: "eu-west-1"},
		"https://console.aws.amazon.com/go/view?arn=arn%3Aaws%3Ards%3Aeu-west-1%3A111111111111%3Adb%3Aorders": {Source: evidence.DatabaseSource, Region: "eu-west-1", Resource: "arn:aws:rds:eu-west-1:111111111111:db:orders"},
		"https://console.aws.amazon.com/iam/home?region=us-east-1":                                            {Source: evidence.IAMSource, Region: "us-east-1", Resource: "AWS::::Account:111111111111"},
		"": {Source: evidence.IAMSource, Region: "cn-north-1"},
	} {
		if got := consoleAddress(f); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	if got := consoleAddress(evidence.Fact{Source: "own:pipeline", Region: "eu-west-1"}); got != "" {
		t.Errorf("what programs report leads to %s", got)
	}
}

func TestWhatIsBehindAVerdict(t *testing.T) {
	v := evidence.Verdict{Passed: 2, Failed: 12, Suppressed: 1, NotEvaluated: 3}
	if got := scopeCounts(v); got != "18 in the scope, 15 evaluated" || scopeCounts(evidence.Verdict{}) != "" {
		t.Errorf("got %q", got)
	}
	if got := scopeCounts(evidence.Verdict{Passed: 1, Untagged: 4}); got != "1 in the scope, 1 evaluated, 4 untagged" {
		t.Errorf("got %q", got)
	}
	p := review.Proof{Check: questionnaire.Check{Source: evidence.DatabaseSource, Key: "multi_az"}, Verdict: v, Read: true}
	if got := factsOfProof("shop", p); got != "/workloads/shop/evidence?control=multi_az&source=rds.database&state=fail&view=facts" {
		t.Errorf("the facts are at %s", got)
	}
	p.Check.Source = evidence.ActivitySource
	if got := factsOfProof("shop", p); got != "/workloads/shop/evidence?control=multi_az&source=cloudtrail.activity&view=facts" {
		t.Errorf("the sightings are at %s", got)
	}
	if got := documentOf(evidence.Fact{Detail: json.RawMessage(`{"a":1}`)}); got != "{\n  \"a\": 1\n}" || documentOf(evidence.Fact{Detail: json.RawMessage(`{}`)}) != "" {
		t.Errorf("the document is %q", got)
	}
}
