package evidence_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"orrery/internal/evidence"
)

// The page for users lists every reason a verdict may carry, in the program's own words.
func TestDocumentedReasons(t *testing.T) {
	var want strings.Builder
	want.WriteString("\n| Code | Source | What it means | What mends it |\n|---|---|---|---|\n")
	for _, r := range evidence.Reasons() {
		mend := r.Mend
		if mend == "" {
			mend = "Nothing is wrong; answer by hand."
		}
		var sources []string
		for _, s := range strings.Split(r.Sources, ", ") {
			if s != "all" {
				s = "`" + s + "`"
			}
			sources = append(sources, s)
		}
		fmt.Fprintf(&want, "| `%s` | %s | %s | %s |\n", r.Code, strings.Join(sources, ", "), r.Means, mend)
	}
	page, err := os.ReadFile("../../docs/evidence.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(page), "<!-- reasons -->")
	table, _, found := strings.Cut(rest, "<!-- /reasons -->")
	if !found || table != want.String() {
		t.Errorf("docs/evidence.md does not list the reasons as they are. Between its marks should stand:\n%s", want.String())
	}
}

func TestReasonsAreWhole(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range evidence.Reasons() {
		if seen[r.Code] || r.Code == "" || r.Sources == "" || !strings.HasSuffix(r.Means, ".") || r.Mend != "" && !strings.HasSuffix(r.Mend, ".") {
			t.Errorf("%+v is listed twice or is not whole", r)
		}
		seen[r.Code] = true
	}
	for _, r := range []evidence.Result{evidence.Partial, evidence.Denied, evidence.Throttled, evidence.Off, evidence.WrongAccount, evidence.Expired, evidence.RegionOff, evidence.Error} {
		if !seen[string(r)] {
			t.Errorf("%s is not explained", r)
		}
	}
}
