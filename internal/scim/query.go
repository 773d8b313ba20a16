package scim

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"unicode"

	"github.com/postern-id/postern/internal/filter"
)

// What people and groups are found by: what has an index. A column in quotes is a constant:
// the one mail address that has an index is the one of type work.
var (
	userColumns = filter.Schema{
		{Name: "id", Type: filter.TypeString, Column: "id", Ops: filter.Equality},
		{Name: "externalId", Type: filter.TypeString, Column: "external_id", Ops: filter.Equality},
		{Name: "userName", Type: filter.TypeString, Column: "user_principal_name", Ops: filter.Equality | filter.StartsWith | filter.Sort},
		{Name: "displayName", Type: filter.TypeString, Column: "display_name", Ops: filter.Equality | filter.StartsWith | filter.Sort},
		{Name: "name.givenName", Type: filter.TypeString, Column: "given_name", Ops: filter.Equality | filter.StartsWith | filter.Sort},
		{Name: "name.familyName", Type: filter.TypeString, Column: "surname", Ops: filter.Equality | filter.StartsWith | filter.Sort},
		{Name: "nickName", Type: filter.TypeString, Column: "mail_nickname", Ops: filter.Equality | filter.StartsWith},
		{Name: "title", Type: filter.TypeString, Column: "job_title", Ops: filter.Equality | filter.StartsWith},
		{Name: "active", Type: filter.TypeBool, Column: "account_enabled", Ops: filter.Equality},
		{Name: "emails.value", Type: filter.TypeString, Column: "mail", Ops: filter.Equality | filter.StartsWith | filter.Sort},
		{Name: "emails.type", Type: filter.TypeString, Column: "'work'", Ops: filter.Eq},
		{Name: "emails.primary", Type: filter.TypeBool, Column: "TRUE", Ops: filter.Eq},
		{Name: "meta.created", Type: filter.TypeTime, Column: "created_at", Ops: filter.Equality | filter.Ordering | filter.Sort},
		{Name: urnEnterprise + ":employeeNumber", Type: filter.TypeString, Column: "employee_id", Ops: filter.Equality | filter.StartsWith},
		{Name: urnEnterprise + ":department", Type: filter.TypeString, Column: "department", Ops: filter.Equality | filter.StartsWith},
		{Name: urnEnterprise + ":manager.value", Type: filter.TypeString, Column: "manager_id", Ops: filter.Equality},
		{Name: urnPostern + ":employeeHireDate", Type: filter.TypeTime, Column: "employee_hire_at", Ops: filter.Equality | filter.Ordering | filter.Sort},
		{Name: urnPostern + ":source", Type: filter.TypeString, Column: "source", Ops: filter.Equality},
	}
	groupColumns = filter.Schema{
		{Name: "id", Type: filter.TypeString, Column: "id", Ops: filter.Equality},
		{Name: "externalId", Type: filter.TypeString, Column: "external_id", Ops: filter.Equality},
		{Name: "displayName", Type: filter.TypeString, Column: "display_name", Ops: filter.Equality | filter.StartsWith | filter.Sort},
		{Name: "members.value", Type: filter.TypeString, Column: "member_id", Ops: filter.Eq},
		{Name: "meta.created", Type: filter.TypeTime, Column: "created_at", Ops: filter.Equality | filter.Ordering | filter.Sort},
	}
)

// A query is what a list was asked for.
type query struct {
	match     []filter.Bound
	order     []filter.Order
	start     int // from 1
	count     int
	byCursor  bool
	after     []any // the position that a cursor holds
	total     bool  // count is 0: how many there are is all that was asked
	selection selection
	text      string // what the list is known by from one page to the next
}

// parameters are those of a list, from an address or from the body of .search.
type parameters struct {
	filter, sortBy, sortOrder, cursor string
	attributes, excluded              []string
	start, count                      *int
	byCursor                          bool
}

// asked finds by the parameters of the address, posted by those of a body (RFC 7644 §3.4.2 and §3.4.3).
func asked(find func(*call, parameters) error) func(*call) error {
	return func(c *call) error {
		p, err := fromAddress(c.r.URL.Query())
		if err != nil {
			return err
		}
		return find(c, p)
	}
}

func posted(find func(*call, parameters) error) func(*call) error {
	return func(c *call) error {
		body, err := readBody(c.r)
		if err != nil {
			return err
		}
		p, err := fromBody(body)
		if err != nil {
			return err
		}
		return find(c, p)
	}
}

