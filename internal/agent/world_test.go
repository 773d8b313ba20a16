//go:build linux

package agent_test

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/pem"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/postern-id/postern/internal/agent"
	"github.com/postern-id/postern/internal/agent/tpm/tpmtest"
	"github.com/postern-id/postern/internal/graphclient"
	"github.com/postern-id/postern/internal/server"
)

// world is a server with one tenant and a machine with a TPM.
type world struct {
	t       *testing.T
	created server.Created
	site    *httptest.Server
	down    atomic.Bool            // the network is cut
	lose    atomic.Pointer[losing] // answers that get lost
	client  *http.Client
	chip    *tpmtest.Machine
	state   string
	now     atomic.Int64 // how far the machine's clock is off
	server  server.Options
}

func newWorld(t *testing.T, change ...func(*server.Options)) *world {
	t.Helper()
	w := &world{t: t, chip: tpmtest.New(t), state: shortDir(t)}
	w.site = httptest.NewUnstartedServer(nil)
	w.site.StartTLS()
	t.Cleanup(w.site.Close)
	o := server.Options{
		Dir: t.TempDir(), PublicURL: w.site.URL, Hold: time.Millisecond, TPMRoots: w.chip.CA(), Log: slog.New(slog.DiscardHandler),
	}
	for _, f := range change {
		f(&o)
	}
	var err error
	if w.created, err = server.Init(t.Context(), o, server.NewTenant{
		Domain: "contoso.example", Admin: "admin", TimeZone: "UTC", EnableTAP: true, App: "automation",
	}); err != nil {
		t.Fatal(err)
	}
	s, err := server.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(func() { _ = s.Close() })
	w.server = o
	w.site.Config.Handler = http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if w.down.Load() {
			panic(http.ErrAbortHandler) // nobody answers
		}
		if o.Wall != nil {
			rw.Header().Set("Date", o.Wall().UTC().Format(http.TimeFormat))
		}
		if l := w.lose.Load(); l != nil && l.hits(r) {
			s.Handler().ServeHTTP(httptest.NewRecorder(), r.WithContext(context.WithoutCancel(r.Context())))
			l.then()
			panic(http.ErrAbortHandler)
		}
		s.Handler().ServeHTTP(rw, r)
	})
	w.site.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug)
	w.client = w.site.Client()
	return w
}

// losing loses the answers to requests of a path and with a text in their body.
type losing struct {
	end, text string
	then      func()
}

func (l *losing) hits(r *http.Request) bool {
	if !strings.HasSuffix(r.URL.Path, l.end) {
		return false
	}
	body, err := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(body))
	return err == nil && bytes.Contains(body, []byte(l.text))
}

// other is an agent of another device of the tenant, joined, without a TPM.
func (w *world) other() *agent.Agent {
	w.t.Helper()
	state := shortDir(w.t)
	return w.joined(func(o *agent.Options) { o.TPM, o.State = agent.Software, state })
}

func secret(text string) graphclient.Secret { return graphclient.NewSecret(text) }

// shortDir is a folder whose path leaves room for the name of a socket.
func shortDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "agent") //nolint:usetesting // see above
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

func (w *world) ca() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: w.site.Certificate().Raw})
}

func (w *world) options() agent.Options {
	return agent.Options{
		State: w.state, TPM: w.chip.Where(), CA: w.ca(), Version: "test", Log: slog.New(slog.DiscardHandler),
		Now: func() time.Time { return time.Now().Add(time.Duration(w.now.Load())) },
	}
}

func (w *world) open(change ...func(*agent.Options)) *agent.Agent {
	w.t.Helper()
	o := w.options()
	for _, f := range change {
		f(&o)
	}
	a, err := agent.Open(o)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = a.Close() })
	return a
}

// token is one of the application that init made.
func (w *world) token() string {
	w.t.Helper()
	form := url.Values{
		"grant_type": {"client_credentials"}, "client_id": {w.created.ClientID}, "client_secret": {w.created.ClientSecret},
		"scope": {"https://graph.microsoft.com/.default"},
	}
	r, err := http.NewRequestWithContext(w.t.Context(), http.MethodPost, w.site.URL+"/"+w.created.TenantID+"/oauth2/v2.0/token", strings.NewReader(form.Encode()))
	if err != nil {
		w.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	var got struct {
		Access string `json:"access_token"`
	}
	w.do(r, http.StatusOK, &got)
	return got.Access
}

func (w *world) do(r *http.Request, status int, out any) {
	w.t.Helper()
	res, err := w.client.Do(r)
	if err != nil {
		w.t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	if res.StatusCode != status {
		w.t.Fatalf("%s %s: %d %s", r.Method, r.URL.Path, res.StatusCode, body)
	}
	if out != nil {
		if err := json.Unmarshal(body, out); err != nil {
			w.t.Fatal(err)
		}
	}
}

// graph calls Graph.
func (w *world) graph(method, path, body string, status int, out any) {
	w.t.Helper()
	r, err := http.NewRequestWithContext(w.t.Context(), method, w.site.URL+path, strings.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+w.token())
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	w.do(r, status, out)
}

const admin = "admin@contoso.example"

// pass issues a pass for the administrator.
func (w *world) pass() graphclient.Secret {
	w.t.Helper()
	var got struct {
		Pass string `json:"temporaryAccessPass"`
	}
	w.graph(http.MethodPost, "/v1.0/users/"+admin+"/authentication/temporaryAccessPassMethods", `{"isUsableOnce":true}`, http.StatusCreated, &got)
	return graphclient.NewSecret(got.Pass)
}

func (w *world) request() agent.Join {
	w.t.Helper()
	return agent.Join{Server: w.site.URL, UPN: admin, DisplayName: "LT-0451", SignIn: agent.WithPass(admin, w.pass())}
}

// joined is an agent whose device has joined.
func (w *world) joined(change ...func(*agent.Options)) *agent.Agent {
	w.t.Helper()
	a := w.open(change...)
	if err := a.Join(w.t.Context(), w.request()); err != nil {
		w.t.Fatal(err)
	}
	return a
}

func (w *world) device(a *agent.Agent) *agent.Device {
	w.t.Helper()
	d, err := a.Device()
	if err != nil {
		w.t.Fatal(err)
	}
	return d
}

// running runs the agent until the test ends.
func (w *world) running(a *agent.Agent) {
	w.t.Helper()
	ctx, cancel := context.WithCancel(w.t.Context())
	done := make(chan error, 1)
	go func() { done <- a.Run(ctx) }()
	w.t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			w.t.Error(err)
		}
	})
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
