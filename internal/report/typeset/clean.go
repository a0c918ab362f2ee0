package typeset

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// replacement is what is drawn for a character that no face has.
const replacement = '□'

// glyph is a character as it is drawn, in which face, and as it was meant. They differ where
// no face has such a character.
type glyph struct {
	shown, meant rune
	face         Face
}

// clean makes a string fit to be drawn in a face: line feeds are the only control
// characters left, marks that turn the direction of text are spelled out as [U+202E],
// invisible characters are dropped, letters the face lacks are drawn in the one that stands
// in for it, and what both lack becomes a visible box that remembers what it stands for.
func clean(face Face, s string) []glyph {
	list := make([]glyph, 0, len(s))
	if !plain(s) {
		s = strings.ReplaceAll(norm.NFC.String(strings.ToValidUTF8(s, "\uFFFD")), "\r\n", "\n")
	}
	for _, r := range s {
		switch {
		case r == '\n' || r == '\r' || r == '\u2028' || r == '\u2029':
			list = append(list, glyph{'\n', '\n', face})
		case r == '\t' || unicode.Is(unicode.Zs, r) && !face.has(r):
			list = append(list, glyph{' ', ' ', face})
		case turnsDirection(r):
			for _, c := range fmt.Sprintf("[U+%04X]", r) {
				list = append(list, glyph{c, c, face})
			}
		case unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || unicode.Is(unicode.Variation_Selector, r):
		case face.has(r):
			list = append(list, glyph{r, r, face})
		case east.has(r):
			list = append(list, glyph{r, r, east})
		default:
			list = append(list, glyph{replacement, r, face})
		}
	}
	return list
}

// plain reports whether the string is printable ASCII and line feeds.
func plain(s string) bool {
	for i := range len(s) {
		if c := s[i]; c >= utf8.RuneSelf || c < ' ' && c != '\n' {
			return false
		}
	}
	return true
}

// turnsDirection reports whether the character can make text read otherwise than it is.
func turnsDirection(r rune) bool {
	return r == 0x061C || r == 0x200E || r == 0x200F || r >= 0x202A && r <= 0x202E || r >= 0x2066 && r <= 0x2069
}

// Plain returns a string as clean draws it, on one line, with what was meant in place of
// boxes: for bookmarks and titles, which are shown in the reader's own typeface.
func Plain(s string) string {
	var b strings.Builder
	for _, g := range clean(Regular, s) {
		b.WriteRune(g.meant)
	}
	return strings.Join(strings.Fields(b.String()), " ")
}
