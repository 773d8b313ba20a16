//go:build linux

package agent_test

import (
	"crypto/ecdsa"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"reflect"
	"testing"
	"time"

	"github.com/postern-id/postern/internal/agent"
	"github.com/postern-id/postern/internal/agent/container"
	"github.com/postern-id/postern/internal/agent/pin"
	"github.com/postern-id/postern/internal/agent/tpm"
	"github.com/postern-id/postern/internal/agent/tpm/tpmtest"
	"github.com/postern-id/postern/internal/agent/websignin"
	"github.com/postern-id/postern/internal/device"
	"github.com/postern-id/postern/internal/devicepolicy"
	"github.com/postern-id/postern/internal/fault"
	"github.com/postern-id/postern/internal/pinkey"
)

// asked types a practice pass as an agent does that is somebody's own: it gets to know which trial the
// server asks for, and does not answer.
func (w *world) asked(a *agent.Agent, pass string) string {
	w.t.Helper()
	r, err := a.StartWeb(w.t.Context(), "http://localhost", mira)
	if err != nil {
		w.t.Fatal(err)
	}
	_, err = r.Pass(w.t.Context(), mira, secret(pass))
	said, ok := errors.AsType[*websignin.Practice](err)
	if !ok || !errors.Is(err, websignin.ErrRefused) {
		w.t.Fatalf("the practice pass ends in %v", err)
	}
	return said.Trial
}

func (w *world) wantCode(what string, err error, code string) {
	w.t.Helper()
	if f, ok := errors.AsType[*fault.Error](err); !ok || f.Code != code {
		w.t.Errorf("%s: %v, not %s", what, err, code)
	}
}

// rogue makes a key on trial as an agent would that keeps it.
func (w *world) rogue(a *agent.Agent, user string, plan device.ContainerAnswer) (*container.Store, pinkey.Container, tpm.Key, device.TrialRequest) {
	w.t.Helper()
	d := w.device(a)
	store := d.PINs.Containers.(pin.TPM).Store
	ids := pinkey.Container{Tenant: d.Identity().Tenant.TenantID, Device: d.Identity().DeviceID, User: user, ID: plan.ID}
	parsed, err := x509.ParsePKIXPublicKey(plan.ResetKey)
	if err != nil {
		w.t.Fatal(err)
	}
	policy, err := pinkey.NewPolicy(ids, parsed.(*ecdsa.PublicKey))
	if err != nil {
		w.t.Fatal(err)
	}
	key, made, err := store.Chip.NewPINKey(policy, pinkey.Auth(nil, secondPIN), store.Attestation, plan.Challenge)
	if err != nil {
		w.t.Fatal(err)
	}
	by, err := store.Chip.Sign(key, pinkey.Auth(nil, secondPIN), pinkey.TrialDigest(ids, plan.Challenge))
	if err != nil {
		w.t.Fatal(err)
	}
	return store, ids, key, device.TrialRequest{Public: made.Public, CertifyInfo: made.CertifyInfo, Signature: made.Signature, By: by}
}

