package api_test

import (
	"cmp"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"orrery/internal/fault"
	"orrery/internal/identity"
	"orrery/internal/remediation"
	"orrery/internal/review"
	"orrery/internal/tickets"
)

// call is an operation as somebody who may calls it. Reads are made by asha's token, too.
type call struct {
	id     string // of the operation
	method string
	path   string
	body   string // empty: the operation takes none
	scope  string
	hidden string // the same on what an outsider may not see: path, or body for a POST to a fixed path; empty: nothing is restricted
	many   bool   // the list leaves out what is restricted instead
	wants  int    // status of success; 0: 200
	edit   bool   // needs If-Match
	tagAt  string // a GET of it gives the tag; empty: of the same path
	once   bool   // the first answer has a secret, a repeat has none
}

// stage is a house with something of everything.
type stage struct {
	*house
	review, hidden review.Review
	item, secret   remediation.Item
	question       string // questionnaire/question of the item
	runOf          map[string]string
}

func newStage(t *testing.T) *stage {
	s := &stage{house: newHouse(t, 1_000_000)}
	s.review, s.hidden = s.start("payments"), s.start("secret")
	for _, r := range []review.Review{s.review, s.hidden} {
		s.answer(r, false)
		s.must(s.reviews.Submit(t.Context(), s.asha, s.submission(r)))
		s.must(s.reviews.Withdraw(t.Context(), s.asha, r.ID))
	}
	s.item, s.secret = s.itemOf("payments"), s.itemOf("secret")
	s.question = s.item.CauseKey
	return s
}

// submission gives every high an owner.
func (s *stage) submission(r review.Review) review.SubmitInput {
	s.Helper()
	in := review.SubmitInput{ReviewID: r.ID, Steps: map[string]review.FirstStep{}}
	sheet, err := s.reviews.Sheet(s.Context(), s.asha, r.ID)
	s.must(nil, err)
	for _, e := range sheet.Highs() {
		in.Steps[e.Key()] = review.FirstStep{OwnerID: s.asha.PersonID.String(), DueOn: "2026-12-18"}
	}
	return in
}

func (s *stage) itemOf(workload string) remediation.Item {
	s.Helper()
	items, _, err := s.items.List(s.Context(), s.asha, remediation.Filter{WorkloadKey: workload})
	s.must(nil, err)
	if len(items) == 0 {
		s.Fatalf("%s has no items", workload)
	}
	return items[0]
}

// ask asks for an acceptance and returns its id.
func (s *stage) ask(workload string) string {
	s.Helper()
	id, err := s.reviews.AskAcceptance(s.Context(), s.asha, workload, s.question, remediation.AskInput{Reason: "Later.", Control: "We watch.", Until: "2026-12-04"})
	s.must(nil, err)
	return id.String()
}

// run starts a run and returns its id.
func (s *stage) run(workload string) string {
	s.Helper()
	r := s.send(http.MethodPost, "/api/v1/workloads/"+workload+"/runs", s.tokenFor("asha", identity.WriteEvidence), "")
	return s.member(r, "id")
}

func (s *stage) member(r reply, name string) string {
	s.Helper()
	var body map[string]any
	if r.status >= 300 || json.Unmarshal([]byte(r.body), &body) != nil {
		s.Fatalf("%d %s", r.status, r.body)
	}
	text, _ := body[name].(string)
	return text
}

const ownSet = "key: ours\\nname: Ours\\nversion: 1.0.0\\nsections:\\n  - id: one\\n    name: One\\n    questions:\\n      - id: alpha\\n        title: Do you?\\n        max_risk: high\\n        choices:\\n          - {id: alpha_yes, title: \\\"Yes\\\", weight: core}\\n          - {id: alpha_no, title: None of these}\\n"

