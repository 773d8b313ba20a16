package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/method"
	"github.com/postern-id/postern/internal/method/hello"
	"github.com/postern-id/postern/internal/method/tap"
	"github.com/postern-id/postern/internal/outbox"
	"github.com/postern-id/postern/internal/signin"
)

// Estate implements method.Store.
func (db *DB) Estate(ctx context.Context, tenant directory.TenantID, user directory.UserID, at time.Time) (method.Estate, error) {
	return estateOf(ctx, db.read, tenant, user, at)
}

func estateOf(ctx context.Context, q querier, tenant directory.TenantID, user directory.UserID, at time.Time) (e method.Estate, err error) {
	if e.Credentials, err = credentials(ctx, q, tenant, `user_id = $2`, user); err != nil {
		return e, err
	}
	if e.PINs, err = pinsOf(ctx, q, tenant, user); err != nil {
		return e, err
	}
	rows, err := q.QueryContext(ctx, `
		SELECT `+sessionColumns+` FROM session WHERE tenant_id = $1 AND user_id = $2 AND ended_at = 0 AND expires_at > $3
		ORDER BY created_at, id`, tenant, user, micros(at))
	if e.Sessions, err = collect(rows, err, func(r *sql.Rows) (signin.Session, error) {
		s, _, err := scanSession(tenant, r.Scan)
		return s, err
	}); err != nil {
		return e, err
	}
	e.Devices, err = devicesOf(ctx, q, tenant, user)
	return e, err
}

func pinsOf(ctx context.Context, q querier, tenant directory.TenantID, user directory.UserID) ([]method.PIN, error) {
	rows, err := q.QueryContext(ctx, `
		SELECT `+containerColumns+` FROM pin_container WHERE tenant_id = $1 AND user_id = $2 AND method_id <> '' ORDER BY id`, tenant, user)
	return collect(rows, err, func(r *sql.Rows) (method.PIN, error) {
		c, err := scanContainer(tenant, r.Scan)
		return method.PIN{
			ID: c.Method, Container: c.ID, Device: c.Device, DeviceID: c.DeviceID, CreatedAt: c.RegisteredAt,
			Origin: c.Origin(), Renewals: c.Renewals, Unreadable: c.Unreadable,
		}, listed(err)
	})
}

func devicesOf(ctx context.Context, q querier, tenant directory.TenantID, user directory.UserID) ([]directory.Device, error) {
	rows, err := q.QueryContext(ctx, `SELECT `+deviceColumns+` FROM device WHERE tenant_id = $1 AND owner_id = $2 ORDER BY id LIMIT 1000`, tenant, user)
	return collect(rows, err, func(r *sql.Rows) (directory.Device, error) { return listedDevice(tenant, r.Scan) })
}

// DevicesOf returns the devices that a person owns.
func (db *DB) DevicesOf(ctx context.Context, tenant directory.TenantID, user directory.UserID) ([]directory.Device, error) {
	return devicesOf(ctx, db.read, tenant, user)
}

// Revert implements method.Store.
func (db *DB) Revert(ctx context.Context, r method.Reversal) (gone method.Estate, err error) {
	err = db.Write(ctx, func(ctx context.Context, tx *Tx) error {
		gone, err = tx.revert(ctx, r)
		return err
	})
	return gone, err
}

func (tx *Tx) revert(ctx context.Context, r method.Reversal) (method.Estate, error) {
	gone, there, err := tx.uproot(ctx, roots{
		tenant: r.Tenant, user: r.User, seed: method.Seed{Case: r.Case, Pass: r.Pass}, at: r.At, reason: "passReverted",
		wanted:  func(e method.Estate) bool { return r.Tag == e.Tag() || r.Tag == "" && r.Case != "" },
		decided: r.Case != "",
	})
	if err != nil {
		return gone, err
	}
	for _, c := range gone.Credentials {
		if _, err := tx.exec(ctx, `DELETE FROM credential WHERE tenant_id = $1 AND id = $2 AND user_id = $3`, r.Tenant, c.ID, r.User); err != nil {
			return gone, err
		}
	}
	events, mails, err := r.Tell(gone, there)
	if err != nil {
		return gone, err
	}
	return gone, tx.conclude(ctx, events, mails, gone, r.Devices, r.At, time.Time{})
}

