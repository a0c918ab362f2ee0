package report

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"orrery/internal/report/tagged"
	"orrery/internal/report/typeset"
	"orrery/internal/review"
)

// The cover: its text begins higher than that of other pages and ends above the hashes.
const (
	coverTop  = 40.0
	proofEnd  = paperHeight - 62.0
	mostShown = 8 // rows of a list on the cover, at best
)

// The lists of the cover, the one that is cut first at the end.
const (
	listConditions = iota
	listHighs
	listClashes
	listSignOffs
	lists
)

// cover sets the readout on one page. Lists are cut to what fits, the longest first; the
// whole of each is on later pages.
func (r *report) cover() typeset.Page {
	shown := r.lengths()
	for {
		n := tagged.NewNode("Sect")
		f := &typeset.Flow{X: pageLeft, Width: pageWidth}
		r.readout(f, n, shown)
		proof := r.proof(n)
		room := proofEnd - proof.Height() - 12 - coverTop
		longest := lists - 1
		for i := lists - 1; i >= 0; i-- {
			if shown[i] > shown[longest] {
				longest = i
			}
		}
		if f.Height() > room && shown[longest] > 0 {
			shown[longest]--
			continue
		}
		r.doc.Append(n)
		f.Add(typeset.Block{Draw: func(c *typeset.Canvas, _ float64) { proof.DrawAt(c, proofEnd-proof.Height()) }})
		return typeset.Divide(f.Blocks, 1, coverTop, paperHeight)[0]
	}
}

// lengths is how long each list on the cover may be at best.
func (r *report) lengths() [lists]int {
	var shown [lists]int
	if r.in.Seal != nil {
		shown[listConditions] = min(mostShown, len(r.in.Seal.Decision.Conditions))
	}
	shown[listHighs] = min(mostShown, len(r.highs()))
	shown[listClashes] = min(mostShown, len(r.clashes()))
	shown[listSignOffs] = min(mostShown, len(r.signOffs))
	return shown
}

func (r *report) readout(f *typeset.Flow, n *tagged.Node, shown [lists]int) {
	r.masthead(f, n)
	f.Space(13)
	r.outcome(f, n)
	r.sinceBriefly(f, n)
	r.conditions(f, n, shown[listConditions])
	f.Space(14)
	r.scope(f, n)
	f.Space(11)
	r.figures(f, n)
	r.openHighs(f, n, shown[listHighs])
	r.evidenceAgainst(f, n, shown[listClashes])
	r.voices(f, n, shown[listSignOffs])
}

// masthead says what this is about.
func (r *report) masthead(f *typeset.Flow, n *tagged.Node) {
	s := r.in.Snapshot
	from := "Orrery"
	if s.Organisation != "" {
		from += " at " + s.Organisation
	}
	owner, genre := n.Add("P"), n.Add("P")
	line := r.fit(from, styleLabel, pageWidth/2)
	kind := typeset.One(1.4, span("Operational readiness review", styleMeta))
	f.Add(typeset.Block{Height: 22, Draw: func(c *typeset.Canvas, y float64) {
		c.Doc.Artifact()
		drawMark(c, pageLeft, y, 18)
		c.Text(owner, line, pageLeft+25, y+2.5)
		if len(r.stamps()) == 0 { // which stand there otherwise
			c.Text(genre, kind, pageLeft+pageWidth-kind.Width, y+3)
		}
	}})
	f.Space(15)
	f.Paragraph(n.Add("H1"), typeset.Paragraph{Spans: []typeset.Span{span(typeset.Plain(s.Workload.Name), styleH1)}, Leading: 1.2, Most: 2})
	f.Space(3)
	about := r.occasion()
	if s.Review.ChangeKey != "" {
		about += ", of change " + strings.Join(filled(s.Review.ChangeKey, s.Review.ChangeTitle, s.Review.ChangeTicket), ", ")
	}
	style := styleSoft
	style.Size = 11.5
	f.Paragraph(n.Add("P"), typeset.Paragraph{Spans: []typeset.Span{span(about, style)}, Most: 2})
}

// filled returns the texts that are not empty.
func filled(texts ...string) []string {
	var list []string
	for _, s := range texts {
		if s != "" {
			list = append(list, s)
		}
	}
	return list
}

