package text

import (
	"strings"
	"unicode/utf8"
)

// Cell makes a text safe to stand in a cell of a CSV file: a spreadsheet would take one that
// begins with =, +, -, @, a tab or a line break for a formula, so it gets an apostrophe in
// front. The wide forms of these signs count too, as do spaces before them. Every cell that
// holds what a person typed or AWS said goes through here; quoting is left to encoding/csv.
func Cell(s string) string {
	first, _ := utf8.DecodeRuneInString(strings.TrimLeft(s, " \u00a0\u3000\ufeff"))
	if strings.ContainsRune("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20\u2212", first) && s != "" {
		return "'" + s
	}
	return s
}
