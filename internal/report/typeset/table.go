package typeset

import (
	"strconv"

	"orrery/internal/report/tagged"
)

// Table is rows under a head that is repeated on each page. Rows are not divided, unless
// one is taller than half a page.
type Table struct {
	Columns []Column
	Rows    [][]Cell
	NoHead  bool // the columns have no titles
	Tight   bool // rows stand closer
	Whole   bool // on one page, if it is not longer than a third of one
}

// Column is a column of a table.
type Column struct {
	Title string
	Width float64 // 0: the columns without one share what the others leave
}

// Cell is a cell: text with a status before it, or a figure. The first cell of a row is
// its head.
type Cell struct {
	Spans  []Span
	Status Status
	Most   int // lines; 0 for all of them
	Figure *Figure
	PageOf *Anchor // prints the number of its page, in Style, as a link
	Style  Style
}

// Figure is drawn in a cell. Alt says it in words.
type Figure struct {
	Height float64
	Alt    string
	Draw   func(c *Canvas, box tagged.Rect)
}

// Measures of tables.
const (
	cellGap     = 12.0 // between columns
	cellPad     = 4.5  // above and below the text of a row
	tightPad    = 2.5
	tallest     = 330.0 // a row that is not divided
	whole       = 240.0 // a table that is not divided
	cellLeading = 1.4
)

// layout is a table being set.
type layout struct {
	x, width []float64
	right    float64
	pad      float64
	head     *head
}

// Table adds a table as content of n, a node of type Table. A table without rows adds
// nothing.
func (f *Flow) Table(n *tagged.Node, t Table) {
	if len(t.Rows) == 0 {
		return
	}
	l := f.columns(t.Columns)
	if l.pad = cellPad; t.Tight {
		l.pad = tightPad
	}
	if !t.NoHead {
		f.tableHead(n, t, l)
	}
	before := len(f.Blocks)
	for i, row := range t.Rows {
		f.row(n.Add("TR"), row, l, i, len(t.Rows))
	}
	if t.Whole {
		keepWhole(f.Blocks[before:])
	}
}

// keepWhole keeps blocks on one page if they are not too tall.
func keepWhole(blocks []Block) {
	height := 0.0
	for _, b := range blocks {
		height += b.Height
	}
	for i := range blocks {
		blocks[i].Keep = blocks[i].Keep || height < whole && i < len(blocks)-1
	}
}

func (f *Flow) columns(columns []Column) *layout {
	l := &layout{right: f.X + f.Width}
	room, open := f.Width-cellGap*float64(len(columns)-1), 0
	for _, c := range columns {
		room -= c.Width
		if c.Width == 0 {
			open++
		}
	}
	x := f.X
	for _, c := range columns {
		width := c.Width
		if width == 0 {
			width = max(20, room/float64(open))
		}
		l.x, l.width = append(l.x, x), append(l.width, width)
		x += width + cellGap
	}
	return l
}

// tableHead adds the head. What is repeated on later pages is decoration there.
func (f *Flow) tableHead(n *tagged.Node, t Table, l *layout) {
	style := Style{Face: SemiBold, Size: 8, Color: Ink3}
	tr := n.Add("TR")
	nodes := make([]*tagged.Node, len(t.Columns))
	lines := make([][]Line, len(t.Columns))
	height := 0.0
	for i, c := range t.Columns {
		nodes[i] = tr.Add("TH").HeadsColumn()
		lines[i] = Break([]Span{{c.Title, style}}, l.width[i], 1.3)
		height = max(height, heightOf(lines[i]))
	}
	height += 5
	draw := func(c *Canvas, y float64, real bool) {
		for i := range lines {
			var node *tagged.Node
			if real {
				node = nodes[i]
			}
			c.column(node, lines[i], l.x[i], y+height-4-heightOf(lines[i]))
		}
		c.Doc.Artifact()
		c.Rule(l.x[0], y+height, l.right-l.x[0], 0.8, StrongLine)
	}
	l.head = &head{height, func(c *Canvas, y float64) { draw(c, y, false) }}
	f.Add(Block{Height: height, Keep: true, Draw: func(c *Canvas, y float64) { draw(c, y, true) }})
}

