package api_test

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"testing"

	"orrery/internal/evidence"
	"orrery/internal/identity"
	"orrery/internal/incident"
	"orrery/internal/report"
	"orrery/internal/webhook"
)

// prepareMore makes incidents, lessons and webhooks.
func (s *stage) prepareMore() {
	s.Helper()
	ctx := s.Context()
	for name, key := range map[string]string{"": "payments", "hidden ": "secret"} {
		i, err := s.incidents.Create(ctx, s.asha, incident.Input{Title: "It failed in " + key, Severity: "2", Workloads: []string{key}})
		s.must(nil, err)
		l, err := s.incidents.Propose(ctx, s.asha, i.ID, incident.LessonInput{
			Title: "Look for drift in " + key, Failure: "Drift.", Kind: incident.NewQuestion, Proposal: "How do you find drift?", MaxRisk: "high",
			Practices: []incident.Practice{{Title: "We compare daily.", Effect: incident.Prevented}},
		})
		s.must(nil, err)
		s.runOf[name+"incident"], s.runOf[name+"lesson"] = i.ID.String(), l.ID.String()
	}
	for name, key := range map[string]string{"": "payments", "hidden ": "secret"} {
		w, err := s.workloads.ByKey(ctx, s.asha, key)
		s.must(nil, err)
		s.must(nil, s.facts.Report(ctx, s.asha, w.ID, []evidence.OwnInput{{Source: "own:pipeline", Key: "drill", State: "pass", Title: "It was done.", ObservedAt: s.clock}}))
		own, _, err := s.facts.Own(ctx, s.asha, w.ID, evidence.OwnFilter{})
		s.must(nil, err)
		s.runOf[name+"fact"] = own[0].ID.String()
	}
	o, err := s.reports.Ask(ctx, s.asha, s.review.ID, report.Wish{Extent: report.ReadoutOnly})
	s.must(nil, err)
	s.must(nil, s.reports.Make(ctx, o.ID, false))
	s.runOf["report"] = o.ID.String()
	for _, name := range []string{"webhook", "dropped webhook"} {
		e, _, err := s.webhooks.Create(ctx, s.asha, webhook.Input{Name: name, URL: "https://example.com/in", On: true})
		s.must(nil, err)
		s.runOf[name] = e.ID.String()
		s.must(nil, s.webhooks.SendTest(ctx, s.asha, e.ID))
	}
	s.must(s.db.Exec(ctx, `update webhook_deliveries set state = 'failed', ended_at = made_at`))
	var id string
	s.must(nil, s.db.QueryRow(ctx, `select id::text from webhook_deliveries where endpoint_id = $1::uuid`, s.runOf["webhook"]).Scan(&id))
	s.runOf["delivery"] = id
}

// factCalls are the operations of facts that programs report.
func (s *stage) factCalls(read maker, post func(id, path, hidden, scope, body string, wants int) call) []call {
	const v1 = "/api/v1"
	at, hid := "/facts/"+s.runOf["fact"], v1+"/facts/"+s.runOf["hidden fact"]
	return []call{
		post("report-facts", "/workloads/payments/facts", v1+"/workloads/secret/facts", identity.WriteEvidence,
			`{"facts":[{"source":"own:pipeline","key":"load_test","state":"pass","title":"It held 900 requests a second.","observed_at":"2026-11-20T11:00:00Z","document":{"rps":900}}]}`, 200),
		read("list-facts", "/workloads/payments/facts", v1+"/workloads/secret/facts"), read("get-fact", at, hid),
		{id: "remove-fact", method: http.MethodDelete, path: v1 + at, hidden: hid, scope: identity.WriteEvidence, wants: 204, edit: true},
	}
}

type maker = func(id, path, hidden string) call

