package questionnaire

import (
	"os"
	"strings"
	"testing"
	"time"
)

// The example of the documentation has no problem.
func TestDocumentedCheck(t *testing.T) {
	page, err := os.ReadFile("../../docs/evidence.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(page), "<!-- example -->\n```yaml\n")
	text, _, found := strings.Cut(rest, "```")
	q, err := Parse("restores.yaml", []byte(text))
	if err != nil || !found {
		t.Fatalf("the example does not parse: %v", err)
	}
	for _, p := range Lint(q) {
		t.Errorf("%s: %s", p.Code, p)
	}
	if checks := q.Questions()[0].Checks; len(checks) != 2 {
		t.Errorf("the example has %d checks", len(checks))
	}
}

func TestLintOfChecks(t *testing.T) {
	tests := []struct {
		name  string
		check Check
		want  string
	}{
		{"fine", Check{Source: "rds.database", Key: "backups", Expect: "all_pass", Level: "resource"}, ""},
		{"a control", Check{Source: "securityhub.control", Key: "S3.1", Expect: "all_pass", Level: "resource"}, ""},
		{"no such key", Check{Source: "rds.database", Key: "colour", Expect: "all_pass", Level: "resource"}, "unknown-key"},
		{"no control's id", Check{Source: "securityhub.control", Key: "S3", Expect: "all_pass", Level: "resource"}, "unknown-key"},
		{"an event's name", Check{Source: "cloudtrail.activity", Key: "DeleteTrail", Expect: "not_seen_within", Within: day, Level: "account"}, ""},
		{"a sighting as a state", Check{Source: "cloudtrail.activity", Key: "game_day", Expect: "any_pass", Level: "account"}, "not-a-state"},
		{"a state as a sighting", Check{Source: "ec2.vpc", Key: "flow_log", Expect: "not_seen_within", Within: day, Level: "resource"}, "not-a-sighting"},
		{"longer than AWS remembers, to support", Check{Source: "cloudtrail.activity", Key: "game_day", Expect: "seen_within", Within: 183 * day, Level: "account"}, ""},
		{"longer than AWS remembers, to deny", Check{Source: "cloudtrail.activity", Key: "root_sign_in", Expect: "not_seen_within", Within: 91 * day, Level: "account"}, "too-far-back"},
		{"of the account, per resource", Check{Source: "iam.account", Key: "user_mfa", Expect: "all_pass", Level: "resource"}, "level-account"},
		{"of the organisation's own", Check{Source: "own:pipeline", Key: "load_test", Expect: "seen_within", Within: 90 * day, Level: "account"}, ""},
		{"a key that nobody can report", Check{Source: "own:pipeline", Key: "load test", Expect: "all_pass", Level: "resource"}, "unknown-key"},
		{"what nobody reported", Check{Source: "own:pipeline", Key: "outage", Expect: "not_seen_within", Within: day, Level: "resource"}, "not-a-sighting"},
		{"a source of nobody's", Check{Source: "else.where", Key: "x"}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.check.ID, tt.check.MaxAge = "c", 30*time.Hour
			l := linter{reporter: &reporter{}}
			l.lintCheck(&tt.check, "")
			got := ""
			for _, p := range l.problems {
				got += p.Code
			}
			if got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestOwnSourcesAreNamed(t *testing.T) {
	page := func(source string) []byte {
		return []byte("key: own\nname: Own\nversion: 1.0.0\nsections:\n  - id: sec\n    name: Sec\n    questions:\n      - id: que\n        title: Does it?\n        max_risk: high\n" +
			"        choices:\n          - {id: que_yes, title: It does., weight: core}\n          - {id: que_no, title: None of these}\n" +
			"        checks:\n          - {id: check, choice: que_yes, source: \"" + source + "\", key: x, expect: all_pass, max_age: 30h, level: resource}\n")
	}
	q, err := Parse("a.yaml", page("own:pipeline"))
	if err != nil || q.Questions()[0].Checks[0].Source != "own:pipeline" {
		t.Fatalf("own:pipeline: %v", err)
	}
	out, err := ExportYAML(q)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := Parse("a.yaml", out); err != nil || again.Questions()[0].Checks[0].Digest() != q.Questions()[0].Checks[0].Digest() {
		t.Errorf("it does not come back: %v\n%s", err, out)
	}
	for _, bad := range []string{"own:", "own:Pipeline", "own:a b", "own:" + strings.Repeat("a", 41), "mine:pipeline"} {
		if _, err := Parse("a.yaml", page(bad)); err == nil {
			t.Errorf("%s is taken", bad)
		}
	}
}
