// Package taggedtest reads tagged PDFs back in tests: it validates them strictly, checks
// that structure and ink belong together, and returns what a screen reader would read.
package taggedtest

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/pdfcpu/pdfcpu/pkg/api"
	"github.com/pdfcpu/pdfcpu/pkg/pdfcpu/model"
	"github.com/pdfcpu/pdfcpu/pkg/pdfcpu/types"
)

// File is a document that was read back.
type File struct {
	Pages []Page
	Root  *Element // of type Document
	Info  map[string]string
}

// Page is what one page shows.
type Page struct {
	Texts     map[int]string // by MCID
	Artifacts string         // a line for each piece of text
	Runs      []Run          // in the order of drawing
	object    int
}

// Run is a piece of text as it is drawn, in points from the bottom left of the page.
type Run struct {
	Text       string
	X, Y, Size float64
	Artifact   bool
}

// Element is a node of the structure tree.
type Element struct {
	Kind  string
	Alt   string
	Kids  []*Element
	Pages []int    // from 1, where its own content and links are
	Links []string // URIs, or "page n" inside the document
	parts []any    // string or *Element, in their order
}

// Text is everything below the element as it would be read aloud.
func (e *Element) Text() string {
	var b strings.Builder
	for _, p := range e.parts {
		switch p := p.(type) {
		case string:
			b.WriteString(p)
		case *Element:
			b.WriteString(p.Text())
			if p.Kind != "Link" {
				b.WriteByte('\n')
			}
		}
	}
	return b.String()
}

// All returns all elements of a kind below e, in the order of reading.
func (e *Element) All(kind string) []*Element {
	var list []*Element
	for _, k := range e.Kids {
		if k.Kind == kind {
			list = append(list, k)
		}
		list = append(list, k.All(kind)...)
	}
	return list
}

