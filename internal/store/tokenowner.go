package store

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/fault"
	"github.com/postern-id/postern/internal/token"
)

// TokenOwner implements graph.Store and oauth.Store.
func (db *DB) TokenOwner(ctx context.Context, a token.Access, at time.Time) (token.Owner, error) {
	client, err := db.ServicePrincipalByAppID(ctx, a.Tenant, a.AppID)
	if errors.Is(err, directory.ErrServicePrincipalUnknown) || err == nil && !client.AccountEnabled {
		return token.Owner{}, token.ErrInvalid
	}
	if err != nil {
		return token.Owner{}, err
	}
	if a.AppOnly() {
		return db.applicationOwner(ctx, a, client)
	}
	user, err := livingFamily(ctx, db.read, a.Tenant, a.Family, at)
	_, ended := errors.AsType[*fault.Error](err)
	if ended || err == nil && string(user.ID) != a.Object {
		return token.Owner{}, token.ErrInvalid
	}
	if err != nil {
		return token.Owner{}, err
	}
	granted, err := db.graphScopesOf(ctx, a.Tenant, client.ID, user.ID)
	return token.Owner{User: user, Permissions: still(strings.Fields(a.Scopes), granted)}, err
}

// applicationOwner answers for a token that speaks for an application alone: the
// application and the credential that it proved itself by must still be there.
func (db *DB) applicationOwner(ctx context.Context, a token.Access, p directory.ServicePrincipal) (token.Owner, error) {
	app, secrets, err := db.ApplicationByAppID(ctx, a.Tenant, a.AppID)
	if errors.Is(err, directory.ErrApplicationUnknown) {
		return token.Owner{}, token.ErrInvalid
	}
	if err != nil {
		return token.Owner{}, err
	}
	// Tokens of the first release don't name their credential; the last of them ends an hour
	// after the upgrade.
	there := a.Credential == "" || slices.ContainsFunc(secrets, func(s directory.Secret) bool { return s.KeyID == a.Credential }) ||
		slices.ContainsFunc(app.KeyCredentials, func(k directory.KeyCredential) bool { return k.KeyID == a.Credential })
	if string(p.ID) != a.Object || !there {
		return token.Owner{}, token.ErrInvalid
	}
	ids, err := graphRolesOf(ctx, db.read, a.Tenant, p.ID)
	return token.Owner{Principal: p, Permissions: still(a.Roles, directory.GraphAppRoleValues(ids))}, err
}

// graphScopesOf returns the scopes of Graph that a client may use for a person.
func (db *DB) graphScopesOf(ctx context.Context, tenant directory.TenantID, client directory.ServicePrincipalID, user directory.UserID) ([]string, error) {
	return db.GrantedScopes(ctx, tenant, client, directory.GraphPrincipal(tenant).ID, user)
}

// still returns what of said is still granted, as the grant spells it: an application may
// have asked in another case.
func still(said, granted []string) []string {
	return slices.DeleteFunc(slices.Clone(granted), func(p string) bool {
		return !slices.ContainsFunc(said, func(s string) bool { return strings.EqualFold(s, p) })
	})
}
