package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/filter"
)

func scanApplication(tenant directory.TenantID, scan func(...any) error) (directory.Application, error) {
	a := directory.Application{Tenant: tenant}
	var id directory.ApplicationID
	var body string
	var version int64
	if err := scan(&id, &body, &version); err != nil {
		return a, err
	}
	if err := json.Unmarshal([]byte(body), &a); err != nil {
		return a, fmt.Errorf("read application %s: %w", id, err)
	}
	a.ID, a.Version = id, version
	return a, nil
}

var applications = listing[directory.Application]{
	table: "application", columns: "id, body, version", kind: directory.KindApplication, scan: scanApplication,
}

// Applications implements graph.Applications.
func (db *DB) Applications(ctx context.Context, tenant directory.TenantID, match []filter.Bound, order []filter.Order, after []any, limit int) ([]directory.Application, []any, error) {
	return list(ctx, db, tenant, applications, match, order, after, limit)
}

// CountApplications implements graph.Applications.
func (db *DB) CountApplications(ctx context.Context, tenant directory.TenantID, match []filter.Bound) (int, error) {
	return count(ctx, db, tenant, applications, match)
}

// Application implements graph.Applications.
func (db *DB) Application(ctx context.Context, tenant directory.TenantID, id directory.ApplicationID) (directory.Application, error) {
	return applicationBy(ctx, db.read, tenant, "id", string(id))
}

func applicationBy(ctx context.Context, q querier, tenant directory.TenantID, column, value string) (directory.Application, error) {
	row := q.QueryRowContext(ctx, `SELECT id, body, version FROM application WHERE tenant_id = $1 AND `+column+` = $2`, tenant, value)
	a, err := scanApplication(tenant, row.Scan)
	return a, notFound(err, directory.ErrApplicationUnknown)
}

// Secrets implements graph.Applications.
func (db *DB) Secrets(ctx context.Context, tenant directory.TenantID, app directory.ApplicationID) ([]directory.Secret, error) {
	return secretsOf(ctx, db.read, tenant, app)
}

func secretsOf(ctx context.Context, q querier, tenant directory.TenantID, app directory.ApplicationID) ([]directory.Secret, error) {
	rows, err := q.QueryContext(ctx, `
		SELECT key_id, secret_hash, hint, display_name, start_at, end_at FROM application_secret
		WHERE tenant_id = $1 AND application_id = $2 ORDER BY key_id`, tenant, app)
	return collect(rows, err, func(r *sql.Rows) (directory.Secret, error) {
		var s directory.Secret
		var start, end int64
		err := r.Scan(&s.KeyID, &s.Hash, &s.Hint, &s.DisplayName, &start, &end)
		s.StartAt, s.EndAt = fromMicros(start), fromMicros(end)
		return s, err
	})
}

// CreateApplication implements graph.Applications.
func (db *DB) CreateApplication(ctx context.Context, a directory.Application, owner directory.Ref, e audit.Event) error {
	return db.Write(ctx, func(ctx context.Context, tx *Tx) error {
		if err := tx.insertApplication(ctx, a); err != nil {
			return err
		}
		if err := tx.insertOwner(ctx, a.Tenant, string(a.ID), owner); err != nil {
			return err
		}
		return tx.append(ctx, e)
	})
}

// UpdateApplication implements graph.Applications.
func (db *DB) UpdateApplication(ctx context.Context, a directory.Application, e audit.Event) error {
	return db.Write(ctx, func(ctx context.Context, tx *Tx) error {
		body, err := json.Marshal(a)
		if err != nil {
			return err
		}
		n, err := tx.exec(ctx, `
			UPDATE application SET display_name = $1, body = $2, version = version + 1
			WHERE tenant_id = $3 AND id = $4 AND version = $5`,
			strings.ToLower(a.DisplayName), string(body), a.Tenant, a.ID, a.Version)
		if err := changed(n, err, directory.ErrChanged); err != nil {
			return err
		}
		if err := tx.setIdentifiers(ctx, a); err != nil {
			return err
		}
		if err := tx.setNameWords(ctx, a.Tenant, directory.KindApplication, string(a.ID), a.DisplayName); err != nil {
			return err
		}
		p, err := servicePrincipalBy(ctx, tx.q, a.Tenant, "app_id", string(a.AppID))
		switch {
		case errors.Is(err, directory.ErrServicePrincipalUnknown):
			return tx.append(ctx, e)
		case err != nil:
			return err
		}
		if err := tx.replaceServicePrincipal(ctx, p.Follow(a)); err != nil {
			return err
		}
		return tx.append(ctx, e)
	})
}

