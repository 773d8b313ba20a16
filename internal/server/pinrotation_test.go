package server_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/agent/container"
	"github.com/postern-id/postern/internal/agent/tpm"
	"github.com/postern-id/postern/internal/agent/tpm/tpmtest"
	"github.com/postern-id/postern/internal/device"
	"github.com/postern-id/postern/internal/pinkey"
	"github.com/postern-id/postern/internal/pinkey/software"
	"github.com/postern-id/postern/internal/server"
)

// Registered implements container.Registry.
func (p *pins) Registered(_ context.Context, c pinkey.Container) ([]byte, error) {
	a := p.call(http.MethodGet, "/containers/"+c.ID, "", nil)
	if a.status != http.StatusOK {
		return nil, refused{a}
	}
	var out device.KeyAnswer
	p.decode(a, http.StatusOK, &out)
	return out.Key, nil
}

// BeginRotation implements container.Rotator.
func (p *pins) BeginRotation(_ context.Context, c pinkey.Container) (container.Plan, error) {
	a := p.call(http.MethodPost, "/containers/"+c.ID+"/rotation", p.access, nil)
	if a.status != http.StatusCreated {
		return container.Plan{}, refused{a}
	}
	return p.planOf(a), nil
}

// Rotate implements container.Rotator.
func (p *pins) Rotate(_ context.Context, c pinkey.Container, in pinkey.Creation, by []byte) error {
	if a := p.rotate(c.ID, in, by); a.status != http.StatusOK {
		return refused{a}
	}
	return nil
}

func (p *pins) rotate(id string, in pinkey.Creation, by []byte) answer {
	p.w.t.Helper()
	return p.call(http.MethodPut, "/containers/"+id+"/rotation", p.access, device.RotateRequest{
		KeyRequest: device.KeyRequest{Public: in.Public, CertifyInfo: in.CertifyInfo, Signature: in.Signature}, By: by,
	})
}

// byThePIN signs in with it, and goes on with that sign-in's token.
func (p *pins) byThePIN(c container.Container, pin string) map[string]any {
	p.w.t.Helper()
	got := p.tokens(p.signInWith(c, pin))
	p.access = got["access_token"].(string)
	return got
}

// rotated is a PIN whose root was rotated since, and time has passed for every replica to know.
func rotated(t *testing.T) (*pins, container.Container) {
	t.Helper()
	var ahead time.Duration
	w := newWorld(t, func(o *server.Options) { o.Wall = func() time.Time { return time.Now().Add(ahead) } })
	_, pass := w.issue(`{}`)
	p := withPINs(w, "admin@contoso.example", pass, tpmtest.New(t))
	c := p.create("246813")
	byPass := p.access
	if p.byThePIN(c, "246813")["postern_pin_key_due"] != nil {
		t.Error("a new PIN is due")
	}
	if _, err := p.BeginRotation(t.Context(), c.IDs); err == nil || !strings.Contains(err.Error(), "pinKeyCurrent") {
		t.Errorf("a rotation under the same root: %v", err)
	}
	if _, err := server.RotateKeys(t.Context(), w.options, []string{"pinReset"}); err != nil {
		t.Fatal(err)
	}
	ahead = 2 * time.Minute
	p.ahead, p.nonce, p.access = ahead, "", byPass
	return p, c
}

func TestTheKeyOfAPINIsReplacedAfterItsRootWas(t *testing.T) {
	p, c := rotated(t)
	got := p.byThePIN(c, "246813")
	if got["postern_pin_key_due"] != true {
		t.Error("the device is not told that its key is due")
	}
	if err := p.store.Rotate(t.Context(), p, p.user, "246813"); err != nil {
		t.Fatal(err)
	}
	now, err := p.store.Find(p.user)
	if err != nil || now.Method != c.Method || now.ResetVersion != 2 || bytes.Equal(now.Key.Public, c.Key.Public) {
		t.Errorf("the container is %+v, %v", now, err)
	}
	p.tokens(p.refresh(got["refresh_token"])) // what came from the PIN goes on
	if p.byThePIN(now, "246813")["postern_pin_key_due"] != nil {
		t.Error("it is due once more")
	}
	if a := p.present(p.sign(formerKey{p, c}, header(c), p.claims())); a.status == http.StatusOK {
		t.Error("the former key signs in")
	}
	status, v := p.w.api(http.MethodGet, "/v1.0/users/"+p.user+"/authentication/windowsHelloForBusinessMethods?$select=id,postern_resetVersion", p.w.appToken(), "")
	if list, _ := v["value"].([]any); status != http.StatusOK || len(list) != 1 || list[0].(map[string]any)["id"] != c.Method ||
		list[0].(map[string]any)["postern_resetVersion"] != 2.0 {
		t.Errorf("Graph says %d %v", status, v)
	}
	if found := p.w.directoryAudits(p.w.appToken(), "Replace device PIN key"); len(found) != 1 {
		t.Errorf("the log says %v", found)
	}
	p.w.newBrowser()
	_, pass := p.w.issue(`{}`)
	p.access = p.token("admin@contoso.example", pass)
	if err := p.store.Reset(t.Context(), p, p.user, "864209"); err != nil {
		t.Fatalf("a reset under the new root: %v", err)
	}
	p.tokens(p.signInWith(now, "864209"))
}

