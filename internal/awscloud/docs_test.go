package awscloud_test

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"orrery/internal/awscloud"
	"orrery/internal/awscloud/awstest"
	"orrery/internal/evidence"
)

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
	w.Regions[eu].Rules = []awstest.Rule{{Name: "root-mfa"}}
	_, aws := read(t, w, evidence.Ask{Controls: []string{"S3.1", "EC2.7"}, ConfigRules: []string{"root-mfa"}, Recorder: true, Trail: true}, awscloud.Options{})
	var made []string
	for _, c := range aws.Calls() {
		if c.Op != "GetCallerIdentity" { // needs no permission
			made = append(made, c.Service+":"+c.Op)
		}
	}
	slices.Sort(made)
	allowed := slices.Sorted(slices.Values(policy.Statement[0].Action))
	if made = slices.Compact(made); !slices.Equal(made, allowed) {
		t.Errorf("calls made: %v\nallowed:    %v", made, allowed)
	}
}
