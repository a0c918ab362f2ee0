package report

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"orrery/internal/report/tagged/taggedtest"
	"orrery/internal/report/typeset"
	"orrery/internal/review"
)

// pdf prints the input and reads it back, which checks it.
func pdf(t testing.TB, in Input) *taggedtest.File {
	t.Helper()
	var b bytes.Buffer
	if err := PDF(&b, in); err != nil {
		t.Fatal(err)
	}
	return taggedtest.Read(t, b.Bytes())
}

// said is the whole text as it is read aloud, on one line.
func said(f *taggedtest.File) string { return flat(f.Root.Text()) }

func flat(s string) string { return strings.Join(strings.Fields(s), " ") }

func wantSaid(t *testing.T, text string, words ...string) {
	t.Helper()
	for _, w := range words {
		if !strings.Contains(text, w) {
			t.Errorf("the report does not say %q", w)
		}
	}
}

func TestEveryQuestionIsPrintedWhole(t *testing.T) {
	in := decided()
	text := said(pdf(t, in))
	for _, s := range in.Snapshot.Sections {
		wantSaid(t, text, s.Name)
		for _, q := range s.Questions {
			wantSaid(t, text, flat(q.Title), q.Description, q.Why, q.Good, q.ID, q.Explanation, q.Reason)
			for _, c := range q.Choices {
				wantSaid(t, text, c.Title, c.Reason)
			}
			for _, v := range q.Evidence {
				wantSaid(t, text, v.Claim, v.Detail)
				for _, x := range v.Failing {
					wantSaid(t, text, x.Resource, x.Note)
				}
			}
		}
	}
	wantSaid(t, text, "12 passed, 40 failed, 1 not evaluated.", "12 more resources fail. The record keeps the first 2.",
		"As of 19 November 2026, 04:10 UTC.", "Source: Security Hub control Backup.3.", "Never read.", "Mixed, against the answer",
		"Do not know", "First step: Ask Platform", "Not applicable: There is one card network.", "Optional", "Required")
}

func TestTheRecordIsPrintedWhole(t *testing.T) {
	text := said(pdf(t, decided()))
	wantSaid(t, text, "Conditional go", "Decided by Noor Haddad on 20 November 2026. Valid until 20 November 2027.", "Rollback by hand took 22 minutes",
		"3 conditions, with owner and due date", "Failover to the second Region is rehearsed with the provider.", "31 Jan 2027",
		"5 open highs, with owner and due date", "2 checks stand against answers", "Operational readiness 2.1.0, Acme add-on 7.0.0",
		"441022987153, 550133098264, 661244109375", "eu-central-1, eu-west-1", "service=payments", "1, critical", "1 December 2026",
		"Agrees", "Objects", "Two Regions were never lost at once", "From outside the team", "alarm-actions",
		contentSum, sealSum, "https://orrery.example.com/reviews/", "21 November 2026, 14:05 UTC", "CHG-4471", "In progress", "From a condition, before launch")
}

func TestNotesAreSetFromMarkdown(t *testing.T) {
	f := pdf(t, decided())
	text := said(f)
	wantSaid(t, text, "Drill on 30 October restored settlements into recovery-test in 38 minutes.",
		"the drill log (https://wiki.example.com/drills/2026-10?view=full&tab=timeline)", "1. Restore the ledger", "• 5 minutes of data",
		"--metadata file://restore.json", "ledger-dr no never", "[x] Alarms on failed copies", "<script>alert(1)</script>", "ask the manager page the on-call")
	if strings.Contains(text, "**") || strings.Contains(text, "~~") {
		t.Error("Markdown was printed as it was typed")
	}
	var out []string
	for _, link := range f.Root.All("Link") {
		out = append(out, link.Links...)
	}
	for _, want := range []string{"https://wiki.example.com/drills/2026-10?view=full&tab=timeline", "https://status.example.com/history"} {
		if !slices.Contains(out, want) {
			t.Errorf("no link leads to %s", want)
		}
	}
}

