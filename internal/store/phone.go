package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/method"
	"github.com/postern-id/postern/internal/method/authenticator"
)

// Request implements authenticator.Store.
func (db *DB) Request(ctx context.Context, tenant directory.TenantID, user directory.UserID) (authenticator.Request, error) {
	return phoneRequest(ctx, db.read, tenant, user)
}

func phoneRequest(ctx context.Context, q querier, tenant directory.TenantID, user directory.UserID) (authenticator.Request, error) {
	r := authenticator.Request{Tenant: tenant, User: user}
	var created, ends, quiet, home int64
	var body string
	err := q.QueryRowContext(ctx, `
		SELECT id, transaction_id, created_at, ends_at, outcome, quiet_until, quiet_home_until, body FROM phone_request
		WHERE tenant_id = $1 AND user_id = $2`, tenant, user).
		Scan(&r.ID, &r.Transaction, &created, &ends, &r.Outcome, &quiet, &home, &body)
	if errors.Is(err, sql.ErrNoRows) {
		return authenticator.Request{}, nil
	}
	if err != nil {
		return r, err
	}
	r.CreatedAt, r.EndsAt, r.QuietUntil, r.QuietAtHomeUntil = fromMicros(created), fromMicros(ends), fromMicros(quiet), fromMicros(home)
	if err := json.Unmarshal([]byte(body), &r); err != nil {
		return r, fmt.Errorf("read the request of user %s: %w", user, err)
	}
	return r, nil
}

// Ask implements authenticator.Store.
func (db *DB) Ask(ctx context.Context, r authenticator.Request, now time.Time) error {
	return db.Write(ctx, func(ctx context.Context, tx *Tx) error {
		former, err := phoneRequest(ctx, tx.q, r.Tenant, r.User)
		if err != nil {
			return err
		}
		next, err := r.After(former, now)
		if err != nil {
			return err
		}
		body, err := json.Marshal(next)
		if err != nil {
			return err
		}
		_, err = tx.exec(ctx, `
			INSERT INTO phone_request (tenant_id, user_id, id, transaction_id, created_at, ends_at, outcome, quiet_until, quiet_home_until, body)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
			ON CONFLICT (tenant_id, user_id) DO UPDATE SET
				id = excluded.id, transaction_id = excluded.transaction_id, created_at = excluded.created_at, ends_at = excluded.ends_at,
				outcome = excluded.outcome, quiet_until = excluded.quiet_until, quiet_home_until = excluded.quiet_home_until, body = excluded.body`,
			next.Tenant, next.User, next.ID, next.Transaction, micros(next.CreatedAt), micros(next.EndsAt), next.Outcome,
			micros(next.QuietUntil), micros(next.QuietAtHomeUntil), string(body))
		return err
	})
}

// Answer implements authenticator.Store.
func (db *DB) Answer(
	ctx context.Context, tenant directory.TenantID, user directory.UserID, a authenticator.Answer, now time.Time, event func(authenticator.Request) *audit.Event,
) (authenticator.Request, error) {
	var after authenticator.Request
	err := db.Write(ctx, func(ctx context.Context, tx *Tx) error {
		if err := tx.phoneLives(ctx, tenant, user, a.Phone); err != nil {
			return err
		}
		r, err := phoneRequest(ctx, tx.q, tenant, user)
		if err != nil {
			return err
		}
		if after, err = r.Answer(a, now); err != nil {
			return err
		}
		body, err := json.Marshal(after)
		if err != nil {
			return err
		}
		n, err := tx.exec(ctx, `
			UPDATE phone_request SET outcome = $1, quiet_until = $2, quiet_home_until = $3, body = $4
			WHERE tenant_id = $5 AND user_id = $6 AND id = $7 AND outcome = ''`,
			after.Outcome, micros(after.QuietUntil), micros(after.QuietAtHomeUntil), string(body), tenant, user, after.ID)
		if err != nil {
			return err
		}
		if n == 0 {
			return authenticator.ErrAnswered
		}
		if e := event(after); e != nil {
			return tx.append(ctx, *e)
		}
		return nil
	})
	return after, err
}

// WaitingRequests implements authenticator.Store.
func (db *DB) WaitingRequests(ctx context.Context, tenant directory.TenantID, now time.Time) (map[directory.UserID]string, error) {
	rows, err := db.read.QueryContext(ctx, `
		SELECT user_id, id FROM phone_request WHERE tenant_id = $1 AND outcome = '' AND ends_at > $2`, tenant, micros(now))
	all := map[directory.UserID]string{}
	_, err = collect(rows, err, func(r *sql.Rows) (struct{}, error) {
		var user directory.UserID
		var id string
		err := r.Scan(&user, &id)
		all[user] = id
		return struct{}{}, err
	})
	return all, err
}

// enrolmentBody is what of an enrolment is only handed on.
type enrolmentBody struct {
	Origin method.Origin `json:"origin"`
	Pass   string        `json:"pass,omitempty"`
}

