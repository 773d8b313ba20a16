package filter

import (
	"fmt"
	"slices"
)

// A Key is one property of an $orderby, as it was written.
type Key struct {
	Path       Path
	Descending bool
}

// String returns k the way $orderby has it.
func (k Key) String() string {
	if k.Descending {
		return k.Path.String() + " desc"
	}
	return k.Path.String()
}

// An Order is one property to sort by.
type Order struct {
	Property   *Property // never nil
	Descending bool
}

// orderBy is the grammar of $orderby: OData 4.01 URL Conventions, section 5.1.1.19.
var orderBy = &dialect{
	noun: "sort order", parameter: "$orderby", syntax: ErrOrderBySyntax,
	quote: '\'', doubled: true, step: "/",
}

// ParseOrderBy reads an $orderby such as "displayName desc, id". Names are not looked up
// yet. Errors: ErrOrderBySyntax and ErrTooComplex.
func ParseOrderBy(text string) ([]Key, error) {
	p, err := orderBy.parser(text)
	if err != nil {
		return nil, err
	}
	var keys []Key
	for {
		k := Key{}
		if k.Path, err = p.path(); err != nil {
			return nil, err
		}
		if k.Descending = p.takeWord("desc"); !k.Descending {
			p.takeWord("asc")
		}
		if keys = append(keys, k); len(keys) > MaxKeys {
			return nil, p.tooComplex("has more than %d properties", MaxKeys)
		}
		if p.peek().kind == end {
			return keys, nil
		}
		if !p.takeMark(",") {
			return nil, p.expected("asc, desc, a comma or the end")
		}
	}
}

// CheckOrderBy looks up what keys name. Errors: ErrUnknownProperty, ErrUnsupported for a
// property without Sort, and ErrOrderBySyntax for one that is named twice.
func CheckOrderBy(keys []Key, s Schema) ([]Order, error) {
	var orders []Order
	for _, k := range keys {
		p, err := scope{schema: s}.find(k.Path, Sort)
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(orders, func(o Order) bool { return o.Property == p }) {
			return nil, ErrOrderBySyntax.With(k.Path.String(), fmt.Sprintf("The sort order names %s twice.", k.Path))
		}
		orders = append(orders, Order{Property: p, Descending: k.Descending})
	}
	return orders, nil
}
