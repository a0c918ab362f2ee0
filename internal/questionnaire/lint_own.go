package questionnaire

import (
	"regexp"
	"strings"
)

// maxWords is how long a title of our own sets may be.
const maxWords = 25

var (
	// secondQuestion is a second main clause: "... and do you ...".
	secondQuestion = regexp.MustCompile(`(?i)\band (?:do|does|did|is|are|was|were|can|could|will|would|should|has|have) (?:you|your|it|its|they|their|we|the|there|each|every|all|any|a|an|this|that|these|those)\b`)
	// twoVerbs is a pair of verbs behind one subject: "do you test and document ...".
	twoVerbs = regexp.MustCompile(`(?i)\b(?:do|does|did|can|could|will|would|should) (?:you|we|they|it) \w+ and \w+`)
	// secondStatement is a second statement of a choice: "We ... and we ...".
	secondStatement = regexp.MustCompile(`(?i)^we\b.*\band we\b`)
)

// asksTwoThings reports whether a question's title asks two things. It knows only
// patterns that a good title does not have, and misses others.
func asksTwoThings(title string) bool {
	return strings.Count(title, "?") > 1 || secondQuestion.MatchString(title) || twoVerbs.MatchString(title)
}

// ownSet looks at what we ask of sets in our own format.
func (l *linter) ownSet(q *Questionnaire) {
	practices := make(map[string]string) // by lineage, the question that asks it as core
	for i := range q.Sections {
		for j := range q.Sections[i].Questions {
			path := atIndex(join(atIndex("sections", i), "questions"), j)
			question := &q.Sections[i].Questions[j]
			l.ownQuestion(question, path)
			l.practices(question, path, practices)
		}
	}
}

func (l *linter) ownQuestion(q *Question, path string) {
	title := join(path, "title")
	if asksTwoThings(q.Title) {
		l.warn(title, q.at, "asks-two-things", "Make two questions of it.", "The title of %s asks two things.", q.ID)
	}
	l.length(title, q.at, q.Title)
	if strings.TrimSpace(q.Why) == "" {
		l.warn(join(path, "why"), q.at, "no-why", "Say which failure it prevents.", "The question %s does not say why it matters.", q.ID)
	}
	needed := false
	for i := range q.Choices {
		c := &q.Choices[i]
		inner := atIndex(join(path, "choices"), i)
		needed = needed || c.Weight == WeightCore || c.Weight == WeightAlternative
		if c.None {
			continue
		}
		l.length(join(inner, "title"), c.at, c.Title)
		if secondStatement.MatchString(c.Title) {
			l.warn(join(inner, "title"), c.at, "asks-two-things", "Make two choices of it.", "The title of %s states two things.", c.ID)
		}
		if c.Weight != WeightScope && strings.TrimSpace(c.FirstStep.Text) == "" {
			l.warn(join(inner, "first_step"), c.at, "no-first-step", "Say what can be done this week.", "The choice %s has no first step.", c.ID)
		}
	}
	for i := range q.Checks {
		l.lintCheck(&q.Checks[i], atIndex(join(path, "checks"), i))
	}
	if q.Weighted && q.MaxRisk == RiskHigh && !needed {
		l.warn(path, q.at, "no-core", "Make a choice core, or the worst risk medium.",
			"The question %s may be high, but no choice is core or an alternative.", q.ID)
	}
}

func (l *linter) length(path string, at place, title string) {
	if n := len(strings.Fields(title)); n > maxWords {
		l.warn(path, at, "too-long-title", "Shorten it.", "The title has %d words; at most %d are good to read.", n, maxWords)
	}
}

// practices looks for a practice that core choices of two questions ask for. Several
// choices of one question may divide a practice among them.
func (l *linter) practices(q *Question, path string, seen map[string]string) {
	for i := range q.Choices {
		c := &q.Choices[i]
		if c.Weight != WeightCore {
			continue
		}
		for _, practice := range c.Lineage {
			if first, ok := seen[practice]; ok && first != q.ID {
				l.warn(join(atIndex(join(path, "choices"), i), "lineage"), c.at, "duplicate-practice", "Ask it in one place.",
					"The practice %s is already a core choice of %s.", practice, first)
				continue
			}
			seen[practice] = q.ID
		}
	}
}
