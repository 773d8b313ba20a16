package method

import (
	"context"
	"time"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/signin"
)

// Interrupts decide what stands between a session and an application. Every field is required.
type Interrupts struct {
	Store  Campaigns
	Groups Groups
	SignIn *signin.Service
	// HasPIN reports whether a person has a device PIN.
	HasPIN func(ctx context.Context, tenant directory.TenantID, user directory.UserID) (bool, error)
	// Registrars are the methods that people can add themselves, best first.
	Registrars []signin.MethodID
	Now        func() time.Time
}

// Ask decides for a session; see [Campaign.Ask]. It is asked at every authorization, so that most
// sessions cost one look at the policy at most.
func (i Interrupts) Ask(ctx context.Context, s signin.Session, user directory.UserID) (Asking, error) {
	if s.Device != nil || s.Purpose != "" || s.Method != "" {
		return Asking{}, nil
	}
	c, saved, err := CampaignOf(ctx, i.Store, s.Tenant)
	if err != nil || c.State != "enabled" && (s.PassID == "" || c.AfterPass == AfterPassNone) {
		return Asking{}, err
	}
	f := Facts{Session: s, User: user}
	var open signin.Factors
	if open, err = i.open(ctx, &f); err != nil || len(f.Open) == 0 {
		return Asking{}, err
	}
	if saved == (Revision{}) {
		if decided, err := i.decided(ctx, f); err != nil || !decided {
			return Asking{}, err
		}
	}
	ways, err := i.SignIn.Ways(ctx, s.Tenant, user)
	if err != nil {
		return Asking{}, err
	}
	var have signin.Factors
	for _, o := range ways {
		if o.Method == passMethod {
			continue
		}
		f.Ways, have = append(f.Ways, o.Method), have|o.Yield.Factors
	}
	if f.Strong = have.Multi(); !f.Strong {
		if f.Strong, err = i.HasPIN(ctx, s.Tenant, user); err != nil {
			return Asking{}, err
		}
	}
	f.Helps = (have | open).Multi()
	if f.Groups, err = i.Groups.GroupsOf(ctx, s.Tenant, string(user)); err != nil {
		return Asking{}, err
	}
	if f.Snoozes, err = i.Store.Snoozes(ctx, s.Tenant, user); err != nil {
		return Asking{}, err
	}
	return c.Ask(f, i.Now()), nil
}

// decided reports whether an administrator has decided on any of the methods that a person may
// add. Until then nobody is held up: what a tenant starts with is nobody's wish.
func (i Interrupts) decided(ctx context.Context, f Facts) (bool, error) {
	for _, id := range f.Open {
		r, err := i.Store.MethodPolicy(ctx, f.Session.Tenant, configurations[id], &struct{}{})
		if err != nil || r != (Revision{}) {
			return err == nil, err
		}
	}
	return false, nil
}

// configurations are Graph's ids of the policies of methods that people can add.
var configurations = map[signin.MethodID]string{
	"passkey": "Fido2", "authenticator": "MicrosoftAuthenticator", "otc": "SoftwareOath", "password": "Password",
}

// passMethod is the id of the pass, which is no way that lasts.
const passMethod signin.MethodID = "accesspass"

// open fills in what the person may add, and returns what that would show.
func (i Interrupts) open(ctx context.Context, f *Facts) (factors signin.Factors, err error) {
	for _, id := range i.Registrars {
		ok, err := i.SignIn.MayRegister(ctx, f.Session.Tenant, f.User, id)
		if err != nil {
			return 0, err
		}
		if ok {
			f.Open, factors = append(f.Open, id), factors|i.SignIn.YieldOf(id).Factors
		}
	}
	return factors, nil
}
