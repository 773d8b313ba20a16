// Package pin is a person's device PIN as both sides make it: package container guards the
// key in the TPM, the server knows its public part, and this package brings the two together
// (docs/device-protocol.md, "Device PIN"). Online the server decides whether a PIN signs
// somebody in; offline the TPM does, for as long as policy allows.
package pin

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"io"
	"net/url"
	"time"

	"github.com/google/go-tpm/tpm2"

	"github.com/postern-id/postern/internal/agent/container"
	"github.com/postern-id/postern/internal/agent/link"
	"github.com/postern-id/postern/internal/agent/websignin"
	"github.com/postern-id/postern/internal/device"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/fault"
	"github.com/postern-id/postern/internal/graphclient"
	"github.com/postern-id/postern/internal/method/hello"
	"github.com/postern-id/postern/internal/pinkey"
)

// Server is what the server does for PINs; a [link.Link] is one.
type Server interface {
	NewContainer(ctx context.Context, access graphclient.Secret) (device.ContainerAnswer, error)
	RegisterKey(ctx context.Context, access graphclient.Secret, container string, in device.KeyRequest) (device.KeyAnswer, error)
	ResetPIN(ctx context.Context, access graphclient.Secret, container string, in device.ResetRequest) (device.ResetAnswer, error)
	TryPIN(ctx context.Context, container string, in device.TryRequest) (device.TryAnswer, error)
	ReleasePIN(ctx context.Context, access graphclient.Secret, container string, in device.ReleaseRequest) (device.ReleaseAnswer, error)
	RemoveContainer(ctx context.Context, container string) error
	Container(ctx context.Context, container string) (device.KeyAnswer, error)
	BeginRotation(ctx context.Context, access graphclient.Secret, container string) (device.ContainerAnswer, error)
	RotateKey(ctx context.Context, access graphclient.Secret, container string, in device.RotateRequest) (device.KeyAnswer, error)
}

// Service is the PINs of a device. Every field is required.
type Service struct {
	Containers Containers
	Server     Server
	Link       *link.Link
	About      device.About
	DeviceID   string
	Now        func() time.Time
	// Offline returns how long a person may go on without the server, or why they may not.
	Offline func(user string) (time.Duration, error)
}

// ErrRefused says that the server takes a PIN no more which is right on this device.
var ErrRefused = &fault.Error{
	Kind: fault.Forbidden, Code: "pinRefused",
	Text: "The server does not take this PIN any more.", Remedy: "Use web sign-in, then set up a new PIN.",
}

// as is Server with one person's token, as package container asks for it.
type as struct {
	Server
	access graphclient.Secret
}

// Register implements container.Server.
func (a as) Register(ctx context.Context, c pinkey.Container, creation pinkey.Creation) (string, error) {
	out, err := a.RegisterKey(ctx, a.access, c.ID, device.KeyRequest{
		Public: creation.Public, CertifyInfo: creation.CertifyInfo, Signature: creation.Signature,
	})
	return out.MethodID, err
}

// SignReset implements container.Server.
func (a as) SignReset(ctx context.Context, c pinkey.Container, nonce []byte, lifetime time.Duration) (tpm2.TPMTSignature, error) {
	out, err := a.ResetPIN(ctx, a.access, c.ID, device.ResetRequest{Nonce: nonce, Lifetime: int(lifetime / time.Second)})
	if err != nil {
		return tpm2.TPMTSignature{}, err
	}
	signature, err := tpm2.Unmarshal[tpm2.TPMTSignature](out.Signature)
	if err != nil {
		return tpm2.TPMTSignature{}, graphclient.ErrAnswer.With("", "The server's word for a new PIN is malformed.")
	}
	return *signature, nil
}

// RegisterSoftware implements soft.Server.
func (a as) RegisterSoftware(ctx context.Context, c pinkey.Container, in device.KeyRequest) (device.KeyAnswer, error) {
	return a.RegisterKey(ctx, a.access, c.ID, in)
}

// Try implements soft.Server.
func (a as) Try(ctx context.Context, c pinkey.Container, in device.TryRequest) (device.TryAnswer, error) {
	return a.TryPIN(ctx, c.ID, in)
}

