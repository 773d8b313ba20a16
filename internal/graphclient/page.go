package graphclient

import (
	"context"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// An Object is a resource as Graph sends it.
type Object map[string]any

// Text returns a property as text, or nothing. A name with slashes leads into objects.
func (o Object) Text(name string) string {
	head, rest, deeper := strings.Cut(name, "/")
	if deeper {
		inner, _ := o[head].(map[string]any)
		return Object(inner).Text(rest)
	}
	switch v := o[head].(type) {
	case nil:
		return ""
	case string:
		return v
	case []string:
		return strings.Join(v, ", ")
	case []any:
		texts := make([]string, len(v))
		for i, one := range v {
			texts[i] = fmt.Sprint(one)
		}
		return strings.Join(texts, ", ")
	case float64: // as JSON has it: a large number stays one
		return strconv.FormatFloat(v, 'f', -1, 64)
	default:
		return fmt.Sprint(v)
	}
}

// Time returns a property that is a time; the zero time where it is null, or not told.
func (o Object) Time(name string) time.Time {
	at, err := time.Parse(time.RFC3339, o.Text(name)) // parts of a second may follow
	if err != nil {
		return time.Time{}
	}
	return at
}

// Objects returns the objects in a list; none when there is no such list.
func (o Object) Objects(name string) []Object {
	items, _ := o[name].([]any)
	var all []Object
	for _, item := range items {
		if one, ok := item.(map[string]any); ok {
			all = append(all, one)
		}
	}
	return all
}

// Query is a request for a list. Zero fields are left out.
type Query struct {
	Filter, Search, OrderBy, Select, Expand string
	Top                                     int  // of one page
	Count                                   bool // asks for how many there are in all
	// SkipToken is where a page starts, as the Next of the page before says.
	SkipToken string
	More      map[string]string // what only this list takes
}

func (q Query) encode() string {
	v := url.Values{}
	for name, value := range map[string]string{
		"$filter": q.Filter, "$search": q.Search, "$orderby": q.OrderBy, "$select": q.Select, "$expand": q.Expand, "$skiptoken": q.SkipToken,
	} {
		if value != "" {
			v.Set(name, value)
		}
	}
	for name, value := range q.More {
		if value != "" {
			v.Set(name, value)
		}
	}
	if q.Top > 0 {
		v.Set("$top", fmt.Sprint(q.Top))
	}
	if q.Count {
		v.Set("$count", "true")
	}
	if len(v) == 0 {
		return ""
	}
	return "?" + v.Encode()
}

// Quote returns s as a text of $filter.
func Quote(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

// A Page is one page of a list.
type Page struct {
	Items []Object
	Next  string // the SkipToken of the next page; "" on the last one
	Count int    // of the whole list; -1 unless it was asked for and told
}

// Page returns the page that q asks for of what is at the path that names lead to.
func (c *Client) Page(ctx context.Context, q Query, names ...string) (Page, error) {
	path, err := segments(names...)
	if err != nil {
		return Page{}, err
	}
	var answer struct {
		Value []Object `json:"value"`
		Next  string   `json:"@odata.nextLink"`
		Count *int     `json:"@odata.count"`
	}
	u, err := c.base.Parse(c.base.Path + path + q.encode())
	if err != nil {
		return Page{}, err
	}
	if err := c.send(ctx, http.MethodGet, u, nil, &answer); err != nil {
		return Page{}, err
	}
	page := Page{Items: answer.Value, Count: -1}
	if answer.Count != nil {
		page.Count = *answer.Count
	}
	next, err := c.next(u, answer.Next)
	if next != nil {
		page.Next = next.Query().Get("$skiptoken")
	}
	return page, err
}

// Get returns the resource that names lead to.
func (c *Client) Get(ctx context.Context, names ...string) (Object, error) {
	return c.one(ctx, names...)
}

// Select is Get of those properties, which are separated by commas.
func (c *Client) Select(ctx context.Context, properties string, names ...string) (Object, error) {
	path, err := segments(names...)
	if err != nil {
		return nil, err
	}
	var o Object
	err = c.call(ctx, http.MethodGet, path+Query{Select: properties}.encode(), nil, &o)
	return o, err
}

// Do sends in (nothing if nil) to the resource that names lead to, and returns the answer, nil if
// there is none.
func (c *Client) Do(ctx context.Context, method string, in any, names ...string) (Object, error) {
	var raw []byte
	if err := c.at(ctx, method, in, &raw, names...); err != nil || len(raw) == 0 {
		return nil, err
	}
	var o Object
	err := decode(raw, &o)
	return o, err
}

// list yields what is at the path that names lead to, page after page. An error is the last
// that it yields.
func (c *Client) list(ctx context.Context, q Query, names ...string) iter.Seq2[Object, error] {
	return func(yield func(Object, error) bool) {
		path, err := segments(names...)
		if err != nil {
			yield(nil, err)
			return
		}
		u, err := c.base.Parse(c.base.Path + path + q.encode())
		for err == nil && u != nil {
			var page struct {
				Value []Object `json:"value"`
				Next  string   `json:"@odata.nextLink"`
			}
			if err = c.send(ctx, http.MethodGet, u, nil, &page); err != nil {
				break
			}
			for _, one := range page.Value {
				if !yield(one, nil) {
					return
				}
			}
			u, err = c.next(u, page.Next)
		}
		if err != nil {
			yield(nil, err)
		}
	}
}

// next returns where the next page is, nil after the last one. The token goes to no other
// server, and a page does not follow itself.
func (c *Client) next(at *url.URL, link string) (*url.URL, error) {
	if link == "" {
		return nil, nil
	}
	u, err := url.Parse(link)
	if err != nil || u.Scheme != c.base.Scheme || u.Host != c.base.Host || u.User != nil {
		return nil, ErrAnswer.With("", "The next page is on another server, "+link[:min(len(link), 80)]+".")
	}
	if u.String() == at.String() {
		return nil, ErrAnswer.With("", "A page follows itself.")
	}
	return u, nil
}
