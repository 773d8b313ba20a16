package hello

import (
	"context"
	"crypto/ecdsa"
	"crypto/hkdf"
	"crypto/hpke"
	"crypto/sha256"
	"crypto/subtle"
	"crypto/x509"
	"io"

	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/keyring"
	"github.com/postern-id/postern/internal/method"
	"github.com/postern-id/postern/internal/outbox"
	"github.com/postern-id/postern/internal/pinkey"
	"github.com/postern-id/postern/internal/pinkey/software"
)

// MostWrong is how many wrong PINs in a row a container without a TPM takes.
const MostWrong = 5

// Software is what the server keeps of a container without a TPM: it counts the tries, where
// no copy of the disk makes it forget, and gives its share of what opens the key for a right
// one alone.
type Software struct {
	Present Guard  `json:"present"`
	Next    *Guard `json:"next,omitempty"`  // of the PIN that the device is changing to
	Wrong   int    `json:"wrong,omitempty"` // in a row
}

// A Guard is software.Guard as it is kept, and what the share of that PIN follows from.
type Guard struct {
	Check    []byte `json:"check"`    // SHA-256 of the verifier, which has 256 bits of the device's salt
	Recovery []byte `json:"recovery"` // SHA-256 of the sealed recovery secret
	Draw     []byte `json:"draw"`     // random
}

func check(verifier []byte) []byte {
	sum := sha256.Sum256(append([]byte("postern PIN verifier\x00"), verifier...))
	return sum[:]
}

func newGuard(in software.Guard, random io.Reader) (Guard, error) {
	if !in.Valid() {
		return Guard{}, ErrVerifier
	}
	g := Guard{Check: check(in.Verifier), Recovery: in.Recovery, Draw: make([]byte, 32)}
	_, err := io.ReadFull(random, g.Draw)
	return g, err
}

// A Tried is what came of a try.
type Tried struct {
	Right bool
	Guard Guard // of the PIN that was right
	Left  int   // tries that are left before the container stops
}

// Try looks at the verifier of a typed PIN, and returns the container as it is afterwards. A
// right one may announce the next PIN; once that is typed, the former one is none any more.
// A container that has stopped looks at none: only a reset helps.
func (c Container) Try(verifier []byte, next *Guard) (Container, Tried) {
	s := *c.Software
	c.Software = &s
	if s.Wrong >= MostWrong {
		return c, Tried{}
	}
	is := func(g *Guard) bool { return g != nil && subtle.ConstantTimeCompare(g.Check, check(verifier)) == 1 }
	switch {
	case is(s.Next):
		s.Present, s.Next = *s.Next, nil
	case !is(&s.Present):
		s.Wrong++
		return c, Tried{Left: MostWrong - s.Wrong}
	}
	s.Wrong = 0
	if next != nil {
		s.Next = next
	}
	return c, Tried{Right: true, Guard: s.Present, Left: MostWrong}
}

// AfterRestore is how many wrong PINs in a row a container without a TPM has at least after a
// restore: a backup holds an older count, and nobody gets tries back by it.
const AfterRestore = MostWrong - 1

// Tried returns c with n wrong PINs in a row at least, and whether that is more than it had.
func (c Container) Tried(n int) (Container, bool) {
	if c.Software == nil || c.Software.Wrong >= n {
		return c, false
	}
	s := *c.Software
	s.Wrong = n
	c.Software = &s
	return c, true
}

// Announced notes the PIN that a released secret is for. The tries begin anew.
func (c Container) Announced(next *Guard) Container {
	if next == nil || c.Software == nil {
		return c
	}
	s := *c.Software
	s.Next, s.Wrong = next, 0
	c.Software = &s
	return c
}

// keeps reports whether sealed is the recovery secret that a guard of c names.
func (c Container) keeps(sealed []byte) bool {
	is := func(g *Guard) bool {
		return g != nil && subtle.ConstantTimeCompare(g.Recovery, software.Hash(sealed)) == 1
	}
	return c.Software != nil && (is(&c.Software.Present) || is(c.Software.Next))
}

// RecoveryKey implements Signer.
func (r Roots) RecoveryKey(ctx context.Context, c pinkey.Container, root string) ([]byte, error) {
	key, err := r.recovery(ctx, c, root)
	if err != nil {
		return nil, err
	}
	return key.PublicKey().Bytes(), nil
}

func (r Roots) recovery(ctx context.Context, c pinkey.Container, root string) (hpke.PrivateKey, error) {
	secret, _, err := r.Ring.Secret(ctx, c.Tenant, keyring.PINReset, root)
	if err != nil {
		return nil, err
	}
	seed, err := hkdf.Key(sha256.New, secret, []byte(c.Tenant), "postern PIN recovery key\x00"+string(c.Ref()), 32)
	if err != nil {
		return nil, err
	}
	return software.KEM().DeriveKeyPair(seed)
}

// share follows from the root, so that a stolen database has none.
func (r Roots) share(ctx context.Context, c Container, g Guard) ([]byte, error) {
	secret, _, err := r.Ring.Secret(ctx, string(c.Tenant), keyring.PINReset, c.Root)
	if err != nil {
		return nil, err
	}
	label := append([]byte("postern PIN share\x00"), c.IDs().Ref()...)
	return hkdf.Key(sha256.New, secret, g.Draw, string(label), software.ShareSize)
}

