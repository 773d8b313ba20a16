// Package totp implements one-time codes that an app counts from the time (RFC 6238): what a
// code is, which one works now, and how the secret gets into the app. The database refuses a
// code's second use, since the step that a code belongs to is the credential's counter.
// Guesses are throttled by package signin; docs/codes-and-passwords.md has the facts and their sources.
package totp

import (
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // RFC 6238 names it, and HMAC does not need it free of collisions
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"hash"
	"io"
	"net/url"
	"strings"
	"time"
)

// An Algorithm is the hash under the HMAC, by its name in otpauth URIs.
type Algorithm string

// The algorithms. Every app knows the first.
const (
	SHA1   Algorithm = "SHA1"
	SHA256 Algorithm = "SHA256"
)

const (
	// Digits is the length of a code.
	Digits = 6
	// Period is how long a code is shown.
	Period = 30 * time.Second
	// Skew is how many steps a phone's clock may be ahead or behind (RFC 6238 section 5.2).
	Skew = 1
)

// A Key is what the app and the server share.
type Key struct {
	Algorithm Algorithm `json:"algorithm"`
	Secret    []byte    `json:"secret"`
}

// NewKey draws a key as long as the algorithm's output (RFC 6238 section 5.1) from rand.
func NewKey(rand io.Reader, a Algorithm) (Key, error) {
	k := Key{Algorithm: a, Secret: make([]byte, a.hash()().Size())}
	_, err := io.ReadFull(rand, k.Secret)
	return k, err
}

func (a Algorithm) hash() func() hash.Hash {
	if a == SHA256 {
		return sha256.New
	}
	return sha1.New
}

// Step is the number of the period that at lies in.
func Step(at time.Time) int64 { return at.Unix() / int64(Period/time.Second) }

// Code returns the code of a step (RFC 4226 section 5.3).
func (k Key) Code(step int64) string {
	mac := hmac.New(k.Algorithm.hash(), k.Secret)
	_ = binary.Write(mac, binary.BigEndian, step)
	sum := mac.Sum(nil)
	at := sum[len(sum)-1] & 0x0f
	number := binary.BigEndian.Uint32(sum[at:at+4]) & 0x7fffffff
	return fmt.Sprintf("%0*d", Digits, number%1_000_000)
}

// Match returns the newest step around at whose code was typed. Which one it was is not told
// by time.
func (k Key) Match(typed string, at time.Time) (step int64, ok bool) {
	for s := Step(at) - Skew; s <= Step(at)+Skew; s++ {
		if subtle.ConstantTimeCompare([]byte(k.Code(s)), []byte(typed)) == 1 {
			step, ok = s, true
		}
	}
	return step, ok
}

// ParseCode reads what a person typed: apps show codes with a space in the middle, and
// keyboards of some languages have digits of their own. It reports whether it can be a code.
func ParseCode(typed string) (string, bool) {
	const most = 64 // bytes
	if len(typed) > most {
		return "", false
	}
	var code strings.Builder
	for _, r := range typed {
		switch {
		case r >= '0' && r <= '9':
			code.WriteRune(r)
		case r >= '٠' && r <= '٩': // Arabic-Indic
			code.WriteRune('0' + r - '٠')
		case r >= '０' && r <= '９': // fullwidth
			code.WriteRune('0' + r - '０')
		case !strings.ContainsRune(" \t\r\n\u00a0\u2009\u202f-", r):
			return "", false
		}
	}
	return code.String(), code.Len() == Digits
}

var text32 = base32.StdEncoding.WithPadding(base32.NoPadding)

// Text is the secret as an app takes it by hand: base32 in groups of four.
func (k Key) Text() string {
	text := text32.EncodeToString(k.Secret)
	var out strings.Builder
	for i := 0; i < len(text); i += 4 {
		if i > 0 {
			out.WriteByte(' ')
		}
		out.WriteString(text[i:min(i+4, len(text))])
	}
	return out.String()
}

// URI is what an app reads from the QR code. Issuer and account are what it shows.
// https://github.com/google/google-authenticator/wiki/Key-Uri-Format
func (k Key) URI(issuer, account string) string {
	clean := func(s string) string { return url.PathEscape(strings.ReplaceAll(s, ":", " ")) }
	q := url.Values{
		"secret": {text32.EncodeToString(k.Secret)}, "issuer": {issuer}, "algorithm": {string(k.Algorithm)},
		"digits": {fmt.Sprint(Digits)}, "period": {fmt.Sprint(int(Period / time.Second))},
	}
	// Apps read %20 and not every one of them reads + as a space.
	return "otpauth://totp/" + clean(issuer) + ":" + clean(account) + "?" + strings.ReplaceAll(q.Encode(), "+", "%20")
}
