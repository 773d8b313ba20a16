// Package sample is the application of `postern dev`: an OpenID Connect client built on
// libraries that nobody here wrote, which signs a person in and shows the tokens it got. It
// knows Postern only by its issuer.
package sample

import (
	"context"
	"crypto/rand"
	_ "embed"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html/template"
	"net/http"
	"strings"
	"sync"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

//go:embed sample.html
var markup string

//go:embed sample.css
var style string

var page = template.Must(template.New("sample").Parse(markup))

// App is the sample application. Every field is required.
type App struct {
	Issuer   string
	ClientID string
	URL      string       // where the application is, without a slash at the end
	Client   *http.Client // trusts the issuer's certificate

	mu       sync.Mutex
	attempts map[string]attempt // by state
}

// attempt is a sign-in that was begun.
type attempt struct{ verifier, nonce string }

// maxAttempts bounds how many sign-ins are remembered.
const maxAttempts = 100

// Handler returns the application.
func (a *App) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) { show(w, view{}) })
	mux.HandleFunc("GET /signin", a.signIn)
	mux.HandleFunc("GET /callback", a.callback)
	mux.HandleFunc("GET /sample.css", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/css; charset=utf-8")
		fmt.Fprint(w, style)
	})
	return mux
}

type view struct {
	Error  string
	Name   string
	Tokens []shown
}

type shown struct{ Name, Raw, Claims string }

func show(w http.ResponseWriter, v view) {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	if err := page.Execute(w, v); err != nil {
		http.Error(w, "The page could not be shown.", http.StatusInternalServerError)
	}
}

// connect reads the issuer's discovery document.
func (a *App) connect(ctx context.Context) (*oidc.Provider, oauth2.Config, error) {
	provider, err := oidc.NewProvider(ctx, a.Issuer)
	if err != nil {
		return nil, oauth2.Config{}, err
	}
	return provider, oauth2.Config{
		ClientID: a.ClientID, Endpoint: provider.Endpoint(), RedirectURL: a.URL + "/callback",
		Scopes: []string{oidc.ScopeOpenID, "profile", "email", "User.Read"},
	}, nil
}

func (a *App) signIn(w http.ResponseWriter, r *http.Request) {
	_, config, err := a.connect(oidc.ClientContext(r.Context(), a.Client))
	if err != nil {
		show(w, view{Error: err.Error()})
		return
	}
	state, one := random(), attempt{verifier: oauth2.GenerateVerifier(), nonce: random()}
	a.mu.Lock()
	if a.attempts == nil || len(a.attempts) >= maxAttempts {
		a.attempts = map[string]attempt{}
	}
	a.attempts[state] = one
	a.mu.Unlock()
	http.SetCookie(w, &http.Cookie{Name: "sample_state", Value: state, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode, MaxAge: 3600}) //nolint:gosec // plain HTTP on loopback
	http.Redirect(w, r, config.AuthCodeURL(state, oidc.Nonce(one.nonce), oauth2.S256ChallengeOption(one.verifier)), http.StatusSeeOther)
}

func random() string {
	raw := make([]byte, 24)
	_, _ = rand.Read(raw) // never fails
	return base64.RawURLEncoding.EncodeToString(raw)
}

// take returns the attempt that the browser began, once.
func (a *App) take(r *http.Request) (attempt, bool) {
	state := r.URL.Query().Get("state")
	c, err := r.Cookie("sample_state")
	if err != nil || state == "" || c.Value != state {
		return attempt{}, false
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	one, ok := a.attempts[state]
	delete(a.attempts, state)
	return one, ok
}

func (a *App) callback(w http.ResponseWriter, r *http.Request) {
	if text := r.URL.Query().Get("error_description"); text != "" {
		show(w, view{Error: text})
		return
	}
	one, ok := a.take(r)
	if !ok {
		show(w, view{Error: "This browser began no such sign-in. Start again."})
		return
	}
	ctx := oidc.ClientContext(r.Context(), a.Client)
	provider, config, err := a.connect(ctx)
	if err != nil {
		show(w, view{Error: err.Error()})
		return
	}
	tokens, err := config.Exchange(ctx, r.URL.Query().Get("code"), oauth2.VerifierOption(one.verifier))
	if err != nil {
		show(w, view{Error: err.Error()})
		return
	}
	raw, _ := tokens.Extra("id_token").(string)
	id, err := provider.Verifier(&oidc.Config{ClientID: a.ClientID}).Verify(ctx, raw)
	if err != nil || id.Nonce != one.nonce {
		show(w, view{Error: "The id token is not genuine."})
		return
	}
	var who struct {
		Name string `json:"name"`
	}
	if err := id.Claims(&who); err != nil {
		show(w, view{Error: err.Error()})
		return
	}
	show(w, view{Name: who.Name, Tokens: []shown{
		{"Id token", raw, claims(raw)}, {"Access token", tokens.AccessToken, claims(tokens.AccessToken)},
	}})
}

// claims returns the body of a JWT, indented.
func claims(jwt string) string {
	parts := strings.Split(jwt, ".")
	if len(parts) != 3 {
		return ""
	}
	body, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return ""
	}
	var v map[string]any
	if json.Unmarshal(body, &v) != nil {
		return ""
	}
	text, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return ""
	}
	return string(text)
}
