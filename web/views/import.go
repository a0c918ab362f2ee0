package views

import (
	"strconv"
	"strings"

	"orrery/internal/questionnaire"
	"orrery/web/views/ui"
)

// ImportPage is the form for a file of questions, and what a dry run found.
type ImportPage struct {
	questionnaire.Proposal
	FileName string // empty before a file was sent
	Content  string // the file's bytes in base64, which the next form keeps
	Changed  bool   // what was shown is no longer what would be published
}

// Shown names what a person saw before publishing: the key, the version, and the version
// it was compared with.
func (i ImportPage) Shown() string {
	if i.Set == nil {
		return ""
	}
	return i.Set.Key + " " + i.Set.Version + " " + i.Current.Version
}

// refused are the problems that refuse the file, doubtful the others.
func (i ImportPage) refused() (list []questionnaire.Problem) {
	for _, p := range i.Problems {
		if p.Severity == questionnaire.SeverityError {
			list = append(list, p)
		}
	}
	return list
}

func (i ImportPage) doubtful() (list []questionnaire.Problem) {
	for _, p := range i.Problems {
		if p.Severity != questionnaire.SeverityError {
			list = append(list, p)
		}
	}
	return list
}

func (i ImportPage) isLens() bool { return i.Set != nil && i.Set.Format == questionnaire.FormatAWS }

// formatWords names the format of a file.
func formatWords(f questionnaire.Format) string {
	if f == questionnaire.FormatAWS {
		return "AWS custom lens"
	}
	return "our own format"
}

// numberWords warns when the number of a version says less than its changes.
func (i ImportPage) numberWords() string {
	if i.First || i.Difference.Empty() || !i.Difference.Major {
		return ""
	}
	if major(i.Set.Version) == major(i.Current.Version) {
		return "The difference is major, but the number goes from " + i.Current.Version + " to " + i.Set.Version + ", which says minor."
	}
	return ""
}

func major(version string) string {
	number, _, _ := strings.Cut(version, ".")
	return number
}

// importFacts sums up what the file holds.
func importFacts(i ImportPage) []ui.Definition {
	t := i.Set.Totals()
	list := []ui.Definition{
		{Term: "Set", Text: i.Set.Name}, {Term: "Key", Text: i.Set.Key}, {Term: "Version", Text: i.Set.Version},
		{Term: "Format", Text: formatWords(i.Set.Format)}, {Term: "Questions", Text: strconv.Itoa(t.Questions)}, {Term: "Choices", Text: strconv.Itoa(t.Choices)},
	}
	if !i.First {
		list = append(list, ui.Definition{Term: "Compared with", Text: i.Current.Version})
	}
	return list
}
