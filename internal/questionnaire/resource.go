package questionnaire

import (
	"strings"
	"unicode"
)

// resource reads a text with an optional address; nil when both are empty. The text's
// key is "text" in our own format and "displayText" in an AWS lens.
func (d *decoder) resource(n *node, path, textKey string) *Link {
	o := d.object(n, path, textKey, "url")
	link := &Link{Text: o.text(textKey, maxText), URL: o.url("url")}
	if o.n != nil && link.Text == "" {
		if d.strict && link.URL == "" {
			o.missing(textKey, "The text")
		} else if !d.strict {
			d.warn(join(path, textKey), n.at, "no-text", "Give it a text.", "A resource has no text; AWS would refuse it.")
		}
	}
	if *link == (Link{}) {
		return nil
	}
	return link
}

// url returns an optional address. What does not start with http:// or https:// is never
// handed on: our own format refuses it, an AWS lens is read with a warning. A space in it
// is a warning in both.
func (o object) url(key string) string {
	n, path := o.get(key)
	if n == nil {
		return ""
	}
	most := maxFile // AWS documents no limit
	if o.d.strict {
		most = maxText
	}
	s := o.d.text(n, path, most)
	if n.kind != kindText {
		return ""
	}
	clean := strings.TrimSpace(s)
	switch {
	case clean == "":
		o.urlProblem(n, path, "empty-url", "The address is empty.")
	case !strings.HasPrefix(clean, "http://") && !strings.HasPrefix(clean, "https://"):
		o.urlProblem(n, path, "bad-url", "The address does not start with http:// or https://; it is not kept.")
		return ""
	case strings.ContainsFunc(clean, unicode.IsSpace):
		o.d.warn(path, n.at, "bad-url", "Write it as %20.", "The address holds a space.")
	case clean != s:
		o.urlProblem(n, path, "padded-url", "The address has space around it.")
	}
	return clean
}

func (o object) urlProblem(n *node, path, code, message string) {
	severity := SeverityWarning
	if o.d.strict {
		severity = SeverityError
	}
	o.d.add(severity, path, n.at, code, "Write a whole address or take the key away.", "%s", message)
}

// additional reads an optional list of additional resources of a choice: at most one of
// each type. An AWS lens that repeats a type or leaves one empty is read with a warning.
func (o object) additional(key, textKey string) []Additional {
	severity, most := SeverityError, 2
	if !o.d.strict {
		severity, most = SeverityWarning, maxList
	}
	nodes, path := o.list(key, 0, most, "additional resources")
	var out []Additional
	seen := make(map[string]bool)
	for i, n := range nodes {
		inner := o.d.object(n, atIndex(path, i), "type", "content")
		a := Additional{}
		if o.d.strict {
			a.Kind = inner.oneOf("type", "helpful_resource", "improvement_plan")
		} else {
			a.Kind = strings.ToLower(inner.oneOf("type", "HELPFUL_RESOURCE", "IMPROVEMENT_PLAN"))
		}
		if n, _ := inner.get("type"); n == nil {
			inner.missing("type", "The type")
		}
		if seen[a.Kind] && a.Kind != "" {
			o.d.add(severity, inner.path, n.at, "duplicate-type", "Join their contents.", "The type %s is listed twice; AWS allows one of each.", a.Kind)
		}
		seen[a.Kind] = true
		content, contentPath := inner.list("content", 0, 5, "resources")
		for j, c := range content {
			if link := o.d.resource(c, atIndex(contentPath, j), textKey); link != nil {
				a.Content = append(a.Content, *link)
			}
		}
		if len(a.Content) == 0 {
			o.d.add(severity, contentPath, n.at, "no-content", "Take it away.", "The additional resource holds nothing.")
			continue
		}
		out = append(out, a)
	}
	return out
}
