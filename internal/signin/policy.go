package signin

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/fault"
)

// PolicyID is the id under which a tenant's [Policy] is kept.
const PolicyID = "signInMethods"

// A Policy says which methods people may sign in with where. What a method's own policy does
// not enable, no surface does.
type Policy struct {
	// Surfaces has the methods of each surface that is restricted; one that is not in it takes
	// all.
	Surfaces map[Surface][]MethodID `json:"surfaces"`
	// BreakGlass are methods that no restriction of a surface takes away. Each use that only they
	// allow is told in the log.
	BreakGlass []MethodID `json:"breakGlass"`

	Version    int64     `json:"-"`
	ModifiedAt time.Time `json:"-"`
}

// DefaultPolicy restricts nothing. When a surface is restricted, passes stay the way back in,
// until somebody takes them off the list.
func DefaultPolicy() Policy {
	return Policy{Surfaces: map[Surface][]MethodID{}, BreakGlass: []MethodID{"accesspass"}}
}

// Surfaces are all surfaces, as policies name them.
var Surfaces = []Surface{SurfaceBrowser, SurfaceLockScreen, SurfaceConsole, SurfaceTextConsole}

// Allows reports whether the method may be used at the surface, and whether only because it
// breaks the glass.
func (p Policy) Allows(at Surface, id MethodID) (ok, glass bool) {
	only, restricted := p.Surfaces[at]
	if !restricted || slices.Contains(only, id) {
		return true, false
	}
	glass = slices.Contains(p.BreakGlass, id)
	return glass, glass
}

// ErrPolicy says which rule a policy breaks.
var ErrPolicy = &fault.Error{Kind: fault.Invalid, Code: "signInPolicyInvalid", Text: "The policy can’t be saved like this."}

// Check reports the first rule that p breaks: every restricted surface must have a way in. shows
// is what a proof by a method shows at a surface; nothing for one that can't be used there, or
// that the tenant turned off.
func (p Policy) Check(shows func(at Surface, id MethodID) Yield) error {
	for at, only := range p.Surfaces {
		if !slices.Contains(Surfaces, at) {
			return ErrPolicy.With(string(at), "There is no such surface.")
		}
		var together Yield
		for _, id := range slices.Concat(only, p.BreakGlass) {
			together = together.add(shows(at, id))
		}
		if !(Requirement{}).metBy(together) {
			return ErrPolicy.With(string(at), fmt.Sprintf(
				"Nobody could sign in at %s: the methods that it takes and that are enabled do not make two factors. Allow or enable another, or name one that breaks the glass.", at))
		}
	}
	return nil
}

// With is p with a method that no restriction takes away, and whether that changes anything at
// a surface.
func (p Policy) With(glass MethodID) (Policy, bool) {
	missing := false
	for _, at := range Surfaces {
		ok, _ := p.Allows(at, glass)
		missing = missing || !ok
	}
	if missing {
		p.BreakGlass = append(slices.Clone(p.BreakGlass), glass)
	}
	return p, missing
}

// Policies returns what a tenant says about signing in.
type Policies interface {
	// SignInPolicy returns the tenant's policy, the default where it said nothing.
	SignInPolicy(ctx context.Context, tenant directory.TenantID) (Policy, error)
	// StrongestFirst reports whether the user is asked for the strongest method first, before
	// the one that they used last.
	StrongestFirst(ctx context.Context, tenant directory.TenantID, user directory.UserID) (bool, error)
}

// usable returns the proofs of a session by methods that the policy allows at the surface:
// single sign-on takes no proof where nobody could show it.
func (p Policy) usable(s Session, at Surface) Session {
	s.Proofs = slices.DeleteFunc(slices.Clone(s.Proofs), func(proof Proof) bool {
		ok, _ := p.Allows(at, proof.Method)
		return !ok
	})
	return s
}

// At returns s with the proofs that count at the surface.
func (s *Service) At(ctx context.Context, session Session, at Surface) (Session, error) {
	p, err := s.Policies.SignInPolicy(ctx, session.Tenant)
	if err != nil {
		return session, fmt.Errorf("read the sign-in policy: %w", err)
	}
	return p.usable(session, at), nil
}

// MayUse reports whether the policy lets people sign in with the method at the surface, and
// whether only because it breaks the glass.
func (s *Service) MayUse(ctx context.Context, tenant directory.TenantID, at Surface, id MethodID) (ok, glass bool, err error) {
	p, err := s.Policies.SignInPolicy(ctx, tenant)
	if err != nil {
		return false, false, fmt.Errorf("read the sign-in policy: %w", err)
	}
	ok, glass = p.Allows(at, id)
	return ok, glass, nil
}
