package questionnaire

import "testing"

func TestChangesInWords(t *testing.T) {
	for want, c := range map[string]Change{
		"title of question aaa: “Old?” → “New?”":                             {Section: "one", Question: "aaa", Field: "title", Old: "Old?", New: "New?"},
		"first step of choice bbb of question aaa: nothing → “Do it.”":       {Section: "one", Question: "aaa", Choice: "bbb", Field: "first_step", New: "Do it."},
		"rules of question aaa: “none: bbb high: default” → “high: default”": {Question: "aaa", Field: "rules", Old: "none: bbb\nhigh: default", New: "high: default"},
		"question ccc: “Is it new?”":                                         {Section: "one", Question: "ccc", New: "Is it new?"},
		"section two: “Gone”":                                                {Section: "two", Old: "Gone"},
		"name of the set: “A” → “B”":                                         {Field: "name", Old: "A", New: "B"},
		"order in section one: “aaa ccc” → “ccc aaa”":                        {Section: "one", Field: "order", Old: "aaa ccc", New: "ccc aaa"},
	} {
		if got := c.String(); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}

func TestDifferenceInASentence(t *testing.T) {
	one := []Change{{}}
	for want, d := range map[string]Difference{
		"Nothing changed.": {},
		"Minor: 1 reworded and 2 moved. Answers stay as they are.": {Reworded: one, Moved: []Change{{}, {}}},
		"Major: 1 added. Answers need a look.":                     {Added: one, Major: true},
	} {
		if got := d.Sentence(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	groups := Difference{Changed: one, Removed: one}.Groups()
	if len(groups) != 2 || groups[0].Kind != "removed" || groups[1].Kind != "changed" {
		t.Errorf("groups: %+v", groups)
	}
}
