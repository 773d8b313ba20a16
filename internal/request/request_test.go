package request

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"
)

func TestNobodyChoosesTheirOwnAddress(t *testing.T) {
	proxies := Proxies{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}
	for _, c := range []struct {
		name    string
		proxies Proxies
		peer    string
		headers []string
		want    string
	}{
		{"no proxy, no header", nil, "192.0.2.1:4711", nil, "192.0.2.1"},
		{"no proxy is trusted", nil, "10.0.0.1:4711", []string{"203.0.113.9"}, "10.0.0.1"},
		{"the peer is no proxy", proxies, "192.0.2.1:4711", []string{"203.0.113.9"}, "192.0.2.1"},
		{"behind a proxy", proxies, "10.0.0.1:4711", []string{"203.0.113.9"}, "203.0.113.9"},
		{"the client made up the first entry", proxies, "10.0.0.1:4711", []string{"127.0.0.1, 203.0.113.9"}, "203.0.113.9"},
		{"the client made up a proxy", proxies, "10.0.0.1:4711", []string{"10.0.0.2, 203.0.113.9"}, "203.0.113.9"},
		{"two proxies", proxies, "10.0.0.1:4711", []string{"203.0.113.9, 10.0.0.2"}, "203.0.113.9"},
		{"two headers", proxies, "10.0.0.1:4711", []string{"127.0.0.1", "203.0.113.9"}, "203.0.113.9"},
		{"only proxies", proxies, "10.0.0.1:4711", []string{"10.0.0.3, 10.0.0.2"}, "10.0.0.3"},
		{"no header behind a proxy", proxies, "10.0.0.1:4711", nil, "10.0.0.1"},
		{"nonsense stops the walk", proxies, "10.0.0.1:4711", []string{"203.0.113.9, x, 10.0.0.2"}, "10.0.0.2"},
		{"an IPv4 address in IPv6", proxies, "[::ffff:10.0.0.1]:4711", []string{"::ffff:203.0.113.9"}, "203.0.113.9"},
		{"IPv6 with a zone and a port", proxies, "[fd00::1]:4711", []string{"[2001:db8::9]:1234"}, "2001:db8::9"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodGet, "/", nil)
			r.RemoteAddr = c.peer
			r.Header["X-Forwarded-For"] = c.headers
			// Headers of other conventions are nobody's word.
			for _, name := range []string{"X-Real-Ip", "Forwarded", "True-Client-Ip", "Cf-Connecting-Ip"} {
				r.Header.Set(name, "for=198.51.100.1")
			}
			if got := c.proxies.Address(r); got.String() != c.want {
				t.Errorf("Address = %s, want %s", got, c.want)
			}
		})
	}
}

func FuzzAddress(f *testing.F) {
	for _, seed := range []string{"", "203.0.113.9", "203.0.113.9, 10.0.0.2", "[::1]:99", ",,,", "fe80::1%eth0", "\x00"} {
		f.Add(seed)
	}
	proxies := Proxies{netip.MustParsePrefix("10.0.0.0/8")}
	f.Fuzz(func(t *testing.T, header string) {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.RemoteAddr = "10.0.0.1:4711"
		r.Header["X-Forwarded-For"] = []string{header}
		if a := proxies.Address(r); !a.IsValid() || a.Zone() != "" {
			t.Errorf("%q gives %q", header, a)
		}
		r.RemoteAddr = "192.0.2.1:4711"
		if a := proxies.Address(r); a.String() != "192.0.2.1" {
			t.Errorf("%q from outside gives %s", header, a)
		}
	})
}

func TestACorrelationIDIsAnIDOrOurs(t *testing.T) {
	for sent, kept := range map[string]bool{
		"4F6D7D1C-8f0e-4c55-9d5e-2f6a3a9d4e11": true, "": false, "x": false, "4f6d7d1c-8f0e-4c55-9d5e-2f6a3a9d4e11\"": false,
	} {
		var got Facts
		h := Middleware(nil, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = From(r.Context()) }))
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header.Set("client-request-id", sent)
		r.Header.Set("User-Agent", strings.Repeat("ü\n", 600))
		h.ServeHTTP(httptest.NewRecorder(), r)
		asked := httptest.NewRecorder()
		var query Facts
		Middleware(nil, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { query = From(r.Context()) })).
			ServeHTTP(asked, httptest.NewRequest(http.MethodGet, "/authorize?client-request-id="+url.QueryEscape(sent), nil))
		if kept != (query.CorrelationID == strings.ToLower(sent)) {
			t.Errorf("%q in the address gives %+v", sent, query)
		}
		if kept != (got.CorrelationID == strings.ToLower(sent)) || got.CorrelationID == "" || got.UserAgent != "" {
			t.Errorf("%q gives %+v", sent, got)
		}
	}
}

func TestACallInTheSameProcessKeepsTheBrowsersAddress(t *testing.T) {
	var inner Facts
	whole := Middleware(nil, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { inner = From(r.Context()) }))
	outer := Middleware(nil, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		call := httptest.NewRequestWithContext(r.Context(), http.MethodGet, "/v1.0/me", nil)
		call.RemoteAddr = ""
		call.Header.Set("X-Forwarded-For", "198.51.100.1")
		whole.ServeHTTP(w, call)
		if own := From(r.Context()); inner.RequestID == own.RequestID {
			t.Error("two requests have one id")
		}
	}))
	r := httptest.NewRequest(http.MethodGet, "/console/", nil)
	r.RemoteAddr = "192.0.2.1:4711"
	r.Header.Set("User-Agent", "Firefox")
	outer.ServeHTTP(httptest.NewRecorder(), r)
	if inner.Address.String() != "192.0.2.1" || inner.UserAgent != "Firefox" {
		t.Errorf("the call comes from %s, %q", inner.Address, inner.UserAgent)
	}
}
