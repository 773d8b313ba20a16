package devicepolicy

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Type says what values a setting takes.
type Type string

// The types of settings, in the words of the CSP's formats.
const (
	Choice Type = "choice" // an integer out of a list of options
	Int    Type = "int"    // an integer within a range
	Bool   Type = "bool"
	Text   Type = "chr"
	List   Type = "list" // texts; one text with a delimiter in OMA-URI
)

// A Value is what a setting is set to: one of an integer, a truth, a text or a list. The
// zero value is "not set". In JSON it is a number, a boolean, a string or an array.
type Value struct {
	kind Type
	n    int64 // of Int and Bool
	text string
	list []string
}

// IntValue makes the value of an Int or Choice setting.
func IntValue(n int64) Value { return Value{kind: Int, n: n} }

// BoolValue makes the value of a Bool setting.
func BoolValue(b bool) Value {
	v := Value{kind: Bool}
	if b {
		v.n = 1
	}
	return v
}

// TextValue makes the value of a Text setting.
func TextValue(s string) Value { return Value{kind: Text, text: s} }

// ListValue makes the value of a List setting.
func ListValue(items ...string) Value { return Value{kind: List, list: slices.Clone(items)} }

// IsSet reports whether v is anything at all.
func (v Value) IsSet() bool { return v.kind != "" }

// Int returns the integer of v, 0 for other kinds; a truth is 0 or 1.
func (v Value) Int() int64 { return v.n }

// Bool reports whether v is true; an integer is true when it is 1.
func (v Value) Bool() bool { return v.n == 1 }

// Text returns the text of v.
func (v Value) Text() string { return v.text }

// List returns the items of v.
func (v Value) List() []string { return slices.Clone(v.list) }

// Equal reports whether v and o are the same value.
func (v Value) Equal(o Value) bool {
	return v.kind == o.kind && v.n == o.n && v.text == o.text && slices.Equal(v.list, o.list)
}

// String shows v to people.
func (v Value) String() string {
	switch v.kind {
	case Int:
		return strconv.FormatInt(v.n, 10)
	case Bool:
		return strconv.FormatBool(v.n == 1)
	case Text:
		return v.text
	case List:
		return strings.Join(v.list, "; ")
	}
	return "not set"
}

// MarshalJSON implements json.Marshaler.
func (v Value) MarshalJSON() ([]byte, error) {
	switch v.kind {
	case Int:
		return json.Marshal(v.n)
	case Bool:
		return json.Marshal(v.n == 1)
	case Text:
		return json.Marshal(v.text)
	case List:
		return json.Marshal(append([]string{}, v.list...))
	}
	return []byte("null"), nil
}

// UnmarshalJSON implements json.Unmarshaler.
func (v *Value) UnmarshalJSON(data []byte) error {
	var raw any
	if err := json.Unmarshal(data, &raw); err != nil {
		return err
	}
	switch x := raw.(type) {
	case nil:
		*v = Value{}
	case bool:
		*v = BoolValue(x)
	case float64:
		if x != float64(int64(x)) {
			return fmt.Errorf("value %v is not a whole number", x)
		}
		*v = IntValue(int64(x))
	case string:
		*v = TextValue(x)
	case []any:
		items := make([]string, 0, len(x))
		for _, one := range x {
			s, ok := one.(string)
			if !ok {
				return fmt.Errorf("item %v of a list is not a text", one)
			}
			items = append(items, s)
		}
		*v = ListValue(items...)
	default:
		return fmt.Errorf("a value is a number, a boolean, a text or a list of texts")
	}
	return nil
}
