package dpop_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"errors"
	"math/big"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/postern-id/postern/internal/dpop"
)

// The examples of RFC 9449: figure 2 (token request), figure 12 (resource request).
const (
	rfcTokenProof = "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0Rs" +
		"cEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19" +
		".eyJqdGkiOiItQndDM0VTYzZhY2MybFRjIiwiaHRtIjoiUE9TVCIsImh0dSI6Imh0dHBzOi8vc2VydmVyLmV4YW1wbGUuY29tL3Rva2VuIiwiaWF0IjoxNTYyMjYyNjE2fQ" +
		".2-GxA6T8lP4vfrg8v-FdWP0A0zdrj8igiMLvqRMUvwnQg4PtFLbdLXiOSsX0x7NVY-FNyJK70nfbV37xRZT3Lg"
	rfcResourceProof = "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0Rs" +
		"cEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19" +
		".eyJqdGkiOiJlMWozVl9iS2ljOC1MQUVCIiwiaHRtIjoiR0VUIiwiaHR1IjoiaHR0cHM6Ly9yZXNvdXJjZS5leGFtcGxlLm9yZy9wcm90ZWN0ZWRyZXNvdXJjZSIs" +
		"ImlhdCI6MTU2MjI2MjYxOCwiYXRoIjoiZlVIeU8ycjJaM0RaNTNFc05yV0JiMHhXWG9hTnk1OUlpS0NBcWtzbVFFbyJ9" +
		".2oW9RP35yRqzhrtNP86L-Ey71EOptxRimPPToA1plemAgR6pxHF8y6-yqyVnmcw6Fy1dqd-jfxSYoMxhAJpLjA"
	rfcAccessToken = "Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU"
	rfcThumbprint  = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"
)

func TestVerifyTheExamplesOfTheRFC(t *testing.T) {
	proof, err := dpop.Verify(rfcTokenProof, dpop.Want{
		Method: "POST", URL: "https://server.example.com/token", Now: time.Unix(1562262616, 0),
	})
	if err != nil {
		t.Fatal(err)
	}
	if proof.Key == nil {
		t.Error("the proof has no key")
	}
	proof.Key = nil // its thumbprint says which one it is
	if want := (dpop.Proof{Thumbprint: rfcThumbprint, ID: "-BwC3ESc6acc2lTc", IssuedAt: time.Unix(1562262616, 0).UTC()}); proof != want {
		t.Errorf("Verify = %+v, want %+v", proof, want)
	}
	if _, err := dpop.Verify(rfcResourceProof, dpop.Want{
		Method: "GET", URL: "https://resource.example.org/protectedresource", Now: time.Unix(1562262618, 0),
		AccessToken: rfcAccessToken, Thumbprint: rfcThumbprint,
	}); err != nil {
		t.Fatal(err)
	}
}

var nine = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

const tokenURL = "https://login.contoso.example:8443/contoso.example/oauth2/v2.0/token"

func want() dpop.Want { return dpop.Want{Method: "POST", URL: tokenURL, Now: nine} }

type object = map[string]any

// A key signs proofs by hand, so that tests can write what no library would.
type key struct {
	alg     string
	private crypto.Signer
	jwk     object
}

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func newEC(t testing.TB, alg string, curve elliptic.Curve, name string) key {
	t.Helper()
	private, err := ecdsa.GenerateKey(curve, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	point, err := private.PublicKey.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	half := len(point) / 2
	return key{alg, private, object{"kty": "EC", "crv": name, "x": b64(point[1 : 1+half]), "y": b64(point[1+half:])}}
}

func newRSA(t testing.TB, alg string, bits int) key {
	t.Helper()
	private, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		t.Fatal(err)
	}
	return key{alg, private, object{"kty": "RSA", "n": b64(private.N.Bytes()), "e": "AQAB"}}
}

func newEd(t testing.TB) key {
	t.Helper()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key{"EdDSA", private, object{"kty": "OKP", "crv": "Ed25519", "x": b64(public)}}
}

