// Package pgtest gives tests an empty PostgreSQL database of their own.
//
// The first [Open] of a test process starts a server from Debian's binaries: in a
// temporary folder, as an unprivileged user, reachable only through a Unix socket that
// other people of the machine can't open. It ends, and its folder goes, when the process
// does, however that happens. POSTERN_TEST_POSTGRES names a server to use instead; its
// user must be allowed to create databases.
//
// The server has fsync off, so what it acknowledges does not survive a power cut.
// Durability is measured on a server of its own.
package pgtest

import (
	"context"
	"crypto/rand"
	"errors"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
)

// Main runs the tests of m and waits until the server they used is gone. It is for a
// TestMain; without it the server ends just after the process.
func Main(m *testing.M) {
	m.Run()
	if server != nil {
		server.stop()
	}
}

// Open creates an empty database and returns its postgres:// URL, which other processes
// of the same user can use too. The database is dropped when the test ends. Where
// PostgreSQL is not installed, the test fails in CI (CI=true) and is skipped elsewhere.
func Open(t testing.TB) string {
	t.Helper()
	admin, err := serverURL()
	if errors.Is(err, errMissing) && os.Getenv("CI") != "true" {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	name := "postern_" + strings.ToLower(rand.Text())
	if err := run(t.Context(), admin, "CREATE DATABASE "+name); err != nil {
		t.Fatalf("create a test database: %v", err)
	}
	t.Cleanup(func() {
		if err := run(context.Background(), admin, "DROP DATABASE "+name+" WITH (FORCE)"); err != nil {
			t.Errorf("drop the test database: %v", err)
		}
	})
	test := *admin
	test.Path = "/" + name
	return test.String()
}

// serverURL returns the URL of the server's own database, starting the server if need be.
func serverURL() (*url.URL, error) {
	given := os.Getenv("POSTERN_TEST_POSTGRES")
	if given == "" {
		return started()
	}
	u, err := url.Parse(given)
	if err != nil || (u.Scheme != "postgres" && u.Scheme != "postgresql") {
		return nil, errors.New("POSTERN_TEST_POSTGRES is not a postgres:// URL")
	}
	return u, nil
}

// run runs one statement over a connection of its own.
func run(ctx context.Context, db *url.URL, statement string) error {
	c, err := pgx.Connect(ctx, db.String())
	if err != nil {
		return err
	}
	defer c.Close(ctx)
	_, err = c.Exec(ctx, statement)
	return err
}
