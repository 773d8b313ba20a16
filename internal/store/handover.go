package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/outbox"
	"github.com/postern-id/postern/internal/recovery/handover"
)

// PutHandover implements handover.Store.
func (db *DB) PutHandover(ctx context.Context, h handover.Handover, sealed string, e audit.Event, mails ...outbox.Item) error {
	return db.Write(ctx, func(ctx context.Context, tx *Tx) error {
		if err := tx.putHandover(ctx, h, sealed); err != nil {
			return err
		}
		if err := tx.queue(ctx, mails); err != nil {
			return err
		}
		return tx.append(ctx, e)
	})
}

func (tx *Tx) putHandover(ctx context.Context, h handover.Handover, sealed string) error {
	if err := tx.voidHandovers(ctx, h.Tenant, h.Pass, h.CreatedAt); err != nil {
		return err
	}
	if _, err := tx.exec(ctx, `
		INSERT INTO handover (tenant_id, id, case_id, pass_id, owner_id, reader_id, code_hash, sealed, created_at, ends_at, method_by)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
		h.Tenant, h.ID, h.Case, h.Pass, h.Owner, h.Reader, h.Hash, sealed, micros(h.CreatedAt), micros(h.EndsAt), micros(h.MethodBy)); err != nil {
		return fmt.Errorf("keep a hand-over: %w", err)
	}
	return nil
}

// voidHandovers ends the links to a pass that goes.
func (tx *Tx) voidHandovers(ctx context.Context, tenant directory.TenantID, pass string, at time.Time) error {
	_, err := tx.exec(ctx, `UPDATE handover SET void_at = $1, sealed = '' WHERE tenant_id = $2 AND pass_id = $3 AND void_at = 0 AND opened_at = 0`,
		micros(at), tenant, pass)
	return err
}

// Handover implements handover.Store.
func (db *DB) Handover(ctx context.Context, tenant directory.TenantID, id string) (handover.Handover, error) {
	h, _, err := handoverOf(ctx, db.read, tenant, id)
	return h, err
}

func handoverOf(ctx context.Context, q querier, tenant directory.TenantID, id string) (handover.Handover, string, error) {
	h := handover.Handover{Tenant: tenant, ID: id}
	var created, ends, opened, void, methodBy int64
	var sealed string
	err := q.QueryRowContext(ctx, `
		SELECT case_id, pass_id, owner_id, reader_id, code_hash, sealed, created_at, ends_at, opened_at, void_at, refused, method_by
		FROM handover WHERE tenant_id = $1 AND id = $2`, tenant, id).
		Scan(&h.Case, &h.Pass, &h.Owner, &h.Reader, &h.Hash, &sealed, &created, &ends, &opened, &void, &h.Refused, &methodBy)
	if errors.Is(err, sql.ErrNoRows) {
		return h, "", handover.ErrLink
	}
	h.CreatedAt, h.EndsAt, h.OpenedAt, h.VoidAt, h.MethodBy = fromMicros(created), fromMicros(ends), fromMicros(opened), fromMicros(void), fromMicros(methodBy)
	return h, sealed, err
}

// OpenHandover implements handover.Store.
func (db *DB) OpenHandover(ctx context.Context, tenant directory.TenantID, id string, at time.Time, e audit.Event) (string, error) {
	var sealed string
	err := db.Write(ctx, func(ctx context.Context, tx *Tx) error {
		var h handover.Handover
		var err error
		if h, sealed, err = handoverOf(ctx, tx.q, tenant, id); err != nil {
			return err
		}
		if !h.OpenedAt.IsZero() {
			return handover.ErrOpened
		}
		n, err := tx.exec(ctx, `
			UPDATE handover SET opened_at = $1, sealed = ''
			WHERE tenant_id = $2 AND id = $3 AND opened_at = 0 AND void_at = 0 AND ends_at > $1`, micros(at), tenant, id)
		if err := changed(n, err, handover.ErrLink); err != nil {
			return err
		}
		return tx.append(ctx, e)
	})
	if err != nil {
		return "", err
	}
	return sealed, nil
}

// RefuseHandover implements handover.Store.
func (db *DB) RefuseHandover(ctx context.Context, tenant directory.TenantID, id string, others int, at time.Time, e audit.Event) error {
	return db.Write(ctx, func(ctx context.Context, tx *Tx) error {
		n, err := tx.exec(ctx, `
			UPDATE handover SET refused = refused + 1, others = others + $1
			WHERE tenant_id = $2 AND id = $3 AND refused < $4`, others, tenant, id, handover.MostRefusals)
		if err != nil || n == 0 {
			return err
		}
		if _, err := tx.exec(ctx, `
			UPDATE handover SET void_at = $1, sealed = ''
			WHERE tenant_id = $2 AND id = $3 AND others >= $4 AND void_at = 0 AND opened_at = 0`,
			micros(at), tenant, id, handover.MostOthers); err != nil {
			return err
		}
		return tx.append(ctx, e)
	})
}
