package report

import (
	"strconv"
	"time"

	"orrery/internal/report/tagged"
	"orrery/internal/report/typeset"
	"orrery/internal/review"
)

// emergencyWord is how an emergency go is called while it runs.
const emergencyWord = "EMERGENCY go"

// running is the emergency go that lets the subject through at printing; nil without one.
func (r *report) running() *review.EmergencyGo {
	for i := range r.in.Beside.Emergencies {
		if e := &r.in.Beside.Emergencies[i]; e.Running(r.in.PrintedAt) {
			return e
		}
	}
	return nil
}

// ended reports whether the decision has ended at printing.
func (r *report) ended() bool {
	if r.in.Seal == nil {
		return false
	}
	until, err := time.Parse(time.RFC3339, r.in.Seal.Decision.ValidUntil)
	return err == nil && r.in.PrintedAt.After(until)
}

// sinceStamps are the words on every page of a round whose decision does not stand.
func (r *report) sinceStamps() []string {
	var words []string
	if r.running() != nil {
		words = append(words, "EMERGENCY")
	}
	switch {
	case r.in.Beside.Revoked != nil:
		words = append(words, "REVOKED")
	case r.ended():
		words = append(words, "ENDED")
	}
	return words
}

// decisionLabel is the outcome, with what became of it.
func (r *report) decisionLabel() label {
	l := outcomeLabel(r.in.Seal.Decision.Outcome)
	switch {
	case r.in.Beside.Revoked != nil:
		return status(typeset.Octagon, typeset.High, l.word+", revoked")
	case r.ended():
		return status(typeset.HatchRing, typeset.Quiet, l.word+", ended")
	}
	return l
}

// event is something that happened beside the frozen content.
type event struct {
	label
	words string
	why   string
}

// events says what became of the decision, the gravest first.
func (r *report) events() []event {
	b := r.in.Beside
	var list []event
	if v := b.Revoked; v != nil {
		list = append(list, event{status(typeset.Octagon, typeset.High, "Revoked"), "By " + v.RevokedBy + " on " + instant(v.RevokedAt) + ".", v.Reason})
	}
	if r.ended() && b.Revoked == nil {
		list = append(list, event{status(typeset.HatchRing, typeset.Quiet, "Ended"), r.endWords(), ""})
	}
	for _, e := range b.Emergencies {
		list = append(list, r.emergency(e))
	}
	if b.Followed && b.Revoked == nil {
		list = append(list, event{status(typeset.RingBar, typeset.Quiet, "Followed"), "Another decision governs launches of this subject now.", ""})
	}
	for _, o := range b.Elsewhere {
		list = append(list, elsewhere(o))
	}
	if n := b.Next; n != nil {
		words := map[string]string{
			review.Draft: "It is a draft.", review.Submitted: "It is submitted and not decided.", review.Cancelled: "It was cancelled.",
			review.Superseded: "An upgrade to newer questions took its place.",
		}[n.State]
		if n.Outcome != "" {
			words = "It was decided: " + outcomeLabel(n.Outcome).word + "."
		}
		list = append(list, event{
			status(typeset.DashedRing, typeset.Quiet, "Round "+strconv.Itoa(n.Number)), "Opened on " + instant(n.OpenedAt) + ". " + words, "",
		})
	}
	return list
}

// endWords says when the decision ended, and whether it still lets launches through.
func (r *report) endWords() string {
	words := "On " + moment(r.in.Seal.Decision.ValidUntil) + "."
	switch from := r.in.Beside.HoldsFrom; {
	case from == nil:
	case r.in.PrintedAt.After(*from):
		words += " It holds launches since " + instant(*from) + "."
	default:
		words += " It still stands, with a warning, until " + instant(*from) + "."
	}
	return words
}

