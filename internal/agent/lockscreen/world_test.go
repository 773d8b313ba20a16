//go:build linux

package lockscreen_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/html"

	"github.com/postern-id/postern/internal/agent"
	"github.com/postern-id/postern/internal/agent/lockscreen"
	"github.com/postern-id/postern/internal/agent/tpm/tpmtest"
	"github.com/postern-id/postern/internal/device"
	"github.com/postern-id/postern/internal/graphclient"
	"github.com/postern-id/postern/internal/server"
)

const (
	admin     = "admin@contoso.example"
	mira      = "mira@contoso.example"
	firstPIN  = "271828"
	secondPIN = "314159"
)

// A world is a server with a tenant, and a device that has joined, with a seat and its screen.
type world struct {
	t       *testing.T
	created server.Created
	site    *httptest.Server
	down    atomic.Bool                // the network is cut
	another atomic.Pointer[tls.Config] // who answers in the server's place; nil for nobody
	agent   *agent.Agent
	options agent.Options
	now     atomic.Int64 // how far the machine's clock is off
	seat    *seat
	log     bytes.Buffer
	screen  *lockscreen.Screen
	lock    *httptest.Server // what the lock screen's browser reaches
	handler atomic.Pointer[http.Handler]

	policies map[string]string // ids, by URI
}

func newWorld(t *testing.T, change ...func(*agent.Join)) *world {
	t.Helper()
	chip := tpmtest.New(t)
	w := &world{t: t}
	w.site = httptest.NewUnstartedServer(nil)
	w.site.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug)
	w.site.TLS = &tls.Config{GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) { return w.another.Load(), nil }}
	w.site.StartTLS()
	t.Cleanup(w.site.Close)
	o := server.Options{
		Dir: t.TempDir(), PublicURL: w.site.URL, Hold: time.Millisecond, TPMRoots: chip.CA(), Log: slog.New(slog.DiscardHandler),
	}
	var err error
	w.created, err = server.Init(t.Context(), o, server.NewTenant{
		Domain: "contoso.example", Admin: "admin", TimeZone: "UTC", EnableTAP: true, App: "automation",
	})
	must(t, err)
	s, err := server.Open(t.Context(), o)
	must(t, err)
	s.Start()
	t.Cleanup(func() { _ = s.Close() })
	w.site.Config.Handler = http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if w.down.Load() {
			panic(http.ErrAbortHandler) // nobody answers
		}
		s.Handler().ServeHTTP(rw, r)
	})
	w.graph(http.MethodPost, "/v1.0/users", `{"accountEnabled":true,"displayName":"Mira Okafor","mailNickname":"mira","userPrincipalName":"`+mira+`","passwordProfile":{}}`, http.StatusCreated, nil)

	state, err := os.MkdirTemp("", "lock") //nolint:usetesting // a short path, for the name of a socket
	must(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(state) })
	w.options = agent.Options{
		State: state, TPM: chip.Where(), CA: w.ca(), Version: "test", Log: slog.New(slog.DiscardHandler),
		Now: func() time.Time { return time.Now().Add(time.Duration(w.now.Load())) },
	}
	w.agent, err = agent.Open(w.options)
	must(t, err)
	t.Cleanup(func() { _ = w.agent.Close() })
	join := agent.Join{
		Server: w.site.URL, UPN: admin, DisplayName: "LT-0451", SignIn: agent.WithPass(admin, graphclient.NewSecret(w.pass(admin))),
	}
	for _, f := range change {
		f(&join)
	}
	must(t, w.agent.Join(t.Context(), join))
	w.lock = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { (*w.handler.Load()).ServeHTTP(rw, r) }))
	t.Cleanup(w.lock.Close)
	// The host has to be that of the redirect, which servers know as localhost.
	w.lock.URL = strings.Replace(w.lock.URL, "127.0.0.1", "localhost", 1)
	w.seat = &seat{back: w.lock.URL, facts: lockscreen.Facts{Name: "seat0", CanPower: true}}
	w.start()
	return w
}

// start starts a screen, as after the machine did.
func (w *world) start(change ...func(*lockscreen.Options)) {
	w.t.Helper()
	o := lockscreen.Options{Agent: w.agent, Seat: w.seat, Now: w.options.Now, Log: slog.New(slog.NewTextHandler(&w.log, nil))}
	for _, f := range change {
		f(&o)
	}
	s, err := lockscreen.New(o)
	must(w.t, err)
	w.t.Cleanup(s.Close)
	w.screen = s
	h := s.Handler()
	w.handler.Store(&h)
}

