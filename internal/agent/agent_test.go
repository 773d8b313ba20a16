//go:build linux

package agent_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/agent"
	"github.com/postern-id/postern/internal/agent/contact"
	"github.com/postern-id/postern/internal/agent/identity"
	"github.com/postern-id/postern/internal/agent/policy"
	"github.com/postern-id/postern/internal/agent/tpm"
	"github.com/postern-id/postern/internal/agent/tpm/tpmtest"
	"github.com/postern-id/postern/internal/agent/websignin"
	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/device"
	"github.com/postern-id/postern/internal/devicepolicy"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/graphclient"
	"github.com/postern-id/postern/internal/store"
)

func TestADeviceJoinsAndLeaves(t *testing.T) {
	w := newWorld(t)
	a := w.joined()
	s := a.Status()
	if s.JoinType != device.Joined || s.TenantID != w.created.TenantID || s.Server != w.site.URL || s.KeyStorage != device.TPM || !s.Attested {
		t.Errorf("joined as %+v", s)
	}
	if web := s.Policy[devicepolicy.EnableWebSignIn]; web.Value.Int() != 1 || web.Reason != devicepolicy.JoinedDevice {
		t.Errorf("web sign-in is %+v", web)
	}
	if len(s.Users) != 1 || s.Users[0].UPN != admin || s.Users[0].PIN != device.PINNone || s.Users[0].UID == 0 {
		t.Errorf("people are %+v", s.Users)
	}
	if err := a.Contact(t.Context()); err != nil {
		t.Errorf("contact: %v", err)
	}
	if err := a.Leave(t.Context(), false); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Device(); !errors.Is(err, identity.ErrNotJoined) {
		t.Errorf("afterwards: %v", err)
	}
	for _, name := range []string{"device.json", "policy.json", "contact.json"} {
		if _, err := os.Stat(filepath.Join(w.state, name)); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s is still there: %v", name, err)
		}
	}
	if err := a.Join(t.Context(), w.request()); err != nil {
		t.Errorf("joining again: %v", err)
	}
}

// A power cut may hit between any two writes. Done again, the join goes on, with the same key
// as long as the server may have heard of it, and with the same one-time pass, and the tenant
// has one device.
func TestAJoinThatWasCutOffGoesOn(t *testing.T) {
	w := newWorld(t)
	cut := errors.New("power cut")
	seen := map[string]bool{}
	request := w.request()
	for steps := 0; ; steps++ {
		if steps > 100 {
			t.Fatal("it never ends")
		}
		a := w.open()
		left := steps
		agent.Files(a).Step = func() error {
			if left == 0 {
				return cut
			}
			left--
			return nil
		}
		err := a.Join(t.Context(), request)
		if closeErr := a.Close(); closeErr != nil {
			t.Fatal(closeErr)
		}
		b := w.open()
		d, openErr := b.Device()
		switch {
		case err == nil:
			if openErr != nil || d.Identity().DeviceID == "" || d.Policy.Version() == 0 {
				t.Errorf("a join that was promised is not there: %v", openErr)
			}
			seen[d.Identity().DeviceID] = true
			_ = b.Close()
			if len(seen) != 1 {
				t.Errorf("the tenant has %d devices", len(seen))
			}
			return
		case !errors.Is(err, cut):
			t.Fatalf("cut after %d steps: %v", steps, err)
		case openErr == nil: // the last write had arrived
			if d.Policy.Version() == 0 || d.Identity().PolicyKeys == nil {
				t.Errorf("cut after %d steps, the device is joined without policy", steps)
			}
			seen[d.Identity().DeviceID] = true
		case !errors.Is(openErr, identity.ErrNotJoined):
			t.Errorf("cut after %d steps: %v", steps, openErr)
		}
		_ = b.Close()
	}
}

func TestStateThatWasCopiedToAnotherTPMIsRefused(t *testing.T) {
	w := newWorld(t)
	a := w.joined()
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	stranger := tpmtest.NewStranger(t)
	b := w.open(func(o *agent.Options) { o.TPM = stranger.Where() })
	if err := b.Contact(t.Context()); !errors.Is(err, tpm.ErrForeign) {
		t.Errorf("contact: %v", err)
	}
	if d := b.Doctor(t.Context()); d.OK || !strings.Contains(detail(d, "tpm"), "tpmForeign") {
		t.Errorf("doctor says %+v", d)
	}
	r, err := b.Repair(t.Context())
	if err != nil || r.OK || r.Parts[0].State != agent.Broken || !strings.Contains(r.Parts[0].Fix, "join") {
		t.Errorf("repair: %+v %v", r, err)
	}
	_ = b.Close()
	c := w.open(func(o *agent.Options) { o.TPM = agent.Software })
	if _, err := c.Device(); !errors.Is(err, tpm.ErrNone) {
		t.Errorf("without a TPM: %v", err)
	}
}

