package questionnaire

import (
	"fmt"
	"strings"
	"unicode"
)

// allowedSigns are the characters beside letters, digits and white space that the AWS
// Well-Architected Tool takes in names, titles and descriptions (measured on the service).
const allowedSigns = "-_.,:/()@!&#+'?\u2019"

// forbidden returns the first character that AWS would refuse in a name, title or
// description.
func forbidden(s string) (rune, bool) {
	for _, r := range s {
		if r != ' ' && r != '\n' && !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r) && !strings.ContainsRune(allowedSigns, r) {
			return r, true
		}
	}
	return 0, false
}

// characters looks for what AWS refuses in every name, title and description.
func (l *linter) characters(q *Questionnaire) {
	l.charset("name", q.at, q.Name)
	l.charset("description", q.at, q.Description)
	for i := range q.Sections {
		s := &q.Sections[i]
		path := atIndex(l.names.sections, i)
		l.charset(join(path, "name"), s.at, s.Name)
		for j := range s.Questions {
			question := &s.Questions[j]
			inner := atIndex(join(path, "questions"), j)
			l.charset(join(inner, "title"), question.at, question.Title)
			l.charset(join(inner, "description"), question.at, question.Description)
			for k := range question.Choices {
				c := &question.Choices[k]
				l.charset(join(atIndex(join(inner, "choices"), k), "title"), c.at, c.Title)
			}
		}
	}
}

func (l *linter) charset(path string, at place, s string) {
	if r, bad := forbidden(s); bad {
		l.warn(path, at, "charset", "Write it in other words.", "The character %s is one that AWS refuses here.", showRune(r))
	}
}

func showRune(r rune) string {
	if unicode.IsPrint(r) {
		return fmt.Sprintf(`"%c" (%U)`, r, r)
	}
	return fmt.Sprintf("%U", r)
}