func (k key) sign(t testing.TB, input string) []byte {
	t.Helper()
	digest := sha256.Sum256([]byte(input))
	var sig []byte
	var err error
	switch private := k.private.(type) {
	case ed25519.PrivateKey:
		sig = ed25519.Sign(private, []byte(input))
	case *rsa.PrivateKey:
		if k.alg == "PS256" {
			sig, err = rsa.SignPSS(rand.Reader, private, crypto.SHA256, digest[:], &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash})
		} else {
			sig, err = rsa.SignPKCS1v15(rand.Reader, private, crypto.SHA256, digest[:])
		}
	case *ecdsa.PrivateKey:
		hash := digest[:]
		if private.Curve == elliptic.P384() {
			long := sha512.Sum384([]byte(input))
			hash = long[:]
		}
		var r, s *big.Int
		if r, s, err = ecdsa.Sign(rand.Reader, private, hash); err == nil {
			size := (private.Curve.Params().BitSize + 7) / 8
			sig = append(r.FillBytes(make([]byte, size)), s.FillBytes(make([]byte, size))...)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	return sig
}

func (k key) header() object { return object{"typ": "dpop+jwt", "alg": k.alg, "jwk": k.jwk} }

func claims() object {
	return object{"jti": "f3a1", "htm": "POST", "htu": tokenURL, "iat": nine.Unix()}
}

func (k key) proof(t testing.TB, header, claims any) string {
	t.Helper()
	h, err := json.Marshal(header)
	if err != nil {
		t.Fatal(err)
	}
	c, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	return k.proofOf(t, h, c)
}

func (k key) proofOf(t testing.TB, header, claims []byte) string {
	t.Helper()
	input := b64(header) + "." + b64(claims)
	return input + "." + b64(k.sign(t, input))
}

func with(o object, name string, value any) object {
	o[name] = value
	return o
}

func without(o object, name string) object {
	delete(o, name)
	return o
}

func TestVerifyAcceptsTheNamedAlgorithms(t *testing.T) {
	keys := []key{
		newEC(t, "ES256", elliptic.P256(), "P-256"), newEC(t, "ES384", elliptic.P384(), "P-384"),
		newRSA(t, "RS256", 2048), newRSA(t, "PS256", 2048), newEd(t),
	}
	var algs []string
	for _, k := range keys {
		algs = append(algs, k.alg)
		proof, err := dpop.Verify(k.proof(t, k.header(), claims()), want())
		if err != nil {
			t.Errorf("%s: %v", k.alg, err)
		}
		if len(proof.Thumbprint) != 43 || proof.ID != "f3a1" || !proof.IssuedAt.Equal(nine) {
			t.Errorf("%s: %+v", k.alg, proof)
		}
	}
	if got := strings.Join(dpop.Algorithms(), " "); got != strings.Join(algs, " ") {
		t.Errorf("Algorithms = %s, want %s", got, strings.Join(algs, " "))
	}
}

func TestVerifyRefusesForgedHeaders(t *testing.T) {
	k, other := newEC(t, "ES256", elliptic.P256(), "P-256"), newEC(t, "ES256", elliptic.P256(), "P-256")
	large, rs, weak := newEC(t, "ES384", elliptic.P384(), "P-384"), newRSA(t, "RS256", 2048), newRSA(t, "RS256", 1024)
	public := func() object { return object{"kty": "EC", "crv": "P-256", "x": k.jwk["x"], "y": k.jwk["y"]} }
	good := k.proof(t, k.header(), claims())
	parts := strings.Split(good, ".")
	header := `{"typ":"dpop+jwt","alg":"ES256","jwk":{"kty":"EC","crv":"P-256","x":"` + k.jwk["x"].(string) + `","y":"` + k.jwk["y"].(string) + `"}`
	body, _ := json.Marshal(claims())
	tests := []struct{ name, proof string }{
		{"nothing", ""},
		{"a word", "proof"},
		{"two parts", parts[0] + "." + parts[1]},
		{"four parts", good + ".x"},
		{"two proofs with a comma", good + "," + good},
		{"two proofs with a comma and a blank", good + ", " + good},
		{"a blank before", " " + good},
		{"a line feed after", good + "\n"},
		{"a line feed inside", good[:20] + "\n" + good[20:]},
		{"padding", good + "="},
		{"JSON serialization", `{"protected":"` + parts[0] + `","payload":"` + parts[1] + `","signature":"` + parts[2] + `"}`},
		{"no signature", parts[0] + "." + parts[1] + "."},
		{"the signature of other claims", parts[0] + "." + b64([]byte(`{}`)) + "." + parts[2]},
		{"a signature in DER", parts[0] + "." + parts[1] + "." + b64(derSignature(t, k, parts[0]+"."+parts[1]))},
		{"a signature of zeros", parts[0] + "." + parts[1] + "." + b64(make([]byte, 64))},
		{"too long", k.proof(t, k.header(), with(claims(), "pad", strings.Repeat("a", dpop.MaxSize)))},
		{"no typ", k.proof(t, without(k.header(), "typ"), claims())},
		{"typ JWT", k.proof(t, with(k.header(), "typ", "JWT"), claims())},
		{"typ in capitals", k.proof(t, with(k.header(), "typ", "DPOP+JWT"), claims())},
		{"a typ that is no text", k.proof(t, with(k.header(), "typ", []string{"dpop+jwt"}), claims())},
		{"typ twice", k.proofOf(t, []byte(header+`,"typ":"JWT"}`), body)},
		{"alg none", k.proof(t, with(k.header(), "alg", "none"), claims())},
		{"alg none without a signature", b64([]byte(strings.Replace(header, "ES256", "none", 1)+"}")) + "." + parts[1] + "."},
		{"no alg", k.proof(t, without(k.header(), "alg"), claims())},
		{"HS256 with the public key as secret", k.proof(t, with(k.header(), "alg", "HS256"), claims())},
		{"HS256 with a symmetric key inside", k.proof(t, object{"typ": "dpop+jwt", "alg": "HS256", "jwk": object{"kty": "oct", "k": b64(make([]byte, 32))}}, claims())},
		{"ES256 with a symmetric key inside", k.proof(t, with(k.header(), "jwk", object{"kty": "oct", "k": b64(make([]byte, 32))}), claims())},
		{"an algorithm that is not on the list", k.proof(t, with(k.header(), "alg", "ES512"), claims())},
		{"ES256 with an RSA key", rs.proof(t, with(rs.header(), "alg", "ES256"), claims())},
		{"RS256 with an EC key", k.proof(t, with(k.header(), "alg", "RS256"), claims())},
		{"ES256 with a P-384 key", large.proof(t, with(large.header(), "alg", "ES256"), claims())},
		{"no jwk", k.proof(t, without(k.header(), "jwk"), claims())},
		{"jwk null", k.proof(t, with(k.header(), "jwk", nil), claims())},
		{"jwk empty", k.proof(t, with(k.header(), "jwk", object{}), claims())},
		{"a key id in place of the key", k.proof(t, with(without(k.header(), "jwk"), "kid", "1"), claims())},
		{"the key of somebody else", k.proof(t, other.header(), claims())},
		{"a private EC key", k.proof(t, with(k.header(), "jwk", with(public(), "d", b64(make([]byte, 32)))), claims())},
		{"a private RSA exponent", rs.proof(t, with(rs.header(), "jwk", object{"kty": "RSA", "n": rs.jwk["n"], "e": "AQAB", "d": b64([]byte{1})}), claims())},
		{"a private RSA prime alone", rs.proof(t, with(rs.header(), "jwk", object{"kty": "RSA", "n": rs.jwk["n"], "e": "AQAB", "p": b64([]byte{7})}), claims())},
		{"further RSA primes", rs.proof(t, with(rs.header(), "jwk", object{"kty": "RSA", "n": rs.jwk["n"], "e": "AQAB", "oth": []object{{"r": b64([]byte{7})}}}), claims())},
		{"an empty private member", k.proof(t, with(k.header(), "jwk", with(public(), "d", "")), claims())},
		{"a symmetric member in an EC key", k.proof(t, with(k.header(), "jwk", with(public(), "k", b64([]byte{1}))), claims())},
		{"an EC key that is not on the curve", k.proof(t, with(k.header(), "jwk", with(public(), "y", k.jwk["x"])), claims())},
		{"an RSA key of 1024 bits", weak.proof(t, weak.header(), claims())},
		{"an RSA modulus beyond 4096 bits", rs.proof(t, with(rs.header(), "jwk", object{"kty": "RSA", "n": b64(append([]byte{1}, make([]byte, 512)...)), "e": "AQAB"}), claims())},
		{"an RSA exponent of 1", rs.proof(t, with(rs.header(), "jwk", object{"kty": "RSA", "n": rs.jwk["n"], "e": "AQ"}), claims())},
		{"an RSA exponent that is even", rs.proof(t, with(rs.header(), "jwk", object{"kty": "RSA", "n": rs.jwk["n"], "e": "AQAC"}), claims())},
		{"an RSA exponent of 3", rs.proof(t, with(rs.header(), "jwk", object{"kty": "RSA", "n": rs.jwk["n"], "e": "Aw"}), claims())},
		{"jwk twice", k.proofOf(t, []byte(header+`,"jwk":{}}`), body)},
		{"a critical extension", k.proof(t, with(with(k.header(), "crit", []string{"x"}), "x", 1), claims())},
		{"a payload that is not encoded", k.proof(t, with(with(k.header(), "crit", []string{"b64"}), "b64", false), claims())},
		{"a header that is a list", k.proof(t, []int{1}, claims())},
		{"claims that are a list", k.proof(t, k.header(), []int{1})},
		{"claims that are null", k.proof(t, k.header(), nil)},
		{"claims with text behind", k.proofOf(t, []byte(header+"}"), append(body, []byte(`{"a":1}`)...))},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if proof, err := dpop.Verify(tt.proof, want()); !errors.Is(err, dpop.ErrInvalid) || proof != (dpop.Proof{}) {
				t.Fatalf("Verify = %+v, %v, want ErrInvalid", proof, err)
			}
		})
	}
}

