package store_test

import (
	"errors"
	"testing"

	"github.com/postern-id/postern/internal/store"
	"github.com/postern-id/postern/internal/store/pgtest"
)

// One row is asked for and has come; the database goes away while the rest is read.
func TestADatabaseThatGoesAwayBehindTheFirstRowIsAway(t *testing.T) {
	db := open(t, store.Config{Database: pgtest.Open(t)})
	_, err := db.Number(t.Context(), `
		SELECT CASE WHEN g = 50000 THEN pg_terminate_backend(pg_backend_pid())::int ELSE g END FROM generate_series(1, 100000) g`)
	if !errors.Is(err, store.ErrAway) {
		t.Errorf("it is %v", err)
	}
}
