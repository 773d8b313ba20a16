package audit_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/tlog"
	"pgregory.net/rapid"

	"github.com/postern-id/postern/internal/audit"
)

// newSealedLog returns a log with the batches 0 to 2, 3 to 6, 7 and 8 to 12.
func newSealedLog(t *testing.T) *log {
	t.Helper()
	l := newLog(t)
	for _, n := range []int{3, 4, 1, 5} {
		l.batch(t, n)
	}
	return l
}

// entry returns the sealed entry at position, to tamper with.
func (l *log) entry(position int) *audit.Entry { return &l.state().sealed[position].Entry }

// rehash computes all stored hashes and the head's root anew, as somebody with the database
// but without the key can.
func (l *log) rehash(t *testing.T) {
	t.Helper()
	var leaves []audit.Hash
	for _, e := range l.state().sealed {
		leaves = append(leaves, e.Entry.Leaf())
	}
	head, hashes, err := audit.Extend(t.Context(), l, audit.NewHead(contoso), leaves)
	if err != nil {
		t.Fatal(err)
	}
	head.Epoch = l.state().head.Epoch
	l.state().head, l.state().hashes = head, hashes
}

// renumber gives the sealed entries the positions that they stand at.
func (l *log) renumber() {
	for i := range l.state().sealed {
		l.state().sealed[i].Position = int64(i)
	}
}

// truncate removes the entries from size on, with their hashes.
func (l *log) truncate(size int64) {
	s := l.state()
	s.sealed, s.hashes = s.sealed[:size], s.hashes[:tlog.StoredHashCount(size)]
}

// rollBack makes the log what it was at size, down to the head and the checkpoints.
func (l *log) rollBack(t *testing.T, size int64) {
	t.Helper()
	l.truncate(size)
	l.rehash(t)
	s := l.state()
	s.checkpoints = slices.DeleteFunc(s.checkpoints, func(c audit.StoredCheckpoint) bool { return c.Size > size })
}

// sign returns a checkpoint of h with the log's key.
func (l *log) sign(t *testing.T, h audit.Head) []byte {
	t.Helper()
	note, err := audit.SignCheckpoint(h, l.key)
	if err != nil {
		t.Fatal(err)
	}
	return note
}

func flip(b []byte, old, with string) []byte {
	if !bytes.Contains(b, []byte(old)) {
		panic(fmt.Sprintf("%q is not in %s", old, b))
	}
	return bytes.Replace(b, []byte(old), []byte(with), 1)
}

// attack is a way to change a sealed log, and where Verify must see it.
type attack struct {
	name           string
	tamper         func(t *testing.T, l *log)
	first, through int64
	what           string // part of what Verify says
}

