package store

import (
	"context"
	"database/sql"
	"errors"
)

// servedURL is the name in meta of the public URL that was served last.
const servedURL = "served url"

// ServedURL returns the public URL under which the store was served last, or empty.
func (db *DB) ServedURL(ctx context.Context) (string, error) {
	var url string
	err := db.read.QueryRowContext(ctx, `SELECT value FROM meta WHERE name = $1`, servedURL).Scan(&url)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	return url, err
}

// NoteServedURL remembers url as the public URL under which the store is served.
func (db *DB) NoteServedURL(ctx context.Context, url string) error {
	if now, err := db.ServedURL(ctx); err != nil || now == url {
		return err
	}
	return db.Write(ctx, func(ctx context.Context, tx *Tx) error {
		_, err := tx.exec(ctx, `
			INSERT INTO meta (name, value) VALUES ($1, $2)
			ON CONFLICT (name) DO UPDATE SET value = excluded.value`, servedURL, url)
		return err
	})
}
