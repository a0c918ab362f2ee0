package questionnaires_test

import (
	"encoding/csv"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"orrery/internal/questionnaire"
	"orrery/questionnaires"
)

// shipped parses every set, by key.
func shipped(t *testing.T) map[string]*questionnaire.Questionnaire {
	t.Helper()
	names, err := fs.Glob(questionnaires.FS, "*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	sets := make(map[string]*questionnaire.Questionnaire, len(names))
	for _, name := range names {
		data, err := fs.ReadFile(questionnaires.FS, name)
		if err != nil {
			t.Fatal(err)
		}
		set, err := questionnaire.Parse(name, data)
		if err != nil {
			t.Errorf("%s does not parse:\n%v", name, err)
			continue
		}
		if set.Key+".yaml" != name {
			t.Errorf("%s holds the set %q", name, set.Key)
		}
		sets[set.Key] = set
	}
	return sets
}

func TestShippedSetsHaveNoProblems(t *testing.T) {
	for key, set := range shipped(t) {
		for _, problem := range questionnaire.Lint(set) {
			t.Errorf("%s.yaml: %s: %s", key, problem.Code, problem)
		}
	}
}

func TestShippedSetsAskWhatTheySay(t *testing.T) {
	questions := map[string]int{
		"orr": 36, "well-architected": 57, "peak-event": 8, "serverless": 9, "generative-ai": 9, "aws-foundations": 31,
	}
	sets := shipped(t)
	for key, want := range questions {
		set, ok := sets[key]
		if !ok {
			t.Errorf("no set %s is shipped", key)
			continue
		}
		if got := len(set.Questions()); got != want {
			t.Errorf("%s asks %d questions, want %d", key, got, want)
		}
	}
}

func TestReadinessReviewHasItsSections(t *testing.T) {
	type section struct {
		id, name  string
		questions int
	}
	want := []section{
		{"architecture", "Architecture", 14},
		{"release_quality", "Release quality", 5},
		{"event_management", "Event management", 16},
		{"readiness_decision", "Readiness decision", 1},
	}
	var got []section
	for _, s := range readinessReview(t).Sections {
		got = append(got, section{s.ID, s.Name, len(s.Questions)})
	}
	if !slices.Equal(got, want) {
		t.Errorf("sections are %v, want %v", got, want)
	}
}

func TestCorePathTouchesEverySection(t *testing.T) {
	set := readinessReview(t)
	core, checked, coreChecked := 0, 0, 0
	touched := make(map[string]bool)
	for _, q := range set.Questions() {
		if len(q.Checks) > 0 {
			checked++
		}
		if !q.CorePath {
			continue
		}
		core++
		touched[q.Section] = true
		if len(q.Checks) > 0 {
			coreChecked++
		}
		if !q.AppliesTo(3) {
			t.Errorf("the core question %s is not asked of tier 3", q.ID)
		}
	}
	if core != 15 || len(touched) != len(set.Sections) {
		t.Errorf("the core path has %d questions in %d sections, want 15 in %d", core, len(touched), len(set.Sections))
	}
	if checked < 12 || coreChecked < 6 {
		t.Errorf("%d questions have evidence checks, %d of them on the core path; want at least 12 and 6", checked, coreChecked)
	}
}

func TestChangeHistoryIsCheckedByTrailAndRecorder(t *testing.T) {
	q, ok := readinessReview(t).Question("change_history")
	if !ok || !q.CorePath {
		t.Fatal("the core path does not ask for the change history")
	}
	for _, want := range []struct{ source, key string }{
		{"cloudtrail.trail", "trail"},
		{"config.recorder", "recorder"},
		{"securityhub.control", "CloudTrail.1"},
		{"securityhub.control", "Config.1"},
	} {
		if !slices.ContainsFunc(q.Checks, func(c questionnaire.Check) bool { return c.Source == want.source && c.Key == want.key }) {
			t.Errorf("no check reads %s %s", want.source, want.key)
		}
	}
}

func TestIdsAreUniqueInASet(t *testing.T) {
	for key, set := range shipped(t) {
		seen := make(map[string]bool)
		once := func(kind, id string) {
			if seen[kind+id] {
				t.Errorf("%s: the %s id %s is used twice", key, kind, id)
			}
			seen[kind+id] = true
		}
		for _, s := range set.Sections {
			once("", s.ID)
		}
		for _, q := range set.Questions() {
			once("", q.ID)
			for _, c := range q.Choices {
				once("choice of "+q.ID, c.ID)
			}
			for _, c := range q.Checks {
				once("check", c.ID)
			}
		}
	}
}

// vague are words that leave a reader unsure what counts as a good answer.
var vague = regexp.MustCompile(`(?i)\b(appropriate(ly)?|adequate(ly)?|regular(ly)?|sufficient(ly)?|suitabl[ey]|timely|robust|proper(ly)?|periodic(ally)?|frequent(ly)?|reasonabl[ey]|best practices?|as needed|where possible)\b`)

// titleCharacters are those the AWS Well-Architected Tool takes in a title.
var titleCharacters = regexp.MustCompile(`^[A-Za-z0-9 \-_.,:/()@!&#+'?]{1,128}$`)

func TestQuestionsAreWordedForTheUnsure(t *testing.T) {
	for key, set := range shipped(t) {
		for _, q := range set.Questions() {
			where := key + "/" + q.ID
			title(t, where, q.Title)
			if !strings.HasSuffix(q.Title, "?") || strings.Count(q.Title, "?") != 1 {
				t.Errorf("%s: %q is not one question", where, q.Title)
			}
			if q.Why == "" || q.Good == "" || len(q.Bring) == 0 || q.Phase == "" {
				t.Errorf("%s lacks a why, a good, something to bring or a phase", where)
			}
			plain(t, where, append([]string{q.Title, q.Description, q.Why, q.Good, q.NotApplicableWhen}, q.Bring...)...)
			n := choices(t, where, q)
			if key != "well-architected" && (n < 3 || n > 5) { // the Framework's questions have as many practices as AWS gives them
				t.Errorf("%s has %d choices, want 3 to 5", where, n)
			}
		}
	}
}

// choices looks at the wording of each choice and returns their number.
func choices(t *testing.T, where string, q *questionnaire.Question) (n int) {
	t.Helper()
	for _, c := range q.Choices {
		if c.None {
			continue
		}
		n++
		title(t, where, c.Title)
		plain(t, where, c.Title, c.Good, c.FirstStep.Text)
		if !strings.HasPrefix(c.Title, "We ") || !strings.HasSuffix(c.Title, ".") {
			t.Errorf("%s: %q is not a statement that starts with We", where, c.Title)
		}
		if c.FirstStep.Text == "" {
			t.Errorf("%s: %s has no first step", where, c.ID)
		}
	}
	return n
}

func title(t *testing.T, where, text string) {
	t.Helper()
	if !titleCharacters.MatchString(text) || len(strings.Fields(text)) > 25 {
		t.Errorf("%s: the title %q is over 128 characters or 25 words, or has a character that AWS refuses", where, text)
	}
}

func plain(t *testing.T, where string, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if word := vague.FindString(text); word != "" {
			t.Errorf("%s: %q is vague in %q", where, word, text)
		}
	}
}

