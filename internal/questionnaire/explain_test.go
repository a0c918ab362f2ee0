package questionnaire

import (
	"math/bits"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestExplain(t *testing.T) {
	full := weighted(t, RiskHigh, "aaa:core", "bbb:core", "ccc:alternative:a", "ddd:alternative:a", "eee:extra")
	scoped := weighted(t, RiskHigh, "sss:scope", "aaa:core", "bbb:extra")
	medium := weighted(t, RiskMedium, "aaa:core", "bbb:extra")
	written := ruled(t, "aaa bbb ccc", "none: aaa && (bbb || ccc)", "medium: !bbb && ccc")
	stated := ruled(t, "bad good", "high: bad", "none: good", "medium: default")
	tests := []struct {
		name     string
		q        *Question
		s        Selection
		risk     Risk
		rule     int
		sentence string
		advice   []Advice
	}{
		{"core missing", full, Selection{Chosen: []string{"aaa", "ccc"}}, RiskHigh, 2,
			"High: the core choice “We do bbb” is not ticked. Ticking “We do bbb” leads to medium.",
			[]Advice{{Tick: []string{"bbb"}, Leads: RiskMedium}, {Tick: []string{"bbb", "eee"}, Leads: RiskNone}}},
		{"alternative missing", full, Selection{Chosen: []string{"aaa", "bbb", "eee"}}, RiskHigh, 2,
			"High: no choice of alternative A is ticked. Ticking “We do ccc” leads to no risk found.",
			[]Advice{{Tick: []string{"ccc"}, Leads: RiskNone}, {Tick: []string{"ddd"}, Leads: RiskNone}}},
		{"extra missing", full, Selection{Chosen: []string{"aaa", "bbb", "ddd"}}, RiskMedium, 1,
			"Medium: the extra choice “We do eee” is not ticked. Ticking “We do eee” leads to no risk found.",
			[]Advice{{Tick: []string{"eee"}, Leads: RiskNone}}},
		{"all", full, Selection{Chosen: []string{"aaa", "bbb", "ddd", "eee"}}, RiskNone, 0,
			"No risk found: both core choices, the extra choice and one of alternative A are ticked.", nil},
		{"none of these", full, Selection{Chosen: []string{"que_no"}}, RiskHigh, 2,
			"High: “None of these” is ticked. Unticking “None of these” and ticking “We do aaa”, “We do bbb” and “We do ccc” leads to medium.",
			[]Advice{
				{Tick: []string{"aaa", "bbb", "ccc"}, Untick: []string{"que_no"}, Leads: RiskMedium},
				{Tick: []string{"aaa", "bbb", "ddd"}, Untick: []string{"que_no"}, Leads: RiskMedium},
				{Tick: []string{"aaa", "bbb", "ccc", "eee"}, Untick: []string{"que_no"}, Leads: RiskNone},
				{Tick: []string{"aaa", "bbb", "ddd", "eee"}, Untick: []string{"que_no"}, Leads: RiskNone},
			}},
		{"several core missing, one not applicable", full, Selection{Chosen: []string{"eee"}, ChoicesNotApplicable: []string{"bbb"}}, RiskHigh, 2,
			"High: the core choice “We do aaa” is not ticked, and no choice of alternative A is ticked. Ticking “We do aaa” and “We do ccc” leads to no risk found.",
			[]Advice{{Tick: []string{"aaa", "ccc"}, Leads: RiskNone}, {Tick: []string{"aaa", "ddd"}, Leads: RiskNone}}},
		{"scope", scoped, Selection{Chosen: []string{"sss"}}, RiskNone, 0, "No risk found: either “We do sss” is ticked, or all other choices are ticked.", nil},
		{"unanswered", scoped, Selection{}, RiskUnanswered, -1,
			"Nothing is ticked yet, so the question is unanswered. Ticking “We do sss” leads to no risk found.",
			[]Advice{{Tick: []string{"sss"}, Leads: RiskNone}, {Tick: []string{"aaa"}, Leads: RiskMedium}}},
		{"not known", medium, Selection{Unknown: true, Chosen: []string{"aaa"}}, RiskHigh, -1,
			"Not knowing counts as high until someone finds out. Ticking “We do aaa” leads to medium.",
			[]Advice{{Tick: []string{"aaa"}, Leads: RiskMedium}, {Tick: []string{"bbb"}, Leads: RiskMedium}, {Tick: []string{"aaa", "bbb"}, Leads: RiskNone}}},
		{"not applicable", medium, Selection{NotApplicable: true}, RiskNotApplicable, -1, "The question is marked not applicable.", nil},
		{"unmatched", written, Selection{Chosen: []string{"bbb"}}, RiskUnmatched, -1,
			"No rule fits this answer, so it counts as high. Ticking “We do aaa” leads to no risk found.",
			[]Advice{{Tick: []string{"aaa"}, Leads: RiskNone}}},
		{"a written rule", written, Selection{Chosen: []string{"ccc"}}, RiskMedium, 1,
			"Medium: “We do ccc” is ticked, and “We do bbb” is not ticked. Ticking “We do aaa” leads to no risk found.",
			[]Advice{{Tick: []string{"aaa"}, Leads: RiskNone}}},
		{"a bad statement", stated, Selection{Chosen: []string{"bad"}}, RiskHigh, 0,
			"High: “We do bad” is ticked. Unticking “We do bad” and ticking “We do good” leads to no risk found.",
			[]Advice{{Tick: []string{"good"}, Untick: []string{"bad"}, Leads: RiskNone}}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := test.q.Explain(test.s)
			if got.Risk != test.risk || got.Rule != test.rule {
				t.Errorf("risk %s by rule %d, want %s by %d", got.Risk, got.Rule, test.risk, test.rule)
			}
			if got.Sentence != test.sentence {
				t.Errorf("sentence\n%s\nwant\n%s", got.Sentence, test.sentence)
			}
			if diff := cmp.Diff(test.advice, got.Advice); diff != "" && len(test.advice)+len(got.Advice) > 0 {
				t.Error(diff)
			}
			for _, rung := range got.Rungs {
				if rung.Here != (rung.Risk == test.risk) {
					t.Errorf("rung %s is here: %v", rung.Risk, rung.Here)
				}
			}
		})
	}
}

