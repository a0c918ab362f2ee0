package tagged_test

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"codeberg.org/go-pdf/fpdf"

	"orrery/internal/report/fonts"
	"orrery/internal/report/tagged"
	"orrery/internal/report/tagged/taggedtest"
)

// pen writes lines on a document that is tagged.
type pen struct {
	pdf *fpdf.Fpdf
	*tagged.Document
	y float64
}

func newPen() *pen {
	pdf := fpdf.New("P", "pt", "A4", "")
	pdf.SetCatalogSort(true)
	pdf.AddUTF8FontFromBytes("inter", "", fonts.Regular)
	pdf.SetFont("inter", "", 12)
	return &pen{pdf, tagged.New(pdf), 50}
}

func (p *pen) write(n *tagged.Node, text string) {
	p.Mark(n)
	p.pdf.Text(50, p.y, text)
	p.y += 20
}

func (p *pen) finish(t *testing.T) *taggedtest.File {
	t.Helper()
	return taggedtest.Read(t, p.bytes(t))
}

func (p *pen) bytes(t *testing.T) []byte {
	t.Helper()
	var out bytes.Buffer
	created := time.Date(2026, 11, 21, 15, 4, 5, 0, time.FixedZone("", 3600))
	if err := p.Finish(&out, tagged.Info{Title: "A (title) with \\ and 漢", Author: "Acme", Subject: "s", Creator: "c", Created: created}); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestStructureIsReadInTheOrderOfTheTree(t *testing.T) {
	p := newPen()
	p.AddPage()
	title, body := p.Root().Add("H1"), p.Root().Add("P")
	p.write(body, "drawn first, ")
	p.write(title, "the title")
	p.write(body, "drawn last")
	root := p.finish(t).Root
	if got, want := root.Text(), "the title\ndrawn first, drawn last\n"; got != want {
		t.Errorf("read %q, want %q", got, want)
	}
}

func TestAParagraphGoesOnOverPages(t *testing.T) {
	p := newPen()
	p.AddPage()
	body := p.Root().Add("P")
	p.write(body, "one ")
	p.AddPage()
	p.write(body, "two ")
	p.write(body, "three")
	f := p.finish(t)
	paragraph := f.Root.Kids[0]
	if got := paragraph.Text(); got != "one two three" {
		t.Errorf("read %q", got)
	}
	if !slices.Equal(paragraph.Pages, []int{1, 2}) {
		t.Errorf("content on pages %v, want one piece on each", paragraph.Pages)
	}
}

func TestArtifactsAreNotRead(t *testing.T) {
	p := newPen()
	p.AddPage()
	p.Artifact()
	p.pdf.Text(50, 20, "a footer")
	p.Artifact()
	p.pdf.Line(1, 1, 20, 20)
	p.write(p.Root().Add("P"), "text")
	f := p.finish(t)
	if strings.Contains(f.Root.Text(), "footer") || !strings.Contains(f.Pages[0].Artifacts, "a footer") {
		t.Errorf("read %q, decoration %q", f.Root.Text(), f.Pages[0].Artifacts)
	}
}

func TestWordsInsteadAreRead(t *testing.T) {
	p := newPen()
	p.AddPage()
	n := p.Root().Add("P")
	p.Mark(n)
	p.pdf.Text(50, 50, "by ")
	p.Instead("山田 \U0001F44D", func() { p.pdf.Text(70, 50, "□□ □") })
	if got := p.finish(t).Root.Text(); got != "by 山田 \U0001F44D\n" {
		t.Errorf("read %q", got)
	}
}

func TestLinksBelongToTheirNodeAndLeadWhereTheyShould(t *testing.T) {
	p := newPen()
	p.AddPage()
	para := p.Root().Add("P")
	out, in := para.Add("Link"), para.Add("Link")
	p.write(out, "out")
	p.Link(out, tagged.Rect{X: 50, Y: 40, W: 30, H: 14}, tagged.Target{URI: `https://example.com/a(b)\c`}, "away")
	p.write(in, "in")
	p.Link(in, tagged.Rect{X: 50, Y: 60, W: 30, H: 14}, tagged.Target{Page: 3, Y: 100}, "there")
	p.AddPage()
	p.AddPage()
	p.write(p.Root().Add("P"), "the end")
	links := p.finish(t).Root.All("Link")
	if len(links) != 2 || !slices.Equal(links[0].Links, []string{`https://example.com/a(b)\c`}) || !slices.Equal(links[1].Links, []string{"page 3"}) {
		t.Fatalf("links are %+v", links)
	}
}

func TestAltAndTablesSurvive(t *testing.T) {
	p := newPen()
	p.AddPage()
	p.write(p.Root().Add("Figure").Alt("Ten (10) käse \\"), "x")
	row := p.Root().Add("Table").Add("TR")
	p.write(row.Add("TH").HeadsColumn(), "head")
	p.write(row.Add("TH").HeadsRow(), "row")
	row.Add("TD")
	item := p.Root().Add("L").Numbered(true).Add("LI")
	p.write(item.Add("Lbl"), "1.")
	p.write(item.Add("LBody"), "one")
	raw := p.bytes(t)
	f := taggedtest.Read(t, raw)
	if got := f.Root.All("Figure")[0].Alt; got != "Ten (10) käse \\" {
		t.Errorf("alt is %q", got)
	}
	if got := len(f.Root.All("TH")) + len(f.Root.All("TD")); got != 3 {
		t.Errorf("%d cells, want 3", got)
	}
}

func TestInfoSaysWhatWasGiven(t *testing.T) {
	p := newPen()
	p.AddPage()
	p.write(p.Root().Add("P"), "x")
	info := p.finish(t).Info
	if info["Title"] != "A (title) with \\ and 漢" || info["CreationDate"] != "D:20261121140405+00'00'" || info["ModDate"] != "D:20261121140405+00'00'" {
		t.Errorf("info is %q", info)
	}
}

func TestTheSameDrawingGivesTheSameBytes(t *testing.T) {
	draw := func(text string) []byte {
		p := newPen()
		p.AddPage()
		p.write(p.Root().Add("P"), text)
		return p.bytes(t)
	}
	if !bytes.Equal(draw("same"), draw("same")) {
		t.Error("two files of the same drawing differ")
	}
	id := func(b []byte) string { return string(b[bytes.LastIndex(b, []byte("/ID [")):][:40]) }
	if id(draw("same")) == id(draw("other")) {
		t.Error("files of different drawings have the same id")
	}
}

func TestManyNodesArePacked(t *testing.T) {
	p := newPen()
	p.AddPage()
	for range 3000 {
		p.y = 50
		p.write(p.Root().Add("P"), "x")
	}
	raw := p.bytes(t)
	if f := taggedtest.Read(t, raw); len(f.Root.Kids) != 3000 {
		t.Errorf("%d nodes were read", len(f.Root.Kids))
	}
	if len(raw) > 150_000 {
		t.Errorf("the file has %d bytes", len(raw))
	}
}

// brokenWriter fails as a connection does that was closed.
type brokenWriter struct{}

var errClosed = errors.New("closed")

func (brokenWriter) Write([]byte) (int, error) { return 0, errClosed }

func TestFinishReportsWhatFailed(t *testing.T) {
	p := newPen()
	p.AddPage()
	p.write(p.Root().Add("P"), "x")
	if err := p.Finish(brokenWriter{}, tagged.Info{}); !errors.Is(err, errClosed) {
		t.Errorf("a broken writer gave %v", err)
	}
	p = newPen()
	p.AddPage()
	p.pdf.SetFont("unknown", "", 12)
	if err := p.Finish(io.Discard, tagged.Info{}); err == nil {
		t.Error("a fault of fpdf was lost")
	}
	p = newPen()
	p.AddPage()
	p.pdf.AddPage()
	if err := p.Finish(io.Discard, tagged.Info{}); err == nil {
		t.Error("a page that was added past the Document was accepted")
	}
}
