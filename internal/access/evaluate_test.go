package access_test

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/postern-id/postern/internal/access"
	"github.com/postern-id/postern/internal/directory"
)

const (
	ann      = "aaaaaaaa-0000-4000-8000-000000000001"
	helpdesk = "bbbbbbbb-0000-4000-8000-000000000001" // a group
	admins   = "62e90394-69f5-4237-9190-012177145e10" // a role
	mailApp  = "cccccccc-0000-4000-8000-000000000001"
	payroll  = "cccccccc-0000-4000-8000-000000000002"
	backup   = "dddddddd-0000-4000-8000-000000000001" // a service principal
	office   = "eeeeeeee-0000-4000-8000-000000000001"
	abroad   = "eeeeeeee-0000-4000-8000-000000000002"
	nowhere  = "eeeeeeee-0000-4000-8000-000000000003"
	keysOnly = "ffffffff-0000-4000-8000-000000000001" // strengths
	withPass = "ffffffff-0000-4000-8000-000000000002"
	goodKey  = "1a1a1a1a-2b2b-4c3c-8d4d-5e5e5e5e5e5e" // an AAGUID
)

var nine = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

var places = []access.Location{
	{ID: office, Trusted: true, Networks: []string{"203.0.113.0/24", "203.0.113.16/28", "2001:db8::/32"}},
	{ID: abroad, Countries: []string{"FR", "de"}},
	{ID: nowhere, Unknown: true},
}

var strengths = []access.Strength{
	{ID: keysOnly, DisplayName: "Our keys", Combinations: []access.Modes{access.FIDO2}, AAGUIDs: []string{goodKey}},
	{ID: withPass, DisplayName: "Begin", Combinations: []access.Modes{access.PassOneTime, access.FIDO2}},
}

// atlas is a small map of the world.
type atlas struct{}

func (atlas) Country(a netip.Addr) string {
	if netip.MustParsePrefix("192.0.2.0/24").Contains(a) {
		return "FR"
	}
	return ""
}

