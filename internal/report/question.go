package report

import (
	"fmt"
	"strings"

	"orrery/internal/questionnaire"
	"orrery/internal/report/tagged"
	"orrery/internal/report/typeset"
	"orrery/internal/review"
)

// section sets a section with all its questions.
func (r *report) section(f *typeset.Flow, s *section) {
	n := r.doc.Add("Sect")
	f.Space(40)
	r.heading(f, n, s.part, 225)
	f.Paragraph(n.Add("P"), typeset.Paragraph{Keep: true, Spans: []typeset.Span{
		span(r.setName(s.questionnaire)+". "+sentence(plural(s.tally.all(), "question", "questions"))+": "+s.tally.words()+".", styleMeta),
	}})
	for i, q := range s.questions {
		f.Space(15)
		if i > 0 {
			f.Space(27)
		}
		r.question(f, n.Add("Sect"), q)
	}
}

// setName names a questionnaire with its version.
func (r *report) setName(key string) string {
	for _, q := range r.in.Snapshot.Questionnaires {
		if q.Key == key {
			return q.Name + " " + q.Version
		}
	}
	return key
}

// question sets a question, its answer and its evidence.
func (r *report) question(f *typeset.Flow, n *tagged.Node, q *question) {
	r.questionHead(f, n, q)
	f.Indented(gutter, func() {
		f.Space(7)
		paragraphs(f, n, q.Description, styleText)
		runIn(f, n, "Why it matters", q.Why)
		runIn(f, n, "What good looks like", q.Good)
		runIn(f, n, "What to bring", strings.Join(q.Bring, "; "))
		r.answer(f, n, q)
		r.acceptance(f, n, q)
		if strings.TrimSpace(q.Notes) != "" {
			subtitle(f, n, "Notes")
			f.Markdown(n, q.Notes, styleText)
		}
		r.evidence(f, n, q)
		r.broughtFor(f, n, r.in.Snapshot.Review.ID+"/"+q.key, q)
		r.talkOf(f, n, r.in.Snapshot.Review.ID+"/"+q.key)
	})
}

// questionHead is the title, the risk with its reason, and who answered. It stays with what
// follows.
func (r *report) questionHead(f *typeset.Flow, n *tagged.Node, q *question) {
	h := n.Add("H3")
	number := typeset.One(1.3, span(q.number, styleH3.With(typeset.Regular).In(typeset.Ink3)))
	f.Hang(h, number, f.X, func() {
		f.Indented(gutter, func() {
			f.Paragraph(h, typeset.Paragraph{
				Spans: []typeset.Span{span(or(q.Title, "Untitled question"), styleH3)}, Leading: 1.3, Keep: true, Anchor: &q.part.anchor, Need: 110,
			})
		})
	})
	f.Indented(gutter, func() {
		f.Space(4)
		l := r.riskOf(q)
		f.Paragraph(n.Add("P"), typeset.Paragraph{Status: l.Status, Keep: true, Spans: []typeset.Span{
			l.span(styleText.Size), span(prefixed("   ", questionnaire.Risk(q.Risk).Beside(q.Explanation)), styleText),
		}})
		f.Space(3)
		f.Paragraph(n.Add("P"), typeset.Paragraph{Keep: true, Spans: []typeset.Span{span(provenance(q), styleMeta)}})
	})
}

// prefixed puts a prefix before a text that is not empty.
func prefixed(prefix, s string) string {
	if s == "" {
		return ""
	}
	return prefix + s
}

// provenance says which question this is and who answered it when.
func provenance(q *question) string {
	words := []string{q.ID, "Optional", "Nobody has answered yet"}
	if q.Required {
		words[1] = "Required"
	}
	if q.ToConfirm {
		words[2] = "Carried from an earlier round, not confirmed"
	}
	if q.AnsweredBy != "" {
		words[2] = "Answered by " + q.AnsweredBy + prefixed(", ", moment(q.AnsweredAt))
	}
	return strings.Join(filled(words...), "  ·  ")
}

// runIn adds a paragraph that begins with its title.
func runIn(f *typeset.Flow, n *tagged.Node, title, s string) {
	if s = strings.TrimSpace(s); s == "" {
		return
	}
	f.Space(5)
	f.Paragraph(n.Add("P"), typeset.Paragraph{Spans: []typeset.Span{
		span(title+"   ", styleLabel.In(typeset.Ink2)), span(strings.ReplaceAll(s, "\n\n", "\n"), styleSoft),
	}})
}

// subtitle is a title inside a question.
func subtitle(f *typeset.Flow, n *tagged.Node, title string) {
	f.Space(12)
	f.Paragraph(n.Add("H4"), typeset.Paragraph{Spans: []typeset.Span{span(title, styleLabel)}, Keep: true})
	f.Space(4)
}

// answer sets what was said instead of choices, and the choices.
func (r *report) answer(f *typeset.Flow, n *tagged.Node, q *question) {
	subtitle(f, n, "Answer")
	say := func(l label, words string) {
		f.Paragraph(n.Add("P"), typeset.Paragraph{Status: l.Status, Keep: len(q.Choices) > 0, Spans: []typeset.Span{
			l.span(styleText.Size), span("   "+words, styleText),
		}})
		f.Space(6)
	}
	switch {
	case q.NotApplicable:
		say(riskLabel("not_applicable"), or(q.Reason, "No reason was given."))
	case q.Unknown:
		say(status(typeset.DashedAsk, typeset.Quiet, "Do not know"), "This counts as high until someone finds out.")
	case !anyAnswer(q):
		f.Paragraph(n.Add("P"), typeset.Paragraph{Keep: len(q.Choices) > 0, Spans: []typeset.Span{span("Nothing is ticked.", styleText)}})
		f.Space(6)
	}
	var rows [][]typeset.Cell
	for _, c := range q.Choices {
		rows = append(rows, choiceRow(q, c))
	}
	f.Table(n.Add("Table"), typeset.Table{Rows: rows, Whole: true, Columns: []typeset.Column{
		{Title: "Choice"}, {Title: "Counts as", Width: 54}, {Title: "Answer", Width: 84},
	}})
}

