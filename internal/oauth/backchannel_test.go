package oauth

import (
	"net/netip"
	"testing"

	"github.com/postern-id/postern/internal/directory"
)

func TestNoticesGoOnlyWhereApplicationsAre(t *testing.T) {
	for address, want := range map[string]struct{ others, local bool }{
		"203.0.113.9": {true, true}, "10.1.2.3": {true, true}, "2001:db8::1": {true, true}, "fd00::1": {true, true},
		"127.0.0.1": {false, true}, "127.8.8.8": {false, true}, "::1": {false, true},
		"169.254.169.254": {false, false}, "fe80::1": {false, false}, "0.0.0.0": {false, false}, "::": {false, false},
		"224.0.0.1": {false, false}, "ff02::1": {false, false},
	} {
		a := netip.MustParseAddr(address)
		if mayCall(a, false) != want.others || mayCall(a, true) != want.local {
			t.Errorf("%s: %t, for applications of this machine %t", address, mayCall(a, false), mayCall(a, true))
		}
	}
	if a := netip.MustParseAddr("::ffff:127.0.0.1").Unmap(); mayCall(a, false) {
		t.Error("a mapped loopback address is called")
	}
}

func TestOnlyARedirectURIPutsAnApplicationOnThisMachine(t *testing.T) {
	for uri, want := range map[string]bool{
		"http://localhost/cb": true, "http://127.0.0.1:3000/cb": true, "http://[::1]/cb": true,
		"https://localhost.evil.example/cb": false, "https://app.contoso.example/localhost": false, "": false,
	} {
		app := directory.Application{Web: directory.WebClient{RedirectURIs: []string{uri}}}
		if onThisMachine(app) != want {
			t.Errorf("%q: %t", uri, !want)
		}
	}
}
