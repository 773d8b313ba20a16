package outbound

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"
)

func TestWhatIsToldOfAFailedCallNamesNothingInside(t *testing.T) {
	served := httptest.NewTLSServer(http.NotFoundHandler())
	t.Cleanup(served.Close)
	plain := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(plain.Close)
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	loopback := []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	call := func(address string, networks []netip.Prefix) error {
		client := NewClient(nil, networks, 5*time.Second)
		defer client.CloseIdleConnections()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, address, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := client.Do(r)
		if err == nil {
			_ = answer.Body.Close()
		}
		return err
	}
	resolver := &net.OpError{Op: "dial", Net: "udp", Addr: &net.UDPAddr{IP: net.IPv4(10, 1, 2, 3), Port: 53}, Err: &net.DNSError{
		Err: "server misbehaving", Name: "db.inside.example", Server: "10.1.2.3:53",
	}}
	for name, c := range map[string]struct{ err, want error }{
		"an address inside":                    {call(plain.URL, nil), ErrForbidden},
		"nobody listens":                       {call(gone.URL, loopback), errConnect},
		"a certificate of somebody":            {call(served.URL, loopback), errTrust},
		"no TLS":                               {call(strings.Replace(plain.URL, "http:", "https:", 1), loopback), errFailed},
		"a resolver inside":                    {&url.Error{Op: "Post", URL: "https://db.inside.example/?secret", Err: resolver}, errName},
		"it took too long":                     {&url.Error{Op: "Post", URL: "https://db.inside.example", Err: fmt.Errorf("10.1.2.3: %w", context.DeadlineExceeded)}, errTimeout},
		"a name that its certificate has not":  {&url.Error{Op: "Post", URL: "https://x", Err: &tls.CertificateVerificationError{Err: errors.New("db.inside.example")}}, errTrust},
		"something that nobody thought of yet": {errors.New("10.1.2.3 said db.inside.example"), errFailed},
	} {
		if c.err == nil {
			t.Fatalf("%s: it was called", name)
		}
		got := Told(c.err)
		if got.Error() != c.want.Error() { // these words, and nothing around them
			t.Errorf("%s: %v is told as %q", name, c.err, got)
		}
	}
	if Told(nil) != nil {
		t.Error("a call that worked failed")
	}
}
