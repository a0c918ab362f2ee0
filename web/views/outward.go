package views

import (
	"time"

	"orrery/internal/audit"
	"orrery/internal/identity"
	"orrery/internal/notify"
	"orrery/internal/remediation"
	"orrery/internal/tickets"
	"orrery/internal/webhook"
	"orrery/web/views/ui"
)

// Counted is a number with its word.
func Counted(n int, one, many string) string { return counted(n, one, many) }

// Itoa is a number in figures.
func Itoa(n int) string { return itoa(n) }

// settingsTabs are the pages under Settings.
func settingsTabs(current string) []ui.Tab {
	list := []ui.Tab{{Text: "Webhooks", Href: "/settings/webhooks"}, {Text: "Trackers", Href: "/settings/trackers"}, {Text: "Due days", Href: "/settings/due"}}
	for i := range list {
		list[i].Current = list[i].Href == current
	}
	return list
}

// WebhooksPage is the list of webhooks.
type WebhooksPage struct {
	Endpoints []webhook.Endpoint
	Ready     bool // secrets can be kept
	Now       time.Time
}

// WebhookForm is the form of a webhook, as typed.
type WebhookForm struct {
	Name, URL  string
	Events     []string
	Every      bool
	Restricted bool
	ReadsAll   bool // the reader may send what is restricted
	Hears      bool // it is sent what is restricted, as stored
	On         bool
	Version    string
}

// asks reports whether the form has the choice to send what is restricted.
func (f WebhookForm) asks() bool { return f.ReadsAll || f.Restricted || f.Hears }

func (f WebhookForm) events() []ui.Option {
	var list []ui.Option
	for _, t := range audit.EventTypes() {
		list = append(list, ui.Option{Value: t.Type, Text: t.Type, Hint: t.Says})
	}
	return ui.Selected(list, f.Events...)
}

func (f WebhookForm) which() []ui.Option {
	chosen := "some"
	if f.Every {
		chosen = "every"
	}
	return ui.Selected([]ui.Option{
		{Value: "every", Text: "Every event", Hint: "also those that later versions add"}, {Value: "some", Text: "Only those that are chosen below"},
	}, chosen)
}

// WebhookPage is one webhook with its log.
type WebhookPage struct {
	Endpoint    webhook.Endpoint
	Form        WebhookForm
	Log         []webhook.Delivery
	State       string
	After, Next string
	Now         time.Time
}

func (p WebhookPage) path() string { return "/settings/webhooks/" + p.Endpoint.ID.String() }

func (p WebhookPage) logPath(state, after string) string {
	q := "?state=" + state
	if after != "" {
		q += "&after=" + after
	}
	return p.path() + q
}

func (p WebhookPage) tabs() []ui.Tab {
	tab := func(text, state string) ui.Tab {
		return ui.Tab{Text: text, Href: p.logPath(state, ""), Current: p.State == state}
	}
	return []ui.Tab{tab("All", ""), tab("Pending", webhook.Pending), tab("Delivered", webhook.Delivered), tab("Failed", webhook.Failed)}
}

func endpointStatus(e webhook.Endpoint) (ui.Kind, string) {
	switch {
	case e.State == webhook.Gone:
		return ui.StateProblem, "Off: the receiver is gone"
	case e.State == webhook.Off:
		return ui.StateCancelled, "Off"
	case e.Failed > 0:
		return ui.StateProblem, "On, " + counted(e.Failed, "delivery failed", "deliveries failed")
	case e.Pending > 0:
		return ui.StateBusy, "On, " + counted(e.Pending, "delivery waits", "deliveries wait")
	}
	return ui.StateDone, "On"
}

func eventsWord(events []string) string {
	if len(events) == 0 {
		return "every event"
	}
	return counted(len(events), "event", "events")
}

func deliveryStatus(d webhook.Delivery) (ui.Kind, string) {
	switch d.State {
	case webhook.Delivered:
		return ui.StateDone, "Delivered"
	case webhook.Failed:
		return ui.StateProblem, "Given up"
	}
	return ui.StateWaiting, "Pending"
}

func answerWord(status int, problem string) string {
	if problem != "" {
		return problem
	}
	if status == 0 {
		return ""
	}
	return "The receiver took it (" + itoa(status) + ")."
}

// SecretPage shows a secret once.
type SecretPage struct{ Title, Secret, Next, Words string }

// TrackerForm is the form of a tracker, as typed; the token is not shown again.
type TrackerForm struct {
	Kind, Name, URL, Project, Account, IssueType, Token string
	Active                                              bool
	Version                                             string
}

// Input is the form as the service takes it.
func (f TrackerForm) Input() tickets.TrackerInput {
	return tickets.TrackerInput{
		Kind: f.Kind, Name: f.Name, URL: f.URL, Project: f.Project, Account: f.Account, IssueType: f.IssueType, Token: f.Token, Active: f.Active,
	}
}

