package views

import (
	"io"
	"os"
	"testing"
	"time"

	"github.com/google/uuid"

	"orrery/internal/questionnaire"
	"orrery/web/views/ui"
)

func TestMinutesInWords(t *testing.T) {
	for minutes, want := range map[int]string{0: "", -5: "", 45: "45 min", 60: "1 h", 180: "3 h", 150: "2 h 30 min"} {
		if got := minutesWords(minutes); got != want {
			t.Errorf("%d: %q", minutes, got)
		}
	}
}

func TestTiersInWords(t *testing.T) {
	for want, tiers := range map[string][]int{"tier 1": {1}, "tiers 1 and 2": {1, 2}, "tiers 1, 2 and 3": {1, 2, 3}} {
		if got := tierWords(tiers); got != want {
			t.Errorf("%v: %q", tiers, got)
		}
	}
}

func TestHTTPLink(t *testing.T) {
	for address, want := range map[string]string{
		"https://example.org/a b": "https://example.org/a%20b", " https://example.org ": "https://example.org",
		"": "", "javascript:alert(1)": "", "/local": "", "ftp://example.org": "", "https://": "", "http://[": "",
	} {
		if got := httpLink(address); got != want {
			t.Errorf("%q: %q", address, got)
		}
	}
}

// BenchmarkQuestionnaire renders the page of the Operational Readiness Review.
func BenchmarkQuestionnaire(b *testing.B) {
	source, err := os.ReadFile("../../questionnaires/orr.yaml")
	if err != nil {
		b.Fatal(err)
	}
	set, err := questionnaire.Parse("orr.yaml", source)
	if err != nil {
		b.Fatal(err)
	}
	v := questionnaire.Published{ID: uuid.New(), Key: set.Key, Version: set.Version, PublishedAt: time.Now()}
	p := QuestionnairePage{Set: set, Version: v, Versions: []questionnaire.Published{v}, Origin: questionnaire.Shipped}
	b.ReportAllocs()
	for b.Loop() {
		if err := Questionnaire(ui.Page{Title: set.Name}, p).Render(b.Context(), io.Discard); err != nil {
			b.Fatal(err)
		}
	}
}
