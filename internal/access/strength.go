package access

import (
	"slices"
	"strings"
	"time"
)

// Ids of the strengths that every tenant has, as in Graph.
const (
	StrengthMFA               = "00000000-0000-0000-0000-000000000002"
	StrengthPasswordless      = "00000000-0000-0000-0000-000000000003"
	StrengthPhishingResistant = "00000000-0000-0000-0000-000000000004"
)

// PhishingResistant are the modes whose proof nobody between can use: bound to the page that asks.
const PhishingResistant = FIDO2 | WindowsHello | CertificateMulti

// multifactor, passwordless and resistant are the combinations of the built-in strengths.
// https://learn.microsoft.com/graph/api/authenticationstrengthroot-list-policies
var (
	resistant    = []Modes{WindowsHello, FIDO2, CertificateMulti}
	passwordless = []Modes{WindowsHello, FIDO2, CertificateMulti, DeviceBasedPush}
	multifactor  = []Modes{
		WindowsHello, FIDO2, CertificateMulti, DeviceBasedPush, PassOneTime, PassMultiUse,
		Password | AuthenticatorPush, Password | SoftwareOath, Password | HardwareOath, Password | SMS, Password | Voice,
		FederatedMulti,
		FederatedSingle | AuthenticatorPush, FederatedSingle | SoftwareOath, FederatedSingle | HardwareOath, FederatedSingle | SMS,
		FederatedSingle | Voice,
	}
)

// BuiltIn returns the strengths that every tenant has and nobody changes.
func BuiltIn() []Strength {
	since := time.Date(2021, 12, 1, 0, 0, 0, 0, time.UTC)
	return []Strength{
		{
			ID: StrengthMFA, DisplayName: "Multifactor authentication", BuiltIn: true, Combinations: slices.Clone(multifactor),
			Description: "Combinations of methods that satisfy strong authentication, such as a password + SMS", CreatedAt: since, ModifiedAt: since,
		},
		{
			ID: StrengthPasswordless, DisplayName: "Passwordless MFA", BuiltIn: true, Combinations: slices.Clone(passwordless),
			Description: "Passwordless methods that satisfy strong authentication, such as Passwordless sign-in with the Microsoft Authenticator",
			CreatedAt:   since, ModifiedAt: since,
		},
		{
			ID: StrengthPhishingResistant, DisplayName: "Phishing resistant MFA", BuiltIn: true, Combinations: slices.Clone(resistant),
			Description: "Phishing-resistant, Passwordless methods for the strongest authentication, such as a FIDO2 security key",
			CreatedAt:   since, ModifiedAt: since,
		},
	}
}

// Multifactor reports whether the modes together are two factors.
func (m Modes) Multifactor() bool { return slices.ContainsFunc(multifactor, m.Has) }

// Satisfies says what s comes to in Graph's words: mfa if each combination is two factors, else none.
func (s *Strength) Satisfies() string {
	for _, c := range s.Combinations {
		if !c.Multifactor() {
			return "none"
		}
	}
	return "mfa"
}

// Resistant reports whether s takes phishing-resistant proofs only.
func (s *Strength) Resistant() bool {
	return !slices.ContainsFunc(s.Combinations, func(c Modes) bool { return c&PhishingResistant == 0 })
}

// MetBy reports whether the methods that somebody used, or has, are strong enough.
func (s *Strength) MetBy(m Methods) bool {
	for _, c := range s.Combinations {
		if m.Modes.Has(c) && (c&FIDO2 == 0 || s.takes(m)) {
			return true
		}
	}
	return false
}

// takes reports whether one of the passkeys is of a model that s allows.
func (s *Strength) takes(m Methods) bool {
	return len(s.AAGUIDs) == 0 || slices.ContainsFunc(m.AAGUIDs, s.allows)
}

func (s *Strength) allows(aaguid string) bool {
	for _, model := range s.AAGUIDs {
		if strings.EqualFold(model, aaguid) {
			return true
		}
	}
	return false
}

// Methods are methods that somebody has or used. A model of a passkey is its AAGUID.
type Methods struct {
	Modes   Modes    `json:"modes"`
	AAGUIDs []string `json:"aaguids,omitempty"` // of passkeys
}

// withPass returns s so that a pass meets it, too.
func (s *Strength) withPass() *Strength {
	wider := *s
	wider.Combinations = append(slices.Clone(s.Combinations), PassOneTime, PassMultiUse)
	return &wider
}
