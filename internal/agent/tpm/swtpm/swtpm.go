// Package swtpm runs a TPM 2.0 in software, the program swtpm of Debian's package of that
// name (https://github.com/stefanberger/swtpm), as a child of this process: the TPM of a
// virtual device, and of tests. It protects nothing from whoever can read its folder.
package swtpm

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/google/go-tpm/tpm2/transport"
)

// StateFile is what a TPM keeps through a power cut.
const StateFile = "tpm2-00.permall"

// ErrNone says that there is no swtpm to run.
var ErrNone = errors.New("there is no swtpm on this machine; install the package swtpm")

// A Machine is a computer with a TPM, as far as its TPM goes. It is for one caller at a time.
// Close it.
type Machine struct {
	state, run string
	child      *child
}

// A child is the program that runs.
type child struct {
	pid   int
	ended chan struct{}
}

// New returns the TPM whose state is in folder state, which must exist, switched on. In an
// empty folder it is a new TPM, without an endorsement certificate.
func New(state string) (*Machine, error) {
	if _, err := exec.LookPath("swtpm"); err != nil || !platform {
		return nil, ErrNone
	}
	m := &Machine{state: state, run: state}
	if len(m.socket()) > maxSocket {
		var err error
		if m.run, err = os.MkdirTemp("", "tpm"); err != nil {
			return nil, err
		}
	}
	if err := m.PowerOn(); err != nil {
		return nil, errors.Join(err, m.Close())
	}
	return m, nil
}

// maxSocket is how long the path of a socket may be (unix(7)); a data folder's is longer at
// times.
const maxSocket = 107

func (m *Machine) socket() string { return filepath.Join(m.run, "tpm.sock") }

// Where is the TPM in the form that tpm.Open takes.
func (m *Machine) Where() string { return "unix:" + m.socket() }

// startTime is how long the program may take to answer, also on a machine that is busy.
const startTime = 30 * time.Second

// PowerOn starts the TPM. What it keeps through a power cut is as it was.
func (m *Machine) PowerOn() error {
	_ = os.Remove(m.socket())
	_, kept := os.Stat(filepath.Join(m.state, StateFile))
	cmd := exec.Command("swtpm", "socket", "--tpm2", "--tpmstate", "dir="+m.state, //nolint:noctx,gosec // ended by PowerOff
		"--server", "type=unixio,path="+m.socket(), "--flags", "not-need-init,startup-clear")
	var err error
	if m.child, err = begin(cmd); err != nil {
		return fmt.Errorf("start swtpm: %w", err)
	}
	if err := m.awake(); err != nil {
		return errors.Join(err, m.PowerOff())
	}
	if kept == nil {
		return nil
	}
	return m.Provision()
}

// getRandom asks for one byte (TPM 2.0 Library, Part 3, section 16.1).
var getRandom = []byte{0x80, 0x01, 0, 0, 0, 12, 0, 0, 0x01, 0x7b, 0, 1}

// awake waits until the TPM takes commands. That it can be reached is not enough: it may end
// because another one has its state.
func (m *Machine) awake() error {
	for end := time.Now().Add(startTime); ; {
		err := m.send(getRandom)
		if err == nil {
			return nil
		}
		select {
		case <-m.child.ended:
			return errors.New("swtpm ended; another one may use the same state")
		case <-time.After(time.Millisecond):
		}
		if time.Now().After(end) {
			return fmt.Errorf("swtpm does not start: %w", err)
		}
	}
}

// PowerOff takes the power from the TPM, without warning.
func (m *Machine) PowerOff() error {
	if m.child == nil {
		return nil
	}
	one, err := os.FindProcess(m.child.pid)
	if err == nil {
		_ = one.Kill() // one that has ended has ended
	}
	<-m.child.ended
	m.child = nil
	return err
}

// Clear makes the TPM forget all keys, as a new one would be. It stays on if it was.
func (m *Machine) Clear() error {
	on := m.child != nil
	if err := m.PowerOff(); err != nil {
		return err
	}
	if err := os.Remove(filepath.Join(m.state, StateFile)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if !on {
		return nil
	}
	return m.PowerOn()
}

// Close switches the TPM off. Its state stays.
func (m *Machine) Close() error {
	err := m.PowerOff()
	if m.run != m.state {
		return errors.Join(err, os.RemoveAll(m.run))
	}
	if gone := os.Remove(m.socket()); !errors.Is(gone, os.ErrNotExist) {
		err = errors.Join(err, gone)
	}
	return err
}

// Commands of the lockout hierarchy (TPM 2.0 Library, Part 3, section 25).
const (
	dictionaryAttackLockReset  = 0x139
	dictionaryAttackParameters = 0x13a
)

// Forgive resets the TPM's own count of wrong auth values, as time would.
func (m *Machine) Forgive() error { return m.lockout(dictionaryAttackLockReset) }

// Provision sets a new TPM up as Windows does: it takes 32 wrong auth values, forgives one
// every ten minutes, and its owner may try again after a day.
func (m *Machine) Provision() error {
	return m.lockout(dictionaryAttackParameters, 32, 600, 86400)
}

// lockout sends a command for the lockout hierarchy, authorised by its auth value, which
// nobody has set on these machines. go-tpm has no types for them.
func (m *Machine) lockout(code uint32, parameters ...uint32) error {
	body := []byte{0x40, 0, 0, 0x0a, 0, 0, 0, 9, 0x40, 0, 0, 0x09, 0, 0, 1, 0, 0} // TPM_RH_LOCKOUT, an empty password
	for _, p := range parameters {
		body = binary.BigEndian.AppendUint32(body, p)
	}
	command := binary.BigEndian.AppendUint32([]byte{0x80, 0x02}, uint32(10+len(body)))
	command = append(binary.BigEndian.AppendUint32(command, code), body...)
	return m.send(command)
}

// send sends one command, and reports an answer that is not success.
func (m *Machine) send(command []byte) error {
	conn, err := dial(m.socket())
	if err != nil {
		return err
	}
	answer, err := conn.Send(command)
	if err := errors.Join(err, conn.Close()); err != nil {
		return err
	}
	if len(answer) < 10 || binary.BigEndian.Uint32(answer[6:]) != 0 {
		return fmt.Errorf("the TPM answers %x", answer)
	}
	return nil
}

// dialer opens the TPM behind a socket.
type dialer func(socket string) (transport.TPMCloser, error)
