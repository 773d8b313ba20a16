package tap

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
	"io"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/slowhash"
)

// Hash is Argon2id over an HMAC of the passcode. The HMAC key, the pepper, is not in the
// database in the clear; the hash names it, so that peppers can change.
type Hash struct {
	Pepper string // id of the pepper
	Value  string // argon2id$m=…,t=…,p=…$salt$hash
}

// HashMemory is how many bytes one hash takes while it runs.
const HashMemory = slowhash.Memory

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
	value, err := slowhash.New(rand, peppered(pepper, p, code))
	return Hash{Pepper: id, Value: value}, err
}

// Matches reports whether code is the passcode of p. It takes about 20 ms of a core and
// HashMemory bytes: callers gate it. An error means that the stored hash can't be read.
func Matches(ctx context.Context, peppers Peppers, p Pass, code Passcode) (bool, error) {
	pepper, _, err := peppers.Pepper(ctx, p.Tenant, p.Hash.Pepper)
	if err != nil {
		return false, err
	}
	ok, err := slowhash.Matches(p.Hash.Value, peppered(pepper, p, code))
	if err != nil {
		return false, fmt.Errorf("hash of pass %s: %w", p.ID, err)
	}
	return ok, nil
}

// peppered binds the passcode to tenant, user and pass, so that a stored hash is worth
// nothing in another row.
func peppered(pepper []byte, p Pass, code Passcode) []byte {
	mac := hmac.New(sha256.New, pepper)
	fmt.Fprintf(mac, "pass\x00%s\x00%s\x00%s\x00%s", p.Tenant, p.User, p.ID, code.Reveal())
	return mac.Sum(nil)
}
