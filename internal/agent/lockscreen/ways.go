package lockscreen

import (
	"slices"
	"strings"

	"github.com/postern-id/postern/internal/device"
	"github.com/postern-id/postern/internal/devicepolicy"
)

// A Reason says why a way in is not possible now. The words have a sentence for each.
type Reason string

// The reasons.
const (
	NoPINYet   Reason = "no_pin"      // none was set up on this device
	PINLocked  Reason = "pin_locked"  // too many wrong ones
	PINDamaged Reason = "pin_damaged" // what is kept of it can't be used
	PINOffline Reason = "pin_offline" // not without the server, or not for so long
	NoNetwork  Reason = "no_network"
	NoKeys     Reason = "no_keys" // a security key is used in web sign-in, which is off
)

// A way is a way in as it is offered. One that is not possible now stays, with the reason.
type way struct {
	Method Method
	Why    Reason // empty while it is possible
}

// circumstances are what decides which ways there are.
type circumstances struct {
	known     bool // a person of this device; else other people
	pin       device.PINState
	damaged   bool // there is a PIN that opens nothing any more
	pinOn     bool // device PINs are offered to them
	webOn     bool
	keyOn     bool
	excluded  []string // credential providers, by class id
	preferred string   // the administrator's, by class id
	shared    bool
	online    bool
	offline   bool   // their PIN works without the server now
	last      Method // theirs, before
}

var providers = map[Method]string{
	PIN: devicepolicy.ProviderPIN, Web: devicepolicy.ProviderWebSignIn, Key: devicepolicy.ProviderSecurityKey,
}

// ways returns what is offered. What policy switched off is not there at all.
func (c circumstances) ways() []way {
	var all []way
	add := func(on bool, m Method, why Reason) {
		if on && !slices.ContainsFunc(c.excluded, func(id string) bool { return strings.EqualFold(id, providers[m]) }) {
			all = append(all, way{m, why})
		}
	}
	add(c.pinOn && !c.shared, PIN, c.pinWhy())
	add(c.webOn, Web, unless(c.online, NoNetwork))
	byWeb := slices.ContainsFunc(all, func(w way) bool { return w.Method == Web })
	add(c.keyOn, Key, c.keyWhy(byWeb))
	return all
}

// keyWhy says why no security key can be used. It is used on the page of web sign-in: where
// that is off, a key must not be a way around.
func (c circumstances) keyWhy(byWeb bool) Reason {
	if !byWeb {
		return NoKeys
	}
	return unless(c.online, NoNetwork)
}

func (c circumstances) pinWhy() Reason {
	switch {
	case !c.known:
		return ""
	case c.damaged:
		return PINDamaged
	case c.pin == device.PINNone:
		return NoPINYet
	case c.pin == device.PINLocked:
		return PINLocked
	case !c.online && !c.offline:
		return PINOffline
	}
	return ""
}

func unless(ok bool, why Reason) Reason {
	if ok {
		return ""
	}
	return why
}

// choose returns which of all is in the doorway: what was asked for; else the administrator's
// choice, which stays whatever people did before; else the way of last time; else web sign-in
// for other people and on shared devices, and the PIN for who is known.
func (c circumstances) choose(all []way, asked Method) Method {
	wishes := []Method{asked, "", c.last, PIN, Web}
	for m, id := range providers {
		if strings.EqualFold(id, c.preferred) {
			wishes[1] = m
		}
	}
	if !c.known || c.shared {
		wishes[3], wishes[4] = Web, PIN
	}
	for _, m := range wishes {
		if slices.Contains(all, way{Method: m}) {
			return m
		}
	}
	if len(all) > 0 {
		return all[0].Method
	}
	return ""
}
