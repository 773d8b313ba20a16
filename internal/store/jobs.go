package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/jobs"
	"github.com/postern-id/postern/internal/lifecycle"
)

const jobColumns = `id, kind, unique_key, body, state, created_at, due_at, lease_until, attempts, last_error, ended_at`

func scanJob(tenant directory.TenantID, scan func(...any) error) (jobs.Job, error) {
	j := jobs.Job{Tenant: tenant}
	var created, due, lease, ended int64
	err := scan(&j.ID, &j.Kind, &j.Key, &j.Body, &j.State, &created, &due, &lease, &j.Attempts, &j.LastError, &ended)
	j.CreatedAt, j.DueAt, j.LeaseUntil, j.EndedAt = fromMicros(created), fromMicros(due), fromMicros(lease), fromMicros(ended)
	return j, err
}

// enqueue adds jobs to this change. One whose kind and key are there already is left out.
func (tx *Tx) enqueue(ctx context.Context, all ...jobs.Job) error {
	for _, j := range all {
		if _, err := tx.exec(ctx, `
			INSERT INTO job (tenant_id, id, kind, unique_key, body, state, created_at, due_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
			ON CONFLICT (tenant_id, kind, unique_key) DO NOTHING`,
			j.Tenant, j.ID, j.Kind, j.Key, j.Body, string(j.State), micros(j.CreatedAt), micros(j.DueAt)); err != nil {
			return fmt.Errorf("queue a job: %w", err)
		}
	}
	return nil
}

// QueueJobs queues jobs that no other change asks for, and records the events.
func (db *DB) QueueJobs(ctx context.Context, all []jobs.Job, events ...audit.Event) error {
	return db.Write(ctx, func(ctx context.Context, tx *Tx) error {
		if err := tx.enqueue(ctx, all...); err != nil {
			return err
		}
		return tx.appendAll(ctx, events)
	})
}

// LeaseJob implements jobs.Store.
func (db *DB) LeaseJob(ctx context.Context, tenant directory.TenantID, kinds []string, now, until time.Time) (jobs.Job, error) {
	if _, err := dueJob(ctx, db.read, tenant, kinds, now); err != nil {
		return jobs.Job{}, err // most often nothing is due: no change is begun for that
	}
	var j jobs.Job
	err := db.Write(ctx, func(ctx context.Context, tx *Tx) (err error) {
		if j, err = dueJob(ctx, tx.q, tenant, kinds, now); err != nil {
			return err
		}
		n, err := tx.exec(ctx, `
			UPDATE job SET lease_until = $1, attempts = attempts + 1
			WHERE tenant_id = $2 AND id = $3 AND attempts = $4 AND lease_until = $5 AND state = $6`,
			micros(until), tenant, j.ID, j.Attempts, micros(j.LeaseUntil), string(jobs.Waiting))
		j.LeaseUntil, j.Attempts = until, j.Attempts+1
		return changed(n, err, jobs.ErrNoJob)
	})
	return j, err
}

func dueJob(ctx context.Context, q querier, tenant directory.TenantID, kinds []string, now time.Time) (jobs.Job, error) {
	if len(kinds) == 0 {
		return jobs.Job{}, jobs.ErrNoJob
	}
	args, marks := []any{tenant, string(jobs.Waiting), micros(now)}, make([]string, len(kinds))
	for i, kind := range kinds {
		args = append(args, kind)
		marks[i] = "$" + strconv.Itoa(len(args))
	}
	row := q.QueryRowContext(ctx, `
		SELECT `+jobColumns+` FROM job
		WHERE tenant_id = $1 AND state = $2 AND due_at <= $3 AND lease_until <= $3 AND kind IN (`+strings.Join(marks, ", ")+`)
		ORDER BY due_at, id LIMIT 1`, args...)
	j, err := scanJob(tenant, row.Scan)
	if errors.Is(err, sql.ErrNoRows) {
		return j, jobs.ErrNoJob
	}
	return j, err
}

// SettleJob implements jobs.Store.
func (db *DB) SettleJob(ctx context.Context, leased, after jobs.Job, events ...audit.Event) error {
	return db.Write(ctx, func(ctx context.Context, tx *Tx) error {
		n, err := tx.exec(ctx, `
			UPDATE job SET state = $1, due_at = $2, lease_until = 0, last_error = $3, ended_at = $4, attempts = $5, created_at = $6
			WHERE tenant_id = $7 AND id = $8 AND attempts = $9 AND lease_until = $10 AND state = $11`,
			string(after.State), micros(after.DueAt), after.LastError, micros(after.EndedAt), after.Attempts, micros(after.CreatedAt),
			leased.Tenant, leased.ID, leased.Attempts, micros(leased.LeaseUntil), string(jobs.Waiting))
		if err := changed(n, err, jobs.ErrLeaseLost); err != nil {
			return err
		}
		return tx.appendAll(ctx, events)
	})
}

