package store

import (
	"context"
	"database/sql"
	"errors"
)

// Told implements audit.Marks.
func (l Log) Told(ctx context.Context, tenant, name string) (int64, bool, error) {
	var size int64
	err := l.db.read.QueryRowContext(ctx, `SELECT size FROM witness_mark WHERE tenant_id = $1 AND witness = $2`, tenant, name).Scan(&size)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, false, nil
	}
	return size, err == nil, err
}

// SetTold implements audit.Marks.
func (l Log) SetTold(ctx context.Context, tenant, name string, size int64) error {
	return l.db.Write(ctx, func(ctx context.Context, tx *Tx) error {
		_, err := tx.exec(ctx, `
			INSERT INTO witness_mark (tenant_id, witness, size) VALUES ($1, $2, $3)
			ON CONFLICT (tenant_id, witness) DO UPDATE SET size = excluded.size WHERE witness_mark.size < excluded.size`,
			tenant, name, size)
		return err
	})
}
