package tpm

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/google/go-tpm/tpm2"
)

// Counters of wrong PINs live in the TPM's own memory, one an index, so that going back to
// an older copy of the disk resets none (docs/threat-model.md, rule 17). The handles are from
// the range for the owner's use.
const (
	firstCounter = tpm2.TPMHandle(0x01505000)
	mostCounters = 256
)

// A Counter is an index of the TPM that counts wrong PINs of one container.
type Counter struct {
	Handle uint32 `json:"handle"`
	Auth   string `json:"auth"` // random: other programs do not count here by mistake
}

// ErrNoRoom says that the TPM's memory has no room for another counter.
var ErrNoRoom = errors.New("the TPM has no room for another counter")

// NewCounter makes a counter that stands at 0.
func (t *TPM) NewCounter() (Counter, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	random, err := tpm2.GetRandom{BytesRequested: 24}.Execute(t.conn)
	if err != nil {
		return Counter{}, told(err)
	}
	auth := base64.RawURLEncoding.EncodeToString(random.RandomBytes.Buffer) // no zero byte: see pinkey.Auth
	for i := range tpm2.TPMHandle(mostCounters) {
		c := Counter{Handle: uint32(firstCounter + i), Auth: auth}
		_, err := tpm2.NVDefineSpace{
			AuthHandle: tpm2.TPMRHOwner, Auth: tpm2.TPM2BAuth{Buffer: []byte(c.Auth)}, PublicInfo: tpm2.New2B(c.public()),
		}.Execute(t.conn, t.encrypted(false))
		switch {
		case errors.Is(err, tpm2.TPMRCNVDefined):
			continue
		case errors.Is(err, tpm2.TPMRCNVSpace):
			return Counter{}, ErrNoRoom
		case err != nil:
			return Counter{}, fmt.Errorf("make a counter: %w", told(err))
		}
		return c, t.writeCounter(c, 0)
	}
	return Counter{}, ErrNoRoom
}

func (c Counter) public() tpm2.TPMSNVPublic {
	return tpm2.TPMSNVPublic{
		NVIndex: tpm2.TPMHandle(c.Handle), NameAlg: tpm2.TPMAlgSHA256, DataSize: 8,
		Attributes: tpm2.TPMANV{AuthRead: true, AuthWrite: true, NoDA: true, NT: tpm2.TPMNTOrdinary},
	}
}

// handle returns the index of c with its present name. One that is gone, or that is not
// what NewCounter made, is ErrForeign.
func (t *TPM) handle(c Counter) (tpm2.AuthHandle, error) {
	read, err := tpm2.NVReadPublic{NVIndex: tpm2.TPMHandle(c.Handle)}.Execute(t.conn)
	if err != nil {
		return tpm2.AuthHandle{}, fmt.Errorf("%w (%w)", ErrForeign, err)
	}
	found, err := read.NVPublic.Contents()
	if err != nil {
		return tpm2.AuthHandle{}, err
	}
	want := c.public()
	want.Attributes.Written = found.Attributes.Written
	if string(tpm2.Marshal(want)) != string(tpm2.Marshal(*found)) {
		return tpm2.AuthHandle{}, ErrForeign
	}
	return tpm2.AuthHandle{Handle: tpm2.TPMHandle(c.Handle), Name: read.NVName, Auth: t.authorised([]byte(c.Auth))}, nil
}

// Counters returns the handles of the counters that there are.
func (t *TPM) Counters() ([]uint32, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	found, err := tpm2.GetCapability{Capability: tpm2.TPMCapHandles, Property: uint32(firstCounter), PropertyCount: mostCounters}.Execute(t.conn)
	if err != nil {
		return nil, told(err)
	}
	handles, err := found.CapabilityData.Data.Handles()
	if err != nil {
		return nil, err
	}
	var all []uint32
	for _, h := range handles.Handle {
		if h >= firstCounter && h < firstCounter+mostCounters {
			all = append(all, uint32(h))
		}
	}
	return all, nil
}

// Count returns what c stands at.
func (t *TPM) Count(c Counter) (uint64, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.readCounter(c)
}

// Add raises c by one and returns what it stands at then.
func (t *TPM) Add(c Counter) (uint64, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	n, err := t.readCounter(c)
	if err != nil {
		return 0, err
	}
	return n + 1, t.writeCounter(c, n+1)
}

// Set lets c stand at n.
func (t *TPM) Set(c Counter, n uint64) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.writeCounter(c, n)
}

// RemoveCounter gives the TPM's memory back. One that is gone already is no error.
func (t *TPM) RemoveCounter(c Counter) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	h, err := t.handle(c)
	if errors.Is(err, ErrForeign) {
		return nil
	}
	if err != nil {
		return err
	}
	_, err = tpm2.NVUndefineSpace{AuthHandle: tpm2.TPMRHOwner, NVIndex: tpm2.NamedHandle{Handle: h.Handle, Name: h.Name}}.Execute(t.conn)
	return told(err)
}

func (t *TPM) readCounter(c Counter) (uint64, error) {
	h, err := t.handle(c)
	if err != nil {
		return 0, err
	}
	read, err := tpm2.NVRead{AuthHandle: h, NVIndex: tpm2.NamedHandle{Handle: h.Handle, Name: h.Name}, Size: 8}.Execute(t.conn)
	if err != nil {
		return 0, fmt.Errorf("read a counter: %w", counterErr(err))
	}
	if len(read.Data.Buffer) != 8 {
		return 0, errEmptyIndex
	}
	return binary.BigEndian.Uint64(read.Data.Buffer), nil
}

func (t *TPM) writeCounter(c Counter, n uint64) error {
	h, err := t.handle(c)
	if err != nil {
		return err
	}
	_, err = tpm2.NVWrite{
		AuthHandle: h, NVIndex: tpm2.NamedHandle{Handle: h.Handle, Name: h.Name},
		Data: tpm2.TPM2BMaxNVBuffer{Buffer: binary.BigEndian.AppendUint64(nil, n)},
	}.Execute(t.conn)
	return counterErr(err)
}

// counterErr tells another owner's index at our place apart from a wrong PIN.
func counterErr(err error) error {
	if errors.Is(err, tpm2.TPMRCBadAuth) || errors.Is(err, tpm2.TPMRCAuthFail) {
		return fmt.Errorf("%w (%w)", ErrForeign, err)
	}
	return told(err)
}

// readIndex reads an index that its owner may read, such as a certificate.
func (t *TPM) readIndex(index tpm2.TPMHandle) ([]byte, error) {
	read, err := tpm2.NVReadPublic{NVIndex: index}.Execute(t.conn)
	if err != nil {
		return nil, err
	}
	public, err := read.NVPublic.Contents()
	if err != nil {
		return nil, err
	}
	var all []byte
	for len(all) < int(public.DataSize) {
		size := min(512, int(public.DataSize)-len(all))
		part, err := tpm2.NVRead{
			AuthHandle: tpm2.AuthHandle{Handle: tpm2.TPMRHOwner, Auth: tpm2.PasswordAuth(nil)},
			NVIndex:    tpm2.NamedHandle{Handle: index, Name: read.NVName},
			Size:       uint16(size), Offset: uint16(len(all)),
		}.Execute(t.conn)
		if err != nil {
			return nil, err
		}
		if len(part.Data.Buffer) == 0 {
			return nil, errEmptyIndex
		}
		all = append(all, part.Data.Buffer...)
	}
	return all, nil
}
