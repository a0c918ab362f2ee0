//go:build bench

package portfolio_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"orrery/internal/identity"
	"orrery/internal/portfolio"
	"orrery/internal/review"
)

// fill writes 10,000 workloads of 200 teams with 20,000 rounds of 36 answers: one of two
// decided, the other a draft or submitted, and 30,000 items. The lines are written at the end, at once.
func (w *world) fill() {
	w.t.Helper()
	sheet := w.review(w.asha, w.workload(w.asha, "first"), 0, 0)
	conn, err := w.db.Acquire(w.t.Context()) // the switch of the triggers is of one session
	if err != nil {
		w.t.Fatal(err)
	}
	defer conn.Release()
	for _, sql := range []string{
		`set session_replication_role = replica`,
		`insert into teams (id, key, name, created_at) select gen_random_uuid(), 'team-' || i, 'Team ' || i, now() from generate_series(1, 200) i`,
		`insert into people (id, email, name, created_at) select gen_random_uuid(), 'p' || i || '@example.org', 'Person ' || i, now() from generate_series(1, 1000) i`,
		`insert into workloads (id, key, name, description, team_id, tier, stage, restricted, launch_on, created_at, updated_at)
			select gen_random_uuid(), 'bench-' || i, 'Bench ' || (i * 7919 % 10007), '', t.id, 1 + i % 3, 'live', i % 20 = 0, null, now(), now()
			from generate_series(1, 10000) i join (select id, row_number() over (order by key) - 1 as n from teams where key like 'team-%') t on t.n = i % 200`,
		`insert into reviews (id, workload_id, type_key, change_key, change_title, change_ticket, state, core_path, gates_launch, valid_days, signoffs, tier, started_at)
			select gen_random_uuid(), w.id, 'new-service', '', '', '', case k when 0 then 'closed' else 'open' end, false, true, 365, 1, w.tier,
				timestamptz '2026-10-30' - (random() * 360 + 10 * (1 - k)) * interval '1 day'
			from workloads w, generate_series(0, 1) k where w.key like 'bench-%'`,
		`insert into rounds (id, review_id, number, state, opened_at, submissions, submitted_by, submitted_at, content, content_sha256)
			select gen_random_uuid(), r.id, 1, case when r.state = 'closed' then 'sealed' when hashtext(r.id::text) % 5 = 0 then 'submitted' else 'draft' end,
				r.started_at, 1, (select id from people limit 1), r.started_at + interval '3 days', 'x', 'x'
			from reviews r join workloads w on w.id = r.workload_id where w.key like 'bench-%'`,
		`insert into answers (round_id, version_id, question_id, position, required, risk)
			select x.id, a.version_id, a.question_id, a.position, true,
				(array['none', 'none', 'none', 'none', 'none', 'none', 'none', 'none', 'medium', 'high'])[1 + abs(hashtext(x.id::text || a.question_id)) % 10]
			from rounds x, (select * from answers where round_id in (select id from rounds where review_id = '` + sheet.ID.String() + `')) a
			where x.review_id <> '` + sheet.ID.String() + `'`,
		`insert into decisions (id, round_id, outcome, reason, decided_by, decided_at, valid_until, content_sha256, seal, seal_sha256)
			select gen_random_uuid(), x.id, (array['go', 'conditional', 'no_go'])[1 + abs(hashtext(x.id::text)) % 3], 'x', x.submitted_by,
				x.opened_at + random() * interval '20 days', x.opened_at + interval '1 year', 'x', 'x', 'x' from rounds x where x.state = 'sealed'`,
		`insert into items (id, workload_id, cause_kind, cause_key, title, detail, risk, timing, href, owner_id, due_on, state, resolution, opened_at)
			select gen_random_uuid(), w.id, 'manual', k::text, 'Mend it', '', (array['high', 'medium', 'none'])[k], '', '/', p.id,
				date '2026-10-01' + (abs(hashtext(w.id::text || k)) % 90), (array['open', 'in_progress', 'done'])[1 + abs(hashtext(k || w.id::text)) % 3], '', now()
			from workloads w join (select id, row_number() over (order by email) - 1 as n from people) p on p.n = abs(hashtext(w.id::text)) % 1000, generate_series(1, 3) k
			where w.key like 'bench-%'`,
		`insert into round_risks select n.* from round_risks_now n join rounds x on x.id = n.round_id where x.state in ('submitted', 'sealed') on conflict do nothing`,
		`insert into decided_rounds select * from decided_rounds_now on conflict do nothing`,
		`insert into launch_acts select * from launch_acts_now on conflict do nothing`,
		`delete from workload_standing`,
		`insert into workload_standing select n.*, pg_current_xact_id() from workload_standing_now n`,
		`set session_replication_role = default`,
		`vacuum (analyze)`,
	} {
		if _, err := conn.Exec(w.t.Context(), sql); err != nil {
			w.t.Fatalf("%s: %v", sql, err)
		}
	}
}

