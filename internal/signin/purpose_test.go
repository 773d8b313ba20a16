package signin

import (
	"testing"

	"github.com/postern-id/postern/internal/directory"
)

func TestAPurposeFitsOnePlaceAndNoOther(t *testing.T) {
	const here, there = "0b8c3c52-5b0e-4f0f-8a52-0c7c6d7a1d01", "0b8c3c52-5b0e-4f0f-8a52-0c7c6d7a1d02"
	at := func(id string) *Device { return &Device{ID: directory.DeviceObjectID("object of " + id), DeviceID: id} }
	pages, agent, mail := directory.PagesAppID, directory.AgentAppID, directory.AppID("mail")
	for _, c := range []struct {
		name                string
		p                   Purpose
		app                 directory.AppID
		device              *Device
		fits, adds, setsPIN bool
	}{
		{"none, in an application", "", mail, nil, true, true, true},
		{"none, at a device", "", agent, at(here), true, true, true},
		{"methods, on the own pages", RegisterMethods, pages, nil, true, true, false},
		{"methods, in an application", RegisterMethods, mail, nil, false, true, false},
		{"methods, at a device", RegisterMethods, agent, at(here), false, true, false},
		{"methods, on the own pages in the name of a device", RegisterMethods, pages, at(here), false, true, false},
		{"a device, there", SignIn.On(here), agent, at(here), true, false, false},
		{"a device, at another", SignIn.On(here), agent, at(there), false, false, false},
		{"a device, where no key proved one", SignIn.On(here), agent, nil, false, false, false},
		{"a device, in another application there", SignIn.On(here), mail, at(here), false, false, false},
		{"a device, on the own pages", SignIn.On(here), pages, nil, false, false, false},
		{"a PIN, there", ResetPIN.On(here), agent, at(here), true, false, true},
		{"a PIN, at another device", ResetPIN.On(here), agent, at(there), false, false, false},
		{"a PIN, where no key proved a device", ResetPIN.On(here), agent, nil, false, false, false},
		{"a device without an id", SignIn, agent, at(""), false, false, false},
		{"a device with an empty id", SignIn.On(""), agent, at(""), false, false, false},
		{"methods on a device", RegisterMethods.On(here), pages, nil, false, false, false},
		{"what this program does not know", "shopping", pages, nil, false, false, false},
		{"an id in capitals", SignIn.On("0B8C3C52-5B0E-4F0F-8A52-0C7C6D7A1D01"), agent, at("0B8C3C52-5B0E-4F0F-8A52-0C7C6D7A1D01"), false, false, false},
		{"more after the id", SignIn.On(here + ":" + there), agent, at(here), false, false, false},
	} {
		if got := c.p.Fits(c.app, c.device); got != c.fits {
			t.Errorf("%s: Fits = %t", c.name, got)
		}
		if got := c.p.Registers(); got != c.adds {
			t.Errorf("%s: Registers = %t", c.name, got)
		}
		if got := c.p.SetsPIN(c.device); got != c.setsPIN {
			t.Errorf("%s: SetsPIN = %t", c.name, got)
		}
	}
}