func TestRungs(t *testing.T) {
	tests := []struct {
		name string
		q    *Question
		want []string
	}{
		{"as on the question's page", weighted(t, RiskHigh, "aaa:core", "bbb:core", "ccc:alternative:a", "ddd:alternative:a", "eee:extra", "fff:extra", "ggg:extra"),
			[]string{"none: Both core choices, all three extra choices and one of alternative A are ticked.", "medium: Both core choices and one of alternative A are ticked.", "high: Anything less."}},
		{"all", weighted(t, RiskHigh, "aaa:core", "bbb:extra"), []string{"none: All choices are ticked.", "medium: The core choice is ticked.", "high: Anything less."}},
		{"only core", weighted(t, RiskHigh, "aaa:core", "bbb:core", "ccc:core"), []string{"none: All three core choices are ticked.", "high: Anything less."}},
		{"one alternative", weighted(t, RiskMedium, "aaa:alternative:x", "bbb:alternative:x"), []string{"none: One of alternative X is ticked.", "medium: Anything less."}},
		{"scopes", weighted(t, RiskHigh, "aaa:scope", "bbb:scope"), []string{"none: At least one of “We do aaa” and “We do bbb” is ticked.", "high: Anything less."}},
		{"written", ruled(t, "aaa bbb ccc ddd que_no", "none: aaa && bbb && ccc && ddd && !que_no", "medium: (aaa || bbb) && !(ccc && ddd)", "high: default"),
			[]string{"none: All choices are ticked.",
				"medium: At least one of “We do aaa” and “We do bbb” is ticked, and it is not so that (“We do ccc” and “We do ddd” are ticked).",
				"high: Anything less."}},
		{"nested", ruled(t, "aaa bbb ccc ddd", "none: aaa || bbb && !ccc || (ccc && (aaa || ddd && !bbb))", "high: default"),
			[]string{"none: Either “We do aaa” is ticked, or (“We do bbb” is ticked, and “We do ccc” is not ticked), or (“We do ccc” is ticked, and (either “We do aaa” is ticked, or (“We do ddd” is ticked, and “We do bbb” is not ticked))).", "high: Anything less."}},
		{"any", ruled(t, "aaa bbb que_no", "medium: aaa || bbb", "high: que_no"), []string{"medium: At least one choice is ticked.", "high: “We do que_no” is ticked."}},
		{"guard alone", ruled(t, "aaa que_no", "none: !que_no", "high: default"), []string{"none: “We do que_no” is not ticked.", "high: Anything less."}},
		{"best is the default", ruled(t, "aaa bbb", "high: aaa", "none: default"), []string{"none: Anything else.", "high: “We do aaa” is ticked."}},
		{"always", ruled(t, "aaa", "none: default"), []string{"none: Always, whatever is ticked."}},
		{"two rules for a risk", ruled(t, "aaa bbb", "none: aaa", "none: !bbb", "high: default"), []string{"none: “We do aaa” is ticked, or “We do bbb” is not ticked.", "high: Anything less."}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var got []string
			for _, r := range test.q.Explain(Selection{}).Rungs {
				got = append(got, string(r.Risk)+": "+r.Text)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestAdviceLowersAndIsMinimal follows every advice on generated questions and answers.
func TestAdviceLowersAndIsMinimal(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		q := questions().Draw(t, "question")
		n := len(q.Choices)
		chosen := rapid.Uint32Range(0, 1<<n-1).Draw(t, "chosen")
		notApplicable := rapid.OneOf(rapid.Just(uint32(0)), rapid.Uint32Range(0, 1<<n-1)).Draw(t, "not applicable")
		s := Selection{Chosen: q.ids(chosen), ChoicesNotApplicable: q.ids(notApplicable)}
		chosen &^= notApplicable
		e := q.Explain(s)
		if e.Risk != q.Score(s) || e.Sentence == "" {
			t.Fatalf("explanation %+v of %s", e, q.Score(s))
		}
		rank := e.Risk.rank()
		for _, a := range e.Advice {
			turned := q.bits(a.Tick) | q.bits(a.Untick)
			if q.bits(a.Tick)&chosen != 0 || q.bits(a.Untick)&^chosen != 0 || turned&notApplicable != 0 {
				t.Fatalf("advice %+v does not fit %+v", a, s)
			}
			after, _ := q.scoreBits(chosen^turned, notApplicable)
			if after != a.Leads || a.Leads.rank() >= rank {
				t.Fatalf("advice %+v leads to %s from %s", a, after, e.Risk)
			}
			for part := (turned - 1) & turned; turned != 0; part = (part - 1) & turned {
				if part != 0 && (chosen^part)|notApplicable != 0 {
					if risk, _ := q.scoreBits(chosen^part, notApplicable); risk.rank() <= a.Leads.rank() {
						t.Fatalf("advice %+v: turning %v leads to %s already", a, q.ids(part), risk)
					}
				}
				if part == 0 {
					break
				}
			}
		}
		if len(e.Advice) == 0 && rank > 0 && e.Risk != RiskNotApplicable {
			for m := range uint32(1) << n { // nothing but a choice left out of every advice may help
				turned := m ^ chosen
				if m|notApplicable == 0 || turned&notApplicable != 0 || turned&q.noneBits()&m != 0 {
					continue
				}
				if risk, _ := q.scoreBits(m, notApplicable); risk.rank() < rank {
					t.Fatalf("no advice for %+v, but %v leads to %s", s, q.ids(m), risk)
				}
			}
		}
	})
}

func (q *Question) noneBits() uint32 {
	var out uint32
	for i := range q.Choices {
		if q.Choices[i].None {
			out |= 1 << i
		}
	}
	return out
}

// questions generates compiled questions with weights or with written rules.
func questions() *rapid.Generator[*Question] {
	return rapid.Custom(func(t *rapid.T) *Question {
		if rapid.Bool().Draw(t, "weighted") {
			var choices []string
			for i := range rapid.IntRange(1, 6).Draw(t, "choices") {
				weight := rapid.SampledFrom([]string{"core", "core", "extra", "scope", "alternative:x", "alternative:y"}).Draw(t, "weight")
				choices = append(choices, conditionIDs[i]+":"+weight)
			}
			return weighted(t, rapid.SampledFrom([]Risk{RiskHigh, RiskMedium}).Draw(t, "worst"), choices...)
		}
		n := rapid.IntRange(1, 6).Draw(t, "choices")
		var rules []string
		for range rapid.IntRange(1, 3).Draw(t, "rules") {
			rules = append(rules, string(rapid.SampledFrom([]Risk{RiskNone, RiskMedium, RiskHigh}).Draw(t, "risk"))+": "+conditions(n).Draw(t, "condition"))
		}
		if rapid.Bool().Draw(t, "default") {
			rules = append(rules, "high: default")
		}
		return ruled(t, strings.Join(conditionIDs[:n], " ")+" que_no", rules...)
	})
}

func TestTables(t *testing.T) {
	for n := 1; n <= 15; n++ {
		for i := range n {
			c := choiceTable(n, i)
			count := 0
			for _, word := range c {
				count += bits.OnesCount64(word)
			}
			if count != 1<<(n-1) || !c.has(1<<i) || c.has(0) {
				t.Fatalf("choice %d of %d: %d selections", i, n, count)
			}
			lowered := newTable(n)
			for word := range lowered {
				lowered[word] = c.lowered(i, word)
			}
			if lowered.first() != 0 || lowered.and(c).first() >= 0 {
				t.Fatalf("choice %d of %d lowers wrongly", i, n)
			}
		}
	}
}
