package questionnaire

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"
)

// unexported compares what a file says, not where it says it nor what is made of it.
var unexported = cmpopts.IgnoreUnexported(Questionnaire{}, Section{}, Question{}, Choice{}, Check{}, Rule{})

const fullYAML = `key: sample
name: A sample
version: 1.2.3
description: It shows every key.
minutes: 20
edition: 2024-11-06
sections:
  - id: first
    name: The first section
    description: About things.
    questions:
      - id: failure_model
        title: Do you know how each dependency fails?
        phase: design
        core_path: true
        max_risk: high
        description: One sentence.
        why: It breaks.
        good: |
          Line one.
          Line two.
        bring: [The table, The test]
        not_applicable_when: There are no dependencies.
        tiers: [1, 2]
        tags: [dependencies]
        lineage: [REL05_BP01]
        links: [{text: Docs, url: "https://example.com/a"}]
        choices:
          - id: fm_none_needed
            title: We depend on nothing.
            weight: scope
          - id: fm_table
            title: We keep a table.
            weight: core
            why: Why.
            good: Good.
            first_step: {text: Write it., url: "https://example.com/b"}
            risk: high
            wa_tool_id: rel_table
            lineage: [REL05_BP02]
            links: [{text: More, url: "http://example.com/c"}]
          - {id: fm_drill, title: We drill., weight: alternative, group: a}
          - {id: fm_test, title: We test., weight: alternative, group: a}
          - {id: fm_extra, title: We chart., weight: extra}
        checks:
          - {id: trail_on, choice: fm_table, source: securityhub.control, key: CloudTrail.1, expect: all_pass, max_age: 30h, level: account, claim: It is on., edition: "5"}
          - {id: seen, choice: fm_drill, source: cloudtrail.activity, key: RestoreDBInstance, expect: seen_within, within: 2160h, max_age: 30h, level: resource}
      - id: written_rules
        title: Are the rules written out?
        choices:
          - {id: aaa, title: We do A.}
          - {id: bbb_no, title: None of these}
        rules:
          - {condition: aaa && !bbb_no, risk: none}
          - {condition: default, risk: medium}
`

func mustParse(t rapid.TB, name, data string) *Questionnaire {
	t.Helper()
	q, err := Parse(name, []byte(data))
	if err != nil {
		t.Fatal(err)
	}
	return q
}