// restart starts the agent and the screen anew.
func (w *world) restart() {
	w.t.Helper()
	must(w.t, w.agent.Close())
	var err error
	w.agent, err = agent.Open(w.options)
	must(w.t, err)
	w.t.Cleanup(func() { _ = w.agent.Close() })
	w.start()
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (w *world) ca() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: w.site.Certificate().Raw})
}

func (w *world) graph(method, path, body string, status int, out any) {
	w.t.Helper()
	form := url.Values{
		"grant_type": {"client_credentials"}, "client_id": {w.created.ClientID}, "client_secret": {w.created.ClientSecret},
		"scope": {"https://graph.microsoft.com/.default"},
	}
	res, err := w.site.Client().PostForm(w.site.URL+"/"+w.created.TenantID+"/oauth2/v2.0/token", form)
	must(w.t, err)
	var got struct {
		Access string `json:"access_token"`
	}
	must(w.t, json.NewDecoder(res.Body).Decode(&got))
	_ = res.Body.Close()
	r, err := http.NewRequestWithContext(w.t.Context(), method, w.site.URL+strings.ReplaceAll(path, " ", "%20"), strings.NewReader(body))
	must(w.t, err)
	r.Header.Set("Authorization", "Bearer "+got.Access)
	r.Header.Set("Content-Type", "application/json")
	res, err = w.site.Client().Do(r)
	must(w.t, err)
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	must(w.t, err)
	if res.StatusCode != status {
		w.t.Fatalf("%s %s: %d %s", method, path, res.StatusCode, text)
	}
	if out != nil {
		must(w.t, json.Unmarshal(text, out))
	}
}

// pass issues a pass.
func (w *world) pass(upn string) string {
	w.t.Helper()
	var got struct {
		Pass string `json:"temporaryAccessPass"`
	}
	w.graph(http.MethodPost, "/v1.0/users/"+upn+"/authentication/temporaryAccessPassMethods", `{"isUsableOnce":true}`, http.StatusCreated, &got)
	return got.Pass
}

// policy assigns a setting to every device and has the agent read it.
func (w *world) policy(uri string, value any) {
	w.t.Helper()
	w.assign(uri, value)
	must(w.t, w.agent.Contact(w.t.Context()))
}

// assign assigns a setting in the place of what was assigned before.
func (w *world) assign(uri string, value any) {
	w.t.Helper()
	if former := w.policies[uri]; former != "" {
		w.graph(http.MethodDelete, "/v1.0/deviceManagement/configurationPolicies/"+former, "", http.StatusNoContent, nil)
	}
	kind := "String"
	if _, ok := value.(int); ok {
		kind = "Integer"
	}
	body, err := json.Marshal(map[string]any{
		"@odata.type": "#microsoft.graph.windows10CustomConfiguration", "displayName": "Lock screens",
		"omaSettings": []any{map[string]any{"@odata.type": "#microsoft.graph.omaSetting" + kind, "displayName": "One", "omaUri": uri, "value": value}},
	})
	must(w.t, err)
	var made struct {
		ID string `json:"id"`
	}
	w.graph(http.MethodPost, "/v1.0/deviceManagement/deviceConfigurations", string(body), http.StatusCreated, &made)
	if w.policies == nil {
		w.policies = map[string]string{}
	}
	w.policies[uri] = made.ID
	w.graph(http.MethodPost, "/v1.0/deviceManagement/configurationPolicies/"+made.ID+"/assign",
		`{"assignments":[{"target":{"@odata.type":"#microsoft.graph.allDevicesAssignmentTarget"}}]}`, http.StatusOK, nil)
}

// foreign has somebody else answer in the server's place, by a certificate of their own.
func (w *world) foreign() {
	w.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(w.t, err)
	c := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	der, err := x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key)
	must(w.t, err)
	w.another.Store(&tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}, MinVersion: tls.VersionTLS12})
}

// person is a person's object id.
func (w *world) person(upn string) string {
	w.t.Helper()
	var got struct {
		ID string `json:"id"`
	}
	w.graph(http.MethodGet, "/v1.0/users/"+upn, "", http.StatusOK, &got)
	return got.ID
}

// withPIN has the administrator set a PIN up, and returns their object id.
func (w *world) withPIN() string {
	w.t.Helper()
	p, err := w.agent.SignInWithPass(w.t.Context(), admin, graphclient.NewSecret(w.pass(admin)))
	must(w.t, err)
	_, err = w.agent.Welcome(w.t.Context(), p)
	must(w.t, err)
	must(w.t, w.agent.SetPIN(w.t.Context(), p, firstPIN))
	return p.ID
}

