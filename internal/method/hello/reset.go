package hello

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"slices"
	"sort"
	"time"

	"github.com/google/go-tpm/tpm2"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/keyring"
	"github.com/postern-id/postern/internal/method"
	"github.com/postern-id/postern/internal/outbox"
	"github.com/postern-id/postern/internal/pinkey"
)

// A Signer has the reset keys of containers. Only it uses them, so that it can live elsewhere,
// in a KMS. It signs for a container as often as the rules allow, whoever asks.
type Signer interface {
	// Key returns the reset key of c under the present root, and which root that is.
	Key(ctx context.Context, c pinkey.Container) (ResetKey, error)
	// KeyOf returns the reset key of a container under its own root.
	KeyOf(ctx context.Context, c Container) (*ecdsa.PublicKey, error)
	// Sign authorises one change of the PIN of c: over a nonce of the TPM, for lifetime. The
	// signature is given out only when e is recorded and counted; beyond MostResets it is
	// ErrTooManyResets.
	Sign(ctx context.Context, c Container, nonce []byte, lifetime time.Duration, by method.Renewal, e audit.Event, mails ...outbox.Item) ([]byte, error)

	// Due reports whether the tenant has a newer root than that of c, which is registered.
	Due(ctx context.Context, c Container) (bool, error)

	// RecoveryKey returns the public key under a root that the recovery secret of a container
	// without a TPM is sealed to.
	RecoveryKey(ctx context.Context, c pinkey.Container, root string) ([]byte, error)
	// Share returns the share for the present PIN of a container that was just registered.
	Share(ctx context.Context, c Container) ([]byte, error)
	// Try counts a try and returns the shares for a right one; stopped is recorded when it was
	// the last.
	Try(ctx context.Context, c Container, verifier []byte, next *Guard, stopped audit.Event) (Tried, Shares, error)
	// Release opens the recovery secret of c and seals it, with the share of the next PIN, to
	// one request. It is given out only when e is recorded and counted, as by Sign.
	Release(ctx context.Context, c Container, sealed, to []byte, next Guard, by method.Renewal, e audit.Event, mails ...outbox.Item) ([]byte, error)
}

// A ResetKey is the public part of a reset key.
type ResetKey struct {
	Public  *ecdsa.PublicKey
	Root    string // id of the root
	Version int    // of the root: 1 is the tenant's first
}

// Ring has the roots; *keyring.Ring is one.
type Ring interface {
	Keys(ctx context.Context, tenant string) ([]keyring.Key, error)
	Secret(ctx context.Context, tenant string, purpose keyring.Purpose, id string) ([]byte, string, error)
}

// Roots is the Signer that derives reset keys from the tenant's root. Every field is required.
type Roots struct {
	Ring    Ring
	Counter Counter
}

// Counter counts resets and tries.
type Counter interface {
	// NoteReset notes a reset of a registered container, by what it was done, and the PIN that
	// follows, unless it is nil, records e and queues mails, if [Container.Reset] lets it; or does none of it.
	NoteReset(ctx context.Context, c Container, next *Guard, by method.Renewal, e audit.Event, mails ...outbox.Item) error
	// NoteTry keeps what [Container.Try] makes of a registered container without a TPM, and
	// records stopped when that was the last try. Of concurrent tries each counts.
	NoteTry(ctx context.Context, c Container, verifier []byte, next *Guard, stopped audit.Event) (Tried, error)
}

// Key implements Signer.
func (r Roots) Key(ctx context.Context, c pinkey.Container) (ResetKey, error) {
	key, root, err := r.key(ctx, c, "")
	if err != nil {
		return ResetKey{}, err
	}
	version, err := r.version(ctx, c.Tenant, root)
	return ResetKey{Public: &key.PublicKey, Root: root, Version: version}, err
}

// version counts the roots up to the named one. Roots are never removed while the tenant is
// there: the containers under them would be lost.
func (r Roots) version(ctx context.Context, tenant, root string) (int, error) {
	all, err := r.Ring.Keys(ctx, tenant)
	if err != nil {
		return 0, err
	}
	roots := slices.DeleteFunc(slices.Clone(all), func(k keyring.Key) bool { return k.Purpose != keyring.PINReset })
	sort.Slice(roots, func(i, j int) bool { return roots[i].CreatedAt.Before(roots[j].CreatedAt) })
	return 1 + slices.IndexFunc(roots, func(k keyring.Key) bool { return k.ID == root }), nil
}

// KeyOf implements Signer.
func (r Roots) KeyOf(ctx context.Context, c Container) (*ecdsa.PublicKey, error) {
	key, _, err := r.key(ctx, c.IDs(), c.Root)
	if err != nil {
		return nil, err
	}
	return &key.PublicKey, nil
}

// Sign implements Signer.
func (r Roots) Sign(ctx context.Context, c Container, nonce []byte, lifetime time.Duration, by method.Renewal, e audit.Event, mails ...outbox.Item) ([]byte, error) {
	key, _, err := r.key(ctx, c.IDs(), c.Root)
	if err != nil {
		return nil, err
	}
	signature, err := pinkey.SignReset(c.IDs(), key, nonce, lifetime)
	if err != nil {
		return nil, err
	}
	if err := r.Counter.NoteReset(ctx, c, nil, by, e, mails...); err != nil {
		return nil, err
	}
	return tpm2.Marshal(signature), nil
}

func (r Roots) key(ctx context.Context, c pinkey.Container, root string) (*ecdsa.PrivateKey, string, error) {
	secret, id, err := r.Ring.Secret(ctx, c.Tenant, keyring.PINReset, root)
	if err != nil {
		return nil, "", err
	}
	key, err := derive(secret, c)
	return key, id, err
}

// derive makes the key of c from a root: HKDF-SHA-256 (RFC 5869) gives 256 bits, which are the
// private scalar if they are in [1, n-1] of P-256, and else are drawn again under the next
// number (FIPS 186-5, A.2.2). One in 2^32 needs that.
func derive(root []byte, c pinkey.Container) (*ecdsa.PrivateKey, error) {
	for try := range uint32(16) {
		info := binary.BigEndian.AppendUint32(append([]byte("postern device PIN reset key\x00"), c.Ref()...), try)
		scalar, err := hkdf.Key(sha256.New, root, []byte(c.Tenant), string(info), 32)
		if err != nil {
			return nil, err
		}
		if key, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), scalar); err == nil { // refuses 0 and n on
			return key, nil
		}
	}
	return nil, errors.New("no reset key follows from this root")
}
