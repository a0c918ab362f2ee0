package identity

import (
	"crypto/rand"
	"crypto/sha256"
	"hash/crc32"
	"strings"
)

const (
	tokenPrefix   = "orr_pat_" // of a person
	servicePrefix = "orr_svc_" // of a service; as long as the other
	tokenRandom   = 27         // base62 characters: 160.7 bits
	tokenCheck    = 6          // base62 characters: the CRC-32 of all before them
	tokenHint     = 4
	base62        = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
)

// newSecret returns the secret of a session or a link: 130 random bits in base32, safe in
// addresses and cookies.
func newSecret() string { return rand.Text() }

// digest is what is stored of a secret. The secrets are random and long, so one round of
// SHA-256 is enough, and the index may look the hash up.
func digest(secret string) []byte {
	sum := sha256.Sum256([]byte(secret))
	return sum[:]
}

// newToken returns the secret of an API token. Its prefix lets secret scanners know it.
func newToken(prefix string) string {
	return withCheck(prefix + randomBase62(tokenRandom))
}

func randomBase62(n int) string {
	out := make([]byte, 0, n)
	for buf := make([]byte, 2*n); len(out) < n; {
		_, _ = rand.Read(buf) // never fails
		for _, b := range buf {
			if b &= 63; b < 62 && len(out) < n { // refused beyond 62, so that each is as likely
				out = append(out, base62[b])
			}
		}
	}
	return string(out)
}

func withCheck(s string) string {
	check := make([]byte, tokenCheck)
	for i, sum := tokenCheck-1, crc32.ChecksumIEEE([]byte(s)); i >= 0; i-- {
		check[i] = base62[sum%62]
		sum /= 62
	}
	return s + string(check)
}

// wellFormedToken reports whether s can be a token at all. A mistyped or cut one is refused
// without asking the database.
func wellFormedToken(s string) bool {
	return len(s) == len(tokenPrefix)+tokenRandom+tokenCheck && (strings.HasPrefix(s, tokenPrefix) || strings.HasPrefix(s, servicePrefix)) &&
		withCheck(s[:len(s)-tokenCheck]) == s
}
