//go:build linux

package virtual_test

import (
	"maps"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

func TestADeviceIsForTheBrowserOfItsOwner(t *testing.T) {
	w := newWorld(t)
	t.Run("nobody else breaks it", func(t *testing.T) { nobodyElse(t, w.in(t)) })
	t.Run("it tells its key to nobody", func(t *testing.T) { tellsNobody(t, w.in(t)) })
	t.Run("it listens on this machine only", func(t *testing.T) { listensHere(t, w.in(t)) })
}

func nobodyElse(t *testing.T, w *world) {
	t.Helper()
	w.desktop(0)
	before := w.containers(0)
	if len(before) != 1 {
		t.Fatalf("the device has %d PINs", len(before))
	}
	site, other := w.site(0), w.site(1)
	known := w.stranger(0)
	blow := url.Values{"break": {"wipe"}}
	from := func(origin, fetch string) func(*http.Request) {
		return func(r *http.Request) {
			if origin != "" {
				r.Header.Set("Origin", origin)
			}
			if fetch != "" {
				r.Header.Set("Sec-Fetch-Site", fetch)
			}
		}
	}
	named := func(host string) func(*http.Request) {
		return func(r *http.Request) {
			r.Host = host
			r.Header.Set("Origin", "http://"+host)
		}
	}
	for name, c := range map[string]struct {
		client *http.Client
		change func(*http.Request)
		status int
	}{
		"without the cookie":              {&http.Client{}, from(site, "same-origin"), http.StatusForbidden},
		"with another device's cookie":    {w.stranger(1), from(site, "same-origin"), http.StatusForbidden},
		"from a foreign page":             {known, from("https://evil.example", ""), http.StatusForbidden},
		"from the other device's page":    {known, from(other, "same-site"), http.StatusForbidden},
		"from the sign-in server's page":  {known, from(w.created.PublicURL, ""), http.StatusForbidden},
		"from a page without a name":      {known, from("null", ""), http.StatusForbidden},
		"without an Origin":               {known, nil, http.StatusForbidden},
		"as a browser says, from outside": {known, from(site, "cross-site"), http.StatusForbidden},
		"by a name of the Internet":       {known, named("evil.example"), http.StatusMisdirectedRequest},
		"by that name with the port":      {known, named("evil.example:" + strings.TrimPrefix(site, "http://localhost:")), http.StatusMisdirectedRequest},
		"by number":                       {known, named(strings.Replace(site, "http://localhost", "127.0.0.1", 1)), http.StatusMisdirectedRequest},
	} {
		for _, path := range []string{"/bench", "/desktop"} {
			if status, _ := w.send(c.client, http.MethodPost, site+path, blow, c.change); status != c.status {
				t.Errorf("%s, %s: %d", name, path, status)
			}
		}
	}
	for name, change := range map[string]func(*http.Request){"without the cookie": nil, "by another name": named("evil.example")} {
		for _, path := range []string{"/bench", "/desktop", "/", "/new-pin"} {
			if status, body := w.send(&http.Client{}, http.MethodGet, site+path, nil, change); status < 400 || strings.Contains(body, "Administrator") {
				t.Errorf("%s, %s: %d", name, path, status)
			}
		}
	}
	if status, _ := w.send(&http.Client{}, http.MethodGet, site+"/enter/AAAAAAAAAAAAAAAAAAAAAAAAAA", nil, nil); status != http.StatusForbidden {
		t.Errorf("with a wrong key: %d", status)
	}
	if status, _ := w.send(known, http.MethodGet, site+"/bench?break=wipe&done=wipe", nil, from(site, "same-origin")); status != http.StatusOK {
		t.Errorf("the bench: %d", status)
	}
	if !maps.Equal(before, w.containers(0)) {
		t.Error("the PIN was broken")
	}
	if status, _ := w.send(known, http.MethodPost, site+"/bench", blow, from(site, "same-origin")); status != http.StatusSeeOther || len(w.containers(0)) != 0 {
		t.Errorf("the owner of the key: %d", status)
	}
}

// tellsNobody looks for the key of a device where others may see it.
func tellsNobody(t *testing.T, w *world) {
	t.Helper()
	key := w.devices[0].URL[strings.LastIndex(w.devices[0].URL, "/")+1:]
	u, err := url.Parse(w.site(0))
	w.must(err)
	for _, c := range w.stranger(0).Jar.Cookies(u) {
		if strings.Contains(c.Value, key) {
			t.Errorf("the cookie %s holds the key: any program of this machine may see it", c.Name)
		}
	}
	if strings.Contains(w.log.String(), key) {
		t.Error("the log holds the key")
	}
	names := map[string]bool{}
	for device := range w.devices {
		for _, c := range w.stranger(device).Jar.Cookies(u) {
			if names[c.Name] {
				t.Errorf("two devices share the cookie %s", c.Name)
			}
			names[c.Name] = true
		}
	}
}

// listensHere tries the devices' ports from every other address of this machine.
func listensHere(t *testing.T, w *world) {
	t.Helper()
	addresses, err := net.InterfaceAddrs()
	w.must(err)
	for device := range w.devices {
		_, port, err := net.SplitHostPort(strings.TrimPrefix(w.site(device), "http://"))
		w.must(err)
		for _, a := range addresses {
			ip, _, err := net.ParseCIDR(a.String())
			if err != nil || ip.IsLoopback() || ip.To4() == nil {
				continue
			}
			if conn, err := net.DialTimeout("tcp", net.JoinHostPort(ip.String(), port), time.Second); err == nil {
				_ = conn.Close()
				t.Errorf("%s answers at %s", w.devices[device].Name, ip)
			}
		}
	}
}
