package passkey

import (
	"slices"

	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/method"
)

// PolicyID is the id of the policy among Graph's configurations.
const PolicyID = "Fido2"

// A Policy says who may use passkeys, and which. Names are those of Graph's
// fido2AuthenticationMethodConfiguration.
// https://learn.microsoft.com/graph/api/resources/fido2authenticationmethodconfiguration
type Policy struct {
	method.Targets
	AttestationEnforced bool            `json:"isAttestationEnforced"`
	SelfService         bool            `json:"isSelfServiceRegistrationAllowed"`
	Restrictions        KeyRestrictions `json:"keyRestrictions"`
	// Attestation is what browsers are asked for: none, indirect, direct or enterprise; empty
	// chooses by what the policy needs to know.
	Attestation string `json:"postern_attestation"`
}

// KeyRestrictions allow or block models of authenticators by AAGUID.
type KeyRestrictions struct {
	Enforced bool     `json:"isEnforced"`
	Type     string   `json:"enforcementType"` // allow or block
	AAGUIDs  []string `json:"aaGuids"`
}

// DefaultPolicy is that of a new tenant: everybody may use passkeys of every kind. Without a
// password there is nothing safer to begin with.
func DefaultPolicy() Policy {
	return Policy{Targets: method.Everybody("enabled"), SelfService: true, Restrictions: KeyRestrictions{Type: "block", AAGUIDs: []string{}}}
}

// Check reports the first rule that p breaks.
func (p Policy) Check() error {
	if err := p.Targets.Check(); err != nil {
		return err
	}
	switch {
	case p.Restrictions.Type != "allow" && p.Restrictions.Type != "block":
		return method.ErrPolicy.With("keyRestrictions", "enforcementType is allow or block.")
	case !slices.Contains([]string{"", "none", "indirect", "direct", "enterprise"}, p.Attestation):
		return method.ErrPolicy.With("postern_attestation", "postern_attestation is none, indirect, direct or enterprise.")
	case p.AttestationEnforced && p.Attestation == "none":
		return method.ErrPolicy.With("postern_attestation", "Attestation can't be enforced when it isn't asked for.")
	case len(p.Restrictions.AAGUIDs) > 1000:
		return method.ErrPolicy.With("keyRestrictions", "aaGuids has 1000 entries at most.")
	}
	for _, text := range p.Restrictions.AAGUIDs {
		if _, err := uuid.Parse(text); err != nil || len(text) != 36 {
			return method.ErrPolicy.With("keyRestrictions", "aaGuids has an entry that is no GUID.")
		}
	}
	return nil
}

// Conveyance is what browsers are asked to tell about the authenticator. Without a need it is
// nothing: people then see no question about it, and no maker learns where a key is used.
func (p Policy) Conveyance() string {
	switch {
	case p.Attestation != "":
		return p.Attestation
	case p.AttestationEnforced || p.Restrictions.Enforced:
		return "direct"
	}
	return "none"
}

// Admits reports whether k may be registered and used: nil, ErrNotAttested or ErrModel. A key
// that was registered under an earlier policy is judged by today's.
func (p Policy) Admits(k Key) error {
	if p.AttestationEnforced && !k.Attested {
		return ErrNotAttested
	}
	if !p.Restrictions.Enforced {
		return nil
	}
	named := slices.ContainsFunc(p.Restrictions.AAGUIDs, func(text string) bool {
		id, err := uuid.Parse(text)
		return err == nil && id == k.AAGUID
	})
	if named != (p.Restrictions.Type == "allow") {
		return ErrModel
	}
	return nil
}
