package authenticator

import (
	"io"
	"strings"
	"time"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/method"
)

// An Enrolment lets one phone be added to an account: by its code, once, within EnrolWithin,
// and while the session that asked for it lives.
type Enrolment struct {
	Tenant    directory.TenantID
	ID        string // UUID
	User      directory.UserID
	CodeHash  string
	CreatedAt time.Time
	EndsAt    time.Time
	UsedAt    time.Time
	Origin    method.Origin
}

// Codes are of the characters of passes, so that they can be read aloud: 12 of them carry 60
// bits.
const (
	codeAlphabet = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
	codeLength   = 12
	codeGroup    = 4
	maxTypedCode = 64 // bytes
)

// NewCode draws a code from r.
func NewCode(r io.Reader) (string, error) {
	raw := make([]byte, codeLength)
	if _, err := io.ReadFull(r, raw); err != nil {
		return "", err
	}
	for i, b := range raw {
		raw[i] = codeAlphabet[b%byte(len(codeAlphabet))] // 256 is a multiple of 32: no bias
	}
	return string(raw), nil
}

// ShowCode returns code as people read it: ABCD-EFGH-JKLM.
func ShowCode(code string) string {
	var parts []string
	for len(code) > codeGroup {
		parts, code = append(parts, code[:codeGroup]), code[codeGroup:]
	}
	return strings.Join(append(parts, code), "-")
}

// ParseCode reads what a person typed or a QR code said: spaces, dashes and case don't matter.
// It reports whether this can be a code at all.
func ParseCode(typed string) (string, bool) {
	if len(typed) > maxTypedCode {
		return "", false
	}
	code := strings.ToUpper(strings.Map(func(r rune) rune {
		if strings.ContainsRune(" \t\r\n\u00a0-\u2010\u2011\u2012\u2013\u2014", r) {
			return -1
		}
		return r
	}, typed))
	return code, len(code) == codeLength && strings.Trim(code, codeAlphabet) == ""
}