func TestParseYAML(t *testing.T) {
	got := mustParse(t, "sample.yaml", fullYAML)
	want := &Questionnaire{
		Key: "sample", Name: "A sample", Version: "1.2.3", Description: "It shows every key.", Edition: "2024-11-06", Minutes: 20, Format: FormatYAML,
		Sections: []Section{{ID: "first", Name: "The first section", Description: "About things.", Questions: []Question{
			{
				ID: "failure_model", Section: "first", Title: "Do you know how each dependency fails?", Phase: PhaseDesign, CorePath: true, MaxRisk: RiskHigh,
				Description: "One sentence.", Why: "It breaks.", Good: "Line one.\nLine two.", Bring: []string{"The table", "The test"},
				NotApplicableWhen: "There are no dependencies.", Tiers: []int{1, 2}, Tags: []string{"dependencies"}, Lineage: []string{"REL05_BP01"},
				Links: []Link{{"Docs", "https://example.com/a"}}, Weighted: true,
				Choices: []Choice{
					{ID: "fm_none_needed", Title: "We depend on nothing.", Weight: WeightScope},
					{ID: "fm_table", Title: "We keep a table.", Weight: WeightCore, Why: "Why.", Good: "Good.", FirstStep: Step{"Write it.", "https://example.com/b"},
						Risk: "high", WAToolID: "rel_table", Lineage: []string{"REL05_BP02"}, Links: []Link{{"More", "http://example.com/c"}}},
					{ID: "fm_drill", Title: "We drill.", Weight: WeightAlternative, Group: "a"},
					{ID: "fm_test", Title: "We test.", Weight: WeightAlternative, Group: "a"},
					{ID: "fm_extra", Title: "We chart.", Weight: WeightExtra},
					{ID: "failure_model_no", Title: "None of these", None: true},
				},
				Checks: []Check{
					{ID: "trail_on", Choice: "fm_table", Source: "securityhub.control", Key: "CloudTrail.1", Expect: "all_pass", MaxAge: 30 * time.Hour, Level: "account", Claim: "It is on.", Edition: "5"},
					{ID: "seen", Choice: "fm_drill", Source: "cloudtrail.activity", Key: "RestoreDBInstance", Expect: "seen_within", Within: 2160 * time.Hour, MaxAge: 30 * time.Hour, Level: "resource"},
				},
				Rules: []Rule{
					{Condition: "(fm_none_needed || (fm_table && (fm_drill || fm_test) && fm_extra)) && !failure_model_no", Risk: RiskNone},
					{Condition: "fm_table && (fm_drill || fm_test) && !failure_model_no", Risk: RiskMedium},
					{Condition: "default", Risk: RiskHigh},
				},
			},
			{
				ID: "written_rules", Section: "first", Title: "Are the rules written out?", MaxRisk: RiskMedium,
				Choices: []Choice{{ID: "aaa", Title: "We do A."}, {ID: "bbb_no", Title: "None of these", None: true}},
				Rules:   []Rule{{Condition: "aaa && !bbb_no", Risk: RiskNone}, {Condition: "default", Risk: RiskMedium}},
			},
		}}},
	}
	if diff := cmp.Diff(want, got, unexported); diff != "" {
		t.Error(diff)
	}
	second, ok := got.Question("written_rules")
	if !ok || second != got.Questions()[1] || len(got.Questions()) != 2 {
		t.Errorf("the index does not agree with the sections")
	}
	if _, ok := got.Question("unknown"); ok {
		t.Error("an unknown question is found")
	}
	if !got.Questions()[0].AppliesTo(2) || got.Questions()[0].AppliesTo(3) || !second.AppliesTo(3) {
		t.Error("tiers are not as written")
	}
}

func TestParseOwnJSON(t *testing.T) {
	got := mustParse(t, "x.json", `{"key": "small", "name": "Small", "version": "1.0.0", "sections": [{"id": "one", "name": "One", "questions": [
		{"id": "que", "title": "Is it?", "max_risk": "medium", "choices": [{"id": "yes", "title": "It is.", "weight": "core"}]}]}]}`)
	if got.Format != FormatYAML || got.Key != "small" || len(got.Questions()[0].Choices) != 2 {
		t.Errorf("our own keys as JSON read as %+v", got)
	}
}

// edit is fullYAML with one piece replaced.
func edit(t *testing.T, old, new string) string {
	t.Helper()
	if strings.Count(fullYAML, old) < 1 {
		t.Fatalf("%q is not in the sample", old)
	}
	return strings.Replace(fullYAML, old, new, 1)
}

