package authenticator

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/method"
	"github.com/postern-id/postern/internal/signin"
)

// Phones registers phones and takes their answers. Every field but Verifier is required.
type Phones struct {
	Store    Store
	Registry *method.Registry
	Policies method.Policies
	Groups   method.Groups
	Secrets  Secrets
	// Verifier checks the passkeys by which phones verify their user; nil lets none do so.
	Verifier Verifier
	// Send rings the phones of a person who have an address for messages.
	Send func(tenant directory.TenantID, user directory.UserID)
	Now  func() time.Time // UTC
	Rand io.Reader
}

// Secrets returns keyed hashes under keys that are derived from the tenant's own secret.
type Secrets interface {
	MAC(ctx context.Context, tenant, label string, message []byte) (string, error)
}

// A Verifier checks that who holds a phone unlocked a passkey of the person's, which is user
// verification by another name.
type Verifier interface {
	// Options returns what the browser asks a passkey with, as JSON for
	// PublicKeyCredential.parseRequestOptionsFromJSON, with user verification required.
	Options(ctx context.Context, tenant directory.TenantID, user directory.UserID, challenge []byte) ([]byte, error)
	// Check checks the browser's answer to these options. A *fault.Error is a refusal.
	Check(ctx context.Context, tenant directory.TenantID, user directory.UserID, challenge, answer []byte) error
}

// Labels of the derived keys.
const (
	labelCode         = "phone enrolment"
	labelVerification = "phone verification"
)

// Policy returns the tenant's policy with its revision.
func (s Phones) Policy(ctx context.Context, tenant directory.TenantID) (Policy, method.Revision, error) {
	p := DefaultPolicy()
	r, err := s.Policies.MethodPolicy(ctx, tenant, PolicyID, &p)
	return p, r, err
}

// mode returns what the person may approve with, and what that follows from.
func (s Phones) mode(ctx context.Context, tenant directory.TenantID, user directory.UserID) (string, Policy, map[directory.GroupID]bool, error) {
	p, _, err := s.Policy(ctx, tenant)
	if err != nil {
		return "", p, nil, err
	}
	groups, err := s.Groups.GroupsOf(ctx, tenant, string(user))
	if err != nil {
		return "", p, nil, err
	}
	return p.Mode(groups), p, groups, nil
}

// Begin lets a phone be added to the account of session, which is fresh enough for that: the
// caller asked [method.MayRegister]. It returns the code, which is not kept.
func (s Phones) Begin(ctx context.Context, session signin.Session, place signin.Place) (Enrolment, string, error) {
	mode, _, _, err := s.mode(ctx, session.Tenant, session.User)
	if err != nil {
		return Enrolment{}, "", err
	}
	if mode == "" {
		return Enrolment{}, "", ErrOff
	}
	code, err := NewCode(s.Rand)
	if err != nil {
		return Enrolment{}, "", err
	}
	hash, err := s.Secrets.MAC(ctx, string(session.Tenant), labelCode, []byte(code))
	if err != nil {
		return Enrolment{}, "", err
	}
	now := s.Now()
	e := Enrolment{
		Tenant: session.Tenant, ID: uuid.NewString(), User: session.User, CodeHash: hash, CreatedAt: now, EndsAt: now.Add(EnrolWithin),
		Origin: method.OriginOf(session, place),
	}
	return e, code, s.Store.PutEnrolment(ctx, e)
}

// A Newcomer is a phone that asks to be added.
type Newcomer struct {
	Code       string // as typed or scanned
	Key        []byte // PKIX, from [CheckKey]
	Thumbprint string // of the key
	Name       string
	System     string
	Version    string
}

// Enrol adds a phone by its code, once. Who guesses codes is stopped by the caller.
func (s Phones) Enrol(ctx context.Context, tenant directory.TenantID, n Newcomer, correlationID string) (Phone, directory.User, error) {
	code, ok := ParseCode(n.Code)
	if !ok {
		return Phone{}, directory.User{}, ErrCode
	}
	hash, err := s.Secrets.MAC(ctx, string(tenant), labelCode, []byte(code))
	if err != nil {
		return Phone{}, directory.User{}, err
	}
	e, err := s.Store.UseEnrolment(ctx, tenant, hash, s.Now())
	if err != nil {
		return Phone{}, directory.User{}, err
	}
	user, err := s.Store.User(ctx, tenant, e.User)
	if err != nil {
		return Phone{}, user, err
	}
	if mode, _, _, err := s.mode(ctx, tenant, e.User); err != nil || mode == "" { // policy may have changed since the code was shown
		return Phone{}, user, cmp.Or(err, error(ErrOff))
	}
	p := Phone{
		Credential: method.Credential{Tenant: tenant, User: e.User, Kind: MethodID, Lookup: n.Thumbprint, Name: n.Name, Origin: e.Origin},
		Facts:      Facts{Key: n.Key, System: cut(n.System), Version: cut(n.Version)},
	}
	c, err := p.credential()
	if err != nil {
		return p, user, err
	}
	p.Credential, err = s.Registry.Add(ctx, c, user, actor(user, e.Origin.Address, correlationID))
	return p, user, err
}

