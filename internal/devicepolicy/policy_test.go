package devicepolicy_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/postern-id/postern/internal/devicepolicy"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/fault"
)

const tenant = "9c1f6f2e-3f0a-4b43-9f0e-1d2b3c4d5e6f"

func TestTheCatalogHoldsTogether(t *testing.T) {
	ids := map[string]bool{}
	for _, s := range devicepolicy.Catalog() {
		if err := s.Check(s.Default); err != nil {
			t.Errorf("the default of %s: %v", s.URI, err)
		}
		if id := s.DefinitionID(); ids[id] || strings.ContainsAny(id, "/.") || s.Name == "" || s.Description == "" || s.Category == "" || len(s.Platforms) == 0 {
			t.Errorf("%s is not whole: %+v", s.URI, s)
		} else {
			ids[id] = true
		}
		if found, err := devicepolicy.FindDefinition(s.DefinitionID()); err != nil || found.URI != s.URI {
			t.Errorf("%s is not found by its id: %v", s.URI, err)
		}
		if found, err := devicepolicy.Find(strings.Replace(s.URI, "{TenantId}", tenant, 1), tenant); err != nil || found.URI != s.URI {
			t.Errorf("%s is not found by its URI: %v", s.URI, err)
		}
		oma := s.ToOMA(s.Default, tenant)
		if back, v, err := devicepolicy.FromOMA(oma, tenant); err != nil || back.URI != s.URI || !v.Equal(s.Default) {
			t.Errorf("%s does not come back from OMA-URI: %+v %v %v", s.URI, oma, v, err)
		}
		raw, err := json.Marshal(s.Default)
		var again devicepolicy.Value
		if err == nil {
			err = json.Unmarshal(raw, &again)
		}
		if err != nil || !again.Equal(s.Default) {
			t.Errorf("%s does not come back from JSON: %s %v", s.URI, raw, err)
		}
	}
}

func TestIntunesNames(t *testing.T) {
	for _, c := range []struct{ uri, id string }{
		{devicepolicy.EnableWebSignIn, "device_vendor_msft_policy_config_authentication_enablewebsignin"},
		{devicepolicy.RequireSecurityDevice, "device_vendor_msft_passportforwork_{tenantid}_policies_requiresecuritydevice"},
		{devicepolicy.PINDigits, "device_vendor_msft_passportforwork_{tenantid}_policies_pincomplexity_digits"},
	} {
		if s, err := devicepolicy.Find(c.uri, ""); err != nil || s.DefinitionID() != c.id {
			t.Errorf("%s has the id %q, %v", c.uri, s.DefinitionID(), err)
		}
	}
	if s, err := devicepolicy.Find("./vendor/msft/policy/config/authentication/enablewebsignin", ""); err != nil || s.URI != devicepolicy.EnableWebSignIn {
		t.Errorf("the short form: %q %v", s.URI, err)
	}
	if _, err := devicepolicy.Find(strings.Repeat("x", 9999), ""); !errors.Is(err, devicepolicy.ErrSettingUnknown) || len(err.Error()) > 400 {
		t.Errorf("a long name: %v", err)
	}
}