// Try implements Signer.
func (r Roots) Try(ctx context.Context, c Container, verifier []byte, next *Guard, stopped audit.Event) (Tried, Shares, error) {
	tried, err := r.Counter.NoteTry(ctx, c, verifier, next, stopped)
	if err != nil || !tried.Right {
		return tried, Shares{}, err
	}
	var s Shares
	if s.Present, err = r.share(ctx, c, tried.Guard); err == nil && next != nil {
		s.Next, err = r.share(ctx, c, *next)
	}
	return tried, s, err
}

// Shares are the server's part of what opens a key: for the PIN that was typed, and for the
// one that it gives way to.
type Shares struct {
	Present, Next []byte
}

// Share implements Signer.
func (r Roots) Share(ctx context.Context, c Container) ([]byte, error) {
	return r.share(ctx, c, c.Software.Present)
}

// Release implements Signer.
func (r Roots) Release(ctx context.Context, c Container, sealed, to []byte, next Guard, by method.Renewal, e audit.Event, mails ...outbox.Item) ([]byte, error) {
	key, err := r.recovery(ctx, c.IDs(), c.Root)
	if err != nil {
		return nil, err
	}
	secret, err := software.Open(key, software.Recovery, c.IDs(), sealed)
	if err != nil {
		return nil, err
	}
	share, err := r.share(ctx, c, next)
	if err != nil {
		return nil, err
	}
	answer, err := software.Seal(to, software.Release, c.IDs(), append(secret, share...))
	if err != nil {
		return nil, err
	}
	if err := r.Counter.NoteReset(ctx, c, &next, by, e, mails...); err != nil {
		return nil, err
	}
	return answer, nil
}

// A SoftwareKey is what a device without a TPM registers.
type SoftwareKey struct {
	Public []byte // PKIX
	Proof  []byte // signature over software.Proof, ASN.1
	Guard  software.Guard
}

// RegisterSoftware keeps the key of a container without a TPM, and returns the server's share
// of what opens it.
func (p PINs) RegisterSoftware(ctx context.Context, r Request, id string, in SoftwareKey, events Events) (Container, []byte, error) {
	if !inFile(r.Device) { // whoever has a TPM uses it
		return Container{}, nil, pinkey.ErrKey
	}
	c, err := p.begun(ctx, r, id)
	if err != nil {
		return c, nil, err
	}
	c.Key = in.Public
	key, err := c.PublicKey()
	if err != nil || !ecdsa.VerifyASN1(key, software.Proof(c.IDs(), c.Challenge), in.Proof) {
		return c, nil, pinkey.ErrKey
	}
	if c.Key, err = x509.MarshalPKIXPublicKey(key); err != nil {
		return c, nil, err
	}
	guard, err := newGuard(in.Guard, p.Rand)
	if err != nil {
		return c, nil, err
	}
	c.Software = &Software{Present: guard}
	c.Method, c.RegisteredAt = uuid.NewString(), p.Now()
	if c, err = p.keep(ctx, r, c, events); err != nil {
		return c, nil, err
	}
	share, err := p.Signer.Share(ctx, c)
	return c, share, err
}

// InFile is the KeyStorage of a device without a TPM.
const InFile = "software"

func inFile(d directory.Device) bool { return d.KeyStorage == InFile }

// Try looks at a PIN that was typed at the device of c, and returns the server's share for a
// right one. next is the PIN that it gives way to, nil for none. Nobody is signed in by it.
func (p PINs) Try(ctx context.Context, d directory.Device, s Settings, id string, verifier []byte, next *software.Guard, stopped func(Container) audit.Event) (Tried, Shares, error) {
	c, err := p.Store.Container(ctx, d.Tenant, id)
	switch {
	case err != nil:
		return Tried{}, Shares{}, err
	case c.Device != d.ID || !c.Registered() || c.Software == nil:
		return Tried{}, Shares{}, ErrNone
	case !s.Allowed:
		return Tried{}, Shares{}, ErrOff
	case s.RequireTPM:
		return Tried{}, Shares{}, ErrNeedsTPM
	case len(verifier) != software.VerifierSize:
		return Tried{}, Shares{}, ErrVerifier
	}
	var announced *Guard
	if next != nil {
		g, err := newGuard(*next, p.Rand)
		if err != nil {
			return Tried{}, Shares{}, err
		}
		announced = &g
	}
	return p.Signer.Try(ctx, c, verifier, announced, stopped(c))
}

// A Recovery is what a device without a TPM brings for a forgotten PIN.
type Recovery struct {
	Sealed []byte         // the recovery secret, as the device keeps it
	To     []byte         // HPKE public key of this request, which the answer is sealed to
	Next   software.Guard // of the new PIN
}

// Recover releases the recovery secret of a forgotten PIN to one request, under the same rules
// as Reset.
func (p PINs) Recover(ctx context.Context, r Request, id string, in Recovery, event func(Reset) audit.Event) ([]byte, error) {
	c, what, mails, err := p.mayReset(ctx, r, id)
	switch {
	case err != nil:
		return nil, err
	case r.Settings.RequireTPM:
		return nil, ErrNeedsTPM
	case !c.keeps(in.Sealed): // damaged, somebody else's, or of an earlier PIN
		return nil, software.ErrSealed
	}
	next, err := newGuard(in.Next, p.Rand)
	if err != nil {
		return nil, err
	}
	return p.Signer.Release(ctx, c, in.Sealed, in.To, next, method.RenewalIn(r.Session, what.At), event(what), mails...)
}
