package report

import (
	"slices"
	"strconv"
	"strings"

	"orrery/internal/report/tagged"
	"orrery/internal/report/typeset"
	"orrery/internal/review"
)

// none says that a list is empty.
func none(f *typeset.Flow, n *tagged.Node, words string) {
	f.Paragraph(n.Add("P"), typeset.Paragraph{Spans: []typeset.Span{span(words, styleText)}})
}

// listItems lists the dated work that is not finished.
func (r *report) listItems(f *typeset.Flow) {
	n := r.doc.Add("Sect")
	f.Space(40)
	r.heading(f, n, r.itemsPart, 140)
	if len(r.items) == 0 {
		none(f, n, "No items are open on this workload.")
		return
	}
	var rows [][]typeset.Cell
	for _, it := range r.items {
		rows = append(rows, []typeset.Cell{
			cell(it.Title, causeWords(it.Cause, it.Timing)), statusCell(itemRisk(it.Risk), ""), cell(sentence(it.State), ""),
			cell(or(it.Owner, "No owner yet"), ""), cell(or(shortDay(it.DueOn), "No date yet"), ""),
		})
	}
	f.Table(n.Add("Table"), typeset.Table{Rows: rows, Columns: []typeset.Column{
		{Title: "Item"}, {Title: "Risk", Width: 58}, {Title: "State", Width: 56}, {Title: "Owner", Width: wideOwner}, {Title: "Due", Width: wideDate},
	}})
}

// itemRisk is the status of an item's risk; an item may have none.
func itemRisk(risk string) label {
	switch risk {
	case "high", "medium":
		return riskLabel(risk)
	case "", "none":
		return label{typeset.Status{Color: typeset.Quiet}, "None"}
	default:
		return label{typeset.Status{Color: typeset.Quiet}, sentence(risk)}
	}
}

func (r *report) listSignOffs(f *typeset.Flow) {
	n := r.doc.Add("Sect")
	r.heading(f, n, r.signOffsPart, 110)
	if len(r.signOffs) == 0 {
		none(f, n, "Nobody has signed off.")
		return
	}
	var rows [][]typeset.Cell
	for _, s := range r.signOffs {
		team := "Not from outside the team"
		if s.OutsideTeam {
			team = "From outside the team"
		}
		rows = append(rows, []typeset.Cell{cell(s.Person, team), statusCell(voiceLabel(s.Voice), ""), cell(or(s.Note, "No note"), ""), cell(shortDay(s.SignedAt), clock(s.SignedAt))})
	}
	f.Table(n.Add("Table"), typeset.Table{Rows: rows, Columns: []typeset.Column{
		{Title: "Who", Width: 130}, {Title: "Voice", Width: wideTiming}, {Title: "Note"}, {Title: "When", Width: wideDate},
	}})
}

// decision sets the whole decision, or says that there is none, and what became of it.
func (r *report) decision(f *typeset.Flow) {
	n := r.doc.Add("Sect")
	r.heading(f, n, r.decisionPart, 130)
	if r.in.Seal == nil {
		none(f, n, map[string]string{
			review.Draft:     "Nobody has decided. This round is a draft that was not submitted.",
			review.Cancelled: "Nobody has decided. The review was cancelled.",
			review.Submitted: "Nobody has decided. This round is submitted and frozen.",

			review.Superseded: "Nobody has decided. An upgrade to newer questions took this round's place.",
		}[r.in.State])
	} else {
		r.sealed(f, n)
	}
	r.since(f, n)
}

// sealed sets the decision as it was sealed.
func (r *report) sealed(f *typeset.Flow, n *tagged.Node) {
	d := r.in.Seal.Decision
	l := outcomeLabel(d.Outcome)
	f.Paragraph(n.Add("P"), typeset.Paragraph{Status: l.Status, Spans: []typeset.Span{l.span(styleText.Size)}, Keep: true})
	f.Space(5)
	r.facts(f, n.Add("L"), [][2]string{
		{"Decided by", d.DecidedBy}, {"Decided on", moment(d.DecidedAt)},
		{"Valid until", or(day(d.ValidUntil), "Gives no permission")}, {"Reason", or(d.Reason, "No reason was given")},
	}, 76, 0)
	if len(d.Conditions) > 0 {
		subtitle(f, n, plural(len(d.Conditions), "condition", "conditions"))
		f.Table(n.Add("Table"), typeset.Table{Columns: conditionColumns, Rows: conditionRows(sortedConditions(d.Conditions))})
	}
	r.changed(f, n)
}

const wideTiming = 68.0

var conditionColumns = []typeset.Column{{Title: "When", Width: wideTiming}, {Title: "Condition"}, {Title: "Owner", Width: wideOwner}, {Title: "Due", Width: wideDate}}

