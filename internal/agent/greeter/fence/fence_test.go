package fence_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/postern-id/postern/internal/agent/greeter/fence"
)

var rules = fence.Rules{
	Server: "id.contoso.example:8443", Hosts: []string{"idp.example.com", "=login.example.net"}, Redirect: "http://localhost",
}

func TestWhatATunnelMayLeadTo(t *testing.T) {
	tests := []struct {
		authority string
		want      bool
	}{
		{"id.contoso.example:8443", true},
		{"ID.Contoso.Example:8443", true},
		{"idp.example.com:443", true},
		{"www.idp.example.com:443", true},
		{"login.example.net:443", true},

		{"id.contoso.example:443", false}, // the server is one port of its machine
		{"id.contoso.example:22", false},
		{"www.id.contoso.example:8443", false},
		{"www.login.example.net:443", false},
		{"idp.example.com:80", false},
		{"idp.example.com:22", false},
		{"evilidp.example.com:443", false},
		{"idp.example.com.evil.example:443", false},
		{"evil.example:443", false},
		{"localhost:443", false},
		{"127.0.0.1:443", false},
		{"169.254.169.254:80", false},
		{"[::1]:443", false},
		// One spelling of each, and no other.
		{"idp.example.com", false},
		{"idp.example.com:", false},
		{"idp.example.com:0443", false},
		{"idp.example.com:+443", false},
		{"idp.example.com: 443", false},
		{"idp.example.com:443 ", false},
		{"idp.example.com:443/", false},
		{"idp.example.com:443,evil.example:443", false},
		{"idp.example.com:65979", false}, // 443 in 16 bits
		{"idp.example.com.:443", false},
		{".idp.example.com:443", false},
		{"..idp.example.com:443", false},
		{"idp.example.com@evil.example:443", false},
		{"evil.example@idp.example.com:443", false},
		{"evil.example:80@idp.example.com:443", false},
		{"evil.example#.idp.example.com:443", false},
		{"evil.example?.idp.example.com:443", false},
		{"evil.example/.idp.example.com:443", false},
		{`evil.example\.idp.example.com:443`, false},
		{"evil.example%00.idp.example.com:443", false},
		{"evil.example\x00.idp.example.com:443", false},
		{"evil.example\r\n.idp.example.com:443", false},
		{"idp%2eexample.com:443", false},
		{"idp。example。com:443", false},
		{"ıdp.example.com:443", false},
		{"[idp.example.com]:443", false},
		{"[fe80::1%25eth0]:443", false},
		{"[::ffff:127.0.0.1]:443", false},
		{"::1:443", false},
		{"2130706433:443", false},
		{"0x7f.1:443", false},
		{":443", false},
		{"", false},
		{strings.Repeat("a.", 300) + "idp.example.com:443", false},
		{strings.Repeat("a", 64) + ".idp.example.com:443", false},
	}
	for _, tt := range tests {
		got, err := rules.Target(tt.authority)
		if (err == nil) != tt.want {
			t.Errorf("%q: %v, %v", tt.authority, got, err)
		}
		if err != nil && !errors.Is(err, fence.ErrHost) {
			t.Errorf("%q: %v", tt.authority, err)
		}
	}
}

func TestAServerThatIsAnAddressIsThatAddress(t *testing.T) {
	r := fence.Rules{Server: "[2001:db8::1]:443"}
	if got, err := r.Target("[2001:DB8:0::1]:443"); err != nil || !got.Inside {
		t.Errorf("%v, %v", got, err)
	}
	if _, err := r.Target("[2001:db8::2]:443"); err == nil {
		t.Error("its neighbour is taken for it")
	}
}

