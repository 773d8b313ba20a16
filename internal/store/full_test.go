package store

import (
	"context"
	"errors"
	"strings"
	"testing"
)

func TestAFullDiskIsToldAndLosesNothing(t *testing.T) {
	db, err := Open(t.Context(), Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	limit := func(pages string) {
		t.Helper()
		if _, err := db.write.ExecContext(t.Context(), "PRAGMA max_page_count = "+pages); err != nil {
			t.Fatal(err)
		}
	}
	keep := func(name, value string) error {
		return db.Write(t.Context(), func(ctx context.Context, tx *Tx) error {
			_, err := tx.exec(ctx, `INSERT INTO meta (name, value) VALUES ($1, $2)`, name, value)
			return err
		})
	}
	if err := keep("before", "x"); err != nil {
		t.Fatal(err)
	}
	limit("1") // SQLite takes what is there as the least
	if err := keep("during", strings.Repeat("x", 1<<20)); !errors.Is(err, ErrFull) {
		t.Errorf("a full disk is told as %v", err)
	}
	limit("1000000")
	if err := keep("after", "x"); err != nil {
		t.Errorf("with room again: %v", err)
	}
	var n int
	if err := db.read.QueryRowContext(t.Context(), `SELECT COUNT(*) FROM meta WHERE name IN ('before', 'during', 'after')`).Scan(&n); err != nil || n != 2 {
		t.Errorf("%d of the rows are there: %v", n, err)
	}
}