func derSignature(t testing.TB, k key, input string) []byte {
	t.Helper()
	digest := sha256.Sum256([]byte(input))
	sig, err := k.private.Sign(rand.Reader, digest[:], crypto.SHA256)
	if err != nil {
		t.Fatal(err)
	}
	return sig
}

func TestVerifyClaims(t *testing.T) {
	k := newEC(t, "ES256", elliptic.P256(), "P-256")
	at := func(d time.Duration) object { return with(claims(), "iat", nine.Add(d).Unix()) }
	tests := []struct {
		name   string
		claims object
		ok     bool
	}{
		{"what is needed", claims(), true},
		{"a claim that nobody knows", with(claims(), "x", 1), true},
		{"a nonce nobody asked for", with(claims(), "nonce", "n"), true},
		{"no jti", without(claims(), "jti"), false},
		{"an empty jti", with(claims(), "jti", ""), false},
		{"a jti that is a number", with(claims(), "jti", 7), false},
		{"the longest jti", with(claims(), "jti", strings.Repeat("a", 256)), true},
		{"a jti one longer", with(claims(), "jti", strings.Repeat("a", 257)), false},
		{"no htm", without(claims(), "htm"), false},
		{"another method", with(claims(), "htm", "GET"), false},
		{"the method in lower case", with(claims(), "htm", "post"), false},
		{"no htu", without(claims(), "htu"), false},
		{"another URL", with(claims(), "htu", "https://evil.example/token"), false},
		{"a list of URLs", with(claims(), "htu", []string{tokenURL}), false},
		{"claim names in capitals", object{"JTI": "a", "HTM": "POST", "HTU": tokenURL, "IAT": nine.Unix()}, false},
		{"no iat", without(claims(), "iat"), false},
		{"iat null", with(claims(), "iat", nil), false},
		{"iat as text", with(claims(), "iat", "1772442000"), false},
		{"iat with a fraction", with(claims(), "iat", float64(nine.Unix())+0.5), true},
		{"iat beyond all clocks", with(claims(), "iat", 1e300), false},
		{"iat of zero", with(claims(), "iat", 0), false},
		{"iat below zero", with(claims(), "iat", -1e18), false},
		{"a minute ahead", at(time.Minute), true},
		{"a second more than a minute ahead", at(61 * time.Second), false},
		{"a second less than five minutes old", at(-299 * time.Second), true},
		{"five minutes old", at(-5 * time.Minute), false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := dpop.Verify(k.proof(t, k.header(), tt.claims), want())
			if tt.ok && err != nil {
				t.Fatalf("Verify = %v, want nil", err)
			}
			if !tt.ok && !errors.Is(err, dpop.ErrInvalid) {
				t.Fatalf("Verify = %v, want ErrInvalid", err)
			}
		})
	}
	t.Run("a claim twice", func(t *testing.T) {
		header, _ := json.Marshal(k.header())
		body := `{"jti":"a","htm":"GET","htm":"POST","htu":"` + tokenURL + `","iat":1772442000}`
		if _, err := dpop.Verify(k.proofOf(t, header, []byte(body)), want()); !errors.Is(err, dpop.ErrInvalid) {
			t.Fatalf("Verify = %v, want ErrInvalid", err)
		}
	})
}