// Release implements soft.Server.
func (a as) Release(ctx context.Context, c pinkey.Container, in device.ReleaseRequest) (device.ReleaseAnswer, error) {
	return a.ReleasePIN(ctx, a.access, c.ID, in)
}

// Remove implements container.Server.
func (a as) Remove(ctx context.Context, c pinkey.Container) error {
	err := a.RemoveContainer(ctx, c.ID)
	if f, ok := errors.AsType[*fault.Error](err); ok && f.Kind == fault.NotFound {
		return nil
	}
	return err
}

// Create sets up a PIN for somebody who signed in strongly a short while ago. The caller has
// checked the rules for it.
func (s *Service) Create(ctx context.Context, p websignin.Person, pin string) error {
	answer, err := s.Server.NewContainer(ctx, p.Access)
	if err != nil {
		return err
	}
	ids := pinkey.Container{Tenant: s.About.TenantID, Device: s.DeviceID, User: p.ID, ID: answer.ID}
	return s.Containers.Create(ctx, as{s.Server, p.Access}, ids, answer, pin)
}

// Change replaces a PIN by one that is none of the last past ones.
func (s *Service) Change(ctx context.Context, user, former, pin string, past int) error {
	return s.Containers.Change(ctx, as{Server: s.Server}, user, former, pin, past)
}

// Reset gives a forgotten PIN a new one, for somebody who signed in strongly just now. The
// key stays.
func (s *Service) Reset(ctx context.Context, p websignin.Person, pin string) error {
	return s.Containers.Reset(ctx, as{s.Server, p.Access}, p.ID, pin)
}

// Remove takes a person's PIN away, here and at the server.
func (s *Service) Remove(ctx context.Context, user string) error {
	return s.Containers.Remove(ctx, as{Server: s.Server}, user)
}

// Forget takes a person's PIN away here only: the server knows it no more.
func (s *Service) Forget(ctx context.Context, user string) error {
	return s.Containers.Remove(ctx, as{Server: gone{}}, user)
}

// gone is a server that knows no container.
type gone struct{ Server }

// RemoveContainer implements Server.
func (gone) RemoveContainer(context.Context, string) error { return nil }

// Unlocked is what a right PIN gives.
type Unlocked struct {
	User string
	// Person has the tokens of a sign-in at the server; zero when it was offline.
	Person websignin.Person
	// Offline says that the server was not asked, and Left for how long it need not be.
	Offline bool
	Left    time.Duration
	// Ends is when the PIN has to be changed, if that is soon: the person is told.
	Ends time.Time
}

// Unlock signs a person in by their PIN: at the server where it can be reached, else here.
// A wrong PIN is counted once either way.
func (s *Service) Unlock(ctx context.Context, user, pin string) (Unlocked, error) {
	before, err := s.Containers.Find(user)
	if err != nil {
		return Unlocked{}, err
	}
	out, err := s.unlock(ctx, user, pin)
	if !errors.Is(err, ErrRefused) {
		return out, err
	}
	// Its key may have been replaced while it signed.
	if now, findErr := s.Containers.Find(user); findErr == nil && (now.Next != nil || !sameKey(before, now)) {
		return s.unlock(ctx, user, pin)
	}
	return out, err
}

func sameKey(a, b container.Container) bool {
	one, err := a.PublicKey()
	if err != nil {
		return false
	}
	other, err := b.PublicKey()
	return err == nil && one.Equal(other)
}

