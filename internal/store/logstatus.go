package store

import (
	"context"
	"database/sql"
	"errors"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
)

// Status returns how far the log of tenant is sealed, and the note of its last checkpoint, nil
// when there is none. Keys and witnesses are for the caller to look at.
func (l Log) Status(ctx context.Context, tenant string) (s audit.Status, note []byte, err error) {
	var text string
	var size, at int64
	err = l.db.read.QueryRowContext(ctx, `
		SELECT size, at, note FROM log_checkpoint WHERE tenant_id = $1 ORDER BY size DESC LIMIT 1`, tenant).Scan(&size, &at, &text)
	switch {
	case err == nil:
		s.SignedAt, note = fromMicros(at), []byte(text)
	case !errors.Is(err, sql.ErrNoRows):
		return s, nil, err
	}
	// The head comes after its checkpoint, and is read again where more was sealed in between.
	if s.Head, err = l.Head(ctx, tenant); err != nil {
		return s, nil, err
	}
	if s.Head.Size > size {
		var again int64
		err = l.db.read.QueryRowContext(ctx, `SELECT at, note FROM log_checkpoint WHERE tenant_id = $1 AND size = $2`, tenant, s.Head.Size).Scan(&again, &text)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return s, nil, err
		}
		if err == nil {
			s.SignedAt, note = fromMicros(again), []byte(text)
		}
	}
	var oldest, first sql.NullInt64
	err = l.db.read.QueryRowContext(ctx, `
		SELECT COUNT(*), MIN(at) FROM (SELECT at FROM event WHERE tenant_id = $1 AND position = -1 LIMIT $2) AS unsealed`,
		tenant, audit.MostUnsealed).Scan(&s.Unsealed, &oldest)
	if err == nil {
		err = l.db.read.QueryRowContext(ctx, `SELECT MIN(position) FROM event WHERE tenant_id = $1 AND position >= 0`, tenant).Scan(&first)
	}
	s.OldestUnsealed, s.FirstKept = fromMicros(oldest.Int64), first.Int64
	return s, note, err
}

// Place returns an entry of either kind and its position, -1 until it is sealed;
// directory.ErrObjectUnknown.
func (l Log) Place(ctx context.Context, tenant, id string) (e audit.SealedEntry, err error) {
	row := l.db.read.QueryRowContext(ctx, `SELECT `+entryColumns+`, position FROM event WHERE tenant_id = $1 AND id = $2`, tenant, id)
	e.Entry, err = scanEntry(tenant, row.Scan, &e.Position)
	if errors.Is(err, sql.ErrNoRows) {
		err = directory.ErrObjectUnknown
	}
	return e, err
}

// Story returns the first limit entries of both logs with a correlation id, by their time.
func (db *DB) Story(ctx context.Context, tenant directory.TenantID, correlation string, limit int) ([]audit.SealedEntry, error) {
	rows, err := db.read.QueryContext(ctx, `
		SELECT `+entryColumns+`, position FROM (
			SELECT * FROM (SELECT `+entryColumns+`, position FROM event
				WHERE tenant_id = $1 AND kind = $2 AND correlation_id = $3 ORDER BY at, id LIMIT $4) AS signins
			UNION ALL
			SELECT * FROM (SELECT `+entryColumns+`, position FROM event
				WHERE tenant_id = $1 AND kind = $5 AND correlation_id = $3 ORDER BY at, id LIMIT $4) AS changes
		) AS story ORDER BY at, id LIMIT $4`,
		tenant, string(audit.KindSignIn), correlation, limit, string(audit.KindDirectory))
	return collect(rows, err, sealedOf(tenant))
}

// PassStory returns the first limit changes that name a pass.
func (db *DB) PassStory(ctx context.Context, tenant directory.TenantID, pass string, limit int) ([]audit.SealedEntry, error) {
	rows, err := db.read.QueryContext(ctx, `
		SELECT e.id, e.kind, e.at, e.body, e.personal, e.position FROM event_target t
		JOIN event e ON e.tenant_id = t.tenant_id AND e.id = t.event_id
		WHERE t.tenant_id = $1 AND t.target_id = $2 ORDER BY t.at, t.event_id LIMIT $3`, tenant, audit.MarkPassChange+pass, limit)
	return collect(rows, err, sealedOf(tenant))
}

func sealedOf(tenant directory.TenantID) func(*sql.Rows) (audit.SealedEntry, error) {
	return func(r *sql.Rows) (s audit.SealedEntry, err error) {
		s.Entry, err = scanEntry(string(tenant), r.Scan, &s.Position)
		return s, err
	}
}
