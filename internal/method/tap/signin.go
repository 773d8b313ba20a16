package tap

import (
	"context"
	"errors"
	"time"

	"github.com/postern-id/postern/internal/access"
	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/gate"
	"github.com/postern-id/postern/internal/signin"
)

// MethodID is the pass's name as a sign-in method, its step and its form field.
const MethodID signin.MethodID = "accesspass"

// Method lets people sign in with a pass. Every field is required.
type Method struct {
	Store       Store
	Groups      Groups
	Peppers     Peppers
	Gate        *gate.Gate
	Now         func() time.Time
	Incarnation string
}

// Groups returns the groups that a user is in, directly or through other groups.
type Groups interface {
	GroupsOf(ctx context.Context, tenant directory.TenantID, object string) (map[directory.GroupID]bool, error)
}

// ID implements [signin.Method].
func (m Method) ID() signin.MethodID { return MethodID }

// Name implements [signin.Method].
func (m Method) Name() string { return audit.MethodPass }

// Yield implements [signin.Method]: a pass is both factors by itself, as in Entra.
func (m Method) Yield() signin.Yield {
	return signin.Yield{Factors: factors, Modes: access.PassOneTime | access.PassMultiUse}
}

// mode is the way in which p is used.
func (p Pass) mode() access.Modes {
	if p.SingleUse {
		return access.PassOneTime
	}
	return access.PassMultiUse
}

const factors = signin.Knowledge | signin.Possession

// Enabled implements [signin.Method]. A bootstrap pass works although the policy is off, so
// the page is always there: whether a tenant has one must not show.
func (m Method) Enabled(context.Context, directory.TenantID) (bool, error) { return true, nil }

// Offered implements [signin.Method]: the user has a pass that works now, or later, or one that is
// stopped: who types that one is told from when, or why not.
func (m Method) Offered(ctx context.Context, tenant directory.TenantID, user directory.UserID) (signin.Yield, error) {
	p, u, _, err := m.usable(ctx, tenant, user, m.Now())
	if errors.Is(err, ErrNone) {
		return signin.Yield{}, nil
	}
	if err != nil || u != EnabledByPolicy && u != NotYetValid || p.Incarnation != m.Incarnation {
		return signin.Yield{}, err
	}
	return signin.Yield{Factors: factors, Modes: p.mode()}, nil
}

// Prior implements [signin.Prior]: a pass that works is asked for first.
func (m Method) Prior(ctx context.Context, tenant directory.TenantID, user directory.UserID) (bool, error) {
	_, u, stop, err := m.usable(ctx, tenant, user, m.Now())
	if errors.Is(err, ErrNone) {
		return false, nil
	}
	return u == EnabledByPolicy && stop == "", err
}

func (m Method) usable(ctx context.Context, tenant directory.TenantID, user directory.UserID, now time.Time) (Pass, Usability, Stop, error) {
	p, err := m.Store.Pass(ctx, tenant, user)
	if err != nil {
		return Pass{}, "", "", err
	}
	policy, err := m.Store.PassPolicy(ctx, tenant)
	if err != nil {
		return Pass{}, "", "", err
	}
	groups, err := m.Groups.GroupsOf(ctx, tenant, string(user))
	if err != nil {
		return Pass{}, "", "", err
	}
	behind, err := m.Store.Backing(ctx, p)
	if err != nil {
		return Pass{}, "", "", err
	}
	return p, p.Usability(policy, policy.InScope(groups), now), p.Stop(behind, now), nil
}

// Queue implements [signin.Method].
func (m Method) Queue(ctx context.Context, a signin.Attempt) error {
	leave, err := m.enter(ctx, a)
	if err == nil {
		leave()
	}
	return err
}

func (m Method) enter(ctx context.Context, a signin.Attempt) (leave func(), err error) {
	return m.Gate.Enter(ctx, gate.Class{Tenant: string(a.Tenant), Network: a.Place.Network(), Familiar: a.Familiar})
}

// Verify implements [signin.Method]. The passcode is compared before the pass's state is
// told to the log, so that a refusal for another reason than a wrong passcode means that
// somebody held the right one. Whoever has no pass, or typed what can't be one, waits at the
// gate like everybody else.
func (m Method) Verify(ctx context.Context, a signin.Attempt) (signin.Proof, error) {
	leave, err := m.enter(ctx, a)
	if err != nil {
		return signin.Proof{}, err
	}
	defer leave()
	code, err := ParsePasscode(a.Typed)
	if err != nil {
		return signin.Proof{}, ErrWrong
	}
	p, usability, stop, err := m.usable(ctx, a.Tenant, a.User, a.At)
	if err != nil {
		return signin.Proof{}, err
	}
	right, err := Matches(ctx, m.Peppers, p, code)
	switch {
	case err != nil:
		return signin.Proof{}, err
	case !right:
		return signin.Proof{}, ErrWrong
	case p.Incarnation != m.Incarnation:
		return signin.Proof{}, ErrNotUsable
	}
	if why := stop.Fault(); why != nil && (usability == EnabledByPolicy || usability == NotYetValid) {
		return signin.Proof{}, &signin.Told{Why: why}
	}
	if usability == NotYetValid {
		return signin.Proof{}, &signin.NotYet{Why: ErrNotYet, From: p.Start}
	}
	if err := Refusal(usability); err != nil {
		return signin.Proof{}, err
	}
	if !p.Purpose.Fits(a.Application.ID, a.Device) { // before anything is reserved: the pass is not lost
		return signin.Proof{}, &signin.Told{Why: Elsewhere(p.Purpose, p.DeviceName)}
	}
	policy, err := m.Store.PassPolicy(ctx, a.Tenant)
	if err != nil {
		return signin.Proof{}, err
	}
	return ProofOf(p, policy, a.At), nil
}

// ProofOf is what p shows when it is typed at at.
func ProofOf(p Pass, policy Policy, at time.Time) signin.Proof {
	used := &signin.PassUsed{ID: p.ID, End: p.End(), SingleUse: p.SingleUse, Case: p.Case, Issuer: p.Issuer.User, Reader: p.Issuer.Reader, IssuedAt: p.Issuer.Address}
	if !policy.HideIssuer {
		used.IssuedBy, used.Reason = p.Issuer.DisplayName, p.Reason
	}
	window := at.Add(time.Duration(policy.RegistrationWindow) * time.Minute)
	if window.After(p.End()) {
		window = p.End()
	}
	return signin.Proof{
		Method: MethodID, At: at, AMR: []string{"otp", "mfa"}, Combination: p.mode().String(),
		Factors: factors, FreshUntil: window, Purpose: p.Purpose, Pass: used,
	}
}