func TestAnswersScoreByTheirWeights(t *testing.T) {
	for key, set := range shipped(t) {
		for _, q := range set.Questions() {
			none, ok := q.NoneChoice()
			if !ok {
				t.Errorf("%s/%s has no none-of-these choice", key, q.ID)
				continue
			}
			var all, needed []string // every practice; those without which the worst risk stands
			for _, c := range q.Choices {
				switch c.Weight {
				case questionnaire.WeightScope:
					score(t, key, q, questionnaire.RiskNone, c.ID)
				case questionnaire.WeightCore, questionnaire.WeightAlternative:
					needed = append(needed, c.ID)
					all = append(all, c.ID)
				case questionnaire.WeightExtra:
					all = append(all, c.ID)
				}
			}
			score(t, key, q, questionnaire.RiskNone, all...)
			if len(needed) > 0 && len(needed) < len(all) {
				score(t, key, q, questionnaire.RiskMedium, needed...)
			}
			score(t, key, q, q.MaxRisk, none.ID)
			for _, c := range q.Choices {
				if c.Weight == questionnaire.WeightCore {
					without := slices.DeleteFunc(slices.Clone(all), func(id string) bool { return id == c.ID })
					score(t, key, q, q.MaxRisk, without...)
				}
			}
		}
	}
}

