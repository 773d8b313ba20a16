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

const runColumns = `id, workflow_id, version, execution, status, scheduled_at, completed_at, updated_at, gathering,
	people, people_succeeded, people_failed, tasks, tasks_failed, tasks_unprocessed`

func scanRun(tenant directory.TenantID, scan func(...any) error) (lifecycle.Run, error) {
	r := lifecycle.Run{Tenant: tenant}
	var scheduled, completed, updated, gathering int64
	c := &r.Counts
	err := scan(&r.ID, &r.Workflow, &r.Version, &r.Execution, &r.Status, &scheduled, &completed, &updated, &gathering,
		&c.People, &c.Succeeded, &c.Failed, &c.Tasks, &c.TasksFailed, &c.TasksUnprocessed)
	r.ScheduledAt, r.StartedAt, r.CompletedAt, r.UpdatedAt = fromMicros(scheduled), fromMicros(scheduled), fromMicros(completed), fromMicros(updated)
	r.Gathering = gathering != 0
	return r, err
}

func runOf(ctx context.Context, q querier, tenant directory.TenantID, id string) (lifecycle.Run, error) {
	row := q.QueryRowContext(ctx, `SELECT `+runColumns+` FROM lifecycle_run WHERE tenant_id = $1 AND id = $2`, tenant, id)
	r, err := scanRun(tenant, row.Scan)
	if errors.Is(err, sql.ErrNoRows) {
		return r, lifecycle.ErrRunUnknown
	}
	return r, err
}

// once says what of a person a run is about.
func once(p lifecycle.Person) string {
	if p.Execution == lifecycle.OnDemand {
		return p.Run
	}
	return p.Trigger.UTC().Format(time.RFC3339Nano)
}

// AddPeople implements lifecycle.Store.
func (db *DB) AddPeople(ctx context.Context, r lifecycle.Run, people []lifecycle.Person, work []jobs.Job, events ...audit.Event) (added int, err error) {
	if added, err = db.newOf(ctx, people); err != nil || added == 0 {
		return 0, err // most often all of them were seen to: no change is begun for that
	}
	err = db.Write(ctx, func(ctx context.Context, tx *Tx) error {
		added = 0
		if _, err := tx.exec(ctx, `
			INSERT INTO lifecycle_run (tenant_id, id, workflow_id, version, execution, status, scheduled_at, updated_at, gathering)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (tenant_id, id) DO NOTHING`,
			r.Tenant, r.ID, r.Workflow, r.Version, string(r.Execution), string(r.Status), micros(r.ScheduledAt), micros(r.UpdatedAt), number(r.Gathering)); err != nil {
			return err
		}
		tasks := 0
		for i, p := range people {
			n, err := tx.addPerson(ctx, p)
			if err != nil {
				return err
			}
			if n == 0 {
				continue
			}
			added++
			tasks += len(p.Tasks)
			if err := tx.enqueue(ctx, work[i]); err != nil {
				return err
			}
		}
		if added == 0 {
			return errNothingAdded
		}
		if _, err := tx.exec(ctx, `UPDATE lifecycle_run SET people = people + $1, tasks = tasks + $2 WHERE tenant_id = $3 AND id = $4`,
			added, tasks, r.Tenant, r.ID); err != nil {
			return err
		}
		return tx.appendAll(ctx, events)
	})
	if errors.Is(err, errNothingAdded) {
		return 0, nil
	}
	return added, err
}

var errNothingAdded = errors.New("nobody was added")

// number is a truth as databases keep it alike.
func number(b bool) int {
	if b {
		return 1
	}
	return 0
}

// newOf counts whom of people their workflow did not see to yet.
func (db *DB) newOf(ctx context.Context, people []lifecycle.Person) (int, error) {
	fresh := 0
	for _, p := range people {
		var n int
		if err := db.read.QueryRowContext(ctx, `
			SELECT COUNT(*) FROM lifecycle_person WHERE tenant_id = $1 AND workflow_id = $2 AND user_id = $3 AND once = $4`,
			p.Tenant, p.Workflow, p.User, once(p)).Scan(&n); err != nil {
			return 0, err
		}
		fresh += 1 - n
	}
	return fresh, nil
}