func TestParseYAMLProblems(t *testing.T) {
	const q0, q1 = "sections[0].questions[0]", "sections[0].questions[1]"
	tests := []struct {
		name, old, new string
		want           []string
	}{
		{"mistyped key", "core_path: true", "corepath: true", []string{q0 + ".corepath 15:9 unknown-key"}},
		{"unknown key above", "minutes: 20", "author: me", []string{"author 5:1 unknown-key"}},
		{"key twice", "why: It breaks.", "why: It breaks.\n        why: Again.", []string{q0 + ".why 19:9 duplicate-key"}},
		{"anchor", "why: It breaks.", "why: &x It breaks.", []string{q0 + ".why 18:14 anchor"}},
		{"tag", "why: It breaks.", "why: !!str It breaks.", []string{q0 + ".why 18:14 tag"}},
		{"alias", "why: It breaks.", "why: *x", []string{" 18:14 alias"}},
		{"alias to an anchor", "why: It breaks.\n        good: |", "why: &x a\n        good: *x\n        tags: |",
			[]string{q0 + ".why 18:14 anchor", q0 + ".good 19:15 alias", q0 + ".tags 20:15 bad-type", q0 + ".tags 26:9 duplicate-key"}},
		{"merge key", "why: It breaks.", "<<: {why: x}", []string{q0 + `."<<" 18:9 unknown-key`}},
		{"number for a text", "why: It breaks.", "why: 1.5", []string{q0 + ".why 18:14 bad-type"}},
		{"not a number", "why: It breaks.", "why: .nan", []string{q0 + ".why 18:14 bad-type"}},
		{"bool for a text", "why: It breaks.", "why: true", []string{q0 + ".why 18:14 bad-type"}},
		{"text for a bool", "core_path: true", "core_path: yes", []string{q0 + ".core_path 15:20 bad-type"}},
		{"list for a text", "why: It breaks.", "why: [a]", []string{q0 + ".why 18:14 bad-type"}},
		{"text for a list", "tags: [dependencies]", "tags: dependencies", []string{q0 + ".tags 25:15 bad-type"}},
		{"empty entry", "tags: [dependencies]", "tags: ['']", []string{q0 + ".tags[0] 25:16 missing"}},
		{"bad phase", "phase: design", "phase: desing", []string{q0 + ".phase 14:16 bad-value"}},
		{"bad tier", "tiers: [1, 2]", "tiers: [1, 4]", []string{q0 + ".tiers[1] 24:20 bad-value"}},
		{"tier twice", "tiers: [1, 2]", "tiers: [1, 1]", []string{q0 + ".tiers[1] 24:20 duplicate-id"}},
		{"no title", "title: Do you know how each dependency fails?", "title: ' '", []string{q0 + ".title 13:16 missing"}},
		{"long title", "title: Do you know", "title: " + strings.Repeat("x", 120), []string{q0 + ".title 13:16 too-long"}},
		{"bad key", "key: sample", "key: Sample", []string{"key 1:6 bad-value"}},
		{"bad version", "version: 1.2.3", "version: 01.2.3", []string{"version 3:10 bad-value"}},
		{"minutes below", "minutes: 20", "minutes: -1", []string{"minutes 5:10 bad-value"}},
		{"bad id", "- id: first", "- id: fi", []string{"sections[0].id 8:9 bad-id"}},
		{"reserved id", "- id: first", "- id: default", []string{"sections[0].id 8:9 bad-id"}},
		{"question id twice", "id: written_rules", "id: failure_model", []string{q1 + " 48:9 duplicate-id"}},
		{"choice id twice", "id: fm_drill", "id: fm_test", []string{q0 + ".choices[3] 43:13 duplicate-id", q0 + ".checks[1].choice 47:13 unknown-choice"}},
		{"bad url", "https://example.com/a", "javascript:alert(1)", []string{q0 + ".links[0].url 27:35 bad-url"}},
		{"padded url", "https://example.com/a", " https://example.com/a", []string{q0 + ".links[0].url 27:35 padded-url"}},
		{"no max_risk", "        max_risk: high\n", "", []string{q0 + ".max_risk 12:9 missing"}},
		{"max_risk none", "max_risk: high", "max_risk: none", []string{q0 + ".max_risk 16:19 bad-value"}},
		{"max_risk against the rules", "title: Are the rules written out?", "title: Are they?\n        max_risk: high", []string{q1 + ".max_risk 50:19 bad-value"}},
		{"no weight", "title: We chart., weight: extra", "title: We chart.", []string{q0 + ".choices[4].weight 44:13 missing"}},
		{"no group", "title: We test., weight: alternative, group: a", "title: We test., weight: alternative", []string{q0 + ".choices[3].group 43:13 missing"}},
		{"group of a core choice", "title: We chart., weight: extra", "title: We chart., weight: core, group: a", []string{q0 + ".choices[4].group 44:13 bad-value"}},
		{"weight of none", "{id: fm_extra, title: We chart., weight: extra}", "{id: fm_no, title: None, weight: extra}", []string{q0 + ".choices[4].weight 44:13 bad-value"}},
		{"neither weights nor rules", "        rules:\n          - {condition: aaa && !bbb_no, risk: none}\n          - {condition: default, risk: medium}\n", "", []string{q1 + ".rules 48:9 missing"}},
		{"bad condition", "aaa && !bbb_no", "aaa && && bbb_no", []string{q1 + ".rules[0].condition 54:32 bad-condition"}},
		{"bad quoted condition", "condition: aaa && !bbb_no", `condition: "aaa & bbb_no"`, []string{q1 + ".rules[0].condition 54:30 bad-condition"}},
		{"condition on the next line", "condition: aaa && !bbb_no", "condition: aaa &&\n              bbb &", []string{q1 + ".rules[0].condition 54:25 bad-condition"}},
		{"unknown choice in a condition", "aaa && !bbb_no", "aab && !ccc", []string{q1 + ".rules[0].condition 54:25 unknown-choice", q1 + ".rules[0].condition 54:33 unknown-choice"}},
		{"no condition", "condition: aaa && !bbb_no, ", "", []string{q1 + ".rules[0].condition 54:13 missing"}},
		{"blank condition", "aaa && !bbb_no", "' '", []string{q1 + ".rules[0].condition 54:25 missing"}},
		{"no risk", ", risk: none}", "}", []string{q1 + ".rules[0].risk 54:13 missing"}},
		{"empty rules", "rules:\n          - {condition: aaa && !bbb_no, risk: none}\n          - {condition: default, risk: medium}", "rules: []", []string{q1 + ".rules 53:16 too-few"}},
		{"bad risk", "risk: none}", "risk: low}", []string{q1 + ".rules[0].risk 54:47 bad-value"}},
		{"unknown source", "source: securityhub.control", "source: securityhub", []string{q0 + ".checks[0].source 46:54 bad-value"}},
		{"check without age", ", max_age: 30h, level: account", ", level: account", []string{q0 + ".checks[0].max_age 46:13 missing"}},
		{"bad span", "max_age: 30h", "max_age: 30", []string{q0 + ".checks[0].max_age 46:121 bad-type"}},
		{"negative span", "max_age: 30h", "max_age: -30h", []string{q0 + ".checks[0].max_age 46:121 bad-value"}},
		{"seen without within", "within: 2160h, ", "", []string{q0 + ".checks[1].within 47:13 missing"}},
		{"within without seen", "expect: all_pass,", "expect: all_pass, within: 1h,", []string{q0 + ".checks[0].within 46:120 bad-value"}},
		{"check of no choice", "choice: fm_table", "choice: fm_tabel", []string{q0 + ".checks[0].choice 46:13 unknown-choice"}},
		{"check id twice", "id: seen", "id: trail_on", []string{q0 + ".checks[1] 47:13 duplicate-id"}},
		{"control character", "why: It breaks.", `why: "a\x07b"`, []string{q0 + ".why 18:14 bad-character"}},
		{"syntax", "why: It breaks.", "why: It breaks: always", []string{" 18:9 syntax"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := Parse("x.yaml", []byte(edit(t, test.old, test.new)))
			var problems Problems
			if !errors.As(err, &problems) {
				t.Fatalf("no problems but %v", err)
			}
			if diff := cmp.Diff(test.want, places(problems)); diff != "" {
				t.Errorf("%s\n%v", diff, problems)
			}
		})
	}
}

