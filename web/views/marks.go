package views

import (
	"net/url"
	"slices"
	"strings"

	"github.com/google/uuid"

	"orrery/internal/questionnaire"
	"orrery/internal/review"
	"orrery/web/views/ui"
)

// MarkPage is the form of one person's mark on a question.
type MarkPage struct {
	Set        *questionnaire.Questionnaire
	QuestionID string
	Title      string
	Version    string // its number or its id; empty: the newest
	Back       string // where the form leads; empty: to the set
	Kind       questionnaire.MarkKind
	Note       string
	Marked     bool // there is a mark that this one replaces
}

// MarksPage lists the marks on a set for curators.
type MarksPage struct {
	Set      *questionnaire.Questionnaire // its newest version
	Filter   questionnaire.MarkFilter
	Marks    []questionnaire.Mark
	More     bool
	Counts   map[string]questionnaire.MarkCount
	Note     string
	Ticked   []string
	Conflict string
}

func markPath(key, question string) string {
	return "/questionnaires/" + key + "/q/" + question + "/mark"
}

// MarksPath is the address of the marks on a set, or on one question of it.
func MarksPath(key, question string) string {
	q := url.Values{}
	if question != "" {
		q.Set("question", question)
	}
	return withQuery("/questionnaires/"+key+"/marks", q)
}

// path is the address of the list, open or settled, after a mark.
func (p MarksPage) path(settled bool, before uuid.UUID) string {
	q := url.Values{}
	if p.Filter.Question != "" {
		q.Set("question", p.Filter.Question)
	}
	if settled {
		q.Set("settled", "1")
	}
	if before != uuid.Nil {
		q.Set("before", before.String())
	}
	return withQuery("/questionnaires/"+p.Set.Key+"/marks", q)
}

// title is the question's title in the newest version, or its id where it is gone.
func (p MarksPage) title(id string) string {
	if q, ok := p.Set.Question(id); ok {
		return q.Title
	}
	return id
}

// marked lists the questions with open marks in the order of the set, those that are gone
// from it last.
func (p MarksPage) marked() []string {
	var ids, gone []string
	for _, q := range p.Set.Questions() {
		if _, ok := p.Counts[q.ID]; ok {
			ids = append(ids, q.ID)
		}
	}
	for id := range p.Counts {
		if _, ok := p.Set.Question(id); !ok {
			gone = append(gone, id)
		}
	}
	slices.Sort(gone)
	return append(ids, gone...)
}

func (p MarksPage) ticked(m questionnaire.Mark) bool { return slices.Contains(p.Ticked, m.ID.String()) }

var markOptions = []ui.Option{
	{Value: string(questionnaire.MarkUnclear), Text: "Unclear"},
	{Value: string(questionnaire.MarkNotUseful), Text: "Not useful"},
}

// markWords count marks: "2 unclear, 1 not useful"; empty for none.
func markWords(c questionnaire.MarkCount) string {
	var words []string
	if c.Unclear > 0 {
		words = append(words, itoa(c.Unclear)+" unclear")
	}
	if c.NotUseful > 0 {
		words = append(words, itoa(c.NotUseful)+" not useful")
	}
	return strings.Join(words, ", ")
}

// openMarks counts the open marks of a page.
func (p QuestionnairePage) openMarks() (n int) {
	for _, c := range p.MarkCounts {
		n += c.Unclear + c.NotUseful
	}
	return n
}

// pinnedVersion is the id of the version that a review asks the question of.
func pinnedVersion(q review.QuestionPage) string {
	if pin, ok := q.Pin(q.Entry.Questionnaire); ok {
		return pin.VersionID.String()
	}
	return ""
}
