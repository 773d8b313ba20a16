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
	"github.com/postern-id/postern/internal/method/tap"
	"github.com/postern-id/postern/internal/outbox"
)

const tapColumns = `user_id, id, pepper_id, passcode_hash, incarnation, created_at, start_at, end_at,
	single_use, bootstrap, used_at, reserved_for, reserved_until, body`

// tapBody is what of a pass is only shown.
type tapBody struct {
	Purpose tap.Purpose `json:"purpose,omitempty"`
	Device  string      `json:"device,omitempty"` // name of its device
	Issuer  tap.Issuer  `json:"issuer"`
	Reason  string      `json:"reason,omitempty"`
	Ticket  string      `json:"ticket,omitempty"`
	Case    string      `json:"case,omitempty"`

	Check tap.IdentityCheck `json:"check,omitzero"`
	Power directory.Power   `json:"power,omitempty"`
}

func scanPass(tenant directory.TenantID, scan func(...any) error) (tap.Pass, error) {
	p := tap.Pass{Tenant: tenant}
	var created, start, end, used, until int64
	var body string
	if err := scan(&p.User, &p.ID, &p.Hash.Pepper, &p.Hash.Value, &p.Incarnation, &created, &start, &end,
		&p.SingleUse, &p.Bootstrap, &used, &p.ReservedFor, &until, &body); err != nil {
		return p, err
	}
	p.CreatedAt, p.Start, p.UsedAt, p.ReservedUntil = fromMicros(created), fromMicros(start), fromMicros(used), fromMicros(until)
	p.Lifetime = time.Duration(end-start) * time.Microsecond
	var b tapBody
	if err := json.Unmarshal([]byte(body), &b); err != nil {
		p.Unreadable = true
		return p, &unreadable{"pass", p.ID}
	}
	p.Purpose, p.DeviceName, p.Issuer, p.Reason, p.Ticket, p.Case, p.Check = b.Purpose, b.Device, b.Issuer, b.Reason, b.Ticket, b.Case, b.Check
	p.Power = b.Power
	return p, nil
}

// listedPass scans the rows of a list.
func listedPass(tenant directory.TenantID) func(*sql.Rows) (tap.Pass, error) {
	return func(r *sql.Rows) (tap.Pass, error) {
		p, err := scanPass(tenant, r.Scan)
		return p, listed(err)
	}
}

// Pass implements tap.Store.
func (db *DB) Pass(ctx context.Context, tenant directory.TenantID, user directory.UserID) (tap.Pass, error) {
	return passOf(ctx, db.read, tenant, user)
}

func passOf(ctx context.Context, q querier, tenant directory.TenantID, user directory.UserID) (tap.Pass, error) {
	row := q.QueryRowContext(ctx, `SELECT `+tapColumns+` FROM tap WHERE tenant_id = $1 AND user_id = $2`, tenant, user)
	p, err := scanPass(tenant, row.Scan)
	if errors.Is(err, sql.ErrNoRows) {
		return p, tap.ErrNone
	}
	return p, err
}

// PassIssuer implements hello.Store.
func (db *DB) PassIssuer(ctx context.Context, tenant directory.TenantID, user directory.UserID, pass string) (string, error) {
	p, err := passOf(ctx, db.read, tenant, user)
	if errors.Is(err, tap.ErrNone) || err == nil && p.ID != pass {
		return "", nil
	}
	return p.Issuer.DisplayName, err
}

// PutPass implements tap.Store.
func (db *DB) PutPass(ctx context.Context, p tap.Pass, e audit.Event, mails ...outbox.Item) error {
	return db.Write(ctx, func(ctx context.Context, tx *Tx) error {
		if err := tx.putPass(ctx, p); err != nil {
			return err
		}
		if err := tx.queue(ctx, mails); err != nil {
			return err
		}
		return tx.append(ctx, e)
	})
}

func (tx *Tx) putPass(ctx context.Context, p tap.Pass) error {
	if err := tx.touchUser(ctx, p.Tenant, p.User); err != nil {
		return err
	}
	old, err := passOf(ctx, tx.q, p.Tenant, p.User)
	if err = listed(err); err == nil {
		err = tx.removePass(ctx, old, p.CreatedAt)
	}
	if err != nil && !errors.Is(err, tap.ErrNone) {
		return err
	}
	body, err := json.Marshal(tapBody{
		Purpose: p.Purpose, Device: p.DeviceName, Issuer: p.Issuer, Reason: p.Reason, Ticket: p.Ticket, Case: p.Case, Check: p.Check, Power: p.Power,
	})
	if err != nil {
		return err
	}
	_, err = tx.exec(ctx, `
		INSERT INTO tap (tenant_id, user_id, id, pepper_id, passcode_hash, incarnation, created_at,
			start_at, end_at, single_use, bootstrap, used_at, body)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`,
		p.Tenant, p.User, p.ID, p.Hash.Pepper, p.Hash.Value, p.Incarnation, micros(p.CreatedAt),
		micros(p.Start), micros(p.End()), p.SingleUse, p.Bootstrap, micros(p.UsedAt), string(body))
	return err
}

