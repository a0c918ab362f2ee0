package questionnaire

import (
	"errors"
	"math/bits"
)

// Preview is a question of a draft as it would be asked, and what is wrong with it.
type Preview struct {
	Question *Question // nil while there are errors
	Problems []Problem
	Counts   []TruthCount
	Rows     []TruthRow // every selection of the practices, when they are few enough
}

// TruthCount is how many selections have a risk.
type TruthCount struct {
	Risk  Risk
	Count int
}

// TruthRow is one selection and its risk.
type TruthRow struct {
	Ticked []bool // by practice, in the question's order
	Risk   Risk
}

// maxTruthPractices is how many practices a truth table is written out for: 32 rows.
const maxTruthPractices = 5

// Preview tells how the question of the form would be asked and scored.
func (in QuestionInput) Preview(draft *Questionnaire) (Preview, error) {
	question, _ := in.question(draft) // the fields' own messages come when it is saved
	alone := &Questionnaire{Key: "preview", Name: "Preview", Version: "1.0.0", Sections: []Section{{ID: "section", Name: "Section", Questions: []Question{question}}}}
	source, err := encodeYAML(alone)
	if err != nil {
		return Preview{}, err
	}
	set, err := Parse("preview.yaml", source)
	var refused Problems
	if errors.As(err, &refused) {
		return Preview{Problems: refused}, nil
	}
	if err != nil {
		return Preview{}, err
	}
	p := Preview{Question: set.list[0], Problems: Lint(set)}
	p.Counts, p.Rows = p.Question.truth()
	return p, nil
}

// Practices returns the choices other than none-of-these.
func (q *Question) Practices() []*Choice {
	var out []*Choice
	for i := range q.Choices {
		if !q.Choices[i].None {
			out = append(out, &q.Choices[i])
		}
	}
	return out
}

// truth counts the selections of practices by their risk, the empty one left out, and
// writes them all out when they are few, fewest ticks first.
func (q *Question) truth() (counts []TruthCount, rows []TruthRow) {
	var places []int
	for i := range q.Choices {
		if !q.Choices[i].None {
			places = append(places, i)
		}
	}
	n := len(places)
	found := map[Risk]int{}
	byTicks := make([][]TruthRow, n+1)
	for m := uint32(1); m < 1<<n; m++ {
		var chosen uint32
		ticked := make([]bool, n)
		for i, place := range places {
			if m>>i&1 != 0 {
				chosen |= 1 << place
				ticked[i] = true
			}
		}
		risk, _ := q.scoreBits(chosen, 0)
		found[risk]++
		if n <= maxTruthPractices {
			k := bits.OnesCount32(m)
			byTicks[k] = append(byTicks[k], TruthRow{ticked, risk})
		}
	}
	for _, risk := range []Risk{RiskNone, RiskMedium, RiskHigh, RiskUnmatched} {
		if found[risk] > 0 {
			counts = append(counts, TruthCount{risk, found[risk]})
		}
	}
	for _, list := range byTicks {
		rows = append(rows, list...)
	}
	return counts, rows
}