// emergency says who let the subject through until when, and how that ended.
func (r *report) emergency(e review.EmergencyGo) event {
	l := label{typeset.Status{Shape: typeset.HatchRing, Color: typeset.Quiet}, "Emergency go, ended"}
	words := "Let through by " + e.DecidedBy + " on " + instant(e.DecidedAt) + ", until " + instant(e.EndsAt) + "."
	switch {
	case e.Running(r.in.PrintedAt):
		l = status(typeset.Triangle, typeset.High, emergencyWord)
	case e.RevokedAt != nil:
		l.word = "Emergency go, ended early"
		words += " Ended by " + e.RevokedBy + " on " + instant(*e.RevokedAt) + prefixed(": ", dotted(e.RevokedReason))
	case e.FollowedAt != nil:
		l.word = "Emergency go, ended by a later decision"
		words += " It ended on " + instant(*e.FollowedAt) + "."
	}
	return event{l, words + prefixed(" Ticket: ", e.Ticket), e.Reason}
}

// elsewhere says what was decided before Orrery, and whether that counts.
func elsewhere(o review.OutsideDecision) event {
	words := outcomeLabel(o.Outcome).word + ", decided by " + o.DecidedBy + " on " + dayOf(o.DecidedOn) + ", valid until " + dayOf(o.ValidUntil) + "."
	switch o.Verdict() {
	case review.Confirmed:
		words += " Confirmed by " + verdictBy(o, review.Confirmed) + "."
	case review.Refused:
		words += " Refused by " + verdictBy(o, review.Refused) + ", so it does not count."
	default:
		words += " Recorded by " + o.RecordedBy + ". Nobody has confirmed it, so it does not count."
	}
	return event{status(typeset.DiscArrow, typeset.Quiet, "Decided elsewhere"), words, o.Note}
}

func verdictBy(o review.OutsideDecision, word string) string {
	for _, v := range o.Verdicts {
		if v.Verdict == word {
			return v.GivenBy + " on " + dayOf(v.GivenAt)
		}
	}
	return "nobody"
}

func dayOf(t time.Time) string { return t.UTC().Format("2 January 2006") }

func (e event) paragraph(most int) typeset.Paragraph {
	return typeset.Paragraph{Status: e.Status, Most: most, Spans: []typeset.Span{e.span(styleCell.Size), span("   "+e.words, styleCell)}}
}

// mostEvents is how many events the cover tells.
const mostEvents = 3

// sinceBriefly tells on the cover what became of the decision.
func (r *report) sinceBriefly(f *typeset.Flow, n *tagged.Node) {
	list := r.events()
	for i, e := range list[:min(len(list), mostEvents)] {
		f.Space(4)
		if i == 0 {
			f.Space(10)
		}
		words := e
		words.words += prefixed(" ", e.why)
		f.Paragraph(n.Add("P"), words.paragraph(2))
	}
	if more := len(list) - mostEvents; more > 0 {
		where := "under Decision record."
		if !r.full() {
			where = "in the full report."
		}
		f.Space(3)
		f.Paragraph(n.Add("P"), typeset.Paragraph{Spans: []typeset.Span{span(strconv.Itoa(more)+" more "+where, styleMeta)}})
	}
}

// since tells in the record all that became of the decision.
func (r *report) since(f *typeset.Flow, n *tagged.Node) {
	list, conditions := r.events(), r.in.Beside.Conditions
	if len(list)+len(conditions) == 0 {
		return
	}
	subtitle(f, n, "Since then, as of printing")
	for _, e := range list {
		f.Space(6)
		f.Paragraph(n.Add("P"), e.paragraph(0))
		f.Indented(15, func() {
			f.Space(2)
			paragraphs(f, n, e.why, styleCellSub)
		})
	}
	if len(conditions) == 0 {
		return
	}
	var rows [][]typeset.Cell
	for _, c := range conditions {
		rows = append(rows, []typeset.Cell{cell(c.Text, ""), cell(sentence(c.ItemState), ""), cell(or(c.Owner, "No owner"), ""), cell(c.DueOn.Format("2 Jan 2006"), "")})
	}
	f.Space(8)
	f.Table(n.Add("Table"), typeset.Table{Rows: rows, Columns: []typeset.Column{
		{Title: "Condition, as of printing"}, {Title: "State", Width: wideTiming}, {Title: "Owner", Width: wideOwner}, {Title: "Due", Width: wideDate},
	}})
}
