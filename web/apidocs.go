package web

import (
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"orrery/internal/identity"
	"orrery/web/api"
	"orrery/web/views"
	"orrery/web/views/ui"
)

func apiDocsRoutes() []Route {
	return []Route{{"GET", "/api/docs", open(apiDocs)}}
}

// apiDocs shows the description of the API as a page. Like the description it is open.
func apiDocs(v *visit) error {
	if v.API == nil {
		return notFound(v)
	}
	return v.render(http.StatusOK, views.APIDocs(v.page("API", "/api/docs", ui.Link{Text: "API"}), reference(v.API.Description(), v.PublicURL)))
}

// reference turns the description into what the page shows.
func reference(spec *huma.OpenAPI, base string) views.APIReference {
	r := views.APIReference{Base: base, Intro: spec.Info.Description, Statuses: statuses, Rate: api.DefaultRate, Problem: problemExample}
	for _, s := range identity.Scopes() {
		r.Scopes = append(r.Scopes, views.APIMember{Name: s.Name, About: s.Words})
	}
	at := map[string]int{}
	for _, path := range slices.Sorted(maps.Keys(spec.Paths)) {
		item := spec.Paths[path]
		for _, op := range []*huma.Operation{item.Get, item.Post, item.Put, item.Patch, item.Delete} {
			if op == nil {
				continue
			}
			tag := op.Tags[0]
			if _, known := at[tag]; !known {
				at[tag] = len(r.Groups)
				r.Groups = append(r.Groups, views.APIGroup{Name: tag})
			}
			g := &r.Groups[at[tag]]
			one := describe(op)
			one.Example = exampleOf(spec, base, op)
			if one.Answer != "" {
				one.AnswerExample = answerOf(spec, spec.Components.Schemas.Map()[one.Answer])
			}
			g.Operations = append(g.Operations, one)
		}
	}
	slices.SortFunc(r.Groups, func(a, b views.APIGroup) int { return strings.Compare(a.Name, b.Name) })
	schemas := spec.Components.Schemas.Map()
	for _, name := range slices.Sorted(maps.Keys(schemas)) {
		r.Schemas = append(r.Schemas, views.APISchema{Name: name, Members: members(schemas[name])})
	}
	return r
}

func describe(op *huma.Operation) views.APIOperation {
	out := views.APIOperation{ID: op.OperationID, Method: op.Method, Path: op.Path, Summary: op.Summary, About: op.Description, Scope: op.Security[0]["token"][0]}
	for _, p := range op.Parameters {
		m := member(p.Name, p.Schema, p.Required)
		if m.In = p.In; p.Description != p.Schema.Description {
			m.About = strings.TrimSpace(p.Description + " " + m.About)
		}
		out.Parameters = append(out.Parameters, m)
	}
	if op.RequestBody != nil {
		out.Body = refOf(op.RequestBody.Content["application/json"].Schema)
	}
	var problems []string
	for _, status := range slices.Sorted(maps.Keys(op.Responses)) {
		switch n, _ := strconv.Atoi(status); {
		case n >= 400:
			problems = append(problems, status)
		case n < 300:
			out.Headers = strings.Join(slices.Sorted(maps.Keys(op.Responses[status].Headers)), ", ")
			out.Status = strings.TrimPrefix(out.Status+", "+status, ", ")
			if body := op.Responses[status].Content["application/json"]; body != nil {
				out.Answer = refOf(body.Schema)
			}
		}
	}
	out.Problems = strings.Join(problems, ", ")
	return out
}

func members(s *huma.Schema) []views.APIMember {
	var list []views.APIMember
	for _, name := range slices.Sorted(maps.Keys(s.Properties)) {
		list = append(list, member(name, s.Properties[name], slices.Contains(s.Required, name)))
	}
	return list
}

// member says what a value is: its type, and what bounds it.
func member(name string, s *huma.Schema, required bool) views.APIMember {
	m := views.APIMember{Name: name, Type: s.Type, Ref: refOf(s), Required: required, About: s.Description}
	if s.Type == "array" && s.Items != nil {
		m.Type, m.Ref = "list of", refOf(s.Items)
		if m.Ref == "" {
			m.Type += " " + s.Items.Type
		}
	}
	null := s.Nullable
	if len(s.AnyOf) == 2 && s.AnyOf[1].Type == "null" {
		m.Ref, null = refOf(s.AnyOf[0]), true
	}
	if m.Type == "" && m.Ref == "" {
		m.Type = "any JSON"
	}
	if s.Format != "" {
		m.Type += ", " + s.Format
	}
	if null {
		m.Type += " or null"
	}
	m.About = strings.TrimSpace(m.About + " " + boundsOf(s))
	return m
}

func refOf(s *huma.Schema) string { return strings.TrimPrefix(s.Ref, "#/components/schemas/") }

var statuses = []views.APIMember{
	{Name: "400", About: "The body is missing or is no JSON."},
	{Name: "401", About: "There is no token, or one that is mistyped, expired or revoked."},
	{Name: "403", About: "You may read it and may not do this, or the token lacks a scope."},
	{Name: "404", About: "There is no such thing or address, or you may not see it."},
	{Name: "405", About: "The address takes no such requests."},
	{Name: "409", About: "The state does not allow it, such as an answer in a round that is submitted."},
	{Name: "412", About: "Somebody changed the resource since you read it. Read it again."},
	{Name: "413", About: "The body is larger than 4 MiB."},
	{Name: "415", About: "The body is not application/json."},
	{Name: "422", About: "A value, member or parameter does not fit, is given twice, or is null where it may not be; errors says where. Also: an Idempotency-Key that was used for another request."},
	{Name: "428", About: "A change needs If-Match."},
	{Name: "429", About: "The token asks too often. Wait as long as Retry-After says; RateLimit-Remaining says what is left."},
	{Name: "500", About: "A failure on our side. Name the request_id."},
	{Name: "503", About: "The database does not answer. Try again later."},
}

const problemExample = `{
  "type": "/api/docs#problems",
  "title": "Unprocessable Entity",
  "status": 422,
  "detail": "There is a problem with what was entered.",
  "errors": [
    {
      "location": "body.due_on",
      "pointer": "/due_on",
      "message": "This due date is past. Choose today or a later day."
    }
  ],
  "request_id": "` + exampleID + `"
}`
