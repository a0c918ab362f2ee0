package views

import (
	"encoding/json"
	"slices"
	"strings"

	"orrery/internal/evidence"
	"orrery/internal/workload"
	"orrery/web/views/ui"
)

// ConnectionList is the page of all connections.
type ConnectionList struct {
	Connections []evidence.Connection
	Admin       bool
}

// ConnectionForm is a connection as typed: a new one, or a change of a stored one.
type ConnectionForm struct {
	Account, Name, Team, Mode, Role, Regions, HubRegion string
	Hub                                                 bool
	Sources                                             []string
	Teams                                               []ui.Option
	Stored                                              *evidence.Connection // nil: a new one
	Version                                             string               // that was opened
	Conflict                                            string               // what happened meanwhile
}

// FormOfConnection is the form that changes a connection.
func FormOfConnection(c evidence.Connection) ConnectionForm {
	f := ConnectionForm{
		Account: c.Account, Name: c.Name, Team: c.TeamKey, Mode: c.Mode, Regions: strings.Join(c.Regions, ", "), Hub: c.Hub, HubRegion: c.HubRegion,
		Role: c.RoleARN, Stored: &c, Version: itoa(c.Version),
	}
	for _, s := range evidence.Sources() {
		if !slices.Contains(c.SourcesOff, s) {
			f.Sources = append(f.Sources, s)
		}
	}
	return f
}

// Title names the page of the form.
func (f ConnectionForm) Title() string {
	if f.Stored == nil {
		return "Connect an account"
	}
	return "Edit " + f.Stored.Name
}

// path is where the form goes, and back where it is left from.
func (f ConnectionForm) path() (to, back string) {
	if f.Stored == nil {
		return "/connections/new", "/connections"
	}
	back = "/connections/" + f.Stored.ID.String()
	return back + "/edit", back
}

func (f ConnectionForm) lead() string {
	if f.Stored == nil {
		return "No key is asked for, and none is kept."
	}
	return "Account " + f.Stored.Account + ". Facts that were read stay, with their dates; the next collection reads as you say here."
}

// differences are the fields in which what is stored is not what was typed.
func (f ConnectionForm) differences() [][3]string {
	stored := FormOfConnection(*f.Stored)
	var out [][3]string
	for _, d := range [][3]string{
		{"Name", stored.Name, f.Name}, {"Team", stored.Team, f.Team}, {"How Orrery reaches it", stored.Mode, f.Mode}, {"Role", stored.Role, f.Role},
		{"Regions", stored.Regions, f.Regions}, {"Hub", stored.HubRegion, f.HubRegion}, {"What is read", sourceNames(stored.Sources), sourceNames(f.Sources)},
	} {
		if d[1] != d[2] {
			out = append(out, d)
		}
	}
	return out
}

func sourceNames(sources []string) string {
	var names []string
	for _, s := range evidence.Sources() {
		if slices.Contains(sources, s) {
			names = append(names, sourceName(s))
		}
	}
	return strings.Join(names, ", ")
}

func hubOption(on bool) []ui.Option {
	return []ui.Option{{Value: "on", Text: "This account is the organisation's hub", Selected: on,
		Hint: "The delegated administrator of Security Hub and AWS Config. For every connected account they are asked here first, and the account itself only for what the hub cannot tell."}}
}

var connectionModes = []ui.Option{
	{Value: evidence.TakeRole, Text: "A role in the account, with an external id", Hint: "Orrery makes the external id. The next page has the policies to copy."},
	{Value: evidence.DefaultChain, Text: "The credentials that Orrery runs with", Hint: "Only for the account that they belong to."},
}

func connectionSources(chosen []string) []ui.Option {
	var list []ui.Option
	for _, s := range evidence.Sources() {
		list = append(list, ui.Option{Value: s, Text: sourceName(s), Selected: slices.Contains(chosen, s)})
	}
	return list
}

// ConnectionPage is one connection.
type ConnectionPage struct {
	Connection  evidence.Connection
	Uses        []workload.Use
	Actions     []string // that collections need
	Permissions []evidence.Permission
	Region      string // to test in
	Workload    string // as typed
	Admin       bool
	CanLend     bool
}

func (c ConnectionPage) path() string { return "/connections/" + c.Connection.ID.String() }

