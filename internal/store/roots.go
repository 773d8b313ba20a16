package store

import (
	"context"
	"time"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/method"
)

// methodsOf is what of a person's estate they can sign in with.
func (tx *Tx) methodsOf(ctx context.Context, tenant directory.TenantID, user directory.UserID) (e method.Estate, err error) {
	if e.Credentials, err = credentials(ctx, tx.q, tenant, `user_id = $2`, user); err != nil {
		return e, err
	}
	e.PINs, err = pinsOf(ctx, tx.q, tenant, user)
	return e, err
}

// rootsOf is what is behind what o makes for a person at at.
func (tx *Tx) rootsOf(ctx context.Context, tenant directory.TenantID, user directory.UserID, o method.Origin, at time.Time) ([]directory.Root, error) {
	if len(o.Methods) == 0 {
		return nil, nil
	}
	e, err := tx.methodsOf(ctx, tenant, user)
	if err != nil {
		return nil, err
	}
	return e.Roots(o, at)
}