func TestParseTrailingData(t *testing.T) {
	for data, want := range map[string]string{
		fullYAML + "---\nkey: x\n":   " 56:1 trailing-data",
		fullYAML + "...\nkey: x\n":   " 57:1 syntax",
		fullYAML + "---\nkey: 'x\n":  " 57:1 syntax",
		sampleLens + "{\"name\": 1}": " 39:1 trailing-data",
	} {
		_, err := Parse("x", []byte(data))
		var problems Problems
		errors.As(err, &problems)
		if diff := cmp.Diff([]string{want}, places(problems)); diff != "" {
			t.Error(diff)
		}
	}
}

// TestParseAllProblems checks that one reading reports every problem, in order.
func TestParseAllProblems(t *testing.T) {
	data := edit(t, "key: sample", "key: S")
	data = strings.Replace(data, "phase: design", "phase: never", 1)
	data = strings.Replace(data, "aaa && !bbb_no", "aaa &", 1)
	_, err := Parse("x.yaml", []byte(data))
	var problems Problems
	errors.As(err, &problems)
	want := []string{"key 1:6 bad-value", "sections[0].questions[0].phase 14:16 bad-value", "sections[0].questions[1].rules[0].condition 54:29 bad-condition"}
	if diff := cmp.Diff(want, places(problems)); diff != "" {
		t.Error(diff)
	}
	if lines := strings.Split(err.Error(), "\n"); len(lines) != 3 || lines[0] != "key (1:6): The key is 2 to 40 small letters, digits and dashes." {
		t.Errorf("the error reads %q", err)
	}
}

