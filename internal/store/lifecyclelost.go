package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/postern-id/postern/internal/lifecycle"
	"github.com/postern-id/postern/internal/outbox"
)

// undeliver notes that the mail of a task was given up: with the task, the person and the run it belongs to.
func (tx *Tx) undeliver(ctx context.Context, i outbox.Item, at time.Time) error {
	id := lifecycle.Lost(i)
	if id == "" {
		return nil
	}
	var person string
	err := tx.q.QueryRowContext(ctx, `SELECT person_id FROM lifecycle_task WHERE tenant_id = $1 AND id = $2`, i.Tenant, id).Scan(&person)
	if errors.Is(err, sql.ErrNoRows) {
		return nil // it is too old to be kept
	}
	if err != nil {
		return err
	}
	p, err := tx.lifecyclePerson(ctx, i.Tenant, person)
	if err != nil {
		return err
	}
	was := p.Status
	t, event, ok := p.Undeliver(id, i.LastError, at)
	if !ok {
		return nil
	}
	if _, err := tx.exec(ctx, `UPDATE lifecycle_task SET status = $1, failure_reason = $2, completed_at = $3 WHERE tenant_id = $4 AND id = $5`,
		string(t.Status), t.FailureReason, micros(at), i.Tenant, id); err != nil {
		return err
	}
	if was.Ended() { // else it is counted once the last task ends
		now := lifecycle.StatusOfTasks(p.Tasks)
		if _, err := tx.exec(ctx, `UPDATE lifecycle_person SET status = $1 WHERE tenant_id = $2 AND id = $3`, string(now), i.Tenant, p.ID); err != nil {
			return err
		}
		first := number(was == lifecycle.Completed)
		if _, err := tx.exec(ctx, `
			UPDATE lifecycle_run SET people_succeeded = people_succeeded - $1, people_failed = people_failed + $1, tasks_failed = tasks_failed + 1
			WHERE tenant_id = $2 AND id = $3`, first, i.Tenant, p.Run); err != nil {
			return err
		}
		if err := tx.standRun(ctx, i.Tenant, p.Run, at); err != nil {
			return err
		}
	}
	return tx.append(ctx, event)
}
