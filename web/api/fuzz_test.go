package api_test

import (
	"encoding/json"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"orrery/internal/identity"
)

// fuzzer makes calls from the description of the API, well and badly formed. It is seeded, so
// that a run can be had again.
type fuzzer struct {
	*rand.Rand
	schemas map[string]any
	words   []string            // what is known, and what is nasty
	fitting map[string][]string // values that fit a name
}

var nasty = []string{
	"", "x", "\x00", "\u2028", "🙂", "\xff", "'; drop table people; --", "%", "..", "-1", "0", "99999999999999999999", "true", "null", "[]", "é", "a\nb",
	"00000000-0000-0000-0000-000000000000", "2026-02-30", "2026-12-04", "0001-01-01", "9999-12-31T23:59:59Z", "eyJzIjoibmFtZSJ9", strings.Repeat("a", 300), strings.Repeat("é", 5000),
}

func (f *fuzzer) word() string { return f.words[f.IntN(len(f.words))] }

// named is a word for a parameter or member: mostly one that fits.
func (f *fuzzer) named(name string) string {
	if fit := f.fitting[name]; len(fit) > 0 && f.IntN(4) > 0 {
		return fit[f.IntN(len(fit))]
	}
	return f.word()
}

// value makes a value for a schema: mostly one that fits.
func (f *fuzzer) value(name string, schema map[string]any, depth int) any {
	if either, ok := schema["anyOf"].([]any); ok {
		schema, _ = either[f.IntN(len(either))].(map[string]any)
	}
	if ref, ok := schema["$ref"].(string); ok {
		schema, _ = f.schemas[strings.TrimPrefix(ref, "#/components/schemas/")].(map[string]any)
	}
	if f.IntN(12) == 0 || depth > 5 {
		return []any{nil, f.word(), f.Int64(), -1.5, true, []any{}, map[string]any{"x": 1}}[f.IntN(7)]
	}
	if enum, ok := schema["enum"].([]any); ok && len(enum) > 0 {
		return enum[f.IntN(len(enum))]
	}
	kind, _ := schema["type"].(string)
	if kinds, ok := schema["type"].([]any); ok {
		kind, _ = kinds[0].(string)
	}
	switch kind {
	case "object":
		out := map[string]any{}
		members, _ := schema["properties"].(map[string]any)
		for _, member := range slices.Sorted(maps.Keys(members)) {
			if f.IntN(4) > 0 {
				s, _ := members[member].(map[string]any)
				out[member] = f.value(member, s, depth+1)
			}
		}
		return out
	case "array":
		items, _ := schema["items"].(map[string]any)
		out := []any{}
		for range f.IntN(3) {
			out = append(out, f.value(name, items, depth+1))
		}
		return out
	case "integer", "number":
		return f.IntN(6)
	case "boolean":
		return f.IntN(2) == 0
	}
	return f.named(name)
}

// text is a value of a parameter.
func (f *fuzzer) text(name string, schema map[string]any) string {
	switch v := f.value(name, schema, 0).(type) {
	case string:
		return v
	case nil:
		return ""
	default:
		b, _ := json.Marshal(v)
		return string(b)
	}
}

// path fills an address; what would lead to another address is left out.
func (f *fuzzer) path(path string) string {
	parts := strings.Split(path, "/")
	for i, part := range parts {
		if strings.HasPrefix(part, "{") {
			name := strings.Trim(part, "{}")
			if name == "id" || name == "key" {
				name = parts[i-1] // the collection
			}
			word := f.named(name)
			for word == "" || strings.ContainsAny(word, "/") || word == ".." {
				word = f.named(name)
			}
			parts[i] = url.PathEscape(word)
		}
	}
	return strings.Join(parts, "/")
}

