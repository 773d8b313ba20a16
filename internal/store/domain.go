package store

import (
	"context"
	"database/sql"
	"errors"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
)

// PendingDomains implements graph.Domains.
func (db *DB) PendingDomains(ctx context.Context, tenant directory.TenantID) ([]directory.PendingDomain, error) {
	rows, err := db.read.QueryContext(ctx, `
		SELECT name, proof, created_at FROM pending_domain WHERE tenant_id = $1 ORDER BY name`, tenant)
	return collect(rows, err, func(r *sql.Rows) (directory.PendingDomain, error) {
		var d directory.PendingDomain
		var at int64
		err := r.Scan(&d.Name, &d.Proof, &at)
		d.CreatedAt = fromMicros(at)
		return d, err
	})
}

// AddDomain implements graph.Domains.
func (db *DB) AddDomain(ctx context.Context, tenant directory.TenantID, d directory.PendingDomain, e audit.Event) error {
	return db.Write(ctx, func(ctx context.Context, tx *Tx) error {
		var owner string
		err := tx.q.QueryRowContext(ctx, `SELECT tenant_id FROM route WHERE kind = $1 AND name = $2`, routeDomain, d.Name).Scan(&owner)
		if err == nil {
			return directory.ErrDomainTaken
		}
		if !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		n, err := tx.exec(ctx, `
			INSERT INTO pending_domain (tenant_id, name, proof, created_at) VALUES ($1, $2, $3, $4)
			ON CONFLICT (tenant_id, name) DO NOTHING`, tenant, d.Name, d.Proof, micros(d.CreatedAt))
		if err := changed(n, err, directory.ErrDomainTaken); err != nil {
			return err
		}
		return tx.append(ctx, e)
	})
}

// VerifyDomain implements graph.Domains.
func (db *DB) VerifyDomain(ctx context.Context, tenant directory.TenantID, d directory.Domain, e audit.Event) error {
	return db.Write(ctx, func(ctx context.Context, tx *Tx) error {
		n, err := tx.exec(ctx, `DELETE FROM pending_domain WHERE tenant_id = $1 AND name = $2`, tenant, d.Name)
		if err := changed(n, err, directory.ErrDomainUnknown); err != nil {
			return err
		}
		if err := tx.addDomain(ctx, tenant, d); err != nil {
			return err
		}
		return tx.append(ctx, e)
	})
}

// MakeDefaultDomain implements graph.Domains.
func (db *DB) MakeDefaultDomain(ctx context.Context, tenant directory.TenantID, name string, e audit.Event) error {
	return db.Write(ctx, func(ctx context.Context, tx *Tx) error {
		n, err := tx.exec(ctx, `UPDATE tenant_domain SET is_default = TRUE WHERE tenant_id = $1 AND name = $2`, tenant, name)
		if err := changed(n, err, directory.ErrDomainUnknown); err != nil {
			return err
		}
		if _, err := tx.exec(ctx, `
			UPDATE tenant_domain SET is_default = FALSE WHERE tenant_id = $1 AND name <> $2 AND is_default`, tenant, name); err != nil {
			return err
		}
		return tx.append(ctx, e)
	})
}

// RemoveDomain implements graph.Domains. The search for names in the domain reads all of
// them, which is right for what happens once a year.
func (db *DB) RemoveDomain(ctx context.Context, tenant directory.TenantID, name string, e audit.Event) error {
	return db.Write(ctx, func(ctx context.Context, tx *Tx) error {
		n, err := tx.exec(ctx, `DELETE FROM pending_domain WHERE tenant_id = $1 AND name = $2`, tenant, name)
		if err != nil {
			return err
		}
		if n == 0 {
			if err := tx.removeVerified(ctx, tenant, name); err != nil {
				return err
			}
		}
		return tx.append(ctx, e)
	})
}

func (tx *Tx) removeVerified(ctx context.Context, tenant directory.TenantID, name string) error {
	var keep, used int // a domain name has no wildcard of LIKE in it
	if err := tx.q.QueryRowContext(ctx, `
		SELECT COUNT(*) FROM tenant_domain WHERE tenant_id = $1 AND name = $2 AND (is_default OR is_initial)`, tenant, name).Scan(&keep); err != nil {
		return err
	}
	if err := tx.q.QueryRowContext(ctx, `
		SELECT COUNT(*) FROM (
			SELECT 1 AS one FROM directory_user WHERE tenant_id = $1 AND user_principal_name LIKE $2
			UNION ALL SELECT 1 FROM application_identifier WHERE tenant_id = $1 AND uri LIKE $3) AS names`,
		tenant, "%@"+name, "%"+name+"%").Scan(&used); err != nil {
		return err
	}
	if keep+used > 0 {
		return directory.ErrDomainInUse
	}
	n, err := tx.exec(ctx, `DELETE FROM tenant_domain WHERE tenant_id = $1 AND name = $2`, tenant, name)
	if err := changed(n, err, directory.ErrDomainUnknown); err != nil {
		return err
	}
	if _, err := tx.exec(ctx, `DELETE FROM federation WHERE tenant_id = $1 AND domain = $2`, tenant, name); err != nil {
		return err
	}
	if err := tx.unlinkDomain(ctx, tenant, name); err != nil {
		return err
	}
	_, err = tx.exec(ctx, `DELETE FROM route WHERE kind = $1 AND name = $2 AND tenant_id = $3`, routeDomain, name, tenant)
	return err
}
