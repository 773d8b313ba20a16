package audit

import (
	"context"
	"crypto/sha256"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"
)

// Hash is a SHA-256 hash of the tree (RFC 6962 section 2.1).
type Hash = tlog.Hash

// Head is the state of one tenant's tree.
type Head struct {
	Tenant string // UUID
	Size   int64  // entries
	Root   Hash
	// Epoch counts from 1 and grows by one with every restore. The tree goes on growing.
	Epoch int64
}

// NewHead returns the head of the empty log of tenant.
func NewHead(tenant string) Head {
	return Head{Tenant: tenant, Root: (&frontier{}).root(), Epoch: 1}
}

// Hashes reads the stored hashes of a tree.
type Hashes interface {
	// Hashes returns the hashes with these indexes, in the order asked for. The index of a
	// hash is that of [tlog.StoredHashIndex]; it counts through all epochs. The zero hash
	// stands for one that is not there.
	Hashes(ctx context.Context, tenant string, indexes []int64) ([]Hash, error)
}

// Extend returns the head after leaves were added to head, and the hashes to store. The first
// one has the index tlog.StoredHashCount(head.Size), the others follow without a gap. It fails
// with [ErrTampered] when the stored hashes do not give head's root.
func Extend(ctx context.Context, stored Hashes, head Head, leaves []Hash) (Head, []Hash, error) {
	f, err := readFrontier(ctx, stored, head)
	if err != nil {
		return Head{}, nil, err
	}
	made := make([]Hash, 0, 2*len(leaves))
	for _, leaf := range leaves {
		made = append(made, f.add(leaf)...)
	}
	head.Size, head.Root = f.size, f.root()
	return head, made, nil
}

// frontier is all that is needed to let a tree grow: the roots of the complete subtrees that
// it is made of, the largest first. There are as many as Size has bits set, 63 at most.
type frontier struct {
	size  int64
	roots []Hash
}

// readFrontier returns the frontier of head from the stored hashes.
func readFrontier(ctx context.Context, stored Hashes, head Head) (*frontier, error) {
	f := &frontier{size: head.Size}
	var indexes []int64
	for level := 62; level >= 0; level-- {
		if head.Size>>level&1 == 1 {
			indexes = append(indexes, tlog.StoredHashIndex(level, head.Size>>level-1))
		}
	}
	if len(indexes) > 0 {
		var err error
		if f.roots, err = readHashes(ctx, stored, head.Tenant, indexes); err != nil {
			return nil, err
		}
	}
	if f.root() != head.Root {
		return nil, fmt.Errorf("the stored hashes of tenant %s do not give the root of its head: %w", head.Tenant, ErrTampered)
	}
	return f, nil
}

// add adds a leaf and returns the hashes that it completes, the leaf's first, in the order in
// which they are stored.
func (f *frontier) add(leaf Hash) []Hash {
	made := []Hash{leaf}
	for n := f.size; n&1 == 1; n >>= 1 {
		last := len(f.roots) - 1
		leaf = tlog.NodeHash(f.roots[last], leaf)
		f.roots = f.roots[:last]
		made = append(made, leaf)
	}
	f.roots = append(f.roots, leaf)
	f.size++
	return made
}

// root returns the root of the tree.
func (f *frontier) root() Hash {
	last := len(f.roots) - 1
	if last < 0 {
		return sha256.Sum256(nil)
	}
	h := f.roots[last]
	for i := last - 1; i >= 0; i-- {
		h = tlog.NodeHash(f.roots[i], h)
	}
	return h
}

// readHashes reads hashes and checks that as many came as were asked for.
func readHashes(ctx context.Context, stored Hashes, tenant string, indexes []int64) ([]Hash, error) {
	hashes, err := stored.Hashes(ctx, tenant, indexes)
	if err != nil {
		return nil, fmt.Errorf("read hashes: %w", err)
	}
	if len(hashes) != len(indexes) {
		return nil, fmt.Errorf("read hashes: got %d of %d", len(hashes), len(indexes))
	}
	return hashes, nil
}