var attacks = []attack{
	{"a byte of a body changed", func(_ *testing.T, l *log) {
		l.entry(5).Body = flip(l.entry(5).Body, "success", "failure")
	}, 5, 5, "does not match its hash"},
	{"a body and its hash changed", func(_ *testing.T, l *log) {
		l.entry(5).Body = flip(l.entry(5).Body, "success", "failure")
		l.state().hashes[tlog.StoredHashIndex(0, 5)] = l.entry(5).Leaf()
	}, 4, 5, "do not fit the hashes of the tree"},
	{"a body changed and all hashes computed anew", func(t *testing.T, l *log) {
		l.entry(5).Body = flip(l.entry(5).Body, "success", "failure")
		l.rehash(t)
	}, 3, 6, "root of the signed checkpoint"},
	{"a body changed alone in its batch and all hashes computed anew", func(t *testing.T, l *log) {
		l.entry(7).Body = flip(l.entry(7).Body, "success", "failure")
		l.rehash(t)
	}, 7, 7, "root of the signed checkpoint"},
	{"the hash of an entry changed", func(_ *testing.T, l *log) {
		l.state().hashes[tlog.StoredHashIndex(0, 4)][0]++
	}, 4, 4, "does not match its hash"},
	{"a hash inside the tree changed", func(_ *testing.T, l *log) {
		l.state().hashes[tlog.StoredHashIndex(3, 0)][0]++
	}, 7, 7, "does not fit the hashes of the tree"},
	{"the time of an entry changed", func(_ *testing.T, l *log) {
		l.entry(2).At = l.entry(2).At.Add(1000)
	}, 2, 2, "does not match its hash"},
	{"the id of an entry changed", func(_ *testing.T, l *log) {
		l.entry(2).ID = eventID(99)
	}, 2, 2, "does not match its hash"},
	{"the kind of an entry changed", func(_ *testing.T, l *log) {
		l.entry(2).Kind = audit.KindDirectory
	}, 2, 2, "does not match its hash"},
	{"a personal value changed", func(_ *testing.T, l *log) {
		l.entry(9).Personal = flip(l.entry(9).Personal, "INC-4711", "INC-4712")
	}, 9, 9, `"/change/additionalDetails/0/value" does not match its commitment`},
	{"a personal value taken from another entry", func(_ *testing.T, l *log) {
		l.entry(9).Personal = l.entry(11).Personal
	}, 9, 9, "does not match its commitment"},
	{"a personal value given twice", func(_ *testing.T, l *log) {
		l.entry(9).Personal = flip(l.entry(9).Personal, `{"/`, `{"/change/additionalDetails/0/value":{"salt":"","value":""},"/`)
	}, 9, 9, "not as they were written"},
	{"a personal value with a longer salt and a shorter value", func(_ *testing.T, l *log) {
		l.entry(9).Personal = moveIntoSalt(l.entry(9).Personal)
	}, 9, 9, "does not match its commitment"},
	{"personal values that are not JSON", func(_ *testing.T, l *log) {
		l.entry(9).Personal = []byte("gone")
	}, 9, 9, "not JSON"},
	{"two entries swapped", func(_ *testing.T, l *log) {
		s := l.state().sealed
		s[4].Entry, s[6].Entry = s[6].Entry, s[4].Entry
	}, 4, 4, "does not match its hash"},
	{"two entries and their hashes swapped", func(_ *testing.T, l *log) {
		s, h := l.state().sealed, l.state().hashes
		s[4].Entry, s[6].Entry = s[6].Entry, s[4].Entry
		a, b := tlog.StoredHashIndex(0, 4), tlog.StoredHashIndex(0, 6)
		h[a], h[b] = h[b], h[a]
	}, 4, 5, "do not fit the hashes of the tree"},
	{"an entry removed", func(_ *testing.T, l *log) {
		l.state().sealed = slices.Delete(l.state().sealed, 4, 5)
	}, 4, 4, "was removed"},
	{"an entry removed and the others moved up", func(_ *testing.T, l *log) {
		l.state().sealed = slices.Delete(l.state().sealed, 4, 5)
		l.renumber()
	}, 4, 4, "does not match its hash"},
	{"the first entry removed", func(_ *testing.T, l *log) {
		l.state().sealed = l.state().sealed[1:]
	}, 0, 0, "not a whole batch"},
	{"the first batch and one more entry removed", func(_ *testing.T, l *log) {
		l.state().sealed = l.state().sealed[4:]
	}, 3, 3, "not a whole batch"},
	{"the first batch removed and not announced", func(_ *testing.T, l *log) {
		l.state().sealed = l.state().sealed[3:]
	}, 0, 2, "no entry announces it"},
	{"more removed than was announced", func(t *testing.T, l *log) {
		l.announce(t, 3)
		l.state().sealed = l.state().sealed[7:]
	}, 3, 6, "no entry announces it"},
	{"the hash of a pruned entry removed", func(t *testing.T, l *log) {
		l.announce(t, 3)
		l.state().sealed = l.state().sealed[3:]
		l.state().hashes[tlog.StoredHashIndex(0, 1)] = audit.Hash{}
	}, 1, 1, "and so was its hash"},
	{"everything removed but the hashes", func(_ *testing.T, l *log) {
		l.state().sealed = nil
	}, 0, 12, "no entry announces it"},
	{"an entry put between", func(t *testing.T, l *log) {
		l.state().sealed = slices.Insert(l.state().sealed, 6, audit.SealedEntry{Entry: mustSeal(t, change(contoso, 77))})
		l.renumber()
	}, 6, 6, "does not match its hash"},
	{"an entry put between and all hashes computed anew", func(t *testing.T, l *log) {
		l.state().sealed = slices.Insert(l.state().sealed, 6, audit.SealedEntry{Entry: mustSeal(t, change(contoso, 77))})
		l.renumber()
		l.rehash(t)
	}, 3, 6, "root of the signed checkpoint"},
	{"an entry put at a place that is taken", func(t *testing.T, l *log) {
		l.state().sealed = slices.Insert(l.state().sealed, 6, audit.SealedEntry{Position: 5, Entry: mustSeal(t, change(contoso, 77))})
	}, 6, 6, "claims a place before it"},
	{"an entry put after the head", func(t *testing.T, l *log) {
		l.state().sealed = append(l.state().sealed, audit.SealedEntry{Position: 13, Entry: mustSeal(t, change(contoso, 77))})
	}, 13, 13, "after the head"},
	{"an entry put at the end with hashes and a head", func(t *testing.T, l *log) {
		l.state().sealed = append(l.state().sealed, audit.SealedEntry{Position: 13, Entry: mustSeal(t, change(contoso, 77))})
		l.rehash(t)
	}, 13, 13, "no signed checkpoint covers"},
	{"another tenant's entry", func(t *testing.T, l *log) {
		*l.entry(6) = mustSeal(t, change(fabrikam, 6))
	}, 6, 6, "another tenant"},
	{"another tenant's entry under this one's name", func(t *testing.T, l *log) {
		e := mustSeal(t, change(fabrikam, 6))
		e.Tenant = contoso
		*l.entry(6) = e
	}, 6, 6, "does not match its hash"},
	{"a checkpoint that another key signed", func(t *testing.T, l *log) {
		_, other, _ := ed25519.GenerateKey(rand.Reader)
		h, _ := audit.OpenCheckpoint(l.state().checkpoints[1].Note, l.options().Keys...)
		note, _ := audit.SignCheckpoint(h, other)
		l.state().checkpoints[1].Note = note
	}, 6, 6, "no valid signature"},
	{"a checkpoint with another size", func(_ *testing.T, l *log) {
		l.state().checkpoints[1].Note = flip(l.state().checkpoints[1].Note, "\n7\n", "\n8\n")
	}, 6, 6, "no valid signature"},
	{"a checkpoint in another one's place", func(_ *testing.T, l *log) {
		l.state().checkpoints[1].Note = l.state().checkpoints[2].Note
	}, 6, 6, "another tree"},
	{"another tenant's checkpoint with this one's key", func(t *testing.T, l *log) {
		h, _ := audit.OpenCheckpoint(l.state().checkpoints[1].Note, l.options().Keys...)
		h.Tenant = fabrikam
		l.state().checkpoints[1].Note = l.sign(t, h)
	}, 6, 6, "another tree"},
	{"a checkpoint of another epoch", func(t *testing.T, l *log) {
		h, _ := audit.OpenCheckpoint(l.state().checkpoints[1].Note, l.options().Keys...)
		h.Epoch = 2
		l.state().checkpoints[1].Note = l.sign(t, h)
	}, 6, 6, "epoch 2"},
	{"the last checkpoint removed", func(_ *testing.T, l *log) {
		l.state().checkpoints = l.state().checkpoints[:3]
	}, 8, 12, "no signed checkpoint covers"},
	{"the last entries removed", func(_ *testing.T, l *log) {
		l.truncate(8)
	}, 8, 8, "was removed"},
	{"the last entries removed and the head moved back", func(t *testing.T, l *log) {
		l.truncate(8)
		l.rehash(t)
	}, 8, 8, "a stored checkpoint covers 13"},
	{"another root in the head", func(_ *testing.T, l *log) {
		l.state().head.Root[0]++
	}, 12, 12, "head after it"},
	{"another epoch in the head", func(_ *testing.T, l *log) {
		l.state().head.Epoch = 2
	}, 12, 12, "head after it"},
	{"an entry that begins an epoch without a restore", func(t *testing.T, l *log) {
		e := change(contoso, l.next)
		e.Change.Log = &audit.LogMark{Epoch: 2, LastCheckpoint: string(l.lastNote())}
		l.append(t, e)
		l.seal(t)
	}, 13, 13, "epoch"},
	{"an entry that announces the pruning of later ones", func(t *testing.T, l *log) {
		l.announce(t, 100)
	}, 13, 13, "after it were pruned"},
}

