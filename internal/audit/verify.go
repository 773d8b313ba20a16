package audit

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"iter"

	"golang.org/x/mod/sumdb/tlog"
)

// Options says what to check a log against.
type Options struct {
	Tenant string
	// Keys are the public keys that may have signed checkpoints.
	Keys []ed25519.PublicKey
	// Witnesses are the checkpoints that each witness kept; see [ReadCheckpoints]. All are
	// compared, because who rewrites a log publishes new ones too. Best in the order in which
	// they were published; those of other tenants are passed over.
	Witnesses []iter.Seq2[[]byte, error]
	// AcceptLoss takes it as known that entries which a witness saw were lost in a restore. They
	// are counted in Report.Lost. Without it they are a [Problem].
	AcceptLoss bool
}

// Report is what [Verify] found. After a [Problem] it covers what came before.
type Report struct {
	Head        Head  // the last checked state
	Pruned      int64 // entries of which only the hash is kept
	Erased      int64 // entries with an erased personal value
	Checkpoints int64 // stored checkpoints that fit
	Witnessed   int64 // entries that a witness's checkpoint covers
	Lost        int64 // entries that a witness saw and a restore lost, with AcceptLoss
}

// Problem is the first bad entry of a log. It is an [ErrTampered].
type Problem struct {
	Position int64  // of the bad entry, from 0
	Through  int64  // the last entry that may be the bad one, where several may
	ID       string // of the entry at Position, when it is there and only one may be bad
	What     string // what is wrong, as a clause
}

// Error names the entry and says what is wrong.
func (p *Problem) Error() string {
	switch {
	case p.Through > p.Position:
		return fmt.Sprintf("entries %d to %d: %s", p.Position, p.Through, p.What)
	case p.ID != "":
		return fmt.Sprintf("entry %d (%s): %s", p.Position, p.ID, p.What)
	}
	return fmt.Sprintf("entry %d: %s", p.Position, p.What)
}

// Unwrap returns [ErrTampered].
func (p *Problem) Unwrap() error { return ErrTampered }

const pageSize = 256

// Verify walks the sealed log of one tenant from its first entry to its head, and returns nil
// when all of it is as it was sealed. Otherwise the error is a [*Problem], or says why the log
// could not be read. Memory does not grow with the log, which may go on growing meanwhile.
//
// Checked are: the place and the content of every entry, and its personal values; the stored
// hashes; the signature, size and root of every stored checkpoint and of those in o; that the
// last one covers the head; that only the oldest entries were pruned, in whole batches and
// announced by a later entry; and that every epoch begins with an entry that names the last
// checkpoint before it.
func Verify(ctx context.Context, src Source, o Options) (Report, error) {
	v := &verification{src: src, Options: o, epoch: 1, begins: []int64{0}}
	defer func() {
		for _, s := range v.seen {
			s.stop()
		}
	}()
	for _, notes := range o.Witnesses {
		v.seen = append(v.seen, newSightings(notes, o))
	}
	err := v.run(ctx)
	v.report.Head = Head{Tenant: o.Tenant, Size: v.tree.size, Root: v.tree.root(), Epoch: v.epoch}
	return v.report, err
}

// verification is a walk under way. Entries below tree.size were read; those below proven are
// covered by a checkpoint that fits.
type verification struct {
	Options
	src    Source
	report Report
	tree   frontier
	epoch  int64
	proven int64

	begins []int64      // where the epochs begin, from epoch 1 on; epoch is how many there are
	seen   []*sightings // by witnesses

	stored    []StoredCheckpoint // read, still to come
	exhausted bool               // there were no more when we last looked
	last      StoredCheckpoint   // the last stored checkpoint that fits
	announced int64              // entries before this position may be pruned
}

// run walks to the head, and on while the head moves away.
func (v *verification) run(ctx context.Context) error {
	head, err := v.src.Head(ctx, v.Tenant)
	if err != nil {
		return fmt.Errorf("read the log's head: %w", err)
	}
	for {
		for v.tree.size < head.Size {
			if err := v.page(ctx, min(pageSize, head.Size-v.tree.size)); err != nil {
				return err
			}
		}
		next, err := v.finish(ctx, head)
		if err != nil || next == head {
			return err
		}
		head = next
	}
}

