package report

import (
	"strings"

	"orrery/internal/questionnaire"
	"orrery/internal/report/tagged"
	"orrery/internal/report/typeset"
)

const barHeight = 10.0

// risks shows the risks of each section as bars and in words, and lists the highs.
func (r *report) risks(f *typeset.Flow) {
	n := r.doc.Add("Sect")
	r.heading(f, n, r.risksPart, 0)
	if len(r.sections) == 0 {
		f.Paragraph(n.Add("P"), typeset.Paragraph{Spans: []typeset.Span{span("This round asks no questions.", styleText)}})
		return
	}
	paragraphs(f, n, "Each bar is as long as its section has questions. "+r.evidenceWords(), styleSoft)
	most := 0
	for _, s := range r.sections {
		most = max(most, s.tally.all())
	}
	var rows [][]typeset.Cell
	for _, s := range append(r.sections[:len(r.sections):len(r.sections)], r.all()) {
		rows = append(rows, r.riskRow(s, most))
	}
	f.Space(6)
	f.Table(n.Add("Table"), r.paged(typeset.Table{Rows: rows, Columns: []typeset.Column{
		{Title: "Section"}, {Title: "Questions by risk", Width: 132}, {Title: "In words", Width: 156}, {Title: "Page", Width: widePage},
	}}))
	f.Space(10)
	r.legend(f)
	highs, mediums := r.highs(), r.mediums()
	r.riskTable(f, n, riskLabel("high"), plural(len(highs), "open high", "open highs"), highs)
	r.riskTable(f, n, riskLabel("medium"), plural(len(mediums), "medium", "mediums"), mediums)
}

// all stands for all sections in the table: only words, no bar.
func (r *report) all() *section { return &section{name: "All sections", tally: r.total} }

func (r *report) riskRow(s *section, most int) []typeset.Cell {
	words := cell(s.tally.words(), "")
	if s.number == "" {
		strong := styleCell.With(typeset.SemiBold)
		words.Spans[0].Style = strong
		return []typeset.Cell{{Spans: []typeset.Span{span(s.name, strong)}}, {}, words, {}}
	}
	name := styleCell
	if s.part != nil {
		name.Link = &typeset.Link{To: &s.part.anchor, Label: "Section " + s.number}
	}
	return []typeset.Cell{
		{Spans: []typeset.Span{span(s.number+"  "+s.name, name)}},
		{Figure: &typeset.Figure{Height: barHeight + 2, Alt: typeset.Plain(s.name + ": " + s.tally.words()), Draw: func(c *typeset.Canvas, box tagged.Rect) {
			box.Y, box.H, box.W = box.Y+1.5, barHeight, box.W*float64(s.tally.all())/float64(most)
			drawBar(c, box, s.tally)
		}}},
		words, pageCell(s.part),
	}
}

// drawBar draws a tally as one bar, the worst first.
func drawBar(c *typeset.Canvas, box tagged.Rect, t tally) {
	x := box.X
	for _, n := range t.risks() {
		width := box.W * float64(n.n) / float64(t.all())
		if n.n > 0 {
			drawSegment(c, tagged.Rect{X: x, Y: box.Y, W: max(1.5, width-1.2), H: box.H}, n.risk)
		}
		x += width
	}
}

// drawSegment draws a part of a bar. Each risk has its own pattern, so that the bar is
// read without colours: full, half, pale, dashed, crossed by a line.
func drawSegment(c *typeset.Canvas, box tagged.Rect, risk questionnaire.Risk) {
	inner := tagged.Rect{X: box.X + 0.4, Y: box.Y + 0.4, W: max(0.5, box.W-0.8), H: box.H - 0.8}
	switch risk {
	case questionnaire.RiskHigh:
		c.Fill(box, 1, typeset.ChartHigh)
	case questionnaire.RiskMedium:
		c.Fill(tagged.Rect{X: box.X, Y: box.Y + box.H/2, W: box.W, H: box.H / 2}, 0, typeset.ChartMedium)
		c.Frame(inner, 1, 0.8, typeset.ChartMedium, false)
	case questionnaire.RiskNone:
		c.Fill(box, 1, typeset.ChartGood)
	case questionnaire.RiskNotApplicable:
		c.Frame(inner, 1, 0.6, typeset.StrongLine, false)
		c.Rule(box.X, box.Y+box.H/2, box.W, 0.6, typeset.StrongLine)
	default:
		c.Frame(inner, 1, 0.7, typeset.StrongLine, true)
	}
}