func detail(d agent.Diagnosis, name string) string {
	for _, one := range d.Checks {
		if one.Name == name {
			return string(one.State) + " " + one.Detail
		}
	}
	return ""
}

// A TPM that was cleared knows the keys no more; joining again is the way back.
func TestADeviceWhoseTPMWasClearedJoinsAgain(t *testing.T) {
	w := newWorld(t)
	a := w.joined()
	_ = a.Close()
	w.chip.Clear()
	b := w.open()
	if err := b.Contact(t.Context()); !errors.Is(err, tpm.ErrForeign) {
		t.Fatalf("contact: %v", err)
	}
	if err := b.Join(t.Context(), w.request()); err != nil {
		t.Fatal(err)
	}
	if err := b.Contact(t.Context()); err != nil {
		t.Errorf("contact after joining again: %v", err)
	}
}

// change changes the device at the server, as an administrator does.
func (w *world) change(a *agent.Agent, f func(*store.DB, directory.Device, audit.Event) error) {
	w.t.Helper()
	db, err := store.Open(w.t.Context(), store.Config{Dir: w.server.Dir})
	if err != nil {
		w.t.Fatal(err)
	}
	defer db.Close()
	i := w.device(a).Identity()
	d, err := db.DeviceByDeviceID(w.t.Context(), directory.TenantID(i.Tenant.TenantID), i.DeviceID)
	if err != nil {
		w.t.Fatal(err)
	}
	e := audit.Event{Tenant: i.Tenant.TenantID, ID: uuid.NewString(), At: time.Now(), Change: &audit.Change{
		Activity: audit.RegisterDevice, Category: audit.CategoryDevice, Service: audit.ServiceDeviceRegistration, Operation: audit.OperationUpdate, Result: audit.Success,
		Targets: []audit.Target{{ID: string(d.ID), Type: audit.TargetDevice, DisplayName: d.DisplayName}},
	}}
	if err := f(db, d, e); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) enable(a *agent.Agent, on bool) {
	w.t.Helper()
	w.change(a, func(db *store.DB, d directory.Device, e audit.Event) error {
		d.AccountEnabled = on
		return db.UpdateDevice(w.t.Context(), d, time.Now(), e)
	})
}

func TestADeviceThatWasSwitchedOffIsToldAndComesBack(t *testing.T) {
	w := newWorld(t)
	a := w.joined()
	told := make(chan agent.Change, 16)
	defer a.Watch(func(c agent.Change) { told <- c })()
	w.enable(a, false)
	if err := a.Contact(t.Context()); !errors.Is(err, directory.ErrDeviceDisabled) {
		t.Errorf("contact: %v", err)
	}
	if c := <-told; c != agent.DeviceEnded {
		t.Errorf("watchers are told of %s", c)
	}
	if _, err := a.SignInWithPass(t.Context(), admin, graphclient.NewSecret("x")); !errors.Is(err, directory.ErrDeviceDisabled) {
		t.Errorf("signing in: %v", err)
	}
	if _, err := w.device(a).Offline(a.Status().Users[0].ID); !errors.Is(err, directory.ErrDeviceDisabled) {
		t.Errorf("offline: %v", err)
	}
	if s := a.Status(); len(s.Problems) == 0 || s.Problems[0].Code != directory.ErrDeviceDisabled.Code {
		t.Errorf("status says %+v", s.Problems)
	}
	w.enable(a, true)
	if err := a.Contact(t.Context()); err != nil || len(a.Status().Problems) != 0 {
		t.Errorf("switched on again: %v %+v", err, a.Status().Problems)
	}
}

func TestADeviceThatWasDeletedForgetsItsPolicy(t *testing.T) {
	w := newWorld(t)
	a := w.joined()
	w.change(a, func(db *store.DB, d directory.Device, e audit.Event) error {
		return db.RemoveDevice(t.Context(), d.Tenant, d.ID, time.Now(), e)
	})
	if err := a.Contact(t.Context()); !errors.Is(err, directory.ErrDeviceUnknown) {
		t.Errorf("contact: %v", err)
	}
	if _, err := os.Stat(filepath.Join(w.state, "policy.json")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the policy is still there: %v", err)
	}
	if r, err := a.Repair(t.Context()); err != nil || r.OK || r.Parts[len(r.Parts)-1].Part != "registration" {
		t.Errorf("repair: %+v %v", r, err)
	}
	if err := a.Leave(t.Context(), false); err != nil {
		t.Errorf("leaving: %v", err)
	}
}

