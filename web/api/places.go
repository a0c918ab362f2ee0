package api

import (
	"context"
	"regexp"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// otherNames are members of bodies where the services name the field of a form instead.
var otherNames = []struct {
	form   *regexp.Regexp
	member string
}{
	{regexp.MustCompile(`^event$`), "events"},
	{regexp.MustCompile(`^todo$`), "title"},
	{regexp.MustCompile(`^practice_(\d+)$`), "practices[$1]"},
	{regexp.MustCompile(`^(url|effect)_(\d+)$`), "practices[$2].$1"},
	{regexp.MustCompile(`^related_(\d+)$`), "related[$1].incident"},
	{regexp.MustCompile(`^why_(\d+)$`), "related[$1].why"},
	{regexp.MustCompile(`^concerns_set$`), "concerns_questionnaire"},
	{regexp.MustCompile(`^set(s?)$`), "questionnaire$1"},
	{regexp.MustCompile(`^change_(key|title|ticket)$`), "change.$1"},
	{regexp.MustCompile(`^choice$`), "chosen"},
	{regexp.MustCompile(`^na_.*$`), "choices_not_applicable"},
	{regexp.MustCompile(`^notify$`), "body"},
	{regexp.MustCompile(`^(accounts|regions|tags|application_arn|wa_workloads)$`), "production.$1"},
}

type membersKey struct{}

// withMembers keeps the members that the body of the request may have.
func withMembers(a huma.API, ctx huma.Context) huma.Context {
	body := ctx.Operation().RequestBody
	if body == nil || body.Content["application/json"] == nil {
		return ctx
	}
	schema := body.Content["application/json"].Schema
	if schema.Ref != "" {
		schema = a.OpenAPI().Components.Schemas.SchemaFromRef(schema.Ref)
	}
	return huma.WithValue(ctx, membersKey{}, schema.Properties)
}

// place says where a field stands that a service names; in is "query", "path" or "body". What
// is no member of the body has no place in it.
func place(ctx context.Context, in, field, message string) Place {
	if in != "body" {
		return placeOf(in+"."+field, message)
	}
	members, _ := ctx.Value(membersKey{}).(map[string]*huma.Schema)
	names := []string{field}
	for _, other := range otherNames {
		if other.form.MatchString(field) {
			names = append(names, other.form.ReplaceAllString(field, other.member))
		}
	}
	for _, name := range names {
		if first := strings.FieldsFunc(name, func(r rune) bool { return r == '.' || r == '[' }); len(first) > 0 && members[first[0]] != nil {
			return placeOf("body."+name, message)
		}
	}
	return Place{Message: message}
}
