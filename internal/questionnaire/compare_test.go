package questionnaire

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestCompare(t *testing.T) {
	first := Change{Section: "one", Question: "first"}
	moved := strings.Replace(ownSet, "      - id: second", "  - id: two\n    name: Two\n    questions:\n      - id: second", 1)
	swapped := strings.Replace(strings.Replace(strings.Replace(ownSet, "id: first", "id: xxx", 1), "id: second", "id: first", 1), "id: xxx", "id: second", 1)
	question := ownSet[strings.Index(ownSet, "      - id: second"):]
	tests := []struct {
		name, old, new string
		want           Difference
	}{
		{"the same", ownSet, ownSet, Difference{}},
		{"only the version", ownSet, strings.Replace(ownSet, "1.0.0", "1.0.1", 1), Difference{}},
		{"reworded", ownSet, strings.Replace(ownSet, "Do you know how", "Can you say how", 1),
			Difference{Reworded: []Change{with(first, "title", "Do you know how each dependency fails, and what your users then see?", "Can you say how each dependency fails, and what your users then see?")}}},
		{"choice reworded", ownSet, strings.Replace(ownSet, "text: Test it.", "text: Try it.", 1),
			Difference{Reworded: []Change{{Section: "one", Question: "first", Choice: "bbb", Field: "first_step", Old: "Test it.", New: "Try it."}}}},
		{"set reworded", ownSet, strings.Replace(ownSet, "Two questions.", "A pair.", 1),
			Difference{Reworded: []Change{{Field: "description", Old: "Two questions.", New: "A pair."}}}},
		{"weight changed", ownSet, strings.Replace(ownSet, "We test it., weight: core", "We test it., weight: extra", 1), Difference{Major: true,
			Rescored: []Change{with(first, "rules", "none: (sss || aaa && bbb) && !first_no\nhigh: default", "none: (sss || aaa && bbb) && !first_no\nmedium: aaa && !first_no\nhigh: default")},
			Changed:  []Change{{Section: "one", Question: "first", Choice: "bbb", Field: "weight", Old: "core", New: "extra"}}}},
		{"worst risk changed", ownSet, strings.Replace(ownSet, "max_risk: high", "max_risk: medium", 1), Difference{Major: true,
			Rescored: []Change{with(first, "rules", "none: (sss || aaa && bbb) && !first_no\nhigh: default", "none: (sss || aaa && bbb) && !first_no\nmedium: default")}}},
		{"question removed", ownSet, strings.Replace(ownSet, question, "", 1), Difference{Major: true, Removed: []Change{{Section: "one", Question: "second", Old: "Is it so?"}}}},
		{"question added", strings.Replace(ownSet, question, "", 1), ownSet, Difference{Major: true, Added: []Change{{Section: "one", Question: "second", New: "Is it so?"}}}},
		{"moved to a new section", ownSet, moved, Difference{Major: true, Added: []Change{{Section: "two", New: "Two"}},
			Moved: []Change{{Section: "two", Question: "second", Field: "section", Old: "one", New: "two"}}}},
		{"moved back", moved, ownSet, Difference{Major: true, Removed: []Change{{Section: "two", Old: "Two"}},
			Moved: []Change{{Section: "one", Question: "second", Field: "section", Old: "two", New: "one"}}}},
		{"choice renamed", ownSet, strings.Replace(ownSet, "id: ccc", "id: ddd", 1), Difference{Major: true,
			Removed:  []Change{{Section: "one", Question: "second", Choice: "ccc", Old: "We chart it."}},
			Added:    []Change{{Section: "one", Question: "second", Choice: "ddd", New: "We chart it."}},
			Rescored: []Change{{Section: "one", Question: "second", Field: "rules", Old: "none: aaa && ccc && !second_no\nmedium: aaa && !second_no\nhigh: default", New: "none: aaa && ddd && !second_no\nmedium: aaa && !second_no\nhigh: default"}}}},
		{"phase set", ownSet, strings.Replace(ownSet, "max_risk: high", "max_risk: high\n        phase: build", 1), Difference{Changed: []Change{with(first, "phase", "", "build")}}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := Compare(mustParse(t, "x", test.old), mustParse(t, "x", test.new))
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
			if got.Empty() != cmp.Equal(test.want, Difference{}) {
				t.Error("Empty is wrong")
			}
		})
	}
	got := Compare(mustParse(t, "x", ownSet), mustParse(t, "x", swapped))
	if len(got.Moved) != 1 || got.Moved[0].Field != "order" || got.Moved[0].Section != "one" {
		t.Errorf("another order: %+v", got.Moved)
	}
}

// TestCompareConditions checks that only the sense of a condition counts.
func TestCompareConditions(t *testing.T) {
	old := mustParse(t, "x", ruledYAML("aaa bbb", "none: aaa && bbb", "high: default"))
	same := mustParse(t, "x", ruledYAML("aaa bbb", "none: ((aaa)&&bbb)", "high: default"))
	other := mustParse(t, "x", ruledYAML("aaa bbb", "none: aaa || bbb", "high: default"))
	if d := Compare(old, same); !d.Empty() {
		t.Errorf("%+v", d)
	}
	if d := Compare(old, other); !d.Major || len(d.Rescored) != 1 {
		t.Errorf("%+v", d)
	}
}
