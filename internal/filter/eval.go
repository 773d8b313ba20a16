package filter

import (
	"cmp"
	"slices"
	"strings"
	"unicode/utf8"
)

// An Object returns what one thing holds in a column: nothing or Null if it is not set,
// one value, or the elements of a collection. An element that has properties itself is an
// Object again.
type Object func(column string) []Value

func (Object) value() {}

// Eval reports whether o meets b. Values that don't have their property's type are unequal
// to everything.
func Eval(b Bound, o Object) bool {
	return b.root == nil || o.meets(b.root)
}

func (o Object) meets(e Expr) bool {
	switch e := e.(type) {
	case And: // loops, for a closure over o would be an allocation for each rule of a policy
		for _, t := range e {
			if !o.meets(t) {
				return false
			}
		}
		return true
	case Or:
		return slices.ContainsFunc(e, o.meets)
	case Not:
		return !o.meets(e.Expr)
	case Compare:
		return holds(e.Op, o.one(e.Property), e.Value)
	case In:
		held := o.one(e.Property)
		return slices.ContainsFunc(e.Values, func(v Value) bool { return holds(Eq, held, v) })
	case Match:
		if e.Op == Matches {
			text, ok := heldText(o.one(e.Property))
			return ok && e.pattern.MatchString(text)
		}
		return matches(e.Op, o.one(e.Property), e.Text)
	case HasWords:
		return o.hasWords(e)
	case Any:
		return slices.ContainsFunc(o(e.Property.Column), func(v Value) bool { return element(v).meets(e.Expr) })
	}
	return false
}

// one returns the value of a property that is not a collection.
func (o Object) one(p *Property) Value {
	if values := o(p.Column); len(values) > 0 && values[0] != nil {
		return values[0]
	}
	return Null{}
}

// element returns an element of a collection as an object; a plain value answers to every column.
func element(v Value) Object {
	if o, ok := v.(Object); ok {
		return o
	}
	return func(string) []Value { return []Value{v} }
}

// hasWords reports whether every word starts a word of one of the property's values.
func (o Object) hasWords(e HasWords) bool {
	var there []string
	for _, v := range o(e.Property.Column) {
		if text, ok := heldText(v); ok {
			there = append(there, Words(text)...)
		}
	}
	for _, prefix := range e.Words {
		if !slices.ContainsFunc(there, func(w string) bool { return strings.HasPrefix(w, prefix) }) {
			return false
		}
	}
	return true
}

func holds(op Op, held, wanted Value) bool {
	order, alike := compare(held, wanted)
	switch op {
	case Eq:
		return alike && order == 0
	case Ne:
		return !alike || order != 0
	case Gt:
		return alike && order > 0
	case Ge:
		return alike && order >= 0
	case Lt:
		return alike && order < 0
	case Le:
		return alike && order <= 0
	}
	return false
}

// compare orders two values of the same type; null is like null only.
func compare(a, b Value) (int, bool) {
	if x, ok := heldText(a); ok {
		y, ok := heldText(b)
		if !ok {
			return 0, false
		}
		if order, plain := comparePlain(x, y); plain {
			return order, true
		}
		return strings.Compare(Fold(x), Fold(y)), true
	}
	switch a := a.(type) {
	case Null:
		_, ok := b.(Null)
		return 0, ok
	case Bool:
		b, ok := b.(Bool)
		return 0, ok && a == b // unequal ones have no order
	case Int:
		b, ok := b.(Int)
		return cmp.Compare(a, b), ok
	case Time:
		b, ok := b.(Time)
		return a.At.Compare(b.At), ok
	}
	return 0, false
}

// comparePlain is strings.Compare of the folded texts if both are ASCII, without allocating.
func comparePlain(a, b string) (order int, plain bool) {
	for i := range min(len(a), len(b)) {
		x, y := a[i], b[i]
		if x >= utf8.RuneSelf || y >= utf8.RuneSelf {
			return 0, false
		}
		if order == 0 {
			order = cmp.Compare(lower(x), lower(y))
		}
	}
	for _, rest := range [...]string{a[min(len(a), len(b)):], b[min(len(a), len(b)):]} {
		for i := range len(rest) {
			if rest[i] >= utf8.RuneSelf {
				return 0, false
			}
		}
	}
	return cmp.Or(order, cmp.Compare(len(a), len(b))), true
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + ('a' - 'A')
	}
	return c
}

func matches(op Op, held Value, text string) bool {
	s, ok := heldText(held)
	if !ok {
		return false
	}
	if op == StartsWith {
		if order, plain := comparePlain(s[:min(len(s), len(text))], text); plain {
			return order == 0
		}
	}
	s, text = Fold(s), Fold(text)
	switch op {
	case StartsWith:
		return strings.HasPrefix(s, text)
	case EndsWith:
		return strings.HasSuffix(s, text)
	case Contains:
		return strings.Contains(s, text)
	case Has:
		return slices.Contains(strings.Split(s, ","), text)
	}
	return false
}

// heldText returns text and ids as text.
func heldText(v Value) (string, bool) {
	switch v := v.(type) {
	case String:
		return string(v), true
	case GUID:
		return string(v), true
	}
	return "", false
}