func TestVerifyNonce(t *testing.T) {
	k := newEC(t, "ES256", elliptic.P256(), "P-256")
	w := want()
	w.Nonces = []string{"current", "previous"}
	tests := []struct {
		name  string
		nonce any
		want  error
	}{
		{"the current nonce", "current", nil},
		{"the previous nonce", "previous", nil},
		{"no nonce", nil, dpop.ErrUseNonce},
		{"an empty nonce", "", dpop.ErrUseNonce},
		{"an older nonce", "older", dpop.ErrUseNonce},
		{"a list of nonces", []string{"current"}, dpop.ErrInvalid},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := dpop.Verify(k.proof(t, k.header(), with(claims(), "nonce", tt.nonce)), w); !errors.Is(err, tt.want) {
				t.Fatalf("Verify = %v, want %v", err, tt.want)
			}
		})
	}
	t.Run("an empty nonce among the good ones lets nobody in without", func(t *testing.T) {
		w := want()
		w.Nonces = []string{""}
		if _, err := dpop.Verify(k.proof(t, k.header(), claims()), w); !errors.Is(err, dpop.ErrUseNonce) {
			t.Fatalf("Verify = %v, want ErrUseNonce", err)
		}
	})
	t.Run("a forged proof is told nothing about nonces", func(t *testing.T) {
		forged := k.proof(t, newEC(t, "ES256", elliptic.P256(), "P-256").header(), claims())
		if _, err := dpop.Verify(forged, w); !errors.Is(err, dpop.ErrInvalid) {
			t.Fatalf("Verify = %v, want ErrInvalid", err)
		}
	})
}

