package audit

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"
)

// Inclusion returns the proof that the entry at position is in the tree of the first size
// entries (RFC 6962 section 2.1.1). position must be below size.
func Inclusion(ctx context.Context, stored Hashes, tenant string, position, size int64) ([]Hash, error) {
	proof, err := tlog.ProveRecord(size, position, reader(ctx, stored, tenant))
	if err != nil {
		return nil, fmt.Errorf("prove entry %d of %d: %w", position, size, err)
	}
	return proof, nil
}

// A Proof says where an entry stands in the tree of Head.
type Proof struct {
	Position int64 // -1 until it is sealed
	Head     Head
	Leaf     Hash   // of the entry as it is kept
	Path     []Hash // from Leaf to the root of Head
	Included bool   // Leaf and Path lead there
}

// Prove works out from what is stored whether e is in the tree of head at its position.
func Prove(ctx context.Context, stored Hashes, head Head, e SealedEntry) (Proof, error) {
	p := Proof{Position: e.Position, Head: head, Leaf: e.Entry.Leaf()}
	if e.Position < 0 || e.Position >= head.Size {
		return p, nil
	}
	var err error
	if p.Path, err = Inclusion(ctx, stored, head.Tenant, e.Position, head.Size); err != nil {
		if errors.Is(err, ErrTampered) {
			return p, nil
		}
		return p, err
	}
	p.Included = CheckInclusion(p.Path, head, e.Position, p.Leaf) == nil
	return p, nil
}

// CheckInclusion reports whether proof shows that leaf is at position in the tree of h: nil,
// or [ErrTampered].
func CheckInclusion(proof []Hash, h Head, position int64, leaf Hash) error {
	if err := tlog.CheckRecord(proof, h.Size, h.Root, position, leaf); err != nil {
		return fmt.Errorf("entry %d is not shown to be in the log: %w", position, ErrTampered)
	}
	return nil
}

// Consistency returns the proof that the tree of the first older entries is the beginning of
// that of the first newer ones (RFC 6962 section 2.1.2). older is at least 1.
func Consistency(ctx context.Context, stored Hashes, tenant string, older, newer int64) ([]Hash, error) {
	proof, err := tlog.ProveTree(newer, older, reader(ctx, stored, tenant))
	if err != nil {
		return nil, fmt.Errorf("prove the first %d of %d entries: %w", older, newer, err)
	}
	return proof, nil
}

// CheckConsistency reports whether proof shows that the log of older is the beginning of that
// of newer: nil, or [ErrTampered].
func CheckConsistency(proof []Hash, older, newer Head) error {
	if older.Tenant != newer.Tenant {
		return fmt.Errorf("the heads are of two tenants: %w", ErrTampered)
	}
	if err := tlog.CheckTree(proof, newer.Size, newer.Root, older.Size, older.Root); err != nil {
		return fmt.Errorf("the first %d entries are not shown to be unchanged: %w", older.Size, ErrTampered)
	}
	return nil
}

// reader adapts stored to package tlog.
func reader(ctx context.Context, stored Hashes, tenant string) tlog.HashReader {
	return tlog.HashReaderFunc(func(indexes []int64) ([]Hash, error) {
		return readHashes(ctx, stored, tenant, indexes)
	})
}
