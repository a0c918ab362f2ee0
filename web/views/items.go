package views

import (
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"orrery/internal/audit"
	"orrery/internal/remediation"
	"orrery/web/views/ui"
)

// itemStatus is the shape and the words of where an item stands.
func itemStatus(it remediation.Item) (ui.Kind, string) {
	switch it.State {
	case remediation.InProgress:
		return ui.StateProgress, "In progress"
	case remediation.Done:
		if it.NeedsVerification() {
			return ui.StateWaiting, "Done, to be verified"
		}
		return ui.StateDone, "Done"
	case remediation.Verified:
		return ui.StateVerified, "Verified"
	case remediation.Closed:
		return ui.StateCancelled, "Closed"
	}
	return ui.StateNotStarted, "Open"
}

func itemRisk(risk string) (ui.Kind, string) {
	switch risk {
	case "high":
		return ui.RiskHigh, "High"
	case "medium":
		return ui.RiskMedium, "Medium"
	}
	return "", "no risk named"
}

// itemLines are the unfinished items of a workload as a list to act on.
func itemLines(items []remediation.Item, now time.Time) []ui.WorkItem {
	list := make([]ui.WorkItem, 0, len(items))
	for _, it := range items {
		_, state := itemStatus(it)
		list = append(list, ui.WorkItem{
			Kind: riskKind(it.Risk), Title: it.Title, Href: "/items/" + it.ID.String(),
			Meta: causeWord(it.CauseKind, it.Timing) + ". " + state + ", " + it.OwnerName + ".", Due: dueDay(it.DueOn, now),
		})
	}
	return list
}

// ItemPage is the page of one item, with its form as it was typed.
type ItemPage struct {
	Item      remediation.Item
	Incident  string // title of the incident that it comes from; empty unless the reader may read that
	Owners    []ui.Option
	Owner     string
	DueOn     string
	State     string
	Resolve   string // the resolution as typed
	Version   string
	Conflict  string
	Now       time.Time
	CanWork   bool   // the reader may change it
	CanVerify bool   // the reader may verify it now
	Unasked   bool   // no check asks for it any more
	Outside   bool   // it was found in what is not in the scope any more
	CanClose  bool   // the reader may close it for one of these
	Reason    string // to close it, as typed
	TeamName  string // of the team whose members may change it
	Talk      TalkPage
	Tickets   TicketsPage
	History   []audit.Entry // what was done, the newest first
}

// cause names where the item comes from.
func (p ItemPage) cause() string {
	if p.Incident != "" {
		return "Action after the incident: " + p.Incident
	}
	return causeWord(p.Item.CauseKind, p.Item.Timing)
}

// FillItem sets the form to what is stored.
func (p *ItemPage) FillItem() {
	it := p.Item
	if p.Owner = it.OwnerID.String(); it.OwnerID == uuid.Nil {
		p.Owner = ""
	}
	p.DueOn, p.State, p.Resolve, p.Version = it.DueOn.Format(time.DateOnly), it.State, it.Resolution, strconv.Itoa(it.Version)
}

// states are the states that the reader may move the item to.
func (p ItemPage) states() []ui.Option {
	words := map[string]ui.Option{
		remediation.Open:       {Text: "Open", Hint: "Nobody works on it yet."},
		remediation.InProgress: {Text: "In progress", Hint: "Somebody works on it."},
		remediation.Done:       {Text: "Done", Hint: p.doneHint()},
		remediation.Verified:   {Text: "Verified", Hint: "You saw that it is done."},
	}
	var list []ui.Option
	for _, state := range p.Item.NextStates() {
		if state == remediation.Verified && !p.CanVerify || state != remediation.Verified && !p.CanWork {
			continue
		}
		o := words[state]
		o.Value = state
		if (p.Item.State == remediation.Verified || p.Item.State == remediation.Closed) && state == remediation.Open {
			o = ui.Option{Value: state, Text: "Open it again", Hint: "It came back, or it was not done after all."}
		}
		list = append(list, o)
	}
	return ui.Selected(list, p.State)
}

func (p ItemPage) doneHint() string {
	if p.Item.NeedsVerification() {
		return "Another person than you then verifies it."
	}
	return "Then nothing is left to do."
}

// verifyWords say who may verify the item; empty when nobody needs to.
func (p ItemPage) verifyWords() string {
	it := p.Item
	if !it.NeedsVerification() || it.State == remediation.Verified {
		return ""
	}
	who := p.TeamName + ", an approver or a facilitator of the workload"
	if it.State == remediation.Done && it.DoneByName != "" {
		return "To be verified by another person than " + it.DoneByName + ", who did it: somebody of " + who + "."
	}
	if it.State == remediation.Done {
		return "Nobody is named who did it. To be verified by somebody of " + who + ", who neither owns the item nor made its ticket."
	}
	return "Whoever marks it done does not verify it: another person does, of " + who + "."
}

// why says why an item needs another person.
func (p ItemPage) why() string {
	if p.Item.CauseKind == remediation.CauseCondition {
		return "It is a condition of a decision."
	}
	if p.Item.CauseKind == remediation.CauseIncident {
		return "It is an action after an incident."
	}
	return "It is a high."
}

// localHref is the address an item comes from, when it is one of ours.
func localHref(href string) string {
	if strings.HasPrefix(href, "/") && !strings.HasPrefix(href, "//") {
		return href
	}
	return ""
}

func itemFormTitle(p ItemPage) string {
	if p.CanWork {
		return "Change it"
	}
	return "Verify it"
}

// noOwner is what the list of owners says first.
func (p ItemPage) noOwner() string {
	switch {
	case p.Item.OwnerID == uuid.Nil:
		return "Nobody yet"
	case p.Item.State == remediation.Open || p.Item.State == remediation.InProgress:
		return "Nobody: back to the team's queue"
	}
	return "Choose an owner"
}
