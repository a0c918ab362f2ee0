package questionnaire

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// findings writes problems as "path code".
func findings(problems []Problem) []string {
	var out []string
	for _, p := range problems {
		out = append(out, p.Path+" "+p.Code)
	}
	return out
}

func TestLintRules(t *testing.T) {
	const rules = "sections[0].questions[0].rules"
	tests := []struct {
		name    string
		choices string
		rules   []string
		want    []string
		message string
	}{
		{"clean", "aaa bbb que_no", []string{"none: aaa && bbb && !que_no", "medium: aaa && !que_no", "high: default"}, nil, ""},
		{"no default", "aaa que_no", []string{"none: aaa && !que_no", "high: !aaa || que_no"}, []string{rules + " no-default"}, "No rule is the default."},
		{"no default and a gap", "aaa bbb", []string{"none: aaa"}, []string{rules + " no-default", rules + " no-rule-matches"}, "No rule fits when only bbb is ticked; such an answer counts as high."},
		{"default first", "aaa bbb", []string{"high: default", "none: aaa"},
			[]string{rules + "[0] default-not-last", rules + "[1] unreachable-risk"}, "The rules after the default are never looked at."},
		{"unreachable", "aaa bbb", []string{"none: aaa || bbb", "medium: aaa && bbb", "high: default"},
			[]string{"sections[0].questions[0] never-a-risk", rules + "[1] unreachable-risk", rules + "[2] unreachable-risk"}, "No selection of que reaches the risk medium."},
		{"unreachable by contradiction", "aaa bbb", []string{"none: aaa && !aaa", "medium: bbb", "high: default"},
			[]string{rules + "[0] unreachable-risk"}, "No selection of que reaches the risk none."},
		{"never a risk", "aaa bbb", []string{"none: default"}, []string{"sections[0].questions[0] never-a-risk"}, "The question que never shows a risk."},
		{"not monotone", "aaa bbb", []string{"none: aaa && !bbb", "medium: aaa", "high: default"}, []string{rules + " not-monotone"},
			"When only aaa is ticked, also ticking bbb raises the risk from none to medium."},
		{"not monotone by a gap", "aaa bbb", []string{"none: aaa && !bbb", "medium: bbb && !aaa"}, []string{rules + " no-default", rules + " no-rule-matches", rules + " not-monotone"}, ""},
		{"none of these may raise it", "aaa bbb que_no", []string{"none: aaa && !que_no", "medium: bbb && !que_no", "high: default"}, nil, ""},
		{"none is not the worst", "aaa bbb que_no", []string{"none: aaa && !que_no", "high: bbb && !que_no", "medium: default"},
			[]string{"sections[0].questions[0].choices[2] none-not-worst"}, "que_no alone gives medium although the question declares high."},
		{"no guard", "aaa bbb que_no", []string{"none: aaa && bbb", "medium: aaa", "high: default"},
			[]string{"sections[0].questions[0].choices[2] none-with-all-no-risk"}, "que_no ticked beside everything else still gives no risk."},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			problems := Lint(mustParse(t, "x.yaml", ruledYAML(test.choices, test.rules...)))
			if diff := cmp.Diff(sorted(test.want), sorted(findings(problems))); diff != "" {
				t.Errorf("%s\n%v", diff, problems)
			}
			said := slices.ContainsFunc(problems, func(p Problem) bool { return p.Message == test.message })
			if test.message != "" && !said {
				t.Errorf("nothing says %q: %v", test.message, problems)
			}
			for _, p := range problems {
				if p.Severity != SeverityWarning || p.Line == 0 || p.Column == 0 {
					t.Errorf("incomplete warning %+v", p)
				}
			}
		})
	}
}

func sorted(s []string) []string {
	s = slices.Clone(s)
	slices.Sort(s)
	return s
}

// TestLintAgreesWithScore compares the warnings on generated questions with what trying
// every selection by Score says.
func TestLintAgreesWithScore(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		q := questions().Draw(t, "question")
		n := len(q.Choices)
		reached := make(map[Risk]bool)
		monotone := true
		for m := uint32(1); m < 1<<n; m++ {
			risk := q.Score(Selection{Chosen: q.ids(m)})
			reached[risk] = true
			for i := range n {
				if m&(q.noneBits()|1<<i) == 0 && q.noneBits()&(1<<i) == 0 {
					monotone = monotone && q.Score(Selection{Chosen: q.ids(m | 1<<i)}).rank() <= risk.rank()
				}
			}
		}
		want := make(map[string]bool)
		for _, r := range q.Rules {
			want["unreachable-risk"] = want["unreachable-risk"] || !reached[r.Risk]
		}
		want["no-rule-matches"] = reached[RiskUnmatched]
		want["never-a-risk"] = !reached[RiskMedium] && !reached[RiskHigh] && !reached[RiskUnmatched]
		want["not-monotone"] = !monotone
		l := &linter{reporter: &reporter{}, names: names{"sections", "rules"}}
		l.selections(q, "q")
		for code, there := range want {
			found := slices.ContainsFunc(l.problems, func(p Problem) bool { return p.Code == code })
			if found != there {
				t.Fatalf("%s: found %v, want %v in %v", code, found, there, l.problems)
			}
		}
	})
}

