package server_test

import (
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/postern-id/postern/internal/request"
	"github.com/postern-id/postern/internal/server"
)

// crowded is a world behind a proxy in which an address may begin 40 things an hour.
func crowded(t *testing.T, wall *time.Time) *world {
	return newWorld(t, func(o *server.Options) {
		o.Newcomers = 40
		o.Proxies = request.Proxies{netip.MustParsePrefix("127.0.0.0/8")}
		o.Wall = func() time.Time { return *wall }
	})
}

// from sends what somebody at an address would.
func (w *world) from(address, method, path string, form url.Values) answer {
	w.t.Helper()
	r := w.request(method, path, strings.NewReader(form.Encode()))
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	r.Header.Set("X-Forwarded-For", address)
	return w.do(r)
}

func (w *world) authorizePath() string {
	q := pushed()
	q.Set("client_id", cli)
	return "/" + w.created.TenantID + "/oauth2/v2.0/authorize?" + q.Encode()
}

func TestANetworkThatBeginsTooMuchIsSlowedDown(t *testing.T) {
	wall := time.Now()
	w := crowded(t, &wall)
	_, pass := w.issue(`{"isUsableOnce":false}`)
	if a := w.signIn(w.authorize(nil).location, "admin@contoso.example", pass); a.status != http.StatusSeeOther {
		t.Fatalf("%d", a.status)
	}
	known := w.browser.Jar
	w.newBrowser()

	flood := func(address string) (begun int) {
		for ; begun < 100; begun++ {
			if a := w.from(address, http.MethodGet, w.authorizePath(), nil); a.status != http.StatusSeeOther {
				break
			}
		}
		return begun
	}
	if n := flood("192.0.2.7"); n != 40 {
		t.Errorf("an address began %d sign-ins, want 40", n)
	}
	code := url.Values{"client_id": {cli}, "scope": {"openid"}}
	for name, a := range map[string]answer{
		"a sign-in":        w.from("192.0.2.7", http.MethodGet, w.authorizePath(), nil),
		"a pushed request": w.from("192.0.2.7", http.MethodPost, w.parPath(), pushed()),
		"a device code":    w.from("192.0.2.7", http.MethodPost, "/"+w.created.TenantID+"/oauth2/v2.0/devicecode", code),
		"one's own page":   w.from("192.0.2.7", http.MethodGet, "/security-info", nil),
		"a key of nobody":  w.provesFrom("192.0.2.7"),
	} {
		wait, err := strconv.Atoi(a.header.Get("Retry-After"))
		if a.status != http.StatusTooManyRequests || err != nil || wait < 1 || wait > 11 || !strings.Contains(a.body, "networkBusy") {
			t.Errorf("%s: %d, Retry-After %q\n%.300s", name, a.status, a.header.Get("Retry-After"), a.body)
		}
	}
	if a := w.from("192.0.2.8", http.MethodGet, w.authorizePath(), nil); a.status != http.StatusSeeOther {
		t.Errorf("a neighbour: %d", a.status)
	}
	w.browser.Jar = known
	path := w.authorizePath() + "&prompt=login"
	if a := w.from("192.0.2.7", http.MethodGet, path, nil); a.status != http.StatusSeeOther {
		t.Errorf("a browser in which somebody signed in: %d", a.status)
	}
	w.newBrowser()

	w.close()
	w.open()
	if n := flood("192.0.2.7"); n != 0 {
		t.Errorf("after a restart it began %d", n)
	}
	wall = wall.Add(11 * time.Second)
	if n := flood("192.0.2.7"); n != 20 {
		t.Errorf("after a while it began %d, want 20", n)
	}
}

// A wrong pass is an event of the log, which nobody removes: names that nobody has must not
// buy any number of them.
func TestANetworkThatTriesEverNewNamesIsSlowedDown(t *testing.T) {
	wall := time.Now()
	w := crowded(t, &wall)
	page := w.from("192.0.2.7", http.MethodGet, w.authorizePath(), nil).location
	tries := 0
	for ; tries < 100; tries++ {
		w.from("192.0.2.7", http.MethodPost, page, url.Values{"username": {"nobody" + strconv.Itoa(tries) + "@contoso.example"}})
		a := w.from("192.0.2.7", http.MethodPost, page, url.Values{"accesspass": {"WRONGWRONG"}})
		if a.status == http.StatusTooManyRequests {
			if a.header.Get("Retry-After") == "" || !strings.Contains(a.body, `data-error="networkBusy"`) {
				t.Errorf("the page says\n%s", a.body)
			}
			break
		}
	}
	if tries != 39 { // and the sign-in itself
		t.Errorf("%d names were tried from one address, want 39", tries)
	}
}

func TestReplicasShareWhatANetworkMayBegin(t *testing.T) {
	wall := time.Now()
	w := crowded(t, &wall)
	other := openWorld(t, w.options, w.created)
	begun := 0
	for range 30 {
		for _, one := range []*world{w, other} {
			if one.from("2001:db8::1", http.MethodGet, one.authorizePath(), nil).status == http.StatusSeeOther {
				begun++
			}
		}
	}
	if begun != 40 {
		t.Errorf("two replicas let an address begin %d sign-ins, want 40", begun)
	}
	for i := range 50 { // whoever has a whole network
		w.from("2001:db8:0:"+strconv.Itoa(i+1)+"::1", http.MethodGet, w.authorizePath(), nil)
	}
	if a := w.from("2001:db8:0:ff::1", http.MethodGet, w.authorizePath(), nil); a.status != http.StatusTooManyRequests {
		t.Errorf("another address of the network: %d", a.status)
	}
}

// provesFrom proves a key that belongs to no device.
func (w *world) provesFrom(address string) answer {
	w.t.Helper()
	m := newMachine(w)
	path := "/device/v1/" + w.created.TenantID + "/attestation"
	for {
		r := w.request(http.MethodPost, path, nil)
		r.Header.Set("X-Forwarded-For", address)
		r.Header.Set("DPoP", m.prove(http.MethodPost, w.site.URL+path, nil, ""))
		a := w.do(r)
		if had := m.nonce; had == "" && a.header.Get("DPoP-Nonce") != "" {
			m.nonce = a.header.Get("DPoP-Nonce")
			continue
		}
		return a
	}
}
