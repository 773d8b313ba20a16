package store

import (
	"context"

	"github.com/postern-id/postern/internal/directory"
)

// groupsOf selects the ids of all groups that object $2 of tenant $1 is in, directly or
// through other groups. UNION, not UNION ALL: it ends even if there were a cycle. CROSS JOIN, here
// as in all such walks, keeps SQLite from reading all links of a tenant for each step.
const groupsOf = `
	WITH RECURSIVE up (group_id) AS (
		SELECT group_id FROM group_link WHERE tenant_id = $1 AND object_id = $2 AND relation = 'member'
		UNION
		SELECT l.group_id FROM up CROSS JOIN group_link l
		WHERE l.object_id = up.group_id AND l.tenant_id = $1 AND l.relation = 'member')`

// GroupsOf implements tap.Groups.
func (db *DB) GroupsOf(ctx context.Context, tenant directory.TenantID, object string) (map[directory.GroupID]bool, error) {
	rows, err := db.read.QueryContext(ctx, groupsOf+` SELECT group_id FROM up`, tenant, object)
	ids, err := collect(rows, err, scanOne[directory.GroupID])
	all := map[directory.GroupID]bool{}
	for _, id := range ids {
		all[id] = true
	}
	return all, err
}

// RolesOf returns the roles that a user or service principal holds, directly or through
// groups that may hold roles.
func (db *DB) RolesOf(ctx context.Context, tenant directory.TenantID, principal string) ([]directory.RoleID, error) {
	return rolesOf(ctx, db.read, tenant, principal)
}

func rolesOf(ctx context.Context, q querier, tenant directory.TenantID, principal string) ([]directory.RoleID, error) {
	rows, err := q.QueryContext(ctx, groupsOf+`
		SELECT DISTINCT role_id FROM role_assignment
		WHERE tenant_id = $1 AND (principal_id = $2 OR principal_id IN (SELECT group_id FROM up))
		ORDER BY role_id`, tenant, principal)
	return collect(rows, err, scanOne[directory.RoleID])
}

// TargetOf returns what of a person matters to directory.May.
func (db *DB) TargetOf(ctx context.Context, tenant directory.TenantID, user directory.UserID) (directory.Target, error) {
	return targetOf(ctx, db.read, tenant, user)
}

func targetOf(ctx context.Context, q querier, tenant directory.TenantID, user directory.UserID) (directory.Target, error) {
	t := directory.Target{User: user}
	var err error
	if t.Roles, err = rolesOf(ctx, q, tenant, string(user)); err != nil {
		return t, err
	}
	var n int
	err = q.QueryRowContext(ctx, groupsOf+`
		SELECT COUNT(*) FROM directory_group
		WHERE tenant_id = $1 AND role_assignable AND id IN (
			SELECT group_id FROM up
			UNION SELECT group_id FROM group_link WHERE tenant_id = $1 AND object_id = $2 AND relation = 'owner')`, // an OR would look at every group
		tenant, user).Scan(&n)
	t.RoleAssignableGroup = n > 0
	return t, err
}

// guardLastAdministrator refuses to take away the last enabled Global Administrator. The
// tenant's row is updated first, so that two such changes are decided one after the other.
func (tx *Tx) guardLastAdministrator(ctx context.Context, tenant directory.TenantID, leaving directory.UserID) error {
	if _, err := tx.exec(ctx, `UPDATE tenant SET version = version + 1 WHERE tenant_id = $1`, tenant); err != nil {
		return err
	}
	roles, err := rolesOf(ctx, tx.q, tenant, string(leaving))
	if err != nil {
		return err
	}
	holds := false
	for _, r := range roles {
		holds = holds || r == directory.GlobalAdministrator
	}
	if !holds {
		return nil
	}
	all, err := tx.globalAdministrators(ctx, tenant)
	if err != nil {
		return err
	}
	for _, u := range all {
		if u != leaving {
			return nil
		}
	}
	return directory.ErrLastAdministrator
}

// globalAdministrators returns the enabled users who hold the role, directly or through groups.
func (tx *Tx) globalAdministrators(ctx context.Context, tenant directory.TenantID) ([]directory.UserID, error) {
	return globalAdministrators(ctx, tx.q, tenant)
}

func globalAdministrators(ctx context.Context, q querier, tenant directory.TenantID) ([]directory.UserID, error) {
	rows, err := q.QueryContext(ctx, `
		WITH RECURSIVE down (object_id) AS (
			SELECT principal_id FROM role_assignment WHERE tenant_id = $1 AND role_id = $2
			UNION
			SELECT l.object_id FROM down CROSS JOIN group_link l
			WHERE l.group_id = down.object_id AND l.tenant_id = $1 AND l.relation = 'member')
		SELECT u.id FROM down CROSS JOIN directory_user u
		WHERE u.id = down.object_id AND u.tenant_id = $1 AND u.account_enabled ORDER BY u.id`, tenant, directory.GlobalAdministrator)
	return collect(rows, err, scanOne[directory.UserID])
}

// GlobalAdministrators returns the enabled users who hold the role, directly or through groups.
func (db *DB) GlobalAdministrators(ctx context.Context, tenant directory.TenantID) ([]directory.User, error) {
	ids, err := globalAdministrators(ctx, db.read, tenant)
	if err != nil {
		return nil, err
	}
	all := make([]directory.User, len(ids))
	for i, id := range ids {
		if all[i], err = userBy(ctx, db.read, tenant, "id", string(id)); err != nil {
			return nil, err
		}
	}
	return all, nil
}