// calls lists every operation.
func (s *stage) calls() []call {
	const v1, linked = "/api/v1", "/tickets/servicenow/CHG-1"
	read := func(id, path, hidden string) call {
		return call{id: id, method: http.MethodGet, path: v1 + path, hidden: hidden, scope: identity.ReadReviews}
	}
	many := func(id, path string) call {
		c := read(id, path, "")
		c.many = true
		return c
	}
	rev, hid := "/reviews/"+s.review.ID.String(), v1+"/reviews/"+s.hidden.ID.String()
	person := s.asha.PersonID.String()
	post := func(id, path, hidden, scope, body string, wants int) call {
		return call{id: id, method: http.MethodPost, path: v1 + path, hidden: hidden, scope: scope, body: body, wants: wants}
	}
	return slices.Concat(s.incidentCalls(read, many, post), s.webhookCalls(post), s.factCalls(read, post), []call{
		read("get-launch-gate", "/workloads/payments/launch", v1+"/workloads/secret/launch"),
		many("list-workloads", "/workloads"), read("get-workload", "/workloads/payments", v1+"/workloads/secret"),
		post("create-workload", "/workloads", "", identity.WriteWorkloads, `{"key":"fresh","name":"Fresh","team":"ledger","tier":2}`, 201),
		{id: "change-workload", method: http.MethodPatch, path: v1 + "/workloads/payments", hidden: v1 + "/workloads/secret", scope: identity.WriteWorkloads, body: `{"description":"Moves money."}`, edit: true},
		many("list-reviews", "/reviews?state=all"), read("get-review", rev, hid),
		post("start-review", "/workloads/payments/reviews", v1+"/workloads/secret/reviews", identity.WriteAnswers, `{"type":"major-change","change":{"key":"CHG-1","title":"A change","ticket":null}}`, 201),
		read("list-sign-offs", rev+"/sign-offs", hid+"/sign-offs"), read("list-decisions", rev+"/decisions", hid+"/decisions"),
		read("compare-rounds", rev+"/comparison", hid+"/comparison"),
		read("list-answers", rev+"/answers", hid+"/answers"), read("get-answer", rev+"/answers/"+s.question, hid+"/answers/"+s.question),
		{id: "save-answer", method: http.MethodPut, path: v1 + rev + "/answers/" + s.question, hidden: hid + "/answers/" + s.question, scope: identity.WriteAnswers, body: `{"unknown":true,"notes":"We asked around."}`, edit: true},
		post("ask-report", rev+"/reports", hid+"/reports", identity.ReadReviews, `{"options":"readout"}`, 202),
		read("get-report", "/reports/"+s.runOf["report"], ""), read("get-report-file", "/reports/"+s.runOf["report"]+"/file", ""),
		read("list-comments", "/comments?on=item&id="+s.item.ID.String(), v1+"/comments?on=item&id="+s.secret.ID.String()),
		post("write-comment", "/comments", `{"on":"item","id":"`+s.secret.ID.String()+`","body":"Hm."}`, identity.WriteAnswers, `{"on":"item","id":"`+s.item.ID.String()+`","body":"Half of it is done."}`, 201),
		many("list-items", "/items"), read("get-item", "/items/"+s.item.ID.String(), v1+"/items/"+s.secret.ID.String()),
		post("open-item", "/workloads/payments/items", v1+"/workloads/secret/items", identity.WriteItems, `{"title":"Rehearse the restore","risk":"medium","owner":"`+person+`","due_on":"2026-12-18"}`, 201),
		{id: "change-item", method: http.MethodPatch, path: v1 + "/items/" + s.item.ID.String(), hidden: v1 + "/items/" + s.secret.ID.String(), scope: identity.WriteItems, body: `{"state":"in_progress"}`, edit: true},
		post("ask-acceptance", "/workloads/payments/acceptances", v1+"/workloads/secret/acceptances", identity.WriteItems, `{"question":"`+s.question+`","reason":"Later.","control":"We watch.","until":"2026-12-04"}`, 201),
		read("list-tickets", "/items/"+s.item.ID.String()+"/tickets", v1+"/items/"+s.secret.ID.String()+"/tickets"),
		read("get-ticket", "/items/"+s.item.ID.String()+linked, v1+"/items/"+s.secret.ID.String()+linked),
		{id: "put-ticket", method: http.MethodPut, path: v1 + "/items/" + s.item.ID.String() + linked, hidden: v1 + "/items/" + s.secret.ID.String() + linked, scope: identity.WriteItems, body: `{"url":"https://now.example.com/CHG-1","status":"Approved"}`, edit: true},
		{id: "remove-ticket", method: http.MethodDelete, path: v1 + "/items/" + s.item.ID.String() + linked, hidden: v1 + "/items/" + s.secret.ID.String() + linked, scope: identity.WriteItems, wants: 204, edit: true},
		many("list-acceptances", "/acceptances?view=all"), read("get-acceptance", "/acceptances/"+s.runOf["acceptance"], v1+"/acceptances/"+s.runOf["hidden acceptance"]),
		{id: "withdraw-acceptance", method: http.MethodPatch, path: v1 + "/acceptances/" + s.runOf["acceptance"], hidden: v1 + "/acceptances/" + s.runOf["hidden acceptance"], scope: identity.WriteItems, body: `{"state":"withdrawn"}`, edit: true},
		read("list-verdicts", "/workloads/payments/verdicts", v1+"/workloads/secret/verdicts"),
		post("start-run", "/workloads/payments/runs", v1+"/workloads/secret/runs", identity.WriteEvidence, "", 202),
		read("get-run", "/runs/"+s.runOf["run"], v1+"/runs/"+s.runOf["hidden run"]),
		read("list-questionnaires", "/questionnaires", ""), read("get-questionnaire", "/questionnaires/orr", ""), read("list-versions", "/questionnaires/orr/versions", ""),
		read("get-version", "/questionnaires/orr/versions/"+s.runOf["version"], ""), read("lint-version", "/questionnaires/orr/versions/"+s.runOf["version"]+"/findings", ""),
		read("export-version", "/questionnaires/orr/versions/"+s.runOf["version"]+"/file?format=aws", ""),
		post("check-questionnaire", "/questionnaire-checks", "", identity.WriteQuestionnaires, `{"name":"ours.yaml","content":"`+ownSet+`"}`, 200),
		post("import-questionnaire", "/questionnaires", "", identity.WriteQuestionnaires, `{"name":"ours.yaml","content":"`+ownSet+`"}`, 201),
		read("list-review-types", "/review-types", ""), read("get-review-type", "/review-types/new-service", ""),
		read("list-people", "/people", ""), read("get-person", "/people/"+person, ""), read("list-teams", "/teams", ""), read("get-team", "/teams/ledger", ""),
		{id: "list-acts", method: http.MethodGet, path: v1 + "/audit", scope: identity.ScopeAudit},
	})
}

