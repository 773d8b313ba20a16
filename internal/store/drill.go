package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/filter"
	"github.com/postern-id/postern/internal/method"
	"github.com/postern-id/postern/internal/outbox"
	"github.com/postern-id/postern/internal/recovery"
	"github.com/postern-id/postern/internal/recovery/drill"
)

const drillColumns = `id, kind, quarter, began_at, ends_at, body`

func scanDrill(tenant directory.TenantID, scan func(...any) error) (drill.Drill, error) {
	d := drill.Drill{Tenant: tenant}
	var body string
	var began, ends int64
	if err := scan(&d.ID, &d.Kind, &d.Quarter, &began, &ends, &body); err != nil {
		return d, err
	}
	d.BeganAt, d.EndsAt = fromMicros(began), fromMicros(ends)
	if err := json.Unmarshal([]byte(body), &d); err != nil {
		return d, fmt.Errorf("read drill %s: %w", d.ID, err)
	}
	return d, nil
}

var drills = listing[drill.Drill]{table: "drill", columns: drillColumns, scan: scanDrill}

const practiceColumns = `drill_id, user_id, quarter, state, ends_at, version, body`

func scanPractice(tenant directory.TenantID, scan func(...any) error) (drill.Practice, error) {
	p := drill.Practice{Tenant: tenant}
	var body string
	var ends int64
	if err := scan(&p.Drill, &p.User, &p.Quarter, &p.State, &ends, &p.Version, &body); err != nil {
		return p, err
	}
	p.EndsAt = fromMicros(ends)
	if err := json.Unmarshal([]byte(body), &p); err != nil {
		return p, fmt.Errorf("read a practice of drill %s: %w", p.Drill, err)
	}
	return p, nil
}

// practiceDue is when p ends by itself.
func practiceDue(p drill.Practice) int64 {
	if p.State == drill.Asked || p.State == drill.Failed && p.Hash != "" {
		return micros(p.EndsAt)
	}
	return notByItself
}

