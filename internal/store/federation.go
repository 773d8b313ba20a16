package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/federation"
)

const federationColumns = `domain, id, modified_at, version, body`

func scanFederation(tenant directory.TenantID, scan func(...any) error) (federation.Configuration, error) {
	c := federation.Configuration{Tenant: tenant}
	var body string
	var modified int64
	if err := scan(&c.Domain, &c.ID, &modified, &c.Version, &body); err != nil {
		return c, err
	}
	if err := json.Unmarshal([]byte(body), &c); err != nil {
		return c, fmt.Errorf("read federation %s: %w", c.ID, err)
	}
	c.ModifiedAt = fromMicros(modified)
	return c, nil
}

func federationOf(ctx context.Context, q querier, tenant directory.TenantID, domain string) (federation.Configuration, error) {
	row := q.QueryRowContext(ctx, `SELECT `+federationColumns+` FROM federation WHERE tenant_id = $1 AND domain = $2`, tenant, domain)
	c, err := scanFederation(tenant, row.Scan)
	if errors.Is(err, sql.ErrNoRows) {
		return c, federation.ErrNone
	}
	return c, err
}

// Federation implements federation.Store.
func (db *DB) Federation(ctx context.Context, tenant directory.TenantID, domain string) (federation.Configuration, error) {
	return federationOf(ctx, db.read, tenant, domain)
}

// Federations implements federation.Store.
func (db *DB) Federations(ctx context.Context, tenant directory.TenantID) ([]federation.Configuration, error) {
	rows, err := db.read.QueryContext(ctx, `SELECT `+federationColumns+` FROM federation WHERE tenant_id = $1 ORDER BY domain`, tenant)
	return collect(rows, err, func(r *sql.Rows) (federation.Configuration, error) { return scanFederation(tenant, r.Scan) })
}

// SaveFederation implements federation.Store.
func (db *DB) SaveFederation(ctx context.Context, c federation.Configuration, e audit.Event) error {
	body, err := json.Marshal(c)
	if err != nil {
		return err
	}
	return db.Write(ctx, func(ctx context.Context, tx *Tx) error {
		// The domain's row is held: it can't go away meanwhile.
		n, err := tx.exec(ctx, `UPDATE tenant_domain SET name = name WHERE tenant_id = $1 AND name = $2`, c.Tenant, c.Domain)
		if err := changed(n, err, directory.ErrDomainUnknown); err != nil {
			return err
		}
		if c.Version == 0 {
			n, err := tx.exec(ctx, `
				INSERT INTO federation (tenant_id, domain, id, modified_at, version, body) VALUES ($1, $2, $3, $4, 1, $5)
				ON CONFLICT (tenant_id, domain) DO NOTHING`, c.Tenant, c.Domain, c.ID, micros(c.ModifiedAt), string(body))
			if err := changed(n, err, federation.ErrExists); err != nil {
				return err
			}
			return tx.append(ctx, e)
		}
		old, err := federationOf(ctx, tx.q, c.Tenant, c.Domain)
		if err == nil && old.ID != c.ID {
			err = federation.ErrNone
		}
		if err != nil {
			return err
		}
		n, err = tx.exec(ctx, `
			UPDATE federation SET modified_at = $1, body = $2, version = version + 1
			WHERE tenant_id = $3 AND domain = $4 AND version = $5`, micros(c.ModifiedAt), string(body), c.Tenant, c.Domain, c.Version)
		if err := changed(n, err, federation.ErrChanged); err != nil {
			return err
		}
		if old.Issuer != c.Issuer { // its subjects are other people
			if err := tx.unlinkDomain(ctx, c.Tenant, c.Domain); err != nil {
				return err
			}
		}
		return tx.append(ctx, e)
	})
}

func (tx *Tx) unlinkDomain(ctx context.Context, tenant directory.TenantID, domain string) error {
	_, err := tx.exec(ctx, `DELETE FROM federated_identity WHERE tenant_id = $1 AND domain = $2`, tenant, domain)
	return err
}