// incidentCalls are the operations of incidents and lessons.
func (s *stage) incidentCalls(read maker, many func(id, path string) call, post func(id, path, hidden, scope, body string, wants int) call) []call {
	const v1 = "/api/v1"
	inc, hid := "/incidents/"+s.runOf["incident"], v1+"/incidents/"+s.runOf["hidden incident"]
	les, low := "/lessons/"+s.runOf["lesson"], v1+"/lessons/"+s.runOf["hidden lesson"]
	return []call{
		many("list-incidents", "/incidents"), read("get-incident", inc, hid),
		post("create-incident", "/incidents", `{"title":"It failed","severity":2,"workloads":["secret"]}`, identity.WriteIncidents,
			`{"title":"It failed","severity":2,"workloads":["payments"],"started_at":"2026-11-19T23:30:10+02:00","causes":["Drift."]}`, 201),
		{id: "change-incident", method: http.MethodPatch, path: v1 + inc, hidden: hid, scope: identity.WriteIncidents, body: `{"summary":"It failed for an hour."}`, edit: true},
		post("add-action", inc+"/actions", hid+"/actions", identity.WriteIncidents, `{"title":"Mend it.","workload":"payments","owner":"`+s.asha.PersonID.String()+`","due_on":"2026-12-18"}`, 201),
		many("list-lessons", "/lessons"), read("get-lesson", les, low),
		post("propose-lesson", inc+"/lessons", hid+"/lessons", identity.WriteIncidents,
			`{"title":"Watch it","failure":"Nobody saw.","kind":"question","proposal":"Who watches?","max_risk":"medium","tiers":[1,2],"practices":[{"title":"An alarm.","effect":"shortened"}]}`, 201),
		{id: "change-lesson", method: http.MethodPatch, path: v1 + les, hidden: low, scope: identity.WriteIncidents, body: `{"why":"It came back."}`, edit: true},
		{id: "judge-lesson", method: http.MethodPost, path: v1 + les + "/judgement", hidden: low + "/judgement", tagAt: v1 + les, scope: identity.WriteQuestionnaires, body: `{"outcome":"accepted","due_days":14}`, edit: true},
	}
}

// webhookCalls are the operations of webhooks, which only admins see.
func (s *stage) webhookCalls(post func(id, path, hidden, scope, body string, wants int) call) []call {
	const v1 = "/api/v1"
	at, drop := v1+"/webhooks/"+s.runOf["webhook"], v1+"/webhooks/"+s.runOf["dropped webhook"]
	read := func(id, path string) call {
		return call{id: id, method: http.MethodGet, path: path, scope: identity.WriteWebhooks}
	}
	made := post("create-webhook", "/webhooks", "", identity.WriteWebhooks, `{"name":"Board","url":"https://example.com/board","events":["item.opened"]}`, 201)
	made.once = true
	return []call{
		read("list-webhooks", v1+"/webhooks"), made, read("get-webhook", at), read("list-deliveries", at+"/deliveries?state=failed"), read("get-delivery", v1+"/deliveries/"+s.runOf["delivery"]),
		{id: "replay-delivery", method: http.MethodPost, path: v1 + "/deliveries/" + s.runOf["delivery"] + "/replay", scope: identity.WriteWebhooks, wants: 202},
		{id: "test-webhook", method: http.MethodPost, path: at + "/tests", scope: identity.WriteWebhooks, wants: 202},
		{id: "replay-webhook", method: http.MethodPost, path: drop + "/replays", scope: identity.WriteWebhooks, body: `{"since":"2026-11-01T00:00:00Z"}`, wants: 202},
		{id: "change-webhook", method: http.MethodPatch, path: at, scope: identity.WriteWebhooks, body: `{"state":"off","events":[]}`, edit: true},
		{id: "rotate-webhook-secret", method: http.MethodPost, path: at + "/secret", tagAt: at, scope: identity.WriteWebhooks, edit: true, once: true},
		{id: "delete-webhook", method: http.MethodDelete, path: drop, scope: identity.WriteWebhooks, wants: 204, edit: true},
	}
}

