package report

import (
	"strconv"

	"orrery/internal/report/tagged"
	"orrery/internal/report/typeset"
)

// contents lists the parts with their risk and page.
func (r *report) contents(f *typeset.Flow) {
	n := r.doc.Add("Sect")
	r.heading(f, n, r.contentsPart, 230)
	toc := n.Add("TOC")
	for i, part := range r.parts {
		if part != r.contentsPart {
			r.entry(f, toc, part, i+1 < len(r.parts) && r.parts[i+1].level > part.level)
		}
	}
}

// The columns of the contents.
const (
	entryTitle  = 30.0
	entryStatus = pageWidth - 128
)

// entry is a line of the contents. The whole of it is a link.
func (r *report) entry(f *typeset.Flow, toc *tagged.Node, p *part, keep bool) {
	style := styleCell
	if p.level == 0 {
		style = style.With(typeset.SemiBold)
		f.Space(7)
	}
	x, title := f.X, entryTitle
	if p.level == 0 && p.number == "" {
		title = 0
	}
	width := entryStatus - title - 14
	lines := typeset.Clamp(typeset.Break([]typeset.Span{span(or(typeset.Plain(p.title), "Untitled"), style)}, width, 1.4), 2, width)
	number := typeset.One(1.4, span(p.number, style.In(typeset.Ink3)))
	height := 0.0
	for _, line := range lines {
		height += line.Height
	}
	item := toc.Add("TOCI")
	f.Add(typeset.Block{Height: height + 3, Keep: keep, Draw: func(c *typeset.Canvas, y float64) {
		link := item.Add("Link")
		c.Text(link, number, x, y)
		top := y
		for _, line := range lines {
			c.Text(link, line, x+title, top)
			top += line.Height
		}
		c.Doc.Artifact()
		if p.level > 0 {
			l := riskLabel(p.risk)
			c.Shape(l.Status, x+entryStatus, y+1.8, 8.5)
			c.Text(link, r.fit(l.word, styleMeta, 100), x+entryStatus+13, y+0.3)
		}
		page := typeset.One(1.4, span(strconv.Itoa(p.anchor.Page), style))
		c.Text(link, page, x+pageWidth-page.Width, y)
		c.Doc.Link(link, tagged.Rect{X: x, Y: y, W: pageWidth, H: height}, p.anchor.Target(),
			typeset.Plain(p.title)+", page "+strconv.Itoa(p.anchor.Page))
	}})
}
