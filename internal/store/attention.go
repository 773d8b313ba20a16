package store

import (
	"context"
	"database/sql"
	"time"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/jobs"
	"github.com/postern-id/postern/internal/lifecycle"
	"github.com/postern-id/postern/internal/report"
)

// enough bounds how far the rows that attention is about are counted.
const enough = 1000

// RefusedOften implements graph.Reports.
func (db *DB) RefusedOften(ctx context.Context, tenant directory.TenantID, since time.Time, limit int) ([]report.Subject, error) {
	rows, err := db.read.QueryContext(ctx, `
		SELECT u.id, u.body, t.refused, t.refused_at FROM (
			SELECT user_id, refused, refused_at FROM tally_person WHERE tenant_id = $1 AND alarm_at >= $2
			ORDER BY alarm_at DESC LIMIT $3) AS t
		JOIN directory_user u ON u.tenant_id = $1 AND u.id = t.user_id
		ORDER BY t.refused DESC, t.refused_at DESC LIMIT $4`, tenant, micros(since), enough, limit)
	return collect(rows, err, func(r *sql.Rows) (report.Subject, error) {
		var s report.Subject
		var body string
		var at int64
		if err := r.Scan(&s.ID, &body, &s.N, &at); err != nil {
			return s, err
		}
		u, err := decoded(&directory.User{}, body)
		s.Name, s.At = u.DisplayName, fromMicros(at)
		return s, err
	})
}

// lostPasses are of the pass t those tasks that made it, or a later one, and whose mail was given up: nobody holds
// such a pass. Few mails are dead, and their keys lead to the tasks.
const lostPasses = `
	SELECT 1 FROM outbox o
	JOIN lifecycle_task l ON l.tenant_id = $1 AND l.id = ` + taskOfMail + `
	JOIN lifecycle_person p ON p.tenant_id = $1 AND p.id = l.person_id
	WHERE o.tenant_id = $1 AND o.state = 'dead' AND o.kind = $8
		AND p.user_id = t.user_id AND l.status = 'failed' AND l.failure_reason LIKE $9 AND l.completed_at >= t.created_at`

// Starters implements graph.Reports.
func (db *DB) Starters(ctx context.Context, tenant directory.TenantID, from, until, now time.Time, limit int) ([]report.Subject, error) {
	rows, err := db.read.QueryContext(ctx, `
		SELECT u.id, u.body, u.employee_hire_at, COALESCE(m.body, '{}') FROM (
			SELECT id, body, employee_hire_at, manager_id FROM directory_user
			WHERE tenant_id = $1 AND employee_hire_at >= $2 AND employee_hire_at < $3 AND account_enabled
			ORDER BY employee_hire_at, id LIMIT $4) AS u
		LEFT JOIN directory_user m ON m.tenant_id = $1 AND m.id = u.manager_id
		WHERE NOT EXISTS (SELECT 1 FROM tap t WHERE t.tenant_id = $1 AND t.user_id = u.id AND t.end_at > $5
				AND NOT (t.used_at = 0 AND t.body LIKE $7 AND EXISTS (`+lostPasses+`)))
			AND NOT EXISTS (SELECT 1 FROM credential c WHERE c.tenant_id = $1 AND c.user_id = u.id)
			AND NOT EXISTS (SELECT 1 FROM pin_container p WHERE p.tenant_id = $1 AND p.user_id = u.id AND p.method_id <> '')
		ORDER BY u.employee_hire_at, u.id LIMIT $6`,
		tenant, micros(from), micros(until), enough, micros(now), limit,
		`%"`+lifecycle.Actor.App.DisplayName+`"%`, lifecycle.MailKind, lifecycle.Undelivered+"%")
	return collect(rows, err, func(r *sql.Rows) (report.Subject, error) {
		var s report.Subject
		var body, boss string
		var at int64
		if err := r.Scan(&s.ID, &body, &at, &boss); err != nil {
			return s, err
		}
		u, err := decoded(&directory.User{}, body)
		if err != nil {
			return s, err
		}
		m, err := decoded(&directory.User{}, boss)
		s.Name, s.With, s.At = u.DisplayName, m.DisplayName, fromMicros(at)
		return s, err
	})
}

// Waiting implements graph.Reports.
func (db *DB) Waiting(ctx context.Context, tenant directory.TenantID, now time.Time) (w report.Waiting, err error) {
	if err := db.read.QueryRowContext(ctx, `
		SELECT COUNT(*) FROM (SELECT 1 AS one FROM tap WHERE tenant_id = $1 AND end_at > $2 AND used_at = 0 LIMIT $3) AS waiting`,
		tenant, micros(now), enough).Scan(&w.Passes); err != nil {
		return w, err
	}
	if err := db.read.QueryRowContext(ctx, `
		SELECT COUNT(*) FROM (SELECT 1 AS one FROM outbox WHERE tenant_id = $1 AND state = 'dead' LIMIT $2) AS waiting`,
		tenant, enough).Scan(&w.MailGivenUp); err != nil {
		return w, err
	}
	if err := db.read.QueryRowContext(ctx, `
		SELECT COUNT(*) FROM (SELECT 1 AS one FROM job WHERE tenant_id = $1 AND state = $2 LIMIT $3) AS waiting`,
		tenant, string(jobs.Dead), enough).Scan(&w.JobsGivenUp); err != nil {
		return w, err
	}
	var oldest sql.NullInt64
	if err := db.read.QueryRowContext(ctx, `
		SELECT MIN(at) FROM (SELECT at FROM event WHERE tenant_id = $1 AND position = -1 LIMIT $2) AS waiting`, tenant, enough).Scan(&oldest); err != nil {
		return w, err
	}
	w.OldestUnsealed = fromMicros(oldest.Int64)
	admins, err := globalAdministrators(ctx, db.read, tenant)
	w.GlobalAdministrators = len(admins)
	return w, err
}
