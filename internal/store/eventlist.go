package store

import (
	"context"
	"database/sql"
	"errors"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/filter"
)

func events(kind audit.Kind) listing[audit.Event] {
	return listing[audit.Event]{
		table: "event", columns: entryColumns,
		scan: func(tenant directory.TenantID, scan func(...any) error) (audit.Event, error) {
			entry, err := scanEntry(string(tenant), scan)
			if err != nil {
				return audit.Event{}, err
			}
			return audit.Open(entry)
		},
		within: func(q *query) { q.add(" AND kind = ", q.arg(string(kind))) },
	}
}

// Events implements graph.Store.
func (db *DB) Events(ctx context.Context, tenant directory.TenantID, kind audit.Kind, match []filter.Bound, order []filter.Order, after []any, limit int) ([]audit.Event, []any, error) {
	return list(ctx, db, tenant, events(kind), match, order, after, limit)
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
