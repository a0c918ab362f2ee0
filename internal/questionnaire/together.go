package questionnaire

// Asked is a place where a practice is asked for: a core choice of a question of a set.
type Asked struct {
	Set, Question, Choice string // ids
	Title                 string // of the question
}

// Overlap is one practice that core choices of two questions of different sets ask for.
type Overlap struct {
	Practice      string
	First, Second Asked
}

// Together looks for practices that several sets, asked in one review, ask for twice. What
// one set asks twice is told by Lint of that set.
func Together(sets ...*Questionnaire) []Overlap {
	var list []Overlap
	first := map[string]Asked{}
	for _, set := range sets {
		for _, q := range set.Questions() {
			for i := range q.Choices {
				c := &q.Choices[i]
				if c.Weight != WeightCore {
					continue
				}
				here := Asked{Set: set.Key, Question: q.ID, Choice: c.ID, Title: q.Title}
				for _, practice := range c.Lineage {
					was, ok := first[practice]
					if !ok {
						first[practice] = here
					} else if was.Set != here.Set {
						list = append(list, Overlap{Practice: practice, First: was, Second: here})
					}
				}
			}
		}
	}
	return list
}
