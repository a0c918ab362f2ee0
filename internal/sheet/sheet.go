// Package sheet reads tables that people wrote as CSV, and says of each cell where it stood.
// It knows nothing of what the tables hold.
package sheet

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"
)

// The limits of a file.
const (
	MaxBytes = 2_000_000
	MaxRows  = 5_000
)

// Column is a column that a table may have.
type Column struct {
	Name     string
	Required bool
	Example  string // what a template shows
	Hint     string // what it holds, in a sentence
}

// Row is one row under the head.
type Row struct {
	Line  int // in the file, from 1
	cells map[string]string
}

// Get returns the cell of a column, trimmed; empty when the table lacks the column.
func (r Row) Get(column string) string { return r.cells[column] }

// Has reports whether the table has the column.
func (r Row) Has(column string) bool {
	_, ok := r.cells[column]
	return ok
}

// Problem is something wrong at a place of the file.
type Problem struct {
	Line    int    // 0: the file as a whole
	Column  string // empty: the row as a whole
	Message string
}

// The kinds of a Change.
const (
	Create  = "create"
	Update  = "update"
	Same    = "same"
	Refused = "refused"
)

// Change is what comes of a row.
type Change struct {
	Line     int
	Key      string // what names the row
	Kind     string
	Words    string    // what is created or changed
	Problems []Problem // why it is refused
}

// Parse reads a table: UTF-8, with or without a byte order mark, commas or semicolons
// between cells, the first row naming the columns in any order. Either there are problems,
// or every row is whole.
func Parse(data []byte, columns []Column) (rows []Row, problems []Problem) {
	if len(data) > MaxBytes {
		return nil, file("The file is longer than 2 MB. Split it.")
	}
	data = bytes.TrimPrefix(data, []byte("\uFEFF"))
	if i := invalidAt(data); i >= 0 {
		return nil, []Problem{{Line: 1 + bytes.Count(data[:i], []byte("\n")), Message: "The line is not UTF-8 text. Save the file as CSV in UTF-8."}}
	}
	r := csv.NewReader(bytes.NewReader(data))
	r.Comma, r.FieldsPerRecord = separator(data), -1
	head, err := r.Read()
	if errors.Is(err, io.EOF) {
		return nil, file("The file is empty. Its first row names the columns.")
	}
	if err != nil {
		return nil, []Problem{broken(err)}
	}
	names, problems := readHead(head, columns)
	for {
		cells, err := r.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, append(problems, broken(err))
		}
		line, _ := r.FieldPos(0)
		if len(rows) == MaxRows {
			return nil, append(problems, Problem{Line: line, Message: "The file has more than 5,000 rows. Split it."})
		}
		row, bad := readRow(line, names, cells)
		if bad != nil {
			problems = append(problems, *bad)
		} else if row.cells != nil {
			rows = append(rows, row)
		}
	}
	if len(problems) == 0 && len(rows) == 0 {
		problems = file("The file has a head and no row.")
	}
	if len(problems) > 0 {
		return nil, problems
	}
	return rows, nil
}

func file(words string) []Problem { return []Problem{{Message: words}} }

// invalidAt is the place of the first byte that is not UTF-8 or is zero; -1: none.
func invalidAt(data []byte) int {
	for i := 0; i < len(data); {
		r, size := utf8.DecodeRune(data[i:])
		if r == 0 || r == utf8.RuneError && size == 1 {
			return i
		}
		i += size
	}
	return -1
}

// separator is the sign that stands more often in the head.
func separator(data []byte) rune {
	head, _, _ := bytes.Cut(data, []byte("\n"))
	if bytes.Count(head, []byte(";")) > bytes.Count(head, []byte(",")) {
		return ';'
	}
	return ','
}

func broken(err error) Problem {
	var at *csv.ParseError
	if !errors.As(err, &at) {
		return Problem{Message: "The file could not be read."}
	}
	return Problem{Line: at.Line, Message: fmt.Sprintf("At character %d the quotes do not pair. A cell with quotes in it stands in quotes, and each quote in it is doubled.", at.Column)}
}

func readHead(head []string, columns []Column) (names []string, problems []Problem) {
	at := func(words string, args ...any) {
		problems = append(problems, Problem{Line: 1, Message: fmt.Sprintf(words, args...)})
	}
	var known []string
	for _, c := range columns {
		known = append(known, c.Name)
	}
	for i, cell := range head {
		name := strings.ReplaceAll(strings.ToLower(strings.TrimSpace(cell)), " ", "_")
		switch {
		case !slices.Contains(known, name):
			at("Column %d is called %q. The columns are %s.", i+1, cut(cell), strings.Join(known, ", "))
		case slices.Contains(names, name):
			at("The column %s stands there twice.", name)
		}
		names = append(names, name)
	}
	for _, c := range columns {
		if c.Required && !slices.Contains(names, c.Name) {
			at("The column %s is missing.", c.Name)
		}
	}
	return names, problems
}

// readRow returns no cells for a row in which nothing stands.
func readRow(line int, names, cells []string) (Row, *Problem) {
	if strings.TrimSpace(strings.Join(cells, "")) == "" {
		return Row{}, nil
	}
	if len(cells) != len(names) {
		return Row{}, &Problem{Line: line, Message: fmt.Sprintf("The row has %d cells, and the head names %d columns. A cell with a separator in it stands in quotes.", len(cells), len(names))}
	}
	row := Row{Line: line, cells: map[string]string{}}
	for i, name := range names {
		row.cells[name] = strings.TrimSpace(unguard(cells[i]))
	}
	return row, nil
}

// unguard takes away the apostrophe that our own files put before what a spreadsheet would
// take for a formula.
func unguard(cell string) string {
	if len(cell) > 1 && cell[0] == '\'' && strings.ContainsRune("=+-@\t\r\n", rune(cell[1])) {
		return cell[1:]
	}
	return cell
}

func cut(s string) string {
	if r := []rune(s); len(r) > 40 {
		return string(r[:40]) + "…"
	}
	return s
}

// List parts a cell that holds several words: at spaces, commas, semicolons and bars.
func List(cell string) []string {
	return strings.FieldsFunc(cell, func(r rune) bool { return strings.ContainsRune(" ,;|\t\r\n", r) })
}

// Count counts the changes of a kind.
func Count(list []Change, kind string) (n int) {
	for _, c := range list {
		if c.Kind == kind {
			n++
		}
	}
	return n
}
