package views

import (
	"slices"
	"strings"
	"time"

	"orrery/internal/identity"
	"orrery/web/views/ui"
)

// SignInPage is the form for people who are not signed in.
type SignInPage struct {
	Email string // as typed
	Next  string // a path of ours to go to afterwards
}

// LinkPage is the form behind a link that works once.
type LinkPage struct {
	identity.LinkInfo
	Action    string // where the form posts: the link itself
	TypedName string // for the first admin
	TypedMail string
	InAs      string // who is signed in on this browser already; empty when nobody
}

// AccountPage is what a person sees of their own account.
type AccountPage struct {
	Person   identity.Person
	Sessions []identity.Session
	Here     string // the id of the session that asks
	Tokens   []identity.Token
	Typed    string // the name as typed; the stored one at first
	Theme    string
	Settings identity.Settings
	Now      time.Time
}

func pagesOptions(s identity.Settings) []ui.Option {
	chosen := "question"
	if s.SectionPages {
		chosen = "section"
	}
	return ui.Selected([]ui.Option{
		{Value: "question", Text: "One question a page", Hint: "with its evidence, history and comments beside"},
		{Value: "section", Text: "A section on one page", Hint: "quicker when you know the questions"},
	}, chosen)
}

// TokenForm is the form for a new API token.
type TokenForm struct {
	Name   string
	Days   string
	Chosen []string // scopes
}

// scopeOptions are the scopes of a list, ticked as chosen.
func scopeOptions(offered []identity.Scope, chosen []string) []ui.Option {
	var list []ui.Option
	for _, s := range offered {
		list = append(list, ui.Option{Value: s.Name, Text: s.Name, Hint: s.Words, Selected: slices.Contains(chosen, s.Name)})
	}
	return list
}

// NewToken is a token on the one page that shows its secret.
type NewToken struct {
	identity.Token
	Secret    string
	PublicURL string
	Now       time.Time
	Back      ui.Link // where to go from here
}

// Example is a command that uses the token, without holding it.
func (t NewToken) Example() string {
	return "curl -H \"Authorization: Bearer $ORRERY_TOKEN\" \\\n  " + t.PublicURL + "/api/v1/workloads/KEY/launch"
}

// liveTokens splits the tokens in those that work and those that are over.
func liveTokens(all []identity.Token, now time.Time) (live, over []identity.Token) {
	for _, t := range all {
		if t.RevokedAt == nil && now.Before(t.ExpiresAt) {
			live = append(live, t)
		} else {
			over = append(over, t)
		}
	}
	return live, over
}

var tokenDays = []ui.Option{
	{Value: "7", Text: "7 days"}, {Value: "30", Text: "30 days"}, {Value: "90", Text: "90 days"}, {Value: "180", Text: "180 days"}, {Value: "366", Text: "366 days"},
}

// browsers are looked for in this order: many name others as well.
var browsers = []struct{ mark, name string }{
	{"Edg", "Edge"}, {"OPR/", "Opera"}, {"SamsungBrowser/", "Samsung Internet"}, {"Firefox/", "Firefox"}, {"FxiOS/", "Firefox"},
	{"CriOS/", "Chrome"}, {"Chrome/", "Chrome"}, {"Safari/", "Safari"}, {"curl/", "curl"},
}

var systems = []struct{ mark, name string }{
	{"iPhone", "iPhone"}, {"iPad", "iPad"}, {"Android", "Android"}, {"Windows", "Windows"}, {"Mac OS X", "macOS"}, {"CrOS", "ChromeOS"}, {"Linux", "Linux"},
}

// browserWords names the browser of a session in words; what it does not know it shows as
// it was sent.
func browserWords(agent string) string {
	name, system := "", ""
	for _, b := range browsers {
		if name == "" && strings.Contains(agent, b.mark) {
			name = b.name
		}
	}
	for _, s := range systems {
		if system == "" && strings.Contains(agent, s.mark) {
			system = s.name
		}
	}
	switch {
	case agent == "":
		return "A browser that did not name itself"
	case name == "":
		return agent
	case system == "":
		return name
	}
	return name + " on " + system
}

// strengthHint says the rules for a new password before they are broken.
const strengthHint = "At least 12 characters. A few words in a row are easy to remember."
