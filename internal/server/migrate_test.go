package server_test

import (
	"crypto/sha256"
	"errors"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"testing"

	"github.com/postern-id/postern/internal/server"
	"github.com/postern-id/postern/internal/store"
	"github.com/postern-id/postern/internal/store/pgtest"
)

func TestAMigrationToPostgreSQLEndsNothing(t *testing.T) {
	w := newWorld(t)
	w.server.Start()
	_, pass := w.issue(`{}`)
	_, tokens := w.token(redeem(w.code("admin@contoso.example", pass)))
	w.awaitSeal()
	w.close()
	file := filepath.Join(w.options.Dir, "postern.db")
	before := hashOf(t, file)
	to := pgtest.Open(t)
	rows, err := server.Migrate(t.Context(), w.options, to)
	if err != nil || rows < 100 {
		t.Fatalf("Migrate: %d rows, %v", rows, err)
	}
	if hashOf(t, file) != before {
		t.Error("the old store was changed")
	}
	if _, err := server.Open(t.Context(), w.options); !errors.Is(err, server.ErrMoved) {
		t.Errorf("the old store opens: %v", err)
	}
	if _, err := server.Migrate(t.Context(), w.options, to); !errors.Is(err, server.ErrMoved) {
		t.Errorf("a second migration: %v", err)
	}
	w.options.Database = to
	w.open()
	if status, v := w.token(refresh(tokens["refresh_token"])); status != http.StatusOK {
		t.Errorf("the refresh token of before: %d %v", status, v)
	}
	if a := w.authorize(url.Values{"prompt": {"none"}}); w.codeIn(a) == "" {
		t.Errorf("the session of before: %q", a.location)
	}
	w.newBrowser()
	w.code("admin@contoso.example", pass)
	reports, err := server.VerifyLog(t.Context(), w.options, nil, false)
	if err != nil || reports[0].Report.Head.Epoch != 1 || reports[0].Report.Head.Size == 0 {
		t.Errorf("log verify: %+v, %v", reports, err)
	}
}

func TestAMigrationThatCannotBeDoneChangesNothing(t *testing.T) {
	full := newWorld(t, func(o *server.Options) { o.Database = pgtest.Open(t) })
	w := newWorld(t)
	w.close()
	other := w.options
	other.Database = full.options.Database
	for name, c := range map[string]struct {
		o    server.Options
		to   string
		want error
	}{
		"into a database with a store":      {w.options, full.options.Database, store.ErrNotEmpty},
		"into SQLite":                       {w.options, filepath.Join(t.TempDir(), "x.db"), store.ErrDatabase},
		"from PostgreSQL":                   {other, pgtest.Open(t), server.ErrMigrateFrom},
		"from a directory without anything": {server.Options{Dir: t.TempDir()}, pgtest.Open(t), server.ErrMigrateFrom},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := server.Migrate(t.Context(), c.o, c.to); !errors.Is(err, c.want) {
				t.Errorf("Migrate: %v, want %v", err, c.want)
			}
		})
	}
	full.appToken() // what was there is still there
	w.open()
	w.appToken()
}

func hashOf(t *testing.T, file string) [32]byte {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return sha256.Sum256(text)
}