// touchUser updates the owner's row, so that rules over several rows of one person are
// decided one after the other, and reports directory.ErrUserUnknown when there is none.
func (tx *Tx) touchUser(ctx context.Context, tenant directory.TenantID, user directory.UserID) error {
	n, err := tx.exec(ctx, `UPDATE directory_user SET version = version WHERE tenant_id = $1 AND id = $2`, tenant, user)
	if err == nil && n == 0 {
		return directory.ErrUserUnknown
	}
	return err
}

// removePass deletes the row and ends what came from the pass.
func (tx *Tx) removePass(ctx context.Context, p tap.Pass, at time.Time) error {
	if err := tx.noteLogout(ctx, at, p.Tenant, `f.user_id = $2 AND f.pass_id = $3`, p.User, p.ID); err != nil {
		return err
	}
	if _, err := tx.exec(ctx, `DELETE FROM tap WHERE tenant_id = $1 AND user_id = $2 AND id = $3`, p.Tenant, p.User, p.ID); err != nil {
		return err
	}
	if err := tx.voidHandovers(ctx, p.Tenant, p.ID, at); err != nil {
		return err
	}
	if _, err := tx.exec(ctx, `
		UPDATE session SET ended_at = $1 WHERE tenant_id = $2 AND user_id = $3 AND pass_id = $4 AND ended_at = 0`,
		micros(at), p.Tenant, p.User, p.ID); err != nil {
		return err
	}
	if _, err := tx.exec(ctx, `
		UPDATE token_family SET ended_at = $1, end_reason = $2
		WHERE tenant_id = $3 AND user_id = $4 AND pass_id = $5 AND ended_at = 0`,
		micros(at), passRemoved, p.Tenant, p.User, p.ID); err != nil {
		return err
	}
	return tx.passGone(ctx, p.Tenant, p.ID, at)
}

// DeletePass implements tap.Store.
func (db *DB) DeletePass(ctx context.Context, tenant directory.TenantID, user directory.UserID, id string, at time.Time, e audit.Event) error {
	return db.Write(ctx, func(ctx context.Context, tx *Tx) error {
		p, err := passOf(ctx, tx.q, tenant, user)
		if err := listed(err); err != nil {
			return err
		}
		if p.ID != id {
			return tap.ErrNone
		}
		if err := tx.removePass(ctx, p, at); err != nil {
			return err
		}
		return tx.append(ctx, e)
	})
}

// ReservePass implements tap.Store.
func (db *DB) ReservePass(ctx context.Context, p tap.Pass, transaction string, at, until time.Time) error {
	return db.Write(ctx, func(ctx context.Context, tx *Tx) error {
		return tx.reservePass(ctx, p.Tenant, p.User, p.ID, transaction, at, until)
	})
}

func (tx *Tx) reservePass(ctx context.Context, tenant directory.TenantID, user directory.UserID, id, transaction string, at, until time.Time) error {
	before, err := passOf(ctx, tx.q, tenant, user)
	if err != nil {
		return err
	}
	n, err := tx.exec(ctx, `
		UPDATE tap SET reserved_for = CASE WHEN single_use THEN $1 ELSE '' END,
			reserved_until = CASE WHEN single_use THEN $2 ELSE reserved_until END
		WHERE tenant_id = $3 AND user_id = $4 AND id = $5 AND incarnation = $6
			AND start_at <= $7 AND end_at > $7 AND NOT expiry_noted
			AND (NOT single_use OR (used_at = 0 AND (reserved_for = '' OR reserved_for = $1 OR reserved_until <= $7)))`,
		transaction, micros(until), tenant, user, id, tx.db.Incarnation, micros(at))
	if err != nil {
		return err
	}
	if n == 1 {
		return tx.refuseStopped(ctx, before, at)
	}
	return tx.whyNot(ctx, tenant, user, id, at)
}

// whyNot says why a pass could not be reserved or spent.
func (tx *Tx) whyNot(ctx context.Context, tenant directory.TenantID, user directory.UserID, id string, at time.Time) error {
	p, err := passOf(ctx, tx.q, tenant, user)
	switch {
	case err != nil:
		return err
	case p.ID != id || p.Incarnation != tx.db.Incarnation:
		return tap.ErrNone
	case p.SingleUse && !p.UsedAt.IsZero():
		return tap.ErrUsed
	case !at.Before(p.End()):
		return tap.ErrExpired
	case at.Before(p.Start):
		return tap.ErrNotUsable
	}
	// Once it was seen expired it stays so, whatever the clock says now.
	var seen bool
	if err := tx.q.QueryRowContext(ctx, `SELECT expiry_noted FROM tap WHERE tenant_id = $1 AND user_id = $2`, tenant, user).Scan(&seen); err != nil {
		return err
	}
	if seen {
		return tap.ErrExpired
	}
	return tap.ErrHeld
}