func set(t testing.TB, policies ...access.Policy) *access.Set {
	t.Helper()
	s, err := access.Compile(policies, places, strengths, atlas{})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// everyone is a policy that blocks everybody everywhere, changed by change.
func everyone(change func(*access.Policy)) access.Policy {
	p := access.Policy{
		ID: "p", DisplayName: "Policy", State: access.Enabled,
		Conditions: access.Conditions{
			Users: access.Users{IncludeUsers: []string{access.All}}, Applications: access.Applications{Include: []string{access.All}},
		},
		Grant: &access.Grant{Operator: "OR", Controls: []access.Control{access.Block}},
	}
	if change != nil {
		change(&p)
	}
	return p
}

// usual is Ann in her browser, asking for her mail from the office.
func usual() access.Request {
	return access.Request{
		At: nine, Subject: access.Subject{User: ann, Groups: []directory.GroupID{helpdesk}, Roles: []directory.RoleID{admins}},
		App: mailApp, Client: access.Browser, Platform: "linux", Address: netip.MustParseAddr("203.0.113.9"),
	}
}

func TestAPolicyAppliesWhereAllItsConditionsHold(t *testing.T) {
	type policy = access.Policy
	type request = access.Request
	from := func(address string) func(*request) {
		return func(r *request) { r.Address = netip.MustParseAddr(address) }
	}
	device := func(change func(*access.Device)) func(*request) {
		return func(r *request) {
			d := access.Device{Device: directory.Device{DisplayName: "LAP-1", OperatingSystem: "Linux", AccountEnabled: true, TrustType: directory.TrustJoined}}
			change(&d)
			r.Device = &d
		}
	}
	users := func(u access.Users) func(*policy) { return func(p *policy) { p.Conditions.Users = u } }
	apps := func(a access.Applications) func(*policy) {
		return func(p *policy) { p.Conditions.Applications = a }
	}
	where := func(in, out []string) func(*policy) {
		return func(p *policy) { p.Conditions.Locations = &access.Targets{Include: in, Exclude: out} }
	}
	systems := func(in, out []string) func(*policy) {
		return func(p *policy) { p.Conditions.Platforms = &access.Platforms{Include: in, Exclude: out} }
	}
	clients := func(types ...string) func(*policy) {
		return func(p *policy) { p.Conditions.ClientAppTypes = types }
	}
	filter := func(mode, rule string) func(*policy) {
		return func(p *policy) {
			p.Conditions.Devices = &access.Devices{Filter: &access.DeviceFilter{Mode: mode, Rule: rule}}
		}
	}
	flow := func(ways string) func(*policy) {
		return func(p *policy) { p.Conditions.Flows = &access.Flows{TransferMethods: ways} }
	}
	workloads := func(in, out []string) func(*policy) {
		return func(p *policy) {
			p.Conditions.Users = access.Users{IncludeUsers: []string{access.None}}
			p.Conditions.Workloads = &access.Workloads{Include: in, Exclude: out}
		}
	}
	one := func(id string) []string { return []string{id} }
	workload := func(r *request) { r.Subject = access.Subject{Workload: backup} }
	guest := func(r *request) { r.Subject.Guest = true }
	action := func(a string) func(*request) { return func(r *request) { r.App, r.Action = "", a } }
	same := func(*request) {}

	for _, c := range []struct {
		name    string
		policy  func(*policy)
		request func(*request)
		applies bool
	}{
		{"everybody", nil, same, true},
		{"nobody", users(access.Users{IncludeUsers: one(access.None)}), same, false},
		{"the person", users(access.Users{IncludeUsers: one(ann)}), same, true},
		{"the person, in capitals", users(access.Users{IncludeUsers: one("AAAAAAAA-0000-4000-8000-000000000001")}), same, true},
		{"another person", users(access.Users{IncludeUsers: one(payroll)}), same, false},
		{"her group", users(access.Users{IncludeGroups: one(helpdesk)}), same, true},
		{"another group", users(access.Users{IncludeGroups: one(payroll)}), same, false},
		{"her role", users(access.Users{IncludeRoles: one(admins)}), same, true},
		{"another role", users(access.Users{IncludeRoles: one(payroll)}), same, false},
		{"all but her", users(access.Users{IncludeUsers: one(access.All), ExcludeUsers: one(ann)}), same, false},
		{"all but her group", users(access.Users{IncludeUsers: one(access.All), ExcludeGroups: one(helpdesk)}), same, false},
		{"all but her role", users(access.Users{IncludeUsers: one(access.All), ExcludeRoles: one(admins)}), same, false},
		{"an exception wins over being named", users(access.Users{IncludeUsers: one(ann), ExcludeGroups: one(helpdesk)}), same, false},
		{"guests, and she is none", users(access.Users{IncludeUsers: one(access.Guests)}), same, false},
		{"guests, and she is one", users(access.Users{IncludeUsers: one(access.Guests)}), guest, true},
		{"all but guests", users(access.Users{IncludeUsers: one(access.All), ExcludeUsers: one(access.Guests)}), guest, false},
		{"guests of a kind", users(access.Users{IncludeGuests: &access.GuestTypes{Types: "internalGuest,serviceProvider"}}), guest, true},
		{"guests of a kind that there is not", users(access.Users{IncludeGuests: &access.GuestTypes{Types: "serviceProvider"}}), guest, false},
		{"all but guests of a kind", users(access.Users{IncludeUsers: one(access.All), ExcludeGuests: &access.GuestTypes{Types: "b2bCollaborationGuest"}}), guest, false},

		{"people, not service principals", nil, workload, false},
		{"all service principals", workloads(one(access.AllWorkloads), nil), workload, true},
		{"this service principal", workloads(one(backup), nil), workload, true},
		{"another service principal", workloads(one(payroll), nil), workload, false},
		{"all but this service principal", workloads(one(access.AllWorkloads), one(backup)), workload, false},
		{"service principals, not people", workloads(one(access.AllWorkloads), nil), same, false},

		{"the application", apps(access.Applications{Include: one(mailApp)}), same, true},
		{"another application", apps(access.Applications{Include: one(payroll)}), same, false},
		{"no application", apps(access.Applications{Include: one(access.None)}), same, false},
		{"the API that it asks for", apps(access.Applications{Include: one(payroll)}), func(r *request) { r.Resource = payroll }, true},
		{"all but the application", apps(access.Applications{Include: one(access.All), Exclude: one(mailApp)}), same, false},
		{"all but the application, which asks for another", apps(access.Applications{Include: one(access.All), Exclude: one(mailApp)}), func(r *request) { r.Resource = payroll }, true},
		{"all but both", apps(access.Applications{Include: one(access.All), Exclude: []string{mailApp, payroll}}), func(r *request) { r.Resource = payroll }, false},
		{"administrators' applications", apps(access.Applications{Include: one(access.Admin)}), func(r *request) { r.App = directory.ConsoleAppID }, true},
		{"administrators' applications, and it is none", apps(access.Applications{Include: one(access.Admin)}), same, false},
		{"the user action", apps(access.Applications{UserActions: one(access.RegisterSecurityInfo)}), action(access.RegisterSecurityInfo), true},
		{"another user action", apps(access.Applications{UserActions: one(access.RegisterDevice)}), action(access.RegisterSecurityInfo), false},
		{"a user action, and it is an application", apps(access.Applications{UserActions: one(access.RegisterSecurityInfo)}), same, false},
		{"all applications hold for user actions, too", nil, action(access.RegisterSecurityInfo), true},
		{"the context", apps(access.Applications{Contexts: one("c1")}), func(r *request) { r.Context = "c1" }, true},
		{"another context", apps(access.Applications{Contexts: one("c1")}), func(r *request) { r.Context = "c2" }, false},
		{"a context that is not asked for", apps(access.Applications{Contexts: one("c1")}), same, false},

		{"all clients", clients("all"), same, true},
		{"browsers", clients(access.Browser), same, true},
		{"other clients", clients(access.NativeClient, access.OtherClient), same, false},

		{"all platforms", systems(one("all"), nil), same, true},
		{"all platforms, an unknown one included", systems(one("all"), nil), func(r *request) { r.Platform = "" }, true},
		{"the platform", systems(one("linux"), nil), same, true},
		{"another platform", systems([]string{"windows", "macOS", "android", "iOS"}, nil), same, false},
		{"a platform, and none is known", systems(one("linux"), nil), func(r *request) { r.Platform = "" }, false},
		{"all platforms but this", systems(one("all"), one("linux")), same, false},
		{"all platforms but another", systems(one("all"), one("windows")), same, true},

		{"any place", where(one(access.All), nil), same, true},
		{"the office", where(one(office), nil), same, true},
		{"the office, first address", where(one(office), nil), from("203.0.113.0"), true},
		{"the office, last address", where(one(office), nil), from("203.0.113.255"), true},
		{"one before the office", where(one(office), nil), from("203.0.112.255"), false},
		{"one after the office", where(one(office), nil), from("203.0.114.0"), false},
		{"the office by IPv6", where(one(office), nil), from("2001:db8:1::1"), true},
		{"the office's IPv4 written as IPv6", where(one(office), nil), from("::ffff:203.0.113.9"), true},
		{"away from the office", where(one(office), nil), from("198.51.100.1"), false},
		{"any place but the office", where(one(access.All), one(office)), same, false},
		{"any place but the office, from away", where(one(access.All), one(office)), from("198.51.100.1"), true},
		{"any place but trusted ones", where(one(access.All), one(access.AllTrusted)), same, false},
		{"trusted places", where(one(access.AllTrusted), nil), same, true},
		{"trusted places, from away", where(one(access.AllTrusted), nil), from("198.51.100.1"), false},
		{"no address is in no place", where(one(office), nil), func(r *request) { r.Address = netip.Addr{} }, false},
		{"no address is still any place", where(one(access.All), one(office)), func(r *request) { r.Address = netip.Addr{} }, true},
		{"a country, looked up", where(one(abroad), nil), from("192.0.2.1"), true},
		{"a country, told", where(one(abroad), nil), func(r *request) { r.Country = "DE" }, true},
		{"another country", where(one(abroad), nil), func(r *request) { r.Country = "US" }, false},
		{"an unknown country", where(one(nowhere), nil), from("198.51.100.1"), true},
		{"an unknown country, and it is known", where(one(nowhere), nil), from("192.0.2.1"), false},

		{"the device", filter("include", `device.displayName -startsWith "LAP"`), device(func(*access.Device) {}), true},
		{"another device", filter("include", `device.displayName -startsWith "LAP"`), device(func(d *access.Device) { d.DisplayName = "X" }), false},
		{"all but the device", filter("exclude", `device.displayName -startsWith "LAP"`), device(func(*access.Device) {}), false},
		{"a device, and there is none", filter("include", `device.displayName -startsWith "LAP"`), same, false},
		{"all but a device, and there is none", filter("exclude", `device.displayName -startsWith "LAP"`), same, true},
		{"what is not, and there is none", filter("include", `device.displayName -ne "LAP-1"`), same, true},
		{"compliant devices", filter("include", `device.isCompliant -eq True`), device(func(d *access.Device) { d.Compliant = true }), true},
		{"compliant devices, and it is not", filter("include", `device.isCompliant -eq True`), device(func(*access.Device) {}), false},
		{"compliant devices, and there is none", filter("include", `device.isCompliant -eq True`), same, false},

		{"low sign-in risk", func(p *policy) { p.Conditions.SignInRisk = []access.Risk{access.RiskLow, access.RiskHigh} }, func(r *request) { r.SignInRisk = access.RiskLow }, true},
		{"high sign-in risk, and it is medium", func(p *policy) { p.Conditions.SignInRisk = []access.Risk{access.RiskHigh} }, func(r *request) { r.SignInRisk = access.RiskMedium }, false},
		{"sign-in risk, and there is none", func(p *policy) { p.Conditions.SignInRisk = []access.Risk{access.RiskLow} }, same, false},
		{"no sign-in risk", func(p *policy) { p.Conditions.SignInRisk = []access.Risk{access.RiskNone} }, same, true},
		{"user risk", func(p *policy) { p.Conditions.UserRisk = []access.Risk{access.RiskHigh} }, func(r *request) { r.UserRisk = access.RiskHigh }, true},
		{"user risk is not sign-in risk", func(p *policy) { p.Conditions.UserRisk = []access.Risk{access.RiskHigh} }, func(r *request) { r.SignInRisk = access.RiskHigh }, false},
		{"risk of a service principal", func(p *policy) {
			workloads(one(backup), nil)(p)
			p.Conditions.WorkloadRisk = []access.Risk{access.RiskHigh}
		}, func(r *request) { workload(r); r.WorkloadRisk = access.RiskHigh }, true},

		{"device codes", flow("deviceCodeFlow"), func(r *request) { r.Flow = access.DeviceCodeFlow }, true},
		{"device codes, among others", flow("authenticationTransfer, deviceCodeFlow"), func(r *request) { r.Flow = access.DeviceCodeFlow }, true},
		{"device codes, and it is none", flow("deviceCodeFlow"), same, false},
		{"no flow is no condition", flow("none"), same, true},

		{"switched off", func(p *policy) { p.State = access.Disabled }, same, false},
	} {
		r := usual()
		c.request(&r)
		s := set(t, everyone(c.policy))
		d := s.Evaluate(r)
		if d.Blocked != c.applies || d.Met == c.applies || len(d.Applied) != map[bool]int{true: 1}[c.applies] {
			t.Errorf("%s: blocked %v, met %v, applied %v", c.name, d.Blocked, d.Met, d.Applied)
		}
	}
}

func proof(mode access.Modes) access.Proof { return access.Proof{Mode: mode, At: nine} }

func TestGrantsAskForWhatTheySay(t *testing.T) {
	compliant := &access.Device{Compliant: true}
	hybrid := &access.Device{Device: directory.Device{TrustType: directory.TrustHybrid}}
	asks := func(operator string, controls ...access.Control) access.Policy {
		return everyone(func(p *access.Policy) { p.Grant = &access.Grant{Operator: operator, Controls: controls} })
	}
	strong := func(operator, id string, controls ...access.Control) access.Policy {
		return everyone(func(p *access.Policy) {
			p.Grant = &access.Grant{Operator: operator, Controls: controls, Strength: &access.Reference{ID: id}}
		})
	}
	shown := func(modes ...access.Modes) func(*access.Request) {
		return func(r *access.Request) {
			for _, m := range modes {
				r.Proofs = append(r.Proofs, proof(m))
			}
		}
	}
	key := func(model string) func(*access.Request) {
		return func(r *access.Request) {
			r.Proofs = []access.Proof{{Mode: access.FIDO2, At: nine, AAGUID: model}}
		}
	}
	on := func(d *access.Device, modes ...access.Modes) func(*access.Request) {
		return func(r *access.Request) { shown(modes...)(r); r.Device = d }
	}
	byCode := func(modes ...access.Modes) func(*access.Request) {
		return func(r *access.Request) { shown(modes...)(r); r.Flow = access.DeviceCodeFlow }
	}
	const mfa, comply, joined, block = access.MFA, access.CompliantDevice, access.DomainJoinedDevice, access.Block
	const met, unmet, blocked = "met", "unmet", "blocked"
	for _, c := range []struct {
		name    string
		policy  access.Policy
		request func(*access.Request)
		want    string
		reason  access.Control
	}{
		{"block", asks("OR", block), shown(access.FIDO2), blocked, block},
		{"nothing", everyone(func(p *access.Policy) { p.Grant = nil }), shown(), met, ""},

		{"mfa at the beginning", asks("OR", mfa), shown(), unmet, ""},
		{"mfa with a password", asks("OR", mfa), shown(access.Password), unmet, ""},
		{"mfa with a password and a code", asks("OR", mfa), shown(access.Password, access.SoftwareOath), met, ""},
		{"mfa with a code by mail", asks("OR", mfa), shown(access.Password, access.Email), unmet, ""},
		{"mfa with two of a kind", asks("OR", mfa), shown(access.SoftwareOath, access.AuthenticatorPush), unmet, ""},
		{"mfa with a passkey", asks("OR", mfa), shown(access.FIDO2), met, ""},
		{"mfa with a pass for once", asks("OR", mfa), shown(access.PassOneTime), met, ""},
		{"mfa with a pass for many times", asks("OR", mfa), shown(access.PassMultiUse), met, ""},
		{"mfa done elsewhere", asks("OR", mfa), shown(access.FederatedMulti), met, ""},
		{"one factor elsewhere", asks("OR", mfa), shown(access.FederatedSingle), unmet, ""},
		{"one factor elsewhere and a push", asks("OR", mfa), shown(access.FederatedSingle, access.AuthenticatorPush), met, ""},
		{"mfa that a proof says it is", asks("OR", mfa), func(r *access.Request) {
			r.Proofs = []access.Proof{{Mode: access.AuthenticatorPush, At: nine, MFA: true}}
		}, met, ""},

		{"a compliant device", asks("OR", comply), on(compliant), met, ""},
		{"a compliant device, on another", asks("OR", comply), on(hybrid, access.FIDO2), blocked, comply},
		{"a compliant device, on none", asks("OR", comply), shown(access.FIDO2), blocked, comply},
		{"a hybrid-joined device", asks("OR", joined), on(hybrid), met, ""},
		{"a hybrid-joined device, on another", asks("OR", joined), on(compliant), blocked, joined},

		{"mfa or a compliant device, on none", asks("OR", mfa, comply), shown(access.Password), unmet, ""},
		{"mfa or a compliant device, with mfa", asks("OR", mfa, comply), shown(access.FIDO2), met, ""},
		{"mfa or a compliant device, on one", asks("OR", mfa, comply), on(compliant, access.Password), met, ""},
		{"one device or the other, on neither", asks("OR", comply, joined), shown(access.FIDO2), blocked, comply},
		{"one device or the other, on the other", asks("OR", comply, joined), on(hybrid), met, ""},
		{"mfa and a compliant device, on none", asks("AND", mfa, comply), shown(access.FIDO2), blocked, comply},
		{"mfa and a compliant device, on one", asks("AND", mfa, comply), on(compliant, access.Password), unmet, ""},
		{"mfa and a compliant device, with both", asks("AND", mfa, comply), on(compliant, access.FIDO2), met, ""},
		{"both devices, on one of them", asks("AND", comply, joined), on(compliant), blocked, joined},

		{"MFA as a strength, pass for once", strong("OR", access.StrengthMFA), shown(access.PassOneTime), met, ""},
		{"MFA as a strength, pass for many times", strong("OR", access.StrengthMFA), shown(access.PassMultiUse), met, ""},
		{"MFA as a strength, password and text", strong("OR", access.StrengthMFA), shown(access.SMS, access.Password), met, ""},
		{"MFA as a strength, password", strong("OR", access.StrengthMFA), shown(access.Password), unmet, ""},
		{"passwordless, pass for once", strong("OR", access.StrengthPasswordless), shown(access.PassOneTime), unmet, ""},
		{"passwordless, pass for many times", strong("OR", access.StrengthPasswordless), shown(access.PassMultiUse), unmet, ""},
		{"passwordless, phone alone", strong("OR", access.StrengthPasswordless), shown(access.DeviceBasedPush), met, ""},
		{"phishing-resistant, phone alone", strong("OR", access.StrengthPhishingResistant), shown(access.DeviceBasedPush), unmet, ""},
		{"phishing-resistant, pass for once", strong("OR", access.StrengthPhishingResistant), shown(access.PassOneTime), unmet, ""},
		{"phishing-resistant, device PIN", strong("OR", access.StrengthPhishingResistant), shown(access.WindowsHello), met, ""},
		{"phishing-resistant, passkey", strong("OR", access.StrengthPhishingResistant), shown(access.Password, access.FIDO2), met, ""},
		{"phishing-resistant, passkey beside a device code", strong("OR", access.StrengthPhishingResistant), byCode(access.FIDO2), blocked, access.StrengthControl},
		{"MFA as a strength, passkey beside a device code", strong("OR", access.StrengthMFA), byCode(access.FIDO2), met, ""},
		{"a strength or a device, by device code on neither", strong("OR", access.StrengthPhishingResistant, comply), byCode(access.FIDO2), blocked, comply},
		{"our keys, with ours", strong("OR", keysOnly), key(goodKey), met, ""},
		{"our keys, in capitals", strong("OR", keysOnly), key(strings.ToUpper(goodKey)), met, ""},
		{"our keys, with another", strong("OR", keysOnly), key(mailApp), unmet, ""},
		{"our keys, with a nameless one", strong("OR", keysOnly), key(""), unmet, ""},
		{"a strength with passes, pass for once", strong("OR", withPass), shown(access.PassOneTime), met, ""},
		{"a strength with passes for once, pass for many times", strong("OR", withPass), shown(access.PassMultiUse), unmet, ""},
		{"a strength or a device, on the device", strong("OR", keysOnly, comply), on(compliant), met, ""},
		{"a strength and a device, without the device", strong("AND", withPass, comply), shown(access.FIDO2), blocked, comply},
	} {
		r := usual()
		c.request(&r)
		d := set(t, c.policy).Evaluate(r)
		got := map[[2]bool]string{{false, true}: met, {false, false}: unmet, {true, false}: blocked}[[2]bool{d.Blocked, d.Met}]
		if got != c.want || d.Reason != c.reason || (d.By == nil) != (c.want == met) {
			t.Errorf("%s: %s because of %q, by %v; want %s because of %q", c.name, got, d.Reason, d.By, c.want, c.reason)
		}
		want := map[string]access.Result{met: access.Success, unmet: access.Failure, blocked: access.Failure}[c.want]
		if len(d.Applied) != 1 || d.Applied[0].Result != want {
			t.Errorf("%s: applied %v", c.name, d.Applied)
		}
		// The same policy that only reports is met whatever it says, and says what would have been.
		c.policy.State = access.ReportOnly
		d = set(t, c.policy).Evaluate(r)
		want = map[string]access.Result{met: access.ReportedSuccess, unmet: access.ReportedInterrupted, blocked: access.ReportedFailure}[c.want]
		if !d.Met || d.Blocked || d.MFA || len(d.Strengths) > 0 || d.By != nil || d.Applied[0].Result != want {
			t.Errorf("%s, report-only: %+v", c.name, d)
		}
	}
}
