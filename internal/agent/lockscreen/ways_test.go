package lockscreen

import (
	"slices"
	"testing"

	"github.com/postern-id/postern/internal/device"
	"github.com/postern-id/postern/internal/devicepolicy"
)

func TestWhichWaysThereAreAndWhichIsInTheDoorway(t *testing.T) {
	usual := circumstances{known: true, pin: device.PINSet, pinOn: true, webOn: true, online: true, offline: true}
	change := func(f func(*circumstances)) circumstances {
		c := usual
		f(&c)
		return c
	}
	both := []way{{Method: PIN}, {Method: Web}}
	for _, test := range []struct {
		name  string
		c     circumstances
		asked Method
		want  []way
		first Method
	}{
		{"a known person with a PIN", usual, "", both, PIN},
		{"who asks for another way gets it", usual, Web, both, Web},
		{"the way of last time comes first", change(func(c *circumstances) { c.last = Web }), "", both, Web},
		{
			"the administrator's choice stays, whatever was used last",
			change(func(c *circumstances) { c.last, c.preferred = PIN, "{c5d7540a-cd51-453b-b22b-05305ba03f07}" }), "", both, Web,
		},
		{
			"the administrator's choice is the PIN, also for other people",
			change(func(c *circumstances) { c.known, c.preferred = false, devicepolicy.ProviderPIN }), "", both, PIN,
		},
		{
			"a choice that is not there leaves the usual one",
			change(func(c *circumstances) { c.preferred = devicepolicy.ProviderFace }), "", both, PIN,
		},
		{"other people begin with web sign-in", change(func(c *circumstances) { c.known = false }), "", both, Web},
		{
			"without a PIN it is web sign-in, and says why",
			change(func(c *circumstances) { c.pin = device.PINNone }), "",
			[]way{{PIN, NoPINYet}, {Method: Web}},
			Web,
		},
		{
			"a locked PIN stays, and says so",
			change(func(c *circumstances) { c.pin = device.PINLocked }), "",
			[]way{{PIN, PINLocked}, {Method: Web}},
			Web,
		},
		{
			"a damaged PIN is not called one that was never there",
			change(func(c *circumstances) { c.pin, c.damaged = device.PINNone, true }), "",
			[]way{{PIN, PINDamaged}, {Method: Web}},
			Web,
		},
		{
			"without a network the PIN is left",
			change(func(c *circumstances) { c.online, c.preferred = false, devicepolicy.ProviderWebSignIn }), "",
			[]way{{Method: PIN}, {Web, NoNetwork}},
			PIN,
		},
		{
			"without a network for too long nothing is left, and both say why",
			change(func(c *circumstances) { c.online, c.offline = false, false }), "",
			[]way{{PIN, PINOffline}, {Web, NoNetwork}},
			PIN,
		},
		{"web sign-in that is off is not there", change(func(c *circumstances) { c.webOn = false }), Web, []way{{Method: PIN}}, PIN},
		{
			"what is excluded is not there",
			change(func(c *circumstances) { c.excluded = []string{"{d6886603-9d2f-4eb2-b667-1971041fa96b}"} }), PIN,
			[]way{{Method: Web}},
			Web,
		},
		{
			"both excluded leaves nothing",
			change(func(c *circumstances) {
				c.excluded = []string{devicepolicy.ProviderPIN, devicepolicy.ProviderWebSignIn}
			}), "", nil, "",
		},
		{"a shared device has no PIN", change(func(c *circumstances) { c.shared = true }), "", []way{{Method: Web}}, Web},
		{
			"who asks for a security key that policy allows gets it",
			change(func(c *circumstances) { c.keyOn = true }), Key,
			[]way{{Method: PIN}, {Method: Web}, {Method: Key}},
			Key,
		},
		{
			"a security key is no way around web sign-in that is off",
			change(func(c *circumstances) { c.keyOn, c.webOn = true, false }), Key,
			[]way{{Method: PIN}, {Key, NoKeys}},
			PIN,
		},
		{
			"nor around one that is excluded",
			change(func(c *circumstances) { c.keyOn, c.excluded = true, []string{devicepolicy.ProviderWebSignIn} }), Key,
			[]way{{Method: PIN}, {Key, NoKeys}},
			PIN,
		},
		{
			"a security key needs the network",
			change(func(c *circumstances) { c.keyOn, c.online = true, false }), Key,
			[]way{{Method: PIN}, {Web, NoNetwork}, {Key, NoNetwork}},
			PIN,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := test.c.ways()
			if !slices.Equal(got, test.want) {
				t.Errorf("ways %v, want %v", got, test.want)
			}
			if first := test.c.choose(got, test.asked); first != test.first {
				t.Errorf("in the doorway %q, want %q", first, test.first)
			}
		})
	}
}
