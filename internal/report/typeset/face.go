// Package typeset sets text, tables and shapes on the pages of a tagged PDF: it cleans
// strings, breaks lines, and divides blocks among pages. It knows nothing of reviews.
// Lengths are in points; y runs from the top of a page.
package typeset

import (
	"fmt"
	"sync"
	"unicode"

	"codeberg.org/go-pdf/fpdf"
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
)

var faces = []struct {
	name string
	file []byte
}{Regular: {"inter", fonts.Regular}, SemiBold: {"inter-semibold", fonts.SemiBold}, Italic: {"inter-italic", fonts.Italic}}

// Of the face's design: where the baseline of a line is.
const ascent, descent = 0.969, 0.242

// metrics is what breaking lines needs of a face: the width of each character in
// thousandths of the size, plus one; 0 where the face has no glyph.
type metrics [0x10000]uint16

// widths reads the faces once. They are part of the program, so a fault in them is a bug.
var widths = sync.OnceValue(func() []*metrics {
	list := make([]*metrics, len(faces))
	for i, face := range faces {
		m, err := readMetrics(face.file)
		if err != nil {
			panic(fmt.Sprintf("font %s: %v", face.name, err))
		}
		list[i] = m
	}
	return list
})

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
func (f Face) has(r rune) bool { return r < 0x10000 && widths()[f][r] > 0 }

// width returns the width of a character at size 1; of one the face has.
func (f Face) width(r rune) float64 { return float64(widths()[f][r]-1) / 1000 }

// register makes the faces known to a document.
func register(pdf *fpdf.Fpdf) {
	for _, face := range faces {
		pdf.AddUTF8FontFromBytes(face.name, "", face.file)
	}
}
