package keyring

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/fault"
)

// Purpose says what a tenant's key is for.
type Purpose string

// The keys of a tenant.
const (
	RS256      Purpose = "RS256"      // signs tokens
	ES256      Purpose = "ES256"      // signs tokens of applications that chose it
	Checkpoint Purpose = "checkpoint" // Ed25519: signs the log's checkpoints
	PassPepper Purpose = "passPepper" // HMAC key over passcodes
	Derivation Purpose = "derivation" // root of the tenant's derived secrets

	DeviceCA     Purpose = "deviceCA"     // ECDSA P-256: signs the certificates of devices
	DevicePolicy Purpose = "devicePolicy" // ECDSA P-256: signs the policy that devices keep
	PINReset     Purpose = "pinReset"     // root of the keys that reset device PINs
	WebPush      Purpose = "webPush"      // ECDSA P-256: names this tenant to push services (RFC 8292)
	SAML         Purpose = "saml"         // RSA: signs SAML messages
)

// Purposes lists every key that a tenant has from its first moment on; the one for SAML it gets
// when it is needed.
var Purposes = []Purpose{RS256, ES256, Checkpoint, PassPepper, Derivation, DeviceCA, DevicePolicy, PINReset, WebPush}

// A Key is one key of a tenant, its private part sealed. A signing key is published from
// CreatedAt on, signs from ActiveAt until RetiredAt, and is published until RemoveAt.
type Key struct {
	Tenant, ID string
	Purpose    Purpose
	Public     []byte // PKIX, empty for secrets
	Sealed     string
	CreatedAt  time.Time
	ActiveAt   time.Time
	RetiredAt  time.Time // zero while in use
	RemoveAt   time.Time // zero: stays
}

// Store keeps keys.
type Store interface {
	// FirstTenant returns the id of the tenant that was there first.
	FirstTenant(ctx context.Context) (string, error)
	// Keys returns all keys of a tenant that are not removed.
	Keys(ctx context.Context, tenant string) ([]Key, error)
	// ReplaceKey adds fresh, sets when the keys of the same purpose that are in use retire
	// and are removed, and records e; or does none of it.
	ReplaceKey(ctx context.Context, fresh Key, retire, remove time.Time, e audit.Event) error
}

// ErrNoKey reports that a tenant has no such key: it was removed, or never was.
var ErrNoKey = &fault.Error{
	Kind: fault.Unavailable, Code: "keyMissing",
	Text: "A key of this tenant is missing.", Remedy: "Restore the store from a backup.",
}

// Generate makes a key of the tenant that is active from active on.
func Generate(w Wrapper, tenant string, purpose Purpose, now, active time.Time) (Key, error) {
	k := Key{Tenant: tenant, ID: uuid.NewString(), Purpose: purpose, CreatedAt: now, ActiveAt: active}
	private, public, err := generate(purpose)
	if err != nil {
		return Key{}, fmt.Errorf("generate a key for %s: %w", purpose, err)
	}
	k.Public = public
	k.Sealed, err = w.Wrap(private, k.place()...)
	return k, err
}

// place is what the private part is sealed for: the public part is in it, so that who can
// write to the database can't publish a key of their own under a genuine one.
func (k Key) place() []string {
	sum := sha256.Sum256(k.Public)
	return []string{"tenant_key", "sealed_key", k.Tenant, k.ID, string(k.Purpose), string(sum[:])}
}

func generate(purpose Purpose) (private, public []byte, err error) {
	var signer crypto.Signer
	switch purpose {
	case RS256, SAML:
		signer, err = rsa.GenerateKey(rand.Reader, 2048)
	case ES256, DeviceCA, DevicePolicy, WebPush:
		signer, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case Checkpoint:
		_, signer, err = ed25519.GenerateKey(rand.Reader)
	default:
		secret := make([]byte, 32)
		_, err = io.ReadFull(rand.Reader, secret)
		return secret, nil, err
	}
	if err != nil {
		return nil, nil, err
	}
	if private, err = x509.MarshalPKCS8PrivateKey(signer); err != nil {
		return nil, nil, err
	}
	public, err = x509.MarshalPKIXPublicKey(signer.Public())
	return private, public, err
}

// Ring opens and remembers the keys of tenants. It is safe for concurrent use.
type Ring struct {
	Store   Store
	Wrapper Wrapper
	Now     func() time.Time

	mu      sync.Mutex
	tenants map[string]*opened
	forgets int // how often Forget was called
}

// opened is what the ring remembers of one tenant.
type opened struct {
	at      time.Time
	keys    []Key
	secrets map[string][]byte        // by key id
	signers map[string]crypto.Signer // by key id
}

// remembered is how long the ring trusts its memory; another replica's rotation is seen
// after that, which is why a new key is published before it is used.
const remembered = 30 * time.Second

// Keys returns the keys of the tenant, private parts sealed.
func (r *Ring) Keys(ctx context.Context, tenant string) ([]Key, error) {
	o, err := r.open(ctx, tenant)
	if err != nil {
		return nil, err
	}
	return o.keys, nil
}

// Signer returns the tenant's key that signs now, and its private part.
func (r *Ring) Signer(ctx context.Context, tenant string, purpose Purpose) (Key, crypto.Signer, error) {
	return r.SignerOf(ctx, tenant, purpose, "")
}