func TestTheStructureIsThatOfTheDocument(t *testing.T) {
	in := decided()
	f := pdf(t, in)
	if h := f.Root.All("H1"); len(h) != 1 || flat(h[0].Text()) != "Payments" {
		t.Errorf("there are %d titles", len(h))
	}
	questions, sections := 0, len(in.Snapshot.Sections)
	for _, s := range in.Snapshot.Sections {
		questions += len(s.Questions)
	}
	if got := len(f.Root.All("H3")); got != questions+2 {
		t.Errorf("%d headings of questions, highs and mediums, want %d", got, questions+2)
	}
	if got := len(f.Root.All("Figure")); got != sections {
		t.Errorf("%d bars, want %d", got, sections)
	}
	for i, figure := range f.Root.All("Figure") {
		if !strings.HasPrefix(figure.Alt, in.Snapshot.Sections[i].Name+": ") {
			t.Errorf("a bar is described as %q", figure.Alt)
		}
	}
	if got := f.Root.All("Figure")[0].Alt; got != "Data and recovery: 2 high, 1 no risk found, 1 unanswered" {
		t.Errorf("the first bar is described as %q", got)
	}
	for _, table := range f.Root.All("Table") {
		columns := len(table.Kids[0].Kids)
		for _, row := range table.All("TR") {
			if len(row.Kids) != columns || row.Kids[0].Kind != "TH" {
				t.Errorf("a row of %d cells begins with %s in a table of %d columns", len(row.Kids), row.Kids[0].Kind, columns)
			}
		}
	}
	for _, item := range f.Root.All("LI") {
		if len(item.All("Lbl")) == 0 || len(item.All("LBody")) == 0 {
			t.Error("an item of a list has no label or no body")
		}
	}
	if f.Info["Title"] != "Payments: New service review, round 2" || f.Info["Author"] != "Acme" {
		t.Errorf("the document says of itself %q", f.Info)
	}
}

func TestContentsLeadToTheRightPages(t *testing.T) {
	for name, in := range map[string]Input{"decided": decided(), "long": long(60)} {
		f := pdf(t, in)
		pageOf := map[string]int{}
		for _, kind := range []string{"H2", "H3"} {
			for _, h := range f.Root.All(kind) {
				if flat(h.Text()) != "" && pageOf[flat(h.Text())] == 0 {
					pageOf[flat(h.Text())] = h.Pages[0]
				}
			}
		}
		entries := f.Root.All("TOCI")
		if len(entries) < 10 {
			t.Fatalf("%s: %d lines in the contents", name, len(entries))
		}
		for _, entry := range entries {
			link := entry.Kids[0]
			text := flat(link.Text())
			page := pageOfEntry(text, pageOf)
			if page == 0 {
				continue // the line is shortened
			}
			if link.Links[0] != "page "+strconv.Itoa(page) || !strings.HasSuffix(text, strconv.Itoa(page)) {
				t.Errorf("%s: %q leads to %s, the heading is on page %d", name, text, link.Links[0], page)
			}
		}
	}
}

// pageOfEntry finds the heading that a line of the contents begins with.
func pageOfEntry(text string, pageOf map[string]int) int {
	best, page := "", 0
	for heading, at := range pageOf {
		number, title, _ := strings.Cut(heading, " ")
		if strings.HasPrefix(text, heading) || strings.HasPrefix(text, number+title) {
			if len(heading) > len(best) {
				best, page = heading, at
			}
		}
	}
	return page
}

func TestEveryPageSaysWhereItBelongs(t *testing.T) {
	f := pdf(t, decided())
	for i, p := range f.Pages {
		for _, want := range []string{"Payments (payments)", "New service review, round 2", "decided and sealed",
			fmt.Sprintf("Page %d of %d", i+1, len(f.Pages)), "Content " + contentSum[:12], decided().URL + "\n"} {
			if !strings.Contains(p.Artifacts, want) {
				t.Errorf("page %d does not say %q", i+1, want)
			}
		}
		if strings.Contains(p.Artifacts, "DRAFT") || strings.Contains(p.Artifacts, "SAMPLE") {
			t.Errorf("page %d of a record is stamped", i+1)
		}
	}
}

// TestNothingRunsOffThePage measures each piece of text in the regular face, which is the
// narrowest.
func TestNothingRunsOffThePage(t *testing.T) {
	wide := decided()
	for i := range wide.Snapshot.Sections[0].Questions {
		q := &wide.Snapshot.Sections[0].Questions[i]
		q.Choices[0].Weight, q.Choices[1].Title = strings.Repeat("wide", 40), strings.Repeat("W", 300)
		q.Notes = "- " + strings.Repeat("W", 200) + "\n  - " + strings.Repeat("W", 200) + "\n\n`" + strings.Repeat("W", 200) + "`"
	}
	for name, in := range map[string]Input{"decided": decided(), "draft": draft(), "wide": wide} {
		for i, page := range pdf(t, in).Pages {
			for _, run := range page.Runs {
				if run.Size > 60 {
					continue // written across
				}
				style := typeset.Style{Size: run.Size}
				end := run.X + typeset.One(1, typeset.Span{Text: run.Text, Style: style}).Width
				if run.X < pageLeft-1 || end > pageLeft+pageWidth+1 {
					t.Errorf("%s, page %d: %q is set from %.0f to %.0f", name, i+1, run.Text, run.X, end)
				}
				if !run.Artifact && run.Y < 58 || run.Y < 20 || run.Y > paperHeight-20 {
					t.Errorf("%s, page %d: %q is set at a height of %.0f", name, i+1, run.Text, run.Y)
				}
			}
		}
	}
}