// Read reads a document and fails the test when it is not valid by pdfcpu's strict rules,
// when ink lies outside marked content, when content is not in the tree exactly once, or
// when the way back from content or links to the tree is wrong.
func Read(t testing.TB, document []byte) *File {
	t.Helper()
	f, err := Parse(document)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// Parse is Read with the fault as an error.
func Parse(document []byte) (*File, error) {
	api.DisableConfigDir()
	conf := model.NewDefaultConfiguration()
	conf.ValidationMode = model.ValidationStrict
	ctx, err := api.ReadAndValidate(bytes.NewReader(document), conf)
	if err != nil {
		return nil, fmt.Errorf("validate: %w", err)
	}
	r := &reader{XRefTable: ctx.XRefTable, file: &File{Info: map[string]string{}}, pageOf: map[int]int{}, owners: map[[2]int]int{}}
	if err := r.pages(); err != nil {
		return nil, err
	}
	if err := r.tree(); err != nil {
		return nil, err
	}
	if err := r.everythingOnce(); err != nil {
		return nil, err
	}
	if err := r.parents(); err != nil {
		return nil, err
	}
	return r.file, r.info()
}

// reader reads one document.
type reader struct {
	*model.XRefTable
	file    *File
	pageOf  map[int]int    // object number to page, from 0
	owners  map[[2]int]int // page and MCID to the object of its node
	annots  []annot
	objects map[int]int // annotation to the object of its node
}

type annot struct{ object, key int }

func (r *reader) pages() error {
	for n := 1; n <= r.PageCount; n++ {
		dict, at, _, err := r.PageDict(n, false)
		if err != nil {
			return err
		}
		content, err := r.PageContent(dict, n)
		if err != nil {
			return err
		}
		page, err := readContent(content)
		if err != nil {
			return fmt.Errorf("page %d: %w", n, err)
		}
		page.object = at.ObjectNumber.Value()
		r.pageOf[page.object] = n - 1
		r.file.Pages = append(r.file.Pages, page)
		if key := dict.IntEntry("StructParents"); key == nil || *key != n-1 {
			return fmt.Errorf("page %d does not lead to the structure", n)
		}
		for _, o := range dict.ArrayEntry("Annots") {
			ref, ok := o.(types.IndirectRef)
			if !ok {
				return fmt.Errorf("page %d has an annotation that nothing can refer to", n)
			}
			a, err := r.DereferenceDict(ref)
			if err != nil {
				return err
			}
			key := a.IntEntry("StructParent")
			if key == nil || a.IntEntry("F") == nil || a["Contents"] == nil {
				return fmt.Errorf("page %d has a link without its key, its flags or its words", n)
			}
			r.annots = append(r.annots, annot{ref.ObjectNumber.Value(), *key})
		}
	}
	return nil
}

func (r *reader) tree() error {
	catalog, err := r.Catalog()
	if err != nil {
		return err
	}
	root, err := r.DereferenceDict(catalog["StructTreeRoot"])
	if err != nil || root == nil {
		return fmt.Errorf("no structure: %w", err)
	}
	r.objects = map[int]int{}
	kids := root.ArrayEntry("K")
	if len(kids) != 1 {
		return fmt.Errorf("the structure has %d roots", len(kids))
	}
	r.file.Root, err = r.element(kids[0].(types.IndirectRef))
	return err
}

func (r *reader) element(ref types.IndirectRef) (*Element, error) {
	dict, err := r.DereferenceDict(ref)
	if err != nil {
		return nil, err
	}
	e := &Element{Kind: *dict.NameEntry("S")}
	if alt, ok := dict["Alt"]; ok {
		if e.Alt, err = r.DereferenceText(alt); err != nil {
			return nil, err
		}
	}
	own := -1
	if pg := dict.IndirectRefEntry("Pg"); pg != nil {
		own = r.pageOf[pg.ObjectNumber.Value()]
	}
	object := ref.ObjectNumber.Value()
	for _, k := range dict.ArrayEntry("K") {
		if err := r.kid(e, k, own, object); err != nil {
			return nil, err
		}
	}
	return e, nil
}

func (r *reader) kid(e *Element, k types.Object, own, object int) error {
	switch k := k.(type) {
	case types.Integer:
		return r.content(e, own, k.Value(), object)
	case types.IndirectRef:
		child, err := r.element(k)
		if err != nil {
			return err
		}
		e.Kids, e.parts = append(e.Kids, child), append(e.parts, child)
	case types.Dict:
		page, ok := r.pageOf[k.IndirectRefEntry("Pg").ObjectNumber.Value()]
		if !ok {
			return fmt.Errorf("%s refers to no page", e.Kind)
		}
		if *k.NameEntry("Type") == "MCR" {
			return r.content(e, page, *k.IntEntry("MCID"), object)
		}
		obj := k.IndirectRefEntry("Obj")
		r.objects[obj.ObjectNumber.Value()] = object
		e.Pages = append(e.Pages, page+1)
		return r.target(e, *obj)
	}
	return nil
}

// target notes where a link leads.
func (r *reader) target(e *Element, ref types.IndirectRef) error {
	a, err := r.DereferenceDict(ref)
	if err != nil {
		return err
	}
	if action := a.DictEntry("A"); action != nil {
		uri, err := r.DereferenceText(action["URI"])
		e.Links = append(e.Links, uri)
		return err
	}
	page, ok := r.pageOf[a.ArrayEntry("Dest")[0].(types.IndirectRef).ObjectNumber.Value()]
	if !ok {
		return fmt.Errorf("a link leads to no page")
	}
	e.Links = append(e.Links, fmt.Sprintf("page %d", page+1))
	return nil
}

func (r *reader) content(e *Element, page, id, object int) error {
	if page < 0 {
		return fmt.Errorf("%s has content on no page", e.Kind)
	}
	text, ok := r.file.Pages[page].Texts[id]
	if !ok {
		return fmt.Errorf("%s refers to MCID %d of page %d, which is not there", e.Kind, id, page+1)
	}
	if _, twice := r.owners[[2]int{page, id}]; twice {
		return fmt.Errorf("MCID %d of page %d is in the tree twice", id, page+1)
	}
	r.owners[[2]int{page, id}] = object
	e.Pages, e.parts = append(e.Pages, page+1), append(e.parts, text)
	return nil
}

// everythingOnce checks that no content and no link is missing from the tree.
func (r *reader) everythingOnce() error {
	total := 0
	for _, p := range r.file.Pages {
		total += len(p.Texts)
	}
	if total != len(r.owners) {
		return fmt.Errorf("%d of %d marked contents are in the tree", len(r.owners), total)
	}
	if len(r.annots) != len(r.objects) {
		return fmt.Errorf("%d of %d links are in the tree", len(r.objects), len(r.annots))
	}
	return nil
}

// parents checks the way back from content and links to their nodes.
func (r *reader) parents() error {
	catalog, err := r.Catalog()
	if err != nil {
		return err
	}
	root, err := r.DereferenceDict(catalog["StructTreeRoot"])
	if err != nil {
		return err
	}
	tree, err := r.DereferenceDict(root["ParentTree"])
	if err != nil {
		return err
	}
	entries := map[int]types.Object{}
	nums := tree.ArrayEntry("Nums")
	for i := 0; i+1 < len(nums); i += 2 {
		entries[nums[i].(types.Integer).Value()] = nums[i+1]
	}
	for at, object := range r.owners {
		list, _ := entries[at[0]].(types.Array)
		if at[1] >= len(list) || list[at[1]].(types.IndirectRef).ObjectNumber.Value() != object {
			return fmt.Errorf("MCID %d of page %d does not lead back to its node", at[1], at[0]+1)
		}
	}
	for _, a := range r.annots {
		back, ok := entries[a.key].(types.IndirectRef)
		if !ok || back.ObjectNumber.Value() != r.objects[a.object] {
			return fmt.Errorf("link %d does not lead back to its node", a.object)
		}
	}
	return nil
}

func (r *reader) info() error {
	dict, err := r.DereferenceDict(*r.Info)
	if err != nil {
		return err
	}
	for key, value := range dict {
		if r.file.Info[key], err = r.DereferenceText(value); err != nil {
			return err
		}
	}
	return nil
}
