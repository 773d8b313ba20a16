package tap

import (
	"crypto/rand"
	"errors"
	"io"
	"log/slog"
	"math/big"
	"strings"
)

// Alphabet is what passcodes are made of: letters of one case and digits, without 0, O, 1
// and I, so that a pass can be read aloud. Its 32 characters carry 5 bits each.
const Alphabet = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"

// BitsPerCharacter is the entropy of one character of a passcode.
const BitsPerCharacter = 5

// A Passcode is the secret that a person types. Only Reveal shows it. It is held by
// pointer because fmt does not call the methods of unexported fields.
type Passcode struct{ text *string }

// String hides the passcode.
func (Passcode) String() string { return "[passcode]" }

// LogValue hides the passcode.
func (Passcode) LogValue() slog.Value { return slog.StringValue("[passcode]") }

// Reveal returns the characters. Call it only to show them once to who asked for the pass.
func (p Passcode) Reveal() string {
	if p.text == nil {
		return ""
	}
	return *p.text
}

// NewPasscode draws a passcode of the given length in characters from r.
func NewPasscode(r io.Reader, length int) (Passcode, error) {
	text := make([]byte, length)
	for i := range text {
		n, err := rand.Int(r, big.NewInt(int64(len(Alphabet))))
		if err != nil {
			return Passcode{}, err
		}
		text[i] = Alphabet[n.Int64()]
	}
	s := string(text)
	return Passcode{text: &s}, nil
}

// errNoPasscode says that what was typed can't be a passcode.
var errNoPasscode = errors.New("not a passcode")

// maxTyped bounds what a person may type, in bytes; a pass has 48 characters at most and
// may be typed with a space or dash after each.
const maxTyped = 200

// ParsePasscode reads what a person typed: spaces, dashes and case don't matter. It fails
// when this can't be any passcode, so that no slow hash is spent on it.
func ParsePasscode(typed string) (Passcode, error) {
	if len(typed) > maxTyped {
		return Passcode{}, errNoPasscode
	}
	text := strings.Map(func(r rune) rune {
		if strings.ContainsRune(" \t\r\n\u00a0-\u2010\u2011\u2012\u2013\u2014", r) {
			return -1
		}
		return r
	}, typed)
	text = strings.ToUpper(text)
	if len(text) < LeastLength || len(text) > MostLength {
		return Passcode{}, errNoPasscode
	}
	for _, r := range text {
		if !strings.ContainsRune(Alphabet, r) {
			return Passcode{}, errNoPasscode
		}
	}
	return Passcode{text: &text}, nil
}
