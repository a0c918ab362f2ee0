package views

import (
	"slices"

	"orrery/web/views/ui"
)

// Kept is a refused form with what was typed in it.
type Kept struct {
	Problem ui.ProblemProps
	Action  string // where the form was sent
	Fields  []KeptField
	SignIn  bool   // signing in is what mends it
	From    string // the page it was sent from; may be empty
}

// KeptField is one value of the form.
type KeptField struct{ Name, Value string }

// inner are the fields that no person typed.
var inner = []string{"version", "round", "content", "seen", "next", "go", "add", "changes", "back", "prefix", "resolves", "settle", "knowing"}

// shown lists what a person typed or chose.
func (k Kept) shown() []ui.Definition {
	var list []ui.Definition
	for _, f := range k.Fields {
		if f.Value != "" && !slices.Contains(inner, f.Name) {
			list = append(list, ui.Definition{Term: f.Name, Text: f.Value})
		}
	}
	return list
}
