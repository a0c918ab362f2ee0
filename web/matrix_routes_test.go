package web_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/go-chi/chi/v5"

	"orrery/internal/fault"
)

// routeRules says who gets through each route. Pages that list things are open to all who are
// signed in, for each shows what its reader may see; the tests of those lists prove that.
// Whole families that one rule covers stand once, with a star.
var routeRules = map[string]rule{
	"GET /":                                              anyone,
	"GET /dashboard":                                     anyone,
	"GET /acceptances":                                   anyone,
	"GET /acceptances/{id}":                              readers,
	"POST /acceptances/{id}/decline":                     approvers,
	"POST /acceptances/{id}/grant":                       approvers,
	"POST /acceptances/{id}/mend":                        team,
	"POST /acceptances/{id}/revoke":                      approvers,
	"POST /acceptances/{id}/withdraw":                    team,
	"GET /account*":                                      anyone,
	"POST /account*":                                     anyone,
	"GET /audit":                                         auditors,
	"POST /audit/verify":                                 auditors,
	"GET /comments/{id}":                                 readers,
	"GET /comments/{id}/edit":                            unsaid,
	"POST /comments/{id}/edit":                           unsaid,
	"POST /comments/{id}/remove":                         unsaid,
	"GET /files/{id}":                                    readers,
	"POST /files/{id}/remove":                            leads,
	"GET /import*":                                       admins,
	"POST /import*":                                      admins,
	"GET /incidents":                                     anyone,
	"GET /incidents/new":                                 {"lead member", "lead member", "lead member"}, // of any team
	"POST /incidents":                                    team,
	"GET /incidents/{id}":                                readers, // of a closed one
	"GET /incidents/{id}/edit":                           team,
	"POST /incidents/{id}*":                              team,
	"GET /incidents/{id}/lessons/new":                    readers,
	"POST /incidents/{id}/lessons":                       readers,
	"GET /lessons":                                       anyone,
	"GET /lessons/year":                                  anyone,
	"GET /lessons/{id}":                                  lessonReaders,
	"GET /lessons/{id}/edit":                             judges,
	"GET /lessons/{id}/today":                            judges,
	"POST /lessons/{id}*":                                judges,
	"GET /follow-ups/{id}":                               readers,
	"POST /follow-ups/{id}":                              team,
	"GET /items":                                         anyone,
	"GET /items.csv":                                     anyone,
	"POST /items/bulk":                                   team,
	"POST /items/undo":                                   nobody,
	"GET /items/new":                                     team,
	"POST /items/new":                                    team,
	"POST /items/{id}/tickets*":                          team,
	"GET /notices*":                                      anyone,
	"POST /notices*":                                     anyone,
	"GET /settings*":                                     admins,
	"POST /settings*":                                    admins,
	"GET /teams/{key}/chat":                              leadsOrAdmin,
	"POST /teams/{key}/chat":                             leadsOrAdmin,
	"GET /items/{id}":                                    readers,
	"POST /items/{id}":                                   helpers,
	"POST /items/{id}/close":                             leads,
	"GET /items/{id}/talk":                               readers,
	"POST /items/{id}/talk":                              readers,
	"POST /items/{id}/talk/files":                        helpers,
	"POST /mentions/read":                                anyone,
	"GET /people":                                        admins,
	"POST /people*":                                      admins,
	"GET /people/new":                                    admins,
	"GET /people/{id}":                                   anyone,
	"GET /questionnaires":                                anyone,
	"GET /questionnaires/drafts*":                        curators,
	"POST /questionnaires/drafts*":                       curators,
	"GET /questionnaires/import":                         curators,
	"POST /questionnaires/import":                        curators,
	"GET /questionnaires/{key}":                          anyone,
	"GET /questionnaires/{key}/compare":                  anyone,
	"GET /questionnaires/{key}/export*":                  anyone,
	"GET /questionnaires/{key}/marks":                    curators,
	"POST /questionnaires/{key}/marks":                   curators,
	"GET /questionnaires/{key}/q/{question}/mark":        anyone,
	"POST /questionnaires/{key}/q/{question}/mark":       anyone,
	"GET /questionnaires/{key}/q/{question}/off":         curators,
	"POST /questionnaires/{key}/q/{question}/off":        curators,
	"POST /questionnaires/{key}/q/{question}/on":         curators,
	"GET /review-types*":                                 anyone,
	"POST /review-types*":                                curators,
	"GET /reviews":                                       anyone,
	"GET /reviews/{id}*":                                 readers,
	"GET /reviews/{id}/cancel":                           leads,
	"GET /reviews/{id}/decide":                           readers,
	"GET /reviews/{id}/tool":                             insiders,
	"GET /reviews/{id}/upgrade":                          readers,
	"POST /reviews/{id}/assign":                          team,
	"POST /reviews/{id}/cancel":                          leads,
	"POST /reviews/{id}/confirm":                         team,
	"POST /reviews/{id}/decision":                        approvers,
	"POST /reviews/{id}/next-round":                      team,
	"POST /reviews/{id}/plan":                            team,
	"POST /reviews/{id}/revocation":                      approvers,
	"POST /reviews/{id}/sign-off":                        approvers,
	"POST /reviews/{id}/submit":                          team,
	"POST /reviews/{id}/tool":                            team,
	"POST /reviews/{id}/upgrade":                         team,
	"POST /reviews/{id}/withdraw":                        team,
	"POST /reviews/{id}/talk":                            readers,
	"POST /reviews/{id}/talk/files":                      helpers,
	"POST /reviews/{id}/q/{set}/{question}":              team,
	"POST /reviews/{id}/q/{set}/{question}/before":       readers,
	"POST /reviews/{id}/q/{set}/{question}/risk":         readers,
	"POST /reviews/{id}/q/{set}/{question}/talk":         readers,
	"POST /reviews/{id}/q/{set}/{question}/talk/files":   helpers,
	"GET /runs*":                                         readers,
	"GET /teams":                                         anyone,
	"GET /teams/new":                                     admins,
	"GET /teams/{key}":                                   anyone,
	"POST /teams*":                                       admins,
	"GET /teams/{key}/services/new":                      leadsAndAdmins,
	"POST /teams/{key}/services*":                        leadsAndAdmins,
	"POST /threads/{id}/replies":                         readers,
	"POST /threads/{id}/state":                           settlers,
	"GET /workloads":                                     anyone,
	"GET /workloads.csv":                                 anyone,
	"GET /workloads/new":                                 creators,
	"POST /workloads":                                    creators,
	"GET /workloads/{key}":                               readers,
	"GET /workloads/{key}/edit":                          {"lead member approver chief", "chief", "chief"},
	"POST /workloads/{key}/edit":                         {"lead member approver chief", "chief", "chief"},
	"GET /workloads/{key}/acceptances":                   readers,
	"POST /workloads/{key}/acceptances":                  team,
	"GET /workloads/{key}/acceptances/new":               team,
	"POST /workloads/{key}/bring-back":                   leadsOrAdmin,
	"GET /workloads/{key}/move":                          leadsOrAdmin,
	"POST /workloads/{key}/move":                         leadsOrAdmin,
	"GET /workloads/{key}/participants":                  readers,
	"POST /workloads/{key}/participants":                 team,
	"POST /workloads/{key}/participants/{person}/remove": team,
	"GET /workloads/{key}/retire":                        leadsOrAdmin,
	"POST /workloads/{key}/retire":                       leadsOrAdmin,
	"GET /workloads/{key}/elsewhere":                     readers,
	"POST /workloads/{key}/elsewhere":                    teamOrAdmin,
	"POST /workloads/{key}/elsewhere/{id}":               approvers,
	"GET /workloads/{key}/elsewhere/{id}/file":           readers,
	"GET /workloads/{key}/emergency":                     readers,
	"POST /workloads/{key}/emergency":                    approvers,
	"POST /workloads/{key}/emergency/{id}/end":           approvers,
	"GET /workloads/{key}/evidence*":                     readers,
	"POST /workloads/{key}/evidence/runs":                helpers,
	"POST /workloads/{key}/reviews":                      team,
	"GET /workloads/{key}/reviews/new":                   readers,
	"GET /workloads/{key}/reviews/total":                 readers,
	"GET /connections":                                   anyone,
	"GET /connections/new":                               admins,
	"POST /connections/new":                              admins,
	"GET /connections/{id}":                              seers,
	"GET /connections/{id}/edit":                         admins,
	"POST /connections/{id}/edit":                        admins,
	"GET /connections/{id}/test":                         admins,
	"POST /connections/{id}/remove":                      admins,
	"POST /connections/{id}/allow":                       lenders,
	"POST /connections/{id}/disallow":                    lenders,
	"POST /runs/{id}/cancel":                             helpers,
	"GET /workloads/{key}/evidence/changes.csv":          insiders,
	"POST /workloads/{key}/evidence/baseline":            team,
}

