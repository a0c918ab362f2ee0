package report

import (
	"strconv"
	"strings"

	"orrery/internal/report/tagged"
	"orrery/internal/report/typeset"
)

// The page: A4, with the text between these lines.
const (
	paperWidth  = 595.28
	paperHeight = 841.89
	pageLeft    = 56.0
	pageWidth   = paperWidth - 2*pageLeft
	pageTop     = 66.0
	pageBottom  = paperHeight - 66
	gutter      = 34.0 // for the numbers of questions
)

// The type: reading text, tables, provenance, headings.
var (
	styleText    = typeset.Style{Size: 10, Color: typeset.Ink}
	styleSoft    = typeset.Style{Size: 10, Color: typeset.Ink2}
	styleCell    = typeset.Style{Size: 9, Color: typeset.Ink}
	styleCellSub = typeset.Style{Size: 8.5, Color: typeset.Ink2}
	styleMeta    = typeset.Style{Size: 8.5, Color: typeset.Ink3}
	styleLabel   = typeset.Style{Face: typeset.SemiBold, Size: 9.5, Color: typeset.Ink}
	styleH1      = typeset.Style{Face: typeset.SemiBold, Size: 25, Color: typeset.Ink}
	styleH2      = typeset.Style{Face: typeset.SemiBold, Size: 16, Color: typeset.Ink}
	styleH3      = typeset.Style{Face: typeset.SemiBold, Size: 11.5, Color: typeset.Ink}
)

// The widths of columns that recur, so that they stand below each other.
const (
	wideOwner = 96.0
	wideDate  = 62.0
	widePage  = 24.0
)

func span(text string, style typeset.Style) typeset.Span {
	return typeset.Span{Text: text, Style: style}
}

// span is the word in the semibold face and the colour of the status.
func (l label) span(size float64) typeset.Span {
	return span(l.word, typeset.Style{Face: typeset.SemiBold, Size: size, Color: l.Color})
}

// cell is a table cell of plain text, with a second line when sub is not empty.
func cell(text, sub string) typeset.Cell {
	spans := []typeset.Span{span(text, styleCell)}
	if sub != "" {
		spans = append(spans, span("\n"+sub, styleCellSub))
	}
	return typeset.Cell{Spans: spans}
}

// statusCell is a table cell with a status, its word and a second line.
func statusCell(l label, sub string) typeset.Cell {
	spans := []typeset.Span{l.span(styleCell.Size)}
	if sub != "" {
		spans = append(spans, span("\n"+sub, styleCellSub))
	}
	return typeset.Cell{Status: l.Status, Spans: spans}
}

// questionCell names a question and leads to it, if it is printed.
func questionCell(q *question, sub string) typeset.Cell {
	style := styleCell
	if q.part != nil {
		style.Link = &typeset.Link{To: &q.part.anchor, Label: "Question " + q.number}
	}
	spans := []typeset.Span{span(q.number+"  "+q.Title, style)}
	if sub != "" {
		spans = append(spans, span("\n"+sub, styleCellSub))
	}
	return typeset.Cell{Spans: spans}
}

// pageCell prints the page of a part, if it is printed.
func pageCell(p *part) typeset.Cell {
	if p == nil {
		return typeset.Cell{}
	}
	return typeset.Cell{PageOf: &p.anchor, Style: styleCell}
}

// paged takes the last column, which has pages, from a table that leads to questions which
// are not printed.
func (r *report) paged(t typeset.Table) typeset.Table {
	if r.full() {
		return t
	}
	t.Columns = t.Columns[:len(t.Columns)-1]
	for i, row := range t.Rows {
		t.Rows[i] = row[:len(t.Columns)]
	}
	return t
}

// heading begins a chapter on a new page unless need is left of the present one.
func (r *report) heading(f *typeset.Flow, n *tagged.Node, p *part, need float64) {
	words := p.title
	if p.number != "" {
		words = p.number + "  " + words
	}
	f.Space(34)
	f.Paragraph(n.Add("H2"), typeset.Paragraph{
		Spans: []typeset.Span{span(words, styleH2)}, Leading: 1.25, Keep: true,
		Anchor: &p.anchor, Title: p.title, Need: need,
	})
	f.Space(9)
}

