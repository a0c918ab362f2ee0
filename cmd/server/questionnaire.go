package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"orrery/internal/questionnaire"
)

// questionnaireCmd groups what one does with files of questions. None of it but import
// needs a database.
type questionnaireCmd struct {
	Lint   lintCmd   `cmd:"" help:"Say what is wrong or doubtful about files. Ends with 0 when there is nothing, 1 with warnings only, 2 when a file is refused."`
	Export exportCmd `cmd:"" help:"Write a file in another format to standard output; what the format loses goes to standard error."`
	Diff   diffCmd   `cmd:"" help:"Say what changed between two versions of a set, and whether it is major or minor."`
	Import importCmd `cmd:"" help:"Publish a file as a version of a set of the organisation. Without --commit nothing is written: it says what would come of it."`
}

// output is how a command answers.
type output struct {
	Output string `short:"o" enum:"text,json" default:"text" help:"How to answer: text or json."`
}

func (o output) json() bool { return o.Output == "json" }

const (
	exitWarnings = 1
	exitRefused  = 2
)

// maxRead is how much of a file is read: more than the longest one that is not refused
// for its length, whatever its characters take.
const maxRead = 4*questionnaire.MaxFile + 4

// readSet reads and parses one file. The error is questionnaire.Problems when the content
// is refused.
func readSet(name string) (*questionnaire.Questionnaire, error) {
	data, err := readFile(name)
	if err != nil {
		return nil, err
	}
	return questionnaire.Parse(filepath.Base(name), data)
}

// readFile reads at most maxRead bytes of a file.
func readFile(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	data, err := io.ReadAll(io.LimitReader(f, maxRead))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	return data, nil
}

// readSets is readSet for a command that cannot go on without: what refuses a file is
// printed, one line for each problem, and ends the program with exitRefused.
func (s *session) readSets(names ...string) ([]*questionnaire.Questionnaire, error) {
	var sets []*questionnaire.Questionnaire
	for _, name := range names {
		q, err := readSet(name)
		var problems questionnaire.Problems
		if errors.As(err, &problems) {
			s.printProblems(s.errOut, name, problems)
			_, _ = fmt.Fprintf(s.errOut, "%s: refused\n", name)
			return nil, exit(exitRefused)
		}
		if err != nil {
			return nil, exitError{exitRefused, err}
		}
		sets = append(sets, q)
	}
	return sets, nil
}

// printProblems writes problems as compilers do, so that editors find the places.
func (s *session) printProblems(out io.Writer, name string, problems []questionnaire.Problem) {
	for _, p := range problems {
		place := name
		if p.Line > 0 {
			place = fmt.Sprintf("%s:%d:%d", name, p.Line, p.Column)
		}
		severity := string(p.Severity)
		p.Line = 0 // said already
		_, _ = fmt.Fprintf(out, "%s: %s: %s [%s]\n", place, severity, p, p.Code)
	}
}

