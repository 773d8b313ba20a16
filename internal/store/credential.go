package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"time"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/method"
	"github.com/postern-id/postern/internal/outbox"
	"github.com/postern-id/postern/internal/recovery"
	"github.com/postern-id/postern/internal/signin"
)

const credentialColumns = `id, user_id, kind, lookup, created_at, used_at, frozen_at, counter, session_id, pass_id, used_on, body`

func scanCredential(tenant directory.TenantID, scan func(...any) error) (method.Credential, error) {
	c := method.Credential{Tenant: tenant}
	var lookup sql.NullString
	var created, used, frozen int64
	var session, pass, body string
	if err := scan(&c.ID, &c.User, &c.Kind, &lookup, &created, &used, &frozen, &c.Counter, &session, &pass, &c.UsedOn, &body); err != nil {
		return c, err
	}
	c.Lookup, c.CreatedAt, c.UsedAt, c.FrozenAt = lookup.String, fromMicros(created), fromMicros(used), fromMicros(frozen)
	c.Origin.Session, c.Origin.Pass = session, pass
	whole := c
	if err := json.Unmarshal([]byte(body), &whole); err != nil {
		c.Unreadable = true
		return c, &unreadable{"credential", c.ID}
	}
	return whole, nil
}

func credentialBy(ctx context.Context, q querier, tenant directory.TenantID, where string, args ...any) (method.Credential, error) {
	row := q.QueryRowContext(ctx, `SELECT `+credentialColumns+` FROM credential WHERE tenant_id = $1 AND `+where, append([]any{tenant}, args...)...)
	c, err := scanCredential(tenant, row.Scan)
	if errors.Is(err, sql.ErrNoRows) {
		return c, method.ErrNone
	}
	return c, err
}

func credentials(ctx context.Context, q querier, tenant directory.TenantID, where string, args ...any) ([]method.Credential, error) {
	rows, err := q.QueryContext(ctx, `
		SELECT `+credentialColumns+` FROM credential WHERE tenant_id = $1 AND `+where+` ORDER BY created_at, id LIMIT 1000`,
		append([]any{tenant}, args...)...)
	return collect(rows, err, func(r *sql.Rows) (method.Credential, error) {
		c, err := scanCredential(tenant, r.Scan)
		return c, listed(err)
	})
}

// Credentials implements method.Store.
func (db *DB) Credentials(ctx context.Context, tenant directory.TenantID, user directory.UserID) ([]method.Credential, error) {
	return credentials(ctx, db.read, tenant, `user_id = $2`, user)
}

// CredentialsFrom implements method.Store.
func (db *DB) CredentialsFrom(ctx context.Context, tenant directory.TenantID, pass string) ([]method.Credential, error) {
	if pass == "" {
		return nil, nil
	}
	return credentials(ctx, db.read, tenant, `pass_id = $2`, pass)
}

// Credential implements method.Store.
func (db *DB) Credential(ctx context.Context, tenant directory.TenantID, id string) (method.Credential, error) {
	return credentialBy(ctx, db.read, tenant, `id = $2`, id)
}

// CredentialBy implements method.Store.
func (db *DB) CredentialBy(ctx context.Context, tenant directory.TenantID, kind signin.MethodID, lookup string) (method.Credential, error) {
	return credentialBy(ctx, db.read, tenant, `kind = $2 AND lookup = $3`, kind, lookup)
}

// AddCredential implements method.Store.
func (db *DB) AddCredential(ctx context.Context, c method.Credential, a method.Addition, mails ...outbox.Item) error {
	return db.Write(ctx, func(ctx context.Context, tx *Tx) error {
		if err := tx.mayAdd(ctx, c, a.Most); err != nil {
			return err
		}
		c, err := tx.rooted(ctx, c)
		if err != nil {
			return err
		}
		if err := tx.insertCredential(ctx, c); err != nil {
			return err
		}
		if err := tx.passRegistered(ctx, c.Tenant, c.Origin.Pass, recovery.Registered{ID: c.ID, Kind: string(c.Kind), At: c.CreatedAt}); err != nil {
			return err
		}
		if a.Strong {
			if err := tx.endBootstrap(ctx, c.Tenant, c.User, c.CreatedAt, a.Ended); err != nil {
				return err
			}
		}
		if err := tx.queue(ctx, mails); err != nil {
			return err
		}
		return tx.append(ctx, a.Event)
	})
}

// rooted is c with what is behind it.
func (tx *Tx) rooted(ctx context.Context, c method.Credential) (_ method.Credential, err error) {
	c.Origin.Roots, err = tx.rootsOf(ctx, c.Tenant, c.User, c.Origin, c.CreatedAt)
	return c, err
}

