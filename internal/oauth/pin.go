package oauth

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/fault"
	"github.com/postern-id/postern/internal/method/hello"
	"github.com/postern-id/postern/internal/oauth/oautherr"
	"github.com/postern-id/postern/internal/oauth/scope"
	"github.com/postern-id/postern/internal/request"
	"github.com/postern-id/postern/internal/signin"
)

// PINs is what a sign-in with a device PIN reads and writes.
type PINs interface {
	// ContainerOf returns the container whose key is registered as the method, or
	// hello.ErrNone.
	ContainerOf(ctx context.Context, tenant directory.TenantID, method string) (hello.Container, error)
	// Device returns a device, or directory.ErrDeviceUnknown.
	Device(ctx context.Context, tenant directory.TenantID, id directory.DeviceObjectID) (directory.Device, error)
	// SignInWithPIN stores what a PIN led to, notes that the person was at the device, and
	// records the events; or does none of it. What is in Once must be new, else it is
	// hello.ErrAssertion; the container must be there as it is given, else hello.ErrNone;
	// person and device must be there and switched on.
	SignInWithPIN(ctx context.Context, p PINSignIn) error
}

// PINKeys tells which keys of PINs are to be replaced; a [hello.Signer] does.
type PINKeys interface {
	// Due reports whether the tenant's reset root is newer than the one that c is under.
	Due(ctx context.Context, c hello.Container) (bool, error)
}

// A PINSignIn is what a right PIN leads to.
type PINSignIn struct {
	Container hello.Container
	Once      []Once
	Session   signin.Session
	Family    Family
	Next      *Grant // refresh token, or nil
	NextHash  string
	At        time.Time
	Event     audit.Event
}

// Once is something that may be used once: the store remembers it until Until.
type Once struct {
	Kind, ID string
	Until    time.Time
}

// challengeLifetime is how long a nonce for a PIN works.
const challengeLifetime = 5 * time.Minute

// challenge answers srv_challenge, [MS-OAPXBC] section 3.1.5.1.1: a nonce for one assertion.
// Nothing is stored before it is used: it is a time and a random number with a keyed hash.
func (s *Server) challenge(w http.ResponseWriter, r *http.Request) error {
	if noTenant(r.PathValue("tenant")) {
		return oautherr.ErrGrantOnCommon
	}
	tenant, err := s.tenant(r)
	if err != nil {
		return err
	}
	raw := make([]byte, nonceSize)
	binary.BigEndian.PutUint64(raw, uint64(s.Now().Unix()))
	if _, err := io.ReadFull(rand.Reader, raw[8:]); err != nil {
		return err
	}
	mac, err := s.challengeMAC(r, tenant.ID, raw)
	if err != nil {
		return err
	}
	return writeJSON(w, struct {
		Nonce string `json:"Nonce"`
	}{base64.RawURLEncoding.EncodeToString(raw) + "." + mac})
}

// nonceSize is 8 bytes of time and 16 random ones.
const nonceSize = 24

func (s *Server) challengeMAC(r *http.Request, tenant directory.TenantID, raw []byte) (string, error) {
	return s.Secrets.MAC(r.Context(), string(tenant), "PIN challenge "+s.Incarnation, raw)
}

// checkChallenge reports whether nonce is one of the tenant's, and in time.
func (s *Server) checkChallenge(r *http.Request, tenant directory.TenantID, nonce string) error {
	bad := hello.ErrAssertion.With("", "The nonce of the assertion is not this server's, or too old. Ask for another one.")
	text, mac, _ := strings.Cut(nonce, ".")
	raw, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(raw) != nonceSize {
		return bad
	}
	want, err := s.challengeMAC(r, tenant, raw)
	if err != nil {
		return err
	}
	age := s.Now().Sub(time.Unix(int64(binary.BigEndian.Uint64(raw)), 0))
	if subtle.ConstantTimeCompare([]byte(mac), []byte(want)) != 1 || age < -time.Minute || age >= challengeLifetime {
		return bad
	}
	return nil
}

