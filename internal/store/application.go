package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/postern-id/postern/internal/directory"
)

func (tx *Tx) insertApplication(ctx context.Context, a directory.Application) error {
	body, err := json.Marshal(a)
	if err != nil {
		return err
	}
	n, err := tx.exec(ctx, `
		INSERT INTO application (tenant_id, id, app_id, display_name, created_at, body)
		VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (tenant_id, app_id) DO NOTHING`,
		a.Tenant, a.ID, a.AppID, strings.ToLower(a.DisplayName), micros(a.CreatedDateTime), string(body))
	if err != nil {
		return fmt.Errorf("insert application: %w", err)
	}
	if n == 0 {
		return directory.ErrObjectExists
	}
	_, err = tx.exec(ctx, `
		INSERT INTO route (kind, name, tenant_id) VALUES ($1, $2, $3)
		ON CONFLICT (kind, name, tenant_id) DO NOTHING`, routeClient, a.AppID, a.Tenant)
	if err != nil {
		return err
	}
	if err := tx.setNameWords(ctx, a.Tenant, directory.KindApplication, string(a.ID), a.DisplayName); err != nil {
		return err
	}
	return tx.setIdentifiers(ctx, a)
}

// setNameWords lets $search find an object by its displayName.
func (tx *Tx) setNameWords(ctx context.Context, tenant directory.TenantID, kind directory.ObjectKind, id, name string) error {
	return tx.setWords(ctx, tenant, kind, id, map[string][]string{"displayName": directory.Words(name)})
}

// insertSecret adds a client secret, of which s has the keyed hash.
func (tx *Tx) insertSecret(ctx context.Context, tenant directory.TenantID, app directory.ApplicationID, s directory.Secret) error {
	_, err := tx.exec(ctx, `
		INSERT INTO application_secret (tenant_id, application_id, key_id, secret_hash, hint, display_name, start_at, end_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
		tenant, app, s.KeyID, s.Hash, s.Hint, s.DisplayName, micros(s.StartAt), micros(s.EndAt))
	return err
}

func (tx *Tx) insertServicePrincipal(ctx context.Context, p directory.ServicePrincipal) error {
	body, err := json.Marshal(p)
	if err != nil {
		return err
	}
	n, err := tx.exec(ctx, `
		INSERT INTO service_principal (tenant_id, id, app_id, display_name, account_enabled, created_at, body)
		VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (tenant_id, app_id) DO NOTHING`,
		p.Tenant, p.ID, p.AppID, strings.ToLower(p.DisplayName), p.AccountEnabled, micros(p.CreatedDateTime), string(body))
	if err := changed(n, err, directory.ErrServicePrincipalExists); err != nil {
		return err
	}
	return tx.setNameWords(ctx, p.Tenant, directory.KindServicePrincipal, string(p.ID), p.DisplayName)
}

func scanServicePrincipal(tenant directory.TenantID, scan func(...any) error) (directory.ServicePrincipal, error) {
	p := directory.ServicePrincipal{Tenant: tenant}
	var id directory.ServicePrincipalID
	var body string
	var version int64
	if err := scan(&id, &body, &version); err != nil {
		return p, err
	}
	if err := json.Unmarshal([]byte(body), &p); err != nil {
		return p, fmt.Errorf("read service principal %s: %w", id, err)
	}
	p.ID, p.Version = id, version
	return p, nil
}

// ServicePrincipalByIdentifier implements oauth.Store.
func (db *DB) ServicePrincipalByIdentifier(ctx context.Context, tenant directory.TenantID, uri string) (directory.ServicePrincipal, error) {
	row := db.read.QueryRowContext(ctx, `
		SELECT p.id, p.body, p.version FROM application_identifier i
		JOIN application a ON a.tenant_id = i.tenant_id AND a.id = i.application_id
		JOIN service_principal p ON p.tenant_id = a.tenant_id AND p.app_id = a.app_id
		WHERE i.tenant_id = $1 AND i.uri = $2`, tenant, strings.ToLower(uri))
	p, err := scanServicePrincipal(tenant, row.Scan)
	return p, notFound(err, directory.ErrServicePrincipalUnknown)
}

// ServicePrincipal returns the service principal with the given object id, or
// directory.ErrServicePrincipalUnknown.
func (db *DB) ServicePrincipal(ctx context.Context, tenant directory.TenantID, id directory.ServicePrincipalID) (directory.ServicePrincipal, error) {
	return servicePrincipalBy(ctx, db.read, tenant, "id", string(id))
}

// ServicePrincipalByAppID returns the service principal of a client id, or
// directory.ErrServicePrincipalUnknown.
func (db *DB) ServicePrincipalByAppID(ctx context.Context, tenant directory.TenantID, app directory.AppID) (directory.ServicePrincipal, error) {
	return servicePrincipalBy(ctx, db.read, tenant, "app_id", string(app))
}

func servicePrincipalBy(ctx context.Context, q querier, tenant directory.TenantID, column, value string) (directory.ServicePrincipal, error) {
	row := q.QueryRowContext(ctx, `SELECT id, body, version FROM service_principal WHERE tenant_id = $1 AND `+column+` = $2`, tenant, value)
	p, err := scanServicePrincipal(tenant, row.Scan)
	if errors.Is(err, sql.ErrNoRows) {
		return p, directory.ErrServicePrincipalUnknown
	}
	return p, err
}

func (tx *Tx) insertAppRole(ctx context.Context, r directory.AppRoleAssignment) error {
	n, err := tx.exec(ctx, `
		INSERT INTO app_role_assignment (tenant_id, id, principal_id, principal_kind, resource_id, app_role_id, created_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7)
		ON CONFLICT (tenant_id, principal_id, resource_id, app_role_id) DO NOTHING`,
		r.Tenant, r.ID, r.Principal.ID, r.Principal.Kind, r.Resource, r.AppRoleID, micros(r.CreatedDateTime))
	if err == nil && n == 0 {
		return directory.ErrAppRoleAssignmentExists
	}
	return err
}

func (tx *Tx) insertGrant(ctx context.Context, g directory.PermissionGrant) error {
	n, err := tx.exec(ctx, `
		INSERT INTO permission_grant (tenant_id, id, client_id, consent_type, principal_id, resource_id, scope)
		VALUES ($1, $2, $3, $4, $5, $6, $7)
		ON CONFLICT (tenant_id, client_id, resource_id, consent_type, principal_id) DO NOTHING`,
		g.Tenant, g.ID, g.Client, g.ConsentType, g.Principal, g.Resource, g.Scope)
	if err == nil && n == 0 {
		return directory.ErrGrantExists
	}
	return err
}

func (tx *Tx) insertRoleAssignment(ctx context.Context, r directory.RoleAssignment) error {
	n, err := tx.exec(ctx, `
		INSERT INTO role_assignment (tenant_id, id, principal_id, principal_kind, role_id, scope, created_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7)
		ON CONFLICT (tenant_id, principal_id, role_id, scope) DO NOTHING`,
		r.Tenant, r.ID, r.Principal.ID, r.Principal.Kind, r.Role, r.Scope, micros(r.CreatedAt))
	if err := changed(n, err, directory.ErrAssignmentExists); err != nil {
		return err
	}
	return tx.empowered(ctx, r.Tenant, r.Principal.ID)
}

// empowered gives a person, or all people of a group, a new version because they got power or lost it: what
// somebody decided who read them before, such as that they hold no role or that they approve, is not stored any more.
func (tx *Tx) empowered(ctx context.Context, tenant directory.TenantID, object string) error {
	_, err := tx.exec(ctx, `
		UPDATE directory_user SET version = version + 1 WHERE tenant_id = $1 AND id IN (
			SELECT object_id FROM group_link WHERE tenant_id = $1 AND group_id = $2
			UNION SELECT id FROM directory_user WHERE tenant_id = $1 AND id = $2)`, tenant, object)
	return err
}

func (tx *Tx) insertGroup(ctx context.Context, g directory.Group) error {
	body, err := json.Marshal(g)
	if err != nil {
		return err
	}
	if _, err := tx.exec(ctx, `
		INSERT INTO directory_group (tenant_id, id, display_name, mail_nickname, role_assignable, created_at, body, group_type, external_id)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
		g.Tenant, g.ID, strings.ToLower(g.DisplayName), strings.ToLower(g.MailNickname), g.IsAssignableToRole,
		micros(g.CreatedDateTime), string(body), groupType(g), g.ExternalID); isDuplicate(err) && violates(err, "external_id") {
		return directory.ErrExternalIDTaken
	} else if err != nil {
		return fmt.Errorf("insert group: %w", err)
	}
	if err := tx.setUniqueName(ctx, g); err != nil {
		return err
	}
	return tx.setNameWords(ctx, g.Tenant, directory.KindGroup, string(g.ID), g.DisplayName)
}

