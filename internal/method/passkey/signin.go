package passkey

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/postern-id/postern/internal/access"
	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/method"
	"github.com/postern-id/postern/internal/signin"
)

// MethodID is the passkey's name as a sign-in method and its step.
const MethodID signin.MethodID = "passkey"

// Combination is the name of a proof by passkey in authentication strengths; it is one of the
// phishing-resistant ones.
const Combination = "fido2"

// Name is what the log calls passkeys, as Entra's does.
const Name = audit.MethodPasskey

// FreshFor is how long after a sign-in by passkey other methods may be registered.
const FreshFor = 10 * time.Minute

// yield is what each of them shows: the key, and that its authenticator knew its person.
var yield = signin.Yield{Factors: signin.Possession | signin.Inherence, PhishingResistant: true, Modes: access.FIDO2}

// Method lets people sign in with passkeys. Every field is required but Makers.
type Method struct {
	Store    method.Store
	Policies method.Policies
	Groups   method.Groups
	Party    RelyingParty
	Makers   *Makers // nil trusts nobody to attest
}

// ID implements [signin.Method].
func (m Method) ID() signin.MethodID { return MethodID }

// Name implements [signin.Method].
func (m Method) Name() string { return Name }

// Yield implements [signin.Method].
func (m Method) Yield() signin.Yield { return yield }

// Policy is the tenant's policy.
func (m Method) Policy(ctx context.Context, tenant directory.TenantID) (Policy, error) {
	p := DefaultPolicy()
	_, err := m.Policies.MethodPolicy(ctx, tenant, PolicyID, &p)
	return p, err
}

// Enabled implements [signin.Method]. Before the tenant is known passkeys are asked for.
func (m Method) Enabled(ctx context.Context, tenant directory.TenantID) (bool, error) {
	if !m.Party.Usable() {
		return false, nil
	}
	if tenant == directory.NoTenant || tenant == "" {
		return true, nil
	}
	p, err := m.Policy(ctx, tenant)
	return p.Enabled(), err
}

// policyFor is the tenant's policy, and whether it lets the user use passkeys.
func (m Method) policyFor(ctx context.Context, tenant directory.TenantID, user directory.UserID) (Policy, bool, error) {
	p, err := m.Policy(ctx, tenant)
	if err != nil {
		return p, false, err
	}
	groups, err := m.Groups.GroupsOf(ctx, tenant, string(user))
	return p, m.Party.Usable() && p.InScope(groups), err
}

// InScope implements [signin.Scoped]: whether the user may add passkeys themselves.
func (m Method) InScope(ctx context.Context, tenant directory.TenantID, user directory.UserID) (bool, error) {
	p, ok, err := m.policyFor(ctx, tenant, user)
	return ok && p.SelfService, err
}

// Offered implements [signin.Method]: the user has a key that today's policy admits.
func (m Method) Offered(ctx context.Context, tenant directory.TenantID, user directory.UserID) (signin.Yield, error) {
	policy, ok, err := m.policyFor(ctx, tenant, user)
	if err != nil || !ok {
		return signin.Yield{}, err
	}
	all, err := m.Keys(ctx, tenant, user)
	if err != nil {
		return signin.Yield{}, err
	}
	var keys []string
	for _, one := range all {
		if !one.Frozen() && one.Key.RPID == m.Party.ID && policy.Admits(one.Key) == nil {
			keys = append(keys, one.Key.AAGUID.String())
		}
	}
	if len(keys) == 0 {
		return signin.Yield{}, nil
	}
	own := yield
	own.Keys = keys
	return own, nil
}

// A Registered is a key as it is kept.
type Registered struct {
	method.Credential
	Key Key
}

