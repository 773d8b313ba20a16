package store

import (
	"context"
	"crypto/subtle"
	"database/sql"
	"encoding/json"
	"errors"
	"time"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/signin"
)

const sessionColumns = `id, user_id, secret_hash, pass_id, purpose, created_at, expires_at, last_seen_at, ended_at, method_id, body`

func scanSession(tenant directory.TenantID, scan func(...any) error) (signin.Session, string, error) {
	s := signin.Session{Tenant: tenant}
	var hash, body string
	var created, expires, seen, ended int64
	if err := scan(&s.ID, &s.User, &hash, &s.PassID, &s.Purpose, &created, &expires, &seen, &ended, &s.Method, &body); err != nil {
		return s, "", err
	}
	s.CreatedAt, s.ExpiresAt, s.SeenAt, s.EndedAt = fromMicros(created), fromMicros(expires), fromMicros(seen), fromMicros(ended)
	_, err := decoded(&s, body)
	return s, hash, err
}

func (tx *Tx) insertSession(ctx context.Context, s signin.Session, secretHash string) error {
	body, err := json.Marshal(s)
	if err != nil {
		return err
	}
	_, err = tx.exec(ctx, `
		INSERT INTO session (tenant_id, id, user_id, secret_hash, pass_id, purpose, created_at, expires_at, last_seen_at, body, device_id, method_id)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`,
		s.Tenant, s.ID, s.User, secretHash, s.PassID, s.Purpose, micros(s.CreatedAt), micros(s.ExpiresAt), micros(s.SeenAt), string(body), s.DeviceObject(), s.Method)
	return err
}

// keepSession stores the session that c ends in. One that is raised gets another secret, if it
// lives and still has the one that the browser held.
func (tx *Tx) keepSession(ctx context.Context, c signin.Completion, user directory.User) error {
	if c.Raised == "" {
		return tx.insertSession(ctx, c.Session, c.SecretHash)
	}
	s := c.Session
	if s.CreatedAt.Before(user.SessionsValidFrom) {
		return signin.ErrGone
	}
	body, err := json.Marshal(s)
	if err != nil {
		return err
	}
	n, err := tx.exec(ctx, `
		UPDATE session SET secret_hash = $1, pass_id = $2, purpose = $3, expires_at = $4, last_seen_at = $5, body = $6
		WHERE tenant_id = $7 AND id = $8 AND user_id = $9 AND secret_hash = $10 AND ended_at = 0 AND expires_at > $5`,
		c.SecretHash, s.PassID, s.Purpose, micros(s.ExpiresAt), micros(c.At), string(body), s.Tenant, s.ID, s.User, c.Raised)
	return changed(n, err, signin.ErrGone)
}

func sessionBy(ctx context.Context, q querier, tenant directory.TenantID, id string) (signin.Session, error) {
	row := q.QueryRowContext(ctx, `SELECT `+sessionColumns+` FROM session WHERE tenant_id = $1 AND id = $2`, tenant, id)
	s, _, err := scanSession(tenant, row.Scan)
	return s, notFound(err, signin.ErrGone)
}

// Session implements signin.Store.
func (db *DB) Session(ctx context.Context, tenant directory.TenantID, id, secretHash string, at time.Time) (signin.Session, directory.User, error) {
	row := db.read.QueryRowContext(ctx, `SELECT `+sessionColumns+` FROM session WHERE tenant_id = $1 AND id = $2`, tenant, id)
	s, hash, err := scanSession(tenant, row.Scan)
	if err := notFound(err, signin.ErrGone); err != nil {
		return s, directory.User{}, err
	}
	if subtle.ConstantTimeCompare([]byte(hash), []byte(secretHash)) != 1 {
		return signin.Session{}, directory.User{}, signin.ErrGone
	}
	user, err := db.livingOwner(ctx, s, at)
	return s, user, err
}

// SessionByID returns a living session for a caller that proved to hold it otherwise, such
// as by a token that came from it.
func (db *DB) SessionByID(ctx context.Context, tenant directory.TenantID, id string, at time.Time) (signin.Session, directory.User, error) {
	s, err := sessionBy(ctx, db.read, tenant, id)
	if err != nil {
		return s, directory.User{}, err
	}
	user, err := db.livingOwner(ctx, s, at)
	return s, user, err
}

// livingOwner returns the user of s if the session lives at at, and signin.ErrGone if not.
func (db *DB) livingOwner(ctx context.Context, s signin.Session, at time.Time) (directory.User, error) {
	if !s.EndedAt.IsZero() || !at.Before(s.ExpiresAt) {
		return directory.User{}, signin.ErrGone
	}
	user, err := db.User(ctx, s.Tenant, s.User)
	switch {
	case errors.Is(err, directory.ErrUserUnknown):
		return directory.User{}, signin.ErrGone
	case err != nil:
		return directory.User{}, err
	case !user.AccountEnabled || s.CreatedAt.Before(user.SessionsValidFrom):
		return directory.User{}, signin.ErrGone
	}
	return user, nil
}

// Sessions implements signin.Store.
func (db *DB) Sessions(ctx context.Context, tenant directory.TenantID, user directory.UserID, at time.Time) ([]signin.Session, error) {
	rows, err := db.read.QueryContext(ctx, `
		SELECT `+sessionColumns+` FROM session
		WHERE tenant_id = $1 AND user_id = $2 AND ended_at = 0 AND expires_at > $3
		ORDER BY created_at DESC LIMIT 200`, tenant, user, micros(at))
	return collect(rows, err, func(r *sql.Rows) (signin.Session, error) {
		s, _, err := scanSession(tenant, r.Scan)
		return s, err
	})
}

// EndSessions implements signin.Store.
func (db *DB) EndSessions(ctx context.Context, tenant directory.TenantID, user directory.UserID, id string, at time.Time, e audit.Event) error {
	return db.Write(ctx, func(ctx context.Context, tx *Tx) error {
		if err := tx.endSessionsOf(ctx, tenant, user, id, at, "signedOut"); err != nil {
			return err
		}
		return tx.append(ctx, e)
	})
}

// endSessionsOf ends one session of a user with its token families, or with an empty id all
// of them, also those that came without a session.
func (tx *Tx) endSessionsOf(ctx context.Context, tenant directory.TenantID, user directory.UserID, id string, at time.Time, reason string) error {
	if err := tx.noteLogout(ctx, at, tenant, `f.user_id = $2 AND ($3 = '' OR f.session_id = $3)`, user, id); err != nil {
		return err
	}
	if id == "" {
		if _, err := tx.exec(ctx, `
			UPDATE directory_user SET sessions_valid_from = $1 WHERE tenant_id = $2 AND id = $3`, micros(at), tenant, user); err != nil {
			return err
		}
	}
	if _, err := tx.exec(ctx, `
		UPDATE session SET ended_at = $1
		WHERE tenant_id = $2 AND user_id = $3 AND ended_at = 0 AND ($4 = '' OR id = $4)`,
		micros(at), tenant, user, id); err != nil {
		return err
	}
	_, err := tx.exec(ctx, `
		UPDATE token_family SET ended_at = $1, end_reason = $2
		WHERE tenant_id = $3 AND user_id = $4 AND ended_at = 0 AND ($5 = '' OR session_id = $5)`,
		micros(at), reason, tenant, user, id)
	return err
}
