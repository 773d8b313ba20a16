package store

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/filter"
)

var principals = listing[directory.ServicePrincipal]{
	table: "service_principal", columns: "id, body, version", kind: directory.KindServicePrincipal, scan: scanServicePrincipal,
}

// ServicePrincipals implements graph.Applications.
func (db *DB) ServicePrincipals(ctx context.Context, tenant directory.TenantID, match []filter.Bound, order []filter.Order, after []any, limit int) ([]directory.ServicePrincipal, []any, error) {
	return list(ctx, db, tenant, principals, match, order, after, limit)
}

// CountServicePrincipals implements graph.Applications.
func (db *DB) CountServicePrincipals(ctx context.Context, tenant directory.TenantID, match []filter.Bound) (int, error) {
	return count(ctx, db, tenant, principals, match)
}

// CreateServicePrincipal implements graph.Applications.
func (db *DB) CreateServicePrincipal(ctx context.Context, p directory.ServicePrincipal, owner directory.Ref, e audit.Event) error {
	return db.Write(ctx, func(ctx context.Context, tx *Tx) error {
		if _, err := applicationBy(ctx, tx.q, p.Tenant, "app_id", string(p.AppID)); err != nil {
			return err
		}
		if err := tx.insertServicePrincipal(ctx, p); err != nil {
			return err
		}
		if err := tx.insertOwner(ctx, p.Tenant, string(p.ID), owner); err != nil {
			return err
		}
		return tx.append(ctx, e)
	})
}

// UpdateServicePrincipal implements graph.Applications.
func (db *DB) UpdateServicePrincipal(ctx context.Context, p directory.ServicePrincipal, e audit.Event) error {
	return db.Write(ctx, func(ctx context.Context, tx *Tx) error {
		if err := tx.replaceServicePrincipal(ctx, p); err != nil {
			return err
		}
		return tx.append(ctx, e)
	})
}

func (tx *Tx) replaceServicePrincipal(ctx context.Context, p directory.ServicePrincipal) error {
	body, err := json.Marshal(p)
	if err != nil {
		return err
	}
	n, err := tx.exec(ctx, `
		UPDATE service_principal SET display_name = $1, account_enabled = $2, body = $3, version = version + 1
		WHERE tenant_id = $4 AND id = $5 AND version = $6`,
		strings.ToLower(p.DisplayName), p.AccountEnabled, string(body), p.Tenant, p.ID, p.Version)
	if err := changed(n, err, directory.ErrChanged); err != nil {
		return err
	}
	return tx.setNameWords(ctx, p.Tenant, directory.KindServicePrincipal, string(p.ID), p.DisplayName)
}

// DeleteServicePrincipal implements graph.Applications.
func (db *DB) DeleteServicePrincipal(ctx context.Context, p directory.ServicePrincipal, at time.Time, e audit.Event) error {
	return db.Write(ctx, func(ctx context.Context, tx *Tx) error {
		now, err := servicePrincipalBy(ctx, tx.q, p.Tenant, "id", string(p.ID))
		if err != nil {
			return err
		}
		if err := tx.buryPrincipal(ctx, now, at); err != nil {
			return err
		}
		return tx.append(ctx, e)
	})
}

// buryPrincipal moves p among the deleted objects and ends what people signed in to with it.
func (tx *Tx) buryPrincipal(ctx context.Context, p directory.ServicePrincipal, at time.Time) error {
	if _, err := tx.exec(ctx, `
		UPDATE token_family SET ended_at = $1, end_reason = 'applicationDeleted'
		WHERE tenant_id = $2 AND app_id = $3 AND ended_at = 0`, micros(at), p.Tenant, p.AppID); err != nil {
		return err
	}
	ref := directory.Ref{Kind: directory.KindServicePrincipal, ID: string(p.ID)}
	return tx.bury(ctx, p.Tenant, ref, p.DisplayName, p, bonds{}, at)
}

// PrincipalTarget implements graph.Applications.
func (db *DB) PrincipalTarget(ctx context.Context, tenant directory.TenantID, id directory.ServicePrincipalID) (directory.Target, error) {
	t, err := db.TargetOf(ctx, tenant, directory.UserID(id))
	t.User = ""
	if err != nil {
		return t, err
	}
	roles, err := graphRolesOf(ctx, db.read, tenant, id)
	t.Permissions = directory.Powers(roles)
	return t, err
}

// graphRolesOf returns the ids of the app roles that a service principal has at Graph.
func graphRolesOf(ctx context.Context, q querier, tenant directory.TenantID, id directory.ServicePrincipalID) ([]string, error) {
	rows, err := q.QueryContext(ctx, `
		SELECT r.app_role_id FROM app_role_assignment r
		JOIN service_principal g ON g.tenant_id = r.tenant_id AND g.id = r.resource_id
		WHERE r.tenant_id = $1 AND r.principal_id = $2 AND g.app_id = $3`, tenant, id, directory.GraphAppID)
	return collect(rows, err, scanOne[string])
}

// Owns implements graph.Applications.
func (db *DB) Owns(ctx context.Context, tenant directory.TenantID, object, owner string) (bool, error) {
	var n int
	err := db.read.QueryRowContext(ctx, `
		SELECT COUNT(*) FROM object_owner WHERE tenant_id = $1 AND object_id = $2 AND owner_id = $3`, tenant, object, owner).Scan(&n)
	return n > 0, err
}

// AddOwner implements graph.Applications.
func (db *DB) AddOwner(ctx context.Context, tenant directory.TenantID, object string, owner directory.Ref, e audit.Event) error {
	return db.Write(ctx, func(ctx context.Context, tx *Tx) error {
		for _, id := range []string{object, owner.ID} {
			if _, err := find(ctx, tx.q, tenant, id); err != nil {
				return err
			}
		}
		if err := tx.insertOwner(ctx, tenant, object, owner); err != nil {
			return err
		}
		return tx.append(ctx, e)
	})
}

// insertOwner makes owner an owner of object; an empty one is nobody.
func (tx *Tx) insertOwner(ctx context.Context, tenant directory.TenantID, object string, owner directory.Ref) error {
	if owner.ID == "" {
		return nil
	}
	n, err := tx.exec(ctx, `
		INSERT INTO object_owner (tenant_id, object_id, owner_id, owner_kind) VALUES ($1, $2, $3, $4)
		ON CONFLICT (tenant_id, object_id, owner_id) DO NOTHING`, tenant, object, owner.ID, owner.Kind)
	return changed(n, err, directory.ErrLinkExists)
}

// RemoveOwner implements graph.Applications.
func (db *DB) RemoveOwner(ctx context.Context, tenant directory.TenantID, object, owner string, e audit.Event) error {
	return db.Write(ctx, func(ctx context.Context, tx *Tx) error {
		n, err := tx.exec(ctx, `
			DELETE FROM object_owner WHERE tenant_id = $1 AND object_id = $2 AND owner_id = $3`, tenant, object, owner)
		if err := changed(n, err, directory.ErrLinkUnknown); err != nil {
			return err
		}
		return tx.append(ctx, e)
	})
}
