package places_test

import (
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/postern-id/postern/internal/places"
	"github.com/postern-id/postern/internal/places/placestest"
)

func TestAnAddressHasTheCountryOfItsNetwork(t *testing.T) {
	f, err := places.Open(placestest.File(t, map[string]string{"203.0.113.0/24": "FR", "198.51.100.128/25": "de", "2001:db8::/32": "CH"}))
	if err != nil {
		t.Fatal(err)
	}
	for address, want := range map[string]string{
		"203.0.113.0": "FR", "203.0.113.255": "FR", "203.0.114.0": "", "198.51.100.127": "", "198.51.100.128": "DE", "2001:db8::1": "CH", "2001:db9::1": "",
		"::ffff:203.0.113.9": "FR", "127.0.0.1": "", "::1": "",
	} {
		if got := f.Country(netip.MustParseAddr(address)); got != want {
			t.Errorf("%s is in %q, want %q", address, got, want)
		}
	}
	if got := f.Country(netip.Addr{}); got != "" {
		t.Errorf("no address is in %q", got)
	}
	if got := (*places.File)(nil).Country(netip.MustParseAddr("203.0.113.0")); got != "" {
		t.Errorf("without a file the country is %q", got)
	}
}

func TestAFileThatChangedIsReadAgain(t *testing.T) {
	path := placestest.File(t, map[string]string{"203.0.113.0/24": "FR"})
	f, err := places.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	country := func() string { return f.Country(netip.MustParseAddr("203.0.113.1")) }
	if again, err := f.Reload(); again || err != nil {
		t.Errorf("unchanged: %v, %v", again, err)
	}
	placestest.Write(t, path, map[string]string{"203.0.113.0/24": "ES"})
	if err := os.Chtimes(path, time.Time{}, time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if again, err := f.Reload(); !again || err != nil || country() != "ES" {
		t.Errorf("changed: %v, %v, %s", again, err, country())
	}
	// What can't be read leaves the old edition.
	if err := os.WriteFile(path, []byte("no such thing"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Reload(); !errors.Is(err, places.ErrFile) || country() != "ES" {
		t.Errorf("broken: %v, %s", err, country())
	}
}

func TestAFileThatIsNoneIsRefused(t *testing.T) {
	empty := filepath.Join(t.TempDir(), "empty.mmdb")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{empty, filepath.Join(t.TempDir(), "absent.mmdb")} {
		if _, err := places.Open(path); !errors.Is(err, places.ErrFile) {
			t.Errorf("%s: %v", path, err)
		}
	}
}

func TestAnAddressHasTheCoordinatesOfItsCity(t *testing.T) {
	cities, err := places.Open(placestest.Cities(t, map[string]placestest.City{
		"203.0.113.0/24": {Latitude: 52.52, Longitude: 13.405, Radius: 20}, "2001:db8::/32": {Latitude: -33.87, Longitude: 151.21, Radius: 5},
		"198.51.100.0/24": {Latitude: 51.3, Longitude: 9.5, Radius: 1000}, "192.0.2.0/24": {Latitude: 400, Longitude: 9.5},
	}))
	if err != nil {
		t.Fatal(err)
	}
	for address, want := range map[string][3]float64{
		"203.0.113.7": {52.52, 13.405, 20}, "::ffff:203.0.113.7": {52.52, 13.405, 20}, "2001:db8::1%eth0": {-33.87, 151.21, 5},
	} {
		latitude, longitude, radius, ok := cities.Spot(netip.MustParseAddr(address))
		if got := [3]float64{latitude, longitude, radius}; !ok || got != want {
			t.Errorf("%s: %v %v, want %v", address, got, ok, want)
		}
	}
	countries, err := places.Open(placestest.File(t, map[string]string{"203.0.113.0/24": "DE"}))
	if err != nil {
		t.Fatal(err)
	}
	for name, ok := range map[string]bool{
		"the middle of a country": spotted(cities, "198.51.100.1"), "no place on earth": spotted(cities, "192.0.2.1"), "an unknown address": spotted(cities, "10.0.0.1"),
		"a file of countries": spotted(countries, "203.0.113.1"), "no file": spotted(nil, "203.0.113.1"),
	} {
		if ok {
			t.Errorf("%s has coordinates", name)
		}
	}
}

func spotted(f *places.File, address string) bool {
	_, _, _, ok := f.Spot(netip.MustParseAddr(address))
	return ok
}