// page reads and checks the next n entries.
func (v *verification) page(ctx context.Context, n int64) error {
	from := v.tree.size
	entries, err := v.src.Sealed(ctx, v.Tenant, from, int(n))
	if err != nil {
		return fmt.Errorf("read entries from %d: %w", from, err)
	}
	hashes, err := v.storedHashes(ctx, from, n)
	if err != nil {
		return err
	}
	for range n {
		var e *Entry
		switch p := v.tree.size; {
		case len(entries) > 0 && entries[0].Position < p:
			return v.bad(p, "", "a second entry claims a place before it")
		case len(entries) > 0 && entries[0].Position == p:
			e, entries = &entries[0].Entry, entries[1:]
		}
		used, err := v.entry(e, hashes)
		if err != nil {
			return err
		}
		hashes = hashes[used:]
		id := ""
		if e != nil {
			id = e.ID
		}
		if err := v.checkpoints(ctx, id); err != nil {
			return err
		}
	}
	return nil
}

// storedHashes returns the hashes that the n entries after the first from completed.
func (v *verification) storedHashes(ctx context.Context, from, n int64) ([]Hash, error) {
	var indexes []int64
	for i := tlog.StoredHashCount(from); i < tlog.StoredHashCount(from+n); i++ {
		indexes = append(indexes, i)
	}
	return readHashes(ctx, v.src, v.Tenant, indexes)
}

// entry checks the next entry, which is nil when it is not there, and returns how many of the
// stored hashes it completed.
func (v *verification) entry(e *Entry, stored []Hash) (int, error) {
	p := v.tree.size
	if e == nil {
		switch {
		case p != v.report.Pruned:
			return 0, v.bad(p, "", "it was removed")
		case stored[0] == Hash{}:
			return 0, v.bad(p, "", "it was removed, and so was its hash")
		}
		v.report.Pruned++
		return v.grow(stored[0], "", stored)
	}
	if p == v.report.Pruned && p != v.proven {
		return 0, v.badRange(v.proven, p-1, "they were removed, and are not a whole batch")
	}
	leaf := e.Leaf()
	switch {
	case e.Tenant != v.Tenant:
		return 0, v.bad(p, e.ID, "it is of another tenant")
	case leaf != stored[0]:
		return 0, v.bad(p, e.ID, "it does not match its hash: the entry or the hash was changed")
	}
	event, erased, err := open(*e)
	if err != nil {
		return 0, v.bad(p, e.ID, err.Error())
	}
	if erased > 0 {
		v.report.Erased++
	}
	if err := v.mark(event); err != nil {
		return 0, err
	}
	return v.grow(leaf, e.ID, stored)
}

// grow adds leaf to the tree and compares the hashes that it completes with the stored ones.
func (v *verification) grow(leaf Hash, id string, stored []Hash) (int, error) {
	p := v.tree.size
	made := v.tree.add(leaf)
	for level, h := range made {
		if h == stored[level] {
			continue
		}
		first := max(v.proven, p+1-1<<level)
		if first == p {
			return 0, v.bad(p, id, "it does not fit the hashes of the tree")
		}
		return 0, v.badRange(first, p, "they do not fit the hashes of the tree")
	}
	return len(made), nil
}

// mark follows what an entry says about the log itself.
func (v *verification) mark(e Event) error {
	p, m := v.tree.size, e.mark()
	if m.PrunedBefore > p {
		return v.bad(p, e.ID, "it announces that entries after it were pruned")
	}
	v.announced = max(v.announced, m.PrunedBefore)
	if m.Epoch == 0 {
		return nil
	}
	switch {
	case m.Epoch != v.epoch+1:
		return v.bad(p, e.ID, fmt.Sprintf("it begins epoch %d within epoch %d", m.Epoch, v.epoch))
	case v.last.Size != p || m.LastCheckpoint != string(v.last.Note):
		return v.bad(p, e.ID, "it begins an epoch, but does not name the last checkpoint")
	}
	v.begin(p)
	return nil
}

// begin begins the next epoch at position p.
func (v *verification) begin(p int64) {
	v.begins = append(v.begins, p)
	v.epoch++
}

