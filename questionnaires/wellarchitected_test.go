package questionnaires_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"orrery/internal/questionnaire"
)

// wellArchitected returns the set of the Framework.
func wellArchitected(t *testing.T) *questionnaire.Questionnaire {
	t.Helper()
	set, ok := shipped(t)["well-architected"]
	if !ok {
		t.Fatal("the Well-Architected Framework is not shipped")
	}
	return set
}

// TestFrameworkHasItsPillars holds the counts of the 2024-11-06 edition: questions and
// practices by level of risk, pillar by pillar.
func TestFrameworkHasItsPillars(t *testing.T) {
	type pillar struct {
		id                           string
		questions, high, medium, low int
	}
	want := []pillar{
		{"operationalExcellence", 11, 30, 31, 7},
		{"security", 11, 30, 28, 5},
		{"reliability", 13, 33, 31, 1},
		{"performance", 5, 13, 15, 4},
		{"costOptimization", 11, 21, 17, 12},
		{"sustainability", 6, 0, 21, 8},
	}
	var got []pillar
	for _, s := range wellArchitected(t).Sections {
		p := pillar{id: s.ID, questions: len(s.Questions)}
		for i := range s.Questions {
			for _, c := range s.Questions[i].Choices {
				switch c.Risk {
				case "high":
					p.high++
				case "medium":
					p.medium++
				case "low":
					p.low++
				}
			}
		}
		got = append(got, p)
	}
	if !slices.Equal(got, want) {
		t.Errorf("pillars are %v, want %v", got, want)
	}
}

// TestPracticesWeighAsTheirRisk holds the rule of ours: no risk with all practices, medium
// with all high-risk ones, else high, or medium where a question has no high-risk practice.
func TestPracticesWeighAsTheirRisk(t *testing.T) {
	for _, q := range wellArchitected(t).Questions() {
		worst := questionnaire.RiskMedium
		for _, c := range q.Choices {
			if c.None {
				continue
			}
			weight := questionnaire.WeightExtra
			if c.Risk == "high" {
				weight, worst = questionnaire.WeightCore, questionnaire.RiskHigh
			}
			if c.Weight != weight {
				t.Errorf("%s is of %s risk and weighs %s", c.ID, c.Risk, c.Weight)
			}
			if c.Why == "" || c.FirstStep.URL == "" || c.WAToolID == "" || !slices.Equal(c.Lineage, []string{c.ID}) || !strings.HasPrefix(c.ID, q.ID+"_BP") {
				t.Errorf("%s lacks its reason, its link, its id in the tool, or its place in %s", c.ID, q.ID)
			}
		}
		if q.MaxRisk != worst {
			t.Errorf("%s is at worst %s, want %s", q.ID, q.MaxRisk, worst)
		}
	}
}

// TestFrameworkAgreesWithAWS compares ids, levels, addresses and the tool's ids with the
// shared list of practices, and that no statement is AWS's own title, where that list lies
// beside the repository.
func TestFrameworkAgreesWithAWS(t *testing.T) {
	path := filepath.Join(repository(t), "..", "shared", "reference", "wa-best-practices.tsv")
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		t.Skip("not run: the shared reference lists are absent")
	}
	var ours []string
	facts := make(map[string]questionnaire.Choice)
	for _, q := range wellArchitected(t).Questions() {
		for _, c := range q.Choices {
			if !c.None {
				ours, facts[c.ID] = append(ours, q.ID+" "+c.ID), c
			}
		}
	}
	var want []string
	for _, row := range records(t, path, '\t') {
		id := strings.ReplaceAll(row["bp_id"], "-", "_")
		want = append(want, row["question"]+" "+id)
		c := facts[id]
		if !strings.EqualFold(c.Risk, row["risk_if_not_established"]) || c.WAToolID != row["doc_slug"] || c.FirstStep.URL != row["url"] {
			t.Errorf("%s is %s, %s, %s; AWS says %s, %s, %s", id, c.Risk, c.WAToolID, c.FirstStep.URL, row["risk_if_not_established"], row["doc_slug"], row["url"])
		}
		if strings.Contains(strings.ToLower(c.Title), strings.ToLower(row["title"])) {
			t.Errorf("%s repeats AWS's title: %q", id, c.Title)
		}
	}
	if !slices.Equal(ours, want) {
		t.Errorf("%d practices are shipped in another order or number than the %d of AWS", len(ours), len(want))
	}
}
