package identity

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	_ "embed"
	"encoding/base64"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"
	"golang.org/x/text/unicode/norm"

	"orrery/internal/fault"
)

// The cost of a password hash (argon2id), as OWASP's password storage guidance has it.
const (
	hashMemory = 19 * 1024 // KiB
	hashPasses = 2
	hashLanes  = 1
	saltSize   = 16
	keySize    = 32
)

const (
	minPassword = 12
	maxPassword = 256
	// hashPatience bounds the wait for a slot: beyond it, saying so serves better than a page
	// that never comes.
	hashPatience = 10 * time.Second
)

// hashSlots is how many hashes are worked on at once: each takes a core and 19 MiB.
func hashSlots() int { return min(max(runtime.GOMAXPROCS(0), 1), 8) }

//go:embed common_passwords.txt
var commonText string

// commonPasswords are those of twelve characters and more that are tried first.
var commonPasswords = sync.OnceValue(func() map[string]bool {
	set := map[string]bool{}
	for p := range strings.Lines(commonText) {
		set[strings.TrimSpace(p)] = true
	}
	return set
})

// password checks a new password for a person. It is returned in NFC (RFC 8265, 4.2), so
// that it does not depend on the keyboard; nothing else about it is changed.
func (p *problems) password(s, email, name string) string {
	s = norm.NFC.String(s)
	n := utf8.RuneCountInString(s)
	switch {
	case s == "":
		p.add("password", "Enter a password.")
	case !utf8.ValidString(s):
		p.add("password", "The password contains something that is not text. Type it again.")
	case n < minPassword:
		p.add("password", fmt.Sprintf("Use at least 12 characters; these are %d. A few words in a row are easy to remember.", n))
	case n > maxPassword:
		p.add("password", "Use at most 256 characters.")
	case commonPasswords()[strings.ToLower(s)]:
		p.add("password", "This password is among the first that are tried. Choose another one.")
	case isOwnName(s, email, name):
		p.add("password", "A password must not be your own name or e-mail address. Choose another one.")
	}
	return s
}

// isOwnName reports whether the password is the name, the e-mail address or its local part,
// whatever the case and the signs between, and with or without figures at the ends.
func isOwnName(password, email, name string) bool {
	local, _, _ := strings.Cut(email, "@")
	core := bare(password)
	for _, own := range []string{email, local, name} {
		if own = bare(own); own != "" && (core == own || strings.Trim(core, "0123456789") == strings.Trim(own, "0123456789") && strings.Trim(own, "0123456789") != "") {
			return true
		}
	}
	return false
}

// bare leaves only letters and digits, in lower case.
func bare(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, s)
}

// passwordHash is a stored hash with the parameters it was made with.
type passwordHash struct {
	memory, passes uint32
	lanes          uint8
	salt, key      []byte
}

// String writes the hash as a PHC string, which is what people.password_hash holds.
func (h passwordHash) String() string {
	enc := base64.RawStdEncoding.EncodeToString
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, h.memory, h.passes, h.lanes, enc(h.salt), enc(h.key))
}

var errHash = errors.New("a stored password hash cannot be read")

// parseHash reads a PHC string of argon2id. Costs that no version of Orrery uses are
// refused, as they would stop the server.
func parseHash(s string) (passwordHash, error) {
	part := strings.Split(s, "$")
	if len(part) != 6 || part[0] != "" || part[1] != "argon2id" || part[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return passwordHash{}, errHash
	}
	var h passwordHash
	if _, err := fmt.Sscanf(part[3], "m=%d,t=%d,p=%d", &h.memory, &h.passes, &h.lanes); err != nil {
		return passwordHash{}, errHash
	}
	if part[3] != fmt.Sprintf("m=%d,t=%d,p=%d", h.memory, h.passes, h.lanes) ||
		h.memory < 1024 || h.memory > 256*1024 || h.passes < 1 || h.passes > 16 || h.lanes < 1 || h.lanes > 16 {
		return passwordHash{}, errHash
	}
	var err1, err2 error
	h.salt, err1 = base64.RawStdEncoding.Strict().DecodeString(part[4])
	h.key, err2 = base64.RawStdEncoding.Strict().DecodeString(part[5])
	if err1 != nil || err2 != nil || len(h.salt) < 8 || len(h.salt) > 64 || len(h.key) < 16 || len(h.key) > 64 {
		return passwordHash{}, errHash
	}
	return h, nil
}

// emptyHash returns a hash of today's cost that no password fits.
func emptyHash() passwordHash {
	h := passwordHash{memory: hashMemory, passes: hashPasses, lanes: hashLanes, salt: make([]byte, saltSize), key: make([]byte, keySize)}
	_, _ = rand.Read(h.salt) // never fails
	_, _ = rand.Read(h.key)
	return h
}

func (h passwordHash) of(password string) []byte {
	return argon2.IDKey([]byte(norm.NFC.String(password)), h.salt, h.passes, h.memory, h.lanes, uint32(len(h.key)))
}

// fits does the whole work whether the password fits or not.
func (h passwordHash) fits(password string) bool {
	return subtle.ConstantTimeCompare(h.key, h.of(password)) == 1
}

// outdated reports whether the hash was made at another cost than today's.
func (h passwordHash) outdated() bool {
	return h.memory != hashMemory || h.passes != hashPasses || h.lanes != hashLanes || len(h.key) != keySize
}

// hash returns the PHC string for a new password. The caller holds a slot.
func hash(password string) string {
	h := emptyHash()
	h.key = h.of(password)
	return h.String()
}

// slot waits for leave to work on a hash. Unavailable when it does not come in time.
func (s *Service) slot(ctx context.Context) (release func(), err error) {
	patience := time.NewTimer(hashPatience)
	defer patience.Stop()
	select {
	case s.hashing <- struct{}{}:
		return func() { <-s.hashing }, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("wait to check a password: %w", ctx.Err())
	case <-patience.C:
		return nil, fault.New(fault.Unavailable, "Too many people are signing in just now. Please try again in a moment.")
	}
}

// newHash makes the hash of a new password under a slot.
func (s *Service) newHash(ctx context.Context, password string) (string, error) {
	release, err := s.slot(ctx)
	if err != nil {
		return "", err
	}
	defer release()
	return hash(password), nil
}