func fromAddress(q url.Values) (p parameters, err error) {
	for name, values := range q {
		if len(values) > 1 {
			return p, ErrSyntax.With(short(name), "The parameter "+short(name)+" appears twice.")
		}
	}
	p.filter, p.sortBy, p.sortOrder = q.Get("filter"), q.Get("sortBy"), q.Get("sortOrder")
	p.byCursor, p.cursor = q.Has("cursor"), q.Get("cursor")
	p.attributes, p.excluded = split(q.Get("attributes")), split(q.Get("excludedAttributes"))
	if p.start, err = whole(q, "startIndex"); err != nil {
		return p, err
	}
	p.count, err = whole(q, "count")
	return p, err
}

func split(s string) []string {
	if strings.TrimSpace(s) == "" {
		return nil
	}
	return strings.Split(s, ",")
}

func whole(q url.Values, name string) (*int, error) {
	if !q.Has(name) {
		return nil, nil
	}
	n, err := strconv.Atoi(q.Get(name))
	if err != nil {
		return nil, ErrValue.With(name, name+" is a whole number.")
	}
	return &n, nil
}

// fromBody reads a SearchRequest (RFC 7644 section 3.4.3).
func fromBody(body map[string]any) (p parameters, err error) {
	if !hasSchema(body, urnSearch) {
		return p, ErrSyntax.With("schemas", "schemas must hold "+urnSearch+".")
	}
	for name, to := range map[string]*string{"filter": &p.filter, "sortBy": &p.sortBy, "sortOrder": &p.sortOrder, "cursor": &p.cursor} {
		if v := lookUp(body, name); v != nil {
			var ok bool
			if *to, ok = v.(string); !ok {
				return p, ErrValue.With(name, name+" is text.")
			}
			p.byCursor = p.byCursor || name == "cursor"
		}
	}
	for name, to := range map[string]**int{"startIndex": &p.start, "count": &p.count} {
		if v := lookUp(body, name); v != nil {
			number, _ := v.(json.Number)
			n, err := strconv.Atoi(number.String())
			if err != nil {
				return p, ErrValue.With(name, name+" is a whole number.")
			}
			*to = &n
		}
	}
	for name, to := range map[string]*[]string{"attributes": &p.attributes, "excludedAttributes": &p.excluded} {
		list, _ := lookUp(body, name).([]any)
		for _, v := range list {
			s, ok := v.(string)
			if !ok {
				return p, ErrValue.With(name, name+" is a list of names.")
			}
			*to = append(*to, s)
		}
	}
	return p, nil
}

// query checks p against what resources of k are found by.
func (k *kind) query(p parameters, columns filter.Schema) (q query, err error) {
	q.start, q.count, q.byCursor = 1, usualPage, p.byCursor
	if p.start != nil {
		q.start = max(1, *p.start)
	}
	if p.count != nil {
		q.count = min(largestPage, max(0, *p.count))
	}
	q.total = q.count == 0
	if p.byCursor && p.start != nil {
		return q, ErrValue.With("cursor", "cursor and startIndex do not go together.")
	}
	if p.cursor != "" {
		if q.after, err = openCursor(p.cursor); err != nil {
			return q, err
		}
	}
	if q.selection, err = k.selection(p.attributes, p.excluded); err != nil {
		return q, err
	}
	if p.filter != "" {
		b, err := k.bind(p.filter, columns)
		if err != nil {
			return q, err
		}
		q.match = []filter.Bound{b}
		q.text = b.Root().String()
	}
	if p.sortBy != "" {
		if q.order, err = k.sorting(p, columns); err != nil {
			return q, err
		}
		q.text += fmt.Sprintf("\x00%s %v", q.order[0].Property.Name, q.order[0].Descending)
	}
	return q, q.fits()
}

// fits reports whether the position of a cursor is one of this order.
func (q query) fits() error {
	if q.after == nil {
		return nil
	}
	_, number := q.after[0].(float64)
	if number != (len(q.order) > 0 && q.order[0].Property.Type == filter.TypeTime) {
		return ErrCursor
	}
	return nil
}

func (k *kind) sorting(p parameters, columns filter.Schema) ([]filter.Order, error) {
	t, err := filter.ParseTarget(p.sortBy)
	if err != nil || t.Elements != nil {
		return nil, ErrPath.With("sortBy", "sortBy is the name of an attribute.")
	}
	at, ok := k.locate(t.Path)
	if !ok || at.attribute == nil {
		return nil, ErrPath.With("sortBy", "There is no attribute "+short(p.sortBy)+".")
	}
	name := valued(at).name()
	for i := range columns {
		if columns[i].Name == name && columns[i].Ops&filter.Sort != 0 {
			return []filter.Order{{Property: &columns[i], Descending: strings.EqualFold(p.sortOrder, "descending")}}, nil
		}
	}
	return nil, ErrPath.With("sortBy", name+" can't be sorted by.")
}

