package questionnaire

import (
	"fmt"
	"math/bits"
	"strings"
	"unicode"
	"unicode/utf8"
)

// This file puts rules and answers into words.

// enumerate writes a list as "a, b and c".
func enumerate(items []string, conjunction string) string {
	if len(items) < 2 {
		return strings.Join(items, "")
	}
	last := len(items) - 1
	return strings.Join(items[:last], ", ") + " " + conjunction + " " + items[last]
}

// sentence makes a sentence of words.
func sentence(words string) string {
	first, size := utf8.DecodeRuneInString(words)
	if size == 0 {
		return ""
	}
	return string(unicode.ToUpper(first)) + words[size:] + "."
}

var numbers = []string{"no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"}

func spell(n int) string {
	if n < len(numbers) {
		return numbers[n]
	}
	return fmt.Sprint(n)
}

// named is a choice's title in quotes.
func named(c *Choice) string {
	return "\u201c" + strings.TrimRight(strings.TrimSpace(c.Title), ".") + "\u201d"
}

func areTicked(names []string) string {
	if len(names) == 1 {
		return names[0] + " is ticked"
	}
	return enumerate(names, "and") + " are ticked"
}

// rungText is the condition for a risk in words.
func (q *Question) rungText(risk Risk, conditions []*expr) string {
	if conditions[len(conditions)-1].op == opDefault {
		switch {
		case len(q.Rules) == 1:
			return "Always, whatever is ticked."
		case risk == worstDeclared(q.Rules):
			return "Anything less."
		default:
			return "Anything else."
		}
	}
	if q.Weighted {
		return sentence(q.weightedText(risk))
	}
	parts := make([]string, len(conditions))
	for i, e := range conditions {
		parts[i] = q.phrase(e, len(conditions) > 1)
	}
	return sentence(strings.Join(parts, ", or "))
}

// weightedText words the generated rule for no risk or for medium.
func (q *Question) weightedText(risk Risk) string {
	var core, extra, scopes []string
	for i := range q.Choices {
		c := &q.Choices[i]
		switch {
		case c.None:
		case c.Weight == WeightCore:
			core = append(core, named(c))
		case c.Weight == WeightExtra && risk == RiskNone:
			extra = append(extra, named(c))
		case c.Weight == WeightScope && risk == RiskNone:
			scopes = append(scopes, named(c))
		}
	}
	alternatives := groups(q.Choices)
	needed := counted(core, "core")
	needed = append(needed, counted(extra, "extra")...)
	for _, g := range alternatives {
		needed = append(needed, "one of alternative "+strings.ToUpper(g.name))
	}
	words := areTicked(needed)
	if practices := len(core) + len(extra); len(needed) == 1 && (practices > 1) {
		words = needed[0] + " are ticked"
	} else if len(alternatives) == 0 && len(core) > 0 && len(extra) > 0 {
		words = "all choices are ticked"
		if len(scopes) > 0 {
			words = "all other choices are ticked"
		}
	}
	switch {
	case len(scopes) == 0:
		return words
	case len(needed) == 0:
		return atLeastOne(scopes)
	default:
		return "either " + atLeastOne(scopes) + ", or " + words
	}
}

// counted words the choices of one weight: "the core choice", "both core choices".
func counted(names []string, weight string) []string {
	switch len(names) {
	case 0:
		return nil
	case 1:
		return []string{"the " + weight + " choice"}
	case 2:
		return []string{"both " + weight + " choices"}
	default:
		return []string{"all " + spell(len(names)) + " " + weight + " choices"}
	}
}

func atLeastOne(names []string) string {
	if len(names) == 1 {
		return names[0] + " is ticked"
	}
	return "at least one of " + enumerate(names, "and") + " is ticked"
}

// phrase words a condition. Inside another one, a condition of several parts stands in
// parentheses, so that the words have one reading.
func (q *Question) phrase(e *expr, inside bool) string {
	switch e.op {
	case opDefault:
		return "always"
	case opChoice, opNot:
		if e.op == opNot && e.list[0].op != opChoice {
			return "it is not so that (" + q.phrase(e.list[0], false) + ")"
		}
		return strings.Join(q.operandWords(e), "")
	}
	parts := q.operandWords(e)
	if len(parts) == 1 {
		return parts[0]
	}
	words := strings.Join(parts, ", and ")
	if e.op == opOr {
		words = "either " + strings.Join(parts, ", or ")
	}
	if inside {
		return "(" + words + ")"
	}
	return words
}

