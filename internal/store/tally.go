package store

import (
	"context"
	"database/sql"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/jobs"
	"github.com/postern-id/postern/internal/report"
)

// Counted implements report.Store.
func (db *DB) Counted(ctx context.Context, tenant string) (int64, error) {
	var position int64
	err := db.read.QueryRowContext(ctx, `SELECT position FROM tally_mark WHERE tenant_id = $1`, tenant).Scan(&position)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	return position, err
}

// Count implements report.Store.
func (db *DB) Count(ctx context.Context, tenant string, b report.Batch) error {
	return db.Write(ctx, func(ctx context.Context, tx *Tx) error {
		if b.From == 0 { // there may be no row yet
			if _, err := tx.exec(ctx, `
				INSERT INTO tally_mark (tenant_id, position) VALUES ($1, 0) ON CONFLICT (tenant_id) DO NOTHING`, tenant); err != nil {
				return err
			}
		}
		n, err := tx.exec(ctx, `UPDATE tally_mark SET position = $1 WHERE tenant_id = $2 AND position = $3`, b.To, tenant, b.From)
		if err := changed(n, err, report.ErrStale); err != nil {
			return err
		}
		people, err := tx.countedPeople(ctx, tenant, b.People())
		if err != nil {
			return err
		}
		before := maps.Clone(people)
		for day, tallies := range b.Apply(people) {
			if err := tx.addTallies(ctx, tenant, day, tallies); err != nil {
				return err
			}
		}
		for _, a := range report.Alarms(before, people, b.Now) {
			if err := tx.alarm(ctx, tenant, a, b.Now); err != nil {
				return err
			}
		}
		return tx.saveCounted(ctx, tenant, people)
	})
}

// alarm records a, and queues the letter of its hour.
func (tx *Tx) alarm(ctx context.Context, tenant string, a report.Alarm, now time.Time) error {
	if err := tx.append(ctx, a.Event(tenant, now)); err != nil {
		return err
	}
	j, err := jobs.New(directory.TenantID(tenant), report.AlarmJob, a.Hour(), nil, now, now)
	if err != nil {
		return err
	}
	return tx.enqueue(ctx, j)
}

// countedPeople returns what counting remembers of people; who is not there is new.
func (tx *Tx) countedPeople(ctx context.Context, tenant string, users []string) (map[string]report.Person, error) {
	all := map[string]report.Person{}
	for _, user := range users {
		var p report.Person
		var works, used, refused int64
		err := tx.q.QueryRowContext(ctx, `
			SELECT pass_id, works_at, used_at, refused, refused_at FROM tally_person WHERE tenant_id = $1 AND user_id = $2`,
			tenant, user).Scan(&p.Pass, &works, &used, &p.Refused, &refused)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return nil, err
		}
		p.WorksAt, p.UsedAt, p.RefusedAt = fromMicros(works), fromMicros(used), fromMicros(refused)
		all[user] = p
	}
	return all, nil
}

func (tx *Tx) addTallies(ctx context.Context, tenant string, day report.Day, tallies report.Tallies) error {
	for _, name := range slices.Sorted(maps.Keys(tallies)) {
		if tallies[name] == 0 {
			continue
		}
		if _, err := tx.exec(ctx, `
			INSERT INTO tally (tenant_id, day, name, n) VALUES ($1, $2, $3, $4)
			ON CONFLICT (tenant_id, day, name) DO UPDATE SET n = tally.n + excluded.n`,
			tenant, micros(time.Time(day)), name, tallies[name]); err != nil {
			return err
		}
	}
	return nil
}

func (tx *Tx) saveCounted(ctx context.Context, tenant string, people map[string]report.Person) error {
	for _, user := range slices.Sorted(maps.Keys(people)) {
		p := people[user]
		var err error
		if p == (report.Person{}) {
			_, err = tx.exec(ctx, `DELETE FROM tally_person WHERE tenant_id = $1 AND user_id = $2`, tenant, user)
		} else {
			_, err = tx.exec(ctx, `
				INSERT INTO tally_person (tenant_id, user_id, pass_id, works_at, used_at, refused, refused_at, alarm_at)
				VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
				ON CONFLICT (tenant_id, user_id) DO UPDATE SET pass_id = excluded.pass_id, works_at = excluded.works_at,
					used_at = excluded.used_at, refused = excluded.refused, refused_at = excluded.refused_at, alarm_at = excluded.alarm_at`,
				tenant, user, p.Pass, micros(p.WorksAt), micros(p.UsedAt), p.Refused, micros(p.RefusedAt), micros(p.AlarmAt()))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// Tallies implements report.Store.
func (db *DB) Tallies(ctx context.Context, tenant string, first, last report.Day) (map[report.Day]report.Tallies, error) {
	rows, err := db.read.QueryContext(ctx, `
		SELECT day, name, n FROM tally WHERE tenant_id = $1 AND day >= $2 AND day <= $3`,
		tenant, micros(time.Time(first)), micros(time.Time(last)))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	days := map[report.Day]report.Tallies{}
	for rows.Next() {
		var day int64
		var name string
		var n int
		if err := rows.Scan(&day, &name, &n); err != nil {
			return nil, err
		}
		d := report.Day(fromMicros(day))
		if days[d] == nil {
			days[d] = report.Tallies{}
		}
		days[d][name] = n
	}
	return days, rows.Err()
}
