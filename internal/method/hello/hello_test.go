package hello_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/keyring"
	"github.com/postern-id/postern/internal/method"
	"github.com/postern-id/postern/internal/method/hello"
	"github.com/postern-id/postern/internal/outbox"
	"github.com/postern-id/postern/internal/pinkey"
	"github.com/postern-id/postern/internal/signin"
)

var nine = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

const (
	tenant   = "6a1c0f0e-3a8e-4f0e-9a57-0d1c9a3f6c11"
	mira     = "3f0a4b43-9f0e-4d2b-8c4d-5e6f9c1f6f2e"
	methodID = "0c9be0a8-23f6-4f3b-93a5-6a2a7d0f4c55"
	issuer   = "https://id.contoso.example/" + tenant + "/v2.0"
)

func proof(combination string, at time.Time) signin.Proof {
	return signin.Proof{
		Combination: combination, At: at, AMR: []string{"otp", "mfa"}, Factors: signin.Knowledge | signin.Possession, FreshUntil: at.Add(10 * time.Minute),
	}
}

func TestMaySetUp(t *testing.T) {
	session := func(change func(*signin.Session)) signin.Session {
		s := signin.Session{Tenant: tenant, User: mira, Proofs: []signin.Proof{proof("temporaryAccessPassOneTime", nine)}}
		if change != nil {
			change(&s)
		}
		return s
	}
	device := directory.Device{KeyStorage: "tpm", AttestationKey: []byte("key")}
	trusted := device
	trusted.Attested = true
	allowed := hello.Settings{Allowed: true}
	strict := hello.Settings{Allowed: true, RequireTPM: true}
	for _, test := range []struct {
		name     string
		device   directory.Device
		session  signin.Session
		settings hello.Settings
		now      time.Time
		want     error
	}{
		{"just after a pass", device, session(nil), allowed, nine, nil},
		{"a second before the ten minutes are over", device, session(nil), allowed, nine.Add(10*time.Minute - time.Second), nil},
		{"after ten minutes", device, session(nil), allowed, nine.Add(10 * time.Minute), hello.ErrStale},
		{"at another device", device, session(func(s *signin.Session) { s.Device = &signin.Device{ID: "another"} }), allowed, nine, hello.ErrStale},
		{"somebody who was elsewhere", device, signin.Session{}, allowed, nine, hello.ErrStale},
		{"with a pass for one purpose", device, session(func(s *signin.Session) { s.Purpose = "one" }), allowed, nine, directory.ErrPurposeBound},
		{"where PINs are off", device, session(nil), hello.Settings{}, nine, hello.ErrOff},
		{"without a TPM", directory.Device{KeyStorage: "software"}, session(nil), allowed, nine, nil},
		{"without a TPM, where one is required", directory.Device{KeyStorage: "software"}, session(nil), strict, nine, hello.ErrNeedsTPM},
		{"with a TPM that proved nothing", directory.Device{KeyStorage: "tpm"}, session(nil), allowed, nine, hello.ErrNeedsTPM},
		{"with a TPM that nobody trusts, where one is required", device, session(nil), strict, nine, hello.ErrNeedsTPM},
		{"with a trusted TPM, where one is required", trusted, session(nil), strict, nine, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			if err := hello.MaySetUp(test.device, test.session, test.settings, test.now); !errors.Is(err, test.want) {
				t.Errorf("got %v, want %v", err, test.want)
			}
		})
	}
}