func TestParseMends(t *testing.T) {
	for old, mend := range map[string]string{
		"core_path: true|corepath: true":      "Did you mean core_path?",
		"choice: fm_table|choice: fm_tabel":   "Did you mean fm_table?",
		"aaa && !bbb_no|aaa && !bbb_on":       "Did you mean bbb_no?",
		"phase: design|phase: desing":         "Use one of: design, build, launch.",
		"version: 1.2.3|version: true":        "Put it in quotes.",
		"minutes: 20|whatever: 20":            "Take it away.",
		"aaa && !bbb_no|aaa & bbb_no":         "Write &&.",
		"weight: extra}|weight: extra, a: 1}": "Take it away.",
	} {
		from, to, _ := strings.Cut(old, "|")
		_, err := Parse("x.yaml", []byte(edit(t, from, to)))
		var problems Problems
		if !errors.As(err, &problems) || problems[0].Mend != mend || problems[0].Severity != SeverityError {
			t.Errorf("%s: %+v, want %q", old, problems, mend)
		}
	}
}

// TestParseRefuses checks the bounds that keep a file from doing harm.
func TestParseRefuses(t *testing.T) {
	bomb := "a: &a [x, x, x]\n"
	for c := 'b'; c < 'k'; c++ {
		bomb += fmt.Sprintf("%c: &%c [*%c, *%c, *%c, *%c]\n", c, c, c-1, c-1, c-1, c-1)
	}
	tests := []struct{ name, data, code string }{
		{"too large", strings.Repeat("é", maxFile+1), "too-large"},
		{"too large as YAML", "name: " + strings.Repeat("x", maxFile), "too-large"},
		{"not UTF-8", "key: a\nname: \xff\n", "invalid-utf8"},
		{"UTF-16", "\xff\xfek\x00", "invalid-utf8"},
		{"empty", "", "empty"},
		{"only a comment", "# nothing\n", "empty"},
		{"a text", "hello", "bad-type"},
		{"a list", "- a\n", "bad-type"},
		{"a JSON list", "[]", "bad-type"},
		{"alias bomb", bomb, "anchor"},
		{"deep JSON", strings.Repeat(`{"a":`, 1000), "too-deep"},
		{"deep YAML", strings.Repeat("- ", 100) + "x", "too-deep"},
		{"very deep YAML", strings.Repeat("- ", 200_000), "too-deep"},
		{"binary", "key: \x01", "syntax"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			start := time.Now()
			_, err := Parse("x", []byte(test.data))
			var problems Problems
			if !errors.As(err, &problems) {
				t.Fatalf("no problems but %v", err)
			}
			found := false
			for _, p := range problems {
				found = found || p.Code == test.code
			}
			if !found {
				t.Errorf("no problem %s in %v", test.code, problems)
			}
			if spent := time.Since(start); spent > 5*time.Second {
				t.Errorf("it took %v", spent)
			}
		})
	}
}