// prepare makes what only some calls need.
func (s *stage) prepare() {
	s.Helper()
	s.runOf = map[string]string{}
	s.runOf["hidden acceptance"] = s.ask("secret")
	s.runOf["run"], s.runOf["hidden run"] = s.run("payments"), s.run("secret")
	one := s.send(http.MethodGet, "/api/v1/questionnaires/orr/versions", s.team, "")
	var page struct{ Data []struct{ Version string } }
	s.must(nil, json.Unmarshal([]byte(one.body), &page))
	s.runOf["version"] = page.Data[0].Version
	s.runOf["acceptance"] = s.runOf["hidden acceptance"] // of this one only the team knows
	for _, it := range []remediation.Item{s.item, s.secret} {
		s.must(s.tickets.Put(s.Context(), s.asha, it.ID, 0, tickets.Outside{System: "servicenow", Key: "CHG-1", URL: "https://now.example.com/CHG-1"}))
	}
	s.prepareMore()
}

// spec is what the API says of itself.
type spec struct {
	OpenAPI string
	Paths   map[string]map[string]described
}

type described struct {
	OperationID string
	Security    []map[string][]string
	Parameters  []struct {
		Name, In string
		Required bool
		Schema   map[string]any
	}
	RequestBody struct {
		Content map[string]struct{ Schema map[string]any }
	}
	Responses map[string]any
}

func (h *house) spec() (s spec) {
	h.Helper()
	r := h.get("/api/openapi.json")
	h.must(nil, json.Unmarshal([]byte(r.body), &s))
	return s
}

// operations lists what is described, by id.
func (s spec) operations() map[string]described {
	all := map[string]described{}
	for _, methods := range s.Paths {
		for _, op := range methods {
			all[op.OperationID] = op
		}
	}
	return all
}

func TestEveryOperation(t *testing.T) {
	s := newStage(t)
	s.prepare()
	described := s.spec().operations()
	outsider := s.tokenFor("ada", slices.Collect(func(yield func(string) bool) {
		for _, one := range identity.Scopes() {
			if !yield(one.Name) {
				return
			}
		}
	})...)
	seen := map[string]bool{}
	for _, c := range s.calls() {
		op, ok := described[c.id]
		seen[c.id] = true
		t.Run(c.id, func(t *testing.T) {
			h := *s.house
			h.T = t
			if !ok || op.Security[0]["token"][0] != c.scope {
				t.Fatalf("described as %+v", op)
			}
			c.refusals(&h, outsider)
			c.succeeds(&h, op)
		})
	}
	for id := range described {
		if !seen[id] {
			t.Errorf("no test calls %s", id)
		}
	}
}

