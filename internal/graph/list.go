package graph

import (
	"context"
	"errors"
	"slices"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/fault"
	"github.com/postern-id/postern/internal/filter"
	"github.com/postern-id/postern/internal/graph/odata"
)

// Pages of directory objects.
const (
	usualPage   = 100
	largestPage = 999
)

// errOneOrder says that one property is as many as a result is sorted by.
var errOneOrder = odata.ErrUnsupportedQuery.With("$orderby", "Results are sorted by one property.")

// A wish is what a list request asks for.
type wish struct {
	options odata.Options
	match   []filter.Bound
	order   []filter.Order
	after   []any
	cursor  odata.Cursor
}

// wish reads the query of c against schema.
func (a *API) wish(c *call, allow odata.Allow, schema filter.Schema) (wish, error) {
	var w wish
	var err error
	if w.options, err = odata.ParseOptions(c.r, allow); err != nil {
		return w, err
	}
	advanced, err := w.bind(schema)
	if err != nil {
		return w, err
	}
	if err := w.options.CheckAdvanced(advanced); err != nil {
		return w, err
	}
	err = a.openCursor(c, &w)
	return w, err
}

func (a *API) openCursor(c *call, w *wish) error {
	key, err := a.Secrets.Derive(c.ctx(), string(c.tenant.ID), "skiptoken")
	if err != nil {
		return err
	}
	w.cursor = odata.NewCursor(key, string(c.tenant.ID), c.r.URL.Path, w.options)
	if w.options.SkipToken == "" {
		return nil
	}
	return w.cursor.Open(w.options.SkipToken, &w.after)
}

// bind reads $filter, $search and $orderby, and says whether the filter is an advanced one.
func (w *wish) bind(schema filter.Schema) (advanced bool, err error) {
	for _, part := range []struct {
		text  string
		parse func(string) (filter.Expr, error)
	}{{w.options.Filter, filter.Parse}, {w.options.Search, filter.ParseSearch}} {
		if part.text == "" {
			continue
		}
		e, err := part.parse(part.text)
		if err != nil {
			return false, err
		}
		b, err := filter.Check(e, schema)
		if err != nil {
			return false, unsupported(err)
		}
		w.match = append(w.match, b)
		advanced = advanced || isAdvanced(b.Root())
	}
	if w.options.OrderBy == "" {
		return advanced, nil
	}
	keys, err := filter.ParseOrderBy(w.options.OrderBy)
	if err != nil {
		return false, err
	}
	if len(keys) > 1 {
		return false, errOneOrder
	}
	w.order, err = filter.CheckOrderBy(keys, schema)
	return advanced, unsupported(err)
}

// isAdvanced reports whether Graph offers e only with ConsistencyLevel: eventual.
func isAdvanced(e filter.Expr) bool {
	switch e := e.(type) {
	case filter.And:
		return anyAdvanced(e)
	case filter.Or:
		return anyAdvanced(e)
	case filter.Not:
		return true
	case filter.Compare:
		return e.Op == filter.Ne
	}
	return false
}

func anyAdvanced(terms []filter.Expr) bool {
	return slices.ContainsFunc(terms, isAdvanced)
}

// unsupported gives Graph's code to what is refused because no index serves it.
func unsupported(err error) error {
	if f, ok := errors.AsType[*fault.Error](err); ok && errors.Is(err, filter.ErrUnsupported) {
		return odata.ErrUnsupportedQuery.With(f.Target, f.Text)
	}
	return err
}

// next returns the link to the page behind position, or "" on the last page.
func (a *API) next(c *call, w wish, position []any) (string, error) {
	if position == nil {
		return "", nil
	}
	token, err := w.cursor.Seal(position)
	return odata.NextLink(a.PublicURL, c.r, w.options, token), err
}

// writeList answers with one page of things, each as show shows it.
func writeList[T any](a *API, c *call, w wish, set string, things []T, position []any, count func([]filter.Bound) (int, error), show func(T) odata.Entity) error {
	page := odata.Page[odata.Entity]{Context: a.root(c).Collection(set, w.options.Select), Value: []odata.Entity{}}
	if w.options.Count && count != nil {
		n, err := count(w.match)
		if err != nil {
			return err
		}
		page.Count = &n
	}
	for _, t := range things {
		page.Value = append(page.Value, show(t).Select(w.options.Select))
	}
	var err error
	if page.NextLink, err = a.next(c, w, position); err != nil {
		return err
	}
	return odata.WritePage(c.w, page)
}

// lastID returns where a result by id goes on.
func (w wish) lastID() string {
	if len(w.after) != 2 {
		return ""
	}
	id, _ := w.after[1].(string)
	return id
}

// linkedSchema lets a request ask whether some objects are among those that are linked.
var linkedSchema = filter.Schema{{Name: "id", Type: filter.TypeGUID, Column: "id", Ops: filter.Equality}}

// writeLinked serves the objects that belong to object by link.
func (a *API) writeLinked(c *call, object, link string) error {
	w, err := a.wish(c, odata.Allow{Properties: objectProperties, DefaultTop: usualPage, MaxTop: largestPage, Filter: true}, linkedSchema)
	if err != nil {
		return err
	}
	var kind directory.ObjectKind
	set := "directoryObjects"
	if cast := c.r.PathValue("cast"); cast != "" {
		var ok bool
		if kind, ok = casts[cast]; !ok {
			return ErrPath
		}
	}
	refs, more, err := a.Store.Linked(c.ctx(), c.tenant.ID, object, link, kind, w.match, w.lastID(), w.options.Top)
	if err != nil {
		return err
	}
	things, err := a.objects(c, refs)
	if err != nil {
		return err
	}
	var position []any
	if more {
		position = []any{refs[len(refs)-1].ID, refs[len(refs)-1].ID}
	}
	return writeList(a, c, w, set, things, position, nil, func(e odata.Entity) odata.Entity { return e })
}

var casts = map[string]directory.ObjectKind{
	"microsoft.graph.user": directory.KindUser, "microsoft.graph.group": directory.KindGroup,
	"microsoft.graph.servicePrincipal": directory.KindServicePrincipal, "microsoft.graph.directoryRole": kindRole,
	"microsoft.graph.device": directory.KindDevice,
}

// writeCount serves the $count segment of a collection.
func (a *API) writeCount(c *call, schema filter.Schema, count func(context.Context, directory.TenantID, []filter.Bound) (int, error)) error {
	w, err := a.counted(c, schema)
	if err != nil {
		return err
	}
	n, err := count(c.ctx(), c.tenant.ID, w.match)
	if err != nil {
		return err
	}
	return odata.WriteCount(c.w, n)
}
