// Package report prints a round of a review as a PDF that can be handed over: the readout
// on one page, the risks by section, the contents, then every question with its answer and
// its evidence, and the record of the decision. What prints reads frozen records and asks
// nobody anything; orders.go has those that programs ask for, made by jobs.
package report

import (
	"fmt"
	"io"
	"reflect"
	"time"

	"orrery/internal/report/tagged"
	"orrery/internal/report/typeset"
	"orrery/internal/review"
)

// Input is one round, and what to say around it.
type Input struct {
	Snapshot      review.Snapshot
	Seal          *review.Seal // nil until decided
	State         string       // review.Draft, review.Submitted, review.Sealed, review.Superseded or review.Cancelled
	ContentSHA256 string       // hex; empty for a draft
	SealSHA256    string       // hex; empty until decided
	SignOffs      []review.SealedSignOff
	Items         []review.SealedItem // with SignOffs: of a round that is not sealed; a Seal has its own
	URL           string              // where the round is in the portal
	PrintedAt     time.Time
	Sample        bool // made-up data: every page says so
	Extent        Extent
	Comments      bool          // print what people said, in the full extent
	Beside        review.Beside // as of PrintedAt
}

// Extent is how much of a round is printed.
type Extent string

// The extents there are. The zero value prints everything.
const (
	Full        Extent = "full"
	ReadoutOnly Extent = "readout" // the cover
	RisksOnly   Extent = "risks"   // the cover, and what is medium or high
)

// ParseExtent reads an extent as an address has it; nothing is Full.
func ParseExtent(s string) (Extent, bool) {
	e := Extent(s)
	if e == "" {
		e = Full
	}
	return e, e == Full || e == ReadoutOnly || e == RisksOnly
}

// items are those of the seal, else those given.
func (in Input) items() []review.SealedItem {
	if in.Seal != nil {
		return in.Seal.Items
	}
	return in.Items
}

// check refuses what would print a false record.
func (in Input) check() error {
	switch in.State {
	case review.Draft, review.Submitted, review.Superseded, review.Cancelled:
		if in.Seal != nil {
			return fmt.Errorf("a round that is %s has no seal", in.State)
		}
	case review.Sealed:
		if in.Seal == nil {
			return fmt.Errorf("a sealed round needs its seal")
		}
	default:
		return fmt.Errorf("unknown state %q of a round", in.State)
	}
	return nil
}

// PDF writes the round as a tagged PDF on A4 pages. The same input gives the same bytes.
// Nothing in the texts of the input can break the document: what the typeface cannot show
// becomes a visible box. It fails when the state and the seal do not fit each other, and
// when w does.
func PDF(w io.Writer, in Input) error {
	if err := in.check(); err != nil {
		return fmt.Errorf("report: %w", err)
	}
	r := newReport(in)
	cover := r.cover()
	pages := append([]typeset.Page{cover}, typeset.Divide(r.body().Blocks, 2, pageTop, pageBottom)...)
	for i, page := range pages {
		r.canvas.Doc.AddPage()
		r.frame(page.Title, i+1, len(pages))
		page.Draw(r.canvas)
	}
	r.bookmark()
	err := r.canvas.Doc.Finish(w, tagged.Info{
		Title:   typeset.Plain(r.title()),
		Author:  typeset.Plain(in.Snapshot.Organisation),
		Subject: typeset.Plain(r.subject()),
		Creator: "Orrery",
		Created: in.PrintedAt,
	})
	if err != nil {
		return fmt.Errorf("report: %w", err)
	}
	return nil
}

// report is one report being made.
type report struct {
	in       Input
	canvas   *typeset.Canvas
	doc      *tagged.Node
	sections []*section
	items    []review.SealedItem
	signOffs []review.SealedSignOff
	owners   owners
	total    tally
	parts    []*part // all of them, in their order
	foot     [2]typeset.Line
	boxes    bool // some letter is in no typeface
	chapters
}

// part is a line of the contents: a chapter, or a question in one.
type part struct {
	number string
	title  string
	level  int
	risk   string // of a question
	anchor typeset.Anchor
}

