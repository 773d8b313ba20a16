package store

import (
	"context"
	"database/sql"
	"time"
)

// Backlog is what waits to be done in the background, in all tenants.
type Backlog struct {
	OldestUnsealed time.Time // of the log; zero when all is sealed
	WaitingMail    int
	GivenUpMail    int // of the time that this is remembered
}

// Backlog counts what waits.
func (db *DB) Backlog(ctx context.Context) (Backlog, error) {
	var b Backlog
	var oldest sql.NullInt64
	if err := db.read.QueryRowContext(ctx, `
		SELECT MIN(e.at) FROM tenant t JOIN event e ON e.tenant_id = t.tenant_id WHERE e.position = -1`).Scan(&oldest); err != nil {
		return b, err
	}
	b.OldestUnsealed = fromMicros(oldest.Int64)
	return b, db.read.QueryRowContext(ctx, `
		SELECT COALESCE(SUM(CASE o.state WHEN 'waiting' THEN 1 ELSE 0 END), 0), COALESCE(SUM(CASE o.state WHEN 'dead' THEN 1 ELSE 0 END), 0)
		FROM tenant t JOIN outbox o ON o.tenant_id = t.tenant_id WHERE o.state IN ('waiting', 'dead')`).Scan(&b.WaitingMail, &b.GivenUpMail)
}
