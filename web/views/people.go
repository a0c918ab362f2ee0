package views

import (
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"orrery/internal/identity"
	"orrery/internal/portfolio"
	"orrery/web/views/ui"
)

// PeoplePage is the list of people.
type PeoplePage struct {
	People      []identity.Person
	Search      string
	Deactivated bool   // also those who are deactivated
	Next        string // address of the next page
	First       string // address of the first page, when this is another
}

// InviteForm is an invitation as typed.
type InviteForm struct {
	Email    string
	Name     string
	Roles    []string
	Team     string // key
	TeamRole string
	Grant    GrantForm
	Teams    []ui.Option
}

// GrantForm is a grant as typed.
type GrantForm struct {
	Kind      string
	On        string // "one" or "all"
	Workload  string // key
	Workloads []ui.Option
}

// MadeLink is a link on the one page that shows it.
type MadeLink struct {
	Person    identity.Person
	URL       string
	ExpiresAt time.Time
	Now       time.Time
}

// PersonPage is one person; the forms are for admins.
type PersonPage struct {
	identity.Person
	Admin    bool        // the reader may change it
	Self     bool        // it is the reader
	Others   []ui.Option // teams the person is not in yet
	RoleForm []string
	Team     string // as typed
	TeamRole string
	Grant    GrantForm
}

// Path is where the person stands.
func (p PersonPage) Path() string { return "/people/" + p.ID.String() }

// TeamLine is a team in the list.
type TeamLine struct {
	identity.Team
	Leads []identity.Ref
}

// TeamsPage is the list of teams.
type TeamsPage struct {
	Teams []TeamLine
	Mine  []uuid.UUID // the reader's
	Admin bool
}

// TeamForm is a new team as typed.
type TeamForm struct{ Key, Name string }

// TeamPage is one team; the forms are for admins.
type TeamPage struct {
	identity.Team
	Admin     bool
	MayChat   bool // the reader may say where its chat is
	Workloads []portfolio.Line
	More      bool   // there are more workloads
	Typed     string // the name as typed; the stored one at first
	Email     string // of the person to add, as typed
	Role      string
	Addable   []ui.Option // whom an admin may add, when they are few
	Now       time.Time

	Emergencies []portfolio.YearCount // of its workloads

	MayServe bool             // the reader makes and revokes tokens of services
	Services []identity.Token // of its services; nil unless MayServe
}

// Path is where the team stands.
func (t TeamPage) Path() string { return "/teams/" + t.Key }

var orgRoles = []ui.Option{
	{Value: string(identity.Admin), Text: "Admin", Hint: "Invites people, makes teams, gives roles and grants. An admin decides nothing by that alone."},
	{Value: string(identity.Curator), Text: "Curator", Hint: "Looks after questionnaires and review types."},
	{Value: string(identity.Auditor), Text: "Auditor", Hint: "Reads everything, also what is restricted, and the audit record."},
}

var teamRoles = []ui.Option{
	{Value: string(identity.Member), Text: "Member", Hint: "Answers and submits reviews, and changes the team's workloads and items."},
	{Value: string(identity.Lead), Text: "Lead", Hint: "Does the same, and may hand a workload to another team."},
}

var grantKinds = []ui.Option{
	{Value: string(identity.Approver), Text: "Approver", Hint: "Signs off and decides reviews, but never a round in which they saved an answer."},
	{Value: string(identity.Facilitator), Text: "Facilitator", Hint: "Reads restricted workloads, collects evidence and verifies items, without being in the team."},
}

var grantPlaces = []ui.Option{
	{Value: "one", Text: "One workload", Hint: "Name it below."},
	{Value: "all", Text: "All workloads", Hint: "Also those that are added later."},
}

// roleWord is the name of a role in the organisation.
func roleWord(r identity.OrgRole) string { return optionText(orgRoles, string(r)) }

// roleMeaning is what a role lets a person do.
func roleMeaning(r identity.OrgRole) string { return optionHint(orgRoles, string(r)) }

