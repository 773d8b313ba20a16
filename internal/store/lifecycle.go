package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/jobs"
	"github.com/postern-id/postern/internal/lifecycle"
)

const workflowColumns = `deleted_at, next_run_at, last_run_at, stamp, body`

func scanWorkflow(tenant directory.TenantID, scan func(...any) error) (lifecycle.Workflow, error) {
	w := lifecycle.Workflow{Tenant: tenant}
	var deleted, next, last int64
	var body string
	if err := scan(&deleted, &next, &last, &w.Stamp, &body); err != nil {
		return w, err
	}
	w.DeletedAt, w.NextRunAt, w.LastRunAt = fromMicros(deleted), fromMicros(next), fromMicros(last)
	return decoded(&w, body)
}

// Workflows implements lifecycle.Workflows.
func (db *DB) Workflows(ctx context.Context, tenant directory.TenantID, deleted bool) ([]lifecycle.Workflow, error) {
	which := "deleted_at = 0"
	if deleted {
		which = "deleted_at <> 0"
	}
	rows, err := db.read.QueryContext(ctx, `
		SELECT `+workflowColumns+` FROM lifecycle_workflow WHERE tenant_id = $1 AND `+which+` ORDER BY created_at, id`, tenant)
	return collect(rows, err, func(r *sql.Rows) (lifecycle.Workflow, error) { return scanWorkflow(tenant, r.Scan) })
}

// Workflow implements lifecycle.Workflows.
func (db *DB) Workflow(ctx context.Context, tenant directory.TenantID, id string) (lifecycle.Workflow, error) {
	row := db.read.QueryRowContext(ctx, `SELECT `+workflowColumns+` FROM lifecycle_workflow WHERE tenant_id = $1 AND id = $2`, tenant, id)
	w, err := scanWorkflow(tenant, row.Scan)
	if errors.Is(err, sql.ErrNoRows) {
		return w, lifecycle.ErrUnknown
	}
	return w, err
}

// WorkflowVersions implements lifecycle.Workflows.
func (db *DB) WorkflowVersions(ctx context.Context, tenant directory.TenantID, id string) ([]lifecycle.Workflow, error) {
	rows, err := db.read.QueryContext(ctx, `
		SELECT body FROM lifecycle_version WHERE tenant_id = $1 AND workflow_id = $2 ORDER BY version DESC`, tenant, id)
	return collect(rows, err, func(r *sql.Rows) (lifecycle.Workflow, error) {
		w := lifecycle.Workflow{Tenant: tenant}
		var body string
		if err := r.Scan(&body); err != nil {
			return w, err
		}
		return decoded(&w, body)
	})
}

// CreateWorkflow implements lifecycle.Workflows.
func (db *DB) CreateWorkflow(ctx context.Context, w lifecycle.Workflow, e audit.Event) error {
	body, err := json.Marshal(w)
	if err != nil {
		return err
	}
	return db.Write(ctx, func(ctx context.Context, tx *Tx) error {
		if err := tx.room(ctx, w.Tenant, "lifecycle_workflow", lifecycle.MostWorkflows); err != nil {
			return err
		}
		if _, err := tx.exec(ctx, `
			INSERT INTO lifecycle_workflow (tenant_id, id, created_at, deleted_at, next_run_at, last_run_at, stamp, body)
			VALUES ($1, $2, $3, 0, $4, 0, 1, $5)`, w.Tenant, w.ID, micros(w.CreatedAt), micros(w.NextRunAt), string(body)); err != nil {
			return err
		}
		if err := tx.keepVersion(ctx, w, string(body)); err != nil {
			return err
		}
		return tx.append(ctx, e)
	})
}

// room refuses one more row in a table of which a tenant has few.
func (tx *Tx) room(ctx context.Context, tenant directory.TenantID, table string, most int) error {
	return tx.roomFor(ctx, tenant, table, most, lifecycle.ErrMany)
}

func (tx *Tx) roomFor(ctx context.Context, tenant directory.TenantID, table string, most int, many error) error {
	if err := tx.touchTenant(ctx, tenant); err != nil { // one at a time, because they are counted
		return err
	}
	var n int
	err := tx.q.QueryRowContext(ctx, `SELECT COUNT(*) FROM `+table+` WHERE tenant_id = $1`, tenant).Scan(&n)
	if err == nil && n >= most {
		err = many
	}
	return err
}

func (tx *Tx) keepVersion(ctx context.Context, w lifecycle.Workflow, body string) error {
	_, err := tx.exec(ctx, `
		INSERT INTO lifecycle_version (tenant_id, workflow_id, version, body) VALUES ($1, $2, $3, $4)
		ON CONFLICT (tenant_id, workflow_id, version) DO UPDATE SET body = excluded.body`, w.Tenant, w.ID, w.Version, body)
	return err
}

