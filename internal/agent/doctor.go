package agent

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"time"

	"github.com/postern-id/postern/internal/agent/contact"
	"github.com/postern-id/postern/internal/agent/identity"
	"github.com/postern-id/postern/internal/agent/link"
	"github.com/postern-id/postern/internal/agent/tpm"
	"github.com/postern-id/postern/internal/device"
	"github.com/postern-id/postern/internal/devicepolicy"
	"github.com/postern-id/postern/internal/fault"
)

// Diagnosis is every prerequisite, with what to do about it.
type Diagnosis struct {
	OK     bool                  `json:"ok"` // nothing fails
	Checks []device.Prerequisite `json:"checks"`
}

// a patient is what the checks look at.
type patient struct {
	agent    *Agent
	device   *Device           // nil when it can't be used
	err      error             // why
	identity identity.Identity // zero before joining
	chip     *tpm.TPM          // nil without one
	chipErr  error
	server   error // of asking the server
	offset   time.Duration
}

// Doctor looks at every prerequisite. It changes nothing.
func (a *Agent) Doctor(ctx context.Context) Diagnosis {
	a.work.Lock()
	defer a.work.Unlock()
	p := patient{agent: a}
	p.device, p.err = a.Device()
	p.identity, _ = identity.Load(a.files) // p.err says it
	if p.device != nil {
		p.chip = p.device.chip
	} else if p.chip, p.chipErr = openTPM(a.options.TPM, p.identity.Storage); p.chip != nil {
		defer func() { _ = p.chip.Close() }() // only asked
	}
	p.ask(ctx)
	return p.diagnose()
}

// diagnose makes every check.
func (p *patient) diagnose() Diagnosis {
	d := Diagnosis{OK: true}
	for _, check := range checks {
		state, detail, fix := check.look(p)
		if state == "" {
			continue // says nothing about this machine
		}
		if state == device.Pass {
			fix = ""
		}
		d.OK = d.OK && state != device.Fail
		d.Checks = append(d.Checks, device.Prerequisite{Name: check.name, State: state, Detail: detail, Fix: fix})
	}
	return d
}

