package graph

import (
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/graph/odata"
	"github.com/postern-id/postern/internal/method"
	"github.com/postern-id/postern/internal/method/totp"
	"github.com/postern-id/postern/internal/signin"
)

// softwareOaths are the apps with codes. Their key never leaves the server.
// https://learn.microsoft.com/graph/api/resources/softwareoathauthenticationmethod
var softwareOaths = credentialSet{
	segment: "softwareOathMethods", kind: totp.MethodID, odataType: "softwareOathAuthenticationMethod",
	read: directory.ReadCodes, remove: directory.DeleteCodes,
	policy: totp.PolicyID, second: "oath",
	yield: func(method.Credential, methodPolicy, map[directory.GroupID]bool) signin.Yield {
		return totp.Method{}.Yield()
	},
	names: func(method.Credential) []string { return []string{"softwareOneTimePasscode"} },
	own: func(method.Credential) (odata.Entity, error) {
		return odata.Entity{{Name: "secretKey", Value: nil}}, nil
	},
}

// codePolicy is the policy of apps with codes: who may use them, and nothing else.
// https://learn.microsoft.com/graph/api/resources/softwareoathauthenticationmethodconfiguration
type codePolicy struct{ totp.Policy }

func freshCodePolicy() methodPolicy { return &codePolicy{totp.DefaultPolicy()} }

func (p *codePolicy) shared() *method.Targets { return &p.Targets }

// own shows on $select how likely guessing is, at worst.
func (p *codePolicy) own() odata.Entity {
	return odata.Entity{
		{Name: "postern_guessesPerDay", Value: totp.Guesses, OnSelect: true},
		{Name: "postern_chanceOfGuessPerDay", Value: totp.Chance(totp.Most), OnSelect: true},
	}
}

func (p *codePolicy) read(*odata.Object) {}
