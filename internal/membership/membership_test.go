package membership_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/fault"
	"github.com/postern-id/postern/internal/filter"
	"github.com/postern-id/postern/internal/membership"
)

var laptop = directory.Device{
	ID: "11111111-1111-4111-8111-111111111111", DeviceID: "22222222-2222-4222-8222-222222222222", DisplayName: "LAP-0451", AccountEnabled: true,
	OperatingSystem: "Linux", OperatingSystemVersion: "Debian 12", TrustType: directory.TrustJoined, Manufacturer: "Lenovo", Model: "T14", KeyStorage: "tpm",
	Attested: true,
}

func TestARuleSaysWhichDevicesAreMembers(t *testing.T) {
	phone := directory.Device{ID: "3", DisplayName: "pia's phone", OperatingSystem: "Android", TrustType: directory.TrustRegistered, KeyStorage: "software"}
	for rule, want := range map[string][2]bool{
		`(device.operatingSystem -eq "Linux") and (device.displayName -startsWith "LAP-")`:     {true, false},
		`(device.deviceOSType -eq "linux")`:                                                    {true, false},
		`(device.deviceOSVersion -startsWith "Debian") or (device.deviceOSType -eq "Android")`: {true, true},
		`device.deviceTrustType -eq "AzureAD"`:                                                 {true, false},
		`device.trustType -ne "AzureAD"`:                                                       {false, true},
		`device.deviceOwnership -eq "Personal"`:                                                {false, true},
		`device.accountEnabled -eq true`:                                                       {true, false},
		`device.deviceManufacturer -in ["Lenovo","Dell"]`:                                      {true, false},
		`device.deviceManufacturer -eq null`:                                                   {false, true},
		`not (device.deviceModel -contains "14")`:                                              {false, true},
		`device.displayName -match "^LAP-\d{4}$"`:                                              {true, false},
		`device.deviceId -eq "22222222-2222-4222-8222-222222222222"`:                           {true, false},
		`device.objectId -in ["3"]`:                                                            {false, true},
		`device.postern_attested -eq true and device.postern_keyStorage -eq "tpm"`:             {true, false},
		`device.profileType -eq "RegisteredDevice"`:                                            {true, true},
		`device.domainName -ne null`:                                                           {false, false},
	} {
		r, err := membership.Parse(rule)
		if err != nil {
			t.Errorf("%s: %v", rule, err)
			continue
		}
		if got := [2]bool{r.Has(laptop), r.Has(phone)}; got != want {
			t.Errorf("%s: laptop and phone are members: %v", rule, got)
		}
	}
}

func TestARuleThatCantBeFollowedIsRefused(t *testing.T) {
	for rule, want := range map[string]*fault.Error{
		"":                                 membership.ErrRule,
		strings.Repeat(" ", 3073):          membership.ErrRule,
		`user.department -eq "IT"`:         filter.ErrUnsupported,
		`device.extensionAttribute1 -eq 1`: filter.ErrUnknownProperty,
		`device.displayName -eq`:           filter.ErrRuleSyntax,
		`device.displayName -match "["`:    filter.ErrPattern,
	} {
		if _, err := membership.Parse(rule); !errors.Is(err, want) {
			t.Errorf("%q: %v, want %v", rule, err, want)
		}
	}
}

func FuzzRule(f *testing.F) {
	for _, rule := range []string{
		`(device.operatingSystem -eq "Linux") and (device.displayName -startsWith "LAP-")`, `device.deviceModel -notIn ["a","b"]`,
		`-not device.accountEnabled -eq False -or device.displayName -match "(a|aa)+$"`,
	} {
		f.Add(rule, "LAP-1", "Linux")
	}
	f.Fuzz(func(t *testing.T, rule, name, system string) {
		d := laptop
		d.DisplayName, d.OperatingSystem = name, system
		r, err := membership.Parse(rule)
		if err != nil {
			if _, ok := errors.AsType[*fault.Error](err); !ok {
				t.Errorf("%q: %v is not a fault", rule, err)
			}
			return
		}
		// Parentheses around the whole change nothing, and not turns it round.
		if len(rule) > 3000 {
			return
		}
		not, err := membership.Parse("not (" + rule + ")")
		if errors.Is(err, filter.ErrTooComplex) {
			return
		}
		if err != nil || not.Has(d) == r.Has(d) {
			t.Errorf("%q and its opposite are not opposite: %v", rule, err)
		}
	})
}

func BenchmarkFollowingADevice(b *testing.B) {
	for b.Loop() {
		r, err := membership.Parse(`(device.operatingSystem -eq "Linux") and (device.displayName -startsWith "LAP-")`)
		if err != nil || !r.Has(laptop) {
			b.Fatal(err)
		}
	}
}
