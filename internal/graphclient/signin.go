package graphclient

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"net/url"

	"github.com/postern-id/postern/internal/fault"
)

// ErrSignInAnswer says that what came back to this machine is not the answer to its question.
var ErrSignInAnswer = &fault.Error{
	Kind: fault.Unauthorized, Code: "signInAnswerWrong",
	Text: "The browser came back with the answer to another sign-in.", Remedy: "Run postern login again, and use its address once.",
}

// A SignIn is one sign-in of a person with a code and PKCE (RFC 6749 section 4.1, RFC 7636).
type SignIn struct {
	authority *Authority
	client    string
	scope     string
	redirect  string
	state     string
	nonce     string
	verifier  string

	// Key is what the tokens will be bound to, nil when the server binds none.
	Key *Key
	// Silent lets the server sign in whoever its browser is signed in as, without a question.
	Silent bool
	// Anew has the person prove who they are once more, even if they just did, by what resists
	// phishing (OpenID EAP ACR Values 1.0 section 2) if the server knows that wish.
	Anew bool
}

// Pending is what has to be kept of a sign-in until its answer comes, by who asked. State names
// it; Verifier is a secret.
type Pending struct {
	State    string `json:"state"`
	Nonce    string `json:"nonce"`
	Verifier string `json:"verifier"`
}

// NewPending draws what a sign-in needs.
func NewPending() Pending {
	return Pending{State: rand.Text(), Nonce: rand.Text(), Verifier: rand.Text() + rand.Text()}
}

// Pending returns the sign-in that p was kept of. Its tokens are bound to no key.
func (a *Authority) Pending(client, scope, redirect string, p Pending) *SignIn {
	return &SignIn{
		authority: a, client: client, scope: scope, redirect: redirect, Silent: true,
		state: p.State, nonce: p.Nonce, verifier: p.Verifier,
	}
}

// SignIn starts a sign-in that comes back to redirect.
func (a *Authority) SignIn(client, scope, redirect string) (*SignIn, error) {
	s := a.Pending(client, scope, redirect, NewPending())
	s.Silent = false
	var err error
	if a.bindable() {
		s.Key, err = NewKey()
	}
	return s, err
}

// URL is where the person's browser has to go. It holds no secret.
func (s *SignIn) URL(hint string) (string, error) {
	challenge := sha256.Sum256([]byte(s.verifier))
	v := url.Values{
		"client_id": {s.client}, "response_type": {"code"}, "redirect_uri": {s.redirect}, "scope": {s.scope},
		"state": {s.state}, "nonce": {s.nonce}, "response_mode": {"query"},
		"code_challenge": {base64.RawURLEncoding.EncodeToString(challenge[:])}, "code_challenge_method": {"S256"},
	}
	switch {
	case s.Anew:
		v.Set("prompt", "login")
		v.Set("acr_values", "phr") // a pass and a password would show nothing new
	case !s.Silent:
		v.Set("prompt", "select_account")
	}
	if hint != "" {
		v.Set("login_hint", hint)
	}
	if s.Key != nil {
		thumbprint, err := s.Key.Thumbprint()
		if err != nil {
			return "", err
		}
		v.Set("dpop_jkt", thumbprint)
	}
	return s.authority.Authorization + "?" + v.Encode(), nil
}

// Ours reports whether an answer belongs to this sign-in. One that does not must not end it:
// any page can send the browser to a loopback address.
func (s *SignIn) Ours(answer url.Values) bool { return answer.Get("state") == s.state }

// Redeem turns the answer that came to the redirect URI into tokens.
func (s *SignIn) Redeem(ctx context.Context, answer url.Values) (Tokens, error) {
	if !s.Ours(answer) {
		return Tokens{}, ErrSignInAnswer
	}
	if code := answer.Get("error"); code != "" {
		return Tokens{}, &Refused{&Error{Status: 400, Code: code, Message: answer.Get("error_description")}}
	}
	form := url.Values{
		"grant_type": {"authorization_code"}, "client_id": {s.client}, "code": {answer.Get("code")},
		"redirect_uri": {s.redirect}, "code_verifier": {s.verifier},
	}
	t, err := s.authority.at(s.authority.TokenURL, s.Key).tokens(ctx, form)
	if err != nil {
		return Tokens{}, err
	}
	if err := s.authority.check(t.ID, s.client, s.nonce); err != nil {
		return Tokens{}, err
	}
	// RFC 9207: the one who sent the code has to be the one who took it.
	if iss := answer.Get("iss"); s.authority.SendsIssuer && iss != t.ID.Issuer {
		return Tokens{}, ErrSignInAnswer
	}
	return t, nil
}
