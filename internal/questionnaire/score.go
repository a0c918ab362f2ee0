package questionnaire

import (
	"errors"
	"strings"
)

// compile reads the conditions of the rules and numbers the choices, so that Score has
// little to do. Rules whose condition cannot be read or names an unknown choice are
// reported with the rule's index and the offset in its condition.
func (q *Question) compile(report func(rule int, err *conditionError, code string)) {
	q.position = make(map[string]int, len(q.Choices))
	for i, c := range q.Choices {
		q.position[c.ID] = i
	}
	for i := range q.Rules {
		if strings.TrimSpace(q.Rules[i].Condition) == "" {
			continue // reported where it was read
		}
		e, err := parseCondition(q.Rules[i].Condition)
		if err != nil {
			var bad *conditionError
			if !errors.As(err, &bad) {
				bad = &conditionError{message: err.Error()}
			}
			report(i, bad, "bad-condition")
			continue
		}
		known := true
		e.choices(func(c *expr) {
			if _, ok := q.position[c.id]; !ok {
				known = false
				report(i, unknownChoice(c, q.Choices), "unknown-choice")
			}
		})
		if known && len(q.Choices) <= maxChoices {
			e.resolve(q.position)
			q.Rules[i].expr = e
		}
	}
}

func unknownChoice(c *expr, choices []Choice) *conditionError {
	ids := make([]string, len(choices))
	for i, choice := range choices {
		ids[i] = choice.ID
	}
	e := &conditionError{offset: c.at, message: "The condition names the choice " + quote(c.id) + ", which the question does not have."}
	if near := nearest(c.id, ids); near != "" {
		e.mend = "Did you mean " + near + "?"
	}
	return e
}

// Score returns the risk of an answer:
//
//  1. a question marked not applicable is not applicable;
//  2. "do not know" is high, whatever is ticked beside it;
//  3. nothing ticked and no choice marked not applicable is unanswered;
//  4. otherwise the first rule from the top whose condition holds decides;
//  5. where no rule holds the answer is unmatched, which counts as high.
//
// A choice marked not applicable is dropped from the conditions, even when it is also
// ticked. None-of-these is an ordinary choice here. Score allocates nothing.
func (q *Question) Score(s Selection) Risk {
	risk, _ := q.decide(s)
	return risk
}

// decide is Score with the index of the rule that decided, -1 when none did.
func (q *Question) decide(s Selection) (Risk, int) {
	switch {
	case s.NotApplicable:
		return RiskNotApplicable, -1
	case s.Unknown:
		return RiskHigh, -1
	}
	chosen, notApplicable := q.bits(s.Chosen), q.bits(s.ChoicesNotApplicable)
	if chosen|notApplicable == 0 {
		return RiskUnanswered, -1
	}
	return q.scoreBits(chosen, notApplicable)
}

func (q *Question) scoreBits(chosen, notApplicable uint32) (Risk, int) {
	for i := range q.Rules {
		if e := q.Rules[i].expr; e != nil && e.holds(chosen, notApplicable) {
			return q.Rules[i].Risk, i
		}
	}
	return RiskUnmatched, -1
}

// bits returns the choices as bits; ids the question does not have are left out.
func (q *Question) bits(ids []string) uint32 {
	var out uint32
	for _, id := range ids {
		if i, ok := q.position[id]; ok {
			out |= 1 << i
		}
	}
	return out
}
