package graph

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/postern-id/postern/internal/device"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/recovery"
	"github.com/postern-id/postern/internal/report"
)

// A Looker finds out for a census how people and devices are, by the rules that the reports on
// methods go by. It implements report.Looker.
type Looker struct{ API *API }

// aside returns a call that nobody made, for work in the background.
func aside(ctx context.Context, tenant string) *call {
	return &call{r: (&http.Request{}).WithContext(ctx), tenant: directory.Tenant{ID: directory.TenantID(tenant)}}
}

// After implements report.Looker.
func (l Looker) After(ctx context.Context, tenant string, kind report.Kind, after string, limit int) (map[string]report.State, string, bool, error) {
	c := aside(ctx, tenant)
	var position []any
	if after != "" {
		position = []any{after, after}
	}
	last := ""
	if kind == report.Devices {
		found, next, err := l.API.Store.Devices(ctx, c.tenant.ID, nil, nil, position, limit)
		if err != nil {
			return nil, "", false, err
		}
		if len(found) > 0 {
			last = string(found[len(found)-1].ID)
		}
		states, err := l.devices(c, found)
		return states, last, next != nil, err
	}
	found, next, err := l.API.Store.Users(ctx, c.tenant.ID, nil, nil, position, limit)
	if err != nil {
		return nil, "", false, err
	}
	if len(found) > 0 {
		last = string(found[len(found)-1].ID)
	}
	states, err := l.people(c, found)
	return states, last, next != nil, err
}

// Of implements report.Looker.
func (l Looker) Of(ctx context.Context, tenant string, kind report.Kind, ids []string) (map[string]report.State, error) {
	c := aside(ctx, tenant)
	if kind == report.Devices {
		var found []directory.Device
		for _, id := range ids {
			d, err := l.API.Store.Device(ctx, c.tenant.ID, directory.DeviceObjectID(id))
			if errors.Is(err, directory.ErrDeviceUnknown) {
				continue
			}
			if err != nil {
				return nil, err
			}
			found = append(found, d)
		}
		return l.devices(c, found)
	}
	var found []directory.User
	for _, id := range ids {
		u, err := l.API.Store.User(ctx, c.tenant.ID, directory.UserID(id))
		if errors.Is(err, directory.ErrUserUnknown) {
			continue
		}
		if err != nil {
			return nil, err
		}
		found = append(found, u)
	}
	return l.people(c, found)
}

func (l Looker) people(c *call, users []directory.User) (map[string]report.State, error) {
	states := map[string]report.State{}
	if len(users) == 0 {
		return states, nil
	}
	rules, err := l.API.policies(c)
	if err != nil {
		return nil, err
	}
	surfaces, _, err := l.API.signInPolicy(c)
	if err != nil {
		return nil, err
	}
	lines, err := l.API.registrationsOf(c, rules, users)
	if err != nil {
		return nil, err
	}
	for _, line := range lines {
		ways := len(recovery.WaysBack(rules.methodsOf(line.Registration, surfaces)))
		state := report.PersonFacts{Enabled: line.AccountEnabled, Administrator: len(line.Roles) > 0, Ways: ways}.State()
		if state != "" {
			states[string(line.ID)] = state
		}
	}
	return states, nil
}

func (l Looker) devices(c *call, all []directory.Device) (map[string]report.State, error) {
	states, now := map[string]report.State{}, l.API.Now()
	for _, d := range all {
		facts, _, err := l.API.deviceFacts(c, d)
		if err != nil {
			return nil, err
		}
		states[string(d.ID)] = facts.State(now)
	}
	return states, nil
}

// deviceFacts is what matters of d to the census, and when its agent said so.
func (a *API) deviceFacts(c *call, d directory.Device) (report.DeviceFacts, time.Time, error) {
	said, at, err := a.Store.DeviceStatus(c.ctx(), c.tenant.ID, d.ID)
	return report.DeviceFacts{
		Trust: string(d.TrustType), Enabled: d.AccountEnabled, SeenAt: d.SeenAt,
		Pending: d.Approval == directory.Pending, Refused: d.Approval == directory.Refused,
		Broken:      slices.ContainsFunc(said.Prerequisites, func(p device.Prerequisite) bool { return p.State == device.Fail }),
		NoWebSignIn: slices.ContainsFunc(said.Prerequisites, func(p device.Prerequisite) bool { return p.Name == webSignInCheck && p.State != device.Pass }),
	}, at, err
}

// webSignInCheck is the agent's name for the check whether web sign-in shows (docs/agent.md).
const webSignInCheck = "webSignIn"
