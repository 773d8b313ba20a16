package store

import (
	"context"
	"database/sql"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
)

// Views implements graph.Store.
func (db *DB) Views(ctx context.Context, tenant directory.TenantID, user directory.UserID) ([]directory.View, error) {
	rows, err := db.read.QueryContext(ctx, `
		SELECT id, page, name, query, created_at FROM saved_view WHERE tenant_id = $1 AND user_id = $2 ORDER BY page, name`, tenant, user)
	return collect(rows, err, func(r *sql.Rows) (directory.View, error) {
		v := directory.View{Tenant: tenant, User: user}
		var at int64
		err := r.Scan(&v.ID, &v.Page, &v.Name, &v.Query, &at)
		v.CreatedAt = fromMicros(at)
		return v, err
	})
}

// SaveView implements graph.Store.
func (db *DB) SaveView(ctx context.Context, v directory.View, e audit.Event) error {
	return db.Write(ctx, func(ctx context.Context, tx *Tx) error {
		// The person's row comes first: of two at once only one can be the last that fits.
		if n, err := tx.exec(ctx, `UPDATE directory_user SET id = id WHERE tenant_id = $1 AND id = $2`, v.Tenant, v.User); err != nil || n == 0 {
			return changed(n, err, directory.ErrUserUnknown)
		}
		var all, same int
		if err := tx.q.QueryRowContext(ctx, `
			SELECT COUNT(*), COALESCE(SUM(CASE WHEN page = $1 AND name = $2 THEN 1 ELSE 0 END), 0) FROM saved_view
			WHERE tenant_id = $3 AND user_id = $4`, v.Page, v.Name, v.Tenant, v.User).Scan(&all, &same); err != nil {
			return err
		}
		if same > 0 {
			return directory.ErrViewExists
		}
		if all >= directory.MostViews {
			return directory.ErrManyViews
		}
		if _, err := tx.exec(ctx, `
			INSERT INTO saved_view (tenant_id, user_id, id, page, name, query, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
			v.Tenant, v.User, v.ID, v.Page, v.Name, v.Query, micros(v.CreatedAt)); err != nil {
			return err
		}
		return tx.append(ctx, e)
	})
}

// RemoveView implements graph.Store.
func (db *DB) RemoveView(ctx context.Context, tenant directory.TenantID, user directory.UserID, id string, e audit.Event) error {
	return db.Write(ctx, func(ctx context.Context, tx *Tx) error {
		n, err := tx.exec(ctx, `DELETE FROM saved_view WHERE tenant_id = $1 AND user_id = $2 AND id = $3`, tenant, user, id)
		if err := changed(n, err, directory.ErrObjectUnknown); err != nil {
			return err
		}
		return tx.append(ctx, e)
	})
}
