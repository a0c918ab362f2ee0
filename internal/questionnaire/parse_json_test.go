package questionnaire

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// sampleLens is a lens that nothing is wrong with.
const sampleLens = `{
  "schemaVersion": "2021-11-01",
  "name": "Sample lens",
  "description": "It shows every key.",
  "pillars": [
    {
      "id": "operationalExcellence",
      "name": "Operational excellence",
      "questions": [
        {
          "id": "restore",
          "title": "How do you know a restore works?",
          "description": "About restores.",
          "helpfulResource": {"displayText": "Help", "url": "https://example.com/help"},
          "choices": [
            {
              "id": "drill",
              "title": "Restores are drilled",
              "helpfulResource": {"displayText": "Drills <b>help</b>", "url": "https://example.com/drill"},
              "improvementPlan": {"displayText": "Drill once", "url": "https://example.com/plan"},
              "additionalResources": [
                {"type": "HELPFUL_RESOURCE", "content": [{"displayText": "More", "url": "https://example.com/1"}]},
                {"type": "IMPROVEMENT_PLAN", "content": [{"displayText": "Steps"}]}
              ]
            },
            {"id": "timed", "title": "Restores are timed", "improvementPlan": {"displayText": "Time one"}},
            {"id": "restore_no", "title": "None of these"}
          ],
          "riskRules": [
            {"condition": "drill && timed && !restore_no", "risk": "NO_RISK"},
            {"condition": "drill && !restore_no", "risk": "MEDIUM_RISK"},
            {"condition": "default", "risk": "HIGH_RISK"}
          ]
        }
      ]
    }
  ]
}
`

func TestParseAWS(t *testing.T) {
	got := mustParse(t, "folder/My Lens (v2).json", sampleLens)
	want := &Questionnaire{
		Key: "my-lens-v2", Name: "Sample lens", Version: "1.0.0", Description: "It shows every key.", Format: FormatAWS,
		Sections: []Section{{ID: "operationalExcellence", Name: "Operational excellence", Questions: []Question{{
			ID: "restore", Section: "operationalExcellence", Title: "How do you know a restore works?", Description: "About restores.", MaxRisk: RiskHigh,
			HelpfulResource: &Link{"Help", "https://example.com/help"},
			Choices: []Choice{
				{ID: "drill", Title: "Restores are drilled", HelpfulResource: &Link{"Drills <b>help</b>", "https://example.com/drill"},
					FirstStep: Step{"Drill once", "https://example.com/plan"},
					Additional: []Additional{
						{"helpful_resource", []Link{{"More", "https://example.com/1"}}},
						{"improvement_plan", []Link{{"Steps", ""}}},
					}},
				{ID: "timed", Title: "Restores are timed", FirstStep: Step{Text: "Time one"}},
				{ID: "restore_no", Title: "None of these", None: true},
			},
			Rules: []Rule{
				{Condition: "drill && timed && !restore_no", Risk: RiskNone},
				{Condition: "drill && !restore_no", Risk: RiskMedium},
				{Condition: "default", Risk: RiskHigh},
			},
		}}}},
	}
	if diff := cmp.Diff(want, got, unexported); diff != "" {
		t.Error(diff)
	}
	if problems := Lint(got); len(problems) > 0 {
		t.Errorf("%v", problems)
	}
}

func TestKeyFrom(t *testing.T) {
	for name, want := range map[string]string{
		"orr-v1.3.6.json": "orr-v1-3-6", `C:\lenses\A B.json`: "a-b", "x.json": "lens", "": "lens", "データ.json": "lens",
		strings.Repeat("ab-", 20) + ".json": strings.TrimRight(strings.Repeat("ab-", 20)[:40], "-"),
	} {
		if got := keyFrom(name); got != want || !keyPattern.MatchString(got) {
			t.Errorf("%q gives the key %q, want %q", name, got, want)
		}
	}
}

// lensWith is sampleLens with one piece replaced.
func lensWith(t testing.TB, old, new string) string {
	t.Helper()
	if !strings.Contains(sampleLens, old) {
		t.Fatalf("%q is not in the sample", old)
	}
	return strings.Replace(sampleLens, old, new, 1)
}