// moveIntoSalt moves the first byte of a value to the end of its salt.
func moveIntoSalt(personal []byte) []byte {
	// The salt is 16 bytes, so its base64 ends in "==" and leaves room for the ninth group.
	i := bytes.Index(personal, []byte(`==","value":"`))
	salt, value := personal[i-22:i], personal[i+13]
	last := strings.IndexByte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", salt[21])
	const digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
	joined := []byte{digits[last|int(value>>4)], digits[value&15<<2], '='}
	out := append(slices.Clone(personal[:i-1]), joined...)
	return append(append(out, personal[i+2:i+13]...), personal[i+14:]...)
}

func mustSeal(t *testing.T, e audit.Event) audit.Entry {
	t.Helper()
	entry, err := e.Seal(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return entry
}

func TestVerifyNamesTheFirstBadEntry(t *testing.T) {
	for _, c := range attacks {
		t.Run(c.name, func(t *testing.T) {
			l := newSealedLog(t)
			c.tamper(t, l)
			_, err := l.verify(t)
			wantProblem(t, err, c.first, c.through, c.what)
		})
	}
}

// wantProblem expects err to be a problem of the entries first to through that says what.
func wantProblem(t *testing.T, err error, first, through int64, what string) {
	t.Helper()
	p, ok := errors.AsType[*audit.Problem](err)
	if !ok || !errors.Is(err, audit.ErrTampered) {
		t.Fatalf("Verify = %v, want a problem", err)
	}
	if p.Position != first || p.Through != through || !strings.Contains(p.Error(), what) {
		t.Fatalf("Verify = %v\nwant entries %d to %d: … %s …", p, first, through, what)
	}
}

func TestVerifyNamesTheIDOfABadEntry(t *testing.T) {
	l := newSealedLog(t)
	l.entry(5).Body = flip(l.entry(5).Body, "success", "failure")
	_, err := l.verify(t)
	if p, ok := errors.AsType[*audit.Problem](err); !ok || p.ID != eventID(5) || !strings.Contains(err.Error(), eventID(5)) {
		t.Fatalf("Verify = %v, want it to name %s", err, eventID(5))
	}
}

func TestVerifyAcceptsAnUntouchedLog(t *testing.T) {
	l := newSealedLog(t)
	r, err := l.verify(t)
	want := audit.Report{Head: l.state().head, Checkpoints: 4}
	if err != nil || r != want {
		t.Fatalf("Verify = %+v, %v; want %+v", r, err, want)
	}
}

func TestVerifyAcceptsErasedValuesAndCountsThem(t *testing.T) {
	l := newSealedLog(t)
	for _, position := range []int{2, 5} {
		erased, err := l.entry(position).Erase(zoe)
		if err != nil {
			t.Fatal(err)
		}
		*l.entry(position) = erased
	}
	l.entry(7).Personal = nil
	if r, err := l.verify(t); err != nil || r.Erased != 3 {
		t.Fatalf("Verify = %+v, %v; want 3 erased entries", r, err)
	}
}

func TestVerifyAcceptsPrunedBatchesThatWereAnnounced(t *testing.T) {
	l := newSealedLog(t)
	l.announce(t, 7)
	l.state().sealed = l.state().sealed[7:]
	if r, err := l.verify(t); err != nil || r.Pruned != 7 || r.Head.Size != 14 {
		t.Fatalf("Verify = %+v, %v; want 7 pruned of 14", r, err)
	}
	l.entry(2).Body = flip(l.entry(2).Body, "success", "failure")
	_, err := l.verify(t)
	wantProblem(t, err, 9, 9, "does not match its hash")
}

func TestVerifyFollowsEpochs(t *testing.T) {
	l := newSealedLog(t)
	l.restore(t)
	l.batch(t, 2)
	l.restore(t)
	l.batch(t, 1)
	r, err := l.verify(t)
	if err != nil || r.Head.Epoch != 3 || r.Head.Size != 18 {
		t.Fatalf("Verify = %+v, %v; want 18 entries in epoch 3", r, err)
	}
	l.announce(t, 16)
	l.state().sealed = l.state().sealed[16:]
	if r, err := l.verify(t); err != nil || r.Head.Epoch != 3 || r.Pruned != 16 {
		t.Fatalf("after the beginnings of two epochs were pruned, Verify = %+v, %v", r, err)
	}
}

func TestVerifyFollowsAnEpochThatBeginsAnEmptyLog(t *testing.T) {
	l := newLog(t)
	l.restore(t)
	l.batch(t, 2)
	if r, err := l.verify(t); err != nil || r.Head.Epoch != 2 {
		t.Fatalf("Verify = %+v, %v; want epoch 2", r, err)
	}
}

func TestVerifyRefusesAnEpochThatNamesAnotherCheckpoint(t *testing.T) {
	l := newSealedLog(t)
	e := change(contoso, l.next)
	h := l.state().head
	h.Tenant = fabrikam
	e.Change.Log = &audit.LogMark{Epoch: 2, LastCheckpoint: string(l.sign(t, h))}
	if err := l.sealer.BeginEpoch(t.Context(), l.append(t, e)); err != nil {
		t.Fatal(err)
	}
	_, err := l.verify(t)
	wantProblem(t, err, 13, 13, "does not name the last checkpoint")
}

func TestAWitnessSeesWhatTheStoreNoLongerShows(t *testing.T) {
	for _, c := range []struct {
		name           string
		tamper         func(t *testing.T, l *log)
		first, through int64
		what           string
	}{
		{"the end of the log and all traces of it removed", func(t *testing.T, l *log) {
			l.rollBack(t, 8)
		}, 8, 8, "a witness saw 13"},
		{"the log written anew with the key", func(t *testing.T, l *log) {
			l.rollBack(t, 8)
			l.batch(t, 5)
		}, 0, 12, "root that a witness saw"},
		{"the log written anew, and longer", func(t *testing.T, l *log) {
			l.rollBack(t, 8)
			l.batch(t, 9)
		}, 0, 12, "root that a witness saw"},
		{"the end of the log replaced by a restore", func(t *testing.T, l *log) {
			l.rollBack(t, 8)
			l.restore(t)
			l.batch(t, 20)
		}, 8, 8, "epoch 1 ended before it with a restore, but a witness saw 13"},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := newSealedLog(t)
			witness := l.lastNote()
			c.tamper(t, l)
			if _, err := l.verify(t); err != nil {
				t.Fatalf("without the witness, Verify = %v", err)
			}
			_, err := l.verify(t, witness)
			wantProblem(t, err, c.first, c.through, c.what)
		})
	}
}