func TestWithoutAServer(t *testing.T) {
	w := newWorld(t)
	a := w.joined()
	w.down.Store(true)
	if err := a.Contact(t.Context()); !errors.Is(err, graphclient.ErrUnreachable) {
		t.Errorf("contact: %v", err)
	}
	if err := a.Leave(t.Context(), false); !errors.Is(err, graphclient.ErrUnreachable) {
		t.Errorf("leaving: %v", err)
	}
	if _, err := a.Device(); err != nil {
		t.Errorf("a leave that failed: %v", err)
	}
	if d := a.Doctor(t.Context()); d.OK || !strings.Contains(detail(d, "server"), "serverUnreachable") {
		t.Errorf("doctor says %+v", d)
	}
	w.running(a)
	w.down.Store(false)
	signed := a.Status().LastContactAt
	w.within("contact once the server is back", 10*time.Second, func() bool { return a.Status().Online && !a.Status().LastContactAt.Before(signed) })
	w.down.Store(true)
	if err := a.Leave(t.Context(), true); err != nil {
		t.Errorf("leaving by force: %v", err)
	}
}

func TestAServerThatIsNotTrustedIsNotUsed(t *testing.T) {
	w := newWorld(t)
	a := w.open(func(o *agent.Options) { o.CA = nil })
	if err := a.Join(t.Context(), w.request()); !errors.Is(err, graphclient.ErrCertificate) {
		t.Errorf("joining: %v", err)
	}
}

// The server takes proofs that are a minute off at most; the agent learns by how much its
// clock is, and dates them by the server's.
func TestAClockThatIsWrongDoesNotStopADevice(t *testing.T) {
	for name, off := range map[string]time.Duration{"an hour behind": -time.Hour, "a day behind": -24 * time.Hour, "a day ahead": 24 * time.Hour} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.now.Store(int64(off))
			a := w.joined()
			if err := a.Contact(t.Context()); err != nil {
				t.Errorf("contact: %v", err)
			}
			d := a.Doctor(t.Context())
			if d.OK || !strings.HasPrefix(detail(d, "clock"), "fail") {
				t.Errorf("doctor says %s", detail(d, "clock"))
			}
			if r, err := a.Repair(t.Context()); err != nil || r.OK || r.Parts[len(r.Parts)-1].Part != "clock" {
				t.Errorf("repair: %+v %v", r, err)
			}
		})
	}
}

func TestHowLongADeviceWorksWithoutItsServer(t *testing.T) {
	w := newWorld(t)
	a := w.joined()
	user := a.Status().Users[0].ID
	left, err := w.device(a).Offline(user)
	if err != nil || left > 14*24*time.Hour || left < 13*24*time.Hour {
		t.Errorf("at once: %v %v", left, err)
	}
	w.now.Store(int64(15 * 24 * time.Hour))
	if _, err := w.device(a).Offline(user); !errors.Is(err, contact.ErrTooLong) {
		t.Errorf("after 15 days: %v", err)
	}
	w.now.Store(int64(-24 * time.Hour))
	if _, err := w.device(a).Offline(user); !errors.Is(err, contact.ErrClock) {
		t.Errorf("with the clock set back: %v", err)
	}
	w.now.Store(0)
	if err := os.Remove(filepath.Join(w.state, "contact.json")); err != nil {
		t.Fatal(err)
	}
	_ = a.Close()
	b := w.open()
	if _, err := w.device(b).Offline(user); err == nil {
		t.Error("without the TPM's time a PIN works offline")
	}
}

func TestAPolicyThatWasEditedCountsForNothing(t *testing.T) {
	w := newWorld(t)
	a := w.joined()
	_ = a.Close()
	path := filepath.Join(w.state, "policy.json")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var kept struct {
		Keys   json.RawMessage   `json:"keys"`
		Signed map[string]string `json:"signed"`
	}
	if err := json.Unmarshal(text, &kept); err != nil {
		t.Fatal(err)
	}
	parts := strings.Split(kept.Signed[""], ".")
	kept.Signed[""] = parts[0] + "." + parts[1][:40] + "AAAA" + parts[1][44:] + "." + parts[2]
	if text, err = json.Marshal(kept); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	b := w.open()
	s := b.Status()
	if len(s.Problems) == 0 || s.Problems[0].Code != policy.ErrUntrusted.Code {
		t.Errorf("status says %+v", s.Problems)
	}
	if v := s.Policy[devicepolicy.OfflineDays].Value.Int(); v != 0 {
		t.Errorf("%d days offline", v)
	}
	if _, err := w.device(b).Offline(s.Users[0].ID); !errors.Is(err, contact.ErrNever) {
		t.Errorf("offline: %v", err)
	}
	r, err := b.Repair(t.Context())
	if err != nil || !r.OK || r.Parts[3].State != agent.Fixed {
		t.Errorf("repair: %+v %v", r, err)
	}
	if p := b.Status().Problems; len(p) != 0 {
		t.Errorf("after repair: %+v", p)
	}
}

