package store_test

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/postern-id/postern/internal/store"
)

// note writes one row that tests count by its name.
func note(ctx context.Context, tx *store.Tx, name string) error {
	return tx.Exec(ctx, `INSERT INTO meta (name, value) VALUES ($1, '')`, "test "+name)
}

func noted(t *testing.T, db *store.DB) int {
	t.Helper()
	return number(t, db, `SELECT COUNT(*) FROM meta WHERE name LIKE 'test %'`)
}

func TestConcurrentChangesAreAllThereAfterReopening(t *testing.T) {
	onBoth(t, func(t *testing.T, c store.Config) {
		const writers, each = 32, 10
		db := open(t, c)
		var all sync.WaitGroup
		for w := range writers {
			all.Go(func() {
				for i := range each {
					if err := db.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
						return note(ctx, tx, strconv.Itoa(w*each+i))
					}); err != nil {
						t.Errorf("Write: %v", err)
					}
				}
			})
		}
		all.Wait()
		if err := db.Close(); err != nil {
			t.Fatalf("Close: %v", err)
		}
		if n := noted(t, open(t, c)); n != writers*each {
			t.Errorf("%d changes are there, want %d", n, writers*each)
		}
	})
}

func TestAFailedChangeLeavesTheOthersAlone(t *testing.T) {
	onBoth(t, func(t *testing.T, c store.Config) {
		const n = 60
		db := open(t, c)
		broken := errors.New("broken")
		var all sync.WaitGroup
		for i := range n {
			all.Go(func() {
				err := db.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
					if err := note(ctx, tx, strconv.Itoa(i)); err != nil {
						return err
					}
					switch i % 3 {
					case 1:
						return broken
					case 2:
						return tx.Exec(ctx, `INSERT INTO there_is_no_such_table (a) VALUES (1)`)
					}
					return nil
				})
				if (err == nil) != (i%3 == 0) || i%3 == 1 && !errors.Is(err, broken) {
					t.Errorf("Write %d: %v", i, err)
				}
			})
		}
		all.Wait()
		if got := noted(t, db); got != n/3 {
			t.Errorf("%d changes are there, want %d", got, n/3)
		}
	})
}

func TestAPanicInAChangeLeavesTheWriterAndTheOthersAlone(t *testing.T) {
	db := open(t, store.Config{Dir: t.TempDir()})
	const n = 30
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			err := db.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
				if err := note(ctx, tx, strconv.Itoa(i)); err != nil {
					return err
				}
				if i%3 == 0 {
					panic("a bug")
				}
				return nil
			})
			if (err == nil) != (i%3 != 0) || err != nil && !strings.Contains(err.Error(), "a bug") {
				t.Errorf("Write %d: %v", i, err)
			}
		})
	}
	all.Wait()
	if got := noted(t, db); got != n/3*2 {
		t.Errorf("%d changes are there, want %d", got, n/3*2)
	}
}

// TestAGroupIsNotHalfKept makes the database itself give up on the whole transaction in the
// middle of a group, as it does when the disk is full.
func TestAGroupIsNotHalfKept(t *testing.T) {
	db := open(t, store.Config{Dir: t.TempDir()})
	const n = 9
	holding, hold := make(chan struct{}), make(chan struct{})
	results := make([]error, n)
	var all sync.WaitGroup
	all.Go(func() { // keeps the writer busy until the group is together
		_ = db.Write(t.Context(), func(context.Context, *store.Tx) error {
			close(holding)
			<-hold
			return nil
		})
	})
	<-holding
	for i := range n {
		all.Go(func() {
			results[i] = db.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
				if err := note(ctx, tx, strconv.Itoa(i)); err != nil {
					return err
				}
				if i == n/2 {
					return tx.Exec(ctx, `ROLLBACK`)
				}
				return nil
			})
		})
	}
	close(hold)
	all.Wait()
	kept := 0
	for _, err := range results {
		if err == nil {
			kept++
		}
	}
	if got := noted(t, db); got != kept {
		t.Errorf("%d changes are there, but %d callers were told so", got, kept)
	}
	if err := db.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error { return note(ctx, tx, "after") }); err != nil {
		t.Errorf("the writer does not go on: %v", err)
	}
}