func TestAWitnessThatSawBothHistoriesTellsThem(t *testing.T) {
	l := newSealedLog(t)
	before := [][]byte{l.state().checkpoints[1].Note, l.state().checkpoints[2].Note, l.lastNote()}
	l.rollBack(t, 7)
	var after [][]byte
	for range 9 {
		l.batch(t, 1)
		after = append(after, l.lastNote())
	}
	if _, err := l.verify(t, after...); err != nil {
		t.Fatalf("against the checkpoints of what was rewritten, Verify = %v", err)
	}
	_, err := l.verify(t, slices.Concat(before, after)...)
	wantProblem(t, err, 7, 7, "root that a witness saw")
	_, err = l.verify(t, slices.Concat(after, before)...)
	wantProblem(t, err, 0, 7, "root that a witness saw")
}

func TestVerifyAcceptsWhatAWitnessSaw(t *testing.T) {
	l := newSealedLog(t)
	var witness [][]byte
	for _, c := range slices.Backward(l.state().checkpoints) {
		witness = append(witness, c.Note, c.Note)
	}
	l.batch(t, 1)
	l.restore(t)
	l.batch(t, 1)
	witness = append([][]byte{l.lastNote()}, witness...)
	_, private := keyPair(t)
	foreign, err := audit.SignCheckpoint(audit.Head{Tenant: fabrikam, Size: 99, Epoch: 1}, private)
	if err != nil {
		t.Fatal(err)
	}
	witness = append(witness, foreign)
	o := l.options(witness...)
	o.Witnesses = append(o.Witnesses, notes(witness[1]))
	if r, err := audit.Verify(t.Context(), l.memory, o); err != nil || r.Witnessed != 16 {
		t.Fatalf("Verify = %+v, %v; want 16 witnessed entries", r, err)
	}
}