func TestTheMachinesOwnerSetsWhatNoPolicySets(t *testing.T) {
	w := newWorld(t)
	file := filepath.Join(t.TempDir(), "policy.yaml")
	text := devicepolicy.OfflineDays + ": 3\n./Device/Nonsense: 1\n" + devicepolicy.MinimumPINLength + ": 2\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	a := w.joined(func(o *agent.Options) { o.LocalPolicy = file })
	s := a.Status()
	if days := s.Policy[devicepolicy.OfflineDays]; days.Value.Int() != 3 || days.Source != devicepolicy.FromLocal || days.Reason != devicepolicy.SetLocally {
		t.Errorf("days offline: %+v", days)
	}
	if least := s.Policy[devicepolicy.MinimumPINLength]; least.Value.Int() != 6 {
		t.Errorf("shortest PIN: %+v", least)
	}
	if len(s.Problems) != 2 {
		t.Errorf("status says %+v", s.Problems)
	}
}

func TestADeviceWithoutATPMSaysSo(t *testing.T) {
	w := newWorld(t)
	var said []string
	a := w.open(func(o *agent.Options) { o.TPM = agent.Software })
	request := w.request()
	request.Tell = func(text string) { said = append(said, text) }
	if err := a.Join(t.Context(), request); err != nil {
		t.Fatal(err)
	}
	if len(said) != 1 || !strings.Contains(said[0], "file") {
		t.Errorf("said %q", said)
	}
	if s := a.Status(); s.KeyStorage != device.Software || s.Attested {
		t.Errorf("joined as %+v", s)
	}
	if _, err := w.device(a).Offline(a.Status().Users[0].ID); !errors.Is(err, contact.ErrNever) {
		t.Errorf("offline: %v", err)
	}
	if d := a.Doctor(t.Context()); !d.OK || !strings.HasPrefix(detail(d, "tpm"), "warn") {
		t.Errorf("doctor says %s", detail(d, "tpm"))
	}
}

func TestSomebodySignsInWithAPassAtAConsole(t *testing.T) {
	w := newWorld(t)
	a := w.joined()
	p, err := a.SignInWithPass(t.Context(), admin, w.pass())
	if err != nil {
		t.Fatal(err)
	}
	account, err := a.Welcome(t.Context(), p)
	if err != nil || account.UserName != "admin" || !p.Fresh() {
		t.Errorf("welcome: %+v %v", account, err)
	}
	if _, err := a.SignInWithPass(t.Context(), admin, graphclient.NewSecret("WRONGPASS123")); !websignin.Wrong(err) {
		t.Errorf("a wrong pass: %v", err)
	}
	if _, err := a.Lookup(t.Context(), "nobody.at.all"); !errors.Is(err, directory.ErrUserUnknown) {
		t.Errorf("nobody: %v", err)
	}
}

func TestSomebodyElseCantJoinForAPerson(t *testing.T) {
	w := newWorld(t)
	a := w.open()
	request := w.request()
	request.UPN = "somebody@contoso.example"
	if err := a.Join(t.Context(), request); !errors.Is(err, agent.ErrPerson) {
		t.Errorf("joining: %v", err)
	}
}

