// Package ui holds the components every page of Orrery is built from: the
// frame, status words with their shapes, form fields, tables, panels and the
// small charts. Components get everything they show as typed props and ask
// nobody anything. Text is always escaped; no component writes an inline style
// or script, and every form works without JavaScript.
//
// Components that stand many times on a page are written in Go, the others in
// templ; the generated code is kept next to its source.
package ui

import (
	"context"
	"io"
	"strconv"
	"strings"

	"github.com/a-h/templ"
)

// Link is a text that leads somewhere.
type Link struct{ Text, Href string }

// NavItem is one entry of the main navigation.
type NavItem struct {
	Text, Href string
	Current    bool
}

// PersonRef is a person as the pages name them; Href may be empty.
type PersonRef struct{ Name, Href string }

// FieldError says what is wrong with the field of that name. An empty Name is
// an error of the whole form.
type FieldError struct{ Name, Message string }

// FieldErrors are the errors of one form, in the order of its fields.
type FieldErrors []FieldError

// For returns the message for a field, empty when it has none.
func (e FieldErrors) For(name string) string {
	for _, one := range e {
		if one.Name == name {
			return one.Message
		}
	}
	return ""
}

// Page is what the frame of a page needs to know.
type Page struct {
	Title   string // of the page, without the name of the product
	Org     string // the organisation's name
	Home    string // where the brand leads; empty means /
	Nav     []NavItem
	Crumbs  []Link     // the way here; the last one is this page and needs no Href
	Person  *PersonRef // who is signed in; nil shows no menu
	SignOut string     // where the sign-out form posts; empty means /sign-out
	Search  string     // where the search form asks (GET, field q); empty shows none
	Query   string     // what was searched for
	Help    string     // the help page; empty shows no link
	Sample  bool       // the installation holds sample data
	Notice  string     // what just happened, said once after a redirect
	Errors  FieldErrors
	Refresh int    // seconds after which a browser without script loads again; 0 never
	Theme   string // "light", "dark" or "" (the system decides); see Theme
	Footer  []Link
}

// ThemeCookie is the cookie the script and the settings page keep the theme in.
const ThemeCookie = "orrery-theme"

// Theme returns the theme a cookie's value asks for, or "" for anything else.
func Theme(cookie string) string {
	if cookie == "light" || cookie == "dark" {
		return cookie
	}
	return ""
}

// documentTitle is the text of the title element. Pages with errors say so
// first, so that a screen reader tells it before anything else.
func (p Page) documentTitle() string {
	if len(p.Errors) > 0 {
		return "Error: " + p.Title + " - Orrery"
	}
	return p.Title + " - Orrery"
}

func (p Page) home() string    { return or(p.Home, "/") }
func (p Page) signOut() string { return or(p.SignOut, "/sign-out") }

func (p Page) footerText() string {
	if p.Org == "" {
		return "Orrery. All times are UTC."
	}
	return "Orrery at " + p.Org + ". All times are UTC."
}

// FieldID is the id of the form field with that name: what labels, hints and
// the error summary point at.
func FieldID(name string) string {
	return "f-" + strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_' || r == '-' {
			return r
		}
		return '-'
	}, name)
}

func or(value, otherwise string) string {
	if value != "" {
		return value
	}
	return otherwise
}

// markup is text that is already HTML: constants of this package, never input.
type markup string

// Render writes the markup as it is.
func (m markup) Render(_ context.Context, w io.Writer) error {
	_, err := io.WriteString(w, string(m))
	return err
}

var _ templ.Component = markup("")

func itoa(n int) string { return strconv.Itoa(n) }
