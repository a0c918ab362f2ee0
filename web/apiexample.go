package web

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

const exampleID = "0198f3a2-6c1e-7b04-9d55-3f1a2b7c8d90"

// examples are values that fit members and parameters by their names.
var examples = map[string]any{
	"key": "payments", "workload": "payments", "team": "ledger", "name": "Payments", "title": "Rehearse the restore", "url": "https://example.com/in", "type": "new-service",
	"workloads": []any{"payments"}, "due_on": "2026-12-18", "until": "2026-12-18", "questionnaire": "orr", "version": "1.0.0", "system": "servicenow", "owner": exampleID,
	"observed_at": "2026-11-20T11:00:00Z", "since": "2026-11-20T00:00:00Z", "source": "own:pipeline", "state": "in_progress", "unknown": true, "on": "item",
}

// bodies are examples by operation, where what is needed does not show what it is for. The one
// of a file is for the shell to make.
var bodies = map[string]string{
	"save-answer":          `{"chosen":["a_choice"],"notes":"The drill of 3 November shows it."}`,
	"write-comment":        `{"on":"item","id":"` + exampleID + `","body":"The change is approved. @asha"}`,
	"create-incident":      `{"title":"Payments failed for 40 minutes","severity":2,"workloads":["payments"],"started_at":"2026-11-20T10:02:00Z"}`,
	"change-incident":      `{"state":"closed"}`,
	"add-action":           `{"title":"Look for drift each night","workload":"payments"}`,
	"change-item":          `{"state":"in_progress"}`,
	"put-ticket":           `{"url":"https://example.service-now.com/CHG0031","status":"Approved"}`,
	"propose-lesson":       `{"title":"Changes by hand come undone","failure":"An update takes away what was changed by hand.","kind":"question","proposal":"How do you notice what was changed by hand?","max_risk":"high","practices":[{"title":"Drift is found within a day.","effect":"prevented"}]}`,
	"change-lesson":        `{"max_risk":"medium"}`,
	"report-facts":         `{"facts":[{"source":"own:pipeline","key":"load_test","state":"pass","title":"It held 900 requests a second for an hour.","observed_at":"2026-11-20T11:00:00Z"}]}`,
	"ask-acceptance":       `{"question":"orr/a_question","reason":"The vendor mends it in spring.","control":"Two people look at the figures each morning.","until":"2026-12-18"}`,
	"ask-report":           `{"options":"full"}`,
	"change-webhook":       `{"state":"off"}`,
	"change-workload":      `{"launch_on":"2026-12-18"}`,
	"check-questionnaire":  ofFile,
	"import-questionnaire": ofFile,
}

const ofFile = `$(jq -Rs '{name: "ours.yaml", content: .}' ours.yaml)`

var placeholder = regexp.MustCompile(`\{[a-z_]+\}`)

// exampleOf is one request that makes the operation, for a shell.
func exampleOf(spec *huma.OpenAPI, base string, op *huma.Operation) string {
	line := []string{"curl"}
	if op.Method != "GET" {
		line = append(line, "-X "+op.Method)
	}
	line = append(line, `-H "Authorization: Bearer $ORRERY_TOKEN"`)
	path, query := op.Path, ""
	for _, p := range op.Parameters {
		switch {
		case p.In == "path" && p.Name == "key" && strings.Contains(op.Path, "/workloads/"), p.In == "path" && p.Name != "key" && examples[p.Name] != nil:
			path = strings.Replace(path, "{"+p.Name+"}", fmt.Sprint(exampleFor(spec, p.Name, p.Schema)), 1)
		case p.In == "query" && p.Required:
			query += "&" + p.Name + "=" + fmt.Sprint(exampleFor(spec, p.Name, p.Schema))
		case p.Name == "If-Match":
			line = append(line, `-H "If-Match: $ETAG"`)
		case p.Name == "Idempotency-Key":
			line = append(line, `-H "Idempotency-Key: $BUILD_ID"`)
		}
	}
	path = placeholder.ReplaceAllStringFunc(path, func(p string) string { return "$" + strings.ToUpper(strings.Trim(p, "{}")) })
	if op.RequestBody != nil {
		line = append(line, "-H 'Content-Type: application/json'", "-d "+bodyOf(spec, op))
	}
	if query != "" {
		query = "?" + query[1:]
	}
	return strings.Join(append(line, `"`+base+path+query+`"`), " \\\n  ")
}

