package hello

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/x509"
	"io"
	"time"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/pinkey"
	"github.com/postern-id/postern/internal/pinkey/software"
	"github.com/postern-id/postern/internal/signin"
)

// A Rotation is the change of a container to a newer root, under way: at the next sign-in by
// PIN after the tenant's root was rotated the device makes a new key, for which the former one
// signs. Until the server has taken it the former one counts, and never both.
type Rotation struct {
	Root      string    `json:"root"`
	Version   int       `json:"version"`
	Challenge []byte    `json:"challenge"`
	Draw      []byte    `json:"draw,omitempty"` // what the share follows from, without a TPM
	At        time.Time `json:"at"`
}

// Usable reports whether r may still be finished at now, under the root that is in use.
func (r *Rotation) Usable(root string, now time.Time) bool {
	return r != nil && r.Root == root && now.Sub(r.At) < SetUpWithin
}

// rotated is c as it would be under the root of its rotation.
func (c Container) rotated() Container {
	c.Root, c.Version, c.Challenge = c.Rotation.Root, c.Rotation.Version, c.Rotation.Challenge
	if c.Software != nil {
		c.Software = &Software{Present: Guard{Draw: c.Rotation.Draw}}
	}
	return c
}

// MayRotate returns nil if session, which is at d, may give c a new key at now: it came from
// this very PIN, a moment ago.
func MayRotate(c Container, d directory.Device, session signin.Session, s Settings, now time.Time) error {
	switch {
	case !c.Registered() || c.Device != d.ID || session.User != c.User || session.Tenant != c.Tenant:
		return ErrNone
	case !s.Allowed:
		return ErrOff
	case s.RequireTPM && !d.Attested:
		return ErrNeedsTPM
	case session.Purpose != "":
		return directory.ErrPurposeBound
	case session.Method != c.Method || session.Device == nil || session.Device.ID != c.Device:
		return ErrStale
	}
	for _, p := range session.Proofs {
		if age := now.Sub(p.At); p.Method == MethodID && age >= 0 && age < FreshFor {
			return nil
		}
	}
	return ErrStale
}

// Due implements Signer.
func (r Roots) Due(ctx context.Context, c Container) (bool, error) {
	_, root, err := r.key(ctx, c.IDs(), "")
	return err == nil && c.Registered() && root != c.Root, err
}

// BeginRotation returns what a new key for a container is made from: its rotation, the reset
// key under the newer root, and, without a TPM, the server's share of what opens it.
func (p PINs) BeginRotation(ctx context.Context, r Request, id string) (Container, ResetKey, []byte, error) {
	now := p.Now()
	c, err := p.own(ctx, r, id)
	if err == nil {
		err = MayRotate(c, r.Device, r.Session, r.Settings, now)
	}
	if err != nil {
		return c, ResetKey{}, nil, err
	}
	reset, err := p.Signer.Key(ctx, c.IDs())
	if err == nil && reset.Root == c.Root {
		err = ErrCurrent
	}
	if err != nil {
		return c, ResetKey{}, nil, err
	}
	next := Rotation{Root: reset.Root, Version: reset.Version, At: now}
	drawn := make([]byte, 2*challengeSize)
	if _, err := io.ReadFull(p.Rand, drawn); err != nil {
		return c, reset, nil, err
	}
	next.Challenge = drawn[:challengeSize]
	if c.Software != nil {
		next.Draw = drawn[challengeSize:]
	}
	if c, err = p.Store.BeginRotation(ctx, c, next); err != nil {
		return c, reset, nil, err
	}
	c = c.rotated()
	if c.Software == nil {
		return c, reset, nil, nil
	}
	share, err := p.Signer.Share(ctx, c)
	return c, reset, share, err
}

// A Successor is the key that takes the place of another one.
type Successor struct {
	Creation pinkey.Creation // in a TPM
	Software *SoftwareKey    // or in a file
	By       []byte          // the former key's signature over pinkey.Successor, ASN.1
}

func (s Successor) public() []byte {
	if s.Software != nil {
		return s.Software.Public
	}
	return s.Creation.Public
}

// Rotate gives a container its new key, under the newer root and the same method: what came
// from the PIN goes on. A repeat with the same key changes nothing.
func (p PINs) Rotate(ctx context.Context, r Request, id string, in Successor, event func(former, now Container) audit.Event) (Container, error) {
	now := p.Now()
	c, err := p.own(ctx, r, id)
	if err == nil {
		err = MayRotate(c, r.Device, r.Session, r.Settings, now)
	}
	if err != nil {
		return c, err
	}
	if had, err := c.registeredAs(in); err != nil || had {
		return c, err
	}
	reset, err := p.Signer.Key(ctx, c.IDs())
	if err != nil {
		return c, err
	}
	if !c.Rotation.Usable(reset.Root, now) {
		return c, ErrCurrent
	}
	next, err := p.succeed(ctx, r.Device, c, in)
	if err != nil {
		return c, err
	}
	return p.Store.RotateKey(ctx, c, next, event(c, next))
}

// registeredAs reports whether the key of in is that of c already.
func (c Container) registeredAs(in Successor) (bool, error) {
	if (in.Software != nil) != (c.Software != nil) {
		return false, pinkey.ErrKey
	}
	if in.Software != nil {
		return bytes.Equal(in.Software.Public, c.Key), nil
	}
	key, err := pinkey.KeyOf(in.Creation.Public)
	if err != nil {
		return false, err
	}
	public, err := x509.MarshalPKIXPublicKey(key)
	return err == nil && bytes.Equal(public, c.Key), err
}

// succeed returns c with the key of in, if the former key stands for it and it was made as a
// key of c has to be under the newer root.
func (p PINs) succeed(ctx context.Context, d directory.Device, c Container, in Successor) (Container, error) {
	former, err := c.PublicKey()
	if err != nil {
		return c, err
	}
	next := c.rotated()
	next.Rotation = nil
	if err := pinkey.CheckSuccessor(former, c.IDs(), next.Challenge, in.public(), in.By); err != nil {
		return c, err
	}
	if in.Software == nil {
		next.Key, err = p.check(ctx, d, next, in.Creation)
		return next, err
	}
	next.Key = in.Software.Public
	key, err := next.PublicKey()
	if err != nil || !ecdsa.VerifyASN1(key, software.Proof(c.IDs(), next.Challenge), in.Software.Proof) {
		return c, pinkey.ErrKey
	}
	if next.Key, err = x509.MarshalPKIXPublicKey(key); err != nil {
		return c, err
	}
	guard, err := newGuard(in.Software.Guard, p.Rand)
	guard.Draw = c.Rotation.Draw
	next.Software = &Software{Present: guard}
	return next, err
}
