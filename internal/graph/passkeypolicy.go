package graph

import (
	"github.com/postern-id/postern/internal/graph/odata"
	"github.com/postern-id/postern/internal/method"
	"github.com/postern-id/postern/internal/method/passkey"
)

// passkeyPolicy is the policy of passkeys in Graph's words.
// https://learn.microsoft.com/graph/api/resources/fido2authenticationmethodconfiguration
type passkeyPolicy struct{ passkey.Policy }

func freshPasskeyPolicy() methodPolicy { return &passkeyPolicy{passkey.DefaultPolicy()} }

func (p *passkeyPolicy) shared() *method.Targets { return &p.Targets }

func (p *passkeyPolicy) own() odata.Entity {
	return odata.Entity{
		{Name: "isAttestationEnforced", Value: p.AttestationEnforced},
		{Name: "isSelfServiceRegistrationAllowed", Value: p.SelfService},
		{Name: "keyRestrictions", Value: odata.Entity{
			{Name: "isEnforced", Value: p.Restrictions.Enforced},
			{Name: "enforcementType", Value: p.Restrictions.Type},
			{Name: "aaGuids", Value: p.Restrictions.AAGUIDs},
		}},
		{Name: "postern_attestation", Value: p.Attestation, OnSelect: true},
	}
}

func (p *passkeyPolicy) read(body *odata.Object) {
	body.Bool("isAttestationEnforced", &p.AttestationEnforced)
	body.Bool("isSelfServiceRegistrationAllowed", &p.SelfService)
	body.String("postern_attestation", &p.Attestation)
	r := body.Object("keyRestrictions")
	if r == nil {
		return
	}
	r.Bool("isEnforced", &p.Restrictions.Enforced)
	r.String("enforcementType", &p.Restrictions.Type)
	if r.Has("aaGuids") {
		p.Restrictions.AAGUIDs = []string{}
		r.Strings("aaGuids", &p.Restrictions.AAGUIDs)
	}
}
