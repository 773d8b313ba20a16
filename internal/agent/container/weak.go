package container

import (
	"fmt"

	"github.com/postern-id/postern/internal/fault"
)

// ErrPIN says what is wrong with a PIN that a person chose, and how to choose another.
var ErrPIN = &fault.Error{Kind: fault.Invalid, Code: "pinTooWeak", Text: "Choose another PIN."}

// Weak reports a PIN that breaks a rule. It is an ErrPIN, whose sentence is English; who
// speaks another language makes their own of the fields.
type Weak struct {
	Rule   Rule
	Number int  // of characters, for TooShort and TooLong
	Kind   Kind // for Missing and Unwanted
}

// A Rule is what is asked of a PIN that breaks it. Its values are stable: words go by them.
type Rule string

// The rules.
const (
	TooShort Rule = "short"
	TooLong  Rule = "long"
	Missing  Rule = "missing"  // a kind of character
	Unwanted Rule = "unwanted" // a kind of character
	NoKey    Rule = "keyboard" // a character that some keyboards lack
	Row      Rule = "row"      // such as 1234
	Present  Rule = "present"  // it is the PIN that is to be changed
	Former   Rule = "former"   // it was theirs before
)

// RuleNames are all rules.
var RuleNames = []Rule{TooShort, TooLong, Missing, Unwanted, NoKey, Row, Present, Former}

// A Kind is a kind of character that a rule is about.
type Kind string

// The kinds.
const (
	Digits            Kind = "digits"
	SmallLetters      Kind = "small letters"
	CapitalLetters    Kind = "capital letters"
	SpecialCharacters Kind = "special characters"
)

// What is said of PINs that a person has or had.
var (
	ErrPresent = Weak{Rule: Present}
	errFormer  = Weak{Rule: Former}
)

// Error implements error.
func (w Weak) Error() string {
	switch w.Rule {
	case TooShort:
		return fmt.Sprintf("Too short. Use at least %d characters.", w.Number)
	case TooLong:
		return fmt.Sprintf("Too long. Use at most %d characters.", w.Number)
	case Missing:
		return fmt.Sprintf("Use %s, too.", w.Kind)
	case Unwanted:
		return fmt.Sprintf("Leave %s out.", w.Kind)
	case NoKey:
		return "Use only characters that every keyboard has, without spaces."
	case Row:
		return "Too easy to guess. Avoid rows like 1111, 1234 or 9753."
	case Present:
		return "That's the present PIN. Choose another."
	case Former:
		return "You had this PIN before. Choose another."
	}
	return ErrPIN.Text
}

// Unwrap makes Weak a fault.
func (w Weak) Unwrap() error { return ErrPIN.With("pin", w.Error()) }
