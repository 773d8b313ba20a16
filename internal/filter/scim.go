package filter

import (
	"encoding/json"
	"strings"
)

// scim is the grammar of SCIM's filters (RFC 7644, section 3.4.2.2), whose words are those of
// OData with quotes like JSON's. Three things are its own: pr, a filter in brackets for the
// elements of a list, and names with the URN of their schema in front.
var scim = &dialect{
	noun: "filter", parameter: "filter", syntax: ErrScimSyntax,
	quote: '"', json: true, urn: true, step: ".", open: "[", shut: "]",
	and: "and", or: "or", not: "not",
	compare: map[string]Op{"eq": Eq, "ne": Ne, "gt": Gt, "ge": Ge, "lt": Lt, "le": Le, "sw": StartsWith, "ew": EndsWith, "co": Contains},
	term:    (*parser).scimTerm,
}

// ParseSCIM reads a filter of SCIM. pr becomes "ne null", and attribute[filter] an Any without
// a variable, within which names are those of the element. Errors: ErrScimSyntax, ErrTooComplex.
func ParseSCIM(text string) (Expr, error) { return scim.parse(text) }

// A Target is what one operation of a SCIM PATCH is about: an attribute, of the elements of a
// list those that meet Elements, and of each of them the sub-attribute Sub.
type Target struct {
	Path     Path
	Elements Expr // nil for all
	Sub      string
}

// ParseTarget reads the path of an operation (RFC 7644, section 3.5.2). Errors: ErrScimSyntax,
// ErrTooComplex.
func ParseTarget(text string) (t Target, err error) {
	p, err := scim.parser(text)
	if err != nil {
		return t, err
	}
	if t.Path, err = p.path(); err != nil {
		return t, err
	}
	if p.takeMark(p.open) {
		if t.Elements, err = p.elements(); err != nil {
			return t, err
		}
		if p.takeMark(p.step) {
			if p.peek().kind != name {
				return t, p.expected("the name of an attribute")
			}
			t.Sub = p.peek().text
			p.take()
		}
	}
	if p.peek().kind != end {
		return t, p.expected("the end")
	}
	return t, nil
}

// scimTerm reads path op value, path pr, or path[filter] with perhaps .path op value behind it.
func (p *parser) scimTerm() (Expr, error) {
	path, err := p.path()
	if err != nil {
		return nil, err
	}
	if !p.takeMark(p.open) {
		return p.scimComparison(path)
	}
	inner, err := p.elements()
	if err != nil {
		return nil, err
	}
	if p.takeMark(p.step) {
		sub, err := p.path()
		if err != nil {
			return nil, err
		}
		more, err := p.scimComparison(sub)
		if err != nil {
			return nil, err
		}
		inner = And{inner, more}
	}
	return Any{Path: path, Expr: inner}, nil
}

// elements reads a filter up to its closing bracket.
func (p *parser) elements() (Expr, error) {
	e, err := p.deeper(p.expression)
	if err != nil {
		return nil, err
	}
	return e, p.needMark(p.shut)
}

func (p *parser) scimComparison(path Path) (Expr, error) {
	if p.takeWord("pr") {
		return Compare{Path: path, Op: Ne, Value: Null{}}, nil
	}
	op, ok := p.compare[strings.ToLower(p.peek().text)]
	if !ok || p.peek().kind != name {
		return nil, p.expected("an operator such as eq")
	}
	p.take()
	at := p.peek().at
	v, err := p.value()
	if err != nil {
		return nil, err
	}
	if op&(StartsWith|EndsWith|Contains) == 0 {
		return Compare{Path: path, Op: op, Value: v}, nil
	}
	text, ok := v.(String)
	if !ok {
		return nil, p.fail(p.text, at, "expected text in quotes, found another value")
	}
	return Match{Path: path, Op: op, Text: string(text)}, nil
}

// scanJSON reads text in quotes as JSON has it.
func (d *dialect) scanJSON(text string, at int) (token, int, error) {
	for i := at + 1; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '"':
			var s string
			if err := json.Unmarshal([]byte(text[at:i+1]), &s); err != nil {
				return token{}, 0, d.fail(text, at, "the text in quotes is not written as JSON writes it")
			}
			if strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f }) {
				return token{}, 0, d.fail(text, at, "a control character has no place in text")
			}
			return token{quoted, s, at}, i + 1 - at, nil
		}
	}
	return token{}, 0, d.fail(text, at, "the quote is never closed")
}

// scimName returns how many bytes of rest are a name: one with a URN in front ends at the dot
// behind the URN's last part, for a URN has dots, too.
func scimName(rest string) int {
	isPart := func(c byte) bool { return isName(c) || c == '-' || c == '$' }
	if len(rest) < 4 || !strings.EqualFold(rest[:4], "urn:") {
		return span(rest, isPart)
	}
	whole := span(rest, func(c byte) bool { return isPart(c) || c == ':' || c == '.' })
	last := strings.LastIndexByte(rest[:whole], ':') + 1
	return last + span(rest[last:whole], isPart)
}
