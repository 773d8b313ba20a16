package store

import (
	"context"
	"encoding/json"
	"time"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/oauth"
	"github.com/postern-id/postern/internal/oauth/oautherr"
)

// CreateDeviceCode implements oauth.Store. The user code is routed until it is decided: who
// types it does not say in which tenant.
func (db *DB) CreateDeviceCode(ctx context.Context, d oauth.DeviceCode, secretHash, userCodeHash string) error {
	body, err := json.Marshal(d)
	if err != nil {
		return err
	}
	return db.Write(ctx, func(ctx context.Context, tx *Tx) error {
		var taken int
		if err := tx.q.QueryRowContext(ctx, `SELECT COUNT(*) FROM route WHERE kind = $1 AND name = $2`, routeUserCode, userCodeHash).Scan(&taken); err != nil {
			return err
		}
		if taken > 0 {
			return oauth.ErrUserCodeTaken
		}
		if _, err := tx.exec(ctx, `INSERT INTO route (kind, name, tenant_id) VALUES ($1, $2, $3)`, routeUserCode, userCodeHash, d.Tenant); err != nil {
			return err
		}
		_, err := tx.exec(ctx, `
			INSERT INTO device_code (tenant_id, id, secret_hash, user_code_hash, app_id, state, created_at, expires_at, body)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
			d.Tenant, d.ID, secretHash, userCodeHash, d.App, d.State, micros(d.CreatedAt), micros(d.ExpiresAt), string(body))
		if err != nil && isDuplicate(err) { // an earlier code of this tenant that was decided
			return oauth.ErrUserCodeTaken
		}
		return err
	})
}

// DeviceCode implements oauth.Store.
func (db *DB) DeviceCode(ctx context.Context, tenant directory.TenantID, id string) (oauth.DeviceCode, string, error) {
	d, hash, err := deviceCodeBy(ctx, db.read, tenant, "id", id)
	return d, hash, notFound(err, oautherr.ErrBadDeviceCode)
}

// DeviceCodeByUserCode implements oauth.Store.
func (db *DB) DeviceCodeByUserCode(ctx context.Context, userCodeHash string) (oauth.DeviceCode, error) {
	var tenant directory.TenantID
	err := db.read.QueryRowContext(ctx, `SELECT tenant_id FROM route WHERE kind = $1 AND name = $2`, routeUserCode, userCodeHash).Scan(&tenant)
	if err := notFound(err, oauth.ErrUserCode); err != nil {
		return oauth.DeviceCode{}, err
	}
	d, _, err := deviceCodeBy(ctx, db.read, tenant, "user_code_hash", userCodeHash)
	return d, notFound(err, oauth.ErrUserCode)
}

func deviceCodeBy(ctx context.Context, q querier, tenant directory.TenantID, column, value string) (oauth.DeviceCode, string, error) {
	d := oauth.DeviceCode{Tenant: tenant}
	var hash, body string
	var created, expires int64
	err := q.QueryRowContext(ctx, `
		SELECT id, secret_hash, app_id, state, created_at, expires_at, body FROM device_code
		WHERE tenant_id = $1 AND `+column+` = $2`, tenant, value).Scan(&d.ID, &hash, &d.App, &d.State, &created, &expires, &body)
	if err != nil {
		return d, "", err
	}
	d.CreatedAt, d.ExpiresAt = fromMicros(created), fromMicros(expires)
	_, err = decoded(&d, body)
	return d, hash, err
}

// DecideDeviceCode implements oauth.Store.
func (db *DB) DecideDeviceCode(ctx context.Context, d oauth.DeviceCode, f *oauth.Family, at time.Time, e audit.Event) error {
	body, err := json.Marshal(d)
	if err != nil {
		return err
	}
	return db.Write(ctx, func(ctx context.Context, tx *Tx) error {
		n, err := tx.exec(ctx, `
			UPDATE device_code SET state = $1, body = $2, version = version + 1
			WHERE tenant_id = $3 AND id = $4 AND state = $5 AND expires_at > $6`,
			d.State, string(body), d.Tenant, d.ID, oauth.DevicePending, micros(at))
		if err != nil {
			return err
		}
		if n == 0 {
			return oauth.ErrUserCode
		}
		if err := tx.dropUserCode(ctx, d); err != nil {
			return err
		}
		if f != nil {
			if err := tx.insertFamily(ctx, *f); err != nil {
				return err
			}
		}
		return tx.append(ctx, e)
	})
}

// ReachDeviceCode implements oauth.Store.
func (db *DB) ReachDeviceCode(ctx context.Context, d oauth.DeviceCode, at time.Time) error {
	return db.Write(ctx, func(ctx context.Context, tx *Tx) error {
		return tx.changePending(ctx, d, at, func(now *oauth.DeviceCode) { now.ReachedAt = at })
	})
}

// MissDeviceCode implements oauth.Store.
func (db *DB) MissDeviceCode(ctx context.Context, d oauth.DeviceCode, most int, at time.Time, e audit.Event) (left int, err error) {
	err = db.Write(ctx, func(ctx context.Context, tx *Tx) error {
		if err := tx.changePending(ctx, d, at, func(now *oauth.DeviceCode) {
			now.Misses++
			if left = max(0, most-now.Misses); left == 0 {
				now.State = oauth.DeviceDeclined
			}
		}); err != nil {
			return err
		}
		if left == 0 {
			if err := tx.dropUserCode(ctx, d); err != nil {
				return err
			}
		}
		return tx.append(ctx, e)
	})
	return left, err
}

// changePending changes a code that is pending at at, else it is oauth.ErrUserCode. The row is
// written before it is read, so that changes which come at once are made one by one.
func (tx *Tx) changePending(ctx context.Context, d oauth.DeviceCode, at time.Time, change func(*oauth.DeviceCode)) error {
	n, err := tx.exec(ctx, `
		UPDATE device_code SET version = version + 1
		WHERE tenant_id = $1 AND id = $2 AND state = $3 AND expires_at > $4`, d.Tenant, d.ID, oauth.DevicePending, micros(at))
	if err := changed(n, err, oauth.ErrUserCode); err != nil {
		return err
	}
	now, _, err := deviceCodeBy(ctx, tx.q, d.Tenant, "id", d.ID)
	if err != nil {
		return err
	}
	change(&now)
	body, err := json.Marshal(now)
	if err != nil {
		return err
	}
	_, err = tx.exec(ctx, `UPDATE device_code SET state = $1, body = $2 WHERE tenant_id = $3 AND id = $4`, now.State, string(body), d.Tenant, d.ID)
	return err
}

// dropUserCode forgets where a user code leads.
func (tx *Tx) dropUserCode(ctx context.Context, d oauth.DeviceCode) error {
	_, err := tx.exec(ctx, `
		DELETE FROM route WHERE kind = $1 AND tenant_id = $2 AND name = (SELECT user_code_hash FROM device_code WHERE tenant_id = $2 AND id = $3)`,
		routeUserCode, d.Tenant, d.ID)
	return err
}

// RedeemDeviceCode implements oauth.Store.
func (db *DB) RedeemDeviceCode(ctx context.Context, d oauth.DeviceCode, next *oauth.Grant, nextHash string, at time.Time, e audit.Event) error {
	reused := false
	err := db.Write(ctx, func(ctx context.Context, tx *Tx) error {
		reused = false
		n, err := tx.exec(ctx, `
			UPDATE device_code SET state = $1, version = version + 1
			WHERE tenant_id = $2 AND id = $3 AND state = $4`, oauth.DeviceRedeemed, d.Tenant, d.ID, oauth.DeviceApproved)
		if err != nil {
			return err
		}
		if n == 0 {
			reused = true // the ending is committed: no error yet
			return tx.endFamily(ctx, d.Home, d.Family, at, "reused")
		}
		if _, err := livingFamily(ctx, tx.q, d.Home, d.Family, at); err != nil {
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

// Family implements oauth.Store.
func (db *DB) Family(ctx context.Context, tenant directory.TenantID, id string) (oauth.Family, error) {
	f := oauth.Family{Tenant: tenant, ID: id}
	var body string
	var created, expires, ended int64
	err := db.read.QueryRowContext(ctx, `
		SELECT user_id, session_id, app_id, pass_id, purpose, created_at, expires_at, ended_at, body FROM token_family
		WHERE tenant_id = $1 AND id = $2`, tenant, id).
		Scan(&f.User, &f.Session, &f.App, &f.PassID, &f.Purpose, &created, &expires, &ended, &body)
	if err := notFound(err, oautherr.ErrRevoked); err != nil {
		return f, err
	}
	f.CreatedAt, f.ExpiresAt, f.EndedAt = fromMicros(created), fromMicros(expires), fromMicros(ended)
	_, err = decoded(&f, body)
	return f, err
}

// removeStaleUserCodes deletes the routes of device codes that are no longer there.
func (tx *Tx) removeStaleUserCodes(ctx context.Context, tenant directory.TenantID) error {
	_, err := tx.exec(ctx, `
		DELETE FROM route WHERE kind = $1 AND tenant_id = $2 AND NOT EXISTS (
			SELECT 1 FROM device_code WHERE device_code.tenant_id = $2 AND device_code.user_code_hash = route.name)`, routeUserCode, tenant)
	return err
}