func TestFuzzFromDescription(t *testing.T) {
	calls, seed := 300, uint64(20261128)
	if n, err := strconv.Atoi(os.Getenv("ORRERY_SOAK_API_CALLS")); err == nil { // make soak
		calls, seed = n, rand.Uint64()
	}
	t.Logf("%d calls, seed %d", calls, seed)
	s := newStage(t)
	s.prepare()
	var raw struct {
		Components struct{ Schemas map[string]any }
	}
	s.must(nil, json.Unmarshal([]byte(s.get("/api/openapi.json").body), &raw))
	set, question, _ := strings.Cut(s.question, "/")
	f := &fuzzer{Rand: rand.New(rand.NewPCG(seed, 1)), schemas: raw.Components.Schemas, words: slices.Concat(nasty, []string{
		"payments", "secret", "ledger", set, question, s.question, "new-service", "minor-change", s.runOf["version"], "orr", s.review.ID.String(), s.item.ID.String(), s.runOf["run"],
		s.runOf["acceptance"], s.asha.PersonID.String(), s.review.ID.String() + "/" + s.question, "ours.yaml",
	}), fitting: map[string][]string{
		"workloads": {"payments", "payments", "secret"}, "workload": {"payments"}, "reviews": {s.review.ID.String(), s.hidden.ID.String()}, "items": {s.item.ID.String(), s.secret.ID.String()},
		"runs": {s.runOf["run"]}, "acceptances": {s.runOf["acceptance"]}, "questionnaires": {"orr", "ours"}, "version": {s.runOf["version"], "1.0.0", "1.1.0"}, "review-types": {"new-service", "annual"},
		"people": {s.asha.PersonID.String()}, "owner": {s.asha.PersonID.String(), s.noor.PersonID.String()}, "teams": {"ledger"}, "team": {"ledger"}, "questionnaire": {set}, "question": {question, s.question},
		"type": {"new-service", "minor-change", "annual"}, "key": {"fresh", "CHG-2", "payments"}, "due_on": {"2026-12-18"}, "until": {"2026-12-04"}, "launch_on": {"2027-01-04", ""},
		"id": {s.item.ID.String(), s.review.ID.String(), s.review.ID.String() + "/" + s.question}, "content": {strings.ReplaceAll(strings.ReplaceAll(ownSet, `\n`, "\n"), `\"`, `"`)},
		"accounts": {"111122223333"}, "regions": {"eu-west-1"}, "name": {"ours.yaml", "Fresh"}, "system": {"servicenow"}, "servicenow": {"CHG-1", "CHG-2"}, "url": {"https://now.example.com/x"},
		"incidents": {s.runOf["incident"], s.runOf["hidden incident"]}, "lessons": {s.runOf["lesson"]}, "webhooks": {s.runOf["webhook"]}, "deliveries": {s.runOf["delivery"]},
		"facts": {s.runOf["fact"]}, "reports": {s.runOf["report"]}, "source": {"own:pipeline"}, "observed_at": {"2026-11-20T11:00:00Z"}, "valid_until": {"2026-12-20T11:00:00Z"}, "outcome": {"accepted"}, "subject": {"", "checkout"},
		"events": {"item.opened", "round.decided"},
	}}
	var scopes []string
	for _, one := range identity.Scopes() {
		scopes = append(scopes, one.Name)
	}
	tokens := []string{s.tokenFor("asha", scopes...), s.tokenFor("asha", scopes...), s.tokenFor("noor", scopes...), s.token}
	type known struct {
		method, path string
		op           described
	}
	var all []known
	for path, methods := range s.spec().Paths {
		for method, op := range methods {
			all = append(all, known{strings.ToUpper(method), path, op})
		}
	}
	slices.SortFunc(all, func(a, b known) int { return strings.Compare(a.op.OperationID, b.op.OperationID) })
	seen := map[int]int{}
	for i := range calls {
		k := all[i%len(all)]
		query, header := url.Values{}, []string{}
		for _, p := range k.op.Parameters {
			switch {
			case p.In == "query" && (p.Required || f.IntN(4) == 0):
				query.Set(p.Name, f.text(p.Name, p.Schema))
			case p.In == "header" && f.IntN(2) == 0:
				header = append(header, p.Name, []string{"*", `"x"`, "W/\"x\"", ",", "key " + strconv.Itoa(f.IntN(5))}[f.IntN(5)])
			}
		}
		body := ""
		if content, ok := k.op.RequestBody.Content["application/json"]; ok {
			b, _ := json.Marshal(f.value("", content.Schema, 0))
			body = string(b)
		}
		at := f.path(k.path)
		if len(query) > 0 {
			at += "?" + query.Encode()
		}
		r := s.send(k.method, at, tokens[f.IntN(len(tokens))], body, header...)
		seen[r.status]++
		_, documented := k.op.Responses[strconv.Itoa(r.status)]
		switch {
		case r.status >= 500, !documented:
			t.Errorf("%s %s %v %.500s: %d %.500s", k.method, at, header, body, r.status, r.body)
		case r.status >= 400 && r.header.Get("Content-Type") != "application/problem+json":
			t.Errorf("%s %s: %d %s", k.method, at, r.status, r.header.Get("Content-Type"))
		}
	}
	t.Logf("answers: %v", seen)
	if seen[http.StatusOK] < calls/20 {
		t.Errorf("only %d of %d calls were answered with 200", seen[http.StatusOK], calls)
	}
}
