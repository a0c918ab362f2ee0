package typeset

import (
	"net/url"
	"strconv"
	"strings"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	xast "github.com/yuin/goldmark/extension/ast"
	"github.com/yuin/goldmark/text"

	"orrery/internal/report/tagged"
)

var markdown = goldmark.New(goldmark.WithExtensions(extension.GFM)).Parser()

// deepest is how far lists and quotations are nested in the structure and moved in.
// Deeper ones are set as if they were not nested further.
const deepest = 6

// Markdown adds text in Markdown as content of n: paragraphs, lists, quotations, code,
// tables, emphasis and links. HTML is shown as it was typed, pictures by their words.
func (f *Flow) Markdown(n *tagged.Node, source string, style Style) {
	m := notes{f, []byte(source), style, 0}
	m.blocks(n, markdown.Parse(text.NewReader(m.source)))
}

// notes sets one Markdown document.
type notes struct {
	flow   *Flow
	source []byte
	style  Style
	depth  int
}

// blocks adds the blocks inside a node.
func (m *notes) blocks(n *tagged.Node, parent ast.Node) {
	for b := parent.FirstChild(); b != nil; b = b.NextSibling() {
		m.block(n, b)
	}
}

func (m *notes) block(n *tagged.Node, b ast.Node) {
	m.flow.Space(gapAbove(b))
	switch b := b.(type) {
	case *ast.Heading:
		style := m.style.With(SemiBold)
		m.flow.Paragraph(n.Add("P"), Paragraph{Spans: m.inline(b, style), Keep: true})
	case *ast.List:
		if b.PreviousSibling() != nil {
			m.flow.KeepLast() // what leads to a list stays with its beginning
		}
		m.list(n, b)
	case *ast.Blockquote:
		m.quote(n, b)
	case *ast.FencedCodeBlock, *ast.CodeBlock:
		m.code(n, m.literal(b))
	case *ast.HTMLBlock:
		html := m.literal(b)
		if b.HasClosure() {
			html += string(b.ClosureLine.Value(m.source))
		}
		m.code(n, html)
	case *xast.Table:
		m.table(n, b)
	case *ast.ThematicBreak:
		x, width := m.flow.X, m.flow.Width
		m.flow.Add(Block{Height: 7, Draw: func(c *Canvas, y float64) {
			c.Doc.Artifact()
			c.Rule(x, y+3, width, 0.5, Hairline)
		}})
	default:
		m.flow.Paragraph(n.Add("P"), Paragraph{Spans: m.inline(b, m.style)})
	}
}

// gapAbove is the room above a block: little inside a list whose items stand close.
func gapAbove(b ast.Node) float64 {
	if l, ok := b.Parent().Parent().(*ast.List); ok && l.IsTight {
		return 2.5
	}
	return 7
}

// nested sets a block's content further in; at the deepest level it stays where it is.
func (m *notes) nested(n *tagged.Node, by float64, b ast.Node) {
	m.depth++
	if m.depth > deepest {
		by = 0
	}
	m.flow.Indented(by, func() { m.blocks(n, b) })
	m.depth--
}

func (m *notes) quote(n *tagged.Node, b ast.Node) {
	if m.depth < deepest {
		n = n.Add("BlockQuote")
	}
	x := m.flow.X
	before := len(m.flow.Blocks)
	m.nested(n, 12, b)
	for i := before; i < len(m.flow.Blocks); i++ {
		block := &m.flow.Blocks[i]
		draw, height, gap := block.Draw, block.Height, 0.0
		if i > before {
			gap = block.Space
		}
		block.Draw = func(c *Canvas, y float64) {
			c.Doc.Artifact()
			c.Fill(tagged.Rect{X: x, Y: y - gap, W: 1.5, H: height + gap}, 0, Hairline)
			draw(c, y)
		}
	}
}

// list sets each item's mark beside its first line.
func (m *notes) list(n *tagged.Node, l *ast.List) {
	item := func() (label, body *tagged.Node) { return n.Add("P"), n }
	if m.depth < deepest {
		list := n.Add("L").Numbered(l.IsOrdered())
		item = func() (label, body *tagged.Node) {
			li := list.Add("LI")
			return li.Add("Lbl"), li.Add("LBody")
		}
	}
	number := l.Start
	for child := l.FirstChild(); child != nil; child = child.NextSibling() {
		mark := "•"
		if l.IsOrdered() {
			mark = strconv.Itoa(number) + "."
			number++
		}
		line := One(Leading, Span{mark, m.style})
		label, body := item()
		m.flow.Hang(label, line, m.flow.X, func() { m.nested(body, max(14, line.Width+5), child) })
		if child == l.FirstChild() && child.NextSibling() != nil || child.NextSibling() == l.LastChild() && l.ChildCount() > 1 {
			m.flow.KeepLast() // no item stands alone on a page
		}
	}
}

// code sets text as it was typed, on a tinted ground. A long line goes on below.
func (m *notes) code(n *tagged.Node, source string) {
	p := n.Add("P")
	style := m.style
	style.Size *= 0.93
	x, width := m.flow.X, m.flow.Width
	source = strings.ReplaceAll(strings.TrimRight(source, "\n"), "\t", "    ")
	lines := Break([]Span{{source, style}}, width-16, 1.4)
	for i, line := range lines {
		height, pad := line.Height, 0.0
		if i == 0 {
			pad, height = 5, height+5
		}
		if i == len(lines)-1 {
			height += 5
		}
		m.flow.Add(Block{Height: height, Keep: len(lines) < 16 && i < len(lines)-1, Draw: func(c *Canvas, y float64) {
			c.Doc.Artifact()
			c.Fill(tagged.Rect{X: x, Y: y - 0.2, W: width, H: height + 0.4}, 0, Sunken)
			c.Text(p, line, x+8, y+pad)
		}})
	}
}