func TestVerifyBinding(t *testing.T) {
	k, thief := newEC(t, "ES256", elliptic.P256(), "P-256"), newEC(t, "ES256", elliptic.P256(), "P-256")
	owner, err := dpop.Verify(k.proof(t, k.header(), claims()), want())
	if err != nil {
		t.Fatal(err)
	}
	hash := sha256.Sum256([]byte("token"))
	ath := b64(hash[:])
	tests := []struct {
		name              string
		key               key
		token, thumbprint string
		ath               any
		ok                bool
	}{
		{"the bound key and the token's hash", k, "token", owner.Thumbprint, ath, true},
		{"the bound key of a code or refresh token", k, "", owner.Thumbprint, nil, true},
		{"a hash nobody asked for", k, "", "", ath, true},
		{"another key", thief, "token", owner.Thumbprint, ath, false},
		{"another key for a code or refresh token", thief, "", owner.Thumbprint, nil, false},
		{"a token that is bound to no key", k, "token", "", ath, false},
		{"no hash", k, "token", owner.Thumbprint, nil, false},
		{"an empty hash", k, "token", owner.Thumbprint, "", false},
		{"the hash of another token", k, "other", owner.Thumbprint, ath, false},
		{"the token in place of its hash", k, "token", owner.Thumbprint, "token", false},
		{"the hash with padding", k, "token", owner.Thumbprint, ath + "=", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := want()
			w.AccessToken, w.Thumbprint = tt.token, tt.thumbprint
			_, err := dpop.Verify(tt.key.proof(t, tt.key.header(), with(claims(), "ath", tt.ath)), w)
			if tt.ok && err != nil {
				t.Fatalf("Verify = %v, want nil", err)
			}
			if !tt.ok && !errors.Is(err, dpop.ErrInvalid) {
				t.Fatalf("Verify = %v, want ErrInvalid", err)
			}
		})
	}
}

