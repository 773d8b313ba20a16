package audit

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"io"
	"strings"
)

// Past is a log of which an export may have a later state.
type Past struct {
	Head Head // what is known of it
	Keys []ed25519.PublicKey
	// Stored has its hashes up to Head.
	Stored Hashes
}

// Continue reads an export of any tenants and calls next, in order, with every entry of those
// in past that comes after what is known of them. It calls it only once a signed checkpoint
// shows that the entry belongs to the same log: until then it holds a batch of entries. When
// anything is not as it was sealed, or is missing, it fails with [ErrTampered].
func Continue(ctx context.Context, export io.Reader, past map[string]Past, next func(Entry) error) error {
	logs := map[string]*continued{}
	for tenant, p := range past {
		f, err := readFrontier(ctx, p.Stored, p.Head)
		if err != nil {
			return err
		}
		logs[tenant] = &continued{keys: p.Keys, tree: f}
	}
	for line, err := range ReadJSONLines(export) {
		if err != nil {
			return fmt.Errorf("%w (%w)", err, ErrTampered)
		}
		if err := advance(logs, line, next); err != nil {
			return err
		}
	}
	for tenant, l := range logs {
		if len(l.waiting) > 0 {
			return fmt.Errorf("no checkpoint covers the last %d entries of tenant %s: %w", len(l.waiting), tenant, ErrTampered)
		}
	}
	return nil
}

// continued is a log as far as an export was read.
type continued struct {
	keys    []ed25519.PublicKey
	tree    *frontier
	waiting []Entry // not covered by a checkpoint yet
}

func advance(logs map[string]*continued, line Line, next func(Entry) error) error {
	if line.Checkpoint != nil {
		return covered(logs, line.Checkpoint, next)
	}
	if line.Entry == nil {
		return nil // pruned: when it is one that we lack, the next one leaves a gap
	}
	l := logs[line.Entry.Tenant]
	if l == nil || line.Position < l.tree.size {
		return nil
	}
	if line.Position > l.tree.size {
		return fmt.Errorf("entries %d to %d of tenant %s are not in the export: %w", l.tree.size, line.Position-1, line.Entry.Tenant, ErrTampered)
	}
	l.tree.add(line.Leaf)
	l.waiting = append(l.waiting, *line.Entry)
	return nil
}

// covered hands on the entries that a checkpoint covers.
func covered(logs map[string]*continued, note []byte, next func(Entry) error) error {
	origin, _, _ := strings.Cut(string(note), "\n")
	_, name, _ := strings.Cut(origin, "/")
	tenant, _, _ := strings.Cut(name, "/")
	l := logs[tenant]
	if l == nil {
		return nil
	}
	if stated, err := readCheckpoint(note); err == nil && len(l.waiting) == 0 && stated.Size <= l.tree.size {
		return nil // of what is known
	}
	h, err := OpenCheckpoint(note, l.keys...)
	if err != nil || h.Size != l.tree.size || h.Root != l.tree.root() {
		return fmt.Errorf("entries before %d of tenant %s do not fit their checkpoint: %w", l.tree.size, tenant, ErrTampered)
	}
	for _, e := range l.waiting {
		if err := next(e); err != nil {
			return err
		}
	}
	l.waiting = nil
	return nil
}
