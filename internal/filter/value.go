package filter

import (
	"strconv"
	"strings"
	"time"
)

// A Value is what a property is compared with, or what it holds: a String, Bool, Int,
// Time, GUID or Null; of a collection it may be an [Object].
type Value interface{ value() }

// The kinds of value.
type (
	// String is text.
	String string
	// Bool is true or false.
	Bool bool
	// Int is a whole number.
	Int int64
	// GUID is a UUID in lower case.
	GUID string
	// Null is the absence of a value.
	Null struct{}
	// Time is a point in time. A date stands for its first moment in UTC.
	Time struct {
		At   time.Time // UTC
		Text string    // as it was written; empty for a value that was not parsed
	}
)

func (String) value() {}
func (Bool) value()   {}
func (Int) value()    {}
func (GUID) value()   {}
func (Null) value()   {}
func (Time) value()   {}

// Fold returns s in the form in which text is compared, for stores that keep it: each
// letter in lower case. Composed and decomposed accents stay different.
func Fold(s string) string { return strings.ToLower(s) }

// parseLiteral reads a value that stands without quotes.
func parseLiteral(s string) (Value, bool) {
	switch strings.ToLower(s) {
	case "null":
		return Null{}, true
	case "true":
		return Bool(true), true
	case "false":
		return Bool(false), true
	}
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		return Int(n), true
	}
	if g, ok := parseGUID(s); ok {
		return g, true
	}
	return parseTime(s)
}

func parseGUID(s string) (Value, bool) {
	if guidPrefix(s) && len(s) == guidLength {
		return GUID(strings.ToLower(s)), true
	}
	return nil, false
}

// parseTime reads a date, or a date and time with its zone (RFC 3339, seconds optional).
func parseTime(s string) (Value, bool) {
	for _, layout := range []string{time.RFC3339Nano, time.DateOnly, "2006-01-02T15:04Z07:00"} {
		if t, err := time.Parse(layout, s); err == nil {
			return Time{At: t.UTC(), Text: s}, true
		}
	}
	return nil, false
}

const guidLength = 36

// guidPrefix reports whether s begins with 8-4-4-4-12 hexadecimal digits.
func guidPrefix(s string) bool {
	if len(s) < guidLength {
		return false
	}
	for i := range guidLength {
		switch i {
		case 8, 13, 18, 23:
			if s[i] != '-' {
				return false
			}
		default:
			if !isDigit(s[i]) && (s[i]|0x20 < 'a' || s[i]|0x20 > 'f') {
				return false
			}
		}
	}
	return true
}

// textOf returns v as text, if it is text or a literal that can be meant as text.
func textOf(v Value) (string, bool) {
	switch v := v.(type) {
	case String:
		return string(v), true
	case GUID:
		return string(v), true
	case Time:
		return v.Text, v.Text != ""
	}
	return "", false
}

// literal writes v the way $filter has it.
func literal(v Value) string {
	switch v := v.(type) {
	case String:
		return "'" + strings.ReplaceAll(string(v), "'", "''") + "'"
	case Bool:
		return strconv.FormatBool(bool(v))
	case Int:
		return strconv.FormatInt(int64(v), 10)
	case GUID:
		return string(v)
	case Time:
		if v.Text != "" {
			return v.Text
		}
		return v.At.Format(time.RFC3339Nano)
	}
	return "null"
}
