package graph

import (
	"github.com/postern-id/postern/internal/graph/odata"
	"github.com/postern-id/postern/internal/method"
	"github.com/postern-id/postern/internal/method/tap"
)

const passConfigurationID = "TemporaryAccessPass"

// passPolicy is the policy of passes.
// https://learn.microsoft.com/graph/api/resources/temporaryaccesspassauthenticationmethodconfiguration
type passPolicy struct{ tap.Policy }

func freshPassPolicy() methodPolicy { return &passPolicy{tap.DefaultPolicy()} }

func (p *passPolicy) shared() *method.Targets { return &p.Targets }

// own shows on $select what Postern adds: its own settings, and how long guessing takes.
func (p *passPolicy) own() odata.Entity {
	guess := tap.Guessing(p.DefaultLength)
	return odata.Entity{
		{Name: "defaultLifetimeInMinutes", Value: p.DefaultLifetime},
		{Name: "minimumLifetimeInMinutes", Value: p.MinimumLifetime},
		{Name: "maximumLifetimeInMinutes", Value: p.MaximumLifetime},
		{Name: "defaultLength", Value: p.DefaultLength},
		{Name: "isUsableOnce", Value: p.UsableOnce},
		{Name: "postern_hideIssuer", Value: p.HideIssuer, OnSelect: true},
		{Name: "postern_notifyPerson", Value: p.NotifyPerson, OnSelect: true},
		{Name: "postern_identityCheck", Value: string(p.Checks()), OnSelect: true},
		{Name: "postern_registrationWindowInMinutes", Value: p.RegistrationWindow, OnSelect: true},
		{Name: "postern_entropyBits", Value: guess.Bits, OnSelect: true},
		{Name: "postern_guessesPerDay", Value: guess.PerDay, OnSelect: true},
		{Name: "postern_yearsToGuess", Value: guess.Years, OnSelect: true},
	}
}

func (p *passPolicy) read(body *odata.Object) {
	body.Int("defaultLifetimeInMinutes", &p.DefaultLifetime)
	body.Int("minimumLifetimeInMinutes", &p.MinimumLifetime)
	body.Int("maximumLifetimeInMinutes", &p.MaximumLifetime)
	body.Int("defaultLength", &p.DefaultLength)
	body.Bool("isUsableOnce", &p.UsableOnce)
	body.Bool("postern_hideIssuer", &p.HideIssuer)
	body.Bool("postern_notifyPerson", &p.NotifyPerson)
	body.String("postern_identityCheck", (*string)(&p.IdentityCheck))
	body.Int("postern_registrationWindowInMinutes", &p.RegistrationWindow)
}
