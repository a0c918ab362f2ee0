// Package text brings what people type into the one form that is stored.
package text

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// Clean trims, normalises to NFC with line feeds only, and drops what no stored text
// should hold: invalid UTF-8 and control characters other than line feed and tab. Of what
// leaves no mark at all nothing remains.
func Clean(s string) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	s = strings.ReplaceAll(s, "\r\n", "\n")
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\n' && r != '\t' {
			return -1
		}
		return r
	}, s)
	s = strings.TrimSpace(norm.NFC.String(s))
	if !strings.ContainsFunc(s, visible) {
		return ""
	}
	return s
}

// visible reports whether a rune leaves a mark: zero-width characters alone are no text.
func visible(r rune) bool {
	return unicode.IsGraphic(r) && !unicode.IsSpace(r) || unicode.Is(unicode.Co, r)
}

// Cut shortens what a person typed to a length that fits a message.
func Cut(s string) string {
	if r := []rune(s); len(r) > 40 {
		return string(r[:40]) + "..."
	}
	return s
}

// Line is Clean for what stands on one line, such as a name: line feeds and tabs become
// spaces, and characters that turn the direction of text are dropped.
func Line(s string) string {
	return strings.Join(strings.Fields(strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Bidi_Control, r) {
			return -1
		}
		return r
	}, Clean(s))), " ")
}
