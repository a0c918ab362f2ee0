package portfolio_test

import (
	"encoding/base64"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"orrery/internal/fault"
	"orrery/internal/identity"
	"orrery/internal/portfolio"
	"orrery/internal/review"
	"orrery/internal/workload"
)

func TestLineOfADecidedWorkload(t *testing.T) {
	w := newWorld(t)
	pay := w.workload(w.asha, "payments")
	sheet := w.review(w.asha, pay, all, 2)
	w.submit(w.asha, sheet.ID, w.mika, "2026-11-10")
	judge := approver(w.jonas, uuid.Nil)
	w.decide(judge, sheet.ID, review.Conditional, w.asha)
	lines, next, err := w.portfolio.Workloads(t.Context(), w.mika, portfolio.Filter{}, "")
	if err != nil || len(lines) != 1 || next != "" {
		t.Fatalf("got %v, %q, %v", lines, next, err)
	}
	l := lines[0]
	want(t, "line", []any{l.Key, l.TeamName, l.Tier, l.Stage, l.Outcome, l.DecidedIn, l.Highs, l.Overdue, l.OpenReview, l.Collected},
		[]any{"payments", "Ledger", 3, "planned", "conditional", sheet.ID, 2, 0, uuid.Nil, (*time.Time)(nil)})
	if l.ValidUntil == nil || !l.ValidUntil.Equal(start.AddDate(0, 0, 365)) || l.Ended(w.now) {
		t.Errorf("the decision should stand for a year, got %v", l.ValidUntil)
	}

	w.now = start.AddDate(0, 0, 366)
	w.exec(`insert into scopes (id, workload_id, name, production, accounts, regions, tags, application_arn)
		values ($1, $1, 'production', true, '{}', '{}', '{}', '')`, pay.ID)
	for i, finished := range []*time.Time{&w.now, nil} { // the newer run is not finished
		state := map[bool]string{true: "complete", false: "running"}[finished != nil]
		w.exec(`insert into runs (id, workload_id, scope_id, state, requested_at, finished_at) values ($1, $2, $2, $3, $4, $5)`,
			uuid.Must(uuid.NewV7()), pay.ID, state, w.now.Add(time.Duration(i)*time.Minute), finished)
	}
	again := w.review(w.asha, pay, 0, 0)
	lines, _, err = w.portfolio.Workloads(t.Context(), w.mika, portfolio.Filter{}, "")
	if err != nil {
		t.Fatal(err)
	}
	l = lines[0]
	want(t, "a year later", []any{l.Ended(w.now), l.Overdue, l.OpenReview, l.OpenState, l.OpenRound, l.OpenType},
		[]any{true, 3, again.ID, review.Draft, 1, "New service"})
	if l.Collected == nil || !l.Collected.Equal(w.now) {
		t.Errorf("the newest finished run ended at %v, got %v", w.now, l.Collected)
	}
}

