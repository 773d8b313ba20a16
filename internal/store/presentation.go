package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/recovery/presentation"
)

// PutPresentation implements presentation.Store.
func (db *DB) PutPresentation(ctx context.Context, r presentation.Request) error {
	return db.Write(ctx, func(ctx context.Context, tx *Tx) error {
		if _, err := tx.exec(ctx, `
			INSERT INTO presentation (tenant_id, id, case_id, holder, asked_from, created_at, ends_at) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
			r.Tenant, r.ID, r.Case, r.Holder, r.From, micros(r.CreatedAt), micros(r.EndsAt)); err != nil {
			return fmt.Errorf("keep a request for a credential: %w", err)
		}
		return nil
	})
}

// Presentation implements presentation.Store.
func (db *DB) Presentation(ctx context.Context, tenant directory.TenantID, id string) (presentation.Request, error) {
	r := presentation.Request{Tenant: tenant, ID: id}
	var created, ends, answered, taken int64
	err := db.read.QueryRowContext(ctx, `
		SELECT case_id, holder, asked_from, created_at, ends_at, refused, answered_at, code_hash, about, reference, taken_at
		FROM presentation WHERE tenant_id = $1 AND id = $2`, tenant, id).
		Scan(&r.Case, &r.Holder, &r.From, &created, &ends, &r.Refused, &answered, &r.CodeHash, &r.About, &r.Reference, &taken)
	if errors.Is(err, sql.ErrNoRows) {
		return r, presentation.ErrOver
	}
	r.CreatedAt, r.EndsAt, r.AnsweredAt, r.TakenAt = fromMicros(created), fromMicros(ends), fromMicros(answered), fromMicros(taken)
	return r, err
}

// RefusePresentation implements presentation.Store.
func (db *DB) RefusePresentation(ctx context.Context, r presentation.Request, _ time.Time, events ...audit.Event) error {
	return db.Write(ctx, func(ctx context.Context, tx *Tx) error {
		n, err := tx.exec(ctx, `UPDATE presentation SET refused = refused + 1 WHERE tenant_id = $1 AND id = $2 AND refused < $3`,
			r.Tenant, r.ID, presentation.MostRefusals)
		if err != nil || n == 0 {
			return err
		}
		return tx.appendEach(ctx, events)
	})
}

// AnswerPresentation implements presentation.Store.
func (db *DB) AnswerPresentation(ctx context.Context, r presentation.Request, at time.Time, events ...audit.Event) error {
	return db.Write(ctx, func(ctx context.Context, tx *Tx) error {
		n, err := tx.exec(ctx, `
			UPDATE presentation SET answered_at = $1, code_hash = $2, about = $3, reference = $4
			WHERE tenant_id = $5 AND id = $6 AND answered_at = 0 AND ends_at > $1 AND refused < $7`,
			micros(at), r.CodeHash, r.About, r.Reference, r.Tenant, r.ID, presentation.MostRefusals)
		if err := changed(n, err, presentation.ErrOver); err != nil {
			return err
		}
		return tx.appendEach(ctx, events)
	})
}

// TakePresentation implements presentation.Store.
func (db *DB) TakePresentation(ctx context.Context, r presentation.Request, at time.Time) error {
	return db.Write(ctx, func(ctx context.Context, tx *Tx) error {
		n, err := tx.exec(ctx, `
			UPDATE presentation SET taken_at = $1
			WHERE tenant_id = $2 AND id = $3 AND case_id = $4 AND holder = $5 AND code_hash = $6 AND answered_at > 0 AND taken_at = 0 AND ends_at > $1`,
			micros(at), r.Tenant, r.ID, r.Case, r.Holder, r.CodeHash)
		return changed(n, err, presentation.ErrOver)
	})
}

func (tx *Tx) appendEach(ctx context.Context, events []audit.Event) error {
	for _, e := range events {
		if err := tx.append(ctx, e); err != nil {
			return err
		}
	}
	return nil
}
