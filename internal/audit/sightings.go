package audit

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"iter"

	"golang.org/x/mod/sumdb/tlog"
)

// sightings are the checkpoints of one tenant that a witness kept, in its order.
type sightings struct {
	next   func() ([]byte, error, bool)
	stop   func()
	tenant string
	keys   []ed25519.PublicKey
	ahead  *Head // read, still to come
	any    bool  // there was a checkpoint of the tenant
}

func newSightings(notes iter.Seq2[[]byte, error], o Options) *sightings {
	s := &sightings{tenant: o.Tenant, keys: o.Keys}
	s.next, s.stop = iter.Pull2(notes)
	return s
}

// peek returns the next checkpoint, or nil at the end. It fails with [ErrCheckpoint] when no
// known key signed it, or when there never was one of the tenant.
func (s *sightings) peek() (*Head, error) {
	for s.ahead == nil {
		signed, err, ok := s.next()
		switch {
		case !ok && !s.any:
			return nil, fmt.Errorf("the witness saw nothing of tenant %s: %w", s.tenant, ErrCheckpoint)
		case !ok:
			return nil, nil
		case err != nil:
			return nil, fmt.Errorf("read the witness: %w", err)
		}
		stated, err := readCheckpoint(signed)
		if err != nil {
			return nil, fmt.Errorf("read the witness: %w", err)
		}
		if stated.Tenant != s.tenant {
			continue
		}
		h, err := OpenCheckpoint(signed, s.keys...)
		if err != nil {
			return nil, fmt.Errorf("the witness's checkpoint of %d entries: %w", stated.Size, err)
		}
		s.ahead, s.any = &h, true
	}
	return s.ahead, nil
}

// drop passes over the checkpoint that peek returned.
func (s *sightings) drop() { s.ahead = nil }

// witnesses checks what the witnesses saw of the log up to the size that is reached.
func (v *verification) witnesses(ctx context.Context) error {
	for _, s := range v.seen {
		for {
			w, err := s.peek()
			if err != nil {
				return err
			}
			if w == nil || w.Size > v.end(w.Epoch) && w.Epoch >= v.epoch {
				break
			}
			if err := v.sighting(ctx, *w); err != nil {
				return err
			}
			s.drop()
		}
	}
	return nil
}

// end returns how many entries an epoch and those before it have, as far as the walk came.
func (v *verification) end(epoch int64) int64 {
	if epoch < v.epoch {
		return v.begins[epoch]
	}
	return v.tree.size
}

// sighting checks a checkpoint that a witness saw, of no more entries than were walked or of an
// epoch that ended.
func (v *verification) sighting(ctx context.Context, w Head) error {
	end := v.end(w.Epoch)
	if w.Size > end {
		if !v.AcceptLoss {
			return v.bad(end, "", fmt.Sprintf("epoch %d ended before it with a restore, but a witness saw %d entries", w.Epoch, w.Size))
		}
		v.report.Lost = max(v.report.Lost, w.Size-end)
		return nil
	}
	if w.Epoch > v.epoch || w.Size <= v.begins[w.Epoch-1] {
		return v.bad(w.Size-1, "", fmt.Sprintf("a witness saw it in epoch %d, here it is in another", w.Epoch))
	}
	root := v.tree.root()
	if w.Size < v.tree.size {
		// The stored hashes were compared on the way.
		var err error
		if root, err = tlog.TreeHash(w.Size, reader(ctx, v.src, v.Tenant)); err != nil {
			return fmt.Errorf("read the tree of %d entries: %w", w.Size, err)
		}
	}
	if root != w.Root {
		first := v.report.Witnessed
		if first >= w.Size {
			first = 0
		}
		return v.badRange(first, w.Size-1, "they do not give the root that a witness saw")
	}
	v.report.Witnessed = max(v.report.Witnessed, w.Size)
	return nil
}

// unreached returns the size of a checkpoint that a witness saw and the walk did not reach, or 0.
func (v *verification) unreached() (int64, error) {
	for _, s := range v.seen {
		w, err := s.peek()
		if err != nil {
			return 0, err
		}
		if w != nil {
			return w.Size, nil
		}
	}
	return 0, nil
}
