package access_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/postern-id/postern/internal/access"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/fault"
)

// strong is a policy of id that asks for a strength for what apps says.
func strong(id, strength string, apps access.Applications) access.Policy {
	return everyone(func(p *access.Policy) {
		p.ID, p.Conditions.Applications = id, apps
		p.Grant = &access.Grant{Operator: "OR", Strength: &access.Reference{ID: strength}}
	})
}

var (
	allApps     = access.Applications{Include: []string{access.All}}
	registering = access.Applications{UserActions: []string{access.RegisterSecurityInfo}}
)

// register is Ann who registers a method after she showed modes.
func register(modes ...access.Modes) access.Request {
	r := usual()
	r.Action = access.RegisterSecurityInfo
	for _, m := range modes {
		r.Proofs = append(r.Proofs, proof(m))
	}
	return r
}

func TestTheStrengthOfAUserActionIsPreferred(t *testing.T) {
	resources := strong("all", access.StrengthPhishingResistant, allApps)
	action := strong("action", withPass, registering)

	d := set(t, resources, action).Evaluate(register(access.PassOneTime))
	if !d.Met || len(d.Strengths) != 1 || d.Strengths[0].ID != withPass {
		t.Errorf("a pass that may begin: %+v", d)
	}
	if d.Applied[0].Note != "" || d.Applied[1].ID != "all" || d.Applied[1].Note != access.GaveWay {
		t.Errorf("the log doesn't say which strength gave way: %+v", d.Applied)
	}
	if d := set(t, resources, action).Evaluate(register(access.Password)); d.Met || d.By.ID != "action" {
		t.Errorf("a password: %+v", d)
	}
	r := register(access.PassOneTime)
	r.Action = ""
	if d := set(t, resources, action).Evaluate(r); d.Met || d.By.ID != "all" {
		t.Errorf("the same pass for an application: %+v", d)
	}
	// Its other controls still hold.
	resources.Grant.Operator, resources.Grant.Controls = "AND", []access.Control{access.CompliantDevice}
	if d := set(t, resources, action).Evaluate(register(access.PassOneTime)); !d.Blocked || d.Reason != access.CompliantDevice {
		t.Errorf("without the device: %+v", d)
	}
	mfa := everyone(func(p *access.Policy) {
		p.ID, p.Grant = "mfa", &access.Grant{Operator: "OR", Controls: []access.Control{access.MFA}}
	})
	if d := set(t, mfa, action).Evaluate(register()); !d.MFA || len(d.Strengths) != 1 {
		t.Errorf("mfa for all: %+v", d)
	}
	// So does the strength of a policy that is for the application itself.
	here := strong("here", keysOnly, access.Applications{Include: []string{mailApp}})
	if d := set(t, here, action).Evaluate(register(access.PassOneTime)); d.Met || d.By.ID != "here" {
		t.Errorf("a strength of this application: %+v", d)
	}
}

func TestAStrengthGivesWayOnlyToOneThatIsAskedFor(t *testing.T) {
	resources := strong("all", access.StrengthPhishingResistant, allApps)
	for name, change := range map[string]func(*access.Policy){
		"report-only":       func(p *access.Policy) { p.State = access.ReportOnly },
		"off":               func(p *access.Policy) { p.State = access.Disabled },
		"of another action": func(p *access.Policy) { p.Conditions.Applications.UserActions = []string{access.RegisterDevice} },
		"for other people":  func(p *access.Policy) { p.Conditions.Users.IncludeUsers = []string{mailApp} },
		"met by a device":   func(p *access.Policy) { p.Grant.Controls = []access.Control{access.CompliantDevice} },
		"with another control": func(p *access.Policy) {
			p.Grant = &access.Grant{Operator: "OR", Controls: []access.Control{access.MFA}}
		},
		"with a recovery exemption": func(p *access.Policy) {
			p.Exemption = &access.Exemption{Users: []string{ann}, Until: nine.Add(time.Hour), Reason: "x"}
		},
	} {
		action := strong("action", withPass, registering)
		change(&action)
		r := register(access.PassOneTime)
		r.Device = &access.Device{Compliant: true}
		if d := set(t, resources, action).Evaluate(r); d.Met || d.By.ID != "all" {
			t.Errorf("%s: %+v", name, d)
		}
	}
}

