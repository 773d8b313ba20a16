package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/postern-id/postern/internal/directory"
)

// leavingFilled is the row of meta that says that employee_leave_at is filled.
const leavingFilled = "leaving filled"

// leavingPage is how many people are read at once.
const leavingPage = 1000

// fillLeaving writes the column that people are found by the day they leave by, once, from what the
// first release kept in the body alone. Done twice at a time it does the same.
func (db *DB) fillLeaving(ctx context.Context) error {
	var done string
	err := db.write.QueryRowContext(ctx, `SELECT value FROM meta WHERE name = $1`, leavingFilled).Scan(&done)
	if err == nil || !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	type leaver struct {
		tenant directory.TenantID
		id     directory.UserID
		body   string
	}
	var last leaver
	for {
		rows, err := db.write.QueryContext(ctx, `
			SELECT tenant_id, id, body FROM directory_user
			WHERE (tenant_id, id) > ($1, $2) AND employee_leave_at = 0 AND body LIKE '%"employeeLeaveDateTime"%'
			ORDER BY tenant_id, id LIMIT $3`, last.tenant, last.id, leavingPage)
		found, err := collect(rows, err, func(r *sql.Rows) (leaver, error) {
			var l leaver
			err := r.Scan(&l.tenant, &l.id, &l.body)
			return l, err
		})
		if err != nil {
			return fmt.Errorf("read who leaves: %w", err)
		}
		for _, l := range found {
			var u directory.User
			if err := json.Unmarshal([]byte(l.body), &u); err != nil {
				return fmt.Errorf("read user %s: %w", l.id, err)
			}
			if _, err := db.write.ExecContext(ctx, `UPDATE directory_user SET employee_leave_at = $1 WHERE tenant_id = $2 AND id = $3`,
				micros(u.EmployeeLeaveDateTime), l.tenant, l.id); err != nil {
				return fmt.Errorf("note who leaves: %w", err)
			}
		}
		if len(found) < leavingPage {
			break
		}
		last = found[len(found)-1]
	}
	_, err = db.write.ExecContext(ctx, `INSERT INTO meta (name, value) VALUES ($1, 'yes') ON CONFLICT (name) DO NOTHING`, leavingFilled)
	return err
}