func (w *world) pinState(user string) device.PINState {
	w.t.Helper()
	d, err := w.agent.Device()
	must(w.t, err)
	return d.PINState(user)
}

// within waits for something that is to happen soon.
func (w *world) within(what string, d time.Duration, is func() bool) {
	w.t.Helper()
	for end := time.Now().Add(d); !is(); {
		if time.Now().After(end) {
			w.t.Fatalf("%s: not within %v", what, d)
		}
		<-time.After(5 * time.Millisecond)
	}
}

// A seat is one with one browser, as a virtual device's, unless other is set.
type seat struct {
	back  string
	other bool // another browser shows the identity provider's page

	mu     sync.Mutex
	facts  lockscreen.Facts
	shown  []lockscreen.Page
	hidden int
	opened []lockscreen.Opening
	power  []lockscreen.Action
	broken error // what Open answers
}

func (s *seat) Redirect() string { return s.back }

func (s *seat) Show(_ context.Context, p lockscreen.Page) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.shown = append(s.shown, p)
	if s.other {
		return "", nil
	}
	return p.URL, nil
}

func (s *seat) Hide() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hidden++
}

func (s *seat) Open(_ context.Context, o lockscreen.Opening) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.broken != nil {
		return "", s.broken
	}
	s.opened = append(s.opened, o)
	if s.other {
		return "", nil
	}
	return "/desktop", nil
}

func (s *seat) Power(_ context.Context, a lockscreen.Action) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.power = append(s.power, a)
	return nil
}

func (s *seat) Facts() lockscreen.Facts {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.facts
}

// lockTo says whose session is locked.
func (s *seat) lockTo(user string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.facts.Locked = user
}

func (s *seat) sessions() []lockscreen.Opening {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]lockscreen.Opening{}, s.opened...)
}

func (s *seat) pages() []lockscreen.Page {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]lockscreen.Page{}, s.shown...)
}

// A browser goes where pages lead, and keeps all that it was shown.
type browser struct {
	t      *testing.T
	client *http.Client
	lang   string
	seen   *strings.Builder // every address, header and page
	stop   string           // a host that is not gone to
}

// browser is the lock screen's own, let in.
func (w *world) browser() *browser {
	w.t.Helper()
	b := w.stranger()
	b.get(w.lock.URL + w.screen.Enter())
	return b
}

// stranger is a browser that has no business here.
func (w *world) stranger() *browser {
	w.t.Helper()
	jar, err := cookiejar.New(nil)
	must(w.t, err)
	c := w.site.Client() // trusts the server's certificate
	return &browser{
		t: w.t, seen: &strings.Builder{},
		client: &http.Client{Transport: c.Transport, Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }},
	}
}

// A view is a page as a person sees it.
type view struct {
	at     *url.URL
	status int
	doc    *html.Node
	text   string
	source string
}

func (b *browser) get(address string) view {
	b.t.Helper()
	r, err := http.NewRequestWithContext(b.t.Context(), http.MethodGet, address, nil)
	must(b.t, err)
	return b.do(r)
}

func (b *browser) post(address string, form url.Values) view {
	b.t.Helper()
	r, err := http.NewRequestWithContext(b.t.Context(), http.MethodPost, address, strings.NewReader(form.Encode()))
	must(b.t, err)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Origin", r.URL.Scheme+"://"+r.URL.Host)
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	return b.do(r)
}

// do follows redirects and pages that lead onward, up to the desktop.
func (b *browser) do(r *http.Request) view {
	b.t.Helper()
	for range 12 {
		if b.lang != "" {
			r.Header.Set("Accept-Language", b.lang)
		}
		res, err := b.client.Do(r)
		must(b.t, err)
		body, err := io.ReadAll(res.Body)
		must(b.t, err)
		_ = res.Body.Close()
		v := view{at: r.URL, status: res.StatusCode, source: string(body)}
		v.doc, err = html.Parse(bytes.NewReader(body))
		must(b.t, err)
		v.text = strings.Join(strings.Fields(textOf(v.doc)), " ")
		b.seen.WriteString(r.URL.String() + "\n" + v.source + "\n")
		next := res.Header.Get("Location")
		if next == "" {
			if m := v.find(func(n *html.Node) bool {
				return n.Data == "meta" && attr(n, "http-equiv") == "refresh" && n.Parent.Data != "noscript"
			}); m != nil {
				_, next, _ = strings.Cut(attr(m, "content"), "url=")
			}
		}
		if next == "" {
			return v
		}
		to, err := r.URL.Parse(next)
		must(b.t, err)
		if to.Path == "/desktop" || to.Host == b.stop {
			v.at = to
			return v
		}
		r, err = http.NewRequestWithContext(b.t.Context(), http.MethodGet, to.String(), nil)
		must(b.t, err)
	}
	b.t.Fatal("the pages lead in a circle")
	return view{}
}