func (c ConnectionPage) stands() bool { return c.Connection.RemovedAt == nil }

func (c ConnectionPage) facts() []ui.Definition {
	n := c.Connection
	list := []ui.Definition{
		{Term: "Account", Text: n.Account}, {Term: "Owned by", Text: n.TeamName}, {Term: "Reached with", Text: modeWords(n)},
		{Term: "Regions", Text: orElse(strings.Join(n.Regions, ", "), "all of the scopes")}, {Term: "Sources", Text: sourcesWords(n)},
	}
	if n.Hub {
		list = append(list, ui.Definition{Term: "Hub", Text: "of the organisation, with " + n.HubRegion + " as its home Region"})
	}
	return append(list, ui.Definition{Term: "Connected", Body: say(ui.Date(n.CreatedAt), " by "+n.CreatedBy)})
}

func modeWords(c evidence.Connection) string {
	if c.Mode == evidence.DefaultChain {
		return "the credentials that Orrery runs with"
	}
	return c.RoleARN
}

func sourcesWords(c evidence.Connection) string {
	if len(c.SourcesOff) == 0 {
		return "all"
	}
	return sourceNames(FormOfConnection(c).Sources)
}

// permissionWords are the shape and the words of what a test found out.
func permissionWords(s evidence.PermissionState) (ui.Kind, string) {
	switch s {
	case evidence.Granted:
		return ui.StateDone, "Granted"
	case evidence.NotGranted:
		return ui.StateProblem, "Denied"
	case evidence.NotTried:
		return ui.VerdictCannotTell, "Not tried"
	}
	return ui.VerdictCannotTell, "Unknown"
}

// tested sums a test up in one sentence.
func (c ConnectionPage) tested() (ui.NoteKind, string) {
	denied, unknown := 0, 0
	for _, p := range c.Permissions {
		switch p.State {
		case evidence.NotGranted:
			denied++
		case evidence.NotKnown:
			unknown++
		}
	}
	switch {
	case denied > 0:
		return ui.NoteHigh, counted(denied, "call is denied", "calls are denied") + " in " + c.Region + ". What is denied stays unknown, and never counts as a pass."
	case unknown > 0:
		return ui.NoteMedium, "Nothing is denied in " + c.Region + ", but " + counted(unknown, "call", "calls") + " could not be told."
	}
	return ui.NoteGood, "Everything that a test can try is granted in " + c.Region + "."
}

// readPolicy is the policy of the role: what collections need, and nothing else.
func (c ConnectionPage) readPolicy() string {
	return indented(policy{Version: "2012-10-17", Statement: []statement{{Sid: "OrreryReadsEvidence", Effect: "Allow", Action: c.Actions, Resource: "*"}}})
}

// trustPolicy lets Orrery take the role; whoever makes the role puts Orrery's own in.
func (c ConnectionPage) trustPolicy() string {
	return indented(policy{Version: "2012-10-17", Statement: []statement{{
		Sid: "OrreryTakesThisRole", Effect: "Allow", Principal: map[string]string{"AWS": "arn:aws:iam::ACCOUNT-OF-ORRERY:role/ROLE-OF-ORRERY"}, Action: []string{"sts:AssumeRole"},
		Condition: map[string]map[string]string{"StringEquals": {"sts:ExternalId": c.Connection.ExternalID}},
	}}})
}

type policy struct {
	Version   string
	Statement []statement
}

type statement struct {
	Sid       string
	Effect    string
	Principal map[string]string `json:",omitempty"`
	Action    []string
	Resource  string                       `json:",omitempty"`
	Condition map[string]map[string]string `json:",omitempty"`
}

func indented(p policy) string {
	out, _ := json.MarshalIndent(p, "", "  ") // strings always marshal
	return string(out)
}

// useState is how a workload stands to the account.
func useState(u workload.Use) (ui.Kind, string) {
	switch {
	case u.Own:
		return ui.StateDone, "Of the owning team"
	case u.Allowed:
		return ui.StateDone, "Allowed"
	}
	return ui.StateProblem, "Not allowed: nothing is read for it"
}

func lendPath(u workload.Use) string {
	if u.Allowed {
		return "/disallow"
	}
	return "/allow"
}