// Roots are what is uprooted: what came from a pass or a case ends, as far as it can’t be frozen.
type roots struct {
	tenant  directory.TenantID
	user    directory.UserID
	seed    method.Seed
	at      time.Time
	reason  string
	wanted  func(method.Estate) bool
	decided bool // a quarantine came before, which ended what others got by it
}

// uproot returns what it found, and whether the pass was still there. ErrLineageChanged when that is
// not what is wanted.
func (tx *Tx) uproot(ctx context.Context, c roots) (gone method.Estate, there bool, err error) {
	if err := tx.touchUser(ctx, c.tenant, c.user); err != nil {
		return gone, false, err
	}
	// Nothing is decided any more by who read them before.
	if err := tx.empowered(ctx, c.tenant, string(c.user)); err != nil {
		return gone, false, err
	}
	all, err := estateOf(ctx, tx.q, c.tenant, c.user, c.at)
	if err != nil {
		return gone, false, err
	}
	if gone = all.From(c.seed); !c.wanted(gone) {
		return gone, false, method.ErrLineageChanged
	}
	pass, err := passOf(ctx, tx.q, c.tenant, c.user)
	none := errors.Is(err, tap.ErrNone)
	if err := listed(err); err != nil && !none {
		return gone, false, err
	}
	// Of a pass that can't be read nobody knows that it isn't that of the case.
	there = !none && (pass.ID == c.seed.Pass || c.seed.Case != "" && (pass.Case == c.seed.Case || pass.Unreadable))
	if !c.decided {
		began, err := tx.beganAt(ctx, c, gone, pass, there)
		if err == nil && !began.IsZero() {
			err = tx.endDoubted(ctx, c, began)
		}
		if err != nil {
			return gone, there, err
		}
	}
	if there {
		if err := tx.removePass(ctx, pass, c.at); err != nil {
			return gone, there, err
		}
	}
	return gone, there, tx.endOf(ctx, c.tenant, c.user, c.seed.Pass, gone, c.at, c.reason)
}

// conclude records the events and mails of what was uprooted, and switches its devices off if it should:
// until somebody decides where frozenAt is not zero.
func (tx *Tx) conclude(ctx context.Context, events []audit.Event, mails []outbox.Item, gone method.Estate, devices bool, at, frozenAt time.Time) error {
	if err := tx.queue(ctx, mails); err != nil {
		return err
	}
	if err := tx.appendAll(ctx, events); err != nil || !devices {
		return err
	}
	return tx.switchOff(ctx, gone.Devices, at, frozenAt, events[0])
}

// endOf ends the sessions of gone, and all tokens that came from them, from its methods or from
// the pass; device PINs go.
func (tx *Tx) endOf(ctx context.Context, tenant directory.TenantID, user directory.UserID, pass string, gone method.Estate, at time.Time, reason string) error {
	for _, s := range gone.Sessions {
		if err := tx.endSessionsOf(ctx, tenant, user, s.ID, at, reason); err != nil {
			return err
		}
	}
	for _, c := range gone.Credentials {
		if err := tx.endSessionsFrom(ctx, c, at, reason); err != nil {
			return err
		}
	}
	for _, p := range gone.PINs {
		c, err := containerBy(ctx, tx.q, tenant, "id", p.Container)
		if errors.Is(err, hello.ErrNone) {
			continue
		}
		if err := listed(err); err != nil {
			return err
		}
		if err := tx.removeContainer(ctx, c, at, reason); err != nil {
			return err
		}
	}
	if pass == "" {
		return nil
	}
	// Tokens that came without a session, such as by device code.
	if err := tx.noteLogout(ctx, at, tenant, `f.user_id = $2 AND f.pass_id = $3`, user, pass); err != nil {
		return err
	}
	_, err := tx.exec(ctx, `
		UPDATE token_family SET ended_at = $1, end_reason = $2
		WHERE tenant_id = $3 AND user_id = $4 AND pass_id = $5 AND ended_at = 0`, micros(at), reason, tenant, user, pass)
	return err
}

