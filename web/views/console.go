package views

import (
	"bytes"
	"encoding/json"
	"net/url"
	"strings"

	"orrery/internal/evidence"
	"orrery/internal/questionnaire"
	"orrery/internal/review"
)

// consolePages are the pages of AWS's console by source, after the Region.
var consolePages = map[string]string{
	evidence.RecorderSource: "config/home", evidence.TrailSource: "cloudtrailv2/home", evidence.ActivitySource: "cloudtrailv2/home", evidence.IAMSource: "iam/home",
	evidence.ContactSource: "billing/home", evidence.AlarmSource: "cloudwatch/home", evidence.NetworkSource: "vpcconsole/home", evidence.DatabaseSource: "rds/home",
	evidence.PlanSource: "backup/home", evidence.RestoreSource: "backup/home", evidence.GroupSource: "ec2/home", evidence.BalancerSource: "ec2/home",
	evidence.ToolSource: "wellarchitected/home",
}

// consoleAddress is where AWS's console shows what a fact is about: its control or rule, its
// resource by ARN, or the service. Empty for sources of others and other partitions of AWS.
func consoleAddress(f evidence.Fact) string {
	if strings.HasPrefix(f.Region, "cn-") || strings.HasPrefix(f.Region, "us-gov-") || f.Region == "" {
		return ""
	}
	region := url.QueryEscape(f.Region)
	base := "https://console.aws.amazon.com/"
	page, known := consolePages[f.Source]
	switch {
	case f.Source == evidence.ControlSource:
		return base + "securityhub/home?region=" + region + "#/controls/" + url.PathEscape(f.Control)
	case f.Source == evidence.RuleSource:
		return base + "config/home?region=" + region + "#/rules/details?configRuleName=" + url.QueryEscape(f.Control)
	case known && strings.HasPrefix(f.Resource, "arn:aws:"):
		return base + "go/view?arn=" + url.QueryEscape(f.Resource)
	case known:
		return base + page + "?region=" + region
	}
	return ""
}

// documentOf is the document behind a fact, laid out; empty when there is none.
func documentOf(f evidence.Fact) string {
	var out bytes.Buffer
	if text := strings.TrimSpace(string(f.Detail)); text == "" || text == "{}" || text == "null" {
		return ""
	}
	if err := json.Indent(&out, f.Detail, "", "  "); err != nil {
		return ""
	}
	return out.String()
}

// scopeCounts says how much is in the scope, how much of it was evaluated, and how much
// carries no tag to tell by.
func scopeCounts(v evidence.Verdict) string {
	evaluated := v.Passed + v.Failed + v.Suppressed
	all := evaluated + v.NotEvaluated
	if all+v.Untagged == 0 {
		return ""
	}
	words := itoa(all) + " in the scope, " + itoa(evaluated) + " evaluated"
	if v.Untagged > 0 {
		words += ", " + itoa(v.Untagged) + " untagged"
	}
	return words
}

// factsOfProof is the address of the facts that a verdict rests on; empty where programs
// reported them, or nothing was read.
func factsOfProof(workload string, proof review.Proof) string {
	if !proof.Read || questionnaire.IsOwn(proof.Check.Source) {
		return ""
	}
	f := evidence.FactFilter{Source: proof.Check.Source, Control: proof.Check.Key}
	if proof.Verdict.Failed > 0 && !questionnaire.IsSighted(f.Source) {
		f.State = evidence.Fail
	}
	return FactsPath(workload, f, "")
}
