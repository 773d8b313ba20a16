package store

import (
	"context"
	"slices"
	"time"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/method"
)

// Quarantine implements method.Store.
func (db *DB) Quarantine(ctx context.Context, q method.Quarantine) (gone method.Estate, err error) {
	err = db.Write(ctx, func(ctx context.Context, tx *Tx) error {
		gone, err = tx.quarantine(ctx, q)
		return err
	})
	return gone, err
}

// quarantine is Quarantine inside a transaction that does more.
func (tx *Tx) quarantine(ctx context.Context, q method.Quarantine) (method.Estate, error) {
	gone, there, err := tx.uproot(ctx, roots{
		tenant: q.Tenant, user: q.User, seed: method.Seed{Case: q.Case, Pass: q.Pass}, at: q.At, reason: "caseQuarantined",
		wanted: func(method.Estate) bool { return true },
	})
	if err != nil {
		return gone, err
	}
	gone.Credentials = slices.DeleteFunc(gone.Credentials, method.Credential.Frozen)
	for i := range gone.Credentials {
		c := &gone.Credentials[i]
		c.FrozenAt = q.At
		if _, err := tx.exec(ctx, `UPDATE credential SET frozen_at = $1 WHERE tenant_id = $2 AND id = $3 AND user_id = $4`,
			micros(q.At), q.Tenant, c.ID, q.User); err != nil {
			return gone, err
		}
	}
	events, mails, err := q.Tell(gone, there)
	if err != nil {
		return gone, err
	}
	return gone, tx.conclude(ctx, events, mails, gone, q.Devices, q.At, q.At)
}

// Release implements method.Store.
func (db *DB) Release(ctx context.Context, r method.Release) (thawed method.Estate, err error) {
	err = db.Write(ctx, func(ctx context.Context, tx *Tx) error {
		thawed, err = tx.release(ctx, r)
		return err
	})
	return thawed, err
}

// release is Release inside a transaction that does more.
func (tx *Tx) release(ctx context.Context, r method.Release) (thawed method.Estate, err error) {
	if err := tx.touchUser(ctx, r.Tenant, r.User); err != nil {
		return thawed, err
	}
	all, err := credentials(ctx, tx.q, r.Tenant, `user_id = $2`, r.User)
	if err != nil {
		return thawed, err
	}
	thawed = method.Estate{Credentials: all}.From(method.Seed{Case: r.Case, Pass: r.Pass})
	thawed.Credentials = slices.DeleteFunc(thawed.Credentials, func(c method.Credential) bool { return micros(c.FrozenAt) != micros(r.FrozenAt) || !c.Frozen() })
	for i := range thawed.Credentials {
		c := &thawed.Credentials[i]
		if _, err := tx.exec(ctx, `UPDATE credential SET frozen_at = 0 WHERE tenant_id = $1 AND id = $2 AND user_id = $3`, r.Tenant, c.ID, r.User); err != nil {
			return thawed, err
		}
		c.FrozenAt = fromMicros(0)
	}
	if thawed.Devices, err = devicesOf(ctx, tx.q, r.Tenant, r.User); err != nil {
		return thawed, err
	}
	thawed.Devices = slices.DeleteFunc(thawed.Devices, func(d directory.Device) bool {
		return d.AccountEnabled || d.FrozenAt.IsZero() || micros(d.FrozenAt) != micros(r.FrozenAt)
	})
	events, mails, err := r.Tell(thawed)
	if err != nil {
		return thawed, err
	}
	if err := tx.queue(ctx, mails); err != nil {
		return thawed, err
	}
	if err := tx.appendAll(ctx, events); err != nil {
		return thawed, err
	}
	for i := range thawed.Devices {
		d := &thawed.Devices[i]
		d.AccountEnabled, d.FrozenAt = true, time.Time{}
		if err := tx.putDevice(ctx, *d); err != nil {
			return thawed, err
		}
		if err := tx.followDevice(ctx, *d, events[0]); err != nil {
			return thawed, err
		}
	}
	return thawed, nil
}
