package signin

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/postern-id/postern/internal/access"
	"github.com/postern-id/postern/internal/audit"
)

// Risk is how likely somebody else is at work, by what the server itself sees.
type Risk struct {
	User, SignIn access.Risk
	Signs        []string // by which, in Graph's words for riskEventTypes_v2
}

// What the server sees. https://learn.microsoft.com/graph/api/resources/riskdetection
const (
	SignNewPlace   = "unfamiliarFeatures"
	SignGuessing   = "generic"        // Graph has no word for failed tries
	SignTravel     = "unlikelyTravel" // nobody travels that fast
	SignDisputed   = "userReportedSuspiciousActivity"
	guessingWithin = time.Hour
)

// risk is the risk of what q asks.
func (s *Service) risk(ctx context.Context, q Question, rules Rules) (Risk, error) {
	r := Risk{User: access.RiskNone, SignIn: access.RiskNone}
	if q.Unfamiliar {
		r.SignIn, r.Signs = access.RiskLow, append(r.Signs, SignNewPlace)
	}
	hash, err := s.Secrets.MAC(ctx, string(q.Tenant), labelName, []byte(strings.ToLower(q.Username)))
	if err != nil {
		return r, err
	}
	failed, err := s.Access.Failing(ctx, q.Tenant, hash, q.At.Add(-guessingWithin))
	if err != nil {
		return r, fmt.Errorf("count failed tries: %w", err)
	}
	if failed >= guessing {
		r.SignIn, r.Signs = access.RiskMedium, append(r.Signs, SignGuessing)
	}
	far, err := s.tooFar(ctx, q, rules)
	if err != nil {
		return r, fmt.Errorf("ask where they were: %w", err)
	}
	if far {
		r.SignIn, r.Signs = access.RiskMedium, append(r.Signs, SignTravel)
	}
	disputed, err := s.Access.Disputed(ctx, q.Tenant, q.User)
	if err != nil {
		return r, fmt.Errorf("ask for disputes: %w", err)
	}
	if disputed {
		r.User, r.SignIn, r.Signs = access.RiskHigh, access.RiskHigh, append(r.Signs, SignDisputed)
	}
	return r, nil
}

// tooFar reports whether nobody can have come to q's place since the last sign-in.
func (s *Service) tooFar(ctx context.Context, q Question, rules Rules) (bool, error) {
	here := s.spot(q.Place, rules)
	if here == nil {
		return false, nil
	}
	last, known, err := s.Store.LastSeen(ctx, q.Tenant, q.User)
	return known && last.Impossible(*here, q.At), err
}

// spot is where place is; nil when its address doesn't tell.
func (s *Service) spot(place Place, rules Rules) *access.Coordinates {
	address := place.Address.Unmap()
	if s.Spots == nil || rules.Exits.Has(address) {
		return nil
	}
	latitude, longitude, radius, ok := s.Spots.Spot(address)
	if !ok {
		return nil
	}
	return &access.Coordinates{Latitude: latitude, Longitude: longitude, Radius: radius}
}

// assess completes the end of a sign-in: with its risk, which the log keeps whether or not a rule
// asked for it, so that rules can be tried on it later, and with where the person is now.
func (s *Service) assess(ctx context.Context, t Transaction, place Place, c *Completion) error {
	if s.Access == nil {
		return nil
	}
	rules, err := s.Access.Rules(ctx, t.Home)
	if err != nil {
		return fmt.Errorf("read the rules of Conditional Access: %w", err)
	}
	if t.Verdict == nil || t.Verdict.Risk == nil {
		risk, err := s.risk(ctx, t.question(place, c.At), rules)
		if err != nil {
			return err
		}
		risk.Describe(c.Event.SignIn)
	}
	if here := s.spot(place, rules); here != nil {
		c.Seen = &access.Sighting{Coordinates: *here, At: c.At}
	}
	return nil
}

// Describe puts r into a sign-in event.
func (r *Risk) Describe(in *audit.SignIn) {
	if r != nil {
		in.RiskLevel, in.UserRisk, in.Risks = string(r.SignIn), string(r.User), r.Signs
	}
}
