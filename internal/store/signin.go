package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/postern-id/postern/internal/access"
	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/signin"
)

// CreateTransaction implements signin.Store.
func (db *DB) CreateTransaction(ctx context.Context, t signin.Transaction, secretHash string) error {
	body, err := json.Marshal(t)
	if err != nil {
		return err
	}
	return db.Write(ctx, func(ctx context.Context, tx *Tx) error {
		_, err := tx.exec(ctx, `
			INSERT INTO signin_transaction (tenant_id, id, secret_hash, created_at, expires_at, body)
			VALUES ($1, $2, $3, $4, $5, $6)`,
			t.Tenant, t.ID, secretHash, micros(t.CreatedAt), micros(t.ExpiresAt), string(body))
		return err
	})
}

// Transaction implements signin.Store.
func (db *DB) Transaction(ctx context.Context, tenant directory.TenantID, id string) (signin.Transaction, string, error) {
	return transactionBy(ctx, db.read, tenant, id)
}

func transactionBy(ctx context.Context, q querier, tenant directory.TenantID, id string) (signin.Transaction, string, error) {
	t := signin.Transaction{Tenant: tenant, ID: id}
	var hash, body string
	var created, expires int64
	err := q.QueryRowContext(ctx, `
		SELECT secret_hash, created_at, expires_at, version, body FROM signin_transaction
		WHERE tenant_id = $1 AND id = $2`, tenant, id).Scan(&hash, &created, &expires, &t.Version, &body)
	if errors.Is(err, sql.ErrNoRows) {
		return t, "", signin.ErrGone
	}
	if err != nil {
		return t, "", err
	}
	t.CreatedAt, t.ExpiresAt = fromMicros(created), fromMicros(expires)
	_, err = decoded(&t, body)
	return t, hash, err
}

// SaveTransaction implements signin.Store.
func (db *DB) SaveTransaction(ctx context.Context, t signin.Transaction) error {
	return db.Write(ctx, func(ctx context.Context, tx *Tx) error { return tx.saveTransaction(ctx, t) })
}

// NoteTransaction implements signin.Store.
func (db *DB) NoteTransaction(ctx context.Context, t signin.Transaction, e audit.Event) error {
	return db.Write(ctx, func(ctx context.Context, tx *Tx) error {
		if err := tx.saveTransaction(ctx, t); err != nil {
			return err
		}
		return tx.append(ctx, e)
	})
}

// Bar implements signin.Store.
func (db *DB) Bar(ctx context.Context, t signin.Transaction, pass *signin.PassUsed, e audit.Event) error {
	return db.Write(ctx, func(ctx context.Context, tx *Tx) error {
		if err := tx.saveTransaction(ctx, t); err != nil {
			return err
		}
		if pass != nil {
			if err := tx.releasePass(ctx, t.Home, t.User, pass.ID, t.ID); err != nil {
				return err
			}
		}
		return tx.append(ctx, e)
	})
}

func (tx *Tx) saveTransaction(ctx context.Context, t signin.Transaction) error {
	body, err := json.Marshal(t)
	if err != nil {
		return err
	}
	n, err := tx.exec(ctx, `
		UPDATE signin_transaction SET body = $1, version = version + 1
		WHERE tenant_id = $2 AND id = $3 AND version = $4`, string(body), t.Tenant, t.ID, t.Version)
	if err == nil && n == 0 {
		return signin.ErrChanged
	}
	return err
}

// Charge implements signin.Store.
func (db *DB) Charge(ctx context.Context, tenant directory.TenantID, buckets []signin.Bucket, at time.Time) (time.Duration, error) {
	var wait time.Duration
	err := db.Write(ctx, func(ctx context.Context, tx *Tx) error {
		wait = 0
		after := make([]signin.Counter, len(buckets))
		for i, b := range buckets {
			c, err := tx.counter(ctx, tenant, b.Name)
			if err != nil {
				return err
			}
			var w time.Duration
			after[i], w = b.Rule.Charge(c, at)
			wait = max(wait, w)
		}
		if wait > 0 {
			return nil
		}
		for i, b := range buckets {
			if err := tx.saveCounter(ctx, tenant, b.Name, after[i]); err != nil {
				return err
			}
		}
		return nil
	})
	return wait, err
}

// Refund implements signin.Store.
func (db *DB) Refund(ctx context.Context, tenant directory.TenantID, buckets []signin.Bucket) error {
	return db.Write(ctx, func(ctx context.Context, tx *Tx) error {
		for _, b := range buckets {
			if err := tx.refund(ctx, tenant, b); err != nil {
				return err
			}
		}
		return nil
	})
}

