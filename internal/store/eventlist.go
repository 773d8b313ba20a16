package store

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"strings"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/filter"
)

// eventsAtOnce is how many entries are looked at in one statement.
const eventsAtOnce = 500

// An eventQuery is a list of entries. One condition chooses the index along which they are
// read, in the order of time; the rest is looked at entry by entry.
type eventQuery struct {
	db     *DB
	tenant directory.TenantID
	kind   audit.Kind
	order  []filter.Order
	driver filter.Expr   // nil: all of the kind
	times  []filter.Expr // bounds of the time, which every index has
	rest   []filter.Expr
}

var oldestFirst = []filter.Order{{Property: &filter.Property{Column: "at"}}}

// spot is the place of an entry in the order.
type spot struct {
	at int64
	id string
}

func (s spot) position() []any { return []any{s.at, s.id} }

// Events implements graph.Store.
func (db *DB) Events(ctx context.Context, tenant directory.TenantID, kind audit.Kind, match []filter.Bound, order []filter.Order, after []any, limit int) ([]audit.Event, []any, error) {
	q := newEventQuery(db, tenant, kind, match, order)
	step := limit + 1
	if len(q.rest) > 0 {
		step = min(eventsAtOnce, db.bounds.events)
	}
	var found []audit.Event
	var last spot // the last of found
	for looked := 0; ; {
		spots, err := q.next(ctx, after, step)
		if err != nil {
			return nil, nil, err
		}
		fitting, err := q.fitting(ctx, spots)
		if err != nil {
			return nil, nil, err
		}
		for _, s := range spots {
			e, fits := fitting[s.id]
			if !fits {
				continue
			}
			if len(found) == limit {
				return found, last.position(), nil
			}
			found, last = append(found, e), s
		}
		if len(spots) < step {
			return found, nil, nil
		}
		after = spots[len(spots)-1].position()
		if looked += len(spots); looked >= db.bounds.events {
			return found, after, nil
		}
	}
}

func newEventQuery(db *DB, tenant directory.TenantID, kind audit.Kind, match []filter.Bound, order []filter.Order) *eventQuery {
	if len(order) == 0 {
		order = oldestFirst
	}
	q := &eventQuery{db: db, tenant: tenant, kind: kind, order: order}
	best := 0
	for _, b := range match {
		for _, term := range conjuncts(b.Root()) {
			switch r := usefulness(term); {
			case isTime(term):
				q.times = append(q.times, term)
			case r > best:
				if q.driver != nil {
					q.rest = append(q.rest, q.driver)
				}
				best, q.driver = r, term
			default:
				q.rest = append(q.rest, term)
			}
		}
	}
	return q
}

// conjuncts are the conditions that all must hold.
func conjuncts(e filter.Expr) []filter.Expr {
	and, ok := e.(filter.And)
	if !ok {
		if e == nil {
			return nil
		}
		return []filter.Expr{e}
	}
	var all []filter.Expr
	for _, term := range and {
		all = append(all, conjuncts(term)...)
	}
	return all
}

func isTime(e filter.Expr) bool {
	c, ok := e.(filter.Compare)
	return ok && c.Property.Column == "at"
}

// selective are the columns with an index, the fewest entries a value first.
var selective = []string{
	"id", "correlation_id", audit.MarkPass, audit.MarkPassChange, "event_target", audit.MarkDevice, "user_id", "actor_user_id", "user_principal_name", "ip_address",
	audit.MarkFailedChange, "activity", "error_code", audit.MarkFailedSignIn, "actor_app_id", audit.MarkMethod, "app_id", "category", "event_type",
}

// usefulness says how well e chooses an index: 0 where no index serves it, more the fewer
// entries it leaves.
func usefulness(e filter.Expr) int {
	column := ""
	switch e := e.(type) {
	case filter.Compare:
		column = e.Property.Column
		mark, _, marked := markOf(e)
		switch {
		case marked:
			column = mark
		case e.Op != filter.Eq || column == resultColumn:
			return 0
		}
	case filter.Match: // the other columns have short prefixes that many entries share
		if e.Property.Column == "correlation_id" && e.Op == filter.StartsWith && len(e.Text) >= 8 {
			column = e.Property.Column
		}
	case filter.Any:
		if c, ok := e.Expr.(filter.Compare); ok && c.Op == filter.Eq {
			column = e.Property.Column
		}
	}
	i := slices.Index(selective, column)
	if i < 0 {
		return 0
	}
	return len(selective) - i
}

// resultColumn stands for the outcome of a change, of which failures are marked.
const resultColumn = "result"

