package questionnaire

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// weighted is a set of one question with the choices, given as "id:weight" or
// "id:alternative:group".
func weighted(t rapid.TB, maxRisk Risk, choices ...string) *Question {
	t.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, "key: test\nname: Test\nversion: 1.0.0\nsections:\n  - id: one\n    name: One\n    questions:\n      - id: que\n        title: Is it so?\n        why: Why.\n        max_risk: %s\n        choices:\n", maxRisk)
	for _, c := range choices {
		parts := strings.Split(c, ":")
		fmt.Fprintf(&b, "          - {id: %s, title: We do %s., first_step: {text: Do it.}", parts[0], parts[0])
		if len(parts) > 1 {
			fmt.Fprintf(&b, ", weight: %s", parts[1])
		}
		if len(parts) > 2 {
			fmt.Fprintf(&b, ", group: %s", parts[2])
		}
		b.WriteString("}\n")
	}
	return mustParse(t, "test.yaml", b.String()).Questions()[0]
}

// ruled is a question with choices and rules, given as "risk: condition".
func ruled(t rapid.TB, choices string, rules ...string) *Question {
	t.Helper()
	return mustParse(t, "test.yaml", ruledYAML(choices, rules...)).Questions()[0]
}

func ruledYAML(choices string, rules ...string) string {
	var b strings.Builder
	b.WriteString("key: test\nname: Test\nversion: 1.0.0\nsections:\n  - id: one\n    name: One\n    questions:\n      - id: que\n        title: Is it so?\n        why: Why.\n        choices:\n")
	for id := range strings.FieldsSeq(choices) {
		fmt.Fprintf(&b, "          - {id: %s, title: We do %s., first_step: {text: Do it.}}\n", id, id)
	}
	b.WriteString("        rules:\n")
	for _, r := range rules {
		risk, condition, _ := strings.Cut(r, ": ")
		fmt.Fprintf(&b, "          - {condition: '%s', risk: %s}\n", condition, risk)
	}
	return b.String()
}

