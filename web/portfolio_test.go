package web_test

import (
	"encoding/csv"
	"net/http"
	"strings"
	"testing"

	"orrery/internal/identity"
	"orrery/internal/review"
)

// leader is somebody who leads the team.
func (s *site) leader(name string, team identity.Team) *browser {
	s.Helper()
	_, b := s.person(name, identity.InviteInput{Teams: []identity.Membership{{TeamID: team.ID, Role: identity.Lead}}})
	return b
}

// writeForm is the form of a dry run, as a browser would send it.
func writeForm(a answer) []string {
	a.Helper()
	return []string{"act", "write", "name", a.value("name"), "content", a.value("content"), "shown", a.value("shown")}
}

func TestImportOfTables(t *testing.T) {
	s := newSite(t)
	s.Ada.get("/import/workloads").is(200).says("application_arn", "Look at it first")
	s.Ada.get("/import/nothing").is(http.StatusNotFound)
	s.Ada.get("/import/people/template.csv").is(200).says("email,name,teams,roles")
	look := s.Ada.send("/import/teams", "teams.csv", "\uFEFFkey;name\r\nledger;Ledger\r\nshop;Storefront\r\n").is(200)
	look.says("2 rows add, 0 change, 0 leave all as it is, 0 are refused.", "Adds the team Storefront.", "Nothing is written yet.")
	if n := s.count(`select count(*) from teams`); n != 0 {
		t.Fatalf("the dry run wrote %d teams", n)
	}
	s.Ada.send("/import/teams", "", "", writeForm(look)...).leadsTo("/teams")
	s.Ada.send("/import/teams", "", "", writeForm(look)...).is(http.StatusConflict).says("This is not what you looked at before")

	s.Ada.send("/import/people", "", "", "pasted", "email,name,teams,roles\nbad,Bo,nowhere:boss,king\nbo@example.org,Bo,ledger:boss,\n").is(http.StatusUnprocessableEntity).
		says("Line 2, email", "Line 2, teams There is no team with the key nowhere.", "Line 2, roles", "Line 3, teams Write ledger:lead or ledger:member.", "Nothing is written.").hides("Write all of it")
	look = s.Ada.send("/import/people", "", "", "pasted", "email,name,teams,roles\nbo@example.org,Bo Dahl,ledger:lead shop,curator\nada@example.org,Ada Example,ledger,\n").is(200).
		says("Invites Bo Dahl, lead of Ledger, member of Storefront, curator.", "Ada Example is here already; now member of Ledger.")
	done := s.Ada.send("/import/people", "", "", writeForm(look)...).is(200).says("People are imported: 1 added, 1 changed.", "bo@example.org")
	if !strings.Contains(done.Body, s.URL+"/link/") {
		t.Error("the link is not shown")
	}
	s.Ada.send("/import/people", "", "", writeForm(look)...).is(http.StatusConflict).says("This table was written already", "Make a new link", "Bo Dahl")
	if n := s.count(`select count(*) from audit_records where verb in ('person.invited', 'membership.set', 'team.created')`); n != 4 {
		t.Errorf("%d records", n)
	}

	rows := "key,name,team,tier,stage,restricted\npay,Payments,ledger,1,live,no\n"
	s.Ada.send("/import/workloads", "w.csv", rows+"pay,Twice,ledger,1,live,no\nx1,Y,nobody,9,gone,maybe\nzed,Zed,shop,2,planned,yes\n").is(http.StatusUnprocessableEntity).
		says("Line 3", "already", "Line 4, tier", "Line 4, stage", "Line 4, restricted", "Line 5, restricted Only a member of the team may restrict its workloads")
	look = s.Ada.send("/import/workloads", "w.csv", rows).is(200).says("Adds Payments to ledger, tier 1, live.")
	s.Ada.send("/import/workloads", "", "", writeForm(look)...).leadsTo("/workloads")
	look = s.Ada.send("/import/workloads", "w.csv", rows+"shoes,=HYPERLINK(),shop,3,,\n").is(200).says("1 row adds", "1 leaves all as it is")
	s.Ada.send("/import/workloads", "", "", writeForm(look)...).is(http.StatusSeeOther)
	s.Ada.send("/import/workloads", "w.csv", "key,name,team,tier\npay,Pay,shop,1\nshoes,Shoes,shop,3\n").is(http.StatusUnprocessableEntity).
		says("moves to another team on a page of its own", "Only a member of the owning team may change this workload.")
	cells, err := csv.NewReader(strings.NewReader(s.Ada.get("/workloads.csv?sort=tier").is(200).Body)).ReadAll()
	if err != nil || len(cells) != 3 || cells[1][0] != "pay" || cells[2][1] != "'=HYPERLINK()" {
		t.Errorf("CSV: %v, %v", cells, err)
	}
	s.Ada.get("/workloads.csv?sort=size").is(http.StatusUnprocessableEntity)
}

