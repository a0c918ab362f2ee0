// Package typeset sets text, tables and shapes on the pages of a tagged PDF: it cleans
// strings, breaks lines, and divides blocks among pages. It knows nothing of reviews.
// Lengths are in points; y runs from the top of a page.
package typeset

import (
	"fmt"
	"sync"
	"unicode"

	"golang.org/x/image/font/sfnt"
	"golang.org/x/image/math/fixed"

	"orrery/internal/report/fonts"
)

// Face is one cut of the typeface.
type Face uint8

// The faces there are.
const (
	Regular Face = iota
	SemiBold
	Italic
	east // stands in for letters that the other faces lack
)

// faces are the files of the faces, and how to get what breaking lines needs of them, which
// is read once, when it is needed first.
var faces = []struct {
	name    string
	file    []byte
	metrics func() *metrics
}{
	Regular: {"inter", fonts.Regular, reading(fonts.Regular)}, SemiBold: {"inter-semibold", fonts.SemiBold, reading(fonts.SemiBold)},
	Italic: {"inter-italic", fonts.Italic, reading(fonts.Italic)}, east: {"droid-fallback", fonts.East, reading(fonts.East)},
}

// Of the face's design: where the baseline of a line is.
const ascent, descent = 0.969, 0.242

// metrics is what breaking lines needs of a face: the width of each character in
// thousandths of the size, plus one; 0 where the face has no glyph.
type metrics [0x10000]uint16

// reading reads a face once. It is part of the program, so a fault in it is a bug.
func reading(file []byte) func() *metrics {
	return sync.OnceValue(func() *metrics {
		m, err := readMetrics(file)
		if err != nil {
			panic(fmt.Sprintf("read font: %v", err))
		}
		return m
	})
}

func readMetrics(file []byte) (*metrics, error) {
	font, err := sfnt.Parse(file)
	if err != nil {
		return nil, err
	}
	var m metrics
	var buf sfnt.Buffer
	units := font.UnitsPerEm()
	for r := rune(' '); r < rune(len(m)); r++ {
		glyph, err := font.GlyphIndex(&buf, r)
		if err != nil {
			return nil, err
		}
		if glyph == 0 || unicode.Is(unicode.Co, r) {
			continue
		}
		// At a size of one pixel for each unit, the advance is in units.
		advance, err := font.GlyphAdvance(&buf, glyph, fixed.I(int(units)), 0)
		if err != nil {
			return nil, err
		}
		m[r] = uint16((advance.Round()*1000+int(units)/2)/int(units)) + 1
	}
	return &m, nil
}

// has reports whether the face can show the character.
func (f Face) has(r rune) bool { return r < 0x10000 && faces[f].metrics()[r] > 0 }

// width returns the width of a character at size 1; of one the face has.
func (f Face) width(r rune) float64 { return float64(faces[f].metrics()[r]-1) / 1000 }

// Prints reports whether every letter of a text can be shown. Where one cannot, a box is
// drawn in its place.
func Prints(s string) bool {
	if plain(s) {
		return true
	}
	for _, g := range clean(Regular, s) {
		if g.shown != g.meant {
			return false
		}
	}
	return true
}
