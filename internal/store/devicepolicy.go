package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/devicepolicy"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/filter"
)

const devicePolicyColumns = `id, created_at, modified_at, version, body`

func scanDevicePolicy(tenant directory.TenantID, scan func(...any) error) (devicepolicy.Policy, error) {
	p := devicepolicy.Policy{Tenant: tenant}
	var body string
	var created, modified int64
	if err := scan(&p.ID, &created, &modified, &p.Version, &body); err != nil {
		return p, err
	}
	if err := json.Unmarshal([]byte(body), &p); err != nil {
		return p, fmt.Errorf("read device policy %s: %w", p.ID, err)
	}
	p.CreatedAt, p.ModifiedAt = fromMicros(created), fromMicros(modified)
	return p, nil
}

var devicePolicies = listing[devicepolicy.Policy]{table: "device_policy", columns: devicePolicyColumns, scan: scanDevicePolicy}

// DevicePolicies implements deviceapi.Store and graph.DevicePolicies.
func (db *DB) DevicePolicies(ctx context.Context, tenant directory.TenantID) ([]devicepolicy.Policy, error) {
	rows, err := db.read.QueryContext(ctx, `
		SELECT `+devicePolicyColumns+` FROM device_policy WHERE tenant_id = $1 ORDER BY id`, tenant)
	return collect(rows, err, func(r *sql.Rows) (devicepolicy.Policy, error) { return scanDevicePolicy(tenant, r.Scan) })
}

// ListDevicePolicies implements graph.DevicePolicies.
func (db *DB) ListDevicePolicies(
	ctx context.Context, tenant directory.TenantID, match []filter.Bound, order []filter.Order, after []any, limit int,
) ([]devicepolicy.Policy, []any, error) {
	return list(ctx, db, tenant, devicePolicies, match, order, after, limit)
}

// DevicePolicy implements graph.DevicePolicies.
func (db *DB) DevicePolicy(ctx context.Context, tenant directory.TenantID, id string) (devicepolicy.Policy, error) {
	row := db.read.QueryRowContext(ctx, `SELECT `+devicePolicyColumns+` FROM device_policy WHERE tenant_id = $1 AND id = $2`, tenant, id)
	p, err := scanDevicePolicy(tenant, row.Scan)
	if errors.Is(err, sql.ErrNoRows) {
		return p, devicepolicy.ErrPolicyUnknown
	}
	return p, err
}

// CreateDevicePolicy implements graph.DevicePolicies.
func (db *DB) CreateDevicePolicy(ctx context.Context, p devicepolicy.Policy, most int, e audit.Event) error {
	body, err := json.Marshal(p)
	if err != nil {
		return err
	}
	return db.Write(ctx, func(ctx context.Context, tx *Tx) error {
		if _, err := tx.exec(ctx, `UPDATE tenant SET version = version WHERE tenant_id = $1`, p.Tenant); err != nil { // one at a time
			return err
		}
		var n int
		if err := tx.q.QueryRowContext(ctx, `SELECT COUNT(*) FROM device_policy WHERE tenant_id = $1`, p.Tenant).Scan(&n); err != nil {
			return err
		}
		if n >= most {
			return devicepolicy.ErrPolicyMany
		}
		if _, err := tx.exec(ctx, `
			INSERT INTO device_policy (tenant_id, id, name, created_at, modified_at, version, body) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
			p.Tenant, p.ID, strings.ToLower(p.Name), micros(p.CreatedAt), micros(p.ModifiedAt), 1, string(body)); err != nil {
			return err
		}
		return tx.append(ctx, e)
	})
}

// UpdateDevicePolicy implements graph.DevicePolicies.
func (db *DB) UpdateDevicePolicy(ctx context.Context, p devicepolicy.Policy, e audit.Event) error {
	body, err := json.Marshal(p)
	if err != nil {
		return err
	}
	return db.Write(ctx, func(ctx context.Context, tx *Tx) error {
		n, err := tx.exec(ctx, `
			UPDATE device_policy SET name = $1, modified_at = $2, version = version + 1, body = $3
			WHERE tenant_id = $4 AND id = $5 AND version = $6`,
			strings.ToLower(p.Name), micros(p.ModifiedAt), string(body), p.Tenant, p.ID, p.Version)
		if err != nil {
			return err
		}
		if n == 0 {
			return tx.whyNoPolicy(ctx, p)
		}
		return tx.append(ctx, e)
	})
}

// whyNoPolicy tells a policy that somebody else changed from one that is gone.
func (tx *Tx) whyNoPolicy(ctx context.Context, p devicepolicy.Policy) error {
	var n int
	if err := tx.q.QueryRowContext(ctx, `SELECT COUNT(*) FROM device_policy WHERE tenant_id = $1 AND id = $2`, p.Tenant, p.ID).Scan(&n); err != nil {
		return err
	}
	if n == 0 {
		return devicepolicy.ErrPolicyUnknown
	}
	return devicepolicy.ErrPolicyChanged
}

// DeleteDevicePolicy implements graph.DevicePolicies.
func (db *DB) DeleteDevicePolicy(ctx context.Context, p devicepolicy.Policy, e audit.Event) error {
	return db.Write(ctx, func(ctx context.Context, tx *Tx) error {
		n, err := tx.exec(ctx, `DELETE FROM device_policy WHERE tenant_id = $1 AND id = $2 AND (version = $3 OR $3 = 0)`, p.Tenant, p.ID, p.Version)
		if err != nil {
			return err
		}
		if n == 0 {
			return tx.missingPolicy(ctx, p)
		}
		return tx.append(ctx, e)
	})
}

// missingPolicy says why there is no policy p: it is gone, or has another version.
func (tx *Tx) missingPolicy(ctx context.Context, p devicepolicy.Policy) error {
	var n int
	err := tx.q.QueryRowContext(ctx, `SELECT COUNT(*) FROM device_policy WHERE tenant_id = $1 AND id = $2`, p.Tenant, p.ID).Scan(&n)
	switch {
	case err != nil:
		return err
	case n == 0:
		return devicepolicy.ErrPolicyUnknown
	}
	return devicepolicy.ErrPolicyChanged
}
