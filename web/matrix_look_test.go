package web_test

import (
	"strings"
	"testing"
)

// TestEveryPageIsAccessible opens every page there is an address for, as one who gets through,
// and lets axe look at it in both themes at two widths. Files and redirects are none.
func TestEveryPageIsAccessible(t *testing.T) {
	h := newHouse(t)
	eyes := map[string]*eye{}
	looked := 0
	for _, route := range h.routes() {
		method, pattern, _ := strings.Cut(route, " ")
		if method != "GET" || asksForNothing(route) {
			continue
		}
		role := h.viewer(route)
		path := h.places[0].address(pattern)
		if a := h.browsers[role].get(path); a.Status != 200 || !strings.HasPrefix(a.Header.Get("Content-Type"), "text/html") || !strings.Contains(a.Body, "<html") {
			continue
		}
		if eyes[role] == nil {
			eyes[role] = h.look(h.browsers[role])
		}
		eyes[role].open(path)
		eyes[role].unfold()
		eyes[role].judge(strings.NewReplacer("/", "_", "{", "", "}", "").Replace(strings.TrimPrefix(pattern, "/")))
		looked++
	}
	if looked < 45 {
		t.Errorf("looked at %d pages only", looked)
	}
	t.Logf("%d pages", looked)
}

// viewer is who sees most of a page.
func (h *house) viewer(route string) string {
	rule, _ := ruleOf(route)
	for _, role := range []string{"lead", "admin", "curator", "approver", "auditor"} {
		if rule.lets(role, "own") {
			return role
		}
	}
	return "lead"
}