func TestATicketIsLinkedOnce(t *testing.T) {
	s := newStage(t)
	full := s.tokenFor("asha", identity.ReadReviews, identity.WriteItems)
	at := "/api/v1/items/" + s.item.ID.String() + "/tickets"
	one := at + "/jira-dc/acme%2FPAY%231"
	for i, want := range []int{http.StatusCreated, http.StatusOK, http.StatusOK} {
		if r := s.send(http.MethodPut, one, full, `{"url":"https://jira.example.com/PAY-1"}`); r.status != want || !strings.Contains(r.body, `"key":"acme/PAY#1"`) {
			t.Errorf("%d: %d %s", i, r.status, r.body)
		}
	}
	s.send(http.MethodPut, one, full, `{"url":"https://jira.example.com/PAY-1","status":"Done"}`).problem(http.StatusPreconditionRequired, "If-Match")
	s.send(http.MethodPut, at+"/jira-dc/PAY-2", full, `{"url":"https://jira.example.com/PAY-2"}`, "If-Match", "*").problem(http.StatusPreconditionFailed, "Leave If-Match out")
	s.send(http.MethodPut, at+"/Jira%20DC/PAY-2", full, `{"url":"https://jira.example.com/PAY-2"}`).problem(http.StatusUnprocessableEntity, "small letters")
	s.send(http.MethodPut, at+"/jira-dc/PAY-2", full, `{"url":"javascript:alert(1)"}`).problem(http.StatusUnprocessableEntity, `"/url"`)
	s.must(nil, s.tickets.LinkByHand(t.Context(), s.asha, s.item.ID, "By hand", "https://example.com/1"))
	var page struct {
		Data []struct {
			System, Key string
			Followed    bool
		}
	}
	s.must(nil, json.Unmarshal([]byte(s.send(http.MethodGet, at, s.team, "").body), &page))
	if len(page.Data) != 2 || page.Data[0].System != "jira-dc" || page.Data[1].System != "other" || page.Data[1].Followed {
		t.Errorf("%+v", page.Data)
	}
	tag := s.send(http.MethodGet, one, s.team, "").header.Get("ETag")
	ended := `{"url":"https://jira.example.com/PAY-1","status":"` + strings.Repeat("x", 200) + `","closed":true}`
	var all sync.WaitGroup
	for range 2 { // twice at once: both say the same, and neither is a conflict
		all.Go(func() {
			if r := s.send(http.MethodPut, one, full, ended, "If-Match", tag); r.status != http.StatusOK && r.status != http.StatusPreconditionFailed {
				t.Errorf("twice: %d %s", r.status, r.body)
			}
		})
		all.Go(func() {
			if r := s.send(http.MethodPut, at+"/jira-dc/PAY-3", full, `{"url":"https://jira.example.com/PAY-3"}`); r.status/100 != 2 {
				t.Errorf("made twice: %d %s", r.status, r.body)
			}
		})
	}
	all.Wait()
	if r := s.send(http.MethodGet, one, s.team, ""); !strings.Contains(r.body, `"closed":true`) || !strings.Contains(r.body, strings.Repeat("x", 200)+`"`) {
		t.Errorf("ended: %s", r.body)
	}
	if _, err := s.db.Exec(t.Context(), `insert into trackers (id, kind, name, url, project, account, issue_type, token, hook_secret, active, made_at)
		values ($1, 'jira', 'Jira', 'https://jira.example.com', 'PAY', '', '', '', '', true, now())`, s.item.ID); err != nil {
		t.Fatal(err)
	}
	s.must(nil, s.tickets.Create(t.Context(), s.asha, s.item.ID, s.item.ID))
	var keyless string
	s.must(nil, s.db.QueryRow(t.Context(), `select id from ticket_links where key = ''`).Scan(&keyless))
	if r := s.send(http.MethodGet, at+"/jira/"+keyless, s.team, ""); s.member(r, "id") != keyless {
		t.Errorf("without a key: %d %s", r.status, r.body)
	}
	if r := s.send(http.MethodDelete, at+"/jira/"+keyless, full, "", "If-Match", "*"); r.status != http.StatusNoContent {
		t.Errorf("without a key, removed: %d %s", r.status, r.body)
	}
	if r := s.send(http.MethodDelete, at+"/other/by%20hand", full, "", "If-Match", "*"); r.status != http.StatusNoContent {
		t.Errorf("removed: %d %s", r.status, r.body)
	}
}

