package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
	"time"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

const (
	// migrationPoll is how often a replica looks whether another one is done with the schema,
	// and migrationPatience how long. The lock is a row with a lease (docs/design.md forbids
	// advisory locks); goose would look every five seconds.
	migrationPoll     = 50 * time.Millisecond
	migrationPatience = 10 * time.Minute
)

// migrate brings the schema up to a release. Of several replicas one does it, the others wait.
func (db *DB) migrate(ctx context.Context, release int) error {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	dialect, options := goose.DialectSQLite3, []goose.ProviderOption{}
	if db.postgres {
		locker, err := lock.NewPostgresTableLocker(
			lock.WithTableLockTimeout(migrationPoll, uint64(migrationPatience/migrationPoll)),
		)
		if err != nil {
			return err
		}
		dialect, options = goose.DialectPostgres, append(options, goose.WithLocker(locker))
	}
	steps, err := goose.NewProvider(dialect, db.write, files, options...)
	if err != nil {
		return err
	}
	if _, err := steps.UpTo(ctx, int64(release)); err != nil {
		return err
	}
	if err := db.byBytes(ctx); err != nil {
		return err
	}
	if release > 1 {
		if err := db.fillLeaving(ctx); err != nil {
			return err
		}
	}
	_, err = db.write.ExecContext(ctx, `
		INSERT INTO meta (name, value) VALUES ('release', $1)
		ON CONFLICT (name) DO UPDATE SET value = excluded.value`, strconv.Itoa(release))
	return err
}

// byBytes makes PostgreSQL order all text by its bytes, as SQLite does: an index in the order
// of a language finds no prefixes, and breaks when the system's idea of the language changes.
func (db *DB) byBytes(ctx context.Context) error {
	if !db.postgres {
		return nil
	}
	var done bool
	// What only speaks PostgreSQL's protocol has an order of its own, which is that of bytes.
	if err := db.write.QueryRowContext(ctx, `
		SELECT datcollate IN ('C', 'POSIX') AND 'B' < 'a' OR version() NOT LIKE 'PostgreSQL%'
		FROM pg_database WHERE datname = current_database()`).Scan(&done); err != nil || done {
		return err
	}
	rows, err := db.write.QueryContext(ctx, `
		SELECT table_name, column_name FROM information_schema.columns
		WHERE table_schema = current_schema() AND data_type = 'text' AND collation_name IS NULL
		ORDER BY table_name, ordinal_position`)
	columns, err := collect(rows, err, func(r *sql.Rows) (found [2]string, err error) {
		err = r.Scan(&found[0], &found[1])
		return found, err
	})
	if err != nil {
		return fmt.Errorf("read the collations: %w", err)
	}
	for len(columns) > 0 {
		table := columns[0][0]
		var changes []string
		for ; len(columns) > 0 && columns[0][0] == table; columns = columns[1:] {
			changes = append(changes, `ALTER COLUMN "`+columns[0][1]+`" TYPE TEXT COLLATE "C"`)
		}
		if _, err := db.write.ExecContext(ctx, `ALTER TABLE "`+table+`" `+strings.Join(changes, ", ")); err != nil {
			return fmt.Errorf("order table %s by bytes: %w", table, err)
		}
	}
	return nil
}

// unfinished reports whether a restore or a migration into the store did not end.
func (db *DB) unfinished(ctx context.Context) (bool, error) {
	n, err := db.release(ctx)
	if err != nil {
		return false, err
	}
	if n == 0 {
		return false, nil
	}
	var value string
	err = db.write.QueryRowContext(ctx, `SELECT value FROM meta WHERE name = $1`, unfinished).Scan(&value)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return err == nil, err
}