func TestVerifyURL(t *testing.T) {
	k := newEC(t, "ES256", elliptic.P256(), "P-256")
	tests := []struct {
		name, request, htu string
		ok                 bool
	}{
		{"a query in the request", "https://graph.example/v1.0/me?$select=id", "https://graph.example/v1.0/me", true},
		{"a query in the proof", "https://graph.example/v1.0/me", "https://graph.example/v1.0/me?$select=id", true},
		{"another query", "https://graph.example/v1.0/me?a", "https://graph.example/v1.0/me?b", true},
		{"a fragment in the proof", "https://graph.example/v1.0/me", "https://graph.example/v1.0/me#x", true},
		{"capitals in scheme and host", "https://graph.example/v1.0/me", "HTTPS://Graph.Example/v1.0/me", true},
		{"the default port", "https://graph.example/v1.0/me", "https://graph.example:443/v1.0/me", true},
		{"an empty port", "https://graph.example/v1.0/me", "https://graph.example:/v1.0/me", true},
		{"the default port of http", "http://localhost/x", "http://localhost:80/x", true},
		{"an empty path", "https://graph.example/", "https://graph.example", true},
		{"small letters in an encoding", "https://graph.example/a%C3%A9", "https://graph.example/a%c3%a9", true},
		{"an encoded letter", "https://graph.example/users/a~b", "https://graph.example/user%73/a%7Eb", true},
		{"a dot segment", "https://graph.example/v1.0/me", "https://graph.example/x/../v1.0/./me", true},
		{"an encoded at sign stays encoded", "https://graph.example/users/a%40b", "https://graph.example/users/a%40b", true},
		{"an IPv6 host", "https://[2001:db8::1]:8443/x", "https://[2001:DB8::1]:8443/x", true},
		{"brackets and quotes in a path", "https://graph.example/f(x='a')", "https://graph.example/f(x='a')", true},

		{"another path", "https://graph.example/v1.0/me", "https://graph.example/v1.0/users", false},
		{"a longer path", "https://graph.example/v1.0/me", "https://graph.example/v1.0/me/messages", false},
		{"a trailing slash", "https://graph.example/v1.0/me", "https://graph.example/v1.0/me/", false},
		{"capitals in the path", "https://graph.example/v1.0/me", "https://graph.example/v1.0/Me", false},
		{"a double slash", "https://graph.example/v1.0/me", "https://graph.example//v1.0/me", false},
		{"an encoded slash", "https://graph.example/v1.0/me", "https://graph.example/v1.0%2Fme", false},
		{"a host that ends the same", "https://graph.example/x", "https://evilgraph.example/x", false},
		{"a host that begins the same", "https://graph.example/x", "https://graph.example.evil.example/x", false},
		{"the host as user information", "https://graph.example/x", "https://graph.example@evil.example/x", false},
		{"user information before the host", "https://graph.example/x", "https://a@graph.example/x", false},
		{"empty user information", "https://graph.example/x", "https://@graph.example/x", false},
		{"another port", "https://graph.example/x", "https://graph.example:8443/x", false},
		{"the default port of another scheme", "https://graph.example/x", "https://graph.example:80/x", false},
		{"http instead of https", "https://graph.example/x", "http://graph.example/x", false},
		{"another scheme", "https://graph.example/x", "ftp://graph.example/x", false},
		{"no scheme", "https://graph.example/x", "//graph.example/x", false},
		{"a path only", "https://graph.example/x", "/x", false},
		{"no host", "https://graph.example/x", "https:///x", false},
		{"no slashes", "https://graph.example/x", "https:graph.example/x", false},
		{"a backslash", "https://graph.example/x", `https://graph.example\x`, false},
		{"a blank", "https://graph.example/x", "https://graph.example/x ", false},
		{"a line feed", "https://graph.example/x", "https://graph.example/x\n", false},
		{"half an encoding", "https://graph.example/x", "https://graph.example/x%4", false},
		{"an encoded host", "https://graph.example/x", "https://gr%61ph.example/x", false},
		{"an encoded letter beyond ASCII in the host", "https://graph.example/x", "https://gr%C3%A4ph.example/x", false},
		{"a zone in an IPv6 host", "https://[fe80::1]/x", "https://[fe80::1%25eth0]/x", false},
		{"an encoded percent sign", "https://graph.example/a%41", "https://graph.example/a%2541", false},
		{"nothing on both sides", "", "", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := want()
			w.URL = tt.request
			_, err := dpop.Verify(k.proof(t, k.header(), with(claims(), "htu", tt.htu)), w)
			if tt.ok && err != nil {
				t.Fatalf("Verify = %v, want nil", err)
			}
			if !tt.ok && !errors.Is(err, dpop.ErrInvalid) {
				t.Fatalf("Verify = %v, want ErrInvalid", err)
			}
		})
	}
}