func TestAnIncidentIsClosedAndOpened(t *testing.T) {
	s := newStage(t)
	full := s.tokenFor("asha", identity.ReadReviews, identity.WriteIncidents)
	made := s.send(http.MethodPost, "/api/v1/incidents", full, `{"title":"It failed","severity":2,"workloads":["payments"],"started_at":"2026-11-19T23:30:10+02:00"}`)
	at := "/api/v1/incidents/" + s.member(made, "id")
	if got := s.member(made, "started_at"); got != "2026-11-19T21:30:00Z" || made.header.Get("Location") != at {
		t.Errorf("started %s, at %s", got, made.header.Get("Location"))
	}
	patch := func(body string) reply { return s.send(http.MethodPatch, at, full, body, "If-Match", "*") }
	patch(`{"state":"closed"}`).problem(http.StatusUnprocessableEntity, `"/detected_at"`)
	patch(`{"state":"closed","title":"x"}`).problem(http.StatusUnprocessableEntity, `"/state"`)
	patch(`{"resolved_at":"yesterday"}`).problem(http.StatusUnprocessableEntity, `"/resolved_at"`)
	s.send(http.MethodGet, at, s.token, "").problem(http.StatusNotFound, "") // a draft is the team's
	for _, body := range []string{
		`{"summary":"S.","impact":"I.","detected_at":"2026-11-19T22:00:00Z","mitigated_at":"2026-11-19T22:10:00Z","resolved_at":"2026-11-19T22:20:00Z","causes":["Drift."]}`, `{"state":"closed"}`,
	} {
		if r := patch(body); r.status != http.StatusOK {
			t.Fatalf("%s: %d %s", body, r.status, r.body)
		}
	}
	if r := s.send(http.MethodGet, at, s.token, ""); r.status != http.StatusOK || s.member(r, "state") != "closed" {
		t.Errorf("closed, for everyone: %d %s", r.status, r.body)
	}
	patch(`{"title":"Other"}`).problem(http.StatusConflict, "Open it again")
	if r := patch(`{"state":"draft"}`); s.member(r, "state") != "draft" {
		t.Errorf("opened: %s", r.body)
	}
}

