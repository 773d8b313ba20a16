package store_test

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/filter"
	"github.com/postern-id/postern/internal/store"
)

// A program of the release before runs beside this one during an upgrade. These are the
// statements that it makes.
func TestStatementsOfTheReleaseBeforeRunOnThisSchema(t *testing.T) {
	text, err := os.ReadFile("testdata/release-1.sql")
	if err != nil {
		t.Fatal(err)
	}
	statements := strings.Split(strings.TrimSpace(string(text)), ";\n")
	if len(statements) < 100 {
		t.Fatalf("there are only %d statements", len(statements))
	}
	onBoth(t, func(t *testing.T, c store.Config) {
		open(t, c)
		db := raw(t, c)
		for _, one := range statements {
			prepared, err := db.Prepare(strings.TrimSuffix(one, ";"))
			if err != nil {
				t.Errorf("%s: %v", one, err)
				continue
			}
			defer prepared.Close()
		}
	})
}

// column is what a program of an older release must find as it was.
type column struct{ table, name, kind string }

func TestMigrationsOnlyAdd(t *testing.T) {
	onBoth(t, func(t *testing.T, c store.Config) {
		for release := 1; release < store.Release; release++ {
			t.Run(fmt.Sprintf("from release %d", release), func(t *testing.T) {
				c := c
				if c.Dir != "" {
					c.Dir = t.TempDir()
				}
				older, err := store.Fill(t.Context(), c, release, true)
				if err != nil {
					t.Fatal(err)
				}
				before := columns(t, older)
				if err := older.Complete(t.Context()); err != nil {
					t.Fatal(err)
				}
				after := columns(t, older)
				tables := map[string]bool{}
				for old, obligatory := range before {
					tables[old.table] = true
					now, ok := after[old]
					if !ok || now && !obligatory {
						t.Errorf("%v was changed or removed", old)
					}
				}
				for fresh, obligatory := range after {
					if _, old := before[fresh]; !old && tables[fresh.table] && obligatory {
						t.Errorf("%v has no default, so that an older release can't add a row", fresh)
					}
				}
				if err := older.Abandon(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
	})
}

// columns returns the columns of db, and whether each one must be given.
func columns(t *testing.T, f *store.Filling) map[column]bool {
	t.Helper()
	found, err := f.Columns(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	all := map[column]bool{}
	for _, c := range found {
		all[column{c.Table, c.Name, c.Kind}] = c.Obligatory
	}
	return all
}

func TestManyReplicasStartOnAnEmptyDatabaseAtOnceAndSoon(t *testing.T) {
	c := dialects[1].place(t)
	begun := time.Now()
	var all sync.WaitGroup
	for range 5 {
		all.Go(func() {
			db, err := store.Open(t.Context(), c)
			if err != nil {
				t.Errorf("Open: %v", err)
				return
			}
			if err := db.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	// One poll of goose's own is five seconds, and there would be several.
	if took := time.Since(begun); took > 5*time.Second {
		t.Errorf("it took %v", took)
	}
}

// In a database that orders text as a language does, an index of that order finds no prefix.
func TestPrefixesAreFoundByAnIndexInAnyDatabase(t *testing.T) {
	c := store.Config{Database: inGerman(t, dialects[1].place(t).Database)}
	db := open(t, c)
	tenant := directory.TenantID(uuid.NewString())
	if err := db.Exec(t.Context(), `
		INSERT INTO directory_user (tenant_id, id, user_principal_name, display_name, given_name, surname, mail, mail_nickname,
			employee_id, department, job_title, user_type, account_enabled, employee_hire_at, on_premises_sync, created_at, body)
		SELECT $1, 'id' || i, 'u' || i, 'name ' || md5(CAST(i AS TEXT)), '', '', '', '', '', '', '', 'member', TRUE, 0, FALSE, 0, '{}'
		FROM generate_series(1, 5000) AS i`, tenant); err != nil {
		t.Fatal(err)
	}
	if err := db.Exec(t.Context(), `ANALYZE directory_user`); err != nil {
		t.Fatal(err)
	}
	e, err := filter.Parse("startswith(displayName,'name abc')")
	if err != nil {
		t.Fatal(err)
	}
	b, err := filter.Check(e, found)
	if err != nil {
		t.Fatal(err)
	}
	plan, err := db.ExplainUsers(t.Context(), tenant, []filter.Bound{b})
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(plan, "directory_user_display_name") || !strings.Contains(plan, "Index Cond") || !strings.Contains(plan, "display_name >=") {
		t.Errorf("the plan is\n%s", plan)
	}
}

// inGerman makes a database beside the one of url whose text is ordered as in German.
func inGerman(t *testing.T, url string) string {
	t.Helper()
	name := "german_" + strings.ReplaceAll(uuid.NewString(), "-", "")
	db := raw(t, store.Config{Database: url})
	if _, err := db.Exec(`CREATE DATABASE ` + name + ` TEMPLATE template0 ENCODING 'UTF8' LOCALE_PROVIDER icu ICU_LOCALE 'de' LC_COLLATE 'C' LC_CTYPE 'C'`); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if _, err := db.Exec(`DROP DATABASE ` + name + ` WITH (FORCE)`); err != nil {
			t.Error(err)
		}
	})
	path := url[:strings.LastIndex(url, "/postern_")]
	_, query, _ := strings.Cut(url, "?")
	return path + "/" + name + "?" + query
}
