package sdjwt_test

import (
	"crypto/ecdsa"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/postern-id/postern/internal/recovery/sdjwt"
	"github.com/postern-id/postern/internal/recovery/sdjwt/sdjwttest"
)

var nine = time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)

const (
	us    = "x509_hash:us"
	nonce = "n-0S6_WzA2Mj"
)

type wallet struct {
	t              *testing.T
	issuer, holder *ecdsa.PrivateKey
	demand         sdjwt.Demand
}

func newWallet(t *testing.T) wallet {
	w := wallet{t: t, issuer: sdjwttest.NewKey(t), holder: sdjwttest.NewKey(t)}
	w.demand = sdjwt.Demand{Issuers: []sdjwt.Issuer{sdjwttest.Issuer(t, w.issuer)}, Audience: us, Nonce: nonce, Since: nine.Add(-time.Minute)}
	return w
}

func mira() map[string]any {
	return map[string]any{"given_name": "Mira", "family_name": "Okafor", "employee_number": "E-1042"}
}

func (w wallet) issue(change func(map[string]any)) sdjwttest.Credential {
	return sdjwttest.Issue(w.t, w.issuer, w.holder, nine, mira(), change)
}

func (w wallet) shown() string { return w.issue(nil).Present(w.t, us, nonce, nine, nil) }

// refused checks that text counts for nothing, for that reason.
func (w wallet) refused(name, text string, want error) {
	w.t.Helper()
	if c, err := sdjwt.Verify(text, w.demand, nine); !errors.Is(err, want) {
		w.t.Errorf("%s: %v, %v", name, c, err)
	}
}

func TestACredentialOfATrustedIssuerShowsWhatItsHolderDiscloses(t *testing.T) {
	w := newWallet(t)
	c := w.issue(func(p map[string]any) {
		element := sdjwttest.Encode(t, []any{"s", "night"})
		p["shifts"] = []any{"day", map[string]any{"...": sdjwttest.Digest(element)}, map[string]any{"...": sdjwttest.Digest("kept back")}}
		p["hidden"] = map[string]any{"_sd": []any{sdjwttest.Digest("kept back, too")}}
	})
	c.Disclosures = append(c.Disclosures, sdjwttest.Encode(t, []any{"s", "night"}))
	got, err := sdjwt.Verify(c.Present(t, us, nonce, nine, nil), w.demand, nine)
	if err != nil {
		t.Fatal(err)
	}
	shifts, err := json.Marshal(got.Claims["shifts"])
	if err != nil || string(shifts) != `["day","night"]` || got.Claims["family_name"] != "Okafor" || got.Claims["_sd"] != nil {
		t.Errorf("%s %v", shifts, got.Claims)
	}
	person := map[string]string{"givenName": "mira", "surname": "Okafor ", "employeeId": "E-1042"}
	if !got.Issuer.About(got.Claims, person) {
		t.Error("it is not about Mira")
	}
	if !strings.HasPrefix(got.Reference, sdjwttest.ID+" ") || strings.Contains(got.Reference, "Okafor") {
		t.Errorf("reference %q", got.Reference)
	}
}