func TestParseAWSRejects(t *testing.T) {
	const q0 = "pillars[0].questions[0]"
	many := func(n int, format string) string {
		items := make([]string, n)
		for i := range items {
			items[i] = fmt.Sprintf(format, i)
		}
		return strings.Join(items, ", ")
	}
	choice := `{"id": "timed", "title": "Restores are timed", "improvementPlan": {"displayText": "Time one"}}`
	tests := []struct {
		name, old, new string
		want           []string
	}{
		{"no name", `"name": "Sample lens",`, ``, []string{"name 1:1 missing"}},
		{"blank name", `"Sample lens"`, `" "`, []string{"name 3:11 missing"}},
		{"long name", "Sample lens", strings.Repeat("n", 129), []string{"name 3:11 too-long"}},
		{"long description", "It shows every key.", strings.Repeat("é", 2049), []string{"description 4:18 too-long"}},
		{"no pillars", `"pillars": [`, `"pillars": [], "more": [`, []string{"pillars 5:14 too-few", "more 5:18 unknown-key"}},
		{"no id", `"id": "restore",`, ``, []string{q0 + ".id 10:9 missing"}},
		{"short id", `"id": "drill"`, `"id": "dr"`, []string{q0 + ".choices[0].id 17:21 bad-id", q0 + ".riskRules[0].condition 30:28 unknown-choice", q0 + ".riskRules[1].condition 31:28 unknown-choice"}},
		{"id with a dash", `"id": "operationalExcellence"`, `"id": "a-b-c"`, []string{"pillars[0].id 7:13 bad-id"}},
		{"long id", `"id": "operationalExcellence"`, `"id": "` + strings.Repeat("a", 129) + `"`, []string{"pillars[0].id 7:13 bad-id"}},
		{"choice id twice", `"id": "timed"`, `"id": "drill"`, []string{q0 + ".choices[1] 26:13 duplicate-id", q0 + ".riskRules[0].condition 30:37 unknown-choice"}},
		{"no title", `"title": "Restores are timed", `, ``, []string{q0 + ".choices[1].title 26:13 missing"}},
		{"long title", "Restores are timed", strings.Repeat("t", 129), []string{q0 + ".choices[1].title 26:38 too-long"}},
		{"long display text", "Time one", strings.Repeat("t", 2049), []string{q0 + ".choices[1].improvementPlan.displayText 26:95 too-long"}},
		{"title is a number", `"How do you know a restore works?"`, `5`, []string{q0 + ".title 12:20 bad-type"}},
		{"title is NaN", `"How do you know a restore works?"`, `NaN`, []string{q0 + ".title 12:20 syntax"}},
		{"no choices", `"choices": [`, `"choises": [`, []string{q0 + ".choices 10:9 missing", q0 + ".choises 15:11 unknown-key",
			q0 + ".riskRules[0].condition 30:28 unknown-choice", q0 + ".riskRules[0].condition 30:37 unknown-choice", q0 + ".riskRules[0].condition 30:47 unknown-choice",
			q0 + ".riskRules[1].condition 31:28 unknown-choice", q0 + ".riskRules[1].condition 31:38 unknown-choice"}},
		{"16 choices", choice, many(14, `{"id": "timed%02d", "title": "T", "improvementPlan": {"displayText": "P"}}`), []string{q0 + ".choices 15:22 too-many", q0 + ".riskRules[0].condition 30:37 unknown-choice"}},
		{"no rules", `"riskRules": [`, `"riskRules": null, "others": [`, []string{q0 + ".riskRules 10:9 missing", q0 + ".others 29:30 unknown-key"}},
		{"four rules", `{"condition": "default"`, `{"condition": "timed", "risk": "HIGH_RISK"}, {"condition": "default"`, []string{q0 + ".riskRules 29:24 too-many", q0 + ".riskRules[3] 32:58 duplicate-level"}},
		{"bad risk", `"MEDIUM_RISK"`, `"Medium"`, []string{q0 + ".riskRules[1].risk 31:59 bad-value"}},
		{"no risk", `, "risk": "MEDIUM_RISK"`, ``, []string{q0 + ".riskRules[1].risk 31:13 missing"}},
		{"no condition", `"condition": "drill && !restore_no", `, ``, []string{q0 + ".riskRules[1].condition 31:13 missing"}},
		{"bad condition", "drill && timed &&", "drill && (timed &&", []string{q0 + ".riskRules[0].condition 30:37 bad-condition"}},
		{"bad escaped condition", "drill && timed &&", `drill \u0026\u0026 timed \u0026`, []string{q0 + ".riskRules[0].condition 30:53 bad-condition"}},
		{"unknown choice", "drill && timed", "dril && timed", []string{q0 + ".riskRules[0].condition 30:28 unknown-choice"}},
		{"default inside", "drill && timed", "default && timed", []string{q0 + ".riskRules[0].condition 30:36 bad-condition"}},
		{"bad resource type", "IMPROVEMENT_PLAN", "PLAN", []string{q0 + ".choices[0].additionalResources[1].type 23:26 bad-value"}},
		{"six resources", `[{"displayText": "Steps"}]`, "[" + many(6, `{"displayText": "S%d"}`) + "]", []string{q0 + ".choices[0].additionalResources[1].content 23:57 too-many"}},
		{"bad schema version", "2021-11-01", "2020-01-01", []string{"schemaVersion 2:20 bad-value"}},
		{"NUL", "About restores.", `a\u0000b`, []string{q0 + ".description 13:28 bad-character"}},
		{"trailing data", "\n}\n", "\n}\n{}", []string{" 39:1 trailing-data"}},
		{"key twice", `"name": "Sample lens",`, `"name": "Sample lens", "name": "Other",`, []string{"name 3:26 duplicate-key"}},
		{"pillar is a text", `"pillars": [`, `"pillars": ["x", `, []string{"pillars[0] 5:15 bad-type"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := Parse("x.json", []byte(lensWith(t, test.old, test.new)))
			var problems Problems
			if !errors.As(err, &problems) {
				t.Fatalf("no problems but %v", err)
			}
			if diff := cmp.Diff(test.want, places(problems)); diff != "" {
				t.Errorf("%s\n%v", diff, problems)
			}
		})
	}
}

