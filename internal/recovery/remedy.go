package recovery

import (
	"slices"
	"time"

	"github.com/postern-id/postern/internal/access"
	"github.com/postern-id/postern/internal/signin"
)

// A Remedy is something that closes a gap.
type Remedy string

// The remedies, in the order in which they are proposed: what closes most comes first.
const (
	AddSecurityKey Remedy = "addSecurityKey"
	AddPhone       Remedy = "addPhone"
	AddPIN         Remedy = "addDevicePin"
	AllowWebSignIn Remedy = "allowWebSignIn" // at the lock screens of the person's devices
	AllowOffline   Remedy = "allowOffline"   // PINs without a network
	ConnectDevice  Remedy = "connectDevice"  // once, so that the days count anew
	AllowPass      Remedy = "allowPass"      // by the policy of passes
	ExemptPass     Remedy = "exemptPass"     // from the Conditional Access policy that keeps it out
	EnableAccount  Remedy = "enableAccount"
)

// Remedies are all remedies, in that order.
var Remedies = []Remedy{AddSecurityKey, AddPhone, AddPIN, AllowWebSignIn, AllowOffline, ConnectDevice, AllowPass, ExemptPass, EnableAccount}

// usualDays is how long PINs work without a network where nothing says anything else.
const usualDays = 14

// proposes reports whether r is worth trying: what people add, policy has to offer them.
func (f Facts) proposes(r Remedy) bool {
	switch r {
	case AddSecurityKey, AddPhone, AddPIN:
		return slices.Contains(f.Offered, r)
	}
	return true
}

// with is f after r.
func (f Facts) with(r Remedy, now time.Time) Facts {
	f.Methods, f.Devices = slices.Clone(f.Methods), slices.Clone(f.Devices)
	key := signin.Yield{Factors: signin.Possession | signin.Inherence, PhishingResistant: true, Modes: access.FIDO2}
	phone := signin.Yield{Factors: key.Factors, Modes: access.DeviceBasedPush}
	switch r {
	case AddSecurityKey:
		f.Methods = append(f.Methods, Method{Place: Apart, Now: key, Browser: true, LockScreen: true})
	case AddPhone:
		f.Methods = append(f.Methods, Method{Place: OnPhone, App: true, Now: phone, Browser: true, LockScreen: true})
	case AddPIN:
		for i := range f.Devices {
			if d := &f.Devices[i]; !d.PIN {
				d.PIN, d.TPM, d.PINOffline, d.SeenAt = true, true, true, now
				break
			}
		}
	case AllowWebSignIn:
		for i := range f.Devices {
			f.Devices[i].WebSignIn = true
		}
	case AllowOffline:
		for i := range f.Devices {
			d := &f.Devices[i]
			d.PINOffline, d.OfflineDays = true, max(d.OfflineDays, usualDays)
		}
	case ConnectDevice:
		for i := range f.Devices {
			f.Devices[i].SeenAt = now
		}
	case AllowPass:
		f.Pass.Issuable, f.Pass.Browser, f.Pass.LockScreen = true, true, true
	case ExemptPass:
		f.Pass.Barred = false
	case EnableAccount:
		f.Enabled = true
	}
	return f
}

// Best is the remedy that people can act on and that makes most cases better, and which; empty
// when there is none. That everything is lost decides nothing: only others help then.
func Best(all []Answer) (Remedy, []Failure) {
	var best Remedy
	var helped []Failure
	for _, r := range Remedies {
		var cases []Failure
		for _, a := range all {
			if a.Failure != EverythingLost && slices.Contains(a.Close, r) {
				cases = append(cases, a.Failure)
			}
		}
		if len(cases) > len(helped) {
			best, helped = r, cases
		}
	}
	return best, helped
}
