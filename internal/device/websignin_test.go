package device_test

import (
	"testing"
	"time"

	"github.com/postern-id/postern/internal/device"
	"github.com/postern-id/postern/internal/devicepolicy"
	"github.com/postern-id/postern/internal/directory"
)

// ready is a device on which nothing is missing.
func ready() device.SignInFacts {
	d := directory.Device{
		AccountEnabled: true, OperatingSystem: "Linux", OperatingSystemVersion: "Debian GNU/Linux 12", TrustType: directory.TrustJoined,
		CertificateEndsAt: nine.AddDate(0, 1, 0), SeenAt: nine.Add(-time.Hour),
	}
	return device.SignInFacts{
		Device: d, Status: device.Status{PolicyApplied: nine.Add(-time.Minute).UnixMicro()}, ReportedAt: nine.Add(-time.Minute),
		Policy:          devicepolicy.Resolve(devicepolicy.FactsOf(d)),
		PolicyChangedAt: nine.Add(-time.Minute), Methods: []string{"FIDO2 security key"}, Enough: true,
	}
}

func TestEachPrerequisiteOfWebSignInFailsByItself(t *testing.T) {
	windows := func(version string) func(*device.SignInFacts) {
		return func(f *device.SignInFacts) {
			f.Device.OperatingSystem, f.Device.OperatingSystemVersion = "Windows", version
		}
	}
	set := func(uri string, v devicepolicy.Value) func(*device.SignInFacts) {
		return func(f *device.SignInFacts) {
			facts := devicepolicy.FactsOf(f.Device)
			facts.Policies = []devicepolicy.Policy{{
				ID: "a", Name: "Kiosks", Settings: map[string]devicepolicy.Value{uri: v},
				Assignments: []devicepolicy.Assignment{{Target: devicepolicy.AllDevices}},
			}}
			f.Policy = devicepolicy.Resolve(facts)
		}
	}
	heard := func(ago time.Duration) func(*device.SignInFacts) {
		return func(f *device.SignInFacts) { f.Device.SeenAt, f.ReportedAt = nine.Add(-ago), nine.Add(-ago-time.Hour) }
	}
	for _, c := range []struct {
		name  string
		with  func(*device.SignInFacts)
		check string // the one that is not passed; "" for none
		state device.Check
	}{
		{"nothing is missing", func(*device.SignInFacts) {}, "", ""},
		{"switched off", func(f *device.SignInFacts) { f.Device.AccountEnabled = false }, "enabled", device.Fail},
		{"it waits for approval", func(f *device.SignInFacts) { f.Device.Approval = directory.Pending }, "approved", device.Fail},
		{"refused", func(f *device.SignInFacts) { f.Device.Approval = directory.Refused }, "approved", device.Fail},
		{"registered only", func(f *device.SignInFacts) { f.Device.TrustType = directory.TrustRegistered }, "", ""},
		{"joined to a domain too", func(f *device.SignInFacts) { f.Device.TrustType = directory.TrustHybrid }, "", ""},
		{"Windows 11 22H2 with KB5030310", windows("10.0.22621.2361"), "", ""},
		{"a later one", windows("10.0.26100.1"), "", ""},
		{"22H2 before KB5030310", windows("10.0.22621.2360"), "platform", device.Fail},
		{"Windows 10", windows("10.0.19045.3570"), "platform", device.Fail},
		{"a Windows that doesn't say which", windows(""), "platform", device.Warn},
		{"a Windows that says words", windows("eleven"), "platform", device.Warn},
		{"another system", func(f *device.SignInFacts) { f.Device.OperatingSystem = "macOS" }, "platform", device.Fail},
		{"no certificate", func(f *device.SignInFacts) { f.Device.CertificateEndsAt = time.Time{} }, "certificate", device.Fail},
		{"a certificate that ends now", func(f *device.SignInFacts) { f.Device.CertificateEndsAt = nine }, "certificate", device.Fail},
		{"heard of within a day", heard(24*time.Hour - time.Second), "", ""},
		{"silent for a day", heard(24 * time.Hour), "online", device.Warn},
		{"silent for a month", heard(30 * 24 * time.Hour), "online", device.Fail},
		{"no report yet", func(f *device.SignInFacts) { f.ReportedAt = time.Time{} }, "policyReached", device.Warn},
		{"a policy changed after it was read", func(f *device.SignInFacts) { f.PolicyChangedAt = nine }, "policyReached", device.Warn},
		{"a policy switches it off", set(devicepolicy.EnableWebSignIn, devicepolicy.IntValue(2)), "webSignIn", device.Fail},
		{"a policy hides it", set(devicepolicy.ExcludedCredentialProviders, devicepolicy.ListValue(devicepolicy.ProviderWebSignIn)), "offered", device.Fail},
		{"no method", func(f *device.SignInFacts) { f.Methods, f.Enough = nil, false }, "method", device.Fail},
		{"methods that are not enough", func(f *device.SignInFacts) { f.Enough = false }, "method", device.Fail},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := ready()
			c.with(&f)
			for _, p := range device.WebSignIn(f, nine) {
				want := device.Pass
				if p.Name == c.check {
					want = c.state
				}
				if p.State != want {
					t.Errorf("%s is %s, want %s: %s", p.Name, p.State, want, p.Detail)
				}
				if p.Detail == "" || (p.Fix == "") != (p.State == device.Pass) {
					t.Errorf("%s says %q and %q", p.Name, p.Detail, p.Fix)
				}
			}
		})
	}
}
