package server_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/postern-id/postern/internal/agent/greeter/fence"
	"github.com/postern-id/postern/internal/devicepolicy"
	"github.com/postern-id/postern/internal/fault"
	"github.com/postern-id/postern/internal/saml"
)

// A pasture is the network behind the fence of a lock screen: every name stands for one address of
// the internet, where one provider answers to all, and w is where it is.
type pasture struct {
	mu      sync.Mutex
	dialled []string
	refused map[string]string // host to code
	back    url.Values
}

// fenced is a lock screen's browser at w, whose policy lists hosts.
func (w *world) fenced(provider *httptest.Server, hosts ...string) *pasture {
	w.t.Helper()
	p := &pasture{refused: map[string]string{}}
	authority, err := fence.Authority(w.site.URL)
	if err != nil {
		w.t.Fatal(err)
	}
	proxy := &fence.Proxy{
		Rules:    fence.Rules{Server: authority, Hosts: devicepolicy.ListValue(hosts...).List(), Redirect: callback},
		Returned: func(_ context.Context, v url.Values) bool { p.back = v; return true },
		Refused: func(host string, why error) {
			p.mu.Lock()
			defer p.mu.Unlock()
			p.refused[host] = "no fault"
			if f, ok := errors.AsType[*fault.Error](why); ok {
				p.refused[host] = f.Code
			}
		},
		Own: func() []netip.Addr { return nil },
		Lookup: func(context.Context, string) ([]netip.Addr, error) {
			return []netip.Addr{netip.MustParseAddr("93.184.216.34")}, nil
		},
		Dial: func(ctx context.Context, to netip.AddrPort) (net.Conn, error) {
			p.mu.Lock()
			p.dialled = append(p.dialled, to.String())
			p.mu.Unlock()
			address := to.String()
			if address != authority {
				address = provider.Listener.Addr().String()
			}
			return (&net.Dialer{}).DialContext(ctx, "tcp", address)
		},
	}
	l, err := (&net.ListenConfig{}).Listen(w.t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		w.t.Fatal(err)
	}
	ctx, end := context.WithCancel(w.t.Context())
	ended := make(chan error, 1)
	go func() { ended <- proxy.Serve(ctx, l) }()
	w.newBrowser()
	way := w.site.Client().Transport.(*http.Transport).Clone()
	way.Proxy = http.ProxyURL(&url.URL{Scheme: "http", Host: l.Addr().String()})
	w.browser.Transport = way
	w.t.Cleanup(func() {
		end()
		way.CloseIdleConnections()
		if err := <-ended; err != nil {
			w.t.Error(err)
		}
	})
	return p
}

// opens reports whether a page of the browser gets at an address, and at what it says.
func (w *world) opens(address string) (string, bool) {
	w.t.Helper()
	r, err := http.NewRequestWithContext(w.t.Context(), http.MethodGet, address, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	res, err := w.browser.Do(r)
	if err != nil {
		return err.Error(), false
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	return string(body), err == nil && res.StatusCode == http.StatusOK
}

// Web sign-in at a lock screen leads to the provider of a federated domain if policy lists it, and the
// way back ends at the screen. A page of that provider gets nowhere else.
func TestALockScreenOpensTheProviderOfAFederatedDomainAndNothingElse(t *testing.T) {
	const host, sso = "idp.example.com", "https://idp.example.com/sso"
	provider := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "a page of "+r.Host)
	}))
	t.Cleanup(provider.Close)
	w, _ := newSAMLFederated(t, map[string]any{"passiveSignInUri": sso})
	m, out, _ := joined(t, w)
	leave := func() (page, to string) {
		page = w.present(m.push(webSignIn(out.DeviceID))).location
		w.post(page, url.Values{"username": {upn}})
		return page, w.get(strings.Replace(page, "/signin?", "/signin/upstream?", 1)).location
	}

	p := w.fenced(provider)
	_, to := leave()
	if said, opened := w.opens(to); opened || p.refused[host+":443"] != fence.ErrHost.Code {
		t.Errorf("policy lists nothing: %q, refused %v", said, p.refused)
	}

	p = w.fenced(provider, "="+host)
	page, to := leave()
	if said, opened := w.opens(to); !opened || said != "a page of "+host {
		t.Fatalf("the provider of %q: %q, refused %v", to, said, p.refused)
	}
	there := len(p.dialled)
	for _, other := range []string{
		"https://example.com/", "https://login.example.com/", "https://idp.example.com:8443/", "http://idp.example.com/", "https://idp.fabrikam.example/",
		"https://93.184.216.34/", "https://127.0.0.1/", "http://127.0.0.1:8000/", "http://169.254.169.254/latest/meta-data/", "http://localhost/",
	} {
		if said, opened := w.opens(other); opened {
			t.Errorf("a page of the provider gets at %s: %q", other, said)
		}
	}
	if len(p.dialled) != there || len(p.refused) == 0 {
		t.Errorf("dialled %v, refused %v", p.dialled[there:], p.refused)
	}

	_, query, _ := strings.Cut(to, "?")
	e, err := saml.FromRedirect(query)
	if err != nil {
		t.Fatal(err)
	}
	in, err := saml.Read(e)
	if err != nil {
		t.Fatal(err)
	}
	meta := w.spMetadata()
	q, err := in.AuthnRequest(saml.Expect{Trust: saml.Trust{Certificates: meta.SP.Signing, Now: time.Now()}, Issuer: meta.EntityID, Destination: sso}, true)
	if err != nil {
		t.Fatal(err)
	}
	brought := w.post("/"+w.created.TenantID+"/federation/saml/acs", w.answerSAML(q, e.RelayState, samlUpstream(), nil))
	action, form := w.posted(brought)
	if a := w.post(action, form); a.location != page {
		t.Fatalf("back: %d %q\n%s", a.status, a.location, a.body)
	}
	done := w.get(w.post(page, url.Values{"stay": {"no"}}).location)
	if said, opened := w.opens(done.location); !opened || p.back.Get("code") == "" {
		t.Fatalf("the redirect %q: %q", done.location, said)
	}
	if tokens := m.redeem(p.back.Get("code")); claimsOf(t, tokens["id_token"])["preferred_username"] != upn {
		t.Errorf("the screen gets %v", tokens)
	}
}
