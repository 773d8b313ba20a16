package store

import (
	"context"
	"errors"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/filter"
)

var appRoles = listing[directory.AppRoleAssignment]{
	table: "app_role_assignment", columns: "id, principal_id, principal_kind, resource_id, app_role_id, created_at",
	scan: func(tenant directory.TenantID, scan func(...any) error) (directory.AppRoleAssignment, error) {
		r := directory.AppRoleAssignment{Tenant: tenant}
		var created int64
		err := scan(&r.ID, &r.Principal.ID, &r.Principal.Kind, &r.Resource, &r.AppRoleID, &created)
		r.CreatedDateTime = fromMicros(created)
		return r, err
	},
}

// AppRoleAssignments implements graph.Grants.
func (db *DB) AppRoleAssignments(ctx context.Context, tenant directory.TenantID, principal string, resource directory.ServicePrincipalID, match []filter.Bound, after []any, limit int) ([]directory.AppRoleAssignment, []any, error) {
	l := appRoles
	l.within = func(q *query) {
		if principal != "" {
			q.add(" AND principal_id = ", q.arg(principal))
		}
		if resource != "" {
			q.add(" AND resource_id = ", q.arg(resource))
		}
	}
	return list(ctx, db, tenant, l, match, nil, after, limit)
}

// AppRoleAssignment implements graph.Grants.
func (db *DB) AppRoleAssignment(ctx context.Context, tenant directory.TenantID, id string) (directory.AppRoleAssignment, error) {
	row := db.read.QueryRowContext(ctx, `
		SELECT id, principal_id, principal_kind, resource_id, app_role_id, created_at FROM app_role_assignment
		WHERE tenant_id = $1 AND id = $2`, tenant, id)
	r, err := appRoles.scan(tenant, row.Scan)
	return r, notFound(err, directory.ErrAppRoleAssignmentUnknown)
}

// AssignAppRole implements graph.Grants.
func (db *DB) AssignAppRole(ctx context.Context, r directory.AppRoleAssignment, e audit.Event) error {
	return db.Write(ctx, func(ctx context.Context, tx *Tx) error {
		if _, err := find(ctx, tx.q, r.Tenant, r.Principal.ID); err != nil {
			return err
		}
		resource, err := servicePrincipalBy(ctx, tx.q, r.Tenant, "id", string(r.Resource))
		if err != nil {
			return err
		}
		if err := r.Check(resource.Current()); err != nil {
			return err
		}
		if err := tx.insertAppRole(ctx, r); err != nil {
			return err
		}
		return tx.append(ctx, e)
	})
}

// UnassignAppRole implements graph.Grants.
func (db *DB) UnassignAppRole(ctx context.Context, r directory.AppRoleAssignment, e audit.Event) error {
	return db.Write(ctx, func(ctx context.Context, tx *Tx) error {
		n, err := tx.exec(ctx, `DELETE FROM app_role_assignment WHERE tenant_id = $1 AND id = $2`, r.Tenant, r.ID)
		if err := changed(n, err, directory.ErrAppRoleAssignmentUnknown); err != nil {
			return err
		}
		return tx.append(ctx, e)
	})
}

var permissionGrants = listing[directory.PermissionGrant]{
	table: "permission_grant", columns: "id, client_id, consent_type, principal_id, resource_id, scope",
	scan: func(tenant directory.TenantID, scan func(...any) error) (directory.PermissionGrant, error) {
		g := directory.PermissionGrant{Tenant: tenant}
		return g, scan(&g.ID, &g.Client, &g.ConsentType, &g.Principal, &g.Resource, &g.Scope)
	},
}

// PermissionGrants implements graph.Grants.
func (db *DB) PermissionGrants(ctx context.Context, tenant directory.TenantID, client directory.ServicePrincipalID, person directory.UserID, match []filter.Bound, after []any, limit int) ([]directory.PermissionGrant, []any, error) {
	l := permissionGrants
	l.within = func(q *query) {
		if client != "" {
			q.add(" AND client_id = ", q.arg(client))
		}
		if person != "" {
			q.add(" AND principal_id = ", q.arg(person))
		}
	}
	return list(ctx, db, tenant, l, match, nil, after, limit)
}

// PermissionGrant implements graph.Grants.
func (db *DB) PermissionGrant(ctx context.Context, tenant directory.TenantID, id string) (directory.PermissionGrant, error) {
	row := db.read.QueryRowContext(ctx, `
		SELECT id, client_id, consent_type, principal_id, resource_id, scope FROM permission_grant
		WHERE tenant_id = $1 AND id = $2`, tenant, id)
	g, err := permissionGrants.scan(tenant, row.Scan)
	return g, notFound(err, directory.ErrGrantUnknown)
}

// CreateGrant implements graph.Grants.
func (db *DB) CreateGrant(ctx context.Context, g directory.PermissionGrant, e audit.Event) error {
	return db.Write(ctx, func(ctx context.Context, tx *Tx) error {
		if err := tx.checkGrant(ctx, g); err != nil {
			return err
		}
		if err := tx.insertGrant(ctx, g); err != nil {
			return err
		}
		return tx.append(ctx, e)
	})
}

// UpdateGrant implements graph.Grants.
func (db *DB) UpdateGrant(ctx context.Context, g directory.PermissionGrant, e audit.Event) error {
	return db.Write(ctx, func(ctx context.Context, tx *Tx) error {
		if err := tx.checkGrant(ctx, g); err != nil {
			return err
		}
		n, err := tx.exec(ctx, `UPDATE permission_grant SET scope = $1 WHERE tenant_id = $2 AND id = $3`, g.Scope, g.Tenant, g.ID)
		if err := changed(n, err, directory.ErrGrantUnknown); err != nil {
			return err
		}
		return tx.append(ctx, e)
	})
}

// checkGrant wants all that g names to be there.
func (tx *Tx) checkGrant(ctx context.Context, g directory.PermissionGrant) error {
	if _, err := servicePrincipalBy(ctx, tx.q, g.Tenant, "id", string(g.Client)); err != nil {
		return named(err, "clientId")
	}
	resource, err := servicePrincipalBy(ctx, tx.q, g.Tenant, "id", string(g.Resource))
	if err != nil {
		return named(err, "resourceId")
	}
	if g.Principal != "" {
		if _, err := userBy(ctx, tx.q, g.Tenant, "id", string(g.Principal)); err != nil {
			return err
		}
	}
	return g.Check(resource.Current())
}

// named says which property names a service principal that is not there.
func named(err error, property string) error {
	if errors.Is(err, directory.ErrServicePrincipalUnknown) {
		return directory.ErrServicePrincipalUnknown.With(property, "There is no service principal with the id in "+property+".")
	}
	return err
}

// DeleteGrant implements graph.Grants.
func (db *DB) DeleteGrant(ctx context.Context, g directory.PermissionGrant, e audit.Event) error {
	return db.Write(ctx, func(ctx context.Context, tx *Tx) error {
		n, err := tx.exec(ctx, `DELETE FROM permission_grant WHERE tenant_id = $1 AND id = $2`, g.Tenant, g.ID)
		if err := changed(n, err, directory.ErrGrantUnknown); err != nil {
			return err
		}
		return tx.append(ctx, e)
	})
}
