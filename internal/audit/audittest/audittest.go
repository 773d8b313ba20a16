// Package audittest tests what stores of the log promise: [audit.SealStore] and
// [audit.Source].
package audittest

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/postern-id/postern/internal/audit"
)

// Store is a store under test. Append commits entries of any tenants without a position; the
// suite names tenants that no one else uses.
type Store interface {
	audit.SealStore
	audit.Source
	Append(ctx context.Context, entries []audit.Entry) error
}

// nine is when all that the suite writes was written.
var nine = time.Date(2026, 11, 2, 9, 0, 0, 123456000, time.UTC)

// SealStore tests the stores that open returns; each is empty and closed by its test.
func SealStore(t *testing.T, open func(testing.TB) Store) {
	for _, c := range []struct {
		name string
		test func(t *testing.T, s *bench)
	}{
		{"a log without entries has an empty head", emptyLog},
		{"entries come back byte for byte", sameBytes},
		{"unsealed entries are ordered by time, then id, and limited", unsealedOrder},
		{"sealing gives positions without a gap and empties the queue", seals},
		{"the order is the seal's and not the clock's", sealOrder},
		{"more than one batch is sealed in one go", manyBatches},
		{"pages of sealed entries and checkpoints follow each other", pages},
		{"a hash that is not there is zero", missingHash},
		{"a step from an old head is stale and changes nothing", staleHead},
		{"a step with an entry that has a position is stale and changes nothing", staleEntry},
		{"a step with an entry that is not there is stale and changes nothing", absentEntry},
		{"sealers at the same time lose nothing and double nothing", concurrent},
		{"tenants do not touch each other", tenants},
		{"a new epoch goes on with the same tree", epochs},
	} {
		t.Run(c.name, func(t *testing.T) { c.test(t, newBench(t, open(t))) })
	}
}

// bench is a store, a sealer on it and a tenant of its own.
type bench struct {
	Store
	tenant string
	public ed25519.PublicKey
	key    ed25519.PrivateKey
	sealer *audit.Sealer
}

func newBench(t *testing.T, s Store) *bench {
	t.Helper()
	public, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatalf("make a key: %v", err)
	}
	return &bench{s, uuid.NewString(), public, key, &audit.Sealer{
		Store: s,
		// Each sealer has its own copy, as on machines of their own.
		Key: func(context.Context, string) (crypto.Signer, error) { return slices.Clone(key), nil },
		Now: func() time.Time { return nine },
		Log: slog.New(slog.DiscardHandler),
	}}
}

// entry returns a sealed event of tenant that happened at at.
func (b *bench) entry(t *testing.T, tenant string, at time.Time) audit.Entry {
	t.Helper()
	e := audit.Event{
		Tenant: tenant, ID: uuid.NewString(), At: at, CorrelationID: uuid.NewString(),
		Change: &audit.Change{
			Activity: audit.UpdateUser, Category: audit.CategoryUserManagement,
			Service: audit.ServiceCoreDirectory, Operation: audit.OperationUpdate, Result: audit.Success,
			By: audit.Actor{User: &audit.UserActor{
				ID: uuid.NewString(), DisplayName: "Zoë <Admin> & 'co' \x00 \u2028", UserPrincipalName: "zoe@contoso.example", IPAddress: "192.0.2.7",
			}},
			Targets: []audit.Target{{ID: uuid.NewString(), Type: audit.TargetUser, DisplayName: "Ω 😀"}},
		},
	}
	sealed, err := e.Seal(rand.Reader)
	if err != nil {
		t.Fatalf("seal: %v", err)
	}
	return sealed
}

// append commits n entries of tenant, a second after each other, and returns them.
func (b *bench) append(t *testing.T, tenant string, n int) []audit.Entry {
	t.Helper()
	entries := make([]audit.Entry, n)
	for i := range entries {
		entries[i] = b.entry(t, tenant, nine.Add(time.Duration(i)*time.Second))
	}
	if err := b.Append(t.Context(), entries); err != nil {
		t.Fatalf("append: %v", err)
	}
	return entries
}

// seal seals what b's tenant has and expects n entries.
func (b *bench) seal(t *testing.T, n int) {
	t.Helper()
	if got, err := b.sealer.SealOnce(t.Context(), b.tenant); got != n || err != nil {
		t.Fatalf("SealOnce = %d, %v; want %d", got, err, n)
	}
}

