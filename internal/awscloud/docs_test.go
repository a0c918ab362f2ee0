package awscloud_test

import (
	"cmp"
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"orrery/internal/awscloud"
	"orrery/internal/awscloud/awstest"
	"orrery/internal/evidence"
)

var reads = regexp.MustCompile(`^(Get|List|Describe|BatchGet|Lookup)[A-Z]`)

// The policy in the documentation allows exactly the calls that are made.
func TestDocumentedPolicy(t *testing.T) {
	page, err := os.ReadFile("../../docs/evidence.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(page), "```json\n")
	text, _, _ := strings.Cut(rest, "```")
	var policy struct{ Statement []struct{ Action []string } }
	if err := json.Unmarshal([]byte(text), &policy); err != nil || len(policy.Statement) != 1 {
		t.Fatalf("the policy is not one statement: %v", err)
	}
	w := awstest.Believable(account, []string{eu}, []string{"S3.1"}, nil)
	w.Regions[eu].Rules, w.Regions[eu].Answers = []awstest.Rule{{Name: "root-mfa", Compliance: "NON_COMPLIANT"}}, awstest.Sound(account, eu, nil)
	ask := evidence.Ask{Controls: []string{"S3.1", "EC2.7"}, ConfigRules: []string{"root-mfa"}, Recorder: true, Trail: true, More: everything()}
	ask.More[evidence.ToolSource] = []string{"payments"}
	_, aws := read(t, w, ask, awscloud.Options{Unlimited: true}, func(s *awstest.Server) { s.Fail("GetCredentialReport", awstest.Fault{Code: "ReportExpired"}) })
	var made []string
	for _, c := range aws.Calls() {
		if c.Op == "GetCallerIdentity" { // needs no permission
			continue
		}
		if !reads.MatchString(c.Op) && c.Op != "GenerateCredentialReport" {
			t.Errorf("%s is no call that reads", c.Op)
		}
		made = append(made, cmp.Or(map[string]string{"monitoring": "cloudwatch", "tagging": "tag"}[c.Service], c.Service)+":"+c.Op)
	}
	slices.Sort(made)
	allowed := slices.Sorted(slices.Values(policy.Statement[0].Action))
	if made = slices.Compact(made); !slices.Equal(made, allowed) {
		t.Errorf("calls made: %v\nallowed:    %v", made, allowed)
	}
}