func (tx *Tx) switchOff(ctx context.Context, all []directory.Device, at, frozenAt time.Time, because audit.Event) error {
	for _, d := range all {
		if !d.AccountEnabled {
			continue
		}
		d.AccountEnabled, d.FrozenAt = false, frozenAt
		if err := tx.putDevice(ctx, d); err != nil {
			return err
		}
		if err := tx.endDevice(ctx, d, at, "deviceDisabled"); err != nil {
			return err
		}
		if err := tx.followDevice(ctx, d, because); err != nil {
			return err
		}
	}
	return nil
}

// Dispute implements method.Store.
func (db *DB) Dispute(ctx context.Context, f method.Frost) error {
	d := f.Dispute
	return db.Write(ctx, func(ctx context.Context, tx *Tx) error {
		if err := tx.touchUser(ctx, d.Tenant, d.User); err != nil {
			return err
		}
		n, err := tx.exec(ctx, `
			INSERT INTO seen_id (tenant_id, kind, id, until_at) VALUES ($1, $2, $3, $4)
			ON CONFLICT (tenant_id, kind, id) DO NOTHING`, d.Tenant, "dispute", d.Event, micros(d.EndsAt))
		if err := changed(n, err, method.ErrDispute); err != nil {
			return err
		}
		all, err := estateOf(ctx, tx.q, d.Tenant, d.User, f.At)
		if err != nil {
			return err
		}
		gone := all.From(d.Seed())
		if d.Session != "" {
			if err := tx.endSessionsOf(ctx, d.Tenant, d.User, d.Session, f.At, "changeDisputed"); err != nil {
				return err
			}
		}
		if err := tx.endOf(ctx, d.Tenant, d.User, "", gone, f.At, "changeDisputed"); err != nil {
			return err
		}
		events := []audit.Event{f.Event}
		for _, c := range gone.Credentials {
			e, err := tx.freezeFor(ctx, f, c)
			if err != nil {
				return err
			}
			events = append(events, e...)
		}
		for _, p := range gone.PINs {
			events = append(events, f.PIN(p))
		}
		return tx.appendAll(ctx, events)
	})
}

// freezeFor freezes c, if it is not, and returns the event.
func (tx *Tx) freezeFor(ctx context.Context, f method.Frost, c method.Credential) ([]audit.Event, error) {
	n, err := tx.exec(ctx, `UPDATE credential SET frozen_at = $1 WHERE tenant_id = $2 AND id = $3 AND frozen_at = 0`, micros(f.At), c.Tenant, c.ID)
	if err != nil || n == 0 {
		return nil, err
	}
	c.FrozenAt = f.At
	e, mails, err := f.Change(c)
	if err != nil {
		return nil, err
	}
	return []audit.Event{e}, tx.queue(ctx, mails)
}

// Snoozes implements method.Campaigns.
func (db *DB) Snoozes(ctx context.Context, tenant directory.TenantID, user directory.UserID) (method.Snoozes, error) {
	var s method.Snoozes
	var last int64
	err := db.read.QueryRowContext(ctx, `SELECT snoozes, last_at FROM registration_snooze WHERE tenant_id = $1 AND user_id = $2`, tenant, user).Scan(&s.Count, &last)
	if errors.Is(err, sql.ErrNoRows) {
		return s, nil
	}
	s.Last = fromMicros(last)
	return s, err
}

// Snooze implements method.Campaigns.
func (db *DB) Snooze(ctx context.Context, tenant directory.TenantID, user directory.UserID, since, at time.Time, e audit.Event) error {
	return db.Write(ctx, func(ctx context.Context, tx *Tx) error {
		n, err := tx.exec(ctx, `
			INSERT INTO registration_snooze (tenant_id, user_id, snoozes, last_at) VALUES ($1, $2, 1, $3)
			ON CONFLICT (tenant_id, user_id) DO UPDATE SET snoozes = registration_snooze.snoozes + 1, last_at = excluded.last_at
			WHERE registration_snooze.last_at < $4`, tenant, user, micros(at), micros(since))
		if err != nil || n == 0 {
			return err
		}
		return tx.append(ctx, e)
	})
}