// paragraphs adds plain text: a paragraph for each block of lines between empty ones.
func paragraphs(f *typeset.Flow, n *tagged.Node, s string, style typeset.Style) {
	for p := range strings.SplitSeq(strings.ReplaceAll(s, "\r\n", "\n"), "\n\n") {
		if p = strings.TrimSpace(p); p != "" {
			f.Paragraph(n.Add("P"), typeset.Paragraph{Spans: []typeset.Span{span(p, style)}})
			f.Space(5)
		}
	}
}

// frame draws what stands on every page: stamps and the part's name above, provenance
// below. All of it is decoration: the cover says the same in the document's text.
func (r *report) frame(part string, page, pages int) {
	c := r.canvas
	c.Doc.Artifact()
	r.watermark()
	if page > 1 {
		c.Text(nil, r.fit(part, styleMeta, pageWidth-170), pageLeft, 34)
	}
	x := pageLeft + pageWidth
	stamps := r.stamps()
	for i := len(stamps) - 1; i >= 0; i-- {
		x = r.stamp(stamps[i], x, 31) - 6
	}
	if page > 1 {
		c.Rule(pageLeft, 52, pageWidth, 0.5, typeset.Hairline)
	}
	y := paperHeight - 50.0
	c.Rule(pageLeft, y, pageWidth, 0.5, typeset.Hairline)
	r.ends(y+6, r.foot[0], "Page "+strconv.Itoa(page)+" of "+strconv.Itoa(pages))
	r.ends(y+18, r.foot[1], r.hash())
}

// hash is the content hash as every page has it.
func (r *report) hash() string {
	if r.in.ContentSHA256 == "" {
		return "No content hash before submission"
	}
	return "Content " + shortHash(r.in.ContentSHA256)
}

// footing sets what stands at the left of every foot.
func (r *report) footing() [2]typeset.Line {
	w := r.in.Snapshot.Workload
	width := pageWidth - max(90, r.fit(r.hash(), styleMeta, 150).Width) - 16 // the right end needs the rest
	return [2]typeset.Line{
		r.fit(w.Name+" ("+w.Key+") · "+r.occasion()+" · "+r.standing(), styleMeta, width), r.fit(r.in.URL, styleMeta, width),
	}
}

// ends sets a line of provenance with text at both ends.
func (r *report) ends(y float64, left typeset.Line, right string) {
	end := r.fit(right, styleMeta, 150)
	r.canvas.Text(nil, left, pageLeft, y)
	r.canvas.Text(nil, end, pageLeft+pageWidth-end.Width, y)
}

// fit sets text on one line, shortened to the width.
func (r *report) fit(s string, style typeset.Style, width float64) typeset.Line {
	lines := typeset.Clamp(typeset.Break([]typeset.Span{span(typeset.Plain(s), style)}, width, 1.4), 1, width)
	if len(lines) == 0 {
		return typeset.Line{}
	}
	return lines[0]
}

// stamp draws a framed word that ends at x and returns where it begins.
func (r *report) stamp(word string, x, y float64) float64 {
	line := typeset.One(1.3, span(word, typeset.Style{Face: typeset.SemiBold, Size: 8.5, Color: typeset.Ink}))
	box := tagged.Rect{X: x - line.Width - 12, Y: y, W: line.Width + 12, H: 16}
	r.canvas.Fill(box, 2, typeset.White)
	r.canvas.Frame(box, 2, 1, typeset.Ink, false)
	r.canvas.Text(nil, line, box.X+6, y+2.4)
	return box.X
}

// watermark writes the stamps across the page, under everything else.
func (r *report) watermark() {
	stamps := r.stamps()
	if len(stamps) == 0 {
		return
	}
	pdf := r.canvas.PDF
	pdf.TransformBegin()
	pdf.TransformRotate(52, paperWidth/2, paperHeight/2)
	height := 0.0
	var lines []typeset.Line
	for _, word := range stamps {
		size := 72.0
		if len(word) < 8 {
			size = 150
		}
		line := typeset.One(1.05, span(word, typeset.Style{Face: typeset.SemiBold, Size: size, Color: typeset.Watermark}))
		lines = append(lines, line)
		height += line.Height
	}
	y := paperHeight/2 - height/2
	for _, line := range lines {
		r.canvas.Text(nil, line, paperWidth/2-line.Width/2, y)
		y += line.Height
	}
	pdf.TransformEnd()
}