func TestVerifyReadsALongWitnessBitByBit(t *testing.T) {
	l := newLog(t)
	for range 1000 {
		l.batch(t, 1)
	}
	read := 0
	o := l.options()
	o.Witnesses = []iter.Seq2[[]byte, error]{func(yield func([]byte, error) bool) {
		for _, c := range l.state().checkpoints {
			if read++; !yield(c.Note, nil) {
				return
			}
		}
	}}
	if r, err := audit.Verify(t.Context(), l.memory, o); err != nil || r.Witnessed != 1000 || read != 1000 {
		t.Fatalf("Verify = %+v, %v; %d checkpoints of the witness were read", r, err, read)
	}
	l.entry(3).Body = nil
	read = 0
	if _, err := audit.Verify(t.Context(), l.memory, o); err == nil || read > 10 {
		t.Fatalf("Verify = %v after it read %d checkpoints", err, read)
	}
}

func TestVerifyCountsALossThatIsAccepted(t *testing.T) {
	l := newSealedLog(t)
	witness := l.lastNote()
	l.rollBack(t, 8)
	l.restore(t)
	l.batch(t, 1)
	o := l.options(witness, l.lastNote())
	o.AcceptLoss = true
	r, err := audit.Verify(t.Context(), l.memory, o)
	if err != nil || r.Lost != 5 || r.Witnessed != 10 {
		t.Fatalf("Verify = %+v, %v; want 5 lost and 10 witnessed", r, err)
	}
	o = l.options(l.lastNote())
	o.AcceptLoss = true
	l.rollBack(t, 9)
	if _, err := audit.Verify(t.Context(), l.memory, o); err == nil {
		t.Fatal("AcceptLoss let a removal pass that no restore explains")
	}
}