func kindWord(k identity.GrantKind) string {
	if k == identity.Participant {
		return "Participant"
	}
	return optionText(grantKinds, string(k))
}

func teamRoleWord(r identity.TeamRole) string { return optionText(teamRoles, string(r)) }

func optionText(options []ui.Option, value string) string {
	for _, o := range options {
		if o.Value == value {
			return o.Text
		}
	}
	return value
}

func optionHint(options []ui.Option, value string) string {
	for _, o := range options {
		if o.Value == value {
			return o.Hint
		}
	}
	return ""
}

// placeWord says where a grant counts.
func placeWord(g identity.GrantOfPerson) string {
	switch {
	case g.WorkloadID == uuid.Nil:
		return "all workloads"
	case g.WorkloadName == "":
		return "a restricted workload"
	}
	return g.WorkloadName
}

// rightsWords sums up what a person may do beyond their teams, one line each.
func rightsWords(p identity.Person) []string {
	var words []string
	var roles []string
	for _, r := range p.Roles {
		roles = append(roles, roleWord(r))
	}
	if len(roles) > 0 {
		words = append(words, strings.Join(roles, ", "))
	}
	for _, kind := range []identity.GrantKind{identity.Approver, identity.Facilitator, identity.Participant} {
		if line := grantsWords(p.Grants, kind); line != "" {
			words = append(words, line)
		}
	}
	return words
}

// grantsWords sums up the grants of a kind: "Approver on 2 workloads".
func grantsWords(grants []identity.GrantOfPerson, kind identity.GrantKind) string {
	var places []string
	all, idle := false, 0
	for _, g := range grants {
		switch {
		case g.Kind != kind:
		case g.SelfGiven:
			idle++
		default:
			places = append(places, placeWord(g))
			all = all || g.WorkloadID == uuid.Nil
		}
	}
	word := kindWord(kind)
	switch {
	case all:
		return word + " on all workloads"
	case len(places) == 1:
		return word + " on " + places[0]
	case len(places) > 1:
		return word + " on " + itoa(len(places)) + " workloads"
	case idle > 0:
		return word + ", given to oneself: opens nothing"
	}
	return ""
}

// personState is the status of a person.
func personState(p identity.Person) (ui.Kind, string) {
	switch {
	case p.DeactivatedAt != nil:
		return ui.StateCancelled, "Deactivated"
	case !p.HasPassword:
		return ui.StateWaiting, "Invited, link not used"
	}
	return ui.StateDone, "Active"
}

// orFirst selects the value, or the first option when none is.
func orFirst(options []ui.Option, value string) []ui.Option {
	if !slices.ContainsFunc(options, func(o ui.Option) bool { return o.Value == value }) && len(options) > 0 {
		value = options[0].Value
	}
	return ui.Selected(options, value)
}

func filtersInUse(values ...string) (n int) {
	for _, v := range values {
		if v != "" {
			n++
		}
	}
	return n
}

// clearPeople is the list of people without the search.
func clearPeople(l PeoplePage) string {
	if l.Deactivated {
		return "/people?deactivated=1"
	}
	return "/people"
}

// actColumns heads a table whose last column holds acts, for those who may act.
func actColumns(acts bool, heads ...string) []ui.Column {
	columns := make([]ui.Column, 0, len(heads)+1)
	for _, h := range heads {
		columns = append(columns, ui.Column{Text: h})
	}
	if acts {
		columns = append(columns, ui.Column{Text: "Change", Hidden: true})
	}
	return columns
}

// concerns reports whether one of the fields is refused.
func concerns(errors ui.FieldErrors, fields []string) bool {
	return slices.ContainsFunc(fields, func(f string) bool { return errors.For(f) != "" })
}

// leadSuffix follows the name of a team that one leads.
func leadSuffix(r identity.TeamRole) string {
	if r == identity.Lead {
		return ", lead"
	}
	return ""
}
