package access

import (
	"fmt"
	"net/netip"
	"slices"
	"sort"
	"strings"
)

// A place is a location that an address can be looked up in.
type place struct {
	id        string
	trusted   bool
	networks  []netip.Prefix // sorted, none within another
	countries []string       // upper case
	unknown   bool
}

func newPlace(l Location) (place, error) {
	p := place{id: strings.ToLower(l.ID), trusted: l.Trusted, unknown: l.Unknown}
	for _, text := range l.Networks {
		n, err := netip.ParsePrefix(text)
		if err != nil {
			return place{}, fmt.Errorf("location %s: %w", l.ID, err)
		}
		p.networks = append(p.networks, unmapped(n))
	}
	sort.Slice(p.networks, func(i, j int) bool { return p.networks[i].Compare(p.networks[j]) < 0 })
	outer := netip.Prefix{}
	p.networks = slices.DeleteFunc(p.networks, func(n netip.Prefix) bool {
		if outer.IsValid() && outer.Contains(n.Addr()) && outer.Bits() <= n.Bits() {
			return true
		}
		outer = n
		return false
	})
	for _, c := range l.Countries {
		p.countries = append(p.countries, strings.ToUpper(c))
	}
	return p, nil
}

// unmapped is n as one of IPv4 if it is written as one of IPv6 (RFC 4291 section 2.5.5.2).
func unmapped(n netip.Prefix) netip.Prefix {
	if n.Addr().Is4In6() && n.Bits() >= 96 {
		return netip.PrefixFrom(n.Addr().Unmap(), n.Bits()-96).Masked()
	}
	return n.Masked()
}

// holds reports whether an address, which is of country, is in p.
func (p *place) holds(a netip.Addr, country string) bool {
	if p.unknown && country == "" {
		return true
	}
	if country != "" && slices.Contains(p.countries, country) {
		return true
	}
	if !a.IsValid() {
		return false
	}
	// The last network that begins at or before the address is the only one that can hold it.
	after := sort.Search(len(p.networks), func(i int) bool { return p.networks[i].Addr().Compare(a) > 0 })
	return after > 0 && p.networks[after-1].Contains(a)
}
