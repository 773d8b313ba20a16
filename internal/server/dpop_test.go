package server_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"github.com/google/uuid"
)

// dpopKey is a client's key for DPoP.
type dpopKey struct {
	t   *testing.T
	key *ecdsa.PrivateKey
}

func newDPoPKey(t *testing.T) dpopKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return dpopKey{t, key}
}

// thumbprint is that of RFC 7638.
func (k dpopKey) thumbprint() string {
	sum, err := (&jose.JSONWebKey{Key: k.key.Public()}).Thumbprint(crypto.SHA256)
	if err != nil {
		k.t.Fatal(err)
	}
	return base64.RawURLEncoding.EncodeToString(sum)
}

// proof is a fresh DPoP proof; access is the access token that comes with it, or "".
func (k dpopKey) proof(method, address, access string) string {
	k.t.Helper()
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: k.key}, (&jose.SignerOptions{EmbedJWK: true}).WithType("dpop+jwt"))
	if err != nil {
		k.t.Fatal(err)
	}
	claims := map[string]any{"jti": uuid.NewString(), "htm": method, "htu": address, "iat": time.Now().Unix()}
	if access != "" {
		sum := sha256.Sum256([]byte(access))
		claims["ath"] = base64.RawURLEncoding.EncodeToString(sum[:])
	}
	text, err := jwt.Signed(signer).Claims(claims).Serialize()
	if err != nil {
		k.t.Fatal(err)
	}
	return text
}

// postProving posts a form with a proof made for its address.
func (w *world) postProving(k dpopKey, path string, form url.Values) answer {
	return w.postWith(path, form, "DPoP", k.proof(http.MethodPost, w.site.URL+path, ""))
}

func (w *world) postWith(path string, form url.Values, header, value string) answer {
	r := w.request(http.MethodPost, path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set(header, value)
	return w.do(r)
}

func (w *world) tokenPath() string { return "/" + w.created.TenantID + "/oauth2/v2.0/token" }

func TestATokenThatIsBoundToAKeyIsOfNoUseWithoutIt(t *testing.T) {
	w := newWorld(t)
	key, other := newDPoPKey(t), newDPoPKey(t)
	code := w.code("admin@contoso.example", w.created.Pass)
	tokens := w.json(w.postProving(key, w.tokenPath(), redeem(code)))
	access, ok := tokens["access_token"].(string)
	if !ok || tokens["token_type"] != "DPoP" {
		t.Fatalf("redeem: %v", tokens["error"])
	}
	me := w.site.URL + "/v1.0/me"
	call := func(scheme, proof string) int {
		r := w.request(http.MethodGet, me, nil)
		r.Header.Set("Authorization", scheme+" "+access)
		if proof != "" {
			r.Header.Set("DPoP", proof)
		}
		return w.do(r).status
	}
	proof := key.proof(http.MethodGet, me, access)
	for name, c := range map[string]struct{ scheme, proof string }{
		"as Bearer":              {"Bearer", ""},
		"as Bearer with a proof": {"Bearer", key.proof(http.MethodGet, me, access)},
		"without a proof":        {"DPoP", ""},
		"by another key":         {"DPoP", other.proof(http.MethodGet, me, access)},
		"for another address":    {"DPoP", key.proof(http.MethodGet, me+"/x", access)},
		"for another method":     {"DPoP", key.proof(http.MethodPost, me, access)},
		"for another token":      {"DPoP", key.proof(http.MethodGet, me, access+"x")},
		"for the token endpoint": {"DPoP", key.proof(http.MethodGet, me, "")},
	} {
		if status := call(c.scheme, c.proof); status != http.StatusUnauthorized {
			t.Errorf("%s: %d", name, status)
		}
	}
	if status := call("DPoP", proof); status != http.StatusOK {
		t.Errorf("with its proof: %d", status)
	}
	if status := call("DPoP", proof); status != http.StatusUnauthorized {
		t.Errorf("with a proof that was used: %d", status)
	}
	// The refresh token of a public client is bound too, and therefore not rotated.
	for name, a := range map[string]answer{
		"without a proof": w.post(w.tokenPath(), refresh(tokens["refresh_token"])),
		"by another key":  w.postProving(other, w.tokenPath(), refresh(tokens["refresh_token"])),
	} {
		if a.status == http.StatusOK || w.json(a)["error"] != "invalid_dpop_proof" {
			t.Errorf("refresh %s: %d", name, a.status)
		}
	}
	for range 2 {
		next := w.json(w.postProving(key, w.tokenPath(), refresh(tokens["refresh_token"])))
		if next["refresh_token"] != tokens["refresh_token"] {
			t.Errorf("a bound refresh token: %v", next["error"])
		}
	}
}

func TestACodeThatIsBoundToAKeyIsRedeemedWithIt(t *testing.T) {
	w := newWorld(t)
	key := newDPoPKey(t)
	w.code("admin@contoso.example", w.created.Pass)
	code := w.codeIn(w.authorize(url.Values{"prompt": {"none"}, "dpop_jkt": {key.thumbprint()}}))
	if a := w.post(w.tokenPath(), redeem(code)); a.status == http.StatusOK {
		t.Error("without a proof")
	}
	if a := w.postProving(newDPoPKey(t), w.tokenPath(), redeem(code)); a.status == http.StatusOK {
		t.Error("with another key")
	}
	if a := w.postProving(key, w.tokenPath(), redeem(code)); a.status != http.StatusOK {
		t.Errorf("with its key: %d %v", a.status, w.json(a)["error"])
	}
}
