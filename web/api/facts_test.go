package api_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"orrery/internal/identity"
)

const factSet = `key: loads
name: Loads
version: 1.0.0
sections:
  - id: one
    name: One
    questions:
      - id: held
        title: Does it hold the load?
        max_risk: high
        choices:
          - {id: held_yes, title: It was tested., weight: core}
          - {id: held_no, title: None of these}
        checks:
          - {id: load, choice: held_yes, source: "own:pipeline", key: load_test, expect: all_pass, max_age: 720h, level: resource, claim: It holds.}
          - {id: drill, choice: held_yes, source: "own:pipeline", key: drill, expect: seen_within, within: 2160h, max_age: 30h, level: account, claim: There was a drill.}
`

// verdict reads how evidence bears on a check of factSet.
func (h *house) verdict(check string) (state, detail string) {
	h.Helper()
	r := h.send(http.MethodGet, "/api/v1/workloads/payments/verdicts?limit=100", h.tokenFor("ada", identity.ReadReviews), "")
	var page struct {
		Data []struct{ Questionnaire, Check, State, Detail string }
	}
	h.must(nil, json.Unmarshal([]byte(r.body), &page))
	for _, v := range page.Data {
		if v.Questionnaire == "loads" && v.Check == check {
			return v.State, v.Detail
		}
	}
	h.Fatalf("no verdict on %s", check)
	return "", ""
}

func (h *house) report(token, fact string) reply {
	h.Helper()
	return h.send(http.MethodPost, "/api/v1/workloads/payments/facts", token, `{"facts":[`+fact+`]}`)
}

func fact(key, subject, state string, at time.Time, until string) string {
	return fmt.Sprintf(`{"source":"own:pipeline","key":%q,"subject":%q,"state":%q,"title":"The run of %s.","observed_at":%q%s}`, key, subject, state, subject, at.Format(time.RFC3339), until)
}

func TestOwnFactsBearOnAnswers(t *testing.T) {
	h := newHouse(t, 0)
	upload, _ := json.Marshal(map[string]string{"name": "loads.yaml", "content": factSet})
	if r := h.send(http.MethodPost, "/api/v1/questionnaires", h.tokenFor("asha", identity.WriteQuestionnaires), string(upload)); r.status != http.StatusCreated {
		t.Fatalf("import: %d %s", r.status, r.body)
	}
	wants := func(what, check, state, words string) {
		t.Helper()
		if got, detail := h.verdict(check); got != state || !strings.Contains(detail, words) {
			t.Errorf("%s: %s, %q", what, got, detail)
		}
	}
	token := h.tokenFor("asha", identity.ReadReviews, identity.WriteEvidence)
	said := func(fact string) {
		t.Helper()
		if r := h.report(token, fact); r.status != http.StatusOK {
			t.Fatalf("%d %s", r.status, r.body)
		}
	}
	wants("before", "load", "cannot_tell", "")
	const month = `,"valid_until":"2026-12-10T00:00:00Z"`
	said(fact("load_test", "checkout", "pass", h.clock, month))
	wants("one pass", "load", "supports", "Reported by asha")
	before := h.acts()
	said(fact("load_test", "checkout", "pass", h.clock, month))
	if h.acts() != before {
		t.Error("to say the same again is an act")
	}
	said(fact("load_test", "search", "fail", h.clock, month))
	wants("a failure beside it", "load", "mixed", "The run of search")
	said(fact("load_test", "search", "pass", h.clock.Add(-time.Hour), month))
	wants("an older pass", "load", "mixed", "")
	said(fact("load_test", "search", "unknown", h.clock, month))
	wants("unknown", "load", "cannot_tell", "could not tell")
	said(fact("load_test", "search", "pass", h.clock, month) + "," + fact("drill", "", "pass", h.clock.Add(-80*24*time.Hour), `,"valid_until":"2027-06-01T00:00:00Z"`))
	wants("all pass", "load", "supports", "All 2")
	wants("a drill 80 days ago", "drill", "supports", "")

	_, service, err := h.identity.CreateServiceTokenFor(t.Context(), "ledger", "nightly", []string{identity.ReadReviews, identity.WriteEvidence}, 24*time.Hour)
	h.must(nil, err)
	if r := h.report(service, fact("load_test", "checkout", "fail", h.clock, month)); r.status != http.StatusOK {
		t.Fatalf("a service: %d %s", r.status, r.body)
	}
	wants("another reporter", "load", "mixed", "Reported by nightly")
	var page struct {
		Data []struct {
			ID, Subject string
			ReportedBy  struct{ Name string } `json:"reported_by"`
		}
	}
	h.must(nil, json.Unmarshal([]byte(h.send(http.MethodGet, "/api/v1/workloads/payments/facts?key=load_test", token, "").body), &page))
	if len(page.Data) != 3 {
		t.Fatalf("%+v", page.Data)
	}
	for _, f := range page.Data {
		if f.ReportedBy.Name == "nightly" {
			if r := h.send(http.MethodDelete, "/api/v1/facts/"+f.ID, token, "", "If-Match", "*"); r.status != http.StatusNoContent {
				t.Errorf("removed: %d %s", r.status, r.body)
			}
		}
	}
	wants("without the other's", "load", "supports", "")
	h.clock = h.clock.Add(11 * 24 * time.Hour)
	wants("a drill 91 days ago", "drill", "stale", "")
	wants("still valid", "load", "supports", "")
	h.clock = h.clock.Add(10 * 24 * time.Hour)
	wants("ended", "load", "stale", "")
	token = h.tokenFor("asha", identity.ReadReviews, identity.WriteEvidence)
	said(fact("load_test", "checkout", "pass", h.clock, ""))
	wants("one of two is out of date", "load", "cannot_tell", "out of date")
}

