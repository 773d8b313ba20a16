package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"filippo.io/age"
	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/backup"
	"github.com/postern-id/postern/internal/keyring"
	"github.com/postern-id/postern/internal/store"
)

// BackupOptions say where a backup goes and who can open it.
type BackupOptions struct {
	File       string
	Recipients []string // public keys of age
	Passphrase string   // name of a file with a passphrase, instead of recipients
	WithKey    bool     // put the master key into it
}

// Backup writes one moment of the store of o to a file, beside a running server, and records
// that in the log of every tenant. The file is there whole or not at all.
func Backup(ctx context.Context, o Options, b BackupOptions) error {
	to, err := b.recipients()
	if err != nil {
		return err
	}
	s, err := Open(ctx, o)
	if err != nil {
		return err
	}
	return errors.Join(s.backup(ctx, to, b), s.Close())
}

func (b BackupOptions) recipients() ([]age.Recipient, error) {
	switch {
	case b.Passphrase != "" && len(b.Recipients) > 0:
		return nil, backup.ErrOpenTo.With("", "A backup is for recipients or for a passphrase, not for both.")
	case b.Passphrase != "":
		text, err := os.ReadFile(b.Passphrase)
		if err != nil {
			return nil, backup.ErrIdentity.With("passphrase-file", fmt.Sprintf("The file can't be read: %v.", err))
		}
		return backup.PassphraseRecipient(text)
	case len(b.Recipients) > 0:
		return backup.Recipients(b.Recipients)
	}
	return nil, backup.ErrOpenTo
}

func (s *Server) backup(ctx context.Context, to []age.Recipient, b BackupOptions) error {
	h := backup.Header{ID: uuid.NewString(), Release: store.Release, CreatedAt: s.now()}
	var err error
	if b.WithKey {
		if h.MasterKey, err = keyring.MasterText(s.options.Dir, s.options.MasterKey); err != nil {
			return err
		}
	}
	if h.LocalCA, err = sealedCA(s.options.Dir, h.ID, s.wrapper); err != nil {
		return err
	}
	file, err := backup.Create(b.File)
	if err != nil {
		return err
	}
	defer func() { _ = file.Abandon() }()
	if err := s.dump(ctx, file, to, h); err != nil {
		return err
	}
	// The event first: nobody is to have a backup that the log does not know.
	if err := s.recordEverywhere(ctx, audit.CreateBackup, h); err != nil {
		return err
	}
	return file.Commit()
}

func (s *Server) dump(ctx context.Context, file io.Writer, to []age.Recipient, h backup.Header) error {
	w, err := backup.NewWriter(file, to, h, s.wrapper)
	if err != nil {
		return err
	}
	if err := s.db.Dump(ctx, w); err != nil {
		return err
	}
	return w.Close()
}

// recordEverywhere records in every tenant that something was done with a backup.
func (s *Server) recordEverywhere(ctx context.Context, activity string, h backup.Header) error {
	tenants, err := s.db.Tenants(ctx)
	if err != nil {
		return err
	}
	var events []audit.Event
	for _, tenant := range tenants {
		events = append(events, s.ownEvent(tenant, backupChange(activity, h)))
	}
	return s.db.Record(ctx, events...)
}

func backupChange(activity string, h backup.Header) audit.Change {
	key := "without the master key"
	if h.MasterKey != "" {
		key = "with the master key"
	}
	return audit.Change{
		Activity: activity, Category: audit.CategoryDirectoryManagement, Service: audit.ServicePostern, Operation: audit.OperationAdd,
		Targets: []audit.Target{{ID: h.ID, Type: audit.TargetOther}},
		Details: []audit.KeyValue{{Key: "createdDateTime", Value: h.CreatedAt.Format("2006-01-02T15:04:05Z")}, {Key: "content", Value: key}},
	}
}

// masterFor returns the master key of o or, where there is none, the one that a backup brings,
// and what keeps that one.
func masterFor(o Options, h backup.Header) (master *keyring.MasterKey, keep func() error, err error) {
	master, err = keyring.LoadMaster(o.Dir, o.MasterKey)
	keep = func() error { return nil }
	if errors.Is(err, keyring.ErrNoMasterKey) && h.MasterKey != "" {
		master, err = keyring.ParseMaster(h.MasterKey)
		keep = func() error { return keyring.SaveMaster(o.Dir, h.MasterKey) }
	}
	return master, keep, err
}
