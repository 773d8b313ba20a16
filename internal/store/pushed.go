package store

import (
	"context"
	"crypto/subtle"
	"encoding/json"
	"time"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/oauth"
	"github.com/postern-id/postern/internal/oauth/oautherr"
)

// CreatePushedRequest implements oauth.Store.
func (db *DB) CreatePushedRequest(ctx context.Context, p oauth.PushedRequest, secretHash string) error {
	body, err := json.Marshal(p.Form)
	if err != nil {
		return err
	}
	return db.Write(ctx, func(ctx context.Context, tx *Tx) error {
		_, err := tx.exec(ctx, `
			INSERT INTO pushed_request (tenant_id, id, secret_hash, app_id, expires_at, body, proved_key)
			VALUES ($1, $2, $3, $4, $5, $6, $7)`, p.Tenant, p.ID, secretHash, p.App, micros(p.ExpiresAt), string(body), p.ProvedKey)
		return err
	})
}

// UsePushedRequest implements oauth.Store.
func (db *DB) UsePushedRequest(ctx context.Context, tenant directory.TenantID, id string, app directory.AppID, secretHash string, at time.Time) (oauth.PushedRequest, error) {
	p := oauth.PushedRequest{Tenant: tenant, ID: id, App: app}
	err := db.Write(ctx, func(ctx context.Context, tx *Tx) error {
		var hash, body string
		var expires int64
		err := tx.q.QueryRowContext(ctx, `
			SELECT secret_hash, expires_at, body, proved_key FROM pushed_request
			WHERE tenant_id = $1 AND id = $2`, tenant, id).Scan(&hash, &expires, &body, &p.ProvedKey)
		if err := notFound(err, oautherr.ErrRequestURI); err != nil {
			return err
		}
		if subtle.ConstantTimeCompare([]byte(hash), []byte(secretHash)) != 1 {
			return oautherr.ErrRequestURI
		}
		n, err := tx.exec(ctx, `
			UPDATE pushed_request SET used_at = $1
			WHERE tenant_id = $2 AND id = $3 AND app_id = $4 AND used_at = 0 AND expires_at > $1`, micros(at), tenant, id, app)
		if err == nil && n == 0 {
			err = oautherr.ErrRequestURI
		}
		if err != nil {
			return err
		}
		p.ExpiresAt = fromMicros(expires)
		return json.Unmarshal([]byte(body), &p.Form)
	})
	return p, err
}
