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
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"net/url"
	"os"
	"strings"
	"sync"
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

// template is a database that was migrated once, for all tests of the process.
var template struct {
	once sync.Once
	name string
	err  error
}

// Migrate does for the database at address, if it is empty, what migrate does, which runs once for the
// whole process: others are copies, which take a tenth of the time.
func Migrate(t testing.TB, address string, migrate func(address string) error) {
	t.Helper()
	admin, err := serverURL()
	if err != nil {
		t.Fatal(err)
	}
	at, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	if empty, err := isEmpty(t.Context(), address); err != nil || !empty {
		return // the store says what is wrong
	}
	template.once.Do(func() {
		template.name = "postern_template_" + strings.ToLower(rand.Text())
		one := *admin
		one.Path = "/" + template.name
		template.err = cmp.Or(run(context.Background(), admin, "CREATE DATABASE "+template.name), migrate(one.String()))
	})
	if template.err != nil {
		t.Fatalf("make the template of test databases: %v", template.err)
	}
	name := strings.TrimPrefix(at.Path, "/")
	for _, statement := range []string{"DROP DATABASE " + name, "CREATE DATABASE " + name + " TEMPLATE " + template.name + " STRATEGY FILE_COPY"} {
		if err := run(t.Context(), admin, statement); err != nil {
			t.Fatalf("copy the template: %v", err)
		}
	}
}

func isEmpty(ctx context.Context, address string) (empty bool, err error) {
	c, err := pgx.Connect(ctx, address)
	if err != nil {
		return false, err
	}
	defer c.Close(ctx)
	err = c.QueryRow(ctx, "SELECT NOT EXISTS (SELECT 1 FROM pg_class WHERE relnamespace = 'public'::regnamespace)").Scan(&empty)
	return empty, err
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
