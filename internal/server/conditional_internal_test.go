package server

import (
	"testing"

	"github.com/postern-id/postern/internal/access"
)

// Rules that can't be understood let nobody in: they are an error, and not the want of rules.
func TestRulesThatNameWhatIsGoneAreNoRulesThatLetIn(t *testing.T) {
	var c conditional
	rules, err := c.compile(access.Rules{Version: 1, Policies: []access.Policy{{
		ID: "p", State: access.Enabled, Conditions: access.Conditions{
			Users: access.Users{IncludeUsers: []string{access.All}}, Applications: access.Applications{Include: []string{access.All}},
			Locations: &access.Targets{Include: []string{"gone"}},
		},
	}}})
	if err == nil {
		t.Errorf("they come to %+v", rules)
	}
}
