package store

import (
	"context"
	"database/sql"
	"errors"
	"strconv"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/keyring"
)

// seedMark is the name in meta of the version of the seed that a tenant has.
func seedMark(tenant directory.TenantID) string { return "seed " + string(tenant) }

// SeedVersion returns the version of the seed that a tenant has, 0 for one of the first
// release.
func (db *DB) SeedVersion(ctx context.Context, tenant directory.TenantID) (int, error) {
	var text string
	err := db.read.QueryRowContext(ctx, `SELECT value FROM meta WHERE name = $1`, seedMark(tenant)).Scan(&text)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(text)
}

// SeedMissing gives a tenant what a later release seeds and it does not have: keys of
// purposes that it lacks, well-known objects, to well-known clients the scopes that came since,
// and the words that applications are found by. Everything else stays as it is.
func (db *DB) SeedMissing(ctx context.Context, tenant directory.TenantID, keys []keyring.Key, known directory.Seed, version int) error {
	return db.Write(ctx, func(ctx context.Context, tx *Tx) error {
		n, err := tx.exec(ctx, `UPDATE tenant SET version = version WHERE tenant_id = $1`, tenant) // one replica at a time
		if err != nil || n == 0 {
			return err
		}
		for _, k := range keys {
			if err := tx.addMissingKey(ctx, k); err != nil {
				return err
			}
		}
		for _, a := range known.Applications {
			if err := tx.insertApplication(ctx, a); err != nil && !errors.Is(err, directory.ErrObjectExists) {
				return err
			}
		}
		for _, p := range known.ServicePrincipals {
			if err := tx.insertServicePrincipal(ctx, p); err != nil && !errors.Is(err, directory.ErrServicePrincipalExists) {
				return err
			}
		}
		for _, g := range known.Grants {
			err := tx.insertGrant(ctx, g)
			if errors.Is(err, directory.ErrGrantExists) {
				_, err = tx.exec(ctx, `UPDATE permission_grant SET scope = $1 WHERE tenant_id = $2 AND id = $3`, g.Scope, tenant, g.ID)
			}
			if err != nil {
				return err
			}
		}
		if err := tx.indexApplications(ctx, tenant); err != nil {
			return err
		}
		return tx.setSeed(ctx, tenant, version)
	})
}

// indexApplications lets $search find the applications of the first release, which had none.
func (tx *Tx) indexApplications(ctx context.Context, tenant directory.TenantID) error {
	rows, err := tx.q.QueryContext(ctx, `SELECT id, body, version FROM application WHERE tenant_id = $1`, tenant)
	apps, err := collect(rows, err, func(r *sql.Rows) (directory.Application, error) { return scanApplication(tenant, r.Scan) })
	if err != nil {
		return err
	}
	for _, a := range apps {
		if err := tx.setNameWords(ctx, tenant, directory.KindApplication, string(a.ID), a.DisplayName); err != nil {
			return err
		}
	}
	rows, err = tx.q.QueryContext(ctx, `SELECT id, body, version FROM service_principal WHERE tenant_id = $1`, tenant)
	principals, err := collect(rows, err, func(r *sql.Rows) (directory.ServicePrincipal, error) { return scanServicePrincipal(tenant, r.Scan) })
	if err != nil {
		return err
	}
	for _, p := range principals {
		if err := tx.setNameWords(ctx, tenant, directory.KindServicePrincipal, string(p.ID), p.DisplayName); err != nil {
			return err
		}
	}
	return nil
}

// AddMissingKey adds a key unless the tenant has one of its purpose.
func (db *DB) AddMissingKey(ctx context.Context, k keyring.Key) error {
	return db.Write(ctx, func(ctx context.Context, tx *Tx) error {
		n, err := tx.exec(ctx, `UPDATE tenant SET version = version WHERE tenant_id = $1`, k.Tenant) // one replica at a time
		if err != nil || n == 0 {
			return err
		}
		return tx.addMissingKey(ctx, k)
	})
}

func (tx *Tx) addMissingKey(ctx context.Context, k keyring.Key) error {
	var n int
	if err := tx.q.QueryRowContext(ctx, `SELECT COUNT(*) FROM tenant_key WHERE tenant_id = $1 AND purpose = $2`, k.Tenant, k.Purpose).Scan(&n); err != nil || n > 0 {
		return err
	}
	return tx.addKey(ctx, k)
}

func (tx *Tx) setSeed(ctx context.Context, tenant directory.TenantID, version int) error {
	_, err := tx.exec(ctx, `
		INSERT INTO meta (name, value) VALUES ($1, $2)
		ON CONFLICT (name) DO UPDATE SET value = excluded.value`, seedMark(tenant), strconv.Itoa(version))
	return err
}
