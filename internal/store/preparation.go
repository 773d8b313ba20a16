package store

import (
	"context"
	"errors"
	"time"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/signin"
)

// admitting returns a living device that admits user, and whether user is in the group that it is
// prepared for.
func admitting(ctx context.Context, q querier, tenant directory.TenantID, id directory.DeviceObjectID, user directory.UserID) (directory.Device, bool, error) {
	d, err := livingDevice(ctx, q, tenant, id)
	if err != nil {
		return d, false, err
	}
	member, err := waitsFor(ctx, q, d, user)
	if err == nil {
		err = d.Admits(user, member)
	}
	return d, member, err
}

// waitsFor reports whether user is in the group that d waits for.
func waitsFor(ctx context.Context, q querier, d directory.Device, user directory.UserID) (bool, error) {
	if p := d.Preparation; p == nil || !p.Waiting() || p.Group == "" {
		return false, nil
	}
	var n int
	err := q.QueryRowContext(ctx, groupsOf+` SELECT COUNT(*) FROM up WHERE group_id = $3`, d.Tenant, user, d.Preparation.Group).Scan(&n)
	if err != nil || n == 0 {
		return false, err
	}
	// A group is for people without a role: an administrator is named, by somebody who reaches them.
	roles, err := rolesOf(ctx, q, d.Tenant, string(user))
	if err != nil || len(roles) > 0 {
		return false, err
	}
	u, err := userBy(ctx, q, d.Tenant, "id", string(user))
	return err == nil && u.UserType != "Guest", err
}

// handOver makes user the owner of d and ends what everybody else has on it: sessions, tokens and
// PINs, and what the join came from. Of any number of sign-ins one finds d waiting.
func (tx *Tx) handOver(ctx context.Context, d directory.Device, user directory.UserID, at time.Time, e audit.Event) error {
	const reason = "deviceHandedOver"
	if err := tx.endDevice(ctx, d, at, reason); err != nil {
		return err
	}
	if err := tx.endJoin(ctx, d, user, at, reason); err != nil {
		return err
	}
	rows, err := tx.q.QueryContext(ctx, `
		SELECT `+containerColumns+` FROM pin_container WHERE tenant_id = $1 AND device_id = $2 AND user_id <> $3`, d.Tenant, d.ID, user)
	all, err := collect(rows, err, listedContainer(d.Tenant))
	if err != nil {
		return err
	}
	for _, c := range all {
		if err := tx.removeContainer(ctx, c, at, reason); err != nil {
			return err
		}
	}
	person, err := userBy(ctx, tx.q, d.Tenant, "id", string(user))
	if err != nil {
		return err
	}
	e = signin.HandedOver(d, person, len(all), e)
	done := *d.Preparation
	done.HandedOverAt = at
	d.Owner, d.Preparation, d.SeenAt = user, &done, at
	if err := tx.putDevice(ctx, d); err != nil {
		return err
	}
	if err := tx.append(ctx, e); err != nil {
		return err
	}
	return tx.followDevice(ctx, d, e)
}

// endJoin ends the sign-in by which d joined, unless it was user's own.
func (tx *Tx) endJoin(ctx context.Context, d directory.Device, user directory.UserID, at time.Time, reason string) error {
	if d.JoinedIn != "" {
		s, err := sessionBy(ctx, tx.q, d.Tenant, d.JoinedIn)
		if err == nil && s.User != user {
			err = tx.endSessionsOf(ctx, d.Tenant, s.User, s.ID, at, reason)
		}
		if err != nil && !errors.Is(err, signin.ErrGone) { // forgotten long ago
			return err
		}
	}
	if d.JoinedBy == "" {
		return nil
	}
	_, err := tx.exec(ctx, `
		UPDATE token_family SET ended_at = $1, end_reason = $2
		WHERE tenant_id = $3 AND id = $4 AND user_id <> $5 AND ended_at = 0`, micros(at), reason, d.Tenant, d.JoinedBy, user)
	return err
}

// rejoined keeps whom a machine that joins again is prepared for. Nobody whom it does not admit
// takes it by joining it.
func (tx *Tx) rejoined(ctx context.Context, known directory.Device, joined *directory.Device) error {
	member, err := waitsFor(ctx, tx.q, known, joined.Owner)
	if err == nil {
		err = known.Admits(joined.Owner, member)
	}
	if err != nil || known.Preparation == nil {
		return err
	}
	joined.Preparation = known.Preparation
	by := joined.Owner
	if known.TakenOverBy(by, member) {
		joined.Owner = known.Owner // their first sign-in there is the hand-over, and makes it theirs
	}
	return tx.endJoin(ctx, known, by, joined.SeenAt, "deviceRejoined")
}
