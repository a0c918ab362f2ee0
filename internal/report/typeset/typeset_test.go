package typeset

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"testing"
	"unicode"

	"orrery/internal/report/tagged"
	"orrery/internal/report/tagged/taggedtest"
)

var plainStyle = Style{Size: 10, Color: Ink}

func spans(s string) []Span { return []Span{{s, plainStyle}} }

// shown and meant are a line as it is drawn and as it was written.
func (l Line) shown() string {
	var b strings.Builder
	for _, c := range l.cells {
		b.WriteRune(c.shown)
	}
	return b.String()
}

func texts(lines []Line) []string {
	var list []string
	for _, l := range lines {
		list = append(list, l.shown())
	}
	return list
}

func TestClean(t *testing.T) {
	for in, want := range map[string]struct{ shown, meant string }{
		"plain":                {"plain", "plain"},
		"a\tb\r\nc\rd":         {"a b\nc\nd", "a b\nc\nd"},
		"\x00a\x1b[1m\x7f":     {"a[1m", "a[1m"},
		"bad \xff":             {"bad □", "bad \uFFFD"},
		"e\u0301":              {"é", "é"},
		"漢字かな한글":               {"漢字かな한글", "漢字かな한글"},
		"אב":                   {"□□", "אב"},
		"\U0001F44D\uFE0F":     {"□", "\U0001F44D"},
		"a\u200b\u200d\u00adb": {"ab", "ab"},
		"x\u202Ey\u2066":       {"x[U+202E]y[U+2066]", "x[U+202E]y[U+2066]"},
		"\uE000":               {"□", "\uE000"},
		"3\u2009m":             {"3\u2009m", "3\u2009m"},
	} {
		var shown, meant strings.Builder
		for _, g := range clean(Regular, in) {
			shown.WriteRune(g.shown)
			meant.WriteRune(g.meant)
		}
		if shown.String() != want.shown || meant.String() != want.meant {
			t.Errorf("%q is shown as %q and means %q", in, shown.String(), meant.String())
		}
	}
	if got := Plain(" a\n 漢\u202E "); got != "a 漢[U+202E]" {
		t.Errorf("Plain gave %q", got)
	}
}

func FuzzClean(f *testing.F) {
	f.Add("a\u202E\xff\U0001F44D漢\x00")
	f.Fuzz(func(t *testing.T, s string) {
		for _, g := range clean(Italic, s) {
			if g.shown != '\n' && !g.face.has(g.shown) || turnsDirection(g.meant) || g.meant < ' ' && g.meant != '\n' {
				t.Errorf("%q gave %q for %q", s, g.shown, g.meant)
			}
		}
	})
}