func TestMayReset(t *testing.T) {
	c := hello.Container{Tenant: tenant, User: mira, Method: methodID, Device: "this"}
	here := &signin.Device{ID: "this"}
	settings := hello.Settings{Allowed: true, Recovery: true, ResetProofs: []string{"temporaryAccessPassOneTime", "fido2"}}
	with := func(proofs ...signin.Proof) signin.Session {
		return signin.Session{Tenant: tenant, User: mira, Proofs: proofs, Device: here}
	}
	pass, pin := proof("temporaryAccessPassOneTime", nine), proof(hello.Combination, nine)
	bound := with(pass)
	bound.Purpose = "one"
	stranger := with(pass)
	stranger.User = "somebody else"
	elsewhere, browser := with(pass), with(pass)
	elsewhere.Device, browser.Device = &signin.Device{ID: "another"}, nil
	foreign := with(pass)
	foreign.Tenant = "another"
	for _, test := range []struct {
		name      string
		container hello.Container
		session   signin.Session
		settings  hello.Settings
		now       time.Time
		want      error
	}{
		{"just after a pass", c, with(pass), settings, nine, nil},
		{"a second before it is too old", c, with(pass), settings, nine.Add(hello.ResetWithin - time.Second), nil},
		{"when it is too old", c, with(pass), settings, nine.Add(hello.ResetWithin), hello.ErrStale},
		{"a proof from the future", c, with(pass), settings, nine.Add(-time.Second), hello.ErrStale},
		{"by the PIN itself", c, with(pin), settings, nine, hello.ErrResetProof},
		{"by the PIN and a pass", c, with(pin, pass), settings, nine, nil},
		{"by a pass for many uses, where only others may", c, with(proof("temporaryAccessPassMultiUse", nine)), settings, nine, hello.ErrResetProof},
		{"without any proof", c, with(), settings, nine, hello.ErrStale},
		{"for one purpose", c, bound, settings, nine, directory.ErrPurposeBound},
		{"of somebody else", c, stranger, settings, nine, hello.ErrNone},
		{"at another device", c, elsewhere, settings, nine, hello.ErrStale},
		{"in a browser anywhere", c, browser, settings, nine, hello.ErrStale},
		{"of another tenant", c, foreign, settings, nine, hello.ErrNone},
		{"of a key that is not registered", hello.Container{Tenant: tenant, User: mira}, with(pass), settings, nine, hello.ErrNone},
		{"where it is off", c, with(pass), hello.Settings{Allowed: true, ResetProofs: settings.ResetProofs}, nine, hello.ErrResetOff},
		{"where PINs are off", c, with(pass), hello.Settings{Recovery: true, ResetProofs: settings.ResetProofs}, nine, hello.ErrOff},
		{"where nothing may", c, with(pass), hello.Settings{Allowed: true, Recovery: true}, nine, hello.ErrResetProof},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := hello.MayReset(test.container, test.session, test.settings, test.now)
			if !errors.Is(err, test.want) || err == nil && got.Combination != "temporaryAccessPassOneTime" {
				t.Errorf("got %v, %v, want %v", got.Combination, err, test.want)
			}
		})
	}
}

func TestMayRotate(t *testing.T) {
	c := hello.Container{Tenant: tenant, User: mira, Method: methodID, Device: "this"}
	d := directory.Device{ID: "this", KeyStorage: "tpm"}
	byPIN := func(change func(*signin.Session)) signin.Session {
		s := signin.Session{
			Tenant: tenant, User: mira, Method: methodID, Device: &signin.Device{ID: "this"},
			Proofs: []signin.Proof{{Method: hello.MethodID, At: nine}},
		}
		if change != nil {
			change(&s)
		}
		return s
	}
	allowed := hello.Settings{Allowed: true}
	for _, test := range []struct {
		name     string
		device   directory.Device
		session  signin.Session
		settings hello.Settings
		now      time.Time
		want     error
	}{
		{"just after the PIN", d, byPIN(nil), allowed, nine, nil},
		{"a second before it is too old", d, byPIN(nil), allowed, nine.Add(hello.FreshFor - time.Second), nil},
		{"when it is too old", d, byPIN(nil), allowed, nine.Add(hello.FreshFor), hello.ErrStale},
		{"by a PIN of the future", d, byPIN(nil), allowed, nine.Add(-time.Second), hello.ErrStale},
		{"by a pass", d, byPIN(func(s *signin.Session) { s.Method, s.Proofs[0].Method = "", "accesspass" }), allowed, nine, hello.ErrStale},
		{"by another PIN", d, byPIN(func(s *signin.Session) { s.Method = "another" }), allowed, nine, hello.ErrStale},
		{"at another device", d, byPIN(func(s *signin.Session) { s.Device.ID = "another" }), allowed, nine, hello.ErrStale},
		{"nowhere", d, byPIN(func(s *signin.Session) { s.Device = nil }), allowed, nine, hello.ErrStale},
		{"from another device", directory.Device{ID: "another"}, byPIN(nil), allowed, nine, hello.ErrNone},
		{"of somebody else", d, byPIN(func(s *signin.Session) { s.User = "another" }), allowed, nine, hello.ErrNone},
		{"of another tenant", d, byPIN(func(s *signin.Session) { s.Tenant = "another" }), allowed, nine, hello.ErrNone},
		{"for one purpose", d, byPIN(func(s *signin.Session) { s.Purpose = "one" }), allowed, nine, directory.ErrPurposeBound},
		{"where PINs are off", d, byPIN(nil), hello.Settings{}, nine, hello.ErrOff},
		{"without a trusted TPM, where one is required", d, byPIN(nil), hello.Settings{Allowed: true, RequireTPM: true}, nine, hello.ErrNeedsTPM},
	} {
		t.Run(test.name, func(t *testing.T) {
			if err := hello.MayRotate(c, test.device, test.session, test.settings, test.now); !errors.Is(err, test.want) {
				t.Errorf("got %v, want %v", err, test.want)
			}
		})
	}
	if err := hello.MayRotate(hello.Container{Tenant: tenant, User: mira, Device: "this"}, d, byPIN(nil), allowed, nine); !errors.Is(err, hello.ErrNone) {
		t.Errorf("one that is not registered: %v", err)
	}
}

