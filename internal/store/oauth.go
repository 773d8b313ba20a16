package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/method/tap"
	"github.com/postern-id/postern/internal/oauth"
	"github.com/postern-id/postern/internal/oauth/oautherr"
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
	secrets, err := secretsOf(ctx, db.read, tenant, a.ID)
	return a, secrets, err
}

// AppRolesOf returns the ids of the app roles that a principal has at a resource.
func (db *DB) AppRolesOf(ctx context.Context, tenant directory.TenantID, principal string, resource directory.ServicePrincipalID) ([]string, error) {
	// As one row: an application that manages a tenant has dozens, read again for every token,
	// and to hand over a row costs more than to find it.
	var all string
	err := db.read.QueryRowContext(ctx, `
		SELECT COALESCE(string_agg(app_role_id, ' '), '') FROM app_role_assignment
		WHERE tenant_id = $1 AND principal_id = $2 AND resource_id = $3`, tenant, principal, resource).Scan(&all)
	ids := strings.Fields(all)
	slices.Sort(ids)
	return ids, err
}

// AppRolesOfPerson implements oauth.Store.
func (db *DB) AppRolesOfPerson(ctx context.Context, tenant directory.TenantID, user directory.UserID, resource directory.ServicePrincipalID) ([]string, error) {
	rows, err := db.read.QueryContext(ctx, groupsOf+`
		SELECT DISTINCT app_role_id FROM app_role_assignment
		WHERE tenant_id = $1 AND resource_id = $3 AND (principal_id = $2 OR principal_id IN (SELECT group_id FROM up))
		ORDER BY app_role_id`, tenant, user, resource)
	return collect(rows, err, scanOne[string])
}

// AssignedGroups implements oauth.Store.
func (db *DB) AssignedGroups(ctx context.Context, tenant directory.TenantID, resource directory.ServicePrincipalID) ([]directory.GroupID, error) {
	rows, err := db.read.QueryContext(ctx, `
		SELECT DISTINCT r.principal_id FROM app_role_assignment r
		JOIN directory_group g ON g.tenant_id = r.tenant_id AND g.id = r.principal_id
		WHERE r.tenant_id = $1 AND r.resource_id = $2`, tenant, resource)
	return collect(rows, err, scanOne[directory.GroupID])
}

// RecordTokens records the event of tokens that no row stands behind.
func (db *DB) RecordTokens(ctx context.Context, e audit.Event) error { return db.Record(ctx, e) }

// passRemoved is the end_reason of what ended with its pass.
const passRemoved = "passRemoved"

// livingFamily returns the user of a family that has not ended, whose user is there and
// enabled and has not revoked what began before, and whose pass is still there. Else it is
// tap.ErrNotUsable or tap.ErrExpired when the pass is why, or oautherr.ErrRevoked.
func livingFamily(ctx context.Context, q querier, tenant directory.TenantID, family string, at time.Time) (directory.User, error) {
	var userID, passID, reason string
	var created, expires, ended int64
	err := q.QueryRowContext(ctx, `
		SELECT user_id, pass_id, created_at, expires_at, ended_at, end_reason FROM token_family
		WHERE tenant_id = $1 AND id = $2`, tenant, family).Scan(&userID, &passID, &created, &expires, &ended, &reason)
	if err := notFound(err, oautherr.ErrRevoked); err != nil {
		return directory.User{}, err
	}
	switch {
	case reason == passRemoved:
		return directory.User{}, tap.ErrNotUsable
	case ended != 0:
		return directory.User{}, oautherr.ErrRevoked
	}
	user, err := userBy(ctx, q, tenant, "id", userID)
	switch {
	case errors.Is(err, directory.ErrUserUnknown):
		return user, oautherr.ErrRevoked
	case err != nil:
		return user, err
	case !user.AccountEnabled || fromMicros(created).Before(user.SessionsValidFrom):
		return user, oautherr.ErrRevoked
	}
	if passID != "" {
		p, err := passOf(ctx, q, tenant, user.ID)
		switch {
		case errors.Is(err, tap.ErrNone) || err == nil && p.ID != passID:
			return user, tap.ErrNotUsable
		case err != nil:
			return user, err
		case !at.Before(p.End()):
			return user, tap.ErrExpired
		}
	}
	if !at.Before(fromMicros(expires)) {
		return user, oautherr.ErrRevoked
	}
	return user, nil
}

// HomesOf implements oauth.Store.
func (db *DB) HomesOf(ctx context.Context, app directory.AppID) ([]directory.TenantID, error) {
	rows, err := db.read.QueryContext(ctx, `
		SELECT tenant_id FROM route WHERE kind = $1 AND name = $2 ORDER BY tenant_id LIMIT 2`, routeClient, app)
	return collect(rows, err, scanOne[directory.TenantID])
}

// GrantedScopes implements oauth.Store.
func (db *DB) GrantedScopes(ctx context.Context, tenant directory.TenantID, client, resource directory.ServicePrincipalID, user directory.UserID) ([]string, error) {
	rows, err := db.read.QueryContext(ctx, `
		SELECT scope FROM permission_grant
		WHERE tenant_id = $1 AND client_id = $2 AND resource_id = $3 AND (consent_type = $4 OR principal_id = $5)`,
		tenant, client, resource, directory.AllPrincipals, user)
	texts, err := collect(rows, err, scanOne[string])
	return strings.Fields(strings.Join(texts, " ")), err
}

