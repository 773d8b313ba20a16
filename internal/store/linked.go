package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/filter"
)

const groupColumns = `id, body, version, external_id`

func scanGroup(tenant directory.TenantID, scan func(...any) error) (directory.Group, error) {
	g := directory.Group{Tenant: tenant}
	var id directory.GroupID
	var body string
	var version int64
	var externalID string
	if err := scan(&id, &body, &version, &externalID); err != nil {
		return g, err
	}
	if err := json.Unmarshal([]byte(body), &g); err != nil {
		return g, fmt.Errorf("read group %s: %w", id, err)
	}
	g.ID, g.Version, g.ExternalID = id, version, externalID
	return g, nil
}

// Group returns the group with the given id, or directory.ErrGroupUnknown.
func (db *DB) Group(ctx context.Context, tenant directory.TenantID, id directory.GroupID) (directory.Group, error) {
	return groupBy(ctx, db.read, tenant, id)
}

// GroupByUniqueName implements graph.Store.
func (db *DB) GroupByUniqueName(ctx context.Context, tenant directory.TenantID, name string) (directory.Group, error) {
	var id directory.GroupID
	err := db.read.QueryRowContext(ctx, `SELECT group_id FROM group_unique_name WHERE tenant_id = $1 AND name = $2`,
		tenant, strings.ToLower(name)).Scan(&id)
	if err := notFound(err, directory.ErrGroupUnknown); err != nil {
		return directory.Group{}, err
	}
	return db.Group(ctx, tenant, id)
}

func groupBy(ctx context.Context, q querier, tenant directory.TenantID, id directory.GroupID) (directory.Group, error) {
	row := q.QueryRowContext(ctx, `SELECT `+groupColumns+` FROM directory_group WHERE tenant_id = $1 AND id = $2`, tenant, id)
	g, err := scanGroup(tenant, row.Scan)
	if errors.Is(err, sql.ErrNoRows) {
		return g, directory.ErrGroupUnknown
	}
	return g, err
}

// Find implements graph.Store.
func (db *DB) Find(ctx context.Context, tenant directory.TenantID, id string) (directory.Ref, error) {
	return find(ctx, db.read, tenant, id)
}

func find(ctx context.Context, q querier, tenant directory.TenantID, id string) (directory.Ref, error) {
	ref := directory.Ref{ID: id}
	err := q.QueryRowContext(ctx, `
		SELECT 'user' FROM directory_user WHERE tenant_id = $1 AND id = $2
		UNION ALL SELECT 'group' FROM directory_group WHERE tenant_id = $1 AND id = $2
		UNION ALL SELECT 'servicePrincipal' FROM service_principal WHERE tenant_id = $1 AND id = $2
		UNION ALL SELECT 'device' FROM device WHERE tenant_id = $1 AND id = $2
		UNION ALL SELECT 'application' FROM application WHERE tenant_id = $1 AND id = $2`, tenant, id).Scan(&ref.Kind)
	if errors.Is(err, sql.ErrNoRows) {
		return ref, directory.ErrObjectUnknown
	}
	return ref, err
}

// links selects, by name, the directory objects that belong to object $2 of tenant $1.
var links = map[string]string{
	"member": `SELECT object_id AS id, object_kind AS kind FROM group_link WHERE tenant_id = $1 AND group_id = $2 AND relation = 'member'`,
	"owner":  `SELECT object_id AS id, object_kind AS kind FROM group_link WHERE tenant_id = $1 AND group_id = $2 AND relation = 'owner'`,
	"transitiveMember": `SELECT object_id AS id, object_kind AS kind FROM (
		WITH RECURSIVE down (object_id, object_kind) AS (
			SELECT object_id, object_kind FROM group_link WHERE tenant_id = $1 AND group_id = $2 AND relation = 'member'
			UNION
			SELECT l.object_id, l.object_kind FROM down CROSS JOIN group_link l
			WHERE l.group_id = down.object_id AND l.tenant_id = $1 AND l.relation = 'member')
		SELECT object_id, object_kind FROM down) AS below`,
	"memberOf": `SELECT group_id AS id, 'group' AS kind FROM group_link WHERE tenant_id = $1 AND object_id = $2 AND relation = 'member'
		UNION SELECT role_id, 'directoryRole' FROM role_assignment WHERE tenant_id = $1 AND principal_id = $2`,
	"transitiveMemberOf": `SELECT group_id AS id, 'group' AS kind FROM (` + groupsOf + ` SELECT group_id FROM up) AS above
		UNION SELECT role_id, 'directoryRole' FROM role_assignment WHERE tenant_id = $1 AND (principal_id = $2
			OR principal_id IN (SELECT group_id FROM (` + groupsOf + ` SELECT group_id FROM up) AS holders))`,
	"ownerOf":          `SELECT owner_id AS id, owner_kind AS kind FROM object_owner WHERE tenant_id = $1 AND object_id = $2`,
	"registeredOwner":  `SELECT owner_id AS id, 'user' AS kind FROM device WHERE tenant_id = $1 AND id = $2 AND owner_id <> ''`,
	"registeredUser":   `SELECT user_id AS id, 'user' AS kind FROM device_user WHERE tenant_id = $1 AND device_id = $2`,
	"ownedDevice":      `SELECT id, 'device' AS kind FROM device WHERE tenant_id = $1 AND owner_id = $2`,
	"registeredDevice": `SELECT device_id AS id, 'device' AS kind FROM device_user WHERE tenant_id = $1 AND user_id = $2`,
	"roleMember":       `SELECT principal_id AS id, principal_kind AS kind FROM role_assignment WHERE tenant_id = $1 AND role_id = $2`,
}

// Linked implements graph.Store.
func (db *DB) Linked(ctx context.Context, tenant directory.TenantID, object, link string, kind directory.ObjectKind, match []filter.Bound, after string, limit int) ([]directory.Ref, bool, error) {
	selected, ok := links[link]
	if !ok {
		return nil, false, fmt.Errorf("no link %q", link)
	}
	q := db.newQuery(tenant, kind)
	q.args = append(q.args, object, string(kind), after)
	q.add(`SELECT id, kind FROM (`, selected, `) AS linked WHERE ($3 = '' OR kind = $3) AND id > $4`)
	for _, b := range match {
		q.match(b)
	}
	q.add(` ORDER BY id LIMIT `, q.arg(limit+1))
	rows, err := db.read.QueryContext(ctx, q.String(), q.args...)
	refs, err := collect(rows, err, func(r *sql.Rows) (directory.Ref, error) {
		var ref directory.Ref
		err := r.Scan(&ref.ID, &ref.Kind)
		return ref, err
	})
	if len(refs) > limit {
		return refs[:limit], true, err
	}
	return refs, false, err
}

// Object implements graph.Store.
func (db *DB) Object(ctx context.Context, tenant directory.TenantID, ref directory.Ref) (any, error) {
	switch ref.Kind {
	case directory.KindUser:
		return db.User(ctx, tenant, directory.UserID(ref.ID))
	case directory.KindGroup:
		return db.Group(ctx, tenant, directory.GroupID(ref.ID))
	case directory.KindServicePrincipal:
		return db.ServicePrincipal(ctx, tenant, directory.ServicePrincipalID(ref.ID))
	case directory.KindDevice:
		return db.Device(ctx, tenant, directory.DeviceObjectID(ref.ID))
	case directory.KindApplication:
		return db.Application(ctx, tenant, directory.ApplicationID(ref.ID))
	}
	return nil, directory.ErrObjectUnknown
}
