package questionnaire

import (
	"fmt"
	"strings"
)

// ChangeGroup is the changes of one kind, with the kind in words.
type ChangeGroup struct {
	Kind    string // "added", "removed", "rescored", "reworded", "moved" or "changed"
	Title   string // "Added"
	Meaning string // what it means for answers, a whole sentence
	Changes []Change
}

// Groups returns the kinds of changes that there are, those that bear on answers first.
func (d Difference) Groups() []ChangeGroup {
	all := []ChangeGroup{
		{"added", "Added", "Nobody has answered these yet.", d.Added},
		{"removed", "Removed", "Answers to these end with the version that had them.", d.Removed},
		{"rescored", "Rescored", "The same ticks may have another risk.", d.Rescored},
		{"reworded", "Reworded", "The words changed, the scoring did not.", d.Reworded},
		{"moved", "Moved", "The place changed, the words did not.", d.Moved},
		{"changed", "Changed otherwise", "What surrounds the questions changed: when they are asked, of whom, and what evidence bears on them.", d.Changed},
	}
	var out []ChangeGroup
	for _, g := range all {
		if len(g.Changes) > 0 {
			out = append(out, g)
		}
	}
	return out
}

// Sentence sums the difference up: whether it is major or minor, and how many changes of
// each kind there are.
func (d Difference) Sentence() string {
	if d.Empty() {
		return "Nothing changed."
	}
	var parts []string
	for _, g := range d.Groups() {
		words := strings.ToLower(g.Title)
		parts = append(parts, fmt.Sprintf("%d %s", len(g.Changes), words))
	}
	counts := enumerate(parts, "and")
	if d.Major {
		return "Major: " + counts + ". Answers need a look."
	}
	return "Minor: " + counts + ". Answers stay as they are."
}

// fieldWords are the words for a field of a file.
var fieldWords = map[string]string{
	"why": "reason why it matters", "good": "description of what good looks like", "not_applicable_when": "note when it does not apply",
	"bring": "list of what to bring", "helpful_resource": "helpful resource", "additional_resources": "additional resources",
	"first_step": "first step", "core_path": "place on the core path", "wa_tool_id": "id in the Well-Architected Tool",
	"checks": "evidence checks", "lineage": "lineage", "risk": "level of the practice",
}

// Place says what the change is about: "choice api_table of question failure_modes".
func (c Change) Place() string {
	switch {
	case c.Choice != "":
		return "choice " + c.Choice + " of question " + c.Question
	case c.Question != "":
		return "question " + c.Question
	case c.Section != "":
		return "section " + c.Section
	}
	return "the set"
}

// What names the change without its texts, a phrase: "title of question failure_modes".
// What was added or removed is named alone.
func (c Change) What() string {
	if c.Field == "" {
		return c.Place()
	}
	field := c.Field
	if words, ok := fieldWords[field]; ok {
		field = words
	}
	if c.Field == "order" {
		field = "order in"
		return field + " " + c.Place()
	}
	return field + " of " + c.Place()
}

// String returns the change on one line: what changed, and the old and new words of it.
func (c Change) String() string {
	quoted := func(s string) string {
		if s == "" {
			return "nothing"
		}
		return "\u201c" + strings.Join(strings.Fields(s), " ") + "\u201d"
	}
	switch {
	case c.Field != "":
		return c.What() + ": " + quoted(c.Old) + " \u2192 " + quoted(c.New)
	case c.New != "":
		return c.What() + ": " + quoted(c.New)
	}
	return c.What() + ": " + quoted(c.Old)
}
