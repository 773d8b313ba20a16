package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
)

// markName is the row of meta that holds the time mark, in microseconds since 1970.
const markName = "clock_mark"

// Clock returns the time mark, zero when there is none yet, and the time of the database,
// zero for SQLite, which has none of its own.
func (db *DB) Clock(ctx context.Context) (mark, database time.Time, err error) {
	if mark, err = readMark(ctx, db.read); err != nil || !db.postgres {
		return mark, time.Time{}, err
	}
	var us int64
	err = db.read.QueryRowContext(ctx, `SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000 AS BIGINT)`).Scan(&us)
	return mark, fromMicros(us), err
}

func readMark(ctx context.Context, q querier) (time.Time, error) {
	var text string
	err := q.QueryRowContext(ctx, `SELECT value FROM meta WHERE name = $1`, markName).Scan(&text)
	if errors.Is(err, sql.ErrNoRows) {
		return time.Time{}, nil
	}
	if err != nil {
		return time.Time{}, fmt.Errorf("read the time mark: %w", err)
	}
	us, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return time.Time{}, fmt.Errorf("the time mark is malformed: %w", err)
	}
	return fromMicros(us), nil
}

// MoveMark moves the time mark on to to; a mark that is later already stays.
func (db *DB) MoveMark(ctx context.Context, to time.Time) error {
	return db.Write(ctx, func(ctx context.Context, tx *Tx) error {
		mark, err := readMark(ctx, tx.q)
		if err != nil || !to.After(mark) {
			return err
		}
		return tx.setMark(ctx, to)
	})
}

func (tx *Tx) setMark(ctx context.Context, to time.Time) error {
	_, err := tx.exec(ctx, `
		INSERT INTO meta (name, value) VALUES ($1, $2)
		ON CONFLICT (name) DO UPDATE SET value = excluded.value`, markName, strconv.FormatInt(micros(to), 10))
	return err
}

// AcceptClock makes to the time mark, also when that is earlier than the one before, and
// records events. Then what had ended by the mark before ends for good, so that no clock
// brings it back; passes do by NoteExpiry, which the caller has to call before.
func (db *DB) AcceptClock(ctx context.Context, to time.Time, events []audit.Event) (before time.Time, err error) {
	tenants, err := db.Tenants(ctx)
	if err != nil {
		return before, err
	}
	err = db.Write(ctx, func(ctx context.Context, tx *Tx) error {
		if before, err = readMark(ctx, tx.q); err != nil {
			return err
		}
		if to.Before(before) {
			for _, tenant := range append(tenants, directory.NoTenant) {
				if err := tx.endAllUntil(ctx, tenant, before); err != nil {
					return err
				}
			}
		}
		for _, e := range events {
			if err := tx.append(ctx, e); err != nil {
				return err
			}
		}
		return tx.setMark(ctx, to)
	})
	return before, err
}

// endAllUntil removes everything of a tenant, passes excepted, whose time was over by then.
func (tx *Tx) endAllUntil(ctx context.Context, tenant directory.TenantID, then time.Time) error {
	for _, table := range []string{"signin_transaction", "session", "token_family", "single_use_token", "device_code", "pushed_request"} {
		if _, err := tx.exec(ctx, `DELETE FROM `+table+` WHERE tenant_id = $1 AND expires_at <= $2`, tenant, micros(then)); err != nil {
			return fmt.Errorf("end what was over in %s: %w", table, err)
		}
	}
	return nil
}
