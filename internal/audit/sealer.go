package audit

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"golang.org/x/mod/sumdb/tlog"
)

const (
	// SealInterval is how often [Sealer.Run] looks for entries to seal.
	SealInterval = 500 * time.Millisecond
	// MaxBatch is how many entries are sealed at once, at most.
	MaxBatch = 1024
)

// Sealer gives committed entries their order and signs the result. Any number of sealers may
// run on one store: the head moves by compare-and-swap, and who comes late changes nothing.
// Every field is required.
type Sealer struct {
	Store SealStore
	// Key returns the Ed25519 key that signs tenant's checkpoints.
	Key func(ctx context.Context, tenant string) (crypto.Signer, error)
	Now func() time.Time // UTC
	Log *slog.Logger
}

// Run seals the logs of all tenants every [SealInterval] until ctx is done. Failures are
// logged and tried again.
func (s *Sealer) Run(ctx context.Context) {
	tick := time.NewTicker(SealInterval)
	defer tick.Stop()
	for {
		s.sealAll(ctx)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// sealAll seals what every tenant has; the failure of one does not stop the others.
func (s *Sealer) sealAll(ctx context.Context) {
	tenants, err := s.Store.Tenants(ctx)
	if err != nil {
		s.report(ctx, "", fmt.Errorf("list tenants with unsealed entries: %w", err))
		return
	}
	for _, tenant := range tenants {
		if _, err := s.SealOnce(ctx, tenant); err != nil {
			s.report(ctx, tenant, err)
		}
	}
}

// report logs err, unless it only says that another sealer was first or the server stops.
func (s *Sealer) report(ctx context.Context, tenant string, err error) {
	if ctx.Err() == nil && !errors.Is(err, ErrStale) {
		s.Log.ErrorContext(ctx, "sealing the log failed", "tenant", tenant, "err", err)
	}
}

// SealOnce seals all committed entries of tenant, in batches of [MaxBatch], and returns how
// many they were. It returns [ErrStale] when another sealer was first, and [ErrTampered] when
// the stored hashes do not fit the head.
func (s *Sealer) SealOnce(ctx context.Context, tenant string) (int, error) {
	for n := 0; ; {
		// The head comes first, so that entries that somebody else seals after it was read
		// make Advance fail.
		head, err := s.Store.Head(ctx, tenant)
		if err != nil {
			return n, fmt.Errorf("read the log's head: %w", err)
		}
		entries, err := s.Store.Unsealed(ctx, tenant, MaxBatch)
		if err != nil {
			return n, fmt.Errorf("read unsealed entries: %w", err)
		}
		if len(entries) == 0 {
			return n, nil
		}
		if err := s.seal(ctx, head, head.Epoch, entries); err != nil {
			return n, fmt.Errorf("seal %d entries after %d: %w", len(entries), head.Size, err)
		}
		if n += len(entries); len(entries) < MaxBatch {
			return n, nil
		}
	}
}

// BeginEpoch seals e alone, as the first entry of a new epoch. Restore calls it after it
// committed e and before any other sealer runs. The event in e has a [LogMark] with the new
// epoch and the note of the last checkpoint. Entries that were committed but not sealed when
// the backup was made follow in the new epoch: the server that lived on sealed them in the old
// one, perhaps in another order, and two signed orders must not exist.
func (s *Sealer) BeginEpoch(ctx context.Context, e Entry) error {
	head, err := s.Store.Head(ctx, e.Tenant)
	if err != nil {
		return fmt.Errorf("read the log's head: %w", err)
	}
	event, err := Open(e)
	if err != nil {
		return err
	}
	mark, last := event.mark(), NewHead(e.Tenant)
	if head.Size > 0 {
		if last, err = readCheckpoint([]byte(mark.LastCheckpoint)); err != nil {
			return fmt.Errorf("entry %s does not name the last checkpoint: %w", e.ID, err)
		}
	}
	if mark.Epoch != head.Epoch+1 || last.Size != head.Size || last.Root != head.Root {
		return fmt.Errorf("entry %s does not begin epoch %d after %d entries", e.ID, head.Epoch+1, head.Size)
	}
	if err := s.seal(ctx, head, head.Epoch+1, []Entry{e}); err != nil {
		return fmt.Errorf("begin epoch %d: %w", head.Epoch+1, err)
	}
	return nil
}

// mark returns what e says about the log, or the zero mark.
func (e *Event) mark() LogMark {
	if e.Change == nil || e.Change.Log == nil {
		return LogMark{}
	}
	return *e.Change.Log
}

// seal adds entries to the log after head. A [Courier] brings the checkpoint to witnesses.
func (s *Sealer) seal(ctx context.Context, head Head, epoch int64, entries []Entry) error {
	leaves, ids := make([]Hash, len(entries)), make([]string, len(entries))
	for i, e := range entries {
		if e.Tenant != head.Tenant {
			return fmt.Errorf("entry %s is of another tenant: %w", e.ID, ErrTampered)
		}
		leaves[i], ids[i] = e.Leaf(), e.ID
	}
	to, hashes, err := Extend(ctx, s.Store, head, leaves)
	if err != nil {
		return err
	}
	to.Epoch = epoch
	key, err := s.Key(ctx, head.Tenant)
	if err != nil {
		return fmt.Errorf("read the checkpoint key: %w", err)
	}
	checkpoint, err := SignCheckpoint(to, key)
	if err != nil {
		return err
	}
	return s.Store.Advance(ctx, Step{
		From: head, To: to, Entries: ids,
		FirstHash: tlog.StoredHashCount(head.Size), Hashes: hashes,
		Checkpoint: checkpoint, At: s.Now().UTC().Truncate(time.Microsecond),
	})
}
