package tagged

import (
	"bytes"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf16"
)

// pass is one finishing of a document.
type pass struct {
	*Document
	file      *file
	pages     []int // object numbers
	height    float64
	annots    []int // object number of each link
	tree      int   // object number of the root of the structure
	firstLink int   // key of the first link in the parent tree
}

// Finish closes the fpdf document, adds structure, links, bookmarks and metadata, and
// writes the file. The same drawing and the same info give the same bytes, provided the
// fpdf document sorts its catalog. The Document cannot be used afterwards.
func (d *Document) Finish(w io.Writer, info Info) error {
	d.end()
	_, height := d.pdf.GetPageSize()
	var drawn bytes.Buffer
	if err := d.pdf.Output(&drawn); err != nil {
		return fmt.Errorf("draw: %w", err)
	}
	f, err := parse(drawn.Bytes())
	if err != nil {
		return err
	}
	p := &pass{Document: d, file: f, height: height, firstLink: len(d.owners)}
	if p.pages, err = pageObjects(f); err != nil {
		return err
	}
	if len(p.pages) != len(d.owners) {
		return fmt.Errorf("%d pages were drawn and %d were begun", len(p.pages), len(d.owners))
	}
	p.number()
	p.writeLinks()
	p.writePages()
	p.writeTree()
	f.set(f.info, info.object())
	f.set(f.root, p.catalog(p.writeOutline()))
	return f.write(w)
}

// pageObjects returns the numbers of the pages in their order.
func pageObjects(f *file) ([]int, error) {
	kids := regexp.MustCompile(`/Kids \[([^\]]*)\]`).FindSubmatch(f.objects[1])
	if kids == nil {
		return nil, errNotOurs
	}
	var pages []int
	for _, ref := range regexp.MustCompile(`(\d+) 0 R`).FindAllSubmatch(kids[1], -1) {
		n, err := strconv.Atoi(string(ref[1]))
		if err != nil || n >= len(f.objects) {
			return nil, errNotOurs
		}
		pages = append(pages, n)
	}
	return pages, nil
}

// number gives every node and link its object, so that they can refer to each other.
func (p *pass) number() {
	p.tree = p.file.reserve()
	var walk func(n *Node)
	walk = func(n *Node) {
		n.object = p.file.reserve()
		for _, k := range n.kids {
			if k.node != nil {
				walk(k.node)
			}
		}
	}
	walk(p.root)
	for range p.links {
		p.annots = append(p.annots, p.file.reserve())
	}
}

func (p *pass) writeLinks() {
	for i, l := range p.links {
		action := "/A <</S /URI /URI " + encodeASCII(l.to.URI) + ">>"
		if l.to.URI == "" {
			action = "/Dest " + p.destination(l.to)
		}
		top := p.height - l.rect.Y
		p.file.set(p.annots[i], fmt.Sprintf(
			"<</Type /Annot /Subtype /Link /Rect [%.2f %.2f %.2f %.2f] /Border [0 0 0] /F 4 /P %s /StructParent %d /Contents %s %s>>",
			l.rect.X, top-l.rect.H, l.rect.X+l.rect.W, top, ref(p.pages[l.page]), p.firstLink+i, encodeText(l.label), action))
	}
}

// destination is a place in the document, kept at the reader's zoom.
func (p *pass) destination(to Target) string {
	return fmt.Sprintf("[%s /XYZ null %.2f null]", ref(p.pages[to.Page-1]), p.height-to.Y)
}

// writePages ties each page to the structure and to its links.
func (p *pass) writePages() {
	annots := make([][]string, len(p.pages))
	for i, l := range p.links {
		annots[l.page] = append(annots[l.page], ref(p.annots[i]))
	}
	for i, n := range p.pages {
		dict := strings.TrimSuffix(string(p.file.objects[n]), ">>")
		dict += fmt.Sprintf("\n/StructParents %d /Tabs /S", i)
		if len(annots[i]) > 0 {
			dict += " /Annots [" + strings.Join(annots[i], " ") + "]"
		}
		p.file.set(n, dict+">>")
	}
}

