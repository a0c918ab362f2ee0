package report

import (
	"encoding/hex"
	"slices"
	"strconv"
	"time"

	"orrery/internal/discussion"
	"orrery/internal/report/tagged"
	"orrery/internal/report/typeset"
)

// talked reports whether something was brought to a target, or said about it and is printed.
func (r *report) talked(target string) bool {
	return slices.ContainsFunc(r.in.Beside.Brought, func(a discussion.Attachment) bool { return a.TargetID == target }) ||
		slices.ContainsFunc(r.in.Beside.Talk, func(h discussion.Thread) bool { return h.TargetID == target })
}

// reviewTalk is a chapter of what was brought and said about the review itself, if anything.
func (r *report) reviewTalk(f *typeset.Flow) {
	if r.talkPart == nil {
		return
	}
	n := r.doc.Add("Sect")
	f.Space(40)
	r.heading(f, n, r.talkPart, 140)
	id := r.in.Snapshot.Review.ID
	r.broughtFor(f, n, id, nil)
	r.talkOf(f, n, id)
}

// broughtFor lists the files, links and statements that people brought to a target; q is its question,
// nil for the review.
func (r *report) broughtFor(f *typeset.Flow, n *tagged.Node, target string, q *question) {
	var rows [][]typeset.Cell
	for _, a := range r.in.Beside.Brought {
		if a.TargetID == target {
			rows = append(rows, []typeset.Cell{attachmentCell(a, q), r.spoken(a), cell(a.Adder, a.AddedAt.UTC().Format("2 Jan 2006"))})
		}
	}
	if len(rows) == 0 {
		return
	}
	subtitle(f, n, "Files, links and statements that people brought")
	f.Table(n.Add("Table"), typeset.Table{Rows: rows, Columns: []typeset.Column{
		{Title: "File, link or statement"}, {Title: "Speaks of", Width: wideDate}, {Title: "Brought by", Width: wideOwner},
	}})
}

// spoken is the day that a thing speaks of, and whether that was long ago when the round was
// submitted; for a draft, when it is printed.
func (r *report) spoken(a discussion.Attachment) typeset.Cell {
	at, err := time.Parse(time.RFC3339, r.in.Snapshot.Review.SubmittedAt)
	if err != nil {
		at = r.in.PrintedAt
	}
	c := cell(a.Dated.Format("2 Jan 2006"), "")
	if a.Stale(at) {
		c.Spans = append(c.Spans, span("\nStale: more than a year old", styleCellSub.In(typeset.Medium)))
	}
	return c
}

// attachmentCell names a file with its hash, or a link with its address.
func attachmentCell(a discussion.Attachment, q *question) typeset.Cell {
	c := cell(or(a.Name, "Untitled"), "")
	add := func(s string, style typeset.Style) {
		if s != "" {
			c.Spans = append(c.Spans, span("\n"+s, style))
		}
	}
	add(a.Description, styleCellSub)
	if q != nil && a.Choice != "" {
		add("Bears on: "+choiceTitle(q, a.Choice), styleCellSub)
	}
	if a.IsLink() {
		style := styleCellSub
		if uri, ok := typeset.Followable(a.URL); ok {
			style.Link, style.Color = &typeset.Link{URI: uri, Label: "Link that was brought"}, typeset.Accent
		}
		c.Spans = append(c.Spans, span("\n", styleCellSub), span(a.URL, style))
	}
	if a.IsStatement() {
		add("Statement, without a file or a link", styleCellSub.In(typeset.Ink3))
	}
	if len(a.SHA256) > 0 {
		add(fileSize(a.Size)+", SHA-256 "+shortHash(hex.EncodeToString(a.SHA256)), styleCellSub.In(typeset.Ink3))
	}
	if a.RemovedAt != nil {
		add("Removed since, by "+or(a.Remover, "somebody")+" on "+dayOf(*a.RemovedAt), styleCellSub.In(typeset.High))
	}
	return c
}

// fileSize says how large a file is.
func fileSize(n int) string {
	switch {
	case n >= 1<<20:
		return strconv.FormatFloat(float64(n)/(1<<20), 'f', 1, 64) + " MB"
	case n >= 1<<10:
		return strconv.Itoa((n+1<<9)>>10) + " KB"
	}
	return plural(n, "byte", "bytes")
}

// talkOf sets the threads about a target.
func (r *report) talkOf(f *typeset.Flow, n *tagged.Node, target string) {
	first := true
	for _, h := range r.in.Beside.Talk {
		if h.TargetID != target {
			continue
		}
		if first {
			subtitle(f, n, "Comments, as of printing")
			first = false
		}
		r.thread(f, n.Add("Sect"), h)
	}
}

// thread sets a line of talk: its state, then each comment.
func (r *report) thread(f *typeset.Flow, n *tagged.Node, h discussion.Thread) {
	f.Space(8)
	l := threadLabel(h)
	words := "   Begun by " + h.Starter + ", " + instant(h.StartedAt)
	if h.Mover != "" && h.MovedAt != nil {
		words += "; last moved by " + h.Mover + ", " + instant(*h.MovedAt)
	}
	f.Paragraph(n.Add("P"), typeset.Paragraph{Status: l.Status, Keep: true, Spans: []typeset.Span{l.span(styleCell.Size), span(words, styleMeta)}})
	f.Indented(15, func() {
		for _, c := range h.Comments {
			r.comment(f, n, c)
		}
	})
}

func (r *report) comment(f *typeset.Flow, n *tagged.Node, c discussion.Said) {
	words := "   " + instant(c.WrittenAt)
	if c.Answers {
		words += ", answers the challenge"
	}
	if c.EditedAt != nil && c.RemovedAt == nil {
		words += ", edited " + instant(*c.EditedAt)
	}
	f.Space(5)
	f.Paragraph(n.Add("P"), typeset.Paragraph{Keep: true, Spans: []typeset.Span{span(c.Author, styleCell.With(typeset.SemiBold)), span(words, styleMeta)}})
	f.Space(1)
	if c.RemovedAt != nil {
		paragraphs(f, n, "The author removed this comment on "+dayOf(*c.RemovedAt)+".", styleCellSub)
		return
	}
	f.Markdown(n, or(c.Body, "Nothing that can be seen."), styleCell)
}

// threadLabel is the status of a thread.
func threadLabel(h discussion.Thread) label {
	if h.Kind != discussion.Challenge {
		if h.State == discussion.Resolved {
			return status(typeset.RingTick, typeset.Good, "Comment, resolved")
		}
		return status(typeset.DashedRing, typeset.Ink2, "Comment, open")
	}
	switch h.State {
	case discussion.Resolved:
		return status(typeset.RingTick, typeset.Good, "Challenge, resolved")
	case discussion.Answered:
		return status(typeset.HalfDisc, typeset.Medium, "Challenge, answered and not resolved")
	default:
		return status(typeset.Octagon, typeset.High, "Challenge, not answered")
	}
}
