package filter

import (
	"fmt"
	"regexp"
	"strings"
)

// maxPattern bounds a regular expression, in bytes. RE2 takes time linear in the text, so
// that none can hold the server up.
const maxPattern = 256

func pattern(text string) (*regexp.Regexp, error) {
	if len(text) > maxPattern {
		return nil, ErrPattern
	}
	return regexp.Compile("(?i)" + text) // like all comparison of text
}

// ruleOf is the grammar of membership rules about one kind of object. Words may have a dash,
// text stands in double quotes, and a quote inside it after a backtick.
// https://learn.microsoft.com/entra/identity/users/groups-dynamic-membership
func ruleOf(kind string) *dialect {
	return &dialect{
		noun: "membership rule", parameter: "membershipRule", syntax: ErrRuleSyntax,
		quote: '"', escape: '`', dashed: true, step: ".", open: "[", shut: "]",
		and: "and", or: "or", not: "not",
		term: func(p *parser) (Expr, error) { return p.ruleTerm(kind) },
	}
}

// ruleTerms reads what stands after the word of each operator. A word with not in front of
// it turns the answer round: -notContains.
var ruleTerms = map[string]func(*parser, Path) (Expr, error){
	"eq":         comparing(Eq),
	"ne":         comparing(Ne),
	"in":         listing,
	"startswith": finding(StartsWith),
	"contains":   finding(Contains),
	"match":      finding(Matches),
}

func (p *parser) ruleTerm(kind string) (Expr, error) {
	at := p.peek().at
	path, err := p.path()
	if err != nil {
		return nil, err
	}
	if !strings.EqualFold(path[0], kind) || len(path) < 2 {
		return nil, ErrUnsupported.With(p.parameter,
			fmt.Sprintf("At character %d: a rule here is about %ss, and its properties start with %s and a dot.", at+1, kind, kind))
	}
	word := p.peek()
	called := strings.ToLower(p.word(word))
	rest, opposite := strings.CutPrefix(called, "not")
	if opposite && (rest == "eq" || rest == "ne") {
		rest = called // there are words for these
	}
	read := ruleTerms[rest]
	if read == nil || word.kind != name {
		return nil, p.expected("an operator such as -eq")
	}
	p.take()
	e, err := read(p, path[1:])
	if opposite {
		e = Not{e}
	}
	return e, err
}

func comparing(op Op) func(*parser, Path) (Expr, error) {
	return func(p *parser, path Path) (Expr, error) {
		v, err := p.value()
		return Compare{Path: path, Op: op, Value: v}, err
	}
}

func listing(p *parser, path Path) (Expr, error) {
	values, err := p.list()
	return In{Path: path, Values: values}, err
}

func finding(op Op) func(*parser, Path) (Expr, error) {
	return func(p *parser, path Path) (Expr, error) {
		at := p.peek().at
		v, err := p.value()
		if err != nil {
			return nil, err
		}
		text, ok := textOf(v)
		if !ok {
			return nil, p.fail(p.text, at, "expected text in quotes, found another value")
		}
		return Match{Path: path, Op: op, Text: text}, nil
	}
}
