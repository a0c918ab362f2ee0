package webhook

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"strconv"
	"strings"
	"time"
)

// The headers of a delivery, by the Standard Webhooks specification.
const (
	HeaderID        = "webhook-id"
	HeaderTimestamp = "webhook-timestamp"
	HeaderSignature = "webhook-signature"
)

const (
	secretPrefix = "whsec_"
	tolerance    = 5 * time.Minute // between the clocks of sender and receiver
)

func newSecret() string {
	raw := make([]byte, 32)
	_, _ = rand.Read(raw) // never fails
	return secretPrefix + base64.StdEncoding.EncodeToString(raw)
}

// Sign returns the signature of a delivery: one for each secret, with spaces between.
func Sign(secrets []string, id string, at time.Time, body []byte) (string, error) {
	signatures := make([]string, 0, len(secrets))
	for _, s := range secrets {
		sum, err := digest(s, id, strconv.FormatInt(at.Unix(), 10), body)
		if err != nil {
			return "", err
		}
		signatures = append(signatures, "v1,"+base64.StdEncoding.EncodeToString(sum))
	}
	return strings.Join(signatures, " "), nil
}

func digest(secret, id, timestamp string, body []byte) ([]byte, error) {
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, secretPrefix))
	if err != nil || len(key) < 24 {
		return nil, errors.New("a secret begins with whsec_ and holds at least 24 bytes")
	}
	h := hmac.New(sha256.New, key)
	_, _ = h.Write([]byte(id + "." + timestamp + "."))
	_, _ = h.Write(body)
	return h.Sum(nil), nil
}

// Verify reports whether a delivery is what the holder of the secret signed, at most five
// minutes from now. It is what a receiver does; docs/webhooks.md says it in other languages.
func Verify(secret, id, timestamp, signatures string, body []byte, now time.Time) error {
	seconds, err := strconv.ParseInt(timestamp, 10, 64)
	if err != nil {
		return errors.New("the timestamp is no number of seconds")
	}
	if apart := now.Sub(time.Unix(seconds, 0)); apart > tolerance || apart < -tolerance {
		return errors.New("the timestamp is more than five minutes away")
	}
	want, err := digest(secret, id, timestamp, body)
	if err != nil {
		return err
	}
	for signature := range strings.FieldsSeq(signatures) {
		encoded, known := strings.CutPrefix(signature, "v1,")
		if got, err := base64.StdEncoding.DecodeString(encoded); known && err == nil && hmac.Equal(got, want) {
			return nil
		}
	}
	return errors.New("no signature fits")
}
