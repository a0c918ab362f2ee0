package questionnaire

import (
	"encoding/json"
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"
)

// LargeLens is an AWS custom lens as large as the Well-Architected Framework and about
// 400 kB long: 57 questions in 6 pillars, 5 to 15 choices, and rules as people write them.
func LargeLens() []byte {
	var pillars []any
	next := 0
	for p := range 6 {
		var questions []any
		for range []int{10, 10, 10, 9, 9, 9}[p] {
			questions = append(questions, largeQuestion(next, 5+next*7%11))
			next++
		}
		pillars = append(pillars, map[string]any{"id": fmt.Sprintf("pillar_%d", p), "name": fmt.Sprintf("Pillar number %d", p+1), "questions": questions})
	}
	data, err := json.MarshalIndent(map[string]any{
		"schemaVersion": "2021-11-01", "name": "A large lens", "description": "Made for measuring, as large as the Framework.", "pillars": pillars,
	}, "", "  ")
	if err != nil {
		panic(err)
	}
	return data
}

func largeQuestion(n, choices int) map[string]any {
	id := func(c int) string { return fmt.Sprintf("question_%02d_practice_%02d", n, c) }
	var list []any
	var ids []string
	for c := range choices - 1 {
		ids = append(ids, id(c))
		list = append(list, map[string]any{
			"id": id(c), "title": fmt.Sprintf("We rehearsed case %d of part %d within the last quarter", c, n),
			"helpfulResource": map[string]any{"displayText": strings.Repeat("The rehearsal has a date, an owner and a finding that was mended. ", 2), "url": fmt.Sprintf("https://example.com/%d/%d", n, c)},
			"improvementPlan": map[string]any{"displayText": strings.Repeat("Book the first rehearsal for this week, and write down what is expected. ", 2), "url": fmt.Sprintf("https://example.com/plan/%d/%d", n, c)},
		})
	}
	none := id(choices) + "_no"
	list = append(list, map[string]any{"id": none, "title": "None of these", "improvementPlan": map[string]any{"displayText": "Begin with the first."}})
	half := len(ids) / 2
	guard := " && !" + none
	rules := []any{
		map[string]any{"condition": strings.Join(ids, " && ") + guard, "risk": "NO_RISK"},
		map[string]any{"condition": "(" + strings.Join(ids[:half], " && ") + ")" + guard + " && (" + strings.Join(ids[half:], " || ") + ")", "risk": "MEDIUM_RISK"},
		map[string]any{"condition": "default", "risk": "HIGH_RISK"},
	}
	return map[string]any{
		"id": fmt.Sprintf("question_%02d", n), "title": fmt.Sprintf("How do you keep part %d going when something it needs is gone", n),
		"description": strings.Repeat("Parts fail, and what depends on them fails with them unless somebody thought of it. ", 5),
		"choices":     list, "riskRules": rules,
	}
}

// ReportCPU adds the processor time of each operation to a benchmark's line: on a machine
// that others use as well, the time on the clock says less. It returns what to defer.
func ReportCPU(b *testing.B) func() {
	spent := func() time.Duration {
		var u syscall.Rusage
		if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
			b.Fatal(err)
		}
		return time.Duration(u.Utime.Nano() + u.Stime.Nano())
	}
	start := spent()
	return func() { b.ReportMetric((spent()-start).Seconds()*1000/float64(b.N), "cpu-ms/op") }
}

func BenchmarkLargeLens(b *testing.B) {
	data := LargeLens()
	b.Logf("%d bytes", len(data))
	b.ReportAllocs()
	defer ReportCPU(b)()
	for b.Loop() {
		q, err := Parse("large.json", data)
		if err != nil {
			b.Fatal(err)
		}
		if problems := Lint(q); len(problems) > 0 || len(q.list) != 57 {
			b.Fatal(problems)
		}
	}
}

// BenchmarkLargeSet is the same in our own format.
func BenchmarkLargeSet(b *testing.B) {
	lens, err := Parse("large.json", LargeLens())
	if err != nil {
		b.Fatal(err)
	}
	data, err := ExportYAML(lens)
	if err != nil {
		b.Fatal(err)
	}
	b.Logf("%d bytes", len(data))
	b.ReportAllocs()
	defer ReportCPU(b)()
	for b.Loop() {
		q, err := Parse("large.yaml", data)
		if err != nil {
			b.Fatal(err)
		}
		Lint(q)
	}
}

// BenchmarkScoreAnswers scores a different answer of the large lens each time.
func BenchmarkScoreAnswers(b *testing.B) {
	q, err := Parse("large.json", LargeLens())
	if err != nil {
		b.Fatal(err)
	}
	var answers []Selection
	var asked []*Question
	for n := range 1024 {
		question := q.list[n%len(q.list)]
		s := Selection{Chosen: question.ids(uint32(n*2654435761) & (1<<(len(question.Choices)-1) - 1))}
		if n%5 == 0 {
			s.ChoicesNotApplicable = []string{question.Choices[0].ID}
		}
		answers, asked = append(answers, s), append(asked, question)
	}
	n := 0
	defer ReportCPU(b)()
	for b.Loop() {
		asked[n%1024].Score(answers[n%1024])
		n++
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "answers/s")
}

// BenchmarkSharedLenses reads and lints the real lenses that lie beside the repository.
func BenchmarkSharedLenses(b *testing.B) {
	files := lenses(b)
	defer ReportCPU(b)()
	for b.Loop() {
		for name, data := range files {
			if q, err := Parse(name, data); err == nil {
				Lint(q)
			}
		}
	}
}