// ownSet is a set of our own with nothing to say about; pieces are replaced by tests.
const ownSet = `key: own
name: Own set
version: 1.0.0
description: Two questions.
sections:
  - id: one
    name: One
    questions:
      - id: first
        title: Do you know how each dependency fails, and what your users then see?
        why: It breaks.
        max_risk: high
        choices:
          - {id: aaa, title: We keep a table., weight: core, lineage: [REL05_BP01], first_step: {text: Write it.}}
          - {id: bbb, title: We test it., weight: core, lineage: [REL05_BP01], first_step: {text: Test it.}}
          - {id: sss, title: We depend on nothing., weight: scope}
      - id: second
        title: Is it so?
        why: It breaks.
        max_risk: high
        choices:
          - {id: aaa, title: We do it., weight: core, lineage: [REL06_BP01], first_step: {text: Do it.}}
          - {id: ccc, title: We chart it., weight: extra, lineage: [REL05_BP01], first_step: {text: Chart it.}}
`

func TestLintOwnSets(t *testing.T) {
	const q0, q1 = "sections[0].questions[0]", "sections[0].questions[1]"
	tests := []struct {
		name, old, new string
		want           []string
	}{
		{"clean", "key: own", "key: own", nil},
		{"two questions", "Is it so?", "Is it so? Since when?", []string{q1 + ".title asks-two-things"}},
		{"two statements", "We do it.", "We do it every week and we write it down.", []string{q1 + ".choices[0].title asks-two-things"}},
		{"long title", "Is it so?", "Is " + strings.Repeat("it ", 24) + "so?", []string{q1 + ".title too-long-title"}},
		{"as long as may be", "Is it so?", "Is " + strings.Repeat("it ", 23) + "so?", nil},
		{"no first step", ", first_step: {text: Chart it.}", "", []string{q1 + ".choices[1].first_step no-first-step"}},
		{"no why", "why: It breaks.\n", "\n", []string{q0 + ".why no-why"}},
		{"practice twice", "lineage: [REL06_BP01]", "lineage: [REL05_BP01]", []string{q1 + ".choices[0].lineage duplicate-practice"}},
		{"no core", "We do it., weight: core", "We do it., weight: extra", []string{q1 + " no-core"}},
		{"characters", "name: One", "name: One; two", []string{"sections[0].name charset"}},
		{"characters in the name", "name: Own set", "name: 100% own", []string{"name charset"}},
		{"characters elsewhere", "why: It breaks.", "why: 50% of it; breaks <b>.", nil},
		{"none by title", "{id: sss, title: We depend on nothing., weight: scope}", "{id: none_here, title: None of these}", []string{q0 + ".choices[2].title none-title-id"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if !strings.Contains(ownSet, test.old) {
				t.Fatalf("%q is not in the sample", test.old)
			}
			problems := Lint(mustParse(t, "own.yaml", strings.Replace(ownSet, test.old, test.new, 1)))
			if diff := cmp.Diff(test.want, findings(problems)); diff != "" {
				t.Errorf("%s\n%v", diff, problems)
			}
		})
	}
}

func TestAsksTwoThings(t *testing.T) {
	for _, title := range []string{
		"Do you test restores and do you time them?",
		"Is the trail on and is it delivered to another account?",
		"Do you test and document every restore?",
		"How do you detect and respond to incidents?",
		"Who is on call? Who backs them up?",
		"Can you stop a rollout and can the team undo it?",
	} {
		if !asksTwoThings(title) {
			t.Errorf("%q asks two things", title)
		}
	}
	for _, title := range []string{
		"Do you know how each dependency fails, and what your users then see?",
		"How do you know a restore works?",
		"Are timeouts and retries set on purpose for every call?",
		"Does the control plane and data plane split survive a zone?",
		"Do your alarms and dashboards show what users see?",
		"Who may change production, and how is it recorded?",
		"Is traffic between zones and Regions encrypted?",
		"Can the service start from zero within its recovery time?",
		"Do you know your limits and quotas before launch?",
		"Does the on-call engineer have a runbook and the access it needs?",
		"Is every change reviewed by a second person before it runs?",
	} {
		if asksTwoThings(title) {
			t.Errorf("%q is a good title", title)
		}
	}
}

// TestLintOrder checks that warnings come in the order of the file, reading's among them.
func TestLintOrder(t *testing.T) {
	data := lensWith(t, "How do you know a restore works?", "Is 50% fine?")
	data = strings.Replace(data, `"url": "https://example.com/plan"`, `"url": ""`, 1)
	data = strings.Replace(data, `"name": "Sample lens",`, `"name": "Sample lens", "_v": 1,`, 1)
	got := findings(Lint(mustParse(t, "x.json", data)))
	want := []string{"_v unknown-key", "pillars[0].questions[0].title charset", "pillars[0].questions[0].choices[0].improvementPlan.url empty-url"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestLintLargest checks that a hostile file of many large questions is linted in time.
func TestLintLargest(t *testing.T) {
	group := "(" + strings.Join(strings.Fields("c00 c01 c02 c03 c04 c05 c06 c07 c08 c09 c10 c11 c12 c13 c14"), " && ") + ")"
	condition := strings.Repeat(group+" || ", 4000) + "c00"
	var choices []string
	for i := range 15 {
		choices = append(choices, fmt.Sprintf("c%02d", i))
	}
	q := mustParse(t, "x", ruledYAML(strings.Join(choices, " "), "none: "+condition, "high: default"))
	if got := findings(Lint(q)); len(got) != 0 {
		t.Errorf("%v", got)
	}
}
