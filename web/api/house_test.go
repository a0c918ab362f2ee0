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

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"

	"orrery/internal/audit"
	"orrery/internal/discussion"
	"orrery/internal/evidence"
	"orrery/internal/identity"
	"orrery/internal/incident"
	"orrery/internal/outbound"
	"orrery/internal/portfolio"
	"orrery/internal/postgres/pgtest"
	"orrery/internal/questionnaire"
	"orrery/internal/remediation"
	"orrery/internal/report"
	"orrery/internal/review"
	"orrery/internal/tickets"
	"orrery/internal/webhook"
	"orrery/internal/workload"
	"orrery/questionnaires"
	"orrery/web/api"
)

// house is the API on a database of its own, with workloads and people.
type house struct {
	*testing.T
	url       string
	api       *api.API
	db        *pgxpool.Pool
	clock     time.Time
	identity  *identity.Service
	workloads *workload.Service
	items     *remediation.Service
	reviews   *review.Service
	incidents *incident.Service
	tickets   *tickets.Service
	webhooks  *webhook.Service
	facts     *evidence.Service
	reports   *report.Service
	asha      identity.Actor // lead of the team, curator, auditor and admin
	noor      identity.Actor // approver
	token     string         // of somebody who reads what is not restricted
	team      string         // a token of asha, for reading
}

func newHouse(t *testing.T, rate int) *house {
	t.Helper()
	h := &house{T: t, db: pgtest.New(t), clock: time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)}
	now := func() time.Time { return h.clock }
	h.identity = identity.NewService(h.db, audit.RecordIdentity, now)
	library := questionnaire.NewLibrary(h.db, now)
	h.reviews = review.NewService(h.db, library, "https://orrery.test", now)
	h.workloads, h.items = workload.NewService(h.db, now), remediation.NewService(h.db, now)
	vault, err := outbound.ParseVault(outbound.NewVaultKey())
	h.must(nil, err)
	door := &outbound.Door{Vault: vault, Client: outbound.Client(nil)}
	h.incidents = incident.NewService(h.db, library, "https://orrery.test", now)
	h.tickets, h.webhooks = tickets.NewService(h.db, h.jobs(), door, "https://orrery.test", now), webhook.NewService(h.db, h.jobs(), door, "https://orrery.test", now)
	h.must(library.LoadShipped(t.Context(), questionnaires.FS))
	h.must(nil, h.reviews.EnsureTypes(t.Context()))
	h.facts = evidence.NewService(h.db, h.jobs(), library.ChecksInUse, now)
	h.reports = report.NewService(h.db, h.jobs(), h.identity, h.reviews, "https://orrery.test", now)
	h.api = api.New(api.Deps{
		DB: h.db, Identity: h.identity, Library: library, Workloads: h.workloads, Items: h.items, Evidence: h.facts,
		Reviews: h.reviews, Portfolio: portfolio.NewService(h.db, library, now), Talk: discussion.NewService(h.db, library, now),
		Tickets: h.tickets, Incidents: h.incidents, Webhooks: h.webhooks, Reports: h.reports,
		RequestID: func(context.Context) string { return "request-1" }, Rate: rate, AtOnce: 3,
		PublicURL: "https://orrery.test", Version: "test", Log: slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelError})), Now: now,
	})
	server := httptest.NewServer(h.api)
	t.Cleanup(server.Close)
	h.url = server.URL
	h.people()
	for key, restricted := range map[string]bool{"payments": false, "secret": true} {
		h.must(h.workloads.Create(t.Context(), h.asha, workload.Input{
			Key: key, Name: key, TeamKey: "ledger", Tier: 3, Stage: workload.Planned, Restricted: restricted, Accounts: []string{"111122223333"}, Regions: []string{"eu-west-1"},
		}))
	}
	return h
}

// jobs is a client that inserts jobs and works none.
func (h *house) jobs() *river.Client[pgx.Tx] {
	h.Helper()
	client, err := river.NewClient(riverpgxv5.New(h.db), &river.Config{Schema: "river"})
	h.must(nil, err)
	return client
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
	h.asha = invite("asha", identity.InviteInput{Roles: []identity.OrgRole{identity.Admin, identity.Curator, identity.Auditor}, Teams: []identity.Membership{{TeamID: team.ID, Role: identity.Lead}}})
	h.noor = invite("noor", identity.InviteInput{Grants: []identity.GrantInput{{Kind: identity.Approver}}})
	h.token = h.tokenFor("ada", "read")
	h.team = h.tokenFor("asha", "read")
}

