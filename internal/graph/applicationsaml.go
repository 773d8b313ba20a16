package graph

import (
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/graph/odata"
)

// readSAML reads what body says about signing people in to a by SAML.
func readSAML(body *odata.Object, a *directory.Application) {
	body.String("tokenEncryptionKeyId", &a.TokenEncryptionKeyID)
	part(body, "requestSignatureVerification", &a.RequestSignature, func(o *odata.Object, s *directory.RequestSignature) {
		flag(o, "isSignedRequestRequired", &s.Required)
		o.NotKept("allowedWeakAlgorithms") // there are none
	})
	if body.IsNull("postern_saml") {
		a.SAML = nil
		return
	}
	o := body.Object("postern_saml")
	if o == nil {
		return
	}
	s := directory.SAMLSettings{}
	if a.SAML != nil {
		s = *a.SAML
	}
	o.String("nameIdFormat", &s.NameIDFormat)
	o.String("sign", &s.Sign)
	flag(o, "onlyTheseClaims", &s.OnlyThese)
	o.String("logoutSoapUrl", &s.LogoutSOAP)
	readAll(o, "claims", &s.Claims, func(o *odata.Object, c *directory.SAMLClaim) {
		o.String("name", &c.Name)
		o.String("source", &c.Source)
	})
	a.SAML = &s
}

// settingsResource is how a signs people in by SAML.
func settingsResource(s *directory.SAMLSettings) any {
	if s == nil {
		return nil
	}
	return odata.Entity{
		{Name: "nameIdFormat", Value: text(s.NameIDFormat)},
		{Name: "sign", Value: text(s.Sign)},
		{Name: "onlyTheseClaims", Value: s.OnlyThese},
		{Name: "logoutSoapUrl", Value: text(s.LogoutSOAP)},
		{Name: "claims", Value: each(s.Claims, func(c directory.SAMLClaim) odata.Entity {
			return odata.Entity{{Name: "name", Value: c.Name}, {Name: "source", Value: c.Source}}
		})},
	}
}

func signatureResource(s directory.RequestSignature) any {
	if !s.Required {
		return nil
	}
	return odata.Entity{{Name: "isSignedRequestRequired", Value: true}, {Name: "allowedWeakAlgorithms", Value: nil}}
}

func samlResource(p directory.ServicePrincipal) any {
	if p.RelayState == "" {
		return nil
	}
	return odata.Entity{{Name: "relayState", Value: p.RelayState}}
}
