package filter

import "strings"

// An Op is an operator, or with | a set of operators.
type Op uint16

// The operators. Search is $search, Sort is $orderby; "in" goes with Eq.
const (
	Eq Op = 1 << iota
	Ne
	Gt
	Ge
	Lt
	Le
	StartsWith
	EndsWith
	Contains
	Matches // a regular expression finds something in the property; no store serves it
	Search
	Sort
	Has // one of the flags, which the property holds as text with commas; no store serves it

	Equality = Eq | Ne
	Ordering = Gt | Ge | Lt | Le
)

var opNames = [...]string{"eq", "ne", "gt", "ge", "lt", "le", "startswith", "endswith", "contains", "match", "$search", "$orderby", "has"}

// String returns the operator as $filter has it; of a set all of them, with commas.
func (o Op) String() string {
	var names []string
	for i, n := range opNames {
		if o&(1<<i) != 0 {
			names = append(names, n)
		}
	}
	return strings.Join(names, ", ")
}

// A Type is what a property holds.
type Type int

// The types.
const (
	TypeString Type = iota + 1
	TypeBool
	TypeInt
	TypeTime
	TypeGUID
)

var typeTexts = map[Type]string{
	TypeString: "text in quotes",
	TypeBool:   "true or false",
	TypeInt:    "a whole number",
	TypeTime:   "a date and time with its zone, such as 2026-01-31T09:00:00Z",
	TypeGUID:   "an id such as 62e90394-69f5-4237-9190-012177145e10",
}

// convert returns v as a value of type t. Text that reads as an id or a time becomes one,
// and an id or a time that was written without quotes becomes text. Null stays null.
func (t Type) convert(v Value) (Value, bool) {
	if v == (Null{}) {
		return v, true
	}
	text, isText := textOf(v)
	switch t {
	case TypeString:
		return String(text), isText
	case TypeGUID:
		return parseGUID(text)
	case TypeTime:
		if t, ok := v.(Time); ok {
			return t, true
		}
		return parseTime(text)
	case TypeBool:
		_, ok := v.(Bool)
		return v, ok
	case TypeInt:
		_, ok := v.(Int)
		return v, ok
	}
	return nil, false
}

// A Property is one name of a schema.
type Property struct {
	// Name is Graph's, with slashes: displayName, status/errorCode. A collection of
	// plain values has one element property without a name: the value itself.
	Name string
	Type Type
	// Column is the schema's owner's name for it, which is returned unchanged.
	Column string
	// Ops says what the property may be used for; nothing, if it is known only.
	Ops Op
	// Elements makes the property a collection, to be used with any.
	Elements Schema
}

// A Schema lists the properties of one collection. Any name that is not in it is refused.
type Schema []Property

// find returns the property with the given name, or nil.
func (s Schema) find(name string) *Property {
	for i := range s {
		if strings.EqualFold(s[i].Name, name) {
			return &s[i]
		}
	}
	return nil
}