func TestWhoMayUseWebhooksAndLessons(t *testing.T) {
	s := newStage(t)
	s.prepare()
	noor := s.tokenFor("noor", identity.ReadReviews, identity.WriteWebhooks, identity.WriteQuestionnaires, identity.WriteIncidents)
	at := "/api/v1/webhooks/" + s.runOf["webhook"]
	s.send(http.MethodGet, "/api/v1/webhooks", noor, "").problem(http.StatusForbidden, "Only an admin")
	s.send(http.MethodPost, "/api/v1/webhooks", noor, `{"name":"x","url":"https://example.com"}`).problem(http.StatusForbidden, "Only an admin")
	s.send(http.MethodDelete, at, noor, "", "If-Match", "*").problem(http.StatusForbidden, "Only an admin")
	s.send(http.MethodPost, at+"/secret", noor, "", "If-Match", "*").problem(http.StatusForbidden, "Only an admin")
	s.send(http.MethodPost, "/api/v1/lessons/"+s.runOf["hidden lesson"]+"/judgement", noor, `{"outcome":"declined","reason":"x"}`, "If-Match", "*").problem(http.StatusNotFound, "")
	asha := s.tokenFor("asha", identity.ReadReviews, identity.WriteWebhooks, identity.WriteQuestionnaires)
	judge := "/api/v1/lessons/" + s.runOf["lesson"] + "/judgement"
	s.send(http.MethodPost, judge, asha, `{"outcome":"declined"}`, "If-Match", "*").problem(http.StatusUnprocessableEntity, `"/reason"`)
	s.send(http.MethodPost, judge, asha, `{"outcome":"merged","into":"`+s.runOf["lesson"]+`"}`, "If-Match", "*").problem(http.StatusUnprocessableEntity, `"/into"`)
	s.send(http.MethodPost, judge, asha, `{"outcome":"accepted","questionnaire":"orr"}`, "If-Match", "*").problem(http.StatusUnprocessableEntity, "")
	if r := s.send(http.MethodPost, judge, asha, `{"outcome":"accepted"}`, "If-Match", "*"); s.member(r, "asked_as") == "" {
		t.Errorf("accepted: %s", r.body)
	}
	hidden := "/api/v1/lessons/" + s.runOf["hidden lesson"]
	if r := s.send(http.MethodPost, hidden+"/judgement", asha, `{"outcome":"accepted"}`, "If-Match", "*"); s.member(r, "incident") != s.runOf["hidden incident"] {
		t.Errorf("accepted: %s", r.body)
	}
	if r := s.send(http.MethodGet, hidden, s.token, ""); r.status != http.StatusOK || !strings.Contains(r.body, `"incident":null`) || strings.Contains(r.body, s.runOf["hidden incident"]) {
		t.Errorf("a lesson of what is restricted: %d %s", r.status, r.body)
	}
	s.send(http.MethodPost, judge, noor, `{"outcome":"declined","reason":"x"}`, "If-Match", "*").problem(http.StatusForbidden, "Only a curator")
	s.send(http.MethodPatch, "/api/v1/lessons/"+s.runOf["lesson"], noor, `{"why":"x"}`, "If-Match", "*").problem(http.StatusForbidden, "Only who proposed")
	s.send(http.MethodPatch, at, asha, `{"events":["nonsense"]}`, "If-Match", "*").problem(http.StatusUnprocessableEntity, "events from the list")
	s.send(http.MethodPost, "/api/v1/deliveries/"+s.runOf["delivery"]+"/replay", asha, "", "Idempotency-Key", "1")
	s.send(http.MethodPost, "/api/v1/deliveries/"+s.runOf["delivery"]+"/replay", asha, "").problem(http.StatusConflict, "tried by itself")
}

// TestOneRotationForOneETag gives one new secret to who asks twice with what they read.
func TestOneRotationForOneETag(t *testing.T) {
	s := newStage(t)
	s.prepare()
	asha := s.tokenFor("asha", identity.ReadReviews, identity.WriteWebhooks)
	at := "/api/v1/webhooks/" + s.runOf["webhook"]
	for n := range 2 { // also while two secrets sign
		tag := s.send(http.MethodGet, at, asha, "").header.Get("ETag")
		if r := s.send(http.MethodPost, at+"/secret", asha, "", "If-Match", tag); !strings.HasPrefix(s.member(r, "secret"), "whsec_") {
			t.Errorf("%d: %d %s", n, r.status, r.body)
		}
		s.send(http.MethodPost, at+"/secret", asha, "", "If-Match", tag).problem(http.StatusPreconditionFailed, "Somebody changed this")
	}
}

// TestAJoinedRunIsRemembered repeats a request that was given a run of somebody else, after its end.
func TestAJoinedRunIsRemembered(t *testing.T) {
	s := newStage(t)
	asha := s.tokenFor("asha", identity.WriteEvidence)
	start := func(key string) string {
		t.Helper()
		return s.member(s.send(http.MethodPost, "/api/v1/workloads/payments/runs", asha, "", "Idempotency-Key", key), "id")
	}
	run := start("first")
	if joined := start("second"); joined != run {
		t.Errorf("two runs of a workload at once: %s and %s", run, joined)
	}
	s.must(s.db.Exec(t.Context(), `update runs set state = 'failed', finished_at = now() where id = $1`, run))
	if again := start("second"); again != run {
		t.Errorf("a repeat of what was given %s started %s", run, again)
	}
	if next := start("third"); next == run {
		t.Error("a run that ended was given to a new request")
	}
}

