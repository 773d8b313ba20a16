package saml

import (
	"maps"
	"regexp"
	"strings"
	"time"

	"github.com/beevik/etree"
)

// A node is an element whose names are resolved: a prefix means nothing any more. It is what
// everything is read from.
type node struct {
	space, name string
	attrs       map[string]string // those without a namespace
	kids        []*node
	text        string // all text directly inside
	el          *etree.Element
	scope       map[string]string // prefixes that hold here
}

// ncName is the part of XML's NCName that is accepted as a name or id.
var ncName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.-]{0,127}$`)

// resolve returns the view of root, which is whole by itself: no element of it stands elsewhere.
func resolve(root *etree.Element, elements int) (*node, error) {
	r := resolver{left: elements, ids: map[string]bool{}}
	return r.node(root, map[string]string{"xml": nsXML})
}

type resolver struct {
	left int
	ids  map[string]bool
}

func (r *resolver) node(el *etree.Element, outer map[string]string) (*node, error) {
	if r.left--; r.left < 0 {
		return nil, ErrTooLarge
	}
	if len(el.Attr) > maxAttrs {
		return nil, ErrTooLarge
	}
	scope, err := declared(el, outer)
	if err != nil {
		return nil, err
	}
	n := &node{name: el.Tag, attrs: map[string]string{}, el: el, scope: scope}
	if n.space, err = lookUp(scope, el.Space, el.Tag); err != nil {
		return nil, err
	}
	if err := r.attributes(n); err != nil {
		return nil, err
	}
	var text strings.Builder
	for _, t := range el.Child {
		switch t := t.(type) {
		case *etree.Element:
			kid, err := r.node(t, scope)
			if err != nil {
				return nil, err
			}
			n.kids = append(n.kids, kid)
		case *etree.CharData:
			text.WriteString(t.Data)
		default:
			return nil, ErrMalformed
		}
	}
	n.text = text.String()
	return n, nil
}

// declared returns the prefixes that hold inside el.
func declared(el *etree.Element, outer map[string]string) (map[string]string, error) {
	var scope map[string]string
	for _, a := range el.Attr {
		prefix, ok := declares(a)
		if !ok {
			continue
		}
		if scope == nil {
			scope = make(map[string]string, len(outer)+2)
			maps.Copy(scope, outer)
		}
		switch {
		case prefix == "xmlns", a.Value == nsXMLNS, (prefix == "xml") != (a.Value == nsXML):
			return nil, ErrMalformed // reserved (xml-names 3)
		case prefix != "" && (a.Value == "" || !ncName.MatchString(prefix)):
			return nil, ErrMalformed
		}
		scope[prefix] = a.Value
	}
	if scope == nil {
		return outer, nil
	}
	return scope, nil
}

// declares returns the prefix that a declares, "" for the default namespace.
func declares(a etree.Attr) (string, bool) {
	switch {
	case a.Space == "xmlns":
		return a.Key, true
	case a.Space == "" && a.Key == "xmlns":
		return "", true
	}
	return "", false
}

func lookUp(scope map[string]string, prefix, name string) (string, error) {
	if !ncName.MatchString(name) {
		return "", ErrMalformed
	}
	space, ok := scope[prefix]
	if !ok && prefix != "" {
		return "", ErrMalformed
	}
	return space, nil
}

// attributes reads those of n. None may come twice, and no id of the document either, whatever
// it is called: then there is one answer to what a reference means.
func (r *resolver) attributes(n *node) error {
	seen := make(map[[2]string]bool, len(n.el.Attr))
	for _, a := range n.el.Attr {
		space := nsXMLNS
		if _, ok := declares(a); !ok {
			space = ""
			var err error
			if a.Space != "" {
				space, err = lookUp(n.scope, a.Space, a.Key)
			} else {
				_, err = lookUp(n.scope, "xml", a.Key)
			}
			if err != nil {
				return err
			}
		}
		key := [2]string{space, a.Key}
		if seen[key] {
			return ErrMalformed
		}
		seen[key] = true
		if space == "" {
			n.attrs[a.Key] = a.Value
		}
		if strings.EqualFold(a.Key, "id") && space != nsXMLNS {
			if a.Value == "" || r.ids[a.Value] {
				return ErrMalformed
			}
			r.ids[a.Value] = true
		}
	}
	return nil
}

func (n *node) is(space, name string) bool { return n != nil && n.space == space && n.name == name }

// all returns the direct children with the name.
func (n *node) all(space, name string) []*node {
	var all []*node
	for _, k := range n.kids {
		if k.is(space, name) {
			all = append(all, k)
		}
	}
	return all
}

// one returns the only direct child with the name, nil for none, and an error for several.
func (n *node) one(space, name string) (*node, error) {
	all := n.all(space, name)
	switch len(all) {
	case 0:
		return nil, nil //nolint:nilnil // none is an answer
	case 1:
		return all[0], nil
	}
	return nil, ErrMalformed
}

// need is one for a child that must be there.
func (n *node) need(space, name string) (*node, error) {
	k, err := n.one(space, name)
	if err == nil && k == nil {
		err = ErrMalformed
	}
	return k, err
}

// count returns how many elements in n, itself included, keep says yes to.
func (n *node) count(keep func(*node) bool) int {
	c := 0
	if keep(n) {
		c++
	}
	for _, k := range n.kids {
		c += k.count(keep)
	}
	return c
}

// value is the text of an element that has nothing but text.
func (n *node) value() (string, error) {
	if len(n.kids) > 0 {
		return "", ErrMalformed
	}
	return strings.TrimSpace(n.text), nil
}

// at reads a time, which saml-core 1.3.3 wants in UTC; zero when the attribute is not there.
func (n *node) at(attr string) (time.Time, error) {
	v, ok := n.attrs[attr]
	if !ok {
		return time.Time{}, nil
	}
	t, err := time.Parse(time.RFC3339Nano, v)
	if err != nil {
		return time.Time{}, ErrMalformed
	}
	return t.UTC(), nil
}

// flag reads an xs:boolean; false when the attribute is not there.
func (n *node) flag(attr string) (bool, error) {
	switch n.attrs[attr] {
	case "":
		return false, nil
	case "true", "1":
		return true, nil
	case "false", "0":
		return false, nil
	}
	return false, ErrMalformed
}
