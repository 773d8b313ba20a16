package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/recovery"
)

// bonds are what ties an object to others; they come back with it.
type bonds struct {
	Manager directory.UserID           `json:"manager,omitempty"`
	Reports []directory.UserID         `json:"reports,omitempty"`
	Groups  []groupLink                `json:"groups,omitempty"`
	Roles   []directory.RoleAssignment `json:"roles,omitempty"`
	Grants  []appRole                  `json:"appRoles,omitempty"`

	// Of applications and service principals.
	AssignedTo []appRole                    `json:"assignedTo,omitempty"` // app roles of it that others have
	Consents   []directory.PermissionGrant  `json:"consents,omitempty"`   // granted to it, or at it
	Owners     []directory.Ref              `json:"owners,omitempty"`
	Owns       []string                     `json:"owns,omitempty"`
	Principal  directory.ServicePrincipalID `json:"principal,omitempty"` // of an application, deleted with it
}

type groupLink struct {
	Group    directory.GroupID  `json:"group"`
	Relation directory.Relation `json:"relation"`
	Object   directory.Ref      `json:"object"`
}

type appRole struct {
	directory.AppRoleAssignment
	Principal directory.Ref `json:"principal"`
}

// DeleteUser implements graph.Store.
func (db *DB) DeleteUser(ctx context.Context, u directory.User, at time.Time, e audit.Event) error {
	return db.Write(ctx, func(ctx context.Context, tx *Tx) error {
		if err := tx.guardLastAdministrator(ctx, u.Tenant, u.ID); err != nil {
			return err
		}
		now, err := userBy(ctx, tx.q, u.Tenant, "id", string(u.ID))
		if err != nil {
			return err
		}
		if u.Version != directory.AnyVersion && u.Version != now.Version {
			return directory.ErrChanged
		}
		if err := tx.endAllOf(ctx, u.Tenant, u.ID, at, "accountDeleted"); err != nil {
			return err
		}
		if err := tx.removeContainersOf(ctx, u.Tenant, u.ID); err != nil {
			return err
		}
		ref := directory.Ref{Kind: directory.KindUser, ID: string(u.ID)}
		if err := tx.bury(ctx, u.Tenant, ref, now.DisplayName, now, bonds{Manager: now.Manager}, at); err != nil {
			return err
		}
		return tx.append(ctx, e)
	})
}

// DeleteGroup implements graph.Store.
func (db *DB) DeleteGroup(ctx context.Context, g directory.Group, at time.Time, e audit.Event) error {
	return db.Write(ctx, func(ctx context.Context, tx *Tx) error {
		return tx.keepAdministrator(ctx, g.Tenant, func() error {
			now, err := groupBy(ctx, tx.q, g.Tenant, g.ID)
			if err != nil {
				return err
			}
			if g.Version != directory.AnyVersion && g.Version != now.Version {
				return directory.ErrChanged
			}
			if err := tx.dropRule(ctx, now); err != nil {
				return err
			}
			if now.IsAssignableToRole {
				if err := tx.empowered(ctx, g.Tenant, string(g.ID)); err != nil {
					return err
				}
			}
			ref := directory.Ref{Kind: directory.KindGroup, ID: string(g.ID)}
			if err := tx.bury(ctx, g.Tenant, ref, now.DisplayName, now, bonds{}, at); err != nil {
				return err
			}
			return tx.append(ctx, e)
		})
	})
}

// keepAdministrator runs change and refuses it if no enabled Global Administrator is left.
// The tenant's row is updated first, so that two such changes are decided one after the other.
func (tx *Tx) keepAdministrator(ctx context.Context, tenant directory.TenantID, change func() error) error {
	if err := tx.touchTenant(ctx, tenant); err != nil {
		return err
	}
	if err := change(); err != nil {
		return err
	}
	left, err := tx.globalAdministrators(ctx, tenant)
	if err == nil && len(left) == 0 {
		return directory.ErrLastAdministrator
	}
	return err
}

func (tx *Tx) touchTenant(ctx context.Context, tenant directory.TenantID) error {
	_, err := tx.exec(ctx, `UPDATE tenant SET version = version + 1 WHERE tenant_id = $1`, tenant)
	return err
}

// tables are where directory objects live.
var tables = map[directory.ObjectKind]string{
	directory.KindUser: "directory_user", directory.KindGroup: "directory_group",
	directory.KindApplication: "application", directory.KindServicePrincipal: "service_principal",
}

// bury moves an object with its bonds among the deleted ones.
func (tx *Tx) bury(ctx context.Context, tenant directory.TenantID, ref directory.Ref, name string, object any, b bonds, at time.Time) error {
	if err := tx.cut(ctx, tenant, ref, &b); err != nil {
		return err
	}
	for _, u := range b.Reports { // who is set in place of who is gone is no first manager
		if err := tx.noteContact(ctx, tenant, u, recovery.ContactManager, at); err != nil {
			return err
		}
	}
	body, err := json.Marshal(object)
	if err != nil {
		return err
	}
	tied, err := json.Marshal(b)
	if err != nil {
		return err
	}
	if _, err := tx.exec(ctx, `
		INSERT INTO deleted_object (tenant_id, id, kind, display_name, deleted_at, body, links)
		VALUES ($1, $2, $3, $4, $5, $6, $7)`, tenant, ref.ID, ref.Kind, name, micros(at), string(body), string(tied)); err != nil {
		return fmt.Errorf("keep deleted object: %w", err)
	}
	for _, statement := range []string{
		`DELETE FROM object_word WHERE tenant_id = $1 AND object_id = $2`,
		`DELETE FROM group_unique_name WHERE tenant_id = $1 AND group_id = $2`,
		`DELETE FROM ` + tables[ref.Kind] + ` WHERE tenant_id = $1 AND id = $2`,
	} {
		if _, err := tx.exec(ctx, statement, tenant, ref.ID); err != nil {
			return err
		}
	}
	return nil
}