// UpdateWorkflow implements lifecycle.Workflows.
func (db *DB) UpdateWorkflow(ctx context.Context, w lifecycle.Workflow, e audit.Event) error {
	body, err := json.Marshal(w)
	if err != nil {
		return err
	}
	return db.Write(ctx, func(ctx context.Context, tx *Tx) error {
		n, err := tx.exec(ctx, `
			UPDATE lifecycle_workflow SET deleted_at = $1, next_run_at = $2, last_run_at = $3, stamp = stamp + 1, body = $4
			WHERE tenant_id = $5 AND id = $6 AND stamp = $7`,
			micros(w.DeletedAt), micros(w.NextRunAt), micros(w.LastRunAt), string(body), w.Tenant, w.ID, w.Stamp)
		if err := changed(n, err, directory.ErrChanged); err != nil {
			return err
		}
		if err := tx.keepVersion(ctx, w, string(body)); err != nil {
			return err
		}
		return tx.append(ctx, e)
	})
}

// PurgeWorkflow implements lifecycle.Workflows.
func (db *DB) PurgeWorkflow(ctx context.Context, w lifecycle.Workflow, e audit.Event) error {
	return db.Write(ctx, func(ctx context.Context, tx *Tx) error {
		n, err := tx.exec(ctx, `DELETE FROM lifecycle_workflow WHERE tenant_id = $1 AND id = $2 AND stamp = $3`, w.Tenant, w.ID, w.Stamp)
		if err := changed(n, err, directory.ErrChanged); err != nil {
			return err
		}
		if _, err := tx.exec(ctx, `DELETE FROM lifecycle_version WHERE tenant_id = $1 AND workflow_id = $2`, w.Tenant, w.ID); err != nil {
			return err
		}
		return tx.append(ctx, e)
	})
}

// LifecycleSettings implements lifecycle.Workflows.
func (db *DB) LifecycleSettings(ctx context.Context, tenant directory.TenantID) (lifecycle.Settings, error) {
	s := lifecycle.DefaultSettings()
	var body string
	err := db.read.QueryRowContext(ctx, `SELECT stamp, body FROM lifecycle_settings WHERE tenant_id = $1`, tenant).Scan(&s.Stamp, &body)
	if errors.Is(err, sql.ErrNoRows) {
		return s, nil
	}
	if err != nil {
		return s, err
	}
	return decoded(&s, body)
}

// SetLifecycleSettings implements lifecycle.Workflows.
func (db *DB) SetLifecycleSettings(ctx context.Context, tenant directory.TenantID, s lifecycle.Settings, e audit.Event) error {
	body, err := json.Marshal(s)
	if err != nil {
		return err
	}
	return db.Write(ctx, func(ctx context.Context, tx *Tx) error {
		n, err := tx.exec(ctx, `
			INSERT INTO lifecycle_settings (tenant_id, stamp, body) VALUES ($1, 1, $2)
			ON CONFLICT (tenant_id) DO UPDATE SET stamp = lifecycle_settings.stamp + 1, body = excluded.body
			WHERE lifecycle_settings.stamp = $3`, tenant, string(body), s.Stamp)
		if err := changed(n, err, directory.ErrChanged); err != nil {
			return err
		}
		return tx.append(ctx, e)
	})
}

// Extensions implements lifecycle.Workflows.
func (db *DB) Extensions(ctx context.Context, tenant directory.TenantID) ([]lifecycle.Extension, error) {
	rows, err := db.read.QueryContext(ctx, `SELECT stamp, body FROM lifecycle_extension WHERE tenant_id = $1 ORDER BY created_at, id`, tenant)
	return collect(rows, err, func(r *sql.Rows) (lifecycle.Extension, error) { return scanExtension(tenant, r.Scan) })
}

func scanExtension(tenant directory.TenantID, scan func(...any) error) (lifecycle.Extension, error) {
	x := lifecycle.Extension{Tenant: tenant}
	var body string
	if err := scan(&x.Stamp, &body); err != nil {
		return x, err
	}
	return decoded(&x, body)
}

// Extension implements lifecycle.Workflows.
func (db *DB) Extension(ctx context.Context, tenant directory.TenantID, id string) (lifecycle.Extension, error) {
	row := db.read.QueryRowContext(ctx, `SELECT stamp, body FROM lifecycle_extension WHERE tenant_id = $1 AND id = $2`, tenant, id)
	x, err := scanExtension(tenant, row.Scan)
	if errors.Is(err, sql.ErrNoRows) {
		return x, lifecycle.ErrExtensionUnknown
	}
	return x, err
}

