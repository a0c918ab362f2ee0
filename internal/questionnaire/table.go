package questionnaire

import (
	"math/bits"
	"sync"
)

// table is a set of selections: bit m stands for the selection whose choices are the
// bits of m. A question of 15 choices has 32,768 of them in 512 words, so that a whole
// truth table costs a few operations per word and node of a condition.
type table []uint64

// wordPatterns are the tables of the first six choices, one word long.
var wordPatterns = [6]uint64{
	0xAAAAAAAAAAAAAAAA, 0xCCCCCCCCCCCCCCCC, 0xF0F0F0F0F0F0F0F0,
	0xFF00FF00FF00FF00, 0xFFFF0000FFFF0000, 0xFFFFFFFF00000000,
}

// newTable returns the empty table for a number of choices.
func newTable(choices int) table { return make(table, (1<<choices+63)/64) }

// fullTable returns the table of all selections of a number of choices.
func fullTable(choices int) table {
	t := newTable(choices)
	for i := range t {
		t[i] = ^uint64(0)
	}
	if choices < 6 {
		t[0] = 1<<(1<<choices) - 1
	}
	return t
}

// choiceTable returns the selections in which choice i is ticked.
func choiceTable(choices, i int) table {
	t := fullTable(choices)
	for word := range t {
		switch {
		case i < 6:
			t[word] &= wordPatterns[i]
		case word>>(i-6)&1 == 0:
			t[word] = 0
		}
	}
	return t
}

// knownTables are the tables of every choice, by the number of choices; they are shared, and
// only read.
var knownTables [maxChoices + 1]struct {
	once   sync.Once
	tables []table
}

// choiceTables returns choiceTable for every choice. The tables must not be changed.
func choiceTables(choices int) []table {
	known := &knownTables[choices]
	known.once.Do(func() {
		for i := range choices {
			known.tables = append(known.tables, choiceTable(choices, i))
		}
	})
	return known.tables
}

func (t table) has(m uint32) bool { return t[m/64]>>(m%64)&1 != 0 }

func (t table) empty() bool { return t.first() < 0 }

// first returns the smallest selection of the table, -1 when it is empty.
func (t table) first() int {
	for i, word := range t {
		if word != 0 {
			return i*64 + bits.TrailingZeros64(word)
		}
	}
	return -1
}

func (t table) clone() table { return append(table(nil), t...) }

func (t table) and(o table) table {
	for i := range t {
		t[i] &= o[i]
	}
	return t
}

func (t table) or(o table) table {
	for i := range t {
		t[i] |= o[i]
	}
	return t
}

func (t table) without(o table) table {
	for i := range t {
		t[i] &^= o[i]
	}
	return t
}

// lowered returns one word of the selections without choice i to which adding it leads
// into t.
func (t table) lowered(i, word int) uint64 {
	switch {
	case i < 6:
		return t[word] & wordPatterns[i] >> (1 << i)
	case word>>(i-6)&1 == 0:
		return t[word|1<<(i-6)]
	}
	return 0
}

// truth returns the selections for which the condition holds while some choices are not
// applicable; it agrees with holds.
func (e *expr) truth(choices []table, notApplicable uint32) table {
	all := fullTable(len(choices))
	switch e.op {
	case opDefault:
		return all
	case opChoice:
		if e.ticked&notApplicable != 0 {
			return newTable(len(choices))
		}
		return choices[bits.TrailingZeros32(e.ticked)].clone()
	case opNot:
		inner := e.list[0]
		if inner.op == opChoice && inner.ticked&notApplicable != 0 {
			return newTable(len(choices))
		}
		return all.without(inner.truth(choices, notApplicable))
	}
	out := all
	if e.op == opOr {
		out = newTable(len(choices))
	}
	for _, operand := range e.list {
		if operand.dropped(notApplicable) {
			continue
		}
		var t table
		if operand.op == opChoice {
			t = choices[bits.TrailingZeros32(operand.ticked)] // read only
		} else {
			t = operand.truth(choices, notApplicable)
		}
		if e.op == opAnd {
			out.and(t)
		} else {
			out.or(t)
		}
	}
	return out
}

// dropped reports whether the operand is a choice that is not applicable, or its negation.
func (e *expr) dropped(notApplicable uint32) bool {
	if e.op == opNot {
		e = e.list[0]
	}
	return e.op == opChoice && e.ticked&notApplicable != 0
}

// outcomes are the selections by the risk that the rules give them. The empty selection
// stands with the risk its rules give, although it scores as unanswered.
type outcomes struct {
	none, medium, high, unmatched table
	choices                       []table
}

// outcomes computes all selections of the question at once.
func (q *Question) outcomes(notApplicable uint32) outcomes {
	n := len(q.Choices)
	o := outcomes{none: newTable(n), medium: newTable(n), high: newTable(n), unmatched: fullTable(n)}
	o.choices = choiceTables(n)
	for _, r := range q.Rules {
		if r.expr == nil {
			continue
		}
		hit := r.expr.truth(o.choices, notApplicable).and(o.unmatched)
		o.of(r.Risk).or(hit)
		o.unmatched.without(hit)
	}
	return o
}

// of returns the selections with the risk.
func (o outcomes) of(risk Risk) table {
	switch risk {
	case RiskNone:
		return o.none
	case RiskMedium:
		return o.medium
	case RiskHigh:
		return o.high
	default:
		return o.unmatched
	}
}

// risk returns the risk of a selection.
func (o outcomes) risk(m uint32) Risk {
	for _, risk := range []Risk{RiskNone, RiskMedium, RiskHigh} {
		if o.of(risk).has(m) {
			return risk
		}
	}
	return RiskUnmatched
}