// operandWords words the operands of a list, those that are choices taken together.
func (q *Question) operandWords(e *expr) []string {
	operands := e.list
	if e.op == opChoice || e.op == opNot {
		operands = []*expr{e}
	}
	var ticked, clear, guards, rest []string
	var set uint32
	for _, operand := range operands {
		switch {
		case operand.op == opChoice:
			set |= operand.ticked
			ticked = append(ticked, q.nameOf(operand))
		case operand.op == opNot && operand.list[0].op == opChoice:
			if c, _ := q.Choice(operand.list[0].id); c.None && e.op == opAnd {
				guards = append(guards, q.nameOf(operand.list[0]))
			} else {
				clear = append(clear, q.nameOf(operand.list[0]))
			}
		default:
			rest = append(rest, q.phrase(operand, true))
		}
	}
	if len(ticked)+len(clear)+len(rest) == 0 {
		clear = guards // a guard goes without saying beside anything else
	}
	var parts []string
	if len(ticked) > 0 {
		parts = append(parts, q.tickedWords(e.op, ticked, set))
	}
	for _, name := range clear {
		parts = append(parts, name+" is not ticked")
	}
	return append(parts, rest...)
}

// tickedWords words the choices that a list wants ticked.
func (q *Question) tickedWords(o op, names []string, set uint32) string {
	all := len(names) > 1 && bits.OnesCount32(set) == q.practices()
	switch {
	case o == opOr && all:
		return "at least one choice is ticked"
	case o == opOr:
		return atLeastOne(names)
	case all:
		return "all choices are ticked"
	default:
		return areTicked(names)
	}
}

// practices counts the choices other than none-of-these.
func (q *Question) practices() int {
	n := 0
	for i := range q.Choices {
		if !q.Choices[i].None {
			n++
		}
	}
	return n
}

func (q *Question) nameOf(e *expr) string {
	c, _ := q.Choice(e.id)
	return named(c)
}

// because is the sentence of an explanation.
func (q *Question) because(s Selection, e Explanation) string {
	switch e.Risk {
	case RiskNotApplicable:
		return "The question is marked not applicable."
	case RiskUnanswered:
		return strings.TrimSpace("Nothing is ticked yet, so the question is unanswered. " + q.wayOut(e))
	case RiskUnmatched:
		return strings.TrimSpace("No rule fits this answer, so it counts as high. " + q.wayOut(e))
	}
	if s.Unknown {
		return strings.TrimSpace("Not knowing counts as high until someone finds out. " + q.wayOut(e))
	}
	words := sentence(e.Risk.Label() + ": " + q.reason(s, e))
	return strings.TrimSpace(words + " " + q.wayOut(e))
}

// reason says why the deciding rule holds.
func (q *Question) reason(s Selection, e Explanation) string {
	rule := q.Rules[e.Rule]
	if rule.expr.op != opDefault {
		if q.Weighted && e.Risk == RiskMedium {
			return strings.Join(q.lacking(s, WeightExtra), ", and ")
		}
		if q.Weighted {
			return q.weightedText(e.Risk)
		}
		return q.phrase(rule.expr, false)
	}
	if !q.Weighted {
		return "no other rule fits"
	}
	if none, ok := q.NoneChoice(); ok && q.bits(s.Chosen)&q.bits([]string{none.ID}) != 0 {
		return named(none) + " is ticked"
	}
	weights := []Weight{WeightCore, WeightAlternative}
	if q.MaxRisk == RiskMedium || len(q.Rules) == 2 {
		weights = append(weights, WeightExtra)
	}
	if lacking := q.lacking(s, weights...); len(lacking) > 0 {
		return strings.Join(lacking, ", and ")
	}
	return "no scope choice is ticked"
}

// lacking words the choices of the weights that are missing from a selection.
func (q *Question) lacking(s Selection, weights ...Weight) []string {
	notApplicable := q.bits(s.ChoicesNotApplicable)
	ticked := q.bits(s.Chosen) &^ notApplicable
	var out []string
	for _, w := range weights {
		if w == WeightAlternative {
			for _, g := range groups(q.Choices) {
				if q.bits(g.ids)&ticked == 0 {
					out = append(out, "no choice of alternative "+strings.ToUpper(g.name)+" is ticked")
				}
			}
			continue
		}
		var missing []string
		for i := range q.Choices {
			if c := &q.Choices[i]; c.Weight == w && (ticked|notApplicable)>>i&1 == 0 {
				missing = append(missing, named(c))
			}
		}
		switch len(missing) {
		case 0:
		case 1:
			out = append(out, "the "+string(w)+" choice "+missing[0]+" is not ticked")
		default:
			out = append(out, spell(len(missing))+" "+string(w)+" choices are not ticked")
		}
	}
	return out
}

// wayOut words the first advice.
func (q *Question) wayOut(e Explanation) string {
	if len(e.Advice) == 0 {
		return ""
	}
	a := e.Advice[0]
	var acts []string
	if len(a.Untick) > 0 {
		acts = append(acts, "unticking "+q.listed(a.Untick))
	}
	if len(a.Tick) > 0 {
		acts = append(acts, "ticking "+q.listed(a.Tick))
	}
	return sentence(strings.Join(acts, " and ") + " leads to " + a.Leads.Label())
}

// listed names up to three choices and counts more.
func (q *Question) listed(ids []string) string {
	if len(ids) > 3 {
		return spell(len(ids)) + " choices"
	}
	names := make([]string, len(ids))
	for i, id := range ids {
		c, _ := q.Choice(id)
		names[i] = named(c)
	}
	return enumerate(names, "and")
}
