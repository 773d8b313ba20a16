package access

import (
	"math"
	"net/netip"
	"slices"
	"time"
)

// Coordinates are where an address is, as well as anybody knows.
type Coordinates struct {
	Latitude  float64 `json:"latitude"`  // degrees, north is positive
	Longitude float64 `json:"longitude"` // degrees, east is positive
	Radius    float64 `json:"radius"`    // km around it in which the address may really be
}

// A Sighting is that somebody signed in at a spot.
type Sighting struct {
	Coordinates
	At time.Time `json:"-"`
}

// Spots says where addresses are.
type Spots interface {
	// Spot returns the coordinates of a, in degrees, and how far they may be off, in km. It is not
	// ok for an address of which only a country is known: its middle is no place where anybody is.
	Spot(a netip.Addr) (latitude, longitude, radius float64, ok bool)
}

// What nobody travels. A shorter way is no journey: networks are not known better than that, and
// telephone networks come out somewhere in the country.
const (
	LeastJourney = 500.0           // km
	FastestWay   = 1000.0          // km/h; airliners fly at 900
	clocksApart  = 2 * time.Minute // two replicas may be off by a minute each
	// SightingKept is when nothing on earth is out of reach any more.
	SightingKept = 24 * time.Hour
)

// Impossible reports whether nobody can have been at s and then at here at now, or the other way
// round. Both are taken to be as near to each other as they may be.
func (s Sighting) Impossible(here Coordinates, now time.Time) bool {
	far := s.Distance(here) - s.Radius - here.Radius
	return far >= LeastJourney && far > FastestWay*(now.Sub(s.At).Abs()+clocksApart).Hours()
}

// earth is its mean radius in km (IUGG).
const earth = 6371.0088

// Distance is how far two places are apart on the surface of the earth, in km: the haversine
// formula, which is right to half a percent.
func (s Coordinates) Distance(to Coordinates) float64 {
	half := func(a, b float64) float64 { sin := math.Sin((b - a) * math.Pi / 360); return sin * sin }
	h := half(s.Latitude, to.Latitude) +
		math.Cos(s.Latitude*math.Pi/180)*math.Cos(to.Latitude*math.Pi/180)*half(s.Longitude, to.Longitude)
	return 2 * earth * math.Asin(math.Sqrt(min(1, h)))
}

// Networks are address ranges to look an address up in.
type Networks struct{ place place }

// Exits are the networks that don't tell where somebody is: trusted ones, such as offices with one
// way out for all of them, and those that are named as exits, such as a VPN's.
func Exits(locations []Location) (Networks, error) {
	var all Location
	for _, l := range locations {
		if l.Trusted || l.Exit {
			all.Networks = slices.Concat(all.Networks, l.Networks)
		}
	}
	p, err := newPlace(all)
	return Networks{p}, err
}

// Has reports whether a is in one of them.
func (n Networks) Has(a netip.Addr) bool { return n.place.holds(a.Unmap().WithZone(""), "") }
