package web

import (
	"encoding/csv"
	"net/http"
	"strconv"
	"strings"
	"time"

	"orrery/internal/portfolio"
	"orrery/internal/text"
)

// csvWriter answers with a file of RFC 4180: the first row names the columns.
func (v *visit) csvWriter(name string, columns ...string) *csv.Writer {
	h := v.w.Header()
	h.Set("Content-Type", "text/csv; charset=utf-8; header=present")
	h.Set("Content-Disposition", `attachment; filename="`+name+`"`)
	h.Set("Cache-Control", "no-store")
	w := csv.NewWriter(v.w)
	w.UseCRLF = true
	_ = w.Write(columns) // the writer keeps its error until it is asked
	return w
}

var workloadColumns = []string{
	"key", "name", "team", "tier", "stage", "restricted", "launch_on", "decision", "decided_at", "valid_until", "next_review_due",
	"open_review", "open_review_state", "highs", "overdue", "evidence_read_at", "acceptances_ending",
}

// workloadCSV streams the whole list under the filter of the address.
func workloadCSV(v *visit) error {
	var w *csv.Writer
	err := v.Portfolio.EachWorkload(v.ctx(), v.who, readWorkloadFilter(v.r.URL.Query()), func(lines []portfolio.Line) error {
		if w == nil {
			w = v.csvWriter("workloads.csv", workloadColumns...)
		}
		for _, l := range lines {
			_ = w.Write(workloadCells(l, v.Now()))
		}
		w.Flush()
		if err := w.Error(); err != nil {
			return err
		}
		_ = http.NewResponseController(v.w).Flush()
		return nil
	})
	if w != nil {
		return ignoreGone(v, err) // half the file is out, and no page can follow it
	}
	return err
}

func workloadCells(l portfolio.Line, now time.Time) []string {
	decision := l.Outcome
	if l.Ended(now) {
		decision += " (ended)"
	}
	open := ""
	if l.OpenState != "" {
		open = strings.TrimSuffix(l.OpenType+", "+l.OpenChange, ", ")
	}
	cells := []string{
		l.Key, l.Name, l.TeamKey, strconv.Itoa(l.Tier), l.Stage, strconv.FormatBool(l.Restricted), csvDay(l.LaunchOn), decision,
		csvTime(l.DecidedAt), csvTime(l.ValidUntil), csvDay(l.ReviewDue), open, l.OpenState, strconv.Itoa(l.Highs), strconv.Itoa(l.Overdue), csvTime(l.Collected),
		strconv.Itoa(l.AcceptancesEnding),
	}
	for i := range cells {
		cells[i] = text.Cell(cells[i])
	}
	return cells
}

func csvDay(t *time.Time) string {
	if t == nil {
		return ""
	}
	return t.UTC().Format(time.DateOnly)
}

func csvTime(t *time.Time) string {
	if t == nil {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}
