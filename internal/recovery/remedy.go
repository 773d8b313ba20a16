package recovery

import (
	"slices"
	"time"

	"github.com/postern-id/postern/internal/signin"
)

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
	both := signin.Yield{Factors: signin.Possession | signin.Inherence}
	switch r {
	case AddSecurityKey:
		f.Methods = append(f.Methods, Method{Place: Apart, Now: both, Browser: true, LockScreen: true})
	case AddPhone:
		f.Methods = append(f.Methods, Method{Place: OnPhone, Now: both, Browser: true, LockScreen: true})
	case AddPIN:
		for i := range f.Devices {
			if d := &f.Devices[i]; !d.PIN {
				d.PIN, d.PINOffline, d.SeenAt = true, true, now
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
	case EnableAccount:
		f.Enabled = true
	}
	return f
}

// Best is the remedy that people can act on and that makes most cases better, and which; empty
// when there is none.
func Best(all []Answer) (Remedy, []Failure) {
	var best Remedy
	var helped []Failure
	for _, r := range Remedies {
		var cases []Failure
		for _, a := range all {
			if slices.Contains(a.Close, r) {
				cases = append(cases, a.Failure)
			}
		}
		if len(cases) > len(helped) {
			best, helped = r, cases
		}
	}
	return best, helped
}
