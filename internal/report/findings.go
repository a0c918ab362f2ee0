package report

import (
	"strconv"
	"strings"

	"orrery/internal/questionnaire"
	"orrery/internal/review"
)

// section is a section with its place in the report.
type section struct {
	number        string
	name          string
	questionnaire string
	questions     []*question
	tally         tally
	part          *part
}

// question is a question with its place in the report.
type question struct {
	review.SnapshotQuestion
	number string
	key    string // questionnaire/question
	part   *part
}

// tally counts questions by risk. High includes answers that no rule fits.
type tally struct{ high, medium, none, unanswered, notApplicable int }

// sections numbers the sections that were asked, and counts.
func sections(asked []review.SnapshotSection) ([]*section, tally) {
	var list []*section
	var total tally
	for _, a := range asked {
		if len(a.Questions) == 0 {
			continue
		}
		s := &section{number: strconv.Itoa(len(list) + 1), name: a.Name, questionnaire: a.Questionnaire}
		for i, q := range a.Questions {
			s.questions = append(s.questions, &question{
				SnapshotQuestion: q, number: s.number + "." + strconv.Itoa(i+1), key: a.Questionnaire + "/" + q.ID,
			})
			s.tally.add(q.Risk)
			total.add(q.Risk)
		}
		list = append(list, s)
	}
	return list, total
}

func (t *tally) add(risk string) {
	switch questionnaire.Risk(risk) {
	case questionnaire.RiskHigh, questionnaire.RiskUnmatched:
		t.high++
	case questionnaire.RiskMedium:
		t.medium++
	case questionnaire.RiskNone:
		t.none++
	case questionnaire.RiskNotApplicable:
		t.notApplicable++
	default:
		t.unanswered++
	}
}

// risks returns the tally's risks and their counts, the worst first.
func (t tally) risks() []count {
	return []count{
		{questionnaire.RiskHigh, t.high}, {questionnaire.RiskMedium, t.medium}, {questionnaire.RiskNone, t.none},
		{questionnaire.RiskUnanswered, t.unanswered}, {questionnaire.RiskNotApplicable, t.notApplicable},
	}
}

// count is how many questions have a risk.
type count struct {
	risk questionnaire.Risk
	n    int
}

func (t tally) all() int { return t.high + t.medium + t.none + t.unanswered + t.notApplicable }

// words says the tally without its zeros: "2 high, 1 medium". A number and its risk stay on
// one line.
func (t tally) words() string {
	var words []string
	for _, c := range t.risks() {
		if c.n > 0 {
			words = append(words, strconv.Itoa(c.n)+"\u00a0"+strings.ReplaceAll(c.risk.Label(), " ", "\u00a0"))
		}
	}
	return strings.Join(words, ", ")
}

// highs returns the questions that count as high, in their order.
func (r *report) highs() []*question { return r.those(questionnaire.Risk.CountsAsHigh) }

// mediums returns the questions with a medium risk, in their order.
func (r *report) mediums() []*question {
	return r.those(func(risk questionnaire.Risk) bool { return risk == questionnaire.RiskMedium })
}

func (r *report) those(keep func(questionnaire.Risk) bool) []*question {
	var list []*question
	for _, s := range r.sections {
		for _, q := range s.questions {
			if keep(questionnaire.Risk(q.Risk)) {
				list = append(list, q)
			}
		}
	}
	return list
}

// clash is a verdict that stands against what was ticked.
type clash struct {
	question *question
	verdict  review.SnapshotVerdict
}

func (r *report) clashes() []clash {
	var list []clash
	for _, s := range r.sections {
		for _, q := range s.questions {
			for _, v := range q.Evidence {
				if v.Against {
					list = append(list, clash{q, v})
				}
			}
		}
	}
	return list
}
