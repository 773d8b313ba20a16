package filter

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// odata is the grammar of $filter.
// https://docs.oasis-open.org/odata/odata/v4.01/odata-v4.01-part2-url-conventions.html, section 5.1.1
var odata = &dialect{
	noun: "filter", parameter: "$filter", syntax: ErrSyntax,
	quote: '\'', doubled: true, step: "/", open: "(", shut: ")",
	and: "and", or: "or", not: "not", in: "in", any: "any",
	compare:   map[string]Op{"eq": Eq, "ne": Ne, "gt": Gt, "ge": Ge, "lt": Lt, "le": Le},
	functions: map[string]Op{"startswith": StartsWith, "endswith": EndsWith, "contains": Contains},
	term:      (*parser).condition,
}

// condition reads path op value, path in (values), path has flag, function(path,text) or path/any(…).
func (p *parser) condition() (Expr, error) {
	path, err := p.path()
	if err != nil {
		return nil, err
	}
	last := len(path) - 1
	switch {
	case !p.takeMark("("):
		return p.comparison(path)
	case last == 0:
		return p.function(path[0])
	case strings.EqualFold(path[last], p.any):
		return p.lambda(path[:last])
	}
	return nil, p.notOffered(path[last], p.any)
}

func (p *parser) comparison(path Path) (Expr, error) {
	if p.takeWord(p.in) {
		values, err := p.list()
		return In{Path: path, Values: values}, err
	}
	if p.takeWord("has") {
		text, err := p.wanted()
		return Match{Path: path, Op: Has, Text: text}, err
	}
	op, ok := p.compare[strings.ToLower(p.peek().text)]
	if !ok || p.peek().kind != name {
		return nil, p.expected("an operator such as eq")
	}
	p.take()
	v, err := p.value()
	return Compare{Path: path, Op: op, Value: v}, err
}

// list reads the values of an in, with their parentheses.
func (p *parser) list() ([]Value, error) {
	if err := p.needMark(p.open); err != nil {
		return nil, err
	}
	var values []Value
	for {
		if p.takeWord("null") {
			return nil, ErrType.With(p.parameter, "A list can't hold null; compare with eq null instead.")
		}
		v, err := p.value()
		if err != nil {
			return nil, err
		}
		if values = append(values, v); len(values) > MaxValues {
			return nil, p.tooComplex("has a list of more than %d values", MaxValues)
		}
		if !p.takeMark(",") {
			return values, p.needMark(p.shut)
		}
	}
}

// value reads text in quotes, or a value that needs none.
func (p *parser) value() (Value, error) {
	t := p.peek()
	if t.kind == quoted {
		p.take()
		return String(t.text), nil
	}
	if t.kind == name || t.kind == bare {
		if v, ok := parseLiteral(t.text); ok {
			p.take()
			return v, nil
		}
	}
	return nil, p.expected("a value: text in quotes, a whole number, true, false, null, a date or an id")
}

// function reads the arguments of startswith and its like, after the parenthesis.
func (p *parser) function(called string) (Expr, error) {
	op, ok := p.functions[strings.ToLower(called)]
	if !ok {
		return nil, p.notOffered(called, slices.Sorted(maps.Keys(p.functions))...)
	}
	path, err := p.path()
	if err != nil {
		return nil, err
	}
	if err := p.needMark(","); err != nil {
		return nil, err
	}
	text, err := p.wanted()
	if err != nil {
		return nil, err
	}
	return Match{Path: path, Op: op, Text: text}, p.needMark(")")
}

// wanted reads the text that a condition looks for.
func (p *parser) wanted() (string, error) {
	at := p.peek().at
	v, err := p.value()
	if err != nil {
		return "", err
	}
	text, ok := textOf(v)
	if !ok {
		return "", p.fail(p.text, at, "expected text in quotes, found another value")
	}
	return text, nil
}

// lambda reads variable:condition, after the parenthesis.
func (p *parser) lambda(path Path) (Expr, error) {
	variable := p.peek()
	if variable.kind != name {
		return nil, p.expected("the name of a variable")
	}
	p.take()
	if err := p.needMark(":"); err != nil {
		return nil, err
	}
	e, err := p.deeper(p.expression)
	if err != nil {
		return nil, err
	}
	return Any{Path: path, Var: variable.text, Expr: e}, p.needMark(")")
}

func (p *parser) notOffered(called string, offered ...string) error {
	return ErrUnsupported.With(p.parameter,
		fmt.Sprintf("The function %s is not offered here; %s can be used.", shown(called), strings.Join(offered, ", ")))
}
