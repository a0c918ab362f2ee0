package api_test

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"orrery/internal/audit"
	"orrery/internal/identity"
	"orrery/internal/postgres/pgtest"
	"orrery/internal/questionnaire"
	"orrery/internal/review"
	"orrery/internal/workload"
	"orrery/questionnaires"
	"orrery/web/api"
)

// house is the API on a database of its own, with a workload and people.
type house struct {
	*testing.T
	url      string
	db       *pgxpool.Pool
	clock    time.Time
	identity *identity.Service
	reviews  *review.Service
	asha     identity.Actor // of the team
	noor     identity.Actor // approver
	token    string         // of somebody who reads what is not restricted
	team     string         // a token of the team
}

func newHouse(t *testing.T) *house {
	t.Helper()
	h := &house{T: t, db: pgtest.New(t), clock: time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)}
	now := func() time.Time { return h.clock }
	h.identity = identity.NewService(h.db, audit.RecordIdentity, now)
	library := questionnaire.NewLibrary(h.db, now)
	h.reviews = review.NewService(h.db, library, "https://orrery.test", now)
	h.must(library.LoadShipped(t.Context(), questionnaires.FS))
	h.must(nil, h.reviews.EnsureTypes(t.Context()))
	server := httptest.NewServer(api.New(api.Deps{
		Identity: h.identity, Reviews: h.reviews, RequestID: func(context.Context) string { return "request-1" },
		PublicURL: "https://orrery.test", Version: "test", Log: slog.New(slog.DiscardHandler), Now: now,
	}))
	t.Cleanup(server.Close)
	h.url = server.URL
	h.people()
	workloads := workload.NewService(h.db, now)
	for key, restricted := range map[string]bool{"payments": false, "secret": true} {
		h.must(workloads.Create(t.Context(), h.asha, workload.Input{Key: key, Name: key, TeamKey: "ledger", Tier: 3, Stage: workload.Planned, Restricted: restricted}))
	}
	return h
}

func (h *house) must(_ any, err error) {
	h.Helper()
	if err != nil {
		h.Fatal(err)
	}
}

func (h *house) people() {
	h.Helper()
	ctx := h.Context()
	link, err := h.identity.MakeAdminLink(ctx)
	h.must(nil, err)
	ada, _, err := h.identity.AcceptAdminLink(ctx, link.Secret, "Ada", "ada@example.org", "seven quiet herons wade", identity.Client{})
	h.must(nil, err)
	boss, err := h.identity.ActorFor(ctx, ada.ID)
	h.must(nil, err)
	team, err := h.identity.CreateTeam(ctx, boss, "ledger", "Ledger")
	h.must(nil, err)
	invite := func(name string, in identity.InviteInput) identity.Actor {
		in.Name, in.Email = name, name+"@example.org"
		one, l, err := h.identity.Invite(ctx, boss, in)
		h.must(nil, err)
		h.must(h.identity.AcceptLink(ctx, l.Secret, "seven quiet herons wade", identity.Client{}))
		who, err := h.identity.ActorFor(ctx, one.ID)
		h.must(nil, err)
		return who
	}
	h.asha = invite("asha", identity.InviteInput{Teams: []identity.Membership{{TeamID: team.ID, Role: identity.Lead}}})
	h.noor = invite("noor", identity.InviteInput{Grants: []identity.GrantInput{{Kind: identity.Approver}}})
	_, h.token, err = h.identity.CreateTokenFor(ctx, "ada@example.org", "test", []string{"read"}, 24*time.Hour)
	h.must(nil, err)
	_, h.team, err = h.identity.CreateTokenFor(ctx, "asha@example.org", "test", []string{"read"}, 24*time.Hour)
	h.must(nil, err)
}

type reply struct {
	*house
	status int
	header http.Header
	body   string
}

func (h *house) get(path string, header ...string) reply {
	h.Helper()
	req, err := http.NewRequestWithContext(h.Context(), http.MethodGet, h.url+path, nil)
	h.must(nil, err)
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	h.must(nil, err)
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	h.must(nil, err)
	return reply{h, resp.StatusCode, resp.Header, string(body)}
}

func (h *house) launch(query string, header ...string) reply {
	h.Helper()
	return h.get("/api/v1/workloads/payments/launch"+query, append([]string{"Authorization", "Bearer " + h.token}, header...)...)
}

// problem wants a problem+json with the status and the words.
func (r reply) problem(status int, words string) {
	r.Helper()
	var p struct {
		Status        int
		Title, Detail string
	}
	if r.status != status || r.header.Get("Content-Type") != "application/problem+json" || json.Unmarshal([]byte(r.body), &p) != nil ||
		p.Status != status || p.Title == "" || !strings.Contains(r.body, words) {
		r.Errorf("got %d %s %s, want problem+json %d with %q", r.status, r.header.Get("Content-Type"), r.body, status, words)
	}
}

func TestWhoMayAsk(t *testing.T) {
	h := newHouse(t)
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
	h := newHouse(t)
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
	h := newHouse(t)
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

// decide takes the workload through a review to a go.
func (h *house) decide() {
	h.Helper()
	ctx := h.Context()
	w, err := workload.NewService(h.db, func() time.Time { return h.clock }).ByKey(ctx, h.asha, "payments")
	h.must(nil, err)
	r, err := h.reviews.Start(ctx, h.asha, w.ID, review.StartInput{Type: "new-service"})
	h.must(nil, err)
	sheet, err := h.reviews.Sheet(ctx, h.asha, r.ID)
	h.must(nil, err)
	for _, e := range sheet.Entries() {
		in := review.AnswerInput{ReviewID: r.ID, Questionnaire: e.Questionnaire, QuestionID: e.Question.ID}
		for _, c := range e.Question.Choices {
			if !c.None {
				in.Chosen = append(in.Chosen, c.ID)
			}
		}
		h.must(h.reviews.SaveAnswer(ctx, h.asha, in))
	}
	r, err = h.reviews.Submit(ctx, h.asha, review.SubmitInput{ReviewID: r.ID})
	h.must(nil, err)
	content := hex.EncodeToString(r.Round.ContentSHA256)
	h.must(nil, h.reviews.SignOff(ctx, h.noor, review.SignOffInput{ReviewID: r.ID, Content: content, Voice: review.Agree}))
	readout, err := h.reviews.Readout(ctx, h.noor, r.ID)
	h.must(nil, err)
	h.must(h.reviews.Decide(ctx, h.noor, review.DecideInput{ReviewID: r.ID, Content: content, Seen: readout.Seen(), Outcome: review.Go}))
}

func TestDescriptionIsOpen(t *testing.T) {
	h := newHouse(t)
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
