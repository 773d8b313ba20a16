package store

import (
	"context"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/method"
)

const joinPolicyID = "deviceRegistrationPolicy"

// JoinPolicy returns who may join devices, the default where the tenant said nothing.
func (db *DB) JoinPolicy(ctx context.Context, tenant directory.TenantID) (directory.JoinPolicy, error) {
	var p directory.JoinPolicy
	r, err := db.policy(ctx, tenant, joinPolicyID, &p)
	if err != nil || r.Version == 0 {
		return directory.DefaultJoinPolicy(), err
	}
	p.ModifiedAt, p.Version = r.ModifiedAt, r.Version
	return p, nil
}

// SaveJoinPolicy stores p if its version is still the stored one, else
// directory.ErrJoinPolicyChanged, and records e.
func (db *DB) SaveJoinPolicy(ctx context.Context, tenant directory.TenantID, p directory.JoinPolicy, e audit.Event) error {
	return db.savePolicy(ctx, tenant, joinPolicyID, method.Revision{ModifiedAt: p.ModifiedAt, Version: p.Version}, p, directory.ErrJoinPolicyChanged, e)
}