func TestWhatTheHolderDidNotMakeForUsNowCountsForNothing(t *testing.T) {
	w := newWallet(t)
	good := w.issue(nil)
	w.refused("without key binding", good.Shown(), sdjwt.ErrHolder)
	for name, change := range map[string]func(map[string]any){
		"another nonce":              func(c map[string]any) { c["nonce"] = "other" },
		"no nonce":                   func(c map[string]any) { delete(c, "nonce") },
		"another verifier":           func(c map[string]any) { c["aud"] = "x509_hash:them" },
		"several verifiers":          func(c map[string]any) { c["aud"] = []string{us} },
		"made before it was asked":   func(c map[string]any) { c["iat"] = nine.Add(-3 * time.Minute).Unix() },
		"made in the future":         func(c map[string]any) { c["iat"] = nine.Add(2 * time.Minute).Unix() },
		"without a time":             func(c map[string]any) { delete(c, "iat") },
		"a time that is none":        func(c map[string]any) { c["iat"] = "now" },
		"of another presentation":    func(c map[string]any) { c["sd_hash"] = sdjwttest.Digest("x") },
		"of no presentation":         func(c map[string]any) { delete(c, "sd_hash") },
		"the nonce in another shape": func(c map[string]any) { c["nonce"] = []string{nonce} },
	} {
		w.refused(name, good.Present(t, us, nonce, nine, change), sdjwt.ErrHolder)
	}
	stolen := good
	stolen.Holder = sdjwttest.NewKey(t)
	w.refused("signed by another key", stolen.Present(t, us, nonce, nine, nil), sdjwt.ErrHolder)
	hash := map[string]any{"aud": us, "nonce": nonce, "iat": nine.Unix(), "sd_hash": sdjwttest.Digest(good.Shown())}
	w.refused("another type of token", good.Shown()+sdjwttest.Sign(t, w.holder, jose.ES256, "JWT", hash), sdjwt.ErrHolder)
	w.refused("a key in its own header", good.Shown()+sdjwttest.Sign(t, stolen.Holder, jose.ES256, "kb+jwt", hash, "jwk", jose.JSONWebKey{Key: &stolen.Holder.PublicKey}), sdjwt.ErrHolder)
	// The presentation is cut or grown after the holder signed it.
	text := good.Present(t, us, nonce, nine, nil)
	parts := strings.Split(text, "~")
	w.refused("a disclosure less", strings.Join(append(parts[:1:1], parts[2:]...), "~"), sdjwt.ErrHolder)
	unbound := w.issue(func(p map[string]any) { delete(p, "cnf") })
	w.refused("bound to nobody", unbound.Present(t, us, nonce, nine, nil), sdjwt.ErrHolder)
	secret := w.issue(func(p map[string]any) {
		p["cnf"] = map[string]any{"jwk": map[string]any{"kty": "oct", "k": "c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0"}}
	})
	w.refused("bound to a shared secret", secret.Present(t, us, nonce, nine, nil), sdjwt.ErrHolder)
	w.demand.Nonce = ""
	w.refused("nobody asked", good.Present(t, us, "", nine, nil), sdjwt.ErrHolder)
}