func textOf(n *html.Node) string {
	var out strings.Builder
	for d := range n.Descendants() {
		if d.Type == html.TextNode && d.Parent.Data != "script" {
			out.WriteString(d.Data + " ")
		}
	}
	return out.String()
}

func attr(n *html.Node, key string) string {
	for _, a := range n.Attr {
		if a.Key == key {
			return a.Val
		}
	}
	return ""
}

func (v view) find(fits func(*html.Node) bool) *html.Node {
	for n := range v.doc.Descendants() {
		if n.Type == html.ElementNode && fits(n) {
			return n
		}
	}
	return nil
}

// step and failure are what the page says of itself.
func (v view) step() string    { return attr(v.main(), "data-step") }
func (v view) failure() string { return attr(v.main(), "data-error") }

func (v view) main() *html.Node {
	m := v.find(func(n *html.Node) bool { return n.Data == "main" })
	if m == nil {
		return &html.Node{}
	}
	return m
}

// form returns the address and the hidden fields of the form that posts to path.
func (v view) form(path string) (string, url.Values) {
	f := v.find(func(n *html.Node) bool { return n.Data == "form" && attr(n, "action") == path })
	if f == nil {
		return "", nil
	}
	hidden := url.Values{}
	for n := range f.Descendants() {
		if n.Data == "input" && attr(n, "type") == "hidden" {
			hidden.Set(attr(n, "name"), attr(n, "value"))
		}
	}
	to, _ := v.at.Parse(path)
	return to.String(), hidden
}

// has reports whether the page has a form that posts to path.
func (v view) has(path string) bool { at, _ := v.form(path); return at != "" }

// submit fills the form that posts to path.
func (b *browser) submit(v view, path string, fields ...string) view {
	b.t.Helper()
	at, form := v.form(path)
	if at == "" {
		b.t.Fatalf("no form %s on %s (%s):\n%s", path, v.at, v.step(), v.text)
	}
	for i := 0; i+1 < len(fields); i += 2 {
		form.Set(fields[i], fields[i+1])
	}
	return b.post(at, form)
}

// home is the lock screen.
func (b *browser) home(w *world, query string) view {
	b.t.Helper()
	return b.get(w.lock.URL + "/" + query)
}

// signIn answers the identity provider's pages, as a person does, and comes back.
func (b *browser) signIn(v view, name, pass string) view {
	b.t.Helper()
	if v.step() == "identify" {
		v = b.post(v.at.String(), merge(v, url.Values{"username": {name}}))
	}
	if v.step() != "accesspass" {
		b.t.Fatalf("no box for the pass at %s (%s): %s", v.at, v.step(), v.text)
	}
	v = b.post(v.at.String(), merge(v, url.Values{"accesspass": {pass}}))
	if v.step() == "stay" {
		if !strings.Contains(v.text, "Go on to ") || strings.Contains(v.source, `value="yes"`) {
			b.t.Errorf("a lock screen asks whether to stay signed in: %s", v.text)
		}
		v = b.post(v.at.String(), merge(v, url.Values{"stay": {"no"}}))
	}
	return v
}

// merge adds the hidden fields of a page's first form.
func merge(v view, form url.Values) url.Values {
	for n := range v.doc.Descendants() {
		if n.Data == "input" && attr(n, "type") == "hidden" && !form.Has(attr(n, "name")) {
			form.Set(attr(n, "name"), attr(n, "value"))
		}
	}
	return form
}

var errBroken = errors.New("the seat is broken")

// nothingSecret fails when a secret is in a page of the lock screen, an address or the log.
func (w *world) nothingSecret(b *browser, secrets ...string) {
	w.t.Helper()
	for _, one := range secrets {
		if strings.Contains(b.seen.String(), one) || strings.Contains(w.log.String(), one) {
			w.t.Errorf("%q was shown or logged", one)
		}
	}
}
