package server

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"filippo.io/age"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/backup"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/fault"
	"github.com/postern-id/postern/internal/keyring"
	"github.com/postern-id/postern/internal/method/hello"
	"github.com/postern-id/postern/internal/store"
)

// ErrLoss says what a restore forgets.
var ErrLoss = &fault.Error{
	Kind: fault.Conflict, Code: "restoreLoss", Target: "accept-loss",
	Text:   "What was deleted or revoked after the backup would be back.",
	Remedy: "Give a newer export of the log with --since-log, or take it as it is with --accept-loss.",
}

// RestoreOptions say which backup is restored, and what of the time after it is known.
type RestoreOptions struct {
	File       string
	Identity   string // name of a file with age's secret keys
	Passphrase string // name of a file with a passphrase, instead
	SinceLog   string // name of a newer export of the log
	AcceptLoss bool
}

// Restored is what a restore did.
type Restored struct {
	CreatedAt time.Time // of the backup
	Entries   int64     // of all logs, which were verified
	Replayed  int       // removals of the newer log
	Unclear   []string  // removals that have to be repeated by hand, as sentences
	Until     time.Time // the newer log's last entry; zero without one
	Kept      string    // where the store that was there before is now; empty if there was none
}

// Restore makes the store of o from a backup, or changes nothing. No server may run: on SQLite
// the data directory is locked, on PostgreSQL the database has to be empty. A new incarnation
// begins: no pass, session, token, code or link of before works. So does a new epoch of the log.
func Restore(ctx context.Context, o Options, r RestoreOptions) (Restored, error) {
	if err := checkMoved(o); err != nil {
		return Restored{}, err
	}
	keys, err := r.identities()
	if err != nil {
		return Restored{}, err
	}
	file, err := os.Open(r.File)
	if err != nil {
		return Restored{}, backup.ErrNotBackup.With("", fmt.Sprintf("The backup can't be read: %v.", err))
	}
	defer func() { _ = file.Close() }() // only read
	in, err := backup.NewReader(file, keys)
	if err != nil {
		return Restored{}, err
	}
	if err := checkRelease(in.Header.Release); err != nil {
		return Restored{}, err
	}
	if r.SinceLog == "" && !r.AcceptLoss {
		return Restored{}, ErrLoss.With("", fmt.Sprintf("What was deleted or revoked since %s would be back.", in.Header.CreatedAt.Format(time.RFC3339)))
	}
	master, keep, err := masterFor(o, in.Header)
	if err != nil {
		return Restored{}, err
	}
	if err := in.CheckKey(master); err != nil {
		return Restored{}, err
	}
	if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		return Restored{}, store.ErrDatabase.With("data", fmt.Sprintf("The data directory can't be made: %v.", err))
	}
	release, err := lock(o)
	if err != nil {
		return Restored{}, err
	}
	defer release()
	return restore(ctx, o, r, in, master, keep)
}

func (r RestoreOptions) identities() ([]age.Identity, error) {
	name, parse := r.Identity, backup.Identities
	if r.Passphrase != "" {
		name, parse = r.Passphrase, backup.PassphraseIdentity
	}
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, backup.ErrIdentity.With("", fmt.Sprintf("The key of the backup can't be read: %v.", err))
	}
	return parse(text)
}

// checkRelease refuses backups that this release can't bring to its own schema.
func checkRelease(release int) error {
	if release > store.Release {
		return backup.ErrNewer
	}
	return store.Apart(release)
}

func restore(ctx context.Context, o Options, r RestoreOptions, in *backup.Reader, master *keyring.MasterKey, keep func() error) (Restored, error) {
	out := Restored{CreatedAt: in.Header.CreatedAt}
	f, err := store.Fill(ctx, store.Config{Dir: o.Dir, Database: o.Database}, in.Header.Release, false)
	if err != nil {
		return out, err
	}
	fail := func(err error) (Restored, error) { return Restored{}, errors.Join(err, f.Abandon(ctx)) }
	if err := in.Each(f, master); err != nil {
		return fail(err)
	}
	if err := f.Complete(ctx); err != nil {
		return fail(err)
	}
	s, err := on(ctx, o, master, f.DB, newMetrics())
	if err != nil {
		return fail(err)
	}
	if err := s.goOn(ctx, r, in.Header, &out); err != nil {
		return fail(err)
	}
	if err := keep(); err != nil {
		return fail(err)
	}
	if err := restoreCA(o.Dir, in.Header, master); err != nil {
		return fail(err)
	}
	out.Kept, err = f.Finish(ctx)
	return out, err
}

// goOn begins the new epoch of every tenant's log, removes what a newer log says was removed,
// and verifies the logs.
func (s *Server) goOn(ctx context.Context, r RestoreOptions, h backup.Header, out *Restored) error {
	tenants, err := s.db.Tenants(ctx)
	if err != nil {
		return err
	}
	before := map[string]audit.Head{}
	for _, tenant := range tenants {
		if before[string(tenant)], err = s.db.Log().Head(ctx, string(tenant)); err != nil {
			return err
		}
		if err := s.beginEpoch(ctx, tenant, before[string(tenant)], h); err != nil {
			return err
		}
		if err := s.db.KeepTries(ctx, tenant, "", hello.AfterRestore); err != nil {
			return err
		}
	}
	if err := s.replay(ctx, r.SinceLog, before, out); err != nil {
		return err
	}
	for _, tenant := range tenants {
		if _, err := s.sealer.SealOnce(ctx, string(tenant)); err != nil {
			return err
		}
	}
	reports, err := s.verifyLog(ctx, nil, false)
	for _, one := range reports {
		out.Entries += one.Report.Head.Size
	}
	return err
}

func (s *Server) beginEpoch(ctx context.Context, tenant directory.TenantID, head audit.Head, h backup.Header) error {
	change := backupChange(audit.RestoreBackup, h)
	change.Log = &audit.LogMark{Epoch: head.Epoch + 1}
	if head.Size > 0 {
		last, err := s.db.Log().Checkpoints(ctx, string(tenant), head.Size-1, 1)
		if err != nil {
			return err
		}
		if len(last) == 0 {
			return fmt.Errorf("the log of tenant %s has no checkpoint at its end: %w", tenant, audit.ErrTampered)
		}
		change.Log.LastCheckpoint = string(last[0].Note)
	}
	e := s.ownEvent(tenant, change)
	if err := s.db.Record(ctx, e); err != nil {
		return err
	}
	entry, err := s.db.Log().Entry(ctx, e.Tenant, e.ID)
	if err != nil {
		return err
	}
	return s.sealer.BeginEpoch(ctx, entry)
}
