// Package placestest writes small files of countries for tests.
package placestest

import (
	"encoding/binary"
	"math"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// File writes a file with the country of each network, and returns its path.
func File(t testing.TB, countries map[string]string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "countries.mmdb")
	Write(t, path, countries)
	return path
}

// A City is coordinates, in degrees, and how far they may be off, in km.
type City struct {
	Latitude, Longitude float64
	Radius              uint16
}

// Cities writes a file with the coordinates of each network, and returns its path.
func Cities(t testing.TB, cities map[string]City) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "cities.mmdb")
	var w writer
	w.nodes = make([][2]int, 1)
	for network, c := range cities {
		w.put(t, netip.MustParsePrefix(network), slices.Concat(mapOf(1), text("location"), mapOf(3),
			text("latitude"), double(c.Latitude), text("longitude"), double(c.Longitude), text("accuracy_radius"), []byte{5<<5 | 2, byte(c.Radius >> 8), byte(c.Radius)}))
	}
	if err := os.WriteFile(path, w.file(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// Write writes the file to path, in MaxMind's format: a search tree over the bits of IPv6, the
// records that its leaves point to, and a description.
// https://maxmind.github.io/MaxMind-DB/
func Write(t testing.TB, path string, countries map[string]string) {
	t.Helper()
	var w writer
	w.nodes = make([][2]int, 1)
	for network, country := range countries {
		w.put(t, netip.MustParsePrefix(network), slices.Concat(mapOf(1), text("country"), mapOf(1), text("iso_code"), text(country)))
	}
	if err := os.WriteFile(path, w.file(), 0o600); err != nil {
		t.Fatal(err)
	}
}

// A writer holds the tree: a child is a node if positive, the record ^child if negative, and
// nothing if it is zero.
type writer struct {
	nodes   [][2]int
	records []byte
}

func (w *writer) put(t testing.TB, network netip.Prefix, record []byte) {
	t.Helper()
	bits, depth := network.Addr().As16(), network.Bits()
	if network.Addr().Is4() { // IPv4 is ::/96 in such a tree
		bits[10], bits[11], depth = 0, 0, depth+96
	}
	at := 0
	for i := range depth {
		side := bits[i/8] >> (7 - i%8) & 1
		switch {
		case i == depth-1:
			w.nodes[at][side] = ^len(w.records)
			w.records = append(w.records, record...)
		case w.nodes[at][side] < 0:
			t.Fatalf("%s is within another network", network)
		case w.nodes[at][side] == 0:
			w.nodes = append(w.nodes, [2]int{})
			w.nodes[at][side] = len(w.nodes) - 1
		}
		if i < depth-1 {
			at = w.nodes[at][side]
		}
	}
}

func (w *writer) file() []byte {
	var out []byte
	for _, node := range w.nodes {
		for _, child := range node {
			value := uint32(len(w.nodes)) // nothing
			switch {
			case child > 0:
				value = uint32(child)
			case child < 0:
				value += 16 + uint32(^child)
			}
			out = binary.BigEndian.AppendUint32(out, value)
		}
	}
	out = slices.Concat(out, make([]byte, 16), w.records, []byte("\xab\xcd\xefMaxMind.com"), mapOf(6))
	out = slices.Concat(out, text("binary_format_major_version"), number(2), text("binary_format_minor_version"), number(0))
	out = slices.Concat(out, text("database_type"), text("Test-Country"), text("ip_version"), number(6))
	return slices.Concat(out, text("node_count"), number(uint32(len(w.nodes))), text("record_size"), number(32))
}

func mapOf(pairs byte) []byte { return []byte{7<<5 | pairs} }

func text(s string) []byte { return append([]byte{2<<5 | byte(len(s))}, s...) } // up to 28 bytes

func double(f float64) []byte {
	return binary.BigEndian.AppendUint64([]byte{3<<5 | 8}, math.Float64bits(f))
}

func number(n uint32) []byte { return binary.BigEndian.AppendUint32([]byte{6<<5 | 4}, n) }
