package graph

import (
	"bytes"
	"encoding/json"

	"github.com/postern-id/postern/internal/graph/odata"
	"github.com/postern-id/postern/internal/recovery/sdjwt"
)

// credentialIssuers are whose credentials a tenant believes; their keys are public.
func credentialIssuers(all []sdjwt.Issuer) []odata.Entity {
	out := []odata.Entity{}
	for _, i := range all {
		match := []odata.Entity{}
		for _, m := range i.Match {
			match = append(match, odata.Entity{{Name: "claim", Value: m.Claim}, {Name: "attribute", Value: m.Attribute}})
		}
		keys := any(nil)
		if len(i.Keys) > 0 {
			keys = i.Keys
		}
		out = append(out, odata.Entity{
			{Name: "issuer", Value: i.ID},
			{Name: "types", Value: list(i.Types)},
			{Name: "jwks", Value: keys},
			{Name: "roots", Value: list(i.Roots)},
			{Name: "match", Value: match},
		})
	}
	return out
}

// sameIssuers reports whether two lists read the same: whoever sends back what they read changes nothing.
func sameIssuers(a, b []sdjwt.Issuer) bool {
	one, err := json.Marshal(credentialIssuers(a))
	other, wrong := json.Marshal(credentialIssuers(b))
	return err == nil && wrong == nil && bytes.Equal(one, other)
}

func readCredentialIssuers(body *odata.Object) []sdjwt.Issuer {
	var all []sdjwt.Issuer
	for _, one := range body.Objects("credentialIssuers") {
		var i sdjwt.Issuer
		one.String("issuer", &i.ID)
		one.Strings("types", &i.Types)
		if raw := one.Raw("jwks"); raw != nil && !one.IsNull("jwks") {
			i.Keys = append(json.RawMessage(nil), raw...)
		}
		one.Strings("roots", &i.Roots)
		for _, in := range one.Objects("match") {
			var m sdjwt.Match
			in.String("claim", &m.Claim)
			in.String("attribute", &m.Attribute)
			i.Match = append(i.Match, m)
		}
		all = append(all, i)
	}
	return all
}
