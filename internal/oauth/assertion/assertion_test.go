package assertion_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"maps"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/postern-id/postern/internal/oauth/assertion"
)

const (
	client   = "6731de76-14a6-49ae-97bc-6eba6914391e"
	tokenURL = "https://login.contoso.example/1b9a0e4c-0d61-4a6e-8ee3-9a8a4ee4a5b7/oauth2/v2.0/token"
	issuer   = "https://login.contoso.example/1b9a0e4c-0d61-4a6e-8ee3-9a8a4ee4a5b7/v2.0"
)

var nine = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

type object = map[string]any

// A pair is a certificate and its key. Assertions are signed by hand, so that tests can
// write what no library would.
type pair struct {
	private crypto.Signer
	cert    *x509.Certificate
}

func newPair(t testing.TB, private crypto.Signer) pair {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "app"},
		NotBefore: nine.Add(-24 * time.Hour), NotAfter: nine.Add(24 * time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return pair{private, cert}
}

func newRSA(t testing.TB, bits int) pair {
	t.Helper()
	private, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		t.Fatal(err)
	}
	return newPair(t, private)
}

func newEC(t testing.TB, curve elliptic.Curve) pair {
	t.Helper()
	private, err := ecdsa.GenerateKey(curve, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return newPair(t, private)
}

func (p pair) key(id string) assertion.Key { return assertion.KeyOf(id, p.cert) }

func (p pair) sha256() []byte { h := sha256.Sum256(p.cert.Raw); return h[:] }
func (p pair) sha1() []byte   { h := sha1.Sum(p.cert.Raw); return h[:] }

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func (p pair) sign(t testing.TB, alg, input string) []byte {
	t.Helper()
	digest := sha256.Sum256([]byte(input))
	var sig []byte
	var err error
	switch private := p.private.(type) {
	case *rsa.PrivateKey:
		if alg == "PS256" {
			sig, err = rsa.SignPSS(rand.Reader, private, crypto.SHA256, digest[:], &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash})
		} else {
			sig, err = rsa.SignPKCS1v15(nil, private, crypto.SHA256, digest[:])
		}
	case *ecdsa.PrivateKey:
		var der []byte
		if der, err = private.Sign(nil, digest[:], crypto.SHA256); err == nil { // nil: the same each time, for the fuzzer
			var numbers struct{ R, S *big.Int }
			_, err = asn1.Unmarshal(der, &numbers)
			size := (private.Curve.Params().BitSize + 7) / 8
			sig = append(numbers.R.FillBytes(make([]byte, size)), numbers.S.FillBytes(make([]byte, size))...)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	return sig
}

func (p pair) assertion(t testing.TB, header, claims any) string {
	t.Helper()
	h, err := json.Marshal(header)
	if err != nil {
		t.Fatal(err)
	}
	c, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	return p.assertionOf(t, h, c)
}

func (p pair) assertionOf(t testing.TB, header, claims []byte) string {
	t.Helper()
	var h struct {
		Alg string `json:"alg"`
	}
	_ = json.Unmarshal(header, &h)
	input := b64(header) + "." + b64(claims)
	return input + "." + b64(p.sign(t, h.Alg, input))
}

// msal returns what MSAL Go sends: PS256, x5t#S256 in standard base64 with padding.
func msal(p pair) (header, claims object) {
	return object{"alg": "PS256", "typ": "JWT", "x5t#S256": base64.StdEncoding.EncodeToString(p.sha256())},
		object{
			"aud": tokenURL, "iss": client, "sub": client, "jti": "d1a4e3a0-64a9-4b0c-a4f0-1d2c5f2a3b11",
			"nbf": nine.Unix(), "exp": nine.Add(10 * time.Minute).Unix(),
		}
}

func with(o object, name string, value any) object {
	o = maps.Clone(o)
	o[name] = value
	return o
}

func without(o object, name string) object {
	o = maps.Clone(o)
	delete(o, name)
	return o
}

func want(keys ...assertion.Key) assertion.Want {
	return assertion.Want{Client: client, Audiences: []string{tokenURL, issuer}, Keys: keys, Now: nine}
}

func TestVerifyWhatClientsSend(t *testing.T) {
	p, ec := newRSA(t, 2048), newEC(t, elliptic.P256())
	header, claims := msal(p)
	chain := []string{base64.StdEncoding.EncodeToString(p.cert.Raw)}
	bare := object{"alg": "RS256", "typ": "JWT"}
	tests := []struct {
		name      string
		assertion string
		key       string
	}{
		{"MSAL Go", p.assertion(t, header, claims), "rsa"},
		{"MSAL Go with its certificate chain", p.assertion(t, with(header, "x5c", chain), claims), "rsa"},
		{"a thumbprint in base64url", p.assertion(t, with(header, "x5t#S256", b64(p.sha256())), claims), "rsa"},
		{"a thumbprint in base64url with padding", p.assertion(t, with(header, "x5t#S256", base64.URLEncoding.EncodeToString(p.sha256())), claims), "rsa"},
		{"an older library with RS256 and x5t", p.assertion(t, with(bare, "x5t", b64(p.sha1())), claims), "rsa"},
		{"an older library that sends the thumbprint as kid too", p.assertion(t, with(with(bare, "x5t", b64(p.sha1())), "kid", strings.ToUpper(hex.EncodeToString(p.sha1()))), claims), "rsa"},
		{"the thumbprint as kid only", p.assertion(t, with(bare, "kid", strings.ToUpper(hex.EncodeToString(p.sha1()))), claims), "rsa"},
		{"a key id", ec.assertion(t, object{"alg": "ES256", "kid": "ec"}, claims), "ec"},
		{"no hint at all", ec.assertion(t, object{"alg": "ES256"}, claims), "ec"},
		{"an unknown kid beside a known thumbprint", p.assertion(t, with(header, "kid", "mine"), claims), "rsa"},
		{"the type that RFC 7523bis proposes", p.assertion(t, with(header, "typ", "client-authentication+jwt"), claims), "rsa"},
		{"the type in small letters", p.assertion(t, with(header, "typ", "jwt"), claims), "rsa"},
		{"the issuer as audience", p.assertion(t, header, with(claims, "aud", issuer)), "rsa"},
		{"a list of both audiences", p.assertion(t, header, with(claims, "aud", []string{issuer, tokenURL})), "rsa"},
		{"the client id in capitals", p.assertion(t, header, with(with(claims, "iss", strings.ToUpper(client)), "sub", strings.ToUpper(client))), "rsa"},
		{"iat", p.assertion(t, header, with(claims, "iat", nine.Unix())), "rsa"},
		{"no nbf", p.assertion(t, header, without(claims, "nbf")), "rsa"},
		{"a claim that nobody knows", p.assertion(t, header, with(claims, "x", 1)), "rsa"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := assertion.Verify(tt.assertion, want(p.key("rsa"), ec.key("ec")))
			if err != nil {
				t.Fatal(err)
			}
			expected := assertion.Assertion{ID: "d1a4e3a0-64a9-4b0c-a4f0-1d2c5f2a3b11", KeyID: tt.key, ExpiresAt: nine.Add(10 * time.Minute)}
			if got != expected {
				t.Fatalf("Verify = %+v, want %+v", got, expected)
			}
		})
	}
}

func TestVerifyRefusesForgedSignatures(t *testing.T) {
	p, other, weak, large := newRSA(t, 2048), newRSA(t, 2048), newRSA(t, 1024), newEC(t, elliptic.P384())
	ec := newEC(t, elliptic.P256())
	header, claims := msal(p)
	good := p.assertion(t, header, claims)
	parts := strings.Split(good, ".")
	otherHeader, _ := msal(other)
	weakHeader, _ := msal(weak)
	pss := func(name string, value any) string { return p.assertion(t, with(header, name, value), claims) }
	otherKey := object{"kty": "RSA", "e": "AQAB", "n": b64(other.private.Public().(*rsa.PublicKey).N.Bytes())}
	otherChain := []string{base64.StdEncoding.EncodeToString(other.cert.Raw)}
	body, _ := json.Marshal(claims)
	tests := []struct{ name, assertion string }{
		{"nothing", ""},
		{"a word", "assertion"},
		{"two parts", parts[0] + "." + parts[1]},
		{"five parts", good + ".x.y"},
		{"a blank before", " " + good},
		{"a line feed inside", good[:9] + "\n" + good[9:]},
		{"JSON serialization", `{"protected":"` + parts[0] + `","payload":"` + parts[1] + `","signature":"` + parts[2] + `"}`},
		{"no signature", parts[0] + "." + parts[1] + "."},
		{"the signature of other claims", parts[0] + "." + b64([]byte(`{}`)) + "." + parts[2]},
		{"a signature of zeros", parts[0] + "." + parts[1] + "." + b64(make([]byte, 256))},
		{"too long", pss("pad", strings.Repeat("a", assertion.MaxSize))},
		{"alg none", b64([]byte(`{"alg":"none","typ":"JWT"}`)) + "." + parts[1] + "."},
		{"alg none with a signature", pss("alg", "none")},
		{"no alg", p.assertion(t, without(header, "alg"), claims)},
		{"HS256 with the public key as secret", hmacWith(p.cert.RawSubjectPublicKeyInfo, parts[1])},
		{"HS256 with the certificate as secret", hmacWith(p.cert.Raw, parts[1])},
		{"an algorithm that is not on the list", pss("alg", "RS512")},
		{"PS256 said, RS256 done", with256(t, p, header, claims)},
		{"ES256 said for an RSA key", pss("alg", "ES256")},
		{"ES256 by a P-384 key", large.assertion(t, object{"alg": "ES256", "x5t#S256": b64(large.sha256())}, claims)},
		{"somebody else's key under the right thumbprint", other.assertion(t, header, claims)},
		{"somebody else's key and thumbprint", other.assertion(t, otherHeader, claims)},
		{"somebody else's key in the header as jwk", other.assertion(t, with(header, "jwk", otherKey), claims)},
		{"somebody else's certificate in the header", other.assertion(t, with(header, "x5c", otherChain), claims)},
		{"somebody else's certificate and thumbprint in the header", other.assertion(t, with(otherHeader, "x5c", otherChain), claims)},
		{"somebody else's key by a URL", other.assertion(t, with(header, "jku", "https://evil.example/keys"), claims)},
		{"the right key under the thumbprint of another registered key", pss("x5t#S256", b64(ec.sha256()))},
		{"two thumbprints that disagree", pss("x5t", b64(ec.sha1()))},
		{"a thumbprint nobody registered", pss("x5t#S256", b64(make([]byte, 32)))},
		{"a thumbprint of the wrong length", pss("x5t#S256", b64(p.sha1()))},
		{"a SHA-256 thumbprint as x5t", pss("x5t", b64(p.sha256()))},
		{"an empty thumbprint", pss("x5t#S256", "")},
		{"a thumbprint that is no text", pss("x5t#S256", 7)},
		{"a thumbprint that is no base64", pss("x5t#S256", "!")},
		{"a kid nobody registered", p.assertion(t, object{"alg": "RS256", "kid": "x"}, claims)},
		{"an empty kid", p.assertion(t, object{"alg": "RS256", "kid": ""}, claims)},
		{"a kid that is no text", p.assertion(t, object{"alg": "RS256", "kid": 7}, claims)},
		{"an RSA key of 1024 bits", weak.assertion(t, weakHeader, claims)},
		{"typ dpop+jwt", pss("typ", "dpop+jwt")},
		{"typ of an access token", pss("typ", "at+jwt")},
		{"a typ that is no text", pss("typ", 1)},
		{"a critical extension", p.assertion(t, with(with(header, "crit", []string{"x"}), "x", 1), claims)},
		{"a payload that is not encoded", p.assertion(t, with(with(header, "crit", []string{"b64"}), "b64", false), claims)},
		{"alg twice", p.assertionOf(t, []byte(`{"alg":"RS256","alg":"none"}`), body)},
		{"a header that is a list", p.assertion(t, []int{1}, claims)},
	}
	keys := []assertion.Key{p.key("rsa"), ec.key("ec"), weak.key("weak"), large.key("large")}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := assertion.Verify(tt.assertion, want(keys...))
			if !errors.Is(err, assertion.ErrSignature) || got != (assertion.Assertion{}) {
				t.Fatalf("Verify = %+v, %v, want ErrSignature", got, err)
			}
		})
	}
}

