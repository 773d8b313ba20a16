package server

import (
	"context"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/method"
	"github.com/postern-id/postern/internal/signin"
	"github.com/postern-id/postern/internal/store"
)

// signInPolicies reads what tenants say about signing in.
type signInPolicies struct{ db *store.DB }

// SignInPolicy implements signin.Policies.
func (p signInPolicies) SignInPolicy(ctx context.Context, tenant directory.TenantID) (signin.Policy, error) {
	policy := signin.DefaultPolicy()
	if tenant == directory.NoTenant {
		return policy, nil
	}
	_, err := p.db.MethodPolicy(ctx, tenant, signin.PolicyID, &policy)
	return policy, err
}

// StrongestFirst implements signin.Policies.
func (p signInPolicies) StrongestFirst(ctx context.Context, tenant directory.TenantID, user directory.UserID) (bool, error) {
	preferred := method.DefaultPreferred()
	if _, err := p.db.MethodPolicy(ctx, tenant, method.PreferredID, &preferred); err != nil || preferred.State != "enabled" {
		return false, err
	}
	groups, err := p.db.GroupsOf(ctx, tenant, string(user))
	return preferred.For(groups), err
}