// formerKey is the key that a container had, opened by the PIN of that time: somebody kept the
// file.
type formerKey struct {
	p *pins
	c container.Container
}

func (formerKey) Public() crypto.PublicKey { return nil }

func (k formerKey) Sign(_ io.Reader, digest []byte, _ crypto.SignerOpts) ([]byte, error) {
	return k.p.chip.Sign(k.c.Key, pinkey.Auth(k.c.Salt, "246813"), digest)
}

func TestWhatDoesNotReplaceTheKeyOfAPIN(t *testing.T) {
	p, c := rotated(t)
	byPass := p.access
	p.byThePIN(c, "246813")
	plan, err := p.BeginRotation(t.Context(), c.IDs)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := p.BeginRotation(t.Context(), c.IDs); err != nil || !bytes.Equal(again.Challenge, plan.Challenge) || !again.Reset.Equal(plan.Reset) {
		t.Errorf("beginning once more is another beginning: %v", err)
	}
	old, err := p.store.Find(p.user)
	if err != nil {
		t.Fatal(err)
	}
	formerReset, err := (tpm.Key{Public: old.Reset}).PublicKey()
	if err != nil {
		t.Fatal(err)
	}
	// born is a key that the TPM made for a container under a reset key, for a challenge.
	born := func(ids pinkey.Container, reset *ecdsa.PublicKey, challenge []byte) pinkey.Creation {
		t.Helper()
		policy, err := pinkey.NewPolicy(ids, reset)
		if err != nil {
			t.Fatal(err)
		}
		_, creation, err := p.chip.NewPINKey(policy, pinkey.Auth(c.Salt, "246813"), p.ak, challenge)
		if err != nil {
			t.Fatal(err)
		}
		return creation
	}
	signed := func(key crypto.Signer, challenge []byte, in pinkey.Creation) []byte {
		t.Helper()
		by, err := key.Sign(rand.Reader, pinkey.Successor(c.IDs, challenge, in.Public), crypto.SHA256)
		if err != nil {
			t.Fatal(err)
		}
		return by
	}
	wanted := func(name string, a answer, code string) {
		t.Helper()
		if a.status == http.StatusOK || a.status == http.StatusCreated || !strings.Contains(a.body, code) {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
	}
	former := formerKey{p, c}
	right := born(c.IDs, plan.Reset, plan.Challenge)
	stranger, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	another := c.IDs
	another.ID = "another"

	wanted("signed by a stranger", p.rotate(c.IDs.ID, right, signed(stranger, plan.Challenge, right)), "pinSuccessorUnsigned")
	wanted("signed by the device's key", p.rotate(c.IDs.ID, right, signed(p.key, plan.Challenge, right)), "pinSuccessorUnsigned")
	wanted("signed for another challenge", p.rotate(c.IDs.ID, right, signed(former, []byte("another"), right)), "pinSuccessorUnsigned")
	wanted("signed for another key", p.rotate(c.IDs.ID, right, signed(former, plan.Challenge, born(c.IDs, plan.Reset, plan.Challenge))), "pinSuccessorUnsigned")
	wanted("not signed", p.rotate(c.IDs.ID, right, nil), "pinSuccessorUnsigned")
	for name, in := range map[string]pinkey.Creation{
		"a key under the former root":  born(c.IDs, formerReset, plan.Challenge),
		"a key of another container":   born(another, plan.Reset, plan.Challenge),
		"a key under a stranger's key": born(c.IDs, &stranger.PublicKey, plan.Challenge),
	} {
		wanted(name, p.rotate(c.IDs.ID, in, signed(former, plan.Challenge, in)), "pinKeyInvalid")
	}
	stale := born(c.IDs, plan.Reset, []byte("another"))
	wanted("a key that was made for another challenge", p.rotate(c.IDs.ID, stale, signed(former, plan.Challenge, stale)), "pinKeyUnattested")
	unproved := right
	unproved.Signature = nil
	wanted("a key that no TPM stands for", p.rotate(c.IDs.ID, unproved, signed(former, plan.Challenge, right)), "pinKeyUnattested")

	// It takes the sign-in by this very PIN, at this device.
	byPIN := p.access
	p.access = byPass
	wanted("begun with a pass", p.call(http.MethodPost, "/containers/"+c.IDs.ID+"/rotation", byPass, nil), "pinProofTooOld")
	wanted("with a pass", p.rotate(c.IDs.ID, right, signed(former, plan.Challenge, right)), "pinProofTooOld")
	p.access = ""
	wanted("with nobody", p.rotate(c.IDs.ID, right, signed(former, plan.Challenge, right)), "error")
	p.access = byPIN
	_, pass := p.w.issue(`{}`)
	other := withPINs(p.w, "admin@contoso.example", pass, tpmtest.New(t))
	foreign := other.create("246813")
	other.byThePIN(foreign, "246813")
	wanted("begun from another device", other.call(http.MethodPost, "/containers/"+c.IDs.ID+"/rotation", other.access, nil), "pinUnknown")
	wanted("from another device", other.rotate(c.IDs.ID, right, signed(former, plan.Challenge, right)), "pinUnknown")
	wanted("with another device's token", other.call(http.MethodPost, "/containers/"+foreign.IDs.ID+"/rotation", byPIN, nil), "error")

	// Done, said again, and then no more.
	by := signed(former, plan.Challenge, right)
	for _, when := range []string{"done", "said again"} {
		if a := p.rotate(c.IDs.ID, right, by); a.status != http.StatusOK || !strings.Contains(a.body, c.Method) {
			t.Fatalf("%s: %d %s", when, a.status, a.body)
		}
	}
	if n := len(p.w.directoryAudits(p.w.appToken(), "Replace device PIN key")); n != 1 {
		t.Errorf("the log has %d replacements", n)
	}
	late := born(c.IDs, plan.Reset, plan.Challenge)
	wanted("once more by the former key", p.rotate(c.IDs.ID, late, signed(former, plan.Challenge, late)), "pinKeyCurrent")
	key, err := p.Registered(t.Context(), c.IDs)
	want, _ := pinkey.KeyOf(right.Public)
	if text, _ := x509.MarshalPKIXPublicKey(want); err != nil || !bytes.Equal(key, text) {
		t.Errorf("the server has another key: %v", err)
	}
}

func TestAPINThatIsResetWhileItsKeyIsReplacedKeepsCounting(t *testing.T) {
	p, c := rotated(t)
	p.byThePIN(c, "246813")
	if _, err := p.BeginRotation(t.Context(), c.IDs); err != nil {
		t.Fatal(err)
	}
	byPIN := p.access
	p.w.newBrowser()
	_, pass := p.w.issue(`{}`)
	p.access = p.token("admin@contoso.example", pass)
	for range 5 {
		if a := p.reset(c.IDs.ID, make([]byte, 32), 60); a.status != http.StatusOK {
			t.Fatalf("a reset: %d %s", a.status, a.body)
		}
	}
	byPass := p.access
	p.access = byPIN
	if err := p.store.Rotate(t.Context(), p, p.user, "246813"); err != nil {
		t.Fatal(err)
	}
	p.access = byPass
	if a := p.reset(c.IDs.ID, make([]byte, 32), 60); a.status != http.StatusTooManyRequests {
		t.Errorf("a sixth reset, of the new key: %d %s", a.status, a.body)
	}
}

// signedIn is the token of a sign-in by the PIN.
func (p *softPIN) signedIn() string {
	p.w.t.Helper()
	now := time.Now().Add(p.ahead)
	text, err := device.SignJWT(p.key, map[string]any{"typ": "JWT", "alg": "ES256", "kid": p.method}, map[string]any{
		"iss": p.ids.User, "sub": p.ids.User, "aud": p.issuer, "nonce": p.challenge(), "jti": uuid.NewString(),
		"exp": now.Add(4 * time.Minute).Unix(), "device_id": p.ids.Device,
	})
	if err != nil {
		p.w.t.Fatal(err)
	}
	a := p.present(text)
	if a.status != http.StatusOK {
		p.w.t.Fatalf("sign-in with the PIN: %d %s", a.status, a.body)
	}
	return p.w.json(a)["access_token"].(string)
}

func TestTheKeyOfAPINInAFileIsReplacedByTheFormerOneAlone(t *testing.T) {
	var ahead time.Duration
	w := newWorld(t, func(o *server.Options) { o.Wall = func() time.Time { return time.Now().Add(ahead) } })
	_, pass := w.issue(`{}`)
	p := withSoftPIN(w, "admin@contoso.example", pass)
	before := p.try(p.verifier)
	if _, err := server.RotateKeys(t.Context(), w.options, []string{"pinReset"}); err != nil {
		t.Fatal(err)
	}
	ahead = 2 * time.Minute
	p.ahead, p.nonce = ahead, ""
	access := p.signedIn()
	var begun device.ContainerAnswer
	p.decode(p.call(http.MethodPost, "/containers/"+p.id+"/rotation", access, nil), http.StatusCreated, &begun)
	if len(begun.Share) != software.ShareSize || bytes.Equal(begun.Share, before.Share) || len(begun.RecoveryKey) == 0 {
		t.Errorf("begun with %+v", begun)
	}
	next, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	public, err := x509.MarshalPKIXPublicKey(&next.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	sign := func(key *ecdsa.PrivateKey, digest []byte) []byte {
		t.Helper()
		by, err := ecdsa.SignASN1(rand.Reader, key, digest)
		if err != nil {
			t.Fatal(err)
		}
		return by
	}
	verifier := bytes.Repeat([]byte("w"), software.VerifierSize)
	right := device.RotateRequest{
		KeyRequest: device.KeyRequest{
			Public: public, Signature: sign(next, software.Proof(p.ids, begun.Challenge)),
			Guard: &software.Guard{Verifier: verifier, Recovery: make([]byte, 32)},
		},
		By: sign(p.key, pinkey.Successor(p.ids, begun.Challenge, public)),
	}
	put := func(change func(*device.RotateRequest)) answer {
		t.Helper()
		in := right
		if change != nil {
			change(&in)
		}
		return p.call(http.MethodPut, "/containers/"+p.id+"/rotation", access, in)
	}
	for name, one := range map[string]struct {
		change func(*device.RotateRequest)
		code   string
	}{
		"signed by the new key itself": {func(r *device.RotateRequest) { r.By = sign(next, pinkey.Successor(p.ids, begun.Challenge, public)) }, "pinSuccessorUnsigned"},
		"signed for a former challenge": {func(r *device.RotateRequest) {
			r.By = sign(p.key, pinkey.Successor(p.ids, []byte("former"), public))
		}, "pinSuccessorUnsigned"},
		"a key that it does not show it holds": {func(r *device.RotateRequest) { r.Signature = sign(p.key, software.Proof(p.ids, begun.Challenge)) }, "pinKeyInvalid"},
		"a key of a TPM":                       {func(r *device.RotateRequest) { r.Guard = nil }, "pinKeyInvalid"},
		"a guard without form":                 {func(r *device.RotateRequest) { r.Guard = &software.Guard{Verifier: []byte("short")} }, "pinVerifierInvalid"},
	} {
		if a := put(one.change); a.status == http.StatusOK || !strings.Contains(a.body, one.code) {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
	}
	if got := p.try(p.verifier); !got.Right {
		t.Errorf("the PIN meanwhile: %+v", got)
	}
	for _, when := range []string{"done", "said again"} {
		if a := put(nil); a.status != http.StatusOK || !strings.Contains(a.body, p.method) {
			t.Fatalf("%s: %d %s", when, a.status, a.body)
		}
	}
	if got := p.try(verifier); !got.Right || !bytes.Equal(got.Share, begun.Share) {
		t.Errorf("the new verifier: %+v", got)
	}
	if got := p.try(p.verifier); got.Right || len(got.Share) > 0 {
		t.Errorf("the former verifier: %+v", got)
	}
}