func TestWhatTheIssuerDidNotSignCountsForNothing(t *testing.T) {
	w := newWallet(t)
	other := w
	other.issuer = sdjwttest.NewKey(t)
	w.refused("another issuer's key", other.shown(), sdjwt.ErrIssuer)
	for name, change := range map[string]func(map[string]any){
		"an unknown issuer": func(p map[string]any) { p["iss"] = "https://evil.example" },
		"another type":      func(p map[string]any) { p["vct"] = "https://hr.example/visitor" },
		"no type":           func(p map[string]any) { delete(p, "vct") },
	} {
		w.refused(name, w.issue(change).Present(t, us, nonce, nine, nil), sdjwt.ErrIssuer)
	}
	for name, change := range map[string]func(map[string]any){
		"expired":             func(p map[string]any) { p["exp"] = nine.Unix() },
		"not yet":             func(p map[string]any) { p["nbf"] = nine.Add(time.Hour).Unix() },
		"issued later":        func(p map[string]any) { p["iat"] = nine.Add(time.Hour).Unix() },
		"without end or list": func(p map[string]any) { delete(p, "exp") },
	} {
		w.refused(name, w.issue(change).Present(t, us, nonce, nine, nil), sdjwt.ErrExpired)
	}
	w.refused("an end that is none", w.issue(func(p map[string]any) { p["exp"] = "never" }).Present(t, us, nonce, nine, nil), sdjwt.ErrMalformed)
	w.refused("a status of an unknown kind", w.issue(func(p map[string]any) { p["status"] = map[string]any{"other": 1} }).Present(t, us, nonce, nine, nil), sdjwt.ErrRevoked)

	// The algorithm is changed to one without a key, or with the public key as its secret.
	good := w.issue(nil)
	body := strings.Split(good.Signed, ".")[1]
	forged := good
	forged.Signed = sdjwttest.Encode(t, map[string]any{"alg": "none", "typ": "dc+sd-jwt"}) + "." + body + "."
	w.refused("alg none", forged.Present(t, us, nonce, nine, nil), sdjwt.ErrMalformed)
	public, err := x509.MarshalPKIXPublicKey(&w.issuer.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	head := sdjwttest.Encode(t, map[string]any{"alg": "HS256", "typ": "dc+sd-jwt", "kid": "k1"}) + "." + body
	mac := hmac.New(sha256.New, public)
	mac.Write([]byte(head))
	forged.Signed = head + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
	w.refused("HS256 with the public key", forged.Present(t, us, nonce, nine, nil), sdjwt.ErrMalformed)
	// A token of the issuer that is no credential, and one whose header brings its own key.
	payload := map[string]any{"iss": sdjwttest.ID, "vct": sdjwttest.Type, "exp": nine.Add(time.Hour).Unix(), "cnf": map[string]any{"jwk": sdjwttest.Public(t, &w.holder.PublicKey, "")}}
	forged.Disclosures = nil
	forged.Signed = sdjwttest.Sign(t, w.issuer, jose.ES256, "JWT", payload)
	w.refused("another kind of token", forged.Present(t, us, nonce, nine, nil), sdjwt.ErrMalformed)
	forged.Signed = sdjwttest.Sign(t, other.issuer, jose.ES256, "dc+sd-jwt", payload, "jwk", jose.JSONWebKey{Key: &other.issuer.PublicKey})
	w.refused("a key in its own header", forged.Present(t, us, nonce, nine, nil), sdjwt.ErrIssuer)
}

func TestDisclosuresAreOfTheirCredentialOnce(t *testing.T) {
	w := newWallet(t)
	add := func(c sdjwttest.Credential, more ...string) string {
		c.Disclosures = append(append([]string(nil), c.Disclosures...), more...)
		return c.Present(t, us, nonce, nine, nil)
	}
	good := w.issue(nil)
	forged := sdjwttest.Encode(t, []any{"salt", "employee_number", "E-0001"})
	w.refused("one that the issuer never signed", add(good, forged), sdjwt.ErrMalformed)
	w.refused("twice", add(good, good.Disclosures[0]), sdjwt.ErrMalformed)
	w.refused("no base64", add(good, "%%"), sdjwt.ErrMalformed)
	w.refused("no list", add(good, sdjwttest.Encode(t, map[string]any{})), sdjwt.ErrMalformed)
	w.refused("four parts", add(good, sdjwttest.Encode(t, []any{"s", "a", 1, 2})), sdjwt.ErrMalformed)
	w.refused("empty", add(good, ""), sdjwt.ErrMalformed)

	with := func(disclosure string, change func(map[string]any)) string {
		return add(w.issue(change), disclosure)
	}
	signs := func(d string) func(map[string]any) {
		return func(p map[string]any) { p["_sd"] = append(p["_sd"].([]any), sdjwttest.Digest(d)) }
	}
	for _, name := range []string{"iss", "exp", "cnf", "vct", "status", "_sd", "...", "_sd_alg"} {
		d := sdjwttest.Encode(t, []any{"s", name, "x"})
		w.refused("a claim that decides: "+name, with(d, signs(d)), sdjwt.ErrMalformed)
	}
	again := sdjwttest.Encode(t, []any{"s", "given_name", "Omar"})
	w.refused("a claim that is there already", with(again, signs(again)), sdjwt.ErrMalformed)
	element := sdjwttest.Encode(t, []any{"s", "x"})
	w.refused("an element in the place of a claim", with(element, signs(element)), sdjwt.ErrMalformed)
	claim := sdjwttest.Encode(t, []any{"s", "title", "x"})
	w.refused("a claim in the place of an element", with(claim, func(p map[string]any) {
		p["list"] = []any{map[string]any{"...": sdjwttest.Digest(claim)}}
	}), sdjwt.ErrMalformed)
	w.refused("a digest in two places", with(claim, func(p map[string]any) {
		p["_sd"] = append(p["_sd"].([]any), sdjwttest.Digest(claim))
		p["more"] = map[string]any{"_sd": []any{sdjwttest.Digest(claim)}}
	}), sdjwt.ErrMalformed)
	nested := sdjwttest.Encode(t, []any{"s", "address", map[string]any{"_sd": []any{sdjwttest.Digest(claim)}}})
	if c, err := sdjwt.Verify(add(w.issue(signs(nested)), nested, claim), w.demand, nine); err != nil || c.Claims["address"].(map[string]any)["title"] != "x" {
		t.Errorf("a claim within a disclosed one: %v %v", c.Claims, err)
	}
	w.refused("a claim within one that is not disclosed", add(w.issue(signs(nested)), claim), sdjwt.ErrMalformed)
	w.refused("an unknown hash", w.issue(func(p map[string]any) { p["_sd_alg"] = "md5" }).Present(t, us, nonce, nine, nil), sdjwt.ErrMalformed)
	w.refused("digests that are no list", w.issue(func(p map[string]any) { p["_sd"] = "x" }).Present(t, us, nonce, nine, nil), sdjwt.ErrMalformed)
}

func TestHugeAndDeepPresentationsAreRefused(t *testing.T) {
	w := newWallet(t)
	good := w.issue(nil)
	many := good
	for range 201 {
		many.Disclosures = append(many.Disclosures, "WyJzIiwieCJd")
	}
	w.refused("many disclosures", many.Present(t, us, nonce, nine, nil), sdjwt.ErrMalformed)
	w.refused("too long", good.Shown()+strings.Repeat("a", sdjwt.MaxSize), sdjwt.ErrMalformed)
	deep := strings.Repeat(`[`, 3000) + strings.Repeat(`]`, 3000)
	d := base64.RawURLEncoding.EncodeToString([]byte(`["s","deep",` + deep + `]`))
	c := w.issue(func(p map[string]any) { p["_sd"] = append(p["_sd"].([]any), sdjwttest.Digest(d)) })
	c.Disclosures = append(c.Disclosures, d)
	w.refused("deep", c.Present(t, us, nonce, nine, nil), sdjwt.ErrMalformed)
	for _, text := range []string{"", "~", "~~", "a~b~c", "..~", strings.Repeat("~", 5000)} {
		w.refused("nothing: "+text[:min(len(text), 9)], text, sdjwt.ErrMalformed)
	}
}

func TestACredentialIsAboutWhoeverEveryClaimNames(t *testing.T) {
	i := sdjwt.Issuer{Match: []sdjwt.Match{{Claim: "name/family", Attribute: "surname"}, {Claim: "nr", Attribute: "employeeId"}}}
	for _, one := range []struct {
		name, family, nr string
		surname, id      string
		want             bool
	}{
		{"the same", "Okafor", "E-1", "Okafor", "E-1", true},
		{"another case and more spaces", "van  DER Berg", "E-1", "Van der Berg", "E-1", true},
		{"another form of the same letters", "Mu\u0308ller", "E-1", "Müller", "E-1", true},
		{"a letter without its mark", "Muller", "E-1", "Müller", "E-1", false},
		{"another number", "Okafor", "E-2", "Okafor", "E-1", false},
		{"a number in another case", "Okafor", "e-1", "Okafor", "E-1", false},
		{"nothing on file", "Okafor", "E-1", "Okafor", "", false},
		{"nothing claimed, nothing on file", "Okafor", "", "Okafor", "", false},
		{"spaces against nothing", "Okafor", "  ", "Okafor", "", false},
	} {
		claims := map[string]any{"name": map[string]any{"family": one.family}, "nr": one.nr}
		if got := i.About(claims, map[string]string{"surname": one.surname, "employeeId": one.id}); got != one.want {
			t.Errorf("%s: %v", one.name, got)
		}
	}
	if i.About(map[string]any{"nr": "E-1"}, map[string]string{"employeeId": "E-1"}) {
		t.Error("a claim that is missing is equal to nothing")
	}
	if (sdjwt.Issuer{}).About(map[string]any{}, map[string]string{}) {
		t.Error("nothing to compare is about somebody")
	}
}

// What tells people apart is theirs alone: nothing that only looks or sounds like it is equal to it.
func TestNobodyHasSomebodyElsesIdentifierByALookalike(t *testing.T) {
	for _, one := range []struct {
		name, attribute, said, known string
		want                         bool
	}{
		{"the same address", "mail", "mira@contoso.example", "mira@contoso.example", true},
		{"in capitals", "mail", "Mira@CONTOSO.example", "mira@contoso.example", true},
		{"against capitals", "userPrincipalName", "mira@contoso.example", "Mira@Contoso.Example", true},
		{"the sign of Kelvin for K", "mail", "\u212Aira@contoso.example", "kira@contoso.example", false},
		{"a wide letter", "userPrincipalName", "\uff4Dira@contoso.example", "mira@contoso.example", false},
		{"a ligature", "mail", "\ufb01ona@contoso.example", "fiona@contoso.example", false},
		{"a dotted capital I", "userPrincipalName", "\u0130da@contoso.example", "i\u0307da@contoso.example", false},
		{"a capital with a mark", "mail", "\u00c9va@contoso.example", "\u00e9va@contoso.example", false},
		{"a mark by itself", "userPrincipalName", "e\u0301va@contoso.example", "\u00e9va@contoso.example", false},
		{"a space at the end", "mail", "mira@contoso.example ", "mira@contoso.example", false},
		{"a space in it", "userPrincipalName", "mi ra@contoso.example", "mi  ra@contoso.example", false},
		{"a number", "employeeId", "E-1", "E-1", true},
		{"with a space at the end", "employeeId", "E-1 ", "E-1", false},
		{"against one with a space", "externalId", "E-1", " E-1", false},
		{"in another case", "externalId", "e-1", "E-1", false},
		{"nothing on file", "mail", "", "", false},
	} {
		i := sdjwt.Issuer{Match: []sdjwt.Match{{Claim: "c", Attribute: one.attribute}}}
		if got := i.About(map[string]any{"c": one.said}, map[string]string{one.attribute: one.known}); got != one.want {
			t.Errorf("%s: %v", one.name, got)
		}
	}
}

func TestAnIssuerIsNamedWithPublicKeysAndWhatTellsPeopleApart(t *testing.T) {
	good := sdjwttest.Issuer(t, sdjwttest.NewKey(t))
	if _, wrong := good.Check(); wrong != "" {
		t.Fatal(wrong)
	}
	private, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: sdjwttest.NewKey(t)}}})
	if err != nil {
		t.Fatal(err)
	}
	short, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	weak, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: &short.PublicKey}}})
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		property string
		change   func(*sdjwt.Issuer)
	}{
		"plain http":       {"issuer", func(i *sdjwt.Issuer) { i.ID = "http://hr.example" }},
		"no type":          {"types", func(i *sdjwt.Issuer) { i.Types = nil }},
		"no key":           {"jwks", func(i *sdjwt.Issuer) { i.Keys = nil }},
		"a private key":    {"jwks", func(i *sdjwt.Issuer) { i.Keys = private }},
		"a weak key":       {"jwks", func(i *sdjwt.Issuer) { i.Keys = weak }},
		"a shared key":     {"jwks", func(i *sdjwt.Issuer) { i.Keys = json.RawMessage(`{"keys":[{"kty":"oct","k":"c2VjcmV0"}]}`) }},
		"no set":           {"jwks", func(i *sdjwt.Issuer) { i.Keys = json.RawMessage(`[]`) }},
		"a root of noise":  {"roots", func(i *sdjwt.Issuer) { i.Roots = []string{"x"} }},
		"names alone":      {"match", func(i *sdjwt.Issuer) { i.Match = i.Match[:2] }},
		"nothing":          {"match", func(i *sdjwt.Issuer) { i.Match = nil }},
		"no such property": {"match", func(i *sdjwt.Issuer) { i.Match[0].Attribute = "jobTitle" }},
		"a claim twice":    {"match", func(i *sdjwt.Issuer) { i.Match[1].Claim = i.Match[0].Claim }},
	} {
		i := sdjwttest.Issuer(t, sdjwttest.NewKey(t))
		c.change(&i)
		if property, wrong := i.Check(); property != c.property || wrong == "" {
			t.Errorf("%s: %q is wrong with %q", name, wrong, property)
		}
	}
}