// with256 signs with PKCS #1 v1.5 what the header calls PS256.
func with256(t testing.TB, p pair, header, claims object) string {
	t.Helper()
	h, _ := json.Marshal(header)
	c, _ := json.Marshal(claims)
	input := b64(h) + "." + b64(c)
	return input + "." + b64(p.sign(t, "RS256", input))
}

func hmacWith(secret []byte, body string) string {
	input := b64([]byte(`{"alg":"HS256","typ":"JWT"}`)) + "." + body
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(input))
	return input + "." + b64(mac.Sum(nil))
}

func TestVerifyKeys(t *testing.T) {
	p, ec := newRSA(t, 2048), newEC(t, elliptic.P256())
	header, claims := msal(p)
	good := p.assertion(t, header, claims)
	key := p.key("rsa")
	during := func(from, until time.Time) assertion.Key {
		k := key
		k.NotBefore, k.NotAfter = from, until
		return k
	}
	tests := []struct {
		name string
		keys []assertion.Key
		ok   bool
	}{
		{"the key among others", []assertion.Key{ec.key("ec"), key}, true},
		{"no keys", nil, false},
		{"other keys only", []assertion.Key{ec.key("ec")}, false},
		{"a key without end", []assertion.Key{during(time.Time{}, time.Time{})}, true},
		{"a key from this second", []assertion.Key{during(nine, time.Time{})}, true},
		{"a key from the next second", []assertion.Key{during(nine.Add(time.Second), time.Time{})}, false},
		{"a key until this second", []assertion.Key{during(time.Time{}, nine)}, true},
		{"a key until the last second", []assertion.Key{during(time.Time{}, nine.Add(-time.Second))}, false},
		{"a thumbprint without a key", []assertion.Key{{ID: "x", Thumbprints: key.Thumbprints}}, false},
		{"a thumbprint with a secret for a key", []assertion.Key{{ID: "x", Thumbprints: key.Thumbprints, Public: []byte("secret")}}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := assertion.Verify(good, want(tt.keys...))
			if tt.ok && err != nil {
				t.Fatalf("Verify = %v, want nil", err)
			}
			if !tt.ok && !errors.Is(err, assertion.ErrSignature) {
				t.Fatalf("Verify = %v, want ErrSignature", err)
			}
		})
	}
	t.Run("without a hint at most ten keys are tried", func(t *testing.T) {
		keys := slices.Repeat([]assertion.Key{ec.key("ec")}, 10)
		unnamed := p.assertion(t, object{"alg": "RS256"}, claims)
		if _, err := assertion.Verify(unnamed, want(append(keys, key)...)); !errors.Is(err, assertion.ErrSignature) {
			t.Fatalf("Verify = %v, want ErrSignature", err)
		}
		if _, err := assertion.Verify(unnamed, want(append(keys[:9:9], key)...)); err != nil {
			t.Fatalf("Verify = %v, want nil", err)
		}
	})
}