func TestImportOfTablesIsForAdmins(t *testing.T) {
	s := newSite(t)
	lena := s.leader("Lena Ek", s.team("ledger", "Ledger"))
	for _, kind := range []string{"teams", "people", "workloads"} {
		lena.get("/import/" + kind).is(http.StatusForbidden)
		lena.send("/import/"+kind, "", "", "pasted", "key,name\nx1,Y\n").is(http.StatusForbidden)
		s.visitor().send("/import/"+kind, "", "", "pasted", "key,name\nx1,Y\n").is(http.StatusUnauthorized)
	}
	for _, path := range []string{"/teams", "/workloads"} {
		lena.get(path).is(200).hides("/import/")
	}
}

func TestLifeOfAWorkloadByForm(t *testing.T) {
	s := newSite(t)
	s.publish()
	ledger := s.team("ledger", "Ledger")
	s.team("shop", "Storefront")
	lena := s.leader("Lena Ek", ledger)
	_, vera := s.person("Vera Lind", identity.InviteInput{})
	pay, secret := s.workload("pay", "Payments", "ledger", false), s.workload("secret", "Secret", "ledger", true)
	r, err := s.Reviews.Start(t.Context(), lena.actor(), pay.ID, review.StartInput{Type: "new-service"})
	if err != nil {
		t.Fatal(err)
	}
	for _, act := range []string{"retire", "move", "bring-back"} {
		vera.post("/workloads/pay/"+act, "version", "1", "reason", "x", "stage", "live", "team", "shop").is(http.StatusForbidden)
		for _, who := range []*browser{vera, s.Ada} {
			who.post("/workloads/"+secret.Key+"/"+act, "version", "1", "reason", "x", "stage", "live", "team", "shop").is(http.StatusNotFound)
		}
	}
	vera.get("/workloads/pay").is(200).hides("/workloads/pay/retire", "/workloads/pay/move")
	vera.get("/reviews/" + r.ID.String() + "/cancel").is(http.StatusForbidden)
	lena.post("/reviews/"+r.ID.String()+"/cancel", "reason", " ").is(http.StatusUnprocessableEntity).says("Say why the review ends without a decision.")
	lena.post("/reviews/"+r.ID.String()+"/cancel", "reason", "Wrong type.").leadsTo("/workloads/pay")
	lena.get("/reviews/"+r.ID.String()).is(200).says("This review is cancelled", "Lena Ek", "Wrong type.").hides("/cancel")
	for _, rest := range []string{"/record", "/report.pdf", "/check", "/decide"} {
		if a := lena.get("/reviews/" + r.ID.String() + rest); a.Status >= 500 {
			t.Errorf("%s of a cancelled review: %d", rest, a.Status)
		}
	}
	if _, err := s.Reviews.Start(t.Context(), lena.actor(), pay.ID, review.StartInput{Type: "new-service"}); err != nil {
		t.Fatal(err)
	}

	lena.get("/workloads/pay/retire").is(200).says("1 open review is cancelled", "0 unfinished items are closed")
	lena.post("/workloads/pay/retire", "version", "7", "reason", "Kept words.").is(http.StatusConflict).says("changed since you opened this page", "Kept words.")
	lena.post("/workloads/pay/retire", "version", "1").is(http.StatusUnprocessableEntity).says("Say why the workload is retired.")
	lena.follow(lena.post("/workloads/pay/retire", "version", "1", "reason", "Replaced.").leadsTo("/workloads/pay")).
		says("Payments is retired. 1 review cancelled, 0 items closed, 0 acceptances ended.", "Replaced.", "Bring it back").hides("Start a review")
	lena.get("/workloads/pay/retire").is(200).says("Bring back Payments")
	lena.post("/workloads/pay/bring-back", "version", "2", "reason", "Needed.").is(http.StatusUnprocessableEntity).says("Choose planned or live.")
	lena.follow(lena.post("/workloads/pay/bring-back", "version", "2", "reason", "Needed.", "stage", "live")).says("Payments is back as live.")
	lena.get("/workloads/pay/move").is(200).says("0 open reviews", "Storefront")
	lena.post("/workloads/pay/move", "version", "3", "reason", "x").is(http.StatusUnprocessableEntity).says("Choose a team from the list.")
	lena.follow(lena.post("/workloads/pay/move", "version", "3", "reason", "The shop runs it.", "team", "shop")).says("Payments has moved.", "Storefront")
	// Who moves a restricted workload away may lose sight of it.
	lena.post("/workloads/secret/move", "version", "1", "reason", "x", "team", "shop").leadsTo("/workloads")
}

func TestDashboardShowsWhatOneMayRead(t *testing.T) {
	s := newSite(t)
	s.publish()
	s.Ada.get("/dashboard").is(200).says("There is no workload yet")
	lena := s.leader("Lena Ek", s.team("ledger", "Ledger"))
	s.workload("pay", "Payments", "ledger", false)
	s.workload("secret", "Secret", "ledger", true)
	lena.get("/dashboard").is(200).says("2 workloads planned or live, of those that you may read.", "No answer carries a risk", "Nothing is overdue", "Nothing was decided")
	s.Ada.get("/dashboard").is(200).says("1 workload planned or live").hides("Secret")
	s.Ada.get("/dashboard?tier=3").is(200).says("No workload fits")
	s.Ada.get("/dashboard?tier=x").is(http.StatusUnprocessableEntity)
	s.visitor().get("/dashboard").is(http.StatusSeeOther)
}

