package views

import (
	"strings"

	"orrery/internal/identity"
	"orrery/internal/sheet"
)

// TablePage takes a table of teams, people or workloads, and shows what would come of it.
type TablePage struct {
	Kind     string // teams, people, workloads
	Columns  []sheet.Column
	FileName string // empty: nothing was sent yet
	Content  string // the bytes that were looked at, in base64
	Pasted   string // rows that were pasted and refused, to mend in place
	Shown    string // stands for them and for what would come of them
	Problems []sheet.Problem
	Changes  []sheet.Change
	Changed  bool // what would come of it is not what was shown before
	Invited  []InvitedPerson
	Before   []identity.Person // whom the same table brought in just before
}

// InvitedPerson is somebody new with their link.
type InvitedPerson struct{ Name, Email, URL string }

func (t TablePage) path() string { return "/import/" + t.Kind }

// refused lists every place that refuses the table.
func (t TablePage) refused() []sheet.Problem {
	list := t.Problems
	for _, c := range t.Changes {
		list = append(list, c.Problems...)
	}
	return list
}

// counts say how many rows come to what.
func (t TablePage) countWords() string {
	return counted(sheet.Count(t.Changes, sheet.Create), "row adds", "rows add") + ", " + counted(sheet.Count(t.Changes, sheet.Update), "changes", "change") + ", " +
		counted(sheet.Count(t.Changes, sheet.Same), "leaves all as it is", "leave all as it is") + ", " + counted(sheet.Count(t.Changes, sheet.Refused), "is refused", "are refused") + "."
}

// DoneWords say what was written.
func (t TablePage) DoneWords() string {
	return strings.ToUpper(t.Kind[:1]) + t.Kind[1:] + " are imported: " + itoa(sheet.Count(t.Changes, sheet.Create)) + " added, " + itoa(sheet.Count(t.Changes, sheet.Update)) + " changed."
}

// linkRows are the links as rows to copy.
func (t TablePage) linkRows() string {
	var b strings.Builder
	for _, one := range t.Invited {
		b.WriteString(one.Email + "\t" + one.URL + "\n")
	}
	return b.String()
}

// changeWord says what comes of a row.
func changeWord(c sheet.Change) string {
	switch c.Kind {
	case sheet.Create:
		return "Added"
	case sheet.Update:
		return "Changed"
	case sheet.Refused:
		return "Refused"
	}
	return "As it is"
}
