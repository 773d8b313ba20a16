package filter

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/postern-id/postern/internal/fault"
)

// A dialect is the table from which the lexer and the parser take one grammar's words.
// Words are compared without regard to case; an empty one does not exist in the grammar.
type dialect struct {
	noun      string       // what a person calls the text
	parameter string       // the name under which the text came, for fault.Error.Target
	syntax    *fault.Error // what is wrong with a text that does not follow the grammar

	quote   byte // opens and closes text
	doubled bool // a quote inside text is written twice; otherwise after escape
	escape  byte
	json    bool // text is written as JSON writes it, instead
	urn     bool // names have dashes, dollars, and perhaps a URN in front
	dashed  bool // words may have a dash in front of them: -eq

	step                  string // between the names of a path
	open, shut            string // around the values of an in
	and, or, not, in, any string
	compare               map[string]Op // between a property and a value
	functions             map[string]Op // before a property and a text
	// term reads one condition: what stands between and, or, not and parentheses.
	term func(*parser) (Expr, error)
}

type tokenKind int

const (
	end     tokenKind = iota
	name              // a property, operator or function, or true, false and null
	bare              // a number, date or id: a value without quotes that is no name
	quoted            // text in quotes; the token has it without them
	special           // any other character
)

type token struct {
	kind tokenKind
	text string
	at   int // offset in bytes
}

// lex returns the tokens of text; the last one is end.
func (d *dialect) lex(text string) ([]token, error) {
	if len(text) > MaxLength {
		return nil, d.tooComplex("is longer than %d bytes", MaxLength)
	}
	if !utf8.ValidString(text) {
		return nil, d.syntax.With(d.parameter, fmt.Sprintf("The %s is not valid UTF-8.", d.noun))
	}
	var tokens []token
	for at := 0; at < len(text); {
		if text[at] == ' ' || text[at] == '\t' {
			at++
			continue
		}
		t, length, err := d.scan(text, at)
		if err != nil {
			return nil, err
		}
		tokens = append(tokens, t)
		at += length
	}
	return append(tokens, token{kind: end, at: len(text)}), nil
}

// scan returns the token at offset at, and how many bytes it takes.
func (d *dialect) scan(text string, at int) (token, int, error) {
	rest := text[at:]
	kind, length := special, 0
	switch c := rest[0]; {
	case c == d.quote && d.json:
		return d.scanJSON(text, at)
	case c == d.quote:
		return d.scanQuoted(text, at)
	case d.urn && (isLetter(c) || c == '$'):
		kind, length = name, scimName(rest)
	case guidPrefix(rest):
		kind, length = bare, guidLength
	case d.dashed && c == '-' && len(rest) > 1 && isLetter(rest[1]):
		kind, length = name, 1+span(rest[1:], isName)
	case isDigit(c), c == '-', c == '+':
		kind, length = bare, span(rest, isBare)
	case isLetter(c):
		kind, length = name, span(rest, isName)
	default:
		_, length = utf8.DecodeRuneInString(rest)
	}
	return token{kind, rest[:length], at}, length, nil
}

func (d *dialect) scanQuoted(text string, at int) (token, int, error) {
	var b strings.Builder
	for i := at + 1; i < len(text); i++ {
		c := text[i]
		switch {
		case c < ' ' || c == 0x7f:
			return token{}, 0, d.fail(text, i, "a control character has no place in text")
		case c == d.quote && d.doubled && strings.HasPrefix(text[i+1:], string(c)):
			i++
		case c == d.quote:
			return token{quoted, b.String(), at}, i + 1 - at, nil
		case c == d.escape && !d.doubled && i+1 < len(text) && (text[i+1] == d.escape || text[i+1] == d.quote):
			i++
			c = text[i]
		}
		b.WriteByte(c)
	}
	return token{}, 0, d.fail(text, at, "the quote is never closed")
}

// fail says what is wrong at an offset, which it turns into a character's place from 1.
func (d *dialect) fail(text string, at int, why string) error {
	place := utf8.RuneCountInString(text[:at]) + 1
	return d.syntax.With(d.parameter,
		fmt.Sprintf("The %s is not understood at character %d: %s.", d.noun, place, why))
}

func (d *dialect) tooComplex(format string, limit int) error {
	return ErrTooComplex.With(d.parameter, fmt.Sprintf("The "+d.noun+" "+format+".", limit))
}

func isDigit(c byte) bool  { return '0' <= c && c <= '9' }
func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' || c == '_' }
func isName(c byte) bool   { return isLetter(c) || isDigit(c) }
func isBare(c byte) bool   { return isName(c) || strings.IndexByte(".:+-", c) >= 0 }

// span returns how many of the first bytes of s are is.
func span(s string, is func(byte) bool) int {
	n := 0
	for n < len(s) && is(s[n]) {
		n++
	}
	return n
}