func TestAnItemByHand(t *testing.T) {
	s := newStage(t)
	full := s.tokenFor("asha", identity.ReadReviews, identity.WriteItems)
	const at = "/api/v1/workloads/payments/items"
	made := s.send(http.MethodPost, at, full, `{"title":"Rehearse the restore","detail":"At night.","risk":"medium","owner":"`+s.asha.PersonID.String()+`"}`, "Idempotency-Key", "by hand")
	id := s.member(made, "id")
	if made.status != http.StatusCreated || made.header.Get("Location") != "/api/v1/items/"+id || !strings.Contains(made.body, `"kind":"manual"`) {
		t.Errorf("%d %v %s", made.status, made.header, made.body)
	}
	s.send(http.MethodPost, at, full, `{"title":" ","risk":"medium","owner":"x"}`).problem(http.StatusUnprocessableEntity, `"/owner"`)
	s.send(http.MethodPost, at, full, `{"title":"Late","risk":"medium","owner":"`+s.asha.PersonID.String()+`","due_on":"2026-11-19"}`).problem(http.StatusUnprocessableEntity, "is past")
	s.send(http.MethodPost, at, s.tokenFor("noor", identity.WriteItems), `{"title":"Mine","risk":"medium","owner":"`+s.asha.PersonID.String()+`"}`).problem(http.StatusForbidden, "")
	one := "/api/v1/items/" + id
	s.send(http.MethodPatch, one, full, `{"due_on":"2020-01-01"}`, "If-Match", "*").problem(http.StatusUnprocessableEntity, `"/due_on"`)
	for _, body := range []string{`{"owner":null}`, `{"owner":null,"state":"in_progress"}`} {
		if r := s.send(http.MethodPatch, one, full, body, "If-Match", "*"); r.status != http.StatusOK || !strings.Contains(r.body, `"owner":null`) {
			t.Errorf("in the queue: %d %s", r.status, r.body)
		}
	}
	if r := s.send(http.MethodPatch, one, full, `{"owner":"`+s.asha.PersonID.String()+`"}`, "If-Match", "*"); r.status != http.StatusOK || strings.Contains(r.body, `"owner":null`) {
		t.Errorf("out of the queue: %d %s", r.status, r.body)
	}
	s.send(http.MethodPatch, one, full, `{"owner":null,"state":"done","resolution":"Rehearsed."}`, "If-Match", "*").problem(http.StatusUnprocessableEntity, `"/owner"`)
}

func TestPointersNameMembers(t *testing.T) {
	s := newStage(t)
	s.prepare()
	full := s.tokenFor("asha", identity.ReadReviews, identity.WriteIncidents, identity.WriteWebhooks, identity.WriteWorkloads, identity.WriteAnswers, identity.WriteQuestionnaires)
	incident := "/api/v1/incidents/" + s.runOf["incident"]
	for _, one := range []struct{ method, path, body, pointer string }{
		{http.MethodPost, "/api/v1/webhooks", `{"name":"A","url":"https://example.com/in","events":["nonsense"]}`, "/events"},
		{http.MethodPost, incident + "/actions", `{"title":"","workload":"payments"}`, "/title"},
		{http.MethodPost, incident + "/lessons", `{"title":"A","failure":"B","kind":"question","proposal":"C?","max_risk":"high"}`, "/practices/0"},
		{http.MethodPost, incident + "/lessons", `{"title":"A","failure":"B","kind":"question","proposal":"C?","max_risk":"high","practices":[{"title":"D","url":"x","effect":"prevented"}]}`, "/practices/0/url"},
		{http.MethodPatch, incident, `{"related":[{"incident":"nonsense","why":""}]}`, "/related/0/incident"},
		{http.MethodPost, "/api/v1/workloads", `{"key":"aa","name":"A","team":"ledger","tier":3,"production":{"accounts":["1"],"regions":["eu-west-1"]}}`, "/production/accounts"},
		{http.MethodPost, "/api/v1/workloads/payments/reviews", `{"type":"major-change","change":{"key":"a b","title":"T","ticket":null}}`, "/change/key"},
	} {
		s.send(one.method, one.path, full, one.body, "If-Match", "*").problem(http.StatusUnprocessableEntity, `"pointer":"`+one.pointer+`"`)
	}
}

