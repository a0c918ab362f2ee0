package questionnaire

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// The limits of our own format where it is wider than the AWS format.
const (
	maxSections  = 40
	maxQuestions = 100 // in a section
	maxRules     = 12
	maxList      = 40 // texts, links and checks in a list
)

// The values of evidence checks.
var (
	checkSources = sourceNames()
	checkExpects = []string{"all_pass", "any_pass", "seen_within", "not_seen_within"}
	checkLevels  = []string{"resource", "account"}
)

// own reads our own format.
func (d *decoder) own(root *node) *Questionnaire {
	o := d.object(root, "", "key", "name", "version", "description", "minutes", "edition", "sections")
	q := &Questionnaire{
		Format:      FormatYAML,
		Key:         o.required("key", "The key of the set", maxText),
		Name:        o.required("name", "The name of the set", maxTitle),
		Version:     o.required("version", "The version", maxText),
		Description: o.text("description", maxText),
		Edition:     o.text("edition", maxOwnID),
		Minutes:     o.number("minutes", 0, 10_000),
		at:          root.at,
	}
	o.matches("key", q.Key, keyPattern.MatchString, "The key is 2 to 40 small letters, digits and dashes.")
	o.matches("version", q.Version, versionPattern.MatchString, "The version is three numbers, such as 1.0.0.")
	nodes, path := o.list("sections", 1, maxSections, "sections")
	sections, questions := unique{}, unique{}
	for i, n := range nodes {
		q.Sections = append(q.Sections, d.section(n, atIndex(path, i), sections, questions))
	}
	return q
}

// matches reports a text that is there and not of the right form.
func (o object) matches(key, value string, ok func(string) bool, message string) {
	if n, path := o.get(key); n != nil && value != "" && !ok(value) {
		o.d.fail(path, n.at, "bad-value", "", "%s", message)
	}
}

func (d *decoder) section(n *node, path string, sections, questions unique) Section {
	o := d.object(n, path, "id", "name", "description", "questions")
	s := Section{
		ID:          o.id("id", maxOwnID),
		Name:        o.required("name", "The name of the section", maxTitle),
		Description: o.text("description", maxText),
		at:          n.at,
	}
	sections.add(d, s.ID, path, n.at)
	nodes, path := o.list("questions", 1, maxQuestions, "questions")
	for i, n := range nodes {
		inner := atIndex(path, i)
		question := d.question(n, inner)
		question.Section = s.ID
		questions.add(d, question.ID, inner, n.at)
		s.Questions = append(s.Questions, question)
	}
	return s
}

func (d *decoder) question(n *node, path string) Question {
	o := d.object(n, path, "id", "title", "phase", "core_path", "max_risk", "description", "why", "good", "bring",
		"not_applicable_when", "tiers", "tags", "lineage", "links", "helpful_resource", "choices", "checks", "rules")
	q := Question{
		ID:                o.id("id", maxOwnID),
		Title:             o.required("title", "The title of the question", maxTitle),
		Phase:             Phase(o.oneOf("phase", string(PhaseDesign), string(PhaseBuild), string(PhaseLaunch))),
		CorePath:          o.flag("core_path"),
		MaxRisk:           Risk(o.oneOf("max_risk", string(RiskHigh), string(RiskMedium), string(RiskNone))),
		Description:       o.text("description", maxText),
		Why:               o.text("why", maxText),
		Good:              o.text("good", maxText),
		Bring:             o.texts("bring", maxList, maxText),
		NotApplicableWhen: o.text("not_applicable_when", maxText),
		Tiers:             o.tiers(),
		Tags:              o.texts("tags", maxList, maxOwnID),
		Lineage:           o.texts("lineage", maxList, maxTitle),
		Links:             o.links("links", maxList),
		HelpfulResource:   o.resource("helpful_resource"),
		at:                n.at,
	}
	nodes, inner := o.list("choices", 1, maxChoices, "choices")
	ids := unique{}
	for i, n := range nodes {
		c := d.choice(n, atIndex(inner, i))
		ids.add(d, c.ID, atIndex(inner, i), n.at)
		q.Choices = append(q.Choices, c)
	}
	d.rules(o, &q)
	q.Checks = d.checks(o, &q)
	return q
}

func (d *decoder) choice(n *node, path string) Choice {
	o := d.object(n, path, "id", "title", "weight", "group", "why", "good", "first_step", "risk", "wa_tool_id",
		"lineage", "links", "helpful_resource", "additional_resources")
	c := Choice{
		ID:              o.id("id", maxOwnID),
		Title:           o.required("title", "The title of the choice", maxTitle),
		Weight:          Weight(o.oneOf("weight", string(WeightScope), string(WeightCore), string(WeightAlternative), string(WeightExtra))),
		Group:           o.text("group", maxOwnID),
		Why:             o.text("why", maxText),
		Good:            o.text("good", maxText),
		Risk:            o.oneOf("risk", "high", "medium", "low"),
		WAToolID:        o.text("wa_tool_id", maxTitle),
		Lineage:         o.texts("lineage", maxList, maxTitle),
		Links:           o.links("links", maxList),
		HelpfulResource: o.resource("helpful_resource"),
		Additional:      o.additional("additional_resources", "text"),
		at:              n.at,
	}
	c.None = isNone(c.ID, c.Title)
	if step := o.resource("first_step"); step != nil {
		c.FirstStep = Step(*step)
	}
	if c.Group != "" {
		o.matches("group", c.Group, idPattern.MatchString, "A group is a word of letters, digits and underscores.")
	}
	return c
}

