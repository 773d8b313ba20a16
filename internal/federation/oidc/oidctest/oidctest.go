// Package oidctest is an OpenID provider for tests, which can be told to lie.
package oidctest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// ClientID and Secret are those of the one client.
const (
	ClientID = "postern"
	Secret   = "a secret of the client: with+signs%" // which basic authentication encodes
)

// A Provider issues id tokens for whatever code comes. Its fields may change between calls.
type Provider struct {
	Server *httptest.Server

	mu   sync.Mutex
	now  func() time.Time
	Key  *ecdsa.PrivateKey // signs
	Kid  string
	Said map[string]any // the claims of the next id token, beside the usual ones; nil values take one away
	Info map[string]any // the answer of userinfo; nil has no such endpoint
	// Sign, if set, makes the token out of its claims.
	Sign func(claims []byte) string
	// IssInAnswer is what discovery says of RFC 9207.
	IssInAnswer bool
	Discovery   map[string]any        // members of the discovery document, in the place of the usual ones
	requests    map[string]url.Values // of authorization, by code
	Keys        int                   // how often the keys were read
}

// New starts a provider whose clock is now.
func New(t testing.TB, now func() time.Time) *Provider {
	t.Helper()
	p := &Provider{now: now, IssInAnswer: true, requests: map[string]url.Values{}}
	p.Rotate(t, "first")
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", p.discovery)
	mux.HandleFunc("GET /keys", p.keys)
	mux.HandleFunc("POST /token", p.token)
	mux.HandleFunc("GET /userinfo", p.userInfo)
	p.Server = httptest.NewTLSServer(mux)
	t.Cleanup(p.Server.Close)
	return p
}

// Issuer is the provider's issuer.
func (p *Provider) Issuer() string { return p.Server.URL }

// Rotate gives the provider another key.
func (p *Provider) Rotate(t testing.TB, kid string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.Key, p.Kid = key, kid
}

// Answer is the query with which a browser comes back from the request at the address to, if the
// person signed in.
func (p *Provider) Answer(t testing.TB, to string) url.Values {
	t.Helper()
	u, err := url.Parse(to)
	if err != nil || u.Path != "/authorize" {
		t.Fatalf("no authorization request: %q %v", to, err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	code := rand.Text()
	p.requests[code] = u.Query()
	return url.Values{"code": {code}, "state": {u.Query().Get("state")}, "iss": {p.Issuer()}}
}

func (p *Provider) discovery(w http.ResponseWriter, _ *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	said := map[string]any{
		"issuer": p.Issuer(), "authorization_endpoint": p.Issuer() + "/authorize", "token_endpoint": p.Issuer() + "/token", "jwks_uri": p.Issuer() + "/keys",
		"authorization_response_iss_parameter_supported": p.IssInAnswer,
	}
	if p.Info != nil {
		said["userinfo_endpoint"] = p.Issuer() + "/userinfo"
	}
	maps.Copy(said, p.Discovery)
	writeJSON(w, said)
}

func (p *Provider) keys(w http.ResponseWriter, _ *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.Keys++
	writeJSON(w, jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: p.Key.Public(), KeyID: p.Kid, Algorithm: "ES256", Use: "sig"}}})
}

func (p *Provider) token(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	request := p.requests[r.PostFormValue("code")]
	delete(p.requests, r.PostFormValue("code"))
	id, secret, _ := r.BasicAuth()
	secret, _ = url.QueryUnescape(secret)
	sum := sha256.Sum256([]byte(r.PostFormValue("code_verifier")))
	if request == nil || id != ClientID || secret != Secret || r.PostFormValue("redirect_uri") != request.Get("redirect_uri") ||
		request.Get("code_challenge") != base64.RawURLEncoding.EncodeToString(sum[:]) || request.Get("code_challenge_method") != "S256" {
		w.WriteHeader(http.StatusBadRequest)
		writeJSON(w, map[string]any{"error": "invalid_grant"})
		return
	}
	now := p.now().Unix()
	claims := map[string]any{
		"iss": p.Issuer(), "aud": ClientID, "sub": "248289761001", "iat": now, "exp": now + 300, "nonce": request.Get("nonce"), "auth_time": now,
	}
	for name, value := range p.Said {
		if claims[name] = value; value == nil {
			delete(claims, name)
		}
	}
	body, err := json.Marshal(claims)
	if err != nil {
		panic(err)
	}
	sign := p.Sign
	if sign == nil {
		sign = func(claims []byte) string { return Signed(jose.ES256, p.Key, p.Kid, claims) }
	}
	writeJSON(w, map[string]any{"access_token": "at", "token_type": "Bearer", "expires_in": 300, "id_token": sign(body)})
}

func (p *Provider) userInfo(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.Info == nil || r.Header.Get("Authorization") != "Bearer at" {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	writeJSON(w, p.Info)
}

// Signed is a token with those claims.
func Signed(algorithm jose.SignatureAlgorithm, key crypto.PrivateKey, kid string, claims []byte) string {
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: algorithm, Key: jose.JSONWebKey{Key: key, KeyID: kid}}, nil)
	if err != nil {
		panic(err)
	}
	jws, err := signer.Sign(claims)
	if err != nil {
		panic(err)
	}
	text, err := jws.CompactSerialize()
	if err != nil {
		panic(err)
	}
	return text
}

func writeJSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(v); err != nil {
		panic(err)
	}
}