func TestSeveralStrengthsOfAUserActionMustAllBeMet(t *testing.T) {
	s := set(t, strong("1", withPass, registering), strong("2", access.StrengthPhishingResistant, registering))
	if d := s.Evaluate(register(access.PassOneTime)); d.Met || d.By.ID != "2" || len(d.Strengths) != 2 {
		t.Errorf("a pass: %+v", d)
	}
	if d := s.Evaluate(register(access.FIDO2)); !d.Met {
		t.Errorf("a passkey: %+v", d)
	}
}

func TestJoiningAsksNothingOfTheDeviceThatJoins(t *testing.T) {
	both := everyone(func(p *access.Policy) {
		p.Grant = &access.Grant{Operator: "AND", Controls: []access.Control{access.MFA, access.CompliantDevice}}
	})
	r := register(access.Password)
	r.Action, r.App = access.RegisterDevice, directory.AgentAppID
	if d := set(t, both).Evaluate(r); d.Blocked || d.Met || !d.MFA {
		t.Errorf("with a password: %+v", d)
	}
	r.Proofs = []access.Proof{proof(access.FIDO2)}
	if d := set(t, both).Evaluate(r); !d.Met {
		t.Errorf("with a passkey: %+v", d)
	}
	both.Grant.Operator = "OR"
	r.Proofs, r.Device = nil, &access.Device{Compliant: true}
	if d := set(t, both).Evaluate(r); d.Met || !d.MFA {
		t.Errorf("from a compliant device: %+v", d)
	}
}

// The action of an application that only names the API of devices takes nothing from what others ask.
func TestOnlyTheAgentJoins(t *testing.T) {
	device := everyone(func(p *access.Policy) {
		p.Grant = &access.Grant{Operator: "OR", Controls: []access.Control{access.CompliantDevice}}
	})
	join := strong("join", withPass, access.Applications{UserActions: []string{access.RegisterDevice}})
	for app, joins := range map[directory.AppID]bool{mailApp: false, directory.AgentAppID: true, "": true} {
		r := register(access.PassOneTime)
		r.Action, r.App, r.Resource = access.RegisterDevice, app, directory.DeviceRegistrationAppID
		if d := set(t, device).Evaluate(r); d.Blocked == joins {
			t.Errorf("%q without a device: %+v", app, d)
		}
		if d := set(t, strong("all", access.StrengthPhishingResistant, allApps), join).Evaluate(r); d.Met != joins {
			t.Errorf("%q with a pass: %+v", app, d)
		}
	}
}

func TestARecoveryExemptionLetsAPassByItsPolicyAlone(t *testing.T) {
	exempt := func(p *access.Policy) {
		p.Exemption = &access.Exemption{Users: []string{ann}, Until: nine.Add(time.Hour), Reason: "Lost her key, ticket 4711"}
	}
	blocks := everyone(exempt)
	asks := strong("p", access.StrengthPhishingResistant, allApps)
	exempt(&asks)
	group := everyone(func(p *access.Policy) {
		exempt(p)
		p.Exemption.Users, p.Exemption.Groups = nil, []string{helpdesk}
	})
	other := everyone(func(p *access.Policy) {
		exempt(p)
		p.Exemption.Users = []string{mailApp}
	})
	with := func(modes ...access.Modes) access.Request {
		r := register(modes...)
		r.Action = ""
		return r
	}
	late := with(access.PassOneTime)
	late.At = nine.Add(time.Hour)
	last := with(access.PassOneTime)
	last.At = nine.Add(time.Hour - 1)
	for _, c := range []struct {
		name      string
		policy    access.Policy
		r         access.Request
		met, help bool
	}{
		{"a block, with a pass", blocks, with(access.PassOneTime), true, false},
		{"a block, with a pass for many times", blocks, with(access.PassMultiUse), true, false},
		{"a block, without", blocks, with(access.FIDO2), false, true},
		{"a block, at the last moment", blocks, last, true, false},
		{"a block, when it ended", blocks, late, false, false},
		{"a block, by her group", group, with(access.PassOneTime), true, false},
		{"a block, for somebody else", other, with(access.PassOneTime), false, false},
		{"a strength, with a pass", asks, with(access.PassOneTime), true, false},
		{"a strength, without", asks, with(access.Password), false, false},
	} {
		d := set(t, c.policy).Evaluate(c.r)
		if d.Met != c.met || d.PassHelps != c.help {
			t.Errorf("%s: %+v", c.name, d)
		}
		if noted := d.Applied[0].Note == access.Exempted; noted != c.met {
			t.Errorf("%s: the log notes it: %v", c.name, noted)
		}
	}
	// What a pass would do is offered before it is typed.
	if d := set(t, asks).Evaluate(with()); len(d.Strengths) != 1 || !d.Strengths[0].MetBy(access.Methods{Modes: access.PassOneTime}) {
		t.Errorf("a pass is not offered: %+v", d)
	}
	// Another policy without the exemption still blocks, and then a pass doesn't help.
	second := everyone(func(p *access.Policy) { p.ID = "second" })
	if d := set(t, blocks, second).Evaluate(with(access.PassOneTime)); !d.Blocked || d.By.ID != "second" {
		t.Errorf("beside a second block: %+v", d)
	}
	if d := set(t, blocks, second).Evaluate(with(access.FIDO2)); d.PassHelps {
		t.Error("a pass is said to help against a block that it can't pass")
	}
}

