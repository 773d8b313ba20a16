package audit

import (
	"context"
	"errors"
	"time"
)

// ErrStale reports that somebody else sealed first. Nothing was changed.
var ErrStale = errors.New("another sealer moved the log's head")

// SealStore keeps what sealing needs. What it promises is tested by package audittest.
type SealStore interface {
	Hashes

	// Tenants returns the tenants that have committed entries without a position.
	Tenants(ctx context.Context) ([]string, error)

	// Head returns the head of tenant's log, or [NewHead] when nothing was sealed.
	Head(ctx context.Context, tenant string) (Head, error)

	// Unsealed returns at most limit of tenant's committed entries without a position, by
	// their time and then their id. Their order becomes that of the log. Personal may be left
	// out.
	Unsealed(ctx context.Context, tenant string, limit int) ([]Entry, error)

	// Advance makes all changes of s in one transaction, or none. It returns [ErrStale] when
	// the head is not s.From in all fields, or when an entry is not there without a position.
	Advance(ctx context.Context, s Step) error
}

// Step moves the head of a log.
type Step struct {
	From, To Head
	// Entries are the ids of the entries that get the positions From.Size, From.Size+1 … .
	Entries []string
	// Hashes are to be stored under the indexes FirstHash, FirstHash+1 … .
	FirstHash int64
	Hashes    []Hash
	// Checkpoint is the signed note of To, to be stored under To.Size, with At.
	Checkpoint []byte
	At         time.Time // UTC, microseconds
}

// Source reads the sealed log of a tenant. What it promises is tested by package audittest.
type Source interface {
	Hashes

	// Head is that of [SealStore].
	Head(ctx context.Context, tenant string) (Head, error)

	// Sealed returns at most limit sealed entries with the lowest positions that are not below
	// from, in the order of their positions. Pruned entries are left out.
	Sealed(ctx context.Context, tenant string, from int64, limit int) ([]SealedEntry, error)

	// Checkpoints returns at most limit checkpoints of the smallest sizes above after, in the
	// order of their sizes.
	Checkpoints(ctx context.Context, tenant string, after int64, limit int) ([]StoredCheckpoint, error)
}

// SealedEntry is an entry in its place.
type SealedEntry struct {
	Position int64 // from 0, through all epochs
	Entry    Entry
}

// StoredCheckpoint is a checkpoint as a [Step] stored it.
type StoredCheckpoint struct {
	Size int64
	Note []byte
}
