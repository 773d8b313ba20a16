package graph

import (
	"cmp"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/postern-id/postern/internal/filter"
	"github.com/postern-id/postern/internal/graph/odata"
)

// Orders of lists that are read whole.
var (
	byCreation = filter.Order{Property: &filter.Property{Name: "createdDateTime", Column: "createdDateTime"}}
	byID       = filter.Order{Property: &filter.Property{Name: "id", Column: "id"}}
)

// writeHeld answers with those of all that the request asks for. It is for what a tenant has
// few of and reads as a whole: schema's columns are the names of properties.
func (a *API) writeHeld(c *call, set string, schema filter.Schema, usual filter.Order, all []odata.Entity, properties []string) error {
	w, err := readWish(c, schema, properties, usualPage)
	if err != nil {
		return err
	}
	if err := a.openCursor(c, &w); err != nil {
		return err
	}
	return a.writeWished(c, set, w, usual, all)
}

// readWish reads the options of a list that is held; without a schema it is neither filtered nor sorted.
func readWish(c *call, schema filter.Schema, properties []string, usual int) (w wish, err error) {
	by := schema != nil
	if w.options, err = odata.ParseOptions(c.r, odata.Allow{
		Properties: properties, DefaultTop: usual, MaxTop: largestPage, Filter: by, OrderBy: by, Count: by,
	}); err == nil && by {
		_, err = w.bind(schema)
	}
	return w, err
}

// matching returns those of all that the filter lets through.
func (w wish) matching(all []odata.Entity) []odata.Entity {
	return slices.DeleteFunc(slices.Clone(all), func(e odata.Entity) bool {
		return slices.ContainsFunc(w.match, func(b filter.Bound) bool { return !filter.Eval(b, held(e)) })
	})
}

func sortHeld(order filter.Order, all []odata.Entity) {
	sort.SliceStable(all, func(i, j int) bool { return compareAt(order, placeIn(order, all[i]), placeIn(order, all[j])) < 0 })
}

func (a *API) writeWished(c *call, set string, w wish, usual filter.Order, all []odata.Entity) error {
	order := usual
	if len(w.order) > 0 {
		order = w.order[0]
	}
	all = w.matching(all)
	sortHeld(order, all)
	total := len(all)
	if len(w.after) == 2 {
		all = slices.DeleteFunc(all, func(e odata.Entity) bool { return compareAt(order, placeIn(order, e), w.after) <= 0 })
	}
	var position []any
	if len(all) > w.options.Top {
		all = all[:w.options.Top]
		position = placeIn(order, all[len(all)-1])
	}
	count := func([]filter.Bound) (int, error) { return total, nil }
	return writeList(a, c, w, set, all, position, count, func(e odata.Entity) odata.Entity { return e })
}

// held lets a condition look at the properties of e.
func held(e odata.Entity) filter.Object {
	return func(column string) []filter.Value {
		switch v := valueOf(e, column).(type) {
		case string:
			if at, err := time.Parse(time.RFC3339Nano, v); err == nil && strings.HasSuffix(column, "DateTime") {
				return []filter.Value{filter.Time{At: at}}
			}
			return []filter.Value{filter.String(v)}
		case bool:
			return []filter.Value{filter.Bool(v)}
		case []string:
			all := make([]filter.Value, len(v))
			for i, one := range v {
				all[i] = filter.String(one)
			}
			return all
		}
		return nil
	}
}

func valueOf(e odata.Entity, name string) any {
	for _, p := range e {
		if p.Name == name {
			return p.Value
		}
	}
	return nil
}

// placeIn is where e stands in order: by the property, then by id.
func placeIn(order filter.Order, e odata.Entity) []any {
	id, _ := valueOf(e, "id").(string)
	text, _ := valueOf(e, order.Property.Column).(string)
	if at, err := time.Parse(time.RFC3339Nano, text); err == nil {
		return []any{at.UTC().Format("2006-01-02T15:04:05.000000000"), id}
	}
	return []any{filter.Fold(text), id}
}

func compareAt(order filter.Order, x, y []any) int {
	text := func(v any) string { s, _ := v.(string); return s }
	n := cmp.Or(strings.Compare(text(x[0]), text(y[0])), strings.Compare(text(x[1]), text(y[1])))
	if order.Descending {
		return -n
	}
	return n
}