func TestRestrictedWorkloadsAreLeftOut(t *testing.T) {
	w := newWorld(t)
	w.workload(w.asha, "open")
	secret := w.workload(w.asha, "secret", func(in *workload.Input) { in.Restricted = true })
	w.review(w.asha, secret, 0, 0)
	auditor, granted, selfMade, elsewhere := w.jonas, w.jonas, w.jonas, w.jonas
	auditor.Roles = []identity.OrgRole{identity.Auditor}
	granted.Grants = []identity.Grant{{Kind: identity.Facilitator, WorkloadID: secret.ID}}
	selfMade.Grants = []identity.Grant{{Kind: identity.Approver, WorkloadID: secret.ID, SelfGiven: true}}
	elsewhere.Grants = []identity.Grant{{Kind: identity.Approver, WorkloadID: uuid.Must(uuid.NewV7())}}
	admin := w.jonas
	admin.Roles = []identity.OrgRole{identity.Admin, identity.Curator}
	for name, c := range map[string]struct {
		who  identity.Actor
		sees bool
	}{
		"its team": {w.asha, true}, "an auditor": {auditor, true}, "a facilitator of it": {granted, true},
		"who made himself approver of it": {selfMade, false}, "an approver of all": {approver(w.jonas, uuid.Nil), true},
		"the system": {identity.SystemActor("test"), true},
		"a stranger": {w.jonas, false}, "another team": {w.mika, false}, "an admin": {admin, false}, "an approver of another workload": {elsewhere, false},
	} {
		t.Run(name, func(t *testing.T) {
			if c.who.CanRead(secret.Target()) != c.sees {
				t.Fatal("the case contradicts identity")
			}
			expected := []string{"open"}
			if c.sees {
				expected = append(expected, "secret")
			}
			want(t, "workloads", w.keys(c.who, portfolio.Filter{}), expected)
			views, err := w.portfolio.Views(t.Context(), c.who)
			want(t, "counted", fmt.Sprint(views.All, err), fmt.Sprint(len(expected), nil))
			lines, _, err := w.portfolio.Reviews(t.Context(), c.who, portfolio.ReviewFilter{}, "")
			want(t, "reviews", fmt.Sprint(len(lines), err), fmt.Sprint(len(expected)-1, nil))
			counts, err := w.portfolio.ReviewViews(t.Context(), c.who)
			want(t, "reviews counted", fmt.Sprint(counts.Draft, err), fmt.Sprint(len(expected)-1, nil))
			_, err = w.portfolio.Evidence(t.Context(), c.who, secret.ID)
			want(t, "evidence not found", fault.Is(err, fault.NotFound), !c.sees)
		})
	}
}

func TestFiltersOfWorkloads(t *testing.T) {
	w := newWorld(t)
	judge := approver(w.jonas, uuid.Nil)
	put := func(key string, tier int, stage string) workload.Workload {
		return w.workload(w.asha, key, func(in *workload.Input) { in.Tier, in.Stage = tier, stage })
	}
	old := put("anvil", 3, workload.Live)
	sheet := w.review(w.asha, old, all, 0)
	w.submit(w.asha, sheet.ID, w.asha, "")
	w.decide(judge, sheet.ID, review.Go, w.asha)
	w.now = start.AddDate(0, 0, 350)
	refused := put("bellows", 2, workload.Planned)
	sheet = w.review(w.asha, refused, all, 1)
	w.submit(w.asha, sheet.ID, w.asha, w.now.AddDate(0, 0, 10).Format(time.DateOnly))
	w.decide(judge, sheet.ID, review.NoGo, w.asha)
	put("crucible", 1, workload.Planned)
	put("dies", 1, workload.Retired)
	w.workload(w.mika, "emporium")

	check := func(name string, f portfolio.Filter, keys ...string) {
		t.Helper()
		want(t, name, w.keys(w.asha, f), keys)
	}
	check("nothing asked", portfolio.Filter{}, "anvil", "bellows", "crucible", "emporium")
	check("any stage", portfolio.Filter{Stage: portfolio.AnyStage}, "anvil", "bellows", "crucible", "dies", "emporium")
	check("retired", portfolio.Filter{Stage: workload.Retired}, "dies")
	check("text in any case", portfolio.Filter{Text: "  BELL"}, "bellows")
	check("text is no pattern", portfolio.Filter{Text: "%"})
	check("nor a part of one", portfolio.Filter{Text: "b_llows"})
	check("nor a mark of one", portfolio.Filter{Text: `\\`})
	check("team", portfolio.Filter{TeamKey: "shop"}, "emporium")
	check("no such team", portfolio.Filter{TeamKey: "nobody"})
	check("tier", portfolio.Filter{Tier: 1}, "crucible")
	check("mine", portfolio.Filter{Mine: true}, "anvil", "bellows", "crucible")
	check("by tier", portfolio.Filter{Sort: portfolio.ByTier}, "crucible", "bellows", "anvil", "emporium")
	check("highs", portfolio.Filter{Highs: true}, "bellows")
	check("nothing is late", portfolio.Filter{Overdue: true})
	check("go", portfolio.Filter{Decision: review.Go}, "anvil")
	check("go that ends soon", portfolio.Filter{Decision: portfolio.Ending}, "anvil")
	check("no-go", portfolio.Filter{Decision: review.NoGo}, "bellows")
	check("undecided", portfolio.Filter{Decision: portfolio.Undecided}, "crucible", "emporium")
	views, err := w.portfolio.Views(t.Context(), w.asha)
	want(t, "views", fmt.Sprint(views, err), fmt.Sprint(portfolio.Views{All: 4, Mine: 3, Highs: 1, Undecided: 2, Ending: 1}, nil))

	w.now = w.now.AddDate(0, 0, 20)
	check("late", portfolio.Filter{Overdue: true}, "bellows")
	check("ended", portfolio.Filter{Decision: portfolio.Ended}, "anvil")
	check("an ended go is no go", portfolio.Filter{Decision: review.Go})
	check("all at once", portfolio.Filter{Text: "b", TeamKey: "ledger", Tier: 2, Stage: workload.Planned, Decision: review.NoGo, Mine: true, Highs: true, Overdue: true}, "bellows")
	views, err = w.portfolio.Views(t.Context(), w.asha)
	want(t, "views later", fmt.Sprint(views, err), fmt.Sprint(portfolio.Views{All: 4, Mine: 3, Highs: 1, Overdue: 1, Undecided: 2, Ended: 1}, nil))

	w.exec(`update rounds set state = 'cancelled' where review_id = $1 and state = 'draft'`, sheet.ID)
	w.exec(`update reviews set state = 'cancelled' where id = $1`, sheet.ID)
	check("cancelling a review takes no decision away", portfolio.Filter{Decision: review.NoGo}, "bellows")
	check("so it is decided", portfolio.Filter{Decision: portfolio.Undecided}, "crucible", "emporium")
	views, err = w.portfolio.Views(t.Context(), w.asha)
	want(t, "views with it", fmt.Sprint(views.Undecided, err), fmt.Sprint(2, nil))
}