// writeTree writes the nodes and the tree that leads from content back to its node.
func (p *pass) writeTree() {
	p.writeNode(p.root, p.tree)
	var nums strings.Builder
	for i, owners := range p.owners {
		refs := make([]string, len(owners))
		for j, n := range owners {
			refs[j] = ref(n.object)
		}
		fmt.Fprintf(&nums, "%d [%s] ", i, strings.Join(refs, " "))
	}
	for i, l := range p.links {
		fmt.Fprintf(&nums, "%d %s ", p.firstLink+i, ref(l.node.object))
	}
	parents := p.file.add("<</Nums [" + nums.String() + "]>>")
	p.file.set(p.tree, fmt.Sprintf("<</Type /StructTreeRoot /K [%s] /ParentTree %s /ParentTreeNextKey %d>>",
		ref(p.root.object), ref(parents), p.firstLink+len(p.links)))
}

func (p *pass) writeNode(n *Node, parent int) {
	var entries strings.Builder
	fmt.Fprintf(&entries, "<</Type /StructElem /S /%s /P %s", n.kind, ref(parent))
	page := n.firstPage()
	if page >= 0 {
		entries.WriteString(" /Pg " + ref(p.pages[page]))
	}
	if n.alt != "" {
		entries.WriteString(" /Alt " + encodeText(n.alt))
	}
	if n.attribute != "" {
		entries.WriteString(" /A <<" + n.attribute + ">>")
	}
	entries.WriteString(" /K [")
	for i, k := range n.kids {
		if i > 0 {
			entries.WriteByte(' ')
		}
		entries.WriteString(p.kid(k, page))
	}
	entries.WriteString("]>>")
	p.file.set(n.object, entries.String())
	for _, k := range n.kids {
		if k.node != nil {
			p.writeNode(k.node, n.object)
		}
	}
}

// firstPage is the page of a node's first own content, -1 when it has none.
func (n *Node) firstPage() int {
	for _, k := range n.kids {
		if k.node == nil && k.link == 0 {
			return k.page
		}
	}
	return -1
}

// kid is an entry of /K. Content on the node's own page is named by its number alone.
func (p *pass) kid(k kid, page int) string {
	switch {
	case k.node != nil:
		return ref(k.node.object)
	case k.link > 0:
		l := k.link - 1
		return fmt.Sprintf("<</Type /OBJR /Obj %s /Pg %s>>", ref(p.annots[l]), ref(p.pages[p.links[l].page]))
	case k.page != page:
		return fmt.Sprintf("<</Type /MCR /Pg %s /MCID %d>>", ref(p.pages[k.page]), k.content)
	default:
		return itoa(k.content)
	}
}

func (p *pass) catalog(outline int) string {
	dict := fmt.Sprintf("<</Type /Catalog /Pages 1 0 R /Lang (en) /StructTreeRoot %s /MarkInfo <</Marked true>>"+
		" /ViewerPreferences <</DisplayDocTitle true>>", ref(p.tree))
	if outline > 0 {
		dict += " /Outlines " + ref(outline) + " /PageMode /UseOutlines"
	}
	return dict + ">>"
}

func (i Info) object() string {
	date := encodeASCII("D:" + i.Created.UTC().Format("20060102150405") + "+00'00'")
	return fmt.Sprintf("<</Title %s /Author %s /Subject %s /Creator %s /Producer %s /CreationDate %s /ModDate %s>>",
		encodeText(i.Title), encodeText(i.Author), encodeText(i.Subject), encodeText(i.Creator), encodeText("fpdf"), date, date)
}

func ref(object int) string { return itoa(object) + " 0 R" }

func itoa(n int) string { return strconv.Itoa(n) }

// encodeText writes a string of any characters. Invalid UTF-8 becomes U+FFFD.
func encodeText(s string) string {
	var b strings.Builder
	b.WriteString("<FEFF")
	for _, u := range utf16.Encode([]rune(s)) {
		fmt.Fprintf(&b, "%04X", u)
	}
	b.WriteByte('>')
	return b.String()
}

// encodeASCII writes a string of ASCII characters; anything else is dropped.
func encodeASCII(s string) string {
	var b strings.Builder
	b.WriteByte('(')
	for _, r := range s {
		switch {
		case r == '(' || r == ')' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r >= ' ' && r <= '~':
			b.WriteRune(r)
		}
	}
	b.WriteByte(')')
	return b.String()
}
