package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/lifecycle"
	"github.com/postern-id/postern/internal/outbox"
)

const outboxColumns = `id, unique_key, state, created_at, due_at, lease_until, attempts, last_error, sealed_mail, kind, user_id`

func scanMail(tenant directory.TenantID, scan func(...any) error) (outbox.Item, error) {
	i := outbox.Item{Tenant: tenant}
	var created, due, lease int64
	err := scan(&i.ID, &i.Key, &i.State, &created, &due, &lease, &i.Attempts, &i.LastError, &i.Sealed, &i.Kind, &i.User)
	i.CreatedAt, i.DueAt, i.LeaseUntil = fromMicros(created), fromMicros(due), fromMicros(lease)
	return i, err
}

// queue adds mail to this change. A mail whose key is there already is left out.
func (tx *Tx) queue(ctx context.Context, mails []outbox.Item) error {
	for _, i := range mails {
		if _, err := tx.exec(ctx, `
			INSERT INTO outbox (tenant_id, id, unique_key, state, created_at, due_at, sealed_mail, kind, user_id)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
			ON CONFLICT (tenant_id, unique_key) DO NOTHING`,
			i.Tenant, i.ID, i.Key, string(i.State), micros(i.CreatedAt), micros(i.DueAt), i.Sealed, i.Kind, i.User); err != nil {
			return fmt.Errorf("queue mail: %w", err)
		}
	}
	return nil
}

// QueueMail implements graph.Store.
func (db *DB) QueueMail(ctx context.Context, mails []outbox.Item, e audit.Event) (queued bool, err error) {
	err = db.Write(ctx, func(ctx context.Context, tx *Tx) error {
		queued = false
		for _, i := range mails {
			var n int
			if err := tx.q.QueryRowContext(ctx, `SELECT COUNT(*) FROM outbox WHERE tenant_id = $1 AND unique_key = $2`, i.Tenant, i.Key).Scan(&n); err != nil || n > 0 {
				return err
			}
		}
		queued = true
		if err := tx.queue(ctx, mails); err != nil {
			return err
		}
		return tx.append(ctx, e)
	})
	return queued, err
}

// PutMail queues mail that no other change asks for. What has the key of a mail that is there is left out.
func (db *DB) PutMail(ctx context.Context, mails []outbox.Item) error {
	return db.Write(ctx, func(ctx context.Context, tx *Tx) error { return tx.queue(ctx, mails) })
}

// LeaseMail implements outbox.Store.
func (db *DB) LeaseMail(ctx context.Context, tenant directory.TenantID, now, until time.Time) (outbox.Item, error) {
	if _, err := dueMail(ctx, db.read, tenant, now); err != nil {
		return outbox.Item{}, err // most often nothing is due: no change is begun for that
	}
	var i outbox.Item
	err := db.Write(ctx, func(ctx context.Context, tx *Tx) (err error) {
		if i, err = dueMail(ctx, tx.q, tenant, now); err != nil {
			return err
		}
		n, err := tx.exec(ctx, `
			UPDATE outbox SET lease_until = $1, attempts = attempts + 1
			WHERE tenant_id = $2 AND id = $3 AND attempts = $4 AND state = $5`,
			micros(until), tenant, i.ID, i.Attempts, string(outbox.Waiting))
		i.LeaseUntil, i.Attempts = until, i.Attempts+1
		return changed(n, err, outbox.ErrNoMail)
	})
	return i, err
}

func dueMail(ctx context.Context, q querier, tenant directory.TenantID, now time.Time) (outbox.Item, error) {
	row := q.QueryRowContext(ctx, `
		SELECT `+outboxColumns+` FROM outbox
		WHERE tenant_id = $1 AND state = $2 AND due_at <= $3 AND lease_until <= $3 ORDER BY due_at, id LIMIT 1`,
		tenant, string(outbox.Waiting), micros(now))
	i, err := scanMail(tenant, row.Scan)
	if errors.Is(err, sql.ErrNoRows) {
		return i, outbox.ErrNoMail
	}
	return i, err
}