func TestAResetKeyBelongsToOneContainerUnderOneRoot(t *testing.T) {
	key := func(root string, change func(*pinkey.Container)) string {
		c := pinkey.Container{Tenant: tenant, Device: "device", User: mira, ID: "container"}
		if change != nil {
			change(&c)
		}
		k, err := hello.Derive([]byte(root), c)
		if err != nil {
			t.Fatal(err)
		}
		public, err := k.PublicKey.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		return base64.RawURLEncoding.EncodeToString(public)
	}
	first := key("root", nil)
	if first != key("root", nil) {
		t.Error("the key is another one each time")
	}
	// Containers that are there depend on this very key, which was computed by another program.
	if want := "BMbqDjDu_GJMo_t2EhvRL9Bs9TEIWcvex4pkIPwZpCTFyyrKW-acq4tCpMOOOJxaesnhA7mH2_naERSftU5zRHA"; first != want {
		t.Errorf("the key is %s, want %s", first, want)
	}
	seen := []string{first}
	for name, other := range map[string]string{
		"root":      key("another root", nil),
		"tenant":    key("root", func(c *pinkey.Container) { c.Tenant = "another" }),
		"device":    key("root", func(c *pinkey.Container) { c.Device = "another" }),
		"user":      key("root", func(c *pinkey.Container) { c.User = "another" }),
		"container": key("root", func(c *pinkey.Container) { c.ID = "another" }),
	} {
		if slices.Contains(seen, other) {
			t.Errorf("another %s has the same key", name)
		}
		seen = append(seen, other)
	}
}

// ring has two roots, the newer of which is in use.
type ring struct{}

func (ring) Keys(context.Context, string) ([]keyring.Key, error) {
	return []keyring.Key{
		{ID: "new", Purpose: keyring.PINReset, CreatedAt: nine},
		{ID: "other", Purpose: keyring.RS256},
		{ID: "old", Purpose: keyring.PINReset, CreatedAt: nine.AddDate(-1, 0, 0)},
	}, nil
}

func (ring) Secret(_ context.Context, _ string, purpose keyring.Purpose, id string) ([]byte, string, error) {
	if purpose != keyring.PINReset {
		return nil, "", errors.New("another purpose")
	}
	if id == "" {
		id = "new"
	}
	return []byte("root " + id), id, nil
}

// counter answers NoteReset.
type counter struct{ err error }

func (c counter) NoteReset(context.Context, hello.Container, *hello.Guard, method.Renewal, audit.Event, ...outbox.Item) error {
	return c.err
}

func (c counter) NoteTry(_ context.Context, one hello.Container, verifier []byte, next *hello.Guard, _ audit.Event) (hello.Tried, error) {
	_, tried := one.Try(verifier, next)
	return tried, c.err
}

