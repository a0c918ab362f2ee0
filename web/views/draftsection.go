package views

import (
	"net/url"
	"strconv"
	"strings"

	"orrery/internal/questionnaire"
	"orrery/web/views/ui"
)

// DraftSection is the form of one section of a draft.
type DraftSection struct {
	Draft    questionnaire.Draft
	ID       string
	Input    questionnaire.SectionInput
	Revision int // the form was opened at
	Conflict string
}

func draftSectionPath(d questionnaire.Draft, section string) string {
	return DraftPath(d) + "/s/" + section
}

// DraftCopy is the page that copies questions of published sets into a draft.
type DraftCopy struct {
	Draft    questionnaire.Draft
	Sets     []questionnaire.Set
	Source   *questionnaire.Questionnaire // nil while none is chosen
	From     string                       // its key
	Section  string                       // to copy into
	Text     string                       // words that a question must hold
	Conflict string
}

// DraftCopyPath is the address of the page with its choices kept.
func DraftCopyPath(p DraftCopy) string {
	q := url.Values{}
	for name, value := range map[string]string{"from": p.From, "section": p.Section, "q": p.Text} {
		if value != "" {
			q.Set(name, value)
		}
	}
	return withQuery(DraftPath(p.Draft)+"/copy", q)
}

func (p DraftCopy) sources() []ui.Option {
	options := []ui.Option{{Value: "", Text: "Choose a set"}}
	for _, s := range p.Sets {
		options = append(options, ui.Option{Value: s.Key, Text: s.Questionnaire.Name + ", " + s.Version})
	}
	return ui.Selected(options, p.From)
}

func (p DraftCopy) sections() []ui.Option { return sectionOptions(p.Draft, p.Section) }

// maxFound bounds the questions that are listed at once.
const maxFound = 60

// found lists the questions of the source that hold the words.
func (p DraftCopy) found() (list []*questionnaire.Question, more int) {
	for i := range p.Source.Sections {
		list = append(list, questionnaire.Filter{Text: p.Text}.Keep(&p.Source.Sections[i])...)
	}
	if len(list) > maxFound {
		return list[:maxFound], len(list) - maxFound
	}
	return list, 0
}

// has reports whether the draft holds a question with the id.
func (p DraftCopy) has(q *questionnaire.Question) bool {
	_, ok := p.Draft.Set.Question(q.ID)
	return ok
}

func sectionOptions(d questionnaire.Draft, chosen string) []ui.Option {
	var options []ui.Option
	for i := range d.Set.Sections {
		s := &d.Set.Sections[i]
		options = append(options, ui.Option{Value: s.ID, Text: s.Name})
	}
	return ui.Selected(options, chosen)
}

// The rest of a question's form: what stands beside the choices.

var askedTiers = []ui.Option{{Value: "1", Text: "Tier 1"}, {Value: "2", Text: "Tier 2"}, {Value: "3", Text: "Tier 3"}}

func tierValues(tiers []int) []string {
	out := make([]string, len(tiers))
	for i, t := range tiers {
		out[i] = strconv.Itoa(t)
	}
	return out
}

// commas writes a list as a form takes it.
func commas(list []string) string { return strings.Join(list, ", ") }

// linkLines writes links as a form takes them: a text and an address on each line.
func linkLines(links []questionnaire.Link) string {
	out := make([]string, len(links))
	for i, l := range links {
		out[i] = strings.TrimSpace(strings.ReplaceAll(l.Text, "\n", " ") + " " + strings.ReplaceAll(l.URL, " ", "%20"))
	}
	return lines(out)
}

// checkRows are the evidence checks of the form and an empty one.
func (d DraftQuestion) checkRows() []questionnaire.CheckInput {
	rows := append([]questionnaire.CheckInput{}, d.Input.Checks...)
	if n := len(rows); n == 0 || !rows[n-1].Empty() {
		rows = append(rows, questionnaire.CheckInput{Expect: "all_pass", Level: "resource", MaxAge: "30"})
	}
	return rows
}

// checkSources offers every source, and the one that is chosen: only a file names those of an
// organisation's own.
func checkSources(chosen string) []ui.Option {
	out := []ui.Option{{Value: "", Text: "No check"}}
	for _, name := range questionnaire.CheckSources() {
		out = append(out, ui.Option{Value: name, Text: questionnaire.TitleOfSource(name)})
	}
	if questionnaire.IsOwn(chosen) {
		out = append(out, ui.Option{Value: chosen, Text: questionnaire.TitleOfSource(chosen)})
	}
	return ui.Selected(out, chosen)
}

var expectOptions = []ui.Option{
	{Value: "all_pass", Text: "Every fact passes"},
	{Value: "any_pass", Text: "One passing fact is enough"},
	{Value: "seen_within", Text: "Seen within a time"},
	{Value: "not_seen_within", Text: "Not seen within a time"},
}

var levelOptions = []ui.Option{{Value: "resource", Text: "Resources"}, {Value: "account", Text: "The account"}}

// statements are the choices of the form that a check may speak for; one without an id is
// named by its row.
func (d DraftQuestion) statements(chosen string) []ui.Option {
	options := []ui.Option{{Value: "", Text: "Choose a statement"}}
	known := chosen == ""
	for n, row := range d.rows() {
		o := ui.Option{Value: row.ID, Text: "Statement " + itoa(n+1)}
		if row.ID == "" {
			o.Value = questionnaire.RowRef(n)
		}
		if row.Title != "" {
			o.Text += ": " + row.Title
		}
		known = known || o.Value == chosen
		options = append(options, o)
	}
	if !known {
		options = append(options, ui.Option{Value: chosen, Text: chosen})
	}
	return ui.Selected(options, chosen)
}

func firstSection(d questionnaire.Draft) string {
	if len(d.Set.Sections) == 0 {
		return ""
	}
	return d.Set.Sections[0].ID
}

// hasExtras reports whether the folded fields of the question hold something.
func (d DraftQuestion) hasExtras(errs ui.FieldErrors) bool {
	for _, name := range []string{"tiers", "tags", "lineage", "links"} {
		if errs.For(name) != "" {
			return true
		}
	}
	return len(d.Input.Tiers)+len(d.Input.Tags)+len(d.Input.Links) > 0
}

func rowHasError(errs ui.FieldErrors, n int, names ...string) bool {
	for _, name := range names {
		if errs.For(numbered(name, n)) != "" {
			return true
		}
	}
	return false
}

// choiceExtraWords say what a choice holds in its folded fields.
func choiceExtraWords(row questionnaire.ChoiceInput) string {
	words := "Why, what good looks like, address, practices "
	filled := 0
	for _, used := range []bool{row.Why != "", row.Good != "", row.StepURL != "", len(row.Lineage) > 0} {
		if used {
			filled++
		}
	}
	if filled > 0 {
		words += "(" + itoa(filled) + " filled) "
	}
	return words
}

// checkErrors reports whether a check was refused.
func (d DraftQuestion) checkErrors(errs ui.FieldErrors) bool {
	for _, e := range errs {
		if strings.HasPrefix(e.Name, "check_") {
			return true
		}
	}
	return false
}