func TestDraftsAreUnmistakable(t *testing.T) {
	in := draft()
	f := pdf(t, in)
	for i, p := range f.Pages {
		for _, stamp := range []string{"DRAFT", "SAMPLE DATA"} {
			if strings.Count(p.Artifacts, stamp) != 2 {
				t.Errorf("page %d does not carry %s at its head and across", i+1, stamp)
			}
		}
	}
	wantSaid(t, said(f), "Not decided: draft", "This is a working copy and no record.", "Nobody has signed off.", "Nothing is ticked.",
		"Nobody has answered yet", "No date set", "None in scope", "8 unanswered", "No evidence check bears on this question.")
	if f.Info["Title"] != "Payments: New service review, round 2 (draft)" {
		t.Errorf("the title is %q", f.Info["Title"])
	}
	in.State, in.Sample, in.ContentSHA256 = review.Submitted, false, contentSum
	f = pdf(t, in)
	if strings.Contains(f.Pages[0].Artifacts, "DRAFT") {
		t.Error("a submitted round is stamped as a draft")
	}
	wantSaid(t, said(f), "Not decided: submitted", "this is no permission to launch")
}

func TestASealNeedsItsState(t *testing.T) {
	sealed := decided()
	open := decided()
	open.Seal = nil
	for name, in := range map[string]Input{
		"sealed without a seal": open,
		"draft with a seal":     {State: review.Draft, Seal: sealed.Seal},
		"submitted with a seal": {State: review.Submitted, Seal: sealed.Seal},
		"no state":              {},
		"another state":         {State: "approved"},
	} {
		var b bytes.Buffer
		if err := PDF(&b, in); err == nil || b.Len() > 0 {
			t.Errorf("%s: %v, %d bytes", name, err, b.Len())
		}
	}
}

type brokenWriter struct{}

var errClosed = errors.New("closed")

func (brokenWriter) Write([]byte) (int, error) { return 0, errClosed }

func TestAFailingWriterIsReported(t *testing.T) {
	if err := PDF(brokenWriter{}, draft()); !errors.Is(err, errClosed) {
		t.Errorf("got %v", err)
	}
}

