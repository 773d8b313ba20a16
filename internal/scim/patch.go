package scim

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/postern-id/postern/internal/filter"
)

// An operation is one of a PATCH (RFC 7644 section 3.5.2).
type operation struct {
	op    string // add, replace or remove
	path  string
	value any
}

// readPatch reads the body of a PATCH. Entra writes Add, Replace and Remove.
func readPatch(body map[string]any) ([]operation, error) {
	if !hasSchema(body, urnPatch) {
		return nil, ErrSyntax.With("schemas", "schemas must hold "+urnPatch+".")
	}
	raw, ok := lookUp(body, "Operations").([]any)
	switch {
	case !ok || len(raw) == 0:
		return nil, ErrSyntax.With("Operations", "Operations must list at least one operation.")
	case len(raw) > maxOperations:
		return nil, ErrMany.With("Operations", fmt.Sprintf("A request holds at most %d operations.", maxOperations))
	}
	all, paths := make([]operation, len(raw)), 0
	if count(raw)-len(raw) > maxValues {
		return nil, ErrMany.With("Operations", fmt.Sprintf("The lists of a request have at most %d values together.", maxValues))
	}
	for i, x := range raw {
		o, ok := x.(map[string]any)
		if !ok {
			return nil, ErrSyntax.With("Operations", "An operation is an object.")
		}
		op, _ := lookUp(o, "op").(string)
		path := lookUp(o, "path")
		all[i] = operation{op: strings.ToLower(op), value: lookUp(o, "value")}
		if path != nil {
			if all[i].path, ok = path.(string); !ok {
				return nil, ErrPath.With("path", "path is text.")
			}
			if paths += len(all[i].path); paths > maxPaths {
				return nil, ErrMany.With("path", fmt.Sprintf("The paths of a request have at most %d bytes together.", maxPaths))
			}
		}
		if !slices.Contains([]string{"add", "replace", "remove"}, all[i].op) {
			return nil, ErrSyntax.With("op", "op is add, replace or remove.")
		}
	}
	return all, nil
}

// count returns how many values the lists in v have.
func count(v any) (n int) {
	switch v := v.(type) {
	case []any:
		n = len(v)
		for _, x := range v {
			n += count(x)
		}
	case map[string]any:
		for _, x := range v {
			n += count(x)
		}
	}
	return n
}

// applyAll does what was asked for, one after the other, for as long as somebody waits for it.
func applyAll(ctx context.Context, all []operation, do func(operation) error) error {
	for _, o := range all {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := do(o); err != nil {
			return err
		}
	}
	return nil
}

// lookUp finds a member in any case.
func lookUp(o map[string]any, name string) any {
	if v, ok := o[name]; ok {
		return v
	}
	for n, v := range o {
		if strings.EqualFold(n, name) {
			return v
		}
	}
	return nil
}

func hasSchema(body map[string]any, urn string) bool {
	list, _ := lookUp(body, "schemas").([]any)
	return slices.ContainsFunc(list, func(x any) bool { s, _ := x.(string); return strings.EqualFold(s, urn) })
}

// apply does o to d, a resource of k.
func (k *kind) apply(d document, o operation) error {
	if o.path != "" {
		return k.applyAt(d, o)
	}
	values, ok := o.value.(map[string]any)
	switch {
	case o.op == "remove":
		return ErrTarget.With("path", "remove needs a path.")
	case !ok:
		return ErrValue.With("value", "Without a path the value is an object.")
	}
	for _, name := range sorted(values) {
		if strings.EqualFold(name, "schemas") || slices.ContainsFunc(k.dropped, func(x string) bool { return strings.EqualFold(x, name) }) {
			continue
		}
		err := k.applyAt(d, operation{o.op, name, values[name]})
		if err != nil && !errors.Is(err, ErrMutable) {
			return err
		}
	}
	return nil
}

// applyAt does o to what its path names.
func (k *kind) applyAt(d document, o operation) error {
	t, err := filter.ParseTarget(o.path)
	if err != nil {
		return ErrPath.With("path", strings.Replace(err.Error(), "filter", "path", 1))
	}
	p, ok := k.locate(t.Path)
	if !ok {
		return ErrPath.With("path", "There is no attribute "+short(o.path)+".")
	}
	if p.attribute == nil {
		return k.applyExtension(d, p.extension, o)
	}
	if t.Sub != "" {
		if p.sub = p.attribute.SubAttributes.find(t.Sub); p.sub == nil {
			return ErrPath.With("path", "There is no attribute "+short(t.Sub)+" in "+p.attribute.Name+".")
		}
	}
	if p.attribute.Mutability == "readOnly" || p.sub != nil && p.sub.Mutability == "readOnly" {
		return ErrMutable.With(p.name(), p.name()+" can't be changed.")
	}
	at := d.part(p.extension)
	defer d.prune(p.extension)
	if p.attribute.MultiValued {
		return applyList(at, p, t.Elements, o)
	}
	if t.Elements != nil {
		return ErrPath.With("path", p.attribute.Name+" is no list.")
	}
	return applyOne(at, p, o)
}

// prune takes away an extension that has nothing left.
func (d document) prune(urn string) {
	if inner, ok := d[urn].(document); ok && len(inner) == 0 {
		delete(d, urn)
	}
}

func (k *kind) applyExtension(d document, urn string, o operation) error {
	if o.op == "remove" {
		delete(d, urn)
		return nil
	}
	values, ok := o.value.(map[string]any)
	if !ok {
		return ErrValue.With("value", "An extension is an object.")
	}
	for _, name := range sorted(values) {
		err := k.applyAt(d, operation{o.op, urn + ":" + name, values[name]})
		if err != nil && !errors.Is(err, ErrMutable) {
			return err
		}
	}
	return nil
}

