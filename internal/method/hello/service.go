package hello

import (
	"context"
	"crypto/ecdsa"
	"crypto/x509"
	"io"
	"time"

	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/method"
	"github.com/postern-id/postern/internal/outbox"
	"github.com/postern-id/postern/internal/pinkey"
	"github.com/postern-id/postern/internal/signin"
)

// PINs sets PINs up and lets forgotten ones be replaced. Every field is required.
type PINs struct {
	Store  Store
	Signer Signer
	Now    func() time.Time // UTC
	Rand   io.Reader
	// Letters are the mails that tell everybody who has to know of a reset.
	Letters func(ctx context.Context, r Reset) ([]outbox.Item, error)
	// SetUpLetters are the mails that tell a person that a PIN of theirs was set up at a device,
	// and Notify tells them where mail does not reach, without waiting.
	SetUpLetters func(ctx context.Context, c Container, d directory.Device, user directory.User) ([]outbox.Item, error)
	Notify       func(ctx context.Context, c Container, user directory.User)
}

// A Request is one person at one device. The device proved itself by its key and has the
// person's access token, which is bound to that key.
type Request struct {
	Device   directory.Device
	User     directory.User
	Session  signin.Session // that the token came from
	Settings Settings
}

// challengeSize is the size of a challenge, in bytes.
const challengeSize = 32

// Begin returns what a PIN is made from: the container, and the key that may reset it.
func (p PINs) Begin(ctx context.Context, r Request) (Container, ResetKey, error) {
	now := p.Now()
	if err := MaySetUp(r.Device, r.Session, r.Settings, now); err != nil {
		return Container{}, ResetKey{}, err
	}
	c := Container{
		Tenant: r.Device.Tenant, ID: uuid.NewString(), Device: r.Device.ID, DeviceID: r.Device.DeviceID, User: r.User.ID,
		CreatedAt: now, Challenge: make([]byte, challengeSize),
	}
	if _, err := io.ReadFull(p.Rand, c.Challenge); err != nil {
		return c, ResetKey{}, err
	}
	reset, err := p.Signer.Key(ctx, c.IDs())
	if err != nil {
		return c, reset, err
	}
	c.Root, c.Version = reset.Root, reset.Version
	return c, reset, p.Store.BeginContainer(ctx, c)
}

// own returns the container if it is that of this person on this device; to anybody else
// there is none.
func (p PINs) own(ctx context.Context, r Request, id string) (Container, error) {
	c, err := p.Store.Container(ctx, r.Device.Tenant, id)
	if err == nil && (c.Device != r.Device.ID || c.User != r.User.ID) {
		err = ErrNone
	}
	return c, err
}

// begun returns a container of this person on this device that may be registered now.
func (p PINs) begun(ctx context.Context, r Request, id string) (Container, error) {
	now := p.Now()
	if err := MaySetUp(r.Device, r.Session, r.Settings, now); err != nil {
		return Container{}, err
	}
	c, err := p.own(ctx, r, id)
	if err == nil && !c.Registered() && now.Sub(c.CreatedAt) >= SetUpWithin {
		err = ErrBegunLongAgo
	}
	if !c.Registered() {
		origin := method.OriginOf(r.Session, signin.Place{})
		c.Session, c.Pass, c.Case, c.Proved = origin.Session, origin.Pass, origin.Case, origin.Methods
	}
	return c, err
}

// Register checks how the key was made and keeps it; events makes the events of the new
// method, and of bootstrap passes that end with it.
func (p PINs) Register(ctx context.Context, r Request, id string, in pinkey.Creation, events Events) (Container, error) {
	c, err := p.begun(ctx, r, id)
	if err != nil {
		return c, err
	}
	if c.Key, err = p.check(ctx, r.Device, c, in); err != nil {
		return c, err
	}
	c.Method, c.RegisteredAt, c.Attested = uuid.NewString(), p.Now(), r.Device.Attested
	return p.keep(ctx, r, c, events)
}

// keep stores a key that was checked and tells the person, once however often it is repeated.
func (p PINs) keep(ctx context.Context, r Request, c Container, events Events) (Container, error) {
	mails, err := p.SetUpLetters(ctx, c, r.Device, r.User)
	if err != nil {
		return c, err
	}
	kept, err := p.Store.RegisterKey(ctx, c, events.Registered(c), events.Ended, mails...)
	if err == nil && kept.Method == c.Method {
		p.Notify(ctx, kept, r.User)
	}
	return kept, err
}

// Events makes the events of a new PIN.
type Events struct {
	Registered func(c Container) audit.Event
	Ended      func(user directory.UserID, pass string) audit.Event
}

// check returns the key, PKIX, if the TPM of d certifies that it made it for c.
func (p PINs) check(ctx context.Context, d directory.Device, c Container, in pinkey.Creation) ([]byte, error) {
	reset, err := p.Signer.KeyOf(ctx, c)
	if err != nil {
		return nil, err
	}
	parsed, err := x509.ParsePKIXPublicKey(d.AttestationKey)
	if err != nil {
		return nil, ErrNeedsTPM
	}
	speaks, ok := parsed.(*ecdsa.PublicKey)
	if !ok {
		return nil, ErrNeedsTPM
	}
	key, err := pinkey.Check(c.IDs(), reset, speaks, c.Challenge, in)
	if err != nil {
		return nil, err
	}
	return x509.MarshalPKIXPublicKey(key)
}

// A Reset is a forgotten PIN that may be replaced.
type Reset struct {
	Container Container
	Device    directory.Device
	User      directory.User
	Proof     signin.Proof // by which it is authorised
	Issuer    string       // display name of who issued the pass of Proof; empty when it is none
	At        time.Time
}

// Reset authorises one change of a forgotten PIN over a nonce of the TPM and returns the
// signature, a TPMT_SIGNATURE; event makes the event.
func (p PINs) Reset(ctx context.Context, r Request, id string, nonce []byte, lifetime time.Duration, event func(Reset) audit.Event) ([]byte, error) {
	c, what, mails, err := p.mayReset(ctx, r, id)
	if err != nil {
		return nil, err
	}
	if c.Software != nil { // there is no TPM that the nonce could be of
		return nil, pinkey.ErrReset
	}
	return p.Signer.Sign(ctx, c, nonce, lifetime, method.RenewalIn(r.Session, what.At), event(what), mails...)
}

// mayReset returns the container whose forgotten PIN may be replaced now, by what, and the
// mails that tell of it.
func (p PINs) mayReset(ctx context.Context, r Request, id string) (Container, Reset, []outbox.Item, error) {
	now := p.Now()
	c, err := p.own(ctx, r, id)
	if err != nil {
		return c, Reset{}, nil, err
	}
	proof, err := MayReset(c, r.Session, r.Settings, now)
	if err != nil {
		return c, Reset{}, nil, err
	}
	what := Reset{Container: c, Device: r.Device, User: r.User, Proof: proof, At: now}
	if proof.Pass != nil {
		if what.Issuer, err = p.Store.PassIssuer(ctx, c.Tenant, c.User, proof.Pass.ID); err != nil {
			return c, what, nil, err
		}
	}
	mails, err := p.Letters(ctx, what)
	return c, what, mails, err
}

// Remove forgets a container of the device, whosever it is.
func (p PINs) Remove(ctx context.Context, d directory.Device, id string, event func(Container) audit.Event) error {
	c, err := p.Store.Container(ctx, d.Tenant, id)
	if err == nil && c.Device != d.ID {
		err = ErrNone
	}
	if err != nil {
		return err
	}
	return p.Store.RemoveContainer(ctx, c, p.Now(), event(c))
}
