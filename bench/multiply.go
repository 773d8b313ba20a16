package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	_ "modernc.org/sqlite"
)

// pattern is the nickname of the person whom the others are made after. It begins with a
// letter, so that each copy's text is a word as its own is.
const pattern = "seedpattern"

// multiply copies the person of the pattern n times, inside the database, with everything
// that is kept about them, each with a name and an id of its own. Indexes are built anew
// afterwards: that is many times quicker than to keep them up to date.
func multiply(ctx context.Context, path string, n int) (err error) {
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=journal_mode(OFF)&_pragma=synchronous(OFF)&_pragma=cache_size(-400000)&_pragma=temp_store(MEMORY)")
	if err != nil {
		return err
	}
	db.SetMaxOpenConns(1)
	defer func() { err = errors.Join(err, db.Close()) }()
	var id string
	if err := db.QueryRowContext(ctx, `SELECT id FROM directory_user WHERE mail_nickname = $1`, pattern).Scan(&id); err != nil {
		return fmt.Errorf("find the pattern: %w", err)
	}
	for _, table := range []string{"directory_user", "object_word"} {
		if err := copyRows(ctx, db, table, id, n); err != nil {
			return fmt.Errorf("%s: %w", table, err)
		}
	}
	_, err = db.ExecContext(ctx, `PRAGMA journal_mode = WAL`)
	return err
}

// copyRows copies what table has about the pattern n times.
func copyRows(ctx context.Context, db *sql.DB, table, id string, n int) error {
	indexes, err := texts(ctx, db, `SELECT sql FROM sqlite_master WHERE type = 'index' AND tbl_name = $1 AND sql IS NOT NULL`, table)
	if err != nil {
		return err
	}
	names, err := texts(ctx, db, `SELECT name FROM sqlite_master WHERE type = 'index' AND tbl_name = $1 AND sql IS NOT NULL`, table)
	if err != nil {
		return err
	}
	columns, err := texts(ctx, db, `SELECT name FROM pragma_table_info($1) ORDER BY cid`, table)
	if err != nil {
		return err
	}
	key := "id"
	var values []string
	for _, c := range columns {
		switch c {
		case "id", "object_id":
			key = c
			// Ids that are spread as random ones are, and in the form of a UUID.
			values = append(values, `printf('%08x-0000-4000-8000-%012x', (i * 2654435761) & 4294967295, i)`)
		default:
			values = append(values, fmt.Sprintf("CASE WHEN typeof(t.%[1]s) = 'text' THEN replace(t.%[1]s, '%[2]s', printf('seed%%07d', i)) ELSE t.%[1]s END", c, pattern))
		}
	}
	for _, name := range names {
		if _, err := db.ExecContext(ctx, "DROP INDEX "+name); err != nil {
			return err
		}
	}
	statement := "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $1)" + //nolint:gosec // names come from the schema
		" INSERT INTO " + table + " (" + strings.Join(columns, ", ") + ") SELECT " + strings.Join(values, ", ") +
		" FROM " + table + " t CROSS JOIN n WHERE t." + key + " = $2"
	if _, err := db.ExecContext(ctx, statement, n, id); err != nil {
		return err
	}
	for _, index := range indexes {
		if _, err := db.ExecContext(ctx, index); err != nil {
			return err
		}
	}
	return nil
}

func texts(ctx context.Context, db *sql.DB, query string, args ...any) ([]string, error) {
	rows, err := db.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []string
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			return nil, err
		}
		all = append(all, text)
	}
	return all, rows.Err()
}