func score(t *testing.T, key string, q *questionnaire.Question, want questionnaire.Risk, chosen ...string) {
	t.Helper()
	if got := q.Score(questionnaire.Selection{Chosen: chosen}); got != want {
		t.Errorf("%s/%s with %v ticked is %s, want %s", key, q.ID, chosen, got, want)
	}
}

func TestChecksSayWhatTheyClaim(t *testing.T) {
	for key, set := range shipped(t) {
		for _, q := range set.Questions() {
			for _, c := range q.Checks {
				if c.Claim == "" || c.MaxAge != 30*time.Hour || c.Level == "" || c.Expect == "" {
					t.Errorf("%s/%s: the check %s lacks a claim, a level, an expectation or the age of 30 hours", key, q.ID, c.ID)
				}
				if _, ok := q.Choice(c.Choice); !ok {
					t.Errorf("%s/%s: the check %s bears on no choice", key, q.ID, c.ID)
				}
			}
		}
	}
}

// TestChecksAndLineageAreKnown compares controls, rules, practices and addresses with
// the shared reference lists, where these lie beside the repository.
func TestChecksAndLineageAreKnown(t *testing.T) {
	reference := filepath.Join(repository(t), "..", "shared", "reference")
	if _, err := os.Stat(reference); errors.Is(err, fs.ErrNotExist) {
		t.Skip("not run: the shared reference lists are absent")
	}
	controls, rules := make(map[string]bool), make(map[string]bool)
	for _, row := range records(t, filepath.Join(reference, "security-hub-controls.csv"), ',') {
		controls[row["control_id"]], rules[row["config_rule"]] = true, true
	}
	address := make(map[string]string) // by practice id as we write it
	for _, row := range records(t, filepath.Join(reference, "wa-best-practices.tsv"), '\t') {
		address[strings.ReplaceAll(row["bp_id"], "-", "_")] = row["url"]
	}
	for key, set := range shipped(t) {
		for _, q := range set.Questions() {
			for _, c := range q.Checks {
				known, listed := map[string]bool{
					"securityhub.control": controls[c.Key],
					"config.rule":         c.Key != "" && rules[c.Key],
				}[c.Source]
				if !listed { // the linter knows the keys of the other sources
					known = true
				}
				if !known {
					t.Errorf("%s/%s: nobody answers for %s %s", key, q.ID, c.Source, c.Key)
				}
			}
			lineage(t, key, q, address)
		}
	}
}

// lineage checks that a question names the practices of its choices, that they exist,
// and that its links lead to their pages.
func lineage(t *testing.T, key string, q *questionnaire.Question, address map[string]string) {
	t.Helper()
	linked := make(map[string]bool)
	for _, link := range q.Links {
		linked[link.URL] = true
	}
	for _, id := range q.Lineage {
		if address[id] == "" || !linked[address[id]] {
			t.Errorf("%s/%s: the practice %s is unknown or not linked", key, q.ID, id)
		}
	}
	for _, c := range q.Choices {
		for _, id := range c.Lineage {
			if !slices.Contains(q.Lineage, id) {
				t.Errorf("%s/%s: the practice %s of %s is not in the question's lineage", key, q.ID, id, c.ID)
			}
		}
	}
}

// readinessReview returns the Operational Readiness Review.
func readinessReview(t *testing.T) *questionnaire.Questionnaire {
	t.Helper()
	set, ok := shipped(t)["orr"]
	if !ok {
		t.Fatal("the Operational Readiness Review is not shipped")
	}
	return set
}

// repository returns the folder that holds go.mod.
func repository(t *testing.T) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		if dir == filepath.Dir(dir) {
			t.Fatal("go.mod was not found above the test")
		}
		dir = filepath.Dir(dir)
	}
}

// records reads a table with a head row.
func records(t *testing.T, path string, comma rune) []map[string]string {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	r := csv.NewReader(f)
	r.Comma, r.LazyQuotes = comma, comma == '\t'
	rows, err := r.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	out := make([]map[string]string, 0, len(rows))
	for _, row := range rows[1:] {
		m := make(map[string]string, len(row))
		for i, cell := range row {
			m[rows[0][i]] = cell
		}
		out = append(out, m)
	}
	return out
}