// applyOne changes an attribute that is no list. What of a complex one is not said stays.
func applyOne(at document, p place, o operation) error {
	name := p.attribute.Name
	if p.sub != nil {
		inner := document{}
		maps.Copy(inner, at.inner(name))
		if err := assign(inner, p.sub, o); err != nil {
			return err
		}
		at.set(name, inner)
		return nil
	}
	old := at.inner(name)
	if err := assign(at, p.attribute, o); err != nil || o.op == "remove" {
		return err
	}
	if fresh := at.inner(name); fresh != nil {
		for n, v := range old {
			if _, said := fresh[n]; !said {
				fresh[n] = v
			}
		}
	}
	return nil
}

func assign(at document, a *attribute, o operation) error {
	if o.op == "remove" {
		delete(at, a.Name)
		return nil
	}
	v, err := a.read(o.value)
	if err != nil {
		return err
	}
	at.set(a.Name, v)
	return nil
}

// applyList changes a list, or those of its elements that meet a filter.
func applyList(at document, p place, elements filter.Expr, o operation) error {
	name, list := p.attribute.Name, slices.Clone(at.list(p.attribute.Name))
	if elements == nil && p.sub == nil {
		list, err := changeList(p.attribute, list, o)
		if err != nil {
			return err
		}
		if err := p.attribute.fits(len(list)); err != nil {
			return err
		}
		at.set(name, list)
		return nil
	}
	meets, err := matcher(p.attribute, elements)
	if err != nil {
		return err
	}
	found := false
	var kept []document
	for _, e := range list {
		if !meets(e) {
			kept = append(kept, e)
			continue
		}
		found = true
		if e, err = changeElement(p, e, o); err != nil {
			return err
		}
		if len(e) > 0 {
			kept = append(kept, e)
		}
	}
	if !found && o.op != "remove" {
		e, err := newElement(p, elements, o)
		if err != nil {
			return err
		}
		kept = append(kept, e)
	}
	if err := p.attribute.fits(len(kept)); err != nil {
		return err
	}
	at.set(name, kept)
	return nil
}

// changeList changes a list as a whole. An added value takes the place of the one that is the
// same and, where there is room for one of its type only, of that one.
func changeList(a *attribute, list []document, o operation) ([]document, error) {
	if o.op == "remove" && o.value == nil {
		return nil, nil
	}
	v, err := a.read(o.value)
	if err != nil {
		return nil, err
	}
	values, _ := v.([]document)
	if o.op == "replace" {
		return values, nil
	}
	for _, x := range values {
		list = slices.DeleteFunc(list, func(e document) bool { return same(a, e, x) })
	}
	if o.op == "add" {
		list = append(list, values...)
	}
	return list, nil
}

// same reports whether x is e, or has e's place.
func same(a *attribute, e, x document) bool {
	kind := strings.ToLower(x.text("type"))
	if a.Name == "addresses" || kind == "mobile" || kind == "fax" || a.Name == "emails" && kind == "work" {
		return strings.EqualFold(e.text("type"), kind)
	}
	return reflect.DeepEqual(e, x) || e.text("value") != "" && strings.EqualFold(e.text("value"), x.text("value"))
}

// changeElement returns what becomes of one element of a list; nothing, if it goes.
func changeElement(p place, e document, o operation) (document, error) {
	fresh := document{}
	maps.Copy(fresh, e)
	if p.sub != nil {
		return fresh, assign(fresh, p.sub, o)
	}
	if o.op == "remove" {
		return nil, nil
	}
	v, err := p.attribute.readOne(o.value)
	if err != nil {
		return nil, err
	}
	values, _ := v.(document)
	maps.Copy(fresh, values)
	return fresh, nil
}

// newElement makes the element that an add asks for and that is not there:
// emails[type eq "work"].value is of type work. A replace needs one that is there.
func newElement(p place, elements filter.Expr, o operation) (document, error) {
	if o.op == "replace" && elements != nil {
		return nil, ErrTarget
	}
	e := document{}
	if !equalities(elements, func(name string, v filter.Value) bool {
		a := p.attribute.SubAttributes.find(name)
		if a == nil {
			return false
		}
		switch v := v.(type) {
		case filter.String:
			e[a.Name] = string(v)
		case filter.Bool:
			e[a.Name] = bool(v)
		default:
			return false
		}
		return true
	}) {
		return nil, ErrTarget
	}
	return changeElement(p, e, o)
}

// equalities calls yield for each part of e, which must be equalities joined by and.
func equalities(e filter.Expr, yield func(name string, v filter.Value) bool) bool {
	switch e := e.(type) {
	case nil:
		return true
	case filter.And:
		for _, x := range e {
			if !equalities(x, yield) {
				return false
			}
		}
		return true
	case filter.Compare:
		return e.Op == filter.Eq && len(e.Path) == 1 && yield(e.Path[0], e.Value)
	}
	return false
}

// matcher returns what tells whether an element of a meets e.
func matcher(a *attribute, e filter.Expr) (func(document) bool, error) {
	if e == nil {
		return func(document) bool { return true }, nil
	}
	b, err := filter.Check(e, a.SubAttributes.schema())
	if err != nil {
		return nil, err
	}
	return func(d document) bool {
		return filter.Eval(b, func(column string) []filter.Value {
			switch v := d[column].(type) {
			case string:
				return []filter.Value{filter.String(v)}
			case bool:
				return []filter.Value{filter.Bool(v)}
			}
			return nil
		})
	}, nil
}

func sorted(o map[string]any) []string {
	var all []string
	for n := range o {
		all = append(all, n)
	}
	slices.Sort(all)
	return all
}
