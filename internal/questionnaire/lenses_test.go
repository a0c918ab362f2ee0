package questionnaire

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write testdata/lenses.golden anew")

// lenses reads the real lenses that lie beside the repository, by file name.
func lenses(t testing.TB) map[string][]byte {
	t.Helper()
	root, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(root, "go.mod")); err == nil {
			break
		}
		if filepath.Dir(root) == root {
			t.Fatal("no go.mod above the test")
		}
		root = filepath.Dir(root)
	}
	folder := filepath.Join(root, "..", "shared", "reference", "lenses")
	if _, err := os.Stat(folder); errors.Is(err, os.ErrNotExist) {
		t.Skip("not run: shared lenses are absent")
	}
	files, err := filepath.Glob(filepath.Join(folder, "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	out := make(map[string][]byte)
	for _, file := range files {
		if out[filepath.Base(file)], err = os.ReadFile(file); err != nil {
			t.Fatal(err)
		}
	}
	if len(out) != 16 {
		t.Fatalf("%d lenses, want 16", len(out))
	}
	return out
}

// TestLensesGolden holds what we say about every real lens: file, code and path. With
// -update the list is written anew; look at the difference before keeping it.
func TestLensesGolden(t *testing.T) {
	files := lenses(t)
	start := time.Now()
	var lines []string
	for _, name := range sortedKeys(files) {
		q, err := Parse(name, files[name])
		problems := Problems(nil)
		if err == nil {
			problems = Lint(q)
		} else if !errors.As(err, &problems) {
			t.Fatal(err)
		}
		for _, p := range problems {
			if p.Line == 0 || p.Column == 0 {
				t.Errorf("%s: no place: %v", name, p)
			}
			code := p.Code
			if p.Severity == SeverityError {
				code = "refused:" + code
			}
			lines = append(lines, fmt.Sprintf("%s %s %s", name, code, p.Path))
		}
	}
	if spent := time.Since(start); spent > 10*time.Second {
		t.Errorf("reading and linting all lenses took %v", spent)
	}
	got := strings.Join(lines, "\n") + "\n"
	golden := filepath.Join("testdata", "lenses.golden")
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Error(diff)
	}
}

func sortedKeys(files map[string][]byte) []string {
	var out []string
	for name := range files {
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}

// TestLensesRefused holds the two lenses that must not be imported, with the places.
func TestLensesRefused(t *testing.T) {
	files := lenses(t)
	refused := map[string]int{"emr-spark-invalid-nan.json": 2, "mindforge-too-long.json": 13}
	for name, data := range files {
		_, err := Parse(name, data)
		var problems Problems
		errors.As(err, &problems)
		if len(problems) != refused[name] {
			t.Errorf("%s: %d problems, want %d: %v", name, len(problems), refused[name], err)
		}
	}
	_, err := Parse("emr.json", files["emr-spark-invalid-nan.json"])
	var problems Problems
	errors.As(err, &problems)
	want := []string{"pillars[3].questions[4].title 1448:30 syntax", "pillars[3].questions[4].description 1449:36 syntax"}
	if diff := cmp.Diff(want, places(problems)); diff != "" {
		t.Error(diff)
	}
	_, err = Parse("mindforge.json", files["mindforge-too-long.json"])
	errors.As(err, &problems)
	if p := problems[0]; p.Message != "This has 138 characters; at most 128 are allowed." || p.Line != 70 || p.Path != "pillars[0].questions[1].choices[0].title" {
		t.Errorf("%v", p)
	}
}

// TestLensesScore holds a figure that AWS publishes about its own ORR lens v1.3.6: on
// exactly 22 of its 52 questions no selection scores High, and 7 of those declare a high
// risk all the same.
func TestLensesScore(t *testing.T) {
	q, err := Parse("orr-v1.3.6.json", lenses(t)["orr-v1.3.6.json"])
	if err != nil {
		t.Fatal(err)
	}
	never, declared := 0, 0
	for _, question := range q.Questions() {
		high := false
		for m := uint32(1); m < 1<<len(question.Choices); m++ {
			high = high || question.Score(Selection{Chosen: question.ids(m)}) == RiskHigh
		}
		if high {
			continue
		}
		never++
		if question.MaxRisk == RiskHigh {
			declared++
		}
	}
	if len(q.Questions()) != 52 || never != 22 || declared != 7 {
		t.Errorf("%d questions, %d never high, %d of them declare it", len(q.Questions()), never, declared)
	}
}

// TestLensesOutAndIn writes every real lens in both formats and reads it back.
func TestLensesOutAndIn(t *testing.T) {
	for name, data := range lenses(t) {
		q, err := Parse(name, data)
		if err != nil {
			continue // held by TestLensesRefused
		}
		same, loss, err := ExportAWS(q)
		if err != nil || len(loss) > 0 || string(same) != string(data) {
			t.Errorf("%s: an unedited lens differs: %v %v", name, err, loss)
		}
		own, err := ExportYAML(q)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		again, err := Parse(name, own)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		again.Format = FormatAWS
		if diff := cmp.Diff(q, again, unexported); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		if d := Compare(q, again); !d.Empty() {
			t.Errorf("%s: %+v", name, d)
		}
		q.Name += " edited"
		edited, _, err := ExportAWS(q)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		third, err := Parse(name, edited)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if diff := cmp.Diff(q, third, unexported); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// TestLensesExplain explains every question of every real lens for a few answers.
func TestLensesExplain(t *testing.T) {
	for name, data := range lenses(t) {
		q, err := Parse(name, data)
		if err != nil {
			continue // held by TestLensesRefused
		}
		for _, question := range q.Questions() {
			for i := range question.Choices {
				e := question.Explain(Selection{Chosen: []string{question.Choices[i].ID}})
				if e.Sentence == "" || len(e.Rungs) == 0 {
					t.Errorf("%s %s: %+v", name, question.ID, e)
				}
			}
		}
	}
}
