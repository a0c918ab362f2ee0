package tagged

// Node is an element of the structure tree: a paragraph, a table, a cell.
type Node struct {
	kind      string
	parent    *Node
	kids      []kid
	alt       string
	attribute string // dictionary entries of /A
	object    int
}

// kid is one of: a node, a marked content of a page, or a link.
type kid struct {
	node    *Node
	page    int // from 0
	content int // the MCID
	link    int // index into Document.links, plus 1
}

// NewNode returns a node of one of the standard structure types of PDF 1.7, such as H1, P,
// L, LI, Table, TR, TD, Figure or Link, without a parent.
func NewNode(kind string) *Node { return &Node{kind: kind} }

// Add appends a new node to n and returns it.
func (n *Node) Add(kind string) *Node { return n.Append(NewNode(kind)) }

// Append makes a node without a parent the last child of n and returns it.
func (n *Node) Append(child *Node) *Node {
	child.parent = n
	n.kids = append(n.kids, kid{node: child})
	return child
}

// Alt sets the words that stand for a figure and returns the node.
func (n *Node) Alt(words string) *Node {
	n.alt = words
	return n
}

// HeadsColumn says that n, a TH, is the head of a column, and returns n.
func (n *Node) HeadsColumn() *Node {
	n.attribute = "/O /Table /Scope /Column"
	return n
}

// HeadsRow says that n, a TH, is the head of a row, and returns n.
func (n *Node) HeadsRow() *Node {
	n.attribute = "/O /Table /Scope /Row"
	return n
}

// Numbered says whether n, an L, counts its items, and returns n.
func (n *Node) Numbered(yes bool) *Node {
	n.attribute = "/O /List /ListNumbering /Disc"
	if yes {
		n.attribute = "/O /List /ListNumbering /Decimal"
	}
	return n
}