// TestBenchPortfolio prints the service times of lists and dashboard at eight callers.
func TestBenchPortfolio(t *testing.T) {
	w := newWorld(t)
	begin := time.Now()
	w.fill()
	fmt.Printf("filled in %s\n", time.Since(begin).Round(time.Millisecond))
	var team uuid.UUID
	if err := w.db.QueryRow(t.Context(), `select id from teams where key = 'team-7'`).Scan(&team); err != nil {
		t.Fatal(err)
	}
	reader := w.jonas
	lead := w.asha
	lead.Teams = []identity.Membership{{TeamID: team, Role: identity.Lead}}
	judge := approver(w.jonas, uuid.Nil)
	page := func(f portfolio.Filter) func() error {
		return func() error {
			_, next, err := w.portfolio.Workloads(t.Context(), reader, f, "")
			if err == nil && next != "" {
				_, _, err = w.portfolio.Workloads(t.Context(), reader, f, next)
			}
			return err
		}
	}
	deep := map[string]string{}
	for _, sort := range []string{portfolio.ByName, portfolio.ByHighs, portfolio.ByEnd, portfolio.ByDue} {
		for range 100 {
			_, next, err := w.portfolio.Workloads(t.Context(), reader, portfolio.Filter{Sort: sort}, deep[sort])
			if err != nil {
				t.Fatal(err)
			}
			if next == "" {
				break
			}
			deep[sort] = next
		}
	}
	type bench struct {
		name string
		do   func() error
	}
	list := []bench{{"two pages by name", page(portfolio.Filter{})}}
	for _, sort := range []string{portfolio.ByTier, portfolio.ByHighs, portfolio.ByEnd, portfolio.ByDue} {
		list = append(list, bench{"two pages by " + sort, page(portfolio.Filter{Sort: sort})})
	}
	for sort, cursor := range deep {
		list = append(list, bench{"page 100 by " + sort, func() error {
			_, _, err := w.portfolio.Workloads(t.Context(), reader, portfolio.Filter{Sort: sort}, cursor)
			return err
		}})
	}
	list = append(list,
		bench{"text that nothing has", page(portfolio.Filter{Text: "zzz", Sort: portfolio.ByEnd})},
		bench{"text, tier, overdue, by highs", page(portfolio.Filter{Text: "99", Tier: 1, Overdue: true, Sort: portfolio.ByHighs})},
		bench{"no-go that stands, by review due", page(portfolio.Filter{Decision: review.NoGo, Sort: portfolio.ByDue})},
		bench{"counts of the saved views", func() error { _, err := w.portfolio.Views(t.Context(), reader); return err }},
		bench{"home of a lead", func() error { _, err := w.portfolio.Home(t.Context(), lead); return err }},
		bench{"home of the approver of all", func() error { _, err := w.portfolio.Home(t.Context(), judge); return err }},
		bench{"dashboard", func() error { _, err := w.portfolio.Dashboard(t.Context(), reader, portfolio.DashFilter{}); return err }},
		bench{"dashboard of a team", func() error {
			_, err := w.portfolio.Dashboard(t.Context(), reader, portfolio.DashFilter{TeamKey: "team-7"})
			return err
		}},
		bench{"dashboard of a set", func() error {
			_, err := w.portfolio.Dashboard(t.Context(), reader, portfolio.DashFilter{Set: "orr"})
			return err
		}})
	for _, callers := range []int{1, 8} {
		for _, b := range list {
			took := measure(t, callers, b.do)
			fmt.Printf("%d callers  %-34s p50 %8s  p95 %8s\n", callers, b.name, took[len(took)/2].Round(100*time.Microsecond), took[len(took)*95/100].Round(100*time.Microsecond))
		}
	}
}

func measure(t *testing.T, callers int, do func() error) (took []time.Duration) {
	var mu sync.Mutex
	var wg sync.WaitGroup
	end := time.Now().Add(time.Second)
	for range callers {
		wg.Go(func() {
			for time.Now().Before(end) {
				start := time.Now()
				if err := do(); err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				took = append(took, time.Since(start))
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	slices.Sort(took)
	return took
}