func TestTheSameInputGivesTheSameBytes(t *testing.T) {
	print := func(in Input) []byte {
		var b bytes.Buffer
		if err := PDF(&b, in); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	first := print(decided())
	for range 3 {
		if !bytes.Equal(first, print(decided())) {
			t.Fatal("the bytes differ")
		}
	}
	later := decided()
	later.PrintedAt = later.PrintedAt.Add(time.Minute)
	if bytes.Equal(first, print(later)) {
		t.Error("another time of printing gives the same bytes")
	}
}

func TestLettersThatTheTypefaceLacksCanStillBeCopied(t *testing.T) {
	f := pdf(t, decided())
	text := said(f)
	wantSaid(t, text, "山田太郎", "محمد الأمين", "Łukasz Żółć", "Ελένη Παπαδοπούλου", "Ольга", "\U0001F44D", "李小龙", "[U+202E]gnp.exe[U+202C]")
	if strings.ContainsAny(text, "\u202E\u202C") {
		t.Error("a mark that turns the direction of text was left")
	}
}

func TestTheCoverIsOnePage(t *testing.T) {
	in := long(60)
	for i := range in.Snapshot.Sections {
		for j := range in.Snapshot.Sections[i].Questions {
			q := &in.Snapshot.Sections[i].Questions[j]
			q.Risk, q.Title = "high", strings.Repeat(q.Title+" ", 8)
			q.Evidence = []review.SnapshotVerdict{verdict(*q, "contradicts", true, 3)}
		}
	}
	s := &in.Snapshot
	for i := range 80 {
		s.Workload.Accounts = append(s.Workload.Accounts, fmt.Sprintf("%012d", i))
		s.Workload.Regions = append(s.Workload.Regions, fmt.Sprintf("region-%d", i))
		in.SignOffs = append(in.SignOffs, signOffs()...)
		s.Questionnaires = append(s.Questionnaires, s.Questionnaires[i%2])
	}
	endless := strings.Repeat("Wordswithoutanyspace", 60)
	s.Workload.Name, s.Review.TypeName, s.Review.ChangeKey, s.Workload.Team, s.Organisation = endless, endless, endless, endless, endless
	in.URL = "https://example.com/" + endless
	in.State = review.Sealed
	in.Seal = &review.Seal{SignOffs: in.SignOffs, Decision: review.SealedDecision{Outcome: review.NoGo, Reason: strings.Repeat("Because. ", 500), DecidedBy: endless}}
	for range 40 {
		in.Seal.Decision.Conditions = append(in.Seal.Decision.Conditions, review.SealedCondition{Text: strings.Repeat("Do it. ", 90), Timing: "before_launch"})
	}
	f := pdf(t, in)
	cover := f.Root.Kids[0]
	if pages := pagesOf(cover); len(pages) != 1 || pages[0] != 1 {
		t.Errorf("the cover is on pages %v", pages)
	}
	wantSaid(t, flat(cover.Text()), "40 conditions", "60 open highs", "60 checks stand against answers", "161 sign-offs", "under Decision record.", "under Sign-offs.")
	if next := pagesOf(f.Root.Kids[1]); next[0] != 2 {
		t.Errorf("the first chapter begins on page %d", next[0])
	}
}

// pagesOf lists the pages that an element is on.
func pagesOf(e *taggedtest.Element) []int {
	pages := slices.Clone(e.Pages)
	for _, k := range e.Kids {
		pages = append(pages, pagesOf(k)...)
	}
	slices.Sort(pages)
	return slices.Compact(pages)
}

func TestAReportOfNothingIsStillAReport(t *testing.T) {
	f := pdf(t, Input{State: review.Draft})
	wantSaid(t, said(f), "This round asks no questions.", "Not decided: draft")
}

// hostile replaces every text of an input.
func hostile(s string) Input {
	in := decided()
	in.URL, in.ContentSHA256, in.SealSHA256 = s, s, s
	v := &in.Snapshot
	v.Organisation = s
	v.Workload = review.SnapshotWorkload{ID: s, Key: s, Name: s, Team: s, Stage: s, LaunchOn: s, Accounts: []string{s, s}, Regions: []string{s}, Tags: []string{s}}
	v.Review.TypeName, v.Review.ChangeKey, v.Review.ChangeTitle, v.Review.SubmittedBy, v.Review.SubmittedAt = s, s, s, s, s
	v.Questionnaires[0] = review.SnapshotQuestionnaire{Key: s, Name: s, Version: s, SHA256: s}
	v.Sections = v.Sections[:1]
	v.Sections[0].Name, v.Sections[0].Questionnaire = s, s
	v.Sections[0].Questions = v.Sections[0].Questions[:2]
	q := &v.Sections[0].Questions[0]
	q.ID, q.Title, q.Description, q.Why, q.Good, q.Bring, q.Explanation = s, s, s, s, s, []string{s, s}, s
	q.Reason, q.Notes, q.AnsweredBy, q.AnsweredAt, q.NotApplicable = s, s, s, s, true
	q.Choices[0] = review.SnapshotChoice{ID: s, Title: s, Weight: s, NotApplicable: true, Reason: s, FirstStep: s}
	q.Evidence = []review.SnapshotVerdict{{
		Check: s, Choice: s, Claim: s, Source: s, Key: s, Verdict: s, Against: true, Detail: s, AsOf: s,
		Failing: []review.SnapshotFailing{{Resource: s, Account: s, Region: s, Note: s}},
	}}
	in.Seal.Items = []review.SealedItem{{ID: s, Title: s, Cause: s, Risk: s, Timing: s, Owner: s, DueOn: s, State: s}}
	in.Seal.SignOffs = []review.SealedSignOff{{Person: s, Voice: s, Note: s, SignedAt: s}}
	in.Seal.Decision = review.SealedDecision{
		Outcome: s, Reason: s, DecidedBy: s, DecidedAt: s, ValidUntil: s, Conditions: []review.SealedCondition{{Text: s, Timing: s, Owner: s, DueOn: s}},
	}
	in.Seal.Evidence = []review.SealedNewProof{{Question: s, Check: s, Before: s, Now: s}}
	in.Comments, in.Beside = true, besideOf(s)
	return in
}

var hostileTexts = []string{
	"", " ", "\x01", "\u200b", "\n\n\n", "\x00\x01\x1b[31m", "\xff\xfe\xf0\x28", "(((\\)\\(", "BT ET EMC /P <</MCID 0>> BDC", "endstream endobj",
	"\U0010FFFF\U0001F468\u200D\U0001F469\u200D\U0001F467", "\u202Eabc\u2066", "\uFFFD\uFFFE\uFFFF\uFEFF", "e\u0301\u0301\u0301", "漢字かな交じり文",
	strings.Repeat("> ", 300) + "deep", strings.Repeat("- ", 300) + "deep", strings.Repeat("*", 500), strings.Repeat("[", 500), strings.Repeat("`", 301),
	"| a | b |\n|---|---|\n" + strings.Repeat("| x | "+strings.Repeat("long ", 40)+" |\n", 4), "|" + strings.Repeat("a|", 40) + "\n|" + strings.Repeat("-|", 40) + "\n|" + strings.Repeat("b|", 40),
	strings.Repeat("W", 900), strings.Repeat("word ", 190), strings.Repeat("line\n", 190), "```\n" + strings.Repeat("code\n", 190) + "```",
	"https://example.com/\u202e(\\)漢字?q=\"<>", "[x](javascript:alert(1)) [y](http://[::1) ![z](data:x) <mailto:a@b.c>", "&#x202E;&#0;&bogus;\\*", "\u200b\u00ad\u2028\u2029\u0085",
}

// FuzzPDF puts a text into every field. Its seeds run with the tests.
func FuzzPDF(f *testing.F) {
	for _, s := range hostileTexts {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if len(s) > 1000 {
			return // it is printed some forty times; TestLongTextsAreDividedAmongPages has long ones
		}
		file := pdf(t, hostile(s))
		if pages := pagesOf(file.Root.Kids[0]); len(pages) != 1 {
			t.Errorf("the cover is on pages %v", pages)
		}
		if len(file.Pages) < 3 {
			t.Error("pages are missing")
		}
	})
}

