// Package store keeps everything in SQL: one implementation, two dialects (SQLite and
// PostgreSQL). The packages above declare the small interfaces that it implements; which
// promise each method keeps is written there and tested by their suites on both dialects.
//
// A change runs inside [DB.Write]: serialisable, retried when the database asks for it,
// and durable when Write returns. On SQLite one writer commits the changes that wait at
// the same time as one group, so that one fsync serves them all; PostgreSQL does the same
// by itself. A change and its audit event are rows of one transaction (docs/storage.md).
package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/fault"
)

// DB is an open store. It is safe for concurrent use.
type DB struct {
	dir      string // of SQLite
	postgres bool
	write    *sql.DB
	read     *sql.DB
	rand     io.Reader
	observer Observer     // nil when nobody looks
	bounds   bounds       // usualBounds, except in tests
	group    chan *change // SQLite only: changes that wait for the writer
	admit    sync.RWMutex // held for reading while a change gets its place in group
	closed   bool         // guarded by admit
	writer   sync.WaitGroup
	added    atomic.Int64 // people, since Open; see grown

	// Incarnation is the random id of this life of the store; a restore starts a new one,
	// and nothing bearer-like of an earlier one is accepted.
	Incarnation string
}

// Tx is one change under way. Its methods see what the change wrote so far.
type Tx struct {
	q      querier
	db     *DB
	events []audit.Event // recorded so far
}

type querier interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// errClosed reports a change that came after Close.
var errClosed = errors.New("store: closed")

// attempts is how often a change is tried when the database reports a serialisation failure.
const attempts = 24

// patience is how long a change is tried while the database is away.
const patience = 2 * time.Second

// Write runs fn as one serialisable transaction and returns once it is durable. When fn
// returns an error nothing of it is kept. fn may run more than once and must not have
// effects outside tx. A change that has begun is finished even if ctx ends meanwhile.
//
// When the connection to PostgreSQL breaks, a change is tried again unless it was asked to
// commit: then nobody knows whether it did, and to try again could do it twice. Such an error
// is returned, and callers must not conclude that nothing happened.
func (db *DB) Write(ctx context.Context, fn func(ctx context.Context, tx *Tx) error) error {
	return db.change(ctx, sql.LevelSerializable, fn)
}

// swap is Write for a change that decides by nothing but rows that it updates itself, where
// the old values stand in each WHERE. Such a compare-and-swap needs no more than READ
// COMMITTED: who comes late waits for the row, and then finds that it changed. SERIALIZABLE
// would make a long one give way to every short change beside it, for ever on a busy server.
func (db *DB) swap(ctx context.Context, fn func(ctx context.Context, tx *Tx) error) error {
	return db.change(ctx, sql.LevelReadCommitted, fn)
}

func (db *DB) change(ctx context.Context, level sql.IsolationLevel, fn func(ctx context.Context, tx *Tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	whole := context.WithoutCancel(ctx)
	if !db.postgres {
		return told(db.enqueue(ctx, whole, fn))
	}
	giveUp := time.NewTimer(patience)
	defer giveUp.Stop()
	var err error
	for try := range attempts {
		var again bool
		if again, err = db.once(whole, level, fn); !again {
			return told(err)
		}
		if lostConnection(err) && expired(giveUp) {
			return told(err)
		}
		pause := time.Duration(1+rand.IntN(1<<min(try, 6))) * time.Millisecond //nolint:gosec // spreads retries, guards nothing
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause):
		}
	}
	return fmt.Errorf("%w (gave up after %d tries: %w)", ErrBusy, attempts, told(err))
}

func expired(t *time.Timer) bool {
	select {
	case <-t.C:
		return true
	default:
		return false
	}
}

// once runs one transaction. again says that nothing of it was kept, and that the next one
// may succeed.
func (db *DB) once(ctx context.Context, level sql.IsolationLevel, fn func(context.Context, *Tx) error) (again bool, err error) {
	tx, err := db.write.BeginTx(ctx, &sql.TxOptions{Isolation: level})
	if err != nil {
		return lostConnection(err), err
	}
	defer func() { _ = tx.Rollback() }() // does nothing after a commit
	change, committed := &Tx{q: tx, db: db}, db.begin()
	if err := fn(ctx, change); err != nil {
		return needsRetry(err) || lostConnection(err), err
	}
	if err := tx.Commit(); err != nil {
		return needsRetry(err), err
	}
	committed(1)
	db.recorded(change.events)
	return false, nil
}