// SettleMail implements outbox.Store.
func (db *DB) SettleMail(ctx context.Context, i outbox.Item) error {
	return db.Write(ctx, func(ctx context.Context, tx *Tx) error {
		n, err := tx.exec(ctx, `
			UPDATE outbox SET state = $1, due_at = $2, lease_until = 0, last_error = $3, sealed_mail = $4
			WHERE tenant_id = $5 AND id = $6 AND attempts = $7 AND state = $8`,
			string(i.State), micros(i.DueAt), i.LastError, i.Sealed, i.Tenant, i.ID, i.Attempts, string(outbox.Waiting))
		if err := changed(n, err, outbox.ErrLeaseLost); err != nil {
			return err
		}
		return tx.undeliver(ctx, i, i.DueAt)
	})
}

// RemoveMail implements outbox.Store.
func (db *DB) RemoveMail(ctx context.Context, tenant directory.TenantID, before time.Time, limit int) (int64, error) {
	const old = ` FROM outbox WHERE tenant_id = $1 AND state <> $2 AND created_at < $3`
	var waiting int
	if err := db.read.QueryRowContext(ctx, `SELECT COUNT(*)`+old, tenant, string(outbox.Waiting), micros(before)).Scan(&waiting); err != nil || waiting == 0 {
		return 0, err
	}
	var n int64
	err := db.Write(ctx, func(ctx context.Context, tx *Tx) (err error) {
		n, err = tx.exec(ctx, `DELETE FROM outbox WHERE tenant_id = $1 AND id IN (SELECT id`+old+` ORDER BY created_at LIMIT $4)`,
			tenant, string(outbox.Waiting), micros(before), limit)
		return err
	})
	return n, err
}

// UnsentMail implements outbox.Shelf.
func (db *DB) UnsentMail(ctx context.Context, tenant directory.TenantID, limit int) ([]outbox.Unsent, error) {
	rows, err := db.read.QueryContext(ctx, `
		SELECT o.*, COALESCE(r.body, '{}'), COALESCE(p.user_id, ''), COALESCE(a.body, '{}') FROM (
			SELECT `+outboxColumns+` FROM outbox WHERE tenant_id = $1 AND state <> $2 ORDER BY created_at DESC, id LIMIT $3) AS o
		LEFT JOIN directory_user r ON r.tenant_id = $1 AND r.id = o.user_id
		LEFT JOIN lifecycle_task t ON t.tenant_id = $1 AND o.kind = $4 AND t.id = `+taskOfMail+`
		LEFT JOIN lifecycle_person p ON p.tenant_id = $1 AND p.id = t.person_id
		LEFT JOIN directory_user a ON a.tenant_id = $1 AND a.id = p.user_id
		ORDER BY o.created_at DESC, o.id`,
		tenant, string(outbox.Sent), limit, lifecycle.MailKind)
	return collect(rows, err, func(r *sql.Rows) (u outbox.Unsent, err error) {
		var reader, about string
		if u.Item, err = scanMail(tenant, func(into ...any) error { return r.Scan(append(into, &reader, &u.About, &about)...) }); err != nil {
			return u, err
		}
		for _, one := range []struct {
			body string
			name *string
		}{{reader, &u.ReaderName}, {about, &u.AboutName}} {
			named, err := decoded(&directory.User{}, one.body)
			if err != nil {
				return u, err
			}
			*one.name = named.UserPrincipalName
		}
		return u, nil
	})
}

// taskOfMail is the id of the task's result in the key of a mail o of a workflow ("workflow ", the id, and more).
const taskOfMail = "substr(o.unique_key, 10, 36)"

// Mails implements outbox.Shelf.
func (db *DB) Mails(ctx context.Context, tenant directory.TenantID, limit int) ([]outbox.Item, error) {
	rows, err := db.read.QueryContext(ctx, `
		SELECT `+outboxColumns+` FROM outbox WHERE tenant_id = $1 ORDER BY created_at DESC, id LIMIT $2`, tenant, limit)
	return collect(rows, err, func(r *sql.Rows) (outbox.Item, error) { return scanMail(tenant, r.Scan) })
}