// printJSON writes a value for another program.
func (s *session) printJSON(out io.Writer, v any) error {
	e := json.NewEncoder(out)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

// problemJSON is a questionnaire.Problem for another program.
type problemJSON struct {
	Path     string                 `json:"path"`
	Line     int                    `json:"line,omitempty"`
	Column   int                    `json:"column,omitempty"`
	Code     string                 `json:"code"`
	Message  string                 `json:"message"`
	Mend     string                 `json:"mend,omitempty"`
	Severity questionnaire.Severity `json:"severity"`
}

func problemsJSON(problems []questionnaire.Problem) []problemJSON {
	out := make([]problemJSON, len(problems))
	for i, p := range problems {
		out[i] = problemJSON(p)
	}
	return out
}

type lintCmd struct {
	output
	Files []string `arg:"" name:"file" help:"Files in our own YAML, or AWS custom lenses in JSON."`
}

// lintResult is what lint says of one file.
type lintResult struct {
	File      string        `json:"file"`
	Result    string        `json:"result"` // clean, warnings or refused
	Key       string        `json:"key,omitempty"`
	Version   string        `json:"version,omitempty"`
	Format    string        `json:"format,omitempty"`
	Questions int           `json:"questions,omitempty"`
	Choices   int           `json:"choices,omitempty"`
	Problems  []problemJSON `json:"problems"`

	problems []questionnaire.Problem
}

// lintFile looks at one file. The error is of reading it.
func lintFile(name string) (lintResult, error) {
	r := lintResult{File: name, Result: "clean"}
	q, err := readSet(name)
	var refused questionnaire.Problems
	switch {
	case errors.As(err, &refused):
		r.Result, r.problems = "refused", refused
	case err != nil:
		return r, err
	default:
		r.Key, r.Version, r.Format, r.Questions = q.Key, q.Version, string(q.Format), len(q.Questions())
		for _, question := range q.Questions() {
			r.Choices += len(question.Choices)
		}
		if r.problems = questionnaire.Lint(q); len(r.problems) > 0 {
			r.Result = "warnings"
		}
	}
	r.Problems = problemsJSON(r.problems)
	return r, nil
}

// Run looks at every file and ends with the worst result.
func (c lintCmd) Run(s *session) error {
	results := make([]lintResult, 0, len(c.Files))
	code := 0
	for _, name := range c.Files {
		r, err := lintFile(name)
		if err != nil {
			return exitError{exitRefused, err}
		}
		switch r.Result {
		case "refused":
			code = exitRefused
		case "warnings":
			code = max(code, exitWarnings)
		}
		if results = append(results, r); !c.json() {
			s.printProblems(s.out, name, r.problems)
			s.say("%s: %s", name, r.words())
		}
	}
	if c.json() {
		if err := s.printJSON(s.out, results); err != nil {
			return err
		}
	}
	if code != 0 {
		return exit(code)
	}
	return nil
}

// words is the last line about a file.
func (r lintResult) words() string {
	switch r.Result {
	case "refused":
		errs := 0
		for _, p := range r.problems {
			if p.Severity == questionnaire.SeverityError {
				errs++
			}
		}
		return "refused, " + counted(errs, "error")
	case "warnings":
		return counted(len(r.problems), "warning") + " in " + counted(r.Questions, "question")
	}
	return "clean, " + counted(r.Questions, "question") + " with " + counted(r.Choices, "choice")
}

func counted(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

type exportCmd struct {
	output
	File string `arg:"" help:"A file in our own YAML, or an AWS custom lens in JSON."`
	To   string `enum:"aws,yaml" required:"" help:"The format to write: aws (custom lens, JSON) or yaml (our own)."`
}

// Run writes the file in the other format. It ends with exitRefused, and writes nothing to
// standard output, when the format cannot hold what the file says.
func (c exportCmd) Run(s *session) error {
	sets, err := s.readSets(c.File)
	if err != nil {
		return err
	}
	var data []byte
	var loss []questionnaire.Problem
	if c.To == "aws" {
		data, loss, err = questionnaire.ExportAWS(sets[0])
	} else {
		data, err = questionnaire.ExportYAML(sets[0])
	}
	var refused questionnaire.Problems
	if errors.As(err, &refused) {
		loss = refused
	} else if err != nil {
		return exitError{exitRefused, err}
	}
	if c.json() {
		if err := s.printJSON(s.errOut, problemsJSON(loss)); err != nil {
			return err
		}
	} else {
		s.printProblems(s.errOut, c.File, loss)
	}
	if refused != nil {
		return exit(exitRefused)
	}
	_, err = s.out.Write(data)
	return err
}

type diffCmd struct {
	output
	Old string `arg:"" help:"The older version."`
	New string `arg:"" help:"The newer version."`
}

// changeJSON is a questionnaire.Change for another program.
type changeJSON struct {
	Section  string `json:"section,omitempty"`
	Question string `json:"question,omitempty"`
	Choice   string `json:"choice,omitempty"`
	Field    string `json:"field,omitempty"`
	Old      string `json:"old,omitempty"`
	New      string `json:"new,omitempty"`
}

// diffJSON is a questionnaire.Difference for another program.
type diffJSON struct {
	Size     string       `json:"size"` // none, minor or major
	Added    []changeJSON `json:"added"`
	Removed  []changeJSON `json:"removed"`
	Rescored []changeJSON `json:"rescored"`
	Reworded []changeJSON `json:"reworded"`
	Moved    []changeJSON `json:"moved"`
	Changed  []changeJSON `json:"changed"`
}

func changesJSON(changes []questionnaire.Change) []changeJSON {
	out := make([]changeJSON, len(changes))
	for i, c := range changes {
		out[i] = changeJSON(c)
	}
	return out
}

// Run prints the differences; it ends with 0 whether there are any or none.
func (c diffCmd) Run(s *session) error {
	sets, err := s.readSets(c.Old, c.New)
	if err != nil {
		return err
	}
	d := questionnaire.Compare(sets[0], sets[1])
	if c.json() {
		return s.printJSON(s.out, newDiffJSON(d))
	}
	s.sayDifference(d)
	return nil
}

func newDiffJSON(d questionnaire.Difference) diffJSON {
	out := diffJSON{
		Size: "minor", Added: changesJSON(d.Added), Removed: changesJSON(d.Removed), Rescored: changesJSON(d.Rescored),
		Reworded: changesJSON(d.Reworded), Moved: changesJSON(d.Moved), Changed: changesJSON(d.Changed),
	}
	switch {
	case d.Empty():
		out.Size = "none"
	case d.Major:
		out.Size = "major"
	}
	return out
}

// sayDifference prints the changes by their kind, and sums them up.
func (s *session) sayDifference(d questionnaire.Difference) {
	for _, g := range d.Groups() {
		s.say("%s (%d). %s", g.Title, len(g.Changes), g.Meaning)
		for _, change := range g.Changes {
			s.say("  %s", change)
		}
	}
	s.say("%s", d.Sentence())
}
