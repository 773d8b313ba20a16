package password

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/postern-id/postern/internal/access"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/gate"
	"github.com/postern-id/postern/internal/method"
	"github.com/postern-id/postern/internal/signin"
	"github.com/postern-id/postern/internal/slowhash"
)

const (
	// MethodID is the name as a sign-in method, the step and the form field.
	MethodID signin.MethodID = "password"
	// GraphID is the id that Graph gives to everybody's password.
	GraphID = "28c10230-6103-485e-b985-444c60001490"
	// FreshFor is how long after a password methods may be registered, if another factor was shown.
	FreshFor = 10 * time.Minute
)

// Keys seals secrets under the tenant's own key.
type Keys interface {
	Seal(ctx context.Context, tenant string, plain []byte, where ...string) (string, error)
	Open(ctx context.Context, tenant, sealed string, where ...string) ([]byte, error)
}

// Credentials returns what people have registered; [method.Store] is one.
type Credentials interface {
	Credentials(ctx context.Context, tenant directory.TenantID, user directory.UserID) ([]method.Credential, error)
}

// Method lets people sign in with a password and something else. Every field is required.
type Method struct {
	Credentials Credentials
	Policies    method.Policies
	Groups      method.Groups
	Keys        Keys
	Gate        *gate.Gate
}

// data is what a credential keeps. The hash is sealed for the credential's row after Argon2id,
// so that the key over it can change without the password.
type data struct {
	Hash       string `json:"hash"`
	MustChange bool   `json:"mustChange,omitempty"`
}

// row is where a hash is sealed for.
func row(credential string) []string { return []string{"credential", "body", credential} }

// ID implements [signin.Method].
func (m Method) ID() signin.MethodID { return MethodID }

// Name implements [signin.Method].
func (m Method) Name() string { return "Password" }

// Yield implements [signin.Method].
func (m Method) Yield() signin.Yield {
	return signin.Yield{Factors: signin.Knowledge, Modes: access.Password}
}

// Enabled implements [signin.Method].
func (m Method) Enabled(ctx context.Context, tenant directory.TenantID) (bool, error) {
	p, err := m.Policy(ctx, tenant)
	return p.Enabled(), err
}

// Offered implements [signin.Method].
func (m Method) Offered(ctx context.Context, tenant directory.TenantID, user directory.UserID) (signin.Yield, error) {
	c, err := m.usable(ctx, tenant, user)
	if err != nil || c == nil {
		return signin.Yield{}, err
	}
	return m.Yield(), nil
}

// Policy returns the tenant's policy.
func (m Method) Policy(ctx context.Context, tenant directory.TenantID) (Policy, error) {
	p := DefaultPolicy()
	_, err := m.Policies.MethodPolicy(ctx, tenant, PolicyID, &p)
	return p, err
}

// InScope reports whether policy lets the user have a password.
func (m Method) InScope(ctx context.Context, tenant directory.TenantID, user directory.UserID) (bool, error) {
	p, err := m.Policy(ctx, tenant)
	if err != nil || !p.Enabled() {
		return false, err
	}
	groups, err := m.Groups.GroupsOf(ctx, tenant, string(user))
	return err == nil && p.InScope(groups), err
}

// Of returns the user's password, in whatever state it is, or nil.
func (m Method) Of(ctx context.Context, tenant directory.TenantID, user directory.UserID) (*method.Credential, error) {
	all, err := m.Credentials.Credentials(ctx, tenant, user)
	if err != nil {
		return nil, err
	}
	for _, c := range all {
		if c.Kind == MethodID {
			return &c, nil
		}
	}
	return nil, nil
}

// usable returns the password that may sign the user in now, or nil.
func (m Method) usable(ctx context.Context, tenant directory.TenantID, user directory.UserID) (*method.Credential, error) {
	ok, err := m.InScope(ctx, tenant, user)
	if err != nil || !ok {
		return nil, err
	}
	c, err := m.Of(ctx, tenant, user)
	if err != nil || c == nil || !c.Works() {
		return nil, err
	}
	return c, nil
}

// Queue implements [signin.Method].
func (m Method) Queue(ctx context.Context, a signin.Attempt) error {
	leave, err := m.enter(ctx, a.Tenant, a.Place, a.Familiar)
	if err == nil {
		leave()
	}
	return err
}

func (m Method) enter(ctx context.Context, tenant directory.TenantID, place signin.Place, familiar bool) (leave func(), err error) {
	return m.Gate.Enter(ctx, gate.Class{Tenant: string(tenant), Network: place.Network(), Familiar: familiar})
}

// Verify implements [signin.Method]. Whoever has no password, or typed what can't be one, waits
// at the gate like everybody else; that no hash follows is hidden by the hold of refusals.
func (m Method) Verify(ctx context.Context, a signin.Attempt) (signin.Proof, error) {
	leave, err := m.enter(ctx, a.Tenant, a.Place, a.Familiar)
	if err != nil {
		return signin.Proof{}, err
	}
	defer leave()
	p, ok := Parse(a.Typed)
	if !ok {
		return signin.Proof{}, ErrWrong
	}
	c, err := m.usable(ctx, a.Tenant, a.User)
	if err != nil {
		return signin.Proof{}, err
	}
	if c == nil {
		return signin.Proof{}, ErrNone
	}
	d, right, err := m.matches(ctx, *c, p)
	if err == nil && !right {
		err = ErrWrong
	}
	if err != nil {
		return signin.Proof{}, err
	}
	return signin.Proof{
		Method: MethodID, At: a.At, AMR: []string{"pwd"}, Combination: "password", Factors: signin.Knowledge, FreshUntil: a.At.Add(FreshFor),
		MustRenew: d.MustChange, Credential: &signin.CredentialUsed{ID: c.ID},
	}, nil
}

// matches reports whether p is the password of c. The caller is inside the gate.
func (m Method) matches(ctx context.Context, c method.Credential, p Text) (d data, right bool, err error) {
	if err := json.Unmarshal(c.Data, &d); err != nil {
		return d, false, fmt.Errorf("read credential %s: %w", c.ID, err)
	}
	hash, err := m.Keys.Open(ctx, string(c.Tenant), d.Hash, row(c.ID)...)
	if err != nil {
		return d, false, err
	}
	right, err = slowhash.Matches(string(hash), []byte(p.Reveal()))
	return d, right, err
}
