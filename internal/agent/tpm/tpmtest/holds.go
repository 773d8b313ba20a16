//go:build linux

package tpmtest

import (
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
