package typeset

// Page is what stands on one page.
type Page struct {
	Title  string // of the part that its first block belongs to
	placed []placed
}

type placed struct {
	draw func(c *Canvas, y float64)
	y    float64
	head bool // a head that is repeated
}

// Divide lays blocks out on pages whose content is between top and bottom. first is the
// number of the first page; anchors learn theirs.
func Divide(blocks []Block, first int, top, bottom float64) []Page {
	d := divider{first: first, top: top, bottom: bottom}
	for i := 0; i < len(blocks); {
		end := i + 1
		for end < len(blocks) && blocks[end-1].Keep {
			end++
		}
		d.chain(blocks[i:end])
		i = end
	}
	return d.pages
}

type divider struct {
	pages       []Page
	first       int
	top, bottom float64
	y           float64
	title       string
}

// chain places blocks that belong together. A chain that is longer than a page breaks
// where it must.
func (d *divider) chain(blocks []Block) {
	height := 0.0
	for _, b := range blocks {
		height += b.Space + b.Height
	}
	height = max(height, blocks[0].Space+blocks[0].Need)
	fresh := len(d.pages) > 0 && d.y == d.top
	if len(d.pages) == 0 || !fresh && d.y+height > d.bottom {
		d.turn(&blocks[0])
	}
	for i := range blocks {
		d.place(&blocks[i])
	}
}

// turn begins a page for the block, under the head of its table.
func (d *divider) turn(b *Block) {
	if b.Title != "" {
		d.title = b.Title
	}
	d.pages = append(d.pages, Page{Title: d.title})
	d.y = d.top
	if b.head != nil {
		d.put(placed{b.head.draw, d.y, true})
		d.y += b.head.height
	}
}

func (d *divider) place(b *Block) {
	empty := len(d.pages[len(d.pages)-1].placed) == 0
	if !empty && d.y+b.Space+b.Height > d.bottom {
		d.turn(b)
		empty = b.head == nil
	}
	if !empty {
		d.y += b.Space
	}
	if b.Title != "" {
		d.title = b.Title
	}
	if b.Anchor != nil {
		b.Anchor.Page, b.Anchor.Y = d.first+len(d.pages)-1, max(0, d.y-8)
	}
	d.put(placed{b.Draw, d.y, false})
	d.y += b.Height
}

func (d *divider) put(p placed) {
	page := &d.pages[len(d.pages)-1]
	page.placed = append(page.placed, p)
}

// Draw draws the page on the present page of the canvas.
func (p Page) Draw(c *Canvas) {
	for _, b := range p.placed {
		b.draw(c, b.y)
	}
}