// cut reads the bonds of an object into b and removes them.
func (tx *Tx) cut(ctx context.Context, tenant directory.TenantID, ref directory.Ref, b *bonds) error {
	rows, err := tx.q.QueryContext(ctx, `
		SELECT group_id, relation, object_id, object_kind FROM group_link
		WHERE tenant_id = $1 AND (object_id = $2 OR group_id = $2)`, tenant, ref.ID)
	if b.Groups, err = collect(rows, err, func(r *sql.Rows) (groupLink, error) {
		var l groupLink
		err := r.Scan(&l.Group, &l.Relation, &l.Object.ID, &l.Object.Kind)
		return l, err
	}); err != nil {
		return err
	}
	rows, err = tx.q.QueryContext(ctx, `SELECT id FROM directory_user WHERE tenant_id = $1 AND manager_id = $2`, tenant, ref.ID)
	if b.Reports, err = collect(rows, err, scanOne[directory.UserID]); err != nil {
		return err
	}
	if b.Roles, err = roleAssignments(ctx, tx.q, tenant, ref.ID, ""); err != nil {
		return err
	}
	if b.Grants, err = tx.appRolesBy(ctx, tenant, "principal_id", ref.ID); err != nil {
		return err
	}
	if err := tx.readTrust(ctx, tenant, ref, b); err != nil {
		return err
	}
	for _, statement := range []string{
		`DELETE FROM group_link WHERE tenant_id = $1 AND (object_id = $2 OR group_id = $2)`,
		`UPDATE directory_user SET manager_id = '', version = version + 1 WHERE tenant_id = $1 AND manager_id = $2`,
		`DELETE FROM role_assignment WHERE tenant_id = $1 AND principal_id = $2`,
		`DELETE FROM app_role_assignment WHERE tenant_id = $1 AND principal_id = $2`,
		`DELETE FROM app_role_assignment WHERE tenant_id = $1 AND resource_id = $2`,
		`DELETE FROM permission_grant WHERE tenant_id = $1 AND principal_id = $2`,
		`DELETE FROM permission_grant WHERE tenant_id = $1 AND client_id = $2`,
		`DELETE FROM permission_grant WHERE tenant_id = $1 AND resource_id = $2`,
		`DELETE FROM object_owner WHERE tenant_id = $1 AND object_id = $2`,
		`DELETE FROM object_owner WHERE tenant_id = $1 AND owner_id = $2`,
	} {
		if _, err := tx.exec(ctx, statement, tenant, ref.ID); err != nil {
			return err
		}
	}
	return nil
}

func (tx *Tx) appRolesBy(ctx context.Context, tenant directory.TenantID, column, id string) ([]appRole, error) {
	rows, err := tx.q.QueryContext(ctx, `SELECT `+appRoles.columns+` FROM app_role_assignment WHERE tenant_id = $1 AND `+column+` = $2`, tenant, id)
	return collect(rows, err, func(r *sql.Rows) (appRole, error) {
		a, err := appRoles.scan(tenant, r.Scan)
		return appRole{a, a.Principal}, err
	})
}

// readTrust reads into b what others trusted ref with, and whose it is. Consents that a
// person gave are not kept: whoever comes back is asked again.
func (tx *Tx) readTrust(ctx context.Context, tenant directory.TenantID, ref directory.Ref, b *bonds) (err error) {
	if b.AssignedTo, err = tx.appRolesBy(ctx, tenant, "resource_id", ref.ID); err != nil {
		return err
	}
	rows, err := tx.q.QueryContext(ctx, `
		SELECT `+permissionGrants.columns+` FROM permission_grant WHERE tenant_id = $1 AND (client_id = $2 OR resource_id = $2)`, tenant, ref.ID)
	if b.Consents, err = collect(rows, err, func(r *sql.Rows) (directory.PermissionGrant, error) {
		return permissionGrants.scan(tenant, r.Scan)
	}); err != nil {
		return err
	}
	rows, err = tx.q.QueryContext(ctx, `SELECT owner_id, owner_kind FROM object_owner WHERE tenant_id = $1 AND object_id = $2`, tenant, ref.ID)
	if b.Owners, err = collect(rows, err, func(r *sql.Rows) (directory.Ref, error) {
		var o directory.Ref
		err := r.Scan(&o.ID, &o.Kind)
		return o, err
	}); err != nil {
		return err
	}
	rows, err = tx.q.QueryContext(ctx, `SELECT object_id FROM object_owner WHERE tenant_id = $1 AND owner_id = $2`, tenant, ref.ID)
	b.Owns, err = collect(rows, err, scanOne[string])
	return err
}
