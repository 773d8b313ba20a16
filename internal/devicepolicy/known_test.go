package devicepolicy_test

import (
	"strings"
	"testing"

	"github.com/postern-id/postern/internal/devicepolicy"
)

func TestKnownRivalsAreToldWhenAPolicyIsAssigned(t *testing.T) {
	on, off := devicepolicy.IntValue(1), devicepolicy.IntValue(2)
	lock := func(id string, required bool, to ...devicepolicy.Assignment) devicepolicy.Policy {
		value := devicepolicy.IntValue(1)
		if required {
			value = devicepolicy.IntValue(0)
		}
		return policy(id, devicepolicy.DevicePasswordEnabled, value, to...)
	}
	hidden := devicepolicy.ListValue(strings.ToLower(devicepolicy.ProviderWebSignIn))
	for _, c := range []struct {
		name   string
		policy devicepolicy.Policy
		others []devicepolicy.Policy
		want   []string // part of each warning
	}{
		{"a device password hides what joining switches on", lock("a", true, everyDevice), nil, []string{"can hide web sign-in"}},
		{"none is required", lock("a", false, everyDevice), nil, nil},
		{"beside a policy for the same devices", policy("a", devicepolicy.EnableWebSignIn, on, to(laptops)), []devicepolicy.Policy{lock("b", true, to(laptops))}, []string{"Together with the policy b."}},
		{"beside a policy for all devices", policy("a", devicepolicy.EnableWebSignIn, on, to(laptops)), []devicepolicy.Policy{lock("b", true, everyDevice)}, []string{"Together with the policy b."}},
		{"web sign-in is off there", policy("a", devicepolicy.EnableWebSignIn, off, everyDevice), []devicepolicy.Policy{lock("b", true, everyDevice)}, nil},
		{"other devices", policy("a", devicepolicy.EnableWebSignIn, on, to(laptops)), []devicepolicy.Policy{lock("b", true, to(kiosks))}, nil},
		{"for nobody yet", policy("a", devicepolicy.EnableWebSignIn, on), []devicepolicy.Policy{lock("b", true, everyDevice)}, nil},
		{"an exclusion reaches nobody", policy("a", devicepolicy.EnableWebSignIn, on, except(laptops)), []devicepolicy.Policy{lock("b", true, everyDevice)}, nil},
		{"not beside itself", lock("a", true, everyDevice), []devicepolicy.Policy{policy("a", devicepolicy.EnableWebSignIn, on, everyDevice)}, []string{"can hide web sign-in"}},
		{
			"switched on here and hidden there, whatever the case of the id", policy("a", devicepolicy.EnableWebSignIn, on, everyDevice),
			[]devicepolicy.Policy{policy("b", devicepolicy.ExcludedCredentialProviders, hidden, everyDevice)},
			[]string{"switched on and hidden"},
		},
		{
			"hidden here and first there", policy("a", devicepolicy.ExcludedCredentialProviders, hidden, everyDevice),
			[]devicepolicy.Policy{policy("b", devicepolicy.DefaultCredentialProvider, devicepolicy.TextValue(devicepolicy.ProviderWebSignIn), everyDevice)},
			[]string{"shows first is hidden"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := c.policy.Rivals(c.others)
			if len(got) != len(c.want) {
				t.Fatalf("got %+v", got)
			}
			for i, w := range got {
				if !strings.Contains(w.Text, c.want[i]) {
					t.Errorf("got %q", w.Text)
				}
				if _, sets := c.policy.Settings[w.Setting]; !sets {
					t.Errorf("the warning is about %s, which the policy doesn't set", w.Setting)
				}
			}
		})
	}
}

func TestAPolicyThatContradictsItselfDrawsAWarning(t *testing.T) {
	p := devicepolicy.Policy{ID: "a", Settings: map[string]devicepolicy.Value{
		devicepolicy.EnableWebSignIn:              devicepolicy.IntValue(2),
		devicepolicy.DefaultCredentialProvider:    devicepolicy.TextValue(devicepolicy.ProviderWebSignIn),
		devicepolicy.EnablePasswordlessExperience: devicepolicy.IntValue(1),
		devicepolicy.UsePassportForWork:           devicepolicy.BoolValue(false),
	}}
	if got := p.Rivals(nil); len(got) != 2 {
		t.Errorf("got %+v", got)
	}
}
