package questionnaire

import (
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestParseCondition(t *testing.T) {
	nested := strings.Repeat("(", maxDepth-1) + "a" + strings.Repeat(")", maxDepth-1)
	tests := []struct{ text, want string }{
		{"default", "default"},
		{"  default\n", "default"},
		{"a", "a"},
		{"a&&b||c&&d", "a && b || c && d"},
		{"a || b && c", "a || b && c"},
		{"(a || b) && c", "(a || b) && c"},
		{"((a)) && (b && c)", "a && b && c"},
		{"a || (b || c)", "a || b || c"},
		{"!a && !(b || c)", "!a && !(b || c)"},
		{"!!a", "a"},
		{"!(!(a && b))", "a && b"},
		{"!(a)", "!a"},
		{"\ta\n&&\u00a0b ", "a && b"},
		{"default_1 && my_default && defaulted", "default_1 && my_default && defaulted"},
		{"01 && _x", "01 && _x"},
		{nested, "a"},
	}
	for _, test := range tests {
		e, err := parseCondition(test.text)
		if err != nil {
			t.Errorf("%q: %v", test.text, err)
		} else if e.String() != test.want {
			t.Errorf("%q reads as %q, want %q", test.text, e, test.want)
		}
	}
}

func TestParseConditionErrors(t *testing.T) {
	tests := []struct {
		text    string
		offset  int
		message string
	}{
		{"", 0, "Expected a choice id and found the end."},
		{"  ", 2, "Expected a choice id and found the end."},
		{"a &&", 4, "Expected a choice id and found the end."},
		{"a && || b", 5, `Expected a choice id and found "||".`},
		{"a b", 2, `Expected && or || and found "b".`},
		{"(a", 0, "This parenthesis is never closed."},
		{"b && (a || (c && d)", 5, "This parenthesis is never closed."},
		{"(a !b)", 3, `Expected && or || or ) and found "!".`},
		{"a)", 1, `Expected && or || and found ")".`},
		{"()", 1, `Expected a choice id and found ")".`},
		{"a & b", 2, "A single & is not an operator."},
		{"a | b", 2, "A single | is not an operator."},
		{"a AND b", 2, `Expected && or || and found "AND".`},
		{"a && b-c", 6, `The character "-" does not belong in a condition.`},
		{"é", 0, `The character "é" does not belong in a condition.`},
		{"default && a", 8, "The word default cannot be combined with anything."},
		{strings.Repeat("(", maxDepth+1) + "a", maxDepth, "The condition nests more than 64 levels deep."},
		{strings.Repeat("!", 1000) + "a", maxDepth, "The condition nests more than 64 levels deep."},
	}
	for _, test := range tests {
		_, err := parseCondition(test.text)
		var e *conditionError
		if !errors.As(err, &e) {
			t.Errorf("%q: no error", test.text)
			continue
		}
		if e.message != test.message || e.offset != test.offset {
			t.Errorf("%q: %d %q, want %d %q", test.text, e.offset, e.message, test.offset, test.message)
		}
	}
}

// conditionIDs are the choices that generated conditions speak of.
var conditionIDs = []string{"aaa", "bbb", "ccc", "ddd", "eee", "fff", "ggg", "hhh"}

// conditions generates conditions over the first n of conditionIDs.
func conditions(n int) *rapid.Generator[string] {
	var level func(depth int) *rapid.Generator[string]
	level = func(depth int) *rapid.Generator[string] {
		id := rapid.SampledFrom(conditionIDs[:n])
		if depth == 0 {
			return id
		}
		inner := level(depth - 1)
		return rapid.OneOf(
			id,
			rapid.Map(inner, func(s string) string { return "!(" + s + ")" }),
			rapid.Map(id, func(s string) string { return "!" + s }),
			rapid.Map(rapid.SliceOfN(inner, 2, 4), func(s []string) string { return "(" + strings.Join(s, " && ") + ")" }),
			rapid.Map(rapid.SliceOfN(inner, 2, 4), func(s []string) string { return strings.Join(s, "||") }),
		)
	}
	return level(3)
}

func positions() map[string]int {
	out := make(map[string]int)
	for i, id := range conditionIDs {
		out[id] = i
	}
	return out
}

// TestConditionForms checks that the three evaluations agree (on bits, as a table, and
// the plain one below) and that writing a condition changes nothing.
func TestConditionForms(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, len(conditionIDs)).Draw(t, "choices")
		text := conditions(n).Draw(t, "condition")
		e, err := parseCondition(text)
		if err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		again, err := parseCondition(e.String())
		if err != nil || again.String() != e.String() {
			t.Fatalf("%q writes as %q, which reads as %v (%v)", text, e, again, err)
		}
		e.resolve(positions())
		again.resolve(positions())
		notApplicable := rapid.Uint32Range(0, 1<<n-1).Draw(t, "not applicable")
		var choices []table
		for i := range n {
			choices = append(choices, choiceTable(n, i))
		}
		truth := e.truth(choices, notApplicable)
		for m := range uint32(1) << n {
			got := e.holds(m, notApplicable)
			if got != truth.has(m) || got != again.holds(m, notApplicable) || got != plain(e, m, notApplicable) {
				t.Fatalf("%q on %b without %b: bits %v, table %v, plain %v", text, m, notApplicable, got, truth.has(m), plain(e, m, notApplicable))
			}
		}
	})
}

// plain evaluates a condition word by word after the format's rule for choices that are
// not applicable.
func plain(e *expr, chosen, notApplicable uint32) bool {
	value, neutral := plainOperand(e, chosen, notApplicable)
	return value && !neutral
}

func plainOperand(e *expr, chosen, notApplicable uint32) (value, neutral bool) {
	switch e.op {
	case opChoice:
		bit := uint32(1) << positions()[e.id]
		return chosen&bit != 0, notApplicable&bit != 0
	case opNot:
		value, neutral := plainOperand(e.list[0], chosen, notApplicable)
		return !value, neutral
	}
	value = e.op == opAnd
	for _, operand := range e.list {
		v, neutral := plainOperand(operand, chosen, notApplicable)
		if !neutral && v != (e.op == opAnd) {
			value = v
		}
	}
	return value, false
}

func FuzzCondition(f *testing.F) {
	for _, seed := range []string{"default", "a && b", "(a || b) && !c", "((a))", "!!a", "a &", "default && a", "\u00a0a\t", "a && (b || (c && !d))"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		e, err := parseCondition(text)
		if err != nil {
			var c *conditionError
			if !errors.As(err, &c) || c.offset < 0 || c.offset > len(text) || c.message == "" {
				t.Fatalf("%q: error %#v has no place in the text", text, err)
			}
			return
		}
		again, err := parseCondition(e.String())
		if err != nil {
			t.Fatalf("%q writes as %q: %v", text, e, err)
		}
		if again.String() != e.String() {
			t.Fatalf("%q writes as %q and then as %q", text, e, again)
		}
	})
}