// drawMark draws the orrery: two orbits, a sun and two planets.
func drawMark(c *typeset.Canvas, x, y, size float64) {
	u := size / 24
	c.PDF.SetDrawColor(int(typeset.StrongLine.R), int(typeset.StrongLine.G), int(typeset.StrongLine.B))
	c.PDF.SetLineWidth(1.3 * u)
	c.PDF.Circle(x+12*u, y+12*u, 10.2*u, "D")
	c.PDF.Circle(x+12*u, y+12*u, 6.2*u, "D")
	c.PDF.SetFillColor(int(typeset.Ink.R), int(typeset.Ink.G), int(typeset.Ink.B))
	c.PDF.Circle(x+12*u, y+12*u, 2.3*u, "F")
	c.PDF.Circle(x+6.1*u, y+13.9*u, 1.6*u, "F")
	c.PDF.SetFillColor(int(typeset.Accent.R), int(typeset.Accent.G), int(typeset.Accent.B))
	c.PDF.Circle(x+19.2*u, y+4.8*u, 2.5*u, "F")
}

// outcome is the decision, or that there is none, in a frame.
func (r *report) outcome(f *typeset.Flow, n *tagged.Node) {
	l, lines := r.outcomeWords()
	decided := r.in.Seal != nil
	f.Panel(13, func(c *typeset.Canvas, box tagged.Rect) {
		if decided {
			c.Fill(box, 5, softOf(l.Color))
		}
		c.Frame(box, 5, 1, l.Color, !decided)
		c.Shape(l.Status, box.X+14, box.Y+13, 24)
	}, func(in *typeset.Flow) {
		in.Indented(38, func() {
			in.Paragraph(n.Add("H2"), typeset.Paragraph{Spans: []typeset.Span{l.span(17)}, Leading: 1.3, Most: 1})
			for i, line := range lines {
				in.Space(3)
				in.Paragraph(n.Add("P"), typeset.Paragraph{Spans: []typeset.Span{span(line, styleText)}, Most: 1 + 2*i})
			}
		})
	})
}

// outcomeWords says what was decided, by whom and until when, and why.
func (r *report) outcomeWords() (label, []string) {
	e := r.running()
	if e == nil || r.in.Seal != nil {
		return r.outcomeThen()
	}
	return status(typeset.Triangle, typeset.High, emergencyWord+", not decided"), filled(
		"Let through by "+e.DecidedBy+" until "+instant(e.EndsAt)+".", e.Reason)
}

// outcomeThen says it without regard to an emergency go.
func (r *report) outcomeThen() (label, []string) {
	undecided := status(typeset.DashedRing, typeset.Ink2, "")
	v := r.in.Snapshot.Review
	switch {
	case r.in.Seal != nil:
		d := r.in.Seal.Decision
		by := fmt.Sprintf("Decided by %s on %s.", d.DecidedBy, day(d.DecidedAt))
		if d.ValidUntil != "" {
			by += " Valid until " + day(d.ValidUntil) + "."
		}
		return r.decisionLabel(), filled(by, d.Reason)
	case r.in.State == review.Submitted:
		undecided.word = "Not decided: submitted"
		return undecided, []string{
			fmt.Sprintf("Submitted by %s on %s.", v.SubmittedBy, day(v.SubmittedAt)),
			"The answers are frozen. Nobody has decided yet, so this is no permission to launch.",
		}
	case r.in.State == review.Superseded:
		undecided.word = "Not decided: superseded"
		return undecided, []string{"An upgrade to newer questions took this round's place. It is kept as it stood, and is no permission to launch."}
	case r.in.State == review.Cancelled:
		undecided.word = "Not decided: cancelled"
		return undecided, []string{"The review was cancelled. It is kept as it stood, and is no permission to launch."}
	default:
		undecided.word = "Not decided: draft"
		return undecided, []string{"Answers can still change. This is a working copy and no record."}
	}
}

// softOf is the ground under a status.
func softOf(c typeset.Color) typeset.Color {
	switch c {
	case typeset.High:
		return typeset.HighSoft
	case typeset.Medium:
		return typeset.MediumSoft
	case typeset.Good:
		return typeset.GoodSoft
	default:
		return typeset.White
	}
}

// conditions lists what the decision demands, before launch first.
func (r *report) conditions(f *typeset.Flow, n *tagged.Node, rows int) {
	if r.in.Seal == nil || len(r.in.Seal.Decision.Conditions) == 0 {
		return
	}
	list := sortedConditions(r.in.Seal.Decision.Conditions)
	r.coverTitle(f, n, label{}, plural(len(list), "condition", "conditions")+", with owner and due date")
	r.coverList(f, n, conditionColumns, conditionRows(list), rows, "Decision record")
}

