package webhook_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"orrery/internal/audit"
)

// TestDocsListEveryEvent compares docs/webhooks.md with the closed list.
func TestDocsListEveryEvent(t *testing.T) {
	page, err := os.ReadFile("../../docs/webhooks.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(page), "| Type | What happened |\n|---|---|\n")
	var want strings.Builder
	last := ""
	for _, e := range audit.EventTypes() {
		fmt.Fprintf(&want, "| `%s` | %s |\n", e.Type, e.Says)
		if e.Type <= last || !audit.IsEvent(e.Type) {
			t.Errorf("%s is out of order", e.Type)
		}
		last = e.Type
	}
	if table != want.String() {
		t.Errorf("docs/webhooks.md lists\n%s\nwant\n%s", table, want.String())
	}
}