func TestVerifyClaims(t *testing.T) {
	p := newRSA(t, 2048)
	header, claims := msal(p)
	at := func(name string, d time.Duration) object { return with(claims, name, nine.Add(d).Unix()) }
	tests := []struct {
		name   string
		claims object
		ok     bool
	}{
		{"no aud", without(claims, "aud"), false},
		{"aud empty", with(claims, "aud", ""), false},
		{"an empty list of audiences", with(claims, "aud", []string{}), false},
		{"another server's token endpoint", with(claims, "aud", "https://login.evil.example/oauth2/v2.0/token"), false},
		{"another tenant's token endpoint", with(claims, "aud", strings.Replace(tokenURL, "1b9a", "2b9a", 1)), false},
		{"a list with another server, which could use the assertion here", with(claims, "aud", []string{tokenURL, "https://evil.example"}), false},
		{"the token endpoint with a slash", with(claims, "aud", tokenURL+"/"), false},
		{"the host only", with(claims, "aud", "https://login.contoso.example"), false},
		{"an audience that is no text", with(claims, "aud", 7), false},
		{"no iss", without(claims, "iss"), false},
		{"no sub", without(claims, "sub"), false},
		{"another issuer", with(claims, "iss", "b0a8a4b8-5c5e-4d16-9a0a-3d8d4c3f0b11"), false},
		{"another subject", with(claims, "sub", "b0a8a4b8-5c5e-4d16-9a0a-3d8d4c3f0b11"), false},
		{"issuer and subject of another client", with(with(claims, "iss", "b0a8a4b8-5c5e-4d16-9a0a-3d8d4c3f0b11"), "sub", "b0a8a4b8-5c5e-4d16-9a0a-3d8d4c3f0b11"), false},
		{"no jti", without(claims, "jti"), false},
		{"an empty jti", with(claims, "jti", ""), false},
		{"the longest jti", with(claims, "jti", strings.Repeat("a", 256)), true},
		{"a jti one longer", with(claims, "jti", strings.Repeat("a", 257)), false},
		{"claim names in capitals", object{"AUD": tokenURL, "ISS": client, "SUB": client, "JTI": "a", "EXP": nine.Add(time.Minute).Unix()}, false},
		{"no exp", without(claims, "exp"), false},
		{"exp null", with(claims, "exp", nil), false},
		{"exp as text", with(claims, "exp", "1772442600"), false},
		{"exp beyond all clocks", with(claims, "exp", 1e300), false},
		{"exp a second ahead", at("exp", time.Second), true},
		{"exp now", at("exp", 0), false},
		{"exp a second ago", at("exp", -time.Second), false},
		{"exp in an hour", at("exp", time.Hour), true},
		{"exp a second more than an hour ahead", at("exp", time.Hour+time.Second), false},
		{"nbf five minutes ahead", at("nbf", 5*time.Minute), true},
		{"nbf a second more than five minutes ahead", at("nbf", 5*time.Minute+time.Second), false},
		{"iat five minutes ahead", at("iat", 5*time.Minute), true},
		{"iat a second more than five minutes ahead", at("iat", 5*time.Minute+time.Second), false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := assertion.Verify(p.assertion(t, header, tt.claims), want(p.key("rsa")))
			if tt.ok && err != nil {
				t.Fatalf("Verify = %v, want nil", err)
			}
			if !tt.ok && !errors.Is(err, assertion.ErrInvalid) {
				t.Fatalf("Verify = %v, want ErrInvalid", err)
			}
		})
	}
	head, _ := json.Marshal(header)
	for name, body := range map[string]string{
		"a claim twice": `{"aud":"` + tokenURL + `","iss":"` + client + `","sub":"x","sub":"` + client + `","jti":"a","exp":1772442600}`,
		"a list":        `[]`,
		"null":          `null`,
		"no JSON":       `{`,
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := assertion.Verify(p.assertionOf(t, head, []byte(body)), want(p.key("rsa"))); !errors.Is(err, assertion.ErrInvalid) {
				t.Fatalf("Verify = %v, want ErrInvalid", err)
			}
		})
	}
	t.Run("an empty client id matches nobody", func(t *testing.T) {
		w := want(p.key("rsa"))
		w.Client = ""
		nobody := p.assertion(t, header, with(with(claims, "iss", ""), "sub", ""))
		if _, err := assertion.Verify(nobody, w); !errors.Is(err, assertion.ErrInvalid) {
			t.Fatalf("Verify = %v, want ErrInvalid", err)
		}
	})
}

