package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"

	"github.com/postern-id/postern/internal/devicepolicy"
	"github.com/postern-id/postern/internal/directory"
)

// DevicePolicies implements deviceapi.Store.
func (db *DB) DevicePolicies(ctx context.Context, tenant directory.TenantID) ([]devicepolicy.Policy, error) {
	rows, err := db.read.QueryContext(ctx, `
		SELECT id, created_at, modified_at, version, body FROM device_policy
		WHERE tenant_id = $1 ORDER BY id`, tenant)
	return collect(rows, err, func(r *sql.Rows) (devicepolicy.Policy, error) {
		p := devicepolicy.Policy{Tenant: tenant}
		var body string
		var created, modified int64
		if err := r.Scan(&p.ID, &created, &modified, &p.Version, &body); err != nil {
			return p, err
		}
		if err := json.Unmarshal([]byte(body), &p); err != nil {
			return p, fmt.Errorf("read device policy %s: %w", p.ID, err)
		}
		p.CreatedAt, p.ModifiedAt = fromMicros(created), fromMicros(modified)
		return p, nil
	})
}
