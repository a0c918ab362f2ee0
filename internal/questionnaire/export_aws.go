package questionnaire

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"
)

// The custom lens format with its keys in AWS's order.
type (
	awsLens struct {
		SchemaVersion string      `json:"schemaVersion"`
		Name          string      `json:"name"`
		Description   string      `json:"description,omitempty"`
		Pillars       []awsPillar `json:"pillars"`
	}
	awsPillar struct {
		ID        string        `json:"id"`
		Name      string        `json:"name"`
		Questions []awsQuestion `json:"questions"`
	}
	awsQuestion struct {
		ID              string       `json:"id"`
		Title           string       `json:"title"`
		Description     string       `json:"description,omitempty"`
		HelpfulResource *awsResource `json:"helpfulResource,omitempty"`
		Choices         []awsChoice  `json:"choices"`
		RiskRules       []awsRule    `json:"riskRules"`
	}
	awsChoice struct {
		ID                  string          `json:"id"`
		Title               string          `json:"title"`
		HelpfulResource     *awsResource    `json:"helpfulResource,omitempty"`
		ImprovementPlan     *awsResource    `json:"improvementPlan,omitempty"`
		AdditionalResources []awsAdditional `json:"additionalResources,omitempty"`
	}
	awsResource struct {
		DisplayText string `json:"displayText"`
		URL         string `json:"url,omitempty"`
	}
	awsAdditional struct {
		Type    string        `json:"type"`
		Content []awsResource `json:"content"`
	}
	awsRule struct {
		Condition string `json:"condition"`
		Risk      string `json:"risk"`
	}
)

// ExportAWS writes the questionnaire as an AWS custom lens. An import whose content was
// not changed comes out byte for byte as it came in. Otherwise the keys stand in AWS's
// order and optional ones are left out when empty; what the format has no place for is
// returned as warnings: our own keys, and the unknown keys of an edited import.
//
// What AWS would refuse (limits, characters, missing members) is returned as Problems
// with the paths in the lens, and no bytes.
func ExportAWS(q *Questionnaire) (lens []byte, loss []Problem, err error) {
	out, err := encodeLens(q)
	if err != nil {
		return nil, nil, err
	}
	if q.Format == FormatAWS && q.source != nil {
		same, err := unchanged(q, out)
		if err != nil {
			return nil, nil, err
		}
		if same {
			return bytes.Clone(q.source), nil, nil
		}
	}
	if problems := refusedByAWS(out); problems.hasErrors() {
		return nil, nil, problems
	}
	return out, losses(q), nil
}

// unchanged reports whether the encoded lens says the same as the bytes it was read from.
func unchanged(q *Questionnaire, encoded []byte) (bool, error) {
	original, err := Parse(q.Key, q.source)
	if err != nil {
		return false, fmt.Errorf("read the source of %s again: %w", q.Key, err)
	}
	before, err := encodeLens(original)
	return bytes.Equal(before, encoded), err
}