func TestVerifyRefusesAWitnessThatItCannotTrust(t *testing.T) {
	l, other := newSealedLog(t), newSealedLog(t)
	h := l.state().head
	h.Tenant = fabrikam
	h2 := l.state().head
	h2.Epoch = 2
	for name, note := range map[string][]byte{
		"another key":    other.lastNote(),
		"another tenant": l.sign(t, h),
		"no checkpoint":  []byte("hello\n"),
		"nothing":        nil,
	} {
		if _, err := l.verify(t, note); !errors.Is(err, audit.ErrCheckpoint) {
			t.Errorf("%s: Verify = %v, want ErrCheckpoint", name, err)
		}
	}
	if _, err := l.verify(t, [][]byte{}...); !errors.Is(err, audit.ErrCheckpoint) {
		t.Errorf("an empty witness: Verify = %v, want ErrCheckpoint", err)
	}
	_, err := l.verify(t, l.sign(t, h2))
	wantProblem(t, err, 12, 12, "a witness saw it in epoch 2, here it is in another")
	o := l.options()
	o.Witnesses = []iter.Seq2[[]byte, error]{func(yield func([]byte, error) bool) { yield(nil, io.ErrUnexpectedEOF) }}
	if _, err := audit.Verify(t.Context(), l.memory, o); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("a witness that cannot be read: Verify = %v", err)
	}
}

// growing seals more entries while the log is verified.
type growing struct {
	*log
	t    *testing.T
	left int
}

func (g *growing) Checkpoints(ctx context.Context, tenant string, after int64, limit int) ([]audit.StoredCheckpoint, error) {
	if g.left > 0 {
		g.left--
		g.batch(g.t, 2)
	}
	return g.log.Checkpoints(ctx, tenant, after, limit)
}

