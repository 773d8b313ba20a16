// Package usercode makes and reads the codes that a person types for another device
// (RFC 8628 section 6.1). They are of the characters of passes, so that they can be read
// aloud: 8 of them carry 40 bits. Who may try how often is decided by others.
package usercode

import (
	"io"

	"github.com/postern-id/postern/internal/method/tap"
)

const (
	length = 8
	group  = 4 // characters between dashes
	// maxTyped bounds what a person may type, in bytes.
	maxTyped = 64
)

// New draws a code from r.
func New(r io.Reader) (string, error) {
	c, err := tap.NewPasscode(r, length)
	return c.Reveal(), err
}

// Show returns code as it is shown: ABCD-EFGH.
func Show(code string) string {
	if len(code) != length {
		return code
	}
	return code[:group] + "-" + code[group:]
}

// Parse reads what a person typed: spaces, dashes and case don't matter. It reports whether
// this can be a code at all.
func Parse(typed string) (string, bool) {
	if len(typed) > maxTyped {
		return "", false
	}
	c, err := tap.ParsePasscode(typed)
	code := c.Reveal()
	return code, err == nil && len(code) == length
}
