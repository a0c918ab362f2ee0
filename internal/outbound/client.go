// Package outbound is how Orrery reaches addresses that people typed: only where it may, and
// with secrets that are sealed at rest. Webhooks, trackers and chats go through it.
package outbound

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"syscall"
	"time"
)

// Timeout bounds one request with its answer.
const Timeout = 15 * time.Second

// ErrRefused is the cause of a request to an address that is not public and not allowed.
var ErrRefused = errors.New("the address is not public, and the operator did not allow it")

// ErrPlain is the cause of a request by http to an address that the operator did not allow.
var ErrPlain = errors.New("only https is spoken to addresses that the operator did not allow")

// Networks are what the operator allows beside public addresses.
type Networks []netip.Prefix

// ParseNetworks reads prefixes such as 10.1.0.0/16 or single addresses, with commas between.
func ParseNetworks(s string) (Networks, error) {
	var list Networks
	for part := range strings.SplitSeq(s, ",") {
		part = strings.TrimSpace(part)
		if part == "" {
			continue
		}
		if one, err := netip.ParseAddr(part); err == nil {
			part = netip.PrefixFrom(one, one.BitLen()).String()
		}
		p, err := netip.ParsePrefix(part)
		if err != nil {
			return nil, fmt.Errorf("%q is no network such as 10.1.0.0/16", part)
		}
		list = append(list, p.Masked())
	}
	return list, nil
}

func (n Networks) contains(a netip.Addr) bool {
	for _, p := range n {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// reserved are addresses that IsGlobalUnicast lets pass and that are nobody's on the internet:
// what IANA's registries of special-purpose addresses do not call globally reachable, what
// carries an IPv4 address in it, and what went out of use.
var reserved = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"), netip.MustParsePrefix("100.64.0.0/10"), netip.MustParsePrefix("192.0.0.0/24"),
	netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("192.88.99.0/24"), netip.MustParsePrefix("198.18.0.0/15"),
	netip.MustParsePrefix("198.51.100.0/24"), netip.MustParsePrefix("203.0.113.0/24"), netip.MustParsePrefix("240.0.0.0/4"),
	netip.MustParsePrefix("::/96"), netip.MustParsePrefix("::ffff:0:0:0/96"), netip.MustParsePrefix("100:0:0:1::/64"),
	netip.MustParsePrefix("3fff::/20"), netip.MustParsePrefix("5f00::/16"), netip.MustParsePrefix("3ffe::/16"),
	netip.MustParsePrefix("64:ff9b::/96"), netip.MustParsePrefix("64:ff9b:1::/48"), netip.MustParsePrefix("100::/64"),
	netip.MustParsePrefix("2001::/23"), netip.MustParsePrefix("2001:db8::/32"), netip.MustParsePrefix("2002::/16"), netip.MustParsePrefix("fec0::/10"),
}

// Public reports whether the address is one of the internet's, where nothing of the
// operator's own network answers.
func Public(a netip.Addr) bool {
	a = a.Unmap()
	if !a.IsValid() || a.Zone() != "" || !a.IsGlobalUnicast() || a.IsPrivate() || a.IsLoopback() || a.IsLinkLocalUnicast() {
		return false
	}
	for _, p := range reserved {
		if p.Contains(a) {
			return false
		}
	}
	return true
}

type plainKey struct{}

// Client is an HTTP client whose every connection is checked after the name was resolved, so
// that no name leads to where it may not. It follows no redirect and uses no proxy.
func Client(allowed Networks) *http.Client {
	dialer := &net.Dialer{Timeout: 5 * time.Second, ControlContext: func(ctx context.Context, _, address string, _ syscall.RawConn) error {
		at, err := netip.ParseAddrPort(address)
		if err != nil {
			return fmt.Errorf("%w: %s", ErrRefused, address)
		}
		a := at.Addr().Unmap()
		switch {
		case allowed.contains(a):
			return nil
		case !Public(a):
			return ErrRefused
		case ctx.Value(plainKey{}) != nil:
			return ErrPlain
		}
		return nil
	}}
	return &http.Client{
		Timeout: Timeout,
		Transport: marking{&http.Transport{
			DialContext: dialer.DialContext, ForceAttemptHTTP2: true, TLSHandshakeTimeout: 5 * time.Second, ResponseHeaderTimeout: Timeout,
			MaxIdleConns: 50, MaxIdleConnsPerHost: 8, IdleConnTimeout: 30 * time.Second, MaxResponseHeaderBytes: 64 << 10,
		}},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// marking tells the dialer which requests are not by https.
type marking struct{ next http.RoundTripper }

func (m marking) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Scheme != "https" {
		r = r.WithContext(context.WithValue(r.Context(), plainKey{}, true))
	}
	return m.next.RoundTrip(r)
}

// CheckURL says in words what is wrong with an address that somebody typed; empty when
// nothing is. Whether it may be reached is only known at a connection.
func CheckURL(s string) string {
	u, err := url.Parse(s)
	switch {
	case err != nil || u.Host == "" || u.Hostname() == "" || u.Scheme != "https" && u.Scheme != "http":
		return "Write an address that begins with https://."
	case u.User != nil:
		return "Leave the name and password out of the address: it is shown."
	case u.Fragment != "":
		return "Leave out what follows the #: it is never sent."
	case len(s) > 2000:
		return "Keep the address under 2,000 characters."
	}
	if a, err := netip.ParseAddr(u.Hostname()); err == nil && a.Zone() != "" {
		return "Write the address without a zone."
	}
	return ""
}

// Say says in words for people why a request failed, without what a receiver answered.
func Say(err error) string {
	var dns *net.DNSError
	var timeout interface{ Timeout() bool }
	switch {
	case errors.Is(err, ErrRefused):
		return "The address is not public. The operator may allow its network with ORRERY_OUTBOUND_ALLOW."
	case errors.Is(err, ErrPlain):
		return "The address is not https, and its network is not in ORRERY_OUTBOUND_ALLOW."
	case errors.As(err, &dns):
		return "The name of the host is not known."
	case errors.As(err, &timeout) && timeout.Timeout():
		return "There was no answer in time."
	}
	return "The connection failed."
}

// Door is what rooms send through, shared by them: a vault for secrets and a client. It is
// closed until the program has read its settings, and then changes no more.
type Door struct {
	*Vault
	Client *http.Client
}

// NewDoor returns a door without a key, to public addresses only.
func NewDoor() *Door { return &Door{Vault: &Vault{}, Client: Client(nil)} }
