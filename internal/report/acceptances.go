package report

import (
	"orrery/internal/remediation"
	"orrery/internal/report/tagged"
	"orrery/internal/report/typeset"
	"orrery/internal/review"
)

// acceptances are those of the seal, else those of the content.
func (in Input) acceptances() []review.SnapshotAcceptance {
	if in.Seal != nil && in.Seal.Acceptances != nil {
		return in.Seal.Acceptances
	}
	return in.Snapshot.Acceptances
}

// accepted returns the acceptance that was granted for a question, or the zero acceptance.
func (in Input) accepted(key string) review.SnapshotAcceptance {
	for _, a := range in.acceptances() {
		if a.Question == key && a.State == remediation.Granted {
			return a
		}
	}
	return review.SnapshotAcceptance{}
}

// acceptancesOf returns what the record says of the acceptances of a question: as they stood
// when sealed, else as they stood at submission.
func (r *report) acceptancesOf(q *question) (granted, asked *review.SnapshotAcceptance) {
	list := r.in.acceptances()
	for i := range list {
		switch a := &list[i]; {
		case a.Question != q.key:
		case a.State == remediation.Granted:
			granted = a
		default:
			asked = a
		}
	}
	return granted, asked
}

// riskOf is the risk of a question; what is accepted is still the risk it is.
func (r *report) riskOf(q *question) label {
	l := riskLabel(q.Risk)
	if a, _ := r.acceptancesOf(q); a != nil {
		l.word += ", accepted until " + day(a.Until)
	}
	return l
}

// acceptance says why and until when the risk of a question is accepted, or asked to be.
func (r *report) acceptance(f *typeset.Flow, n *tagged.Node, q *question) {
	granted, asked := r.acceptancesOf(q)
	if granted != nil {
		subtitle(f, n, "Risk acceptance")
		paragraphs(f, n, "Granted by "+granted.GrantedBy+" until the end of "+day(granted.Until)+", asked for by "+granted.AskedBy+".", styleText)
		r.terms(f, n, granted)
	}
	if asked != nil {
		subtitle(f, n, "Risk acceptance, asked for")
		paragraphs(f, n, "Asked for by "+asked.AskedBy+" until the end of "+day(asked.Until)+". Nobody has granted it.", styleText)
		r.terms(f, n, asked)
	}
}

func (r *report) terms(f *typeset.Flow, n *tagged.Node, a *review.SnapshotAcceptance) {
	runIn(f, n, "Why it can be lived with", a.Reason)
	runIn(f, n, "What keeps it small", a.Control)
	runIn(f, n, "Note", a.Note)
}
