package api_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"orrery/web/api"
)

func TestWhoMayAsk(t *testing.T) {
	h := newHouse(t, 0)
	const path = "/api/v1/workloads/payments/launch"
	for name, header := range map[string][]string{
		"no token":   nil,
		"no scheme":  {"Authorization", h.token},
		"basic":      {"Authorization", "Basic " + h.token},
		"not a one":  {"Authorization", "Bearer nonsense"},
		"wrong sum":  {"Authorization", "Bearer " + h.token[:len(h.token)-1] + "~"},
		"empty":      {"Authorization", "Bearer "},
		"only space": {"Authorization", "Bearer  "},
		"a cookie":   {"Cookie", "orrery-session=" + h.token},
	} {
		r := h.get(path, header...)
		if r.header.Get("WWW-Authenticate") == "" {
			t.Errorf("%s: no WWW-Authenticate", name)
		}
		r.problem(http.StatusUnauthorized, "")
	}
	if r := h.launch(""); r.status != http.StatusOK {
		t.Fatalf("a read token: %d %s", r.status, r.body)
	}
	secret := "/api/v1/workloads/secret/launch"
	h.get(secret, "Authorization", "Bearer "+h.token).problem(http.StatusNotFound, "no such workload")
	if r := h.get(secret, "Authorization", "Bearer "+h.team); r.status != http.StatusOK {
		t.Errorf("the team's token on its restricted workload: %d", r.status)
	}
	h.clock = h.clock.Add(25 * time.Hour)
	h.launch("").problem(http.StatusUnauthorized, "")
}

func TestBadRequests(t *testing.T) {
	h := newHouse(t, 0)
	auth := []string{"Authorization", "Bearer " + h.token}
	h.get("/api/v1/workloads/nonsense/launch", auth...).problem(http.StatusNotFound, "no such workload")
	h.get("/api/v1/workloads/%00/launch", auth...).problem(http.StatusNotFound, "")
	h.get("/api/v1/workloads/%ff/launch", auth...).problem(http.StatusNotFound, "")
	h.get("/api/v1/workloads/"+strings.Repeat("x", 41)+"/launch", auth...).problem(http.StatusUnprocessableEntity, "path.key")
	h.get("/api/nonsense", auth...).problem(http.StatusNotFound, "no such address")
	h.launch("?chnage=CHG-1").problem(http.StatusUnprocessableEntity, "chnage")
	h.launch("?change=a+b").problem(http.StatusUnprocessableEntity, "query.change")
	h.launch("?change=%00").problem(http.StatusUnprocessableEntity, "query.change")
	req, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, h.url+"/api/v1/workloads/payments/launch", strings.NewReader("{"))
	req.Header.Set("Authorization", "Bearer "+h.token)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusMethodNotAllowed || resp.Header.Get("Content-Type") != "application/problem+json" {
		t.Errorf("POST: %d %s", resp.StatusCode, resp.Header.Get("Content-Type"))
	}
}

func TestGateAnswersAndIsCached(t *testing.T) {
	h := newHouse(t, 0)
	first := h.launch("")
	var g api.Gate
	h.must(nil, json.Unmarshal([]byte(first.body), &g))
	if g.Status != "unknown" || len(g.Blockers) != 1 || g.Blockers[0].URL != "https://orrery.test/workloads/payments" || g.Decision != nil {
		t.Errorf("before any review: %s", first.body)
	}
	tag := first.header.Get("ETag")
	h.clock = h.clock.Add(time.Hour)
	for _, header := range []string{tag, `"x", ` + tag, "W/" + tag, "*"} {
		if r := h.launch("", "If-None-Match", header); r.status != http.StatusNotModified || r.header.Get("ETag") != tag || r.body != "" {
			t.Errorf("If-None-Match %s: %d %s", header, r.status, r.body)
		}
	}
	h.decide()
	after := h.launch("", "If-None-Match", tag)
	h.must(nil, json.Unmarshal([]byte(after.body), &g))
	if after.status != http.StatusOK || g.Status != "go" || g.Decision == nil || *g.Decision != "go" || g.ValidUntil == nil || g.Content == nil || len(*g.Content) != 64 {
		t.Errorf("after a go: %d %s", after.status, after.body)
	}
}

func TestDescriptionIsOpen(t *testing.T) {
	h := newHouse(t, 0)
	r := h.get("/api/openapi.json")
	var spec struct {
		OpenAPI string
		Paths   map[string]map[string]struct{ OperationID string }
	}
	if r.status != http.StatusOK || json.Unmarshal([]byte(r.body), &spec) != nil || !strings.HasPrefix(spec.OpenAPI, "3.1") {
		t.Fatalf("%d %.200s", r.status, r.body)
	}
	if spec.Paths["/api/v1/workloads/{key}/launch"]["get"].OperationID != "get-launch-gate" {
		t.Errorf("the gate is not described: %v", spec.Paths)
	}
}
