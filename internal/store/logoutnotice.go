package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/oauth"
)

// noteLogout queues a notice for each application that has living tokens under the condition,
// which follows $1, the tenant, and wants to be told. It belongs to the change that ends them.
func (tx *Tx) noteLogout(ctx context.Context, at time.Time, tenant directory.TenantID, condition string, args ...any) error {
	if err := tx.noteLogoutOf(ctx, at, tenant, `token_family f`, func(a directory.Application) bool { return a.BackchannelLogoutURI != "" }, condition, args); err != nil {
		return err
	}
	// Those of SAML go by the session, of which they are a part.
	return tx.noteLogoutOf(ctx, at, tenant, `(
		SELECT p.tenant_id, p.session_id, p.app_id, s.user_id, s.pass_id, s.device_id, s.method_id, s.ended_at
		FROM session s JOIN saml_participant p ON p.tenant_id = s.tenant_id AND p.session_id = s.id) f`,
		func(a directory.Application) bool { return a.SAML != nil && a.SAML.LogoutSOAP != "" }, condition, args)
}

// noteLogoutOf does it for those in from, if they want to be told.
func (tx *Tx) noteLogoutOf(ctx context.Context, at time.Time, tenant directory.TenantID, from string, wants func(directory.Application) bool, condition string, args []any) error {
	rows, err := tx.q.QueryContext(ctx, `
		SELECT DISTINCT f.session_id, f.app_id, f.user_id, a.body
		FROM `+from+` JOIN application a ON a.tenant_id = f.tenant_id AND a.app_id = f.app_id
		WHERE f.tenant_id = $1 AND f.ended_at = 0 AND `+condition, append([]any{tenant}, args...)...)
	type hit struct {
		oauth.LogoutNotice
		body string
	}
	hits, err := collect(rows, err, func(r *sql.Rows) (hit, error) {
		var h hit
		err := r.Scan(&h.Session, &h.App, &h.User, &h.body)
		return h, err
	})
	if err != nil {
		return fmt.Errorf("find whom to tell of a logout: %w", err)
	}
	for _, h := range hits {
		var app directory.Application
		// Of an application that can't be read nobody knows where it is told; what ends does so all the same.
		if err := json.Unmarshal([]byte(h.body), &app); err != nil || !wants(app) || h.Session == "" {
			continue
		}
		if _, err := tx.exec(ctx, `
			INSERT INTO logout_notice (tenant_id, session_id, app_id, user_id, created_at, due_at) VALUES ($1, $2, $3, $4, $5, $5)
			ON CONFLICT (tenant_id, session_id, app_id) DO NOTHING`, tenant, h.Session, h.App, h.User, micros(at)); err != nil {
			return fmt.Errorf("queue a logout notice: %w", err)
		}
	}
	return nil
}

// LeaseLogoutNotice implements oauth.Notices.
func (db *DB) LeaseLogoutNotice(ctx context.Context, tenant directory.TenantID, now, until time.Time) (oauth.LogoutNotice, error) {
	if _, err := dueNotice(ctx, db.read, tenant, now); err != nil {
		return oauth.LogoutNotice{}, err // most often nothing is due: no change is begun for that
	}
	var n oauth.LogoutNotice
	err := db.Write(ctx, func(ctx context.Context, tx *Tx) (err error) {
		if n, err = dueNotice(ctx, tx.q, tenant, now); err != nil {
			return err
		}
		changes, err := tx.exec(ctx, `
			UPDATE logout_notice SET due_at = $1, attempts = attempts + 1
			WHERE tenant_id = $2 AND session_id = $3 AND app_id = $4 AND attempts = $5`,
			micros(until), tenant, n.Session, n.App, n.Attempts)
		n.Attempts++
		return changed(changes, err, oauth.ErrNoNotice)
	})
	return n, err
}

func dueNotice(ctx context.Context, q querier, tenant directory.TenantID, now time.Time) (oauth.LogoutNotice, error) {
	n := oauth.LogoutNotice{Tenant: tenant}
	var created int64
	err := q.QueryRowContext(ctx, `
		SELECT session_id, app_id, user_id, created_at, attempts FROM logout_notice
		WHERE tenant_id = $1 AND due_at <= $2 ORDER BY due_at, session_id, app_id LIMIT 1`, tenant, micros(now)).
		Scan(&n.Session, &n.App, &n.User, &created, &n.Attempts)
	n.CreatedAt = fromMicros(created)
	if errors.Is(err, sql.ErrNoRows) {
		return n, oauth.ErrNoNotice
	}
	return n, err
}

// SettleLogoutNotice implements oauth.Notices.
func (db *DB) SettleLogoutNotice(ctx context.Context, n oauth.LogoutNotice, again time.Time) error {
	return db.Write(ctx, func(ctx context.Context, tx *Tx) error {
		if again.IsZero() {
			_, err := tx.exec(ctx, `
				DELETE FROM logout_notice WHERE tenant_id = $1 AND session_id = $2 AND app_id = $3`, n.Tenant, n.Session, n.App)
			return err
		}
		_, err := tx.exec(ctx, `
			UPDATE logout_notice SET due_at = $1
			WHERE tenant_id = $2 AND session_id = $3 AND app_id = $4 AND attempts = $5`, micros(again), n.Tenant, n.Session, n.App, n.Attempts)
		return err
	})
}

// AppsOfSession implements oauth.Store.
func (db *DB) AppsOfSession(ctx context.Context, tenant directory.TenantID, session string) ([]directory.AppID, error) {
	rows, err := db.read.QueryContext(ctx, `
		SELECT DISTINCT app_id FROM token_family WHERE tenant_id = $1 AND session_id = $2 AND ended_at = 0 ORDER BY app_id`, tenant, session)
	return collect(rows, err, scanOne[directory.AppID])
}
