package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"strings"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/recovery"
)

// SetManager implements graph.Store. The tenant's row is updated first, so that of two
// changes that close a circle together the second one sees the first.
func (db *DB) SetManager(ctx context.Context, tenant directory.TenantID, user, manager directory.UserID, e audit.Event) error {
	return db.Write(ctx, func(ctx context.Context, tx *Tx) error {
		if err := tx.touchTenant(ctx, tenant); err != nil {
			return err
		}
		old, err := userBy(ctx, tx.q, tenant, "id", string(user))
		if err != nil {
			return err
		}
		if err := tx.setManager(ctx, tenant, user, manager); err != nil {
			return err
		}
		if old.Manager != manager { // who sends the same each night changes nothing
			if err := tx.noteChange(ctx, old, recovery.ContactManager, e.At); err != nil {
				return err
			}
		}
		return tx.append(ctx, e)
	})
}

func (tx *Tx) setManager(ctx context.Context, tenant directory.TenantID, user, manager directory.UserID) error {
	if err := tx.touchTenant(ctx, tenant); err != nil {
		return err
	}
	if manager != "" {
		if _, err := userBy(ctx, tx.q, tenant, "id", string(manager)); err != nil {
			return err
		}
		var above int
		if err := tx.q.QueryRowContext(ctx, `
			WITH RECURSIVE up (id) AS (
				SELECT id FROM directory_user WHERE tenant_id = $1 AND id = $2
				UNION
				SELECT u.manager_id FROM up CROSS JOIN directory_user u WHERE u.id = up.id AND u.tenant_id = $1 AND u.manager_id <> '')
			SELECT COUNT(*) FROM up WHERE id = $3`, tenant, manager, user).Scan(&above); err != nil {
			return err
		}
		if above > 0 {
			return directory.ErrManagerCycle
		}
	}
	n, err := tx.exec(ctx, `
		UPDATE directory_user SET manager_id = $1, version = version + 1 WHERE tenant_id = $2 AND id = $3`, manager, tenant, user)
	return changed(n, err, directory.ErrUserUnknown)
}

// CreateGroup implements graph.Store.
func (db *DB) CreateGroup(ctx context.Context, g directory.Group, members, owners []directory.Ref, events ...audit.Event) error {
	return db.Write(ctx, func(ctx context.Context, tx *Tx) error {
		if err := tx.insertGroup(ctx, g); err != nil {
			return err
		}
		for _, o := range owners {
			if err := tx.link(ctx, g, directory.Owner, o); err != nil {
				return err
			}
		}
		change, err := tx.followRule(ctx, g)
		if err != nil {
			return err
		}
		return tx.addMembers(ctx, g, members, change.noted(events))
	})
}

// UpdateGroup implements graph.Store.
func (db *DB) UpdateGroup(ctx context.Context, g directory.Group, members []directory.Ref, events ...audit.Event) error {
	return db.Write(ctx, func(ctx context.Context, tx *Tx) error {
		if err := tx.replaceGroup(ctx, g); err != nil {
			return err
		}
		change, err := tx.followRule(ctx, g)
		if err != nil {
			return err
		}
		return tx.addMembers(ctx, g, members, change.noted(events))
	})
}

// replaceGroup stores g if its version is still g.Version.
func (tx *Tx) replaceGroup(ctx context.Context, g directory.Group) error {
	body, err := json.Marshal(g)
	if err != nil {
		return err
	}
	n, err := tx.exec(ctx, `
		UPDATE directory_group SET display_name = $1, mail_nickname = $2, body = $3, group_type = $4, external_id = $5, version = version + 1
		WHERE tenant_id = $6 AND id = $7 AND version = $8`,
		strings.ToLower(g.DisplayName), strings.ToLower(g.MailNickname), string(body), groupType(g), g.ExternalID, g.Tenant, g.ID, g.Version)
	if isDuplicate(err) && violates(err, "external_id") {
		return directory.ErrExternalIDTaken
	}
	if err := changed(n, err, directory.ErrChanged); err != nil {
		return err
	}
	return tx.setNameWords(ctx, g.Tenant, directory.KindGroup, string(g.ID), g.DisplayName)
}

// AddLink implements graph.Store.
func (db *DB) AddLink(ctx context.Context, g directory.Group, relation directory.Relation, ref directory.Ref, e audit.Event) error {
	return db.Write(ctx, func(ctx context.Context, tx *Tx) error {
		if relation == directory.Member {
			return tx.addMembers(ctx, g, []directory.Ref{ref}, []audit.Event{e})
		}
		if _, err := groupBy(ctx, tx.q, g.Tenant, g.ID); err != nil {
			return err
		}
		if err := tx.link(ctx, g, relation, ref); err != nil {
			return err
		}
		return tx.append(ctx, e)
	})
}

func (tx *Tx) addMembers(ctx context.Context, g directory.Group, members []directory.Ref, events []audit.Event) error {
	if len(members) > 0 {
		if err := tx.touchTenant(ctx, g.Tenant); err != nil {
			return err
		}
		if err := tx.byHand(ctx, g); err != nil {
			return err
		}
	}
	for _, m := range members {
		if err := tx.addMember(ctx, g, m); err != nil {
			return err
		}
	}
	if len(members) > 0 {
		if err := tx.touchGroup(ctx, g); err != nil {
			return err
		}
	}
	return tx.appendAll(ctx, events)
}