func (tx *Tx) addPerson(ctx context.Context, p lifecycle.Person) (int64, error) {
	n, err := tx.exec(ctx, `
		INSERT INTO lifecycle_person (tenant_id, id, run_id, workflow_id, version, execution, user_id, trigger_at, once, status, scheduled_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT (tenant_id, workflow_id, user_id, once) DO NOTHING`,
		p.Tenant, p.ID, p.Run, p.Workflow, p.Version, string(p.Execution), p.User, micros(p.Trigger), once(p), string(p.Status), micros(p.ScheduledAt))
	if err != nil || n == 0 {
		return n, err
	}
	for _, t := range p.Tasks {
		body, err := json.Marshal(t.Task)
		if err != nil {
			return n, err
		}
		if _, err := tx.exec(ctx, `
			INSERT INTO lifecycle_task (tenant_id, id, person_id, run_id, sequence, status, created_at, body) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
			p.Tenant, t.ID, p.ID, p.Run, t.Sequence, string(t.Status), micros(t.CreatedAt), string(body)); err != nil {
			return n, err
		}
	}
	return n, nil
}

// EndGathering implements lifecycle.Store.
func (db *DB) EndGathering(ctx context.Context, tenant directory.TenantID, run string, at time.Time) error {
	if _, err := runOf(ctx, db.read, tenant, run); errors.Is(err, lifecycle.ErrRunUnknown) {
		return nil
	}
	return db.Write(ctx, func(ctx context.Context, tx *Tx) error {
		if _, err := tx.exec(ctx, `UPDATE lifecycle_run SET gathering = 0 WHERE tenant_id = $1 AND id = $2`, tenant, run); err != nil {
			return err
		}
		return tx.standRun(ctx, tenant, run, at)
	})
}

// standRun stores how a run stands by its counts.
func (tx *Tx) standRun(ctx context.Context, tenant directory.TenantID, id string, at time.Time) error {
	r, err := runOf(ctx, tx.q, tenant, id)
	if errors.Is(err, lifecycle.ErrRunUnknown) {
		return nil // it is too old to be kept
	}
	if err != nil {
		return err
	}
	s := lifecycle.StatusOf(r.Counts, r.Gathering)
	completed := int64(0)
	if s.Ended() {
		completed = micros(at)
	}
	_, err = tx.exec(ctx, `UPDATE lifecycle_run SET status = $1, completed_at = $2, updated_at = $3 WHERE tenant_id = $4 AND id = $5`,
		string(s), completed, micros(at), tenant, id)
	return err
}

// Begin implements lifecycle.Store.
func (db *DB) Begin(ctx context.Context, p lifecycle.Person, t lifecycle.TaskResult, at time.Time) error {
	if t.Status == lifecycle.InProgress {
		return nil
	}
	return db.Write(ctx, func(ctx context.Context, tx *Tx) error {
		if _, err := tx.exec(ctx, `UPDATE lifecycle_task SET status = $1, started_at = $2 WHERE tenant_id = $3 AND id = $4 AND status = $5`,
			string(lifecycle.InProgress), micros(at), p.Tenant, t.ID, string(lifecycle.Queued)); err != nil {
			return err
		}
		_, err := tx.exec(ctx, `UPDATE lifecycle_person SET status = $1, started_at = $2 WHERE tenant_id = $3 AND id = $4 AND status = $5`,
			string(lifecycle.InProgress), micros(at), p.Tenant, p.ID, string(lifecycle.Queued))
		return err
	})
}

// Settle implements lifecycle.Store.
func (db *DB) Settle(ctx context.Context, p lifecycle.Person, ends []lifecycle.TaskResult, did lifecycle.Effect, at time.Time) error {
	return db.Write(ctx, func(ctx context.Context, tx *Tx) error {
		for i, t := range ends {
			n, err := tx.exec(ctx, `
				UPDATE lifecycle_task SET status = $1, failure_reason = $2, completed_at = $3
				WHERE tenant_id = $4 AND id = $5 AND person_id = $6 AND status IN ('queued', 'inProgress')`,
				string(t.Status), t.FailureReason, micros(t.CompletedAt), p.Tenant, t.ID, p.ID)
			if err != nil {
				return err
			}
			if i == 0 && n == 0 {
				return lifecycle.ErrSettled
			}
		}
		if err := tx.apply(ctx, p, did, at); err != nil {
			return err
		}
		return tx.standPerson(ctx, p, at)
	})
}

// apply makes what a task changes.
func (tx *Tx) apply(ctx context.Context, p lifecycle.Person, did lifecycle.Effect, at time.Time) error {
	if did.Of != nil {
		if u, err := userBy(ctx, tx.q, p.Tenant, "id", string(p.User)); err != nil {
			return err
		} else if u.Version != did.Of.Version {
			return directory.ErrChanged
		}
	}
	if did.User != nil {
		if err := tx.updateUser(ctx, *did.User, at); err != nil {
			return err
		}
	}
	me := directory.Ref{Kind: directory.KindUser, ID: string(p.User)}
	for _, g := range did.Join {
		if err := tx.addMembers(ctx, g, []directory.Ref{me}, nil); err != nil && !errors.Is(err, directory.ErrLinkExists) {
			return err
		}
	}
	for _, g := range did.Leave {
		if err := tx.byHand(ctx, g); err != nil {
			return err
		}
		if err := tx.deleteMember(ctx, g.Tenant, g.ID, me.ID); err != nil {
			return err
		}
	}
	if did.Pass != nil {
		if err := tx.putPass(ctx, *did.Pass); err != nil {
			return err
		}
	}
	if h := did.HandOver; h != nil {
		if err := tx.putHandover(ctx, h.Handover, h.Sealed); err != nil {
			return err
		}
	}
	if err := tx.queue(ctx, did.Mails); err != nil {
		return err
	}
	return tx.appendAll(ctx, did.Events)
}

// standPerson stores how a person stands by their tasks, and once all of them ended, counts them in
// their run.
func (tx *Tx) standPerson(ctx context.Context, p lifecycle.Person, at time.Time) error {
	tasks, err := tasksOf(ctx, tx.q, p.Tenant, p.ID)
	if err != nil {
		return err
	}
	s := lifecycle.StatusOfTasks(tasks)
	if !s.Ended() {
		return nil
	}
	n, err := tx.exec(ctx, `
		UPDATE lifecycle_person SET status = $1, completed_at = $2, started_at = CASE WHEN started_at = 0 THEN $2 ELSE started_at END
		WHERE tenant_id = $3 AND id = $4 AND status IN ('queued', 'inProgress')`, string(s), micros(at), p.Tenant, p.ID)
	if err := changed(n, err, lifecycle.ErrSettled); err != nil {
		return err
	}
	failed, unprocessed := 0, 0
	for _, t := range tasks {
		failed += number(t.Status == lifecycle.Failed)
		unprocessed += number(t.Status == lifecycle.Canceled)
	}
	if _, err := tx.exec(ctx, `
		UPDATE lifecycle_run SET people_succeeded = people_succeeded + $1, people_failed = people_failed + $2,
			tasks_failed = tasks_failed + $3, tasks_unprocessed = tasks_unprocessed + $4
		WHERE tenant_id = $5 AND id = $6`,
		number(s == lifecycle.Completed), number(s != lifecycle.Completed), failed, unprocessed, p.Tenant, p.Run); err != nil {
		return err
	}
	return tx.standRun(ctx, p.Tenant, p.Run, at)
}

const taskColumns = `id, sequence, status, failure_reason, created_at, started_at, completed_at, body`

func tasksOf(ctx context.Context, q querier, tenant directory.TenantID, person string) ([]lifecycle.TaskResult, error) {
	rows, err := q.QueryContext(ctx, `SELECT `+taskColumns+` FROM lifecycle_task WHERE tenant_id = $1 AND person_id = $2 ORDER BY sequence`, tenant, person)
	return collect(rows, err, func(r *sql.Rows) (lifecycle.TaskResult, error) {
		var t lifecycle.TaskResult
		var created, started, completed int64
		var body string
		if err := r.Scan(&t.ID, &t.Sequence, &t.Status, &t.FailureReason, &created, &started, &completed, &body); err != nil {
			return t, err
		}
		t.CreatedAt, t.StartedAt, t.CompletedAt = fromMicros(created), fromMicros(started), fromMicros(completed)
		return t, json.Unmarshal([]byte(body), &t.Task)
	})
}

const personColumns = `id, run_id, workflow_id, version, execution, user_id, trigger_at, status, scheduled_at, started_at, completed_at`

func scanPerson(tenant directory.TenantID, scan func(...any) error) (lifecycle.Person, error) {
	p := lifecycle.Person{Tenant: tenant}
	var trigger, scheduled, started, completed int64
	err := scan(&p.ID, &p.Run, &p.Workflow, &p.Version, &p.Execution, &p.User, &trigger, &p.Status, &scheduled, &started, &completed)
	p.Trigger, p.ScheduledAt, p.StartedAt, p.CompletedAt = fromMicros(trigger), fromMicros(scheduled), fromMicros(started), fromMicros(completed)
	return p, err
}

// Person implements lifecycle.Runs.
func (db *DB) Person(ctx context.Context, tenant directory.TenantID, id string) (lifecycle.Person, error) {
	row := db.read.QueryRowContext(ctx, `SELECT `+personColumns+` FROM lifecycle_person WHERE tenant_id = $1 AND id = $2`, tenant, id)
	p, err := scanPerson(tenant, row.Scan)
	if errors.Is(err, sql.ErrNoRows) {
		return p, lifecycle.ErrRunUnknown
	}
	if err != nil {
		return p, err
	}
	err = fill(ctx, db.read, &p)
	return p, err
}

// fill reads into p its tasks, and until when they wait.
func fill(ctx context.Context, q querier, p *lifecycle.Person) error {
	var err error
	if p.Tasks, err = tasksOf(ctx, q, p.Tenant, p.ID); err != nil || p.Status != lifecycle.InProgress {
		return err
	}
	row := q.QueryRowContext(ctx, `SELECT `+jobColumns+` FROM job WHERE tenant_id = $1 AND kind = $2 AND unique_key = $3`,
		p.Tenant, lifecycle.PersonJob, p.ID)
	j, err := scanJob(p.Tenant, row.Scan)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	p.HeldUntil, p.HeldFor = j.Held()
	return err
}

// Run implements lifecycle.Runs.
func (db *DB) Run(ctx context.Context, tenant directory.TenantID, workflow, id string) (lifecycle.Run, error) {
	r, err := runOf(ctx, db.read, tenant, id)
	if err == nil && r.Workflow != workflow {
		err = lifecycle.ErrRunUnknown
	}
	return r, err
}

// ListRuns implements lifecycle.Runs.
func (db *DB) ListRuns(ctx context.Context, tenant directory.TenantID, workflow string, after []any, limit int) ([]lifecycle.Run, []any, error) {
	at, id, err := historyPosition(after)
	if err != nil {
		return nil, nil, err
	}
	rows, err := db.read.QueryContext(ctx, `
		SELECT `+runColumns+` FROM lifecycle_run WHERE tenant_id = $1 AND workflow_id = $2 AND (scheduled_at, id) < ($3, $4)
		ORDER BY scheduled_at DESC, id DESC LIMIT $5`, tenant, workflow, at, id, limit+1)
	found, err := collect(rows, err, func(r *sql.Rows) (lifecycle.Run, error) { return scanRun(tenant, r.Scan) })
	if err != nil || len(found) <= limit {
		return found, nil, err
	}
	last := found[limit-1]
	return found[:limit], []any{micros(last.ScheduledAt), last.ID}, nil
}

// Those of a workflow or of one run, the newest first.
const (
	personsOfWorkflow = `SELECT ` + personColumns + ` FROM lifecycle_person WHERE tenant_id = $1 AND workflow_id = $2` + personsAfter
	personsOfRun      = `SELECT ` + personColumns + ` FROM lifecycle_person WHERE tenant_id = $1 AND run_id = $2` + personsAfter
	personsAfter      = ` AND (scheduled_at, id) < ($3, $4) ORDER BY scheduled_at DESC, id DESC LIMIT $5`
)

// ListPeople implements lifecycle.Runs.
func (db *DB) ListPeople(
	ctx context.Context, tenant directory.TenantID, workflow, run string, after []any, limit int,
) ([]lifecycle.Person, []any, error) {
	at, id, err := historyPosition(after)
	if err != nil {
		return nil, nil, err
	}
	query, value := personsOfWorkflow, workflow
	if run != "" {
		query, value = personsOfRun, run
	}
	rows, err := db.read.QueryContext(ctx, query, tenant, value, at, id, limit+1)
	found, err := collect(rows, err, func(r *sql.Rows) (lifecycle.Person, error) { return scanPerson(tenant, r.Scan) })
	if err != nil {
		return nil, nil, err
	}
	var position []any
	if len(found) > limit {
		found = found[:limit]
		position = []any{micros(found[limit-1].ScheduledAt), found[limit-1].ID}
	}
	for i := range found {
		if err := fill(ctx, db.read, &found[i]); err != nil {
			return nil, nil, err
		}
	}
	return found, position, nil
}

// TaskReports implements lifecycle.Runs.
func (db *DB) TaskReports(ctx context.Context, tenant directory.TenantID, workflow, run string) ([]lifecycle.TaskReport, error) {
	if _, err := db.Run(ctx, tenant, workflow, run); err != nil {
		return nil, err
	}
	rows, err := db.read.QueryContext(ctx, `
		SELECT sequence, COUNT(*), SUM(CASE WHEN status = 'completed' THEN 1 ELSE 0 END), SUM(CASE WHEN status = 'failed' THEN 1 ELSE 0 END),
			SUM(CASE WHEN status IN ('canceled', 'queued', 'inProgress') THEN 1 ELSE 0 END),
			MIN(CASE WHEN started_at = 0 THEN created_at ELSE started_at END), MAX(completed_at), MIN(body)
		FROM lifecycle_task WHERE tenant_id = $1 AND run_id = $2 GROUP BY sequence ORDER BY sequence`, tenant, run)
	return collect(rows, err, func(r *sql.Rows) (lifecycle.TaskReport, error) {
		t := lifecycle.TaskReport{Run: run}
		var started, completed int64
		var body string
		if err := r.Scan(&t.Sequence, &t.Total, &t.Succeeded, &t.Failed, &t.Unprocessed, &started, &completed, &body); err != nil {
			return t, err
		}
		t.StartedAt, t.CompletedAt = fromMicros(started), fromMicros(completed)
		err := json.Unmarshal([]byte(body), &t.Task)
		t.TaskID = t.Task.ID
		return t, err
	})
}

// OwnGroups implements lifecycle.Directory.
func (db *DB) OwnGroups(ctx context.Context, tenant directory.TenantID, user directory.UserID, limit int) ([]directory.Group, error) {
	rows, err := db.read.QueryContext(ctx, `
		SELECT group_id FROM group_link WHERE tenant_id = $1 AND object_id = $2 AND relation = 'member' ORDER BY group_id LIMIT $3`, tenant, user, limit)
	ids, err := collect(rows, err, scanOne[directory.GroupID])
	if err != nil {
		return nil, err
	}
	all := make([]directory.Group, 0, len(ids))
	for _, id := range ids {
		g, err := groupBy(ctx, db.read, tenant, id)
		if errors.Is(err, directory.ErrGroupUnknown) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("read group %s: %w", id, err)
		}
		all = append(all, g)
	}
	return all, nil
}

// SignedIn implements lifecycle.Directory.
func (db *DB) SignedIn(ctx context.Context, tenant directory.TenantID, user directory.UserID) (bool, error) {
	var n int
	err := db.read.QueryRowContext(ctx, `
		SELECT COUNT(*) FROM (
			SELECT 1 AS one FROM event WHERE tenant_id = $1 AND kind = $2 AND user_id = $3 AND error_code = 0 LIMIT 1) AS signed_in`,
		tenant, string(audit.KindSignIn), user).Scan(&n)
	return n > 0, err
}