// tokenFor makes a token for a day.
func (h *house) tokenFor(name string, scopes ...string) string {
	h.Helper()
	_, secret, err := h.identity.CreateTokenFor(h.Context(), name+"@example.org", "test", scopes, 24*time.Hour)
	h.must(nil, err)
	return secret
}

// allBut makes a token of the person with every scope but one.
func (h *house) allBut(name, scope string) string {
	h.Helper()
	var scopes []string
	for _, s := range identity.Scopes() {
		if s.Name != scope {
			scopes = append(scopes, s.Name)
		}
	}
	return h.tokenFor(name, scopes...)
}

type reply struct {
	*house
	status int
	header http.Header
	body   string
}

// send sends a request; header are names and values.
func (h *house) send(method, path, token, body string, header ...string) reply {
	h.Helper()
	req, err := http.NewRequestWithContext(h.Context(), method, h.url+path, strings.NewReader(body))
	h.must(nil, err)
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	h.must(nil, err)
	defer func() { _ = resp.Body.Close() }()
	got, err := io.ReadAll(resp.Body)
	h.must(nil, err)
	r := reply{h, resp.StatusCode, resp.Header, string(got)}
	r.asDescribed(method, path, body)
	return r
}

func (h *house) get(path string, header ...string) reply {
	h.Helper()
	return h.send(http.MethodGet, path, "", "", header...)
}

func (h *house) launch(query string, header ...string) reply {
	h.Helper()
	return h.send(http.MethodGet, "/api/v1/workloads/payments/launch"+query, h.token, "", header...)
}

// problem wants a problem+json with the status and the words.
func (r reply) problem(status int, words string) {
	r.Helper()
	var p api.Problem
	if r.status != status || r.header.Get("Content-Type") != "application/problem+json" || json.Unmarshal([]byte(r.body), &p) != nil ||
		p.Status != status || p.Title == "" || p.Type == "" || !strings.Contains(r.body, words) {
		r.Errorf("got %d %s %s, want problem+json %d with %q", r.status, r.header.Get("Content-Type"), r.body, status, words)
	}
}

// start opens a review of the workload in person.
func (h *house) start(key string) review.Review {
	h.Helper()
	w, err := h.workloads.ByKey(h.Context(), h.asha, key)
	h.must(nil, err)
	r, err := h.reviews.Start(h.Context(), h.asha, w.ID, review.StartInput{Type: "new-service"})
	h.must(nil, err)
	return r
}

// answer answers every question, all of it well but the first, which is high.
func (h *house) answer(r review.Review, well bool) {
	h.Helper()
	sheet, err := h.reviews.Sheet(h.Context(), h.asha, r.ID)
	h.must(nil, err)
	for i, e := range sheet.Entries() {
		in := review.AnswerInput{ReviewID: r.ID, Questionnaire: e.Questionnaire, QuestionID: e.Question.ID, Notes: "by hand"}
		for _, c := range e.Question.Choices {
			if c.None != (well || i > 0) {
				in.Chosen = append(in.Chosen, c.ID)
			}
		}
		h.must(h.reviews.SaveAnswer(h.Context(), h.asha, in))
	}
}

// decide takes the workload through a review to a go.
func (h *house) decide() {
	h.Helper()
	ctx := h.Context()
	r := h.start("payments")
	h.answer(r, true)
	r, err := h.reviews.Submit(ctx, h.asha, review.SubmitInput{ReviewID: r.ID})
	h.must(nil, err)
	content := hex.EncodeToString(r.Round.ContentSHA256)
	h.must(nil, h.reviews.SignOff(ctx, h.noor, review.SignOffInput{ReviewID: r.ID, Content: content, Voice: review.Agree}))
	readout, err := h.reviews.Readout(ctx, h.noor, r.ID)
	h.must(nil, err)
	h.must(h.reviews.Decide(ctx, h.noor, review.DecideInput{ReviewID: r.ID, Content: content, Seen: readout.Seen(), Outcome: review.Go}))
}
