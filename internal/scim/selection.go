package scim

import (
	"maps"
	"slices"
	"strings"

	"github.com/postern-id/postern/internal/filter"
)

// A selection says which attributes an answer has (RFC 7644 section 3.9).
type selection struct {
	only     []place // nil for what is returned by default
	excluded []place
}

func (k *kind) selection(only, excluded []string) (s selection, err error) {
	if len(only) > 0 && len(excluded) > 0 {
		return s, ErrValue.With("attributes", "attributes and excludedAttributes do not go together.")
	}
	if s.only, err = k.places(only); err != nil {
		return s, err
	}
	s.excluded, err = k.places(excluded)
	return s, err
}

func (k *kind) places(names []string) (all []place, err error) {
	if len(names) > 100 {
		return nil, ErrMany
	}
	for _, n := range names {
		n = strings.TrimSpace(n)
		if slices.ContainsFunc(k.dropped, func(x string) bool { return strings.EqualFold(x, n) }) {
			continue
		}
		if strings.EqualFold(n, k.core.ID) { // all of the core
			for i := range k.core.Attributes {
				all = append(all, place{attribute: &k.core.Attributes[i]})
			}
			continue
		}
		t, err := filter.ParseTarget(n)
		if err != nil || t.Elements != nil {
			return nil, ErrPath.With(short(n), short(n)+" is no name of an attribute.")
		}
		p, ok := k.locate(t.Path)
		if !ok {
			return nil, ErrPath.With(short(n), "There is no attribute "+short(n)+".")
		}
		all = append(all, p)
	}
	return all, nil
}

// wants reports whether an attribute of the core that costs something is in the answer.
func (s selection) wants(a *attribute) bool {
	names := func(p place) bool {
		return p.extension == "" && p.attribute != nil && p.attribute.Name == a.Name && p.sub == nil
	}
	if s.only != nil {
		return slices.ContainsFunc(s.only, func(p place) bool { return p.extension == "" && p.attribute != nil && p.attribute.Name == a.Name })
	}
	return a.Returned == "default" && !slices.ContainsFunc(s.excluded, names)
}

// of returns what of d is selected. What is always returned stays.
func (s selection) of(k *kind, d document) document {
	if s.only == nil {
		out := d
		for _, p := range s.excluded {
			if p.attribute != nil && p.attribute.always {
				continue
			}
			out = out.without(p)
		}
		return out
	}
	out := document{}
	for i := range common {
		if common[i].always {
			out.set(common[i].Name, d[common[i].Name])
		}
	}
	out["schemas"] = d["schemas"]
	for _, p := range s.only {
		out.take(d, p)
	}
	return out
}

// take copies p from all.
func (d document) take(all document, p place) {
	if p.attribute == nil {
		d.set(p.extension, all[p.extension])
		return
	}
	from := all
	if p.extension != "" {
		from = all.inner(p.extension)
	}
	v, ok := from[p.attribute.Name]
	if !ok {
		return
	}
	to := d.part(p.extension)
	defer d.prune(p.extension)
	if p.sub == nil {
		to[p.attribute.Name] = v
		return
	}
	switch v := v.(type) {
	case document:
		inner := document{}
		maps.Copy(inner, to.inner(p.attribute.Name))
		inner.set(p.sub.Name, v[p.sub.Name])
		to.set(p.attribute.Name, inner)
	case []document:
		old := to.list(p.attribute.Name)
		list := make([]document, len(v))
		for i, e := range v {
			list[i] = document{}
			if i < len(old) {
				list[i] = old[i]
			}
			list[i].set(p.sub.Name, e[p.sub.Name])
		}
		to.set(p.attribute.Name, list)
	}
}

// without returns d without p.
func (d document) without(p place) document {
	out := document{}
	maps.Copy(out, d)
	if p.attribute == nil {
		delete(out, p.extension)
		return out
	}
	if p.extension != "" {
		inner := d.inner(p.extension).without(place{attribute: p.attribute, sub: p.sub})
		out.set(p.extension, inner)
		return out
	}
	if p.sub == nil {
		delete(out, p.attribute.Name)
		return out
	}
	drop := place{attribute: p.sub}
	switch v := d[p.attribute.Name].(type) {
	case document:
		out.set(p.attribute.Name, v.without(drop))
	case []document:
		list := make([]document, len(v))
		for i, e := range v {
			list[i] = e.without(drop)
		}
		out.set(p.attribute.Name, list)
	}
	return out
}
