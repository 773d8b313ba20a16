package access_test

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/postern-id/postern/internal/access"
	"github.com/postern-id/postern/internal/directory"
)

// tries is how many random sets each property is tried on.
const tries = 4000

// A maker makes random policies and requests out of few words, so that they often meet.
type maker struct{ *rand.Rand }

func pick[T any](m maker, from ...T) T { return from[m.IntN(len(from))] }

func (m maker) some(from ...string) []string {
	return slices.DeleteFunc(from, func(string) bool { return m.IntN(2) == 0 })
}

func (m maker) policy(id string) access.Policy {
	p := access.Policy{ID: id, DisplayName: id, State: pick(m, access.Enabled, access.Enabled, access.ReportOnly, access.Disabled)}
	c := &p.Conditions
	c.Users = pick(m,
		access.Users{IncludeUsers: []string{access.All}}, access.Users{IncludeUsers: []string{ann}}, access.Users{IncludeGroups: []string{helpdesk}},
		access.Users{IncludeUsers: []string{access.All}, ExcludeRoles: []string{admins}}, access.Users{IncludeUsers: []string{access.Guests}})
	c.Applications = pick(m, allApps, allApps, registering, access.Applications{Include: []string{mailApp}}, access.Applications{Include: []string{access.All}, Exclude: []string{mailApp}},
		access.Applications{Contexts: []string{"c1"}}, access.Applications{UserActions: []string{access.RegisterDevice}})
	c.ClientAppTypes = pick(m, nil, []string{"all"}, []string{access.Browser})
	c.Locations = pick(m, nil, nil, &access.Targets{Include: []string{access.All}, Exclude: []string{access.AllTrusted}}, &access.Targets{Include: []string{abroad}})
	c.Platforms = pick(m, nil, nil, &access.Platforms{Include: []string{"linux"}}, &access.Platforms{Include: []string{"all"}, Exclude: []string{"linux"}})
	c.SignInRisk = pick(m, nil, nil, []access.Risk{access.RiskHigh, access.RiskMedium})
	c.Flows = pick(m, nil, nil, nil, &access.Flows{TransferMethods: access.DeviceCodeFlow})
	c.Devices = pick(m, nil, nil, nil, &access.Devices{Filter: &access.DeviceFilter{Mode: pick(m, "include", "exclude"), Rule: `device.isCompliant -eq True`}})
	if m.IntN(6) > 0 {
		g := &access.Grant{Operator: pick(m, "AND", "OR")}
		for _, control := range m.some("mfa", "compliantDevice", "domainJoinedDevice") {
			g.Controls = append(g.Controls, access.Control(control))
		}
		switch m.IntN(8) {
		case 0:
			g.Controls = []access.Control{access.Block}
		case 1, 2, 3:
			g.Controls = slices.DeleteFunc(g.Controls, func(c access.Control) bool { return c == access.MFA })
			g.Strength = &access.Reference{ID: pick(m, access.StrengthMFA, access.StrengthPasswordless, access.StrengthPhishingResistant, keysOnly, withPass)}
		}
		p.Grant = g
	}
	if m.IntN(4) == 0 {
		p.Session = &access.SessionControls{
			Frequency:  pick(m, nil, &access.SignInFrequency{Enabled: true, Value: 1 + m.IntN(4), Type: "hours", Authentication: pick(m, "", "secondaryAuthentication")}),
			Persistent: pick(m, nil, &access.PersistentBrowser{Enabled: true, Mode: pick(m, "always", "never")}),
			Continuous: pick(m, nil, &access.Continuous{Mode: pick(m, "strictLocation", "disabled")}),
		}
	}
	if m.IntN(8) == 0 {
		p.Exemption = &access.Exemption{Users: []string{ann}, Until: nine.Add(pick(m, time.Hour, -time.Hour)), Reason: "x"}
	}
	return p
}

