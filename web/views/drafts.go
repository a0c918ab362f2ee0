package views

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"orrery/internal/incident"
	"orrery/internal/questionnaire"
	"orrery/web/views/ui"
)

// NewDraftPage is the form that begins a set.
type NewDraftPage struct {
	questionnaire.DraftInput
	Sets []questionnaire.Set
}

func (p NewDraftPage) origins() []ui.Option {
	options := []ui.Option{{Value: "", Text: "Nothing, an empty set"}}
	for _, s := range p.Sets {
		options = append(options, ui.Option{Value: s.Key, Text: "A copy of " + s.Questionnaire.Name + ", " + s.Version})
	}
	return ui.Selected(options, p.From)
}

// DraftPage is a draft with its sections and questions, and what publishing would bring.
type DraftPage struct {
	Draft      questionnaire.Draft
	Form       questionnaire.SetInput
	NewSection string
	Version    string // to publish as
	Proposal   questionnaire.Proposal
	Lessons    []incident.Lesson // that publishing asks for the first time
}

// DraftPath is the address of a draft.
func DraftPath(d questionnaire.Draft) string { return "/questionnaires/drafts/" + d.ID.String() }

// DraftQuestionPath is the address of a question's form in a draft.
func DraftQuestionPath(d questionnaire.Draft, question string) string {
	return DraftPath(d) + "/q/" + question
}

func (p DraftPage) minutes() string {
	if p.Form.Minutes == 0 {
		return ""
	}
	return strconv.Itoa(p.Form.Minutes)
}

// draftProblem is what stands in the way of publishing, or is doubtful, and where it is
// mended.
type draftProblem struct {
	questionnaire.Problem
	Question string // id of the question it is about, empty for the set
}

// problems are those of the whole draft with the questions they are about.
func (p DraftPage) problems() []draftProblem {
	var out []draftProblem
	for _, problem := range p.Proposal.Problems {
		out = append(out, draftProblem{problem, questionAt(p.Draft.Set, problem.Path)})
	}
	return out
}

// questionAt is the id of the question that a path leads into.
func questionAt(q *questionnaire.Questionnaire, path string) string {
	var section, question int
	if n, _ := fmt.Sscanf(path, "sections[%d].questions[%d]", &section, &question); n != 2 || section >= len(q.Sections) || question >= len(q.Sections[section].Questions) {
		return ""
	}
	return q.Sections[section].Questions[question].ID
}

// DraftQuestion is the form of one question of a draft.
type DraftQuestion struct {
	Draft    questionnaire.Draft
	Input    questionnaire.QuestionInput
	IsNew    bool
	Revision int // the form was opened at
	Conflict string
	Preview  questionnaire.Preview
}

func (d DraftQuestion) path() string {
	if d.IsNew {
		return DraftQuestionPath(d.Draft, "new")
	}
	return DraftQuestionPath(d.Draft, d.Input.ID)
}

// emptyRows is how many rows for new choices stand under those that are there.
const emptyRows = 2

// rows are the choices of the form and some empty ones.
func (d DraftQuestion) rows() []questionnaire.ChoiceInput {
	rows := append([]questionnaire.ChoiceInput{}, d.Input.Choices...)
	empty := 0
	for _, row := range rows {
		if row.Title == "" {
			empty++
		}
	}
	for ; empty < emptyRows || len(rows) < 3; empty++ {
		rows = append(rows, questionnaire.ChoiceInput{Weight: questionnaire.WeightCore})
	}
	return rows
}

func (d DraftQuestion) sections() []ui.Option { return sectionOptions(d.Draft, d.Input.Section) }

var weightOptions = []ui.Option{
	{Value: string(questionnaire.WeightCore), Text: "Core"},
	{Value: string(questionnaire.WeightAlternative), Text: "Alternative"},
	{Value: string(questionnaire.WeightExtra), Text: "Extra"},
	{Value: string(questionnaire.WeightScope), Text: "Ends the question"},
}

var worstOptions = []ui.Option{
	{Value: string(questionnaire.RiskHigh), Text: "High"},
	{Value: string(questionnaire.RiskMedium), Text: "Medium"},
}

func numbered(name string, n int) string { return name + "_" + strconv.Itoa(n) }

func lines(list []string) string { return strings.Join(list, "\n") }

// countWords sums a truth table up: "3 of 15 selections".
func countWords(p questionnaire.Preview, c questionnaire.TruthCount) string {
	total := 0
	for _, each := range p.Counts {
		total += each.Count
	}
	return strconv.Itoa(c.Count) + " of " + plural(total, "selection")
}

func truthColumns(p questionnaire.Preview) []ui.Column {
	var columns []ui.Column
	for i := range p.Question.Practices() {
		columns = append(columns, ui.Column{Text: strconv.Itoa(i + 1)})
	}
	return append(columns, ui.Column{Text: "Risk"})
}

// setDraftItems are the drafts as a list to go on with.
func setDraftItems(drafts []questionnaire.Draft) []ui.WorkItem {
	var items []ui.WorkItem
	for _, d := range drafts {
		items = append(items, ui.WorkItem{
			Kind: ui.StateProgress, Title: d.Set.Name, Href: DraftPath(d), Due: ui.Time(d.UpdatedAt),
			Meta: d.Key + " · " + plural(len(d.Set.Questions()), "question") + " · saved by " + orElse(d.UpdatedBy, "the system"),
		})
	}
	return items
}

// newDraftPath leads to the form for the next version of an own set, or a copy of another.
func newDraftPath(p QuestionnairePage) string {
	q := url.Values{"from": {p.Set.Key}}
	if p.Origin == questionnaire.Organisation {
		q.Set("key", p.Set.Key)
	}
	return withQuery("/questionnaires/drafts/new", q)
}