// coverTitle is the title of a list on the cover.
func (r *report) coverTitle(f *typeset.Flow, n *tagged.Node, l label, words string) {
	f.Space(13)
	style := styleLabel
	style.Size = 10.5
	f.Paragraph(n.Add("H2"), typeset.Paragraph{Status: l.Status, Spans: []typeset.Span{span(words, style)}})
	f.Space(1)
}

// coverList is a table cut to so many rows; it says in which chapter the rest is.
func (r *report) coverList(f *typeset.Flow, n *tagged.Node, columns []typeset.Column, list [][]typeset.Cell, rows int, chapter string) {
	rest := len(list) - rows
	if rest == 1 && rows > 0 {
		rest, rows = 0, rows+1
	}
	for _, row := range list[:min(rows, len(list))] {
		for i := range row {
			row[i].Most = 2
		}
	}
	f.Table(n.Add("Table"), typeset.Table{Columns: columns, Rows: list[:min(rows, len(list))], NoHead: true, Tight: true})
	if rest > 0 {
		f.Space(3)
		style := styleMeta
		where := "under " + chapter
		if !slices.ContainsFunc(r.parts, func(p *part) bool { return p.title == chapter }) {
			where = "in the full report"
		}
		words := fmt.Sprintf("%d more %s.", rest, where)
		if rows <= 0 {
			words = fmt.Sprintf("Listed %s.", where)
		}
		f.Paragraph(n.Add("P"), typeset.Paragraph{Spans: []typeset.Span{span(words, style)}})
	}
}

// scope says what was reviewed and asked, in two columns.
func (r *report) scope(f *typeset.Flow, n *tagged.Node) {
	s := r.in.Snapshot
	var asked []string
	for _, q := range s.Questionnaires {
		asked = append(asked, q.Name+" "+q.Version)
	}
	questions := plural(r.total.all(), "question", "questions")
	if s.Review.CorePath {
		questions += ", core path only"
	}
	left := [][2]string{
		{"Workload", s.Workload.Key}, {"Team", s.Workload.Team}, {"Tier", tierWords(s.Workload.Tier)},
		{"Stage", sentence(s.Workload.Stage)}, {"Launch", or(day(s.Workload.LaunchOn), "No date set")},
	}
	right := [][2]string{
		{"Accounts", or(listed(s.Workload.Accounts, 6), "None in scope")},
		{"Regions", or(listed(s.Workload.Regions, 6), "None in scope")},
		{"Asked", or(listed(asked, 4), "No questionnaire")}, {"", questions},
	}
	f.Columns(24, []float64{4, 6}, func(i int, column *typeset.Flow) {
		r.facts(column, n.Add("L"), [][][2]string{left, right}[i], 58, 2)
	})
}

// facts lists names and values. most is the lines of a value, 0 for all.
func (r *report) facts(f *typeset.Flow, n *tagged.Node, list [][2]string, indent float64, most int) {
	for _, fact := range list {
		li := n.Add("LI")
		name, value := li.Add("Lbl"), li.Add("LBody")
		line := typeset.One(13.5/styleMeta.Size, span(fact[0], styleMeta)) // as high as the value's
		style := styleCell
		if uri, ok := typeset.Followable(fact[1]); ok {
			style.Link, style.Color = &typeset.Link{URI: uri, Label: "This round in the portal"}, typeset.Accent
		}
		f.Hang(name, line, f.X, func() {
			f.Indented(indent, func() {
				f.Paragraph(value, typeset.Paragraph{Spans: []typeset.Span{span(or(fact[1], "Not said"), style)}, Most: most, Leading: 13.5 / styleCell.Size})
			})
		})
	}
}

// figures counts the questions by risk.
func (r *report) figures(f *typeset.Flow, n *tagged.Node) {
	risks := r.total.risks()
	x, width := f.X, f.Width
	rule := typeset.Block{Height: 0.5, Draw: func(c *typeset.Canvas, y float64) {
		c.Doc.Artifact()
		c.Rule(x, y, width, 0.5, typeset.Hairline)
	}}
	f.Add(rule)
	f.Space(8)
	f.Columns(10, []float64{1, 1, 1.25, 1.1, 1.2}, func(i int, column *typeset.Flow) {
		l := riskLabel(string(risks[i].risk))
		figure := typeset.Style{Face: typeset.SemiBold, Size: 18, Color: l.Color}
		if risks[i].n == 0 {
			figure.Color, l.Color = typeset.Quiet, typeset.StrongLine
		}
		p := n.Add("P")
		column.Paragraph(p, typeset.Paragraph{Spans: []typeset.Span{span(strconv.Itoa(risks[i].n), figure)}, Leading: 1.2, Keep: true})
		column.Paragraph(p, typeset.Paragraph{Status: l.Status, Spans: []typeset.Span{span(l.word, styleMeta)}})
	})
	f.Space(8)
	f.Add(rule)
}

