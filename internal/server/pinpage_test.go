package server_test

import (
	"net/http"
	"strings"
	"testing"
)

// Whoever is at somebody's device with a pass of theirs can't keep it from them: their own page
// says what was done, on which device, however often they unlocked it since.
func TestAPersonsPageSaysWhatWasDoneToTheirPINs(t *testing.T) {
	p, c := rotated(t)
	p.byThePIN(c, "246813")
	if err := p.store.Rotate(t.Context(), p, p.user, "246813"); err != nil {
		t.Fatal(err)
	}
	p.w.newBrowser()
	_, pass := p.w.issue(`{}`)
	p.access = p.token("admin@contoso.example", pass)
	if err := p.store.Reset(t.Context(), p, p.user, "864209"); err != nil {
		t.Fatal(err)
	}
	now, err := p.store.Find(p.user)
	if err != nil {
		t.Fatal(err)
	}
	for range 12 {
		p.tokens(p.signInWith(now, "864209"))
	}
	for language, want := range map[string][]string{
		"en": {"Device joined: LT-0451", "Device PIN set up on LT-0451", "Key of the device PIN renewed by itself on LT-0451", "Forgotten device PIN replaced on LT-0451", "Signed in with a device PIN"},
		"de": {"Gerät beigetreten: LT-0451", "Geräte-PIN eingerichtet auf LT-0451", "Schlüssel der Geräte-PIN von selbst erneuert auf LT-0451", "Vergessene Geräte-PIN ersetzt auf LT-0451"},
	} {
		r := p.w.request(http.MethodGet, "/security-info", nil)
		r.Header.Set("Accept-Language", language)
		page := p.w.do(r)
		for _, text := range want {
			if page.status != http.StatusOK || !strings.Contains(page.body, text) {
				t.Errorf("%s: the page does not say %q: %d\n%s", language, text, page.status, page.body)
			}
		}
	}
}