func TestSessionControlsAreTheStrictestOfAll(t *testing.T) {
	every := func(id string, c access.SessionControls) access.Policy {
		return everyone(func(p *access.Policy) { p.ID, p.Grant, p.Session = id, nil, &c })
	}
	age := func(value int, unit, kind string) *access.SignInFrequency {
		return &access.SignInFrequency{Enabled: true, Value: value, Type: unit, Interval: "timeBased", Authentication: kind}
	}
	hours, days := every("hours", access.SessionControls{Frequency: age(4, "hours", "")}), every("days", access.SessionControls{Frequency: age(2, "days", "")})
	second := every("second", access.SessionControls{Frequency: age(1, "hours", "secondaryAuthentication")})
	always := every("always", access.SessionControls{Persistent: &access.PersistentBrowser{Enabled: true, Mode: "always"}})
	never := every("never", access.SessionControls{Persistent: &access.PersistentBrowser{Enabled: true, Mode: "never"}})
	each := every("each", access.SessionControls{Frequency: &access.SignInFrequency{Enabled: true, Interval: "everyTime"}})
	off := every("off", access.SessionControls{Frequency: &access.SignInFrequency{Value: 1, Type: "hours"}})
	strict := every("strict", access.SessionControls{Continuous: &access.Continuous{Mode: "strictLocation"}})
	lenient := every("lenient", access.SessionControls{Continuous: &access.Continuous{Mode: "disabled"}})
	mfa := everyone(func(p *access.Policy) {
		p.ID, p.Grant = "mfa", &access.Grant{Operator: "OR", Controls: []access.Control{access.MFA}}
	})

	r := usual()
	r.Proofs = []access.Proof{{Mode: access.Password, At: nine.Add(-3 * time.Hour)}, {Mode: access.SoftwareOath, At: nine.Add(-2 * time.Hour)}}
	for _, c := range []struct {
		name     string
		policies []access.Policy
		met      bool
		by       string
		lifetime time.Duration
	}{
		{"new enough for days", []access.Policy{days, mfa}, true, "", 48 * time.Hour},
		{"new enough for hours", []access.Policy{days, hours, mfa}, true, "", 4 * time.Hour},
		{"not for every time", []access.Policy{each, mfa}, false, "each", 5 * time.Minute},
		{"its second factor is too old", []access.Policy{second, mfa}, false, "second", time.Hour},
		{"switched off", []access.Policy{off, mfa}, true, "", 0},
	} {
		d := set(t, c.policies...).Evaluate(r)
		if d.Met != c.met || d.Lifetime != c.lifetime || !c.met && d.By.ID != c.by {
			t.Errorf("%s: %+v by %v", c.name, d, d.By)
		}
	}
	r.At = nine.Add(90 * time.Minute) // the password is 4 h 30 min old, the code 3 h 30 min
	if d := set(t, hours, mfa).Evaluate(r); d.Met || d.By.ID != "hours" {
		t.Errorf("half of two factors is too old: %+v by %v", d, d.By)
	}
	if d := set(t, hours).Evaluate(r); !d.Met {
		t.Errorf("one factor is enough and new enough: %+v", d)
	}
	if d := set(t, hours).Evaluate(usual()); d.Met {
		t.Error("no proof at all is new enough")
	}
	if d := set(t, always, never).Evaluate(r); !d.NeverPersistent || d.AlwaysPersistent {
		t.Error("always wins over never")
	}
	if d := set(t, always).Evaluate(r); d.NeverPersistent || !d.AlwaysPersistent {
		t.Error("always is not heard")
	}
	if d := set(t, strict, lenient).Evaluate(r); !d.StrictLocation || d.NoContinuous {
		t.Error("the lenient wins over the strict")
	}
}