func TestGeneratedRules(t *testing.T) {
	tests := []struct {
		name    string
		max     Risk
		choices []string
		want    []string
	}{
		{"core and extra", RiskHigh, []string{"aaa:core", "bbb:core", "ccc:extra"},
			[]string{"none: aaa && bbb && ccc && !que_no", "medium: aaa && bbb && !que_no", "high: default"}},
		{"everything", RiskHigh, []string{"sss:scope", "aaa:core", "bbb:alternative:x", "ccc:alternative:y", "ddd:alternative:x", "eee:extra"},
			[]string{"none: (sss || aaa && (bbb || ddd) && ccc && eee) && !que_no", "medium: aaa && (bbb || ddd) && ccc && !que_no", "high: default"}},
		{"worst is medium", RiskMedium, []string{"aaa:core", "bbb:extra"}, []string{"none: aaa && bbb && !que_no", "medium: default"}},
		{"only extra", RiskHigh, []string{"aaa:extra", "bbb:extra"}, []string{"none: aaa && bbb && !que_no", "high: default"}},
		{"only core", RiskHigh, []string{"aaa:core", "bbb:core"}, []string{"none: aaa && bbb && !que_no", "high: default"}},
		{"only scope", RiskHigh, []string{"aaa:scope", "bbb:scope"}, []string{"none: (aaa || bbb) && !que_no", "high: default"}},
		{"one choice", RiskHigh, []string{"aaa:core"}, []string{"none: aaa && !que_no", "high: default"}},
		{"alternatives", RiskHigh, []string{"aaa:alternative:x", "bbb:alternative:x", "ccc:extra"},
			[]string{"none: (aaa || bbb) && ccc && !que_no", "medium: (aaa || bbb) && !que_no", "high: default"}},
		{"none is written", RiskHigh, []string{"aaa:core", "bbb:extra", "my_no"}, []string{"none: aaa && bbb && !my_no", "medium: aaa && !my_no", "high: default"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			q := weighted(t, test.max, test.choices...)
			var got []string
			for _, r := range q.Rules {
				got = append(got, string(r.Risk)+": "+r.expr.String())
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestScore(t *testing.T) {
	// Rules and results as measured on the service by the awslabs maintainers (G1, G3).
	measured := ruled(t, "aaa bbb ccc ddd none_no scope", "none: (scope || (aaa && bbb && ccc && ddd)) && !none_no", "medium: aaa && bbb && !none_no", "high: default")
	either := ruled(t, "aaa bbb", "medium: aaa || bbb", "high: default")
	partial := ruled(t, "aaa bbb ccc", "none: aaa && bbb", "medium: !aaa && ccc")
	lone := ruled(t, "aaa bbb", "medium: aaa", "none: !bbb", "high: default")
	tests := []struct {
		name   string
		q      *Question
		chosen string
		na     string
		want   Risk
	}{
		{"nothing", measured, "", "", RiskUnanswered},
		{"only unknown ids", measured, "zzz", "", RiskUnanswered},
		{"all", measured, "aaa bbb ccc ddd", "", RiskNone},
		{"scope", measured, "scope", "", RiskNone},
		{"core", measured, "aaa bbb", "", RiskMedium},
		{"core in another order, with an unknown id", measured, "bbb zzz aaa", "", RiskMedium},
		{"too little", measured, "aaa ccc ddd", "", RiskHigh},
		{"none", measured, "none_no", "", RiskHigh},
		{"none beside everything", measured, "aaa bbb ccc ddd none_no", "", RiskHigh},
		{"fourth not applicable", measured, "aaa bbb ccc", "ddd", RiskNone},
		{"second not applicable", measured, "aaa", "bbb", RiskMedium},
		{"all not applicable", measured, "", "aaa bbb ccc ddd", RiskNone},
		{"one not applicable, nothing ticked", measured, "", "ddd", RiskHigh},
		{"scope not applicable, core ticked", measured, "aaa bbb", "scope", RiskMedium},
		{"not applicable wins over ticked", measured, "scope", "scope", RiskHigh},
		{"an emptied list of alternatives is false", either, "", "aaa bbb", RiskHigh},
		{"one alternative left, not ticked", either, "", "aaa", RiskHigh},
		{"one alternative left, ticked", either, "bbb", "aaa", RiskMedium},
		{"a lone id not applicable is false", lone, "bbb", "aaa", RiskHigh},
		{"a lone negated id not applicable is false", lone, "", "bbb", RiskHigh},
		{"a lone negated id", lone, "", "aaa", RiskNone},
		{"first rule wins", lone, "aaa", "", RiskMedium},
		{"no rule fits", partial, "aaa", "", RiskUnmatched},
		{"second rule", partial, "ccc", "", RiskMedium},
		{"a negated id not applicable is dropped", partial, "ccc", "aaa", RiskMedium},
	}
	for _, test := range tests {
		s := Selection{Chosen: strings.Fields(test.chosen), ChoicesNotApplicable: strings.Fields(test.na)}
		if got := test.q.Score(s); got != test.want {
			t.Errorf("%s: %s, want %s", test.name, got, test.want)
		}
		s.Unknown = true
		if got := test.q.Score(s); got != RiskHigh {
			t.Errorf("%s, not known: %s", test.name, got)
		}
		s.NotApplicable = true
		if got := test.q.Score(s); got != RiskNotApplicable {
			t.Errorf("%s, not applicable: %s", test.name, got)
		}
	}
}

func TestCountsAsHigh(t *testing.T) {
	for risk, want := range map[Risk]bool{RiskNone: false, RiskMedium: false, RiskHigh: true, RiskUnanswered: false, RiskNotApplicable: false, RiskUnmatched: true} {
		if risk.CountsAsHigh() != want {
			t.Errorf("%s counts as high: %v", risk, !want)
		}
	}
}

func TestLabel(t *testing.T) {
	for risk, want := range map[Risk]string{RiskNone: "no risk found", RiskMedium: "medium", RiskHigh: "high", RiskNotApplicable: "not applicable", RiskUnmatched: "no rule fits", RiskUnanswered: "unanswered"} {
		if risk.Label() != want {
			t.Errorf("%s is called %q", risk, risk.Label())
		}
	}
}

// largest is a question of 15 choices with rules of every kind.
func largest(t testing.TB) (*Question, Selection) {
	q := weighted(t, RiskHigh, "c00:scope", "c01:core", "c02:core", "c03:core", "c04:core", "c05:alternative:x", "c06:alternative:x",
		"c07:alternative:y", "c08:alternative:y", "c09:extra", "c10:extra", "c11:extra", "c12:extra", "c13:extra")
	return q, Selection{Chosen: []string{"c01", "c02", "c03", "c04", "c06", "c08", "c09", "c12"}, ChoicesNotApplicable: []string{"c13"}}
}

func TestScoreAllocatesNothing(t *testing.T) {
	q, s := largest(t)
	if got := q.Score(s); got != RiskMedium {
		t.Fatalf("the sample scores %s", got)
	}
	if n := testing.AllocsPerRun(100, func() { q.Score(s) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkScore(b *testing.B) {
	q, s := largest(b)
	b.ReportAllocs()
	for b.Loop() {
		q.Score(s)
	}
}

func BenchmarkExplain(b *testing.B) {
	q, s := largest(b)
	for b.Loop() {
		q.Explain(s)
	}
}

// bigSet is a set as large as the Well-Architected Framework: 57 questions of 6 choices,
// or of the number given.
func bigSet(choices int) string {
	var b strings.Builder
	b.WriteString("key: big\nname: Big\nversion: 1.0.0\ndescription: Many questions.\nsections:\n  - id: one\n    name: One\n    questions:\n")
	for i := range 57 {
		fmt.Fprintf(&b, "      - id: QUE%02d\n        title: How do you do thing %d?\n        why: It may fail in way %d.\n        good: It is done.\n        max_risk: high\n        choices:\n", i, i, i)
		for j := range choices {
			weight := []string{"core", "core", "extra"}[j%3]
			fmt.Fprintf(&b, "          - id: QUE%02d_BP%02d\n            title: We do part %d of it.\n            weight: %s\n            good: It is seen to be done.\n            lineage: [QUE%02d_BP%02d]\n            first_step: {text: Do it once., url: \"https://example.com/%d/%d\"}\n", i, j, j, weight, i, j, i, j)
		}
	}
	return b.String()
}

func BenchmarkParseAndLint(b *testing.B) {
	for _, choices := range []int{6, 14} {
		data := []byte(bigSet(choices))
		b.Run(fmt.Sprintf("57x%d", choices), func(b *testing.B) {
			for b.Loop() {
				q, err := Parse("big.yaml", data)
				if err != nil {
					b.Fatal(err)
				}
				if problems := Lint(q); len(problems) > 0 {
					b.Fatal(problems)
				}
			}
		})
	}
}
