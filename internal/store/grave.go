package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
)

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

// object returns what lies in g, and whether its kind is known.
func (g grave) object(tenant directory.TenantID) (any, error) {
	switch g.ref.Kind {
	case directory.KindGroup:
		return decoded(&directory.Group{Tenant: tenant}, g.body)
	case directory.KindApplication:
		return decoded(&directory.Application{Tenant: tenant}, g.body)
	case directory.KindServicePrincipal:
		return decoded(&directory.ServicePrincipal{Tenant: tenant}, g.body)
	}
	return decoded(&directory.User{Tenant: tenant}, g.body)
}

// Deleted implements graph.Store.
func (db *DB) Deleted(ctx context.Context, tenant directory.TenantID, id string) (object any, target directory.Target, at time.Time, err error) {
	g, err := graveOf(ctx, db.read, tenant, id)
	if err != nil {
		return nil, target, at, err
	}
	if object, err = g.object(tenant); err != nil {
		return nil, target, at, err
	}
	if g.ref.Kind == directory.KindUser {
		target.User = directory.UserID(id)
	}
	if err := db.bondsTarget(ctx, tenant, g.tied, &target); err != nil {
		return nil, target, at, err
	}
	return object, target, g.at, nil
}

// bondsTarget adds to t the power that comes back with b, and with the service principal of
// a deleted application.
func (db *DB) bondsTarget(ctx context.Context, tenant directory.TenantID, b bonds, t *directory.Target) error {
	for _, r := range b.Roles {
		t.Roles = append(t.Roles, r.Role)
	}
	for _, l := range b.Groups {
		group, err := db.Group(ctx, tenant, l.Group)
		t.RoleAssignableGroup = t.RoleAssignableGroup || err == nil && group.IsAssignableToRole
	}
	var atGraph []string
	for _, r := range b.Grants {
		resource, err := db.ServicePrincipal(ctx, tenant, r.Resource)
		if err == nil && resource.AppID == directory.GraphAppID {
			atGraph = append(atGraph, r.AppRoleID)
		}
	}
	t.Permissions = append(t.Permissions, directory.Powers(atGraph)...)
	if b.Principal == "" {
		return nil
	}
	principal, err := graveOf(ctx, db.read, tenant, string(b.Principal))
	if errors.Is(err, directory.ErrObjectUnknown) {
		return nil
	}
	if err != nil {
		return err
	}
	return db.bondsTarget(ctx, tenant, principal.tied, t)
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
		g, err := graveOf(ctx, tx.q, tenant, id)
		if err != nil {
			return err
		}
		if g.ref.Kind == directory.KindUser {
			if err := tx.removeCredentialsOf(ctx, tenant, directory.UserID(id)); err != nil {
				return err
			}
			for _, query := range []string{
				`DELETE FROM saved_view WHERE tenant_id = $1 AND user_id = $2`, `DELETE FROM federated_identity WHERE tenant_id = $1 AND user_id = $2`,
				`DELETE FROM address_change WHERE tenant_id = $1 AND user_id = $2`,
			} {
				if _, err := tx.exec(ctx, query, tenant, id); err != nil {
					return err
				}
			}
		}
		for _, gone := range []string{id, string(g.tied.Principal)} {
			if _, err := tx.exec(ctx, `DELETE FROM deleted_object WHERE tenant_id = $1 AND id = $2`, tenant, gone); err != nil {
				return err
			}
		}
		if _, err := tx.exec(ctx, `DELETE FROM application_secret WHERE tenant_id = $1 AND application_id = $2`, tenant, id); err != nil {
			return err
		}
		return tx.append(ctx, e)
	})
}

// Buried is a deleted object that can't be restored for much longer.
type Buried struct {
	directory.Ref
	DisplayName string
}

// BuriedBefore returns at most limit objects that were deleted before a time. A service
// principal that was deleted with its application comes by itself.
func (db *DB) BuriedBefore(ctx context.Context, tenant directory.TenantID, before time.Time, limit int) ([]Buried, error) {
	rows, err := db.read.QueryContext(ctx, `
		SELECT id, kind, display_name FROM deleted_object
		WHERE tenant_id = $1 AND deleted_at < $2 ORDER BY deleted_at LIMIT $3`, tenant, micros(before), limit)
	return collect(rows, err, func(r *sql.Rows) (Buried, error) {
		var b Buried
		err := r.Scan(&b.ID, &b.Kind, &b.DisplayName)
		return b, err
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
		if g.tied.Principal != "" {
			if err := tx.raisePrincipal(ctx, tenant, g.tied.Principal); err != nil {
				return err
			}
		}
		return tx.append(ctx, e)
	})
}