// row adds the i-th of so many rows, in several blocks when it is very tall.
func (f *Flow) row(tr *tagged.Node, row []Cell, l *layout, i, rows int) {
	nodes := make([]*tagged.Node, len(row))
	pieces := make([][][]Line, len(row))
	count, first := 1, 0.0
	for j, cell := range row {
		if j == 0 {
			nodes[j] = tr.Add("TH").HeadsRow()
		} else {
			nodes[j] = tr.Add("TD")
		}
		pieces[j] = split(cell.lines(l.width[j]), tallest)
		count = max(count, len(pieces[j]))
		if cell.Figure != nil {
			first = max(first, cell.Figure.Height)
		}
		if cell.PageOf != nil {
			first = max(first, cell.Style.Size*cellLeading)
		}
	}
	for k := range count {
		height := 0.0
		if k == 0 {
			height = first
		}
		for j := range row {
			if k < len(pieces[j]) {
				height = max(height, heightOf(pieces[j][k]))
			}
		}
		p := piece{row, nodes, pieces, l, height, k, count}
		f.Add(Block{
			Height: height + 2*l.pad, head: l.head, Draw: p.draw,
			Keep: k == 0 && i == rows-2 && rows > 2 && height < 60,
		})
	}
}

// lines breaks the text of a cell.
func (cell Cell) lines(width float64) []Line {
	if cell.Status.Shape != NoShape {
		width -= statusIndent
	}
	lines := Break(cell.Spans, width, cellLeading)
	if cell.Most > 0 {
		lines = Clamp(lines, cell.Most, width)
	}
	return lines
}

// split divides lines into pieces no taller than most. There is always one piece.
func split(lines []Line, most float64) [][]Line {
	var pieces [][]Line
	start, height := 0, 0.0
	for i, line := range lines {
		if height+line.Height > most && i > start {
			pieces = append(pieces, lines[start:i])
			start, height = i, 0
		}
		height += line.Height
	}
	return append(pieces, lines[start:])
}

// piece is the k-th of count blocks that a row is set in.
type piece struct {
	row    []Cell
	nodes  []*tagged.Node
	pieces [][][]Line
	*layout
	height   float64
	k, count int
}

func (p piece) draw(c *Canvas, y float64) {
	for j, cell := range p.row {
		x, top := p.x[j], y+p.pad
		if p.k == 0 && cell.Figure != nil {
			figure := p.nodes[j].Add("Figure").Alt(cell.Figure.Alt)
			c.Doc.Mark(figure)
			cell.Figure.Draw(c, tagged.Rect{X: x, Y: top, W: p.width[j], H: p.height})
		}
		if p.k == 0 && cell.PageOf != nil {
			style := cell.Style
			style.Link = &Link{To: cell.PageOf, Label: "Page " + strconv.Itoa(cell.PageOf.Page)}
			c.Text(p.nodes[j], One(cellLeading, Span{strconv.Itoa(cell.PageOf.Page), style}), x, top)
		}
		if p.k >= len(p.pieces[j]) || len(p.pieces[j][p.k]) == 0 {
			continue
		}
		if p.k == 0 {
			c.beside(cell.Status, p.pieces[j][0][0], x, top)
		}
		if cell.Status.Shape != NoShape {
			x += statusIndent
		}
		c.column(p.nodes[j], p.pieces[j][p.k], x, top)
	}
	if p.k == p.count-1 {
		c.Doc.Artifact()
		bottom := y + p.height + 2*p.pad
		c.Rule(p.x[0], bottom, p.right-p.x[0], 0.5, Hairline)
	}
}

// column draws lines one below the other, as decoration when n is nil.
func (c *Canvas) column(n *tagged.Node, lines []Line, x, y float64) {
	for _, line := range lines {
		c.Text(n, line, x, y)
		y += line.Height
	}
}

func heightOf(lines []Line) float64 {
	h := 0.0
	for _, line := range lines {
		h += line.Height
	}
	return h
}