func TestFromHeader(t *testing.T) {
	tests := []struct {
		name   string
		header http.Header
		proof  string
		want   error
	}{
		{"no header", http.Header{}, "", nil},
		{"one header", http.Header{"Dpop": {"a.b.c"}}, "a.b.c", nil},
		{"two headers", http.Header{"Dpop": {"a.b.c", "a.b.c"}}, "", dpop.ErrInvalid},
		{"an empty header, which is not the same as none", http.Header{"Dpop": {""}}, "", dpop.ErrInvalid},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			proof, err := dpop.FromHeader(tt.header.Values("DPoP"))
			if proof != tt.proof || !errors.Is(err, tt.want) {
				t.Fatalf("FromHeader = %q, %v, want %q, %v", proof, err, tt.proof, tt.want)
			}
		})
	}
}

// FuzzVerify signs what the fuzzer makes of header and claims with the real key, and
// asks a second reader of the claims whether what passed could pass.
func FuzzVerify(f *testing.F) {
	// Fixed, because the processes of a fuzz run share their inputs.
	private := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, ed25519.SeedSize))
	k := key{"EdDSA", private, object{"kty": "OKP", "crv": "Ed25519", "x": b64(private.Public().(ed25519.PublicKey))}}
	header, _ := json.Marshal(k.header())
	body, _ := json.Marshal(claims())
	f.Add(header, body)
	f.Add([]byte(strings.Replace(string(header), "EdDSA", "none", 1)), body)
	f.Add(header, []byte(`{"jti":"a","htm":"POST","htu":"https://a@b/","iat":1e99,"nonce":"n","ath":"x"}`))
	for _, example := range []string{rfcTokenProof, rfcResourceProof} {
		parts := strings.Split(example, ".")
		h, _ := base64.RawURLEncoding.DecodeString(parts[0])
		c, _ := base64.RawURLEncoding.DecodeString(parts[1])
		f.Add(h, c)
	}
	f.Fuzz(func(t *testing.T, header, body []byte) {
		proof, err := dpop.Verify(k.proofOf(t, header, body), want())
		if err != nil {
			if !errors.Is(err, dpop.ErrInvalid) || proof != (dpop.Proof{}) {
				t.Fatalf("Verify = %+v, %v", proof, err)
			}
			return
		}
		var said struct {
			JTI string  `json:"jti"`
			HTM string  `json:"htm"`
			IAT float64 `json:"iat"`
		}
		if err := json.Unmarshal(body, &said); err != nil {
			t.Fatalf("%q passed and is no JSON: %v", body, err)
		}
		age := nine.Sub(proof.IssuedAt)
		if said.JTI == "" || said.HTM != "POST" || age < -time.Minute || age >= 5*time.Minute || len(proof.Thumbprint) != 43 {
			t.Fatalf("%q passed as %+v", body, proof)
		}
	})
}

// FuzzVerifyText feeds whole proofs, whose signatures the fuzzer can't make.
func FuzzVerifyText(f *testing.F) {
	f.Add(rfcTokenProof)
	f.Add(rfcResourceProof)
	f.Add("a.b.c")
	f.Fuzz(func(t *testing.T, text string) {
		proof, err := dpop.Verify(text, dpop.Want{Method: "POST", URL: "https://server.example.com/token", Now: time.Unix(1562262616, 0)})
		if err == nil && proof.Thumbprint != rfcThumbprint {
			t.Fatalf("%q passed as %+v", text, proof)
		}
	})
}
