package store

import (
	"bytes"
	"context"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/method/hello"
	"github.com/postern-id/postern/internal/oauth"
)

// SignInWithPIN implements oauth.PINs.
func (db *DB) SignInWithPIN(ctx context.Context, p oauth.PINSignIn) error {
	return db.Write(ctx, func(ctx context.Context, tx *Tx) error {
		c := p.Container
		if err := tx.once(ctx, c.Tenant, p.Once); err != nil {
			return err
		}
		if err := tx.owners(ctx, c); err != nil {
			return err
		}
		now, err := containerBy(ctx, tx.q, c.Tenant, "method_id", c.Method)
		if err != nil {
			return err
		}
		if now.ID != c.ID || !bytes.Equal(now.Key, c.Key) {
			return hello.ErrNone
		}
		// Before its session: a hand-over ends all that there are.
		if err := tx.signInOn(ctx, c.Tenant, c.Device, c.User, p.At, p.Event); err != nil {
			return err
		}
		// It outlives PIN and session: who was here by it can't issue for the device (signin.Service).
		if _, err := tx.exec(ctx, `
			UPDATE device_user SET method = $1 WHERE tenant_id = $2 AND device_id = $3 AND user_id = $4 AND method = ''`,
			hello.MethodID, c.Tenant, c.Device, c.User); err != nil {
			return err
		}
		// No browser holds the session, so that no secret leads to it.
		if err := tx.insertSession(ctx, p.Session, ""); err != nil {
			return err
		}
		if err := tx.insertFamily(ctx, p.Family); err != nil {
			return err
		}
		if p.Next != nil {
			if err := tx.insertTokenGrant(ctx, *p.Next, p.NextHash); err != nil {
				return err
			}
		}
		return tx.append(ctx, p.Event)
	})
}

// once remembers what may be used once.
func (tx *Tx) once(ctx context.Context, tenant directory.TenantID, all []oauth.Once) error {
	for _, one := range all {
		n, err := tx.exec(ctx, `
			INSERT INTO seen_id (tenant_id, kind, id, until_at) VALUES ($1, $2, $3, $4)
			ON CONFLICT (tenant_id, kind, id) DO NOTHING`, tenant, one.Kind, one.ID, micros(one.Until))
		if err != nil {
			return err
		}
		if n == 0 {
			return hello.ErrAssertion.With("", "The assertion or its nonce was used before. Make a new one for each sign-in.")
		}
	}
	return nil
}
