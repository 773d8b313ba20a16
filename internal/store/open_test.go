package store_test

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"

	"github.com/postern-id/postern/internal/store"
)

func TestAStoreKeepsItsIncarnation(t *testing.T) {
	onBoth(t, func(t *testing.T, c store.Config) {
		first := open(t, c)
		if err := first.Close(); err != nil {
			t.Fatalf("Close: %v", err)
		}
		again := open(t, c)
		if first.Incarnation == "" || again.Incarnation != first.Incarnation {
			t.Errorf("the incarnation is %q, was %q", again.Incarnation, first.Incarnation)
		}
		if fresh := open(t, store.Config{Dir: t.TempDir()}); fresh.Incarnation == first.Incarnation {
			t.Error("two stores have the same incarnation")
		}
	})
}

func TestReleasesThatAreTooFarApartAreRefused(t *testing.T) {
	for _, c := range []struct {
		name    string
		release string
		want    error
	}{
		{"the same release opens", strconv.Itoa(store.Release), nil},
		{"data of the next release opens", strconv.Itoa(store.Release + 1), nil},
		{"data of the release after the next is refused", strconv.Itoa(store.Release + 2), store.ErrNewer},
		{"data two releases behind is refused", "-1", store.ErrOlder},
	} {
		t.Run(c.name, func(t *testing.T) {
			onBoth(t, func(t *testing.T, place store.Config) {
				if err := open(t, place).Close(); err != nil {
					t.Fatalf("Close: %v", err)
				}
				db := raw(t, place)
				if _, err := db.Exec(`UPDATE meta SET value = $1 WHERE name = 'release'`, c.release); err != nil {
					t.Fatal(err)
				}
				again, err := store.Open(t.Context(), place)
				if !errors.Is(err, c.want) {
					t.Fatalf("Open: %v, want %v", err, c.want)
				}
				if err == nil {
					if err := again.Close(); err != nil {
						t.Errorf("Close: %v", err)
					}
				}
				var release string
				if err := db.QueryRow(`SELECT value FROM meta WHERE name = 'release'`).Scan(&release); err != nil || release != c.release {
					t.Errorf("the release is %s, %v; want %s", release, err, c.release)
				}
			})
		})
	}
}

func TestReplicasThatStartTogetherShareOneStore(t *testing.T) {
	c := dialects[1].place(t)
	const replicas = 2
	stores := make([]*store.DB, replicas)
	var all sync.WaitGroup
	for i := range replicas {
		all.Go(func() {
			var err error
			if stores[i], err = store.Open(t.Context(), c); err != nil {
				t.Errorf("Open: %v", err)
			}
		})
	}
	all.Wait()
	for _, db := range stores {
		if db == nil {
			continue
		}
		if db.Incarnation != stores[0].Incarnation {
			t.Errorf("the incarnations are %s and %s", stores[0].Incarnation, db.Incarnation)
		}
		if err := db.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	}
}

func TestTheDatabaseFileIsForItsOwnerAlone(t *testing.T) {
	c := store.Config{Dir: filepath.Join(t.TempDir(), "data")}
	open(t, c)
	for path, want := range map[string]os.FileMode{c.Dir: 0o700, filepath.Join(c.Dir, "postern.db"): 0o600} {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Mode().Perm(); got != want {
			t.Errorf("%s has mode %o, want %o", filepath.Base(path), got, want)
		}
	}
}

func TestADatabaseThatCannotBeOpenedIsAFault(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		store.Config
		want error
	}{
		"another kind of address":      {store.Config{Database: "mysql://localhost/x"}, store.ErrDatabase},
		"nobody listens":               {store.Config{Database: "postgres://127.0.0.1:1/x?sslmode=disable&password=secret"}, store.ErrDatabase},
		"the data directory is a file": {store.Config{Dir: file}, store.ErrDir},
	} {
		t.Run(name, func(t *testing.T) {
			db, err := store.Open(t.Context(), c.Config)
			if err == nil {
				_ = db.Close()
			}
			if !errors.Is(err, c.want) {
				t.Errorf("Open: %v, want %v", err, c.want)
			}
		})
	}
}