func TestParseBoundsProblems(t *testing.T) {
	_, err := Parse("x", []byte("{"+strings.Repeat(`"a":NaN,`, 3000)+`"b":1}`))
	var problems Problems
	if !errors.As(err, &problems) || len(problems) != maxProblems+1 || problems[maxProblems].Code != "too-many-problems" {
		t.Fatalf("%d problems", len(problems))
	}
}

func TestInvalidUTF8Place(t *testing.T) {
	_, err := Parse("x", []byte("key: a\nnämé: \xff\n"))
	var problems Problems
	if !errors.As(err, &problems) || problems[0].Line != 2 || problems[0].Column != 7 {
		t.Errorf("%v", err)
	}
}

func TestByteOrderMark(t *testing.T) {
	q := mustParse(t, "x.yaml", "\uFEFF"+fullYAML)
	if problems := Lint(q); len(problems) == 0 || problems[0].Code != "byte-order-mark" {
		t.Errorf("%v", problems)
	}
}

func TestParseLimits(t *testing.T) {
	var choices strings.Builder
	for i := range 15 {
		fmt.Fprintf(&choices, "          - {id: c_%02d, title: We do., weight: core}\n", i)
	}
	head := "key: big\nname: Big\nversion: 1.0.0\nsections:\n  - id: one\n    name: One\n    questions:\n      - id: que\n        title: Is it?\n        max_risk: high\n        choices:\n"
	_, err := Parse("x", []byte(head+choices.String()))
	var problems Problems
	if !errors.As(err, &problems) || problems[0].Code != "too-many" {
		t.Errorf("15 weighted choices leave no room for none of these: %v", err)
	}
	q := mustParse(t, "x", head+strings.Join(strings.SplitAfter(choices.String(), "\n")[:14], ""))
	if n := len(q.Questions()[0].Choices); n != 15 {
		t.Errorf("%d choices", n)
	}
	long := strings.Replace(head, "id: que", "id: "+strings.Repeat("q", 62), 1) + "          - {id: ccc, title: We do., weight: core}\n"
	if _, err := Parse("x", []byte(long)); !errors.As(err, &problems) || problems[0].Code != "bad-id" {
		t.Errorf("the id of the generated choice is too long: %v", err)
	}
}

func TestDigest(t *testing.T) {
	c := Check{Source: "config.rule", Key: "a", Expect: "all_pass", Level: "account", MaxAge: 30 * time.Hour}
	if got, want := c.Digest(), "295031dd5d1983bcab4a8bc25f646ade"; got != want {
		t.Errorf("digest %s, want %s: stored verdicts would be orphaned", got, want)
	}
	same := c
	same.ID, same.Choice, same.Claim, same.Edition = "other", "other", "Other.", "2"
	if same.Digest() != c.Digest() {
		t.Error("what is not looked for changes the digest")
	}
	for i, change := range []func(*Check){
		func(c *Check) { c.Source = "config.recorder" }, func(c *Check) { c.Key = "b" }, func(c *Check) { c.Expect = "any_pass" },
		func(c *Check) { c.Level = "resource" }, func(c *Check) { c.MaxAge = time.Hour }, func(c *Check) { c.Within = time.Hour },
		func(c *Check) { c.Key, c.Expect = "a,8:all_pas", "s" },
	} {
		other := c
		change(&other)
		if other.Digest() == c.Digest() {
			t.Errorf("change %d leaves the digest as it is", i)
		}
	}
	q := mustParse(t, "x", fullYAML).Questions()[0]
	computed := q.Checks[0]
	computed.digest = ""
	if q.Checks[0].digest == "" || q.Checks[0].Digest() != computed.Digest() {
		t.Error("the digest is not computed at parse")
	}
}