// Authorize implements oauth.Store.
func (db *DB) Authorize(ctx context.Context, f oauth.Family, code oauth.Grant, secretHash string, e audit.Event) error {
	return db.Write(ctx, func(ctx context.Context, tx *Tx) error {
		if err := tx.insertFamily(ctx, f); err != nil {
			return err
		}
		if err := tx.insertTokenGrant(ctx, code, secretHash); err != nil {
			return err
		}
		return tx.append(ctx, e)
	})
}

// insertFamily stores f, if the session that it comes from has not ended meanwhile and its
// user and pass are still there; else it is oautherr.ErrRevoked.
func (tx *Tx) insertFamily(ctx context.Context, f oauth.Family) error {
	body, err := json.Marshal(f)
	if err != nil {
		return err
	}
	var living int
	if err := tx.q.QueryRowContext(ctx, `
		SELECT COUNT(*) FROM session WHERE tenant_id = $1 AND id = $2 AND ended_at = 0`, f.Tenant, f.Session).Scan(&living); err != nil {
		return err
	}
	if living == 0 {
		return oautherr.ErrRevoked
	}
	if f.Device != nil {
		if _, _, err := admitting(ctx, tx.q, f.Tenant, f.Device.ID, f.User); err != nil {
			return err
		}
	}
	_, err = tx.exec(ctx, `
		INSERT INTO token_family (tenant_id, id, user_id, session_id, app_id, pass_id, purpose, created_at, expires_at, body, device_id, method_id)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`,
		f.Tenant, f.ID, f.User, f.Session, f.App, f.PassID, f.Purpose, micros(f.CreatedAt), micros(f.ExpiresAt), string(body), f.DeviceObject(), f.Method)
	if err == nil {
		_, err = livingFamily(ctx, tx.q, f.Tenant, f.ID, f.CreatedAt)
	}
	return err
}

func (tx *Tx) insertTokenGrant(ctx context.Context, g oauth.Grant, secretHash string) error {
	body, err := json.Marshal(g)
	if err != nil {
		return err
	}
	_, err = tx.exec(ctx, `
		INSERT INTO single_use_token (tenant_id, id, kind, family_id, secret_hash, created_at, expires_at, body)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
		g.Tenant, g.ID, g.Kind, g.Family, secretHash, micros(g.CreatedAt), micros(g.ExpiresAt), string(body))
	return err
}

// Grant implements oauth.Store.
func (db *DB) Grant(ctx context.Context, tenant directory.TenantID, kind oauth.GrantKind, id string) (oauth.Grant, oauth.Family, string, error) {
	g := oauth.Grant{Tenant: tenant, ID: id, Kind: kind}
	f := oauth.Family{Tenant: tenant}
	var hash, body, familyBody string
	var created, expires, used, familyCreated, familyExpires, ended int64
	err := db.read.QueryRowContext(ctx, `
		SELECT t.secret_hash, t.created_at, t.expires_at, t.used_at, t.body,
			f.id, f.user_id, f.session_id, f.app_id, f.pass_id, f.purpose, f.created_at, f.expires_at, f.ended_at, f.body
		FROM single_use_token t JOIN token_family f ON f.tenant_id = t.tenant_id AND f.id = t.family_id
		WHERE t.tenant_id = $1 AND t.id = $2 AND t.kind = $3`, tenant, id, kind).
		Scan(&hash, &created, &expires, &used, &body,
			&f.ID, &f.User, &f.Session, &f.App, &f.PassID, &f.Purpose, &familyCreated, &familyExpires, &ended, &familyBody)
	if err := notFound(err, oautherr.ErrInvalidGrant); err != nil {
		return g, f, "", err
	}
	g.Family, g.CreatedAt, g.ExpiresAt, g.UsedAt = f.ID, fromMicros(created), fromMicros(expires), fromMicros(used)
	f.CreatedAt, f.ExpiresAt, f.EndedAt = fromMicros(familyCreated), fromMicros(familyExpires), fromMicros(ended)
	_, err = decoded(&g, body)
	if err == nil {
		_, err = decoded(&f, familyBody)
	}
	return g, f, hash, err
}

// Spend implements oauth.Store.
func (db *DB) Spend(ctx context.Context, g oauth.Grant, keep bool, next *oauth.Grant, nextHash string, at time.Time, e audit.Event) error {
	reused := false
	err := db.Write(ctx, func(ctx context.Context, tx *Tx) error {
		reused = false
		n, err := tx.exec(ctx, `
			UPDATE single_use_token SET used_at = CASE WHEN $1 THEN used_at ELSE $2 END
			WHERE tenant_id = $3 AND id = $4 AND used_at = 0`, keep, micros(at), g.Tenant, g.ID)
		if err != nil {
			return err
		}
		if n == 0 {
			reused = true // the ending is committed: no error yet
			return tx.endFamily(ctx, g.Tenant, g.Family, at, "reused")
		}
		if _, err := livingFamily(ctx, tx.q, g.Tenant, g.Family, at); err != nil {
			return err
		}
		if next != nil {
			if err := tx.insertTokenGrant(ctx, *next, nextHash); err != nil {
				return err
			}
		}
		return tx.append(ctx, e)
	})
	if err == nil && reused {
		return oauth.ErrReused
	}
	return err
}

func (tx *Tx) endFamily(ctx context.Context, tenant directory.TenantID, family string, at time.Time, reason string) error {
	_, err := tx.exec(ctx, `
		UPDATE token_family SET ended_at = $1, end_reason = $2
		WHERE tenant_id = $3 AND id = $4 AND ended_at = 0`, micros(at), reason, tenant, family)
	return err
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
