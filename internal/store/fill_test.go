package store_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/postern-id/postern/internal/backup"
	"github.com/postern-id/postern/internal/store"
)

// content is what a sink was given: the rows of each table.
type content struct {
	tables map[string][][]any
	heads  map[string]backup.Table
	now    string
}

func (c *content) Begin(t backup.Table) error {
	if c.tables == nil {
		c.tables, c.heads = map[string][][]any{}, map[string]backup.Table{}
	}
	c.now, c.tables[t.Name], c.heads[t.Name] = t.Name, nil, t
	return nil
}

func (c *content) Row(values []any) error {
	c.tables[c.now] = append(c.tables[c.now], slices.Clone(values))
	return nil
}

func dump(t testing.TB, db *store.DB) *content {
	t.Helper()
	c := &content{}
	if err := db.Dump(context.Background(), c); err != nil {
		t.Fatalf("Dump: %v", err)
	}
	return c
}

// dies are the tables whose rows mean nothing in another life of a store.
var dies = []string{
	"signin_transaction", "session", "session_credential", "token_family", "single_use_token", "device_code", "pushed_request", "familiar_place", "last_sighting",
	"phone_enrolment", "phone_request", "saml_participant",
}

// copyOf fills a store at to with all of from, in the same life or a new one.
func copyOf(t testing.TB, from *store.DB, to store.Config, alive bool) *store.DB {
	t.Helper()
	ctx := context.Background()
	f, err := store.Fill(ctx, to, store.Release, alive)
	if err != nil {
		t.Fatalf("Fill: %v", err)
	}
	if err := from.Dump(ctx, f); err != nil {
		t.Fatalf("fill a store: %v", err)
	}
	if err := f.Complete(ctx); err != nil {
		t.Fatalf("Complete: %v", err)
	}
	if _, err := f.Finish(ctx); err != nil {
		t.Fatalf("Finish: %v", err)
	}
	return open(t, to)
}

// Any rows in any tables are the same afterwards, on every way between the databases, but for
// those that must die.
func TestACopyOfRandomContentHasTheSameRows(t *testing.T) {
	for _, from := range dialects {
		for _, to := range dialects {
			for _, alive := range []bool{true, false} {
				t.Run(fmt.Sprintf("from %s into %s, the same life: %v", from.name, to.name, alive), func(t *testing.T) {
					db := open(t, from.place(t))
					seed := rand.IntN(1 << 30)
					t.Log("seed", seed)
					fillWith(t, db, rapid.Custom(func(rt *rapid.T) map[string][][]any { return anyRows(rt, dump(t, db).heads) }).Example(seed))
					want := dump(t, db)
					copied := copyOf(t, db, to.place(t), alive)
					got := dump(t, copied)
					if (copied.Incarnation == db.Incarnation) != alive {
						t.Errorf("the incarnation is %s, was %s", copied.Incarnation, db.Incarnation)
					}
					for table, rows := range want.tables {
						if !alive {
							rows = survivors(want.heads[table], rows)
						}
						if !slices.Equal(texts(rows), texts(got.tables[table])) {
							t.Errorf("table %s has\n%q, want\n%q", table, texts(got.tables[table]), texts(rows))
						}
					}
				})
			}
		}
	}
}

// survivors are the rows of a table that another life of the store may have.
func survivors(head backup.Table, rows [][]any) [][]any {
	if slices.Contains(dies, head.Name) {
		return nil
	}
	at := func(row []any, column string) any {
		return row[slices.IndexFunc(head.Columns, func(c backup.Column) bool { return c.Name == column })]
	}
	return slices.DeleteFunc(slices.Clone(rows), func(row []any) bool {
		return head.Name == "outbox" && at(row, "state") == "waiting"
	})
}

// texts are rows in an order that does not depend on the database, without the incarnation.
func texts(rows [][]any) []string {
	var all []string
	for _, row := range rows {
		if row[0] != "incarnation" {
			all = append(all, fmt.Sprintf("%#v", row))
		}
	}
	slices.Sort(all)
	return all
}

