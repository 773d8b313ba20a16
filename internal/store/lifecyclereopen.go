package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/lifecycle"
)

// reopen makes the tasks of a person wait again that ended when their job was given up: the one that
// failed and those after it. What was done stays done.
func (tx *Tx) reopen(ctx context.Context, tenant directory.TenantID, person string, at time.Time) error {
	p, err := tx.lifecyclePerson(ctx, tenant, person)
	if errors.Is(err, sql.ErrNoRows) {
		return nil // it is too old to be kept, and the job finds nothing to do
	}
	if err != nil {
		return err
	}
	open := lifecycle.GivenUp(p)
	if len(open) == 0 {
		return nil
	}
	failed, unprocessed := 0, 0
	for _, t := range p.Tasks {
		failed += number(t.Status == lifecycle.Failed)
		unprocessed += number(t.Status == lifecycle.Canceled)
	}
	for _, t := range open {
		if _, err := tx.exec(ctx, `UPDATE lifecycle_task SET status = $1, failure_reason = '', completed_at = 0 WHERE tenant_id = $2 AND id = $3`,
			string(lifecycle.Queued), tenant, t.ID); err != nil {
			return err
		}
	}
	n, err := tx.exec(ctx, `UPDATE lifecycle_person SET status = $1, completed_at = 0 WHERE tenant_id = $2 AND id = $3 AND status = $4`,
		string(lifecycle.InProgress), tenant, person, string(p.Status))
	if err := changed(n, err, lifecycle.ErrSettled); err != nil {
		return err
	}
	if _, err := tx.exec(ctx, `
		UPDATE lifecycle_run SET people_failed = people_failed - 1, tasks_failed = tasks_failed - $1, tasks_unprocessed = tasks_unprocessed - $2
		WHERE tenant_id = $3 AND id = $4`, failed, unprocessed, tenant, p.Run); err != nil {
		return err
	}
	return tx.standRun(ctx, tenant, p.Run, at)
}

// lifecyclePerson returns what a run does for one person, with the tasks; sql.ErrNoRows.
func (tx *Tx) lifecyclePerson(ctx context.Context, tenant directory.TenantID, id string) (lifecycle.Person, error) {
	row := tx.q.QueryRowContext(ctx, `SELECT `+personColumns+` FROM lifecycle_person WHERE tenant_id = $1 AND id = $2`, tenant, id)
	p, err := scanPerson(tenant, row.Scan)
	if err == nil {
		p.Tasks, err = tasksOf(ctx, tx.q, tenant, id)
	}
	return p, err
}