// checkpoints checks the stored and the witnesses' checkpoints of the size that is reached; id
// is the last entry's.
func (v *verification) checkpoints(ctx context.Context, id string) error {
	size := v.tree.size
	cp, err := v.peek(ctx)
	if err != nil {
		return err
	}
	if cp != nil && cp.Size <= size {
		if err := v.checkpoint(*cp, id); err != nil {
			return err
		}
		v.stored = v.stored[1:]
	}
	return v.witnesses(ctx)
}

// checkpoint checks a stored checkpoint against the entries up to it.
func (v *verification) checkpoint(cp StoredCheckpoint, id string) error {
	size := v.tree.size
	h, err := OpenCheckpoint(cp.Note, v.Keys...)
	switch {
	case err != nil:
		return v.bad(size-1, id, "the checkpoint after it has no valid signature")
	case h.Tenant != v.Tenant || h.Size != size || cp.Size != size:
		return v.bad(size-1, id, "the checkpoint after it is of another tree")
	case h.Root != v.tree.root():
		return v.badRange(v.proven, size-1, "they do not give the root of the signed checkpoint after them")
	}
	// The entry that began an epoch may have been pruned, with the rest of its batch.
	if h.Epoch == v.epoch+1 && v.report.Pruned > v.proven {
		v.begin(v.proven)
	}
	if h.Epoch != v.epoch {
		return v.bad(size-1, id, fmt.Sprintf("the checkpoint after it is of epoch %d, the entry of epoch %d", h.Epoch, v.epoch))
	}
	v.last, v.proven = cp, size
	v.report.Checkpoints++
	return nil
}

// peek returns the next stored checkpoint, or nil when there is none.
func (v *verification) peek(ctx context.Context) (*StoredCheckpoint, error) {
	if len(v.stored) == 0 && !v.exhausted {
		var err error
		if v.stored, err = v.src.Checkpoints(ctx, v.Tenant, v.last.Size, pageSize); err != nil {
			return nil, fmt.Errorf("read checkpoints after %d: %w", v.last.Size, err)
		}
		v.exhausted = len(v.stored) == 0
	}
	if len(v.stored) == 0 {
		return nil, nil
	}
	return &v.stored[0], nil
}

// finish checks what is true only of a whole log. It returns the head as it is now: another one
// when the log grew. What lies beyond head is read before that, because only then it is known
// to be there without a head that covers it.
func (v *verification) finish(ctx context.Context, head Head) (Head, error) {
	beyond, err := v.src.Sealed(ctx, v.Tenant, head.Size, 1)
	if err != nil {
		return Head{}, fmt.Errorf("read entries from %d: %w", head.Size, err)
	}
	v.exhausted = false
	cp, err := v.peek(ctx)
	if err != nil {
		return Head{}, err
	}
	unreached, err := v.unreached()
	if err != nil {
		return Head{}, err
	}
	now, err := v.src.Head(ctx, v.Tenant)
	if err != nil {
		return Head{}, fmt.Errorf("read the log's head: %w", err)
	}
	if now.Size > head.Size {
		v.exhausted = false
		return now, nil
	}
	size := v.tree.size
	switch {
	case now != head:
		return Head{}, v.bad(now.Size, "", "the head went back while it was checked")
	case v.last.Size != size:
		return Head{}, v.badRange(v.last.Size, size-1, "no signed checkpoint covers them")
	case head.Tenant != v.Tenant || head.Root != v.tree.root() || head.Epoch != v.epoch:
		return Head{}, v.bad(max(0, size-1), "", "the log's head after it is of another tree")
	case len(beyond) > 0:
		return Head{}, v.bad(beyond[0].Position, beyond[0].Entry.ID, "it is after the head of the log")
	case cp != nil:
		return Head{}, v.bad(size, "", fmt.Sprintf("it was removed: a stored checkpoint covers %d entries", cp.Size))
	case v.report.Pruned > v.announced:
		return Head{}, v.badRange(v.announced, v.report.Pruned-1, "they were removed, and no entry announces it")
	case unreached > 0:
		return Head{}, v.bad(size, "", fmt.Sprintf("it was removed: a witness saw %d entries", unreached))
	}
	return head, nil
}

// bad returns the problem of one entry.
func (v *verification) bad(position int64, id, what string) error {
	return &Problem{Position: position, Through: position, ID: id, What: what}
}

// badRange returns the problem of one of several entries.
func (v *verification) badRange(first, last int64, what string) error {
	return &Problem{Position: first, Through: max(first, last), What: what}
}