func TestCloseFinishesWhatWasAccepted(t *testing.T) {
	c := store.Config{Dir: t.TempDir()}
	db := open(t, c)
	holding, hold := make(chan struct{}), make(chan struct{})
	var all sync.WaitGroup
	all.Go(func() {
		if err := db.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			close(holding)
			<-hold
			return note(ctx, tx, "first")
		}); err != nil {
			t.Errorf("the change under way: %v", err)
		}
	})
	<-holding
	results := make(chan error, 50)
	for i := range cap(results) {
		all.Go(func() {
			results <- db.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
				return note(ctx, tx, strconv.Itoa(i))
			})
		})
	}
	all.Go(func() {
		if err := db.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	close(hold)
	all.Wait()
	want := 1
	for range cap(results) {
		switch err := <-results; {
		case err == nil:
			want++
		case !errors.Is(err, store.ErrClosed):
			t.Errorf("Write while closing: %v", err)
		}
	}
	if got := noted(t, open(t, c)); got != want {
		t.Errorf("%d changes are there, want the %d that were acknowledged", got, want)
	}
}

// TestChangesAfterCloseFail tries often: a change could once get into the queue of a writer
// that had ended, and waited for ever.
func TestChangesAfterCloseFail(t *testing.T) {
	onBoth(t, func(t *testing.T, c store.Config) {
		db := open(t, c)
		for range 2 {
			if err := db.Close(); err != nil {
				t.Fatalf("Close: %v", err)
			}
		}
		for range 100 {
			err := db.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error { return note(ctx, tx, "late") })
			if err == nil {
				t.Fatal("a change after Close succeeded")
			}
		}
		if n := noted(t, open(t, c)); n != 0 {
			t.Errorf("%d changes after Close are there", n)
		}
	})
}

func TestAChangeThatWasGivenUpBeforeItBeganIsNotMade(t *testing.T) {
	onBoth(t, func(t *testing.T, c store.Config) {
		db := open(t, c)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		err := db.Write(ctx, func(ctx context.Context, tx *store.Tx) error { return note(ctx, tx, "late") })
		if !errors.Is(err, context.Canceled) {
			t.Errorf("Write: %v, want context.Canceled", err)
		}
		if n := noted(t, db); n != 0 {
			t.Errorf("%d changes are there, want none", n)
		}
	})
}

func TestAChangeThatHasBegunIsFinished(t *testing.T) {
	onBoth(t, func(t *testing.T, c store.Config) {
		db := open(t, c)
		ctx, cancel := context.WithCancel(t.Context())
		if err := db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
			cancel()
			return note(ctx, tx, "one")
		}); err != nil {
			t.Errorf("Write: %v", err)
		}
		if n := noted(t, db); n != 1 {
			t.Errorf("%d changes are there, want 1", n)
		}
	})
}

// TestReplicasLoseNoIncrement reads and writes one row from many places at once. Both stores
// of a pair have the same data.
func TestReplicasLoseNoIncrement(t *testing.T) {
	c := store.Config{Database: dialects[1].place(t).Database}
	replicas := []*store.DB{open(t, c), open(t, c)}
	if err := replicas[0].Exec(t.Context(), `INSERT INTO log_head (tenant_id, epoch, size, root) VALUES ('t', 0, 0, '')`); err != nil {
		t.Fatal(err)
	}
	const writers, each = 16, 5
	var all sync.WaitGroup
	for w := range writers {
		all.Go(func() {
			for range each {
				if err := replicas[w%2].Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
					n, err := tx.Number(ctx, `SELECT size FROM log_head WHERE tenant_id = 't'`)
					if err != nil {
						return err
					}
					return tx.Exec(ctx, `UPDATE log_head SET size = $1 WHERE tenant_id = 't'`, n+1)
				}); err != nil {
					t.Errorf("Write: %v", err)
				}
			}
		})
	}
	all.Wait()
	for _, db := range replicas {
		if n := number(t, db, `SELECT size FROM log_head WHERE tenant_id = 't'`); n != writers*each {
			t.Errorf("the counter is %d, want %d", n, writers*each)
		}
	}
}
