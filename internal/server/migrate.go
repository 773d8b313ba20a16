package server

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/backup"
	"github.com/postern-id/postern/internal/fault"
	"github.com/postern-id/postern/internal/keyring"
	"github.com/postern-id/postern/internal/store"
)

// Faults of migrating.
var (
	ErrMigrateFrom = &fault.Error{
		Kind: fault.Invalid, Code: "migrateSource", Target: "data",
		Text: "There is no SQLite store to migrate.", Remedy: "Name the data directory that holds postern.db, without --database.",
	}
	ErrMigrateDiffers = &fault.Error{
		Kind: fault.Unavailable, Code: "migrateDiffers", Target: "to",
		Text: "The copy is not like the original, so it was removed.", Remedy: "Check the disk, then run it again.",
	}
)

// Migrate copies the SQLite store of o into the empty PostgreSQL database to, compares every
// row of every table, and marks the directory so that the old store is not started by mistake.
// Sessions, passes and tokens live on. No server may run. It returns how many rows there are.
func Migrate(ctx context.Context, o Options, to string) (rows int64, err error) {
	if o.Database != "" || !store.Exists(o.Dir) {
		return 0, ErrMigrateFrom
	}
	if err := checkMoved(o); err != nil {
		return 0, err
	}
	master, err := keyring.LoadMaster(o.Dir, o.MasterKey)
	if err != nil {
		return 0, err
	}
	release, err := lock(o)
	if err != nil {
		return 0, err
	}
	defer release()
	from, found, err := store.OpenToRead(ctx, store.Config{Dir: o.Dir})
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, from.Close()) }()
	f, err := store.Fill(ctx, store.Config{Dir: o.Dir, Database: to}, found, true)
	if err != nil {
		return 0, err
	}
	if rows, err = copyInto(ctx, from, f); err != nil {
		return 0, errors.Join(err, f.Abandon(ctx))
	}
	o.Database = to
	s, err := on(ctx, o, master, f.DB, newMetrics())
	if err == nil {
		err = s.recordMigration(ctx, rows)
	}
	if err != nil {
		return 0, errors.Join(err, f.Abandon(ctx))
	}
	// The mark first: at no moment may two stores of one life both start.
	mark := filepath.Join(o.Dir, movedFile)
	if err := os.WriteFile(mark, []byte(time.Now().UTC().Format(time.RFC3339)+"\n"), 0o600); err != nil {
		return 0, errors.Join(err, os.Remove(mark), f.Abandon(ctx))
	}
	if _, err := f.Finish(ctx); err != nil {
		return 0, errors.Join(err, os.Remove(mark), f.Abandon(ctx))
	}
	return rows, backup.SyncDir(o.Dir)
}

// copyInto copies all rows and compares both sides, table by table.
func copyInto(ctx context.Context, from *store.DB, f *store.Filling) (rows int64, err error) {
	if err := from.Dump(ctx, f); err != nil {
		return 0, err
	}
	if err := f.Flush(); err != nil {
		return 0, err
	}
	want, err := from.Digests(ctx)
	if err != nil {
		return 0, err
	}
	got, err := f.Digests(ctx)
	if err != nil {
		return 0, err
	}
	for table, d := range want {
		if got[table] != d {
			return 0, ErrMigrateDiffers.With("", fmt.Sprintf("Table %s has %d rows in the original and %d in the copy, or they differ; the copy was removed.", table, d.Rows, got[table].Rows))
		}
		rows += d.Rows
	}
	return rows, f.Complete(ctx)
}

func (s *Server) recordMigration(ctx context.Context, rows int64) error {
	tenants, err := s.db.Tenants(ctx)
	if err != nil {
		return err
	}
	var events []audit.Event
	for _, tenant := range tenants {
		events = append(events, s.ownEvent(tenant, audit.Change{
			Activity: audit.MigrateStore, Category: audit.CategoryDirectoryManagement, Service: audit.ServicePostern, Operation: audit.OperationUpdate,
			Targets: []audit.Target{{ID: string(tenant), Type: audit.TargetDirectory}},
			Details: []audit.KeyValue{{Key: "rows", Value: fmt.Sprint(rows)}},
		}))
	}
	return s.db.Record(ctx, events...)
}
