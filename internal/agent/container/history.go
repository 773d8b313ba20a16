package container

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/json"
	"io"
	"slices"

	"golang.org/x/crypto/argon2"

	"github.com/postern-id/postern/internal/agent/tpm"
	"github.com/postern-id/postern/internal/pinkey"
)

// A History is what is kept of a person's former PINs, so that they are not chosen again.
// Whatever tells whether somebody's guess was once their PIN helps to guess the next one, so
// it opens by the present PIN alone: the list is encrypted by a key that the TPM gives out for
// that PIN, and counts wrong ones. The present PIN is not in it. Each change makes a new key,
// so that who once knew a PIN, and has an old copy of the disk, learns no later one. A reset
// forgets it by construction, as Windows does: nobody knows the PIN that opens it.
type History struct {
	Key    tpm.Key `json:"key"`    // seals the key of the list
	Former []byte  `json:"former"` // Formers, AES-256-GCM
}

// Formers are hashes of former PINs, oldest first. They are slow to guess even for who opened
// the list.
type Formers struct {
	Salt []byte   `json:"salt"`
	PINs [][]byte `json:"pins"`
}

// hash is Argon2id (RFC 9106) with 19 MiB, as for passwords at the server.
func (f Formers) hash(pin string) []byte {
	return argon2.IDKey([]byte(pin), f.Salt, 2, 19<<10, 1, 32)
}

// Refuse reports whether pin is one of the last n.
func (f Formers) Refuse(pin string, n int) error {
	if len(f.PINs) == 0 || n <= 0 {
		return nil
	}
	hash := f.hash(pin)
	last := f.PINs[max(0, len(f.PINs)-n):]
	if slices.ContainsFunc(last, func(one []byte) bool { return bytes.Equal(one, hash) }) {
		return errFormer
	}
	return nil
}

// openHistory returns the former PINs of c by the present one, which the TPM looks at. A list
// that was damaged counts as empty: nobody is locked out by what is there to refuse.
func (s *Store) openHistory(c Container, pin string) (Formers, error) {
	if c.History == nil {
		return Formers{}, nil
	}
	key, err := s.Chip.Unseal(c.History.Key, pinkey.Auth(c.Salt, pin))
	if err != nil {
		return Formers{}, err
	}
	list, err := gcm(key)
	if err != nil {
		return Formers{}, nil //nolint:nilerr // see above
	}
	var f Formers
	if text, err := list.Open(nil, nil, c.History.Former, c.IDs.Ref()); err != nil || json.Unmarshal(text, &f) != nil {
		return Formers{}, nil //nolint:nilerr // see above
	}
	return f, nil
}

// With returns the list after a PIN gave way to the next: the last n.
func (f Formers) With(pin string, n int) Formers {
	if n <= 0 {
		return Formers{}
	}
	if f.Salt == nil {
		f.Salt = make([]byte, saltSize)
		_, _ = rand.Read(f.Salt) // never fails
	}
	f.PINs = append(slices.Clone(f.PINs), f.hash(pin))
	f.PINs = f.PINs[max(0, len(f.PINs)-n):]
	return f
}

// keepHistory encrypts f for the PIN whose auth value is auth; nil where there is nothing.
func (s *Store) keepHistory(c Container, f Formers, auth []byte) (*History, error) {
	if len(f.PINs) == 0 {
		return nil, nil //nolint:nilnil // see above
	}
	text, err := json.Marshal(f)
	if err != nil {
		return nil, err
	}
	key := make([]byte, 32)
	if _, err := io.ReadFull(s.Rand, key); err != nil {
		return nil, err
	}
	list, err := gcm(key)
	if err != nil {
		return nil, err
	}
	h := &History{Former: list.Seal(nil, nil, text, c.IDs.Ref())}
	h.Key, err = s.Chip.Seal(key, auth)
	return h, err
}

// gcm encrypts with nonces of its own.
func gcm(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}
