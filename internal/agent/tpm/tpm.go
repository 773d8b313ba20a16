// Package tpm is the agent's use of a TPM 2.0: the device key, the attestation key, the keys
// behind PINs and the counters of wrong PINs. What a PIN's key has to be is decided in package
// pinkey, which the server reads too; this package makes it so.
//
// Private parts leave the TPM only wrapped by its storage root key, so that a [Key] is safe
// on disk and worthless on another machine. Every secret that goes to the TPM travels in an
// encrypted session. A TPM that forgot its storage root key (cleared, or another machine's)
// answers [ErrForeign].
package tpm

import (
	"crypto/ecdsa"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"

	"github.com/google/go-tpm/tpm2"
	"github.com/google/go-tpm/tpm2/transport"

	"github.com/postern-id/postern/internal/fault"
)

// Faults of the TPM that a person may be told.
var (
	ErrWrongPIN = &fault.Error{Kind: fault.Unauthorized, Code: "pinWrong", Text: "That's not the PIN."}
	ErrLocked   = &fault.Error{
		Kind: fault.TooMany, Code: "tpmLocked",
		Text:   "Too many wrong PINs were typed on this device.",
		Remedy: "Use web sign-in, or wait: the device forgives one wrong PIN every ten minutes.",
	}
	ErrForeign = &fault.Error{
		Kind: fault.Conflict, Code: "tpmForeign",
		Text:   "This device's security chip doesn't know the key: it was cleared, or the disk comes from another device.",
		Remedy: "Use web sign-in and set up a new PIN.",
	}
	ErrNone = &fault.Error{
		Kind: fault.Unavailable, Code: "tpmNone",
		Text: "This device has no TPM 2.0 that can be used.", Remedy: "Switch it on in the firmware, then run postern-agent doctor.",
	}
)

// TPM is an open TPM. It is safe for concurrent use; commands run one after another. Close it.
type TPM struct {
	mu   sync.Mutex
	conn transport.TPMCloser
	srk  tpm2.NamedHandle
	root tpm2.TPMTPublic
}

// devices are tried in this order by "auto": the kernel's resource manager only, since
// nobody else may be disturbed.
const resourceManager = "/dev/tpmrm0"

// Open opens the TPM that where names: "auto", "device:/dev/tpmrm0" or "unix:SOCKET".
// Without one it is ErrNone.
func Open(where string) (*TPM, error) {
	kind, path, _ := strings.Cut(where, ":")
	var conn transport.TPMCloser
	var err error
	switch kind {
	case "auto":
		if _, statErr := os.Stat(resourceManager); statErr != nil {
			return nil, ErrNone
		}
		conn, err = openDevice(resourceManager)
	case "device":
		conn, err = openDevice(path)
	case "unix":
		conn, err = openSocket(path)
	default:
		return nil, fmt.Errorf("%q names no TPM: auto, device:FILE or unix:SOCKET", where)
	}
	if err != nil {
		return nil, ErrNone.With("", fmt.Sprintf("The TPM can't be opened: %v.", err))
	}
	t := &TPM{conn: conn}
	if err := t.start(); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return t, nil
}

// start makes the storage root key, the parent of all others. The same TPM makes the same one
// every time, until its owner hierarchy is cleared.
func (t *TPM) start() error {
	if _, err := (tpm2.Startup{StartupType: tpm2.TPMSUClear}).Execute(t.conn); err != nil && !errors.Is(err, tpm2.TPMRCInitialize) {
		return told(err)
	}
	t.tidy()
	made, err := tpm2.CreatePrimary{PrimaryHandle: tpm2.TPMRHOwner, InPublic: tpm2.New2B(tpm2.ECCSRKTemplate)}.Execute(t.conn)
	if err != nil {
		return fmt.Errorf("make the storage root key: %w", told(err))
	}
	public, err := made.OutPublic.Contents()
	if err != nil {
		return err
	}
	t.srk, t.root = tpm2.NamedHandle{Handle: made.ObjectHandle, Name: made.Name}, *public
	return nil
}

// tidy throws out what an agent that was killed has left in the TPM, which has room for three
// keys. A resource manager does that itself, and shows nobody else's.
func (t *TPM) tidy() {
	for _, kind := range []tpm2.TPMHandle{0x80000000, 0x02000000} { // transient objects, loaded sessions
		found, err := tpm2.GetCapability{Capability: tpm2.TPMCapHandles, Property: uint32(kind), PropertyCount: 64}.Execute(t.conn)
		if err != nil {
			continue
		}
		handles, err := found.CapabilityData.Data.Handles()
		if err != nil {
			continue
		}
		for _, h := range handles.Handle {
			t.flush(h)
		}
	}
}

// Close shuts the TPM down in order, so that it does not count a lost power supply as a wrong
// PIN, and closes it.
func (t *TPM) Close() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.flush(t.srk.Handle)
	_, _ = tpm2.Shutdown{ShutdownType: tpm2.TPMSUState}.Execute(t.conn) // a resource manager does not let it through
	return t.conn.Close()
}

func (t *TPM) flush(h tpm2.TPMHandle) {
	_, _ = tpm2.FlushContext{FlushHandle: h}.Execute(t.conn) // what is not there needs no flushing
}

// encrypted is a session that hides one parameter: what goes in, or what comes out.
func (t *TPM) encrypted(out bool) tpm2.Session {
	direction := tpm2.EncryptIn
	if out {
		direction = tpm2.EncryptOut
	}
	return tpm2.HMAC(tpm2.TPMAlgSHA256, 16, tpm2.Salted(t.srk.Handle, t.root), tpm2.AESEncryption(128, direction))
}

// authorised is a session that proves auth without sending it.
func (t *TPM) authorised(auth []byte) tpm2.Session {
	return tpm2.HMAC(tpm2.TPMAlgSHA256, 16, tpm2.Auth(auth), tpm2.Salted(t.srk.Handle, t.root))
}

// told turns the TPM's answers that a person may be told into faults.
func told(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, tpm2.TPMRCLockout):
		return fmt.Errorf("%w (%w)", ErrLocked, err)
	case errors.Is(err, tpm2.TPMRCAuthFail), errors.Is(err, tpm2.TPMRCBadAuth):
		return fmt.Errorf("%w (%w)", ErrWrongPIN, err)
	case errors.Is(err, tpm2.TPMRCIntegrity):
		return fmt.Errorf("%w (%w)", ErrForeign, err)
	}
	return err
}

// publicKey reads the ECDSA key out of a public area.
func publicKey(public []byte) (*ecdsa.PublicKey, error) {
	area, err := tpm2.Unmarshal[tpm2.TPMTPublic](public)
	if err != nil {
		return nil, err
	}
	key, err := tpm2.Pub(*area)
	if err != nil {
		return nil, err
	}
	ecc, ok := key.(*ecdsa.PublicKey)
	if !ok {
		return nil, errors.New("the key is not on an elliptic curve")
	}
	return ecc, nil
}