func (b *bench) head(t *testing.T, tenant string) audit.Head {
	t.Helper()
	h, err := b.Head(t.Context(), tenant)
	if err != nil {
		t.Fatalf("Head: %v", err)
	}
	return h
}

// log returns all sealed entries of tenant.
func (b *bench) log(t *testing.T, tenant string) []audit.SealedEntry {
	t.Helper()
	entries, err := b.Sealed(t.Context(), tenant, 0, 1<<20)
	if err != nil {
		t.Fatalf("Sealed: %v", err)
	}
	return entries
}

// verify expects a good log of tenant with size entries.
func (b *bench) verify(t *testing.T, tenant string, size int64) {
	t.Helper()
	r, err := audit.Verify(t.Context(), b, audit.Options{
		Tenant: tenant, Keys: []ed25519.PublicKey{b.public},
	})
	if err != nil || r.Head.Size != size {
		t.Fatalf("Verify: %d entries, %v; want %d", r.Head.Size, err, size)
	}
}

// step returns a good step for entries after head.
func (b *bench) step(t *testing.T, head audit.Head, entries []audit.Entry) audit.Step {
	t.Helper()
	var leaves []audit.Hash
	var ids []string
	for _, e := range entries {
		leaves, ids = append(leaves, e.Leaf()), append(ids, e.ID)
	}
	to, hashes, err := audit.Extend(t.Context(), b, head, leaves)
	if err != nil {
		t.Fatalf("Extend: %v", err)
	}
	note, err := audit.SignCheckpoint(to, b.key)
	if err != nil {
		t.Fatalf("SignCheckpoint: %v", err)
	}
	return audit.Step{
		From: head, To: to, Entries: ids, FirstHash: tlog.StoredHashCount(head.Size), Hashes: hashes,
		Checkpoint: note, At: nine,
	}
}

// wantStale expects Advance to refuse s and to leave size entries and queued ones behind.
func (b *bench) wantStale(t *testing.T, s audit.Step, size int64, queued int) {
	t.Helper()
	if err := b.Advance(t.Context(), s); !errors.Is(err, audit.ErrStale) {
		t.Fatalf("Advance = %v, want ErrStale", err)
	}
	unsealed, err := b.Unsealed(t.Context(), b.tenant, 1<<20)
	if err != nil || len(unsealed) != queued {
		t.Fatalf("%d unsealed entries, %v; want %d", len(unsealed), err, queued)
	}
	b.verify(t, b.tenant, size)
}

func emptyLog(t *testing.T, b *bench) {
	if got, want := b.head(t, b.tenant), audit.NewHead(b.tenant); got != want {
		t.Fatalf("Head = %+v, want %+v", got, want)
	}
	b.seal(t, 0)
	b.verify(t, b.tenant, 0)
}

func sameBytes(t *testing.T, b *bench) {
	want := b.append(t, b.tenant, 1)[0]
	queue, err := b.Unsealed(t.Context(), b.tenant, 10)
	if err != nil || len(queue) != 1 {
		t.Fatalf("Unsealed: %d entries, %v; want 1", len(queue), err)
	}
	b.seal(t, 1)
	for _, got := range []audit.Entry{queue[0], b.log(t, b.tenant)[0].Entry} {
		if got.Tenant != want.Tenant || got.ID != want.ID || got.Kind != want.Kind ||
			!got.At.Equal(want.At) || !bytes.Equal(got.Body, want.Body) {
			t.Fatalf("got %+v\nwant %+v", got, want)
		}
	}
	if got := b.log(t, b.tenant)[0].Entry.Personal; !bytes.Equal(got, want.Personal) {
		t.Fatalf("personal values are %s, want %s", got, want.Personal)
	}
}

func unsealedOrder(t *testing.T, b *bench) {
	late, early := b.entry(t, b.tenant, nine.Add(time.Microsecond)), b.entry(t, b.tenant, nine)
	twin := b.entry(t, b.tenant, nine)
	if twin.ID < early.ID {
		early, twin = twin, early
	}
	if err := b.Append(t.Context(), []audit.Entry{late, twin, early}); err != nil {
		t.Fatalf("append: %v", err)
	}
	queue, err := b.Unsealed(t.Context(), b.tenant, 2)
	if err != nil || len(queue) != 2 || queue[0].ID != early.ID || queue[1].ID != twin.ID {
		t.Fatalf("Unsealed = %v, %v; want %s, %s", queue, err, early.ID, twin.ID)
	}
}

