package greeter

import (
	"testing"

	"github.com/postern-id/postern/internal/agent/greeter/fence"
	"github.com/postern-id/postern/internal/agent/greeter/kiosk"
)

func TestTheBarNamesHostsAndPolicy(t *testing.T) {
	many := kiosk.Site{Server: "https://id.contoso.example:8443", Hosts: []string{"=a.example", "b.example", "c.example"}}
	for lang, want := range map[string]string{
		"en": "Opens id.contoso.example, a.example, b.example, … only (policy ConfigureWebSignInAllowedUrls)     ←  Back (Esc)",
		"de": "Öffnet nur id.contoso.example, a.example, b.example, … (Richtlinie ConfigureWebSignInAllowedUrls)     ←  Zurück (Esc)",
		"fr": "Opens id.contoso.example, a.example, b.example, … only (policy ConfigureWebSignInAllowedUrls)     ←  Back (Esc)",
	} {
		if got := bar(many, lang, ""); got != want {
			t.Errorf("%s: %s", lang, got)
		}
	}
}

func TestTheBarNamesWhatIsNotOpened(t *testing.T) {
	s := kiosk.Site{Server: "https://id.contoso.example"}
	if got := bar(s, "en", "evil.example"); got != "Can't open evil.example: policy ConfigureWebSignInAllowedUrls lists id.contoso.example     ←  Back (Esc)" {
		t.Error(got)
	}
	rules := fence.Rules{Server: "id.contoso.example:443", Hosts: []string{"idp.example.com"}}
	for title, want := range map[string]string{
		"evil.example": "evil.example", "10.0.0.1": "10.0.0.1",
		"id.contoso.example": "", "www.idp.example.com": "", "Sign in · Contoso": "", "": "", "localhost_/begin": "", "Version 1.2": "", "a.example/b": "",
		"<b>evil.example": "", "evil.example:8080": "",
	} {
		if got := refusedBy(title, rules); got != want {
			t.Errorf("%q: %q", title, got)
		}
	}
}
