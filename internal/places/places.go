// Package places says in which country an address is and, if the file has cities, at which
// coordinates, by a file in MaxMind's format that the operator brings (GeoLite2-Country or -City,
// DB-IP's or another): none ships with Postern.
package places

import (
	"fmt"
	"math"
	"net/netip"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/oschwald/maxminddb-golang/v2"

	"github.com/postern-id/postern/internal/fault"
)

// ErrFile reports a file that can't be used.
var ErrFile = &fault.Error{
	Kind: fault.Invalid, Code: "placesFile", Target: "places", Text: "The file of countries can't be read.",
	Remedy: "Give a file in MaxMind's format (.mmdb) that has countries.",
}

// A File is open, and safe for concurrent use. Nil is a file without countries.
type File struct {
	path string
	now  atomic.Pointer[edition]
}

// An edition is what the file held when it was read. It is kept in memory as a whole, so that
// whoever replaces the file can't pull it away under a lookup.
type edition struct {
	reader   *maxminddb.Reader
	size     int64
	modified time.Time
}

// Open reads the file at path. It returns [ErrFile] if there is none that can be used.
func Open(path string) (*File, error) {
	f := &File{path: path}
	if _, err := f.Reload(); err != nil {
		return nil, err
	}
	return f, nil
}

// Reload reads the file again if it changed, and reports whether it did. When it can't be read
// the old edition stays.
func (f *File) Reload() (bool, error) {
	info, err := os.Stat(f.path)
	if err != nil {
		return false, ErrFile.With("", fmt.Sprintf("The file of countries can't be read: %s.", err))
	}
	if old := f.now.Load(); old != nil && old.size == info.Size() && old.modified.Equal(info.ModTime()) {
		return false, nil
	}
	data, err := os.ReadFile(f.path)
	if err != nil {
		return false, ErrFile.With("", fmt.Sprintf("The file of countries can't be read: %s.", err))
	}
	reader, err := maxminddb.OpenBytes(data)
	if err != nil {
		return false, ErrFile.With("", fmt.Sprintf("%s is no file of countries: %s.", f.path, err))
	}
	f.now.Store(&edition{reader: reader, size: info.Size(), modified: info.ModTime()})
	return true, nil
}

// Spot implements access.Spots, by a file that has cities: one that has only countries knows none.
func (f *File) Spot(a netip.Addr) (latitude, longitude, radius float64, ok bool) {
	if f == nil || !a.IsValid() {
		return 0, 0, 0, false
	}
	found := f.now.Load().reader.Lookup(a.Unmap().WithZone(""))
	var where struct {
		Latitude  *float64 `maxminddb:"latitude"`
		Longitude *float64 `maxminddb:"longitude"`
		Radius    uint16   `maxminddb:"accuracy_radius"`
	}
	if found.DecodePath(&where, "location") != nil || where.Latitude == nil || where.Longitude == nil {
		return 0, 0, 0, false
	}
	if where.Radius > vague || math.Abs(*where.Latitude) > 90 || math.Abs(*where.Longitude) > 180 {
		return 0, 0, 0, false
	}
	return *where.Latitude, *where.Longitude, float64(where.Radius), true
}

// vague is from how many km on an address might be anywhere: such a spot is the middle of a
// country, of which the file knows no more.
const vague = 900

// Country implements access.Countries: the country where the address is, else the one where its
// network is registered.
func (f *File) Country(a netip.Addr) string {
	if f == nil || !a.IsValid() {
		return ""
	}
	e := f.now.Load()
	found := e.reader.Lookup(a.Unmap())
	for _, of := range [...]string{"country", "registered_country"} {
		var code string
		if err := found.DecodePath(&code, of, "iso_code"); err == nil && code != "" {
			return strings.ToUpper(code)
		}
	}
	return ""
}
