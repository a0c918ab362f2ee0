package questionnaire

import (
	"math/bits"
	"slices"
	"strings"
)

// Lint returns what is doubtful about a questionnaire: warnings only, in the order of
// the file. Rules are tried on every selection there is, 32,768 for a question of 15
// choices. The warnings found while reading are among them.
//
// Codes for every format: no-default, default-not-last, unreachable-risk, never-a-risk,
// not-monotone, no-rule-matches, none-not-worst, none-with-all-no-risk, none-title-id,
// charset; from reading an AWS lens also padded-url, empty-url, bad-url, unknown-key,
// no-text, no-description, no-schema-version, no-improvement-plan, long-choice-id,
// duplicate-level, duplicate-type, no-content, byte-order-mark. Codes for our own format: asks-two-things,
// too-long-title, no-first-step, no-why, duplicate-practice, no-core.
func Lint(q *Questionnaire) []Problem {
	l := &linter{reporter: &reporter{problems: slices.Clone(q.warnings)}, names: namesOf(q)}
	l.characters(q)
	for i := range q.Sections {
		for j := range q.Sections[i].Questions {
			path := atIndex(join(atIndex(l.names.sections, i), "questions"), j)
			question := &q.Sections[i].Questions[j]
			l.noneTitles(question, path)
			l.rules(question, path)
			l.selections(question, path)
		}
	}
	if q.Format == FormatYAML {
		l.ownSet(q)
	}
	return l.sorted()
}

// names are a format's words in paths.
type names struct{ sections, rules string }

func namesOf(q *Questionnaire) names {
	if q.Format == FormatAWS {
		return names{"pillars", "riskRules"}
	}
	return names{"sections", "rules"}
}

type linter struct {
	*reporter
	names names
}

// noneTitles looks for titles that say none of these without the id that AWS knows.
func (l *linter) noneTitles(q *Question, path string) {
	for i := range q.Choices {
		c := &q.Choices[i]
		if strings.HasPrefix(strings.ToLower(strings.TrimSpace(c.Title)), "none of ") && !hasNoneID(c.ID) {
			l.warn(join(atIndex(join(path, "choices"), i), "title"), c.at, "none-title-id", "End its id in _no.",
				"The title of %s says that no choice is true, but its id does not end in _no, by which AWS knows such a choice.", c.ID)
		}
	}
}

// rules looks at the rules as they are written.
func (l *linter) rules(q *Question, path string) {
	last := len(q.Rules) - 1
	i := slices.IndexFunc(q.Rules, func(r Rule) bool { return r.expr != nil && r.expr.op == opDefault })
	rules := join(path, l.names.rules)
	switch {
	case i < 0:
		l.warn(rules, q.at, "no-default", "End with a default rule.", "No rule is the default.")
	case i < last:
		l.warn(atIndex(rules, i), q.Rules[i].at, "default-not-last", "Put it last.", "The rules after the default are never looked at.")
	}
}

// selections looks at what the rules make of every selection.
func (l *linter) selections(q *Question, path string) {
	o := q.outcomes(0)
	for _, risk := range []Risk{RiskNone, RiskMedium, RiskHigh, RiskUnmatched} {
		o.of(risk)[0] &^= 1 // nothing selected is unanswered whatever the rules say
	}
	for i, r := range q.Rules {
		earlier := slices.ContainsFunc(q.Rules[:i], func(e Rule) bool { return e.Risk == r.Risk })
		if r.expr != nil && !earlier && o.of(r.Risk).empty() {
			l.warn(atIndex(join(path, l.names.rules), i), l.ruleAt(q, i), "unreachable-risk", "Look at the rules above it.",
				"No selection of %s reaches the risk %s.", q.ID, r.Risk)
		}
	}
	if m := o.unmatched.first(); m >= 0 {
		l.warn(join(path, l.names.rules), q.at, "no-rule-matches", "End with a default rule.",
			"No rule fits when %s; such an answer counts as high.", q.describe(uint32(m)))
	}
	if o.medium.empty() && o.high.empty() && o.unmatched.empty() {
		l.warn(path, q.at, "never-a-risk", "Give an insufficient answer a risk.", "The question %s never shows a risk.", q.ID)
	}
	l.monotone(q, path, o)
	l.noneChoice(q, path, o)
}

// ruleAt is the place of a rule; a generated one has that of its question.
func (l *linter) ruleAt(q *Question, i int) place {
	if q.Weighted {
		return q.at
	}
	return q.Rules[i].at
}

// monotone looks for a practice that raises the risk when it is added.
func (l *linter) monotone(q *Question, path string, o outcomes) {
	worse := o.high.clone().or(o.unmatched)
	risky := worse.clone().or(o.medium)
	var noneTicked table
	for i := range q.Choices {
		if q.Choices[i].None {
			if noneTicked == nil {
				noneTicked = newTable(len(q.Choices))
			}
			noneTicked.or(o.choices[i])
		}
	}
	better := o.medium.clone().or(o.none)
	for i := range q.Choices {
		if q.Choices[i].None {
			continue
		}
		if m := firstRaise(risky, o.none, worse, better, noneTicked, i); m >= 0 {
			from, to := o.risk(uint32(m)), o.risk(uint32(m|1<<i))
			l.warn(join(path, l.names.rules), q.at, "not-monotone", "Look at the order of the rules and at each !.",
				"When %s, also ticking %s raises the risk from %s to %s.", q.describe(uint32(m)), q.Choices[i].ID, from, to)
			return
		}
	}
}

// firstRaise returns the smallest selection in which adding choice i leads from none into
// risky, or from better into worse, unless it is in the table except, which may be nil; -1
// when there is none.
func firstRaise(risky, none, worse, better, except table, i int) int {
	for word := range none {
		raised := risky.lowered(i, word)&none[word] | worse.lowered(i, word)&better[word]
		if except != nil {
			raised &^= except[word]
		}
		if raised != 0 {
			return word*64 + bits.TrailingZeros64(raised)
		}
	}
	return -1
}

// noneChoice looks at what a none-of-these choice comes to.
func (l *linter) noneChoice(q *Question, path string, o outcomes) {
	worst := worstDeclared(q.Rules)
	for i := range q.Choices {
		c := &q.Choices[i]
		if !c.None {
			continue
		}
		inner := atIndex(join(path, "choices"), i)
		if risk := o.risk(1 << i); risk.rank() < worst.rank() {
			l.warn(inner, c.at, "none-not-worst", "Let the default be the worst risk.",
				"%s alone gives %s although the question declares %s.", c.ID, risk, worst)
		}
		if len(q.Choices) > 1 && o.none.has(1<<len(q.Choices)-1) {
			l.warn(inner, c.at, "none-with-all-no-risk", "Add && !"+c.ID+" to the rule for no risk.",
				"%s ticked beside everything else still gives no risk.", c.ID)
		}
	}
}

// describe says which choices a selection ticks.
func (q *Question) describe(m uint32) string {
	var ids []string
	for i := range q.Choices {
		if m>>i&1 != 0 {
			ids = append(ids, q.Choices[i].ID)
		}
	}
	switch len(ids) {
	case 0:
		return "nothing is ticked"
	case 1:
		return "only " + ids[0] + " is ticked"
	default:
		return "only " + enumerate(ids, "and") + " are ticked"
	}
}
