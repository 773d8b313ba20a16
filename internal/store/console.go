package store

import (
	"context"
	"database/sql"
	"encoding/base64"
	"errors"
	"fmt"
	"time"

	"github.com/postern-id/postern/internal/console"
)

// PutConsole implements console.Sessions.
func (db *DB) PutConsole(ctx context.Context, row console.Row) error {
	return db.Write(ctx, func(ctx context.Context, tx *Tx) error {
		sealed := base64.StdEncoding.EncodeToString(row.Sealed)
		if row.Version == 0 {
			_, err := tx.exec(ctx, `
				INSERT INTO console_row (tenant_id, id, sealed, version, held_until, ends_at) VALUES ($1, $2, $3, 1, $4, $5)`,
				row.Tenant, row.ID, sealed, micros(row.HeldUntil), micros(row.EndsAt))
			return err
		}
		n, err := tx.exec(ctx, `
			UPDATE console_row SET sealed = $1, version = version + 1, held_until = $2, ends_at = $3
			WHERE tenant_id = $4 AND id = $5 AND version = $6`,
			sealed, micros(row.HeldUntil), micros(row.EndsAt), row.Tenant, row.ID, row.Version)
		if err != nil || n == 1 {
			return err
		}
		return lostConsole(ctx, tx, row)
	})
}

const consoleColumns = `sealed, version, held_until, ends_at`

func scanConsole(row console.Row, scan func(...any) error) (console.Row, error) {
	var sealed string
	var held, ends int64
	err := scan(&sealed, &row.Version, &held, &ends)
	if errors.Is(err, sql.ErrNoRows) {
		return console.Row{}, console.ErrSignedOut
	}
	if err != nil {
		return console.Row{}, err
	}
	row.HeldUntil, row.EndsAt = fromMicros(held), fromMicros(ends)
	if row.Sealed, err = base64.StdEncoding.DecodeString(sealed); err != nil {
		return console.Row{}, fmt.Errorf("console row %s: %w", row.ID, err)
	}
	return row, nil
}

// Console implements console.Sessions.
func (db *DB) Console(ctx context.Context, tenant, id string, now time.Time) (console.Row, error) {
	return scanConsole(console.Row{Tenant: tenant, ID: id}, db.read.QueryRowContext(ctx, `
		SELECT `+consoleColumns+` FROM console_row WHERE tenant_id = $1 AND id = $2 AND ends_at > $3`, tenant, id, micros(now)).Scan)
}

// HoldConsole implements console.Sessions.
func (db *DB) HoldConsole(ctx context.Context, row console.Row, now, until time.Time) error {
	return db.Write(ctx, func(ctx context.Context, tx *Tx) error {
		n, err := tx.exec(ctx, `
			UPDATE console_row SET held_until = $1
			WHERE tenant_id = $2 AND id = $3 AND version = $4 AND held_until <= $5`,
			micros(until), row.Tenant, row.ID, row.Version, micros(now))
		if err != nil || n == 1 {
			return err
		}
		return lostConsole(ctx, tx, row)
	})
}

// lostConsole says why a row could not be changed: it is gone, or another has it.
func lostConsole(ctx context.Context, tx *Tx, row console.Row) error {
	var one int
	err := tx.q.QueryRowContext(ctx, `SELECT 1 FROM console_row WHERE tenant_id = $1 AND id = $2`, row.Tenant, row.ID).Scan(&one)
	if errors.Is(err, sql.ErrNoRows) {
		return console.ErrSignedOut
	}
	return errors.Join(err, console.ErrHeld)
}

// TakeConsole implements console.Sessions.
func (db *DB) TakeConsole(ctx context.Context, tenant, id string, now time.Time) (console.Row, error) {
	var row console.Row
	err := db.Write(ctx, func(ctx context.Context, tx *Tx) error {
		var err error
		row, err = scanConsole(console.Row{Tenant: tenant, ID: id}, tx.q.QueryRowContext(ctx, `
			DELETE FROM console_row WHERE tenant_id = $1 AND id = $2 RETURNING `+consoleColumns, tenant, id).Scan)
		if err == nil && !row.EndsAt.After(now) {
			return console.ErrSignedOut
		}
		return err
	})
	return row, err
}