// RemoveFederation implements federation.Store.
func (db *DB) RemoveFederation(ctx context.Context, c federation.Configuration, e audit.Event) error {
	return db.Write(ctx, func(ctx context.Context, tx *Tx) error {
		n, err := tx.exec(ctx, `DELETE FROM federation WHERE tenant_id = $1 AND domain = $2 AND id = $3`, c.Tenant, c.Domain, c.ID)
		if err := changed(n, err, federation.ErrNone); err != nil {
			return err
		}
		if err := tx.unlinkDomain(ctx, c.Tenant, c.Domain); err != nil {
			return err
		}
		return tx.append(ctx, e)
	})
}

// LinkedUser implements federation.Store.
func (db *DB) LinkedUser(ctx context.Context, tenant directory.TenantID, domain, subject string) (directory.UserID, error) {
	return linkedUser(ctx, db.read, tenant, domain, subject)
}

func linkedUser(ctx context.Context, q querier, tenant directory.TenantID, domain, subject string) (id directory.UserID, err error) {
	err = q.QueryRowContext(ctx, `
		SELECT user_id FROM federated_identity WHERE tenant_id = $1 AND domain = $2 AND subject = $3`, tenant, domain, subject).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		err = federation.ErrUnlinked
	}
	return id, err
}

// Link implements federation.Store.
func (db *DB) Link(ctx context.Context, l federation.Link, e audit.Event) error {
	return db.Write(ctx, func(ctx context.Context, tx *Tx) error {
		// The federation's row is held, so that of two links of a domain one comes first.
		n, err := tx.exec(ctx, `
			UPDATE federation SET version = version WHERE tenant_id = $1 AND domain = $2 AND id = $3`, l.Tenant, l.Domain, l.Federation)
		if err := changed(n, err, federation.ErrNone); err != nil {
			return err
		}
		user, err := linkedUser(ctx, tx.q, l.Tenant, l.Domain, l.Subject)
		switch {
		case err == nil && user == l.User:
			return nil
		case err == nil:
			return federation.ErrLinked
		case !errors.Is(err, federation.ErrUnlinked):
			return err
		}
		n, err = tx.exec(ctx, `
			INSERT INTO federated_identity (tenant_id, domain, subject, user_id, linked_at) VALUES ($1, $2, $3, $4, $5)
			ON CONFLICT DO NOTHING`, l.Tenant, l.Domain, l.Subject, l.User, micros(l.At))
		if err := changed(n, err, federation.ErrLinked); err != nil {
			return err
		}
		return tx.append(ctx, e)
	})
}

// Links implements federation.Store.
func (db *DB) Links(ctx context.Context, tenant directory.TenantID, user directory.UserID) ([]federation.Link, error) {
	rows, err := db.read.QueryContext(ctx, `
		SELECT domain, subject, linked_at FROM federated_identity WHERE tenant_id = $1 AND user_id = $2 ORDER BY domain`, tenant, user)
	return collect(rows, err, func(r *sql.Rows) (federation.Link, error) {
		l := federation.Link{Tenant: tenant, User: user}
		var at int64
		err := r.Scan(&l.Domain, &l.Subject, &at)
		l.At = fromMicros(at)
		return l, err
	})
}

// Unlink implements federation.Store.
func (db *DB) Unlink(ctx context.Context, tenant directory.TenantID, user directory.UserID, domain string, e audit.Event) error {
	return db.Write(ctx, func(ctx context.Context, tx *Tx) error {
		n, err := tx.exec(ctx, `DELETE FROM federated_identity WHERE tenant_id = $1 AND user_id = $2 AND domain = $3`, tenant, user, domain)
		if err := changed(n, err, federation.ErrUnlinked); err != nil {
			return err
		}
		return tx.append(ctx, e)
	})
}
