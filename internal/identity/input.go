package identity

import (
	"net/mail"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"orrery/internal/fault"
)

const (
	maxName  = 120 // characters, as the columns' checks say
	maxEmail = 254 // RFC 5321, 4.5.3.1.3
	maxLocal = 64  // RFC 5321, 4.5.3.1.1
)

// problems collects a message for each field before anything is written.
type problems []fault.Field

func (p *problems) add(field, message string) {
	*p = append(*p, fault.Field{Name: field, Message: message})
}

func (p *problems) err() error { return fault.InvalidFields(*p...) }

// name returns s in NFC without space around it: 1 to 120 characters that can be seen.
func (p *problems) name(s string) string {
	if !utf8.ValidString(s) || strings.ContainsFunc(s, unseen) {
		p.add("name", "The name contains characters that cannot be shown. Type it again without them.")
		return ""
	}
	s = strings.TrimSpace(norm.NFC.String(s))
	switch n := utf8.RuneCountInString(s); {
	case !strings.ContainsFunc(s, visible):
		p.add("name", "Enter a name.")
	case n > maxName:
		p.add("name", "Use at most 120 characters.")
	}
	return s
}

// unseen reports control characters and those that turn the direction of the text around
// them or break the line: in a name they only deceive.
func unseen(r rune) bool {
	return unicode.IsControl(r) || r >= '\u202A' && r <= '\u202E' || r >= '\u2066' && r <= '\u2069' ||
		r == '\u2028' || r == '\u2029' || r == '\uFEFF'
}

func visible(r rune) bool { return unicode.In(r, unicode.L, unicode.N, unicode.P, unicode.S) }

// email returns the address in the one form that is stored.
func (p *problems) email(s string) string {
	address, message := canonicalEmail(s)
	if message != "" {
		p.add("email", message)
	}
	return address
}

// canonicalEmail returns the address trimmed and in lower case, or a message. Addresses are
// plain ASCII (an international domain is written in its xn-- form), so that two that look
// alike are alike, and every database lowers them in the same way.
func canonicalEmail(s string) (address, message string) {
	s = strings.ToLower(strings.TrimSpace(s))
	local, domain, found := strings.Cut(s, "@")
	switch {
	case s == "":
		return "", "Enter an e-mail address."
	case len(s) > maxEmail || len(local) > maxLocal:
		return "", "This e-mail address is too long."
	case strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' }):
		return "", "Write the e-mail address in plain Latin letters, digits and signs, without spaces."
	}
	parsed, err := mail.ParseAddress(s)
	if !found || err != nil || parsed.Address != s || parsed.Name != "" || strings.ContainsAny(s, `"<>()[]\,;:`) || !validDomain(domain) {
		return "", "Enter an e-mail address such as ada@example.org."
	}
	return s, ""
}

var domainLabel = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)

func validDomain(s string) bool {
	for label := range strings.SplitSeq(s, ".") {
		if !domainLabel.MatchString(label) {
			return false
		}
	}
	return true
}

var keyPattern = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{1,39}$`)

func (p *problems) key(s string) string {
	s = strings.TrimSpace(s)
	if s == "new" {
		p.add("key", "The key new is an address of Orrery itself. Choose another one.")
	} else if !keyPattern.MatchString(s) {
		p.add("key", "Use 2 to 40 small letters, digits and hyphens, and begin with a letter or a digit.")
	}
	return s
}

// roles returns the roles sorted and each once.
func (p *problems) roles(roles []OrgRole) []OrgRole {
	for _, r := range roles {
		if r != Admin && r != Curator && r != Auditor {
			p.add("role", "Choose admin, curator or auditor.")
			return nil
		}
	}
	roles = slices.Clone(roles)
	slices.Sort(roles)
	return slices.Compact(roles)
}

func (p *problems) teamRole(r TeamRole) {
	if r != Lead && r != Member {
		p.add("role", "Choose lead or member.")
	}
}

func (p *problems) kind(k GrantKind) {
	if k != Approver && k != Facilitator {
		p.add("kind", "Choose approver or facilitator.")
	}
}

// shown returns what a browser said of itself, cut to n characters, safe to store and show.
func shown(s string, n int) string {
	s = strings.Map(func(r rune) rune {
		if unseen(r) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
	if r := []rune(s); len(r) > n {
		s = string(r[:n])
	}
	return s
}
