package tap

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"io"
	"strings"

	"golang.org/x/crypto/argon2"

	"github.com/postern-id/postern/internal/directory"
)

// Hash is Argon2id over an HMAC of the passcode. The HMAC key, the pepper, is not in the
// database in the clear; the hash names it, so that peppers can change.
type Hash struct {
	Pepper string // id of the pepper
	Value  string // argon2id$m=…,t=…,p=…$salt$hash
}

// Argon2id's cost: 19 MiB, two passes, one lane (OWASP Password Storage Cheat Sheet).
const (
	hashMemory = 19 * 1024 // KiB
	hashTime   = 2
	hashLanes  = 1
	hashSize   = 32
	saltSize   = 16
)

// HashMemory is how many bytes one hash takes while it runs.
const HashMemory = hashMemory * 1024

// Peppers returns a tenant's pepper by id, or the current one and its id for "".
type Peppers interface {
	Pepper(ctx context.Context, tenant directory.TenantID, id string) (key []byte, keyID string, err error)
}

// NewHash hashes code for pass p.
func NewHash(ctx context.Context, peppers Peppers, rand io.Reader, p Pass, code Passcode) (Hash, error) {
	pepper, id, err := peppers.Pepper(ctx, p.Tenant, "")
	if err != nil {
		return Hash{}, err
	}
	salt := make([]byte, saltSize)
	if _, err := io.ReadFull(rand, salt); err != nil {
		return Hash{}, err
	}
	sum := slowHash(pepper, salt, p, code)
	enc := base64.RawURLEncoding
	value := fmt.Sprintf("argon2id$m=%d,t=%d,p=%d$%s$%s", hashMemory, hashTime, hashLanes, enc.EncodeToString(salt), enc.EncodeToString(sum))
	return Hash{Pepper: id, Value: value}, nil
}

// Matches reports whether code is the passcode of p. It takes about 20 ms of a core and
// HashMemory bytes: callers gate it. An error means that the stored hash can't be read.
func Matches(ctx context.Context, peppers Peppers, p Pass, code Passcode) (bool, error) {
	pepper, _, err := peppers.Pepper(ctx, p.Tenant, p.Hash.Pepper)
	if err != nil {
		return false, err
	}
	parts := strings.Split(p.Hash.Value, "$")
	params := fmt.Sprintf("m=%d,t=%d,p=%d", hashMemory, hashTime, hashLanes)
	if len(parts) != 4 || parts[0] != "argon2id" || parts[1] != params {
		return false, fmt.Errorf("hash of pass %s has an unknown form", p.ID)
	}
	salt, err := base64.RawURLEncoding.DecodeString(parts[2])
	if err != nil {
		return false, fmt.Errorf("hash of pass %s: %w", p.ID, err)
	}
	want, err := base64.RawURLEncoding.DecodeString(parts[3])
	if err != nil {
		return false, fmt.Errorf("hash of pass %s: %w", p.ID, err)
	}
	return subtle.ConstantTimeCompare(slowHash(pepper, salt, p, code), want) == 1, nil
}

// slowHash binds the passcode to tenant, user and pass, so that a stored hash is worth
// nothing in another row.
func slowHash(pepper, salt []byte, p Pass, code Passcode) []byte {
	mac := hmac.New(sha256.New, pepper)
	fmt.Fprintf(mac, "pass\x00%s\x00%s\x00%s\x00%s", p.Tenant, p.User, p.ID, code.Reveal())
	return argon2.IDKey(mac.Sum(nil), salt, hashTime, hashMemory, hashLanes, hashSize)
}