// markOf returns the mark that e asks for, and whether there is one, and whether the entries
// are those that have it.
func markOf(e filter.Compare) (mark, value string, has bool) {
	text := ""
	switch v := e.Value.(type) {
	case filter.String:
		text = string(v)
	case filter.GUID:
		text = string(v)
	case filter.Int:
		if e.Property.Column == "error_code" && e.Op == filter.Ne && v == 0 {
			return audit.MarkFailedSignIn, "", true
		}
	}
	switch column := e.Property.Column; {
	case e.Op != filter.Eq || text == "":
	case strings.HasSuffix(column, "/"):
		return column, strings.ToLower(text), true
	case column == resultColumn && strings.EqualFold(text, audit.Failure):
		return audit.MarkFailedChange, "", true
	}
	return "", "", false
}

// marked adds the condition on the entry's own marks, a look-up by its key.
func (q *query) marked(has bool, mark string) {
	if !has {
		q.add("NOT ")
	}
	q.add("EXISTS (SELECT 1 FROM event_target t WHERE t.tenant_id = $1 AND t.target_id = ", q.arg(mark), " AND t.at = event.at AND t.event_id = event.id)")
}

// next returns at most limit entries along the driver's index, after a position.
func (q *eventQuery) next(ctx context.Context, after []any, limit int) ([]spot, error) {
	s := q.db.newQuery(q.tenant, "")
	id := "id"
	if mark := q.mark(); mark != "" {
		id = "event_id"
		s.add("SELECT at, event_id FROM event_target WHERE tenant_id = $1 AND target_id = ", s.arg(mark))
	} else {
		s.add("SELECT at, id FROM event WHERE tenant_id = $1 AND kind = ", s.arg(string(q.kind)))
		if q.driver != nil {
			s.add(" AND ")
			s.expr(q.driver)
		}
	}
	for _, t := range q.times {
		s.add(" AND ")
		s.expr(t)
	}
	if err := s.pageBy(id, q.order, after, limit); err != nil {
		return nil, err
	}
	rows, err := q.db.read.QueryContext(ctx, s.String(), s.args...)
	return collect(rows, err, func(r *sql.Rows) (one spot, err error) {
		return one, r.Scan(&one.at, &one.id)
	})
}

// mark is what the driver looks for among targets and marks, or empty.
func (q *eventQuery) mark() string {
	switch e := q.driver.(type) {
	case filter.Compare:
		if mark, value, ok := markOf(e); ok {
			return mark + value
		}
	case filter.Any:
		c, ok := e.Expr.(filter.Compare)
		if !ok {
			return ""
		}
		if mark, value, ok := markOf(c); ok {
			return mark + value
		}
		if text, ok := c.Value.(filter.String); ok && e.Property.Column == "event_target" {
			return filter.Fold(string(text))
		}
	}
	return ""
}

// fitting returns those of spots that are of the kind and meet the rest, opened, by id.
func (q *eventQuery) fitting(ctx context.Context, spots []spot) (map[string]audit.Event, error) {
	if len(spots) == 0 {
		return nil, nil
	}
	s := q.lookUp(spots)
	rows, err := q.db.read.QueryContext(ctx, s.String(), s.args...)
	found, err := collect(rows, err, func(r *sql.Rows) (audit.Entry, error) { return scanEntry(string(q.tenant), r.Scan) })
	if err != nil {
		return nil, err
	}
	byID := make(map[string]audit.Event, len(found))
	for _, entry := range found {
		if entry.Kind != q.kind {
			continue
		}
		if byID[entry.ID], err = audit.Open(entry); err != nil {
			return nil, err
		}
	}
	return byID, nil
}

// lookUp selects those of spots that meet the rest, of either kind: asked for the kind, SQLite would read all entries
// of it and look for each among the ids.
func (q *eventQuery) lookUp(spots []spot) *query {
	s := q.db.newQuery(q.tenant, "")
	s.add("SELECT ", entryColumns, " FROM event WHERE tenant_id = $1 AND id IN (")
	for i := range padded(len(spots)) {
		if i > 0 {
			s.add(", ")
		}
		s.add(s.arg(spots[min(i, len(spots)-1)].id))
	}
	s.add(")")
	for _, e := range q.rest {
		s.add(" AND ")
		s.expr(e)
	}
	return s
}

// padded rounds the length of a list up, so that few statements have to be prepared.
func padded(n int) int {
	for _, size := range []int{1, 10, 51, 101, eventsAtOnce} {
		if n <= size {
			return size
		}
	}
	return n
}

// Event implements graph.Store.
func (db *DB) Event(ctx context.Context, tenant directory.TenantID, kind audit.Kind, id string) (audit.Event, error) {
	row := db.read.QueryRowContext(ctx, `
		SELECT `+entryColumns+` FROM event WHERE tenant_id = $1 AND id = $2 AND kind = $3`, tenant, id, string(kind))
	entry, err := scanEntry(string(tenant), row.Scan)
	if errors.Is(err, sql.ErrNoRows) {
		return audit.Event{}, directory.ErrObjectUnknown
	}
	if err != nil {
		return audit.Event{}, err
	}
	return audit.Open(entry)
}
