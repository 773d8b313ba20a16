package server

import (
	"context"
	"crypto/ecdsa"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/fault"
	"github.com/postern-id/postern/internal/keyring"
	"github.com/postern-id/postern/internal/method"
	"github.com/postern-id/postern/internal/method/authenticator"
	"github.com/postern-id/postern/internal/method/passkey"
	"github.com/postern-id/postern/internal/phoneapi"
	"github.com/postern-id/postern/internal/recovery"
	"github.com/postern-id/postern/internal/signin"
)

// openPhones builds what asks people at their phones.
func (s *Server) openPhones(registry *method.Registry, passkeys passkey.Method) authenticator.Phones {
	o := s.options
	s.push = &phoneapi.Push{Store: s.db, Keys: pushKeys{s.ring}, PublicURL: o.PublicURL, Roots: o.Roots, Networks: o.PushNetworks, Log: o.Log}
	s.phoneFeed = &phoneapi.Feed{Store: s.db, Now: s.now, Log: o.Log}
	return authenticator.Phones{
		Store: s.db, Registry: registry, Policies: s.db, Groups: s.db, Secrets: bound{s.ring, s.db.Incarnation},
		Verifier: phonePasskeys{passkeys, s.now}, Send: s.push.Send, Now: s.now, Rand: rand.Reader,
	}
}

// tellPhones tells a person's phones that a method of theirs changed.
func (s *Server) tellPhones(_ context.Context, c method.Change) {
	n := phoneapi.News{Change: c.What, Method: c.Credential.Kind}
	s.phoneFeed.Tell(c.User.Tenant, c.User.ID, n)
	s.push.Tell(c.User.Tenant, c.User.ID, n)
}

// tellCase tells a person's phones of a step in their recovery, of the same ones as the mails. A
// phone that was lost is told, too: so are the people whose address somebody else reads.
func (s *Server) tellCase(_ context.Context, n recovery.Notice) {
	if news, told := newsOf(n); told {
		s.tellOfCase(n.Case.Tenant, n.User, news.what)
	}
}

// tellOfCase tells nobody in a server that serves nobody, such as that of postern recover.
func (s *Server) tellOfCase(tenant directory.TenantID, u directory.User, what string) {
	if s.phoneFeed == nil || s.push == nil {
		return
	}
	n := phoneapi.News{Change: what, Method: phoneapi.Recovery}
	s.phoneFeed.Tell(tenant, u.ID, n)
	s.push.Tell(tenant, u.ID, n)
}

// phoneAPI is what the authenticator app calls.
func (s *Server) phoneAPI(phones authenticator.Phones, signIn *signin.Service) *phoneapi.API {
	return &phoneapi.API{
		Phones: phones, Feed: s.phoneFeed, Push: s.push, Spare: spare, SignIn: signIn, Store: s.db, Secrets: s.ring,
		PublicURL: s.options.PublicURL, Incarnation: s.db.Incarnation, Now: s.now, Log: s.options.Log,
	}
}

// phonePasskeys let phones verify who holds them. The counter of a passkey moves at sign-ins
// only; here the phone's own proof keeps answers from being used again.
type phonePasskeys struct {
	passkeys passkey.Method
	now      func() time.Time
}

// Options implements authenticator.Verifier.
func (v phonePasskeys) Options(_ context.Context, _ directory.TenantID, _ directory.UserID, challenge []byte) ([]byte, error) {
	return passkey.NewRequest(v.passkeys.Party, challenge, "client-device"), nil
}

// Check implements authenticator.Verifier.
func (v phonePasskeys) Check(ctx context.Context, tenant directory.TenantID, user directory.UserID, challenge, answer []byte) error {
	_, err := v.passkeys.Verify(ctx, signin.Attempt{Tenant: tenant, User: user, Challenge: challenge, Typed: string(answer), At: v.now()})
	if _, refused := errors.AsType[*fault.Error](err); refused { // why is for logs of sign-ins
		return authenticator.ErrNeedsVerification
	}
	return err
}

// pushKeys hands out the keys by which push services know tenants.
type pushKeys struct{ ring *keyring.Ring }

// PushKey implements phoneapi.PushKeys.
func (k pushKeys) PushKey(ctx context.Context, tenant directory.TenantID) (*ecdsa.PrivateKey, error) {
	_, signer, err := k.ring.Signer(ctx, string(tenant), keyring.WebPush)
	if err != nil {
		return nil, err
	}
	key, ok := signer.(*ecdsa.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("the push key of tenant %s is a %T", tenant, signer)
	}
	return key, nil
}
