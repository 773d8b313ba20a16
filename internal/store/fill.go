package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/postern-id/postern/internal/backup"
	"github.com/postern-id/postern/internal/fault"
)

// Faults of filling a store.
var (
	ErrNotEmpty = &fault.Error{
		Kind: fault.Conflict, Code: "storeNotEmpty", Target: "database",
		Text: "This database is not empty.", Remedy: "Name a new, empty database.",
	}
	ErrUnfinished = &fault.Error{
		Kind: fault.Unavailable, Code: "storeUnfinished",
		Text: "A restore or migration into this database did not come to its end.", Remedy: "Run it again; it starts over.",
	}
)

// A Filling is a store that a restore or a migration writes. No program opens it as a store
// before Finish; on SQLite it is a file of another name until then.
type Filling struct {
	*DB
	dir   string
	alive bool // what comes is of the same life: nothing ends
	owned bool // the database had nothing in it but ours

	tables []backup.Table
	tx     *sql.Tx
	sunk   int // rows in tx

	table backup.Table
	skip  bool
	state int // the column of outbox that says whether mail waits; -1 elsewhere
	args  []any
	rows  int // rows in args
}

const (
	// unfinished is the row of meta that says that a store is being filled.
	unfinished = "unfinished"
	// fillingFile is the name of an SQLite store that is being filled.
	fillingFile = "postern.db.new"
	// argsPerInsert bounds one statement, rowsPerCommit one transaction.
	argsPerInsert = 1000
	rowsPerCommit = 20000
)

// mortal are the tables whose rows a restore leaves behind: what is in them could only be
// used by who holds something of an earlier life of the store, and nothing of that works.
var mortal = []string{
	"signin_transaction", "session", "session_credential", "token_family", "single_use_token", "device_code", "pushed_request", "familiar_place", "last_sighting",
	"phone_request", "phone_enrolment", "saml_participant",
}

// Fill makes the schema of a release at c, which must be empty of a store on PostgreSQL, for
// rows that come through Begin and Row. With alive they go on in the same life of the store;
// otherwise a new incarnation begins, in which nothing bearer-like of the rows is left. End
// with Finish or Abandon.
func Fill(ctx context.Context, c Config, release int, alive bool) (*Filling, error) {
	f := &Filling{DB: newDB(c), dir: c.Dir, alive: alive, state: -1}
	c.file = fillingFile
	if !f.postgres {
		if err := f.removeFile(); err != nil {
			return nil, err
		}
	}
	if err := f.connect(ctx, c); err != nil {
		return nil, err
	}
	if err := f.begin(ctx, release); err != nil {
		return nil, errors.Join(err, f.Abandon(ctx))
	}
	f.startWriter()
	return f, nil
}

func (f *Filling) begin(ctx context.Context, release int) error {
	if f.postgres {
		if err := f.clear(ctx); err != nil {
			return err
		}
	}
	f.owned = true
	if !f.postgres {
		// A crash leaves a file that nobody takes for a store; replace syncs the whole of it.
		if _, err := f.write.ExecContext(ctx, `PRAGMA synchronous = OFF; PRAGMA cache_size = -65536`); err != nil {
			return err
		}
	}
	if err := f.migrate(ctx, release); err != nil {
		return fmt.Errorf("make the schema of release %d: %w", release, err)
	}
	if _, err := f.write.ExecContext(ctx, `INSERT INTO meta (name, value) VALUES ($1, '')`, unfinished); err != nil {
		return err
	}
	var err error
	f.tables, err = f.DB.tables(ctx, f.write)
	return err
}

// clear refuses a database with anything in it, except what an earlier try left.
func (f *Filling) clear(ctx context.Context) error {
	var n int
	if err := f.write.QueryRowContext(ctx,
		`SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = current_schema()`).Scan(&n); err != nil {
		return fmt.Errorf("look for tables: %w", err)
	}
	if n == 0 {
		return nil
	}
	left, err := f.unfinished(ctx)
	if err != nil || !left {
		return errors.Join(err, ErrNotEmpty)
	}
	return f.dropAll(ctx)
}

func (f *Filling) dropAll(ctx context.Context) error {
	rows, err := f.write.QueryContext(ctx, `SELECT table_name FROM information_schema.tables WHERE table_schema = current_schema()`)
	all, err := collect(rows, err, scanOne[string])
	if err != nil {
		return err
	}
	// meta goes last: with it goes the mark that says what the others are.
	slices.SortFunc(all, func(a, b string) int {
		return strings.Compare(strconv.FormatBool(a == "meta"), strconv.FormatBool(b == "meta"))
	})
	for _, name := range all {
		if _, err := f.write.ExecContext(ctx, `DROP TABLE "`+name+`"`); err != nil {
			return fmt.Errorf("remove table %s: %w", name, err)
		}
	}
	return nil
}

// Begin implements backup.Sink.
func (f *Filling) Begin(t backup.Table) error {
	if err := f.flush(); err != nil {
		return err
	}
	if _, ok := like(f.tables, t); !ok {
		return backup.ErrDamaged.With("", fmt.Sprintf("The backup has a table %q that its release doesn't know.", t.Name))
	}
	f.table = t
	f.skip = !f.alive && slices.Contains(mortal, t.Name)
	f.state = -1
	if t.Name == "outbox" && !f.alive {
		f.state = slices.IndexFunc(t.Columns, func(c backup.Column) bool { return c.Name == "state" })
	}
	return nil
}

