//go:build bench

package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"orrery/internal/discussion"
	"orrery/internal/identity"
	"orrery/internal/portfolio"
	"orrery/internal/remediation"
	"orrery/internal/review"
	"orrery/internal/workload"
)

// benched is a filled installation: who asks, and the addresses that are asked.
type benched struct {
	lead, approver string // sessions: the lead of 58 workloads, and an approver of every workload
	small, large   benchReview
	list           []benchPage // pages of the list of workloads
}

// benchReview is the addresses of a review.
type benchReview struct{ home, question, section string }

// benchSet is a questionnaire of 60 or 300 questions in sections of one size, with five
// choices and one evidence check each.
func benchSet(key string, sections, questions int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "key: %s\nname: Bench %d\nversion: 1.0.0\ndescription: Many questions.\nminutes: 60\nsections:\n", key, sections*questions)
	for s := range sections {
		fmt.Fprintf(&b, "  - id: section_%d\n    name: Section %d\n    questions:\n", s, s)
		for q := range questions {
			fmt.Fprintf(&b, "      - id: question_%d_%d\n        title: Is part %d of area %d ready for its users?\n        phase: launch\n        max_risk: high\n", s, q, q, s)
			b.WriteString("        why: A part that is not ready fails on the first busy day, and nobody knows how to mend it.\n        good: The part was tried under the load of a busy day, and two people can mend it.\n        bring: [The log of the last drill]\n        choices:\n")
			for c, weight := range []string{"core", "core", "extra", "extra", "extra"} {
				fmt.Fprintf(&b, "          - id: choice_%d\n            title: We tried step %d of part %d in the last quarter.\n            weight: %s\n            first_step: {text: \"Try the step once, and write down how long it took.\"}\n", c, c, q, weight)
			}
			fmt.Fprintf(&b, "        checks:\n          - {id: check_%d_%d, choice: choice_0, source: securityhub.control, key: RDS.%d, expect: all_pass, max_age: 30h, level: resource, claim: The part is encrypted.}\n", s, q, 1+s*questions+q)
		}
	}
	return b.String()
}

// seedBench makes reviews of 60 and of 300 questions through the services, with evidence,
// comments, assignments and acceptances, and around them the workloads of an organisation.
func (p *program) seedBench(o organisation, workloads int) benched {
	p.t.Helper()
	db, all := p.open()
	defer func() { _ = db.close() }()
	s := &seeding{t: p.t, ctx: context.Background(), db: db.pool, all: all, o: o}
	_, err := all.library.LoadShipped(s.ctx, fstest.MapFS{
		"a.yaml": &fstest.MapFile{Data: []byte(benchSet("bench", 6, 10))}, "b.yaml": &fstest.MapFile{Data: []byte(benchSet("bench-large", 5, 60))},
	})
	s.must(err)
	s.exec(`insert into review_types (key, name, description, questionnaires, gates_launch, gate_mode, valid_days, signoffs)
		select k, k, 'x', array[k], true, 'enforce', 365, '{1,1,1}' from unnest('{bench,bench-large}'::text[]) k`)
	out := benched{lead: o.session, approver: s.approver()}
	out.small, out.large = s.review("bench"), s.review("bench-large")
	s.fill(workloads)
	out.list = s.listPages()
	return out
}

type seeding struct {
	t   testing.TB
	ctx context.Context
	db  *pgxpool.Pool
	all *services
	o   organisation
}

func (s *seeding) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *seeding) exec(sql string, args ...any) {
	s.t.Helper()
	if _, err := s.db.Exec(s.ctx, sql, args...); err != nil {
		s.t.Fatalf("%s: %v", sql, err)
	}
}

// approver invites a person who may judge every workload, and returns their session.
func (s *seeding) approver() string {
	var boss uuid.UUID
	s.must(s.db.QueryRow(s.ctx, `select id from people where email = 'jonas@example.com'`).Scan(&boss))
	admin, err := s.all.identity.ActorFor(s.ctx, boss)
	s.must(err)
	person, invitation, err := s.all.identity.Invite(s.ctx, admin, identity.InviteInput{Email: "noor@example.com", Name: "Noor Haddad"})
	s.must(err)
	s.must(s.all.identity.Grant(s.ctx, admin, person.ID, identity.GrantInput{Kind: identity.Approver}))
	session, err := s.all.identity.AcceptLink(s.ctx, invitation.Secret, demoPassword, identity.Client{})
	s.must(err)
	return session
}

