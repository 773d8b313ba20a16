package store

import (
	"context"
	"database/sql"
	"slices"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/filter"
)

// A listing says how the rows of a table become things of type T.
type listing[T any] struct {
	table, columns string
	kind           directory.ObjectKind
	scan           func(tenant directory.TenantID, scan func(...any) error) (T, error)
	within         func(*query) // narrows the table further; may be nil
}

// A source is a listing without its type, so that what finds and sorts is compiled once and not for each type.
type source struct {
	table, columns string
	kind           directory.ObjectKind
	scan           func(tenant directory.TenantID, scan func(...any) error) (any, error)
	within         func(*query)
}

func (l listing[T]) source() source {
	scan := func(tenant directory.TenantID, scan func(...any) error) (any, error) { return l.scan(tenant, scan) }
	return source{table: l.table, columns: l.columns, kind: l.kind, scan: scan, within: l.within}
}

// row is a thing with its place in the order.
type row struct {
	thing    any
	position []any
}

// list returns at most limit things that meet every bound, after a position, and the
// position of the last one if there are more. Without an order they come by id, and what a search
// finds comes in the order of find.
func list[T any](
	ctx context.Context, db *DB, tenant directory.TenantID, l listing[T],
	match []filter.Bound, order []filter.Order, after []any, limit int,
) ([]T, []any, error) {
	found, next, err := l.source().page(ctx, db, tenant, match, order, after, limit)
	if err != nil {
		return nil, nil, err
	}
	things, _ := apart[T](found)
	return things, next, nil
}

// listAt is list with the position of each, and whether there are more.
func listAt[T any](
	ctx context.Context, db *DB, tenant directory.TenantID, l listing[T],
	match []filter.Bound, order []filter.Order, after []any, limit int,
) (things []T, positions [][]any, more bool, err error) {
	found, next, err := l.source().page(ctx, db, tenant, match, order, after, limit)
	if err != nil {
		return nil, nil, false, err
	}
	things, positions = apart[T](found)
	return things, positions, next != nil, nil
}

func apart[T any](found []row) ([]T, [][]any) {
	things, positions := make([]T, len(found)), make([][]any, len(found))
	for i, x := range found {
		things[i], _ = x.thing.(T) // it is one: the scan of the listing made it
		positions[i] = x.position
	}
	return things, positions
}

// page returns at most limit rows, and where the next page goes on.
func (l source) page(
	ctx context.Context, db *DB, tenant directory.TenantID,
	match []filter.Bound, order []filter.Order, after []any, limit int,
) (found []row, next []any, err error) {
	words, rest := searchedIn(match)
	if len(words) > 0 && len(rest) == 0 && len(order) == 0 && l.within == nil {
		return l.find(ctx, db, tenant, words, after, limit)
	}
	s, err := db.searchOf(ctx, tenant, l.kind, words)
	if err != nil {
		return nil, nil, err
	}
	q := db.newQuery(tenant, l.kind)
	column, _ := sortedBy(order)
	q.add("SELECT ", l.columns, ", ", column, ", id FROM ", l.table, " WHERE tenant_id = $1")
	l.narrow(q, rest)
	q.search(s, l.table)
	if err := q.page(order, after, limit+1); err != nil {
		return nil, nil, err
	}
	if found, err = l.read(ctx, db, tenant, q); err != nil {
		return nil, nil, err
	}
	found, next = cut(found, limit)
	return found, next, nil
}

// read returns the rows of q, whose last columns are what it is sorted by and the id; each position begins with part.
func (l source) read(ctx context.Context, db *DB, tenant directory.TenantID, q *query, part ...any) ([]row, error) {
	rows, err := db.read.QueryContext(ctx, q.String(), q.args...)
	return collect(rows, err, func(r *sql.Rows) (row, error) {
		var x row
		var value any
		var id string
		var err error
		x.thing, err = l.scan(tenant, func(dst ...any) error { return r.Scan(append(dst, &value, &id)...) })
		x.position = append(slices.Clone(part), value, id)
		return x, err
	})
}

// count returns how many things meet every bound.
func count[T any](ctx context.Context, db *DB, tenant directory.TenantID, l listing[T], match []filter.Bound) (int, error) {
	q := db.newQuery(tenant, l.kind)
	q.add("SELECT COUNT(*) FROM ", l.table, " WHERE tenant_id = $1")
	l.source().narrow(q, match)
	var n int
	err := db.read.QueryRowContext(ctx, q.String(), q.args...).Scan(&n)
	return n, err
}

func (l source) narrow(q *query, match []filter.Bound) {
	if l.within != nil {
		l.within(q)
	}
	for _, b := range match {
		q.match(b)
	}
}

var users = listing[directory.User]{table: "directory_user", columns: userColumns, kind: directory.KindUser, scan: scanUser}

// Users implements graph.Store.
func (db *DB) Users(ctx context.Context, tenant directory.TenantID, match []filter.Bound, order []filter.Order, after []any, limit int) ([]directory.User, []any, error) {
	return list(ctx, db, tenant, users, match, order, after, limit)
}

// UsersAt implements graph.Store.
func (db *DB) UsersAt(ctx context.Context, tenant directory.TenantID, match []filter.Bound, order []filter.Order, after []any, limit int) ([]directory.User, [][]any, bool, error) {
	return listAt(ctx, db, tenant, users, match, order, after, limit)
}

// CountUsers implements graph.Store.
func (db *DB) CountUsers(ctx context.Context, tenant directory.TenantID, match []filter.Bound) (int, error) {
	return count(ctx, db, tenant, users, match)
}

// Reports implements graph.Store.
func (db *DB) Reports(ctx context.Context, tenant directory.TenantID, manager directory.UserID, after []any, limit int) ([]directory.User, []any, error) {
	l := users
	l.within = func(q *query) { q.add(" AND manager_id = ", q.arg(manager)) }
	return list(ctx, db, tenant, l, nil, nil, after, limit)
}

var groups = listing[directory.Group]{table: "directory_group", columns: groupColumns, kind: directory.KindGroup, scan: scanGroup}

// Groups implements graph.Store.
func (db *DB) Groups(ctx context.Context, tenant directory.TenantID, match []filter.Bound, order []filter.Order, after []any, limit int) ([]directory.Group, []any, error) {
	return list(ctx, db, tenant, groups, match, order, after, limit)
}

// CountGroups implements graph.Store.
func (db *DB) CountGroups(ctx context.Context, tenant directory.TenantID, match []filter.Bound) (int, error) {
	return count(ctx, db, tenant, groups, match)
}