func (s *Service) unlock(ctx context.Context, user, pin string) (Unlocked, error) {
	c, err := s.Containers.Find(user)
	if err != nil {
		return Unlocked{}, err
	}
	nonce, err := s.nonce(ctx)
	if err == nil && c.Next != nil {
		err = s.Settle(ctx, user)
	}
	if away(err) {
		return s.offline(ctx, user, pin)
	}
	if f, ok := errors.AsType[*fault.Error](err); ok && f.Code == hello.ErrNone.Code {
		return Unlocked{}, errors.Join(ErrRefused, err)
	}
	if err != nil {
		return Unlocked{}, err
	}
	now := s.Now().Add(s.Link.Offset())
	signer := &pinSigner{func(digest []byte) ([]byte, error) {
		return s.Containers.Sign(ctx, as{Server: s.Server}, user, pin, digest)
	}}
	assertion, err := device.Assert(signer, device.Assertion{
		Method: c.Method, User: user, DeviceID: s.DeviceID, Issuer: s.About.Issuer, Nonce: nonce,
	}, now)
	if err != nil {
		return Unlocked{}, err
	}
	p, err := websignin.Redeem(ctx, s.Link, s.About, "", url.Values{
		"grant_type": {device.GrantPIN}, "client_id": {s.About.ClientID},
		"assertion": {assertion}, "scope": {websignin.Scope},
	})
	switch {
	case away(err): // the PIN was right: the TPM signed
		left, offErr := s.Offline(user)
		return Unlocked{User: user, Offline: true, Left: left}, offErr
	case err != nil:
		return Unlocked{}, told(err)
	case p.ID != user:
		return Unlocked{}, websignin.ErrAnswer
	}
	return Unlocked{User: user, Person: p}, nil
}

// told says who refused a right PIN: numbers are Entra's for Windows Hello keys (docs/errors.md).
func told(err error) error {
	switch link.AADSTS(err) {
	case 130004, 130005:
		return errors.Join(ErrRefused, err)
	case 130007, 135011:
		return errors.Join(directory.ErrDeviceDisabled, err)
	case 130008, 50155:
		return errors.Join(directory.ErrDeviceUnknown, err)
	}
	return err
}

// away reports whether there is no server to ask: no network, a captive portal, an outage.
// Whoever can cut the network can bring this about, so that it may allow no more than being
// offline does.
func away(err error) bool {
	if errors.Is(err, graphclient.ErrUnreachable) || errors.Is(err, graphclient.ErrCertificate) || errors.Is(err, graphclient.ErrAnswer) ||
		errors.Is(err, context.DeadlineExceeded) {
		return true
	}
	f, ok := errors.AsType[*fault.Error](err)
	return ok && f.Kind == fault.Unavailable
}

func (s *Service) nonce(ctx context.Context) (string, error) {
	var got struct {
		Nonce string `json:"Nonce"`
	}
	form := url.Values{"grant_type": {device.GrantChallenge}, "client_id": {s.About.ClientID}}
	if err := s.Link.Form(ctx, "token", form, &got); err != nil {
		return "", err
	}
	if got.Nonce == "" {
		return "", graphclient.ErrAnswer
	}
	return got.Nonce, nil
}

// offline tries the PIN on this device alone.
func (s *Service) offline(ctx context.Context, user, pin string) (Unlocked, error) {
	left, err := s.Offline(user)
	if err != nil {
		return Unlocked{}, err
	}
	if err := s.check(ctx, as{}, user, pin); err != nil {
		return Unlocked{}, err
	}
	return Unlocked{User: user, Offline: true, Left: left}, nil
}

// Check tries a PIN, and signs nobody in. A wrong one counts.
func (s *Service) Check(ctx context.Context, user, pin string) error {
	err := s.check(ctx, as{Server: s.Server}, user, pin)
	if away(err) {
		return s.check(ctx, as{}, user, pin)
	}
	return err
}

func (s *Service) check(ctx context.Context, server as, user, pin string) error {
	c, err := s.Containers.Find(user)
	if err != nil {
		return err
	}
	public, err := c.PublicKey()
	if err != nil {
		return err
	}
	digest := sha256.Sum256([]byte(rand.Text()))
	signature, err := s.Containers.Sign(ctx, server, user, pin, digest[:])
	if err != nil {
		return err
	}
	if !ecdsa.VerifyASN1(public, digest[:], signature) {
		return container.ErrBroken
	}
	return nil
}

// pinSigner is a person's key, opened by their PIN for each signature.
type pinSigner struct {
	sign func(digest []byte) ([]byte, error)
}

// Public implements crypto.Signer; nobody here asks.
func (p *pinSigner) Public() crypto.PublicKey { return nil }

// Sign implements crypto.Signer.
func (p *pinSigner) Sign(_ io.Reader, digest []byte, _ crypto.SignerOpts) ([]byte, error) {
	return p.sign(digest)
}
