package tpm

import (
	"encoding/binary"
	"strings"
	"time"

	"github.com/google/go-tpm/tpm2"
)

// Clock is the TPM's own time: it runs while the TPM has power, never goes back, and only its
// owner can set it forward.
type Clock struct {
	Ran    time.Duration `json:"ran"`    // since the TPM was cleared
	Resets uint32        `json:"resets"` // how often it lost its power
}

// ReadClock reads the TPM's own time.
func (t *TPM) ReadClock() (Clock, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	read, err := tpm2.ReadClock{}.Execute(t.conn)
	if err != nil {
		return Clock{}, told(err)
	}
	info := read.CurrentTime.ClockInfo
	return Clock{Ran: time.Duration(info.Clock) * time.Millisecond, Resets: info.ResetCount}, nil
}

// A Lockout is how the TPM protects auth values against guessing.
type Lockout struct {
	Locked   bool   // nothing that has a PIN works now
	Failed   uint32 // tries that count against Most
	Most     uint32
	Interval uint32 // seconds until one try is forgiven
	Recovery uint32 // seconds until the lockout hierarchy may be tried again
	Owned    bool   // whether somebody has set an owner's auth value
	Guarded  bool   // whether somebody has set the lockout's auth value
	Maker    string // four letters, such as IBM
}

// The properties of TPM2_GetCapability that Lockout is read from (TPM 2.0 Library, Part 2,
// section 6.13).
const (
	ptManufacturer = 0x105
	ptPermanent    = 0x200
	ptLockout      = 0x20e // counter, maximum, interval, recovery follow one another
)

// Lockout reads how the TPM protects auth values. It changes nothing.
func (t *TPM) Lockout() (Lockout, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	values := map[uint32]uint32{}
	for _, first := range []uint32{ptManufacturer, ptPermanent, ptLockout} {
		got, err := tpm2.GetCapability{Capability: tpm2.TPMCapTPMProperties, Property: first, PropertyCount: 4}.Execute(t.conn)
		if err != nil {
			return Lockout{}, told(err)
		}
		list, err := got.CapabilityData.Data.TPMProperties()
		if err != nil {
			return Lockout{}, err
		}
		for _, p := range list.TPMProperty {
			values[uint32(p.Property)] = p.Value
		}
	}
	maker := binary.BigEndian.AppendUint32(nil, values[ptManufacturer])
	permanent := values[ptPermanent]
	return Lockout{
		Locked: permanent&(1<<9) != 0, Owned: permanent&1 != 0, Guarded: permanent&(1<<2) != 0,
		Failed: values[ptLockout], Most: values[ptLockout+1], Interval: values[ptLockout+2], Recovery: values[ptLockout+3],
		Maker: strings.TrimRight(string(maker), "\x00 "),
	}, nil
}