func TestWhatIsNoListOfThis(t *testing.T) {
	s := newStage(t)
	full := s.tokenFor("asha", identity.ReadReviews, identity.ScopeAudit)
	empty := base64.RawURLEncoding.EncodeToString([]byte(`{}`))
	for _, at := range []string{
		"/workloads?after=eyJzIjoibmFtZSJ9", "/workloads?after=" + empty, "/reviews?after=" + empty, "/items?after=" + empty, "/acceptances?after=" + empty, "/audit?after=" + empty,
		"/people?after=" + empty, "/workloads/payments/facts?after=" + base64.RawURLEncoding.EncodeToString([]byte(`["","","",""]`)), "/review-types?after=" + empty,
	} {
		s.send(http.MethodGet, "/api/v1"+at, full, "").problem(http.StatusUnprocessableEntity, "query.after")
	}
	s.send(http.MethodGet, "/api/v1/workloads?limit=2&limit=3", full, "").problem(http.StatusUnprocessableEntity, "more than once")
	s.send(http.MethodGet, "/api/v1/acceptances?workload=%FF", full, "").problem(http.StatusUnprocessableEntity, "is no text")
	s.send(http.MethodGet, "/api/v1/audit?target_id=a%00", full, "").problem(http.StatusUnprocessableEntity, "is no text")
	for _, at := range []string{"/workloads", "/reviews?state=all", "/items", "/audit", "/people"} {
		seen, next := 0, "https://orrery.test/api/v1"+at
		for next != "" {
			sep := "?"
			if strings.Contains(next, "?") {
				sep = "&"
			}
			if seen == 0 {
				next += sep + "limit=1"
			}
			var page struct {
				Data []any
				Next string
			}
			r := s.send(http.MethodGet, strings.TrimPrefix(next, "https://orrery.test"), full, "")
			s.must(nil, json.Unmarshal([]byte(r.body), &page))
			if len(page.Data) != 1 {
				t.Fatalf("%s: %d %s", next, r.status, r.body)
			}
			next = page.Next
			if seen++; seen == 4 {
				break
			}
		}
		if seen < 2 {
			t.Errorf("%s has %d pages", at, seen)
		}
	}
}

func TestOtherMethods(t *testing.T) {
	s := newHouse(t, 0)
	for at, allow := range map[string]string{"/api/v1/workloads": "GET, POST, HEAD", "/api/v1/items/x": "GET, PATCH, HEAD", "/api/v1/items/x/tickets/jira/A%2F1": "GET, PUT, DELETE, HEAD", "/api/v1/questionnaire-checks": "POST"} {
		for _, method := range []string{http.MethodTrace, http.MethodOptions} {
			r := s.send(method, at, s.token, "")
			r.problem(http.StatusMethodNotAllowed, method)
			if r.header.Get("Allow") != allow {
				t.Errorf("%s: Allow %q, want %q", at, r.header.Get("Allow"), allow)
			}
		}
	}
	for _, at := range []string{"/api/v1/nonsense", "/api/openapi-3.0.json"} {
		s.send(http.MethodGet, at, s.token, "").problem(http.StatusNotFound, "no such address")
		s.send(http.MethodGet, at, "", "").problem(http.StatusUnauthorized, "")
	}
}