// PutEnrolment implements authenticator.Store.
func (db *DB) PutEnrolment(ctx context.Context, e authenticator.Enrolment) error {
	body, err := json.Marshal(enrolmentBody{e.Origin, e.Origin.Pass})
	if err != nil {
		return err
	}
	return db.Write(ctx, func(ctx context.Context, tx *Tx) error {
		if err := tx.touchUser(ctx, e.Tenant, e.User); err != nil {
			return err
		}
		if _, err := tx.exec(ctx, `
			DELETE FROM phone_enrolment WHERE tenant_id = $1 AND user_id = $2 AND used_at = 0`, e.Tenant, e.User); err != nil {
			return err
		}
		_, err := tx.exec(ctx, `
			INSERT INTO phone_enrolment (tenant_id, id, user_id, session_id, code_hash, created_at, ends_at, body)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
			e.Tenant, e.ID, e.User, e.Origin.Session, e.CodeHash, micros(e.CreatedAt), micros(e.EndsAt), string(body))
		return err
	})
}

// UseEnrolment implements authenticator.Store.
func (db *DB) UseEnrolment(ctx context.Context, tenant directory.TenantID, codeHash string, now time.Time) (authenticator.Enrolment, error) {
	e := authenticator.Enrolment{Tenant: tenant, CodeHash: codeHash, UsedAt: now}
	err := db.Write(ctx, func(ctx context.Context, tx *Tx) error {
		n, err := tx.exec(ctx, `
			UPDATE phone_enrolment SET used_at = $1
			WHERE tenant_id = $2 AND code_hash = $3 AND used_at = 0 AND ends_at > $1
				AND EXISTS (SELECT 1 FROM session WHERE session.tenant_id = $2 AND session.id = phone_enrolment.session_id AND session.ended_at = 0)`,
			micros(now), tenant, codeHash)
		if err != nil {
			return err
		}
		if n == 0 {
			return authenticator.ErrCode
		}
		var created, ends int64
		var session, body string
		err = tx.q.QueryRowContext(ctx, `
			SELECT id, user_id, session_id, created_at, ends_at, body FROM phone_enrolment
			WHERE tenant_id = $1 AND code_hash = $2`, tenant, codeHash).Scan(&e.ID, &e.User, &session, &created, &ends, &body)
		if err != nil {
			return err
		}
		var kept enrolmentBody
		if err := json.Unmarshal([]byte(body), &kept); err != nil {
			return fmt.Errorf("read an enrolment: %w", err)
		}
		e.CreatedAt, e.EndsAt, e.Origin = fromMicros(created), fromMicros(ends), kept.Origin
		e.Origin.Session, e.Origin.Pass = session, kept.Pass
		return nil
	})
	return e, err
}

// PutSubscription implements authenticator.Store.
func (db *DB) PutSubscription(ctx context.Context, tenant directory.TenantID, user directory.UserID, phone string, to authenticator.Subscription) error {
	body, err := json.Marshal(to)
	if err != nil {
		return err
	}
	return db.Write(ctx, func(ctx context.Context, tx *Tx) error {
		if err := tx.phoneLives(ctx, tenant, user, phone); err != nil {
			return err
		}
		if _, err := tx.exec(ctx, `DELETE FROM phone_push WHERE tenant_id = $1 AND credential_id = $2`, tenant, phone); err != nil || to.Endpoint == "" {
			return err
		}
		_, err := tx.exec(ctx, `INSERT INTO phone_push (tenant_id, credential_id, body) VALUES ($1, $2, $3)`, tenant, phone, string(body))
		return err
	})
}

// Subscriptions implements authenticator.Store.
func (db *DB) Subscriptions(ctx context.Context, tenant directory.TenantID, user directory.UserID) (map[string]authenticator.Subscription, error) {
	rows, err := db.read.QueryContext(ctx, `
		SELECT p.credential_id, p.body FROM phone_push p JOIN credential c ON c.tenant_id = p.tenant_id AND c.id = p.credential_id
		WHERE p.tenant_id = $1 AND c.user_id = $2 AND c.frozen_at = 0`, tenant, user)
	all := map[string]authenticator.Subscription{}
	_, err = collect(rows, err, func(r *sql.Rows) (struct{}, error) {
		var id, body string
		if err := r.Scan(&id, &body); err != nil {
			return struct{}{}, err
		}
		var to authenticator.Subscription
		err := json.Unmarshal([]byte(body), &to)
		all[id] = to
		return struct{}{}, err
	})
	return all, err
}

// phoneLives reports authenticator.ErrUnknown unless the phone is still there, the person's and
// not frozen. The row is touched, so that its removal and what comes of this wait for each other.
func (tx *Tx) phoneLives(ctx context.Context, tenant directory.TenantID, user directory.UserID, id string) error {
	n, err := tx.exec(ctx, `
		UPDATE credential SET counter = counter WHERE tenant_id = $1 AND id = $2 AND user_id = $3 AND kind = $4 AND frozen_at = 0`,
		tenant, id, user, authenticator.MethodID)
	return changed(n, err, authenticator.ErrUnknown)
}
