package api_test

import (
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"

	"orrery/internal/identity"
)

// schemaOf resolves a schema of the description.
func (h *house) schemaOf(s map[string]any, all map[string]map[string]any) map[string]any {
	for {
		ref, ok := s["$ref"].(string)
		if !ok {
			return s
		}
		s = all[strings.TrimPrefix(ref, "#/components/schemas/")]
	}
}

// TestBodiesMeanOneThing refuses a member given twice, null where none is described, and names in
// other letters, in every body that is sent.
func TestBodiesMeanOneThing(t *testing.T) {
	s := newStage(t)
	s.prepare()
	var raw struct {
		Components struct{ Schemas map[string]map[string]any }
	}
	s.must(nil, json.Unmarshal([]byte(s.get("/api/openapi.json").body), &raw))
	ops, nulls := s.spec().operations(), 0
	for _, c := range s.calls() {
		if c.body == "" {
			continue
		}
		token := s.tokenFor("asha", c.scope, identity.ReadReviews)
		send := func(body string) reply { return s.send(c.method, c.path, token, body, "If-Match", "*") }
		var sent map[string]json.RawMessage
		s.must(nil, json.Unmarshal([]byte(c.body), &sent))
		first := slices.Sorted(maps.Keys(sent))[0]
		send(`{"`+first+`":`+string(sent[first])+`,`+c.body[1:]).problem(http.StatusUnprocessableEntity, `"pointer":"/`+first+`","message":"This member stands here more than once`)
		send(`{"`+strings.ToUpper(first)+`":`+string(sent[first])+`,`+c.body[1:]).problem(http.StatusUnprocessableEntity, strings.ToUpper(first))
		members, _ := s.schemaOf(ops[c.id].RequestBody.Content["application/json"].Schema, raw.Components.Schemas)["properties"].(map[string]any)
		for name, one := range members {
			schema := s.schemaOf(one.(map[string]any), raw.Components.Schemas)
			kinds, _ := schema["type"].([]any)
			if slices.Contains(kinds, any("null")) || schema["anyOf"] != nil || schema["type"] == nil {
				continue
			}
			with := maps.Clone(sent)
			with[name] = json.RawMessage("null")
			body, err := json.Marshal(with)
			s.must(nil, err)
			send(string(body)).problem(http.StatusUnprocessableEntity, `"pointer":"/`+name+`","message":"This is never null`)
			nulls++
		}
	}
	if nulls < 80 {
		t.Errorf("only %d members were null", nulls)
	}
	full := s.tokenFor("asha", identity.WriteIncidents, identity.WriteWorkloads, identity.WriteEvidence)
	lessons := "/api/v1/incidents/" + s.runOf["incident"] + "/lessons"
	for _, deep := range []struct{ path, body, pointer string }{
		{lessons, `{"title":"A","failure":"B","kind":"question","proposal":"C?","max_risk":"high","practices":[{"title":"D","effect":"prevented","title":"E"}]}`, "/practices/0/title"},
		{lessons, `{"title":"A","failure":"B","kind":"question","proposal":"C?","max_risk":"high","practices":[{"title":"D","url":null,"effect":"prevented"}]}`, "/practices/0/url"},
		{lessons, `{"title":"A","failure":"B","kind":"question","proposal":"C?","max_risk":"high","prompts":["a",null]}`, "/prompts/1"},
		{"/api/v1/workloads", `{"key":"aa","name":"A","team":"ledger","tier":3,"production":{"accounts":null,"regions":[]}}`, "/production/accounts"},
		{"/api/v1/workloads/payments/facts", `{"facts":[{"source":"own:pipeline","key":"k","state":"pass","title":"T","observed_at":"2026-11-20T11:00:00Z","document":{"a/b":[{"c":1,"c":null}]}}]}`, "/facts/0/document/a~1b/0/c"},
	} {
		s.send(http.MethodPost, deep.path, full, deep.body).problem(http.StatusUnprocessableEntity, `"pointer":"`+deep.pointer+`"`)
	}
	if r := s.send(http.MethodPost, "/api/v1/workloads/payments/facts", full,
		`{"facts":[{"source":"own:pipeline","key":"k","state":"pass","title":"T","observed_at":"2026-11-20T11:00:00Z","document":{"a":null,"b":1e300}}]}`); r.status != http.StatusOK {
		t.Errorf("null where anything may stand: %d %s", r.status, r.body)
	}
	s.send(http.MethodPost, "/api/v1/workloads", full, strings.Repeat("[", 1<<20)).problem(http.StatusBadRequest, "")
	const levels = 9000 // as many as JSON may have; each with its path would fill the memory
	deep := strings.Repeat(`{"a member with a long name":`, levels) + `null` + strings.Repeat("}", levels)
	s.send(http.MethodPost, "/api/v1/workloads", full, deep).problem(http.StatusUnprocessableEntity, strings.Repeat("/a member with a long name", 33))
}

// TestCursorsNameAPlace refuses, in every list, what names no line of it.
func TestCursorsNameAPlace(t *testing.T) {
	s := newStage(t)
	s.prepare()
	ops, lists := s.spec().operations(), 0
	word := func(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }
	cursors := []string{
		"x", "eyJzIjoibmFtZSJ9", word(`{}`), word(`[]`), word(`["","","",""]`), word(`["a"]`), word(`["a","b","",""]`), word(`["a","b","c","d","e","f"]`), word(`null`), uuid.Nil.String(), word(uuid.Nil.String()),
		strings.ToUpper(uuid.NewString()), "urn:uuid:" + uuid.NewString(), "{" + uuid.NewString() + "}", strings.ReplaceAll(uuid.NewString(), "-", ""), word("\x00"), "%0a",
	}
	for _, c := range s.calls() {
		paged := false
		for _, p := range ops[c.id].Parameters {
			paged = paged || p.Name == "after"
		}
		if !paged {
			continue
		}
		lists++
		sep := "?"
		if strings.Contains(c.path, "?") {
			sep = "&"
		}
		token := s.tokenFor("asha", c.scope, identity.ReadReviews)
		for _, cursor := range cursors {
			s.send(c.method, c.path+sep+"after="+cursor, token, "").problem(http.StatusUnprocessableEntity, "query.after")
		}
	}
	if lists < 20 {
		t.Errorf("only %d lists", lists)
	}
	at := "/api/v1/webhooks/" + s.runOf["webhook"] + "/deliveries?after=" + uuid.NewString()
	s.send(http.MethodGet, at, s.tokenFor("asha", identity.WriteWebhooks), "").problem(http.StatusUnprocessableEntity, "query.after")
}