// openRoutes have business with people who are not signed in.
var openRoutes = []string{
	"GET /sign-in", "POST /sign-in", "POST /sign-out", "GET /link/{secret}", "POST /link/{secret}", "GET /.well-known/orrery-keys.json", "GET /healthz", "GET /readyz", "GET /version",
	"POST /hooks/{tracker}", "GET /api/docs",
}

// notTried end the session of who asks, or need a person of their own; account_test tries them.
var notTried = []string{"POST /account/sessions/end", "POST /account/sessions/{session}/end"}

// posted is sent to a route so that nothing but rights is in the way.
var posted = map[string]url.Values{
	"POST /reviews/{id}/sign-off":           values("voice", "agree"),
	"POST /reviews/{id}/q/{set}/{question}": values("version", "99", "round", "1"),
	"POST /threads/{id}/state":              values("to", "nowhere"),
	"POST /items/{id}":                      values("version", "99", "state", "verified"),
}

// form is what is posted to the route.
func (p *place) form(route string) url.Values {
	switch route {
	case "POST /items/bulk":
		return values("item", p.item.String(), "act", "due")
	case "POST /items/new":
		return values("workload", p.w.Key)
	case "POST /workloads/{key}/acceptances":
		return values("question", p.entry.Key())
	case "POST /incidents":
		return values("workload", p.w.Key)
	case "POST /workloads/{key}/edit":
		return values("key", p.w.Key, "name", p.w.Name, "team", p.w.TeamKey, "tier", "2", "stage", "live", "version", "99")
	}
	return posted[route]
}