func TestWhoMayReportFacts(t *testing.T) {
	h := newHouse(t, 0)
	one := fact("load_test", "", "pass", h.clock, "")
	h.report(h.tokenFor("noor", identity.WriteEvidence), one).problem(http.StatusForbidden, "Only a member of the owning team")
	h.report(h.tokenFor("ada", identity.WriteEvidence), one).problem(http.StatusForbidden, "Only a member of the owning team")
	h.send(http.MethodGet, "/api/v1/workloads/payments/facts", h.token, "").problem(http.StatusForbidden, "")
	h.send(http.MethodGet, "/api/v1/workloads/payments/facts?after=x", h.team, "").problem(http.StatusUnprocessableEntity, "query.after")
	token := h.tokenFor("asha", identity.ReadReviews, identity.WriteEvidence)
	if r := h.report(token, one); r.status != http.StatusOK {
		t.Fatalf("%d %s", r.status, r.body)
	}
	for place, bad := range map[string]string{
		"/facts/0/source":      strings.Replace(one, "own:pipeline", "securityhub.control", 1),
		"/facts/0/key":         strings.Replace(one, "load_test", "load test", 1),
		"/facts/0/state":       strings.Replace(one, `"pass"`, `"suppressed"`, 1),
		"/facts/0/title":       strings.Replace(one, "The run of .", "\\u0000", 1),
		"/facts/0/observed_at": fact("load_test", "", "pass", h.clock.Add(time.Hour), ""),
		"/facts/0/valid_until": fact("load_test", "", "pass", h.clock, `,"valid_until":"2026-11-01T00:00:00Z"`),
		"/facts/0/link":        strings.Replace(one, `"title"`, `"link":"javascript:alert(1)","title"`, 1),
		"/facts/0/document":    strings.Replace(one, `"title"`, `"document":"`+strings.Repeat("x", 65<<10)+`","title"`, 1),
		"/facts/1":             one + "," + one,
	} {
		h.report(token, bad).problem(http.StatusUnprocessableEntity, `"`+place+`"`)
	}
	odd := strings.Replace(one, `"title"`, `"document":{"a\u0000b":["\ud800",12345678901234567890123,null]},"title"`, 1)
	if r := h.report(token, odd); r.status != http.StatusOK {
		t.Errorf("an odd document: %d %s", r.status, r.body)
	}
}