// setUniqueName lets g be found by its uniqueName, or returns directory.ErrUniqueNameTaken.
func (tx *Tx) setUniqueName(ctx context.Context, g directory.Group) error {
	if g.UniqueName == "" {
		return nil
	}
	name := strings.ToLower(g.UniqueName)
	// A program of the first release leaves the name behind when it deletes the group.
	if _, err := tx.exec(ctx, `
		DELETE FROM group_unique_name WHERE tenant_id = $1 AND name = $2
			AND group_id NOT IN (SELECT id FROM directory_group WHERE tenant_id = $1)`, g.Tenant, name); err != nil {
		return err
	}
	n, err := tx.exec(ctx, `
		INSERT INTO group_unique_name (tenant_id, name, group_id) VALUES ($1, $2, $3)
		ON CONFLICT (tenant_id, name) DO NOTHING`, g.Tenant, name, g.ID)
	return changed(n, err, directory.ErrUniqueNameTaken)
}

// groupType is what groups are filtered by.
func groupType(g directory.Group) string { return strings.ToLower(strings.Join(g.GroupTypes, " ")) }

func (tx *Tx) insertLink(ctx context.Context, tenant directory.TenantID, group directory.GroupID, relation directory.Relation, ref directory.Ref) error {
	n, err := tx.exec(ctx, `
		INSERT INTO group_link (tenant_id, group_id, relation, object_id, object_kind) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (tenant_id, group_id, relation, object_id) DO NOTHING`, tenant, group, relation, ref.ID, ref.Kind)
	if err == nil && n == 0 {
		return directory.ErrLinkExists
	}
	return err
}
