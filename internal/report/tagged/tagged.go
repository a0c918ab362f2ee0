// Package tagged gives documents drawn with fpdf what fpdf does not write itself: a
// structure tree that says what is a heading, a table or a list, links and bookmarks that
// belong to it, a title, a language and an id. A screen reader reads the tree, not the ink.
//
// A caller builds the tree of Nodes, draws page by page, and calls Mark or Artifact before
// it draws: everything drawn until the next call belongs there. Finish writes the file.
// PDF/A and PDF/UA are not claimed.
package tagged

import (
	"fmt"
	"time"

	"codeberg.org/go-pdf/fpdf"
)

// Document collects the structure, links and bookmarks of an fpdf document in points.
// It is for one goroutine.
type Document struct {
	pdf       *fpdf.Fpdf
	root      *Node
	owners    [][]*Node // per page, per marked content: whose it is
	links     []link
	bookmarks []bookmark
	open      *Node // who owns what is drawn now
	artifact  bool  // what is drawn now is decoration
}

// Info is what a document says about itself.
type Info struct {
	Title   string
	Author  string
	Subject string
	Creator string
	Created time.Time
}

// Target is where a link leads: an address, or a place in this document when URI is empty.
type Target struct {
	URI  string  // ASCII
	Page int     // from 1
	Y    float64 // points from the top of the page
}

// Rect is a place on a page in points from its top left corner.
type Rect struct{ X, Y, W, H float64 }

type link struct {
	page  int // from 0
	rect  Rect
	to    Target
	label string
	node  *Node
}

type bookmark struct {
	title string
	level int
	to    Target
}

// New returns the structure of a document that has no pages yet. pdf must use points.
// Pages must be added by AddPage of the Document and drawn in order. Compression is left to
// Finish, which does it with less memory.
func New(pdf *fpdf.Fpdf) *Document {
	pdf.SetCompression(false)
	return &Document{pdf: pdf, root: NewNode("Document")}
}

// Root returns the node of type Document that holds all others.
func (d *Document) Root() *Node { return d.root }

// AddPage begins a page.
func (d *Document) AddPage() {
	d.end()
	d.pdf.AddPage()
	d.owners = append(d.owners, nil)
}

// Mark makes everything drawn from now on content of n, until the next Mark, Artifact or
// AddPage. Marking the same node again goes on with it.
func (d *Document) Mark(n *Node) {
	if d.open == n {
		return
	}
	d.end()
	page := len(d.owners) - 1
	id := len(d.owners[page])
	d.owners[page] = append(d.owners[page], n)
	n.kids = append(n.kids, kid{page: page, content: id})
	d.pdf.RawWriteStr(fmt.Sprintf("/%s <</MCID %d>> BDC", n.kind, id))
	d.open = n
}

// Artifact makes everything drawn from now on decoration, which is not read aloud.
func (d *Document) Artifact() {
	if d.artifact {
		return
	}
	d.end()
	d.pdf.RawWriteStr("/Artifact BMC")
	d.artifact = true
}

// Instead draws, and says that what is drawn stands for the text: it is what is read
// aloud, searched and copied. Call it after Mark.
func (d *Document) Instead(text string, draw func()) {
	d.pdf.RawWriteStr("/Span <</ActualText " + encodeText(text) + ">> BDC")
	draw()
	d.pdf.RawWriteStr("EMC")
}

// Link makes a place on the present page a link that belongs to n, a node of type Link.
// label says where it leads.
func (d *Document) Link(n *Node, place Rect, to Target, label string) {
	n.kids = append(n.kids, kid{link: len(d.links) + 1})
	d.links = append(d.links, link{page: len(d.owners) - 1, rect: place, to: to, label: label, node: n})
}

// Bookmark adds an entry to the outline, in the order of the document. Level 0 is the
// uppermost; a level may be at most one deeper than the one before.
func (d *Document) Bookmark(title string, level int, to Target) {
	d.bookmarks = append(d.bookmarks, bookmark{title, level, to})
}

// end closes what is marked now.
func (d *Document) end() {
	if d.open != nil || d.artifact {
		d.pdf.RawWriteStr("EMC")
	}
	d.open, d.artifact = nil, false
}
