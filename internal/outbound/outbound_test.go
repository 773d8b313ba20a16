package outbound

import (
	"net/netip"
	"testing"
)

func TestOnlyPublicAndAllowedAddressesAreCalled(t *testing.T) {
	allowed := []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16"), netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("fd00:1::/32")}
	for address, want := range map[string]struct{ plain, allowed bool }{
		"203.0.113.9": {true, true}, "2001:db8::1": {true, true}, "::ffff:203.0.113.9": {true, true},
		"10.1.2.3": {false, true}, "::ffff:10.1.2.3": {false, true}, "10.2.2.3": {false, false},
		"127.0.0.1": {false, true}, "127.8.8.8": {false, true}, "::1": {false, false}, "::ffff:127.0.0.1": {false, true},
		"fd00:1::1": {false, true}, "fd00:2::1": {false, false}, "fec0::1": {false, false},
		"172.16.0.1": {false, false}, "192.168.1.1": {false, false}, "100.64.0.1": {false, false}, "198.18.0.1": {false, false},
		"169.254.169.254": {false, false}, "fe80::1": {false, false}, "fe80::1%eth0": {false, false},
		"0.0.0.0": {false, false}, "0.1.2.3": {false, false}, "::": {false, false}, "255.255.255.255": {false, false},
		"224.0.0.1": {false, false}, "ff02::1": {false, false},
		"64:ff9b::7f00:1": {false, false}, "2002:7f00:1::": {false, false}, "::127.0.0.1": {false, false},
	} {
		a := netip.MustParseAddr(address)
		if MayCall(a, nil) != want.plain || MayCall(a, allowed) != want.allowed {
			t.Errorf("%s: %t, with networks %t", address, MayCall(a, nil), MayCall(a, allowed))
		}
	}
}
