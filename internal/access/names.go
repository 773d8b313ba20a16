package access

import "slices"

// Names reports whether p names the location, strength or authentication context with id.
func (p Policy) Names(id string) bool {
	if l := p.Conditions.Locations; l != nil && (slices.Contains(l.Include, id) || slices.Contains(l.Exclude, id)) {
		return true
	}
	if g := p.Grant; g != nil && g.Strength != nil && g.Strength.ID == id {
		return true
	}
	return slices.Contains(p.Conditions.Applications.Contexts, id)
}

// Using returns the policies that name the location, strength or context with id.
func (r Rules) Using(id string) []Policy {
	var all []Policy
	for _, p := range r.Policies {
		if p.Names(id) {
			all = append(all, p)
		}
	}
	return all
}

// Has reports whether r has the location, strength or context with id; strengths that are built
// in are there, too.
func (r Rules) Has(kind Kind, id string) bool {
	switch kind {
	case KindLocation:
		return slices.ContainsFunc(r.Locations, func(l Location) bool { return l.ID == id })
	case KindStrength:
		return slices.ContainsFunc(slices.Concat(BuiltIn(), r.Strengths), func(s Strength) bool { return s.ID == id })
	case KindContext:
		return slices.ContainsFunc(r.Contexts, func(x ContextClass) bool { return x.ID == id })
	}
	return false
}

// With returns r after a change.
func (r Rules) With(c Change) Rules {
	switch {
	case c.Policy != nil:
		r.Policies = changed(r.Policies, *c.Policy, c.Remove, func(p Policy) string { return p.ID })
	case c.Location != nil:
		r.Locations = changed(r.Locations, *c.Location, c.Remove, func(l Location) string { return l.ID })
	case c.Strength != nil:
		r.Strengths = changed(r.Strengths, *c.Strength, c.Remove, func(s Strength) string { return s.ID })
	case c.Context != nil:
		r.Contexts = changed(r.Contexts, *c.Context, c.Remove, func(x ContextClass) string { return x.ID })
	}
	return r
}

func changed[T any](all []T, one T, remove bool, id func(T) string) []T {
	all = slices.DeleteFunc(slices.Clone(all), func(x T) bool { return id(x) == id(one) })
	if remove {
		return all
	}
	return append(all, one)
}
