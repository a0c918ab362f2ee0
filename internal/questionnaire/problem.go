package questionnaire

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Severity says whether a problem refuses a file or only asks for a look.
type Severity string

// The severities.
const (
	SeverityError   Severity = "error"
	SeverityWarning Severity = "warning"
)

// Problem is one thing that is wrong with a file, and where.
type Problem struct {
	Path     string // such as sections[2].questions[5].rules[1].condition; empty for the file as a whole
	Line     int    // from 1; 0 when the problem has no place in a file
	Column   int    // from 1, in characters
	Code     string // stable, lower case with dashes
	Message  string // what is wrong, a whole sentence
	Mend     string // what mends it, a whole sentence
	Severity Severity
}

// String returns the problem on one line: path (line:column): message mend.
func (p Problem) String() string {
	var b strings.Builder
	b.WriteString(p.Path)
	if p.Line > 0 {
		if p.Path != "" {
			b.WriteByte(' ')
		}
		fmt.Fprintf(&b, "(%d:%d)", p.Line, p.Column)
	}
	if b.Len() > 0 {
		b.WriteString(": ")
	}
	b.WriteString(p.Message)
	if p.Mend != "" {
		b.WriteByte(' ')
		b.WriteString(p.Mend)
	}
	return b.String()
}

// Problems are all the problems of one file. They are an error when one of them is.
type Problems []Problem

// Error returns one problem per line.
func (p Problems) Error() string {
	lines := make([]string, len(p))
	for i, problem := range p {
		lines[i] = problem.String()
	}
	return strings.Join(lines, "\n")
}

// hasErrors reports whether one of the problems refuses the file.
func (p Problems) hasErrors() bool {
	return slices.ContainsFunc(p, func(problem Problem) bool { return problem.Severity == SeverityError })
}

// place is a position in a file, from 1:1; the zero place is nowhere.
type place struct{ line, column int }

// maxProblems bounds the list for a file that is wrong everywhere.
const maxProblems = 500

// reporter collects problems.
type reporter struct {
	problems Problems
	dropped  int
}

func (r *reporter) add(severity Severity, path string, at place, code, mend, format string, args ...any) {
	if len(r.problems) >= maxProblems {
		r.dropped++
		return
	}
	r.problems = append(r.problems, Problem{
		Path: path, Line: at.line, Column: at.column, Code: code,
		Message: fmt.Sprintf(format, args...), Mend: mend, Severity: severity,
	})
}

func (r *reporter) fail(path string, at place, code, mend, format string, args ...any) {
	r.add(SeverityError, path, at, code, mend, format, args...)
}

func (r *reporter) warn(path string, at place, code, mend, format string, args ...any) {
	r.add(SeverityWarning, path, at, code, mend, format, args...)
}

// sorted returns the problems in the order of the file, with a last one when the list
// was cut.
func (r *reporter) sorted() Problems {
	slices.SortStableFunc(r.problems, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	if r.dropped > 0 {
		r.problems = append(r.problems, Problem{
			Code: "too-many-problems", Severity: SeverityError,
			Message: fmt.Sprintf("%d more problems are not listed.", r.dropped),
			Mend:    "Mend these first and read the file again.",
		})
		r.dropped = 0
	}
	return r.problems
}