// TestParseAWSUniqueIDs checks where ids are unique: choices within their question only.
func TestParseAWSUniqueIDs(t *testing.T) {
	question := sampleLens[strings.Index(sampleLens, "        {\n          \"id\": \"restore\""):strings.LastIndex(sampleLens, "\n      ]\n")]
	twice := strings.Replace(sampleLens, question, question+",\n"+question, 1)
	_, err := Parse("x.json", []byte(twice))
	var problems Problems
	if !errors.As(err, &problems) || len(problems) != 1 || problems[0].Code != "duplicate-id" || problems[0].Path != "pillars[0].questions[1]" {
		t.Errorf("a question's id twice: %v", err)
	}
	other := strings.Replace(sampleLens, question, question+",\n"+strings.Replace(question, `"id": "restore"`, `"id": "another"`, 1), 1)
	if _, err := Parse("x.json", []byte(other)); err != nil {
		t.Errorf("choice ids repeat across questions in real lenses: %v", err)
	}
}

func TestParseAWSWarns(t *testing.T) {
	const q0 = "pillars[0].questions[0]"
	tests := []struct {
		name, old, new string
		want           []string
	}{
		{"number", `"id": "restore",`, `"id": "restore", "number": 0,`, nil},
		{"unknown keys", `"name": "Sample lens",`, `"name": "Sample lens", "_version": {"a": [1]},`, []string{"_version 3:26 unknown-key"}},
		{"key in another case", `"url": "https://example.com/plan"`, `"Url": "x"`, []string{q0 + ".choices[0].improvementPlan.Url 20:64 unknown-key"}},
		{"empty url", "https://example.com/plan", "", []string{q0 + ".choices[0].improvementPlan.url 20:71 empty-url"}},
		{"padded url", "https://example.com/plan", " https://example.com/plan", []string{q0 + ".choices[0].improvementPlan.url 20:71 padded-url"}},
		{"unsafe url", "https://example.com/plan", "javascript:alert(1)", []string{q0 + ".choices[0].improvementPlan.url 20:71 bad-url"}},
		{"no text", `"displayText": "Drill once", `, ``, []string{q0 + ".choices[0].improvementPlan.displayText 20:34 no-text"}},
		{"no plan", `, "improvementPlan": {"displayText": "Time one"}`, ``, []string{q0 + ".choices[1].improvementPlan 26:13 no-improvement-plan"}},
		{"no schema version", `"schemaVersion": "2021-11-01",`, ``, []string{"schemaVersion 1:1 no-schema-version"}},
		{"no description", `"description": "It shows every key.",`, ``, []string{"description 1:1 no-description"}},
		{"null for a key", `"About restores."`, `null`, nil},
		{"type twice", "IMPROVEMENT_PLAN", "HELPFUL_RESOURCE", []string{q0 + ".choices[0].additionalResources[1] 23:17 duplicate-type"}},
		{"no content", `[{"displayText": "Steps"}]`, `[]`, []string{q0 + ".choices[0].additionalResources[1].content 23:17 no-content"}},
		{"characters", "How do you know a restore works?", "Is 50% fine; or not?", []string{q0 + ".title 10:9 charset"}},
		{"letters of any script", "How do you know a restore works?", "Wie prüft ihr’s (復元)?", nil},
		{"none by title", `"id": "restore_no"`, `"id": "noneofthese"`, []string{
			q0 + ".choices[2].improvementPlan 27:13 no-improvement-plan",
			q0 + ".choices[2].title 27:13 none-title-id", q0 + ".choices[2] 27:13 none-with-all-no-risk"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			data := lensWith(t, test.old, test.new)
			if test.name == "none by title" { // without a guard, as such lenses are
				data = strings.ReplaceAll(data, " && !restore_no", "")
			}
			q := mustParse(t, "x.json", data)
			if diff := cmp.Diff(test.want, places(Lint(q))); diff != "" {
				t.Errorf("%s\n%v", diff, Lint(q))
			}
			for _, question := range q.Questions() {
				for _, c := range question.Choices {
					if u := c.FirstStep.URL; u != "" && u != "https://example.com/plan" {
						t.Errorf("the address %q is handed on", u)
					}
				}
			}
		})
	}
}