// BeginDrill implements drill.Store.
func (db *DB) BeginDrill(ctx context.Context, d drill.Drill, people []drill.Practice, mails []outbox.Item, events ...audit.Event) error {
	body, err := json.Marshal(d)
	if err != nil {
		return err
	}
	return db.Write(ctx, func(ctx context.Context, tx *Tx) error {
		n, err := tx.exec(ctx, `INSERT INTO drill (tenant_id, `+drillColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING`,
			d.Tenant, d.ID, string(d.Kind), string(d.Quarter), micros(d.BeganAt), micros(d.EndsAt), string(body))
		if err := changed(n, err, drill.ErrQuarter); err != nil {
			return err
		}
		for _, p := range people {
			if err := tx.ask(ctx, d.Kind, p); err != nil {
				return err
			}
		}
		if err := tx.queue(ctx, mails); err != nil {
			return err
		}
		return tx.appendAll(ctx, events)
	})
}

// ask adds p to this change.
func (tx *Tx) ask(ctx context.Context, kind drill.Kind, p drill.Practice) error {
	if err := tx.touchUser(ctx, p.Tenant, p.User); err != nil {
		return err
	}
	if err := mayPractise(ctx, tx.q, kind, p); err != nil {
		return err
	}
	if _, err := tx.exec(ctx, `UPDATE drill_practice SET state = CASE WHEN state = $1 THEN $2 ELSE state END, due_at = $3, version = version + 1
		WHERE tenant_id = $4 AND user_id = $5 AND due_at < $3`,
		string(drill.Asked), string(drill.Missed), int64(notByItself), p.Tenant, p.User); err != nil {
		return err
	}
	body, err := json.Marshal(p)
	if err != nil {
		return err
	}
	_, err = tx.exec(ctx, `INSERT INTO drill_practice (tenant_id, id, `+practiceColumns+`, due_at) VALUES ($1, $2, $3, $4, $5, $6, $7, 1, $8, $9)`,
		p.Tenant, uuid.NewString(), p.Drill, p.User, string(p.Quarter), string(p.State), micros(p.EndsAt), string(body), practiceDue(p))
	return err
}

// MayPractise implements drill.Store.
func (db *DB) MayPractise(ctx context.Context, kind drill.Kind, p drill.Practice) error {
	return mayPractise(ctx, db.read, kind, p)
}

func mayPractise(ctx context.Context, q querier, kind drill.Kind, p drill.Practice) error {
	living, err := livingCases(ctx, q, p.Tenant, p.User)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(living, func(c recovery.Case) bool { return !c.Unspoken() }) {
		return drill.ErrInCase
	}
	rows, err := q.QueryContext(ctx, `SELECT `+practiceColumns+` FROM drill_practice WHERE tenant_id = $1 AND user_id = $2 AND quarter = $3`,
		p.Tenant, p.User, string(p.Quarter))
	asked, err := collect(rows, err, func(r *sql.Rows) (drill.Practice, error) { return scanPractice(p.Tenant, r.Scan) })
	if err != nil {
		return err
	}
	again := func(old drill.Practice) bool {
		return kind == drill.OfPerson && (old.State == drill.Failed || old.State == drill.Missed || !p.AskedAt.Before(old.EndsAt))
	}
	if slices.ContainsFunc(asked, func(old drill.Practice) bool { return !again(old) || old.State == drill.Passed }) {
		return drill.ErrAsked
	}
	return nil
}

// Drill implements drill.Store.
func (db *DB) Drill(ctx context.Context, tenant directory.TenantID, id string) (drill.Drill, error) {
	d, err := scanDrill(tenant, db.read.QueryRowContext(ctx, `SELECT `+drillColumns+` FROM drill WHERE tenant_id = $1 AND id = $2`, tenant, id).Scan)
	if errors.Is(err, sql.ErrNoRows) {
		return d, drill.ErrUnknown
	}
	return d, err
}

// ListDrills implements drill.Store.
func (db *DB) ListDrills(
	ctx context.Context, tenant directory.TenantID, match []filter.Bound, order []filter.Order, after []any, limit int,
) ([]drill.Drill, []any, error) {
	if len(order) == 0 {
		order = drill.NewestFirst
	}
	return list(ctx, db, tenant, drills, match, order, after, limit)
}

// Sampled implements drill.Store.
func (db *DB) Sampled(ctx context.Context, tenant directory.TenantID, q drill.Quarter) (bool, error) {
	var n int
	err := db.read.QueryRowContext(ctx, `SELECT COUNT(*) FROM drill WHERE tenant_id = $1 AND quarter = $2 AND kind = 'sample'`, tenant, string(q)).Scan(&n)
	return n > 0, err
}

// Practices implements drill.Store.
func (db *DB) Practices(ctx context.Context, tenant directory.TenantID, id string) ([]drill.Practice, error) {
	rows, err := db.read.QueryContext(ctx, `SELECT `+practiceColumns+` FROM drill_practice WHERE tenant_id = $1 AND drill_id = $2 ORDER BY user_id LIMIT $3`,
		tenant, id, drill.MostPeople)
	return collect(rows, err, func(r *sql.Rows) (drill.Practice, error) { return scanPractice(tenant, r.Scan) })
}

// OpenPractice implements drill.Store.
func (db *DB) OpenPractice(ctx context.Context, tenant directory.TenantID, user directory.UserID, at time.Time) (drill.Practice, error) {
	p, err := scanPractice(tenant, db.read.QueryRowContext(ctx, `
		SELECT `+practiceColumns+` FROM drill_practice WHERE tenant_id = $1 AND user_id = $2 AND due_at > $3 AND due_at < $4 ORDER BY due_at DESC LIMIT 1`,
		tenant, user, micros(at), int64(notByItself)).Scan)
	if errors.Is(err, sql.ErrNoRows) {
		return p, drill.ErrNoneOpen
	}
	return p, err
}

// SavePractice implements drill.Store.
func (db *DB) SavePractice(ctx context.Context, p drill.Practice, events ...audit.Event) error {
	body, err := json.Marshal(p)
	if err != nil {
		return err
	}
	return db.Write(ctx, func(ctx context.Context, tx *Tx) error {
		n, err := tx.exec(ctx, `
			UPDATE drill_practice SET state = $1, due_at = $2, body = $3, version = version + 1
			WHERE tenant_id = $4 AND drill_id = $5 AND user_id = $6 AND version = $7`,
			string(p.State), practiceDue(p), string(body), p.Tenant, p.Drill, p.User, p.Version)
		if err := changed(n, err, drill.ErrChanged); err != nil {
			return err
		}
		return tx.appendAll(ctx, events)
	})
}

// OverduePractices implements drill.Store.
func (db *DB) OverduePractices(ctx context.Context, tenant directory.TenantID, at time.Time, limit int) ([]drill.Practice, error) {
	rows, err := db.read.QueryContext(ctx, `SELECT `+practiceColumns+` FROM drill_practice WHERE tenant_id = $1 AND due_at <= $2 ORDER BY due_at LIMIT $3`,
		tenant, micros(at), limit)
	return collect(rows, err, func(r *sql.Rows) (drill.Practice, error) { return scanPractice(tenant, r.Scan) })
}

// UserFrom implements drill.Store.
func (db *DB) UserFrom(ctx context.Context, tenant directory.TenantID, from directory.UserID) (directory.User, error) {
	for _, first := range []directory.UserID{from, ""} {
		var id directory.UserID
		err := db.read.QueryRowContext(ctx, `SELECT id FROM directory_user WHERE tenant_id = $1 AND id >= $2 ORDER BY id LIMIT 1`, tenant, first).Scan(&id)
		if errors.Is(err, sql.ErrNoRows) {
			continue
		}
		if err != nil {
			return directory.User{}, err
		}
		return db.User(ctx, tenant, id)
	}
	return directory.User{}, directory.ErrUserUnknown
}

const drillScheduleID = "recoveryDrills"

// DrillSchedule implements drill.Store.
func (db *DB) DrillSchedule(ctx context.Context, tenant directory.TenantID) (drill.Schedule, error) {
	var s drill.Schedule
	r, err := db.policy(ctx, tenant, drillScheduleID, &s)
	if err != nil || r.Version == 0 {
		return drill.DefaultSchedule(), err
	}
	s.ModifiedAt, s.Version = r.ModifiedAt, r.Version
	return s, nil
}

// SaveDrillSchedule implements drill.Store.
func (db *DB) SaveDrillSchedule(ctx context.Context, tenant directory.TenantID, s drill.Schedule, e audit.Event) error {
	return db.savePolicy(ctx, tenant, drillScheduleID, method.Revision{ModifiedAt: s.ModifiedAt, Version: s.Version}, s, drill.ErrScheduleChanged, e)
}