// ErrFull says that the disk of the database is full. Nothing of the change was kept.
var ErrFull = &fault.Error{
	Kind: fault.Unavailable, Code: "diskFull",
	Text: "The disk of the server is full, so nothing can be saved.", Remedy: "Tell your administrator: the disk needs room.",
}

// ErrBusy says that a change gave up because others were always faster. Nothing of it was kept.
var ErrBusy = &fault.Error{
	Kind: fault.Unavailable, Code: "storeBusy", RetryAfter: 1,
	Text: "Too many changes are made at the same time.", Remedy: "Try again in a moment.",
}

// told marks an error that says the disk is full (SQLite's SQLITE_FULL, SQLSTATE 53100).
func told(err error) error {
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok && pg.Code == "53100" {
		return fmt.Errorf("%w (%w)", ErrFull, err)
	}
	if lite, ok := errors.AsType[*sqlite.Error](err); ok && lite.Code()&0xff == sqlite3.SQLITE_FULL {
		return fmt.Errorf("%w (%w)", ErrFull, err)
	}
	if errors.Is(err, driver.ErrBadConn) { // lost in the middle of a transaction
		return fmt.Errorf("%w (%w)", ErrAway, err)
	}
	return err
}

// needsRetry reports a serialisation failure or a deadlock (SQLSTATE 40001, 40P01).
func needsRetry(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && (pg.Code == "40001" || pg.Code == "40P01")
}

// isDuplicate reports a violated unique index or primary key.
func isDuplicate(err error) bool {
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok {
		return pg.Code == "23505"
	}
	var lite *sqlite.Error
	return errors.As(err, &lite) &&
		(lite.Code() == sqlite3.SQLITE_CONSTRAINT_UNIQUE || lite.Code() == sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY)
}

// violates reports whether err, of isDuplicate, is about an index or column with that name in its name.
func violates(err error, name string) bool { return strings.Contains(err.Error(), name) }

// exec runs one statement and returns how many rows it changed.
func (tx *Tx) exec(ctx context.Context, query string, args ...any) (int64, error) {
	res, err := tx.q.ExecContext(ctx, query, args...)
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}

// Close finishes the changes that wait and closes the store. A second call does nothing.
func (db *DB) Close() error {
	db.admit.Lock()
	again := db.closed
	if !again && db.group != nil {
		close(db.group)
	}
	db.closed = true
	db.admit.Unlock()
	db.writer.Wait()
	if again {
		return nil
	}
	return errors.Join(db.write.Close(), closeReader(db))
}

func closeReader(db *DB) error {
	if db.read == db.write {
		return nil
	}
	return db.read.Close()
}

// Ping reports whether the database answers.
func (db *DB) Ping(ctx context.Context) error { return db.read.PingContext(ctx) }

// collect scans every row of rows with scan and closes them.
func collect[T any](rows *sql.Rows, err error, scan func(*sql.Rows) (T, error)) ([]T, error) {
	var all []T
	err = each(rows, err, func() error {
		one, err := scan(rows)
		all = append(all, one)
		return err
	})
	if err != nil {
		return nil, err
	}
	return all, nil
}

// An unreadable row has a body that is not what was stored. Its error says nothing of what is in there, which
// may be a secret.
type unreadable struct{ what, id string }

func (e *unreadable) Error() string {
	return "read " + e.what + " " + e.id + ": its body can't be read"
}

// Is lets callers know such an error as directory.ErrUnreadable.
func (e *unreadable) Is(target error) bool { return target == directory.ErrUnreadable }

// listed is the error of a row's scan where the row is one of many: what can't be read is listed with
// what stands beside its body, marked by its scan, so that it hides nothing of what can. Where a
// decision hangs on one row alone, its error stays.
func listed(err error) error {
	if errors.Is(err, directory.ErrUnreadable) {
		return nil
	}
	return err
}

// each calls scan at every row of rows and closes them.
func each(rows *sql.Rows, err error, scan func() error) error {
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := scan(); err != nil {
			return err
		}
	}
	return rows.Err()
}

// scanOne scans a row of one column.
func scanOne[T any](r *sql.Rows) (T, error) {
	var one T
	err := r.Scan(&one)
	return one, err
}

// decoded returns v after text, which is JSON, was read into it.
func decoded[T any](v *T, text string) (T, error) {
	err := json.Unmarshal([]byte(text), v)
	return *v, err
}
