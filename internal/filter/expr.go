package filter

import (
	"regexp"
	"strings"
)

// An Expr is a parsed condition: And, Or, Not, Compare, In, Match, Any or HasWords. Its
// String parses to the same expression again.
//
// Property is nil until Check has found it; then it points into the schema, and the
// value has the property's type.
type Expr interface {
	String() string
	expr()
}

// A Path names a property: status/errorCode has two steps. Inside an Any the first step
// is its variable.
type Path []string

type (
	// And holds if every one of its conditions does. There are two or more.
	And []Expr
	// Or holds if one of its conditions does. There are two or more.
	Or []Expr
	// Not holds if Expr does not.
	Not struct{ Expr Expr }
	// Compare is a property, one of Eq, Ne, Gt, Ge, Lt and Le, and a value. Null goes
	// with Eq and Ne only.
	Compare struct {
		Path     Path
		Op       Op
		Value    Value
		Property *Property
	}
	// In holds if the property is one of Values, of which there are 1 to MaxValues and
	// none is null. It is allowed where Eq is.
	In struct {
		Path     Path
		Values   []Value
		Property *Property
	}
	// Match is StartsWith, EndsWith, Contains, Matches or Has with what to find in the property.
	Match struct {
		Path     Path
		Op       Op
		Text     string
		Property *Property
		pattern  *regexp.Regexp // of Matches, once checked
	}
	// Any holds if Expr does for one element of the collection; the properties in Expr
	// are those of Property.Elements.
	Any struct {
		Path     Path
		Var      string
		Expr     Expr
		Property *Property
	}
	// HasWords holds if each of Words, which Words made, is the start of a word of the
	// property. It comes from $search.
	HasWords struct {
		Path     Path
		Words    []string
		Property *Property
	}
)

func (And) expr()      {}
func (Or) expr()       {}
func (Not) expr()      {}
func (Compare) expr()  {}
func (In) expr()       {}
func (Match) expr()    {}
func (Any) expr()      {}
func (HasWords) expr() {}

func (p Path) String() string { return strings.Join(p, "/") }
func (e And) String() string  { return join(e, " and ") }
func (e Or) String() string   { return join(e, " or ") }
func (e Not) String() string  { return "not " + nested(e.Expr) }

func (e Compare) String() string {
	return e.Path.String() + " " + e.Op.String() + " " + literal(e.Value)
}

func (e In) String() string {
	values := make([]string, len(e.Values))
	for i, v := range e.Values {
		values[i] = literal(v)
	}
	return e.Path.String() + " in (" + strings.Join(values, ",") + ")"
}

func (e Match) String() string {
	if e.Op == Has {
		return e.Path.String() + " has " + literal(String(e.Text))
	}
	return e.Op.String() + "(" + e.Path.String() + "," + literal(String(e.Text)) + ")"
}

func (e Any) String() string {
	if e.Var == "" { // SCIM's
		return e.Path.String() + "[" + e.Expr.String() + "]"
	}
	return e.Path.String() + "/any(" + e.Var + ":" + e.Expr.String() + ")"
}

func (e HasWords) String() string {
	return `"` + e.Path.String() + ":" + strings.Join(e.Words, " ") + `"`
}

func join(terms []Expr, word string) string {
	texts := make([]string, len(terms))
	for i, t := range terms {
		texts[i] = nested(t)
	}
	return strings.Join(texts, word)
}

// nested puts parentheses around what would otherwise be read differently.
func nested(e Expr) string {
	switch e.(type) {
	case And, Or:
		return "(" + e.String() + ")"
	}
	return e.String()
}
