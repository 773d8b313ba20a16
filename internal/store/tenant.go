package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/keyring"
	"github.com/postern-id/postern/internal/method/tap"
)

// Kinds of route.
const (
	routeDomain = "domain"
	routeClient = "client"
	// routeUserCode leads from the hash of a code that a person types to the tenant of the
	// device that waits for it.
	routeUserCode = "userCode"
)

// A Seed is all that a tenant starts with.
type Seed struct {
	Tenant       directory.Tenant
	Keys         []keyring.Key
	Users        []directory.User
	Groups       []directory.Group
	Members      map[directory.GroupID][]directory.Ref
	Secrets      map[directory.ApplicationID]directory.Secret
	Roles        []directory.RoleAssignment
	Applications []directory.Application
	Principals   []directory.ServicePrincipal
	AppRoles     []directory.AppRoleAssignment
	Grants       []directory.PermissionGrant
	PassPolicy   *tap.Policy // nil leaves the default
	Events       []audit.Event
	Version      int // of the seed: see SeedMissing
}

// CreateTenant stores s whole, or nothing and directory.ErrDomainTaken.
func (db *DB) CreateTenant(ctx context.Context, s Seed) error {
	return db.Write(ctx, func(ctx context.Context, tx *Tx) error { return tx.createTenant(ctx, s) })
}

func (tx *Tx) createTenant(ctx context.Context, s Seed) error {
	t := s.Tenant
	body, err := json.Marshal(t)
	if err != nil {
		return err
	}
	if _, err := tx.exec(ctx, `INSERT INTO tenant (tenant_id, display_name, created_at, body) VALUES ($1, $2, $3, $4)`,
		t.ID, t.DisplayName, micros(t.CreatedAt), string(body)); err != nil {
		return fmt.Errorf("create tenant: %w", err)
	}
	for _, d := range t.Domains {
		if err := tx.addDomain(ctx, t.ID, d); err != nil {
			return err
		}
	}
	for _, k := range s.Keys {
		if err := tx.addKey(ctx, k); err != nil {
			return err
		}
	}
	for _, u := range s.Users {
		if err := tx.insertUser(ctx, u); err != nil {
			return err
		}
	}
	for _, a := range s.Applications {
		if err := tx.insertApplication(ctx, a); err != nil {
			return err
		}
	}
	for id, secret := range s.Secrets {
		if err := tx.insertSecret(ctx, t.ID, id, secret); err != nil {
			return err
		}
	}
	for _, g := range s.Groups {
		if err := tx.insertGroup(ctx, g); err != nil {
			return err
		}
		for _, m := range s.Members[g.ID] {
			if err := tx.insertLink(ctx, t.ID, g.ID, directory.Member, m); err != nil {
				return err
			}
		}
	}
	for _, p := range s.Principals {
		if err := tx.insertServicePrincipal(ctx, p); err != nil {
			return err
		}
	}
	for _, r := range s.Roles {
		if err := tx.insertRoleAssignment(ctx, r); err != nil {
			return err
		}
	}
	for _, r := range s.AppRoles {
		if err := tx.insertAppRole(ctx, r); err != nil {
			return err
		}
	}
	for _, g := range s.Grants {
		if err := tx.insertGrant(ctx, g); err != nil {
			return err
		}
	}
	if s.PassPolicy != nil {
		if err := tx.insertPassPolicy(ctx, t.ID, *s.PassPolicy); err != nil {
			return err
		}
	}
	for _, e := range s.Events {
		if err := tx.append(ctx, e); err != nil {
			return err
		}
	}
	return tx.setSeed(ctx, t.ID, s.Version)
}

// addDomain claims the name for the tenant in the routing table and in the tenant itself.
func (tx *Tx) addDomain(ctx context.Context, tenant directory.TenantID, d directory.Domain) error {
	var owner string
	err := tx.q.QueryRowContext(ctx, `SELECT tenant_id FROM route WHERE kind = $1 AND name = $2`, routeDomain, d.Name).Scan(&owner)
	if err == nil {
		return directory.ErrDomainTaken
	}
	if !errors.Is(err, sql.ErrNoRows) {
		return fmt.Errorf("look for domain: %w", err)
	}
	if _, err := tx.exec(ctx, `INSERT INTO route (kind, name, tenant_id) VALUES ($1, $2, $3)`, routeDomain, d.Name, tenant); err != nil {
		return fmt.Errorf("route domain: %w", err)
	}
	_, err = tx.exec(ctx, `
		INSERT INTO tenant_domain (tenant_id, name, is_default, is_initial, created_at)
		VALUES ($1, $2, $3, $4, $5)`, tenant, d.Name, d.IsDefault, d.IsInitial, micros(d.CreatedAt))
	return err
}

// TenantOf implements signin.Store: the tenant that owns a verified domain.
func (db *DB) TenantOf(ctx context.Context, domain string) (directory.TenantID, error) {
	var id directory.TenantID
	err := db.read.QueryRowContext(ctx, `SELECT tenant_id FROM route WHERE kind = $1 AND name = $2`, routeDomain, domain).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		return "", directory.ErrTenantUnknown
	}
	return id, err
}

// Tenant returns a tenant with its domains, or directory.ErrTenantUnknown.
func (db *DB) Tenant(ctx context.Context, id directory.TenantID) (directory.Tenant, error) {
	t := directory.Tenant{ID: id}
	var body string
	var created int64
	err := db.read.QueryRowContext(ctx, `SELECT display_name, created_at, revision, body FROM tenant WHERE tenant_id = $1`, id).
		Scan(&t.DisplayName, &created, &t.Revision, &body)
	if errors.Is(err, sql.ErrNoRows) {
		return t, directory.ErrTenantUnknown
	}
	if err != nil {
		return t, err
	}
	if err := json.Unmarshal([]byte(body), &t); err != nil {
		return t, fmt.Errorf("read tenant %s: %w", id, err)
	}
	t.CreatedAt = fromMicros(created)
	rows, err := db.read.QueryContext(ctx, `
		SELECT name, is_default, is_initial, created_at FROM tenant_domain
		WHERE tenant_id = $1 ORDER BY name`, id)
	t.Domains, err = collect(rows, err, func(r *sql.Rows) (directory.Domain, error) {
		var d directory.Domain
		var at int64
		err := r.Scan(&d.Name, &d.IsDefault, &d.IsInitial, &at)
		d.CreatedAt = fromMicros(at)
		return d, err
	})
	if err != nil {
		return t, err
	}
	t.Branding, err = db.brandingOf(ctx, id)
	return t, err
}

// Tenants returns the ids of all tenants.
func (db *DB) Tenants(ctx context.Context) ([]directory.TenantID, error) {
	rows, err := db.read.QueryContext(ctx, `SELECT tenant_id FROM tenant ORDER BY tenant_id`)
	return collect(rows, err, scanOne[directory.TenantID])
}

// UpdateTenant stores display name and settings of t if its revision is still the stored one, else
// directory.ErrChanged, and records e.
func (db *DB) UpdateTenant(ctx context.Context, t directory.Tenant, e audit.Event) error {
	body, err := json.Marshal(t)
	if err != nil {
		return err
	}
	return db.Write(ctx, func(ctx context.Context, tx *Tx) error {
		n, err := tx.exec(ctx, `
			UPDATE tenant SET display_name = $1, body = $2, version = version + 1, revision = revision + 1
			WHERE tenant_id = $3 AND revision = $4`, t.DisplayName, string(body), t.ID, t.Revision)
		if err := changed(n, err, directory.ErrChanged); err != nil {
			return err
		}
		return tx.append(ctx, e)
	})
}