func TestOneAgentAtATime(t *testing.T) {
	w := newWorld(t)
	a := w.joined()
	if _, err := agent.Open(w.options()); !errors.Is(err, agent.ErrRunning) {
		t.Errorf("a second one: %v", err)
	}
	w.running(a)
	if err := a.Yield(); err != nil {
		t.Fatal(err)
	}
	b := w.open()
	if err := b.Join(t.Context(), w.request()); err != nil {
		t.Errorf("joining again beside it: %v", err)
	}
	if err := a.Resume(); !errors.Is(err, agent.ErrRunning) {
		t.Errorf("resume too early: %v", err)
	}
	_ = b.Close()
	if err := a.Resume(); err != nil {
		t.Errorf("resume: %v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := a.Contact(ctx); err != nil {
		t.Errorf("contact: %v", err)
	}
}

// What an administrator does reaches a connected device at once.
func TestAConnectedDeviceIsToldWithinASecond(t *testing.T) {
	w := newWorld(t)
	a := w.joined()
	told := make(chan agent.Change, 64)
	defer a.Watch(func(c agent.Change) {
		select {
		case told <- c:
		default:
		}
	})()
	w.running(a)
	w.within("connected", 10*time.Second, func() bool { return a.Connected() })

	w.graph("PATCH", "/v1.0/users/"+admin, `{"displayName":"Ada"}`, 204, nil)
	w.within("a new name", time.Second+slack, func() bool { return a.Status().Users[0].DisplayName == "Ada" })
	w.enable(a, false)
	w.within("the device is switched off", time.Second+slack, func() bool { return len(a.Status().Problems) == 1 })
	for c := range told {
		if c == agent.DeviceEnded {
			break
		}
	}
}

// slack is for a machine that does other things, too.
const slack = 4 * time.Second

// assign makes a policy for all devices that sets one integer.
func (w *world) assign(uri string, value int64) {
	w.t.Helper()
	var made struct {
		ID string `json:"id"`
	}
	w.graph("POST", "/v1.0/deviceManagement/deviceConfigurations", fmt.Sprintf(`{"@odata.type":"#microsoft.graph.windows10CustomConfiguration",
		"displayName":"A policy","omaSettings":[{"@odata.type":"#microsoft.graph.omaSettingInteger","displayName":"One","omaUri":%q,"value":%d}]}`, uri, value), 201, &made)
	w.graph("POST", "/v1.0/deviceManagement/configurationPolicies/"+made.ID+"/assign",
		`{"assignments":[{"target":{"@odata.type":"#microsoft.graph.allDevicesAssignmentTarget"}}]}`, 200, nil)
}

func TestAPolicyIsInEffectWithinASecondAndWinsOverLocalValues(t *testing.T) {
	w := newWorld(t)
	file := filepath.Join(t.TempDir(), "policy.yaml")
	if err := os.WriteFile(file, []byte(devicepolicy.OfflineDays+": 30\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	a := w.joined(func(o *agent.Options) { o.LocalPolicy = file })
	w.running(a)
	w.within("connected", 10*time.Second, func() bool { return a.Connected() })
	w.assign(devicepolicy.OfflineDays, 2)
	w.assign(devicepolicy.EnableWebSignIn, 2)
	w.within("the policies", time.Second+slack, func() bool {
		s := a.Status().Policy
		return s[devicepolicy.OfflineDays].Value.Int() == 2 && s[devicepolicy.EnableWebSignIn].Value.Int() == 2
	})
	s := a.Status()
	if days := s.Policy[devicepolicy.OfflineDays]; days.Source != devicepolicy.FromPolicy || days.Reason != devicepolicy.ManagedOverrule || days.Policy != "A policy" {
		t.Errorf("days offline: %+v", days)
	}
	if len(s.Problems) != 1 || s.Problems[0].Code != agent.ErrOverruled.Code {
		t.Errorf("status says %+v", s.Problems)
	}
	if _, err := a.StartWeb(t.Context(), "http://localhost:1", ""); !errors.Is(err, agent.ErrNoWebSignIn) {
		t.Errorf("web sign-in, switched off: %v", err)
	}
	w.within("the person's policy", slack, func() bool { // is the next to be read
		left, err := w.device(a).Offline(s.Users[0].ID)
		return err == nil && left <= 48*time.Hour
	})
}

// Whoever keeps a copy of an older policy can't bring it back on a running device, and on the
// disk it is no newer than it was: its time without the server has run.
func TestAnOlderPolicyIsRefused(t *testing.T) {
	w := newWorld(t)
	a := w.joined()
	d := w.device(a)
	older, err := d.Link.Policy(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Contact(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Policy.Take(older, ""); !errors.Is(err, policy.ErrOlder) {
		t.Errorf("an older one: %v", err)
	}
	if _, err := d.Policy.Take(older, "somebody"); !errors.Is(err, policy.ErrUntrusted) {
		t.Errorf("the device's as a person's: %v", err)
	}
	other := newWorld(t)
	b := other.joined()
	theirs, err := other.device(b).Link.Policy(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Policy.Take(theirs, ""); !errors.Is(err, policy.ErrUntrusted) {
		t.Errorf("another device's: %v", err)
	}
}