func (f TrackerForm) kinds() []ui.Option {
	return ui.Selected([]ui.Option{
		{Value: tickets.Jira, Text: "Jira Cloud", Hint: "of a site such as https://acme.atlassian.net"},
		{Value: tickets.GitHub, Text: "GitHub Issues", Hint: "of github.com, or of your own GitHub"},
	}, f.Kind)
}

// urlHint says what to write as the address; a tracker that is set up keeps its kind.
func (f TrackerForm) urlHint() string {
	switch {
	case f.Version == "":
		return "Of Jira: the site, such as https://acme.atlassian.net. Of GitHub: https://api.github.com, which it is when you leave this empty, or of your own GitHub, https://github.example.com/api/v3."
	case f.Kind == tickets.GitHub:
		return "https://api.github.com, or of your own GitHub, such as https://github.example.com/api/v3."
	}
	return "The site, such as https://acme.atlassian.net."
}

// TrackerPage is one tracker.
type TrackerPage struct {
	Tracker tickets.Tracker
	Form    TrackerForm
	HookURL string
}

func trackerKind(kind string) string {
	if kind == tickets.Jira {
		return "Jira Cloud"
	}
	return "GitHub Issues"
}

// TicketsPage is the tickets of an item, with what the reader may do and the form as typed.
type TicketsPage struct {
	Links    []tickets.Link
	Trackers []ui.Option // where this item has no ticket yet
	Key, URL string
}

func ticketStatus(l tickets.Link) (ui.Kind, string) {
	switch {
	case l.State == tickets.Creating:
		return ui.StateBusy, "Being made"
	case l.State == tickets.Refused && l.Key != "":
		return ui.StateProblem, "Not followed"
	case l.State == tickets.Refused:
		return ui.StateProblem, "Not made"
	case l.Closed:
		return ui.StateDone, orElse(l.Status, "Closed")
	case l.Status == "":
		return ui.StateNotStarted, "Not followed"
	}
	return ui.StateProgress, l.Status
}

// NoticesPage is a person's notices.
type NoticesPage struct {
	List        []notify.Notice
	After, Next string
	Pace        string
	MailOn      bool
	Now         time.Time
}

func (p NoticesPage) paces() []ui.Option {
	return ui.Selected([]ui.Option{
		{Value: notify.Once, Text: "At once", Hint: "what happens within a minute in one mail"},
		{Value: notify.Daily, Text: "Daily", Hint: "one mail after 7:00 UTC, when there is something"},
		{Value: notify.Never, Text: "Off", Hint: "notices stand on this page only"},
	}, p.Pace)
}

func noticeIcon(kind string) string {
	icons := map[string]string{notify.Assigned: "person", notify.Decide: "lock", notify.Due: "clock", notify.Ending: "clock", notify.Evidence: "search", notify.HandedOver: "right", notify.Judged: "lesson"}
	if icon, ok := icons[kind]; ok {
		return icon
	}
	return "info"
}

func noticeWord(kind string) string {
	return map[string]string{
		notify.Assigned: "Assigned to you", notify.Decide: "Waiting for your decision", notify.Due: "Due", notify.Ending: "Ending",
		notify.Evidence: "Evidence changed", notify.HandedOver: "In your team's queue", notify.Judged: "Judged",
	}[kind]
}

// ChatPage is where a team's chat is.
type ChatPage struct {
	Team    identity.Team
	Channel notify.Channel
	Kind    string
	URL     string // as typed, never as stored
	Active  bool
}

func (p ChatPage) kinds() []ui.Option {
	return ui.Selected([]ui.Option{
		{Value: notify.Slack, Text: "Slack", Hint: "an incoming webhook, and what takes the same shape"},
		{Value: notify.Teams, Text: "Teams", Hint: "a workflow that takes an adaptive card"},
	}, p.Kind)
}

func (p ChatPage) urlHint() string {
	if p.Channel.Host != "" {
		return "Stored: an address at " + p.Channel.Host + ". Leave it empty to keep it."
	}
	return "Who knows it can write to your chat, so it is kept sealed and not shown again."
}

func policyHead(risk, words string) string {
	if risk == "none" {
		return "Without a risk"
	}
	return words
}

func newWord(n notify.Notice) string {
	if n.ReadAt == nil {
		return ", new"
	}
	return ""
}

// historyWord says in words what an act on an item was.
func historyWord(verb string) string {
	switch verb {
	case "item.opened":
		return "Opened"
	case "item.reopened":
		return "Opened again: the cause came back"
	case "item.kept":
		return "The cause was found again"
	case "item.open":
		return "Changed, open"
	case "item.in_progress":
		return "Changed, in progress"
	case "item.done":
		return "Done"
	case "item.verified":
		return "Verified"
	case "item.closed":
		return "Closed"
	case "item.ticket_closed":
		return "Ticket closed, item kept"
	}
	return verb
}

// storedDays says what somebody else stored, where it is not what was typed.
func storedDays(stored remediation.Policy, risk string, tier int, typed string) string {
	if now := itoa(stored.Days(risk, tier)); stored != nil && now != typed {
		return "Stored now: " + now + "."
	}
	return ""
}
