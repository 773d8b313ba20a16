package oidc

import (
	"context"
	"crypto/subtle"
	"encoding/json"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"github.com/postern-id/postern/internal/federation"
)

// algorithms are the signatures that are accepted; none and those with a shared secret never are.
var algorithms = []string{
	oidc.RS256, oidc.RS384, oidc.RS512, oidc.ES256, oidc.ES384, oidc.ES512, oidc.PS256, oidc.PS384, oidc.PS512, oidc.EdDSA,
}

// maxKept is how large an id token may be that is kept for signing out: it has to fit into an address.
const maxKept = 4096

// oldest is how long ago an id token may have been issued: it comes with the answer.
const oldest = 10 * time.Minute

// read checks the id token and returns what it says, with what only userinfo says.
func (o *Client) read(ctx context.Context, p *provider, c federation.Configuration, r federation.Request, tokens *oauth2.Token) (federation.Assertion, error) {
	var none federation.Assertion
	raw, ok := tokens.Extra("id_token").(string)
	if !ok {
		return none, invalid("The identity provider gave no id token.")
	}
	// Expiry is checked below, with the skew that clocks have.
	verifier := oidc.NewVerifier(c.Issuer, p.keys, &oidc.Config{ClientID: c.ClientID, SupportedSigningAlgs: algorithms, SkipExpiryCheck: true})
	id, err := verifier.Verify(o.context(ctx), raw)
	if err != nil {
		return none, invalid("The id token is not signed by the identity provider, or not for this server.")
	}
	var said map[string]json.RawMessage
	if err := id.Claims(&said); err != nil {
		return none, invalid("The id token is no JSON object.")
	}
	if err := o.check(id, said, c, r, tokens.AccessToken); err != nil {
		return none, err
	}
	a := federation.Assertion{Subject: id.Subject, Methods: append(texts(said["amr"]), texts(said["acr"])...)}
	var at int64
	if json.Unmarshal(said["auth_time"], &at) == nil && at > 0 {
		a.At = time.Unix(at, 0).UTC()
	}
	a.Origin.Session = only(said["sid"])
	if len(raw) <= maxKept {
		a.Origin.IDToken = raw
	}
	a.Take(claims(said))
	if a.Claims[c.Claims.UserPrincipalName] == nil && c.Claims.UserPrincipalName != federation.SubjectClaim && p.oidc.UserInfoEndpoint() != "" {
		more, err := o.userInfo(ctx, p, tokens, id.Subject)
		if err != nil {
			return none, err
		}
		a.Take(claims(more)) // what is signed stands
	}
	return a, nil
}

// check holds the id token against the request (OpenID Connect Core section 3.1.3.7). Signature,
// issuer and audience were checked before.
func (o *Client) check(id *oidc.IDToken, said map[string]json.RawMessage, c federation.Configuration, r federation.Request, access string) error {
	now := o.now()
	party := only(said["azp"])
	switch {
	case subtle.ConstantTimeCompare([]byte(id.Nonce), []byte(r.Nonce)) != 1:
		return invalid("The id token was made for another request.")
	case len(id.Audience) > 1 && party != c.ClientID, said["azp"] != nil && party != c.ClientID:
		return invalid("The id token is for other clients too.")
	case id.Subject == "" || len(id.Subject) > 255:
		return invalid("The id token says of nobody.")
	case !now.Before(id.Expiry.Add(federation.Skew)):
		return invalid("The id token has expired.")
	case id.IssuedAt.After(now.Add(federation.Skew)):
		return invalid("The id token is of a time that has not come: compare the clocks.")
	case id.IssuedAt.Before(now.Add(-oldest - federation.Skew)):
		return invalid("The id token is too old: compare the clocks.")
	case id.AccessTokenHash != "" && id.VerifyAccessToken(access) != nil:
		return invalid("The id token came with another access token.")
	}
	return nil
}

// userInfo asks the upstream for what is not in the id token; it must be of the same person
// (section 5.3.2).
func (o *Client) userInfo(ctx context.Context, p *provider, tokens *oauth2.Token, subject string) (map[string]json.RawMessage, error) {
	info, err := p.oidc.UserInfo(o.context(ctx), oauth2.StaticTokenSource(tokens))
	if err != nil {
		return nil, o.unreachable(ctx, err)
	}
	var more map[string]json.RawMessage
	if info.Subject != subject || info.Claims(&more) != nil {
		return nil, invalid("The identity provider's userinfo is about somebody else.")
	}
	return more, nil
}

// texts reads a claim that is a text, or a list of them.
func texts(raw json.RawMessage) []string {
	var one string
	if json.Unmarshal(raw, &one) == nil && one != "" {
		return []string{one}
	}
	var all []string
	if json.Unmarshal(raw, &all) != nil {
		return nil
	}
	return all
}

// only reads a claim that is one text; empty when it is not.
func only(raw json.RawMessage) string {
	if all := texts(raw); len(all) == 1 {
		return all[0]
	}
	return ""
}

// claims are those with texts.
func claims(said map[string]json.RawMessage) map[string][]string {
	all := map[string][]string{}
	for name, raw := range said {
		all[name] = texts(raw)
	}
	if string(said["email_verified"]) != "true" { // anybody could have written it
		delete(all, "email")
	}
	return all
}