type memory struct {
	seen  map[[3]string]time.Time
	fault error
}

func (m memory) Seen(_ context.Context, tenant, kind, id string, until time.Time) (bool, error) {
	if m.fault != nil {
		return false, m.fault
	}
	at := [3]string{tenant, kind, id}
	_, used := m.seen[at]
	m.seen[at] = until
	return !used, nil
}

func TestOnce(t *testing.T) {
	replay := memory{seen: map[[3]string]time.Time{}}
	a := assertion.Assertion{ID: "1", ExpiresAt: nine}
	tests := []struct {
		name, tenant, client string
		assertion            assertion.Assertion
		want                 error
	}{
		{"an assertion never seen", "contoso", client, a, nil},
		{"the same again", "contoso", client, a, assertion.ErrInvalid},
		{"the same with the client id in capitals", "contoso", strings.ToUpper(client), a, assertion.ErrInvalid},
		{"the same id, signed again with another end", "contoso", client, assertion.Assertion{ID: "1", ExpiresAt: nine.Add(time.Hour)}, assertion.ErrInvalid},
		{"another id", "contoso", client, assertion.Assertion{ID: "2", ExpiresAt: nine}, nil},
		{"another client, so that nobody can use up others' ids", "contoso", "b0a8a4b8", a, nil},
		{"another tenant", "fabrikam", client, a, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if err := assertion.Once(t.Context(), replay, tt.tenant, tt.client, tt.assertion); !errors.Is(err, tt.want) {
				t.Fatalf("Once = %v, want %v", err, tt.want)
			}
		})
	}
	for at, until := range replay.seen {
		if until.Before(nine.Add(time.Minute)) {
			t.Errorf("%v is forgotten at %v, while a replica whose clock is a minute behind still accepts it", at, until)
		}
	}
	down := errors.New("database is gone")
	if err := assertion.Once(t.Context(), memory{fault: down}, "contoso", client, a); !errors.Is(err, down) {
		t.Errorf("Once = %v, want %v", err, down)
	}
}