// Row implements backup.Sink.
func (f *Filling) Row(values []any) error {
	switch {
	case f.skip:
		return nil
	case f.table.Name == "meta" && f.ownMeta(values):
		return nil
	case f.state >= 0 && values[f.state] == "waiting": // it is sent, or its links are dead
		return nil
	}
	f.args = append(f.args, values...)
	f.rows++
	if len(f.args)+len(values) > argsPerInsert {
		return f.flush()
	}
	return nil
}

// ownMeta reports whether a row of meta is one that every store writes itself.
func (f *Filling) ownMeta(values []any) bool {
	name := values[slices.IndexFunc(f.table.Columns, func(c backup.Column) bool { return c.Name == "name" })]
	return name == "release" || name == unfinished || name == leavingFilled || name == "incarnation" && !f.alive
}

// flush writes the rows that wait.
func (f *Filling) flush() error {
	if f.rows == 0 {
		return nil
	}
	ctx := context.Background() // until Finish or Abandon
	var err error
	if f.tx == nil {
		if f.tx, err = f.write.BeginTx(ctx, nil); err != nil {
			return told(err)
		}
	}
	var b strings.Builder
	b.WriteString(`INSERT INTO ` + f.table.Name + ` (` + names(f.table) + `) VALUES `)
	for i := range f.args {
		switch column := i % len(f.table.Columns); {
		case i == 0:
			b.WriteString("(")
		case column == 0:
			b.WriteString("), (")
		default:
			b.WriteString(", ")
		}
		b.WriteString("$" + strconv.Itoa(i+1))
	}
	b.WriteString(")")
	if _, err := f.tx.ExecContext(ctx, b.String(), f.args...); err != nil {
		return fmt.Errorf("write table %s: %w", f.table.Name, told(err))
	}
	f.sunk += f.rows
	f.args, f.rows = f.args[:0], 0
	if f.sunk < rowsPerCommit {
		return nil
	}
	return f.commit()
}

func (f *Filling) commit() error {
	if f.tx == nil {
		return nil
	}
	err := f.tx.Commit()
	f.tx, f.sunk = nil, 0
	return told(err)
}

// Flush writes all rows that came.
func (f *Filling) Flush() error { return errors.Join(f.flush(), f.commit()) }

// Complete ends the rows, brings the schema to Release and gives the store its life. From then
// on f is a store like any other, but for Finish.
func (f *Filling) Complete(ctx context.Context) error {
	if err := f.Flush(); err != nil {
		return err
	}
	if err := f.migrate(ctx, Release); err != nil {
		return fmt.Errorf("bring the schema to release %d: %w", Release, err)
	}
	return f.readMeta(ctx)
}

// Finish makes f the store. On SQLite it takes the place of the one before, which is kept
// under the name that is returned, if there was one.
func (f *Filling) Finish(ctx context.Context) (kept string, err error) {
	if err := f.Write(ctx, func(ctx context.Context, tx *Tx) error {
		_, err := tx.exec(ctx, `DELETE FROM meta WHERE name = $1`, unfinished)
		return err
	}); err != nil {
		return "", err
	}
	if f.postgres {
		return "", f.Close()
	}
	if _, err := f.write.ExecContext(ctx, `PRAGMA wal_checkpoint(TRUNCATE)`); err != nil {
		return "", err
	}
	if err := f.Close(); err != nil {
		return "", err
	}
	if err := syncFile(filepath.Join(f.dir, fillingFile)); err != nil {
		return "", err
	}
	return f.replace(ctx)
}

// replace gives the filled file its name. The store that has it now keeps another one.
func (f *Filling) replace(ctx context.Context) (kept string, err error) {
	to, from := filepath.Join(f.dir, databaseFile), filepath.Join(f.dir, fillingFile)
	if Exists(f.dir) {
		kept = fmt.Sprintf("%s.before-%s", to, f.Incarnation[:8])
		if err := setAside(ctx, to, kept); err != nil {
			return "", fmt.Errorf("put the old store aside: %w", err)
		}
	}
	if err := os.Rename(from, to); err != nil {
		return kept, fmt.Errorf("put the store in its place: %w", err)
	}
	return kept, backup.SyncDir(f.dir)
}

// syncFile makes the content of a file durable.
func syncFile(path string) error {
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	return errors.Join(file.Sync(), file.Close())
}

// setAside gives an SQLite store a second name, so that a rename can take its first one in one
// step. What SQLite has beside the file must not be taken for the new one's.
func setAside(ctx context.Context, path, kept string) error {
	if old, err := sql.Open("sqlite", path); err == nil {
		_, _ = old.ExecContext(ctx, `PRAGMA wal_checkpoint(TRUNCATE)`) // may be too broken for it
		_ = old.Close()
	}
	for _, suffix := range []string{"-wal", "-shm"} {
		if err := os.Rename(path+suffix, kept+suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return os.Link(path, kept)
}

// Abandon leaves nothing of f. After Finish it does nothing.
func (f *Filling) Abandon(ctx context.Context) error {
	if f.closed {
		return nil
	}
	if f.tx != nil {
		_ = f.tx.Rollback()
		f.tx = nil
	}
	ctx = context.WithoutCancel(ctx)
	if f.postgres && !f.owned {
		return f.Close()
	}
	if f.postgres {
		return errors.Join(f.dropAll(ctx), f.Close())
	}
	return errors.Join(f.Close(), f.removeFile())
}

func (f *Filling) removeFile() error {
	for _, suffix := range []string{"", "-wal", "-shm", "-journal"} {
		if err := os.Remove(filepath.Join(f.dir, fillingFile+suffix)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}
