//go:build linux

package tpmtest

import (
	"errors"
	"fmt"
	"net"
	"strings"

	"github.com/google/go-tpm/tpm2"
	"github.com/google/go-tpm/tpm2/transport"
)

// Holds names all that is in the TPM: places of its memory, sessions, and keys. Nobody else may use it
// at that time.
func (m *Machine) Holds() string {
	m.t.Helper()
	conn, err := new(net.Dialer).DialContext(m.t.Context(), "unix", strings.TrimPrefix(m.Where(), "unix:"))
	m.must(err)
	defer func() { _ = conn.Close() }()
	var all strings.Builder
	for _, kind := range []uint32{0x01000000, 0x02000000, 0x03000000, 0x80000000, 0x81000000} {
		got, err := tpm2.GetCapability{Capability: tpm2.TPMCapHandles, Property: kind, PropertyCount: 254}.Execute(transport.FromReadWriter(conn))
		m.must(err)
		handles, err := got.CapabilityData.Data.Handles()
		m.must(err)
		for _, h := range handles.Handle {
			fmt.Fprintf(&all, "%08x ", uint32(h))
		}
	}
	return all.String()
}

// Fill uses up the TPM's memory, as other programs could. Nobody else may use it at that time.
func (m *Machine) Fill() {
	m.t.Helper()
	conn, err := new(net.Dialer).DialContext(m.t.Context(), "unix", strings.TrimPrefix(m.Where(), "unix:"))
	m.must(err)
	defer func() { _ = conn.Close() }()
	size := uint16(2048)
	for place := tpm2.TPMHandle(0x01600000); size >= 8; place++ {
		_, err := tpm2.NVDefineSpace{AuthHandle: tpm2.TPMRHOwner, PublicInfo: tpm2.New2B(tpm2.TPMSNVPublic{
			NVIndex: place, NameAlg: tpm2.TPMAlgSHA256, DataSize: size, Attributes: tpm2.TPMANV{OwnerRead: true, OwnerWrite: true, NoDA: true, NT: tpm2.TPMNTOrdinary},
		})}.Execute(transport.FromReadWriter(conn))
		if errors.Is(err, tpm2.TPMRCNVSpace) {
			size /= 2
			continue
		}
		m.must(err)
	}
}
