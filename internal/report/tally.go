package report

import (
	"fmt"
	"slices"

	"github.com/postern-id/postern/internal/audit"
)

// Tallies are counts by name. The names are few and fixed: those below, and those of methods,
// strengths, waits and presets after their prefix.
type Tallies map[string]int

// Names of tallies.
const (
	PassesIssued  = "pass.issued"
	PassesUsed    = "pass.used"    // for the first time
	PassesUnused  = "pass.unused"  // ended without being used
	PassesRefused = "pass.refused" // tries
	SignInsFailed = "signIn.failed"
	PINsSetUp     = "pin.setUp"
	PINsReset     = "pin.reset"

	byMethod   = "signIn.method."
	byStrength = "signIn.strength."
	byWait     = "pass.wait."
	byPreset   = "pass.for."
)

// Presets are what passes were issued for: the preset, if whoever issued them said one, or what made them.
var Presets = []string{"recoverDevice", "newDevice", "newEmployee", forCase, forWorkflow, "other"}

// What makes passes without a preset.
const (
	forCase     = "recoveryCase"
	forWorkflow = "workflow"
)

func presetName(logged string) string {
	if slices.Contains(Presets, logged) {
		return logged
	}
	return "other"
}

// Preset returns how many passes were issued by the preset.
func (t Tallies) Preset(name string) int { return t[byPreset+name] }

// Methods are the names by which sign-ins are counted, as Graph calls the methods.
var Methods = []string{"windowsHelloForBusiness", "fido2", "microsoftAuthenticator", "temporaryAccessPass", "softwareOath", "password", "other"}

// methodNames are those by what the log calls a method.
var methodNames = map[string]string{
	audit.MethodHello: "windowsHelloForBusiness", audit.MethodPasskey: "fido2", audit.MethodAuthenticator: "microsoftAuthenticator",
	audit.MethodPass: "temporaryAccessPass", audit.MethodCodes: "softwareOath", audit.MethodPassword: "password",
}

func methodName(logged string) string {
	if name, ok := methodNames[logged]; ok {
		return name
	}
	return "other"
}

// Strengths of a whole sign-in, strongest first: what its proofs amount to together.
var Strengths = []string{PhishingResistant, MultiFactor, AccessPass, SingleFactor}

// The strengths.
const (
	PhishingResistant = "phishingResistant"
	MultiFactor       = "multiFactor"
	AccessPass        = "temporaryAccessPass"
	SingleFactor      = "singleFactor"
)

// strengthOf is what proofs by methods show together. A phone alone counts for two factors: where
// it shows one only, it does not sign in by itself.
func strengthOf(methods []string) string {
	has := func(name string) bool { return slices.Contains(methods, name) }
	switch {
	case has("windowsHelloForBusiness"), has("fido2"):
		return PhishingResistant
	case has("temporaryAccessPass"):
		return AccessPass
	case has("microsoftAuthenticator"), len(methods) > 1:
		return MultiFactor
	}
	return SingleFactor
}

// Method returns how many sign-ins used the method.
func (t Tallies) Method(name string) int { return t[byMethod+name] }

// Strength returns how many sign-ins were that strong.
func (t Tallies) Strength(name string) int { return t[byStrength+name] }

// Add adds what other has.
func (t Tallies) Add(other Tallies) {
	for name, n := range other {
		t[name] += n
	}
}

// countSignIn adds a person's own sign-in, or their failure.
func (t Tallies) countSignIn(s *audit.SignIn) {
	if s.EventType != audit.InteractiveUser {
		return
	}
	if s.ErrorCode != 0 {
		t[SignInsFailed] += tries(s)
		if last := len(s.Details) - 1; last >= 0 && s.Details[last].Method == audit.MethodPass {
			t[PassesRefused] += tries(s)
		}
		return
	}
	var all, fresh []string
	for _, d := range s.Details {
		if !d.Succeeded || d.Method == audit.MethodPreviously {
			continue
		}
		name := methodName(d.Method)
		if !slices.Contains(all, name) {
			all = append(all, name)
		}
		if d.ResultDetail != audit.PreviouslySatisfied && !slices.Contains(fresh, name) {
			fresh = append(fresh, name)
		}
	}
	if len(fresh) == 0 { // the session was enough
		return
	}
	for _, name := range fresh {
		t[byMethod+name]++
	}
	t[byStrength+strengthOf(all)]++
}

// tries is how many failures an event stands for: a throttle makes one of many.
func tries(s *audit.SignIn) int {
	var more int
	if _, err := fmt.Sscanf(s.AdditionalDetails, audit.MoreTries, &more); err == nil && more > 0 {
		return more
	}
	return 1
}

// countChange adds what happened to PINs; what happens to passes is [Step]s.
func (t Tallies) countChange(c *audit.Change) {
	switch {
	case c.Result == audit.Failure:
	case c.ResultReason == audit.ReasonUserRegisteredHello:
		t[PINsSetUp]++
	case c.Activity == audit.PINReset:
		t[PINsReset]++
	}
}
