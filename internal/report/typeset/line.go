package typeset

import (
	"math"
	"slices"
	"strings"
	"unicode"
)

// Color is a colour of the screen.
type Color struct{ R, G, B uint8 }

// Style is how a stretch of text looks and where it leads.
type Style struct {
	Face   Face
	Size   float64
	Color  Color
	Link   *Link
	Code   bool // on a tinted ground
	Strike bool
}

// In returns the style in another colour.
func (s Style) In(c Color) Style {
	s.Color = c
	return s
}

// With returns the style in another face.
func (s Style) With(f Face) Style {
	s.Face = f
	return s
}

// Span is a stretch of text in one style. A line feed begins a new line.
type Span struct {
	Text  string
	Style Style
}

// Line is one line of text, broken and measured.
type Line struct {
	Height float64
	Width  float64 // without spaces at the end
	base   float64 // of the baseline, from the top
	cells  []cell
}

// cell is a character on a line.
type cell struct {
	glyph
	style *Style
	width float64
}

// Break divides text into lines no wider than width. leading is the height of a line per
// size. Words that fit on no line are broken after a separator, or anywhere. Text without
// characters has no lines.
func Break(spans []Span, width, leading float64) []Line {
	var cells []cell
	for i := range spans {
		style := &spans[i].Style
		for _, g := range clean(style.Face, spans[i].Text) {
			c := cell{glyph: g, style: style}
			if g.shown != '\n' {
				c.width = g.face.width(g.shown) * style.Size
			}
			cells = append(cells, c)
		}
	}
	var lines []Line
	for start := 0; start < len(cells); {
		end, next := cut(cells, start, width)
		if end < next && end > start { // words must not join when the text is copied
			cells[end].glyph = glyph{' ', ' ', cells[end].style.Face}
			end++
		}
		lines = append(lines, newLine(cells[start:end], cells[start].style.Size, leading))
		start = next
	}
	return lines
}

// One sets text on a single line as wide as it is.
func One(leading float64, spans ...Span) Line {
	lines := Break(spans, math.Inf(1), leading)
	if len(lines) == 0 {
		return Line{}
	}
	return lines[0]
}

// newLine measures a line; least is its size when it is empty.
func newLine(cells []cell, least, leading float64) Line {
	l := Line{cells: cells}
	size, w := 0.0, 0.0
	for _, c := range cells {
		size = max(size, c.style.Size)
		w += c.width
		if c.shown != ' ' {
			l.Width = w
		}
	}
	if size == 0 {
		size = least
	}
	l.Height = size * leading
	l.base = (l.Height-(ascent+descent)*size)/2 + ascent*size
	return l
}

// breaks are the last places of each kind where a line may break.
type breaks [kinds]int

// cut finds where the line that begins at start ends and where the next one begins.
func cut(cells []cell, start int, width float64) (end, next int) {
	var last breaks
	w := 0.0
	for i := start; i < len(cells); i++ {
		c := cells[i]
		if c.shown == '\n' {
			return i, i + 1
		}
		w += c.width
		if w > width+0.01 && c.shown != ' ' && i > start {
			at := last.choose(cells, start, i, width)
			return at, at
		}
		last[between(cells, i)] = i + 1
	}
	return len(cells), len(cells)
}

// choose returns where to break a line whose character at over does not fit: before the
// last word if it fits on a line; else inside it, after a strong separator unless that
// leaves the line half empty; else anywhere.
func (b breaks) choose(cells []cell, start, over int, width float64) int {
	inside := max(b[afterWeak], b[afterStrong])
	if b[betweenWords] > start && (inside <= b[betweenWords] || fits(cells[b[betweenWords]:], width)) {
		return b[betweenWords]
	}
	if b[afterStrong] > start+(over-start)/2 {
		return b[afterStrong]
	}
	if inside > start {
		return inside
	}
	at := over
	for at > start+1 && unicode.Is(unicode.M, cells[at].meant) {
		at--
	}
	return at
}

// fits reports whether the word at the beginning fits on a line of its own.
func fits(cells []cell, width float64) bool {
	w := 0.0
	for i, c := range cells {
		if c.shown == ' ' || c.shown == '\n' {
			break
		}
		if w += c.width; w > width {
			return false
		}
		if between(cells, i) == betweenWords {
			break
		}
	}
	return true
}

// The places where a line may break.
const (
	nowhere     = iota
	afterWeak   // inside a word
	afterStrong // inside an address or a name of parts
	betweenWords
	kinds
)

// between says whether a line may break after the i-th character.
func between(cells []cell, i int) int {
	if i+1 >= len(cells) {
		return nowhere
	}
	c, next := cells[i], cells[i+1]
	switch {
	case next.shown == ' ' || unicode.Is(unicode.M, next.meant) || strings.ContainsRune("、。，．：；！？）」』】〕〉》ー々", next.shown):
		return nowhere
	case c.shown == ' ' || c.shown == '—' || ideograph(c.meant) || ideograph(next.meant):
		return betweenWords
	case strings.ContainsRune(`/:?&=,;|`, c.shown):
		return afterStrong
	case c.shown == replacement, strings.ContainsRune(`\-_.@#%+~`, c.shown), unicode.IsLower(c.shown) && unicode.IsUpper(next.shown):
		return afterWeak
	}
	return nowhere
}

func ideograph(r rune) bool {
	return r > 0x1100 && unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Hangul)
}

// Clamp keeps at most so many lines and ends the last with an ellipsis if there were more.
func Clamp(lines []Line, most int, width float64) []Line {
	if len(lines) <= most {
		return lines
	}
	lines = slices.Clone(lines[:most])
	last := lines[most-1]
	if len(last.cells) == 0 {
		return lines
	}
	style := last.cells[len(last.cells)-1].style
	dots := cell{glyph{'…', '…', style.Face}, style, style.Face.width('…') * style.Size}
	cells := slices.Clone(last.cells)
	w := dots.width
	for _, c := range cells {
		w += c.width
	}
	for len(cells) > 0 && (w > width || cells[len(cells)-1].shown == ' ') {
		w -= cells[len(cells)-1].width
		cells = cells[:len(cells)-1]
	}
	last.cells = append(cells, dots)
	last.Width = w
	lines[most-1] = last
	return lines
}