func TestAKeyOnTrialIsNeverACredential(t *testing.T) {
	w := newWorld(t)
	a, user := w.withMira()
	link := w.device(a).Link
	mine := w.asMira(a)
	drill, pass := w.drill()
	trial := w.asked(a, pass)
	plan, err := link.Trial(t.Context(), trial)
	if err != nil {
		t.Fatal(err)
	}
	store, ids, key, shown := w.rogue(a, user, plan)
	as := device.KeyRequest{Public: shown.Public, CertifyInfo: shown.CertifyInfo, Signature: shown.Signature}

	_, err = link.RegisterKey(t.Context(), mine.Access, plan.ID, as)
	w.wantCode("registered under its own id", err, "pinUnknown")
	begun, err := link.NewContainer(t.Context(), mine.Access)
	if err != nil {
		t.Fatal(err)
	}
	_, err = link.RegisterKey(t.Context(), mine.Access, begun.ID, as)
	w.wantCode("registered under another's", err, "pinKeyInvalid")
	_, err = link.ResetPIN(t.Context(), mine.Access, plan.ID, device.ResetRequest{Nonce: []byte("0123456789abcdef"), Lifetime: 60})
	w.wantCode("a signature for another PIN of it", err, "pinUnknown")
	present, err := w.device(a).PINs.Containers.Find(user)
	if err != nil {
		t.Fatal(err)
	}
	_, err = link.RotateKey(t.Context(), mine.Access, present.IDs.ID, device.RotateRequest{KeyRequest: as, By: shown.By})
	if err == nil {
		t.Error("it takes the place of the person's own key")
	}
	for _, method := range []string{plan.ID, present.Method} {
		var nonce struct{ Nonce string }
		if err := link.Form(t.Context(), "token", url.Values{"grant_type": {device.GrantChallenge}, "client_id": {w.device(a).Identity().Tenant.ClientID}}, &nonce); err != nil {
			t.Fatal(err)
		}
		signer, err := w.chipOf(a).Signer(key, pinkey.Auth(nil, secondPIN))
		if err != nil {
			t.Fatal(err)
		}
		about := w.device(a).Identity().Tenant
		assertion, err := device.Assert(signer, device.Assertion{Method: method, User: user, DeviceID: ids.Device, Issuer: about.Issuer, Nonce: nonce.Nonce}, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		if p, err := websignin.Redeem(t.Context(), link, about, "", url.Values{
			"grant_type": {device.GrantPIN}, "client_id": {about.ClientID}, "assertion": {assertion}, "scope": {websignin.Scope},
		}); err == nil {
			t.Errorf("it signs %s in, as %s", p.UPN, method)
		}
	}

	for what, one := range map[string]struct {
		change func(in *device.TrialRequest)
		code   string
	}{
		"a signature of something else": {func(in *device.TrialRequest) {
			digest := sha256.Sum256([]byte("something else"))
			in.By, err = store.Chip.Sign(key, pinkey.Auth(nil, secondPIN), digest[:])
		}, "pinTrialUnsigned"},
		"no statement of the TPM":     {func(in *device.TrialRequest) { in.CertifyInfo, in.Signature = nil, nil }, "pinKeyUnattested"},
		"the key that the person has": {func(in *device.TrialRequest) { in.Public = present.Key.Public }, "pinKeyInvalid"},
		"a key for a real PIN":        {func(in *device.TrialRequest) { _, _, _, *in = w.rogue(a, user, begun) }, "pinKeyInvalid"},
		"nothing":                     {func(in *device.TrialRequest) { *in = device.TrialRequest{} }, "pinKeyInvalid"},
		"words of its own":            {func(in *device.TrialRequest) { *in = device.TrialRequest{Failed: "Call 555 0100"} }, "drillKeyFailed"},
	} {
		trial := w.asked(a, pass)
		fresh, err := link.Trial(t.Context(), trial)
		if err != nil {
			t.Fatal(err)
		}
		store, _, key, shown = w.rogue(a, user, fresh)
		one.change(&shown)
		if _, err := link.EndTrial(t.Context(), trial, shown); err != nil {
			t.Errorf("%s: %v", what, err)
		}
		if got := w.practice(drill); got.step("key") != "failed "+one.code || got.State != "failed" {
			t.Errorf("%s: %+v", what, got)
		}
	}
	if _, err := a.Unlock(t.Context(), user, firstPIN); err != nil {
		t.Errorf("the person's own PIN: %v", err)
	}
	if _, err := a.Unlock(t.Context(), user, secondPIN); !errors.Is(err, tpm.ErrWrongPIN) {
		t.Errorf("the PIN of the key on trial: %v", err)
	}
}

func TestAKeyOnTrialIsTheDevicesThatWasAskedForOneAndOnce(t *testing.T) {
	w := newWorld(t)
	a, user := w.withMira()
	other := w.other()
	drill, pass := w.drill()
	trial := w.asked(a, pass)
	if got := w.practice(drill); got.step("key") != "failed drillKeyUnanswered" || got.State != "failed" {
		t.Errorf("before the device answers it is %+v", got)
	}
	link, stranger := w.device(a).Link, w.device(other).Link
	plan, err := link.Trial(t.Context(), trial)
	if err != nil {
		t.Fatal(err)
	}
	_, _, _, shown := w.rogue(a, user, plan)
	_, err = stranger.Trial(t.Context(), trial)
	w.wantCode("another device asks", err, "drillTrialUnknown")
	_, err = stranger.EndTrial(t.Context(), trial, shown)
	w.wantCode("another device answers", err, "drillTrialUnknown")
	for _, name := range []string{user, user + ".", user + ".trial-", "." + plan.ID, plan.ID} {
		_, err = link.Trial(t.Context(), name)
		w.wantCode("by the name "+name, err, "drillTrialUnknown")
	}
	next := w.asked(a, pass) // typed again: the former one is none any more
	_, err = link.EndTrial(t.Context(), trial, shown)
	w.wantCode("the former trial", err, "drillTrialUnknown")
	if _, err := a.Practise(t.Context(), next); err != nil {
		t.Fatal(err)
	}
	if got := w.practice(drill); got.step("key") != "passed" {
		t.Errorf("it is %+v", got)
	}
	_, err = a.Practise(t.Context(), next)
	w.wantCode("once more", err, "drillTrialUnknown")
}

func TestADrillSaysWhyATPMMakesNoKey(t *testing.T) {
	w := newWorld(t)
	a, user := w.withMira()
	drill, pass := w.drill()
	c, err := w.device(a).PINs.Containers.Find(user)
	if err != nil {
		t.Fatal(err)
	}
	chip := w.chipOf(a)
	for range 40 { // as root could, past the agent
		if _, err = chip.Sign(c.Key, pinkey.Auth(c.Salt, "000000"), make([]byte, sha256.Size)); errors.Is(err, tpm.ErrLocked) {
			break
		}
	}
	before, _ := chip.Lockout()
	_, err = a.SignInWithPass(t.Context(), mira, secret(pass))
	w.wantCode("with the TPM locked", err, "practiceFailed")
	if got := w.practice(drill); got.step("key") != "failed drillKeyLocked" || got.State != "failed" {
		t.Errorf("with the TPM locked it is %+v", got)
	}
	if after, err := chip.Lockout(); err != nil || after.Failed != before.Failed || !after.Locked {
		t.Errorf("the TPM counts %+v, and counted %+v: %v", after, before, err)
	}
	w.chip.Forgive()

	// The server goes by today's policy, and the device by what it has read of it.
	var off struct{ ID string }
	w.graph(http.MethodPost, "/v1.0/deviceManagement/deviceConfigurations", fmt.Sprintf(`{"@odata.type":"#microsoft.graph.windows10CustomConfiguration","displayName":"No PIN",
		"omaSettings":[{"@odata.type":"#microsoft.graph.omaSettingBoolean","displayName":"One","omaUri":%q,"value":false}]}`, devicepolicy.UsePassportForWork), http.StatusCreated, &off)
	w.graph(http.MethodPost, "/v1.0/deviceManagement/configurationPolicies/"+off.ID+"/assign",
		`{"assignments":[{"target":{"@odata.type":"#microsoft.graph.allDevicesAssignmentTarget"}}]}`, http.StatusOK, nil)
	if err := a.Contact(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.graph(http.MethodDelete, "/v1.0/deviceManagement/configurationPolicies/"+off.ID, "", http.StatusNoContent, nil)
	_, err = a.SignInWithPass(t.Context(), mira, secret(pass))
	w.wantCode("with no PIN by the policy of before", err, "practiceFailed")
	if got := w.practice(drill); got.step("key") != "failed drillKeyOff" || got.step("pin") != "passed" {
		t.Errorf("with no PIN by the policy of before it is %+v", got)
	}
	if err := a.Contact(t.Context()); err != nil {
		t.Fatal(err)
	}

	// A TPM that was cleared has lost the device's own key, too, which can't say so. Keys of another are a disk that was copied.
	stranger, err := tpm.Open(tpmtest.NewStranger(t).Where())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = stranger.Close() })
	store := w.device(a).PINs.Containers.(pin.TPM).Store
	own := store.Attestation
	if store.Attestation, err = stranger.NewAttestationKey(); err != nil {
		t.Fatal(err)
	}
	_, err = a.SignInWithPass(t.Context(), mira, secret(pass))
	w.wantCode("with a key of another TPM", err, "practiceFailed")
	if got := w.practice(drill); got.step("key") != "failed drillKeyForeign" {
		t.Errorf("with a key of another TPM it is %+v", got)
	}
	store.Attestation = own

	for _, kind := range []string{devicepolicy.PINDigits, devicepolicy.PINLowercase, devicepolicy.PINUppercase, devicepolicy.PINSpecial} {
		w.assign(kind, int64(container.NotAllowed))
	}
	if err := a.Contact(t.Context()); err != nil {
		t.Fatal(err)
	}
	_, err = a.SignInWithPass(t.Context(), mira, secret(pass))
	w.wantCode("with rules that no PIN fits", err, "practiceFailed")
	if got := w.practice(drill); got.step("key") != "failed drillKeyRules" {
		t.Errorf("with rules that no PIN fits it is %+v", got)
	}
}

func TestADrillOnADeviceWithoutATPMSaysThatNoKeyWasTried(t *testing.T) {
	w := newWorld(t)
	a, user := w.withMira(withoutTPM)
	before, err := w.device(a).PINs.Containers.Find(user)
	if err != nil {
		t.Fatal(err)
	}
	drill, pass := w.drill()
	_, err = a.SignInWithPass(t.Context(), mira, secret(pass))
	got := w.practice(drill)
	if got.step("key") != "notTried drillKeyNoTPM" || got.step("pin") != "passed" {
		t.Errorf("it is %+v: %v", got, err)
	}
	if after, err := w.device(a).PINs.Containers.Find(user); err != nil || !reflect.DeepEqual(before, after) {
		t.Errorf("the PIN is %+v, and was %+v: %v", after, before, err)
	}
}
