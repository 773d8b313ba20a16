//go:build linux

package agent_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/postern-id/postern/internal/agent"
	"github.com/postern-id/postern/internal/agent/container"
	"github.com/postern-id/postern/internal/agent/container/soft"
	"github.com/postern-id/postern/internal/agent/tpm"
	"github.com/postern-id/postern/internal/device"
	"github.com/postern-id/postern/internal/devicepolicy"
	"github.com/postern-id/postern/internal/fault"
	"github.com/postern-id/postern/internal/method/hello"
	"github.com/postern-id/postern/internal/pinkey/software"
)

func withoutTPM(o *agent.Options) { o.TPM = agent.Software }

// withSoftPIN is a device without a TPM on which the administrator has set a PIN up.
func (w *world) withSoftPIN(change ...func(*agent.Options)) (*agent.Agent, string) {
	w.t.Helper()
	a := w.joined(append(change, withoutTPM)...)
	p := w.signedIn(a)
	if err := a.SetPIN(w.t.Context(), p, firstPIN); err != nil {
		w.t.Fatal(err)
	}
	return a, p.ID
}

func (w *world) container(a *agent.Agent, user string) container.Container {
	w.t.Helper()
	c, err := w.device(a).PINs.Containers.Find(user)
	if err != nil {
		w.t.Fatal(err)
	}
	return c
}

