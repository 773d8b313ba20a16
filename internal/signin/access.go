package signin

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/postern-id/postern/internal/access"
	"github.com/postern-id/postern/internal/directory"
)

// Access is what the rules of Conditional Access are asked with.
type Access interface {
	// Rules returns those of the tenant. It costs one read while they don't change.
	Rules(ctx context.Context, tenant directory.TenantID) (Rules, error)
	// Person returns a user with all their groups and roles, nested ones included.
	Person(ctx context.Context, tenant directory.TenantID, user directory.UserID) (access.Subject, error)
	// Device returns a joined device with its compliance; nil when it is gone or switched off.
	Device(ctx context.Context, tenant directory.TenantID, id directory.DeviceObjectID) (*access.Device, error)
	// Failing returns how many tries failed since then for the account with that hash of its name.
	Failing(ctx context.Context, tenant directory.TenantID, nameHash string, since time.Time) (int64, error)
	// Disputed reports whether the user said that something on their account was not them, and
	// nobody looked at it since.
	Disputed(ctx context.Context, tenant directory.TenantID, user directory.UserID) (bool, error)
}

// Rules are a tenant's rules, ready to be asked. They are immutable.
type Rules struct {
	Version  int64
	Set      Evaluator       // nil: none
	Contexts map[string]bool // ids of the authentication contexts that are there
	Risk     bool            // some rule asks how likely somebody else is at work
	Exits    access.Networks // that don't tell where somebody is
}

// An Evaluator decides by a tenant's rules; an [access.Set] does.
type Evaluator interface {
	Evaluate(in access.Request) access.Decision
}

// A Question is what a tenant's rules are asked about: who wants what, and from where.
type Question struct {
	Tenant   directory.TenantID
	User     directory.UserID
	Workload directory.ServicePrincipalID // an application for itself, in the place of a user
	Username string
	App      directory.AppID // that is signed in to
	Resource directory.AppID // the API that it asks for, if that is another application
	Contexts []string        // authentication contexts that are asked for
	Client   string
	Flow     string
	Device   *Device // that proved itself
	Place    Place
	// Unfamiliar says that the person has not signed in at the place before.
	Unfamiliar bool
	Proofs     []Proof
	At         time.Time
}

// action is the user action that q is. A device that proved itself has joined: its agent asks for
// the same API to sign people in.
func (q Question) action() string {
	switch {
	case q.App == directory.PagesAppID:
		return access.RegisterSecurityInfo
	case q.Resource == directory.DeviceRegistrationAppID && q.Device == nil:
		return access.RegisterDevice
	}
	return ""
}

// guessing is how many failures within an hour are no slips any more.
const guessing = 10

// Judge asks the tenant's rules. The verdict is nil where there are none to ask.
func (s *Service) Judge(ctx context.Context, q Question) (*Verdict, error) {
	if s.Access == nil || q.Tenant == "" || q.Tenant == directory.NoTenant || q.User == "" && q.Workload == "" {
		return nil, nil //nolint:nilnil // nothing is asked, so that nothing is wanted
	}
	rules, err := s.Access.Rules(ctx, q.Tenant)
	if err != nil {
		return nil, fmt.Errorf("read the rules of Conditional Access: %w", err)
	}
	v := &Verdict{Version: rules.Version, Met: true}
	v.Unknown = slices.ContainsFunc(q.Contexts, func(c string) bool { return !rules.Contexts[c] })
	if rules.Set == nil {
		return v, nil
	}
	in, err := s.request(ctx, q, rules)
	if err != nil {
		return nil, err
	}
	if rules.Risk && q.User != "" {
		risk, err := s.risk(ctx, q, rules)
		if err != nil {
			return nil, err
		}
		v.Risk, in.UserRisk, in.SignInRisk = &risk, risk.User, risk.SignIn
	}
	v.Compliant, v.NoContinuous = in.Device != nil && in.Device.Compliant, true
	contexts := q.Contexts
	if len(contexts) == 0 {
		contexts = []string{""}
	}
	for _, in.Context = range contexts {
		v.add(rules.Set.Evaluate(in))
	}
	return v, nil
}

// RulesNow is the version of the tenant's rules, and whether there are any.
func (s *Service) RulesNow(ctx context.Context, tenant directory.TenantID) (int64, bool, error) {
	if s.Access == nil {
		return 0, false, nil
	}
	rules, err := s.Access.Rules(ctx, tenant)
	return rules.Version, rules.Set != nil, err
}

// request gathers what is known of who asks.
func (s *Service) request(ctx context.Context, q Question, rules Rules) (access.Request, error) {
	in := access.Request{
		At: q.At, Subject: access.Subject{Workload: q.Workload}, App: q.App, Resource: q.Resource, Action: q.action(), Client: q.Client, Flow: q.Flow, Address: q.Place.Address.Unmap(),
		UserRisk: access.RiskNone, SignInRisk: access.RiskNone,
	}
	_, system := DescribeAgent(q.Place.UserAgent)
	for _, p := range q.Proofs {
		in.Proofs = append(in.Proofs, p.asked())
	}
	var err error
	if q.User != "" {
		if in.Subject, err = s.Access.Person(ctx, q.Tenant, q.User); err != nil {
			return in, fmt.Errorf("read who asks: %w", err)
		}
	}
	if q.Device != nil {
		system = q.Device.OperatingSystem
		if in.Device, err = s.Access.Device(ctx, q.Tenant, q.Device.ID); err != nil {
			return in, fmt.Errorf("read the device that asks: %w", err)
		}
	}
	in.Platform = platforms[strings.ToLower(system)]
	return in, nil
}

// platforms are policies' names of operating systems.
var platforms = map[string]string{
	"windows": "windows", "android": "android", "ios": "iOS", "ipados": "iOS", "macos": "macOS", "linux": "linux", "chromeos": "linux",
}

// asked is p as rules see it.
func (p Proof) asked() access.Proof {
	y := p.Yield()
	return access.Proof{Mode: y.Modes, At: p.At, Undated: p.Undated, AAGUID: p.AAGUID, MFA: y.Factors.Multi()}
}