// refusals are no token, a token without the scope, what is restricted, and bad input.
func (c call) refusals(h *house, outsider string) {
	h.Helper()
	full := h.tokenFor("asha", c.scope, identity.ReadReviews)
	h.send(c.method, c.path, "", c.body).problem(http.StatusUnauthorized, "")
	h.send(c.method, c.path, h.allBut("asha", c.scope), c.body).problem(http.StatusForbidden, "lacks the scope "+c.scope)
	switch {
	case c.many:
		if r := h.send(c.method, c.path, outsider, ""); r.status != http.StatusOK || strings.Contains(r.body, "secret") {
			h.Errorf("an outsider's list: %d %s", r.status, r.body)
		}
	case strings.HasPrefix(c.hidden, "{"):
		h.send(c.method, c.path, outsider, c.hidden).problem(http.StatusNotFound, "")
	case c.hidden != "":
		h.send(c.method, c.hidden, outsider, c.body, "If-Match", "*").problem(http.StatusNotFound, "")
	}
	sep := "?"
	if strings.Contains(c.path, "?") {
		sep = "&"
	}
	h.send(c.method, c.path+sep+"nonsense=1", full, c.body).problem(http.StatusUnprocessableEntity, "nonsense")
	if c.body != "" {
		h.send(c.method, c.path, full, "{", "If-Match", "*").problem(http.StatusBadRequest, "")
		h.send(c.method, c.path, full, `{"nonsense":1,`+c.body[1:], "If-Match", "*").problem(http.StatusUnprocessableEntity, `"/nonsense"`)
		h.send(c.method, c.path, full, "", "Content-Type", "application/json", "If-Match", "*").problem(http.StatusBadRequest, "")
		h.send(c.method, c.path, full, "x=1", "Content-Type", "text/plain", "If-Match", "*").problem(http.StatusUnsupportedMediaType, "")
	}
}

// succeeds makes the call and what follows from it: tags, and repeats.
func (c call) succeeds(h *house, op described) {
	h.Helper()
	full := h.tokenFor("asha", c.scope, identity.ReadReviews)
	wants := max(c.wants, http.StatusOK)
	if c.method == http.MethodGet {
		r := h.send(c.method, c.path, full, "")
		r.ok(wants, op)
		again := h.send(c.method, c.path, full, "", "If-None-Match", r.header.Get("ETag"))
		if r.header.Get("ETag") == "" || again.status != http.StatusNotModified || again.body != "" {
			h.Errorf("tag %q, then %d %s", r.header.Get("ETag"), again.status, again.body)
		}
		return
	}
	if c.id == "check-questionnaire" {
		h.send(c.method, c.path, full, c.body).ok(wants, op)
		return
	}
	key := []string{"Idempotency-Key", c.id + " 1"}
	if c.edit {
		h.send(c.method, c.path, full, c.body).problem(http.StatusPreconditionRequired, "If-Match")
		h.send(c.method, c.path, full, c.body, "If-Match", `"0123"`).problem(http.StatusPreconditionFailed, "Somebody changed this")
		key = append(key, "If-Match", h.send(http.MethodGet, c.tagPath(), h.tokenFor("asha", c.scope, identity.ReadReviews), "").header.Get("ETag"))
	}
	if c.method == http.MethodDelete {
		c.removes(h, full, key)
		return
	}
	before := h.acts()
	first := h.send(c.method, c.path, full, c.body, key...)
	first.ok(wants, op)
	made := h.acts()
	if made == before {
		h.Error("nothing was recorded")
	}
	again := h.send(c.method, c.path, full, c.body, key...)
	again.ok(wants, op)
	if c.once && (!strings.Contains(first.body, `"secret":"`) || strings.Contains(again.body, `"secret":"`)) {
		h.Errorf("a secret that is shown once: %s\n%s", first.body, again.body)
	}
	if h.acts() != made || again.header.Get("Idempotency-Replayed") != "true" || !c.once && again.body != first.body {
		h.Errorf("a repeat is a second act: %s\n%s", again.body, first.body)
	}
	if c.body != "" {
		h.send(c.method, c.path, full, " "+c.body, key...).problem(http.StatusUnprocessableEntity, "used for another request")
	}
	if c.edit {
		h.send(c.method, c.path, full, c.body, "If-Match", key[3]).problem(http.StatusPreconditionFailed, "Somebody changed this")
		if tag := h.send(http.MethodGet, c.tagPath(), full, "").header.Get("ETag"); tag != first.header.Get("ETag") {
			h.Errorf("the tag of the change is %s, of the resource %s", first.header.Get("ETag"), tag)
		}
	}
}

func (c call) tagPath() string { return cmp.Or(c.tagAt, c.path) }

