package store

import (
	"bytes"
	"context"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/method/hello"
)

// registered returns the registered container c as it is now, with its owners held.
func (tx *Tx) registered(ctx context.Context, c hello.Container) (hello.Container, error) {
	if err := tx.owners(ctx, c); err != nil {
		return c, err
	}
	now, err := containerBy(ctx, tx.q, c.Tenant, "id", c.ID)
	if err == nil && !now.Registered() {
		err = hello.ErrNone
	}
	return now, err
}

// BeginRotation implements hello.Store.
func (db *DB) BeginRotation(ctx context.Context, c hello.Container, next hello.Rotation) (hello.Container, error) {
	var now hello.Container
	err := db.Write(ctx, func(ctx context.Context, tx *Tx) error {
		var err error
		if now, err = tx.registered(ctx, c); err != nil || now.Rotation.Usable(next.Root, next.At) {
			return err
		}
		now.Rotation = &next
		return tx.putContainer(ctx, now)
	})
	return now, err
}

// RotateKey implements hello.Store.
func (db *DB) RotateKey(ctx context.Context, former, next hello.Container, e audit.Event) (hello.Container, error) {
	var now hello.Container
	err := db.Write(ctx, func(ctx context.Context, tx *Tx) error {
		var err error
		if now, err = tx.registered(ctx, former); err != nil {
			return err
		}
		if bytes.Equal(now.Key, next.Key) {
			return nil
		}
		if !bytes.Equal(now.Key, former.Key) || now.Rotation == nil || !bytes.Equal(now.Rotation.Challenge, next.Challenge) {
			return hello.ErrCurrent
		}
		resets, renewals := now.Resets, now.Renewals // one may have been noted meanwhile
		now = next
		now.Resets, now.Renewals = resets, renewals
		if err := tx.putContainer(ctx, now); err != nil {
			return err
		}
		return tx.append(ctx, e)
	})
	return now, err
}