// Keys are the user's that can be read, the oldest first.
func (m Method) Keys(ctx context.Context, tenant directory.TenantID, user directory.UserID) ([]Registered, error) {
	found, err := m.Store.Credentials(ctx, tenant, user)
	if err != nil {
		return nil, err
	}
	var all []Registered
	for _, c := range found {
		if c.Kind != MethodID || c.Unreadable {
			continue
		}
		one, err := Read(c)
		if err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, nil
}

// Read reads a passkey from its credential.
func Read(c method.Credential) (Registered, error) {
	r := Registered{Credential: c}
	if err := json.Unmarshal(c.Data, &r.Key); err != nil {
		return r, fmt.Errorf("read passkey %s: %w", c.ID, err)
	}
	return r, nil
}

// Prompt implements [signin.Prompter]. At a device's lock screen a key that is plugged in is all
// there can be.
func (m Method) Prompt(_ context.Context, a signin.Attempt) ([]byte, error) {
	if a.Device != nil {
		return NewRequest(m.Party, a.Challenge, "security-key"), nil
	}
	return NewRequest(m.Party, a.Challenge), nil
}

// Discover implements [signin.Discoverer]: the user handle says whose key it is.
func (m Method) Discover(_ context.Context, a signin.Attempt) (directory.TenantID, directory.UserID, error) {
	said, err := ParseAssertion(a.Typed)
	if err != nil {
		return "", "", err
	}
	tenant, user, ok := said.Owner()
	if !ok {
		return "", "", errUnknown
	}
	return tenant, user, nil
}

// Verify implements [signin.Method]. The handle must name this tenant and this person, whether
// or not a name was typed: the key of somebody else proves nothing, and nobody learns whose it is.
func (m Method) Verify(ctx context.Context, a signin.Attempt) (signin.Proof, error) {
	said, err := ParseAssertion(a.Typed)
	if err != nil {
		return signin.Proof{}, err
	}
	if tenant, user, ok := said.Owner(); !ok || tenant != a.Tenant || user != a.User {
		return signin.Proof{}, errWhose
	}
	c, err := m.Store.CredentialBy(ctx, a.Tenant, MethodID, Lookup(said.CredentialID()))
	switch {
	case errors.Is(err, method.ErrNone):
		return signin.Proof{}, errUnknown
	case err != nil:
		return signin.Proof{}, err
	case c.User != a.User:
		return signin.Proof{}, errWhose
	}
	one, err := Read(c)
	if err != nil {
		return signin.Proof{}, err
	}
	counter, err := said.Verify(m.Party, a.Challenge, one.Key)
	if err != nil {
		return signin.Proof{}, err
	}
	if err := m.usable(ctx, a, one); err != nil {
		return signin.Proof{}, err
	}
	if !Moves(one.Counter, counter) {
		return signin.Proof{}, &signin.Told{Why: ErrCopied}
	}
	return signin.Proof{
		Method: MethodID, At: a.At, AMR: []string{"fido", "mfa"}, Combination: Combination,
		Factors: yield.Factors, PhishingResistant: yield.PhishingResistant, FreshUntil: a.At.Add(FreshFor), AAGUID: one.Key.AAGUID.String(),
		Credential: &signin.CredentialUsed{ID: c.ID, Counter: counter},
	}, nil
}

// usable reports why a key that signed rightly may not be used today.
func (m Method) usable(ctx context.Context, a signin.Attempt, one Registered) error {
	if one.Frozen() {
		return method.ErrFrozen
	}
	policy, ok, err := m.policyFor(ctx, a.Tenant, a.User)
	if err == nil && (!ok || policy.Admits(one.Key) != nil) {
		err = errForbidden
	}
	return err
}

// Queue implements [signin.Method]: nothing here is slow.
func (m Method) Queue(context.Context, signin.Attempt) error { return nil }

// Forgotten returns the signal that a key which just answered is not registered, or nothing.
// It says no more about a key of another person than about one that was never there.
func (m Method) Forgotten(ctx context.Context, tenant directory.TenantID, answer string) ([]byte, error) {
	said, err := ParseAssertion(answer)
	if err != nil {
		return nil, nil //nolint:nilerr // what can't be read names no key
	}
	if tenant == "" || tenant == directory.NoTenant {
		tenant, _, _ = said.Owner()
	}
	_, err = m.Store.CredentialBy(ctx, tenant, MethodID, Lookup(said.CredentialID()))
	if errors.Is(err, method.ErrNone) {
		return SignalUnknown(m.Party, said.CredentialID()), nil
	}
	return nil, err
}