// ask asks the server about the tenant, and learns what time it is there.
func (p *patient) ask(ctx context.Context) {
	if p.identity.Server == "" {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	if p.device != nil {
		_, p.server = p.device.Link.Policy(ctx, "")
		p.offset = p.device.Link.Offset()
		return
	}
	client, err := p.agent.options.client(append(append([]byte{}, p.identity.CA...), p.agent.options.CA...))
	if err == nil {
		_, err = link.Discover(ctx, client, p.identity.Server, p.identity.Tenant.TenantID)
	}
	p.server = err
}

type look func(*patient) (state device.Check, detail, fix string)

// checks are in the order in which they depend on each other.
var checks = []struct {
	name string
	look look
}{
	{"platform", func(*patient) (device.Check, string, string) { return platform(runtime.GOOS) }},
	{"state", lookState},
	{"tpm", lookTPM},
	{"tpmLockout", lookLockout},
	{"pins", lookPINs},
	{"network", lookNetwork},
	{"server", lookServer},
	{"clock", lookClock},
	{"joined", lookJoined},
	{"registration", lookRegistration},
	{"certificate", lookCertificate},
	{"policy", lookPolicy},
	{"localPolicy", lookLocal},
	{"webSignIn", lookWebSignIn},
	{"offline", lookOffline},
	{"pam", lookPAM},
	{"nss", lookNSS},
	{"browser", lookBrowser},
	{"signInScreen", lookScreen},
	{"namespaces", lookNamespaces},
	{"conflicts", lookConflicts},
}

// platform says where the agent does all that it can (docs/agent.md, "Platforms").
func platform(system string) (device.Check, string, string) {
	if system == "linux" {
		return device.Pass, "Linux has all of it.", ""
	}
	return device.Warn, "On " + system + " the agent keeps the device's registration and its policy; nobody signs in by it.", "Use Linux for devices that people sign in to."
}

func lookState(p *patient) (device.Check, string, string) {
	if errors.Is(p.err, identity.ErrBroken) {
		return device.Fail, identity.ErrBroken.Text, "postern-agent join"
	}
	return device.Pass, p.agent.options.State, ""
}

func lookTPM(p *patient) (device.Check, string, string) {
	switch {
	case p.chipErr != nil:
		return device.Fail, say(p.chipErr), "Switch the TPM on in the firmware; on a virtual machine, give it one. Containers need /dev/tpmrm0."
	case p.chip == nil && p.identity.Storage == device.Software:
		return device.Warn, "The device's key is in a file: who copies the disk has it.", "Switch a TPM 2.0 on, then postern-agent leave and join."
	case p.chip == nil:
		return device.Warn, "There is no TPM 2.0.", "Switch it on in the firmware; without it keys are kept in files."
	case p.identity.Storage == device.TPM:
		if err := p.chip.Holds(p.identity.Key); err != nil {
			return device.Fail, say(err), "postern-agent join, which makes a new key; people set up new PINs."
		}
	}
	l, err := p.chip.Lockout()
	if err != nil {
		return device.Fail, say(err), "Restart the machine."
	}
	owner := "nobody owns it"
	if l.Owned {
		owner = "it has another owner, whose settings stay"
	}
	return device.Pass, fmt.Sprintf("TPM 2.0 of %s; %s.", l.Maker, owner), ""
}

// lookLockout reports how the TPM counts wrong PINs. The agent never sets it (rule 17 of
// docs/threat-model.md).
func lookLockout(p *patient) (device.Check, string, string) {
	if p.chip == nil {
		return "", "", ""
	}
	l, err := p.chip.Lockout()
	if err != nil {
		return device.Fail, say(err), "Restart the machine."
	}
	detail := fmt.Sprintf("%d of %d wrong tries; one is forgiven each %d seconds.", l.Failed, l.Most, l.Interval)
	switch {
	case l.Locked:
		return device.Fail, "The TPM is locked: " + detail, "Use web sign-in, or wait."
	case l.Most < 10 || l.Interval > 7200:
		return device.Warn, detail, "tpm2_dictionarylockout --setup-parameters --max-tries=32 --recovery-time=600 --lockout-recovery-time=86400"
	}
	return device.Pass, detail, ""
}

// lookPINs reports PINs whose keys are in files. PINs in a TPM are its own matter.
func lookPINs(p *patient) (device.Check, string, string) {
	if p.device == nil || p.device.soft == nil {
		return "", "", ""
	}
	const fix = "Switch a TPM 2.0 on, then postern-agent leave and join."
	settings := p.device.Settings("")
	switch {
	case settings.On(devicepolicy.RequireSecurityDevice):
		return device.Warn, "Policy requires a TPM: nobody has a PIN here.", fix
	case settings.On(devicepolicy.SoftwareOffline):
		return device.Warn, "PINs are software: their keys are in files, and whoever copies the disk can try PINs elsewhere.", fix
	}
	return device.Warn, "PINs are software: their keys are in files, and the server counts wrong ones. They need it each time.", fix
}

func lookNetwork(*patient) (device.Check, string, string) {
	all, err := net.Interfaces()
	if err != nil {
		return device.Warn, say(err), ""
	}
	for _, one := range all {
		addresses, err := one.Addrs()
		if err == nil && one.Flags&net.FlagUp != 0 && one.Flags&net.FlagLoopback == 0 && len(addresses) > 0 {
			return device.Pass, one.Name + " is up.", ""
		}
	}
	return device.Warn, "No network is up.", "Plug a cable in, or choose a wireless network."
}

func lookServer(p *patient) (device.Check, string, string) {
	switch {
	case p.identity.Server == "":
		return "", "", ""
	case reachable(p.server):
		return device.Pass, p.identity.Server + " answers.", ""
	}
	fix := "Check the network and that the server runs."
	if f, ok := errors.AsType[*fault.Error](p.server); ok && f.Remedy != "" {
		fix = f.Remedy
	}
	return device.Fail, say(p.server), fix
}

const clockFix = "timedatectl set-ntp true"

func lookClock(p *patient) (device.Check, string, string) {
	switch {
	case p.device == nil || !reachable(p.server):
		if p.agent.options.Now().Year() < 2026 {
			return device.Fail, "The clock stands at " + p.agent.options.Now().Format(time.DateTime) + ".", clockFix
		}
		return "", "", ""
	case p.offset.Abs() > 5*time.Minute:
		return device.Fail, fmt.Sprintf("The clock is %s off the server's.", p.offset.Abs().Round(time.Second)), clockFix
	case p.offset.Abs() > time.Minute:
		return device.Warn, fmt.Sprintf("The clock is %s off the server's.", p.offset.Abs().Round(time.Second)), clockFix
	}
	return device.Pass, "The clock is that of the server.", ""
}

func lookJoined(p *patient) (device.Check, string, string) {
	switch {
	case errors.Is(p.err, identity.ErrNotJoined):
		return device.Fail, identity.ErrNotJoined.Text, "postern-agent join --server https://… --upn …"
	case p.err != nil:
		return device.Fail, say(p.err), "postern-agent repair"
	}
	i := p.identity
	return device.Pass, fmt.Sprintf("%s as %s, %s since %s.", i.Tenant.DisplayName, i.DisplayName, i.JoinType, i.JoinedAt.Format(time.DateOnly)), ""
}

func lookRegistration(p *patient) (device.Check, string, string) {
	switch {
	case p.device == nil:
		return "", "", ""
	case refusedDevice(p.server):
		fix := "postern-agent leave --force, then join"
		if f, ok := errors.AsType[*fault.Error](p.server); ok {
			fix = f.Remedy
		}
		return device.Fail, say(p.server), fix
	case p.server != nil:
		if code := p.identity.Ended; code != "" {
			return device.Fail, say(ended(code)), "Connect the device."
		}
		return "", "", ""
	}
	return device.Pass, "The server knows this device.", ""
}

func lookCertificate(p *patient) (device.Check, string, string) {
	if p.device == nil {
		return "", "", ""
	}
	end, now := p.device.Identity().CertificateEnds(), p.agent.options.Now()
	switch {
	case end.IsZero():
		return device.Fail, "There is no certificate.", "postern-agent repair"
	case now.After(end):
		return device.Fail, "The certificate ended on " + end.Format(time.DateOnly) + ".", "postern-agent repair"
	}
	return device.Pass, "Until " + end.Format(time.DateOnly) + "; it renews by itself.", ""
}

func lookPolicy(p *patient) (device.Check, string, string) {
	if p.device == nil {
		return "", "", ""
	}
	p.device.mu.RLock()
	trouble := p.device.policyTrouble
	p.device.mu.RUnlock()
	if trouble != nil {
		return device.Fail, say(trouble), "postern-agent repair"
	}
	return device.Pass, "Signed by the server on " + p.device.Policy.SignedAt().Format(time.DateTime) + " UTC.", ""
}

func lookLocal(p *patient) (device.Check, string, string) {
	if p.device == nil {
		return "", "", ""
	}
	for _, err := range p.device.troubles() {
		var f *fault.Error
		if errors.As(err, &f) && (f.Code == ErrOverruled.Code || f.Code == devicepolicy.ErrSettingUnknown.Code || f.Code == devicepolicy.ErrSettingValue.Code) {
			return device.Warn, err.Error(), "Edit " + p.agent.options.LocalPolicy
		}
	}
	return device.Pass, "Nothing is set on this machine that policy overrules.", ""
}

func lookWebSignIn(p *patient) (device.Check, string, string) {
	if p.device == nil {
		return "", "", ""
	}
	one := p.device.Settings("")[devicepolicy.EnableWebSignIn]
	if one.Value.Int() != 1 {
		return device.Warn, fmt.Sprintf("Web sign-in is off (%s: %s).", one.Source, one.Reason), "Assign a policy that sets EnableWebSignIn to 1."
	}
	return device.Pass, fmt.Sprintf("Web sign-in is on (%s: %s).", one.Source, one.Reason), ""
}

func lookOffline(p *patient) (device.Check, string, string) {
	if p.device == nil {
		return "", "", ""
	}
	for _, one := range p.device.Accounts.All() {
		left, err := p.device.Offline(one.ID)
		if err == nil {
			return device.Pass, fmt.Sprintf("A PIN works for %d days without the server.", int(left/(24*time.Hour))), ""
		}
		if errors.Is(err, contact.ErrClock) {
			return device.Fail, say(err), clockFix
		}
	}
	return device.Warn, "No PIN works without the server now.", "Connect the device; OfflineDays of the policy says for how long."
}

// moduleFolders are where Debian and others keep PAM modules.
var moduleFolders = []string{"/usr/lib/*/security", "/lib/*/security", "/usr/lib/security", "/lib/security", "/usr/lib64/security"}

func lookPAM(*patient) (device.Check, string, string) {
	const fix = "apt install postern-agent; pam-auth-update --enable postern"
	if !exists(moduleFolders, "pam_postern.so") {
		return device.Warn, "pam_postern.so is not there: nobody signs in to this machine with Postern.", fix
	}
	text, err := os.ReadFile("/etc/pam.d/common-auth")
	if err == nil && !regexp.MustCompile(`(?m)^[^#\n]*pam_postern\.so`).Match(text) {
		return device.Warn, "pam_postern.so is there, and /etc/pam.d/common-auth does not use it.", fix
	}
	return device.Pass, "pam_postern.so is there and used.", ""
}

func exists(folders []string, name string) bool {
	for _, folder := range folders {
		if found, err := filepath.Glob(filepath.Join(folder, name)); err == nil && len(found) > 0 {
			return true
		}
	}
	return false
}

func lookNSS(*patient) (device.Check, string, string) {
	const fix = "apt install libnss-systemd"
	text, err := os.ReadFile("/etc/nsswitch.conf")
	if err != nil || !regexp.MustCompile(`(?m)^passwd:.*\bsystemd\b`).Match(text) {
		return device.Warn, "/etc/nsswitch.conf does not ask systemd: people of the organisation have no account here.", fix
	}
	if !exists([]string{"/usr/lib/*", "/lib/*", "/usr/lib64"}, "libnss_systemd.so.2") {
		return device.Warn, "libnss_systemd.so.2 is not there.", fix
	}
	return device.Pass, "Accounts come through libnss-systemd.", ""
}

func lookBrowser(*patient) (device.Check, string, string) {
	for _, name := range []string{"/usr/lib/chromium/chromium", "chromium", "chromium-browser", "google-chrome"} { // the first one without a script around it
		if path, err := exec.LookPath(name); err == nil {
			return tryBrowser(path)
		}
	}
	return device.Warn, "There is no Chromium for web sign-in at the lock screen.", "apt install chromium"
}

func tryBrowser(path string) (device.Check, string, string) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	version, err := exec.CommandContext(ctx, path, "--version").Output()
	if err != nil {
		return device.Fail, path + " does not start: " + err.Error() + ".", "apt install --reinstall chromium chromium-common"
	}
	return device.Pass, strings.TrimSpace(string(version)) + " starts.", ""
}
