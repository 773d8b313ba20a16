package audit_test

import (
	"context"
	"encoding/binary"
	"errors"
	"testing"

	"golang.org/x/mod/sumdb/tlog"
	"pgregory.net/rapid"

	"github.com/postern-id/postern/internal/audit"
)

// stored is a list of stored hashes.
type stored []audit.Hash

func (s stored) Hashes(_ context.Context, _ string, indexes []int64) ([]audit.Hash, error) {
	out := make([]audit.Hash, len(indexes))
	for i, index := range indexes {
		if index < int64(len(s)) {
			out[i] = s[index]
		}
	}
	return out, nil
}

func (s stored) ReadHashes(indexes []int64) ([]audit.Hash, error) {
	return s.Hashes(context.Background(), "", indexes)
}

// leaf returns the hash of the n-th record.
func leaf(n int) audit.Hash {
	return tlog.RecordHash(binary.BigEndian.AppendUint64(nil, uint64(n)))
}

// grow returns the head and the hashes of a tree that grew by these steps.
func grow(t *testing.T, steps []int) (audit.Head, stored) {
	t.Helper()
	head, hashes := audit.NewHead(contoso), stored{}
	for _, step := range steps {
		var leaves []audit.Hash
		for i := range step {
			leaves = append(leaves, leaf(int(head.Size)+i))
		}
		to, made, err := audit.Extend(t.Context(), hashes, head, leaves)
		if err != nil {
			t.Fatal(err)
		}
		head, hashes = to, append(hashes, made...)
	}
	return head, hashes
}

func TestTreesAreThoseOfRFC6962HoweverTheyGrow(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		head, got := grow(t, rapid.SliceOfN(rapid.IntRange(0, 40), 0, 8).Draw(r, "steps"))
		want := stored{}
		for n := range head.Size {
			made, err := tlog.StoredHashesForRecordHash(n, leaf(int(n)), want)
			if err != nil {
				r.Fatal(err)
			}
			want = append(want, made...)
		}
		if len(got) != len(want) {
			r.Fatalf("%d stored hashes, want %d", len(got), len(want))
		}
		for i := range want {
			if got[i] != want[i] {
				r.Fatalf("stored hash %d differs", i)
			}
		}
		if root, err := tlog.TreeHash(head.Size, want); err != nil || root != head.Root {
			r.Fatalf("the root is %v, want %v, %v", head.Root, root, err)
		}
	})
}

func TestExtendRefusesHashesThatWereChanged(t *testing.T) {
	head, hashes := grow(t, []int{13})
	for _, c := range []struct {
		name  string
		index int64
	}{
		{"the root of eight", tlog.StoredHashIndex(3, 0)},
		{"the root of four", tlog.StoredHashIndex(2, 2)},
		{"the last leaf", tlog.StoredHashIndex(0, 12)},
	} {
		changed := append(stored{}, hashes...)
		changed[c.index][5] ^= 1
		if _, _, err := audit.Extend(t.Context(), changed, head, []audit.Hash{leaf(13)}); !errors.Is(err, audit.ErrTampered) {
			t.Errorf("%s: Extend = %v, want ErrTampered", c.name, err)
		}
	}
	if _, _, err := audit.Extend(t.Context(), hashes[:5], head, nil); !errors.Is(err, audit.ErrTampered) {
		t.Errorf("hashes are missing: Extend = %v, want ErrTampered", err)
	}
}

func TestProofsShowTheirEntryAndNoOther(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		size := rapid.IntRange(1, 100).Draw(r, "size")
		position := int64(rapid.IntRange(0, size-1).Draw(r, "position"))
		head, hashes := grow(t, []int{size})
		proof, err := audit.Inclusion(t.Context(), hashes, contoso, position, head.Size)
		if err != nil {
			r.Fatal(err)
		}
		if err := audit.CheckInclusion(proof, head, position, leaf(int(position))); err != nil {
			r.Fatal(err)
		}
		if err := audit.CheckInclusion(proof, head, position, leaf(size)); !errors.Is(err, audit.ErrTampered) {
			r.Fatalf("another leaf: CheckInclusion = %v", err)
		}
		head.Root[0] ^= 1
		if err := audit.CheckInclusion(proof, head, position, leaf(int(position))); !errors.Is(err, audit.ErrTampered) {
			r.Fatalf("another root: CheckInclusion = %v", err)
		}
	})
}

func TestProofsShowTheBeginningOfALog(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		before := rapid.IntRange(1, 60).Draw(r, "older")
		older, _ := grow(t, []int{before})
		newer, hashes := grow(t, []int{before, rapid.IntRange(0, 60).Draw(r, "more")})
		proof, err := audit.Consistency(t.Context(), hashes, contoso, older.Size, newer.Size)
		if err != nil {
			r.Fatal(err)
		}
		if err := audit.CheckConsistency(proof, older, newer); err != nil {
			r.Fatal(err)
		}
		other := older
		other.Tenant = fabrikam
		if err := audit.CheckConsistency(proof, other, newer); !errors.Is(err, audit.ErrTampered) {
			r.Fatalf("another tenant: CheckConsistency = %v", err)
		}
		older.Root[0] ^= 1
		if err := audit.CheckConsistency(proof, older, newer); !errors.Is(err, audit.ErrTampered) {
			r.Fatalf("another root: CheckConsistency = %v", err)
		}
	})
}

func TestProofsOfWhatIsNotThereFail(t *testing.T) {
	head, hashes := grow(t, []int{5})
	if _, err := audit.Inclusion(t.Context(), hashes, contoso, 5, head.Size); err == nil {
		t.Error("an entry after the head was proven")
	}
	if _, err := audit.Consistency(t.Context(), hashes, contoso, 6, head.Size); err == nil {
		t.Error("a longer log was proven to be the beginning of a shorter one")
	}
}