// TestPortfolioInTheBrowser imports with a mistake, mends it, then retires and moves.
func TestPortfolioInTheBrowser(t *testing.T) {
	s := newSite(t)
	s.publish()
	s.team("ledger", "Ledger")
	s.team("shop", "Storefront")
	e := s.look(s.Ada)
	e.open("/import/workloads")
	e.judge("import")
	e.submit("/import/workloads", "pasted", "key,name,team,tier\npay,Payments,ledger,4\n")
	if words := eval[string](e, `document.querySelector("#errors").parentElement.innerText`); !strings.Contains(words, "Line 2, tier") {
		t.Errorf("the place is not named: %s", words)
	}
	e.judge("import-refused")
	e.submit("/import/workloads", "pasted", "key,name,team,tier\npay,Payments,ledger,1\nshoes,Shoes,shop,3\n")
	e.judge("import-look")
	eval[bool](e, `(() => { document.querySelector('button[value="write"]').click(); return true })()`)
	for i := 0; s.count(`select count(*) from workloads`) != 2; i++ {
		if i == 100 {
			t.Fatal("the import is not written")
		}
		eval[bool](e, `new Promise(done => setTimeout(() => done(true), 50))`)
	}
	e.open("/workloads?sort=due")
	e.judge("workloads")
	e.open("/workloads/pay/retire")
	e.judge("retire")
	e.submit("/workloads/pay/retire", "reason", "Replaced.")
	e.open("/workloads/pay")
	e.judge("retired")
	e.open("/workloads/pay/retire")
	e.judge("bring-back")
	e.open("/workloads/shoes/move")
	e.judge("move")
	e.submit("/workloads/shoes/move", "team", "ledger", "reason", "One team.")
	if n := s.count(`select count(*) from workloads w join teams t on t.id = w.team_id where w.key = 'shoes' and t.key = 'ledger' or w.stage = 'retired'`); n != 2 {
		t.Errorf("%d of 2 acts are stored", n)
	}
	e.open("/dashboard")
	e.judge("dashboard-empty")
	s.dashboardData()
	e.open("/dashboard")
	e.unfold()
	e.judge("dashboard")
}

// dashboardData writes decided reviews of the workload shoes, with a risk in each question.
func (s *site) dashboardData() {
	s.Helper()
	const sql = `
		with r as (
			insert into reviews (id, workload_id, type_key, change_key, change_title, change_ticket, state, core_path, gates_launch, valid_days, signoffs, tier, started_at, closed_at)
			select gen_random_uuid(), w.id, 'new-service', '', '', '', 'closed', false, true, 365, 1, 2, t.at, t.at
			from workloads w, (select $1::timestamptz - i * interval '20 days' as at from generate_series(0, 12) i) t where w.key = 'shoes' returning id, started_at),
		x as (
			insert into rounds (id, review_id, number, state, opened_at, submissions, submitted_by, submitted_at, content, content_sha256)
			select gen_random_uuid(), r.id, 1, 'sealed', r.started_at, 1, p.id, r.started_at, 'x', 'x' from r, (select id from people limit 1) p returning id, opened_at, submitted_by),
		a as (
			insert into answers (round_id, version_id, question_id, position, required, risk)
			select x.id, v.id, q.id, q.n, true, case when q.n % 2 = 0 then 'high' else 'medium' end
			from x, (select id from questionnaire_versions where questionnaire_key = 'orr' limit 1) v, (select id, n from unnest($2::text[]) with ordinality as q(id, n)) q)
		insert into decisions (id, round_id, outcome, reason, decided_by, decided_at, valid_until, content_sha256, seal, seal_sha256)
		select gen_random_uuid(), x.id, (array['go', 'conditional', 'no_go'])[1 + extract(day from x.opened_at)::int % 3], 'x', x.submitted_by,
			x.opened_at + extract(day from x.opened_at) * interval '9 hours', x.opened_at + interval '1 year', 'x', 'x', 'x' from x`
	sets, err := s.Library.Sets(s.Context(), s.DB)
	if err != nil {
		s.Fatal(err)
	}
	var ids []string
	for _, set := range sets {
		if set.Questionnaire.Key == "orr" {
			for _, section := range set.Questionnaire.Sections {
				for _, q := range section.Questions {
					ids = append(ids, q.ID)
				}
			}
		}
	}
	if _, err := s.DB.Exec(s.Context(), sql, s.Clock.now(), ids); err != nil {
		s.Fatal(err)
	}
	if _, err := s.DB.Exec(s.Context(), `insert into round_risks select * from round_risks_now on conflict do nothing`); err != nil { // the rounds above were never submitted
		s.Fatal(err)
	}
}
