package password

import (
	"context"
	"encoding/json"
	"io"

	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/fault"
	"github.com/postern-id/postern/internal/method"
	"github.com/postern-id/postern/internal/signin"
	"github.com/postern-id/postern/internal/slowhash"
)

// Passwords sets and removes people's passwords. Every field is required.
type Passwords struct {
	Method   Method
	Registry *method.Registry
	Rand     io.Reader
}

// A Change is a password to be set.
type Change struct {
	Tenant directory.Tenant
	User   directory.User
	New    string // as typed
	By     method.Actor
	Place  signin.Place
	Origin method.Origin // when the person sets it
	// Activity is what the log calls it: audit.ResetUserPassword, audit.ChangeUserPassword …
	Activity string
	// MustChange asks for another one at the next sign-in.
	MustChange bool
	// Event is the id of its event; empty draws one.
	Event string
	// Instead is the id of the password that this one takes the place of; with any other one, or
	// none, nothing is set. Empty takes whatever is there.
	Instead string
	// Keep is the session, by id, that does not end although it came from the old one.
	Keep string
}

// name is what lists call everybody's password.
const name = "Password"

// Check reports why the password of c can't be set, or nil.
func (s Passwords) Check(ctx context.Context, c Change) error {
	_, err := s.check(ctx, c)
	return err
}

func (s Passwords) check(ctx context.Context, c Change) (Text, error) {
	policy, err := s.Method.Policy(ctx, c.Tenant.ID)
	if err != nil {
		return Text{}, err
	}
	if !policy.Enabled() {
		return Text{}, ErrOff
	}
	p, ok := Parse(c.New)
	if !ok {
		return p, ErrUnusable
	}
	return p, policy.Rules(c.Tenant, c.User).Check(p)
}

// Set makes c.New the person's password. The old one, with what came from it, ends in the same
// moment.
func (s Passwords) Set(ctx context.Context, c Change) (method.Credential, error) {
	p, err := s.check(ctx, c)
	if err != nil {
		return method.Credential{}, err
	}
	if c.By.Self {
		if ok, err := s.Method.InScope(ctx, c.Tenant.ID, c.User.ID); err != nil || !ok {
			return method.Credential{}, orFault(err, method.ErrOff)
		}
	}
	old, err := s.Method.Of(ctx, c.Tenant.ID, c.User.ID)
	if err != nil {
		return method.Credential{}, err
	}
	if c.Instead != "" && (old == nil || old.ID != c.Instead) {
		return method.Credential{}, method.ErrNone
	}
	fresh, err := s.hashed(ctx, c, old, p)
	if err != nil {
		return fresh, err
	}
	r := method.Replacement{Keep: c.Keep, Activity: c.Activity, Event: c.Event}
	if old != nil {
		r.Old = old.ID
	}
	return s.Registry.Replace(ctx, fresh, r, c.User, c.By)
}

func orFault(err error, f *fault.Error) error {
	if err != nil {
		return err
	}
	return f
}

// hashed returns the credential of p. It takes the slow hash once or twice.
func (s Passwords) hashed(ctx context.Context, c Change, old *method.Credential, p Text) (method.Credential, error) {
	fresh := method.Credential{
		Tenant: c.Tenant.ID, ID: uuid.NewString(), User: c.User.ID, Kind: MethodID, Name: name, Origin: c.Origin,
		Lookup: string(c.User.ID), // one a person
	}
	leave, err := s.Method.enter(ctx, c.Tenant.ID, c.Place, true)
	if err != nil {
		return fresh, err
	}
	defer leave()
	if old != nil && c.By.Self { // whoever resets somebody else's learns nothing about it
		_, same, err := s.Method.matches(ctx, *old, p)
		if err != nil {
			return fresh, err
		}
		if same {
			return fresh, ErrSame
		}
	}
	hash, err := slowhash.New(s.Rand, []byte(p.Reveal()))
	if err != nil {
		return fresh, err
	}
	d := data{MustChange: c.MustChange}
	if d.Hash, err = s.Method.Keys.Seal(ctx, string(c.Tenant.ID), []byte(hash), row(fresh.ID)...); err != nil {
		return fresh, err
	}
	fresh.Data, err = json.Marshal(d)
	return fresh, err
}

// Reset sets a password for somebody else, who must change it at the next sign-in. Without
// c.New one is drawn and returned, to be shown once.
func (s Passwords) Reset(ctx context.Context, c Change) (method.Credential, Text, error) {
	var drawn Text
	if c.New == "" {
		policy, err := s.Method.Policy(ctx, c.Tenant.ID)
		if err != nil {
			return method.Credential{}, drawn, err
		}
		if drawn, err = Generate(s.Rand, policy.Rules(c.Tenant, c.User)); err != nil {
			return method.Credential{}, drawn, err
		}
		c.New = drawn.Reveal()
	}
	c.MustChange, c.Activity = true, audit.ResetUserPassword
	fresh, err := s.Set(ctx, c)
	return fresh, drawn, err
}

// MayReset reports whether the person of session may set a password without the one they have:
// after two fresh proofs by other methods, each another one. A pass is none of them: whoever
// got hold of one could take the account over for good.
func MayReset(session signin.Session, fresh func(signin.Proof) bool) bool {
	shown := map[signin.MethodID]bool{}
	for _, p := range session.Proofs {
		if p.Method != MethodID && p.Pass == nil && p.Purpose == "" && fresh(p) {
			shown[p.Method] = true
		}
	}
	return len(shown) >= 2
}