func (tx *Tx) addMember(ctx context.Context, g directory.Group, m directory.Ref) error {
	if _, err := find(ctx, tx.q, g.Tenant, m.ID); err != nil {
		return err
	}
	if m.Kind == directory.KindGroup && g.IsAssignableToRole {
		return directory.ErrNestedRole
	}
	if err := tx.refuseCycle(ctx, g.Tenant, g.ID, m); err != nil {
		return err
	}
	return tx.link(ctx, g, directory.Member, m)
}

// link makes ref a member or an owner of g, which is power if g can hold roles.
func (tx *Tx) link(ctx context.Context, g directory.Group, relation directory.Relation, ref directory.Ref) error {
	if err := tx.insertLink(ctx, g.Tenant, g.ID, relation, ref); err != nil || !g.IsAssignableToRole {
		return err
	}
	return tx.empowered(ctx, g.Tenant, ref.ID)
}

// touchGroup gives g a new version: whoever read its members holds an old state now.
func (tx *Tx) touchGroup(ctx context.Context, g directory.Group) error {
	_, err := tx.exec(ctx, `UPDATE directory_group SET version = version + 1 WHERE tenant_id = $1 AND id = $2`, g.Tenant, g.ID)
	return err
}

// refuseCycle returns directory.ErrGroupCycle if group is, through others, in member.
func (tx *Tx) refuseCycle(ctx context.Context, tenant directory.TenantID, group directory.GroupID, member directory.Ref) error {
	if member.Kind != directory.KindGroup {
		return nil
	}
	if member.ID == string(group) {
		return directory.ErrGroupCycle
	}
	var n int
	err := tx.q.QueryRowContext(ctx, groupsOf+` SELECT COUNT(*) FROM up WHERE group_id = $3`, tenant, group, member.ID).Scan(&n)
	if err == nil && n > 0 {
		return directory.ErrGroupCycle
	}
	return err
}

// RemoveLink implements graph.Store.
func (db *DB) RemoveLink(ctx context.Context, g directory.Group, relation directory.Relation, object string, e audit.Event) error {
	return db.Write(ctx, func(ctx context.Context, tx *Tx) error {
		if relation == directory.Member {
			if err := tx.byHand(ctx, g); err != nil {
				return err
			}
		}
		remove := func() error {
			n, err := tx.exec(ctx, `
				DELETE FROM group_link WHERE tenant_id = $1 AND group_id = $2 AND relation = $3 AND object_id = $4`,
				g.Tenant, g.ID, relation, object)
			if err := changed(n, err, directory.ErrLinkUnknown); err != nil {
				return err
			}
			if relation == directory.Member {
				if err := tx.touchGroup(ctx, g); err != nil {
					return err
				}
			}
			return tx.append(ctx, e)
		}
		if g.IsAssignableToRole {
			if err := tx.empowered(ctx, g.Tenant, object); err != nil {
				return err
			}
			return tx.keepAdministrator(ctx, g.Tenant, remove)
		}
		return remove()
	})
}

// RoleAssignments implements graph.Store.
func (db *DB) RoleAssignments(ctx context.Context, tenant directory.TenantID, principal string, role directory.RoleID) ([]directory.RoleAssignment, error) {
	return roleAssignments(ctx, db.read, tenant, principal, role)
}

func roleAssignments(ctx context.Context, q querier, tenant directory.TenantID, principal string, role directory.RoleID) ([]directory.RoleAssignment, error) {
	rows, err := q.QueryContext(ctx, `
		SELECT id, principal_id, principal_kind, role_id, scope, created_at FROM role_assignment
		WHERE tenant_id = $1 AND ($2 = '' OR principal_id = $2) AND ($3 = '' OR role_id = $3) ORDER BY id`, tenant, principal, string(role))
	return collect(rows, err, func(r *sql.Rows) (directory.RoleAssignment, error) {
		a := directory.RoleAssignment{Tenant: tenant}
		var created int64
		err := r.Scan(&a.ID, &a.Principal.ID, &a.Principal.Kind, &a.Role, &a.Scope, &created)
		a.CreatedAt = fromMicros(created)
		return a, err
	})
}

// AssignRole implements graph.Store.
func (db *DB) AssignRole(ctx context.Context, a directory.RoleAssignment, e audit.Event) error {
	return db.Write(ctx, func(ctx context.Context, tx *Tx) error {
		if err := tx.touchTenant(ctx, a.Tenant); err != nil {
			return err
		}
		if _, err := find(ctx, tx.q, a.Tenant, a.Principal.ID); err != nil {
			return err
		}
		if err := tx.insertRoleAssignment(ctx, a); err != nil {
			return err
		}
		return tx.append(ctx, e)
	})
}

// UnassignRole implements graph.Store.
func (db *DB) UnassignRole(ctx context.Context, a directory.RoleAssignment, e audit.Event) error {
	return db.Write(ctx, func(ctx context.Context, tx *Tx) error {
		return tx.keepAdministrator(ctx, a.Tenant, func() error {
			n, err := tx.exec(ctx, `DELETE FROM role_assignment WHERE tenant_id = $1 AND id = $2`, a.Tenant, a.ID)
			if err := changed(n, err, directory.ErrAssignmentUnknown); err != nil {
				return err
			}
			if err := tx.empowered(ctx, a.Tenant, a.Principal.ID); err != nil {
				return err
			}
			return tx.append(ctx, e)
		})
	})
}
