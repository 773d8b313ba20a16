package access_test

import (
	"net/netip"
	"reflect"
	"slices"
	"testing"

	"github.com/postern-id/postern/internal/access"
	"github.com/postern-id/postern/internal/directory"
)

func TestAnExplanationNamesTheConditionsThatDoNotHold(t *testing.T) {
	type policy = access.Policy
	named := func(id string, change func(*policy)) policy {
		return everyone(func(p *policy) { p.ID = id; change(p) })
	}
	s := set(t,
		named("1", func(p *policy) { p.Conditions.Users = access.Users{IncludeUsers: []string{payroll}} }),
		named("2", func(p *policy) { p.Conditions.Applications = access.Applications{Include: []string{payroll}} }),
		named("3", func(p *policy) { p.Conditions.Applications = registering }),
		named("4", func(p *policy) { p.Conditions.Applications = access.Applications{Contexts: []string{"c1"}} }),
		named("5", func(p *policy) {
			p.Conditions.Users = access.Users{}
			p.Conditions.Workloads = &access.Workloads{Include: []string{access.AllWorkloads}}
		}),
		named("6", func(p *policy) {
			p.State = access.ReportOnly
			p.Conditions.Platforms = &access.Platforms{Include: []string{"windows"}}
			p.Conditions.ClientAppTypes = []string{access.OtherClient}
			p.Conditions.Locations = &access.Targets{Include: []string{abroad}}
			p.Conditions.UserRisk, p.Conditions.SignInRisk = []access.Risk{access.RiskHigh}, []access.Risk{access.RiskHigh}
			p.Conditions.Flows = &access.Flows{TransferMethods: access.DeviceCodeFlow}
			p.Conditions.Devices = &access.Devices{Filter: &access.DeviceFilter{Mode: "include", Rule: "device.isCompliant -eq True"}}
		}),
		named("7", func(p *policy) { p.Grant.Controls = []access.Control{access.MFA} }),
		named("8", func(p *policy) { p.State = access.Disabled }),
		named("9", func(p *policy) { p.State = access.ReportOnly }),
	)
	e := s.Explain(usual())
	if e.Decision.Met || e.Decision.Blocked || e.Decision.By.ID != "7" {
		t.Errorf("%+v", e.Decision)
	}
	for i, want := range []struct {
		id      string
		result  access.Result
		decides bool
		unmet   []string
	}{
		{"1", access.NotApplied, false, []string{"users"}},
		{"2", access.NotApplied, false, []string{"application"}},
		{"3", access.NotApplied, false, []string{"userActions"}},
		{"4", access.NotApplied, false, []string{"authenticationContext"}},
		{"5", access.NotApplied, false, []string{"workloadIdentities"}},
		{"6", access.ReportedNotApplied, false, []string{"devicePlatform", "clientApps", "location", "userRisk", "signInRisk", "authenticationFlow", "devices"}},
		{"7", access.Failure, true, nil},
		{"9", access.ReportedFailure, false, nil},
		{"8", access.NotEnabled, false, []string{"policyNotEnabled"}},
	} {
		got := e.Policies[i]
		if got.Policy.ID != want.id || got.Applied.ID != want.id || got.Applied.Result != want.result || got.Decides != want.decides || !slices.Equal(got.Unmet, want.unmet) {
			t.Errorf("%+v, want %+v", got, want)
		}
	}
}

func TestAnExplanationDecidesAsEvaluateDoes(t *testing.T) {
	property(t, func(t *testing.T, _ maker, policies []access.Policy, r access.Request) {
		s := set(t, policies...)
		e, d := s.Explain(r), s.Evaluate(r)
		if !reflect.DeepEqual(e.Decision, d) || len(e.Policies) != len(policies) {
			t.Errorf("%+v\n%+v", e.Decision, d)
		}
		decide := 0
		var applied []access.Applied
		for _, p := range e.Policies {
			if p.Decides {
				decide++
			}
			if p.Applies() {
				applied = append(applied, p.Applied)
			}
		}
		if decide != map[bool]int{false: 1}[d.Met] || len(applied) != len(d.Applied) || len(applied) > 0 && !reflect.DeepEqual(applied, d.Applied) {
			t.Errorf("%d decide; %+v\n%+v", decide, applied, d.Applied)
		}
	})
}

