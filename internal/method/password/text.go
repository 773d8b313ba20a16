// Package password owns passwords: which ones are good enough, how they are kept, how they are
// changed and reset. They are there because real organisations still have them; the method is
// off until a tenant turns it on, and nothing needs it. Guesses are throttled by package
// signin; docs/codes-and-passwords.md has the facts and their sources.
package password

import (
	"log/slog"

	"golang.org/x/text/secure/precis"
)

// maxTyped bounds a password in bytes.
const maxTyped = 256

// A Text is a password as it was typed. Only Reveal shows it. It is held by pointer because
// fmt does not call the methods of unexported fields.
type Text struct{ text *string }

// String hides the password.
func (Text) String() string { return "[password]" }

// LogValue hides the password.
func (Text) LogValue() slog.Value { return slog.StringValue("[password]") }

// Reveal returns the characters.
func (t Text) Reveal() string {
	if t.text == nil {
		return ""
	}
	return *t.text
}

// Parse reads what a person typed, so that one password is the same from every keyboard and
// system (RFC 8265 section 4.2, OpaqueString): letters with marks have one form, spaces are
// plain, and nothing is folded or cut. It reports whether it can be a password.
func Parse(typed string) (Text, bool) {
	if len(typed) > maxTyped {
		return Text{}, false
	}
	text, err := precis.OpaqueString.String(typed)
	if err != nil || len(text) > maxTyped {
		return Text{}, false
	}
	return Text{&text}, true
}