// sortedConditions puts what must be done before launch first, and else keeps the order.
func sortedConditions(list []review.SealedCondition) []review.SealedCondition {
	list = slices.Clone(list)
	slices.SortStableFunc(list, func(a, b review.SealedCondition) int {
		return rank(a.Timing) - rank(b.Timing)
	})
	return list
}

func rank(timing string) int {
	if timing == "before_launch" {
		return 0
	}
	return 1
}

func conditionRows(list []review.SealedCondition) [][]typeset.Cell {
	var rows [][]typeset.Cell
	for _, c := range list {
		due := or(shortDay(c.DueOn), "No date")
		rows = append(rows, []typeset.Cell{cell(timingWords(c.Timing), ""), cell(c.Text, ""), cell(or(c.Owner, "No owner"), ""), cell(due, "")})
	}
	return rows
}

// changed lists the contradictions that came after submission.
func (r *report) changed(f *typeset.Flow, n *tagged.Node) {
	if len(r.in.Seal.Evidence) == 0 {
		return
	}
	subtitle(f, n, "Evidence that turned after submission, and was acknowledged")
	var rows [][]typeset.Cell
	for _, c := range r.in.Seal.Evidence {
		first := cell(c.Question, "Check "+c.Check)
		if q := r.find(c.Question); q != nil {
			first = questionCell(q, "Check "+c.Check)
		}
		rows = append(rows, []typeset.Cell{first, statusCell(verdictLabel(c.Before), ""), statusCell(verdictLabel(c.Now), "")})
	}
	f.Table(n.Add("Table"), typeset.Table{Rows: rows, Columns: []typeset.Column{
		{Title: "Question"}, {Title: "At submission", Width: 84}, {Title: "When decided", Width: 84},
	}})
}

func (r *report) find(key string) *question {
	for _, s := range r.sections {
		for _, q := range s.questions {
			if q.key == key {
				return q
			}
		}
	}
	return nil
}

// about says what the document was made of, so that it can be checked.
func (r *report) about(f *typeset.Flow) {
	n := r.doc.Add("Sect")
	r.heading(f, n, r.aboutPart, 380)
	s := r.in.Snapshot
	submitted := "Not submitted"
	if s.Review.SubmittedBy != "" {
		submitted = "By " + s.Review.SubmittedBy + prefixed(", ", moment(s.Review.SubmittedAt)) + ", submission " + strconv.Itoa(s.Review.Submission)
	}
	r.facts(f, n.Add("L"), [][2]string{
		{"Organisation", s.Organisation}, {"Workload", s.Workload.Name + " (" + s.Workload.Key + "), " + s.Workload.ID},
		{"Review", s.Review.TypeName + ", " + s.Review.ID}, {"Round", strconv.Itoa(s.Review.Round) + ", " + r.standing()},
		{"Submitted", submitted}, {"Accounts", or(strings.Join(s.Workload.Accounts, ", "), "None in scope")},
		{"Regions", or(strings.Join(s.Workload.Regions, ", "), "None in scope")}, {"Tags", or(strings.Join(s.Workload.Tags, ", "), "None in scope")},
		{"Content", or(r.in.ContentSHA256, "No hash before submission")}, {"Seal", or(r.in.SealSHA256, "Not sealed")},
		{"Printed", instant(r.in.PrintedAt)}, {"Address", r.in.URL},
	}, 76, 0)
	r.sets(f, n)
	f.Space(12)
	paragraphs(f, n, aboutHashes, styleMeta)
	paragraphs(f, n, aboutBeside, styleMeta)
	paragraphs(f, n, aboutLetters, styleMeta)
}

const (
	aboutHashes = "Hashes are SHA-256 in hexadecimal. The content hash covers what was asked, what was answered and what the evidence said at " +
		"submission; the seal hash covers the content hash, the items, the sign-offs and the decision."
	aboutBeside = "No hash covers what happened since, the files, links and statements that people brought, and what they said: it is printed as it stood at printing. " +
		"A file is known by its SHA-256."
	aboutLetters = "Letters that the typefaces of this document lack are printed as □; searching and copying still find the letters that were meant. " +
		"Marks that turn the direction of text are written out, such as [U+202E]."
)

// sets lists the questionnaires with the hash of their source.
func (r *report) sets(f *typeset.Flow, n *tagged.Node) {
	var rows [][]typeset.Cell
	for _, q := range r.in.Snapshot.Questionnaires {
		rows = append(rows, []typeset.Cell{cell(q.Name, q.Key), cell(q.Version, ""), hashCell(q.SHA256)})
	}
	f.Space(12)
	f.Table(n.Add("Table"), typeset.Table{Rows: rows, Columns: []typeset.Column{
		{Title: "Questionnaire"}, {Title: "Version", Width: 50}, {Title: "Hash of its source", Width: 300},
	}})
}

// hashCell is a hash that fits on a line.
func hashCell(sum string) typeset.Cell {
	style := styleCell
	style.Size = 8
	return typeset.Cell{Spans: []typeset.Span{span(sum, style)}}
}