func TestBadFiltersAreRefused(t *testing.T) {
	w := newWorld(t)
	for field, f := range map[string]portfolio.Filter{
		"tier": {Tier: 4}, "stage": {Stage: "gone"}, "decision": {Decision: "maybe"}, "sort": {Sort: "size"},
	} {
		_, _, err := w.portfolio.Workloads(t.Context(), w.asha, f, "")
		wantFault(t, err, fault.Invalid, field)
	}
	for i := range 60 {
		w.workload(w.asha, fmt.Sprintf("load-%02d", i))
	}
	_, byName, err := w.portfolio.Workloads(t.Context(), w.asha, portfolio.Filter{}, "")
	if err != nil || byName == "" {
		t.Fatalf("no second page: %v", err)
	}
	_, _, err = w.portfolio.Workloads(t.Context(), w.asha, portfolio.Filter{Sort: portfolio.ByTier}, byName)
	wantFault(t, err, fault.Invalid, "after")
	for _, cursor := range []string{"x", "!", "e30", "bnVsbA", "eyJuIjoiXHUwMDAwIn0"} {
		_, _, err = w.portfolio.Workloads(t.Context(), w.asha, portfolio.Filter{}, cursor)
		wantFault(t, err, fault.Invalid, "after")
	}
	for _, number := range []string{"99999999999", "-1"} {
		cursor := base64.RawURLEncoding.EncodeToString([]byte(`{"s":"tier","t":` + number + `,"n":"x","i":"` + uuid.NewString() + `"}`))
		_, _, err = w.portfolio.Workloads(t.Context(), w.asha, portfolio.Filter{Sort: portfolio.ByTier}, cursor)
		wantFault(t, err, fault.Invalid, "after")
	}
	for _, cursor := range []string{"x", "!", "bnVsb"} {
		_, _, err = w.portfolio.Reviews(t.Context(), w.asha, portfolio.ReviewFilter{}, cursor)
		wantFault(t, err, fault.Invalid, "after")
	}
	_, _, err = w.portfolio.Reviews(t.Context(), w.asha, portfolio.ReviewFilter{State: "lost"}, "")
	wantFault(t, err, fault.Invalid, "state")
	_, _, err = w.portfolio.Workloads(t.Context(), w.asha, portfolio.Filter{Text: "a\x00\xff", TeamKey: "b\x00"}, "")
	if err != nil {
		t.Errorf("control characters in a filter: %v", err)
	}
}

