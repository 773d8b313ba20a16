package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"strconv"
	"strings"
	"time"
)

// The headers of a message. https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
const (
	HeaderID        = "webhook-id"
	HeaderTimestamp = "webhook-timestamp"
	HeaderSignature = "webhook-signature"
)

const (
	// secretPrefix begins a secret as people copy it.
	secretPrefix = "whsec_"
	// SecretSize is what a secret has of random bytes; the standard says 24 to 64.
	SecretSize = 32
	// scheme is HMAC-SHA-256.
	scheme = "v1,"
)

// Shown is a secret in the form that libraries of the standard take.
func Shown(key []byte) string { return secretPrefix + base64.StdEncoding.EncodeToString(key) }

// Stamp is a time as it is signed.
func Stamp(at time.Time) string { return strconv.FormatInt(at.Unix(), 10) }

// Sign returns the signatures of a message under each of keys, as they stand in HeaderSignature.
func Sign(id, stamp, body string, keys ...[]byte) string {
	all := make([]string, len(keys))
	for i, key := range keys {
		mac := hmac.New(sha256.New, key)
		_, _ = mac.Write([]byte(id + "." + stamp + "." + body))
		all[i] = scheme + base64.StdEncoding.EncodeToString(mac.Sum(nil))
	}
	return strings.Join(all, " ")
}

// Tolerance is how far the clock of who signed may be off.
const Tolerance = 5 * time.Minute

// Verify reports whether signatures has one of the message under key that was made about now.
func Verify(id, stamp, body, signatures string, key []byte, now time.Time) bool {
	at, err := strconv.ParseInt(stamp, 10, 64)
	if err != nil || id == "" || strings.Contains(id, ".") || len(key) == 0 {
		return false
	}
	if d := now.Sub(time.Unix(at, 0)); d > Tolerance || d < -Tolerance {
		return false
	}
	want, ok := []byte(Sign(id, stamp, body, key)), false
	for i, one := range strings.Fields(signatures) {
		if i < 10 && hmac.Equal([]byte(one), want) {
			ok = true
		}
	}
	return ok
}