func (m maker) request() access.Request {
	r := usual()
	r.Subject.Guest = m.IntN(3) == 0
	if m.IntN(2) == 0 {
		r.Subject.Roles = nil
	}
	r.App = directory.AppID(pick(m, mailApp, payroll))
	r.Action = pick(m, "", "", access.RegisterSecurityInfo, access.RegisterDevice)
	r.Context = pick(m, "", "c1")
	r.Client = pick(m, access.Browser, access.NativeClient)
	r.Flow = pick(m, "", "", access.DeviceCodeFlow)
	r.Platform = pick(m, "", "linux", "windows")
	r.Address = netip.MustParseAddr(pick(m, "203.0.113.9", "192.0.2.1", "198.51.100.1"))
	r.SignInRisk = pick(m, access.RiskNone, access.RiskHigh)
	r.Device = pick(m, nil, &access.Device{}, &access.Device{Compliant: true}, &access.Device{Device: directory.Device{TrustType: directory.TrustHybrid}})
	for range m.IntN(3) {
		mode := pick(m, access.Password, access.SoftwareOath, access.FIDO2, access.PassOneTime, access.DeviceBasedPush)
		r.Proofs = append(r.Proofs, access.Proof{Mode: mode, At: nine.Add(-time.Duration(m.IntN(300)) * time.Minute), AAGUID: pick(m, "", goodKey)})
	}
	return r
}

// property runs test with random policies and a random request.
func property(t *testing.T, test func(t *testing.T, m maker, policies []access.Policy, r access.Request)) {
	for seed := range uint64(tries) {
		m := maker{rand.New(rand.NewPCG(seed, 1))}
		var policies []access.Policy
		for i := range m.IntN(6) {
			policies = append(policies, m.policy(fmt.Sprint(i)))
		}
		test(t, m, policies, m.request())
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

func TestTheOrderOfPoliciesChangesNothing(t *testing.T) {
	property(t, func(t *testing.T, m maker, policies []access.Policy, r access.Request) {
		want := set(t, policies...).Evaluate(r)
		m.Shuffle(len(policies), func(i, j int) { policies[i], policies[j] = policies[j], policies[i] })
		if got := set(t, policies...).Evaluate(r); !reflect.DeepEqual(got, want) {
			t.Errorf("%+v\n%+v", got, want)
		}
	})
}

func TestAnotherPolicyNeverGrantsMore(t *testing.T) {
	closed := 0
	property(t, func(t *testing.T, m maker, policies []access.Policy, r access.Request) {
		more := m.policy("more")
		more.State = access.Enabled
		// The one exception: the strength of a user action is preferred over those of all applications.
		if len(more.Conditions.Applications.UserActions) > 0 && more.Grant != nil {
			more.Grant.Strength = nil
		}
		before, after := set(t, policies...).Evaluate(r), set(t, append(policies, more)...).Evaluate(r)
		switch {
		case after.Met && !before.Met, before.Blocked && !after.Blocked, before.MFA && !after.MFA, before.NeverPersistent && !after.NeverPersistent,
			before.Since.After(after.Since), before.SecondSince.After(after.SecondSince), before.StrictLocation && !after.StrictLocation,
			before.Lifetime != 0 && (after.Lifetime == 0 || after.Lifetime > before.Lifetime):
			t.Errorf("%+v\nbefore %+v\nafter %+v", more, before, after)
		}
		for _, s := range before.Strengths {
			if !slices.ContainsFunc(after.Strengths, func(other *access.Strength) bool { return reflect.DeepEqual(s, other) }) {
				t.Errorf("the strength %s is no longer asked for", s.DisplayName)
			}
		}
		if before.Met && !after.Met {
			closed++
		}
	})
	if closed < tries/20 {
		t.Errorf("only %d of %d policies closed anything: the property says little", closed, tries)
	}
}

func TestWhatOnlyReportsChangesNothing(t *testing.T) {
	reported := 0
	property(t, func(t *testing.T, m maker, policies []access.Policy, r access.Request) {
		more := m.policy("more")
		more.State = access.ReportOnly
		before, after := set(t, policies...).Evaluate(r), set(t, append(policies, more)...).Evaluate(r)
		all := len(after.Applied)
		after.Applied = slices.DeleteFunc(after.Applied, func(a access.Applied) bool { return a.ID == "more" })
		reported += all - len(after.Applied)
		if len(before.Applied) == 0 {
			before.Applied, after.Applied = nil, nil
		}
		if !reflect.DeepEqual(before, after) {
			t.Errorf("%+v\nbefore %+v\nafter %+v", more, before, after)
		}
	})
	if reported < tries/20 {
		t.Errorf("only %d of %d policies reported anything", reported, tries)
	}
}

func TestAPolicyThatIsOffIsNotThere(t *testing.T) {
	property(t, func(t *testing.T, m maker, policies []access.Policy, r access.Request) {
		more := m.policy("more")
		more.State = access.Disabled
		if before, after := set(t, policies...).Evaluate(r), set(t, append(policies, more)...).Evaluate(r); !reflect.DeepEqual(before, after) {
			t.Errorf("before %+v\nafter %+v", before, after)
		}
	})
}
