package odata

import (
	"maps"
	"slices"
	"strings"
)

// Expansion is one relation that $expand asks for.
type Expansion struct {
	Name   string   // in the spelling of Allow.Expand
	Select []string // from $expand=manager($select=id,displayName); nil means the default ones
}

// parseExpand reads manager,memberOf($select=id). Inside the parentheses stands $select only.
func parseExpand(value string, known map[string][]string) ([]Expansion, error) {
	items, ok := splitOutside(value, ',')
	if !ok {
		return nil, ErrQuery.With("$expand", "$expand has a parenthesis that is not closed.")
	}
	var all []Expansion
	for _, item := range items {
		name, inner, nested := strings.Cut(strings.TrimSpace(item), "(")
		e, err := findExpansion(name, known)
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(all, func(x Expansion) bool { return x.Name == e.Name }) {
			return nil, ErrQuery.With("$expand", "$expand names "+e.Name+" twice.")
		}
		if nested {
			inner, ok = strings.CutSuffix(inner, ")")
			if !ok {
				return nil, ErrQuery.With("$expand", "$expand has text after a parenthesis.")
			}
			if e.Select, err = parseNested(inner, known[e.Name]); err != nil {
				return nil, err
			}
		}
		all = append(all, e)
	}
	return all, nil
}

func findExpansion(name string, known map[string][]string) (Expansion, error) {
	for _, k := range slices.Sorted(maps.Keys(known)) {
		if strings.EqualFold(k, name) {
			return Expansion{Name: k}, nil
		}
	}
	return Expansion{}, ErrQuery.With("$expand", "$expand names an unknown relation: "+printable(name)+".")
}

func parseNested(inner string, properties []string) ([]string, error) {
	name, value, _ := strings.Cut(strings.TrimSpace(inner), "=")
	if !strings.EqualFold(strings.TrimPrefix(name, "$"), "select") || strings.Contains(value, ";") {
		return nil, ErrUnsupportedQuery.With("$expand", "Within $expand only $select is offered.")
	}
	return parseSelect("$expand", value, properties)
}

// splitOutside splits s at each sep that stands outside parentheses; ok says they pair.
func splitOutside(s string, sep byte) (parts []string, ok bool) {
	depth, start := 0, 0
	for i := range len(s) {
		switch s[i] {
		case '(':
			depth++
		case ')':
			depth--
		case sep:
			if depth == 0 {
				parts, start = append(parts, s[start:i]), i+1
			}
		}
		if depth < 0 {
			return nil, false
		}
	}
	return append(parts, s[start:]), depth == 0
}
