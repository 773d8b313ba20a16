package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"time"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/token"
)

// ApplicationByAppID returns an application with its secrets, or
// directory.ErrApplicationUnknown.
func (db *DB) ApplicationByAppID(ctx context.Context, tenant directory.TenantID, app directory.AppID) (directory.Application, []directory.Secret, error) {
	a := directory.Application{Tenant: tenant}
	var body string
	err := db.read.QueryRowContext(ctx, `SELECT body, version FROM application WHERE tenant_id = $1 AND app_id = $2`, tenant, app).Scan(&body, &a.Version)
	if errors.Is(err, sql.ErrNoRows) {
		return a, nil, directory.ErrApplicationUnknown
	}
	if err != nil {
		return a, nil, err
	}
	if err := json.Unmarshal([]byte(body), &a); err != nil {
		return a, nil, err
	}
	rows, err := db.read.QueryContext(ctx, `
		SELECT key_id, secret_hash, hint, display_name, start_at, end_at FROM application_secret
		WHERE tenant_id = $1 AND application_id = $2 ORDER BY key_id`, tenant, a.ID)
	secrets, err := collect(rows, err, func(r *sql.Rows) (directory.Secret, error) {
		var s directory.Secret
		var start, end int64
		err := r.Scan(&s.KeyID, &s.Hash, &s.Hint, &s.DisplayName, &start, &end)
		s.StartAt, s.EndAt = fromMicros(start), fromMicros(end)
		return s, err
	})
	return a, secrets, err
}

// AppRolesOf returns the ids of the app roles that a principal has at a resource.
func (db *DB) AppRolesOf(ctx context.Context, tenant directory.TenantID, principal string, resource directory.ServicePrincipalID) ([]string, error) {
	rows, err := db.read.QueryContext(ctx, `
		SELECT app_role_id FROM app_role_assignment
		WHERE tenant_id = $1 AND principal_id = $2 AND resource_id = $3 ORDER BY app_role_id`, tenant, principal, resource)
	return collect(rows, err, scanOne[string])
}

// RecordTokens records the event of tokens that no row stands behind.
func (db *DB) RecordTokens(ctx context.Context, e audit.Event) error { return db.Record(ctx, e) }

// TokenOwner implements graph.Store.
func (db *DB) TokenOwner(ctx context.Context, a token.Access, at time.Time) (token.Owner, error) {
	if !a.AppOnly() {
		return token.Owner{}, token.ErrInvalid
	}
	p, err := db.ServicePrincipal(ctx, a.Tenant, directory.ServicePrincipalID(a.Object))
	if errors.Is(err, directory.ErrServicePrincipalUnknown) || err == nil && !p.AccountEnabled {
		return token.Owner{}, token.ErrInvalid
	}
	return token.Owner{Principal: p}, err
}

// Seen implements dpop.Replay: it reports whether the id is new.
func (db *DB) Seen(ctx context.Context, tenant, kind, id string, until time.Time) (bool, error) {
	fresh := false
	err := db.Write(ctx, func(ctx context.Context, tx *Tx) error {
		n, err := tx.exec(ctx, `
			INSERT INTO seen_id (tenant_id, kind, id, until_at) VALUES ($1, $2, $3, $4)
			ON CONFLICT (tenant_id, kind, id) DO NOTHING`, tenant, kind, id, micros(until))
		fresh = n == 1
		return err
	})
	return fresh, err
}