func TestLongChoiceID(t *testing.T) {
	long := strings.Repeat("t", 65)
	q := mustParse(t, "x.json", strings.ReplaceAll(sampleLens, "timed", long))
	if got := places(Lint(q)); len(got) != 1 || !strings.HasSuffix(got[0], " long-choice-id") {
		t.Errorf("%v", got)
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{fullYAML, sampleLens, "{", "[]", "a: &a [*a]", "\xff", "{\"a\": NaN}", "key: [", "- - -", "\uFEFFkey: x", "a: |\n  b\n---\n"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		q, err := Parse("fuzz", data)
		if err != nil {
			var problems Problems
			if !errors.As(err, &problems) || !problems.hasErrors() {
				t.Fatalf("not Problems: %v", err)
			}
			for _, p := range problems {
				if p.Code == "" || p.Message == "" || p.Line > 0 && p.Column < 1 {
					t.Fatalf("incomplete problem %+v", p)
				}
			}
			return
		}
		Lint(q)
		for _, question := range q.Questions() {
			question.Explain(Selection{Chosen: []string{question.Choices[0].ID}})
		}
		own, err := ExportYAML(q)
		if err != nil {
			return // such as an id longer than ours may be
		}
		again, err := Parse("fuzz", own)
		if err != nil {
			t.Fatal(err)
		}
		again.Format = q.Format
		if diff := cmp.Diff(q, again, unexported); diff != "" {
			t.Fatalf("%s\n%s", own, diff)
		}
	})
}