func seals(t *testing.T, b *bench) {
	for round, n := range []int{1, 2, 5, 1} {
		b.append(t, b.tenant, n)
		b.seal(t, n)
		b.seal(t, 0)
		for i, e := range b.log(t, b.tenant) {
			if e.Position != int64(i) {
				t.Fatalf("round %d: entry %d has position %d", round, i, e.Position)
			}
		}
	}
	b.verify(t, b.tenant, 9)
}

func sealOrder(t *testing.T, b *bench) {
	late, early := b.entry(t, b.tenant, nine.Add(time.Hour)), b.entry(t, b.tenant, nine)
	for _, e := range []audit.Entry{late, early} {
		if err := b.Append(t.Context(), []audit.Entry{e}); err != nil {
			t.Fatalf("append: %v", err)
		}
		b.seal(t, 1)
	}
	if log := b.log(t, b.tenant); log[0].Entry.ID != late.ID || log[1].Entry.ID != early.ID {
		t.Fatal("an entry that was sealed later stands before one that was sealed earlier")
	}
}

func manyBatches(t *testing.T, b *bench) {
	b.append(t, b.tenant, audit.MaxBatch+3)
	b.seal(t, audit.MaxBatch+3)
	b.verify(t, b.tenant, audit.MaxBatch+3)
}

func pages(t *testing.T, b *bench) {
	for range 5 {
		b.append(t, b.tenant, 2)
		b.seal(t, 2)
	}
	page, err := b.Sealed(t.Context(), b.tenant, 3, 4)
	if err != nil || len(page) != 4 || page[0].Position != 3 || page[3].Position != 6 {
		t.Fatalf("Sealed(3, 4) = %v, %v", page, err)
	}
	if page, err = b.Sealed(t.Context(), b.tenant, 10, 4); err != nil || len(page) != 0 {
		t.Fatalf("Sealed(10, 4) = %v, %v; want none", page, err)
	}
	cps, err := b.Checkpoints(t.Context(), b.tenant, 4, 2)
	if err != nil || len(cps) != 2 || cps[0].Size != 6 || cps[1].Size != 8 {
		t.Fatalf("Checkpoints(4, 2) = %v, %v; want sizes 6, 8", cps, err)
	}
	if cps, err = b.Checkpoints(t.Context(), b.tenant, 10, 2); err != nil || len(cps) != 0 {
		t.Fatalf("Checkpoints(10, 2) = %v, %v; want none", cps, err)
	}
}

func missingHash(t *testing.T, b *bench) {
	entry := b.append(t, b.tenant, 1)[0]
	b.seal(t, 1)
	hashes, err := b.Hashes(t.Context(), b.tenant, []int64{7, 0, 0})
	want := []audit.Hash{{}, entry.Leaf(), entry.Leaf()}
	if err != nil || fmt.Sprint(hashes) != fmt.Sprint(want) {
		t.Fatalf("Hashes(7, 0, 0) = %v, %v; want %v", hashes, err, want)
	}
}

func staleHead(t *testing.T, b *bench) {
	old := b.head(t, b.tenant)
	b.append(t, b.tenant, 1)
	b.seal(t, 1)
	queued := b.append(t, b.tenant, 1)
	b.wantStale(t, b.step(t, old, queued), 1, 1)

	for name, change := range map[string]func(*audit.Head){
		"root":  func(h *audit.Head) { h.Root[0]++ },
		"epoch": func(h *audit.Head) { h.Epoch++ },
		"size":  func(h *audit.Head) { h.Size++ },
	} {
		s := b.step(t, b.head(t, b.tenant), queued)
		change(&s.From)
		t.Log("another " + name)
		b.wantStale(t, s, 1, 1)
	}
	b.seal(t, 1)
	b.verify(t, b.tenant, 2)
}

func staleEntry(t *testing.T, b *bench) {
	sealed := b.append(t, b.tenant, 1)
	b.seal(t, 1)
	fresh := b.append(t, b.tenant, 1)
	b.wantStale(t, b.step(t, b.head(t, b.tenant), append(fresh, sealed...)), 1, 1)
}

func absentEntry(t *testing.T, b *bench) {
	entries := b.append(t, b.tenant, 1)
	absent := b.entry(t, b.tenant, nine)
	b.wantStale(t, b.step(t, b.head(t, b.tenant), append(entries, absent)), 0, 1)
	foreign := b.append(t, uuid.NewString(), 1)
	b.wantStale(t, b.step(t, b.head(t, b.tenant), append(entries, foreign...)), 0, 1)
}

