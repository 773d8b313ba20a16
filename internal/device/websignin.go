package device

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/postern-id/postern/internal/devicepolicy"
	"github.com/postern-id/postern/internal/directory"
)

// SignInFacts are what [WebSignIn] goes by.
type SignInFacts struct {
	Device     directory.Device
	Status     Status    // what its agent said last
	ReportedAt time.Time // and when; zero: nothing yet
	Policy     devicepolicy.Effective
	// PolicyChangedAt is when a policy that reaches the device was changed last; zero without one.
	PolicyChangedAt time.Time
	// Person is the display name of who wants to sign in; empty for nobody in particular.
	Person string
	// Methods are names of what can be used at a lock screen: by Person, or else by anybody. Enough
	// says that they amount to a sign-in.
	Methods []string
	Enough  bool
}

// How long a device may be silent.
const (
	quietAfter = 24 * time.Hour
	goneAfter  = 30 * 24 * time.Hour
)

// windowsBuild is the first one with web sign-in for everybody: Windows 11 22H2 with KB5030310.
// https://learn.microsoft.com/windows/security/identity-protection/web-sign-in
var windowsBuild = []int{10, 0, 22621, 2361}

// WebSignIn checks every prerequisite of web sign-in at the lock screen of a device, in the
// order in which they depend on each other, with what to do about each that is not met.
func WebSignIn(f SignInFacts, now time.Time) []Prerequisite {
	checks := []struct {
		name string
		look func(SignInFacts, time.Time) (Check, string, string)
	}{
		{"enabled", lookEnabled},
		{"approved", lookApproved},
		{"joined", lookJoin},
		{"platform", lookPlatform},
		{"certificate", lookCertificate},
		{"online", lookOnline},
		{"policyReached", lookReached},
		{"webSignIn", lookSwitch},
		{"offered", lookOffered},
		{"method", lookMethod},
	}
	var all []Prerequisite
	for _, one := range checks {
		state, detail, fix := one.look(f, now)
		if state == Pass {
			fix = ""
		}
		all = append(all, Prerequisite{Name: one.name, State: state, Detail: detail, Fix: fix})
	}
	return all
}

func lookEnabled(f SignInFacts, _ time.Time) (Check, string, string) {
	if !f.Device.AccountEnabled {
		return Fail, "The device is switched off.", "Switch it on, if it is where it should be."
	}
	return Pass, "The device is switched on.", ""
}

func lookApproved(f SignInFacts, _ time.Time) (Check, string, string) {
	switch f.Device.Approval {
	case directory.Pending:
		return Fail, "The device waits for approval.", "Approve it."
	case directory.Refused:
		return Fail, "An administrator has refused the device.", "Approve it after all, or delete it."
	}
	return Pass, "No approval is outstanding.", ""
}

// lookJoin says what the kind of join means: each has web sign-in (docs/device-protocol.md).
func lookJoin(f SignInFacts, _ time.Time) (Check, string, string) {
	switch f.Device.TrustType {
	case directory.TrustJoined:
		return Pass, "The device is joined.", ""
	case directory.TrustHybrid:
		return Pass, "The device is joined, and belongs to a directory domain as well.", ""
	}
	return Pass, "The device is registered, as somebody's own: only its owner signs in there.", ""
}

func lookPlatform(f SignInFacts, _ time.Time) (Check, string, string) {
	system, version := f.Device.OperatingSystem, f.Device.OperatingSystemVersion
	switch {
	case strings.EqualFold(system, "Linux"):
		return Pass, said(version, system) + " has web sign-in.", ""
	case !strings.EqualFold(system, "Windows"):
		return Fail, said(system, "This system") + " has no web sign-in.", "Use Linux, or Windows 11 22H2 or later."
	}
	have := build(version)
	switch {
	case len(have) < 3:
		return Warn, "Which Windows it is, the device didn't say.", "It takes Windows 11 22H2 with KB5030310 (10.0.22621.2361) or later."
	case slices.Compare(have, windowsBuild) < 0:
		return Fail, "Windows " + version + " has no web sign-in, or a limited one.", "Update it to Windows 11 22H2 with KB5030310 (10.0.22621.2361) or later."
	}
	return Pass, "Windows " + version + " has web sign-in.", ""
}

