package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
)

// bonds are what ties an object to others; they come back with it.
type bonds struct {
	Manager directory.UserID           `json:"manager,omitempty"`
	Reports []directory.UserID         `json:"reports,omitempty"`
	Groups  []groupLink                `json:"groups,omitempty"`
	Roles   []directory.RoleAssignment `json:"roles,omitempty"`
	Grants  []appRole                  `json:"appRoles,omitempty"`
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
		if err := tx.endAllOf(ctx, u.Tenant, u.ID, at, "accountDeleted"); err != nil {
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
var tables = map[directory.ObjectKind]string{directory.KindUser: "directory_user", directory.KindGroup: "directory_group"}

// bury moves an object with its bonds among the deleted ones.
func (tx *Tx) bury(ctx context.Context, tenant directory.TenantID, ref directory.Ref, name string, object any, b bonds, at time.Time) error {
	if err := tx.cut(ctx, tenant, ref, &b); err != nil {
		return err
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
	rows, err = tx.q.QueryContext(ctx, `
		SELECT id, resource_id, app_role_id, created_at FROM app_role_assignment WHERE tenant_id = $1 AND principal_id = $2`, tenant, ref.ID)
	if b.Grants, err = collect(rows, err, func(r *sql.Rows) (appRole, error) {
		g := appRole{Principal: ref}
		var created int64
		err := r.Scan(&g.ID, &g.Resource, &g.AppRoleID, &created)
		g.CreatedDateTime = fromMicros(created)
		return g, err
	}); err != nil {
		return err
	}
	for _, statement := range []string{
		`DELETE FROM group_link WHERE tenant_id = $1 AND (object_id = $2 OR group_id = $2)`,
		`UPDATE directory_user SET manager_id = '', version = version + 1 WHERE tenant_id = $1 AND manager_id = $2`,
		`DELETE FROM role_assignment WHERE tenant_id = $1 AND principal_id = $2`,
		`DELETE FROM app_role_assignment WHERE tenant_id = $1 AND principal_id = $2`,
		`DELETE FROM permission_grant WHERE tenant_id = $1 AND principal_id = $2`,
	} {
		if _, err := tx.exec(ctx, statement, tenant, ref.ID); err != nil {
			return err
		}
	}
	return nil
}

// grave is a row of deleted_object.
type grave struct {
	ref  directory.Ref
	at   time.Time
	body string
	tied bonds
}

func graveOf(ctx context.Context, q querier, tenant directory.TenantID, id string) (grave, error) {
	g := grave{ref: directory.Ref{ID: id}}
	var at int64
	var tied string
	err := q.QueryRowContext(ctx, `SELECT kind, deleted_at, body, links FROM deleted_object WHERE tenant_id = $1 AND id = $2`, tenant, id).
		Scan(&g.ref.Kind, &at, &g.body, &tied)
	if errors.Is(err, sql.ErrNoRows) {
		return g, directory.ErrObjectUnknown
	}
	if err != nil {
		return g, err
	}
	g.at = fromMicros(at)
	return g, json.Unmarshal([]byte(tied), &g.tied)
}

func (g grave) user(tenant directory.TenantID) (directory.User, error) {
	u := directory.User{Tenant: tenant}
	err := json.Unmarshal([]byte(g.body), &u)
	return u, err
}

func (g grave) group(tenant directory.TenantID) (directory.Group, error) {
	x := directory.Group{Tenant: tenant}
	err := json.Unmarshal([]byte(g.body), &x)
	return x, err
}

// Deleted implements graph.Store.
func (db *DB) Deleted(ctx context.Context, tenant directory.TenantID, id string) (object any, target directory.Target, at time.Time, err error) {
	g, err := graveOf(ctx, db.read, tenant, id)
	if err != nil {
		return nil, target, at, err
	}
	if g.ref.Kind == directory.KindGroup {
		object, err = g.group(tenant)
		return object, target, g.at, err
	}
	target.User = directory.UserID(id)
	for _, r := range g.tied.Roles {
		target.Roles = append(target.Roles, r.Role)
	}
	for _, l := range g.tied.Groups {
		group, err := db.Group(ctx, tenant, l.Group)
		target.RoleAssignableGroup = target.RoleAssignableGroup || err == nil && group.IsAssignableToRole
	}
	object, err = g.user(tenant)
	return object, target, g.at, err
}

// DeletedIDs implements graph.Store.
func (db *DB) DeletedIDs(ctx context.Context, tenant directory.TenantID, kind directory.ObjectKind, after string, limit int) ([]string, bool, error) {
	rows, err := db.read.QueryContext(ctx, `
		SELECT id FROM deleted_object WHERE tenant_id = $1 AND kind = $2 AND id > $3 ORDER BY id LIMIT $4`, tenant, kind, after, limit+1)
	ids, err := collect(rows, err, scanOne[string])
	if len(ids) > limit {
		return ids[:limit], true, err
	}
	return ids, false, err
}

// Purge implements graph.Store.
func (db *DB) Purge(ctx context.Context, tenant directory.TenantID, id string, e audit.Event) error {
	return db.Write(ctx, func(ctx context.Context, tx *Tx) error {
		n, err := tx.exec(ctx, `DELETE FROM deleted_object WHERE tenant_id = $1 AND id = $2`, tenant, id)
		if err := changed(n, err, directory.ErrObjectUnknown); err != nil {
			return err
		}
		return tx.append(ctx, e)
	})
}

// Restore implements graph.Store.
func (db *DB) Restore(ctx context.Context, tenant directory.TenantID, id string, e audit.Event) error {
	return db.Write(ctx, func(ctx context.Context, tx *Tx) error {
		if err := tx.touchTenant(ctx, tenant); err != nil {
			return err
		}
		g, err := graveOf(ctx, tx.q, tenant, id)
		if err != nil {
			return err
		}
		if err := tx.raise(ctx, tenant, g); err != nil {
			return err
		}
		if _, err := tx.exec(ctx, `DELETE FROM deleted_object WHERE tenant_id = $1 AND id = $2`, tenant, id); err != nil {
			return err
		}
		return tx.append(ctx, e)
	})
}

// raise brings an object back, with the bonds to what is still there.
func (tx *Tx) raise(ctx context.Context, tenant directory.TenantID, g grave) error {
	if g.ref.Kind == directory.KindGroup {
		x, err := g.group(tenant)
		if err != nil {
			return err
		}
		if err := tx.insertGroup(ctx, x); err != nil {
			return err
		}
	} else {
		u, err := g.user(tenant)
		if err != nil {
			return err
		}
		if tx.there(ctx, tenant, string(g.tied.Manager)) {
			u.Manager = g.tied.Manager
		}
		// What began before the deletion has ended; the time of that stays.
		u.SessionsValidFrom = g.at
		if err := tx.insertUser(ctx, u); err != nil {
			return err
		}
	}
	return tx.tie(ctx, tenant, g)
}

func (tx *Tx) there(ctx context.Context, tenant directory.TenantID, id string) bool {
	if id == "" {
		return false
	}
	_, err := find(ctx, tx.q, tenant, id)
	return err == nil
}

func (tx *Tx) tie(ctx context.Context, tenant directory.TenantID, g grave) error {
	for _, report := range g.tied.Reports {
		if _, err := tx.exec(ctx, `
			UPDATE directory_user SET manager_id = $1, version = version + 1
			WHERE tenant_id = $2 AND id = $3 AND manager_id = ''`, g.ref.ID, tenant, report); err != nil {
			return err
		}
	}
	for _, l := range g.tied.Groups {
		if !tx.there(ctx, tenant, string(l.Group)) || !tx.there(ctx, tenant, l.Object.ID) {
			continue
		}
		if err := tx.refuseCycle(ctx, tenant, l.Group, l.Object); err != nil {
			continue // others nested the groups the other way round meanwhile
		}
		if err := tx.insertLink(ctx, tenant, l.Group, l.Relation, l.Object); err != nil && !errors.Is(err, directory.ErrLinkExists) {
			return err
		}
	}
	for _, r := range g.tied.Roles {
		r.Tenant = tenant
		if err := tx.insertRoleAssignment(ctx, r); err != nil && !errors.Is(err, directory.ErrAssignmentExists) {
			return err
		}
	}
	for _, a := range g.tied.Grants {
		a.Tenant = tenant
		a.AppRoleAssignment.Principal = a.Principal
		if !tx.there(ctx, tenant, string(a.Resource)) {
			continue
		}
		if err := tx.insertAppRole(ctx, a.AppRoleAssignment); err != nil && !errors.Is(err, directory.ErrAppRoleAssignmentExists) {
			return err
		}
	}
	return nil
}