func TestAddressesInside(t *testing.T) {
	for text, want := range map[string]bool{
		"93.184.216.34": true, "1.1.1.1": true, "2606:4700::1111": true,
		"127.0.0.1": false, "127.9.9.9": false, "0.0.0.0": false, "0.1.2.3": false, "10.0.0.1": false, "172.16.0.1": false, "172.31.255.255": false,
		"192.168.1.1": false, "169.254.169.254": false, "100.64.0.1": false, "100.100.100.200": false, "192.0.0.192": false, "198.18.0.1": false,
		"224.0.0.1": false, "255.255.255.255": false, "240.0.0.1": false,
		"::": false, "::1": false, "::ffff:127.0.0.1": false, "::ffff:169.254.169.254": false, "::ffff:10.0.0.1": false, "::127.0.0.1": false,
		"64:ff9b::7f00:1": false, "64:ff9b::a9fe:a9fe": false, "2002:7f00:1::": false, "fe80::1": false, "fec0::1": false, "fc00::1": false,
		"fd00:ec2::254": false, "ff02::1": false, "2001:db8::1": false,
	} {
		if got := fence.Public(netip.MustParseAddr(text)); got != want {
			t.Errorf("%s: %v", text, got)
		}
	}
	if fence.Public(netip.Addr{}) || fence.Public(netip.MustParseAddr("2606:4700::1%eth0")) {
		t.Error("no address at all is public")
	}
}

// A bench is a proxy as the browser meets it, in a network where every dial is noted.
type bench struct {
	*fence.Proxy
	t       *testing.T
	socket  string
	mu      sync.Mutex
	names   map[string][]string // DNS: one answer after the other
	dialled []string
	refused []string
	back    []url.Values
	far     string // where dials end
}

func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{t: t, names: map[string][]string{}, socket: filepath.Join(t.TempDir(), "p")}
	far := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "the far end") }))
	t.Cleanup(far.Close)
	b.far = far.Listener.Addr().String()
	b.Proxy = &fence.Proxy{
		Rules: rules,
		Returned: func(_ context.Context, v url.Values) bool {
			b.mu.Lock()
			defer b.mu.Unlock()
			b.back = append(b.back, v)
			return v.Get("state") == "mine"
		},
		Refused: func(host string, _ error) {
			b.mu.Lock()
			defer b.mu.Unlock()
			b.refused = append(b.refused, host)
		},
		Own: func() []netip.Addr { return []netip.Addr{netip.MustParseAddr("93.184.216.77")} },
		Lookup: func(_ context.Context, host string) ([]netip.Addr, error) {
			b.mu.Lock()
			defer b.mu.Unlock()
			answers := b.names[host]
			if len(answers) == 0 {
				return nil, errors.New("no such host")
			}
			if len(answers) > 1 {
				b.names[host] = answers[1:]
			}
			var all []netip.Addr
			for one := range strings.SplitSeq(answers[0], " ") {
				all = append(all, netip.MustParseAddr(one))
			}
			return all, nil
		},
		Dial: func(ctx context.Context, to netip.AddrPort) (net.Conn, error) {
			b.mu.Lock()
			b.dialled = append(b.dialled, to.String())
			b.mu.Unlock()
			return (&net.Dialer{}).DialContext(ctx, "tcp", b.far)
		},
	}
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "unix", b.socket)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- b.Serve(ctx, l) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return b
}

// say sends text as it is, and returns the status and all that came back.
func (b *bench) say(text string) (int, string) {
	b.t.Helper()
	conn, err := (&net.Dialer{}).DialContext(b.t.Context(), "unix", b.socket)
	if err != nil {
		b.t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	late := time.AfterFunc(10*time.Second, func() { _ = conn.Close() })
	defer late.Stop()
	if _, err := io.WriteString(conn, text); err != nil {
		b.t.Fatal(err)
	}
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		b.t.Fatalf("%q: %v", text, err)
	}
	defer func() { _ = res.Body.Close() }()
	body := make([]byte, 4096)
	n, _ := io.ReadAtLeast(res.Body, body, 1)
	return res.StatusCode, string(body[:n])
}