// raisePrincipal brings the service principal of an application back, if it is still there
// and nobody has made a new one.
func (tx *Tx) raisePrincipal(ctx context.Context, tenant directory.TenantID, id directory.ServicePrincipalID) error {
	g, err := graveOf(ctx, tx.q, tenant, string(id))
	if err == nil {
		err = tx.raise(ctx, tenant, g)
	}
	if errors.Is(err, directory.ErrObjectUnknown) || errors.Is(err, directory.ErrServicePrincipalExists) {
		return nil
	}
	return err
}

// raise brings an object back, with the bonds to what is still there.
func (tx *Tx) raise(ctx context.Context, tenant directory.TenantID, g grave) error {
	object, err := g.object(tenant)
	if err != nil {
		return err
	}
	switch o := object.(type) {
	case directory.Group:
		if err = tx.insertGroup(ctx, o); err == nil {
			_, err = tx.followRule(ctx, o)
		}
	case directory.Application:
		err = tx.insertApplication(ctx, o)
	case directory.ServicePrincipal:
		err = tx.insertServicePrincipal(ctx, o)
	case directory.User:
		err = tx.raiseUser(ctx, o, g)
	}
	if err != nil {
		return err
	}
	if err := tx.tie(ctx, tenant, g); err != nil {
		return err
	}
	_, err = tx.exec(ctx, `DELETE FROM deleted_object WHERE tenant_id = $1 AND id = $2`, tenant, g.ref.ID)
	return err
}

func (tx *Tx) raiseUser(ctx context.Context, u directory.User, g grave) error {
	_, domain, _ := strings.Cut(strings.ToLower(u.UserPrincipalName), "@")
	var n int
	if err := tx.q.QueryRowContext(ctx, `SELECT COUNT(*) FROM tenant_domain WHERE tenant_id = $1 AND name = $2`, u.Tenant, domain).Scan(&n); err != nil {
		return err
	}
	if n == 0 {
		return directory.ErrDomainUnknown.With("userPrincipalName", "The tenant no longer has the domain of this person's name.")
	}
	u.Manager = ""
	if tx.there(ctx, u.Tenant, string(g.tied.Manager)) {
		u.Manager = g.tied.Manager
	}
	// What began before the deletion has ended; the time of that stays.
	u.SessionsValidFrom = g.at
	return tx.insertUser(ctx, u)
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
		if ruled, err := tx.ruled(ctx, tenant, l); err != nil {
			return err
		} else if ruled {
			continue // a rule says who is in it now
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
	if g.ref.Kind == directory.KindGroup {
		if err := tx.empowered(ctx, tenant, g.ref.ID); err != nil { // it may hold roles
			return err
		}
	}
	return tx.tieTrust(ctx, tenant, g)
}

func (tx *Tx) tieTrust(ctx context.Context, tenant directory.TenantID, g grave) error {
	for _, a := range append(g.tied.Grants, g.tied.AssignedTo...) {
		a.Tenant = tenant
		a.AppRoleAssignment.Principal = a.Principal
		if !tx.there(ctx, tenant, string(a.Resource)) || !tx.there(ctx, tenant, a.Principal.ID) {
			continue
		}
		if err := tx.insertAppRole(ctx, a.AppRoleAssignment); err != nil && !errors.Is(err, directory.ErrAppRoleAssignmentExists) {
			return err
		}
	}
	for _, c := range g.tied.Consents {
		c.Tenant = tenant
		if !tx.there(ctx, tenant, string(c.Client)) || !tx.there(ctx, tenant, string(c.Resource)) ||
			c.Principal != "" && !tx.there(ctx, tenant, string(c.Principal)) {
			continue
		}
		if err := tx.insertGrant(ctx, c); err != nil && !errors.Is(err, directory.ErrGrantExists) {
			return err
		}
	}
	for _, o := range g.tied.Owners {
		if err := tx.tieOwner(ctx, tenant, g.ref.ID, o); err != nil {
			return err
		}
	}
	for _, object := range g.tied.Owns {
		if err := tx.tieOwner(ctx, tenant, object, g.ref); err != nil {
			return err
		}
	}
	return nil
}

func (tx *Tx) tieOwner(ctx context.Context, tenant directory.TenantID, object string, owner directory.Ref) error {
	if !tx.there(ctx, tenant, object) || !tx.there(ctx, tenant, owner.ID) {
		return nil
	}
	if err := tx.insertOwner(ctx, tenant, object, owner); err != nil && !errors.Is(err, directory.ErrLinkExists) {
		return err
	}
	return nil
}
