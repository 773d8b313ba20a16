package scim

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// A document is a resource as JSON has it, with every name in its proper case and every value
// of its attribute's type: text, bool, a document, or a list of documents. An extension is a
// document under its URN. What is not assigned is not there.
type document map[string]any

// forgiven are sub-attributes that clients send with everything and that are not kept.
var forgiven = []string{"display", "primary", "type", "$ref", "honorificprefix", "honorificsuffix", "middlename", "formatted"}

// read makes a document of what a client wrote. What only the server writes is left out
// (RFC 7644 section 3.3), and so is what is not kept.
func (k *kind) read(raw map[string]any) (document, error) {
	d := document{}
	for name, value := range raw {
		if strings.EqualFold(name, "schemas") {
			continue
		}
		if x := k.extension(name); x != nil {
			inner, err := readAttributes(x.Attributes, value, nil)
			if err != nil {
				return nil, err
			}
			if len(inner) > 0 {
				d[x.ID] = inner
			}
			continue
		}
		one, err := readAttributes(k.root(), map[string]any{name: value}, k.dropped)
		if err != nil {
			return nil, err
		}
		maps.Copy(d, one)
	}
	return d, nil
}

func readAttributes(all attributes, value any, dropped []string) (document, error) {
	raw, ok := value.(map[string]any)
	if !ok {
		return nil, ErrValue.With("", "An extension is an object.")
	}
	d := document{}
	for name, value := range raw {
		a := all.find(name)
		if a == nil {
			if slices.ContainsFunc(dropped, func(x string) bool { return strings.EqualFold(x, name) }) {
				continue
			}
			return nil, ErrPath.With(short(name), "There is no attribute "+short(name)+" here.")
		}
		if a.Mutability == "readOnly" {
			continue
		}
		v, err := a.read(value)
		if err != nil {
			return nil, err
		}
		if v != nil {
			d[a.Name] = v
		}
	}
	return d, nil
}

// read returns v as a value of a, nil if it assigns nothing. It takes what Entra writes, too:
// True and False in quotes, one value for a list, and a list of one for a value.
func (a *attribute) read(v any) (any, error) {
	if !a.MultiValued {
		return a.readOne(v)
	}
	list, ok := v.([]any)
	if !ok {
		list = []any{v}
	}
	if err := a.fits(len(list)); err != nil {
		return nil, err
	}
	var all []document
	for _, x := range list {
		one, err := a.readOne(x)
		if err != nil {
			return nil, err
		}
		if d, ok := one.(document); ok && len(d) > 0 {
			all = append(all, d)
		}
	}
	if all == nil {
		return nil, nil
	}
	return all, nil
}

// fits refuses a list with n values where that is more than a has. Each is compared with every other one.
func (a *attribute) fits(n int) error {
	most := maxEntries
	if a.Name == groupMembers.Name {
		most = maxValues
	}
	if n > most {
		return ErrMany.With(a.Name, fmt.Sprintf("%s has more than %d values.", a.Name, most))
	}
	return nil
}

func (a *attribute) readOne(v any) (any, error) {
	if list, ok := v.([]any); ok {
		switch len(list) {
		case 0:
			return nil, nil
		case 1:
			v = list[0]
		default:
			return nil, ErrValue.With(a.Name, a.Name+" has one value.")
		}
	}
	if v == nil || v == "" {
		return nil, nil
	}
	if a.Type == "complex" {
		return a.readComplex(v)
	}
	if wrapped, ok := v.(map[string]any); ok { // {"$ref": null, "value": …}
		if v = wrapped["value"]; v == nil || v == "" {
			return nil, nil
		}
	}
	s, isText := v.(string)
	switch a.Type {
	case "boolean":
		if b, ok := v.(bool); ok {
			return b, nil
		}
		if isText && strings.EqualFold(s, "true") || strings.EqualFold(s, "false") {
			return strings.EqualFold(s, "true"), nil
		}
		return nil, ErrValue.With(a.Name, a.Name+" is true or false.")
	case "dateTime":
		if t, ok := parseTime(s); isText && ok {
			return t.UTC().Format(time.RFC3339Nano), nil
		}
		return nil, ErrValue.With(a.Name, a.Name+" is a date and time such as 2026-01-31T09:00:00Z.")
	}
	if !isText {
		return nil, ErrValue.With(a.Name, a.Name+" is text.")
	}
	return s, nil
}

// parseTime takes a date alone, too: personnel systems write it.
func parseTime(s string) (time.Time, bool) {
	for _, layout := range []string{time.RFC3339Nano, time.DateOnly} {
		if t, err := time.Parse(layout, s); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}

func (a *attribute) readComplex(v any) (any, error) {
	if s, ok := v.(string); ok && a.SubAttributes.find("value") != nil {
		v = map[string]any{"value": s}
	}
	raw, ok := v.(map[string]any)
	if !ok {
		return nil, ErrValue.With(a.Name, a.Name+" is an object.")
	}
	d, err := readAttributes(a.SubAttributes, raw, forgiven)
	if err != nil || len(d) == 0 {
		return nil, err
	}
	return d, nil
}

// extension returns the document of an extension, made if it is not there.
func (d document) part(urn string) document {
	if urn == "" {
		return d
	}
	inner, ok := d[urn].(document)
	if !ok {
		inner = document{}
		d[urn] = inner
	}
	return inner
}

func (d document) text(name string) string {
	s, _ := d[name].(string)
	return s
}

func (d document) inner(name string) document {
	inner, _ := d[name].(document)
	return inner
}

func (d document) list(name string) []document {
	list, _ := d[name].([]document)
	return list
}

// set assigns v, or nothing where v is nil, empty or false text.
func (d document) set(name string, v any) {
	switch v := v.(type) {
	case nil:
		delete(d, name)
		return
	case string:
		if v == "" {
			delete(d, name)
			return
		}
	case document:
		if len(v) == 0 {
			delete(d, name)
			return
		}
	case []document:
		if len(v) == 0 {
			delete(d, name)
			return
		}
	}
	d[name] = v
}

// short repeats a name from outside, not at length.
func short(s string) string { return fmt.Sprintf("%.60q", s) }