// FailedTries returns how many tries by unfamiliar places failed since then for the account whose
// name has that hash, by whatever method.
func (db *DB) FailedTries(ctx context.Context, tenant directory.TenantID, nameHash string, since time.Time) (int64, error) {
	var failed int64
	err := db.read.QueryRowContext(ctx, `
		SELECT COALESCE(SUM(failures), 0) FROM throttle
		WHERE tenant_id = $1 AND bucket >= $2 AND bucket < $3 AND updated_at >= $4 AND window_at >= $5`,
		tenant, "account|"+nameHash+"|", "account|"+nameHash+"}", micros(since), micros(since)).Scan(&failed)
	return failed, err
}

func (tx *Tx) counter(ctx context.Context, tenant directory.TenantID, bucket string) (signin.Counter, error) {
	var c signin.Counter
	var window, locked, updated int64
	err := tx.q.QueryRowContext(ctx, `
		SELECT failures, window_at, locked_until, lock_level, updated_at FROM throttle
		WHERE tenant_id = $1 AND bucket = $2`, tenant, bucket).Scan(&c.Failures, &window, &locked, &c.Level, &updated)
	if errors.Is(err, sql.ErrNoRows) {
		return c, nil
	}
	c.WindowAt, c.LockedUntil, c.UpdatedAt = fromMicros(window), fromMicros(locked), fromMicros(updated)
	return c, err
}

func (tx *Tx) saveCounter(ctx context.Context, tenant directory.TenantID, bucket string, c signin.Counter) error {
	_, err := tx.exec(ctx, `
		INSERT INTO throttle (tenant_id, bucket, failures, window_at, locked_until, lock_level, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7)
		ON CONFLICT (tenant_id, bucket) DO UPDATE SET failures = excluded.failures, window_at = excluded.window_at,
			locked_until = excluded.locked_until, lock_level = excluded.lock_level, updated_at = excluded.updated_at`,
		tenant, bucket, c.Failures, micros(c.WindowAt), micros(c.LockedUntil), c.Level, micros(c.UpdatedAt))
	return err
}

// Accept implements signin.Store.
func (db *DB) Accept(ctx context.Context, t signin.Transaction, buckets []signin.Bucket, at, until time.Time) error {
	return db.Write(ctx, func(ctx context.Context, tx *Tx) error {
		if pass := t.Pass(); pass != nil {
			if err := tx.reservePass(ctx, t.Home, t.User, pass.ID, t.ID, at, until); err != nil {
				return err
			}
		}
		if n := len(t.Proofs); n > 0 && t.Proofs[n-1].Credential != nil {
			if err := tx.useCredential(ctx, t, t.Proofs[n-1]); err != nil {
				return err
			}
		}
		for _, b := range buckets {
			if err := tx.refund(ctx, t.Home, b); err != nil {
				return err
			}
		}
		return tx.saveTransaction(ctx, t)
	})
}

func (tx *Tx) refund(ctx context.Context, tenant directory.TenantID, b signin.Bucket) error {
	c, err := tx.counter(ctx, tenant, b.Name)
	if err != nil {
		return err
	}
	return tx.saveCounter(ctx, tenant, b.Name, b.Rule.Refund(c))
}

// Complete implements signin.Store.
func (db *DB) Complete(ctx context.Context, c signin.Completion) (signin.Session, error) {
	var session signin.Session
	err := db.Write(ctx, func(ctx context.Context, tx *Tx) error {
		t := c.Transaction
		stored, _, err := transactionBy(ctx, tx.q, t.Tenant, t.ID)
		if err != nil {
			return err
		}
		if stored.Done() {
			session, err = sessionBy(ctx, tx.q, stored.Home, stored.Session)
			return err
		}
		session = c.Session
		return tx.complete(ctx, c)
	})
	return session, err
}

