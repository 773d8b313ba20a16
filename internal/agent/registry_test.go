package agent_test

import (
	"testing"

	"github.com/postern-id/postern/internal/agent"
	"github.com/postern-id/postern/internal/agent/policy"
	"github.com/postern-id/postern/internal/devicepolicy"
)

func TestValuesOfTheRegistryAreThoseOfTheCatalog(t *testing.T) {
	const unknown = "./Device/Vendor/Postern/Nothing"
	for _, c := range []struct {
		uri  string
		data any
		want devicepolicy.Value
		ok   bool // taken
	}{
		{devicepolicy.RequireSecurityDevice, uint64(1), devicepolicy.BoolValue(true), true},
		{devicepolicy.RequireSecurityDevice, uint64(0), devicepolicy.BoolValue(false), true},
		{devicepolicy.RequireSecurityDevice, uint64(2), devicepolicy.IntValue(2), false},
		{devicepolicy.OfflineDays, uint64(3), devicepolicy.IntValue(3), true},
		{devicepolicy.OfflineDays, "3", devicepolicy.TextValue("3"), false},
		{devicepolicy.HelpText, "Call us", devicepolicy.TextValue("Call us"), true},
		{devicepolicy.ResetProofs, []string{"fido2"}, devicepolicy.ListValue("fido2"), true},
		{unknown, uint64(1), devicepolicy.IntValue(1), false},
	} {
		v, err := agent.FromRegistry(c.uri, "tenant", c.data)
		if err != nil || !v.Equal(c.want) {
			t.Errorf("%s = %v: %v, %v", c.uri, c.data, v, err)
		}
		taken, wrong := policy.CheckLocal(map[string]devicepolicy.Value{c.uri: v}, "tenant")
		if (len(taken) == 1) != c.ok || (len(wrong) == 0) != c.ok {
			t.Errorf("%s = %v: %v, %v", c.uri, c.data, taken, wrong)
		}
	}
}
