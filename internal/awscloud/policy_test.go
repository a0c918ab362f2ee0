package awscloud_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"orrery/internal/awscloud"
)

// The actions that a connection is tested for are the calls that collectors declare.
func TestActionsAreTheCalls(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	declared := regexp.MustCompile(`call\(ctx, "([a-z0-9-]+:[A-Za-z0-9]+)"`)
	var calls []string
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		source, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range declared.FindAllStringSubmatch(string(source), -1) {
			if !strings.HasPrefix(m[1], "sts:") { // the trust policy's, or free
				calls = append(calls, m[1])
			}
		}
	}
	same(t, "the calls", calls, append(awscloud.Actions(), awscloud.HubActions()...))
}

// The files in docs/aws allow exactly those actions.
func TestPolicyFiles(t *testing.T) {
	read := func(name string) string {
		b, err := os.ReadFile("../../docs/aws/" + name)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	both := append(awscloud.Actions(), awscloud.HubActions()...)
	for name, want := range map[string][]string{"policy.json": awscloud.Actions(), "hub-policy.json": awscloud.HubActions()} {
		var policy struct {
			Statement []struct {
				Action   []string
				Resource string
			}
		}
		if err := json.Unmarshal([]byte(read(name)), &policy); err != nil || len(policy.Statement) != 1 {
			t.Fatalf("%s: %v", name, err)
		}
		same(t, name, policy.Statement[0].Action, want)
	}
	action := regexp.MustCompile(`(?m)^\s+(?:- |")([a-z0-9-]+:[A-Z][A-Za-z0-9]+)"?,?$`)
	for _, name := range []string{"orrery-role.yaml", "orrery-role.tf"} {
		var list []string
		for _, m := range action.FindAllStringSubmatch(read(name), -1) {
			if m[1] != "sts:AssumeRole" {
				list = append(list, m[1])
			}
		}
		same(t, name, list, both)
		if text := read(name); !strings.Contains(text, "sts:ExternalId") || strings.Contains(text, ":*\"") {
			t.Errorf("%s asks for no external id, or allows a wildcard", name)
		}
	}
	if !strings.Contains(read("trust-policy.json"), `"sts:ExternalId"`) {
		t.Error("trust-policy.json asks for no external id")
	}
}

func same(t *testing.T, what string, list, want []string) {
	t.Helper()
	slices.Sort(list)
	want = slices.Sorted(slices.Values(want))
	if list = slices.Compact(list); !slices.Equal(list, want) {
		t.Errorf("%s: %v\nactions: %v", what, list, want)
	}
}
