package typeset

import (
	"slices"

	"codeberg.org/go-pdf/fpdf"
)

// Shape is the outline of a status. It always stands beside a word.
type Shape uint8

// The shapes, as on the pages of the portal.
const (
	NoShape    Shape = iota
	Triangle         // high
	HalfRhomb        // medium
	RingTick         // no risk found
	DashedRing       // nothing yet
	RingBar          // not applicable
	Octagon          // contradicts, objects
	HalfDisc         // mixed
	DashedAsk        // cannot tell
	HatchRing        // stale
	DiscTick         // supports, agrees
	DiscArrow        // go
	RhombArrow       // conditional go
	OctagonBar       // no-go
	BoxTick          // ticked
	Box              // not ticked
	BoxBar           // choice not applicable
)

// Status is a shape in its colour.
type Status struct {
	Shape Shape
	Color Color
}

// pen draws in a square of 16 by 16 units.
type pen struct {
	pdf        *fpdf.Fpdf
	x, y, unit float64
}

// Shape draws a status in a square of the size with its top left corner at x, y. Say
// before whose content it is.
func (c *Canvas) Shape(s Status, x, y, size float64) {
	if s.Shape == NoShape {
		return
	}
	p := pen{c.PDF, x, y, size / 16}
	c.fill(s.Color)
	c.stroke(s.Color, 1.5*p.unit)
	c.PDF.SetLineCapStyle("round")
	c.PDF.SetLineJoinStyle("round")
	outlines[s.Shape](p)
	if carve := carvings[s.Shape]; carve != nil {
		c.stroke(White, 1.7*p.unit)
		carve(p)
	}
	c.PDF.SetLineCapStyle("butt")
	c.PDF.SetLineJoinStyle("miter")
}

// outlines draws each shape in its colour, carvings what is left white in it.
var outlines = map[Shape]func(pen){
	Triangle: func(p pen) { p.polygon("FD", 8, 2.2, 14.2, 13.4, 1.8, 13.4) },
	HalfRhomb: func(p pen) {
		p.polygon("D", 8, 1.6, 14.4, 8, 8, 14.4, 1.6, 8)
		p.polygon("F", 1.6, 8, 14.4, 8, 8, 14.4)
	},
	RingTick:   func(p pen) { p.ring(6.4); p.tick() },
	DashedRing: func(p pen) { p.dashed() },
	RingBar:    func(p pen) { p.ring(6.4); p.lines(5, 8, 11, 8) },
	Octagon:    func(p pen) { p.octagon() },
	HalfDisc:   func(p pen) { p.ring(6.4); p.halfDisc() },
	DashedAsk:  func(p pen) { p.dashed(); p.ask() },
	HatchRing:  func(p pen) { p.ring(6.4); p.hatch() },
	DiscTick:   func(p pen) { p.disc(7) },
	DiscArrow:  func(p pen) { p.disc(7) },
	RhombArrow: func(p pen) { p.polygon("F", 8, .6, 15.4, 8, 8, 15.4, .6, 8) },
	OctagonBar: func(p pen) { p.octagon() },
	BoxTick:    func(p pen) { p.box("FD") },
	Box:        func(p pen) { p.box("D") },
	BoxBar:     func(p pen) { p.box("D"); p.lines(5, 8, 11, 8) },
}

var carvings = map[Shape]func(pen){
	Triangle:   func(p pen) { p.lines(8, 6.2, 8, 9.2); p.lines(8, 11.6, 8, 11.7) },
	Octagon:    func(p pen) { p.lines(5.6, 5.6, 10.4, 10.4); p.lines(10.4, 5.6, 5.6, 10.4) },
	DiscTick:   func(p pen) { p.tick() },
	DiscArrow:  func(p pen) { p.arrow() },
	RhombArrow: func(p pen) { p.arrow() },
	OctagonBar: func(p pen) { p.lines(4.6, 8, 11.4, 8) },
	BoxTick:    func(p pen) { p.tick() },
}

func (p pen) at(x, y float64) (float64, float64) { return p.x + x*p.unit, p.y + y*p.unit }

func (p pen) polygon(style string, xy ...float64) {
	var points []fpdf.PointType
	for pair := range slices.Chunk(xy, 2) {
		x, y := p.at(pair[0], pair[1])
		points = append(points, fpdf.PointType{X: x, Y: y})
	}
	p.pdf.Polygon(points, style)
}

// lines draws a stroke through the points.
func (p pen) lines(xy ...float64) {
	draw := p.pdf.MoveTo
	for pair := range slices.Chunk(xy, 2) {
		draw(p.at(pair[0], pair[1]))
		draw = p.pdf.LineTo
	}
	p.pdf.DrawPath("D")
}

func (p pen) ring(r float64) {
	x, y := p.at(8, 8)
	p.pdf.Circle(x, y, r*p.unit, "D")
}

func (p pen) disc(r float64) {
	x, y := p.at(8, 8)
	p.pdf.Circle(x, y, r*p.unit, "F")
}

// dashed draws a ring of nine dashes.
func (p pen) dashed() {
	const around = 2 * 3.14159 * 6.4
	p.pdf.SetLineCapStyle("butt")
	p.pdf.SetDashPattern([]float64{around / 18 * p.unit, around / 18 * p.unit}, 0)
	p.ring(6.4)
	p.pdf.SetDashPattern(nil, 0)
	p.pdf.SetLineCapStyle("round")
}

func (p pen) octagon() {
	p.polygon("F", 5.1, 1, 10.9, 1, 15, 5.1, 15, 10.9, 10.9, 15, 5.1, 15, 1, 10.9, 1, 5.1)
}

func (p pen) box(style string) {
	x, y := p.at(2, 2)
	p.pdf.RoundedRect(x, y, 12*p.unit, 12*p.unit, 2.2*p.unit, "1234", style)
}

func (p pen) tick()  { p.lines(5, 8.3, 7.1, 10.4, 11, 6) }
func (p pen) arrow() { p.lines(4.8, 8, 11, 8); p.lines(8.4, 5.2, 11.2, 8, 8.4, 10.8) }

// hatch draws three slanted lines inside the ring.
func (p pen) hatch() {
	p.lines(3.6, 8.9, 8.9, 3.6)
	p.lines(4.6, 11.4, 11.4, 4.6)
	p.lines(7.1, 12.4, 12.4, 7.1)
}

// halfDisc fills the right half of the ring; 0.552 makes a curve a quarter of a circle.
func (p pen) halfDisc() {
	const r, k = 6.4, 6.4 * 0.5523
	p.pdf.MoveTo(p.at(8, 8-r))
	p.curve(8+k, 8-r, 8+r, 8-k, 8+r, 8)
	p.curve(8+r, 8+k, 8+k, 8+r, 8, 8+r)
	p.pdf.ClosePath()
	p.pdf.DrawPath("F")
}

// ask draws a question mark.
func (p pen) ask() {
	p.pdf.MoveTo(p.at(6.1, 6.5))
	p.curve(6.1, 5.3, 7, 4.6, 8, 4.6)
	p.curve(9.1, 4.6, 9.9, 5.4, 9.9, 6.4)
	p.curve(9.9, 7.9, 8, 7.9, 8, 9.3)
	p.pdf.DrawPath("D")
	p.lines(8, 11.5, 8, 11.6)
}

func (p pen) curve(x1, y1, x2, y2, x, y float64) {
	ax, ay := p.at(x1, y1)
	bx, by := p.at(x2, y2)
	ex, ey := p.at(x, y)
	p.pdf.CurveBezierCubicTo(ax, ay, bx, by, ex, ey)
}