func TestRulesThatLockEveryAdministratorOutAreFound(t *testing.T) {
	key := access.Methods{Modes: access.FIDO2, AAGUIDs: []string{goodKey}}
	word := access.Methods{Modes: access.Password}
	who := func(user directory.UserID, m access.Methods, spots ...access.Spot) access.Administrator {
		return access.Administrator{Subject: access.Subject{User: user, Roles: []directory.RoleID{admins}}, Methods: m, Spots: spots}
	}
	at := func(address string) access.Spot {
		return access.Spot{Client: access.Browser, Platform: "linux", Address: netip.MustParseAddr(address)}
	}
	compliant := access.Spot{Client: access.Browser, Platform: "linux", Device: &access.Device{Compliant: true}}
	block := everyone(nil)
	grant := func(controls ...access.Control) access.Policy {
		return everyone(func(p *access.Policy) { p.Grant.Controls = controls })
	}
	away := everyone(func(p *access.Policy) {
		p.Conditions.Locations = &access.Targets{Include: []string{access.All}, Exclude: []string{access.AllTrusted}}
	})
	for _, c := range []struct {
		name   string
		policy access.Policy
		admins []access.Administrator
		locked bool
	}{
		{"a block for all", block, []access.Administrator{who(ann, key), who("b", key)}, true},
		{"a block for all but one", everyone(func(p *access.Policy) { p.Conditions.Users.ExcludeUsers = []string{ann} }), []access.Administrator{who("b", key), who(ann, key)}, false},
		{"a block that only reports", everyone(func(p *access.Policy) { p.State = access.ReportOnly }), []access.Administrator{who(ann, key)}, false},
		{"a block for the console", everyone(func(p *access.Policy) {
			p.Conditions.Applications.Include = []string{access.Admin}
		}), []access.Administrator{who(ann, key)}, true},
		{"a block for another application", everyone(func(p *access.Policy) { p.Conditions.Applications.Include = []string{payroll} }), []access.Administrator{who(ann, key)}, false},
		{"a block for one platform", everyone(func(p *access.Policy) {
			p.Conditions.Platforms = &access.Platforms{Include: []string{"windows"}}
		}), []access.Administrator{who(ann, key)}, false},
		{"a block away from the office, by somebody there", away, []access.Administrator{who(ann, key, at("198.51.100.1")), who("b", key, at("203.0.113.9"))}, false},
		{"a block away from the office, by nobody there", away, []access.Administrator{who(ann, key, at("198.51.100.1"))}, true},
		{"mfa, by somebody with a passkey", grant(access.MFA), []access.Administrator{who("b", word), who(ann, key)}, false},
		{"mfa, by somebody with a password", grant(access.MFA), []access.Administrator{who(ann, word)}, true},
		{"our keys, by somebody with one", strong("p", keysOnly, allApps), []access.Administrator{who(ann, key)}, false},
		{"our keys, by somebody with another", strong("p", keysOnly, allApps), []access.Administrator{who(ann, access.Methods{Modes: access.FIDO2})}, true},
		{"a device, by nobody with one", grant(access.CompliantDevice), []access.Administrator{who(ann, key)}, true},
		{"a device, by somebody with one", grant(access.CompliantDevice), []access.Administrator{who(ann, key, at("203.0.113.9"), compliant)}, false},
		{"nobody to lock out", block, nil, false},
	} {
		by := set(t, c.policy).Lockout(c.admins, nine)
		if (by != nil) != c.locked {
			t.Errorf("%s: %v", c.name, by)
		}
	}
}

func TestAnImpactSaysWhoWouldNotice(t *testing.T) {
	before := []access.Policy{everyone(func(p *access.Policy) {
		p.ID, p.State = "off", access.Disabled
	})}
	draft := strong("draft", access.StrengthPhishingResistant, access.Applications{Include: []string{mailApp}})
	draft.State = access.ReportOnly
	blocks := everyone(func(p *access.Policy) { p.ID, p.Conditions.Applications.Include = "block", []string{payroll} })
	m := access.NewImpact(set(t, before...), set(t, access.With(append(before, blocks), draft)...))

	replay := func(user directory.UserID, app directory.AppID, used access.Modes, has access.Modes) {
		r := usual()
		r.Subject, r.App, r.Proofs = access.Subject{User: user}, app, []access.Proof{proof(used)}
		m.Add(access.PastSignIn{Request: r, Methods: access.Methods{Modes: has}})
	}
	replay("fine", mailApp, access.FIDO2, access.FIDO2)
	replay("asked", mailApp, access.Password, access.Password|access.FIDO2)
	replay("asked", mailApp, access.Password, access.Password|access.FIDO2)
	replay("stuck", mailApp, access.Password, access.Password)
	replay("half", mailApp, access.Password, access.Password) // and something else still works
	replay("half", backup, access.Password, access.Password)
	replay("blocked", payroll, access.FIDO2, access.FIDO2)

	got := m.Counts()
	want := access.Counts{
		SignIns: 7, People: 5, Blocked: access.Count{SignIns: 1, People: 1}, Asked: access.Count{SignIns: 4, People: 3}, LockedOut: 2,
		Affected: []access.Affected{
			{User: "blocked", Blocked: 1, LockedOut: true, Policy: "block"},
			{User: "stuck", Asked: 1, LockedOut: true, Policy: "draft"},
			{User: "asked", Asked: 2, Policy: "draft"},
			{User: "half", Asked: 1, Policy: "draft"},
		},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%+v\nwant %+v", got, want)
	}
}

func TestADraftStandsInThePlaceOfItsPolicy(t *testing.T) {
	open := everyone(func(p *access.Policy) { p.Grant.Controls = []access.Control{access.MFA} })
	draft := everyone(func(p *access.Policy) { p.State = access.Disabled })
	all := access.With([]access.Policy{open, everyone(func(p *access.Policy) { p.ID = "other"; p.State = access.Disabled })}, draft)
	if len(all) != 2 || !set(t, all...).Evaluate(usual()).Blocked {
		t.Errorf("%+v", all)
	}
}
