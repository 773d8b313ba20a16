package store

import (
	"context"
	"errors"
	"time"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/method/tap"
)

// Backing implements tap.Store.
func (db *DB) Backing(ctx context.Context, p tap.Pass) (tap.Backing, error) {
	return backingOf(ctx, db.read, p)
}

// refuseStopped returns why p, as it was before this change, does not work with who stands behind it now.
func (tx *Tx) refuseStopped(ctx context.Context, p tap.Pass, at time.Time) error {
	b, err := backingOf(ctx, tx.q, p)
	if err != nil {
		return err
	}
	if why := p.Stop(b, at).Fault(); why != nil {
		return why
	}
	return nil
}

func backingOf(ctx context.Context, q querier, p tap.Pass) (tap.Backing, error) {
	if p.Bootstrap {
		return tap.Backing{}, nil
	}
	owner, err := targetOf(ctx, q, p.Tenant, p.User)
	if err != nil {
		return tap.Backing{}, err
	}
	b := tap.Backing{Power: owner.Power()}
	switch {
	case p.Issuer.User != "":
		err = backedByPerson(ctx, q, p, owner, &b)
	case p.Issuer.App != "":
		err = backedByApp(ctx, q, p, owner, &b)
	}
	return b, err
}

func backedByPerson(ctx context.Context, q querier, p tap.Pass, owner directory.Target, b *tap.Backing) error {
	u, err := userBy(ctx, q, p.Tenant, "id", string(p.Issuer.User))
	if b.Off = errors.Is(err, directory.ErrUserUnknown) || err == nil && !u.AccountEnabled; b.Off || err != nil {
		return unless(b.Off, err)
	}
	roles, err := rolesOf(ctx, q, p.Tenant, string(u.ID))
	b.Holds = directory.Holds(roles, directory.IssuePass, owner)
	return err
}

func backedByApp(ctx context.Context, q querier, p tap.Pass, owner directory.Target, b *tap.Backing) error {
	a, err := servicePrincipalBy(ctx, q, p.Tenant, "app_id", string(p.Issuer.App))
	if b.Off = errors.Is(err, directory.ErrServicePrincipalUnknown) || err == nil && !a.AccountEnabled; b.Off || err != nil {
		return unless(b.Off, err)
	}
	c := directory.Caller{Tenant: p.Tenant, App: p.Issuer.App, ServicePrincipal: a.ID}
	if c.Roles, err = rolesOf(ctx, q, p.Tenant, string(a.ID)); err != nil {
		return err
	}
	atGraph, err := graphRolesOf(ctx, q, p.Tenant, a.ID)
	c.Permissions = directory.GraphAppRoleValues(atGraph)
	b.Holds = err == nil && directory.May(c, directory.IssuePass, owner) == nil
	return err
}

// unless returns err unless it was expected.
func unless(expected bool, err error) error {
	if expected {
		return nil
	}
	return err
}
