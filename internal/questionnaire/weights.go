package questionnaire

import (
	"reflect"
	"slices"
	"strings"
)

// noneTitle is the title of a generated none-of-these choice.
const noneTitle = "None of these"

// noneSuffix ends the id of a none-of-these choice, as the AWS format has it.
const noneSuffix = "_no"

// isNone reports whether a choice says that no other choice is true: by its id as the
// AWS format has it, or by its title, as many real lenses have it.
func isNone(id, title string) bool {
	if hasNoneID(id) {
		return true
	}
	title = strings.ToLower(strings.TrimRight(strings.TrimSpace(title), ".!"))
	for _, start := range []string{"none of these", "none of the above"} {
		if strings.HasPrefix(title, start) {
			return true
		}
	}
	return title == "none"
}

// generateRules returns the rules that follow from the weights of the choices:
//
//	none:    any scope choice, or all core and all extra choices and one of each group
//	medium:  all core choices and one of each group
//	default: the worst risk
//
// The first two never hold beside none-of-these. The second is left out when the worst
// risk is medium, when there is neither a core nor an alternative choice, and when there
// is no extra choice, because then it could never decide.
func generateRules(choices []Choice, worst Risk) []Rule {
	var scopes, core, extra, guards []string
	for _, c := range choices {
		switch {
		case c.None:
			guards = append(guards, "!"+c.ID)
		case c.Weight == WeightScope:
			scopes = append(scopes, c.ID)
		case c.Weight == WeightCore:
			core = append(core, c.ID)
		case c.Weight == WeightExtra:
			extra = append(extra, c.ID)
		}
	}
	needed := core
	for _, g := range groups(choices) {
		needed = append(needed, anyOf(g.ids))
	}
	var rules []Rule
	best := scopes
	if all := slices.Concat(needed, extra); len(all) > 0 {
		best = append(slices.Clone(scopes), allOf(all))
	}
	if len(best) > 0 {
		rules = append(rules, Rule{Condition: allOf(append([]string{anyOf(best)}, guards...)), Risk: RiskNone})
	}
	if worst == RiskHigh && len(needed) > 0 && len(extra) > 0 {
		rules = append(rules, Rule{Condition: allOf(slices.Concat(needed, guards)), Risk: RiskMedium})
	}
	return append(rules, Rule{Condition: defaultCondition, Risk: worst})
}

// group is the alternatives of which one is enough.
type group struct {
	name string
	ids  []string
}

// groups returns the groups of alternatives in the order of their first choice.
func groups(choices []Choice) []group {
	var out []group
	for _, c := range choices {
		if c.None || c.Weight != WeightAlternative {
			continue
		}
		i := slices.IndexFunc(out, func(g group) bool { return g.name == c.Group })
		if i < 0 {
			i, out = len(out), append(out, group{name: c.Group})
		}
		out[i].ids = append(out[i].ids, c.ID)
	}
	return out
}

// anyOf and allOf write a list of conditions as one; lists inside are in parentheses.
func anyOf(conditions []string) string { return wrapped(conditions, " || ") }
func allOf(conditions []string) string { return wrapped(conditions, " && ") }

func wrapped(conditions []string, sign string) string {
	out := make([]string, len(conditions))
	for i, c := range conditions {
		if len(conditions) > 1 && strings.Contains(c, " ") {
			c = "(" + c + ")"
		}
		out[i] = c
	}
	return strings.Join(out, sign)
}

// hasNoneID reports whether an id is that of a none-of-these choice in the AWS format.
func hasNoneID(id string) bool { return strings.HasSuffix(id, noneSuffix) }

// hasWeights reports whether one of the choices has a weight.
func hasWeights(choices []Choice) bool {
	return slices.ContainsFunc(choices, func(c Choice) bool { return c.Weight != "" })
}

// newNone returns the none-of-these choice that is added to a question with weights.
func newNone(q *Question) Choice {
	return Choice{ID: q.ID + noneSuffix, Title: noneTitle, None: true, at: q.at}
}

// generatedNone reports whether the choice is just the one that would be added, so that
// a file need not spell it out.
func generatedNone(q *Question, c *Choice) bool {
	generated := newNone(q)
	generated.at = c.at
	return reflect.DeepEqual(*c, generated)
}