func newReport(in Input) *report {
	if !in.Comments || in.Extent == ReadoutOnly || in.Extent == RisksOnly {
		in.Beside.Talk = nil
	}
	canvas := typeset.NewCanvas()
	r := &report{in: in, canvas: canvas, doc: canvas.Doc.Root(), items: in.items(), signOffs: in.SignOffs}
	if in.Seal != nil {
		r.signOffs = in.Seal.SignOffs
	}
	r.owners = ownersOf(r.items, in.Snapshot.Sections)
	r.sections, r.total = sections(in.Snapshot.Sections)
	r.plan()
	r.foot = r.footing()
	r.boxes = !printable(reflect.ValueOf(in))
	return r
}

// full reports whether everything is printed.
func (r *report) full() bool { return r.in.Extent == Full || r.in.Extent == "" }

// chapters are the parts that are not sections.
type chapters struct {
	risksPart, againstPart, contentsPart             *part
	itemsPart, signOffsPart, decisionPart, aboutPart *part
	talkPart                                         *part
}

// plan lists the parts in their order. There is no chapter on evidence against answers
// when there is none, and a report of less has fewer.
func (r *report) plan() {
	if r.in.Extent == ReadoutOnly {
		return
	}
	r.risksPart = r.chapter("Risk by section")
	if len(r.clashes()) > 0 {
		r.againstPart = r.chapter("Evidence against answers")
	}
	if r.in.Extent == RisksOnly {
		r.aboutPart = r.chapter("About this document")
		return
	}
	r.contentsPart = r.chapter("Contents")
	for _, s := range r.sections {
		s.part = r.add(&part{number: s.number, title: s.name})
		for _, q := range s.questions {
			q.part = r.add(&part{number: q.number, title: q.Title, level: 1, risk: q.Risk})
		}
	}
	if r.talked(r.in.Snapshot.Review.ID) {
		r.talkPart = r.chapter("Brought and said about the review")
	}
	r.itemsPart, r.signOffsPart = r.chapter("Items"), r.chapter("Sign-offs")
	r.decisionPart, r.aboutPart = r.chapter("Decision record"), r.chapter("About this document")
}

// body sets everything after the cover.
func (r *report) body() *typeset.Flow {
	f := &typeset.Flow{X: pageLeft, Width: pageWidth}
	if r.in.Extent == ReadoutOnly {
		return f
	}
	r.risks(f)
	r.against(f)
	if r.in.Extent == RisksOnly {
		r.about(f)
		return f
	}
	r.contents(f)
	for _, s := range r.sections {
		r.section(f, s)
	}
	r.reviewTalk(f)
	r.listItems(f)
	r.listSignOffs(f)
	r.decision(f)
	r.about(f)
	return f
}

func (r *report) chapter(title string) *part { return r.add(&part{title: title}) }

func (r *report) add(p *part) *part {
	r.parts = append(r.parts, p)
	return p
}

// bookmark adds the parts to the document's outline, in the order of the pages.
func (r *report) bookmark() {
	doc := r.canvas.Doc
	doc.Bookmark("Readout", 0, tagged.Target{Page: 1})
	for _, p := range r.parts {
		title := p.title
		if p.number != "" {
			title = p.number + " " + title
		}
		doc.Bookmark(typeset.Plain(title), p.level, p.anchor.Target())
	}
}

// title names the document.
func (r *report) title() string {
	title := r.in.Snapshot.Workload.Name + ": " + r.occasion()
	if !r.full() {
		title += ", " + string(r.in.Extent)
	}
	if r.in.State == review.Draft {
		title += " (draft)"
	}
	return title
}

// occasion says what was reviewed, in which round.
func (r *report) occasion() string {
	v := r.in.Snapshot.Review
	return fmt.Sprintf("%s, round %d", v.TypeName, v.Round)
}

func (r *report) subject() string {
	return "Operational readiness review of " + r.in.Snapshot.Workload.Key + ", " + r.standing()
}
