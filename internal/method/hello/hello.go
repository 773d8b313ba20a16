// Package hello is the device PIN as a way to sign in, windowsHelloForBusiness in Graph's
// words: whose key it is, who may set one up, what proves it, and who may have a forgotten PIN
// replaced. The rules are pure; time comes in as an argument, storage passes through [Store],
// and the keys that authorise a reset are used by a [Signer] alone. What the key is in a TPM
// is package pinkey's; docs/device-pin.md has the picture.
//
//	         Begin              Register
//	(none) ─────────▶ begun ───────────────▶ registered ──▶ signs in, Reset, Rotate
//	                    │                        │
//	                    └──────── Remove ◀───────┘
package hello

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/x509"
	"slices"
	"time"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/method"
	"github.com/postern-id/postern/internal/pinkey"
	"github.com/postern-id/postern/internal/signin"
)

// MethodID is the PIN's name in proofs.
const MethodID signin.MethodID = "hello"

// Combination is the name of a proof by PIN in authentication strengths; it is one of the
// phishing-resistant ones.
const Combination = "windowsHelloForBusiness"

// DetailMethod is the key under which events have the id of the method.
const DetailMethod = "windowsHelloForBusinessMethodId"

const (
	// SetUpWithin is how long a container that was begun may be finished.
	SetUpWithin = time.Hour
	// FreshFor is how long after a sign-in by PIN other methods may be registered.
	FreshFor = 10 * time.Minute
	// ResetWithin is how old a proof may be that a reset is asked for with.
	ResetWithin = 10 * time.Minute
	// MostResets is how often one container can be reset within ResetWindow.
	MostResets = 5
	// ResetWindow is the time in which resets are counted.
	ResetWindow = time.Hour
	// MostRenewals is how many resets a container remembers by what they were done.
	MostRenewals = 100
)

// A Container is the device PIN of one person on one device, as the server knows it. Times
// are UTC.
type Container struct {
	Tenant    directory.TenantID       `json:"-"`
	ID        string                   `json:"-"` // UUID
	Device    directory.DeviceObjectID `json:"-"`
	User      directory.UserID         `json:"-"`
	Method    string                   `json:"-"` // id of the method, empty until the key is registered
	CreatedAt time.Time                `json:"-"`

	DeviceID  string `json:"deviceId"` // as keys, certificates and tokens name the device
	Challenge []byte `json:"challenge"`
	// Root and Version name the root that the reset key is derived from.
	Root    string `json:"resetRoot"`
	Version int    `json:"resetVersion"`

	// Session is where it was set up, Pass the pass behind that session, Case the recovery case
	// behind the pass, and Proved the other methods behind it; empty for none.
	Session string   `json:"session,omitempty"`
	Pass    string   `json:"pass,omitempty"`
	Case    string   `json:"case,omitempty"`
	Proved  []string `json:"proved,omitempty"`
	// Roots are what those methods came from.
	Roots []directory.Root `json:"roots,omitempty"`

	Key          []byte      `json:"key,omitempty"` // PKIX
	Attested     bool        `json:"attested,omitempty"`
	Software     *Software   `json:"software,omitempty"` // nil when the key is in a TPM
	RegisteredAt time.Time   `json:"registeredAt,omitzero"`
	Resets       []time.Time `json:"resets,omitempty"` // the last MostResets, oldest first
	Rotation     *Rotation   `json:"rotation,omitempty"`

	// Renewals are by what its PIN was replaced, oldest first, one for each pass.
	Renewals []method.Renewal `json:"renewals,omitempty"`

	// Unreadable says that its body can't be read as it is stored: only what is not in there is set, and
	// RegisteredAt to CreatedAt. Such a container is only ever listed and removed.
	Unreadable bool `json:"-"`
}

// IDs is the container as its key's policy names it.
func (c Container) IDs() pinkey.Container {
	return pinkey.Container{Tenant: string(c.Tenant), Device: c.DeviceID, User: string(c.User), ID: c.ID}
}

// Registered reports whether the server knows the key.
func (c Container) Registered() bool { return c.Method != "" }

// PublicKey is the registered key, or ErrNone.
func (c Container) PublicKey() (*ecdsa.PublicKey, error) {
	parsed, err := x509.ParsePKIXPublicKey(c.Key)
	if err != nil {
		return nil, ErrNone
	}
	key, ok := parsed.(*ecdsa.PublicKey)
	if !ok || key.Curve != elliptic.P256() {
		return nil, ErrNone
	}
	return key, nil
}

// Strength is Graph's authenticationMethodKeyStrength: normal where the TPM's maker vouches
// for it, unknown where the TPM vouches for itself, weak without one.
func (c Container) Strength() string {
	switch {
	case c.Software != nil:
		return "weak"
	case c.Attested:
		return "normal"
	}
	return "unknown"
}

// Storage says where the key is: tpm or software.
func (c Container) Storage() string {
	if c.Software != nil {
		return InFile
	}
	return "tpm"
}

// Origin is where its key comes from.
func (c Container) Origin() method.Origin {
	return method.Origin{Session: c.Session, Pass: c.Pass, Case: c.Case, Methods: c.Proved, Roots: c.Roots}
}

// Reset notes a reset, or is ErrTooManyResets.
func (c Container) Reset(by method.Renewal) (Container, error) {
	now := by.At
	recent := slices.DeleteFunc(slices.Clone(c.Resets), func(at time.Time) bool { return now.Sub(at) >= ResetWindow })
	if len(recent) >= MostResets {
		wait := recent[len(recent)-MostResets].Add(ResetWindow).Sub(now)
		return c, ErrTooManyResets.After(int(wait/time.Second) + 1)
	}
	recent = append(recent, now)
	c.Resets = recent
	if !slices.ContainsFunc(c.Renewals, func(r method.Renewal) bool { return r.Covers(by) }) {
		c.Renewals = append(slices.Clone(c.Renewals), by)
	}
	for len(c.Renewals) > MostRenewals {
		// Whoever has the person's own methods can reset as often as they like, and must not push a pass out by that.
		i := max(0, slices.IndexFunc(c.Renewals, func(r method.Renewal) bool { return !r.Passed() }))
		c.Renewals = slices.Delete(slices.Clone(c.Renewals), i, i+1)
	}
	return c, nil
}

// Proof is what a sign-in by PIN at now leaves behind: the key of the device's TPM, or of its
// file (RFC 8176: hwk, swk), opened by what the person knows.
func (c Container) Proof(now time.Time) signin.Proof {
	key := "hwk"
	if c.Software != nil {
		key = "swk"
	}
	return signin.Proof{
		Method: MethodID, At: now, AMR: []string{key, "mfa"}, Combination: Combination,
		Factors: signin.Knowledge | signin.Possession, PhishingResistant: true, FreshUntil: now.Add(FreshFor),
	}
}
