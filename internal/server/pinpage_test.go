package server_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/postern-id/postern/internal/agent/tpm/tpmtest"
	"github.com/postern-id/postern/internal/device"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/server"
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

// Who unlocks twenty times a day finds no list of a thousand sessions there: without a refresh
// token a session of a PIN is over with its access token.
func TestUnlocksLeaveNoSessionsBehind(t *testing.T) {
	var ahead time.Duration
	w := newWorld(t, func(o *server.Options) { o.Wall = func() time.Time { return time.Now().Add(ahead) } })
	_, pass := w.issue(`{"lifetimeInMinutes":480}`)
	p := withPINs(w, "admin@contoso.example", pass, tpmtest.New(t))
	c := p.create("246813")
	before := strings.Count(w.get("/security-info").body, `name="session"`)
	for range 3 {
		a := p.post("/oauth2/v2.0/token", url.Values{
			"grant_type": {device.GrantPIN}, "client_id": {string(directory.AgentAppID)},
			"assertion": {p.sign(byPIN{p.store, p.user, "246813"}, header(c), p.claims())},
			"scope":     {"openid profile " + string(directory.DeviceRegistrationAppID) + "/" + directory.DeviceScope},
		})
		p.tokens(a)
	}
	if now := strings.Count(w.get("/security-info").body, `name="session"`); now != before+3 {
		t.Errorf("%d sessions, then %d", before, now)
	}
	ahead = time.Hour
	if now := strings.Count(w.get("/security-info").body, `name="session"`); now != before {
		t.Errorf("an hour later there are %d sessions, and were %d before", now, before)
	}
}