// pinAssertion signs a person in by the key of their device PIN (RFC 7523 section 4). The
// device proves itself first, by DPoP, so that nobody elsewhere can try anything.
func (s *Server) pinAssertion(x *exchange) (tokens, error) {
	if x.client.app.AppID != directory.AgentAppID {
		return tokens{}, oautherr.ErrUnsupportedGrant.With("", "Only the agent of a device signs people in by assertion.")
	}
	c, d, err := s.presentedPIN(x)
	if err != nil {
		return tokens{}, err
	}
	user, err := s.Store.User(x.r.Context(), x.tenant.ID, c.User)
	if errors.Is(err, directory.ErrUserUnknown) {
		return tokens{}, hello.ErrNone
	}
	if err != nil {
		return tokens{}, err
	}
	out, e, err := s.signInWithPIN(x, c, d, user)
	if err != nil {
		return tokens{}, s.refusedPIN(x, e, err)
	}
	return out, nil
}

// presentedPIN returns the container that the assertion names and its device, if that device
// proves the request.
func (s *Server) presentedPIN(x *exchange) (hello.Container, directory.Device, error) {
	text := x.r.PostForm.Get("assertion")
	if text == "" {
		return hello.Container{}, directory.Device{}, oautherr.ErrMissingParameter.With("assertion", "The assertion is missing.")
	}
	method, err := hello.MethodOf(text)
	if err != nil {
		return hello.Container{}, directory.Device{}, err
	}
	ctx := x.r.Context()
	c, err := s.Store.ContainerOf(ctx, x.tenant.ID, method)
	if err != nil {
		return c, directory.Device{}, err
	}
	d, err := s.Store.Device(ctx, x.tenant.ID, c.Device)
	if errors.Is(err, directory.ErrDeviceUnknown) {
		return c, d, hello.ErrDeviceGone
	}
	if err != nil {
		return c, d, err
	}
	_, err = s.proof(x, d.KeyThumbprint)
	return c, d, err
}

// signInWithPIN checks the assertion and stores what follows from it; the event is the one
// to record when it fails.
func (s *Server) signInWithPIN(x *exchange, c hello.Container, d directory.Device, user directory.User) (tokens, audit.Event, error) {
	now := s.Now()
	session := s.pinSession(x, c, d, now)
	f := newFamily(uuid.NewString(), x.client.app.AppID, session, now, audit.ProtocolOAuth2)
	f.DeviceProved, f.Method, f.Thumbprint = true, c.Method, d.KeyThumbprint
	tokenID := uuid.NewString()
	e := s.pinEvent(x, f, d, user, tokenID)
	a, err := hello.Verify(x.r.PostForm.Get("assertion"), c, s.issuer(x.tenant.ID), now)
	if err == nil {
		err = s.checkChallenge(x.r, x.tenant.ID, a.Nonce)
	}
	switch {
	case err != nil:
		return tokens{}, e, err
	case !d.AccountEnabled:
		return tokens{}, e, hello.ErrDeviceOff
	case d.Usable() != nil:
		return tokens{}, e, d.Usable()
	case !user.AccountEnabled:
		return tokens{}, e, hello.ErrUserOff
	}
	ok, glass, err := s.SignIn.MayUse(x.r.Context(), x.tenant.ID, signin.SurfaceLockScreen, hello.MethodID)
	switch {
	case err != nil:
		return tokens{}, e, err
	case !ok:
		return tokens{}, e, hello.ErrNotHere
	case glass:
		e.SignIn.AdditionalDetails = audit.BreakGlass
	}
	if err := s.fillPINFamily(x, &f, user); err != nil {
		return tokens{}, e, err
	}
	f.Seen = seenAt(x.r)
	v, err := s.judge(x.r.Context(), f, user.UserPrincipalName, placeOf(x.r))
	v.Describe(e.SignIn)
	if err != nil {
		return tokens{}, e, err
	}
	if v != nil {
		f.Rules = v.Version
	}
	if !f.Offline { // nothing outlives the access token
		session.ExpiresAt = now.Add(accessLifetime)
	}
	e.SignIn.ResourceID = f.Resource
	out, err := s.issue(x, f, user, d.KeyThumbprint, tokenID)
	if err != nil {
		return tokens{}, e, err
	}
	next, hash, err := s.refreshGrant(x, f, d.KeyThumbprint, false, &out)
	if err != nil {
		return tokens{}, e, err
	}
	if out.PINKeyDue, err = s.PINKeys.Due(x.r.Context(), c); err != nil {
		return tokens{}, e, err
	}
	return out, e, s.Store.SignInWithPIN(x.r.Context(), PINSignIn{
		Container: c, Once: onceOf(c, a, now), Session: session, Family: f, Next: next, NextHash: hash, At: now, Event: e,
	})
}