func encodeLens(q *Questionnaire) ([]byte, error) {
	lens := awsLens{SchemaVersion: lensVersion, Name: q.Name, Description: q.Description}
	for _, s := range q.Sections {
		pillar := awsPillar{ID: s.ID, Name: s.Name}
		for i := range s.Questions {
			pillar.Questions = append(pillar.Questions, encodeQuestion(&s.Questions[i]))
		}
		lens.Pillars = append(lens.Pillars, pillar)
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(lens); err != nil {
		return nil, fmt.Errorf("encode lens %s: %w", q.Key, err)
	}
	return b.Bytes(), nil
}

func encodeQuestion(q *Question) awsQuestion {
	out := awsQuestion{
		ID: q.ID, Title: q.Title, Description: q.Description,
		HelpfulResource: encodeResource(q.HelpfulResource, join2(q.Why, q.Good), q.Links),
	}
	for i := range q.Choices {
		out.Choices = append(out.Choices, encodeChoice(&q.Choices[i]))
	}
	for _, r := range q.Rules {
		out.RiskRules = append(out.RiskRules, awsRule{r.Condition, lensWords[r.Risk]})
	}
	return out
}

// noStep stands in for the improvement plan of a scope choice, which needs none: the
// format asks for one on every choice.
const noStep = "Nothing needs to be done when this is true."

func encodeChoice(c *Choice) awsChoice {
	out := awsChoice{ID: c.ID, Title: c.Title, HelpfulResource: encodeResource(c.HelpfulResource, join2(c.Why, c.Good), c.Links)}
	if c.FirstStep != (Step{}) {
		out.ImprovementPlan = &awsResource{c.FirstStep.Text, c.FirstStep.URL}
	} else if c.Weight == WeightScope {
		out.ImprovementPlan = &awsResource{DisplayText: noStep}
	}
	for _, a := range c.Additional {
		additional := awsAdditional{Type: strings.ToUpper(a.Kind)}
		for _, link := range a.Content {
			additional.Content = append(additional.Content, awsResource{link.Text, link.URL})
		}
		out.AdditionalResources = append(out.AdditionalResources, additional)
	}
	if rest := furtherLinks(c); len(rest) > 0 {
		additional := awsAdditional{Type: "HELPFUL_RESOURCE"}
		for _, link := range rest[:min(len(rest), 5)] {
			additional.Content = append(additional.Content, awsResource{link.Text, link.URL})
		}
		out.AdditionalResources = append(out.AdditionalResources, additional)
	}
	return out
}

// furtherLinks returns the links of a choice that its helpful resource has no place for,
// as far as they may become an additional resource.
func furtherLinks(c *Choice) []Link {
	for _, a := range c.Additional {
		if a.Kind == "helpful_resource" {
			return nil
		}
	}
	if c.HelpfulResource != nil {
		return c.Links
	}
	return c.Links[min(len(c.Links), 1):]
}

// encodeResource returns the resource as it is, or one made of a text and the first
// link: the format has one text and one address where ours has several.
func encodeResource(resource *Link, text string, links []Link) *awsResource {
	switch {
	case resource != nil:
		return &awsResource{resource.Text, resource.URL}
	case text == "" && len(links) == 0:
		return nil
	case len(links) == 0:
		return &awsResource{DisplayText: text}
	case text == "":
		return &awsResource{links[0].Text, links[0].URL}
	default:
		return &awsResource{text, links[0].URL}
	}
}

// join2 joins two texts with a space; the first alone where both are too long for the
// format.
func join2(a, b string) string {
	both := strings.Trim(a+" "+b, " ")
	if a != "" && utf8.RuneCountInString(both) > maxText {
		return a
	}
	return both
}

// refusedByAWS reads an encoded lens back and returns what AWS would refuse. What an
// import is forgiven is an error here.
func refusedByAWS(lens []byte) Problems {
	r := &reporter{}
	if q := parse(r, "", lens); q != nil {
		l := &linter{reporter: r, names: namesOf(q)}
		l.characters(q)
	}
	refused := map[string]bool{"charset": true, "no-improvement-plan": true, "no-text": true, "no-description": true, "duplicate-level": true, "duplicate-type": true}
	for i, p := range r.problems {
		if refused[p.Code] {
			r.problems[i].Severity = SeverityError
		}
	}
	problems := r.sorted()
	for i := range problems {
		problems[i].Line, problems[i].Column = 0, 0 // of a file that nobody has
	}
	return problems
}

// losses lists what of the questionnaire has no place in the format.
func losses(q *Questionnaire) []Problem {
	r := &reporter{}
	if q.Format == FormatAWS {
		for _, w := range q.warnings {
			if w.Code == "unknown-key" || w.Code == "bad-url" || w.Code == "empty-url" {
				r.problems = append(r.problems, w)
			}
		}
	} else {
		lost(r, "", q.at, "the key, the version, the minutes and the edition", true)
	}
	names := namesOf(q)
	for i := range q.Sections {
		s := &q.Sections[i]
		path := atIndex(names.sections, i)
		lost(r, join(path, "description"), s.at, "the description of the section", s.Description != "")
		for j := range s.Questions {
			lostQuestion(r, &s.Questions[j], atIndex(join(path, "questions"), j))
		}
	}
	return r.sorted()
}

func lost(r *reporter, path string, at place, what string, there bool) {
	if there {
		r.warn(path, at, "not-in-format", "", "The custom lens format has no place for %s.", what)
	}
}

func lostQuestion(r *reporter, q *Question, path string) {
	lost(r, join(path, "phase"), q.at, "the phase", q.Phase != "")
	lost(r, join(path, "core_path"), q.at, "the short path", q.CorePath)
	lost(r, join(path, "bring"), q.at, "the evidence to bring", len(q.Bring) > 0)
	lost(r, join(path, "not_applicable_when"), q.at, "when the question does not apply", q.NotApplicableWhen != "")
	lost(r, join(path, "tiers"), q.at, "the tiers", len(q.Tiers) > 0)
	lost(r, join(path, "tags"), q.at, "the tags", len(q.Tags) > 0)
	lost(r, join(path, "lineage"), q.at, "the lineage", len(q.Lineage) > 0)
	lost(r, join(path, "checks"), q.at, fmt.Sprintf("the evidence checks (%d)", len(q.Checks)), len(q.Checks) > 0)
	lost(r, join(path, "why"), q.at, "all of why and good", lostText(q.HelpfulResource, q.Why, q.Good))
	kept := 1
	if q.HelpfulResource != nil {
		kept = 0
	}
	lost(r, join(path, "links"), q.at, "more than one link of a question", len(q.Links) > kept)
	for i := range q.Choices {
		c := &q.Choices[i]
		inner := atIndex(join(path, "choices"), i)
		lost(r, join(inner, "weight"), c.at, "the weight; the rules keep its effect", c.Weight != "")
		lost(r, join(inner, "risk"), c.at, "the best practice's own risk", c.Risk != "")
		lost(r, join(inner, "wa_tool_id"), c.at, "the Well-Architected Tool's id", c.WAToolID != "")
		lost(r, join(inner, "lineage"), c.at, "the lineage", len(c.Lineage) > 0)
		lost(r, join(inner, "why"), c.at, "all of why and good", lostText(c.HelpfulResource, c.Why, c.Good))
		lost(r, join(inner, "links"), c.at, "all the links of the choice", len(c.Links) > keptLinks(c))
	}
}

// keptLinks counts the links of a choice that an export keeps.
func keptLinks(c *Choice) int {
	kept := min(len(furtherLinks(c)), 5)
	if c.HelpfulResource == nil {
		kept += min(len(c.Links), 1)
	}
	return kept
}

// lostText reports whether an export leaves out some of why and good.
func lostText(resource *Link, why, good string) bool {
	if resource != nil {
		return why+good != ""
	}
	return good != "" && join2(why, good) == why
}