func TestSettingCheck(t *testing.T) {
	for _, c := range []struct {
		name string
		uri  string
		v    devicepolicy.Value
		ok   bool
	}{
		{"an option", devicepolicy.EnableWebSignIn, devicepolicy.IntValue(2), true},
		{"no option", devicepolicy.EnableWebSignIn, devicepolicy.IntValue(3), false},
		{"a truth for an option", devicepolicy.EnableWebSignIn, devicepolicy.BoolValue(true), false},
		{"nothing", devicepolicy.EnableWebSignIn, devicepolicy.Value{}, false},
		{"the shortest PIN there may be", devicepolicy.MinimumPINLength, devicepolicy.IntValue(4), true},
		{"one shorter", devicepolicy.MinimumPINLength, devicepolicy.IntValue(3), false},
		{"the longest", devicepolicy.MaximumPINLength, devicepolicy.IntValue(127), true},
		{"one longer", devicepolicy.MaximumPINLength, devicepolicy.IntValue(128), false},
		{"hosts", devicepolicy.WebSignInAllowedURLs, devicepolicy.ListValue("idp.example.com", "=login.example.com"), true},
		{"a URL for a host", devicepolicy.WebSignInAllowedURLs, devicepolicy.ListValue("https://idp.example.com"), false},
		{"an address for a host", devicepolicy.WebSignInAllowedURLs, devicepolicy.ListValue("127.0.0.1"), false},
		{"a wildcard", devicepolicy.WebSignInAllowedURLs, devicepolicy.ListValue("*"), false},
		{"an item with the delimiter", devicepolicy.WebSignInAllowedURLs, devicepolicy.ListValue("a.example;b.example"), false},
		{"a class id", devicepolicy.DefaultCredentialProvider, devicepolicy.TextValue(devicepolicy.ProviderWebSignIn), true},
		{"a name for a class id", devicepolicy.DefaultCredentialProvider, devicepolicy.TextValue("web"), false},
		{"a local group", devicepolicy.LocalGroups, devicepolicy.ListValue(string(laptops) + "=ops"), true},
		{"a local group with a path", devicepolicy.LocalGroups, devicepolicy.ListValue(string(laptops) + "=../sudo"), false},
		{"a text with a line break", devicepolicy.HelpText, devicepolicy.TextValue("a\nb"), false},
	} {
		s, err := devicepolicy.Find(c.uri, "")
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Check(c.v); (err == nil) != c.ok {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

func TestPolicyCheck(t *testing.T) {
	good := policy("a", devicepolicy.EnableWebSignIn, devicepolicy.IntValue(1), everyDevice, to(laptops), except(kiosks))
	for _, c := range []struct {
		name   string
		change func(*devicepolicy.Policy)
		want   error
	}{
		{"good", func(*devicepolicy.Policy) {}, nil},
		{"without a name", func(p *devicepolicy.Policy) { p.Name = "" }, devicepolicy.ErrPolicyInvalid},
		{"a name that is too long", func(p *devicepolicy.Policy) { p.Name = strings.Repeat("x", 201) }, devicepolicy.ErrPolicyInvalid},
		{"an unknown setting", func(p *devicepolicy.Policy) { p.Settings["./Device/x"] = devicepolicy.IntValue(1) }, devicepolicy.ErrSettingUnknown},
		{"a setting in other letters", func(p *devicepolicy.Policy) {
			p.Settings = map[string]devicepolicy.Value{strings.ToLower(devicepolicy.EnableWebSignIn): devicepolicy.IntValue(1)}
		}, devicepolicy.ErrSettingUnknown},
		{"a value that can't be", func(p *devicepolicy.Policy) { p.Settings[devicepolicy.EnableWebSignIn] = devicepolicy.IntValue(9) }, devicepolicy.ErrSettingValue},
		{"a group without an id", func(p *devicepolicy.Policy) { p.Assignments = append(p.Assignments, to("all")) }, devicepolicy.ErrPolicyInvalid},
		{"nobody at all is excluded", func(p *devicepolicy.Policy) {
			p.Assignments = append(p.Assignments, devicepolicy.Assignment{Target: devicepolicy.AllDevices, Exclude: true})
		}, devicepolicy.ErrPolicyInvalid},
		{"an unknown target", func(p *devicepolicy.Policy) {
			p.Assignments = append(p.Assignments, devicepolicy.Assignment{Target: "some"})
		}, devicepolicy.ErrPolicyInvalid},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := good
			p.Settings = map[string]devicepolicy.Value{devicepolicy.EnableWebSignIn: devicepolicy.IntValue(1)}
			c.change(&p)
			if err := p.Check(); !errors.Is(err, c.want) && (err != nil || c.want != nil) {
				t.Errorf("got %v, want %v", err, c.want)
			}
		})
	}
}

func TestWarnings(t *testing.T) {
	devices := func(g directory.GroupID) bool { return g == laptops }
	for _, c := range []struct {
		name   string
		policy devicepolicy.Policy
		want   string // part of the one warning; "" for none
	}{
		{"the lock screen for devices", policy("a", devicepolicy.EnableWebSignIn, devicepolicy.IntValue(1), to(laptops)), ""},
		{"the lock screen for people", policy("a", devicepolicy.EnableWebSignIn, devicepolicy.IntValue(1), to(drivers)), "assign it to devices"},
		{"the lock screen for all people", policy("a", devicepolicy.EnableWebSignIn, devicepolicy.IntValue(1), everybody), "assign it to devices"},
		{"the lock screen for both", policy("a", devicepolicy.EnableWebSignIn, devicepolicy.IntValue(1), to(drivers), everyDevice), ""},
		{"a PIN rule for people", policy("a", devicepolicy.MinimumPINLength, devicepolicy.IntValue(8), to(drivers)), ""},
		{"a pair that can't be", policy("a", devicepolicy.MaximumPINLength, devicepolicy.IntValue(5), everyDevice), "fall back"},
		{"a setting for Windows", policy("a", "./Device/Vendor/MSFT/SharedPC/AccountModel", devicepolicy.IntValue(1), everyDevice), "Windows only"},
	} {
		got := c.policy.Warnings(devices)
		if c.want == "" && len(got) != 0 || c.want != "" && (len(got) != 1 || !strings.Contains(got[0].Text, c.want)) {
			t.Errorf("%s: %+v", c.name, got)
		}
	}
}

func TestOMA(t *testing.T) {
	s, err := devicepolicy.Find(devicepolicy.ExcludedCredentialProviders, "")
	if err != nil {
		t.Fatal(err)
	}
	oma := s.ToOMA(devicepolicy.ListValue(devicepolicy.ProviderPassword, devicepolicy.ProviderFace), tenant)
	if want := `<enabled/><data id="ExcludedCredentialProviders_Message" value="` + devicepolicy.ProviderPassword + "," + devicepolicy.ProviderFace + `"/>`; oma.Value != want {
		t.Errorf("got %s", oma.Value)
	}
	for _, c := range []struct {
		name string
		in   devicepolicy.OMASetting
		want error
		text string
	}{
		{"as in a blog", devicepolicy.OMASetting{URI: "./Vendor/MSFT/Policy/Config/Authentication/EnableWebSignIn", Format: "int", Value: " 1 "}, nil, "1"},
		{"the tenant's own id", devicepolicy.OMASetting{URI: "./Device/Vendor/MSFT/PassportForWork/" + tenant + "/Policies/RequireSecurityDevice", Value: "True"}, nil, "true"},
		{"another tenant's id", devicepolicy.OMASetting{URI: "./Device/Vendor/MSFT/PassportForWork/" + string(laptops) + "/Policies/RequireSecurityDevice", Value: "true"}, devicepolicy.ErrSettingUnknown, ""},
		{"a word for a number", devicepolicy.OMASetting{URI: devicepolicy.EnableWebSignIn, Value: "on"}, devicepolicy.ErrOMA, ""},
		{"a payload that is none", devicepolicy.OMASetting{URI: devicepolicy.DefaultCredentialProvider, Value: "<enabled/"}, devicepolicy.ErrOMA, ""},
		{"a payload with an entity", devicepolicy.OMASetting{URI: devicepolicy.DefaultCredentialProvider, Value: `<!DOCTYPE a [<!ENTITY b "c">]><enabled/><data id="DefaultCredentialProvider_Message" value="&b;"/>`}, devicepolicy.ErrOMA, ""},
		{"a payload that switches off", devicepolicy.OMASetting{URI: devicepolicy.DefaultCredentialProvider, Value: "<disabled/>"}, nil, ""},
	} {
		_, v, err := devicepolicy.FromOMA(c.in, tenant)
		if !errors.Is(err, c.want) && (err != nil || c.want != nil) || err == nil && v.String() != c.text {
			t.Errorf("%s: %v, %v", c.name, v, err)
		}
		if f, ok := errors.AsType[*fault.Error](err); err != nil && (!ok || f.Code == "") {
			t.Errorf("%s: %v is not a fault", c.name, err)
		}
	}
}

func TestClashesAreFoundWhereTargetsAreTheSame(t *testing.T) {
	group := directory.GroupID("4f1f7d5e-3a0c-4f6e-9b7b-1a2b3c4d5e6f")
	policy := func(name string, days int, web int64, length int64, to ...devicepolicy.Assignment) devicepolicy.Policy {
		return devicepolicy.Policy{
			ID: name, Name: name, CreatedAt: time.Date(2026, 11, days, 9, 0, 0, 0, time.UTC), Assignments: to,
			Settings: map[string]devicepolicy.Value{
				devicepolicy.EnableWebSignIn: devicepolicy.IntValue(web), devicepolicy.MinimumPINLength: devicepolicy.IntValue(length),
			},
		}
	}
	everywhere, team := devicepolicy.Assignment{Target: devicepolicy.AllDevices}, devicepolicy.Assignment{Target: devicepolicy.Group, Group: group}
	without := devicepolicy.Assignment{Target: devicepolicy.Group, Group: group, Exclude: true}
	p := policy("New", 5, 1, 8, everywhere, without)
	tests := []struct {
		name  string
		other devicepolicy.Policy
		want  []string // ends of what is said
	}{
		{"the older one wins", policy("Old", 1, 2, 8, everywhere), []string{"The policy Old wins: it is older."}},
		{"so it does when it is this one", policy("Late", 9, 2, 8, everywhere), []string{"The policy New wins: it is older."}},
		{"the stricter one wins, whatever its age", policy("Strict", 9, 1, 10, everywhere), []string{"The policy Strict wins: its value is stricter."}},
		{"equal values don't clash", policy("Same", 1, 1, 8, everywhere), nil},
		{"another target is no clash", policy("Team", 1, 2, 8, team), nil},
		{"an exclusion is no target", policy("Others", 1, 2, 8, without), nil},
		{"nor is this policy another", policy("New", 1, 2, 8, everywhere), nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := p.Clashes([]devicepolicy.Policy{test.other})
			if len(got) != len(test.want) {
				t.Fatalf("got %v", got)
			}
			for i, w := range got {
				if !strings.HasSuffix(w.Text, test.want[i]) {
					t.Errorf("got %q", w.Text)
				}
			}
		})
	}
}
