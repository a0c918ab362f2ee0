package web_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"orrery/internal/identity"
)

func TestAPIDocs(t *testing.T) {
	s := newSite(t)
	page := s.visitor().get("/api/docs").is(200).says("List workloads", "reviews:read", "If-Match", "The body is larger than 4 MiB.")
	page.says("From 1 to 100. Without it: 50.", "One of: open, in_progress, done, verified, closed, all.", "At most 255 characters. Fits ^[ -~]+$.", "Headers: ETag, Idempotency-Replayed, Location.")
	s.Ada.get("/api/docs").is(200).says("Ada Example")
	var spec struct {
		Paths      map[string]map[string]struct{ OperationID string }
		Components struct{ Schemas map[string]any }
	}
	if err := json.Unmarshal([]byte(s.visitor().get("/api/openapi.json").is(200).Body), &spec); err != nil {
		t.Fatal(err)
	}
	for path, methods := range spec.Paths {
		for method, op := range methods {
			if _, example, ok := strings.Cut(page.Body, `aria-label="Example of `+op.OperationID+`">curl `); !ok || strings.Contains(strings.SplitN(example, "</pre>", 2)[0], "{id}") {
				t.Errorf("%s has no example", op.OperationID)
			}
			if !strings.Contains(page.Body, `id="`+op.OperationID+`"`) || !strings.Contains(page.Body, "<code>"+path+"</code>") {
				t.Errorf("%s %s is not on the page", method, path)
			}
		}
	}
	for name := range spec.Components.Schemas {
		if !strings.Contains(page.Body, `id="schema-`+name+`"`) {
			t.Errorf("the form of %s is not on the page", name)
		}
	}
	for _, rest := range strings.Split(page.Body, `href="#`)[1:] {
		if id, _, _ := strings.Cut(rest, `"`); id != "main" && !strings.Contains(page.Body, `id="`+id+`"`) {
			t.Errorf("a link leads to #%s, which is not there", id)
		}
	}
}

// TestAPIThroughTheSite looks at what the edge adds: ids of requests, traces, problems, and
// that cookies do not count.
func TestAPIThroughTheSite(t *testing.T) {
	s := newSite(t)
	_, secret, err := s.Identity.CreateToken(t.Context(), s.admin(), "ci", []string{identity.ReadReviews}, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	send := func(method, path string, header ...string) *http.Response {
		req, err := http.NewRequestWithContext(t.Context(), method, s.URL+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		for i := 0; i < len(header); i += 2 {
			req.Header.Set(header[i], header[i+1])
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		return resp
	}
	auth := []string{"Authorization", "Bearer " + secret}
	const trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	r := send("GET", "/api/v1/teams", append(auth, "X-Request-Id", "build-4471.9", "Traceparent", trace)...)
	if r.StatusCode != 200 || r.Header.Get("X-Request-Id") != "build-4471.9" || r.Header.Get("Traceparent") != trace || r.Header.Get("RateLimit-Remaining") == "" {
		t.Errorf("%d %v", r.StatusCode, r.Header)
	}
	r = send("GET", "/api/v1/teams", append(auth, "X-Request-Id", "bad id <x>", "Traceparent", "nonsense")...)
	if id := r.Header.Get("X-Request-Id"); id == "" || strings.Contains(id, "bad") || r.Header.Get("Traceparent") != "" {
		t.Errorf("%v", r.Header)
	}
	for path, status := range map[string]int{"/api/nonsense": 404, "/api/v1/": 404, "/api/v1/teams/%00": 404} {
		if r := send("GET", path, auth...); r.StatusCode != status || r.Header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s: %d %s", path, r.StatusCode, r.Header.Get("Content-Type"))
		}
	}
	for _, method := range []string{"DELETE", "OPTIONS", "TRACE", "PUT"} {
		if r := send(method, "/api/v1/teams", auth...); r.StatusCode != 405 || r.Header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s: %d %s", method, r.StatusCode, r.Header.Get("Content-Type"))
		}
	}
	if r := send("HEAD", "/api/v1/teams", auth...); r.StatusCode != 200 {
		t.Errorf("HEAD: %d", r.StatusCode)
	}
	s.Ada.get("/api/v1/teams").is(401)
}
