package typeset

import "orrery/internal/report/tagged"

// Block is a piece of a document that no page break divides.
type Block struct {
	Height float64
	Space  float64 // above it; dropped at the top of a page
	Keep   bool    // stays on the page of the block after it
	Need   float64 // begins a new page unless so much room is left; 0: only its own
	Title  string  // of the part that begins here, for the head of pages
	Anchor *Anchor // learns where the block is
	Draw   func(c *Canvas, y float64)
	head   *head // repeated above it at the top of a page
}

// head is the head of a table.
type head struct {
	height float64
	draw   func(c *Canvas, y float64)
}

// Flow is a document as a row of blocks, and where the next one is set.
type Flow struct {
	X, Width float64
	Blocks   []Block
	space    float64
}

// Add appends a block. Its space above is what Space asked for, or its own if that is more.
func (f *Flow) Add(b Block) {
	b.Space = max(b.Space, f.space)
	f.space = 0
	f.Blocks = append(f.Blocks, b)
}

// Space asks for room above the next block. Spaces do not add up: the widest counts.
func (f *Flow) Space(height float64) { f.space = max(f.space, height) }

// narrowest is the width below which text is not moved in further.
const narrowest = 72.0

// Indented sets what body adds further in, as long as it can still be read.
func (f *Flow) Indented(by float64, body func()) {
	if f.Width-by < narrowest {
		by = 0
	}
	f.X, f.Width = f.X+by, f.Width-by
	body()
	f.X, f.Width = f.X-by, f.Width+by
}

// Hang adds what body sets, with a mark such as a number at x beside its first line. The
// mark stands alone when body sets nothing.
func (f *Flow) Hang(n *tagged.Node, mark Line, x float64, body func()) {
	before := len(f.Blocks)
	body()
	if len(f.Blocks) == before {
		f.Add(Block{Height: mark.Height, Draw: func(*Canvas, float64) {}})
	}
	first := &f.Blocks[before]
	draw := first.Draw
	first.Draw = func(c *Canvas, y float64) {
		c.Text(n, mark, x, y)
		draw(c, y)
	}
}

// KeepLast keeps the last block on the page of the one after it.
func (f *Flow) KeepLast() {
	if len(f.Blocks) > 0 {
		f.Blocks[len(f.Blocks)-1].Keep = true
	}
}

// Height is the height of all blocks one below the other.
func (f *Flow) Height() float64 {
	h := 0.0
	for i, b := range f.Blocks {
		h += b.Height
		if i > 0 {
			h += b.Space
		}
	}
	return h
}

// Paragraph is text over as many lines as it needs.
type Paragraph struct {
	Spans   []Span
	Leading float64 // 1.45 when 0
	Most    int     // lines; 0 for all of them
	Status  Status  // before the first line
	Keep    bool    // with what follows, as a heading
	Anchor  *Anchor
	Title   string
	Need    float64
}

// The room for a status before a text, and the leading of reading text.
const (
	statusIndent = 15.0
	Leading      = 1.45
)

// Paragraph adds a paragraph as content of n. Neither its first nor its last line stands
// alone on a page.
func (f *Flow) Paragraph(n *tagged.Node, p Paragraph) {
	x, width := f.X, f.Width
	if p.Status.Shape != NoShape {
		x, width = x+statusIndent, width-statusIndent
	}
	if p.Leading == 0 {
		p.Leading = Leading
	}
	lines := Break(p.Spans, width, p.Leading)
	if p.Most > 0 {
		lines = Clamp(lines, p.Most, width)
	}
	for i, line := range lines {
		b := Block{
			Height: line.Height, Keep: p.Keep || len(lines) > 1 && (i == 0 || i == len(lines)-2),
			Draw: func(c *Canvas, y float64) { c.Text(n, line, x, y) },
		}
		if i == 0 {
			b.Anchor, b.Title, b.Need = p.Anchor, p.Title, p.Need
			b.Draw = func(c *Canvas, y float64) {
				c.beside(p.Status, line, f.statusX(x, p.Status), y)
				c.Text(n, line, x, y)
			}
		}
		f.Add(b)
	}
}

// statusX is where the status of a text at x stands.
func (f *Flow) statusX(x float64, s Status) float64 {
	if s.Shape == NoShape {
		return x
	}
	return x - statusIndent
}

// beside draws a status as decoration, centred on the capitals of a line: the words of the
// line say the same.
func (c *Canvas) beside(s Status, l Line, x, y float64) {
	if s.Shape == NoShape {
		return
	}
	const size = 9.5
	capital := 0.727 * l.size()
	c.Doc.Artifact()
	c.Shape(s, x, y+l.base-capital/2-size/2, size)
}

// size is the size of the line's first character.
func (l Line) size() float64 {
	if len(l.cells) == 0 {
		return 0
	}
	return l.cells[0].style.Size
}

// Panel adds what body sets as one block, moved in by pad on all sides, on what ground
// draws.
func (f *Flow) Panel(pad float64, ground func(c *Canvas, box tagged.Rect), body func(inside *Flow)) {
	inside := &Flow{X: f.X + pad, Width: f.Width - 2*pad}
	body(inside)
	box := tagged.Rect{X: f.X, W: f.Width, H: inside.Height() + 2*pad}
	f.Add(Block{Height: box.H, Draw: func(c *Canvas, y float64) {
		c.Doc.Artifact()
		ground(c, tagged.Rect{X: box.X, Y: y, W: box.W, H: box.H})
		inside.DrawAt(c, y+pad)
	}})
}

// Columns adds what the parts set side by side as one block. shares are the parts of the
// width.
func (f *Flow) Columns(gap float64, shares []float64, body func(i int, column *Flow)) {
	total := 0.0
	for _, s := range shares {
		total += s
	}
	columns := make([]*Flow, len(shares))
	x, height := f.X, 0.0
	for i, s := range shares {
		width := (f.Width - gap*float64(len(shares)-1)) * s / total
		columns[i] = &Flow{X: x, Width: width}
		body(i, columns[i])
		x += width + gap
		height = max(height, columns[i].Height())
	}
	f.Add(Block{Height: height, Draw: func(c *Canvas, y float64) {
		for _, column := range columns {
			column.DrawAt(c, y)
		}
	}})
}

// DrawAt draws all blocks one below the other.
func (f *Flow) DrawAt(c *Canvas, y float64) {
	for i, b := range f.Blocks {
		if i > 0 {
			y += b.Space
		}
		b.Draw(c, y)
		y += b.Height
	}
}