// build is a version such as 10.0.22621.2361 as numbers; nil when it is none.
func build(version string) []int {
	var all []int
	for part := range strings.SplitSeq(version, ".") {
		n, err := strconv.Atoi(part)
		if err != nil {
			return nil
		}
		all = append(all, n)
	}
	return all
}

func said(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}

func lookCertificate(f SignInFacts, now time.Time) (Check, string, string) {
	end := f.Device.CertificateEndsAt
	switch {
	case end.IsZero():
		return Fail, "The device has no certificate.", "On the device: postern-agent repair."
	case !now.Before(end):
		return Fail, "The device's certificate ended on " + end.Format(time.DateOnly) + ".", "On the device: postern-agent repair."
	}
	return Pass, "The device's certificate is good until " + end.Format(time.DateOnly) + ".", ""
}

func lookOnline(f SignInFacts, now time.Time) (Check, string, string) {
	last := f.ReportedAt
	if f.Device.SeenAt.After(last) {
		last = f.Device.SeenAt
	}
	fix := "Connect it to a network; web sign-in needs one. A device PIN works without."
	switch {
	case last.IsZero():
		return Fail, "The device was never heard of.", fix
	case now.Sub(last) >= goneAfter:
		return Fail, "The device was last heard of on " + last.Format(time.DateOnly) + ".", fix
	case now.Sub(last) >= quietAfter:
		return Warn, "The device was last heard of on " + last.Format(time.DateOnly) + ".", fix
	}
	return Pass, "The device was last heard of on " + last.UTC().Format("2006-01-02 at 15:04") + " UTC.", ""
}

func lookReached(f SignInFacts, _ time.Time) (Check, string, string) {
	applied := time.UnixMicro(f.Status.PolicyApplied).UTC()
	switch {
	case f.ReportedAt.IsZero() || f.Status.PolicyApplied == 0:
		return Warn, "The device has not said which policy it has.", "Wait for it to report, or run postern-agent status on it."
	case applied.Before(f.PolicyChangedAt):
		return Warn, "The device has the policy of " + applied.Format("2006-01-02 15:04") + " UTC; it was changed since.",
			"It reads the new one as soon as it reaches the server."
	}
	return Pass, "The device has the newest policy.", ""
}

func lookSwitch(f SignInFacts, _ time.Time) (Check, string, string) {
	o := f.Policy[devicepolicy.EnableWebSignIn]
	switch {
	case f.Policy.On(devicepolicy.EnableWebSignIn) && o.Source == devicepolicy.FromPolicy:
		return Pass, "The policy " + o.Policy.PolicyName + " switches web sign-in on.", ""
	case f.Policy.On(devicepolicy.EnableWebSignIn):
		return Pass, "Joining has switched web sign-in on.", ""
	case o.Source == devicepolicy.FromPolicy:
		return Fail, "The policy " + o.Policy.PolicyName + " switches web sign-in off.", "Take the device out of that policy, or set Enable web sign-in to 1 (on) there."
	}
	return Fail, "Nothing switches web sign-in on.", "Assign a policy to the device in which Enable web sign-in is 1 (on)."
}

func lookOffered(f SignInFacts, _ time.Time) (Check, string, string) {
	hidden := f.Policy[devicepolicy.ExcludedCredentialProviders]
	if slices.ContainsFunc(hidden.Value.List(), func(id string) bool { return strings.EqualFold(id, devicepolicy.ProviderWebSignIn) }) {
		return Fail, fmt.Sprintf("The policy %s hides web sign-in.", hidden.Policy.PolicyName), "Take web sign-in off Hidden sign-in options there."
	}
	return Pass, "The lock screen shows it.", ""
}

func lookMethod(f SignInFacts, _ time.Time) (Check, string, string) {
	who, fix := "People", "Enable a method for them, or allow one on lock screens."
	if f.Person != "" {
		who, fix = f.Person, "Issue a pass; it works once and lets "+f.Person+" set up a method."
	}
	switch {
	case len(f.Methods) == 0:
		return Fail, who + " can use no method there.", fix
	case !f.Enough:
		return Fail, who + " can use there only: " + strings.Join(f.Methods, ", ") + ". That is not enough for a sign-in.", fix
	}
	return Pass, who + " can use there: " + strings.Join(f.Methods, ", ") + ".", ""
}
