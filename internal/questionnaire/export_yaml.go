package questionnaire

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"

	"go.yaml.in/yaml/v3"
)

// ExportYAML writes the questionnaire in our own format. Reading it back gives an equal
// one; what an AWS lens holds is kept, except the keys that are unknown to its format.
func ExportYAML(q *Questionnaire) ([]byte, error) {
	source, err := encodeYAML(q)
	if err != nil {
		return nil, err
	}
	if _, err := Parse(q.Key, source); err != nil {
		return nil, fmt.Errorf("questionnaire %s does not fit our own format: %w", q.Key, err)
	}
	return source, nil
}

// encodeYAML writes what there is of the questionnaire, whether it is complete or not.
func encodeYAML(q *Questionnaire) ([]byte, error) {
	m := &mapping{}
	m.text("key", q.Key)
	m.text("name", q.Name)
	m.text("version", q.Version)
	m.text("description", q.Description)
	m.number("minutes", q.Minutes)
	m.text("edition", q.Edition)
	m.list("sections", len(q.Sections), func(i int) *yaml.Node { return sectionNode(&q.Sections[i]) })
	var b bytes.Buffer
	e := yaml.NewEncoder(&b)
	e.SetIndent(2)
	if err := e.Encode(&m.node); err != nil {
		return nil, fmt.Errorf("encode questionnaire %s: %w", q.Key, err)
	}
	if err := e.Close(); err != nil {
		return nil, fmt.Errorf("encode questionnaire %s: %w", q.Key, err)
	}
	return b.Bytes(), nil
}

// mapping is a YAML mapping in the making. Empty values are left out.
type mapping struct{ node yaml.Node }

func (m *mapping) add(key string, value *yaml.Node) {
	m.node.Kind = yaml.MappingNode
	m.node.Content = append(m.node.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: key}, value)
}

func (m *mapping) text(key, value string) {
	if value != "" {
		m.add(key, textNode(value))
	}
}

func (m *mapping) number(key string, value int) {
	if value != 0 {
		m.add(key, &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!int", Value: strconv.Itoa(value)})
	}
}

func (m *mapping) flag(key string, value bool) {
	if value {
		m.add(key, &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!bool", Value: "true"})
	}
}

func (m *mapping) span(key string, value time.Duration) {
	if value != 0 {
		m.text(key, shortDuration(value))
	}
}

func (m *mapping) list(key string, n int, item func(int) *yaml.Node) {
	if n == 0 {
		return
	}
	list := &yaml.Node{Kind: yaml.SequenceNode}
	for i := range n {
		list.Content = append(list.Content, item(i))
	}
	m.add(key, list)
}

func (m *mapping) texts(key string, values []string) {
	m.list(key, len(values), func(i int) *yaml.Node { return textNode(values[i]) })
}

func (m *mapping) links(key string, links []Link) {
	m.list(key, len(links), func(i int) *yaml.Node { return linkNode(&links[i]) })
}

func (m *mapping) link(key string, link *Link) {
	if link != nil {
		m.add(key, linkNode(link))
	}
}

// textNode writes a text so that reading gives it back exactly: block style for plain
// lines, double quotes where space or control characters would be lost.
func textNode(s string) *yaml.Node {
	n := &yaml.Node{}
	n.SetString(s)
	fragile := strings.TrimSpace(s) != s || strings.ContainsFunc(s, func(r rune) bool {
		return r != '\n' && r != ' ' && !unicode.IsGraphic(r) || r == '\uFEFF'
	})
	if fragile || strings.Contains(s, "\n ") || strings.Contains(s, " \n") {
		n.Style = yaml.DoubleQuotedStyle
	}
	return n
}

func linkNode(link *Link) *yaml.Node {
	m := &mapping{}
	m.node.Kind = yaml.MappingNode
	m.text("text", link.Text)
	m.text("url", link.URL)
	return &m.node
}

func sectionNode(s *Section) *yaml.Node {
	m := &mapping{}
	m.text("id", s.ID)
	m.text("name", s.Name)
	m.text("description", s.Description)
	m.list("questions", len(s.Questions), func(i int) *yaml.Node { return questionNode(&s.Questions[i]) })
	return &m.node
}

func questionNode(q *Question) *yaml.Node {
	m := &mapping{}
	m.text("id", q.ID)
	m.text("title", q.Title)
	m.text("phase", string(q.Phase))
	m.flag("core_path", q.CorePath)
	m.text("max_risk", string(q.MaxRisk))
	m.text("description", q.Description)
	m.text("why", q.Why)
	m.text("good", q.Good)
	m.texts("bring", q.Bring)
	m.text("not_applicable_when", q.NotApplicableWhen)
	m.list("tiers", len(q.Tiers), func(i int) *yaml.Node {
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!int", Value: strconv.Itoa(q.Tiers[i])}
	})
	m.texts("tags", q.Tags)
	m.texts("lineage", q.Lineage)
	m.links("links", q.Links)
	m.link("helpful_resource", q.HelpfulResource)
	choices := q.Choices
	if n := len(choices); hasWeights(choices) && generatedNone(q, &choices[n-1]) {
		choices = choices[:n-1]
	}
	m.list("choices", len(choices), func(i int) *yaml.Node { return choiceNode(&choices[i]) })
	m.list("checks", len(q.Checks), func(i int) *yaml.Node { return checkNode(&q.Checks[i]) })
	if !q.Weighted {
		m.list("rules", len(q.Rules), func(i int) *yaml.Node {
			r := &mapping{}
			r.text("condition", q.Rules[i].Condition)
			r.text("risk", string(q.Rules[i].Risk))
			return &r.node
		})
	}
	return &m.node
}

func choiceNode(c *Choice) *yaml.Node {
	m := &mapping{}
	m.text("id", c.ID)
	m.text("title", c.Title)
	m.text("weight", string(c.Weight))
	m.text("group", c.Group)
	m.text("why", c.Why)
	m.text("good", c.Good)
	if c.FirstStep != (Step{}) {
		step := Link(c.FirstStep)
		m.link("first_step", &step)
	}
	m.text("risk", c.Risk)
	m.text("wa_tool_id", c.WAToolID)
	m.texts("lineage", c.Lineage)
	m.links("links", c.Links)
	m.link("helpful_resource", c.HelpfulResource)
	m.list("additional_resources", len(c.Additional), func(i int) *yaml.Node {
		a := &mapping{}
		a.text("type", c.Additional[i].Kind)
		a.links("content", c.Additional[i].Content)
		return &a.node
	})
	return &m.node
}

func checkNode(c *Check) *yaml.Node {
	m := &mapping{}
	m.text("id", c.ID)
	m.text("choice", c.Choice)
	m.text("source", c.Source)
	m.text("key", c.Key)
	m.text("expect", c.Expect)
	m.span("within", c.Within)
	m.span("max_age", c.MaxAge)
	m.text("level", c.Level)
	m.text("claim", c.Claim)
	m.text("edition", c.Edition)
	return &m.node
}

// shortDuration writes a span of time without zero parts: 30h, not 30h0m0s.
func shortDuration(d time.Duration) string {
	s := d.String()
	if rest, ok := strings.CutSuffix(s, "m0s"); ok {
		s = rest + "m"
	}
	if rest, ok := strings.CutSuffix(s, "h0m"); ok {
		s = rest + "h"
	}
	return s
}
