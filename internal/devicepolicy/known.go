package devicepolicy

import (
	"fmt"
	"slices"
	"strings"
)

// A rivalry is two settings that are known to work against each other on one device.
type rivalry struct {
	one, other string // URIs
	// says is why they do with these values, empty where they don't.
	says func(one, other Value) string
}

// rivalries are the known ones. A device lock hides web sign-in while Windows sets itself up:
// https://learn.microsoft.com/autopilot/policy-conflicts
var rivalries = []rivalry{
	{DevicePasswordEnabled, EnableWebSignIn, func(lock, web Value) string {
		if lock.Int() != 0 || web.Int() == 2 {
			return ""
		}
		return "While Windows sets itself up, a device password can hide web sign-in from the person with a pass. Assign the device password to people, or to devices that are set up."
	}},
	{ExcludedCredentialProviders, EnableWebSignIn, func(hidden, web Value) string {
		if web.Int() != 1 || !slices.ContainsFunc(hidden.List(), same(ProviderWebSignIn)) {
			return ""
		}
		return "Web sign-in is switched on and hidden."
	}},
	{ExcludedCredentialProviders, DefaultCredentialProvider, func(hidden, first Value) string {
		if first.Text() == "" || !slices.ContainsFunc(hidden.List(), same(first.Text())) {
			return ""
		}
		return "The option that the lock screen shows first is hidden."
	}},
	{DefaultCredentialProvider, EnableWebSignIn, func(first, web Value) string {
		if web.Int() != 2 || !same(ProviderWebSignIn)(first.Text()) {
			return ""
		}
		return "Web sign-in is the default option and switched off."
	}},
	{EnablePasswordlessExperience, UsePassportForWork, func(without, pin Value) string {
		if without.Int() != 1 || pin.Bool() {
			return ""
		}
		return "Without a device PIN only a security key takes the password's place on the lock screen."
	}},
}

// same compares class ids, in which case does not matter.
func same(id string) func(string) bool {
	return func(other string) bool { return strings.EqualFold(id, other) }
}

// Rivals says which settings of p are known to work against each other, or against those of
// a policy that reaches some of the same devices.
func (p Policy) Rivals(others []Policy) []Warning {
	var all []Warning
	for _, r := range rivalries {
		mine, here := p.Settings[r.one]
		theirs, there := p.Settings[r.other]
		alone := r.one == DevicePasswordEnabled && here && !there // joining switches web sign-in on
		if here && there || alone {
			if why := r.says(mine, theirs); why != "" {
				all = append(all, Warning{r.one, why})
			}
		}
		for _, o := range others {
			if o.ID == p.ID || !p.overlaps(o) {
				continue
			}
			if v, ok := o.Settings[r.other]; here && ok && !there {
				all = rival(all, r.one, o, r.says(mine, v))
			}
			if v, ok := o.Settings[r.one]; there && ok && !here {
				all = rival(all, r.other, o, r.says(v, theirs))
			}
		}
	}
	return all
}

func rival(all []Warning, uri string, other Policy, why string) []Warning {
	if why == "" || slices.ContainsFunc(all, func(w Warning) bool { return w.Setting == uri && w.Text == why }) {
		return all
	}
	return append(all, Warning{uri, fmt.Sprintf("%s Together with the policy %s.", why, other.Name)})
}

// overlaps reports whether p and o surely reach some of the same devices or people: they have
// a target in common, or one of them is for all devices.
func (p Policy) overlaps(o Policy) bool {
	every := Assignment{Target: AllDevices}
	return p.meets(o) || p.reaches() && slices.Contains(o.Assignments, every) || o.reaches() && slices.Contains(p.Assignments, every)
}

// reaches reports whether p is for anybody.
func (p Policy) reaches() bool {
	return slices.ContainsFunc(p.Assignments, func(a Assignment) bool { return !a.Exclude })
}