func TestAContainerKeepsItsRoot(t *testing.T) {
	signer := hello.Roots{Ring: ring{}, Counter: counter{}}
	c := hello.Container{Tenant: tenant, User: mira, DeviceID: "device", ID: "container", Root: "old", Version: 1}
	now, err := signer.Key(t.Context(), c.IDs())
	if err != nil || now.Root != "new" || now.Version != 2 {
		t.Errorf("a new container gets %+v, %v", now, err)
	}
	kept, err := signer.KeyOf(t.Context(), c)
	if err != nil || kept.Equal(now.Public) {
		t.Errorf("an older one gets the new root's key, %v", err)
	}
}

func TestASignatureIsGivenOutOnlyWhenItIsCounted(t *testing.T) {
	c := hello.Container{Tenant: tenant, User: mira, DeviceID: "device", ID: "container", Root: "old"}
	nonce := make([]byte, 32)
	for _, test := range []struct {
		name     string
		counted  error
		nonce    []byte
		lifetime time.Duration
		want     error
	}{
		{"counted", nil, nonce, time.Minute, nil},
		{"once too often", hello.ErrTooManyResets, nonce, time.Minute, hello.ErrTooManyResets},
		{"a ticket", nil, nonce, 0, pinkey.ErrReset},
		{"no nonce", nil, nil, time.Minute, pinkey.ErrReset},
		{"too long", nil, nonce, 61 * time.Second, pinkey.ErrReset},
	} {
		t.Run(test.name, func(t *testing.T) {
			signer := hello.Roots{Ring: ring{}, Counter: counter{test.counted}}
			signature, err := signer.Sign(t.Context(), c, test.nonce, test.lifetime, method.Renewal{At: nine}, audit.Event{})
			if !errors.Is(err, test.want) || (signature != nil) != (err == nil) {
				t.Errorf("got %d bytes, %v", len(signature), err)
			}
		})
	}
}

func TestFiveResetsAnHour(t *testing.T) {
	var c hello.Container
	for i := range hello.MostResets {
		var err error
		if c, err = c.Reset(method.Renewal{At: nine.Add(time.Duration(i) * time.Minute)}); err != nil {
			t.Fatal(err)
		}
	}
	for _, test := range []struct {
		name string
		at   time.Time
		want error
	}{
		{"at once", nine.Add(5 * time.Minute), hello.ErrTooManyResets},
		{"a second before the first is an hour old", nine.Add(time.Hour - time.Second), hello.ErrTooManyResets},
		{"when the first is an hour old", nine.Add(time.Hour), nil},
		{"by a clock that went back", nine.Add(-time.Hour), hello.ErrTooManyResets},
	} {
		if _, err := c.Reset(method.Renewal{At: test.at}); !errors.Is(err, test.want) {
			t.Errorf("%s: %v, want %v", test.name, err, test.want)
		}
	}
}

func TestAContainerRemembersByWhichPassesItsPINWasReplaced(t *testing.T) {
	var c hello.Container
	at := nine
	reset := func(r method.Renewal) {
		t.Helper()
		var err error
		at = at.Add(hello.ResetWindow)
		r.At = at
		if c, err = c.Reset(r); err != nil {
			t.Fatal(err)
		}
	}
	for i := range hello.MostRenewals + 10 { // whoever has the PIN can't push the pass out
		reset(method.Renewal{Session: fmt.Sprint("own", i), Methods: []string{"own"}})
		if i == 3 {
			reset(method.Renewal{Session: "s", Pass: "p", Case: "c"})
			reset(method.Renewal{Session: "another", Pass: "p", Case: "c"}) // by the same
			reset(method.Renewal{Session: "t", Methods: []string{"key"}, Roots: []directory.Root{{ID: "p"}}})
		}
	}
	if n := len(c.Renewals); n != hello.MostRenewals {
		t.Errorf("%d are remembered", n)
	}
	if r := c.Renewals[0]; r.Case != "c" || r.Session != "s" || !r.At.Equal(nine.Add(5*hello.ResetWindow)) {
		t.Errorf("the first is %+v", r)
	}
	if r := c.Renewals[1]; r.Session != "t" {
		t.Errorf("the reset by what came from it was pushed out: %+v", r)
	}
	n := len(c.Renewals)
	reset(method.Renewal{Session: "t", Methods: []string{"key"}, Roots: []directory.Root{{ID: "q"}}})
	if last := c.Renewals[n-1]; last.Session != "t" || last.Roots[0].ID != "q" {
		t.Errorf("a reset in that session by what came from another pass is forgotten: %+v", last)
	}
}

