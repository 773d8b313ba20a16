package conformance

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"errors"
	"math/big"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/crewjam/saml"
	"github.com/crewjam/saml/samlsp"
	dsig "github.com/russellhaering/goxmldsig"
)

// newServiceProvider registers an application for crewjam/saml, which reads our metadata.
func newServiceProvider(t *testing.T) saml.ServiceProvider {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "go"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	if c, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	base := "https://" + unique("sp") + ".example"
	created := graph(t, http.MethodPost, "/applications", object{
		"displayName": unique("app"), "identifierUris": []string{base + "/metadata"}, "postern_saml": object{"nameIdFormat": "persistent"},
		"web":                          object{"redirectUris": []string{base + "/acs"}, "logoutUrl": base + "/slo"},
		"requestSignatureVerification": object{"isSignedRequestRequired": true},
		"keyCredentials":               []object{{"type": "AsymmetricX509Cert", "usage": "Verify", "key": base64.StdEncoding.EncodeToString(der)}},
	})
	graph(t, http.MethodPost, "/servicePrincipals", object{"appId": created.text("appId"), "preferredSingleSignOnMode": "saml"})
	at, err := url.Parse(authority() + "/federationmetadata/2007-06/federationmetadata.xml")
	if err != nil {
		t.Fatal(err)
	}
	idp, err := samlsp.FetchMetadata(t.Context(), http.DefaultClient, *at)
	if err != nil {
		t.Fatal(err)
	}
	address := func(path string) url.URL { u, _ := url.Parse(base + path); return *u }
	return saml.ServiceProvider{
		EntityID: base + "/metadata", Key: key, Certificate: c, AcsURL: address("/acs"), SloURL: address("/slo"), MetadataURL: address("/metadata"),
		IDPMetadata: idp, SignatureMethod: dsig.RSASHA256SignatureMethod, AuthnNameIDFormat: saml.UnspecifiedNameIDFormat,
	}
}

func TestCrewjamSAML(t *testing.T) {
	sp, mira := newServiceProvider(t), newPerson(t)
	q, err := sp.MakeAuthenticationRequest(sp.GetSSOBindingLocation(saml.HTTPRedirectBinding), saml.HTTPRedirectBinding, saml.HTTPPostBinding)
	if err != nil {
		t.Fatal(err)
	}
	to, err := q.Redirect("state", &sp)
	if err != nil {
		t.Fatal(err)
	}
	b := newBrowser(t)
	b.open(to.String())
	b.at("identify")
	b.submit("username", mira.name)
	b.at("accesspass")
	b.submit("accesspass", mira.pass)
	b.at("stay")
	b.submit("stay", "no")
	b.at("formpost")
	form := b.page.fields
	if form.Get("RelayState") != "state" {
		t.Errorf("RelayState %q", form.Get("RelayState"))
	}
	raw, err := base64.StdEncoding.DecodeString(form.Get("SAMLResponse"))
	if err != nil {
		t.Fatal(err)
	}
	a, err := sp.ParseXMLResponse(raw, []string{q.ID}, sp.AcsURL)
	if err != nil {
		if why, ok := errors.AsType[*saml.InvalidResponseError](err); ok { // it says why only if asked
			err = why.PrivateErr
		}
		t.Fatal(err)
	}
	if a.Subject.NameID.Format != string(saml.PersistentNameIDFormat) || a.Subject.NameID.Value == mira.name {
		t.Errorf("name id %+v", a.Subject.NameID)
	}
	if _, err := sp.ParseXMLResponse(raw, []string{"another"}, sp.AcsURL); err == nil {
		t.Error("an answer to another request was taken")
	}
}
