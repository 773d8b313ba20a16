package access_test

import (
	"math"
	"net/netip"
	"testing"
	"time"

	"github.com/postern-id/postern/internal/access"
)

var (
	berlin   = access.Coordinates{Latitude: 52.52, Longitude: 13.405}
	paris    = access.Coordinates{Latitude: 48.857, Longitude: 2.352}
	hamburg  = access.Coordinates{Latitude: 53.551, Longitude: 9.994}
	auckland = access.Coordinates{Latitude: -36.848, Longitude: 174.763}
	fiji     = access.Coordinates{Latitude: -18.1, Longitude: 178.4}
	samoa    = access.Coordinates{Latitude: -13.8, Longitude: -171.8} // across the date line
)

func TestPlacesAreAsFarApartAsTheyAre(t *testing.T) {
	for name, c := range map[string]struct {
		a, b access.Coordinates
		km   float64
	}{
		"Berlin to Paris": {berlin, paris, 878}, "Berlin to Hamburg": {berlin, hamburg, 255}, "Berlin to Auckland": {berlin, auckland, 17730},
		"across the date line": {fiji, samoa, 1145}, "nowhere": {paris, paris, 0}, "pole to pole": {access.Coordinates{Latitude: 90}, access.Coordinates{Latitude: -90}, 20015},
	} {
		if there, back := c.a.Distance(c.b), c.b.Distance(c.a); math.Abs(there-c.km) > c.km/100 || math.Abs(there-back) > 0.001 {
			t.Errorf("%s: %.0f km and %.0f km back, want %.0f", name, there, back, c.km)
		}
	}
}

func TestNobodyTravelsFasterThanAnAirliner(t *testing.T) {
	around := func(c access.Coordinates, km float64) access.Coordinates { c.Radius = km; return c }
	for _, c := range []struct {
		name     string
		from, to access.Coordinates
		after    time.Duration
		want     bool
	}{
		{"Paris half an hour later", berlin, paris, 30 * time.Minute, true},
		{"Paris by air", berlin, paris, 55 * time.Minute, false},
		{"a short way at once", berlin, hamburg, 0, false},
		{"two places at once", berlin, paris, 0, true},
		{"the clock of the other replica is behind", berlin, paris, -time.Minute, true},
		{"long before", berlin, paris, -2 * time.Hour, false},
		{"so vague that it may be near", around(berlin, 200), around(paris, 200), time.Minute, false},
		{"vague and far all the same", around(berlin, 200), around(auckland, 200), 5 * time.Hour, true},
		{"round the world in a day", berlin, auckland, access.SightingKept, false},
	} {
		seen := access.Sighting{Coordinates: c.from, At: noon}
		if got := seen.Impossible(c.to, noon.Add(c.after)); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

func TestNetworksOfManyPlacesTellNone(t *testing.T) {
	exits, err := access.Exits([]access.Location{
		{ID: "1", Trusted: true, Networks: []string{"203.0.113.0/24"}}, {ID: "2", Exit: true, Networks: []string{"2001:db8::/32"}}, {ID: "3", Networks: []string{"198.51.100.0/24"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	for address, want := range map[string]bool{
		"203.0.113.9": true, "::ffff:203.0.113.9": true, "2001:db8::1": true, "2001:db8::1%eth0": true, "198.51.100.1": false, "2001:db9::1": false,
	} {
		if got := exits.Has(netip.MustParseAddr(address)); got != want {
			t.Errorf("%s: %v, want %v", address, got, want)
		}
	}
	if (access.Networks{}).Has(netip.MustParseAddr("203.0.113.9")) {
		t.Error("no network has an address")
	}
}