func (tx *Tx) insertCredential(ctx context.Context, c method.Credential) error {
	body, err := json.Marshal(c)
	if err != nil {
		return err
	}
	n, err := tx.exec(ctx, `
		INSERT INTO credential (tenant_id, id, user_id, kind, lookup, created_at, counter, session_id, pass_id, body)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT DO NOTHING`,
		c.Tenant, c.ID, c.User, c.Kind, sql.NullString{String: c.Lookup, Valid: c.Lookup != ""}, micros(c.CreatedAt), c.Counter,
		c.Origin.Session, c.Origin.Pass, string(body))
	return changed(n, err, method.ErrKnown)
}

// mayAdd holds the person of c, so that what they have of a kind is counted one after the
// other, and reports why c can't be added.
func (tx *Tx) mayAdd(ctx context.Context, c method.Credential, most int) error {
	if err := tx.touchUser(ctx, c.Tenant, c.User); err != nil {
		return err
	}
	user, err := userBy(ctx, tx.q, c.Tenant, "id", string(c.User))
	if err != nil {
		return err
	}
	if !user.AccountEnabled {
		return directory.ErrUserUnknown
	}
	if err := tx.originStands(ctx, c, user); err != nil {
		return err
	}
	var n int
	err = tx.q.QueryRowContext(ctx, `SELECT COUNT(*) FROM credential WHERE tenant_id = $1 AND user_id = $2 AND kind = $3`,
		c.Tenant, c.User, c.Kind).Scan(&n)
	if err == nil && n >= most {
		return method.ErrTooMany
	}
	return err
}

// originStands reports method.ErrProof when the session in which c was registered has ended.
func (tx *Tx) originStands(ctx context.Context, c method.Credential, user directory.User) error {
	if c.Origin.Session == "" {
		return nil
	}
	s, err := sessionBy(ctx, tx.q, c.Tenant, c.Origin.Session)
	switch {
	case errors.Is(err, signin.ErrGone):
		return method.ErrProof
	case err != nil:
		return err
	case !s.EndedAt.IsZero() || !c.CreatedAt.Before(s.ExpiresAt) || s.User != c.User || s.CreatedAt.Before(user.SessionsValidFrom):
		return method.ErrProof
	}
	return nil
}

// RenameCredential implements method.Store.
func (db *DB) RenameCredential(ctx context.Context, c method.Credential, e audit.Event, mails ...outbox.Item) error {
	return db.changeCredential(ctx, c, func(now *method.Credential) { now.Name = c.Name }, e, mails)
}

// ChangeCredential implements method.Store.
func (db *DB) ChangeCredential(ctx context.Context, c method.Credential, e audit.Event, mails ...outbox.Item) error {
	return db.changeCredential(ctx, c, func(now *method.Credential) { now.Data = c.Data }, e, mails)
}

func (db *DB) changeCredential(ctx context.Context, c method.Credential, change func(now *method.Credential), e audit.Event, mails []outbox.Item) error {
	return db.Write(ctx, func(ctx context.Context, tx *Tx) error {
		now, err := credentialBy(ctx, tx.q, c.Tenant, `id = $2`, c.ID)
		if err != nil {
			return err
		}
		change(&now)
		body, err := json.Marshal(now)
		if err != nil {
			return err
		}
		if _, err := tx.exec(ctx, `UPDATE credential SET body = $1 WHERE tenant_id = $2 AND id = $3`, string(body), c.Tenant, c.ID); err != nil {
			return err
		}
		if err := tx.queue(ctx, mails); err != nil {
			return err
		}
		return tx.append(ctx, e)
	})
}

// FreezeCredential implements method.Store.
func (db *DB) FreezeCredential(ctx context.Context, c method.Credential, at time.Time, e audit.Event, mails ...outbox.Item) error {
	return db.Write(ctx, func(ctx context.Context, tx *Tx) error {
		n, err := tx.exec(ctx, `UPDATE credential SET frozen_at = $1 WHERE tenant_id = $2 AND id = $3`, micros(c.FrozenAt), c.Tenant, c.ID)
		if err := changed(n, err, method.ErrNone); err != nil {
			return err
		}
		if c.Frozen() {
			if err := tx.endSessionsFrom(ctx, c, at, "methodFrozen"); err != nil {
				return err
			}
		}
		if err := tx.queue(ctx, mails); err != nil {
			return err
		}
		return tx.append(ctx, e)
	})
}