// valued is p, or where p is a complex attribute the value of it: emails stands for emails.value.
func valued(p place) place {
	if p.sub == nil && p.attribute.Type == "complex" {
		p.sub = p.attribute.SubAttributes.find("value")
	}
	return p
}

// bind reads a filter and finds its names among columns.
func (k *kind) bind(text string, columns filter.Schema) (filter.Bound, error) {
	e, err := filter.ParseSCIM(text)
	if err != nil {
		return filter.Bound{}, err
	}
	if e, err = k.named(e, nil); err != nil {
		return filter.Bound{}, err
	}
	return filter.Check(e, columns)
}

// named gives the names in e the form that a schema has them in. Within the brackets of a list
// the names are those of its elements; the lists that can be looked into hold one element.
func (k *kind) named(e filter.Expr, within filter.Path) (filter.Expr, error) {
	var err error
	switch e := e.(type) {
	case filter.And:
		all := make(filter.And, len(e))
		for i, x := range e {
			if all[i], err = k.named(x, within); err != nil {
				return nil, err
			}
		}
		return all, nil
	case filter.Or:
		all := make(filter.Or, len(e))
		for i, x := range e {
			if all[i], err = k.named(x, within); err != nil {
				return nil, err
			}
		}
		return all, nil
	case filter.Not:
		inner, err := k.named(e.Expr, within)
		return filter.Not{Expr: inner}, err
	case filter.Any:
		return k.namedAny(e, within)
	case filter.Compare:
		var p place
		if e.Path, p, err = k.nameOf(e.Path, within); err != nil {
			return nil, err
		}
		e.Value = fitting(p, e.Value)
		return e, nil
	case filter.Match:
		e.Path, _, err = k.nameOf(e.Path, within)
		return e, err
	}
	return nil, filter.ErrScimSyntax
}

func (k *kind) namedAny(e filter.Any, within filter.Path) (filter.Expr, error) {
	p, ok := k.locate(e.Path)
	if !ok || p.attribute == nil || p.sub != nil || within != nil {
		return nil, filter.ErrUnknownProperty.With("filter", "There is no list "+short(e.Path.String())+" here.")
	}
	inner, err := k.named(e.Expr, e.Path)
	if err != nil {
		return nil, err
	}
	if p.attribute.Name != "emails" {
		return inner, nil
	}
	there := filter.Compare{Path: filter.Path{"emails.value"}, Op: filter.Ne, Value: filter.Null{}}
	return filter.And{there, inner}, nil
}

func (k *kind) nameOf(path, within filter.Path) (filter.Path, place, error) {
	whole := append(append(filter.Path{}, within...), path...)
	p, ok := k.locate(whole)
	if !ok || p.attribute == nil {
		return nil, p, filter.ErrUnknownProperty.With("filter", "There is no attribute "+short(strings.Join(whole, "."))+" here.")
	}
	p = valued(p)
	return filter.Path{p.name()}, p, nil
}

// fitting turns the quoted True of some clients into true.
func fitting(p place, v filter.Value) filter.Value {
	a := p.attribute
	if p.sub != nil {
		a = p.sub
	}
	if s, ok := v.(filter.String); ok && a.Type == "boolean" && (strings.EqualFold(string(s), "true") || strings.EqualFold(string(s), "false")) {
		return filter.Bool(strings.EqualFold(string(s), "true"))
	}
	return v
}

// sealCursor writes a position for the client to bring back (RFC 9865). It holds nothing that
// the page before it did not show, and leads nowhere but into the same list.
func sealCursor(position []any) string {
	raw, err := json.Marshal(position)
	if err != nil {
		return ""
	}
	return base64.RawURLEncoding.EncodeToString(raw)
}

func openCursor(text string) ([]any, error) {
	raw, err := base64.RawURLEncoding.DecodeString(text)
	var position []any
	if err != nil || len(raw) > 2048 || json.Unmarshal(raw, &position) != nil || len(position) != 2 {
		return nil, ErrCursor
	}
	for i, part := range position {
		text, isText := part.(string)
		_, isNumber := part.(float64)
		if !isText && (!isNumber || i == 1) || strings.ContainsFunc(text, unicode.IsControl) {
			return nil, ErrCursor
		}
	}
	return position, nil
}