func TestForgedAssertions(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	public, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	c := hello.Container{Tenant: tenant, User: mira, DeviceID: "device", Method: methodID, Key: public}
	claims := map[string]any{
		"iss": mira, "sub": mira, "aud": issuer, "nonce": "nonce", "jti": uuid.NewString(), "exp": nine.Add(4 * time.Minute).Unix(), "device_id": "device",
	}
	body, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	sign := func(alg jose.SignatureAlgorithm, with any, body []byte, more map[jose.HeaderKey]any) string {
		o := (&jose.SignerOptions{}).WithType("JWT").WithHeader("kid", methodID)
		for name, value := range more {
			o.WithHeader(name, value)
		}
		s, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: with}, o)
		if err != nil {
			t.Fatal(err)
		}
		signed, err := s.Sign(body)
		if err != nil {
			t.Fatal(err)
		}
		text, err := signed.CompactSerialize()
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	right := sign(jose.ES256, key, body, nil)
	if a, err := hello.Verify(right, c, issuer, nine); err != nil || a.Nonce != "nonce" {
		t.Fatalf("the right one: %+v, %v", a, err)
	}
	hash := sha256.Sum256([]byte("another"))
	other, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), hash[:])
	if err != nil {
		t.Fatal(err)
	}
	unsigned := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none","typ":"JWT","kid":"`+methodID+`"}`)) + "." + base64.RawURLEncoding.EncodeToString(body) + "."
	twice := append(slices.Clone(body[:len(body)-1]), []byte(`,"sub":"somebody else"}`)...)
	for name, text := range map[string]string{
		"signed by another key":                    sign(jose.ES256, other, body, nil),
		"the public key as a shared secret":        sign(jose.HS256, public, body, nil),
		"no signature":                             unsigned,
		"no signature, with a dot":                 unsigned + "AAAA",
		"an extension":                             sign(jose.ES256, key, body, map[jose.HeaderKey]any{"crit": []string{"exp"}}),
		"a key in the header":                      sign(jose.ES256, other, body, map[jose.HeaderKey]any{"jwk": jose.JSONWebKey{Key: &other.PublicKey}}),
		"another type":                             sign(jose.ES256, key, body, map[jose.HeaderKey]any{"typ": "dpop+jwt"}),
		"a claim twice":                            sign(jose.ES256, key, twice, nil),
		"with a line feed":                         right[:20] + "\n" + right[20:],
		"too long":                                 right + string(make([]byte, hello.MaxAssertion)),
		"another methodID's name on the right key": sign(jose.ES256, key, body, map[jose.HeaderKey]any{"kid": uuid.NewString()}),
		"empty": "",
	} {
		if _, err := hello.Verify(text, c, issuer, nine); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
	begun := c
	begun.Method = ""
	if _, err := hello.Verify(right, begun, issuer, nine); err == nil {
		t.Error("a key that is not registered was taken")
	}
	for name, now := range map[string]time.Time{"at its end": nine.Add(4 * time.Minute), "more than five minutes before": nine.Add(-61 * time.Second)} {
		if _, err := hello.Verify(right, c, issuer, now); !errors.Is(err, hello.ErrAssertion) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzAssertions(f *testing.F) {
	f.Add("eyJ0eXAiOiJKV1QiLCJhbGciOiJFUzI1NiJ9.e30.AAAA")
	f.Fuzz(func(t *testing.T, text string) {
		if _, err := hello.Verify(text, hello.Container{Method: methodID}, issuer, nine); err == nil {
			t.Errorf("%q was taken", text)
		}
		_, _ = hello.MethodOf(text)
	})
}
