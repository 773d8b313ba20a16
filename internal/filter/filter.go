// Package filter reads what callers of Graph write into $filter, $orderby and $search:
// it parses the text, checks it against what a collection allows, and evaluates it over
// things in memory. There is one lexer and one parser; a grammar is a [dialect], a table
// of its words and quotes.
//
//	text ─▶ Parse, ParseSearch, ParseRule, ParseSCIM ─▶ Expr ─▶ Check(Schema) ─▶ Bound ─▶ Eval, or a store's SQL
//
// A [Schema] is an allow-list: what is not in it cannot be asked for, and each property
// says which operators it takes. Names, operators and text are compared without regard to
// case, as a directory does. SQL is left to the store, which walks [Bound.Root] with a type switch.
//
// A condition is true or false, never unknown (OData 4.01 URL Conventions, section
// 5.1.1.1). Null equals null and nothing else, so "ne" holds for null and a value. Null is
// neither greater nor less than anything, starts with nothing and contains nothing; "not"
// turns false into true, also where null was the reason. In SQL that is
// "IS NOT DISTINCT FROM" for eq, "IS DISTINCT FROM" for ne and "(…) IS NOT TRUE" for not.
//
// The grammar is the part of OData 4.01 that Graph offers:
// https://learn.microsoft.com/graph/filter-query-parameter and
// https://learn.microsoft.com/graph/search-query-parameter.
package filter

// What a text may be at most. The limits keep the work that one request can cause small,
// here and in the database.
const (
	MaxLength = 8 << 10 // bytes
	MaxDepth  = 16      // parentheses, not and any inside one another
	MaxNodes  = 200     // conditions, parentheses and nots; words to search for
	MaxValues = 50      // in the list of one "in"
	MaxKeys   = 8       // properties in one $orderby
)

// Parse reads a $filter, which may also be the rule of a lifecycle workflow's scope. Names
// are not looked up yet. Errors: ErrSyntax, ErrTooComplex, and ErrUnsupported for a
// function that is not offered.
func Parse(text string) (Expr, error) { return odata.parse(text) }

// ParseRule reads a membership rule about things of one kind, such as
// (device.displayName -startsWith "LAP-"); the properties come without the kind. Errors:
// ErrRuleSyntax, ErrTooComplex, and ErrUnsupported for a rule about another kind.
func ParseRule(text, kind string) (Expr, error) { return ruleOf(kind).parse(text) }

// ParseSearch reads a $search such as `"displayName:ann" OR "mail:ann"`; the quotes are
// part of the value. Its conditions are HasWords, joined by And and Or. Errors:
// ErrSearchSyntax and ErrTooComplex.
func ParseSearch(text string) (Expr, error) { return search.parse(text) }