// review starts a review of a workload of its own and does with it what a team does.
func (s *seeding) review(kind string) benchReview {
	who := s.o.member
	w, err := s.all.workloads.Create(s.ctx, who, workload.Input{Key: kind, Name: "Payments " + kind, TeamKey: "ledger", Tier: 1, Stage: workload.Live})
	s.must(err)
	r, err := s.all.reviews.Start(s.ctx, who, w.ID, review.StartInput{Type: kind})
	s.must(err)
	sheet, err := s.all.reviews.Sheet(s.ctx, who, r.ID)
	s.must(err)
	for n, e := range sheet.Entries() {
		in := review.AnswerInput{ReviewID: r.ID, Questionnaire: kind, QuestionID: e.Question.ID, Notes: "The proof is in the wiki, page " + strconv.Itoa(n) + "."}
		for k, c := range e.Question.Choices {
			if !c.None && (n+k)%4 != 0 {
				in.Chosen = append(in.Chosen, c.ID)
			}
		}
		_, err := s.all.reviews.SaveAnswer(s.ctx, who, in)
		s.must(err)
	}
	s.evidence(w, sheet)
	s.talk(sheet)
	s.accept(w, r.ID)
	first := sheet.Sections[0]
	return benchReview{home: r.Path(), question: sheet.QuestionPath(sheet.Entries()[len(sheet.Entries())/2]), section: sheet.SectionPath(first)}
}

// evidence stores a verdict for each check, as a run would have.
func (s *seeding) evidence(w workload.Workload, sheet review.Sheet) {
	var run uuid.UUID
	s.must(s.db.QueryRow(s.ctx, `
		with scope as (insert into scopes (id, workload_id, name, production, accounts, regions, tags, application_arn)
			select gen_random_uuid(), $1, 'bench', not exists (select from scopes where workload_id = $1 and production), '{111122223333}', '{eu-west-1}', '{}', '' returning id, tags, application_arn)
		insert into runs (id, workload_id, scope_id, state, requested_at, finished_at, tags, application_arn) select gen_random_uuid(), $1, id, 'complete', $2, $2, tags, application_arn from scope returning id`,
		w.ID, time.Now()).Scan(&run))
	for n, e := range sheet.Entries() {
		for _, c := range e.Question.Checks {
			s.exec(`insert into verdicts (workload_id, check_digest, verdict, reason, detail, passed, failed, suppressed, not_evaluated, failing, as_of, run_id, computed_at)
				values ($1, $2, $3, '', 'Two of three databases are encrypted.', 2, 1, 0, 0,
					'[{"resource": "arn:aws:rds:eu-west-1:111122223333:db:ledger", "account": "111122223333", "region": "eu-west-1", "note": "Not encrypted."}]', $4, $5, $4)
				on conflict do nothing`, w.ID, c.Digest(), []string{"supports", "contradicts", "mixed"}[n%3], time.Now(), run)
		}
	}
}

// talk comments on every third question, and gives every fourth to somebody.
func (s *seeding) talk(sheet review.Sheet) {
	var keys []string
	for n, e := range sheet.Entries() {
		if n%3 == 0 {
			_, err := s.all.talk.Start(s.ctx, s.o.member, discussion.OnQuestion, discussion.QuestionID(sheet.ID, e.Questionnaire, e.Question.ID),
				discussion.Input{Body: "Is the drill of the spring still good enough for this?"})
			s.must(err)
		}
		if n%4 == 0 {
			keys = append(keys, e.Key())
		}
	}
	_, err := s.all.reviews.Assign(s.ctx, s.o.member, review.AssignInput{ReviewID: sheet.ID, Keys: keys, PersonID: s.o.member.PersonID.String()})
	s.must(err)
}

