package web_test

import (
	"encoding/csv"
	"net/http"
	"strings"
	"testing"

	"orrery/internal/review"
)

// rows reads a table as RFC 4180 has it.
func (a answer) rows() [][]string {
	a.Helper()
	list, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(a.Body, "\ufeff"))).ReadAll()
	if err != nil {
		a.Fatalf("%s: %v", a.Asked, err)
	}
	return list
}

// column finds the cells under a title.
func column(t *testing.T, rows [][]string, title string) []string {
	t.Helper()
	for i, name := range rows[0] {
		if name == title {
			var cells []string
			for _, row := range rows[1:] {
				cells = append(cells, row[i])
			}
			return cells
		}
	}
	t.Fatalf("no column is called %s: %v", title, rows[0])
	return nil
}

// submitHighs submits the round with Asha as owner of every high.
func (r *reviewed) submitHighs() {
	r.Helper()
	r.read()
	var steps []string
	for _, e := range r.sheet.Highs() {
		steps = append(steps, review.FieldName("owner", e.Key()), r.asha.actor().PersonID.String(), review.FieldName("due_on", e.Key()), "2026-12-24")
	}
	r.asha.post(r.path+"/submit", steps...).leadsTo(r.path)
}

func TestTablesOfARound(t *testing.T) {
	r := newReviewed(t, false)
	r.answerAll(false)
	first := r.sheet.Entries()[0]
	evil := `=HYPERLINK("http://evil.example","Look, here")` + "\nsecond line"
	r.asha.post(r.sheet.QuestionPath(first), append(ticks(first, false)[2:], "version", "1", "notes", evil)...).is(http.StatusSeeOther)
	r.asha.get(r.path + "/answers.csv").is(http.StatusOK).says("draft")
	r.submitHighs()

	answers := r.vera.get(r.path + "/answers.csv?round=1").is(http.StatusOK)
	if got := answers.Header.Get("Content-Disposition"); got != `attachment; filename="payments-new-service-round-1-answers.csv"` {
		t.Errorf("the file is called %s", got)
	}
	if got := answers.Header.Get("Content-Type"); !strings.HasPrefix(got, "text/csv; charset=utf-8") || answers.Header.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("the file is %s", got)
	}
	if !strings.HasPrefix(answers.Body, "workload,review_type,change,round,state,content_sha256,questionnaire,section,question,title,required,risk,") || !strings.Contains(answers.Body, "\r\n") {
		t.Errorf("the table begins %.120q", answers.Body)
	}
	rows := answers.rows()
	if len(rows) != 16 {
		t.Errorf("%d rows for 15 questions and the header", len(rows))
	}
	if got := column(t, rows, "notes")[0]; got != "'"+evil {
		t.Errorf("the notes are %q", got)
	}
	if got := column(t, rows, "state")[0]; got != review.Submitted {
		t.Errorf("the round is %s", got)
	}
	marked := r.vera.get(r.path + "/answers.csv?bom=1").is(http.StatusOK)
	if marked.Body != "\ufeff"+answers.Body {
		t.Error("the mark of UTF-8 is not all that ?bom=1 adds")
	}

	risks := r.vera.get(r.path + "/risks.csv").is(http.StatusOK).rows()
	if len(risks) != 16 || column(t, risks, "owner")[3] != "Asha Rao" || column(t, risks, "due_on")[3] != "2026-12-24" || column(t, risks, "missing")[3] == "" {
		t.Errorf("the risks are %q", risks[min(4, len(risks)-1)])
	}
	items := r.vera.get(r.path + "/items.csv").is(http.StatusOK).rows()
	if len(items) != 16 || column(t, items, "item_state")[0] != "open" {
		t.Errorf("the items are %q", items[len(items)-1])
	}
}

func TestReportsOfLess(t *testing.T) {
	r := newReviewed(t, false)
	r.answerAll(false)
	size := map[string]int{}
	for _, extent := range []string{"", "full", "readout", "risks"} {
		a := r.vera.get(r.path + "/report.pdf?options=" + extent).is(http.StatusOK)
		size[extent] = len(a.Body)
		if extent == "" {
			extent = "full"
		}
		if got := a.Header.Get("Content-Disposition"); got != `attachment; filename="payments-new-service-round-1-`+extent+`.pdf"` {
			t.Errorf("the file is called %s", got)
		}
	}
	if size[""] != size["full"] || size["readout"] >= size["risks"] || size["risks"] >= size["full"] {
		t.Errorf("the reports have %v bytes", size)
	}
	r.vera.get(r.path + "/report.pdf?options=everything").is(http.StatusNotFound)
	r.vera.get(r.path+"/record").says("PDF of round 1", "Answers, CSV of round 1", "The readout, one page").hides("record.json")
}

func TestFilesOfRestrictedRoundsAreNotFound(t *testing.T) {
	r := newReviewed(t, true)
	for _, path := range []string{"/answers.csv", "/risks.csv", "/items.csv", "/report.pdf?options=risks", "/report.pdf?options=readout", "/compare"} {
		r.vera.get(r.path + path).is(http.StatusNotFound).hides("Payments")
		r.noor.get(r.path + path).is(http.StatusOK)
		r.visitor().get(r.path + path).is(http.StatusSeeOther)
	}
	for _, path := range []string{"/answers.csv?round=2", "/risks.csv?round=x", "/items.csv?round=0"} {
		r.asha.get(r.path + path).is(http.StatusNotFound)
	}
}

func TestReportsWithComments(t *testing.T) {
	r := newReviewed(t, true)
	r.noor.post(r.sheet.QuestionPath(r.sheet.Entries()[0])+"/talk", "body", "Is that a restore?").is(http.StatusSeeOther)
	size := func(query string) int {
		t.Helper()
		return len(r.asha.get(r.path + "/report.pdf" + query).is(http.StatusOK).Body)
	}
	if plain, with := size(""), size("?comments=1"); with <= plain || size("?comments=no") != plain {
		t.Errorf("a report has %d bytes without comments and %d with them", plain, with)
	}
	r.asha.get(r.path + "/record").says("with comments")
	r.vera.get(r.path + "/report.pdf?comments=1").is(http.StatusNotFound)
	r.visitor().get(r.path + "/report.pdf?comments=1").is(http.StatusSeeOther)
}
