package audit_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"testing"

	"golang.org/x/mod/sumdb/note"

	"github.com/postern-id/postern/internal/audit"
)

func keyPair(t testing.TB) (ed25519.PublicKey, ed25519.PrivateKey) {
	t.Helper()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return public, private
}

var someHead = audit.Head{Tenant: contoso, Size: 12345, Root: audit.Hash{1, 2, 3}, Epoch: 2}

func TestCheckpointsAreSignedNotes(t *testing.T) {
	public, private := keyPair(t)
	signed, err := audit.SignCheckpoint(someHead, private)
	if err != nil {
		t.Fatal(err)
	}
	const origin = "postern/" + contoso + "/2"
	encoded, err := note.NewEd25519VerifierKey(origin, public)
	if err != nil {
		t.Fatal(err)
	}
	verifier, err := note.NewVerifier(encoded)
	if err != nil {
		t.Fatal(err)
	}
	n, err := note.Open(signed, note.VerifierList(verifier))
	if err != nil || n.Text != origin+"\n12345\nAQIDAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n" {
		t.Fatalf("note.Open = %+v, %v", n, err)
	}
}

func TestOpenCheckpointAcceptsAnyOfTheKeys(t *testing.T) {
	old, private := keyPair(t)
	current, _ := keyPair(t)
	signed, err := audit.SignCheckpoint(someHead, private)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := audit.OpenCheckpoint(signed, current, old); err != nil || got != someHead {
		t.Fatalf("OpenCheckpoint = %+v, %v", got, err)
	}
}

func TestOpenCheckpointRefuses(t *testing.T) {
	public, private := keyPair(t)
	other, _ := keyPair(t)
	signed, err := audit.SignCheckpoint(someHead, private)
	if err != nil {
		t.Fatal(err)
	}
	name := "postern/" + contoso + "/2"
	root := "\nAQIDAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n"
	// sign signs any text with the right key, to test what is read after the signature.
	sign := func(name, text string) []byte {
		n, err := note.Sign(&note.Note{Text: text}, rawSigner{name, private})
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	for _, c := range []struct {
		name   string
		signed []byte
		keys   []ed25519.PublicKey
	}{
		{"another key", signed, []ed25519.PublicKey{other}},
		{"no key", signed, nil},
		{"a key that is too short", signed, []ed25519.PublicKey{public[:31]}},
		{"another epoch", bytes.ReplaceAll(signed, []byte("/2"), []byte("/3")), []ed25519.PublicKey{public}},
		{"another size", bytes.Replace(signed, []byte("12345"), []byte("12344"), 1), []ed25519.PublicKey{public}},
		{"another root", bytes.Replace(signed, []byte("AQID"), []byte("AQIE"), 1), []ed25519.PublicKey{public}},
		{"no signature", signed[:bytes.Index(signed, []byte("—"))], []ed25519.PublicKey{public}},
		{"nothing", nil, []ed25519.PublicKey{public}},
		{"a size of nothing", sign(name, name+"\n0"+root), []ed25519.PublicKey{public}},
		{"a negative size", sign(name, name+"\n-5"+root), []ed25519.PublicKey{public}},
		{"a size in another form", sign(name, name+"\n012345"+root), []ed25519.PublicKey{public}},
		{"a size that is too large", sign(name, name+"\n99999999999999999999"+root), []ed25519.PublicKey{public}},
		{"a root that is too short", sign(name, name+"\n5\nAQID\n"), []ed25519.PublicKey{public}},
		{"a further line", sign(name, name+"\n5"+root+"more\n"), []ed25519.PublicKey{public}},
		{"another log", sign("example.com/log", "example.com/log\n5"+root), []ed25519.PublicKey{public}},
		{"a tenant that is not one", sign("postern/x/2", "postern/x/2\n5"+root), []ed25519.PublicKey{public}},
		{"the name of another log on the signature", sign("example.com/log", name+"\n5"+root), []ed25519.PublicKey{public}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if h, err := audit.OpenCheckpoint(c.signed, c.keys...); !errors.Is(err, audit.ErrCheckpoint) || h != (audit.Head{}) {
				t.Errorf("OpenCheckpoint = %+v, %v; want ErrCheckpoint", h, err)
			}
		})
	}
}

// rawSigner signs notes of any text under any name.
type rawSigner struct {
	name string
	key  ed25519.PrivateKey
}

func (s rawSigner) Name() string { return s.name }

func (s rawSigner) KeyHash() uint32 {
	encoded, err := note.NewEd25519VerifierKey(s.name, s.key.Public().(ed25519.PublicKey))
	if err != nil {
		panic(err)
	}
	v, err := note.NewVerifier(encoded)
	if err != nil {
		panic(err)
	}
	return v.KeyHash()
}

func (s rawSigner) Sign(msg []byte) ([]byte, error) { return ed25519.Sign(s.key, msg), nil }

func TestSignCheckpointNeedsAnEd25519Key(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := audit.SignCheckpoint(someHead, key); err == nil {
		t.Fatal("SignCheckpoint took an ECDSA key")
	}
}

func FuzzOpenCheckpoint(f *testing.F) {
	key := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, ed25519.SeedSize))
	signed, err := audit.SignCheckpoint(someHead, key)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(signed)
	f.Fuzz(func(t *testing.T, b []byte) {
		h, err := audit.OpenCheckpoint(b, key.Public().(ed25519.PublicKey))
		if err == nil && h != someHead {
			t.Fatalf("a checkpoint that nobody signed: %+v", h)
		}
		for note, err := range audit.ReadCheckpoints(bytes.NewReader(b)) {
			if err == nil && len(note) > len(b)+1 {
				t.Fatalf("%q is not in what was read", note)
			}
		}
	})
}
