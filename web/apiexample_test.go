package web_test

import (
	"html"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// TestExamplesOfTheAPI wants each example of an answer to be one that the description allows.
func TestExamplesOfTheAPI(t *testing.T) {
	s := newSite(t)
	page := s.visitor().get("/api/docs").is(200).says("requests a minute", "RateLimit-Remaining", "This due date is past.").Body
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(s.visitor().get("/api/openapi.json").is(200).Body))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("orrery:///api.json", doc); err != nil {
		t.Fatal(err)
	}
	schemaOf := bodySchemas(doc)
	for _, rest := range strings.Split(page, `aria-label="Example of `)[1:] {
		id, rest, _ := strings.Cut(rest, `">`)
		example, _, _ := strings.Cut(rest, "</pre>")
		_, body, sends := strings.Cut(html.UnescapeString(example), "-d '")
		if !sends {
			continue
		}
		body = body[:strings.LastIndex(body, "' ")]
		value, err := jsonschema.UnmarshalJSON(strings.NewReader(body))
		if err == nil {
			err = c.MustCompile("orrery:///api.json" + schemaOf[id]).Validate(value)
		}
		if err != nil {
			t.Errorf("%s sends %s: %v", id, body, err)
		}
	}
	seen := 0
	for _, rest := range strings.Split(page, `aria-label="Answer of `)[1:] {
		id, rest, _ := strings.Cut(rest, `">`)
		example, _, _ := strings.Cut(rest, "</pre>")
		_, before, _ := strings.Cut(page, `<section class="panel" id="`+id+`"`)
		before, _, _ = strings.Cut(before, `aria-label="Example of `)
		at := strings.LastIndex(before, `href="#schema-`)
		name, _, _ := strings.Cut(before[at+len(`href="#schema-`):], `"`)
		schema, err := c.Compile("orrery:///api.json#/components/schemas/" + name)
		if err != nil {
			t.Fatal(err)
		}
		value, err := jsonschema.UnmarshalJSON(strings.NewReader(html.UnescapeString(example)))
		if err == nil {
			err = schema.Validate(value)
		}
		if err != nil {
			t.Errorf("%s answers %s: %v", id, name, err)
		}
		seen++
	}
	if seen < 50 {
		t.Errorf("only %d answers have an example", seen)
	}
}

// bodySchemas are the places of the schemas of what operations take, by operation.
func bodySchemas(doc any) map[string]string {
	places := map[string]string{}
	for _, methods := range doc.(map[string]any)["paths"].(map[string]any) {
		for _, op := range methods.(map[string]any) {
			one, _ := op.(map[string]any)
			if body, ok := one["requestBody"].(map[string]any); ok {
				schema := body["content"].(map[string]any)["application/json"].(map[string]any)["schema"].(map[string]any)
				places[one["operationId"].(string)] = schema["$ref"].(string)
			}
		}
	}
	return places
}
