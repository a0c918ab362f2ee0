package questionnaire_test

import (
	"fmt"
	"testing"
	"time"

	"orrery/internal/postgres/pgtest"
	"orrery/internal/questionnaire"
)

// BenchmarkImport commits the large lens, each time as a new set.
func BenchmarkImport(b *testing.B) {
	data := questionnaire.LargeLens()
	l := questionnaire.NewLibrary(pgtest.New(b), time.Now)
	n := 0
	defer questionnaire.ReportCPU(b)()
	for b.Loop() {
		n++
		if _, err := l.Import(b.Context(), curator, questionnaire.Upload{Name: "large.json", Data: data, Key: fmt.Sprintf("large-%d", n)}); err != nil {
			b.Fatal(err)
		}
	}
}