// address fills a pattern with what stands in the column.
func (p *place) address(pattern string) string {
	id := p.review()
	switch {
	case strings.HasPrefix(pattern, "/acceptances"):
		id = p.acceptance
	case strings.HasPrefix(pattern, "/connections"):
		id = p.connection.ID
	case strings.HasPrefix(pattern, "/comments"):
		id = p.comment
	case strings.HasPrefix(pattern, "/files/{id}/remove"):
		id = p.toRemove
	case strings.HasPrefix(pattern, "/files"):
		id = p.file
	case strings.HasPrefix(pattern, "/incidents"):
		id = p.incident
	case strings.HasPrefix(pattern, "/lessons"):
		id = p.lesson
	case strings.HasPrefix(pattern, "/follow-ups"):
		id = p.followUp
	case strings.HasPrefix(pattern, "/items"):
		id = p.item
	case strings.HasPrefix(pattern, "/runs"):
		id = p.run
	case strings.HasPrefix(pattern, "/threads"):
		id = p.thread
	case strings.Contains(pattern, "/elsewhere"):
		id = p.outside
	}
	key := p.w.Key
	if strings.HasPrefix(pattern, "/questionnaires") {
		key = p.entry.Questionnaire
	}
	if strings.HasPrefix(pattern, "/review-types") {
		key = "new-service"
	}
	path := strings.NewReplacer("{id}", id.String(), "{key}", key, "{set}", p.entry.Questionnaire, "{question}", p.entry.Question.ID, "{section}", p.entry.Question.Section,
		"{kind}", "teams", "{format}", "yaml", "{grant}", somebody.String(), "{person}", somebody.String(), "{link}", somebody.String(), "{action}", somebody.String()).Replace(pattern)
	if strings.HasSuffix(pattern, "/acceptances/new") {
		path += "?question=" + url.QueryEscape(p.entry.Key())
	}
	if strings.HasSuffix(pattern, "/items/new") {
		path += "?workload=" + p.w.Key
	}
	if strings.HasSuffix(pattern, "/reviews/total") {
		path += "?type=new-service"
	}
	return path
}