// setIdentifiers makes a known by its identifier URIs, or returns directory.ErrIdentifierTaken.
func (tx *Tx) setIdentifiers(ctx context.Context, a directory.Application) error {
	if _, err := tx.exec(ctx, `DELETE FROM application_identifier WHERE tenant_id = $1 AND application_id = $2`, a.Tenant, a.ID); err != nil {
		return err
	}
	for _, uri := range a.IdentifierURIs {
		n, err := tx.exec(ctx, `
			INSERT INTO application_identifier (tenant_id, uri, application_id) VALUES ($1, $2, $3)
			ON CONFLICT (tenant_id, uri) DO NOTHING`, a.Tenant, strings.ToLower(uri), a.ID)
		if err := changed(n, err, directory.ErrIdentifierTaken); err != nil {
			return err
		}
	}
	return nil
}

// DeleteApplication implements graph.Applications.
func (db *DB) DeleteApplication(ctx context.Context, a directory.Application, at time.Time, events ...audit.Event) error {
	return db.Write(ctx, func(ctx context.Context, tx *Tx) error {
		now, err := applicationBy(ctx, tx.q, a.Tenant, "id", string(a.ID))
		if err != nil {
			return err
		}
		var b bonds
		p, err := servicePrincipalBy(ctx, tx.q, a.Tenant, "app_id", string(a.AppID))
		if err == nil {
			b.Principal = p.ID
			err = tx.buryPrincipal(ctx, p, at)
		}
		if err != nil && !errors.Is(err, directory.ErrServicePrincipalUnknown) {
			return err
		}
		ref := directory.Ref{Kind: directory.KindApplication, ID: string(a.ID)}
		if err := tx.bury(ctx, a.Tenant, ref, now.DisplayName, now, b, at); err != nil {
			return err
		}
		for _, statement := range []string{
			`DELETE FROM application_identifier WHERE tenant_id = $1 AND application_id = $2`,
			`DELETE FROM route WHERE tenant_id = $1 AND name = $2 AND kind = '` + routeClient + `'`,
		} {
			key := string(a.ID)
			if strings.Contains(statement, "route") {
				key = string(a.AppID)
			}
			if _, err := tx.exec(ctx, statement, a.Tenant, key); err != nil {
				return err
			}
		}
		return tx.appendAll(ctx, events)
	})
}

func (tx *Tx) appendAll(ctx context.Context, events []audit.Event) error {
	for _, e := range events {
		if err := tx.append(ctx, e); err != nil {
			return err
		}
	}
	return nil
}

// AddSecret implements graph.Applications.
func (db *DB) AddSecret(ctx context.Context, a directory.Application, s directory.Secret, e audit.Event) error {
	return db.Write(ctx, func(ctx context.Context, tx *Tx) error {
		if err := tx.touchTenant(ctx, a.Tenant); err != nil { // two that come last don't both fit
			return err
		}
		if _, err := applicationBy(ctx, tx.q, a.Tenant, "id", string(a.ID)); err != nil {
			return err
		}
		known, err := secretsOf(ctx, tx.q, a.Tenant, a.ID)
		if err != nil {
			return err
		}
		if len(known) >= directory.MaxSecrets {
			return directory.ErrSecretsFull
		}
		if err := tx.insertSecret(ctx, a.Tenant, a.ID, s); err != nil {
			return err
		}
		return tx.append(ctx, e)
	})
}

// RemoveSecret implements graph.Applications.
func (db *DB) RemoveSecret(ctx context.Context, a directory.Application, keyID string, e audit.Event) error {
	return db.Write(ctx, func(ctx context.Context, tx *Tx) error {
		n, err := tx.exec(ctx, `
			DELETE FROM application_secret WHERE tenant_id = $1 AND application_id = $2 AND key_id = $3`, a.Tenant, a.ID, keyID)
		if err := changed(n, err, directory.ErrSecretUnknown); err != nil {
			return err
		}
		return tx.append(ctx, e)
	})
}