// removes takes away what the call names, once.
func (c call) removes(h *house, full string, key []string) {
	h.Helper()
	before := h.acts()
	for _, replayed := range []string{"", "true"} {
		r := h.send(c.method, c.path, full, "", key...)
		if r.status != http.StatusNoContent || r.body != "" || r.header.Get("Idempotency-Replayed") != replayed {
			h.Errorf("removed: %d %q, replayed %q", r.status, r.body, r.header.Get("Idempotency-Replayed"))
		}
	}
	if made := h.acts(); made != before+1 {
		h.Errorf("%d acts", made-before)
	}
	h.send(c.method, c.path, full, "", "If-Match", "*").problem(http.StatusNotFound, "")
}

// ok wants a success that is described.
func (r reply) ok(status int, op described) {
	r.Helper()
	file := r.header.Get("Content-Type") == "application/pdf" && strings.HasPrefix(r.body, "%PDF-")
	if _, known := op.Responses[strconv.Itoa(status)]; !known || r.status != status || !file && !json.Valid([]byte(r.body)) {
		r.Fatalf("got %d %s, want %d", r.status, r.body, status)
	}
	if r.header.Get("RateLimit-Limit") == "" {
		r.Error("no limits of rate")
	}
	if file {
		return
	}
	var body map[string]any
	r.must(nil, json.Unmarshal([]byte(r.body), &body))
	if data, is := body["data"].([]any); is && len(data) > 0 {
		body, _ = data[0].(map[string]any)
	}
	if link, is := body["html_url"].(string); is && !strings.HasPrefix(link, "https://orrery.test/") {
		r.Errorf("html_url %q", link)
	}
}

// acts counts the audit records.
func (h *house) acts() (n int) {
	h.Helper()
	h.must(nil, h.db.QueryRow(h.Context(), `select count(*) from audit_records`).Scan(&n))
	return n
}

// TestSpecIsTheRoutes compares the description with the routes, both ways.
func TestSpecIsTheRoutes(t *testing.T) {
	h := newHouse(t, 0)
	routes := map[string]bool{}
	for _, r := range h.api.Routes() {
		routes[r] = true
	}
	spec := map[string]bool{}
	for path, methods := range h.spec().Paths {
		for method := range methods {
			spec[strings.ToUpper(method)+" "+path] = true
		}
	}
	if !maps.Equal(routes, spec) {
		t.Errorf("routes %v\nspec %v", routes, spec)
	}
}

func TestAServiceSaysNotThatHighsAreMended(t *testing.T) {
	s := newStage(t)
	_, secret, err := s.identity.CreateServiceTokenFor(t.Context(), "ledger", "tickets", []string{identity.ReadReviews, identity.WriteItems}, 24*time.Hour)
	s.must(nil, err)
	id := "/api/v1/items/" + s.item.ID.String()
	s.send(http.MethodPatch, id, secret, `{"state":"done","resolution":"Closed."}`, "If-Match", "*").problem(http.StatusForbidden, "A service does neither")
	if r := s.send(http.MethodPatch, id, secret, `{"state":"in_progress"}`, "If-Match", "*"); r.status != http.StatusOK {
		t.Errorf("%d %s", r.status, r.body)
	}
	if r := s.send(http.MethodGet, "/api/v1/items/"+s.secret.ID.String(), secret, ""); r.status != http.StatusOK {
		t.Errorf("a service on its own restricted workload: %d", r.status)
	}
}

func TestATokenNeverJudges(t *testing.T) {
	s := newStage(t)
	full := s.tokenFor("noor", identity.ReadReviews, identity.WriteItems, identity.WriteAnswers)
	id := "/api/v1/items/" + s.item.ID.String()
	team := s.tokenFor("asha", identity.ReadReviews, identity.WriteItems)
	done := s.send(http.MethodPatch, id, team, `{"state":"done","resolution":"Mended."}`, "If-Match", "*")
	if done.status != http.StatusOK {
		t.Fatalf("done: %d %s", done.status, done.body)
	}
	s.send(http.MethodPatch, id, full, `{"state":"verified"}`, "If-Match", "*").problem(http.StatusForbidden, "token")
	token := s.noor
	token.TokenID, token.Scopes = s.item.ID, []string{identity.WriteAnswers, identity.WriteItems, "admin", "write"}
	for name, err := range map[string]error{
		"sign off": s.reviews.SignOff(t.Context(), token, review.SignOffInput{ReviewID: s.review.ID, Voice: review.Agree}),
		"decide": func() error {
			_, err := s.reviews.Decide(t.Context(), token, review.DecideInput{ReviewID: s.review.ID, Outcome: review.Go})
			return err
		}(),
	} {
		if !fault.Is(err, fault.Forbidden) && !fault.Is(err, fault.Conflict) {
			t.Errorf("%s by token: %v", name, err)
		}
	}
}
