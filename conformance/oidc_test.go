package conformance

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

var oidcScopes = []string{oidc.ScopeOpenID, "profile", "email", oidc.ScopeOfflineAccess, "User.Read"}

// relyingParty is an application on go-oidc and x/oauth2.
type relyingParty struct {
	provider *oidc.Provider
	config   oauth2.Config
	back     receiver
}

func newRelyingParty(t *testing.T, app application, back receiver) relyingParty {
	t.Helper()
	provider, err := oidc.NewProvider(t.Context(), authority()+"/v2.0")
	if err != nil {
		t.Fatal(err)
	}
	return relyingParty{provider, oauth2.Config{
		ClientID: app.id, ClientSecret: app.secret, RedirectURL: back.url, Endpoint: provider.Endpoint(), Scopes: oidcScopes,
	}, back}
}

// code signs p in and returns the code with what it can be redeemed with.
func (r relyingParty) code(t *testing.T, p person) (string, oauth2.AuthCodeOption) {
	t.Helper()
	verifier := oauth2.GenerateVerifier()
	newBrowser(t).signIn(r.config.AuthCodeURL("state", oauth2.S256ChallengeOption(verifier), oidc.Nonce("nonce")), p)
	answer := <-r.back.found
	if answer.Get("state") != "state" || answer.Get("iss") != authority()+"/v2.0" {
		t.Fatalf("the answer has %v", answer)
	}
	return answer.Get("code"), oauth2.VerifierOption(verifier)
}

func (r relyingParty) signIn(t *testing.T, p person) *oauth2.Token {
	t.Helper()
	code, verifier := r.code(t, p)
	token, err := r.config.Exchange(t.Context(), code, verifier)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func TestGoOIDCSignsAPersonIn(t *testing.T) {
	mira, back := newPerson(t), newReceiver(t)
	app := application{id: developerCLI}
	party := newRelyingParty(t, app, back)
	code, verifier := party.code(t, mira)
	token, err := party.config.Exchange(t.Context(), code, verifier)
	if err != nil {
		t.Fatal(err)
	}
	text, _ := token.Extra("id_token").(string)
	id, err := party.provider.Verifier(&oidc.Config{ClientID: app.id}).Verify(t.Context(), text)
	if err != nil {
		t.Fatal(err)
	}
	var claims struct {
		Object string `json:"oid"`
		Name   string `json:"preferred_username"`
	}
	if err := id.Claims(&claims); err != nil {
		t.Fatal(err)
	}
	if claims.Object != mira.id || claims.Name != mira.name || id.Nonce != "nonce" {
		t.Errorf("the id token says %+v, nonce %q", claims, id.Nonce)
	}
	if err := id.VerifyAccessToken(token.AccessToken); err != nil {
		t.Errorf("at_hash: %v", err)
	}
	info, err := party.provider.UserInfo(t.Context(), oauth2.StaticTokenSource(token))
	if err != nil {
		t.Fatal(err)
	}
	if info.Subject != id.Subject || info.Email != mira.name {
		t.Errorf("userinfo says %s %s", info.Subject, info.Email)
	}
	isOwner(t, token.AccessToken, mira)
	if event := logged(t, mira, 0); event.text("appId") != app.id {
		t.Errorf("the log names %s", event.text("appId"))
	}
	if _, err := party.provider.Verifier(&oidc.Config{ClientID: "another"}).Verify(t.Context(), text); err == nil {
		t.Error("an id token for one application is good for another")
	}
}

// refused checks the error of the token endpoint.
func refused(t *testing.T, err error, want string, code int) {
	t.Helper()
	refusal, ok := errors.AsType[*oauth2.RetrieveError](err)
	if !ok || refusal.ErrorCode != want || !strings.Contains(refusal.ErrorDescription, fmt.Sprintf("AADSTS%d:", code)) {
		t.Errorf("got %v, want %s with AADSTS%d", err, want, code)
	}
}

func TestGoOIDCRefusesACodeTheSecondTime(t *testing.T) {
	mira, back := newPerson(t), newReceiver(t)
	party := newRelyingParty(t, application{id: developerCLI}, back)
	code, verifier := party.code(t, mira)
	token, err := party.config.Exchange(t.Context(), code, verifier)
	if err != nil {
		t.Fatal(err)
	}
	_, err = party.config.Exchange(t.Context(), code, verifier)
	refused(t, err, "invalid_grant", 54005)
	isDead(t, token.AccessToken)
}

func TestGoOIDCRefreshesUntilThePassIsGone(t *testing.T) {
	mira, back := newPerson(t), newReceiver(t)
	party := newRelyingParty(t, application{id: developerCLI}, back)
	token := party.signIn(t, mira)
	token.Expiry = token.Expiry.Add(-2 * time.Hour) // the library refreshes what has ended
	fresh, err := party.config.TokenSource(t.Context(), token).Token()
	if err != nil {
		t.Fatal(err)
	}
	if fresh.AccessToken == token.AccessToken || fresh.RefreshToken == token.RefreshToken {
		t.Error("the tokens are the same")
	}
	isOwner(t, fresh.AccessToken, mira)
	mira.revoke(t)
	isDead(t, fresh.AccessToken)
	fresh.Expiry = token.Expiry
	_, err = party.config.TokenSource(t.Context(), fresh).Token()
	refused(t, err, "invalid_grant", 130507)
	logged(t, mira, 130507)
}

func TestGoOIDCGetsNothingForAWrongPass(t *testing.T) {
	mira, back, b := newPerson(t), newReceiver(t), newBrowser(t)
	party := newRelyingParty(t, application{id: developerCLI}, back)
	b.open(party.config.AuthCodeURL("state", oauth2.S256ChallengeOption(oauth2.GenerateVerifier())))
	b.submit("username", mira.name)
	b.submit("accesspass", "WRONG234")
	b.at("accesspass")
	logged(t, mira, 130503)
	b.submit("accesspass", mira.pass)
	b.at("stay")
}

func TestGoOIDCVerifiesES256(t *testing.T) {
	mira, back := newPerson(t), newReceiver(t)
	app := newApplication(t, true, object{
		"web": object{"redirectUris": []string{back.url}}, "postern_tokenSigningAlgorithm": "ES256",
	})
	party := newRelyingParty(t, app, back)
	text, _ := party.signIn(t, mira).Extra("id_token").(string)
	if _, err := party.provider.Verifier(&oidc.Config{ClientID: app.id}).Verify(t.Context(), text); err != nil {
		t.Error(err)
	}
	if _, err := party.provider.Verifier(&oidc.Config{ClientID: app.id, SupportedSigningAlgs: []string{oidc.RS256}}).Verify(t.Context(), text); err == nil {
		t.Error("the id token is not signed with ES256")
	}
}
