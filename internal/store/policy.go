package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/method"
)

// policy reads the policy with an id, as JSON, into what into points to. Of one that nobody saved
// the revision is zero, and into stays as it is.
func (db *DB) policy(ctx context.Context, tenant directory.TenantID, id string, into any) (method.Revision, error) {
	return policyOf(ctx, db.read, tenant, id, into)
}

func policyOf(ctx context.Context, q querier, tenant directory.TenantID, id string, into any) (method.Revision, error) {
	var body string
	var modified int64
	var r method.Revision
	err := q.QueryRowContext(ctx, `SELECT body, modified_at, version FROM policy WHERE tenant_id = $1 AND id = $2`,
		tenant, id).Scan(&body, &modified, &r.Version)
	if errors.Is(err, sql.ErrNoRows) {
		return method.Revision{}, nil
	}
	if err != nil {
		return r, err
	}
	r.ModifiedAt = fromMicros(modified)
	return r, json.Unmarshal([]byte(body), into)
}

// savePolicy stores body as the policy with an id and records e, if the version of from is still the
// stored one, else it returns stale.
func (db *DB) savePolicy(ctx context.Context, tenant directory.TenantID, id string, from method.Revision, body any, stale error, e audit.Event) error {
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	return db.Write(ctx, func(ctx context.Context, tx *Tx) error {
		n, err := tx.exec(ctx, `
			INSERT INTO policy (tenant_id, id, body, modified_at, version) VALUES ($1, $2, $3, $4, 1)
			ON CONFLICT (tenant_id, id) DO UPDATE SET body = excluded.body, modified_at = excluded.modified_at, version = policy.version + 1
			WHERE policy.version = $5`, tenant, id, string(text), micros(from.ModifiedAt), from.Version)
		if err := changed(n, err, stale); err != nil {
			return err
		}
		return tx.append(ctx, e)
	})
}

// MethodPolicy implements method.Policies.
func (db *DB) MethodPolicy(ctx context.Context, tenant directory.TenantID, id string, into any) (method.Revision, error) {
	return db.policy(ctx, tenant, id, into)
}

// SaveMethodPolicy implements method.Policies.
func (db *DB) SaveMethodPolicy(ctx context.Context, tenant directory.TenantID, id string, from method.Revision, body any, e audit.Event) error {
	return db.savePolicy(ctx, tenant, id, from, body, method.ErrPolicyChanged, e)
}