func TestBreak(t *testing.T) {
	width := func(s string) float64 { return One(1, spans(s)...).Width }
	for name, c := range map[string]struct {
		text  string
		width float64
		want  []string
	}{
		"fits":                      {"one two", 1000, []string{"one two"}},
		"between words":             {"one two three", width("one two"), []string{"one two ", "three"}},
		"spaces hang over":          {"one two    three", width("one two"), []string{"one two    ", "three"}},
		"line feeds":                {"one\n\ntwo\n", 1000, []string{"one ", "", "two "}},
		"a hyphen":                  {"customer-facing", width("customer-f"), []string{"customer-", "facing"}},
		"a word that is too long":   {"aaaaaaaaaa", width("aaaa"), []string{"aaaa", "aaaa", "aa"}},
		"after a strong separator":  {"arn:aws:x-y-z-long", width("arn:aws:x-y"), []string{"arn:aws:", "x-y-z-long"}},
		"after a weak one":          {"alpha_beta_gamma", width("alpha_beta_g"), []string{"alpha_beta_", "gamma"}},
		"a long word on a new line": {"see alphabetagamma", width("alphabetagamma"), []string{"see ", "alphabetagamma"}},
		"ideographs":                {"漢字漢字", width("漢字"), []string{"漢字", "漢字"}},
		"a full stop stays":         {"漢字漢。", width("漢字漢"), []string{"漢字", "漢。"}},
		"nothing":                   {"", 100, nil},
		"no room at all":            {"ab", 0, []string{"a", "b"}},
		"marks stay with letters":   {"x\u0301x\u0301", width("x"), []string{"x\u0301", "x\u0301"}},
	} {
		if got := texts(Break(spans(c.text), c.width, 1.4)); !slices.Equal(got, c.want) {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
	}
}

func FuzzBreakKeepsEverything(f *testing.F) {
	f.Add("one two-three /four\nfive 漢字 \u202E", uint8(40))
	f.Fuzz(func(t *testing.T, s string, width uint8) {
		var want strings.Builder
		for _, g := range clean(Regular, s) {
			if g.shown != '\n' && g.shown != ' ' {
				want.WriteRune(g.shown)
			}
		}
		lines := Break(spans(s), float64(width), 1.4)
		if got := strings.ReplaceAll(strings.Join(texts(lines), ""), " ", ""); got != want.String() {
			t.Errorf("%q became %q", s, got)
		}
		for _, l := range lines {
			marks := slices.ContainsFunc(l.cells, func(c cell) bool { return unicode.Is(unicode.M, c.meant) })
			if !marks && l.Width > float64(width)+0.1 && len([]rune(strings.TrimRight(l.shown(), " "))) > 1 {
				t.Errorf("%q is %.1f wide, not %d", l.shown(), l.Width, width)
			}
		}
	})
}

func TestWidthsAreThoseOfTheDocument(t *testing.T) {
	c := NewCanvas()
	for face := range faces {
		c.use(Face(face), 10)
		samples := []string{"Hamburgefonstiv 0123456789", "Łukasz Ελένη Ольга", "“—…” □ •"}
		if Face(face) == east {
			samples = []string{"山田太郎、李小龙。", "ひらがなカタカナ", "한국어"}
		}
		for _, s := range samples {
			want := c.PDF.GetStringWidth(s)
			got := One(1, Span{s, Style{Face: Face(face), Size: 10}}).Width
			if math.Abs(got-want) > 0.05 {
				t.Errorf("%s: %q is %.3f wide, fpdf says %.3f", faces[face].name, s, got, want)
			}
		}
	}
}

func TestClamp(t *testing.T) {
	lines := Break(spans("one two three four five six"), 60, 1.4)
	short := Clamp(lines, 2, 60)
	if len(short) != 2 || !strings.HasSuffix(short[1].shown(), "…") || short[1].Width > 60 {
		t.Errorf("clamped to %q", texts(short))
	}
	if strings.Contains(lines[1].shown(), "…") {
		t.Error("the lines that were given changed")
	}
	if got := Clamp(lines, 20, 60); len(got) != len(lines) {
		t.Errorf("%d lines became %d", len(lines), len(got))
	}
}

// block is a block of a height that writes down where it is drawn.
func block(log *[]string, name string, height float64, change func(*Block)) Block {
	b := Block{Height: height, Draw: func(_ *Canvas, y float64) { *log = append(*log, fmt.Sprintf("%s %.0f", name, y)) }}
	if change != nil {
		change(&b)
	}
	return b
}

func draw(pages []Page, log *[]string) []string {
	for i, p := range pages {
		*log = append(*log, fmt.Sprint("page ", i+1))
		p.Draw(nil)
	}
	return *log
}

func TestDivide(t *testing.T) {
	keep := func(b *Block) { b.Keep = true }
	spaced := func(b *Block) { b.Space = 10 }
	repeated := func(log *[]string) func(*Block) {
		return func(b *Block) {
			b.head = &head{5, func(_ *Canvas, y float64) { *log = append(*log, fmt.Sprintf("head %.0f", y)) }}
		}
	}
	for name, c := range map[string]struct {
		blocks func(log *[]string) []Block
		want   []string
	}{
		"one below the other": {func(l *[]string) []Block {
			return []Block{block(l, "a", 30, spaced), block(l, "b", 30, spaced), block(l, "c", 40, spaced)}
		}, []string{"page 1", "a 0", "b 40", "page 2", "c 0"}},
		"a heading moves with its text": {func(l *[]string) []Block {
			return []Block{block(l, "a", 60, nil), block(l, "h", 20, keep), block(l, "b", 30, nil)}
		}, []string{"page 1", "a 0", "page 2", "h 0", "b 20"}},
		"a chain longer than a page breaks": {func(l *[]string) []Block {
			return []Block{block(l, "a", 50, nil), block(l, "b", 60, keep), block(l, "c", 60, keep), block(l, "d", 60, nil)}
		}, []string{"page 1", "a 0", "page 2", "b 0", "page 3", "c 0", "page 4", "d 0"}},
		"a chapter needs room": {func(l *[]string) []Block {
			return []Block{block(l, "a", 50, nil), block(l, "h", 10, func(b *Block) { b.Need = 60 })}
		}, []string{"page 1", "a 0", "page 2", "h 0"}},
		"the head of a table is repeated": {func(l *[]string) []Block {
			return []Block{block(l, "r1", 60, repeated(l)), block(l, "r2", 60, repeated(l)), block(l, "r3", 30, repeated(l))}
		}, []string{"page 1", "head 0", "r1 5", "page 2", "head 0", "r2 5", "r3 65"}},
		"a block taller than a page": {func(l *[]string) []Block {
			return []Block{block(l, "a", 10, nil), block(l, "b", 300, nil), block(l, "c", 10, nil)}
		}, []string{"page 1", "a 0", "page 2", "b 0", "page 3", "c 0"}},
	} {
		var log []string
		if got := draw(Divide(c.blocks(&log), 1, 0, 100), &log); !slices.Equal(got, c.want) {
			t.Errorf("%s: drawn as %q, want %q", name, got, c.want)
		}
	}
}

func TestDivideTellsAnchorsAndTitles(t *testing.T) {
	var log []string
	var a, b Anchor
	pages := Divide([]Block{
		block(&log, "a", 80, func(x *Block) { x.Anchor, x.Title = &a, "One" }), block(&log, "b", 80, nil),
		block(&log, "c", 20, func(x *Block) { x.Anchor, x.Title = &b, "Two" }), block(&log, "d", 80, nil),
	}, 5, 0, 100)
	if a.Page != 5 || b.Page != 6 || b.Y != 72 {
		t.Errorf("anchors are %+v and %+v", a, b)
	}
	if len(pages) != 3 || pages[0].Title != "One" || pages[1].Title != "One" || pages[2].Title != "Two" {
		t.Errorf("titles are %+v", pages)
	}
}

// set sets a flow on pages and reads the document back.
func set(t testing.TB, body func(f *Flow, root *tagged.Node)) *taggedtest.File {
	t.Helper()
	c := NewCanvas()
	f := &Flow{X: 50, Width: 400}
	body(f, c.Doc.Root())
	for _, page := range Divide(f.Blocks, 1, 50, 750) {
		c.Doc.AddPage()
		page.Draw(c)
	}
	var b bytes.Buffer
	if err := c.Doc.Finish(&b, tagged.Info{Title: "t"}); err != nil {
		t.Fatal(err)
	}
	return taggedtest.Read(t, b.Bytes())
}

func TestATallRowIsDividedAndNothingIsLost(t *testing.T) {
	long := ""
	for i := range 200 {
		long += fmt.Sprintf("word%03d\n", i)
	}
	f := set(t, func(f *Flow, root *tagged.Node) {
		f.Table(root.Add("Table"), Table{
			Columns: []Column{{Title: "Name", Width: 60}, {Title: "Text"}},
			Rows:    [][]Cell{{{Spans: spans("short")}, {Spans: spans(long)}}, {{Spans: spans("next")}, {Spans: spans("end")}}},
		})
	})
	if len(f.Pages) < 4 {
		t.Errorf("the row is on %d pages", len(f.Pages))
	}
	cells := f.Root.All("TD")
	if len(cells) != 2 || strings.Count(cells[0].Text(), "word") != 200 || len(slices.Compact(cells[0].Pages)) != len(f.Pages) {
		t.Errorf("the cell holds %d of 200 words", strings.Count(cells[0].Text(), "word"))
	}
	for i, p := range f.Pages[1:] {
		if !strings.Contains(p.Artifacts, "Name") {
			t.Errorf("page %d does not repeat the head", i+2)
		}
	}
	if len(f.Root.All("TH")) != 4 {
		t.Errorf("%d head cells: repeated heads must be decoration", len(f.Root.All("TH")))
	}
}

func TestShortRowsAreNotDivided(t *testing.T) {
	f := set(t, func(f *Flow, root *tagged.Node) {
		var rows [][]Cell
		for i := range 60 {
			rows = append(rows, []Cell{{Spans: spans(fmt.Sprint("row ", i))}, {Spans: spans("a\nb\nc")}})
		}
		f.Table(root.Add("Table"), Table{Columns: []Column{{Title: "x"}, {Title: "y"}}, Rows: rows})
	})
	for _, row := range f.Root.All("TR") {
		var pages []int
		for _, c := range row.Kids {
			pages = append(pages, c.Pages...)
		}
		if slices.Min(pages) != slices.Max(pages) {
			t.Errorf("a row is on pages %v", pages)
		}
	}
}

func TestParagraphsHaveNoLoneLines(t *testing.T) {
	f := set(t, func(f *Flow, root *tagged.Node) {
		for range 40 {
			f.Paragraph(root.Add("P"), Paragraph{Spans: spans("one\ntwo\nthree\nfour\nfive")})
			f.Space(3)
		}
	})
	for _, p := range f.Root.All("P") {
		for _, page := range f.Pages {
			lines := 0
			for _, word := range []string{"one", "two", "three", "four", "five"} {
				lines += strings.Count(p.Text(), word)
			}
			if lines != 5 {
				t.Fatalf("a paragraph has %d lines", lines)
			}
			if n := len(page.Runs); n == 0 {
				t.Error("a page is empty")
			}
		}
	}
	for i, page := range f.Pages[:len(f.Pages)-1] {
		last, first := page.Runs[len(page.Runs)-1].Text, f.Pages[i+1].Runs[0].Text
		if last == "one" || first == "five" {
			t.Errorf("page %d ends with %q and the next begins with %q", i+1, last, first)
		}
	}
}

func TestListsHaveNoLoneItems(t *testing.T) {
	f := set(t, func(f *Flow, root *tagged.Node) {
		for range 45 {
			f.Markdown(root, "- first\n- second\n- third\n- last", plainStyle)
			f.Space(4)
		}
	})
	if len(f.Pages) < 3 {
		t.Fatalf("%d pages", len(f.Pages))
	}
	for i, page := range f.Pages[:len(f.Pages)-1] {
		last, first := page.Runs[len(page.Runs)-1].Text, f.Pages[i+1].Runs[1].Text
		if last == "first" || first == "last" {
			t.Errorf("page %d ends with %q and the next begins with %q", i+1, last, first)
		}
	}
}

func TestMarkdown(t *testing.T) {
	for name, c := range map[string]struct{ in, want string }{
		"paragraphs":      {"one\ntwo\n\nthree  \nfour", "one two three four"},
		"escapes":         {`\*no\* &amp; \&amp; &#65; a\b`, `*no* & &amp; A a\b`},
		"code":            {"`a  b` and ``c`d``", "a  b and c`d"},
		"headings":        {"# Title\n\ntext", "Title text"},
		"a bare link":     {"see https://example.com/x", "see https://example.com/x"},
		"a named link":    {"[here](https://example.com/x)", "here (https://example.com/x)"},
		"a bad link":      {"[here](javascript:alert(1))", "here (javascript:alert(1))"},
		"mail":            {"<a@example.com>", "a@example.com"},
		"a picture":       {"![chart](a.png)", "[picture: chart] (a.png)"},
		"html":            {"a <b>c</b>\n\n<div>\nx\n</div>", "a <b>c</b> <div> x </div>"},
		"lists":           {"3. c\n4. d\n\n- [x] done", "3. c 4. d • [x] done"},
		"an empty item":   {"-\n- b", "• • b"},
		"quotation":       {"> a\n>\n> - b", "a • b"},
		"code block":      {"```go\nif a {\n\tb\n}\n```", "if a { b }"},
		"table":           {"| a | b |\n|---|---|\n| c | d |", "a b c d"},
		"head only":       {"| a | b |\n|---|---|", "a | b"},
		"nothing":         {"", ""},
		"a line":          {"a\n\n---\n\nb", "a b"},
		"deep lists":      {strings.Repeat("- ", 40) + "x", strings.Repeat("• ", 40) + "x"},
		"deep quotations": {strings.Repeat("> ", 200) + "x", "x"},
	} {
		file := set(t, func(f *Flow, root *tagged.Node) {
			f.Add(Block{Height: 1, Draw: func(c *Canvas, y float64) { c.Doc.Artifact() }})
			f.Markdown(root, c.in, plainStyle)
		})
		got := strings.Join(strings.Fields(file.Root.Text()), " ")
		if want := strings.Join(strings.Fields(c.want), " "); got != want {
			t.Errorf("%s: %q was set as %q, want %q", name, c.in, got, want)
		}
	}
}

func TestMarkdownStructure(t *testing.T) {
	file := set(t, func(f *Flow, root *tagged.Node) {
		f.Markdown(root, "1. a\n   - b\n2. c\n\n> d\n\n[e](https://example.com/%C3%A4?q=(1)) ~~f~~", plainStyle)
	})
	if len(file.Root.All("L")) != 2 || len(file.Root.All("LI")) != 3 || len(file.Root.All("BlockQuote")) != 1 {
		t.Errorf("structure has %d lists, %d items, %d quotations", len(file.Root.All("L")), len(file.Root.All("LI")), len(file.Root.All("BlockQuote")))
	}
	links := file.Root.All("Link")
	if len(links) != 1 || !strings.HasPrefix(links[0].Links[0], "https://example.com/%C3%A4?q=") {
		t.Errorf("links are %+v", links)
	}
}

func TestALinkOverTwoLinesIsOneLink(t *testing.T) {
	file := set(t, func(f *Flow, root *tagged.Node) {
		f.Markdown(root, "["+strings.Repeat("many words ", 20)+"](https://example.com)", plainStyle)
	})
	links := file.Root.All("Link")
	if len(links) != 1 || len(links[0].Links) < 2 {
		t.Errorf("a link over lines is %+v", links)
	}
}

func TestFollowable(t *testing.T) {
	for address, want := range map[string]bool{
		"https://example.com/a?b#c": true, "http://localhost:8080": true, "mailto:a@example.com": true, "https://exämple.com/ü": true,
		"javascript:alert(1)": false, "/files/1": false, "": false, "https://": false, "data:text/html,x": false, "http://[::1": false, "mailto:": false, "#top": false,
	} {
		if uri, ok := Followable(address); ok != want {
			t.Errorf("%q: %q, %v", address, uri, ok)
		}
	}
	if uri, _ := Followable("https://example.com/ü \u202E"); strings.ContainsFunc(uri, func(r rune) bool { return r > '~' }) {
		t.Errorf("the address %q is not ASCII", uri)
	}
}

func FuzzMarkdown(f *testing.F) {
	for _, s := range []string{"- a\n  > b\n\n```\nc", "| a |\n|---|\n| ~~b~~ |", "[x](y) ![z](w) <a@b.c> &#x202E;", "1. 2. 3. # x\n===\n---"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if len(s) > 2000 {
			return
		}
		flow := &Flow{X: 50, Width: 400}
		canvas := NewCanvas()
		canvas.Doc.AddPage()
		flow.Markdown(canvas.Doc.Root(), s, plainStyle)
		flow.DrawAt(canvas, 0)
		if err := canvas.Doc.Finish(io.Discard, tagged.Info{}); err != nil {
			t.Error(err)
		}
	})
}

func TestEveryShapeIsDrawn(t *testing.T) {
	c := NewCanvas()
	c.Doc.AddPage()
	c.Doc.Artifact()
	for s := NoShape; s <= BoxBar; s++ {
		if s != NoShape && outlines[s] == nil {
			t.Errorf("shape %d has no outline", s)
		}
		c.Shape(Status{s, Ink}, 10, float64(s)*20, 12)
	}
	if err := c.Doc.Finish(io.Discard, tagged.Info{}); err != nil {
		t.Error(err)
	}
}

func TestPrints(t *testing.T) {
	for in, want := range map[string]bool{
		"": true, "Noor": true, "Łukasz Nguyễn Ελένη Ольга": true, "山田太郎 李小龙 김민수": true, "\u200b\u202E\n": true,
		"محمد": false, "שרה": false, "\U0001F44D": false, "bad \xff": false,
	} {
		if got := Prints(in); got != want {
			t.Errorf("Prints(%q) is %v", in, got)
		}
	}
}