func TestOfSeveralPoliciesTheSternestDecides(t *testing.T) {
	named := func(id string, controls ...access.Control) access.Policy {
		return everyone(func(p *access.Policy) {
			p.ID, p.Grant = id, &access.Grant{Operator: "OR", Controls: controls}
		})
	}
	mfa, device, block := named("1", access.MFA), named("2", access.CompliantDevice), named("3", access.Block)
	for _, c := range []struct {
		policies []access.Policy
		by       string
	}{
		{[]access.Policy{mfa}, "1"},
		{[]access.Policy{mfa, device}, "2"},
		{[]access.Policy{mfa, device, block}, "3"},
	} {
		if d := set(t, c.policies...).Evaluate(usual()); d.By.ID != c.by {
			t.Errorf("of %d policies %s decides, want %s", len(c.policies), d.By.ID, c.by)
		}
	}
}

func TestASetIsNotMadeOfWhatCantBeUnderstood(t *testing.T) {
	for name, change := range map[string]func(*access.Policy){
		"state":    func(p *access.Policy) { p.State = "on" },
		"location": func(p *access.Policy) { p.Conditions.Locations = &access.Targets{Include: []string{mailApp}} },
		"exclusion": func(p *access.Policy) {
			p.Conditions.Locations = &access.Targets{Include: []string{access.All}, Exclude: []string{mailApp}}
		},
		"strength": func(p *access.Policy) {
			p.Grant = &access.Grant{Operator: "OR", Strength: &access.Reference{ID: mailApp}}
		},
		"control":  func(p *access.Policy) { p.Grant.Controls = []access.Control{"approvedApplication"} },
		"platform": func(p *access.Policy) { p.Conditions.Platforms = &access.Platforms{Include: []string{"amiga"}} },
		"client":   func(p *access.Policy) { p.Conditions.ClientAppTypes = []string{"fax"} },
		"risk":     func(p *access.Policy) { p.Conditions.UserRisk = []access.Risk{"huge"} },
		"flow":     func(p *access.Policy) { p.Conditions.Flows = &access.Flows{TransferMethods: "carrierPigeon"} },
		"filter": func(p *access.Policy) {
			p.Conditions.Devices = &access.Devices{Filter: &access.DeviceFilter{Mode: "include", Rule: "device."}}
		},
		"mode": func(p *access.Policy) {
			p.Conditions.Devices = &access.Devices{Filter: &access.DeviceFilter{Mode: "maybe", Rule: `device.model -eq "a"`}}
		},
		"frequency": func(p *access.Policy) {
			p.Session = &access.SessionControls{Frequency: &access.SignInFrequency{Enabled: true, Value: 1, Type: "moons"}}
		},
	} {
		if _, err := access.Compile([]access.Policy{everyone(change)}, places, strengths, nil); err == nil {
			t.Errorf("an unknown %s is let by", name)
		}
	}
}

