package container

import (
	"strings"
	"time"
	"unicode/utf8"

	"github.com/postern-id/postern/internal/devicepolicy"
)

// Rules say what a PIN may be. They follow the PassportForWork CSP.
// https://learn.microsoft.com/windows/client-management/mdm/passportforwork-csp
type Rules struct {
	Least, Most                   int // characters
	Digits, Lower, Upper, Special Class
	// Past is how many of the last PINs are refused, the present one counted: History, and one
	// at least where PINs expire, since a change that changes nothing would be none.
	Past    int
	Expires time.Duration // after which a PIN has to be changed; 0 is never
}

// A Class says how a kind of character stands: allowed, required or not allowed.
type Class int64

// The values of a class, as in the CSP.
const (
	Allowed Class = iota
	Required
	NotAllowed
)

// RulesFrom reads the rules out of the effective policy. When all kinds of character are
// merely allowed, a PIN has digits only.
func RulesFrom(e devicepolicy.Effective) Rules {
	class := func(uri string) Class { return Class(e[uri].Value.Int()) }
	r := Rules{
		Least: int(e[devicepolicy.MinimumPINLength].Value.Int()), Most: int(e[devicepolicy.MaximumPINLength].Value.Int()),
		Digits: class(devicepolicy.PINDigits), Lower: class(devicepolicy.PINLowercase),
		Upper: class(devicepolicy.PINUppercase), Special: class(devicepolicy.PINSpecial),
	}
	if r.Digits == Allowed && r.Lower == Allowed && r.Upper == Allowed && r.Special == Allowed {
		r.Digits, r.Lower, r.Upper, r.Special = Required, NotAllowed, NotAllowed, NotAllowed
	}
	r.Past = int(e[devicepolicy.PINHistory].Value.Int())
	if days := e[devicepolicy.PINExpiration].Value.Int(); days > 0 {
		r.Expires, r.Past = time.Duration(days)*24*time.Hour, max(1, r.Past)
	}
	return r
}

// WarnFor is how long before it expires people are told to change a PIN.
const WarnFor = 7 * 24 * time.Hour

// Ends returns when a PIN that was chosen at setAt has to be changed; the zero time is never.
func (r Rules) Ends(setAt time.Time) time.Time {
	if r.Expires <= 0 {
		return time.Time{}
	}
	return setAt.Add(r.Expires)
}

// special are the characters that the CSP counts as special ones.
const special = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"

// Check reports the first rule that pin breaks, as a [Weak].
func (r Rules) Check(pin string) error {
	n := utf8.RuneCountInString(pin)
	switch {
	case n < r.Least:
		return Weak{Rule: TooShort, Number: r.Least}
	case n > r.Most:
		return Weak{Rule: TooLong, Number: r.Most}
	}
	for _, kind := range []struct {
		rule Class
		has  bool
		kind Kind
	}{
		{r.Digits, strings.ContainsFunc(pin, digit), Digits},
		{r.Lower, strings.ContainsFunc(pin, func(c rune) bool { return c >= 'a' && c <= 'z' }), SmallLetters},
		{r.Upper, strings.ContainsFunc(pin, func(c rune) bool { return c >= 'A' && c <= 'Z' }), CapitalLetters},
		{r.Special, strings.ContainsAny(pin, special), SpecialCharacters},
	} {
		switch {
		case kind.rule == Required && !kind.has:
			return Weak{Rule: Missing, Kind: kind.kind}
		case kind.rule == NotAllowed && kind.has:
			return Weak{Rule: Unwanted, Kind: kind.kind}
		}
	}
	if strings.ContainsFunc(pin, func(c rune) bool { return c <= ' ' || c > '~' }) {
		return Weak{Rule: NoKey}
	}
	if simple(pin) {
		return Weak{Rule: Row}
	}
	return nil
}

func digit(c rune) bool { return c >= '0' && c <= '9' }

// simple reports whether a PIN of digits goes on by the same step all the way, counted
// around from 9 to 0: 1111, 1234, 1357, 9630, 1593, 7036.
func simple(pin string) bool {
	if strings.ContainsFunc(pin, func(c rune) bool { return !digit(c) }) {
		return false
	}
	for i := 2; i < len(pin); i++ {
		if (int(pin[i])-int(pin[i-1])+10)%10 != (int(pin[1])-int(pin[0])+10)%10 {
			return false
		}
	}
	return true
}