func concurrent(t *testing.T, b *bench) {
	const writers, rounds, each = 4, 5, 3
	ctx := t.Context()
	var work, sealing sync.WaitGroup
	done := make(chan struct{})
	for range 2 {
		sealing.Go(func() {
			for {
				if _, err := b.sealer.SealOnce(ctx, b.tenant); err != nil && !errors.Is(err, audit.ErrStale) {
					t.Errorf("SealOnce: %v", err)
				}
				select {
				case <-done:
					return
				default:
				}
			}
		})
	}
	var written []audit.Entry
	for range writers * rounds * each {
		written = append(written, b.entry(t, b.tenant, nine))
	}
	for w := range writers {
		work.Go(func() {
			for batch := range slices.Chunk(written[w*rounds*each:(w+1)*rounds*each], each) {
				if err := b.Append(ctx, batch); err != nil {
					t.Errorf("append: %v", err)
				}
			}
		})
	}
	work.Wait()
	close(done)
	sealing.Wait()
	if _, err := b.sealer.SealOnce(ctx, b.tenant); err != nil {
		t.Fatalf("SealOnce: %v", err)
	}
	seen := map[string]int{}
	for i, e := range b.log(t, b.tenant) {
		if seen[e.Entry.ID]++; e.Position != int64(i) {
			t.Fatalf("entry %d has position %d", i, e.Position)
		}
	}
	for _, e := range written {
		if seen[e.ID] != 1 {
			t.Fatalf("entry %s stands %d times in the log", e.ID, seen[e.ID])
		}
	}
	b.verify(t, b.tenant, writers*rounds*each)
}

func tenants(t *testing.T, b *bench) {
	other := uuid.NewString()
	b.append(t, b.tenant, 3)
	b.append(t, other, 2)
	b.seal(t, 3)
	waiting, err := b.Tenants(t.Context())
	if err != nil || len(waiting) != 1 || waiting[0] != other {
		t.Fatalf("Tenants = %v, %v; want %s", waiting, err, other)
	}
	if got := b.head(t, other); got != audit.NewHead(other) {
		t.Fatalf("the other tenant's head is %+v", got)
	}
	if n, err := b.sealer.SealOnce(t.Context(), other); n != 2 || err != nil {
		t.Fatalf("SealOnce = %d, %v; want 2", n, err)
	}
	b.verify(t, b.tenant, 3)
	b.verify(t, other, 2)
	var out bytes.Buffer
	if _, err := audit.WriteJSONLines(t.Context(), b, other, 0, &out); err != nil || bytes.Contains(out.Bytes(), []byte(b.tenant)) {
		t.Fatalf("the export of one tenant names another, or failed: %v", err)
	}
}

func epochs(t *testing.T, b *bench) {
	b.append(t, b.tenant, 3)
	b.seal(t, 3)
	left := b.append(t, b.tenant, 2)
	head := b.head(t, b.tenant)
	cps, err := b.Checkpoints(t.Context(), b.tenant, head.Size-1, 1)
	if err != nil || len(cps) != 1 {
		t.Fatalf("Checkpoints: %v, %v", cps, err)
	}
	e := audit.Event{
		Tenant: b.tenant, ID: uuid.NewString(), At: nine,
		Change: &audit.Change{
			Activity: audit.RestoreBackup, Category: audit.CategoryDirectoryManagement, Service: audit.ServicePostern,
			Operation: audit.OperationUpdate, Result: audit.Success,
			Log: &audit.LogMark{Epoch: head.Epoch + 1, LastCheckpoint: string(cps[0].Note)},
		},
	}
	restored, err := e.Seal(rand.Reader)
	if err != nil {
		t.Fatalf("seal: %v", err)
	}
	if err := b.Append(t.Context(), []audit.Entry{restored}); err != nil {
		t.Fatalf("append: %v", err)
	}
	if err := b.sealer.BeginEpoch(t.Context(), restored); err != nil {
		t.Fatalf("BeginEpoch: %v", err)
	}
	b.seal(t, len(left))
	if log := b.log(t, b.tenant); log[3].Entry.ID != restored.ID {
		t.Fatal("the entry about the restore is not the first of the new epoch")
	}
	if got := b.head(t, b.tenant); got.Epoch != 2 || got.Size != 6 {
		t.Fatalf("the head is at %d in epoch %d, want 6 in epoch 2", got.Size, got.Epoch)
	}
	b.verify(t, b.tenant, 6)
}