// bodyOf is what the example sends, quoted for a shell.
func bodyOf(spec *huma.OpenAPI, op *huma.Operation) string {
	body, written := bodies[op.OperationID]
	if !written {
		made, err := json.Marshal(exampleFor(spec, "", op.RequestBody.Content["application/json"].Schema))
		if err != nil {
			return ""
		}
		body = string(made)
	}
	if strings.HasPrefix(body, "$(") {
		return `"` + body + `"`
	}
	return "'" + body + "'"
}

// answerOf is an answer to the operation as it may be, in JSON; empty when it answers otherwise.
func answerOf(spec *huma.OpenAPI, s *huma.Schema) string {
	b, err := json.MarshalIndent(exampleFor(spec, "", s), "", "  ")
	if err != nil {
		return ""
	}
	return string(b)
}

// formatted are examples of what a format says.
var formatted = map[string]any{
	"uuid": exampleID, "date": "2026-12-18", "date-time": "2026-11-20T11:00:00Z", "uri": "https://orrery.example.com/workloads/payments",
}

// known is the example that fits a member by its name, if it is of the schema's kind.
func known(name string, s *huma.Schema) (any, bool) {
	value, ok := examples[name]
	switch value.(type) {
	case bool:
		ok = ok && s.Type == "boolean"
	case []any:
		ok = ok && s.Type == "array" && s.Items != nil && s.Items.Type == "string"
	default:
		ok = ok && s.Type == "string" && (s.Format == "" || s.Format == "date" || name == "url" || strings.HasSuffix(name, "_at"))
	}
	return value, ok && (len(s.Enum) == 0 || slices.Contains(s.Enum, value))
}

// exampleFor is a value for a schema: of an object what is needed, or its first member.
func exampleFor(spec *huma.OpenAPI, name string, s *huma.Schema) any {
	if len(s.AnyOf) > 0 {
		s = s.AnyOf[0]
	}
	if s.Ref != "" {
		s = spec.Components.Schemas.SchemaFromRef(s.Ref)
	}
	value, fits := known(name, s)
	switch {
	case fits:
		return value
	case len(s.Enum) > 0:
		return s.Enum[0]
	case formatted[s.Format] != nil:
		return formatted[s.Format]
	case s.Type == "object":
		out := map[string]any{}
		for _, member := range slices.Sorted(maps.Keys(s.Properties)) {
			if slices.Contains(s.Required, member) || len(s.Required) == 0 && len(out) == 0 {
				out[member] = exampleFor(spec, member, s.Properties[member])
			}
		}
		return out
	case s.Type == "array":
		return []any{exampleFor(spec, "", s.Items)}
	case s.Type == "":
		return map[string]any{"rps": 900}
	case s.Type == "integer" || s.Type == "number":
		if s.Minimum != nil {
			return int(*s.Minimum)
		}
		return 1
	case s.Type == "boolean":
		return true
	case name == "id" || strings.HasSuffix(name, "_id"):
		return exampleID
	}
	return "..."
}

// boundsOf says what bounds a value, in sentences.
func boundsOf(s *huma.Schema) string {
	var words []string
	say := func(format string, args ...any) { words = append(words, fmt.Sprintf(format, args...)) }
	var enum []string
	for _, one := range s.Enum {
		if one != nil {
			enum = append(enum, nameOr(fmt.Sprint(one)))
		}
	}
	if len(enum) > 0 {
		say("One of: %s.", strings.Join(enum, ", "))
	}
	switch {
	case s.Minimum != nil && s.Maximum != nil:
		say("From %v to %v.", *s.Minimum, *s.Maximum)
	case s.Minimum != nil:
		say("At least %v.", *s.Minimum)
	case s.Maximum != nil:
		say("At most %v.", *s.Maximum)
	}
	if s.MinLength != nil && *s.MinLength > 0 {
		say("At least %d characters.", *s.MinLength)
	}
	if s.MaxLength != nil {
		say("At most %d characters.", *s.MaxLength)
	}
	if s.MinItems != nil && *s.MinItems > 0 {
		say("At least %d.", *s.MinItems)
	}
	if s.MaxItems != nil {
		say("At most %d.", *s.MaxItems)
	}
	if s.Pattern != "" {
		say("Fits %s.", s.Pattern)
	}
	if s.Default != nil {
		say("Without it: %v.", s.Default)
	}
	return strings.Join(words, " ")
}

// nameOr is a value of an enumeration, as people read it.
func nameOr(value string) string {
	if value == "" {
		return "empty"
	}
	return value
}
