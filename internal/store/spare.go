package store

import "context"

// Spare returns how many bytes of the database file hold nothing: SQLite fills them before the
// file grows, and never gives them back. On PostgreSQL, or where it can't tell, it is 0.
func (db *DB) Spare(ctx context.Context) uint64 {
	if db.postgres {
		return 0
	}
	var bytes uint64
	if err := db.read.QueryRowContext(ctx,
		`SELECT freelist_count * page_size FROM pragma_freelist_count, pragma_page_size`).Scan(&bytes); err != nil {
		return 0
	}
	return bytes
}
