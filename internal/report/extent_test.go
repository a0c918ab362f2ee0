package report

import (
	"bytes"
	"encoding/csv"
	"io"
	"slices"
	"strings"
	"testing"

	"orrery/internal/report/tagged/taggedtest"
	"orrery/internal/review"
)

func TestExtents(t *testing.T) {
	in := decided()
	in.Extent = ReadoutOnly
	f := pdf(t, in)
	if len(f.Pages) != 1 {
		t.Errorf("the readout is on %d pages", len(f.Pages))
	}
	if f.Info["Title"] != "Payments: New service review, round 2, readout" {
		t.Errorf("the title is %q", f.Info["Title"])
	}
	text := said(f)
	wantSaid(t, text, "Conditional go", "5 open highs, with owner and due date", contentSum, sealSum)
	if strings.Contains(text, "Drill on") || strings.Contains(text, "More under") {
		t.Error("the readout says more than itself")
	}

	in.Extent = RisksOnly
	f = pdf(t, in)
	text = said(f)
	wantSaid(t, text, "Risk by section", "5 open highs", "3 mediums", "Not ticked: A restore is timed against the recovery objective.", "First step: Ask Platform for a recovery account",
		"Evidence against answers", "Sara Lind", "1 Dec 2026", "About this document", contentSum)
	for _, absent := range []string{"Contents", "Who may delete data?", "Drill on", "Decision record"} {
		if strings.Contains(text, absent) && absent != "Contents" || slices.ContainsFunc(f.Root.All("H2"), func(h *taggedtest.Element) bool { return flat(h.Text()) == absent }) {
			t.Errorf("the risks say %q", absent)
		}
	}
	if f.Info["Title"] != "Payments: New service review, round 2, risks" {
		t.Errorf("the title is %q", f.Info["Title"])
	}

	long := long(60)
	long.Extent = ReadoutOnly
	wantSaid(t, said(pdf(t, long)), "more in the full report.")
	for _, extent := range []Extent{ReadoutOnly, RisksOnly} {
		in := Input{State: "draft", Extent: extent}
		pdf(t, in)
		for _, s := range hostileTexts {
			in := hostile(s)
			in.Extent = extent
			pdf(t, in)
		}
	}
}

func TestParseExtent(t *testing.T) {
	for in, want := range map[string]Extent{"": Full, "full": Full, "readout": ReadoutOnly, "risks": RisksOnly} {
		if got, ok := ParseExtent(in); !ok || got != want {
			t.Errorf("%q is %q, %v", in, got, ok)
		}
	}
	if _, ok := ParseExtent("Full"); ok {
		t.Error("Full is taken")
	}
}

// rows writes a table and reads it back.
func rows(t *testing.T, write func(io.Writer, Input) error, in Input) [][]string {
	t.Helper()
	var b bytes.Buffer
	if err := write(&b, in); err != nil {
		t.Fatal(err)
	}
	if strings.Count(b.String(), "\r\n") < 1 {
		t.Error("lines do not end in CR LF")
	}
	list, err := csv.NewReader(&b).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// The header is a promise: columns are added at the end and never moved.
func TestTables(t *testing.T) {
	in := decided()
	const round = "workload,review_type,change,round,state,content_sha256,"
	for name, c := range map[string]struct {
		write  func(io.Writer, Input) error
		header string
		rows   int
		has    string
	}{
		"answers": {AnswersCSV, round + "questionnaire,section,question,title,required,risk,explanation,answer,ticked,not_ticked,not_applicable,notes,answered_by,answered_at,evidence,evidence_against", 15,
			"orr|Operations|OPS06|Who is on call: 山田太郎, محمد الأمين, Łukasz Żółć, Ελένη Παπαδοπούλου, Ольга?|yes|none|All choices are ticked.|answered|Restores are rehearsed"},
		"risks": {RisksCSV, round + "questionnaire,section,question,title,risk,explanation,missing,first_steps,owner,due_on,item_state,evidence_against,accepted_until,accepted_by", 8,
			"|Sara Lind|2026-12-01|in_progress|yes||"},
		"items": {ItemsCSV, round + "item,title,cause,risk,timing,owner,due_on,item_state", 5, "4|Rollback starts without a person.|condition|high|before_launch|Mika Laine|2026-12-01|done"},
	} {
		got := rows(t, c.write, in)
		if strings.Join(got[0], ",") != c.header {
			t.Errorf("%s: the header is %s", name, strings.Join(got[0], ","))
		}
		if len(got) != c.rows+1 {
			t.Errorf("%s: %d rows, want %d", name, len(got)-1, c.rows)
		}
		if !slices.ContainsFunc(got, func(row []string) bool { return strings.Contains(strings.Join(row, "|"), c.has) }) {
			t.Errorf("%s: no row has %q: %q", name, c.has, got[1:])
		}
		for _, row := range got[1:] {
			if strings.Join(row[:6], "|") != "payments|new-service|CHG-4471|2|sealed|"+contentSum {
				t.Errorf("%s: a row belongs to %q", name, row[:6])
			}
		}
	}
}

func TestRisksSayWhatIsAccepted(t *testing.T) {
	in := decided()
	in.Seal.Acceptances = []review.SnapshotAcceptance{
		{Question: "orr/REL11", State: "granted", Until: "2027-03-01", GrantedBy: "Noor Haddad"}, {Question: "orr/SEC04", State: "asked", Until: "2027-04-01"},
	}
	for _, row := range rows(t, RisksCSV, in)[1:] {
		want := "|"
		if row[8] == "REL11" {
			want = "2027-03-01|Noor Haddad"
		}
		if got := strings.Join(row[len(row)-2:], "|"); got != want {
			t.Errorf("%s is accepted %q, want %q", row[8], got, want)
		}
	}
}

func TestTablesComputeNothing(t *testing.T) {
	for _, s := range append(hostileTexts, "=1+1", "@SUM(A1)", "+1", "-1", "\t=1", "\r=1", " =1", "\ufeff=1", "＝1") {
		for _, write := range []func(io.Writer, Input) error{AnswersCSV, RisksCSV, ItemsCSV} {
			for _, row := range rows(t, write, hostile(s))[1:] {
				for _, cell := range row {
					if cell != "" && strings.ContainsAny(strings.TrimLeft(cell, " ")[:min(1, len(strings.TrimLeft(cell, " ")))], "=+-@\t\r\n") {
						t.Errorf("a cell begins a formula: %.40q", cell)
					}
				}
			}
		}
	}
}

func TestAFailingWriterOfATableIsReported(t *testing.T) {
	if err := AnswersCSV(brokenWriter{}, decided()); err == nil {
		t.Error("no error")
	}
}
