package store

import (
	"cmp"
	"context"
	"crypto/rand"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/gofrs/flock"
	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/fault"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Release is the number of the schema that this program writes. A migration only adds,
// so that a program of the release before runs on it too.
const Release = 2

// Config says where the store is.
type Config struct {
	// Dir is the data directory. SQLite lives in it as postern.db.
	Dir string
	// Database is a postgres:// URL; empty means SQLite in Dir.
	Database string
	// Rand is the source of ids and salts; nil means crypto/rand.
	Rand io.Reader
	// Observer is told of commits and events; nil tells nobody.
	Observer Observer

	file string // of SQLite in Dir; empty is databaseFile
}

// databaseFile is the name of an SQLite store in the data directory.
const databaseFile = "postern.db"

// Faults of opening a store.
var (
	ErrNewer = &fault.Error{
		Kind: fault.Unavailable, Code: "storeNewer",
		Text:   "The data was written by a newer release of Postern.",
		Remedy: "Start that release, or one release older, again.",
	}
	ErrOlder = &fault.Error{
		Kind: fault.Unavailable, Code: "storeTooOld",
		Text:   "The data is more than one release behind this program.",
		Remedy: "Upgrade one release at a time: start the releases in between first.",
	}
	ErrDir = &fault.Error{
		Kind: fault.Unavailable, Code: "dataUnusable",
		Text:   "The data directory can't be used.",
		Remedy: "Check that it is a folder in which this user may write, on a disk that has room.",
	}
	ErrDatabase = &fault.Error{
		Kind: fault.Unavailable, Code: "storeUnreachable",
		Text:   "The database can't be opened.",
		Remedy: "Check that it runs and that the address and the rights are correct.",
	}
)

// Open opens the store, creates or upgrades its schema, and starts its writer. Close it.
func Open(ctx context.Context, c Config) (*DB, error) {
	db := newDB(c)
	if err := db.connect(ctx, c); err != nil {
		return nil, err
	}
	if err := db.prepare(ctx); err != nil {
		return nil, errors.Join(err, db.write.Close(), closeReader(db))
	}
	db.startWriter()
	return db, nil
}

// OpenToRead opens a store that is there and leaves it as it is, for Dump and Digests, and
// returns its release.
func OpenToRead(ctx context.Context, c Config) (*DB, int, error) {
	db := newDB(c)
	if err := db.connect(ctx, c); err != nil {
		return nil, 0, err
	}
	found, err := db.release(ctx)
	if err == nil && found > Release {
		err = ErrNewer
	}
	if err == nil {
		err = Apart(found)
	}
	if err != nil {
		return nil, 0, errors.Join(err, db.Close())
	}
	return db, found, nil
}

func newDB(c Config) *DB {
	db := &DB{dir: c.Dir, rand: c.Rand, observer: c.Observer, postgres: c.Database != "", bounds: usualBounds}
	if db.rand == nil {
		db.rand = rand.Reader
	}
	return db
}

func (db *DB) connect(ctx context.Context, c Config) error {
	if db.postgres {
		return db.openPostgres(ctx, c)
	}
	return db.openSQLite(ctx, c)
}

// startWriter starts what commits changes on SQLite.
func (db *DB) startWriter() {
	if db.postgres {
		return
	}
	db.group = make(chan *change, maxGroup)
	db.writer.Add(1)
	go db.runWriter()
}

func (db *DB) openSQLite(ctx context.Context, c Config) error {
	if err := os.MkdirAll(c.Dir, 0o700); err != nil {
		return ErrDir.With("data", fmt.Sprintf("The data directory can't be used: %v.", err))
	}
	path := filepath.Join(c.Dir, cmp.Or(c.file, databaseFile))
	// synchronous=FULL: with NORMAL a power cut could bring a used pass back.
	dsn := "file:" + url.PathEscape(path) + "?_txlock=immediate" +
		"&_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)" +
		"&_pragma=temp_store(MEMORY)&_pragma=cache_size(-8000)"
	db.write = openLite(dsn)
	db.write.SetMaxOpenConns(1)
	if err := db.write.PingContext(ctx); err != nil {
		return errors.Join(ErrDir.With("data", fmt.Sprintf("The database in %s can't be opened: %v.", c.Dir, err)), db.write.Close())
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return errors.Join(err, db.write.Close())
	}
	db.read = openLite(dsn + "&_pragma=query_only(1)")
	db.read.SetMaxOpenConns(max(4, runtime.NumCPU()))
	db.read.SetMaxIdleConns(max(4, runtime.NumCPU()))
	return nil
}

func (db *DB) openPostgres(ctx context.Context, c Config) error {
	if !strings.HasPrefix(c.Database, "postgres://") && !strings.HasPrefix(c.Database, "postgresql://") {
		return ErrDatabase.With("database", "The address of a database starts with postgres://.")
	}
	var err error
	if db.write, err = openPool(c.Database); err != nil {
		return ErrDatabase.With("database", "The address of the database is not well formed.")
	}
	db.read = db.write
	db.write.SetMaxOpenConns(16)
	db.write.SetMaxIdleConns(16)
	if err := db.write.PingContext(ctx); err != nil {
		return errors.Join(ErrDatabase.With("database", fmt.Sprintf("The database can't be opened: %s.", cause(err))), db.write.Close())
	}
	return nil
}

// prepare brings the schema up to Release, one replica at a time, and reads or sets the
// store's own facts.
func (db *DB) prepare(ctx context.Context) error {
	if !db.postgres { // which has a lock of goose's
		release, err := Alone(ctx, db.dir)
		if err != nil {
			return err
		}
		defer release()
	}
	found, err := db.release(ctx)
	if err != nil {
		return err
	}
	if err := Apart(found); err != nil {
		return err
	}
	if half, err := db.unfinished(ctx); err != nil || half {
		return cmp.Or(err, error(ErrUnfinished))
	}
	if found < Release {
		if err := db.migrate(ctx, Release); err != nil {
			return fmt.Errorf("bring the schema to release %d: %w", Release, err)
		}
	}
	return db.readMeta(ctx)
}

// Alone waits until no other process prepares the data directory, and keeps others away until
// release: keys, certificates and the schema of SQLite are made by one of them.
func Alone(ctx context.Context, dir string) (release func(), err error) {
	l := flock.New(filepath.Join(dir, "open.lock"))
	if _, err := l.TryLockContext(ctx, 10*time.Millisecond); err != nil {
		return nil, ErrDir.With("data", fmt.Sprintf("The data directory can't be used: %v.", err))
	}
	return func() { _ = l.Unlock() }, nil
}

// Apart reports data of a release that this program neither runs on nor upgrades; 0 is none.
func Apart(release int) error {
	switch {
	case release > Release+1:
		return ErrNewer
	case release != 0 && release < Release-1:
		return ErrOlder
	}
	return nil
}

// release returns the release of the schema, 0 for an empty database.
func (db *DB) release(ctx context.Context) (int, error) {
	exists := `SELECT COUNT(*) FROM sqlite_master WHERE type = 'table' AND name = 'meta'`
	if db.postgres {
		exists = `SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = current_schema() AND table_name = 'meta'`
	}
	var n int
	if err := db.write.QueryRowContext(ctx, exists).Scan(&n); err != nil {
		return 0, fmt.Errorf("look for the schema: %w", err)
	}
	if n == 0 {
		return 0, nil
	}
	var value string
	err := db.write.QueryRowContext(ctx, `SELECT value FROM meta WHERE name = 'release'`).Scan(&value)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("read the release: %w", err)
	}
	return strconv.Atoi(value)
}

// readMeta reads the incarnation and, in a new store, draws it; of several replicas that
// start at once one wins and all read the same.
func (db *DB) readMeta(ctx context.Context) error {
	fresh, err := uuid.NewRandomFromReader(db.rand)
	if err != nil {
		return err
	}
	if _, err := db.write.ExecContext(ctx, `
		INSERT INTO meta (name, value) VALUES ('incarnation', $1)
		ON CONFLICT (name) DO NOTHING`, fresh.String()); err != nil {
		return fmt.Errorf("set the incarnation: %w", err)
	}
	return db.write.QueryRowContext(ctx,
		`SELECT value FROM meta WHERE name = 'incarnation'`).Scan(&db.Incarnation)
}

// Exists reports whether dir holds an SQLite store.
func Exists(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, databaseFile))
	return err == nil
}
