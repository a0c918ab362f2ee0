package tagged

import "fmt"

// outline is the bookmarks as a tree of their indexes; -1 stands for the root.
type outline struct {
	parent   []int
	children map[int][]int
	position []int // among the children of its parent
}

func newOutline(bookmarks []bookmark) outline {
	o := outline{children: map[int][]int{}}
	var path []int // the entry and those above it
	for i, b := range bookmarks {
		path = path[:min(b.level, len(path))]
		parent := -1
		if len(path) > 0 {
			parent = path[len(path)-1]
		}
		o.parent = append(o.parent, parent)
		o.position = append(o.position, len(o.children[parent]))
		o.children[parent] = append(o.children[parent], i)
		path = append(path, i)
	}
	return o
}

// writeOutline writes the bookmarks and returns the object of their root, 0 when there are
// none. Entries of level 0 are shown, deeper ones are folded.
func (p *pass) writeOutline() int {
	if len(p.bookmarks) == 0 {
		return 0
	}
	o := newOutline(p.bookmarks)
	root := p.file.reserve()
	objects := make([]int, len(p.bookmarks))
	for i := range objects {
		objects[i] = p.file.reserve()
	}
	for i, b := range p.bookmarks {
		parent := root
		if o.parent[i] >= 0 {
			parent = objects[o.parent[i]]
		}
		dict := fmt.Sprintf("<</Title %s /Parent %s /Dest %s", encodeText(b.title), ref(parent), p.destination(b.to))
		siblings, at := o.children[o.parent[i]], o.position[i]
		if at > 0 {
			dict += " /Prev " + ref(objects[siblings[at-1]])
		}
		if at+1 < len(siblings) {
			dict += " /Next " + ref(objects[siblings[at+1]])
		}
		if below := o.children[i]; len(below) > 0 {
			dict += fmt.Sprintf(" /First %s /Last %s /Count -%d", ref(objects[below[0]]), ref(objects[below[len(below)-1]]), len(below))
		}
		p.file.set(objects[i], dict+">>")
	}
	top := o.children[-1]
	p.file.set(root, fmt.Sprintf("<</Type /Outlines /First %s /Last %s /Count %d>>",
		ref(objects[top[0]]), ref(objects[top[len(top)-1]]), len(top)))
	return root
}
