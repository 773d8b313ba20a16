//go:build linux

// Package tpmtest gives tests a TPM 2.0 of their own: swtpm, the software TPM of Debian's
// package of that name, which a test can restart, take the power from, or clear.
package tpmtest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"github.com/postern-id/postern/internal/agent/tpm/swtpm"
)

// A Machine is a computer with a TPM, as far as tests go.
type Machine struct {
	t     testing.TB
	state string
	ca    []byte
	chip  *swtpm.Machine
}

// New starts a TPM with an endorsement certificate. The TPMs of one test program are twins,
// since making one takes a second or two: what one wrapped the other opens. Without swtpm
// the test is skipped, and fails in CI (CI=true).
func New(t testing.TB) *Machine {
	t.Helper()
	need(t)
	first.Do(func() { template, errFirst = manufacture() })
	if errFirst != nil {
		t.Fatal(errFirst)
	}
	return start(t, template)
}

// NewStranger starts a TPM that has nothing in common with any other.
func NewStranger(t testing.TB) *Machine {
	t.Helper()
	need(t)
	made, err := manufacture()
	if err != nil {
		t.Fatal(err)
	}
	return start(t, made)
}

var (
	first    sync.Once
	template factory
	errFirst error
)

// A factory is what a new TPM is made from: its state, and who certified it.
type factory struct {
	state, ca []byte
}

func need(t testing.TB) {
	t.Helper()
	for _, program := range []string{"swtpm", "swtpm_setup"} {
		if _, err := exec.LookPath(program); err != nil {
			if os.Getenv("CI") == "true" {
				t.Fatalf("%s is missing; install the packages swtpm and swtpm-tools", program)
			}
			t.Skipf("%s is missing; install the packages swtpm and swtpm-tools", program)
		}
	}
}

func start(t testing.TB, f factory) *Machine {
	t.Helper()
	m := &Machine{t: t, state: t.TempDir(), ca: f.ca}
	m.write(f)
	var err error
	if m.chip, err = swtpm.New(m.state); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.must(m.chip.Close()) })
	m.must(m.chip.Provision())
	return m
}

func (m *Machine) write(f factory) {
	m.t.Helper()
	m.must(os.WriteFile(filepath.Join(m.state, swtpm.StateFile), f.state, 0o600))
}

func (m *Machine) must(err error) {
	m.t.Helper()
	if err != nil {
		m.t.Fatal(err)
	}
}

// manufacture makes a new TPM, as its maker does.
func manufacture() (factory, error) {
	dir, err := os.MkdirTemp("", "tpm")
	if err != nil {
		return factory{}, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	for name, text := range map[string]string{
		"swtpm_setup.conf": "create_certs_tool = /usr/bin/swtpm_localca\n" +
			"create_certs_tool_config = " + dir + "/localca.conf\ncreate_certs_tool_options = " + dir + "/options\n",
		"localca.conf": "statedir = " + dir + "\nsigningkey = " + dir + "/signkey.pem\n" +
			"issuercert = " + dir + "/issuercert.pem\ncertserial = " + dir + "/certserial\n",
		"options": "--platform-manufacturer Postern\n--platform-version 1\n--platform-model Test\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			return factory{}, err
		}
	}
	cmd := exec.Command("swtpm_setup", "--tpm2", "--tpmstate", dir, "--config", filepath.Join(dir, "swtpm_setup.conf"), //nolint:noctx,gosec // shared by all tests
		"--create-ek-cert", "--lock-nvram", "--overwrite")
	if out, err := cmd.CombinedOutput(); err != nil {
		return factory{}, fmt.Errorf("swtpm_setup: %w\n%s", err, out)
	}
	var f factory
	if f.state, err = os.ReadFile(filepath.Join(dir, swtpm.StateFile)); err != nil {
		return f, err
	}
	for _, name := range []string{"issuercert.pem", "swtpm-localca-rootca-cert.pem"} {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			return f, err
		}
		f.ca = append(f.ca, text...)
	}
	return f, nil
}

// CA returns the certificates, in PEM, of those who certified the endorsement key.
func (m *Machine) CA() []byte { return m.ca }

// PowerOn starts the TPM. What it keeps through a power cut is as it was.
func (m *Machine) PowerOn() {
	m.t.Helper()
	m.must(m.chip.PowerOn())
}

// PowerOff takes the power from the TPM, without warning.
func (m *Machine) PowerOff() {
	m.t.Helper()
	m.must(m.chip.PowerOff())
}

// Clear makes the TPM forget all keys, as the firmware's menu does.
func (m *Machine) Clear() {
	m.t.Helper()
	m.PowerOff()
	made, err := manufacture()
	m.must(err)
	m.ca = made.ca
	m.write(made)
	m.PowerOn()
}

// Where is the TPM in the form that tpm.Open takes.
func (m *Machine) Where() string { return m.chip.Where() }

// Forgive resets the TPM's own count of wrong auth values, as time would.
func (m *Machine) Forgive() {
	m.t.Helper()
	m.must(m.chip.Forgive())
}