// accept asks for an acceptance of the first eight highs.
func (s *seeding) accept(w workload.Workload, id uuid.UUID) {
	sheet, err := s.all.reviews.Sheet(s.ctx, s.o.member, id)
	s.must(err)
	until := time.Now().UTC().AddDate(0, 0, 30)
	for until.Weekday() == time.Saturday || until.Weekday() == time.Sunday {
		until = until.AddDate(0, 0, 1)
	}
	highs := sheet.Highs()
	for _, e := range highs[:min(8, len(highs))] {
		_, err := s.all.reviews.AskAcceptance(s.ctx, s.o.member, w.Key, e.Key(), remediation.AskInput{
			Reason: "The part goes away in the spring.", Control: "Two people watch it.", Until: until.Format(time.DateOnly),
		})
		s.must(err)
	}
}

// fill writes workloads of 201 teams with two rounds each, their answers copied from a review
// of the shipped questions, and three items each. The lines are written at the end, at once.
func (s *seeding) fill(workloads int) {
	conn, err := s.db.Acquire(s.ctx) // the switch of the triggers is of one session
	s.must(err)
	defer conn.Release()
	for _, sql := range fillSQL {
		_, err := conn.Exec(s.ctx, strings.ReplaceAll(sql, "@workloads", strconv.Itoa(workloads)))
		if err != nil {
			s.t.Fatalf("%s: %v", sql, err)
		}
	}
}

var fillSQL = []string{
	`set statement_timeout = 0`,
	`set session_replication_role = replica`,
	`insert into teams (id, key, name, created_at) select gen_random_uuid(), 'team-' || i, 'Team ' || i, now() from generate_series(1, 200) i`,
	`insert into people (id, email, name, created_at) select gen_random_uuid(), 'p' || i || '@example.org', 'Person ' || i, now() from generate_series(1, 1000) i`,
	`create temporary table bench_people as
		select id, row_number() over (order by email) - 1 as n from people where email like 'p%@example.org' or email = 'noor@example.com'`,
	`insert into workloads (id, key, name, description, team_id, tier, stage, restricted, launch_on, created_at, updated_at)
		select gen_random_uuid(), 'bench-' || i, 'Bench ' || (i * 7919 % 10007), '', t.id, 1 + i % 3, 'live', i % 20 = 0, null, now(), now()
		from generate_series(1, @workloads) i join (select id, row_number() over (order by key) - 1 as n from teams) t on t.n = i % 201`,
	`insert into reviews (id, workload_id, type_key, change_key, change_title, change_ticket, state, core_path, gates_launch, valid_days, signoffs, tier, started_at)
		select gen_random_uuid(), w.id, 'new-service', '', '', '', case k when 0 then 'closed' else 'open' end, false, true, 365, 1, w.tier,
			now() - (random() * 360 + 10 * (1 - k)) * interval '1 day'
		from workloads w, generate_series(0, 1) k where w.key like 'bench-%' and w.name like 'Bench %'`,
	`create temporary table bench_round as select x.id, x.review_id from rounds x join reviews r on r.id = x.review_id where r.type_key = 'new-service' and x.number = 1 limit 1`,
	`insert into review_questionnaires (review_id, position, questionnaire_key, version_id)
		select r.id, q.position, q.questionnaire_key, q.version_id
		from reviews r join workloads w on w.id = r.workload_id, review_questionnaires q where w.name like 'Bench %' and q.review_id = (select review_id from bench_round)`,
	`insert into rounds (id, review_id, number, state, opened_at, submissions, submitted_by, submitted_at, content, content_sha256)
		select gen_random_uuid(), r.id, 1, case when r.state = 'closed' then 'sealed' when hashtext(r.id::text) % 5 = 0 then 'submitted' else 'draft' end,
			r.started_at, 1, p.id, r.started_at + interval '3 days', 'x', 'x'
		from reviews r join workloads w on w.id = r.workload_id join bench_people p on p.n = abs(hashtext(r.id::text)) % 1001 where w.name like 'Bench %'`,
	`insert into answers (round_id, version_id, question_id, position, required, risk, version, saved_by, saved_at)
		select x.id, a.version_id, a.question_id, a.position, true,
			(array['none', 'none', 'none', 'none', 'none', 'none', 'none', 'none', 'medium', 'high'])[1 + abs(hashtext(x.id::text || a.question_id)) % 10], 1, x.submitted_by, x.opened_at
		from rounds x join reviews r on r.id = x.review_id join workloads w on w.id = r.workload_id, (select * from answers where round_id = (select id from bench_round)) a
		where w.name like 'Bench %'`,
	`insert into answer_revisions (round_id, version_id, question_id, version, chosen, unknown, not_applicable, reason, na_choices, na_reasons, notes, risk, saved_by, saved_at)
		select round_id, version_id, question_id, 1, '{}', false, false, '', '{}', '{}', '', risk, saved_by, saved_at
		from answers where version = 1 and position % 4 = 0 and saved_by in (select id from bench_people)`,
	`insert into decisions (id, round_id, outcome, reason, decided_by, decided_at, valid_until, content_sha256, seal, seal_sha256)
		select gen_random_uuid(), x.id, (array['go', 'conditional', 'no_go'])[1 + abs(hashtext(x.id::text)) % 3], 'x', x.submitted_by,
			x.opened_at + random() * interval '20 days', x.opened_at + interval '1 year', 'x', 'x', 'x' from rounds x where x.state = 'sealed'`,
	`insert into items (id, workload_id, cause_kind, cause_key, title, detail, risk, timing, href, owner_id, due_on, state, resolution, opened_at)
		select gen_random_uuid(), w.id, 'manual', k::text, 'Mend it', '', (array['high', 'medium', 'none'])[k], '', '/', p.id,
			current_date - 30 + (abs(hashtext(w.id::text || k)) % 120), (array['open', 'in_progress', 'done'])[1 + abs(hashtext(k || w.id::text)) % 3], '', now()
		from workloads w join bench_people p on p.n = abs(hashtext(w.id::text)) % 1001, generate_series(1, 3) k
		where w.name like 'Bench %'`,
	`insert into round_risks select n.* from round_risks_now n join rounds x on x.id = n.round_id where x.state in ('submitted', 'sealed') on conflict do nothing`,
	`insert into decided_rounds select * from decided_rounds_now on conflict do nothing`,
	`insert into launch_acts select * from launch_acts_now on conflict do nothing`,
	`delete from workload_standing`,
	`insert into workload_standing select n.*, pg_current_xact_id() from workload_standing_now n`,
	`set session_replication_role = default`,
	`reset statement_timeout`,
	`vacuum (analyze)`,
}