func TestVerifyFollowsALogThatGrowsMeanwhile(t *testing.T) {
	g := &growing{newSealedLog(t), t, 5}
	r, err := audit.Verify(t.Context(), g, g.options())
	if err != nil || r.Head != g.state().head || g.left != 0 {
		t.Fatalf("Verify = %+v, %v; want the head %+v", r, err, g.state().head)
	}
}

// small fails when more than a page is asked for.
type small struct {
	*log
	t *testing.T
}

func (s small) Sealed(ctx context.Context, tenant string, from int64, limit int) ([]audit.SealedEntry, error) {
	if limit > 256 {
		s.t.Errorf("asked for %d entries at once", limit)
	}
	return s.log.Sealed(ctx, tenant, from, limit)
}

func (s small) Hashes(ctx context.Context, tenant string, indexes []int64) ([]audit.Hash, error) {
	if len(indexes) > 600 {
		s.t.Errorf("asked for %d hashes at once", len(indexes))
	}
	return s.log.Hashes(ctx, tenant, indexes)
}

func TestVerifyReadsALongLogPageByPage(t *testing.T) {
	l := newLog(t)
	for _, n := range []int{700, 1, 600} {
		l.batch(t, n)
	}
	if r, err := audit.Verify(t.Context(), small{l, t}, l.options()); err != nil || r.Head.Size != 1301 {
		t.Fatalf("Verify = %+v, %v", r, err)
	}
	l.entry(1200).Body = append(l.entry(1200).Body, ' ')
	_, err := audit.Verify(t.Context(), small{l, t}, l.options())
	wantProblem(t, err, 1200, 1200, "does not match its hash")
}

func TestVerifyPassesOnThatAStoreCannotBeRead(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := audit.Verify(ctx, unreadable{newSealedLog(t)}, newSealedLog(t).options())
	if !errors.Is(err, context.Canceled) || errors.Is(err, audit.ErrTampered) {
		t.Fatalf("Verify = %v, want the store's error", err)
	}
}

type unreadable struct{ *log }

func (unreadable) Sealed(ctx context.Context, _ string, _ int64, _ int) ([]audit.SealedEntry, error) {
	return nil, ctx.Err()
}

func TestVerifyFindsAnyChangeAnywhere(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		l := newLog(t)
		for _, n := range rapid.SliceOfN(rapid.IntRange(1, 9), 1, 6).Draw(r, "batches") {
			l.batch(t, n)
		}
		size := len(l.state().sealed)
		at := rapid.IntRange(0, size-1).Draw(r, "position")
		switch rapid.SampledFrom([]string{"body", "personal", "remove", "swap", "insert", "time"}).Draw(r, "change") {
		case "body":
			b := bytes.Clone(l.entry(at).Body)
			b[rapid.IntRange(0, len(b)-1).Draw(r, "byte")] ^= byte(rapid.IntRange(1, 255).Draw(r, "bits"))
			l.entry(at).Body = b
		case "personal":
			b := bytes.Clone(l.entry(at).Personal)
			b[rapid.IntRange(0, len(b)-1).Draw(r, "byte")] ^= byte(rapid.IntRange(1, 255).Draw(r, "bits"))
			l.entry(at).Personal = b
		case "time":
			l.entry(at).At = l.entry(at).At.Add(1e9)
		case "remove":
			l.state().sealed = slices.Delete(l.state().sealed, at, at+1)
			if rapid.Bool().Draw(r, "and move up") {
				l.renumber()
			}
		case "swap":
			if at == size-1 {
				return
			}
			s := l.state().sealed
			s[at].Entry, s[at+1].Entry = s[at+1].Entry, s[at].Entry
		case "insert":
			l.state().sealed = slices.Insert(l.state().sealed, at, audit.SealedEntry{Entry: mustSeal(t, signIn(contoso, 900))})
			l.renumber()
		}
		again := rapid.Bool().Draw(r, "and compute the hashes anew")
		if again && len(l.state().sealed) == size {
			l.rehash(t)
		}
		_, err := l.verify(t)
		p, ok := errors.AsType[*audit.Problem](err)
		if !ok || int64(at) < p.Position || int64(at) > p.Through {
			r.Fatalf("entry %d of %d was changed, Verify = %v", at, size, err)
		}
	})
}