func TestLongTextsAreDividedAmongPages(t *testing.T) {
	in := decided()
	q := &in.Snapshot.Sections[0].Questions[0]
	q.Notes, q.Why = strings.Repeat("word ", 3500)+"lastword", strings.Repeat("W", 3000)
	q.Choices[0].Title, q.Choices[0].Chosen, q.Choices[0].FirstStep = strings.Repeat("choice ", 900)+"lastchoice", false, strings.Repeat("step\n", 200)+"laststep"
	in.Seal.Items[0].Title = strings.Repeat("item ", 600) + "lastitem"
	wantSaid(t, said(pdf(t, in)), "lastword", "lastchoice", "laststep", "lastitem")
}

func TestWordsOfTheRecordAreNotInvented(t *testing.T) {
	if got := riskLabel("surprising"); got.word != "Unanswered" {
		t.Errorf("an unknown risk is %q", got.word)
	}
	if got := verdictLabel("surprising"); got.word != "Cannot tell" {
		t.Errorf("an unknown verdict is %q", got.word)
	}
	for in, want := range map[string]string{"2026-12-01": "1 December 2026", "2026-12-01T23:30:00-02:00": "2 December 2026", "soon": "soon", "": ""} {
		if got := day(in); got != want {
			t.Errorf("day(%q) is %q, want %q", in, got, want)
		}
	}
	if got := listed([]string{"a", "b", "c", "d", "e"}, 3); got != "a, b, c and 2 more" {
		t.Errorf("listed is %q", got)
	}
	if got := sentence("änderung_ok"); got != "Änderung ok" {
		t.Errorf("sentence is %q", got)
	}
	var total tally
	for _, risk := range []string{"high", "unmatched", "medium", "none", "not_applicable", "unanswered", "?"} {
		total.add(risk)
	}
	if got := typeset.Plain(total.words()); got != "2 high, 1 medium, 1 no risk found, 2 unanswered, 1 not applicable" {
		t.Errorf("the tally is %q", got)
	}
}

func benchmark(b *testing.B, n int) {
	in := long(n)
	for b.Loop() {
		if err := PDF(io.Discard, in); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkPDF300QuestionsInJapanese(b *testing.B) {
	in := long(300)
	in.Snapshot.Workload.Name = "決済サービス"
	for i := range in.Snapshot.Sections {
		for j := range in.Snapshot.Sections[i].Questions {
			in.Snapshot.Sections[i].Questions[j].Notes = "復元の訓練は毎月行う。\n\n手順は運用の手引きにある。"
		}
	}
	for b.Loop() {
		if err := PDF(io.Discard, in); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkPDF60Questions(b *testing.B)  { benchmark(b, 60) }
func BenchmarkPDF300Questions(b *testing.B) { benchmark(b, 300) }