// RemoveJobs implements jobs.Store.
func (db *DB) RemoveJobs(ctx context.Context, tenant directory.TenantID, before time.Time, limit int) (int64, error) {
	var all int64
	for _, state := range []jobs.State{jobs.Done, jobs.Dead} {
		const old = ` FROM job WHERE tenant_id = $1 AND state = $2 AND ended_at < $3`
		var there int
		if err := db.read.QueryRowContext(ctx, `SELECT COUNT(*) FROM (SELECT 1 AS one`+old+` LIMIT 1) AS old`, tenant, string(state), micros(before)).Scan(&there); err != nil {
			return all, err
		}
		if there == 0 {
			continue
		}
		err := db.Write(ctx, func(ctx context.Context, tx *Tx) error {
			n, err := tx.exec(ctx, `DELETE FROM job WHERE tenant_id = $1 AND id IN (SELECT id`+old+` ORDER BY ended_at LIMIT $4)`,
				tenant, string(state), micros(before), limit)
			all += n
			return err
		})
		if err != nil {
			return all, err
		}
	}
	return all, nil
}

// Jobs implements jobs.Shelf.
func (db *DB) Jobs(ctx context.Context, tenant directory.TenantID, state jobs.State, after []any, limit int) ([]jobs.Job, []any, error) {
	by, at := "ended_at", func(j jobs.Job) time.Time { return j.EndedAt }
	if state == jobs.Waiting {
		by, at = "due_at", func(j jobs.Job) time.Time { return j.DueAt }
	}
	from, id, err := historyPosition(after)
	if err != nil {
		return nil, nil, err
	}
	q := db.newQuery(tenant, "")
	q.add("SELECT ", jobColumns, " FROM job WHERE tenant_id = $1 AND state = ", q.arg(string(state)), " AND (", by, ", id) < (", q.arg(from), ", ", q.arg(id), ")")
	q.add(" ORDER BY ", by, " DESC, id DESC LIMIT ", q.arg(limit+1))
	rows, err := db.read.QueryContext(ctx, q.String(), q.args...)
	found, err := collect(rows, err, func(r *sql.Rows) (jobs.Job, error) { return scanJob(tenant, r.Scan) })
	if err != nil || len(found) <= limit {
		return found, nil, err
	}
	last := found[limit-1]
	return found[:limit], []any{micros(at(last)), last.ID}, nil
}

// DeadJob implements jobs.Shelf.
func (db *DB) DeadJob(ctx context.Context, tenant directory.TenantID, id string) (jobs.Job, error) {
	return deadJob(ctx, db.read, tenant, id)
}

func deadJob(ctx context.Context, q querier, tenant directory.TenantID, id string) (jobs.Job, error) {
	row := q.QueryRowContext(ctx, `SELECT `+jobColumns+` FROM job WHERE tenant_id = $1 AND id = $2 AND state = $3`, tenant, id, string(jobs.Dead))
	j, err := scanJob(tenant, row.Scan)
	if errors.Is(err, sql.ErrNoRows) {
		return j, jobs.ErrUnknown
	}
	return j, err
}

// WakeJob implements jobs.Shelf. It begins anew: attempts and age count from now.
func (db *DB) WakeJob(ctx context.Context, tenant directory.TenantID, id string, now time.Time, e audit.Event) error {
	return db.Write(ctx, func(ctx context.Context, tx *Tx) error {
		j, err := deadJob(ctx, tx.q, tenant, id)
		if err != nil {
			return err
		}
		body := j.Body
		if j.Kind == lifecycle.PersonJob {
			if body, err = lifecycle.Unvouched(body); err != nil {
				return err
			}
		}
		n, err := tx.exec(ctx, `
			UPDATE job SET state = $1, due_at = $2, created_at = $2, ended_at = 0, attempts = 0, lease_until = 0, last_error = '', body = $6
			WHERE tenant_id = $3 AND id = $4 AND state = $5`,
			string(jobs.Waiting), micros(now), tenant, id, string(jobs.Dead), body)
		if err := changed(n, err, jobs.ErrUnknown); err != nil {
			return err
		}
		if j.Kind == lifecycle.PersonJob {
			if err := tx.reopen(ctx, tenant, j.Key, now); err != nil {
				return err
			}
		}
		return tx.append(ctx, e)
	})
}