func TestNobodyReadsNothing(t *testing.T) {
	w := newWorld(t)
	var nobody identity.Actor
	_, _, err := w.portfolio.Workloads(t.Context(), nobody, portfolio.Filter{}, "")
	wantFault(t, err, fault.Unauthenticated, "")
	_, _, err = w.portfolio.Reviews(t.Context(), nobody, portfolio.ReviewFilter{}, "")
	wantFault(t, err, fault.Unauthenticated, "")
	_, err = w.portfolio.Views(t.Context(), nobody)
	wantFault(t, err, fault.Unauthenticated, "")
	_, err = w.portfolio.ReviewViews(t.Context(), nobody)
	wantFault(t, err, fault.Unauthenticated, "")
	_, err = w.portfolio.Home(t.Context(), nobody)
	wantFault(t, err, fault.Unauthenticated, "")
}

// TestPagesStandStill walks the list while others add, rename and move workloads before and
// after the place of the reader: what was there all along is seen exactly once.
func TestPagesStandStill(t *testing.T) {
	for _, sort := range []string{portfolio.ByName, portfolio.ByTier} {
		t.Run(sort, func(t *testing.T) {
			w := newWorld(t)
			var expected []string
			for i := range 120 {
				key := fmt.Sprintf("load-%03d", i)
				expected = append(expected, key)
				w.workload(w.asha, key, func(in *workload.Input) {
					in.Tier = 1 + i*3/120
					if i%7 == 0 {
						in.Name = "Same name" // ties are ordered by id
					}
				})
			}
			var seen []string
			cursor := ""
			for page := 0; ; page++ {
				lines, next, err := w.portfolio.Workloads(t.Context(), w.asha, portfolio.Filter{Sort: sort}, cursor)
				if err != nil {
					t.Fatal(err)
				}
				for _, l := range lines {
					seen = append(seen, l.Key)
				}
				if cursor = next; cursor == "" {
					break
				}
				if len(lines) != 50 {
					t.Fatalf("page %d has %d lines", page, len(lines))
				}
				for _, name := range []string{"Aaa", "Load-050a", "Zzz"} {
					w.workload(w.asha, fmt.Sprintf("new-%d-%s", page, name[:1]+"x"), func(in *workload.Input) {
						in.Key, in.Name, in.Tier = fmt.Sprintf("new-%d-%d", page, len(name)+int(name[0])), name, 1+page
					})
				}
			}
			stayed := slices.DeleteFunc(slices.Clone(seen), func(k string) bool { return k[:3] == "new" })
			slices.Sort(stayed)
			want(t, "each once", stayed, expected)
			if n := len(slices.Compact(slices.Sorted(slices.Values(seen)))); n != len(seen) {
				t.Errorf("%d lines, only %d different", len(seen), n)
			}
		})
	}
}

