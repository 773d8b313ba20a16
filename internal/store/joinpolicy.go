package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
)

const joinPolicyID = "deviceRegistrationPolicy"

// JoinPolicy returns who may join devices, the default where the tenant said nothing.
func (db *DB) JoinPolicy(ctx context.Context, tenant directory.TenantID) (directory.JoinPolicy, error) {
	var body string
	var modified int64
	var p directory.JoinPolicy
	err := db.read.QueryRowContext(ctx, `SELECT body, modified_at, version FROM policy WHERE tenant_id = $1 AND id = $2`,
		tenant, joinPolicyID).Scan(&body, &modified, &p.Version)
	if errors.Is(err, sql.ErrNoRows) {
		return directory.DefaultJoinPolicy(), nil
	}
	if err != nil {
		return p, err
	}
	p.ModifiedAt = fromMicros(modified)
	return decoded(&p, body)
}

// SaveJoinPolicy stores p if its version is still the stored one, else
// directory.ErrJoinPolicyChanged, and records e.
func (db *DB) SaveJoinPolicy(ctx context.Context, tenant directory.TenantID, p directory.JoinPolicy, e audit.Event) error {
	body, err := json.Marshal(p)
	if err != nil {
		return err
	}
	return db.Write(ctx, func(ctx context.Context, tx *Tx) error {
		n, err := tx.exec(ctx, `
			INSERT INTO policy (tenant_id, id, body, modified_at, version) VALUES ($1, $2, $3, $4, 1)
			ON CONFLICT (tenant_id, id) DO UPDATE SET body = excluded.body, modified_at = excluded.modified_at, version = policy.version + 1
			WHERE policy.version = $5`, tenant, joinPolicyID, string(body), micros(p.ModifiedAt), p.Version)
		if err := changed(n, err, directory.ErrJoinPolicyChanged); err != nil {
			return err
		}
		return tx.append(ctx, e)
	})
}