// onceOf is what nobody may bring a second time: the nonce, and the assertion by its id.
func onceOf(c hello.Container, a hello.Assertion, now time.Time) []Once {
	id := sha256.Sum256([]byte(c.Method + "\n" + a.ID))
	return []Once{
		{"pinNonce", a.Nonce, now.Add(challengeLifetime + time.Minute)},
		{"pinAssertion", base64.RawURLEncoding.EncodeToString(id[:]), a.ExpiresAt.Add(time.Minute)},
	}
}

// pinSession is the session of a PIN. It is the device's: no browser holds it.
func (s *Server) pinSession(x *exchange, c hello.Container, d directory.Device, now time.Time) signin.Session {
	facts := request.From(x.r.Context())
	return signin.Session{
		Tenant: c.Tenant, ID: uuid.NewString(), User: c.User, CreatedAt: now, SeenAt: now, ExpiresAt: now.Add(refreshLifetime),
		Proofs: []signin.Proof{c.Proof(now)}, Address: facts.Address.String(), UserAgent: facts.UserAgent,
		Method: c.Method, Device: signin.DeviceOf(d), Persistent: true,
	}
}

// fillPINFamily gives f what the form asks for, if consent is there.
func (s *Server) fillPINFamily(x *exchange, f *Family, user directory.User) error {
	asked, err := scope.Parse(x.r.PostForm.Get("scope"), s.PublicURL)
	if err != nil {
		return err
	}
	if err := s.mayUse(x.r, x.client, user); err != nil {
		return err
	}
	f.OpenID, f.Profile, f.Email, f.Offline = asked.OpenID, asked.Profile, asked.Email, asked.OfflineAccess
	f.Resource, f.Scopes, err = s.consented(x.r, f.Tenant, x.client, asked, user.ID)
	return err
}

// pinEvent is the sign-in event of a PIN.
func (s *Server) pinEvent(x *exchange, f Family, d directory.Device, user directory.User, tokenID string) audit.Event {
	e := s.personEvent(x.r, f, x.client, user, tokenID)
	e.SignIn.Interactive, e.SignIn.EventType, e.SignIn.ClientAppUsed = true, audit.InteractiveUser, audit.ClientApps
	e.SignIn.Browser = ""
	e.SignIn.Details = []audit.AuthenticationDetail{{
		Method: audit.MethodHello, Detail: d.DisplayName, Requirement: audit.StepPrimary, At: s.Now(), Succeeded: true,
	}}
	return e
}

// refusedPIN logs why a device that proved itself did not sign somebody in.
func (s *Server) refusedPIN(x *exchange, e audit.Event, err error) error {
	switch {
	case errors.Is(err, directory.ErrUserUnknown):
		err = hello.ErrUserOff
	case errors.Is(err, directory.ErrDeviceDisabled):
		err = hello.ErrDeviceOff
	case errors.Is(err, directory.ErrDeviceUnknown):
		err = hello.ErrDeviceGone
	}
	f, ok := errors.AsType[*fault.Error](err)
	if !ok {
		return err
	}
	e.SignIn.ErrorCode, e.SignIn.FailureReason, e.SignIn.SessionID, e.SignIn.UniqueTokenID = f.AADSTS, f.Text, "", ""
	for i := range e.SignIn.Details {
		e.SignIn.Details[i].Succeeded, e.SignIn.Details[i].ResultDetail = false, f.Text
	}
	if err := s.Store.RecordTokens(x.r.Context(), e); err != nil {
		return err
	}
	return err
}