// listPages are the first, a middle and the last page of the list in each order, and pages
// under filters.
func (s *seeding) listPages() []benchPage {
	pages := []benchPage{}
	add := func(name, query string) {
		pages = append(pages, benchPage{name: "workloads: " + name, path: "/workloads?" + query, session: s.o.session, goal: 50 * time.Millisecond})
	}
	for _, sort := range []string{portfolio.ByName, portfolio.ByTier, portfolio.ByHighs, portfolio.ByEnd, portfolio.ByDue} {
		cursors := []string{}
		for cursor := ""; ; {
			_, next, err := s.all.portfolio.Workloads(s.ctx, s.o.member, portfolio.Filter{Sort: sort}, cursor)
			s.must(err)
			if next == "" {
				break
			}
			cursor = next
			cursors = append(cursors, cursor)
		}
		add("by "+sort+", first", "sort="+sort)
		if n := len(cursors); n > 0 {
			add("by "+sort+", middle", "sort="+sort+"&after="+cursors[n/2])
			add("by "+sort+", last", "sort="+sort+"&after="+cursors[n-1])
		}
	}
	add("text of many", "name=bench+9")
	add("text of none", "name=zzz&sort=end")
	add("text, tier, overdue, by highs", "name=99&tier=1&overdue=1&sort=highs")
	add("no-go, by review due", "decision=no_go&sort=due")
	add("of a team", "team=team-7")
	add("mine", "mine=1&sort=tier")
	return pages
}
