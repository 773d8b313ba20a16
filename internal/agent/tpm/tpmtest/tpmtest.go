//go:build linux

// Package tpmtest gives tests a TPM 2.0 of their own: swtpm, the software TPM of Debian's
// package of that name, which a test can restart, take the power from, or clear.
package tpmtest

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/google/go-tpm/tpm2/transport/linuxudstpm"
)

// A Machine is a computer with a TPM, as far as tests go.
type Machine struct {
	t      testing.TB
	dir    string
	ca     []byte
	socket string
	cmd    *exec.Cmd
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
	// The path of a socket has 107 bytes at most, which a test's own folder may exceed.
	dir, err := os.MkdirTemp("", "tpm") //nolint:usetesting // see above
	if err != nil {
		t.Fatal(err)
	}
	m := &Machine{t: t, dir: dir, ca: f.ca, socket: filepath.Join(dir, "tpm.sock")}
	t.Cleanup(func() {
		m.PowerOff()
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	if err := os.WriteFile(filepath.Join(dir, stateFile), f.state, 0o600); err != nil {
		t.Fatal(err)
	}
	m.PowerOn()
	m.lockout(0x13a, 32, 600, 86400) // TPM2_DictionaryAttackParameters: as Windows sets them
	return m
}

// stateFile is what a TPM keeps through a power cut.
const stateFile = "tpm2-00.permall"

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
	if f.state, err = os.ReadFile(filepath.Join(dir, stateFile)); err != nil {
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
	_ = os.Remove(m.socket)
	m.cmd = exec.Command("swtpm", "socket", "--tpm2", "--tpmstate", "dir="+m.dir, //nolint:noctx,gosec // ended by PowerOff, after the test's context
		"--server", "type=unixio,path="+m.socket, "--flags", "not-need-init,startup-clear")
	if err := m.cmd.Start(); err != nil {
		m.t.Fatal(err)
	}
	for end := time.Now().Add(30 * time.Second); ; {
		conn, err := net.Dial("unix", m.socket) //nolint:noctx // a socket on this machine
		if err == nil {
			_ = conn.Close()
			return
		}
		if time.Now().After(end) {
			m.t.Fatalf("swtpm does not start: %v", err)
		}
		<-time.After(time.Millisecond)
	}
}

// PowerOff takes the power from the TPM, without warning.
func (m *Machine) PowerOff() {
	if m.cmd == nil {
		return
	}
	_ = m.cmd.Process.Kill()
	_ = m.cmd.Wait()
	m.cmd = nil
}

// Clear makes the TPM forget all keys, as the firmware's menu does.
func (m *Machine) Clear() {
	m.t.Helper()
	m.PowerOff()
	made, err := manufacture()
	if err != nil {
		m.t.Fatal(err)
	}
	m.ca = made.ca
	if err := os.WriteFile(filepath.Join(m.dir, stateFile), made.state, 0o600); err != nil {
		m.t.Fatal(err)
	}
	m.PowerOn()
}

// Where is the TPM in the form that tpm.Open takes.
func (m *Machine) Where() string { return "unix:" + m.socket }

// Forgive resets the TPM's own count of wrong auth values, as time would.
func (m *Machine) Forgive() {
	m.t.Helper()
	m.lockout(0x139) // TPM2_DictionaryAttackLockReset
}

// lockout sends a command for the lockout hierarchy, authorised by its auth value, which
// nobody has set on these machines (TPM 2.0 Library, Part 3, section 25). go-tpm has no
// types for them.
func (m *Machine) lockout(code uint32, parameters ...uint32) {
	m.t.Helper()
	body := []byte{0x40, 0, 0, 0x0a, 0, 0, 0, 9, 0x40, 0, 0, 0x09, 0, 0, 1, 0, 0} // TPM_RH_LOCKOUT, an empty password
	for _, p := range parameters {
		body = binary.BigEndian.AppendUint32(body, p)
	}
	command := binary.BigEndian.AppendUint32([]byte{0x80, 0x02}, uint32(10+len(body)))
	command = append(binary.BigEndian.AppendUint32(command, code), body...)
	conn, err := linuxudstpm.Open(m.socket)
	if err != nil {
		m.t.Fatal(err)
	}
	answer, err := conn.Send(command)
	if err := errors.Join(err, conn.Close()); err != nil {
		m.t.Fatal(err)
	}
	if len(answer) < 10 || binary.BigEndian.Uint32(answer[6:]) != 0 {
		m.t.Fatalf("the TPM answers %x", answer)
	}
}
