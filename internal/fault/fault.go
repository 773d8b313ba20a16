// Package fault declares what a person may be told when something is refused.
//
// A fault belongs to the rule it reports and is declared next to it. It knows no
// protocol: each edge (Graph, OAuth, pages, CLI) has one function that turns a fault
// into its own envelope. An error that is no fault is a bug or an outage; it is logged,
// and the caller gets a correlation id only. docs/errors.md lists every code.
package fault

// Kind says what went wrong, so that each protocol can choose its status.
type Kind int

// The kinds of fault.
const (
	Invalid      Kind = iota + 1 // the request is wrong and will stay wrong
	Unsupported                  // understood, but not offered here
	Unauthorized                 // nobody is signed in, or the credential is no good
	Forbidden                    // known who it is, and it is not allowed
	NotFound                     // there is no such thing, or it must not be shown
	Conflict                     // it clashes with what is there
	TooLarge                     // more than is accepted in one go
	TooMany                      // try again later; see Error.RetryAfter
	Unavailable                  // the server can't do it now; see Error.Remedy
	MediaType                    // the body has a type or encoding that is not read
	Method                       // the resource is there, the verb is not offered
	Gone                         // a cursor or link that worked once and no longer does
	Precondition                 // somebody else changed it first
)

// Error is a failure that a person may be told. Its values are declared once, as
// package variables, and compared with errors.Is; With makes a copy that says more.
type Error struct {
	Kind Kind
	// Code is stable, lowerCamelCase, and listed in docs/errors.md.
	Code string
	// Text is one plain sentence that says what happened.
	Text string
	// Remedy is one plain sentence that says what to do; it may be empty.
	Remedy string
	// Target names the property or parameter that is wrong, in the caller's words.
	Target string
	// AADSTS is Entra's number for the failure, or 0 where there is none.
	AADSTS int
	// RetryAfter is in whole seconds, for TooMany and Unavailable; 0 leaves it open.
	RetryAfter int
}

// Error returns the sentence and the remedy.
func (e *Error) Error() string {
	if e.Remedy == "" {
		return e.Text
	}
	return e.Text + " " + e.Remedy
}

// Is reports whether target is the same declared fault, whatever With added.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Code == e.Code
}

// With returns a copy of e that says text instead and names target, the property or
// parameter at fault. An empty argument keeps what e says.
func (e *Error) With(target, text string) *Error {
	c := *e
	if text != "" {
		c.Text = text
	}
	if target != "" {
		c.Target = target
	}
	return &c
}

// After returns a copy of e that asks to wait for the given whole seconds.
func (e *Error) After(seconds int) *Error {
	c := *e
	c.RetryAfter = max(1, seconds)
	return &c
}
