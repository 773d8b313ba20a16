package greeter

import (
	"testing"

	"github.com/postern-id/postern/internal/agent/greeter/kiosk"
)

func TestTheBarNamesHostsAndPolicy(t *testing.T) {
	many := kiosk.Site{Server: "https://id.contoso.example:8443", Hosts: []string{"=a.example", "b.example", "c.example"}}
	for lang, want := range map[string]string{
		"en": "Opens id.contoso.example, a.example, b.example, … only (policy ConfigureWebSignInAllowedUrls)     ←  Back (Esc)",
		"de": "Öffnet nur id.contoso.example, a.example, b.example, … (Richtlinie ConfigureWebSignInAllowedUrls)     ←  Zurück (Esc)",
		"fr": "Opens id.contoso.example, a.example, b.example, … only (policy ConfigureWebSignInAllowedUrls)     ←  Back (Esc)",
	} {
		if got := bar(many, lang); got != want {
			t.Errorf("%s: %s", lang, got)
		}
	}
}
