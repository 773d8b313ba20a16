package access

import "strings"

// Modes is a set of ways to sign in, in the words of Graph's authenticationMethodModes.
type Modes uint32

// The modes.
const (
	Password Modes = 1 << iota
	Voice
	HardwareOath
	SoftwareOath
	SMS
	FIDO2
	WindowsHello
	AuthenticatorPush
	DeviceBasedPush
	PassOneTime
	PassMultiUse
	Email
	CertificateSingle
	CertificateMulti
	FederatedSingle
	FederatedMulti
)

var modeNames = []string{
	"password", "voice", "hardwareOath", "softwareOath", "sms", "fido2", "windowsHelloForBusiness", "microsoftAuthenticatorPush",
	"deviceBasedPush", "temporaryAccessPassOneTime", "temporaryAccessPassMultiUse", "email", "x509CertificateSingleFactor",
	"x509CertificateMultiFactor", "federatedSingleFactor", "federatedMultiFactor",
}

// ParseModes reads a combination, such as "password,softwareOath", in any order.
func ParseModes(text string) (Modes, bool) {
	var all Modes
	for name := range strings.SplitSeq(text, ",") {
		one := Modes(0)
		for i, known := range modeNames {
			if strings.TrimSpace(name) == known {
				one = 1 << i
			}
		}
		if one == 0 || all&one != 0 {
			return 0, false
		}
		all |= one
	}
	return all, true
}

// String is the combination as Graph writes it.
func (m Modes) String() string {
	var all []string
	for i, name := range modeNames {
		if m&(1<<i) != 0 {
			all = append(all, name)
		}
	}
	return strings.Join(all, ",")
}

// Has reports whether all modes of other are in m.
func (m Modes) Has(other Modes) bool { return m&other == other }