// literal returns the lines of a block as they were typed.
func (m *notes) literal(b ast.Node) string {
	var s strings.Builder
	for i := range b.Lines().Len() {
		line := b.Lines().At(i)
		s.Write(line.Value(m.source))
	}
	return s.String()
}

// table sets a table, or its rows as paragraphs when there are no rows under the head or
// too many columns to read.
func (m *notes) table(n *tagged.Node, t *xast.Table) {
	var rows [][]Cell
	style := m.style
	style.Size *= 0.93
	for row := t.FirstChild(); row != nil; row = row.NextSibling() {
		var cells []Cell
		for c := row.FirstChild(); c != nil; c = c.NextSibling() {
			cells = append(cells, Cell{Spans: m.inline(c, style)})
		}
		rows = append(rows, cells)
	}
	if len(rows) < 2 || len(rows[0]) > 9 {
		m.rows(n, rows, style)
		return
	}
	out := Table{Rows: rows[1:]}
	for _, c := range rows[0] {
		out.Columns = append(out.Columns, Column{Title: flat(c.Spans)})
	}
	m.flow.Table(n.Add("Table"), out)
}

// rows sets each row as a paragraph.
func (m *notes) rows(n *tagged.Node, rows [][]Cell, style Style) {
	for _, row := range rows {
		var spans []Span
		for i, c := range row {
			if i > 0 {
				spans = append(spans, Span{" | ", style})
			}
			spans = append(spans, c.Spans...)
		}
		m.flow.Paragraph(n.Add("P"), Paragraph{Spans: spans})
	}
}

func flat(spans []Span) string {
	s := ""
	for _, span := range spans {
		s += span.Text
	}
	return s
}

// inline returns what is inside a block as spans.
func (m *notes) inline(parent ast.Node, style Style) []Span {
	var spans []Span
	for n := parent.FirstChild(); n != nil; n = n.NextSibling() {
		switch n := n.(type) {
		case *ast.Text:
			spans = append(spans, Span{m.text(n), style})
		case *ast.String:
			spans = append(spans, Span{string(n.Value), style})
		case *ast.CodeSpan:
			code := style
			code.Code = true
			spans = append(spans, m.inline(n, code)...)
		case *ast.Emphasis:
			spans = append(spans, m.inline(n, emphasis(style, n.Level))...)
		case *xast.Strikethrough:
			struck := style
			struck.Strike = true
			spans = append(spans, m.inline(n, struck)...)
		case *ast.Link:
			spans = append(spans, linked(m.inline(n, style), string(n.Destination), style)...)
		case *ast.Image:
			spans = append(spans, linked([]Span{{"[picture: " + flat(m.inline(n, style)) + "]", style}}, string(n.Destination), style)...)
		case *ast.AutoLink:
			label := string(n.Label(m.source))
			spans = append(spans, linked([]Span{{label, style}}, string(n.URL(m.source)), style)...)
		case *ast.RawHTML:
			for i := range n.Segments.Len() {
				segment := n.Segments.At(i)
				spans = append(spans, Span{string(segment.Value(m.source)), style})
			}
		case *xast.TaskCheckBox:
			mark := "[ ] "
			if n.IsChecked {
				mark = "[x] "
			}
			spans = append(spans, Span{mark, style})
		default:
			spans = append(spans, m.inline(n, style)...)
		}
	}
	return spans
}

func emphasis(style Style, level int) Style {
	if level > 1 {
		return style.With(SemiBold)
	}
	if style.Face == Regular {
		style.Face = Italic
	}
	return style
}

// text returns a stretch of text with its line break.
func (m *notes) text(n *ast.Text) string {
	value := n.Segment.Value(m.source)
	s := string(value)
	if _, code := n.Parent().(*ast.CodeSpan); code || n.IsRaw() {
		s = strings.ReplaceAll(s, "\n", " ")
	} else {
		s = unescape(value)
	}
	switch {
	case n.HardLineBreak():
		s += "\n"
	case n.SoftLineBreak():
		s += " "
	}
	return s
}

// linked makes spans a link when the address is one that a reader may follow. The address
// is printed behind, unless the words are the address: paper cannot be clicked.
func linked(spans []Span, address string, style Style) []Span {
	words := flat(spans)
	if words != address && "mailto:"+words != address && address != "" {
		spans = append(spans, Span{" (" + address + ")", style})
	}
	if uri, ok := Followable(address); ok {
		link := &Link{URI: uri, Label: Plain(words)}
		for i := range spans {
			spans[i].Style.Link, spans[i].Style.Color = link, Accent
		}
	}
	return spans
}

// Followable returns an address in ASCII if it is one of the web or of mail.
func Followable(address string) (string, bool) {
	u, err := url.Parse(strings.TrimSpace(address))
	if err != nil {
		return "", false
	}
	switch u.Scheme {
	case "http", "https":
		return u.String(), u.Host != ""
	case "mailto":
		return u.String(), u.Opaque != ""
	}
	return "", false
}
