package views

import (
	"strings"
	"time"

	"orrery/internal/portfolio"
	"orrery/internal/review"
	"orrery/internal/workload"
	"orrery/web/views/ui"
)

// RecordPage is the history of a review, and what may follow its newest decision.
type RecordPage struct {
	review.Record
	After       review.After
	Emergencies []review.EmergencyGo // that this review follows
	CanRevoke   bool                 // the reader may take the decision back
	WhyNot      string               // why not, when an approver may not
	CanRenew    bool                 // the reader may open the next round
	Reason      string               // of a revocation, as typed
	Errors      ui.FieldErrors
	Now         time.Time
}

// ended reports whether the decision's end has passed.
func ended(d *review.Decision, now time.Time) bool {
	return d.ValidUntil != nil && now.After(*d.ValidUntil)
}

// decisionShown is the outcome as it stands now: revoked and expired before what was decided.
func decisionShown(d *review.Decision, now time.Time) string {
	switch {
	case d.Revoked != nil:
		return review.Revoked
	case ended(d, now):
		return "expired"
	}
	return d.Outcome
}

// EmergencyPage asks for an emergency go, and lists those that were.
type EmergencyPage struct {
	Workload workload.Workload
	List     []review.EmergencyGo
	Form     review.EmergencyInput
	CanAsk   bool
	WhyNot   string
	Last     string // the latest day
	EndOf    string // the id of the emergency whose end was refused
	Why      string // the reason of an end, as typed
	Problem  string
	Errors   ui.FieldErrors
	Now      time.Time
}

func (e EmergencyPage) path() string { return "/workloads/" + e.Workload.Key + "/emergency" }

// emergencyState is where an emergency go stands.
func emergencyState(e review.EmergencyGo, now time.Time) (ui.Kind, string) {
	switch {
	case e.Running(now):
		return ui.DecisionEmergency, "EMERGENCY go"
	case e.RevokedAt != nil:
		return ui.StateCancelled, "Emergency go, ended early"
	case e.FollowedAt != nil:
		return ui.StateCancelled, "Emergency go, ended by a later decision"
	}
	return ui.DecisionExpired, "Emergency go, ended"
}

func emergencySubject(e review.EmergencyGo) string {
	if e.ChangeKey == "" {
		return "The whole workload"
	}
	return "Change " + e.ChangeKey
}

// ElsewherePage lists decisions made before Orrery, and takes another.
type ElsewherePage struct {
	Workload   workload.Workload
	List       []review.OutsideDecision
	Form       review.OutsideInput
	CanRecord  bool
	CanJudge   bool
	Me         string // the reader's id
	Judged     string // the id of the decision whose word was refused
	Note       string // of that word, as typed
	Problem    string
	Errors     ui.FieldErrors
	FormErrors ui.FieldErrors // of the form that records
	Now        time.Time
}

func (e ElsewherePage) path() string { return "/workloads/" + e.Workload.Key + "/elsewhere" }

func outsideState(o review.OutsideDecision, now time.Time) (ui.Kind, string) {
	switch {
	case o.Verdict() == review.Refused:
		return ui.StateCancelled, "Refused, does not count"
	case o.Verdict() == "":
		return ui.StateWaiting, "Waits for an approver"
	case now.UTC().Truncate(24 * time.Hour).After(o.ValidUntil):
		return ui.DecisionExpired, "Ended"
	}
	return ui.StateVerified, "Confirmed"
}

// mayConfirm says whether the reader could confirm the decision: an approver who did not
// record it.
func (e ElsewherePage) mayConfirm(o review.OutsideDecision) bool {
	return e.CanJudge && o.Verdict() == "" && o.RecorderID.String() != e.Me
}

// gateStatus is the answer of the launch gate as the workload's page shows it.
func gateStatus(g review.Gate) (ui.Kind, string) {
	if g.Decision == review.Emergency && g.Status == review.GateConditional {
		return ui.DecisionEmergency, "EMERGENCY go"
	}
	return gateKind(g.Status)
}

// launchNotes are links beside the launch gate: what an approver or the team may do about it.
func launchNotes(w WorkloadPage) (list []ui.Link) {
	held := w.Gate.Status == review.GateHold || w.Gate.Status == review.GateUnknown
	if w.CanEmergency && held && w.Workload.Stage != workload.Retired {
		list = append(list, ui.Link{Text: "Let it through in an emergency", Href: w.path() + "/emergency"})
	} else if w.Emergencies > 0 {
		list = append(list, ui.Link{Text: counted(w.Emergencies, "emergency go", "emergency gos"), Href: w.path() + "/emergency"})
	}
	switch {
	case w.Waiting > 0:
		list = append(list, ui.Link{Text: "A decision made elsewhere waits for an approver", Href: w.path() + "/elsewhere"})
	case w.Elsewhere > 0 || w.Gate.Decision == review.Elsewhere:
		list = append(list, ui.Link{Text: "Decided elsewhere", Href: w.path() + "/elsewhere"})
	case w.CanRecord && w.Gate.Decision == "" && w.Workload.Stage != workload.Retired:
		list = append(list, ui.Link{Text: "Record a decision made before Orrery", Href: w.path() + "/elsewhere"})
	}
	return list
}

// emergencyWords count the emergency gos of a team by year.
func emergencyWords(years []portfolio.YearCount) string {
	words := make([]string, 0, len(years))
	for _, y := range years {
		words = append(words, itoa(y.Count)+" in "+itoa(y.Year))
	}
	if len(words) == 0 {
		return "none"
	}
	return strings.Join(words, ", ")
}

// noteOf is the note of a word as it was typed, when it was refused.
func noteOf(e ElsewherePage, o review.OutsideDecision) string {
	if e.Judged == o.ID.String() {
		return e.Note
	}
	return ""
}

func judgedError(e ElsewherePage, o review.OutsideDecision, field string) string {
	if e.Judged == o.ID.String() {
		return e.Errors.For(field)
	}
	return ""
}

func emergencyNoteKind(e review.EmergencyGo, now time.Time) ui.NoteKind {
	if e.Running(now) {
		return ui.NoteHigh
	}
	return ui.NoteMedium
}
