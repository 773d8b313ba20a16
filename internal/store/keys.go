package store

import (
	"context"
	"database/sql"
	"encoding/base64"
	"time"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/keyring"
)

// Keys implements keyring.Store.
func (db *DB) Keys(ctx context.Context, tenant string) ([]keyring.Key, error) {
	rows, err := db.read.QueryContext(ctx, `
		SELECT id, purpose, public_key, sealed_key, created_at, active_at, retired_at, remove_at
		FROM tenant_key WHERE tenant_id = $1 ORDER BY active_at, id`, tenant)
	return collect(rows, err, func(r *sql.Rows) (keyring.Key, error) {
		k := keyring.Key{Tenant: tenant}
		var public string
		var created, active, retired, remove int64
		if err := r.Scan(&k.ID, &k.Purpose, &public, &k.Sealed, &created, &active, &retired, &remove); err != nil {
			return k, err
		}
		k.CreatedAt, k.ActiveAt, k.RetiredAt, k.RemoveAt = fromMicros(created), fromMicros(active), fromMicros(retired), fromMicros(remove)
		var err error
		k.Public, err = base64.RawURLEncoding.DecodeString(public)
		return k, err
	})
}

// ReplaceKey implements keyring.Store.
func (db *DB) ReplaceKey(ctx context.Context, fresh keyring.Key, retire, remove time.Time, e audit.Event) error {
	return db.Write(ctx, func(ctx context.Context, tx *Tx) error {
		if _, err := tx.exec(ctx, `
			UPDATE tenant_key SET retired_at = $1, remove_at = $2
			WHERE tenant_id = $3 AND purpose = $4 AND retired_at = 0`,
			micros(retire), micros(remove), fresh.Tenant, fresh.Purpose); err != nil {
			return err
		}
		if err := tx.addKey(ctx, fresh); err != nil {
			return err
		}
		return tx.append(ctx, e)
	})
}

// RemoveKeys deletes keys whose time to be removed has come and returns how many.
func (db *DB) RemoveKeys(ctx context.Context, tenant string, now time.Time) (int64, error) {
	var n int64
	err := db.Write(ctx, func(ctx context.Context, tx *Tx) (err error) {
		n, err = tx.exec(ctx, `
			DELETE FROM tenant_key WHERE tenant_id = $1 AND remove_at > 0 AND remove_at <= $2
			AND id NOT IN (SELECT pepper_id FROM tap WHERE tenant_id = $1)`, tenant, micros(now))
		return err
	})
	return n, err
}

func (tx *Tx) addKey(ctx context.Context, k keyring.Key) error {
	_, err := tx.exec(ctx, `
		INSERT INTO tenant_key (tenant_id, id, purpose, public_key, sealed_key, created_at, active_at, retired_at, remove_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
		k.Tenant, k.ID, k.Purpose, base64.RawURLEncoding.EncodeToString(k.Public), k.Sealed,
		micros(k.CreatedAt), micros(k.ActiveAt), micros(k.RetiredAt), micros(k.RemoveAt))
	return err
}

// FirstTenant implements keyring.Store.
func (db *DB) FirstTenant(ctx context.Context) (string, error) {
	var id string
	err := db.read.QueryRowContext(ctx, `SELECT tenant_id FROM tenant ORDER BY created_at, tenant_id LIMIT 1`).Scan(&id)
	return id, err
}