// SignerOf returns the tenant's signing key of the purpose with the given id, which may not sign
// yet or no more, or the one that signs now when id is empty.
func (r *Ring) SignerOf(ctx context.Context, tenant string, purpose Purpose, id string) (Key, crypto.Signer, error) {
	o, err := r.open(ctx, tenant)
	if err != nil {
		return Key{}, nil, err
	}
	k, err := pick(o.keys, purpose, id, r.Now())
	if err != nil {
		return Key{}, nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if s, ok := o.signers[k.ID]; ok {
		return k, s, nil
	}
	raw, err := r.Wrapper.Unwrap(k.Sealed, k.place()...)
	if err != nil {
		return Key{}, nil, err
	}
	parsed, err := x509.ParsePKCS8PrivateKey(raw)
	if err != nil {
		return Key{}, nil, fmt.Errorf("open signing key %s: %w", k.ID, err)
	}
	signer, ok := parsed.(crypto.Signer)
	if !ok {
		return Key{}, nil, fmt.Errorf("key %s can't sign", k.ID)
	}
	o.signers[k.ID] = signer
	return k, signer, nil
}

// Secret returns the tenant's secret of the purpose with the given id, or the current one
// when id is empty, and its id.
func (r *Ring) Secret(ctx context.Context, tenant string, purpose Purpose, id string) ([]byte, string, error) {
	o, err := r.open(ctx, tenant)
	if err != nil {
		return nil, "", err
	}
	k, err := pick(o.keys, purpose, id, r.Now())
	if err != nil {
		return nil, "", err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if s, ok := o.secrets[k.ID]; ok {
		return s, k.ID, nil
	}
	s, err := r.Wrapper.Unwrap(k.Sealed, k.place()...)
	if err != nil {
		return nil, "", err
	}
	o.secrets[k.ID] = s
	return s, k.ID, nil
}

// MAC returns HMAC-SHA-256 of message, base64url, under a key that is derived from the
// tenant's secret for label alone. It is how random secrets (128 bits or more) are stored
// and names are hashed.
func (r *Ring) MAC(ctx context.Context, tenant, label string, message []byte) (string, error) {
	key, err := r.Derive(ctx, tenant, label)
	if err != nil {
		return "", err
	}
	mac := hmac.New(sha256.New, key)
	mac.Write(message)
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil)), nil
}

// Derive returns 32 bytes that depend on the tenant's secret and on label alone.
func (r *Ring) Derive(ctx context.Context, tenant, label string) ([]byte, error) {
	root, _, err := r.Secret(ctx, tenant, Derivation, "")
	if err != nil {
		return nil, err
	}
	return hkdf.Key(sha256.New, root, []byte(tenant), label, 32)
}

// Forget drops what the ring remembers of a tenant, so that its next use reads the store.
func (r *Ring) Forget(tenant string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.tenants, tenant)
	r.forgets++
}

func (r *Ring) open(ctx context.Context, tenant string) (*opened, error) {
	r.mu.Lock()
	known, forgets := r.tenants[tenant], r.forgets
	r.mu.Unlock()
	now := r.Now()
	if known != nil && now.Sub(known.at) < remembered && !now.Before(known.at) {
		return known, nil
	}
	keys, err := r.Store.Keys(ctx, tenant)
	if err != nil {
		return nil, fmt.Errorf("read the keys of tenant %s: %w", tenant, err)
	}
	fresh := &opened{at: now, keys: keys, secrets: map[string][]byte{}, signers: map[string]crypto.Signer{}}
	r.mu.Lock()
	defer r.mu.Unlock()
	if known != nil {
		fresh.secrets, fresh.signers = known.secrets, known.signers
	}
	if r.tenants == nil {
		r.tenants = map[string]*opened{}
	}
	if forgets == r.forgets { // otherwise these keys may be of the time before
		r.tenants[tenant] = fresh
	}
	return fresh, nil
}

func pick(keys []Key, purpose Purpose, id string, now time.Time) (Key, error) {
	if id == "" {
		return current(keys, purpose, now)
	}
	for _, k := range keys {
		if k.ID == id && k.Purpose == purpose {
			return k, nil
		}
	}
	return Key{}, ErrNoKey
}

// current returns the newest key of the purpose that is active and not retired.
func current(keys []Key, purpose Purpose, now time.Time) (Key, error) {
	var best Key
	for _, k := range keys {
		if k.Purpose != purpose || k.ActiveAt.After(now) || (!k.RetiredAt.IsZero() && !k.RetiredAt.After(now)) {
			continue
		}
		if best.ID == "" || k.ActiveAt.After(best.ActiveAt) {
			best = k
		}
	}
	if best.ID == "" {
		return Key{}, ErrNoKey
	}
	return best, nil
}

// SharedMAC is MAC under the key of no tenant: the one of the first tenant that there is.
// It serves what begins before the tenant is known, such as a sign-in at /common.
func (r *Ring) SharedMAC(ctx context.Context, label string, message []byte) (string, error) {
	tenant, err := r.Store.FirstTenant(ctx)
	if err != nil {
		return "", err
	}
	return r.MAC(ctx, tenant, "shared "+label, message)
}