// rules reads the rules that are written out, or makes them from the weights.
func (d *decoder) rules(o object, q *Question) {
	weighted := d.addNone(o, q)
	nodes, path := o.list("rules", 0, maxRules, "rules")
	written, rulesPath := o.get("rules")
	switch {
	case written != nil:
		if len(nodes) == 0 && written.kind == kindList {
			d.fail(rulesPath, written.at, "too-few", "Take the key away to have rules made from the weights.", "There are no rules.")
		}
		for i, n := range nodes {
			q.Rules = append(q.Rules, d.rule(n, atIndex(path, i)))
		}
		d.checkMaxRisk(o, q)
	case weighted:
		q.Weighted = true
		if n, at := o.get("max_risk"); n == nil {
			o.missing("max_risk", "The risk of an insufficient answer (max_risk: high or medium)")
		} else if q.MaxRisk == RiskNone {
			d.fail(at, n.at, "bad-value", "Use high or medium.", "An insufficient answer must have a risk.")
		}
		q.Rules = generateRules(q.Choices, q.MaxRisk)
	default:
		if o.n != nil && len(q.Choices) > 0 {
			d.fail(join(o.path, "rules"), o.n.at, "missing", "Give each choice a weight, or write the rules.", "There are neither weights nor rules.")
		}
	}
	q.compile(func(i int, err *conditionError, code string) {
		at, inner := o.n.at, join(atIndex(path, i), "condition")
		if i < len(nodes) {
			at = conditionPlace(nodes[i], err.offset)
		}
		d.fail(inner, at, code, err.mend, "%s", err.message)
	})
}

// addNone checks the weights, adds the none-of-these choice where weights ask for one
// and none is written, and reports whether the question has weights.
func (d *decoder) addNone(o object, q *Question) bool {
	if !hasWeights(q.Choices) {
		return false
	}
	rules, _ := o.get("rules")
	_, choices := o.get("choices")
	hasNone := false
	for i, c := range q.Choices {
		path := atIndex(choices, i)
		hasNone = hasNone || c.None
		switch {
		case c.None && c.Weight != "":
			d.fail(join(path, "weight"), c.at, "bad-value", "Take the weight away.", "A none-of-these choice has no weight.")
		case c.Weight == "" && !c.None && rules == nil:
			d.fail(join(path, "weight"), c.at, "missing", "Use scope, core, alternative or extra.", "The weight is missing.")
		case c.Weight == WeightAlternative && c.Group == "":
			d.fail(join(path, "group"), c.at, "missing", "Name the group of alternatives of which one is enough, such as a.", "The group is missing.")
		case c.Weight != WeightAlternative && c.Group != "":
			d.fail(join(path, "group"), c.at, "bad-value", "Take the group away or make the choice an alternative.", "Only alternatives have a group.")
		}
	}
	if hasNone {
		return true
	}
	none := newNone(q)
	switch {
	case len(none.ID) > maxOwnID:
		d.fail(join(o.path, "id"), q.at, "bad-id", "Shorten the question's id to 61 characters or write the choice.", "The id of the generated none-of-these choice would be longer than %d characters.", maxOwnID)
	case len(q.Choices) >= maxChoices:
		d.fail(choices, q.at, "too-many", "", "With the generated none-of-these choice there are more than %d choices.", maxChoices)
	}
	q.Choices = append(q.Choices, none)
	return true
}

func (d *decoder) rule(n *node, path string) Rule {
	o := d.object(n, path, "condition", "risk")
	r := Rule{Condition: o.required("condition", "The condition", maxFile), at: n.at}
	if r.Risk = Risk(o.oneOf("risk", string(RiskNone), string(RiskMedium), string(RiskHigh))); r.Risk == "" {
		if risk, _ := o.get("risk"); risk == nil {
			o.missing("risk", "The risk")
		}
	}
	return r
}

// conditionPlace is the place of a character of a rule's condition.
func conditionPlace(rule *node, offset int) place {
	for _, f := range rule.fields {
		if f.key == "condition" && f.value.kind == kindText {
			return f.value.placeOf(min(offset, len(f.value.text)))
		}
	}
	return rule.at
}

// checkMaxRisk takes the worst risk from written rules; one that is also written must agree.
func (d *decoder) checkMaxRisk(o object, q *Question) {
	worst := worstDeclared(q.Rules)
	if n, path := o.get("max_risk"); n != nil && q.MaxRisk != "" && q.MaxRisk != worst {
		d.fail(path, n.at, "bad-value", "Write "+string(worst)+" or change the rules.", "The worst risk of the rules is %s.", worst)
	}
	q.MaxRisk = worst
}