// legend names the patterns of the bars. The table's words say the same, so it is only for
// the eye.
func (r *report) legend(f *typeset.Flow) {
	x := f.X
	f.Add(typeset.Block{Height: 12, Draw: func(c *typeset.Canvas, y float64) {
		c.Doc.Artifact()
		x := x
		for _, n := range r.total.risks() {
			line := typeset.One(1.3, span(riskLabel(string(n.risk)).word, styleMeta))
			drawSegment(c, tagged.Rect{X: x, Y: y + 1.5, W: 16, H: 8}, n.risk)
			c.Text(nil, line, x+21, y)
			x += 21 + line.Width + 17
		}
	}})
}

// evidenceWords says whether evidence stands against answers.
func (r *report) evidenceWords() string {
	checks := 0
	for _, s := range r.sections {
		for _, q := range s.questions {
			checks += len(q.Evidence)
		}
	}
	switch against := len(r.clashes()); {
	case checks == 0:
		return "No evidence check bears on these questions."
	case against == 0:
		return "No evidence stands against an answer."
	default:
		return sentence(plural(against, "check stands against an answer", "checks stand against answers")) + "."
	}
}

// riskTable lists the questions of a risk with what is missing, who mends it and by when.
func (r *report) riskTable(f *typeset.Flow, n *tagged.Node, l label, title string, list []*question) {
	if len(list) == 0 {
		return
	}
	f.Space(22)
	f.Paragraph(n.Add("H3"), typeset.Paragraph{Status: l.Status, Spans: []typeset.Span{span(title, styleH3)}, Keep: true})
	f.Space(5)
	var rows [][]typeset.Cell
	for _, q := range list {
		owner, due := r.mend(q)
		rows = append(rows, []typeset.Cell{questionCell(q, r.lacks(q)), cell(owner, ""), cell(due, ""), pageCell(q.part)})
	}
	f.Table(n.Add("Table"), r.paged(typeset.Table{Rows: rows, Columns: []typeset.Column{
		{Title: "Question and what is missing"}, {Title: "Owner", Width: wideOwner}, {Title: "Due", Width: wideDate}, {Title: "Page", Width: widePage},
	}}))
}

// lacks says why a question has its risk and, where the question itself is not printed, what
// is not ticked and what to do first.
func (r *report) lacks(q *question) string {
	lines := filled(questionnaire.Risk(q.Risk).Beside(q.Explanation))
	if r.full() {
		return strings.Join(lines, "\n")
	}
	for _, c := range q.Choices {
		if isMissing(c) {
			lines = append(lines, "Not ticked: "+strings.Join(filled(dotted(or(c.Title, c.ID)), prefixed("First step: ", c.FirstStep)), " "))
		}
	}
	return strings.Join(lines, "\n")
}

// against lists the verdicts that stand against what was ticked.
func (r *report) against(f *typeset.Flow) {
	if r.againstPart == nil {
		return
	}
	n := r.doc.Add("Sect")
	r.heading(f, n, r.againstPart, 150)
	var rows [][]typeset.Cell
	for _, c := range r.clashes() {
		v := c.verdict
		rows = append(rows, []typeset.Cell{
			questionCell(c.question, v.Claim), statusCell(verdictLabel(v.Verdict), or(v.Detail, counts(v))),
			cell(or(shortDay(v.AsOf), "Never read"), clock(v.AsOf)), pageCell(c.question.part),
		})
	}
	f.Table(n.Add("Table"), r.paged(typeset.Table{Rows: rows, Columns: []typeset.Column{
		{Title: "Question and claim"}, {Title: "Verdict", Width: 150}, {Title: "As of", Width: wideDate}, {Title: "Page", Width: widePage},
	}}))
}