func TestWhatMayBeSaved(t *testing.T) {
	known := access.Known{Now: nine, Has: func(_ access.Kind, id string) bool { return !strings.HasPrefix(id, "no-") }}
	workload := func(p *access.Policy) {
		p.Conditions.Users = access.Users{}
		p.Conditions.Workloads = &access.Workloads{Include: []string{backup}}
	}
	for _, c := range []struct {
		name   string
		change func(*access.Policy)
		target string // empty: may be saved
	}{
		{"a block for all", nil, ""},
		{"no name", func(p *access.Policy) { p.DisplayName = "" }, "displayName"},
		{"another state", func(p *access.Policy) { p.State = "on" }, "state"},
		{"nobody named", func(p *access.Policy) { p.Conditions.Users = access.Users{} }, "conditions/users"},
		{"None", func(p *access.Policy) { p.Conditions.Users.IncludeUsers = []string{access.None} }, ""},
		{"All and one", func(p *access.Policy) { p.Conditions.Users.IncludeUsers = []string{access.All, ann} }, "conditions/users/includeUsers"},
		{"somebody unknown", func(p *access.Policy) { p.Conditions.Users.ExcludeUsers = []string{"no-one"} }, "conditions/users/excludeUsers"},
		{"a group unknown", func(p *access.Policy) { p.Conditions.Users.ExcludeGroups = []string{"no-one"} }, "conditions/users/excludeGroups"},
		{"a role unknown", func(p *access.Policy) { p.Conditions.Users.IncludeRoles = []string{"no-one"} }, "conditions/users/includeRoles"},
		{"a kind of guest unknown", func(p *access.Policy) { p.Conditions.Users.ExcludeGuests = &access.GuestTypes{Types: "alien"} }, "conditions/users/excludeGuestsOrExternalUsers"},
		{"service principals", workload, ""},
		{"service principals and people", func(p *access.Policy) { p.Conditions.Workloads = &access.Workloads{Include: []string{backup}} }, "conditions/clientApplications"},
		{"service principals that prove something", func(p *access.Policy) { workload(p); p.Grant.Controls = []access.Control{access.MFA} }, "grantControls/builtInControls"},
		{"no application", func(p *access.Policy) { p.Conditions.Applications = access.Applications{} }, "conditions/applications"},
		{"applications and an action", func(p *access.Policy) {
			p.Conditions.Applications.UserActions = []string{access.RegisterDevice}
		}, "conditions/applications"},
		{"Office365", func(p *access.Policy) { p.Conditions.Applications.Include = []string{"no-Office365"} }, "conditions/applications/includeApplications"},
		{"an action unknown", func(p *access.Policy) { p.Conditions.Applications = access.Applications{UserActions: []string{"x"}} }, "conditions/applications/includeUserActions"},
		{"a context unknown", func(p *access.Policy) { p.Conditions.Applications = access.Applications{Contexts: []string{"no-c1"}} }, "conditions/applications/includeAuthenticationContextClassReferences"},
		{"a client unknown", func(p *access.Policy) { p.Conditions.ClientAppTypes = []string{"fax"} }, "conditions/clientAppTypes"},
		{"a place unknown", func(p *access.Policy) { p.Conditions.Locations = &access.Targets{Include: []string{"no-where"}} }, "conditions/locations/includeLocations"},
		{"no place", func(p *access.Policy) { p.Conditions.Locations = &access.Targets{} }, "conditions/locations/includeLocations"},
		{"a platform unknown", func(p *access.Policy) { p.Conditions.Platforms = &access.Platforms{Include: []string{"amiga"}} }, "conditions/platforms/includePlatforms"},
		{"mfa and a strength", func(p *access.Policy) {
			p.Grant = &access.Grant{Operator: "AND", Controls: []access.Control{access.MFA}, Strength: &access.Reference{ID: keysOnly}}
		}, "grantControls"},
		{"block and mfa", func(p *access.Policy) { p.Grant.Controls = []access.Control{access.Block, access.MFA} }, "grantControls/builtInControls"},
		{"a control that isn't offered", func(p *access.Policy) { p.Grant.Controls = []access.Control{"passwordChange"} }, "grantControls/builtInControls"},
		{"no operator", func(p *access.Policy) { p.Grant.Operator = "" }, "grantControls/operator"},
		{"nothing asked", func(p *access.Policy) { p.Grant = nil }, "grantControls"},
		{"24 hours", func(p *access.Policy) {
			p.Session = &access.SessionControls{Frequency: &access.SignInFrequency{Enabled: true, Value: 24, Type: "hours"}}
		}, "sessionControls/signInFrequency/value"},
		{"staying signed in for one application", func(p *access.Policy) {
			p.Conditions.Applications.Include = []string{mailApp}
			p.Session = &access.SessionControls{Persistent: &access.PersistentBrowser{Enabled: true, Mode: "never"}}
		}, "sessionControls/persistentBrowser"},
		{"a compliant device that joins", func(p *access.Policy) {
			p.Conditions.Applications = access.Applications{UserActions: []string{access.RegisterDevice}}
			p.Grant.Controls = []access.Control{access.CompliantDevice}
		}, "grantControls/builtInControls"},
		{"an exemption", func(p *access.Policy) {
			p.Exemption = &access.Exemption{Users: []string{ann}, Until: nine.Add(access.LongestExemption), Reason: "Ticket 4711"}
		}, ""},
		{"an exemption for nobody", func(p *access.Policy) {
			p.Exemption = &access.Exemption{Until: nine.Add(time.Hour), Reason: "Ticket 4711"}
		}, "postern_recoveryExemption"},
		{"an exemption without a reason", func(p *access.Policy) {
			p.Exemption = &access.Exemption{Users: []string{ann}, Until: nine.Add(time.Hour), Reason: " "}
		}, "postern_recoveryExemption/reason"},
		{"an exemption for too long", func(p *access.Policy) {
			p.Exemption = &access.Exemption{Users: []string{ann}, Until: nine.Add(access.LongestExemption + 1), Reason: "Ticket 4711"}
		}, "postern_recoveryExemption/expirationDateTime"},
		{"an exemption without end", func(p *access.Policy) {
			p.Exemption = &access.Exemption{Users: []string{ann}, Reason: "Ticket 4711"}
		}, "postern_recoveryExemption/expirationDateTime"},
	} {
		err := access.Check(everyone(c.change), known)
		said, ok := errors.AsType[*fault.Error](err)
		switch {
		case c.target == "" && err != nil:
			t.Errorf("%s: %v", c.name, err)
		case c.target != "" && (!ok || said.Target != c.target):
			t.Errorf("%s: %v of %v, want it of %s", c.name, err, said, c.target)
		}
		if c.target == "" {
			set(t, everyone(c.change)) // what may be saved can be compiled
		}
	}
}