// FuzzVerify signs what the fuzzer makes of header and claims with the registered key,
// and asks a second reader of the claims whether what passed could pass. One key of a
// fuzz run is as good as another: the header names none.
func FuzzVerify(f *testing.F) {
	private, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), bytes.Repeat([]byte{7}, 32))
	if err != nil {
		f.Fatal(err)
	}
	p := newPair(f, private)
	_, claims := msal(p)
	body, _ := json.Marshal(claims)
	f.Add([]byte(`{"alg":"ES256","typ":"JWT"}`), body)
	f.Add([]byte(`{"alg":"ES256","kid":"ec","x5t":"AA=="}`), body)
	f.Add([]byte(`{"alg":"ES256"}`), []byte(`{"aud":["`+tokenURL+`","x"],"iss":"`+client+`","sub":"`+client+`","jti":"a","exp":1772442600.5,"nbf":-1}`))
	f.Fuzz(func(t *testing.T, header, body []byte) {
		got, err := assertion.Verify(p.assertionOf(t, header, body), want(p.key("ec")))
		if err != nil {
			if got != (assertion.Assertion{}) || !errors.Is(err, assertion.ErrSignature) && !errors.Is(err, assertion.ErrInvalid) {
				t.Fatalf("Verify = %+v, %v", got, err)
			}
			return
		}
		var said struct {
			JTI, Iss, Sub string
			Aud           any
		}
		if err := json.Unmarshal(body, &said); err != nil {
			t.Fatalf("%q passed and is no JSON: %v", body, err)
		}
		left := got.ExpiresAt.Sub(nine)
		if got.ID == "" || !strings.EqualFold(said.Iss, client) || !strings.EqualFold(said.Sub, client) || said.Aud == nil || left <= 0 || left > time.Hour {
			t.Fatalf("%q passed as %+v", body, got)
		}
	})
}
