package questionnaire

// lensVersion is the only schema version of the custom lens format.
const lensVersion = "2021-11-01"

// importedVersion is the version of a lens that was never published here: the format
// has no place for one.
const importedVersion = "1.0.0"

// The limits of the AWS format that are not in decode.go.
const (
	awsPillars   = 10
	awsQuestions = 20
	awsRules     = 3
)

// lens reads an AWS custom lens. It is lenient where real lenses are: what the tool
// accepts or drops is a warning.
func (d *decoder) lens(root *node, name string) *Questionnaire {
	if root.kind != kindObject {
		d.badType(root, "", kindObject)
		return nil
	}
	o := d.object(root, "", "schemaVersion", "name", "description", "pillars")
	q := &Questionnaire{
		Format:      FormatAWS,
		Key:         keyFrom(name),
		Version:     importedVersion,
		Name:        o.required("name", "The name of the lens", maxTitle),
		Description: o.text("description", maxText),
		at:          root.at,
	}
	if n, path := o.get("schemaVersion"); n == nil {
		d.warn(path, root.at, "no-schema-version", "Write "+quote(lensVersion)+".", "The schema version is missing; AWS would refuse the file.")
	} else {
		o.oneOf("schemaVersion", lensVersion)
	}
	if n, path := o.get("description"); n == nil {
		d.warn(path, root.at, "no-description", "Describe the lens in a sentence.", "The lens has no description; AWS would refuse it.")
	}
	nodes, path := o.list("pillars", 1, awsPillars, "pillars")
	pillars, questions := unique{}, unique{}
	for i, n := range nodes {
		q.Sections = append(q.Sections, d.pillar(n, atIndex(path, i), pillars, questions))
	}
	return q
}

func (d *decoder) pillar(n *node, path string, pillars, questions unique) Section {
	o := d.object(n, path, "id", "name", "questions")
	s := Section{ID: o.id("id", maxAWSID), Name: o.required("name", "The name of the pillar", maxTitle), at: n.at}
	pillars.add(d, s.ID, path, n.at)
	nodes, path := o.list("questions", 1, awsQuestions, "questions")
	for i, n := range nodes {
		inner := atIndex(path, i)
		question := d.lensQuestion(n, inner)
		question.Section = s.ID
		questions.add(d, question.ID, inner, n.at)
		s.Questions = append(s.Questions, question)
	}
	return s
}

func (d *decoder) lensQuestion(n *node, path string) Question {
	o := d.object(n, path, "id", "title", "description", "helpfulResource", "choices", "riskRules", "number")
	q := Question{
		ID:              o.id("id", maxAWSID),
		Title:           o.required("title", "The title of the question", maxTitle),
		Description:     o.text("description", maxText),
		HelpfulResource: o.lensResource("helpfulResource"),
		at:              n.at,
	}
	nodes, inner := o.list("choices", 1, maxChoices, "choices")
	ids := unique{}
	for i, n := range nodes {
		c := d.lensChoice(n, atIndex(inner, i))
		ids.add(d, c.ID, atIndex(inner, i), n.at)
		q.Choices = append(q.Choices, c)
	}
	rules, inner := o.list("riskRules", 1, awsRules, "risk rules")
	levels := make(map[Risk]bool)
	for i, n := range rules {
		r := d.lensRule(n, atIndex(inner, i))
		if levels[r.Risk] && r.Risk != "" {
			d.warn(atIndex(inner, i), n.at, "duplicate-level", "Join them with ||.", "Two rules give the same risk; AWS allows one.")
		}
		levels[r.Risk] = true
		q.Rules = append(q.Rules, r)
	}
	q.MaxRisk = worstDeclared(q.Rules)
	q.compile(func(i int, err *conditionError, code string) {
		d.fail(join(atIndex(inner, i), "condition"), conditionPlace(rules[i], err.offset), code, err.mend, "%s", err.message)
	})
	return q
}

func (d *decoder) lensChoice(n *node, path string) Choice {
	o := d.object(n, path, "id", "title", "helpfulResource", "improvementPlan", "additionalResources", "number")
	c := Choice{
		ID:              o.id("id", maxAWSID),
		Title:           o.required("title", "The title of the choice", maxTitle),
		HelpfulResource: o.lensResource("helpfulResource"),
		Additional:      o.additional("additionalResources", "displayText"),
		at:              n.at,
	}
	c.None = isNone(c.ID, c.Title)
	if len(c.ID) > maxOwnID && len(c.ID) <= maxAWSID {
		d.warn(join(path, "id"), n.at, "long-choice-id", "Shorten it to 64 characters.", "The id has %d characters; AWS takes no answer for an id of more than %d.", len(c.ID), maxOwnID)
	}
	if plan := o.lensResource("improvementPlan"); plan != nil {
		c.FirstStep = Step(*plan)
	} else if o.n != nil && !hasNoneID(c.ID) {
		d.warn(join(path, "improvementPlan"), n.at, "no-improvement-plan", "Say what to do to make the choice true.", "The choice has no improvement plan; AWS would refuse it.")
	}
	return c
}

// lensResource returns an optional resource of a lens.
func (o object) lensResource(key string) *Link {
	n, path := o.get(key)
	if n == nil {
		return nil
	}
	return o.d.resource(n, path, "displayText")
}

// The format's words for a rule's risk, both ways.
var (
	lensRisks = map[string]Risk{"NO_RISK": RiskNone, "MEDIUM_RISK": RiskMedium, "HIGH_RISK": RiskHigh}
	lensWords = map[Risk]string{RiskNone: "NO_RISK", RiskMedium: "MEDIUM_RISK", RiskHigh: "HIGH_RISK"}
)

func (d *decoder) lensRule(n *node, path string) Rule {
	o := d.object(n, path, "condition", "risk")
	r := Rule{Condition: o.required("condition", "The condition", maxFile), at: n.at}
	r.Risk = lensRisks[o.oneOf("risk", "NO_RISK", "MEDIUM_RISK", "HIGH_RISK")]
	if risk, _ := o.get("risk"); risk == nil {
		o.missing("risk", "The risk")
	}
	return r
}