func TestBuiltInStrengthsAreGraphs(t *testing.T) {
	for _, s := range access.BuiltIn() {
		if !s.BuiltIn || s.Satisfies() != "mfa" || s.CreatedAt.Format(time.RFC3339) != "2021-12-01T00:00:00Z" {
			t.Errorf("%+v", s)
		}
		for _, pass := range []access.Modes{access.PassOneTime, access.PassMultiUse} {
			if got := s.MetBy(access.Methods{Modes: pass}); got != (s.ID == access.StrengthMFA) {
				t.Errorf("%s with %s: %v", s.DisplayName, pass, got)
			}
		}
		if s.Resistant() != (s.ID == access.StrengthPhishingResistant) {
			t.Errorf("%s is phishing-resistant: %v", s.DisplayName, s.Resistant())
		}
	}
	all := access.BuiltIn()[0].Combinations
	if len(all) != 17 || !slices.Contains(all, access.Password|access.SMS) {
		t.Errorf("MFA has %d combinations", len(all))
	}
	if s := (&access.Strength{Combinations: []access.Modes{access.Password}}); s.Satisfies() != "none" {
		t.Error("a password is two factors")
	}
}

func TestWhichStrengthsAndLocationsMayBeSaved(t *testing.T) {
	strength := func(change func(*access.Strength)) error {
		s := access.Strength{DisplayName: "Ours", Combinations: []access.Modes{access.FIDO2, access.PassOneTime}, AAGUIDs: []string{goodKey}}
		change(&s)
		return access.CheckStrength(s)
	}
	location := func(change func(*access.Location)) error {
		l := access.Location{DisplayName: "Office", Trusted: true, Networks: []string{"203.0.113.0/24"}}
		change(&l)
		return access.CheckLocation(l, true)
	}
	for name, err := range map[string]error{
		"strength": strength(func(*access.Strength) {}), "location": location(func(*access.Location) {}),
		"countries": location(func(l *access.Location) {
			*l = access.Location{DisplayName: "x", Countries: []string{"FR"}, Unknown: true}
		}),
	} {
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, err := range map[string]error{
		"no name":              strength(func(s *access.Strength) { s.DisplayName = "" }),
		"nothing":              strength(func(s *access.Strength) { s.Combinations = nil }),
		"sms and voice":        strength(func(s *access.Strength) { s.Combinations = append(s.Combinations, access.SMS|access.Voice) }),
		"a model that is none": strength(func(s *access.Strength) { s.AAGUIDs = []string{"yubikey"} }),
		"models without fido2": strength(func(s *access.Strength) { s.Combinations = s.Combinations[1:] }),
	} {
		if !errors.Is(err, access.ErrStrength) {
			t.Errorf("strength, %s: %v", name, err)
		}
	}
	for name, err := range map[string]error{
		"no name":                  location(func(l *access.Location) { l.DisplayName = "" }),
		"nowhere":                  location(func(l *access.Location) { l.Networks = nil }),
		"both":                     location(func(l *access.Location) { l.Trusted, l.Countries = false, []string{"FR"} }),
		"a trusted country":        location(func(l *access.Location) { l.Networks, l.Countries = nil, []string{"FR"} }),
		"half the net":             location(func(l *access.Location) { l.Networks = []string{"128.0.0.0/1"} }),
		"an address":               location(func(l *access.Location) { l.Networks = []string{"203.0.113.1"} }),
		"no country":               location(func(l *access.Location) { *l = access.Location{DisplayName: "x", Countries: []string{"France"}} }),
		"countries without a file": access.CheckLocation(access.Location{DisplayName: "x", Countries: []string{"FR"}}, false),
	} {
		if !errors.Is(err, access.ErrLocation) {
			t.Errorf("location, %s: %v", name, err)
		}
	}
}