// cut bounds what a phone says of itself.
func cut(s string) string {
	r := []rune(s)
	return string(r[:min(len(r), 40)])
}

// actor is the person at their phone, as events name them.
func actor(user directory.User, address, correlationID string) method.Actor {
	return method.Actor{Self: true, CorrelationID: correlationID, By: audit.Actor{User: &audit.UserActor{
		ID: string(user.ID), DisplayName: user.DisplayName, UserPrincipalName: user.UserPrincipalName, IPAddress: address,
	}}}
}

// Phone returns the phone with a key, and its person, who must be there and switched on; else
// ErrUnknown. A frozen phone is known: it hears that it is.
func (s Phones) Phone(ctx context.Context, tenant directory.TenantID, thumbprint string) (Phone, directory.User, error) {
	c, err := s.Store.CredentialBy(ctx, tenant, MethodID, thumbprint)
	if errors.Is(err, method.ErrNone) {
		return Phone{}, directory.User{}, ErrUnknown
	}
	if err != nil {
		return Phone{}, directory.User{}, err
	}
	user, err := s.Store.User(ctx, tenant, c.User)
	if errors.Is(err, directory.ErrUserUnknown) || err == nil && !user.AccountEnabled {
		return Phone{}, user, ErrUnknown
	}
	if err != nil {
		return Phone{}, user, err
	}
	p, err := phoneOf(c)
	return p, user, err
}

// Of returns the phones of a person that can be read, oldest first.
func (s Phones) Of(ctx context.Context, tenant directory.TenantID, user directory.UserID) ([]Phone, error) {
	found, err := s.Store.Credentials(ctx, tenant, user)
	if err != nil {
		return nil, err
	}
	var all []Phone
	for _, c := range found {
		if c.Kind != MethodID || c.Unreadable {
			continue
		}
		p, err := phoneOf(c)
		if err != nil {
			return nil, err
		}
		all = append(all, p)
	}
	return all, nil
}

// Waiting returns the request that waits for the person of p, as p shows it, or nil.
func (s Phones) Waiting(ctx context.Context, p Phone) (*View, error) {
	if p.Frozen() {
		return nil, method.ErrFrozen
	}
	r, err := s.Store.Request(ctx, p.Tenant, p.User)
	if err != nil || !r.Waits(s.Now()) {
		return nil, err
	}
	mode, policy, groups, err := s.mode(ctx, p.Tenant, p.User)
	if err != nil || mode == "" {
		return nil, err
	}
	v := r.view(policy, p, groups)
	v.Verify = v.Verify && s.Verifier != nil
	return &v, nil
}

// Answer takes what the person says at p. The assertion is the answer of a passkey to
// [Phones.Options], where p has one. ErrWrongNumber ends the request.
func (s Phones) Answer(ctx context.Context, p Phone, user directory.User, a Answer, assertion []byte, from, correlationID string) (Request, error) {
	if p.Frozen() {
		return Request{}, method.ErrFrozen
	}
	mode, _, _, err := s.mode(ctx, p.Tenant, p.User)
	if err != nil {
		return Request{}, err
	}
	if mode == "" {
		return Request{}, ErrOff
	}
	a.Phone = p.ID
	if a.Say == Approve && (p.Verifies || mode == ModeUser) {
		if err := s.verify(ctx, p, a.Request, assertion); err != nil {
			return Request{}, err
		}
		a.Verified = mode != ModePush
	}
	now := s.Now()
	r, err := s.Store.Answer(ctx, p.Tenant, p.User, a, now, func(r Request) *audit.Event { return s.event(r, p, user, now, from, correlationID) })
	if err == nil && r.Outcome == Wrong {
		err = ErrTypedWrong
	}
	return r, err
}