// ruleOf finds the rule of a route: its own, or that of its family.
func ruleOf(route string) (found rule, ok bool) {
	if r, ok := routeRules[route]; ok {
		return r, true
	}
	best := ""
	for family, r := range routeRules {
		if stem, star := strings.CutSuffix(family, "*"); star && strings.HasPrefix(route, stem) && len(stem) > len(best) {
			found, best, ok = r, stem, true
		}
	}
	return found, ok
}

// TestRoleMatrixOfRoutes asks every route as every role in every column. A route without a
// rule fails it, and so does a rule without a route.
func TestRoleMatrixOfRoutes(t *testing.T) {
	h := newHouse(t)
	delete(h.browsers, "token") // tokens are for the API
	routes := h.routes()
	for rule := range routeRules {
		stem, star := strings.CutSuffix(rule, "*")
		if !slices.ContainsFunc(routes, func(r string) bool { return r == rule || star && strings.HasPrefix(r, stem) }) {
			t.Errorf("%s has a rule and is no route", rule)
		}
	}
	for _, route := range routes {
		if slices.Contains(openRoutes, route) || slices.Contains(notTried, route) {
			continue
		}
		if r, ok := ruleOf(route); ok {
			h.ask(route, r)
		} else {
			t.Errorf("%s has no rule", route)
		}
	}
}

// routes are all of them, by address.
func (s *site) routes() []string {
	s.Helper()
	var routes []string
	err := chi.Walk(s.Handler.(chi.Routes), func(method, pattern string, _ http.Handler, _ ...func(http.Handler) http.Handler) error {
		if (method == "GET" || method == "POST") && !strings.Contains(pattern, "*") {
			routes = append(routes, method+" "+pattern)
		}
		return nil
	})
	if err != nil || len(routes) < 100 {
		s.Fatalf("%d routes found, %v", len(routes), err)
	}
	slices.Sort(routes)
	return routes
}

// ask fills the row of a route: those who are refused first, for they change nothing.
func (h *house) ask(route string, r rule) {
	h.Helper()
	method, pattern, _ := strings.Cut(route, " ")
	for _, through := range []bool{false, true} {
		for _, p := range h.places {
			for role, b := range h.browsers {
				if r.lets(role, p.name) == through {
					h.judgeAnswer(route, role, p.name, r, b.ask(method, p.address(pattern), strings.NewReader(p.form(route).Encode()), nil))
				}
			}
			if a := h.visitor().ask(method, p.address(pattern), strings.NewReader(""), nil); !through && a.Status != http.StatusUnauthorized && !strings.HasPrefix(a.Header.Get("Location"), "/sign-in") {
				h.Errorf("%s answers %d to nobody in particular", route, a.Status)
			}
		}
	}
}

func (h *house) judgeAnswer(route, role, column string, r rule, a answer) {
	h.Helper()
	switch {
	case a.Status >= 500:
		h.Errorf("%s, %s, %s: answers %d", route, role, column, a.Status)
	case r.lets(role, column):
		if a.Status == http.StatusForbidden || a.Status == http.StatusUnauthorized || a.Status == http.StatusNotFound && !asksForNothing(route) {
			h.Errorf("%s, %s, %s: is refused with %d: %.150s", route, role, column, a.Status, a.text())
		}
	case a.Status != http.StatusForbidden && a.Status != http.StatusNotFound:
		h.Errorf("%s, %s, %s: is let through with %d", route, role, column, a.Status)
	case a.Status == http.StatusForbidden && r.want("", role, column) == fault.NotFound && strings.Contains(route, "{"):
		h.Errorf("%s, %s, %s: is told that there is such a thing", route, role, column)
	}
}

// asksForNothing are the routes whose address names what does not exist.
func asksForNothing(route string) bool {
	return strings.Contains(route, "{grant}") || strings.Contains(route, "{link}") || strings.Contains(route, "/notices/{id}") || strings.Contains(route, "/settings/") && strings.Contains(route, "{id}") || strings.Contains(route, "{person}") || strings.Contains(route, "/drafts/{id}") || strings.Contains(route, "/tokens/{id}") ||
		strings.Contains(route, "/people/{id}") || strings.Contains(route, " /teams/{key}") || strings.Contains(route, "/emergency/{id}")
}