// worstDeclared returns the worst risk that the rules declare.
func worstDeclared(rules []Rule) Risk {
	worst := RiskNone
	for _, r := range rules {
		if r.Risk.rank() > worst.rank() {
			worst = r.Risk
		}
	}
	return worst
}

func (d *decoder) checks(o object, q *Question) []Check {
	nodes, path := o.list("checks", 0, maxList, "evidence checks")
	ids := unique{}
	var out []Check
	for i, n := range nodes {
		c := d.check(n, atIndex(path, i))
		ids.add(d, c.ID, atIndex(path, i), n.at)
		if _, ok := q.place(c.Choice); !ok && c.Choice != "" {
			e := unknownChoice(&expr{id: c.Choice}, q.Choices)
			d.fail(join(atIndex(path, i), "choice"), n.at, "unknown-choice", e.mend, "The question has no choice %s.", quote(c.Choice))
		}
		out = append(out, c)
	}
	return out
}

// source reads where a check is read: a source of Orrery, or one of the organisation's own.
func (o object) source() string {
	if n, _ := o.get("source"); n != nil && n.kind == kindText && IsOwn(n.text) {
		return n.text
	}
	return o.oneOf("source", append(slices.Clone(checkSources), "own:<name>")...)
}

func (d *decoder) check(n *node, path string) Check {
	o := d.object(n, path, "id", "choice", "source", "key", "expect", "within", "max_age", "level", "claim", "edition")
	c := Check{
		ID:      o.id("id", maxOwnID),
		Choice:  o.required("choice", "The choice", maxOwnID),
		Source:  o.source(),
		Key:     o.required("key", "The key", maxTitle),
		Expect:  o.oneOf("expect", checkExpects...),
		Claim:   o.text("claim", maxText),
		Edition: o.text("edition", maxOwnID),
		Level:   o.oneOf("level", checkLevels...),
		Within:  o.duration("within"),
		MaxAge:  o.duration("max_age"),
		at:      n.at,
	}
	for _, key := range []string{"source", "expect", "level", "max_age"} {
		if n, _ := o.get(key); n == nil {
			o.missing(key, "The key "+key)
		}
	}
	if n, path := o.get("within"); n == nil && c.LooksBack() {
		o.missing("within", "How far back to look (within)")
	} else if n != nil && c.Expect != "" && !c.LooksBack() {
		d.fail(path, n.at, "bad-value", "Take it away.", "Only expect: seen_within and not_seen_within look back.")
	}
	c.digest = c.Digest()
	return c
}

func (o object) flag(key string) bool {
	n, path := o.get(key)
	if n == nil {
		return false
	}
	if n.kind != kindBool {
		o.d.badType(n, path, kindBool)
	}
	return n.kind == kindBool && strings.EqualFold(n.text, "true")
}

func (o object) number(key string, least, most int) int {
	n, path := o.get(key)
	if n == nil {
		return 0
	}
	return o.d.number(n, path, least, most)
}

func (d *decoder) number(n *node, path string, least, most int) int {
	if n.kind != kindNumber {
		d.badType(n, path, kindNumber)
		return 0
	}
	value, err := strconv.Atoi(n.text)
	if err != nil || value < least || value > most {
		d.fail(path, n.at, "bad-value", "", "This should be a whole number from %d to %d.", least, most)
	}
	return value
}

func (o object) tiers() []int {
	nodes, path := o.list("tiers", 0, 3, "tiers")
	var out []int
	for i, n := range nodes {
		tier := o.d.number(n, atIndex(path, i), 1, 3)
		if slices.Contains(out, tier) {
			o.d.fail(atIndex(path, i), n.at, "duplicate-id", "Take one away.", "The tier is listed twice.")
		}
		out = append(out, tier)
	}
	return out
}

// duration returns an optional span of time such as 30h, above zero.
func (o object) duration(key string) time.Duration {
	n, path := o.get(key)
	if n == nil {
		return 0
	}
	if n.kind != kindText {
		o.d.badType(n, path, kindText)
		return 0
	}
	span, err := time.ParseDuration(n.text)
	if err != nil || span <= 0 {
		o.d.fail(path, n.at, "bad-value", "", "This should be a span of time such as 30h.")
		return 0
	}
	return span
}

// links returns an optional list of texts with addresses.
func (o object) links(key string, most int) []Link {
	nodes, path := o.list(key, 0, most, "links")
	var out []Link
	for i, n := range nodes {
		inner := o.d.object(n, atIndex(path, i), "text", "url")
		link := Link{inner.required("text", "The text", maxText), inner.url("url")}
		if n, _ := inner.get("url"); n == nil {
			inner.missing("url", "The address (url)")
		}
		out = append(out, link)
	}
	return out
}

// resource returns an optional text with an optional address.
func (o object) resource(key string) *Link {
	n, path := o.get(key)
	if n == nil {
		return nil
	}
	return o.d.resource(n, path, "text")
}