// RemoveCredential implements method.Store.
func (db *DB) RemoveCredential(ctx context.Context, c method.Credential, at time.Time, e audit.Event, mails ...outbox.Item) error {
	return db.Write(ctx, func(ctx context.Context, tx *Tx) error {
		n, err := tx.exec(ctx, `DELETE FROM credential WHERE tenant_id = $1 AND id = $2 AND user_id = $3`, c.Tenant, c.ID, c.User)
		if err := changed(n, err, method.ErrNone); err != nil {
			return err
		}
		if _, err := tx.exec(ctx, `DELETE FROM phone_push WHERE tenant_id = $1 AND credential_id = $2`, c.Tenant, c.ID); err != nil {
			return err
		}
		if err := tx.endSessionsFrom(ctx, c, at, "methodRemoved"); err != nil {
			return err
		}
		if err := tx.queue(ctx, mails); err != nil {
			return err
		}
		return tx.append(ctx, e)
	})
}

// endSessionsFrom ends the sessions that c proved, with their tokens.
func (tx *Tx) endSessionsFrom(ctx context.Context, c method.Credential, at time.Time, reason string) error {
	rows, err := tx.q.QueryContext(ctx, `
		SELECT session_id FROM session_credential WHERE tenant_id = $1 AND credential_id = $2`, c.Tenant, c.ID)
	all, err := collect(rows, err, func(r *sql.Rows) (id string, err error) {
		err = r.Scan(&id)
		return id, err
	})
	if err != nil {
		return err
	}
	for _, id := range all {
		if err := tx.endSessionsOf(ctx, c.Tenant, c.User, id, at, reason); err != nil {
			return err
		}
	}
	_, err = tx.exec(ctx, `DELETE FROM session_credential WHERE tenant_id = $1 AND credential_id = $2`, c.Tenant, c.ID)
	return err
}

// useCredential moves the counter of the credential that p was checked with, if it may be used.
func (tx *Tx) useCredential(ctx context.Context, t signin.Transaction, p signin.Proof) error {
	used := p.Credential
	n, err := tx.exec(ctx, `
		UPDATE credential SET counter = $1, used_at = $2
		WHERE tenant_id = $3 AND id = $4 AND user_id = $5 AND frozen_at = 0 AND (counter < $1 OR (counter = 0 AND $1 = 0))`,
		used.Counter, micros(p.At), t.Home, used.ID, t.User)
	if err != nil || n == 1 {
		return err
	}
	if err := tx.stillUsable(ctx, t.Home, t.User, used.ID); err != nil {
		return err
	}
	return method.ErrCounter
}

func (tx *Tx) stillUsable(ctx context.Context, tenant directory.TenantID, user directory.UserID, id string) error {
	c, err := credentialBy(ctx, tx.q, tenant, `id = $2 AND user_id = $3`, id, user)
	if err == nil && c.Frozen() {
		return method.ErrFrozen
	}
	return err
}

// bindSession notes the credentials of a session, which ends with each of them. The row of
// the credential is touched, so that its removal and this wait for each other.
func (tx *Tx) bindSession(ctx context.Context, s signin.Session) error {
	for _, p := range s.Proofs {
		if p.Credential == nil {
			continue
		}
		n, err := tx.exec(ctx, `
			UPDATE credential SET used_on = $1 WHERE tenant_id = $2 AND id = $3 AND user_id = $4 AND frozen_at = 0`,
			s.Where(), s.Tenant, p.Credential.ID, s.User)
		if err == nil && n == 0 {
			if err = tx.stillUsable(ctx, s.Tenant, s.User, p.Credential.ID); err == nil {
				err = method.ErrNone
			}
		}
		if err != nil {
			return err
		}
		if _, err := tx.exec(ctx, `
			INSERT INTO session_credential (tenant_id, credential_id, session_id, expires_at) VALUES ($1, $2, $3, $4)
			ON CONFLICT (tenant_id, credential_id, session_id) DO UPDATE SET expires_at = excluded.expires_at`,
			s.Tenant, p.Credential.ID, s.ID, micros(s.ExpiresAt)); err != nil {
			return err
		}
	}
	return nil
}

// removeCredentialsOf removes all credentials of a person who is removed for good, and what
// they said to campaigns and are asked at their phones.
func (tx *Tx) removeCredentialsOf(ctx context.Context, tenant directory.TenantID, user directory.UserID) error {
	for _, statement := range []string{
		`DELETE FROM phone_push WHERE tenant_id = $1 AND credential_id IN (SELECT id FROM credential WHERE tenant_id = $1 AND user_id = $2)`,
		`DELETE FROM phone_request WHERE tenant_id = $1 AND user_id = $2`,
		`DELETE FROM phone_enrolment WHERE tenant_id = $1 AND user_id = $2`,
		`DELETE FROM credential WHERE tenant_id = $1 AND user_id = $2`,
		`DELETE FROM registration_snooze WHERE tenant_id = $1 AND user_id = $2`,
	} {
		if _, err := tx.exec(ctx, statement, tenant, user); err != nil {
			return err
		}
	}
	return nil
}
