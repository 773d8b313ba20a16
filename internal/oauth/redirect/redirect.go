// Package redirect decides which redirect URIs an application may register and
// whether the one of a request is registered. It owns comparison and syntax; where
// registrations are kept, and what the page for a mismatch shows, are others' matters.
//
// The comparison is byte for byte, as RFC 9700 section 2.1 asks. Only the port of a
// loopback http URI may vary (RFC 8252 section 7.3; Learn "Redirect URI best practices
// and limitations"). A request whose URI does not match is never redirected.
package redirect

import (
	"slices"
	"strings"

	"github.com/postern-id/postern/internal/fault"
)

// MaxLength is the longest redirect URI that can be registered, in bytes, as in Entra.
const MaxLength = 256

// A Kind says which sort of application a redirect URI belongs to, in Graph the
// properties web, spa and publicClient.
type Kind int

// The kinds of redirect URI.
const (
	Web    Kind = iota + 1 // a server that keeps a credential
	SPA                    // a page whose script redeems the code
	Public                 // an installed application
)

// ErrMismatch reports a redirect URI that is not registered. It is shown on a page.
var ErrMismatch = &fault.Error{
	Kind: fault.Invalid, Code: "redirectMismatch", AADSTS: 50011, Target: "redirect_uri",
	Text:   "The redirect URI of this request is not registered for the application.",
	Remedy: "Register it exactly as the application sends it.",
}

// ErrInvalid reports a redirect URI that can't be registered; its text says why.
var ErrInvalid = &fault.Error{
	Kind: fault.Invalid, Code: "redirectInvalid", Target: "redirectUris",
	Text: "This redirect URI can't be registered.",
}

// Match returns nil if asked equals an entry of registered byte for byte, or differs
// from a loopback http entry in its port only; else ErrMismatch. What Valid refuses
// never matches, even if it got into the list.
func Match(registered []string, asked string) error {
	if len(asked) > MaxLength+len(":65535") || flaw(asked, Public) != "" {
		return ErrMismatch
	}
	if slices.Contains(registered, asked) {
		return nil
	}
	bare, ok := withoutPort(asked)
	if !ok {
		return ErrMismatch
	}
	for _, r := range registered {
		if b, ok := withoutPort(r); ok && b == bare {
			return nil
		}
	}
	return ErrMismatch
}

// Valid returns nil if uri can be registered for kind, else ErrInvalid with the reason.
func Valid(uri string, kind Kind) error {
	reason := flaw(uri, kind)
	if len(uri) > MaxLength {
		reason = "A redirect URI has at most 256 characters."
	}
	if reason != "" {
		return ErrInvalid.With("", reason)
	}
	return nil
}

// withoutPort returns a loopback http URI without its port, and whether it is one.
func withoutPort(uri string) (string, bool) {
	for _, base := range []string{"http://localhost", "http://127.0.0.1", "http://[::1]"} {
		rest, ok := strings.CutPrefix(uri, base)
		if !ok {
			continue
		}
		if after, ok := strings.CutPrefix(rest, ":"); ok {
			end := len(after) - len(strings.TrimLeft(after, "0123456789"))
			if !isPort(after[:end]) {
				return "", false
			}
			rest = after[end:]
		}
		return base + rest, rest == "" || rest[0] == '/' || rest[0] == '?'
	}
	return "", false
}
