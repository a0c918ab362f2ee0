//go:build look

package web_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"

	"orrery/internal/audit"
	"orrery/internal/evidence"
	"orrery/internal/identity"
	"orrery/internal/portfolio"
	"orrery/internal/postgres/pgtest"
	"orrery/internal/questionnaire"
	"orrery/internal/remediation"
	"orrery/internal/review"
	"orrery/internal/workload"
	"orrery/questionnaires"
	"orrery/web"
)

type world struct {
	t     *testing.T
	db    *pgxpool.Pool
	at    atomic.Pointer[time.Time]
	id    *identity.Service
	wl    *workload.Service
	items *remediation.Service
	rev   *review.Service
	ev    *evidence.Service
	jobs  *river.Client[pgx.Tx]
	slow  chan struct{}
	admin identity.Actor
	teams map[string]identity.Team
}

func (w *world) now() time.Time       { return *w.at.Load() }
func (w *world) set(t time.Time)      { w.at.Store(&t) }
func (w *world) fwd(d time.Duration)  { w.set(w.now().Add(d)) }
func (w *world) ok(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// Collect plays AWS.
func (w *world) Collect(ctx context.Context, cell evidence.Cell, ask evidence.Ask, emit func(string, []evidence.Observation) error) []evidence.Outcome {
	if cell.Account == "999900001111" {
		select {
		case <-w.slow:
		case <-ctx.Done():
		}
	}
	var out []evidence.Outcome
	at := w.now().Add(-2 * time.Hour)
	for _, s := range ask.Sources() {
		o := evidence.Outcome{Source: s, Result: evidence.OK}
		var facts []evidence.Observation
		switch s {
		case evidence.ControlSource:
			if cell.Account == "773300119922" && cell.Region == "eu-central-1" {
				o.Result, o.Detail = evidence.Off, "Security Hub is not enabled in account 773300119922, eu-central-1."
				break
			}
			for i, c := range ask.Controls {
				for k := range 3 + i%4 {
					st := evidence.Pass
					if i%5 == 1 && k < 2 {
						st = evidence.Fail
					}
					facts = append(facts, evidence.Observation{Control: c, Resource: fmt.Sprintf("arn:aws:rds:%s:%s:db:ledger-production-replica-%d", cell.Region, cell.Account, k), Origin: fmt.Sprint(c, k), State: st, Title: c + " evaluated", Tags: []string{"app=payments"}, ObservedAt: at, Detail: json.RawMessage(`{"x":1}`)})
				}
			}
		case evidence.RuleSource:
			if cell.Region == "eu-central-1" {
				o.Result, o.Detail, o.Permission = evidence.Denied, "Access was denied to config:DescribeComplianceByConfigRule in "+cell.String()+".", "config:DescribeComplianceByConfigRule"
			}
		case evidence.TrailSource:
			facts = append(facts, evidence.Observation{Control: evidence.TrailKey, Resource: evidence.AccountResource(cell.Account), State: evidence.Fail, Title: "The trail organisation-trail stopped logging on 14 November 2026.", ObservedAt: at})
		case evidence.RecorderSource:
			facts = append(facts, evidence.Observation{Control: evidence.RecorderKey, Resource: evidence.AccountResource(cell.Account), State: evidence.Pass, Title: "The recorder default records all resource types.", ObservedAt: at})
		}
		if len(facts) > 0 {
			if err := emit(s, facts); err != nil {
				return nil
			}
		}
		out = append(out, o)
	}
	return out
}

func newWorld(t *testing.T) *world {
	w := &world{t: t, db: pgtest.New(t), slow: make(chan struct{}), teams: map[string]identity.Team{}}
	w.set(time.Date(2026, 10, 1, 9, 0, 0, 0, time.UTC))
	lib := questionnaire.NewLibrary(w.db, w.now)
	_, err := lib.LoadShipped(t.Context(), questionnaires.FS)
	w.ok(err)
	w.id, w.wl, w.items = identity.NewService(w.db, audit.RecordIdentity, w.now), workload.NewService(w.db, w.now), remediation.NewService(w.db, w.now)
	w.rev = review.NewService(w.db, lib, "http://orrery.example", w.now)
	w.ok(w.rev.EnsureTypes(t.Context()))
	ins, err := river.NewClient(riverpgxv5.New(w.db), &river.Config{Schema: "river"})
	w.ok(err)
	w.ev = evidence.NewService(w.db, ins, lib.ChecksInUse, w.now)
	workers := river.NewWorkers()
	evidence.RegisterWorkers(workers, w.ev, w)
	w.jobs, err = river.NewClient(riverpgxv5.New(w.db), &river.Config{Schema: "river", Workers: workers, Queues: map[string]river.QueueConfig{evidence.Queue: {MaxWorkers: 3}}, Logger: slog.New(slog.NewTextHandler(io.Discard, nil)), FetchPollInterval: 100 * time.Millisecond})
	w.ok(err)
	w.ok(w.jobs.Start(t.Context()))
	t.Cleanup(func() { close(w.slow); ctx, c := context.WithTimeout(context.Background(), 5*time.Second); defer c(); _ = w.jobs.StopAndCancel(ctx) })
	link, err := w.id.MakeAdminLink(t.Context())
	w.ok(err)
	p, _, err := w.id.AcceptAdminLink(t.Context(), link.Secret, "Jonas Weber", "jonas@example.org", "a long sample pass phrase", identity.Client{})
	w.ok(err)
	w.admin, err = w.id.ActorFor(t.Context(), p.ID)
	w.ok(err)
	w.ok(w.id.SetOrganisation(t.Context(), w.admin, "Acme", false))
	return w
}

func (w *world) team(key, name string) {
	t, err := w.id.CreateTeam(w.t.Context(), w.admin, key, name)
	w.ok(err)
	w.teams[key] = t
}

func (w *world) person(email, name, team string, role identity.TeamRole, grants ...identity.GrantInput) identity.Actor {
	in := identity.InviteInput{Email: email, Name: name, Grants: grants}
	if team != "" {
		in.Teams = []identity.Membership{{TeamID: w.teams[team].ID, Role: role}}
	}
	p, link, err := w.id.Invite(w.t.Context(), w.admin, in)
	w.ok(err)
	_, err = w.id.AcceptLink(w.t.Context(), link.Secret, "a long sample pass phrase", identity.Client{})
	w.ok(err)
	a, err := w.id.ActorFor(w.t.Context(), p.ID)
	w.ok(err)
	return a
}

func (w *world) load(who identity.Actor, in workload.Input) workload.Workload {
	x, err := w.wl.Create(w.t.Context(), who, in)
	w.ok(err)
	return x
}

func (w *world) review(who identity.Actor, x workload.Workload, in review.StartInput, answers, highs int) review.Sheet {
	in.Type = "new-service"
	r, err := w.rev.Start(w.t.Context(), who, x.ID, in)
	w.ok(err)
	sheet, err := w.rev.Sheet(w.t.Context(), who, r.ID)
	w.ok(err)
	for i, e := range sheet.Entries() {
		if i >= answers {
			break
		}
		a := review.AnswerInput{ReviewID: r.ID, Questionnaire: e.Questionnaire, QuestionID: e.Question.ID, Unknown: i < highs}
		for _, c := range e.Question.Choices {
			if i >= highs && !c.None && c.Weight != questionnaire.WeightScope {
				a.Chosen = append(a.Chosen, c.ID)
			}
		}
		_, err := w.rev.SaveAnswer(w.t.Context(), who, a)
		w.ok(err)
	}
	return sheet
}

func (w *world) submit(who identity.Actor, id uuid.UUID, owners []identity.Actor, days []int) {
	sheet, err := w.rev.Sheet(w.t.Context(), who, id)
	w.ok(err)
	in := review.SubmitInput{ReviewID: id, Steps: map[string]review.FirstStep{}}
	for i, e := range sheet.Highs() {
		in.Steps[e.Key()] = review.FirstStep{OwnerID: owners[i%len(owners)].PersonID.String(), DueOn: w.now().AddDate(0, 0, days[i%len(days)]).Format(time.DateOnly)}
	}
	_, err = w.rev.Submit(w.t.Context(), who, in)
	w.ok(err)
}

func (w *world) decide(who identity.Actor, id uuid.UUID, outcome string, owner identity.Actor) {
	out, err := w.rev.Readout(w.t.Context(), who, id)
	w.ok(err)
	content := fmt.Sprintf("%x", out.Round.ContentSHA256)
	w.ok(w.rev.SignOff(w.t.Context(), who, review.SignOffInput{ReviewID: id, Content: content, Voice: review.Agree}))
	in := review.DecideInput{ReviewID: id, Content: content, Outcome: outcome, Reason: "As read.", Acknowledge: true}
	if outcome == review.Conditional {
		in.Conditions = []review.ConditionInput{
			{Text: "Rehearse the rollback in production once, with the people on call", Timing: remediation.BeforeLaunch, OwnerID: owner.PersonID.String(), DueOn: w.now().AddDate(0, 0, 9).Format(time.DateOnly)},
			{Text: "Raise the quota for concurrent executions", Timing: remediation.AfterLaunch, OwnerID: owner.PersonID.String(), DueOn: w.now().AddDate(0, 0, 30).Format(time.DateOnly)},
		}
	}
	_, err = w.rev.Decide(w.t.Context(), who, in)
	w.ok(err)
}

func (w *world) collect(who identity.Actor, x workload.Workload) uuid.UUID {
	run, _, err := w.ev.StartRun(w.t.Context(), who, x.ID)
	w.ok(err)
	for range 200 {
		r, err := w.ev.Run(w.t.Context(), who, run.ID)
		w.ok(err)
		if r.State != evidence.Running {
			return run.ID
		}
		time.Sleep(50 * time.Millisecond)
	}
	w.t.Fatal("run does not end")
	return run.ID
}

func TestLook(t *testing.T) {
	w := newWorld(t)
	c := t.Context()
	w.team("ledger", "Ledger")
	w.team("shop", "Storefront")
	w.team("empty", "Newcomers")
	all := identity.GrantInput{Kind: identity.Approver}
	asha := w.person("asha@example.org", "Asha Rao", "ledger", identity.Lead)
	mika := w.person("mika@example.org", "Mika Laine", "ledger", identity.Member)
	sara := w.person("sara@example.org", "Sara Lind", "shop", identity.Lead, all)
	_ = w.person("noor@example.org", "Noor Haddad", "", "", all)
	_ = w.person("ivo@example.org", "Ivo Marek", "empty", identity.Member)
	_ = w.person("lea@example.org", "Lea Brandt", "", "")
	_ = w.person("zoe@example.org", "Zoé Wojciechowska-Featherstonehaugh", "shop", identity.Member)

	// an old go that ends soon
	w.set(time.Date(2025, 12, 2, 9, 0, 0, 0, time.UTC))
	loyal := w.load(asha, workload.Input{Key: "loyalty", Name: "Loyalty", TeamKey: "ledger", Tier: 2, Stage: workload.Live})
	r := w.review(asha, loyal, review.StartInput{}, 99, 0)
	w.submit(asha, r.ID, []identity.Actor{asha}, []int{10})
	w.decide(sara, r.ID, review.Go, asha)
	w.set(time.Date(2025, 10, 2, 9, 0, 0, 0, time.UTC))
	partner := w.load(sara, workload.Input{Key: "partner-api", Name: "Partner API", TeamKey: "shop", Tier: 2, Stage: workload.Live})
	noor, err := actorByEmail(w, "noor@example.org")
	w.ok(err)
	r = w.review(sara, partner, review.StartInput{}, 99, 0)
	w.submit(sara, r.ID, []identity.Actor{sara}, []int{10})
	w.decide(noor, r.ID, review.Go, sara)

	w.set(time.Date(2026, 11, 3, 9, 0, 0, 0, time.UTC))
	pay := w.load(asha, workload.Input{Key: "payments", Name: "Payments", TeamKey: "ledger", Tier: 3, Stage: workload.Planned, LaunchOn: "2026-12-01",
		Description: "Takes card payments for the shop and settles them at night.\n\n- **Storefront** calls it for every order\n- the bank's file arrives at 02:00 UTC",
		Accounts:    []string{"441022987153", "773300119922"}, Regions: []string{"eu-west-1", "eu-central-1"}, Tags: []string{"app=payments"}})
	r = w.review(asha, pay, review.StartInput{}, 99, 3)
	w.submit(asha, r.ID, []identity.Actor{asha, mika}, []int{10, 25, 40})
	w.fwd(26 * time.Hour)
	w.decide(sara, r.ID, review.Conditional, asha)
	change := w.review(asha, pay, review.StartInput{ChangeKey: "CHG-4471", ChangeTitle: "New payment sheet with wallets", ChangeTicket: "https://tickets.example.org/CHG-4471"}, 6, 1)
	_ = change
	export := w.load(mika, workload.Input{Key: "ledger-export", Name: "Ledger export", TeamKey: "ledger", Tier: 1, Stage: workload.Planned, LaunchOn: "2026-11-30"})
	r2 := w.review(mika, export, review.StartInput{}, 99, 1)
	w.submit(mika, r2.ID, []identity.Actor{mika}, []int{20})
	w.load(asha, workload.Input{Key: "secret", Name: "Merger data room", TeamKey: "ledger", Tier: 3, Stage: workload.Planned, Restricted: true})
	w.load(sara, workload.Input{Key: "checkout-web", Name: "Checkout web", TeamKey: "shop", Tier: 1, Stage: workload.Live, Accounts: []string{"999900001111"}, Regions: []string{"eu-west-1", "us-east-1"}})
	w.load(sara, workload.Input{Key: "the-very-long-key-of-a-long-workload", Name: "The extraordinarily long and unbreakable Donaudampfschifffahrtsgesellschaftskapitän workload", TeamKey: "shop", Tier: 3, Stage: workload.Live}) //nolint
	ware := w.load(sara, workload.Input{Key: "warehouse", Name: "Warehouse sync", TeamKey: "shop", Tier: 3, Stage: workload.Planned})
	r3 := w.review(sara, ware, review.StartInput{}, 99, 2)
	w.submit(sara, r3.ID, []identity.Actor{sara}, []int{15})
	w.decide(noor, r3.ID, review.NoGo, sara)

	// move items
	list, _, err := w.items.List(c, asha, remediation.Filter{WorkloadKey: "payments"})
	w.ok(err)
	for i, st := range []string{remediation.InProgress, remediation.Done} {
		_, err = w.items.Change(c, []identity.Actor{asha, mika}[i], list[i].ID, remediation.Change{Version: list[i].Version, OwnerID: list[i].OwnerID.String(), DueOn: list[i].DueOn.Format(time.DateOnly), State: st, Resolution: "The alarm pages the person on call; see **runbook 12**."})
		w.ok(err)
	}
	w.set(time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC))
	w.collect(asha, pay)
	checkout, err := w.wl.ByKey(c, sara, "checkout-web")
	w.ok(err)
	busy, _, err := w.ev.StartRun(c, sara, checkout.ID)
	w.ok(err)
	w.set(time.Date(2026, 11, 21, 10, 30, 0, 0, time.UTC))

	handler := web.New(web.Deps{DB: w.db, Identity: w.id, Workloads: w.wl, Items: w.items, Evidence: w.ev, Reviews: w.rev, Portfolio: portfolio.NewService(w.db, w.now),
		Ready: func(context.Context) error { return nil }, Log: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})), Now: w.now, PublicURL: "http://orrery.example"})
	srv := httptest.NewServer(handler)
	defer srv.Close()
	run, _, err := evidence.LatestRun(c, w.db, pay.ID)
	w.ok(err)

	itemsOf := func(state string) string {
		l, _, err := w.items.List(c, asha, remediation.Filter{WorkloadKey: "payments", State: state})
		w.ok(err)
		return "/items/" + l[0].ID.String()
	}
	type pic struct{ name, who, path string }
	pics := []pic{
		{"home", "asha", "/"}, {"home-approver", "sara", "/"}, {"home-empty-team", "ivo", "/"}, {"home-noteam", "lea", "/"}, {"home-admin", "jonas", "/"},
		{"workloads", "asha", "/workloads"}, {"workloads-none", "lea", "/workloads?name=zzz&tier=1"}, {"workloads-mine", "ivo", "/workloads?mine=1"},
		{"workload", "asha", "/workloads/payments"}, {"workload-stranger", "lea", "/workloads/payments"}, {"workload-new", "sara", "/workloads/checkout-web"}, {"workload-long", "lea", "/workloads/the-very-long-key-of-a-long-workload"},
		{"workload-expired", "sara", "/workloads/partner-api"}, {"workload-nogo", "sara", "/workloads/warehouse"},
		{"form-new", "asha", "/workloads/new"}, {"form-edit", "asha", "/workloads/payments/edit"},
		{"evidence", "asha", "/workloads/payments/evidence"}, {"evidence-contradicts", "asha", "/workloads/payments/evidence?verdict=contradicts"}, {"evidence-coverage", "asha", "/workloads/payments/evidence?view=coverage"}, {"evidence-facts", "asha", "/workloads/payments/evidence?view=facts&state=fail"}, {"evidence-facts-stranger", "lea", "/workloads/payments/evidence?view=facts"}, {"evidence-stranger", "lea", "/workloads/payments/evidence"}, {"evidence-noscope", "asha", "/workloads/loyalty/evidence"},
		{"run", "asha", "/runs/" + run.ID.String()}, {"run-busy", "sara", "/runs/" + busy.ID.String()},
		{"items", "asha", "/items"}, {"items-all", "asha", "/items?view=all"}, {"items-none", "lea", "/items?view=mine"},
		{"item", "asha", itemsOf("in_progress")}, {"item-verify", "sara", itemsOf("done")}, {"item-done-team", "asha", itemsOf("done")}, {"item-stranger", "lea", itemsOf("open")},
		{"reviews", "asha", "/reviews"}, {"reviews-all", "asha", "/reviews?state=all"}, {"reviews-cancelled", "asha", "/reviews?state=cancelled"},
	}
	// refused forms, kept as pages
	w.refused(srv.URL, handler)
	only := os.Getenv("ONLY")
	cookies := map[string]string{}
	for _, p := range pics {
		if cookies[p.who] == "" {
			s, err := w.id.SignIn(c, p.who+"@example.org", "a long sample pass phrase", identity.Client{IP: "127.0.0.1"})
			w.ok(err)
			cookies[p.who] = s
		}
	}
	posts := map[string][]byte{}
	post := func(name, who, path string, v url.Values) {
		body, status := w.post(srv.URL, cookies[who], path, v)
		t.Logf("%s: %d", name, status)
		posts[name] = body
		pics = append(pics, pic{name, who, "/__" + name})
	}
	w.ok(err)
	post("bad-new", "asha", "/workloads", url.Values{"key": {"Bad Key"}, "name": {""}, "tier": {""}, "stage": {"planned"}, "team": {"ledger"}, "accounts": {"12, 44"}, "tags": {"x"}})
	post("stale-edit", "asha", "/workloads/payments/edit", url.Values{"version": {"0"}, "key": {"payments"}, "name": {"Payments two"}, "tier": {"3"}, "stage": {"live"}, "team": {"ledger"}, "accounts": {"441022987153"}, "regions": {"eu-west-1"}})
	post("bad-item", "asha", itemsOf("in_progress"), url.Values{"version": {"2"}, "owner": {"nobody"}, "due_on": {"soon"}, "state": {"done"}, "resolution": {" "}})
	post("stale-item", "asha", itemsOf("in_progress"), url.Values{"version": {"1"}, "owner": {asha.PersonID.String()}, "due_on": {"2026-12-12"}, "state": {"done"}, "resolution": {"It is mended."}})
	post("no-scope-run", "asha", "/workloads/loyalty/evidence/runs", url.Values{})
	for path, want := range map[string]int{"/workloads/secret": 404, "/workloads/secret/evidence": 404, "/workloads/secret/edit": 404, "/workloads/payments/edit": 403, "/workloads/new": 403, "/runs/x": 404, "/items/x": 404,
		"/workloads?tier=9": 422, "/workloads?after=zz": 422, "/items?view=zz": 422, "/items?after=zz": 422, "/reviews?state=zz": 422, "/workloads/pay-old": 404, "/workloads/payments/evidence?view=facts&after=zz": 200,
		"/items?workload=a%00b": 200, "/workloads?name=a%00%ff": 200, "/workloads/a%00b": 404, "/items?view=overdue": 200, "/items?view=done&workload=payments": 200} {
		req, _ := http.NewRequestWithContext(c, "GET", srv.URL+path, nil)
		req.AddCookie(&http.Cookie{Name: "orrery-session", Value: cookies["lea"]})
		res, err := http.DefaultClient.Do(req)
		w.ok(err)
		if res.StatusCode != want {
			t.Errorf("%s: %d want %d", path, res.StatusCode, want)
		}
		res.Body.Close()
	}
	w.exec(t, `insert into workload_keys (key, workload_id) values ('pay-old', $1)`, pay.ID)
	for path, to := range map[string]string{"/workloads/pay-old": "/workloads/payments", "/workloads/pay-old/evidence?view=facts": "/workloads/payments/evidence?view=facts"} {
		req, _ := http.NewRequestWithContext(c, "GET", srv.URL+path, nil)
		req.AddCookie(&http.Cookie{Name: "orrery-session", Value: cookies["lea"]})
		res, err := http.DefaultTransport.RoundTrip(req)
		w.ok(err)
		if res.StatusCode != 301 || res.Header.Get("Location") != to {
			t.Errorf("%s: %d %s", path, res.StatusCode, res.Header.Get("Location"))
		}
		res.Body.Close()
	}
	for name, x := range map[string]struct{ who, path string; v url.Values; want int; loc string }{
		"create": {"asha", "/workloads", url.Values{"key": {"brand-new"}, "name": {"Brand new"}, "tier": {"3"}, "stage": {"planned"}, "team": {"ledger"}, "accounts": {"441022987153 773300119922"}, "regions": {"eu-west-1,eu-central-1"}, "tags": {"app=a b\r\nenv=x"}}, 303, "/workloads/brand-new"},
		"create stranger": {"lea", "/workloads", url.Values{"key": {"brand-new2"}, "name": {"Brand new"}, "tier": {"3"}, "stage": {"planned"}, "team": {"ledger"}}, 403, ""},
		"create stranger invalid": {"lea", "/workloads", url.Values{}, 403, ""},
		"edit stranger": {"lea", "/workloads/payments/edit", url.Values{"version": {"1"}, "key": {"payments"}, "name": {"X"}, "tier": {"3"}, "stage": {"live"}, "team": {"ledger"}}, 403, ""},
		"edit restricted": {"lea", "/workloads/secret/edit", url.Values{"version": {"1"}}, 404, ""},
		"run stranger": {"lea", "/workloads/payments/evidence/runs", url.Values{}, 403, ""},
		"item stranger": {"lea", itemsOf("open"), url.Values{"version": {"1"}, "state": {"open"}}, 403, ""},
		"verify": {"sara", itemsOf("done"), url.Values{"version": {"2"}, "state": {"verified"}, "owner": {asha.PersonID.String()}, "due_on": {"2026-11-13"}, "resolution": {"x"}}, 303, itemsOf("done")},
	} {
		cl := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
		req, _ := http.NewRequestWithContext(c, "POST", srv.URL+x.path, strings.NewReader(x.v.Encode()))
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set("Sec-Fetch-Site", "same-origin")
		req.AddCookie(&http.Cookie{Name: "orrery-session", Value: cookies[x.who]})
		res, err := cl.Do(req)
		w.ok(err)
		if res.StatusCode != x.want || res.Header.Get("Location") != x.loc {
			t.Errorf("%s: %d %s", name, res.StatusCode, res.Header.Get("Location"))
		}
		res.Body.Close()
	}
	if nw, err := w.wl.ByKey(c, asha, "brand-new"); err != nil || len(nw.Production.Accounts) != 2 || len(nw.Production.Tags) != 2 {
		t.Errorf("%+v %v", nw.Production, err)
	}
	mux := http.NewServeMux()
	for name, body := range posts {
		mux.HandleFunc("/__"+name, func(rw http.ResponseWriter, _ *http.Request) {
			rw.Header().Set("Content-Type", "text/html; charset=utf-8")
			_, _ = io.Copy(rw, bytes.NewReader(body))
		})
	}
	mux.Handle("/", handler)
	show := httptest.NewServer(mux)
	defer show.Close()

	axe, err := os.ReadFile("browsertest/axe.min.js")
	w.ok(err)
	opts := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.NoSandbox, chromedp.DisableGPU)
	ctx, stop := chromedp.NewExecAllocator(c, opts...)
	defer stop()
	ctx, stop = chromedp.NewContext(ctx)
	defer stop()
	w.ok(chromedp.Do(ctx, chromedp.Navigate("about:blank")))
	out := os.Getenv("PICS")
	defer func() {
		u, _ := url.Parse(show.URL)
		_, err := chromedp.Call(ctx, network.SetCookie, network.SetCookieParams{Name: "orrery-session", Value: cookies["sara"], Domain: u.Hostname(), Path: "/"})
		w.ok(err)
		w.ok(chromedp.Do(ctx, chromedp.EmulateViewport(1280, 900), chromedp.Navigate(show.URL+"/runs/"+busy.ID.String())))
		state := func() string {
			s, err := chromedp.Run(ctx, chromedp.Evaluate[string](`(document.querySelector("#run").getAttribute("hx-get") || "stopped") + " | " + document.querySelector("#run-says").textContent + " | " + document.querySelectorAll("#run-says").length + document.querySelectorAll("#run").length + " | " + document.querySelector(".progress").textContent.trim().slice(0, 60)`))
			w.ok(err)
			return s
		}
		t.Log("before: ", state())
		w.slow <- struct{}{}
		time.Sleep(2500 * time.Millisecond)
		t.Log("half: ", state())
		w.slow <- struct{}{}
		time.Sleep(3500 * time.Millisecond)
		t.Log("after: ", state())
	}()
	for _, p := range pics {
		if only != "" && !strings.Contains(","+only+",", ","+p.name+",") {
			continue
		}
		for _, v := range []struct {
			theme string
			width int64
		}{{"light", 1280}, {"dark", 1280}, {"light", 390}, {"light", 320}, {"light", 780}, {"light", 1000}} {
			label := fmt.Sprintf("%s-%s-%d", p.name, v.theme, v.width)
			u, _ := url.Parse(show.URL)
			_, err := chromedp.Call(ctx, network.SetCookie, network.SetCookieParams{Name: "orrery-session", Value: cookies[p.who], Domain: u.Hostname(), Path: "/"})
			w.ok(err)
			_, err = chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: v.theme}}})
			w.ok(err)
			w.ok(chromedp.Do(ctx, chromedp.EmulateViewport(v.width, 900), chromedp.Navigate(show.URL+p.path)))
			wide, err := chromedp.Run(ctx, chromedp.Evaluate[int64]("document.documentElement.scrollWidth"))
			w.ok(err)
			if wide > v.width {
				who, err := chromedp.Run(ctx, chromedp.Evaluate[string](fmt.Sprintf(`[...document.querySelectorAll("main *")].filter(e => e.getBoundingClientRect().right > %d).map(e => e.outerHTML.slice(0, 120)).join("\n")`, v.width)))
				w.ok(err)
				t.Errorf("%s scrolls sideways: %d\n%s", label, wide, who)
			}
			gaps, err := chromedp.Run(ctx, chromedp.Evaluate[string](`[...document.querySelectorAll("main time, main .st, main a, main b, main .mono")].filter(e => {
				const a = e.previousSibling, b = e.nextSibling;
				return a && a.nodeType === 3 && /[\w,)]$/.test(a.data) || b && b.nodeType === 3 && (/^[\w(]/.test(b.data) || /^\s+[.,)]/.test(b.data)); }).map(e => e.parentNode.textContent.slice(0, 100)).join("\n")`))
			w.ok(err)
			if gaps != "" {
				t.Errorf("%s spaces: %s", label, gaps)
			}
			if v.width == 320 || v.width == 1000 {
				continue
			}
			if v.theme == "light" {
				_, err = chromedp.Run(ctx, chromedp.Evaluate[chromedp.Void](string(axe), chromedp.EvalAwaitPromise))
				w.ok(err)
				found, err := chromedp.Run(ctx, chromedp.Evaluate[string](`axe.run({runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}).then(r =>
	r.violations.flatMap(v => v.nodes.map(n => v.id + " (" + v.impact + "): " + n.target.join(" ") + " " + n.failureSummary)).join("\n"))`, chromedp.EvalAwaitPromise))
				w.ok(err)
				if found != "" {
					t.Errorf("%s: axe\n%s", label, found)
				}
			}
			picture, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
			w.ok(err)
			w.ok(os.WriteFile(filepath.Join(out, label+".png"), picture, 0o600))
		}
	}
}

func (w *world) exec(t *testing.T, sql string, args ...any) {
	_, err := w.db.Exec(t.Context(), sql, args...)
	w.ok(err)
}

func (w *world) refused(string, http.Handler) {}

func (w *world) post(base, session, path string, v url.Values) ([]byte, int) {
	jar, _ := cookiejar.New(nil)
	cl := &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	req, err := http.NewRequestWithContext(w.t.Context(), "POST", base+path, strings.NewReader(v.Encode()))
	w.ok(err)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Sec-Fetch-Site", "same-origin")
	req.AddCookie(&http.Cookie{Name: "orrery-session", Value: session})
	res, err := cl.Do(req)
	w.ok(err)
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	w.ok(err)
	return b, res.StatusCode
}

func actorByEmail(w *world, email string) (identity.Actor, error) {
	var id uuid.UUID
	if err := w.db.QueryRow(w.t.Context(), `select id from people where email = $1`, email).Scan(&id); err != nil {
		return identity.Actor{}, err
	}
	return w.id.ActorFor(w.t.Context(), id)
}