// spendPass marks the pass used by the transaction that reserved it.
func (tx *Tx) spendPass(ctx context.Context, tenant directory.TenantID, user directory.UserID, id, transaction string, at time.Time) error {
	before, err := passOf(ctx, tx.q, tenant, user)
	if err != nil {
		return err
	}
	n, err := tx.exec(ctx, `
		UPDATE tap SET used_at = CASE WHEN used_at = 0 THEN $1 ELSE used_at END, reserved_for = '', reserved_until = 0
		WHERE tenant_id = $2 AND user_id = $3 AND id = $4 AND incarnation = $5
			AND start_at <= $1 AND end_at > $1 AND NOT expiry_noted
			AND (NOT single_use OR (used_at = 0 AND reserved_for = $6))`,
		micros(at), tenant, user, id, tx.db.Incarnation, transaction)
	if err != nil {
		return err
	}
	if n == 1 {
		if err := tx.refuseStopped(ctx, before, at); err != nil {
			return err
		}
		return tx.passUsed(ctx, tenant, id, at)
	}
	return tx.whyNot(ctx, tenant, user, id, at)
}

// ReleasePass implements tap.Store.
func (db *DB) ReleasePass(ctx context.Context, p tap.Pass, transaction string) error {
	return db.Write(ctx, func(ctx context.Context, tx *Tx) error {
		return tx.releasePass(ctx, p.Tenant, p.User, p.ID, transaction)
	})
}

func (tx *Tx) releasePass(ctx context.Context, tenant directory.TenantID, user directory.UserID, id, transaction string) error {
	_, err := tx.exec(ctx, `
		UPDATE tap SET reserved_for = '', reserved_until = 0
		WHERE tenant_id = $1 AND user_id = $2 AND id = $3 AND reserved_for = $4`, tenant, user, id, transaction)
	return err
}

// EndedPasses implements tap.Store.
func (db *DB) EndedPasses(ctx context.Context, tenant directory.TenantID, before time.Time, limit int) ([]tap.Pass, error) {
	rows, err := db.read.QueryContext(ctx, `
		SELECT `+tapColumns+` FROM tap
		WHERE tenant_id = $1 AND end_at < $2 AND NOT expiry_noted ORDER BY end_at LIMIT $3`, tenant, micros(before), limit)
	return collect(rows, err, listedPass(tenant))
}

// NoteExpiry implements tap.Store.
func (db *DB) NoteExpiry(ctx context.Context, p tap.Pass, e audit.Event) error {
	return db.Write(ctx, func(ctx context.Context, tx *Tx) error {
		n, err := tx.exec(ctx, `
			UPDATE tap SET expiry_noted = TRUE
			WHERE tenant_id = $1 AND user_id = $2 AND id = $3 AND NOT expiry_noted`, p.Tenant, p.User, p.ID)
		if err != nil || n == 0 {
			return err
		}
		return tx.append(ctx, e)
	})
}

// RemoveEnded implements tap.Store.
func (db *DB) RemoveEnded(ctx context.Context, tenant directory.TenantID, before time.Time, limit int, event func(tap.Pass) audit.Event) (int, error) {
	n := 0
	err := db.Write(ctx, func(ctx context.Context, tx *Tx) error {
		rows, err := tx.q.QueryContext(ctx, `
			SELECT `+tapColumns+` FROM tap
			WHERE tenant_id = $1 AND end_at < $2 ORDER BY end_at LIMIT $3`, tenant, micros(before), limit)
		ended, err := collect(rows, err, listedPass(tenant))
		if err != nil {
			return err
		}
		n = len(ended)
		for _, p := range ended {
			if err := tx.removePass(ctx, p, p.End()); err != nil {
				return err
			}
			if err := tx.append(ctx, event(p)); err != nil {
				return err
			}
		}
		return nil
	})
	return n, err
}

const passPolicyID = "TemporaryAccessPass"

// PassPolicy implements tap.Store.
func (db *DB) PassPolicy(ctx context.Context, tenant directory.TenantID) (tap.Policy, error) {
	var p tap.Policy
	r, err := db.policy(ctx, tenant, passPolicyID, &p)
	if err != nil || r.Version == 0 {
		return tap.DefaultPolicy(), err
	}
	p.ModifiedAt, p.Version = r.ModifiedAt, r.Version
	return p, nil
}

func (tx *Tx) insertPassPolicy(ctx context.Context, tenant directory.TenantID, p tap.Policy) error {
	body, err := json.Marshal(p)
	if err != nil {
		return err
	}
	n, err := tx.exec(ctx, `
		INSERT INTO policy (tenant_id, id, body, modified_at, version) VALUES ($1, $2, $3, $4, 1)
		ON CONFLICT (tenant_id, id) DO NOTHING`, tenant, passPolicyID, string(body), micros(p.ModifiedAt))
	return changed(n, err, method.ErrPolicyChanged)
}

// changed returns none when a statement changed no row.
func changed(n int64, err, none error) error {
	if err == nil && n == 0 {
		return none
	}
	return err
}