// TestTenThousandWorkloads reads the lists of a large installation to their ends. How long
// each takes is said, not judged.
func TestTenThousandWorkloads(t *testing.T) {
	w := newWorld(t)
	w.grow(10_000)
	within := func(what string, do func() error) {
		t.Helper()
		began := time.Now()
		if err := do(); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		took := time.Since(began)
		t.Logf("%s: %v", what, took.Round(time.Millisecond))
	}
	list := func(f portfolio.Filter) func() error {
		return func() error {
			lines, _, err := w.portfolio.Workloads(t.Context(), w.asha, f, "")
			if err == nil && len(lines) != 50 {
				err = fmt.Errorf("%d lines", len(lines))
			}
			return err
		}
	}
	within("by name", list(portfolio.Filter{}))
	within("by tier", list(portfolio.Filter{Sort: portfolio.ByTier}))
	within("text", list(portfolio.Filter{Text: "7"}))
	within("mine", list(portfolio.Filter{Mine: true}))
	within("highs", list(portfolio.Filter{Highs: true}))
	within("overdue", list(portfolio.Filter{Overdue: true}))
	within("ended", list(portfolio.Filter{Decision: portfolio.Ended}))
	within("undecided", list(portfolio.Filter{Decision: portfolio.Undecided}))
	within("nothing found", func() error {
		lines, _, err := w.portfolio.Workloads(t.Context(), w.asha, portfolio.Filter{Decision: review.NoGo, Overdue: true, Text: "zzz"}, "")
		if err == nil && len(lines) != 0 {
			err = fmt.Errorf("%d lines", len(lines))
		}
		return err
	})
	within("views", func() error { _, err := w.portfolio.Views(t.Context(), w.asha); return err })
	within("reviews", func() error {
		lines, _, err := w.portfolio.Reviews(t.Context(), w.asha, portfolio.ReviewFilter{State: portfolio.AnyState}, "")
		if err == nil && len(lines) != 50 {
			err = fmt.Errorf("%d lines", len(lines))
		}
		return err
	})
	within("review views", func() error { _, err := w.portfolio.ReviewViews(t.Context(), w.asha); return err })
	within("home", func() error {
		_, err := w.portfolio.Home(t.Context(), approver(w.asha, uuid.Nil))
		return err
	})
	within("last page", func() error {
		n := len(w.keys(w.asha, portfolio.Filter{}))
		if n != 10_000 {
			return fmt.Errorf("%d workloads", n)
		}
		return nil
	})
}

// grow fills the installation by hand: half of the workloads are decided, two thirds have
// three items, a third has an open draft.
func (w *world) grow(n int) {
	w.t.Helper()
	w.exec(`insert into workloads (id, key, name, description, team_id, tier, stage, restricted, created_at, updated_at)
		select md5('w' || i)::uuid, 'w-' || i, 'Workload ' || lpad((i * 7919 % $1)::text, 6, '0'), '',
			case when i % 100 = 0 then $2::uuid else $3::uuid end, 1 + i % 3, 'live', false, $4, $4 from generate_series(1, $1) i`, n, w.ledger, w.shop, w.now)
	w.exec(`insert into reviews (id, workload_id, type_key, change_key, change_title, change_ticket, state, core_path, gates_launch, valid_days, signoffs, tier, started_at)
		select md5('r' || i)::uuid, md5('w' || i)::uuid, 'new-service', '', '', '', case when i % 2 = 0 then 'closed' else 'open' end, true, true, 365, 1, 1, $2::timestamptz + i * interval '1 s'
		from generate_series(1, $1) i where i % 2 = 0 or i % 3 = 0`, n, w.now)
	w.exec(`insert into rounds (id, review_id, number, state, opened_at, submitted_by, submitted_at, content, content_sha256)
		select md5('o' || r.id)::uuid, r.id, 1, case when r.state = 'closed' then 'sealed' else 'submitted' end, $1, $2, $1, '', '' from reviews r`, w.now, w.mika.PersonID)
	w.exec(`insert into decisions (id, round_id, outcome, reason, decided_by, decided_at, valid_until, content_sha256, seal, seal_sha256)
		select md5('d' || o.id)::uuid, o.id, 'go', '', $2, $1, $1::timestamptz - interval '1 day' , '', '', '' from rounds o where o.state = 'sealed'`, w.now, w.jonas.PersonID)
	w.exec(`insert into items (id, workload_id, cause_kind, cause_key, title, detail, risk, timing, href, owner_id, due_on, state, resolution, opened_at)
		select md5('i' || i || k)::uuid, md5('w' || i)::uuid, 'question', 'orr/' || k, 'Mend it', '', case when k = 1 then 'high' else 'medium' end, '', '/', $2,
			$3::date + 10 - (i * k) % 40, case when (i + k) % 4 = 0 then 'done' else 'open' end, '', $3
		from generate_series(1, $1) i, generate_series(1, 3) k where i % 3 > 0`, n, w.asha.PersonID, w.now)
	w.exec(`analyze`)
}
