package link_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync/atomic"
	"testing"
	"time"

	"github.com/postern-id/postern/internal/agent/link"
	"github.com/postern-id/postern/internal/device"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/dpop"
	"github.com/postern-id/postern/internal/fault"
	"github.com/postern-id/postern/internal/graphclient"
)

// newLink is a link to a server that answers with serve.
func newLink(t *testing.T, serve http.HandlerFunc) *link.Link {
	t.Helper()
	site := httptest.NewServer(serve)
	t.Cleanup(site.Close)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return &link.Link{Base: site.URL, Tenant: "tenant", HTTP: site.Client(), Key: key, Now: time.Now}
}

func TestACallIsProvedWithTheServersNonceAndTime(t *testing.T) {
	calls := 0
	var l *link.Link
	l = newLink(t, func(w http.ResponseWriter, r *http.Request) {
		calls++
		ahead := time.Now().Add(3 * time.Hour)
		w.Header().Set("Date", ahead.UTC().Format(http.TimeFormat))
		w.Header().Set("DPoP-Nonce", "fresh")
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		_, err = device.Verify(r.Header.Get("DPoP"), dpop.Want{Method: r.Method, URL: l.Base + r.URL.Path, Now: ahead, Nonces: []string{"fresh"}}, body)
		if err != nil {
			w.WriteHeader(http.StatusUnauthorized)
			_, _ = w.Write([]byte(`{"error":{"code":"dpopNonceNeeded","message":"No."}}`))
			return
		}
		_, _ = w.Write([]byte(`{"renewAt":"2026-03-02T09:00:00Z"}`))
	})
	for range 2 {
		if _, err := l.Renew(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if calls != 3 {
		t.Errorf("%d calls for two; only the first has to be repeated", calls)
	}
	if off := l.Offset(); off < 2*time.Hour+59*time.Minute {
		t.Errorf("the server seems %v ahead", off)
	}
}

func TestARefusalIsRepeatedOnceAtMost(t *testing.T) {
	calls := 0
	l := newLink(t, func(w http.ResponseWriter, _ *http.Request) {
		calls++
		w.Header().Set("DPoP-Nonce", time.Now().String()) // another one each time
		w.WriteHeader(http.StatusUnauthorized)
	})
	if err := l.Leave(t.Context()); !errors.Is(err, link.ErrRefused) || calls != 2 {
		t.Errorf("%v after %d calls", err, calls)
	}
}

// A machine that was asleep or elsewhere has connections that nobody hears any more.
func TestWhatIsSentOnceIsNotSentOverADeadConnection(t *testing.T) {
	l := newLink(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`{}`)) })
	var opened []*deaf
	l.HTTP.Transport.(*http.Transport).DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
		opened = append(opened, &deaf{Conn: conn})
		return opened[len(opened)-1], err
	}
	l.HTTP.Timeout = 10 * time.Second
	for name, send := range map[string]func() error{
		"a pass": func() error { _, err := l.SignIn(t.Context(), device.SignInRequest{}); return err },
		"a code": func() error { return l.Form(t.Context(), "token", url.Values{}, &struct{}{}) },
	} {
		if _, err := l.Renew(t.Context()); err != nil {
			t.Fatal(err)
		}
		for _, conn := range opened {
			conn.dead.Store(true)
		}
		if err := send(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		l.HTTP.CloseIdleConnections()
	}
}

// deaf is a connection that can die: what is written goes nowhere.
type deaf struct {
	net.Conn
	dead atomic.Bool
}

func (d *deaf) Write(p []byte) (int, error) {
	if d.dead.Load() {
		return len(p), nil
	}
	return d.Conn.Write(p)
}

func TestRefusalsAreTold(t *testing.T) {
	for name, test := range map[string]struct {
		status int
		body   string
		want   error
		kind   fault.Kind
		wait   int
		aadsts int
	}{
		"by the device API": {403, `{"error":{"code":"deviceDisabled","message":"Off.","correlationId":"c"}}`, directory.ErrDeviceDisabled, fault.Forbidden, 7, 0},
		"unknown":           {404, `{"error":{"code":"deviceUnknown","message":"Who?"}}`, directory.ErrDeviceUnknown, fault.NotFound, 7, 0},
		"by OAuth": {
			400, `{"error":"invalid_grant","error_description":"AADSTS130004: No such PIN.\r\nTrace ID: x"}`, link.ErrRefused, fault.Invalid, 7, 130004,
		},
		"busy":      {429, `{"error":{"code":"tooManyRequests","message":"Wait."}}`, &fault.Error{Code: "tooManyRequests"}, fault.TooMany, 7, 0},
		"an outage": {502, `<html>Bad gateway</html>`, link.ErrRefused, fault.Unavailable, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLink(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Retry-After", "7")
				w.WriteHeader(test.status)
				_, _ = w.Write([]byte(test.body))
			})
			err := l.Form(t.Context(), "token", url.Values{}, nil)
			f, ok := errors.AsType[*fault.Error](err)
			if !ok || !errors.Is(err, test.want) || f.Kind != test.kind || link.AADSTS(err) != test.aadsts || test.wait > 0 && f.RetryAfter != test.wait {
				t.Errorf("got %v, %+v", err, f)
			}
		})
	}
}

func TestTheServerHasToBeTheOneThatWasAskedFor(t *testing.T) {
	l := newLink(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`{"version":1,"tenantId":"tenant","issuer":"https://elsewhere.example/tenant/v2.0"}`))
	})
	if _, err := link.Discover(t.Context(), l.HTTP, l.Base, "contoso.example"); !errors.Is(err, graphclient.ErrAnswer) {
		t.Errorf("another name: %v", err)
	}
	l = newLink(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`{"version":2,"tenantId":"tenant"}`))
	})
	if _, err := link.Discover(t.Context(), l.HTTP, l.Base, "contoso.example"); !errors.Is(err, link.ErrVersion) {
		t.Errorf("another version: %v", err)
	}
	if _, err := link.Client([]byte("no PEM")); !errors.Is(err, link.ErrCA) {
		t.Errorf("a CA that is none: %v", err)
	}
}