func (tx *Tx) complete(ctx context.Context, c signin.Completion) error {
	t := c.Transaction
	user, err := userBy(ctx, tx.q, t.Home, "id", string(t.User))
	if err != nil {
		return err
	}
	if !user.AccountEnabled {
		return directory.ErrUserUnknown
	}
	// Who ends all sessions of somebody ends what is on the way to one.
	if slices.ContainsFunc(t.Proofs, func(p signin.Proof) bool { return p.At.Before(user.SessionsValidFrom) }) {
		return signin.ErrGone
	}
	if t.Device != nil {
		if err := tx.signInOn(ctx, t.Home, t.Device.ID, t.User, c.At, c.Event); err != nil {
			return err
		}
		if c.Method != "" {
			if _, err := tx.exec(ctx, `UPDATE device_user SET method = $1 WHERE tenant_id = $2 AND device_id = $3 AND user_id = $4`,
				c.Method, t.Home, t.Device.ID, t.User); err != nil {
				return err
			}
		}
	}
	if pass := t.Pass(); pass != nil {
		if err := tx.spendPass(ctx, t.Home, t.User, pass.ID, t.ID, c.At); err != nil {
			return err
		}
	}
	// The transaction before the session: concurrent repeats wait here for the first one, and
	// not at the session's key, where PostgreSQL reports a duplicate and nothing to retry.
	t.Session, t.DoneAt = c.Session.ID, c.At
	if err := tx.saveTransaction(ctx, t); err != nil {
		return err
	}
	if err := tx.keepSession(ctx, c, user); err != nil {
		return err
	}
	if err := tx.bindSession(ctx, c.Session); err != nil {
		return err
	}
	if c.PlaceHash != "" {
		if _, err := tx.exec(ctx, `
			INSERT INTO familiar_place (tenant_id, user_id, place_hash, first_at, last_at, method) VALUES ($1, $2, $3, $4, $4, $5)
			ON CONFLICT (tenant_id, user_id, place_hash) DO UPDATE SET last_at = excluded.last_at,
				method = COALESCE(NULLIF(excluded.method, ''), familiar_place.method)`,
			t.Home, t.User, c.PlaceHash, micros(c.At), c.Method); err != nil {
			return err
		}
	}
	if c.Seen != nil {
		if err := tx.see(ctx, t.Home, t.User, *c.Seen); err != nil {
			return err
		}
	}
	if err := tx.queue(ctx, c.Mails); err != nil {
		return err
	}
	return tx.append(ctx, c.Event)
}

// see keeps where a user is, one row for each, unless a later sighting is there.
func (tx *Tx) see(ctx context.Context, tenant directory.TenantID, user directory.UserID, at access.Sighting) error {
	spot, err := json.Marshal(at.Coordinates)
	if err != nil {
		return err
	}
	_, err = tx.exec(ctx, `
		INSERT INTO last_sighting (tenant_id, user_id, at, spot) VALUES ($1, $2, $3, $4)
		ON CONFLICT (tenant_id, user_id) DO UPDATE SET at = excluded.at, spot = excluded.spot
			WHERE last_sighting.at <= excluded.at`, tenant, user, micros(at.At), string(spot))
	return err
}

// LastSeen implements signin.Store.
func (db *DB) LastSeen(ctx context.Context, tenant directory.TenantID, user directory.UserID) (access.Sighting, bool, error) {
	var seen access.Sighting
	var at int64
	var spot string
	err := db.read.QueryRowContext(ctx, `
		SELECT at, spot FROM last_sighting WHERE tenant_id = $1 AND user_id = $2`, tenant, user).Scan(&at, &spot)
	if errors.Is(err, sql.ErrNoRows) {
		return seen, false, nil
	}
	if err == nil {
		err = json.Unmarshal([]byte(spot), &seen.Coordinates)
	}
	seen.At = fromMicros(at)
	return seen, err == nil, err
}

// Familiar implements signin.Store.
func (db *DB) Familiar(ctx context.Context, tenant directory.TenantID, user directory.UserID, placeHash string) (signin.MethodID, bool, error) {
	return lastMethod(db.read.QueryRowContext(ctx, `
		SELECT method FROM familiar_place WHERE tenant_id = $1 AND user_id = $2 AND place_hash = $3`, tenant, user, placeHash))
}

// lastMethod reads the method of a place, if the place is there.
func lastMethod(row *sql.Row) (last signin.MethodID, known bool, err error) {
	err = row.Scan(&last)
	if errors.Is(err, sql.ErrNoRows) {
		return "", false, nil
	}
	return last, err == nil, err
}

// FamiliarToAnybody implements signin.Store.
func (db *DB) FamiliarToAnybody(ctx context.Context, tenant directory.TenantID, placeHash string) (bool, error) {
	var known bool
	err := db.read.QueryRowContext(ctx, `
		SELECT EXISTS (SELECT 1 FROM familiar_place WHERE tenant_id = $1 AND place_hash = $2)`, tenant, placeHash).Scan(&known)
	return known, err
}

// notFound turns a missing row into f.
func notFound(err, f error) error {
	if errors.Is(err, sql.ErrNoRows) {
		return f
	}
	if err != nil {
		return fmt.Errorf("read a row: %w", err)
	}
	return nil
}
