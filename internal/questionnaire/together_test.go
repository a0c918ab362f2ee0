package questionnaire

import "testing"

func TestTogether(t *testing.T) {
	set := func(key, question string, weight Weight, practices ...string) *Questionnaire {
		q := &Questionnaire{Key: key, Sections: []Section{{ID: "s", Questions: []Question{
			{ID: question, Title: "Title of " + question, Choices: []Choice{{ID: "c", Weight: weight, Lineage: practices}}},
		}}}}
		q.index()
		return q
	}
	a, b := set("a", "one", WeightCore, "REL01_BP01", "REL01_BP02"), set("b", "two", WeightCore, "REL01_BP02")
	found := Together(a, b, set("c", "three", WeightExtra, "REL01_BP01"))
	if len(found) != 1 || found[0].Practice != "REL01_BP02" || found[0].First.Question != "one" || found[0].Second != (Asked{"b", "two", "c", "Title of two"}) {
		t.Errorf("found %+v", found)
	}
	if found := Together(a); found != nil {
		t.Errorf("one set alone: %+v", found)
	}
}
