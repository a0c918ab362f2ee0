package questionnaire

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"strings"
	"time"
)

// Digest identifies what the check looks for: the hexadecimal of 16 bytes of the SHA-256
// over source, key, expectation, look-back, age limit and level. Checks with equal
// digests share a verdict, whatever question or set they stand in.
func (c Check) Digest() string {
	if c.digest != "" {
		return c.digest
	}
	parts := []string{c.Source, c.Key, c.Expect, seconds(c.Within), seconds(c.MaxAge), c.Level}
	for i, p := range parts {
		parts[i] = strconv.Itoa(len(p)) + ":" + p
	}
	sum := sha256.Sum256([]byte(strings.Join(parts, ",")))
	return hex.EncodeToString(sum[:16])
}

func seconds(d time.Duration) string { return strconv.FormatFloat(d.Seconds(), 'f', -1, 64) }
