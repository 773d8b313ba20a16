package store

import (
	"database/sql"
	"fmt"
	"path/filepath"
	"testing"
)

func newLite(t *testing.T) *sql.DB {
	t.Helper()
	db := openLite("file:" + filepath.Join(t.TempDir(), "x.db"))
	db.SetMaxOpenConns(1) // every statement meets the same connection
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	if _, err := db.ExecContext(t.Context(), `CREATE TABLE n (i INTEGER PRIMARY KEY); INSERT INTO n VALUES (1), (2), (3)`); err != nil {
		t.Fatal(err)
	}
	return db
}

func TestAStatementThatIsBeingReadIsNotTakenAgain(t *testing.T) {
	db := newLite(t)
	tx, err := db.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback() }()
	const query = `SELECT i FROM n WHERE i >= $1 ORDER BY i`
	outer, err := tx.QueryContext(t.Context(), query, 1)
	if err != nil {
		t.Fatal(err)
	}
	defer outer.Close()
	var pairs []string
	for outer.Next() {
		var i, j int
		if err := outer.Scan(&i); err != nil {
			t.Fatal(err)
		}
		if err := tx.QueryRowContext(t.Context(), query, i).Scan(&j); err != nil {
			t.Fatal(err)
		}
		pairs = append(pairs, fmt.Sprint(i, j))
	}
	if err := outer.Err(); err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(pairs); got != "[1 1 2 2 3 3]" {
		t.Errorf("got %s", got)
	}
}

func TestAStatementWorksAfterItFailed(t *testing.T) {
	db := newLite(t)
	const insert = `INSERT INTO n (i) VALUES ($1)`
	for i := range 3 {
		if _, err := db.ExecContext(t.Context(), insert, 1); !isDuplicate(err) {
			t.Fatalf("a duplicate: %v", err)
		}
		if _, err := db.ExecContext(t.Context(), insert, 10+i); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := db.ExecContext(t.Context(), `ALTER TABLE n ADD COLUMN j INTEGER`); err != nil {
		t.Fatal(err)
	}
	if _, err := db.ExecContext(t.Context(), insert, 20); err != nil {
		t.Errorf("after the schema changed: %v", err)
	}
}

func TestKeptStatementsAreBounded(t *testing.T) {
	db := newLite(t)
	for i := range 3 * maxPrepared {
		var got int
		if err := db.QueryRowContext(t.Context(), fmt.Sprintf(`SELECT i + %d FROM n WHERE i = $1`, i), 1).Scan(&got); err != nil || got != i+1 {
			t.Fatalf("text %d: %d %v", i, got, err)
		}
	}
	conn, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.Raw(func(c any) error {
		if n := len(c.(*liteConn).kept); n > maxPrepared {
			t.Errorf("%d statements are kept", n)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}
