package questionnaire

import (
	"cmp"
	"math/bits"
	"slices"
	"strings"
)

// Explanation says why an answer has its risk, and what would lower it.
type Explanation struct {
	Risk     Risk
	Rule     int    // index of the rule that decided; -1 when none did
	Rungs    []Rung // one for each risk the rules declare, best first: none, medium, high
	Advice   []Advice
	Sentence string // the risk, its reason and the nearest way out, in whole sentences
}

// Rung is one risk of a question with the condition for it.
type Rung struct {
	Risk Risk
	Text string // the condition in words, such as "Both core choices and one of alternative A are ticked."
	Here bool   // the answer stands here
}

// Advice is one set of changes to the ticks that lowers the risk. No smaller set of
// changes leads as far.
type Advice struct {
	Tick, Untick []string // ids of choices, in the question's order
	Leads        Risk     // the risk after the changes: medium or none
}

// maxAdvice bounds how many sets of changes are given for one risk.
const maxAdvice = 6

// Explain returns why the selection has its risk, and the smallest sets of changes that
// lower it: first those that lead to medium, then those that lead to no risk, at most six
// each. Unticking a practice is advised only where ticking more does not help. Choices
// that are not applicable stay so. With "do not know" the ticks do not count, so the
// advice begins with nothing ticked.
func (q *Question) Explain(s Selection) Explanation {
	risk, rule := q.decide(s)
	e := Explanation{Risk: risk, Rule: rule, Rungs: q.rungs()}
	for i := range e.Rungs {
		e.Rungs[i].Here = e.Rungs[i].Risk == risk
	}
	if risk != RiskNotApplicable && risk != RiskNone {
		e.Advice = q.advise(s)
	}
	e.Sentence = q.because(s, e)
	return e
}

// Beside gives the sentence of an explanation for a place where the word of its risk stands
// already: without that word at its beginning.
func (r Risk) Beside(explanation string) string {
	word := r.Label() + ": "
	if len(explanation) <= len(word) || !strings.EqualFold(explanation[:len(word)], word) {
		return explanation
	}
	return sentence(strings.TrimSuffix(explanation[len(word):], "."))
}

// change is a set of choices whose ticks are turned.
type change struct {
	turned uint32
	leads  Risk
}

// advise finds the advice for a selection whose risk can be lowered.
func (q *Question) advise(s Selection) []Advice {
	notApplicable := q.bits(s.ChoicesNotApplicable)
	var chosen uint32
	if !s.Unknown {
		chosen = q.bits(s.Chosen) &^ notApplicable
	}
	var none uint32
	for i := range q.Choices {
		if q.Choices[i].None {
			none |= 1 << i
		}
	}
	applicable := (uint32(1)<<len(q.Choices) - 1) &^ notApplicable
	natural := applicable &^ none &^ chosen // practices to tick
	natural |= applicable & none & chosen   // none-of-these to untick
	any := natural | applicable&chosen
	o := q.outcomes(notApplicable)

	from := q.Score(s).rank()
	if s.Unknown || chosen|notApplicable == 0 {
		from = RiskHigh.rank()
	}
	var found []change
	for _, goal := range []Risk{RiskMedium, RiskNone} {
		if goal.rank() >= from {
			continue
		}
		changes := smallest(o, chosen, natural, notApplicable, goal)
		if len(changes) == 0 {
			changes = smallest(o, chosen, any, notApplicable, goal)
		}
		for _, c := range changes {
			if !slices.Contains(found, c) {
				found = append(found, c)
			}
		}
	}
	advice := make([]Advice, len(found))
	for i, c := range found {
		advice[i] = Advice{Tick: q.ids(c.turned &^ chosen), Untick: q.ids(c.turned & chosen), Leads: c.leads}
	}
	return advice
}

// smallest returns the smallest sets of turns within the turnable choices after which
// the risk is at least as good as the goal. Nothing ticked at all is no goal.
func smallest(o outcomes, chosen, turnable, notApplicable uint32, goal Risk) []change {
	var found []change
	size := 33
	for turned := turnable; turned != 0; turned = (turned - 1) & turnable {
		n := bits.OnesCount32(turned)
		after := chosen ^ turned
		if n > size || after|notApplicable == 0 {
			continue
		}
		leads := o.risk(after)
		if leads.rank() > goal.rank() {
			continue
		}
		if n < size {
			size, found = n, found[:0]
		}
		found = append(found, change{turned, leads})
	}
	slices.SortFunc(found, func(a, b change) int { // earlier choices first
		return cmp.Compare(bits.Reverse32(b.turned), bits.Reverse32(a.turned))
	})
	return found[:min(len(found), maxAdvice)]
}

// ids returns the ids of the choices in the bits.
func (q *Question) ids(m uint32) []string {
	var out []string
	for i := range q.Choices {
		if m>>i&1 != 0 {
			out = append(out, q.Choices[i].ID)
		}
	}
	return out
}

// rungs returns the risks that the rules declare with their conditions in words.
func (q *Question) rungs() []Rung {
	var out []Rung
	for _, risk := range []Risk{RiskNone, RiskMedium, RiskHigh} {
		var conditions []*expr
		for _, r := range q.Rules {
			if r.Risk == risk && r.expr != nil {
				conditions = append(conditions, r.expr)
			}
		}
		if len(conditions) > 0 {
			out = append(out, Rung{Risk: risk, Text: q.rungText(risk, conditions)})
		}
	}
	return out
}
