package server_test

import (
	"crypto/x509"
	"encoding/json"
	"html"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/postern-id/postern/internal/federation"
	"github.com/postern-id/postern/internal/server"
)

// Two Posterns: one knows the people of a domain, the other sends them there.

// newHome is a Postern whose mira has a pass.
func newHome(t *testing.T) (home *world, pass string) {
	t.Helper()
	home = newWorld(t)
	home.create("/v1.0/domains", `{"id":"fabrikam.example"}`)
	home.verifyDomain("fabrikam.example")
	_, pass = home.addPerson(upn)
	return home, pass
}

// newAway is a Postern that trusts home's certificate.
func newAway(t *testing.T, home *world) *world {
	t.Helper()
	w := newWorld(t, func(o *server.Options) {
		o.Roots, o.FederationNetworks = x509.NewCertPool(), server.Loopback
		o.Roots.AddCert(home.site.Certificate())
	})
	w.create("/v1.0/domains", `{"id":"fabrikam.example"}`)
	w.verifyDomain("fabrikam.example")
	return w
}

func (w *world) federate(body map[string]any) {
	w.t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		w.t.Fatal(err)
	}
	if status, v := w.api(http.MethodPost, "/v1.0/domains/fabrikam.example/federationConfiguration", w.appToken(), string(text)); status != http.StatusCreated {
		w.t.Fatalf("federate: %d %v", status, v)
	}
}

// posted is the form that a page posts by itself.
func (w *world) posted(a answer) (action string, form url.Values) {
	w.t.Helper()
	shown := formAction.FindStringSubmatch(a.body)
	if shown == nil {
		w.t.Fatalf("no form: %d %q\n%s", a.status, a.location, a.body)
	}
	form = url.Values{}
	for _, h := range hiddens.FindAllStringSubmatch(a.body, -1) {
		form.Set(h[1], html.UnescapeString(h[2]))
	}
	return html.UnescapeString(shown[1]), form
}

// leavesFor types the name at w, and returns the address at home that the browser is sent to.
func (w *world) leavesFor(home *world) (page, to string) {
	w.t.Helper()
	page = w.authorize(nil).location
	w.post(page, url.Values{"username": {upn}})
	away := w.get(strings.Replace(page, "/signin?", "/signin/upstream?", 1))
	if !strings.HasPrefix(away.location, home.site.URL) {
		w.t.Fatalf("leave: %d %q\n%s", away.status, away.location, away.body)
	}
	return page, away.location
}

// arrives finishes at w, where a pass alone was two factors upstream or is asked for nothing more.
func (w *world) arrives(page string) {
	w.t.Helper()
	if status, tokens := w.token(redeem(w.codeIn(w.get(w.post(page, url.Values{"stay": {"no"}}).location)))); status != http.StatusOK {
		w.t.Errorf("tokens: %d %v", status, tokens)
	} else if id := claimsOf(w.t, tokens["id_token"]); id["preferred_username"] != upn {
		w.t.Errorf("signed in %v", id)
	}
}

func TestASecondPosternIsAnUpstreamByOpenIDConnect(t *testing.T) {
	home, pass := newHome(t)
	w := newAway(t, home)
	base := w.site.URL + "/" + w.created.TenantID + "/federation/oidc/"
	client := home.register(`{"displayName":"Away","signInAudience":"AzureADMyOrg","web":{"redirectUris":["` + base + `fabrikam.example","` + base + `signedout"]}}`)
	_, v := home.api(http.MethodPost, "/v1.0/applications(appId='"+client+"')/addPassword", home.appToken(), `{"passwordCredential":{"displayName":"away"}}`)
	w.federate(map[string]any{
		"displayName": "Home", "issuerUri": home.site.URL + "/" + home.created.TenantID + "/v2.0", "postern_clientId": client, "postern_clientSecret": v["secretText"],
		"postern_passBeforeFederation": false, "postern_createUsers": true,
	})
	page, to := w.leavesFor(home)
	begin := home.get(to)
	if hinted := home.get(begin.location); !strings.Contains(hinted.body, upn) {
		t.Errorf("the name was not taken along:\n%s", hinted.body)
	}
	back := home.get(home.signIn(begin.location, upn, pass).location)
	if a := w.get(back.location); a.location != page {
		t.Fatalf("back: %d %q from %q\n%s", a.status, a.location, back.location, a.body)
	}
	w.arrives(page)

	out := home.get(w.signOut())
	if home.signedInHere() || w.signedInHere() {
		t.Error("a session lives on")
	}
	if a := w.get(out.location); !strings.HasPrefix(out.location, base+"signedout?state=") || a.status != http.StatusOK {
		t.Errorf("signed out and led to %q: %d\n%s", out.location, a.status, a.body)
	}
}

func TestASecondPosternIsAnUpstreamBySAML(t *testing.T) {
	home, pass := newHome(t)
	w := newAway(t, home)
	of := &samlApp{w: home}
	idp := of.idp()
	sso, slo := idp.IDP.SSO[0].Location, idp.IDP.SLO[0].Location
	sp := "/" + w.created.TenantID + "/federation/saml/"
	w.federate(map[string]any{
		"displayName": "Home", "preferredAuthenticationProtocol": "saml", "issuerUri": idp.EntityID, "passiveSignInUri": sso, "signOutUri": slo,
		"signingCertificate": federation.FormatCertificate(idp.IDP.Signing[0]), "postern_passBeforeFederation": false, "postern_createUsers": true,
		"postern_claims": map[string]any{"userPrincipalName": "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name"},
	})
	m := w.spMetadata()
	key := federation.FormatCertificate(m.SP.Signing[0])
	body, err := json.Marshal(map[string]any{
		"displayName": "Away", "postern_saml": map[string]any{"nameIdFormat": "persistent"}, "identifierUris": []string{m.EntityID},
		"web": map[string]any{"redirectUris": []string{m.SP.ACS[0].Location}, "logoutUrl": m.SP.SLO[0].Location}, "tokenEncryptionKeyId": encryptKey,
		"keyCredentials": []map[string]any{
			{"type": "AsymmetricX509Cert", "usage": "Verify", "key": key}, {"keyId": encryptKey, "type": "AsymmetricX509Cert", "usage": "Encrypt", "key": key},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	object := home.create("/v1.0/applications", string(body))
	_, v := home.api(http.MethodGet, "/v1.0/applications/"+object, home.appToken(), "")
	home.create("/v1.0/servicePrincipals", `{"appId":"`+v["appId"].(string)+`","preferredSingleSignOnMode":"saml"}`)

	page, to := w.leavesFor(home)
	begin := home.get(to)
	if hinted := home.get(begin.location); !strings.Contains(hinted.body, upn) {
		t.Errorf("the name was not taken along:\n%s", hinted.body)
	}
	action, form := home.posted(home.get(home.signIn(begin.location, upn, pass).location))
	if !strings.HasPrefix(action, w.site.URL+sp) {
		t.Fatalf("the answer goes to %q", action)
	}
	if a := w.bring(form); a.location != page {
		t.Fatalf("back: %d %q\n%s", a.status, a.location, a.body)
	}
	w.arrives(page)

	t.Run("which signs out when it is signed out of", func(t *testing.T) {
		out := home.get(w.signOut())
		if home.signedInHere() || w.signedInHere() {
			t.Error("a session lives on")
		}
		if a := w.get(out.location); !strings.HasPrefix(out.location, w.site.URL+sp+"logout?SAMLResponse=") || a.status != http.StatusOK || strings.Contains(a.body, mayBeThere) {
			t.Errorf("signed out and led to %q: %d\n%s", out.location, a.status, a.body)
		}
	})
}
