package server

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/postern-id/postern/internal/access"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/places"
	"github.com/postern-id/postern/internal/signin"
	"github.com/postern-id/postern/internal/store"
)

// conditional is what Conditional Access is asked with: the rules of tenants, compiled once a
// process for each version of them, and what the directory knows of who asks.
type conditional struct {
	db     *store.DB
	now    func() time.Time
	places *places.File // nil: nobody knows which country an address is in

	mu       sync.Mutex
	compiled map[directory.TenantID]signin.Rules
}

// Rules implements signin.Access. Whether what was compiled is still right is asked of one row.
func (c *conditional) Rules(ctx context.Context, tenant directory.TenantID) (signin.Rules, error) {
	version, err := c.db.AccessVersion(ctx, tenant)
	if err != nil || version == 0 {
		return signin.Rules{}, err
	}
	c.mu.Lock()
	known, ok := c.compiled[tenant]
	c.mu.Unlock()
	if ok && known.Version == version {
		return known, nil
	}
	all, err := c.db.AccessRules(ctx, tenant)
	if err != nil {
		return signin.Rules{}, err
	}
	rules, err := c.compile(all)
	if err != nil {
		return rules, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.compiled == nil {
		c.compiled = map[directory.TenantID]signin.Rules{}
	}
	c.compiled[tenant] = rules
	return rules, nil
}

// compile makes rules ready to be asked. A tenant whose policies are all off has none.
func (c *conditional) compile(all access.Rules) (signin.Rules, error) {
	rules := signin.Rules{Version: all.Version, Contexts: map[string]bool{}}
	for _, one := range all.Contexts {
		rules.Contexts[one.ID] = true
	}
	var err error
	if rules.Exits, err = access.Exits(all.Locations); err != nil {
		return rules, err
	}
	on := slices.DeleteFunc(slices.Clone(all.Policies), func(p access.Policy) bool { return p.State == access.Disabled })
	if len(on) == 0 {
		return rules, nil
	}
	rules.Risk = slices.ContainsFunc(on, func(p access.Policy) bool { return len(p.Conditions.UserRisk)+len(p.Conditions.SignInRisk) > 0 })
	var countries access.Countries
	if c.places != nil {
		countries = c.places
	}
	set, err := access.Compile(on, all.Locations, all.Strengths, countries)
	if err != nil {
		return rules, err
	}
	rules.Set = set
	return rules, nil
}

// Person implements signin.Access.
func (c *conditional) Person(ctx context.Context, tenant directory.TenantID, user directory.UserID) (access.Subject, error) {
	s := access.Subject{User: user}
	u, err := c.db.User(ctx, tenant, user)
	if errors.Is(err, directory.ErrUserUnknown) { // gone meanwhile, which whoever asks finds out
		return s, nil
	}
	if err != nil {
		return s, err
	}
	s.Guest = u.UserType == "Guest"
	groups, err := c.db.GroupsOf(ctx, tenant, string(user))
	if err != nil {
		return s, err
	}
	s.Groups = slices.Collect(maps.Keys(groups))
	s.Roles, err = c.db.RolesOf(ctx, tenant, string(user))
	return s, err
}

// Device implements signin.Access.
func (c *conditional) Device(ctx context.Context, tenant directory.TenantID, id directory.DeviceObjectID) (*access.Device, error) {
	d, err := c.db.Device(ctx, tenant, id)
	if err != nil && !errors.Is(err, directory.ErrDeviceUnknown) {
		return nil, err
	}
	if err != nil || d.Usable() != nil {
		return nil, nil //nolint:nilnil,nilerr // a device that is gone or can't be used is none
	}
	status, at, err := c.db.DeviceStatus(ctx, tenant, id)
	if err != nil {
		return nil, err
	}
	return &access.Device{Device: d, Compliant: status.Compliant(at, c.now())}, nil
}

// Failing implements signin.Access.
func (c *conditional) Failing(ctx context.Context, tenant directory.TenantID, nameHash string, since time.Time) (int64, error) {
	return c.db.FailedTries(ctx, tenant, nameHash, since)
}

// Disputed implements signin.Access: while a method is frozen, nobody said yet whose doing it was.
func (c *conditional) Disputed(ctx context.Context, tenant directory.TenantID, user directory.UserID) (bool, error) {
	all, err := c.db.Credentials(ctx, tenant, user)
	for _, one := range all {
		if one.Frozen() {
			return true, err
		}
	}
	return false, err
}