// anyAnswer reports whether a choice was ticked or marked not applicable.
func anyAnswer(q *question) bool {
	for _, c := range q.Choices {
		if c.Chosen || c.NotApplicable {
			return true
		}
	}
	return false
}

func choiceRow(q *question, c review.SnapshotChoice) []typeset.Cell {
	sub := ""
	switch {
	case c.NotApplicable:
		sub = prefixed("Not applicable: ", c.Reason)
	case !c.Chosen && !q.NotApplicable:
		sub = prefixed("First step: ", c.FirstStep)
	}
	l := choiceLabel(c)
	word := styleCell
	if c.Chosen {
		word = word.With(typeset.SemiBold)
	}
	return []typeset.Cell{
		cell(or(c.Title, c.ID), sub), {Spans: []typeset.Span{span(sentence(c.Weight), styleCell.In(typeset.Ink3))}},
		{Status: l.Status, Spans: []typeset.Span{span(l.word, word)}},
	}
}

// evidence sets the verdicts beside an answer.
func (r *report) evidence(f *typeset.Flow, n *tagged.Node, q *question) {
	if len(q.Evidence) == 0 {
		f.KeepLast()
		f.Space(10)
		f.Paragraph(n.Add("P"), typeset.Paragraph{Spans: []typeset.Span{span("No evidence check bears on this question.", styleMeta)}})
		return
	}
	subtitle(f, n, "Evidence")
	for i, v := range q.Evidence {
		if i > 0 {
			f.Space(11)
		}
		r.verdict(f, n, q, v)
	}
}

// verdict sets what one check said, with what failed.
func (r *report) verdict(f *typeset.Flow, n *tagged.Node, q *question, v review.SnapshotVerdict) {
	l := verdictLabel(v.Verdict)
	if v.Against {
		l.word += ", against the answer"
	}
	f.Paragraph(n.Add("P"), typeset.Paragraph{Status: l.Status, Keep: true, Spans: []typeset.Span{
		l.span(styleText.Size), span(prefixed("   ", v.Claim), styleText),
	}})
	f.Indented(15, func() {
		f.Space(2)
		f.Paragraph(n.Add("P"), typeset.Paragraph{Keep: len(v.Failing) > 0, Spans: []typeset.Span{span(strings.Join(filled(
			v.Detail, counts(v), prefixed("Bears on: ", dotted(choiceTitle(q, v.Choice))), asOf(v), prefixed("Source: ", dotted(source(v))),
		), " "), styleCellSub)}})
		r.failing(f, n, v)
	})
}

func (r *report) failing(f *typeset.Flow, n *tagged.Node, v review.SnapshotVerdict) {
	if len(v.Failing) == 0 {
		return
	}
	var rows [][]typeset.Cell
	for _, x := range v.Failing {
		var row []typeset.Cell
		for _, s := range []string{x.Resource, x.Account, x.Region} {
			row = append(row, typeset.Cell{Spans: []typeset.Span{span(s, styleCellSub.In(typeset.Ink))}})
		}
		row[0].Spans = append(row[0].Spans, span(prefixed("\n", x.Note), styleCellSub.In(typeset.Ink3)))
		rows = append(rows, row)
	}
	f.Space(4)
	f.Table(n.Add("Table"), typeset.Table{Rows: rows, Tight: true, Columns: []typeset.Column{
		{Title: "Failing resource"}, {Title: "Account", Width: 62}, {Title: "Region", Width: 64},
	}})
	if more := v.Failed - len(v.Failing); more > 0 {
		f.Space(3)
		f.Paragraph(n.Add("P"), typeset.Paragraph{Spans: []typeset.Span{
			span(plural(more, "more resource fails. The record keeps the first ", "more resources fail. The record keeps the first ")+fmt.Sprint(len(v.Failing))+".", styleMeta),
		}})
	}
}

// counts says how many resources did what; empty when nothing was counted.
func counts(v review.SnapshotVerdict) string {
	var words []string
	for _, c := range []struct {
		n    int
		word string
	}{{v.Passed, "passed"}, {v.Failed, "failed"}, {v.Suppressed, "suppressed"}, {v.NotEvaluated, "not evaluated"}} {
		if c.n > 0 {
			words = append(words, fmt.Sprintf("%d %s", c.n, c.word))
		}
	}
	return dotted(strings.Join(words, ", "))
}

func asOf(v review.SnapshotVerdict) string {
	if v.AsOf == "" {
		return "Never read."
	}
	return "As of " + moment(v.AsOf) + "."
}

// source names where a verdict comes from.
func source(v review.SnapshotVerdict) string {
	return strings.Join(filled(questionnaire.TitleOfSource(v.Source), v.Key), " ")
}

func choiceTitle(q *question, id string) string {
	for _, c := range q.Choices {
		if c.ID == id {
			return c.Title
		}
	}
	return id
}

// dotted ends a text that is not empty with a full stop.
func dotted(s string) string {
	if s == "" || strings.HasSuffix(s, ".") || strings.HasSuffix(s, "?") {
		return s
	}
	return s + "."
}
