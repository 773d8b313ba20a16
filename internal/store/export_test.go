package store

import (
	"context"
	"time"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/method/tap"
	"github.com/postern-id/postern/internal/outbox"
)

// Exec runs one statement in a change of its own.
func (db *DB) Exec(ctx context.Context, query string, args ...any) error {
	return db.Write(ctx, func(ctx context.Context, tx *Tx) error { return tx.Exec(ctx, query, args...) })
}

// Exec runs one statement in the change.
func (tx *Tx) Exec(ctx context.Context, query string, args ...any) error {
	_, err := tx.exec(ctx, query, args...)
	return err
}

// Number returns the one number that query selects.
func (db *DB) Number(ctx context.Context, query string, args ...any) (n int, err error) {
	return n, db.read.QueryRowContext(ctx, query, args...).Scan(&n)
}

// Number returns the one number that query selects, as the change sees it.
func (tx *Tx) Number(ctx context.Context, query string, args ...any) (n int, err error) {
	return n, tx.q.QueryRowContext(ctx, query, args...).Scan(&n)
}

// SpendPass marks p used for the transaction that reserved it.
func (db *DB) SpendPass(ctx context.Context, p tap.Pass, transaction string, at time.Time) error {
	return db.Write(ctx, func(ctx context.Context, tx *Tx) error {
		return tx.spendPass(ctx, p.Tenant, p.User, p.ID, transaction, at)
	})
}

// Append commits entries of any tenants, and the tenants where they are not there.
func (l Log) Append(ctx context.Context, entries []audit.Entry) error {
	return l.db.Write(ctx, func(ctx context.Context, tx *Tx) error {
		for _, e := range entries {
			if err := tx.Exec(ctx, `
				INSERT INTO tenant (tenant_id, display_name, created_at, body) VALUES ($1, '', 0, '{}')
				ON CONFLICT (tenant_id) DO NOTHING`, e.Tenant); err != nil {
				return err
			}
			if err := tx.Exec(ctx, `
				INSERT INTO event (tenant_id, id, kind, at, body, personal) VALUES ($1, $2, $3, $4, $5, $6)`,
				e.Tenant, e.ID, string(e.Kind), micros(e.At), string(e.Body), string(e.Personal)); err != nil {
				return err
			}
		}
		return nil
	})
}

// ErrClosed reports a change that came after Close.
var ErrClosed = errClosed

// Queue queues mail in the change.
func (tx *Tx) Queue(ctx context.Context, mails []outbox.Item) error { return tx.queue(ctx, mails) }