func TestAPINWithoutATPMAndWhoIsToldThatItIsSoftware(t *testing.T) {
	w := newWorld(t)
	a, user := w.withSoftPIN()
	out, err := a.Unlock(t.Context(), user, firstPIN)
	if err != nil || out.Offline || out.Person.ID != user || !slices.Contains(out.Person.AMR, "swk") || slices.Contains(out.Person.AMR, "hwk") {
		t.Errorf("unlocked: %+v %v", out, err)
	}
	var methods struct {
		Value []struct {
			Strength string `json:"keyStrength"`
			Storage  string `json:"postern_keyStorage"`
		} `json:"value"`
	}
	w.graph(http.MethodGet, "/v1.0/users/"+user+"/authentication/windowsHelloForBusinessMethods?$select=id,keyStrength,postern_keyStorage", "", http.StatusOK, &methods)
	if len(methods.Value) != 1 || methods.Value[0].Strength != "weak" || methods.Value[0].Storage != "software" {
		t.Errorf("Graph says %+v", methods)
	}
	if s := a.Status(); s.Users[0].PINStorage != device.Software || s.Users[0].PIN != device.PINSet || s.KeyStorage != device.Software {
		t.Errorf("status says %+v", s.Users)
	}
	if d := a.Doctor(t.Context()); !slices.ContainsFunc(d.Checks, func(p device.Prerequisite) bool {
		return p.Name == "pins" && p.State == device.Warn && strings.Contains(p.Detail, "software")
	}) {
		t.Errorf("doctor says %+v", d.Checks)
	}
	if err := a.ChangePIN(t.Context(), user, firstPIN, secondPIN); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Unlock(t.Context(), user, firstPIN); !errors.Is(err, tpm.ErrWrongPIN) {
		t.Errorf("the former PIN: %v", err)
	}
	if _, err := a.Unlock(t.Context(), user, secondPIN); err != nil {
		t.Errorf("the new PIN: %v", err)
	}
	if r, err := a.Repair(t.Context()); err != nil || !r.OK {
		t.Errorf("repair: %+v %v", r, err)
	}
	if err := a.RemovePIN(t.Context(), user); err != nil {
		t.Fatal(err)
	}
	if left, _ := filepath.Glob(filepath.Join(w.state, "containers", "*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestAForgottenPINWithoutATPMIsReplacedAndItsKeyStays(t *testing.T) {
	w := newWorld(t)
	a, user := w.withSoftPIN()
	before := w.container(a, user)
	for range container.MaxWrong {
		_, _ = a.Unlock(t.Context(), user, "000000")
		w.now.Add(int64(time.Minute)) // past the wait
	}
	if _, err := a.Unlock(t.Context(), user, firstPIN); !errors.Is(err, container.ErrStopped) {
		t.Errorf("after too many wrong ones: %v", err)
	}
	if s := a.Status(); s.Users[0].PIN != device.PINLocked {
		t.Errorf("status says %+v", s.Users)
	}
	if err := a.ResetPIN(t.Context(), w.signedIn(a), secondPIN); err != nil {
		t.Fatal(err)
	}
	after := w.container(a, user)
	if after.Method != before.Method || string(after.Software.Public) != string(before.Software.Public) {
		t.Error("the key is another one")
	}
	if _, err := a.Unlock(t.Context(), user, secondPIN); err != nil {
		t.Errorf("the new PIN: %v", err)
	}
	if _, err := a.Unlock(t.Context(), user, firstPIN); !errors.Is(err, tpm.ErrWrongPIN) {
		t.Errorf("the forgotten one: %v", err)
	}
	seen := func(activity string) func() bool {
		return func() bool {
			var log json.RawMessage
			w.graph(http.MethodGet, "/v1.0/auditLogs/directoryAudits", "", http.StatusOK, &log)
			return strings.Contains(string(log), activity)
		}
	}
	w.within("the reset is in the log", 5*time.Second, seen("Reset device PIN"))
	w.within("the stop is in the log", 5*time.Second, seen("Stop device PIN after wrong tries"))
}

// Whoever goes back to an older copy of the disk finds that the server went on counting.
func TestTheServerCountsWhatAnOlderDiskForgets(t *testing.T) {
	w := newWorld(t)
	a, user := w.withSoftPIN()
	folder := filepath.Join(w.state, "containers")
	copied := t.TempDir()
	if err := os.CopyFS(filepath.Join(copied, "containers"), os.DirFS(folder)); err != nil {
		t.Fatal(err)
	}
	rollBack := func() {
		t.Helper()
		if err := os.RemoveAll(folder); err != nil {
			t.Fatal(err)
		}
		if err := os.CopyFS(folder, os.DirFS(filepath.Join(copied, "containers"))); err != nil {
			t.Fatal(err)
		}
	}
	for want := container.MaxWrong - 1; want >= 0; want-- {
		_, err := a.Unlock(t.Context(), user, "000000")
		w.now.Add(int64(time.Minute)) // past the wait
		if wrong, ok := errors.AsType[container.Wrong](err); !ok || wrong.Left != want {
			t.Fatalf("%v, want %d left", err, want)
		}
		rollBack()
	}
	if _, err := a.Unlock(t.Context(), user, firstPIN); !errors.Is(err, container.ErrStopped) {
		t.Errorf("the right PIN on an older disk: %v", err)
	}
	// An older disk with the PIN of its time opens nothing after a change, either.
	if err := a.ResetPIN(t.Context(), w.signedIn(a), secondPIN); err != nil {
		t.Fatal(err)
	}
	rollBack()
	if _, err := a.Unlock(t.Context(), user, firstPIN); !errors.Is(err, tpm.ErrWrongPIN) {
		t.Errorf("the former PIN on the former disk: %v", err)
	}
}

// A copy of the disk is nothing to guess at: even the right PIN opens nothing without the
// server, and to another device the server says nothing.
func TestACopiedContainerIsNothingToGuessAt(t *testing.T) {
	w := newWorld(t)
	a, user := w.withSoftPIN()
	c := w.container(a, user)
	if c.Software.Offline != nil {
		t.Error("the PIN alone opens it, and policy does not say so")
	}
	w.down.Store(true)
	if _, err := a.Unlock(t.Context(), user, firstPIN); err == nil {
		t.Error("unlocked without the server")
	}
	w.down.Store(false)

	here := filepath.Join(w.state, "containers", user+".json")
	data, err := os.ReadFile(here)
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{firstPIN, "PRIVATE KEY"} {
		if strings.Contains(string(data), secret) {
			t.Errorf("the file has %q", secret)
		}
	}
	w.state = shortDir(t)
	other := w.joined(withoutTPM)
	w.signedIn(other)
	if err := os.WriteFile(filepath.Join(w.state, "containers", user+".json"), data, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := other.Unlock(t.Context(), user, firstPIN); err == nil {
		t.Error("another device unlocks by it")
	}
	try := device.TryRequest{Verifier: make([]byte, software.VerifierSize)}
	_, err = w.device(other).Link.TryPIN(t.Context(), c.IDs.ID, try)
	if f, ok := errors.AsType[*fault.Error](err); !ok || f.Code != hello.ErrNone.Code {
		t.Errorf("the server talks to another device about it: %v", err)
	}
	if _, err := a.Unlock(t.Context(), user, firstPIN); err != nil {
		t.Errorf("tries elsewhere cost the person theirs: %v", err)
	}
}

func TestARecoverySecretIsForItsOwnContainerAndRequest(t *testing.T) {
	w := newWorld(t)
	a, user := w.withSoftPIN()
	p := w.signedIn(a)
	c := w.container(a, user)
	request, err := software.KEM().GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	ask := func(sealed []byte) (device.ReleaseAnswer, error) {
		return w.device(a).Link.ReleasePIN(t.Context(), p.Access, c.IDs.ID, device.ReleaseRequest{
			Sealed: sealed, To: request.PublicKey().Bytes(),
			Next: software.Guard{Verifier: make([]byte, software.VerifierSize), Recovery: software.Hash(sealed)},
		})
	}
	refused := func(name string, err error, code string) {
		t.Helper()
		if f, ok := errors.AsType[*fault.Error](err); !ok || f.Code != code {
			t.Errorf("%s: %v, want %s", name, err, code)
		}
	}
	// One that the device never registered, well-formed as it is.
	forged, err := software.Seal(c.Software.RecoveryKey, software.Recovery, c.IDs, make([]byte, software.SecretSize))
	if err != nil {
		t.Fatal(err)
	}
	_, err = ask(forged)
	refused("a forged one", err, software.ErrSealed.Code)

	answer, err := ask(c.Software.Recovery)
	if err != nil {
		t.Fatal(err)
	}
	if opened, err := software.Open(request, software.Release, c.IDs, answer.Sealed); err != nil || len(opened) != software.SecretSize+software.ShareSize {
		t.Errorf("its own: %d bytes, %v", len(opened), err)
	}
	later, err := software.KEM().GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := software.Open(later, software.Release, c.IDs, answer.Sealed); err == nil {
		t.Error("the answer opens for another request")
	}

	// After the next PIN, the secret that was released is none any more.
	p = w.signedIn(a)
	if err := a.ResetPIN(t.Context(), p, secondPIN); err != nil {
		t.Fatal(err)
	}
	_, err = ask(c.Software.Recovery)
	refused("one of a former PIN", err, software.ErrSealed.Code)

	// At another device, with that person's fresh sign-in there.
	was := c
	w.state = shortDir(t)
	other := w.joined(withoutTPM)
	stranger := w.signedIn(other)
	_, err = w.device(other).Link.ReleasePIN(t.Context(), stranger.Access, was.IDs.ID, device.ReleaseRequest{
		Sealed: was.Software.Recovery, To: request.PublicKey().Bytes(), Next: software.Guard{Verifier: make([]byte, 32), Recovery: make([]byte, 32)},
	})
	refused("at another device", err, hello.ErrNone.Code)

	// With the PIN, which is what was forgotten.
	byPIN, err := a.Unlock(t.Context(), user, secondPIN)
	if err != nil {
		t.Fatal(err)
	}
	_, err = w.device(a).Link.ReleasePIN(t.Context(), byPIN.Person.Access, c.IDs.ID, device.ReleaseRequest{
		Sealed: w.container(a, user).Software.Recovery, To: request.PublicKey().Bytes(), Next: software.Guard{Verifier: make([]byte, 32), Recovery: make([]byte, 32)},
	})
	refused("after a sign-in by PIN", err, hello.ErrResetProof.Code)
}

func TestADeviceWithATPMRegistersNoKeyFromAFile(t *testing.T) {
	w := newWorld(t)
	a := w.joined()
	p := w.signedIn(a)
	answer, err := w.device(a).Link.NewContainer(t.Context(), p.Access)
	if err != nil || len(answer.RecoveryKey) > 0 {
		t.Fatalf("%d bytes, %v", len(answer.RecoveryKey), err)
	}
	_, err = w.device(a).Link.RegisterKey(t.Context(), p.Access, answer.ID, device.KeyRequest{
		Guard: &software.Guard{Verifier: make([]byte, 32), Recovery: make([]byte, 32)},
	})
	if f, ok := errors.AsType[*fault.Error](err); !ok || f.Code != "pinKeyInvalid" {
		t.Errorf("taken: %v", err)
	}
}

func TestWhereATPMIsRequiredNoPINIsSoftware(t *testing.T) {
	w := newWorld(t)
	a, user := w.withSoftPIN()
	c := w.container(a, user)
	w.require()
	if _, err := w.device(a).Link.TryPIN(t.Context(), c.IDs.ID, device.TryRequest{Verifier: make([]byte, 32)}); err == nil {
		t.Error("the server goes on giving its share")
	}
	if err := a.Contact(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Unlock(t.Context(), user, firstPIN); !errors.Is(err, hello.ErrNeedsTPM) {
		t.Errorf("unlocked: %v", err)
	}
	if err := a.SetPIN(t.Context(), w.signedIn(a), secondPIN); !errors.Is(err, hello.ErrNeedsTPM) {
		t.Errorf("set up: %v", err)
	}
}

// require has the organisation require a TPM.
func (w *world) require() {
	w.t.Helper()
	var made struct {
		ID string `json:"id"`
	}
	uri, _ := json.Marshal(devicepolicy.RequireSecurityDevice)
	w.graph("POST", "/v1.0/deviceManagement/deviceConfigurations", `{"@odata.type":"#microsoft.graph.windows10CustomConfiguration",
		"displayName":"A TPM","omaSettings":[{"@odata.type":"#microsoft.graph.omaSettingBoolean","displayName":"One","omaUri":`+string(uri)+`,"value":true}]}`, 201, &made)
	w.graph("POST", "/v1.0/deviceManagement/configurationPolicies/"+made.ID+"/assign",
		`{"assignments":[{"target":{"@odata.type":"#microsoft.graph.allDevicesAssignmentTarget"}}]}`, 200, nil)
}

func TestASoftwarePINWithoutTheServerIsForPolicyToAllow(t *testing.T) {
	w := newWorld(t)
	file := filepath.Join(t.TempDir(), "policy.yaml")
	allow := func(yes string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(devicepolicy.SoftwareOffline+": "+yes+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	allow("true")
	a, user := w.withSoftPIN(func(o *agent.Options) { o.LocalPolicy = file })
	w.down.Store(true)
	if out, err := a.Unlock(t.Context(), user, firstPIN); err != nil || !out.Offline {
		t.Fatalf("allowed: %+v %v", out, err)
	}
	for want := container.MaxWrong - 1; want >= 0; want-- {
		_, err := a.Unlock(t.Context(), user, "000000")
		w.now.Add(int64(time.Minute)) // past the wait
		if wrong, ok := errors.AsType[container.Wrong](err); !ok || wrong.Left != want {
			t.Fatalf("%v, want %d left", err, want)
		}
	}
	w.down.Store(false)
	if _, err := a.Unlock(t.Context(), user, firstPIN); !errors.Is(err, container.ErrStopped) {
		t.Errorf("five wrong ones offline, then online: %v", err)
	}
	if err := a.ResetPIN(t.Context(), w.signedIn(a), secondPIN); err != nil {
		t.Fatal(err)
	}
	allow("false")
	w.device(a).ReadLocal()
	if err := a.Contact(t.Context()); err != nil {
		t.Fatal(err)
	}
	if c := w.container(a, user); c.Software.Offline != nil {
		t.Error("what opens it without the server is still there")
	}
	w.down.Store(true)
	if _, err := a.Unlock(t.Context(), user, secondPIN); err == nil || errors.Is(err, soft.ErrAway) && w.container(a, user).Software.Offline != nil {
		t.Errorf("no more: %v", err)
	}
}
