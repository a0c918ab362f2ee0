package typeset

import (
	"codeberg.org/go-pdf/fpdf"

	"orrery/internal/report/tagged"
)

// Canvas draws on the present page of a tagged document.
type Canvas struct {
	PDF  *fpdf.Fpdf
	Doc  *tagged.Document
	face Face
	size float64
	set  bool    // face and size are what fpdf has
	has  [4]bool // the faces that fpdf knows
}

// NewCanvas returns a canvas on a new document of A4 pages that has none yet.
func NewCanvas() *Canvas {
	pdf := fpdf.New("P", "pt", "A4", "")
	pdf.SetAutoPageBreak(false, 0)
	pdf.SetMargins(0, 0, 0)
	pdf.SetCatalogSort(true)
	return &Canvas{PDF: pdf, Doc: tagged.New(pdf)}
}

// Anchor is a place in the document that links and tables of contents name before it is
// known.
type Anchor struct {
	Page int // from 1; 0 until the pages are divided
	Y    float64
}

// Target is the place, for a link or bookmark. The first page stands in for a place that
// is not in the document.
func (a *Anchor) Target() tagged.Target { return tagged.Target{Page: max(1, a.Page), Y: a.Y} }

// Link is where a stretch of text leads: an address, or an anchor when To is set. A Link
// belongs to one stretch: do not share it.
type Link struct {
	URI   string // ASCII
	To    *Anchor
	Label string // said of the link by a screen reader
	node  *tagged.Node
}

func (l *Link) target() tagged.Target {
	if l.To != nil {
		return l.To.Target()
	}
	return tagged.Target{URI: l.URI}
}

// Text draws a line with its top left corner at x, y, as content of n, or as decoration
// when n is nil. Links are made only within a node.
func (c *Canvas) Text(n *tagged.Node, l Line, x, y float64) {
	for start := 0; start < len(l.cells); {
		style := l.cells[start].style
		end, width := start, 0.0
		for end < len(l.cells) && l.cells[end].style == style {
			width += l.cells[end].width
			end++
		}
		c.run(n, l, style, l.cells[start:end], tagged.Rect{X: x, Y: y, W: width, H: l.Height})
		x += width
		start = end
	}
}

// run draws a stretch of one style. box is the stretch on the line.
func (c *Canvas) run(n *tagged.Node, l Line, style *Style, cells []cell, box tagged.Rect) {
	switch {
	case n == nil:
		c.Doc.Artifact()
	case style.Link != nil:
		if style.Link.node == nil {
			style.Link.node = n.Add("Link")
		}
		n = style.Link.node
		c.Doc.Mark(n)
		c.Doc.Link(n, box, style.Link.target(), style.Link.Label)
	default:
		c.Doc.Mark(n)
	}
	base := box.Y + l.base
	ink := box.W
	for i := len(cells) - 1; i >= 0 && cells[i].shown == ' '; i-- {
		ink -= cells[i].width
	}
	if style.Code {
		c.fill(Sunken)
		c.PDF.RoundedRect(box.X-1.5, base-style.Size*0.92, ink+3, style.Size*1.22, 1.5, "1234", "F")
	}
	c.glyphs(style, cells, box.X, base)
	if style.Link != nil && style.Link.To == nil {
		c.Rule(box.X, base+style.Size*0.14, ink, 0.5, style.Color)
	}
	if style.Strike {
		c.Rule(box.X, base-style.Size*0.27, ink, 0.6, style.Color)
	}
}

// glyphs draws characters, each in the face that has it, and those that none has as boxes
// that can be copied as what was meant.
func (c *Canvas) glyphs(style *Style, cells []cell, x, base float64) {
	c.PDF.SetTextColor(int(style.Color.R), int(style.Color.G), int(style.Color.B))
	for start := 0; start < len(cells); {
		first := cells[start].glyph
		boxed := first.shown != first.meant
		end, width := start, 0.0
		var shown, meant []rune
		for end < len(cells) && cells[end].face == first.face && (cells[end].shown != cells[end].meant) == boxed {
			shown, meant = append(shown, cells[end].shown), append(meant, cells[end].meant)
			width += cells[end].width
			end++
		}
		c.use(first.face, style.Size)
		draw := func() { c.PDF.Text(x, base, string(shown)) }
		switch {
		case boxed:
			c.Doc.Instead(string(meant), draw)
		case first.face == east && style.Face == SemiBold:
			c.bold(style, draw)
		default:
			draw()
		}
		x += width
		start = end
	}
}

// use makes a face the present one. The document learns of it when it is used first, and so
// holds only what it needs.
func (c *Canvas) use(face Face, size float64) {
	if !c.has[face] {
		c.PDF.AddUTF8FontFromBytes(faces[face].name, "", faces[face].file)
		c.has[face] = true
	}
	if !c.set || c.face != face || c.size != size {
		c.PDF.SetFont(faces[face].name, "", size)
		c.face, c.size, c.set = face, size, true
	}
}

// bold draws letters of a face that has one weight with an outline, to stand beside
// semibold ones.
func (c *Canvas) bold(style *Style, draw func()) {
	c.stroke(style.Color, style.Size*0.03)
	c.PDF.SetTextRenderingMode(2)
	draw()
	c.PDF.SetTextRenderingMode(0)
}

// Rule draws a horizontal line whose middle is at y. Say before whose content it is.
func (c *Canvas) Rule(x, y, width, thickness float64, color Color) {
	c.stroke(color, thickness)
	c.PDF.Line(x, y, x+width, y)
}

// Fill draws a rectangle with corners rounded by r. Say before whose content it is.
func (c *Canvas) Fill(box tagged.Rect, r float64, color Color) {
	c.fill(color)
	c.PDF.RoundedRect(box.X, box.Y, box.W, box.H, r, "1234", "F")
}

// Frame draws the outline of a rectangle, dashed if asked. Say before whose content it is.
func (c *Canvas) Frame(box tagged.Rect, r, thickness float64, color Color, dashed bool) {
	c.stroke(color, thickness)
	if dashed {
		c.PDF.SetDashPattern([]float64{3, 2.5}, 0)
		defer c.PDF.SetDashPattern(nil, 0)
	}
	c.PDF.RoundedRect(box.X, box.Y, box.W, box.H, r, "1234", "D")
}

func (c *Canvas) fill(color Color) {
	c.PDF.SetFillColor(int(color.R), int(color.G), int(color.B))
}

func (c *Canvas) stroke(color Color, thickness float64) {
	c.PDF.SetDrawColor(int(color.R), int(color.G), int(color.B))
	c.PDF.SetLineWidth(thickness)
}