func (b *bench) connect(authority string) (int, string) {
	return b.say("CONNECT " + authority + " HTTP/1.1\r\nHost: idp.example.com:443\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
}

func TestATunnelLeadsToWhatWasResolvedOnce(t *testing.T) {
	b := newBench(t)
	b.names["idp.example.com"] = []string{"93.184.216.34", "127.0.0.1"} // another answer the second time
	status, body := b.connect("idp.example.com:443")
	if status != http.StatusOK || !strings.Contains(body, "the far end") || fmt.Sprint(b.dialled) != "[93.184.216.34:443]" {
		t.Errorf("%d %q, dialled %v", status, body, b.dialled)
	}
	if status, _ := b.connect("idp.example.com:443"); status != http.StatusForbidden || len(b.dialled) != 1 {
		t.Errorf("the name stands for this machine now: %d, dialled %v", status, b.dialled)
	}
}

func TestNamesThatStandForMachinesInside(t *testing.T) {
	for _, answer := range []string{"127.0.0.1", "169.254.169.254", "10.0.0.8", "::1", "::ffff:127.0.0.1", "93.184.216.34 192.168.0.1", "93.184.216.77"} {
		b := newBench(t)
		b.names["idp.example.com"] = []string{answer}
		if status, body := b.connect("idp.example.com:443"); status != http.StatusForbidden || len(b.dialled) > 0 || !strings.Contains(body, "webSignInAddress") {
			t.Errorf("%s: %d, dialled %v\n%s", answer, status, b.dialled, body)
		}
	}
}

func TestTheServerMayBeInside(t *testing.T) {
	b := newBench(t)
	b.names["id.contoso.example"] = []string{"10.0.0.8"}
	if status, _ := b.connect("id.contoso.example:8443"); status != http.StatusOK || fmt.Sprint(b.dialled) != "[10.0.0.8:8443]" {
		t.Errorf("%d, dialled %v", status, b.dialled)
	}
}

func TestARefusalNamesHostAndPolicy(t *testing.T) {
	b := newBench(t)
	for _, text := range []string{
		"CONNECT evil.example:443 HTTP/1.1\r\nHost: idp.example.com:443\r\n\r\n",
		"GET http://evil.example/x HTTP/1.1\r\nHost: localhost\r\n\r\n",
	} {
		status, body := b.say(text)
		if status != http.StatusForbidden || !strings.Contains(body, "evil.example") || !strings.Contains(body, "Authentication/ConfigureWebSignInAllowedUrls") {
			t.Errorf("%d %s", status, body)
		}
	}
	if fmt.Sprint(b.refused) != "[evil.example:443 evil.example]" {
		t.Errorf("told %v", b.refused)
	}
}

func TestARefusalRunsNothingOfThePage(t *testing.T) {
	b := newBench(t)
	if _, body := b.say("GET http://<script>alert(1)</script>/ HTTP/1.1\r\nHost: x\r\n\r\n"); strings.Contains(body, "<script>") {
		t.Error(body)
	}
}

func TestOddRequestsReachNothing(t *testing.T) {
	b := newBench(t)
	b.names["idp.example.com"] = []string{"93.184.216.34"}
	for _, text := range []string{
		"GET / HTTP/1.1\r\nHost: idp.example.com\r\n\r\n",
		"GET http://idp.example.com/ HTTP/1.1\r\nHost: idp.example.com\r\n\r\n",
		"GET https://idp.example.com/ HTTP/1.1\r\nHost: idp.example.com\r\n\r\n",
		"GET http://127.0.0.1:6010/enter/x HTTP/1.1\r\nHost: 127.0.0.1:6010\r\n\r\n",
		"GET http://169.254.169.254/latest/meta-data/ HTTP/1.1\r\nHost: 169.254.169.254\r\n\r\n",
		"GET ftp://idp.example.com/ HTTP/1.1\r\nHost: idp.example.com\r\n\r\n",
		"CONNECT / HTTP/1.1\r\nHost: idp.example.com:443\r\n\r\n",
		"CONNECT http://idp.example.com:443 HTTP/1.1\r\nHost: idp.example.com:443\r\n\r\n",
		"CONNECT user@idp.example.com:443 HTTP/1.1\r\nHost: idp.example.com:443\r\n\r\n",
		"CONNECT idp.example.com:443/../evil HTTP/1.1\r\nHost: idp.example.com:443\r\n\r\n",
		"CONNECT evil.example:443 HTTP/1.1\r\nHost: idp.example.com:443\r\nHost: evil.example\r\n\r\n",
		"POST http://localhost/?state=mine HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n",
		"GET http://localhost:80/?state=mine HTTP/1.1\r\nHost: localhost\r\n\r\n",
		"GET http://localhost/other?state=mine HTTP/1.1\r\nHost: localhost\r\n\r\n",
		"GET http://x@localhost/?state=mine HTTP/1.1\r\nHost: localhost\r\n\r\n",
		"GET https://localhost/?state=mine HTTP/1.1\r\nHost: localhost\r\n\r\n",
		"GET /?state=mine HTTP/1.1\r\nHost: localhost\r\n\r\n",
	} {
		if status, _ := b.say(text); status < 400 {
			t.Errorf("%d for %q", status, text)
		}
	}
	if len(b.dialled) > 0 || len(b.back) > 0 {
		t.Errorf("dialled %v, returned %v", b.dialled, b.back)
	}
}

func TestTheRedirectBelongsToOneSignIn(t *testing.T) {
	b := newBench(t)
	if status, body := b.say("GET http://localhost/?state=foreign&code=1 HTTP/1.1\r\nHost: localhost\r\n\r\n"); status != http.StatusNotFound {
		t.Errorf("%d %s", status, body)
	}
	if status, body := b.say("GET http://localhost/?state=mine&code=2 HTTP/1.1\r\nHost: localhost\r\n\r\n"); status != http.StatusOK || strings.Contains(body, "mine") {
		t.Errorf("%d %s", status, body)
	}
	if len(b.back) != 2 || b.back[1].Get("code") != "2" {
		t.Errorf("returned %v", b.back)
	}
}

func TestABrowserWaitsForWhatItShows(t *testing.T) {
	b := newBench(t)
	next := make(chan string, 1)
	b.Begin = func(ctx context.Context) (string, bool) {
		select {
		case <-ctx.Done():
			return "", false
		case to, ok := <-next:
			return to, ok
		}
	}
	const begin = "GET http://localhost/begin HTTP/1.1\r\nHost: localhost\r\n\r\n"
	next <- "https://id.contoso.example:8443/authorize"
	if status, _ := b.say(begin); status != http.StatusSeeOther {
		t.Errorf("%d", status)
	}
	close(next)
	if status, _ := b.say(begin); status != http.StatusNotFound {
		t.Errorf("a second time: %d", status)
	}
	if status, _ := b.say("GET http://localhost:8000/begin HTTP/1.1\r\nHost: localhost:8000\r\n\r\n"); status != http.StatusForbidden {
		t.Errorf("elsewhere: %d", status)
	}
}

func FuzzTarget(f *testing.F) {
	for _, one := range []string{"idp.example.com:443", "[::1]:443", "a@b:443", "id.contoso.example:8443", "x.idp.example.com:443"} {
		f.Add(one)
	}
	f.Fuzz(func(t *testing.T, authority string) {
		got, err := rules.Target(authority)
		if err != nil {
			return
		}
		// What is opened is what everybody else would read, too.
		if u, err := url.Parse("https://" + authority); err != nil || !strings.EqualFold(u.Hostname(), got.Host) || u.User != nil || u.Path != "" {
			t.Errorf("%q is taken for %v", authority, got)
		}
	})
}

func TestAnAdministratorTriesAHost(t *testing.T) {
	addresses := map[string]string{
		"id.contoso.example": "10.0.0.2", "inside.idp.example.com": "10.0.0.1", "a.idp.example.com": "93.184.216.34", "login.example.net": "93.184.216.34",
	}
	p := &fence.Proxy{Rules: rules, Own: func() []netip.Addr { return nil }, Lookup: func(_ context.Context, host string) ([]netip.Addr, error) {
		return []netip.Addr{netip.MustParseAddr(addresses[host])}, nil
	}}
	for host, want := range map[string]error{
		"id.contoso.example": nil, "a.idp.example.com": nil, "login.example.net": nil, "inside.idp.example.com": fence.ErrAddress,
		"a.login.example.net": fence.ErrHost, "elsewhere.example": fence.ErrHost, "10.0.0.1": fence.ErrHost, "https://idp.example.com": fence.ErrHost,
	} {
		if err := p.Try(t.Context(), host); !errors.Is(err, want) {
			t.Errorf("%s: %v", host, err)
		}
	}
}