// openHighs lists the highs with who mends them by when.
func (r *report) openHighs(f *typeset.Flow, n *tagged.Node, rows int) {
	highs := r.highs()
	if len(highs) == 0 {
		return
	}
	r.coverTitle(f, n, riskLabel("high"), plural(len(highs), "open high", "open highs")+", with owner and due date, or accepted until")
	var list [][]typeset.Cell
	for _, q := range highs {
		owner, due := r.mend(q)
		list = append(list, []typeset.Cell{questionCell(q, ""), cell(owner, ""), cell(due, "")})
	}
	r.coverList(f, n, []typeset.Column{{}, {Width: wideOwner}, {Width: wideDate}}, list, rows, "Risk by section")
}

// mend says who mends a high by when.
func (r *report) mend(q *question) (owner, due string) {
	item, ok := r.owners.items[q.key]
	granted, asked := r.acceptancesOf(q)
	switch {
	case granted != nil:
		return "Accepted by " + granted.GrantedBy, shortDay(granted.Until)
	case !ok && asked != nil:
		return "Asked to accept", shortDay(asked.Until)
	case !ok && r.owners.unclear[q.key]:
		return "See the items", ""
	case !ok:
		return "No owner yet", "No date yet"
	}
	return or(item.Owner, "No owner yet"), or(shortDay(item.DueOn), "No date yet")
}

// evidenceAgainst lists verdicts that stand against what was ticked.
func (r *report) evidenceAgainst(f *typeset.Flow, n *tagged.Node, rows int) {
	clashes := r.clashes()
	if len(clashes) == 0 {
		return
	}
	r.coverTitle(f, n, verdictLabel("contradicts"), plural(len(clashes), "check stands against an answer", "checks stand against answers"))
	var list [][]typeset.Cell
	for _, c := range clashes {
		list = append(list, []typeset.Cell{questionCell(c.question, ""), statusCell(verdictLabel(c.verdict.Verdict), "")})
	}
	r.coverList(f, n, []typeset.Column{{}, {Width: wideOwner + 12 + wideDate}}, list, rows, "Evidence against answers")
}

// voices lists the sign-offs.
func (r *report) voices(f *typeset.Flow, n *tagged.Node, rows int) {
	if len(r.signOffs) == 0 {
		r.coverTitle(f, n, label{}, "No sign-offs")
		return
	}
	r.coverTitle(f, n, label{}, plural(len(r.signOffs), "sign-off", "sign-offs"))
	var list [][]typeset.Cell
	for _, s := range r.signOffs {
		list = append(list, []typeset.Cell{statusCell(voiceLabel(s.Voice), ""), cell(s.Person+outside(s), ""), cell(shortDay(s.SignedAt), "")})
	}
	r.coverList(f, n, []typeset.Column{{Width: wideTiming}, {}, {Width: wideDate}}, list, rows, "Sign-offs")
}

func outside(s review.SealedSignOff) string {
	if s.OutsideTeam {
		return ", from outside the team"
	}
	return ""
}

// proof sets, for the foot of the cover, what the document can be checked against.
func (r *report) proof(n *tagged.Node) *typeset.Flow {
	facts := [][2]string{{"Content", or(r.in.ContentSHA256, "No hash: the content is not frozen before submission.")}}
	if r.in.SealSHA256 != "" {
		facts = append(facts, [2]string{"Seal", r.in.SealSHA256})
	}
	facts = append(facts, [2]string{"Printed", instant(r.in.PrintedAt)}, [2]string{"Address", r.in.URL})
	if r.boxes {
		facts = append(facts, [2]string{"Letters", "Some letters of this record are in no typeface of this document: where they stand, it prints □. They can still be searched and copied."})
	}
	f := &typeset.Flow{X: pageLeft, Width: pageWidth}
	r.facts(f, n.Add("L"), facts, 58, 2)
	return f
}
