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
