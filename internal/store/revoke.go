package store

import (
	"context"
	"time"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/oauth"
)

// EndFamily implements oauth.Store.
func (db *DB) EndFamily(ctx context.Context, f oauth.Family, at time.Time, e audit.Event) error {
	return db.Write(ctx, func(ctx context.Context, tx *Tx) error {
		n, err := tx.exec(ctx, `
			UPDATE token_family SET ended_at = $1, end_reason = 'revoked'
			WHERE tenant_id = $2 AND id = $3 AND ended_at = 0`, micros(at), f.Tenant, f.ID)
		if err != nil || n == 0 {
			return err
		}
		return tx.append(ctx, e)
	})
}