// anyRows draws some rows of every table but meta.
func anyRows(rt *rapid.T, heads map[string]backup.Table) map[string][][]any {
	text := rapid.OneOf(
		rapid.Map(rapid.StringN(0, 40, 100), func(s string) string { return strings.ReplaceAll(s, "\x00", "") }),
		rapid.SampledFrom([]string{"", "waiting", `{"a":[1,"ü"]}`, `'"\`, "\u2028<>&"}),
	)
	all := map[string][][]any{}
	for _, name := range slices.Sorted(maps.Keys(heads)) {
		if name == "meta" {
			continue
		}
		for range rapid.IntRange(0, 5).Draw(rt, name) {
			var row []any
			for _, c := range heads[name].Columns {
				switch c.Kind {
				case backup.Integer:
					row = append(row, rapid.Int64().Draw(rt, c.Name))
				case backup.Boolean:
					row = append(row, rapid.Bool().Draw(rt, c.Name))
				default:
					long := ""
					if c.Name == "body" {
						long = strings.Repeat("x", rapid.SampledFrom([]int{0, 70000}).Draw(rt, "long"))
					}
					row = append(row, text.Draw(rt, c.Name)+long)
				}
			}
			all[name] = append(all[name], row)
		}
	}
	return all
}

// fillWith writes rows; of two with the same key one stays.
func fillWith(t testing.TB, db *store.DB, rows map[string][][]any) {
	t.Helper()
	for name, all := range rows {
		for _, row := range all {
			marks := make([]string, len(row))
			for i := range row {
				marks[i] = fmt.Sprintf("$%d", i+1)
			}
			if err := db.Exec(context.Background(), `INSERT INTO `+name+` VALUES (`+strings.Join(marks, ", ")+`) ON CONFLICT DO NOTHING`, row...); err != nil {
				t.Fatalf("fill %s: %v", name, err)
			}
		}
	}
}

func TestAStoreThatIsBeingFilledDoesNotOpen(t *testing.T) {
	c := dialects[1].place(t)
	from := open(t, dialects[0].place(t))
	f, err := store.Fill(t.Context(), c, store.Release, false)
	if err != nil {
		t.Fatal(err)
	}
	if db, err := store.Open(t.Context(), c); !errors.Is(err, store.ErrUnfinished) {
		t.Fatalf("Open: %v, %v", db, err)
	}
	if err := f.Close(); err != nil { // as a crash does
		t.Fatal(err)
	}
	if db, err := store.Open(t.Context(), c); !errors.Is(err, store.ErrUnfinished) {
		t.Fatalf("Open after a crash: %v, %v", db, err)
	}
	copyOf(t, from, c, true) // starts over
}

func TestAnAbandonedFillingLeavesNothing(t *testing.T) {
	onBoth(t, func(t *testing.T, c store.Config) {
		f, err := store.Fill(t.Context(), c, store.Release, false)
		if err != nil {
			t.Fatal(err)
		}
		if err := f.Abandon(t.Context()); err != nil {
			t.Fatal(err)
		}
		if c.Dir != "" {
			if left, err := filepath.Glob(filepath.Join(c.Dir, "*")); err != nil || len(left) > 0 {
				t.Errorf("%v is left, %v", left, err)
			}
			return
		}
		var n int
		if err := raw(t, c).QueryRow(`SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = 'public'`).Scan(&n); err != nil || n > 0 {
			t.Errorf("%d tables are left, %v", n, err)
		}
	})
}

func TestADatabaseOfSomebodyElseIsLeftAlone(t *testing.T) {
	c := dialects[1].place(t)
	if _, err := raw(t, c).Exec(`CREATE TABLE theirs (id TEXT)`); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Fill(t.Context(), c, store.Release, false); !errors.Is(err, store.ErrNotEmpty) {
		t.Errorf("Fill: %v, want ErrNotEmpty", err)
	}
	if _, err := raw(t, c).Exec(`INSERT INTO theirs (id) VALUES ('x')`); err != nil {
		t.Error(err)
	}
}

// watermark is a sink that counts rows and looks at how much memory is in use.
type watermark struct {
	rows int
	most uint64
}

func (*watermark) Begin(backup.Table) error { return nil }

func (w *watermark) Row([]any) error {
	if w.rows++; w.rows%5000 == 0 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		w.most = max(w.most, m.HeapAlloc)
	}
	return nil
}

func TestABackupHoldsOneRowAtATime(t *testing.T) {
	onBoth(t, func(t *testing.T, c store.Config) {
		db := open(t, c)
		const rows, size = 20000, 2000
		if err := db.Exec(t.Context(), `
			INSERT INTO tenant (tenant_id, display_name, created_at, body)
			WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < `+fmt.Sprint(rows)+`)
			SELECT 't' || i, $1, i, '{}' FROM n`, strings.Repeat("x", size)); err != nil {
			t.Fatal(err)
		}
		var before runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		w := &watermark{}
		if err := db.Dump(t.Context(), w); err != nil {
			t.Fatal(err)
		}
		if grown := int64(w.most) - int64(before.HeapAlloc); w.rows < rows || grown > rows*size/4 {
			t.Errorf("%d rows took %d bytes of memory", w.rows, grown)
		}
	})
}

func TestASnapshotIsOfOneMoment(t *testing.T) {
	onBoth(t, func(t *testing.T, c store.Config) {
		db := open(t, c)
		seen := &content{}
		during := &interrupted{Sink: seen, do: func() {
			// tenant comes after meta: without a snapshot this one would be in it.
			if err := db.Exec(t.Context(), `INSERT INTO tenant (tenant_id, display_name, created_at, body) VALUES ('late', '', 0, '{}')`); err != nil {
				t.Error(err)
			}
		}}
		if err := db.Dump(t.Context(), during); err != nil {
			t.Fatal(err)
		}
		if during.do != nil || len(seen.tables["tenant"]) != 0 {
			t.Errorf("the snapshot has %v", seen.tables["tenant"])
		}
	})
}

// interrupted does something once, before the rows of meta.
type interrupted struct {
	backup.Sink
	do func()
}

func (i *interrupted) Row(values []any) error {
	if i.do != nil {
		i.do()
		i.do = nil
	}
	return i.Sink.Row(values)
}