// PutExtension implements lifecycle.Workflows.
func (db *DB) PutExtension(ctx context.Context, x lifecycle.Extension, e audit.Event) error {
	body, err := json.Marshal(x)
	if err != nil {
		return err
	}
	return db.Write(ctx, func(ctx context.Context, tx *Tx) error {
		var n int64
		var err error
		if x.Stamp == 0 {
			if err := tx.room(ctx, x.Tenant, "lifecycle_extension", lifecycle.MostExtensions); err != nil {
				return err
			}
			n, err = tx.exec(ctx, `INSERT INTO lifecycle_extension (tenant_id, id, created_at, stamp, body) VALUES ($1, $2, $3, 1, $4)`,
				x.Tenant, x.ID, micros(x.CreatedAt), string(body))
		} else {
			n, err = tx.exec(ctx, `UPDATE lifecycle_extension SET stamp = stamp + 1, body = $1 WHERE tenant_id = $2 AND id = $3 AND stamp = $4`,
				string(body), x.Tenant, x.ID, x.Stamp)
		}
		if err := changed(n, err, directory.ErrChanged); err != nil {
			return err
		}
		return tx.append(ctx, e)
	})
}

// DeleteExtension implements lifecycle.Workflows.
func (db *DB) DeleteExtension(ctx context.Context, x lifecycle.Extension, e audit.Event) error {
	return db.Write(ctx, func(ctx context.Context, tx *Tx) error {
		n, err := tx.exec(ctx, `DELETE FROM lifecycle_extension WHERE tenant_id = $1 AND id = $2 AND stamp = $3`, x.Tenant, x.ID, x.Stamp)
		if err := changed(n, err, directory.ErrChanged); err != nil {
			return err
		}
		return tx.append(ctx, e)
	})
}

// ScheduledBefore implements lifecycle.Store.
func (db *DB) ScheduledBefore(ctx context.Context, tenant directory.TenantID, now time.Time) ([]lifecycle.Workflow, error) {
	rows, err := db.read.QueryContext(ctx, `
		SELECT `+workflowColumns+` FROM lifecycle_workflow
		WHERE tenant_id = $1 AND next_run_at > 0 AND next_run_at <= $2 AND deleted_at = 0 ORDER BY next_run_at, id`, tenant, micros(now))
	return collect(rows, err, func(r *sql.Rows) (lifecycle.Workflow, error) { return scanWorkflow(tenant, r.Scan) })
}

// Schedule implements lifecycle.Store. The stamp stays: whoever edits the workflow meanwhile is not
// disturbed by it.
func (db *DB) Schedule(ctx context.Context, w lifecycle.Workflow, now, next time.Time, j jobs.Job) error {
	return db.Write(ctx, func(ctx context.Context, tx *Tx) error {
		n, err := tx.exec(ctx, `
			UPDATE lifecycle_workflow SET next_run_at = $1, last_run_at = $2 WHERE tenant_id = $3 AND id = $4 AND next_run_at = $5`,
			micros(next), micros(now), w.Tenant, w.ID, micros(w.NextRunAt))
		if err := changed(n, err, lifecycle.ErrStale); err != nil {
			return err
		}
		return tx.enqueue(ctx, j)
	})
}

// attributeColumns are where dates of people are found by.
var attributeColumns = map[lifecycle.Attribute]string{
	lifecycle.HireDate: "employee_hire_at", lifecycle.LeaveDate: "employee_leave_at", lifecycle.Created: "created_at",
}

// peopleBy asks for people by one of attributeColumns.
func peopleBy(column string) string {
	return `
		SELECT ` + userColumns + ` FROM directory_user
		WHERE tenant_id = $1 AND (` + column + `, id) > ($2, $3) AND ` + column + ` <= $4 AND ` + column + ` <> 0
		ORDER BY ` + column + `, id LIMIT $5`
}

// PeopleAt implements lifecycle.Store.
func (db *DB) PeopleAt(
	ctx context.Context, tenant directory.TenantID, a lifecycle.Attribute, from, to time.Time, last directory.User, limit int,
) ([]directory.User, error) {
	column, ok := attributeColumns[a]
	if !ok {
		return nil, fmt.Errorf("people are not found by %q", a)
	}
	after, id := micros(from), "~" // after every id
	if last.ID != "" {
		after, id = micros(a.Of(last)), string(last.ID)
	}
	rows, err := db.read.QueryContext(ctx, peopleBy(column), tenant, after, id, micros(to), limit)
	return collect(rows, err, func(r *sql.Rows) (directory.User, error) { return scanUser(tenant, r.Scan) })
}
