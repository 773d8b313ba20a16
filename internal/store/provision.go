package store

import (
	"context"
	"database/sql"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/filter"
)

// ChangeGroup implements provision.Store.
func (db *DB) ChangeGroup(
	ctx context.Context, g directory.Group, add, remove []directory.Ref, note func(m directory.Ref, added bool) audit.Event, events ...audit.Event,
) error {
	return db.Write(ctx, func(ctx context.Context, tx *Tx) error {
		if err := tx.touchTenant(ctx, g.Tenant); err != nil {
			return err
		}
		if err := tx.replaceGroup(ctx, g); err != nil {
			return err
		}
		if len(add)+len(remove) > 0 {
			if err := tx.byHand(ctx, g); err != nil {
				return err
			}
		}
		if err := tx.appendAll(ctx, events); err != nil {
			return err
		}
		for _, m := range add {
			added, err := tx.addMissing(ctx, g, m)
			if err != nil {
				return err
			}
			if added {
				if err := tx.append(ctx, note(m, true)); err != nil {
					return err
				}
			}
		}
		take := func() error { return tx.removeMembers(ctx, g, remove, note) }
		if g.IsAssignableToRole {
			return tx.keepAdministrator(ctx, g.Tenant, take)
		}
		return take()
	})
}

// addMissing adds m to g unless it is there, and reports whether it was not.
func (tx *Tx) addMissing(ctx context.Context, g directory.Group, m directory.Ref) (bool, error) {
	var n int
	err := tx.q.QueryRowContext(ctx, `
		SELECT COUNT(*) FROM group_link WHERE tenant_id = $1 AND group_id = $2 AND relation = 'member' AND object_id = $3`,
		g.Tenant, g.ID, m.ID).Scan(&n)
	if err != nil || n > 0 {
		return false, err
	}
	return true, tx.addMember(ctx, g, m)
}

// removeMembers takes out of g who is in it.
func (tx *Tx) removeMembers(ctx context.Context, g directory.Group, members []directory.Ref, note func(directory.Ref, bool) audit.Event) error {
	for _, m := range members {
		n, err := tx.exec(ctx, `
			DELETE FROM group_link WHERE tenant_id = $1 AND group_id = $2 AND relation = $3 AND object_id = $4`,
			g.Tenant, g.ID, directory.Member, m.ID)
		if err != nil {
			return err
		}
		if n > 0 {
			if err := tx.append(ctx, note(m, false)); err != nil {
				return err
			}
		}
	}
	return nil
}

// UsersWith implements provision.Finder.
func (db *DB) UsersWith(ctx context.Context, tenant directory.TenantID, property, value string, limit int) ([]directory.User, error) {
	column := "external_id"
	if property == "employeeId" {
		column, value = "employee_id", filter.Fold(value)
	}
	rows, err := db.read.QueryContext(ctx, usersWith(column), tenant, value, limit)
	return collect(rows, err, func(r *sql.Rows) (directory.User, error) { return scanUser(tenant, r.Scan) })
}

// usersWith says that the value is set, for without that SQLite can't use an index that leaves out the others.
func usersWith(column string) string {
	return `SELECT ` + userColumns + ` FROM directory_user WHERE tenant_id = $1 AND ` + column + ` = $2 AND ` + column + ` <> '' ORDER BY id LIMIT $3`
}