// Options returns what a phone asks its passkey with to approve a request, or, with the name
// of no request, to say that it has one.
func (s Phones) Options(ctx context.Context, p Phone, request string) ([]byte, error) {
	if s.Verifier == nil {
		return nil, ErrNeedsVerification
	}
	challenge, err := s.challenge(ctx, p, request)
	if err != nil {
		return nil, err
	}
	return s.Verifier.Options(ctx, p.Tenant, p.User, challenge)
}

// challenge is what the passkey signs: this phone's, for this request. It need not be single-use:
// a request is answered once, and the phone's own proof is.
func (s Phones) challenge(ctx context.Context, p Phone, request string) ([]byte, error) {
	mac, err := s.Secrets.MAC(ctx, string(p.Tenant), labelVerification, []byte(p.ID+"|"+request))
	return []byte(mac), err
}

func (s Phones) verify(ctx context.Context, p Phone, request string, assertion []byte) error {
	if s.Verifier == nil || len(assertion) == 0 {
		return ErrNeedsVerification
	}
	challenge, err := s.challenge(ctx, p, request)
	if err != nil {
		return err
	}
	return s.Verifier.Check(ctx, p.Tenant, p.User, challenge, assertion)
}

// Verifies notes that the phone has a passkey that verifies its user.
func (s Phones) Verifies(ctx context.Context, p Phone, user directory.User, assertion []byte, from, correlationID string) (Phone, error) {
	if p.Frozen() {
		return p, method.ErrFrozen
	}
	if err := s.verify(ctx, p, "", assertion); err != nil || p.Verifies {
		return p, err
	}
	p.Verifies = true
	c, err := p.credential()
	if err != nil {
		return p, err
	}
	by := actor(user, from, correlationID)
	e := change(p, user, by, s.Now(), audit.UserUpdatedSecurityInfo, audit.OperationUpdate, "Phone verifies its user from now on")
	return p, s.Store.ChangeCredential(ctx, c, e)
}

// Remove takes the phone off the account, at its own wish.
func (s Phones) Remove(ctx context.Context, p Phone, user directory.User, from, correlationID string) error {
	return s.Registry.Remove(ctx, p.Credential, user, actor(user, from, correlationID))
}

// Subscribe keeps where messages for p go; the zero Subscription is nowhere.
func (s Phones) Subscribe(ctx context.Context, p Phone, to Subscription) error {
	if p.Frozen() {
		return method.ErrFrozen
	}
	return s.Store.PutSubscription(ctx, p.Tenant, p.User, p.ID, to)
}

// event is what an answer writes to the log; an approval is told by the sign-in itself.
func (s Phones) event(r Request, p Phone, user directory.User, now time.Time, from, correlationID string) *audit.Event {
	says := map[Outcome]string{
		Denied: "Denied on the phone", Wrong: "Another number was typed on the phone", Reported: "The person says that the sign-in was not theirs",
	}
	reason, ok := says[r.Outcome]
	if !ok {
		return nil
	}
	activity := audit.PhoneRefused
	if r.Outcome == Reported {
		activity = audit.SuspiciousActivity
	}
	e := change(p, user, actor(user, from, correlationID), now, activity, audit.OperationUpdate, reason)
	e.Change.Details = append(e.Change.Details,
		audit.KeyValue{Key: "Request", Value: r.ID}, audit.KeyValue{Key: "Transaction", Value: r.Transaction},
		audit.KeyValue{Key: "Application", Value: r.Application}, audit.KeyValue{Key: "Address", Value: r.Address})
	return &e
}

func change(p Phone, user directory.User, by method.Actor, now time.Time, activity, operation, reason string) audit.Event {
	return audit.Event{
		Tenant: string(p.Tenant), ID: uuid.NewString(), At: now, CorrelationID: by.CorrelationID,
		Change: &audit.Change{
			Activity: activity, Category: audit.CategoryUserManagement, Service: audit.ServiceAuthenticationMethods,
			Operation: operation, Result: audit.Success, ResultReason: reason, By: by.By,
			Targets: []audit.Target{{
				ID: string(user.ID), Type: audit.TargetUser, DisplayName: user.DisplayName, UserPrincipalName: user.UserPrincipalName,
			}},
			Details: []audit.KeyValue{{Key: method.DetailKind, Value: string(MethodID)}, {Key: method.DetailMethod, Value: p.ID}},
		},
	}
}

// usable returns the phones that can answer now.
func usable(all []Phone, mode string) []Phone {
	return slices.DeleteFunc(slices.Clone(all), func(p Phone) bool { return p.Frozen() || mode == ModeUser && !p.Verifies })
}

// errNotPhone says that a method was asked for what it can't do; it is a bug.
var errNotPhone = fmt.Errorf("the attempt has no request")
