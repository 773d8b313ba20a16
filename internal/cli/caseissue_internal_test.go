package cli

import (
	"strings"
	"testing"

	"github.com/postern-id/postern/internal/graphclient"
)

func TestASlipSaysWhatThePassIsFor(t *testing.T) {
	for purpose, want := range map[string]string{
		"": "To sign in.", "general": "To sign in.", "registerMethods": "Only to set up a way to sign in.",
		"signIn:7d3e1c52-0b9f-4f0f-9a55-6f1c2d3e4f50":   "Only to sign in on one computer.",
		"resetPin:7d3e1c52-0b9f-4f0f-9a55-6f1c2d3e4f50": "Only to choose a new PIN on one computer.",
	} {
		one := graphclient.Object{
			"number": "R-7K4MQ2", "userDisplayName": "Mira Falk", "userPrincipalName": "mira@contoso.example",
			"pass":                      map[string]any{"postern_purpose": purpose, "isUsableOnce": purpose != "", "endDateTime": "2026-11-27T15:00:00Z"},
			"temporaryAccessPassMethod": map[string]any{"temporaryAccessPass": "2Z63PREYF7K8"},
		}
		got := slip(one, "https://id.contoso.example")
		often := "It works once, until "
		if purpose == "" {
			often = "It works many times, until "
		}
		for _, line := range []string{"A pass for Mira Falk\n", "    2Z63PREYF7K8\n", "\nWhat it is for: " + want + "\n", often, "\nSign in at https://id.contoso.example.\n"} {
			if !strings.Contains(got, line) {
				t.Errorf("%s: %q is not in\n%s", purpose, line, got)
			}
		}
	}
}
