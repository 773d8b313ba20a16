package server_test

import (
	"context"
	"database/sql"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib"

	"github.com/postern-id/postern/internal/server"
	"github.com/postern-id/postern/internal/store/pgtest"
)

// cable is a connection to a database that a test can cut.
type cable struct {
	t      *testing.T
	dial   func() (net.Conn, error)
	listen net.Listener
	work   sync.WaitGroup

	mu   sync.Mutex
	cut  bool
	ends map[net.Conn]bool
}

// newCable returns a cable to the database at address, and the address that leads through it.
func newCable(t *testing.T, address string) (*cable, string) {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	network, to := "tcp", u.Host
	if q := u.Query(); u.Host == "" {
		network, to = "unix", filepath.Join(q.Get("host"), ".s.PGSQL.5432")
		q.Del("host")
		u.RawQuery = q.Encode()
	} else if u.Port() == "" {
		to = net.JoinHostPort(u.Hostname(), "5432")
	}
	c := &cable{t: t, ends: map[net.Conn]bool{}, dial: func() (net.Conn, error) { return net.Dial(network, to) }}
	if c.listen, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	u.Host = c.listen.Addr().String()
	c.work.Go(c.run)
	t.Cleanup(func() {
		_ = c.listen.Close()
		c.set(true)
		c.work.Wait()
	})
	return c, u.String()
}

// set cuts the cable, or mends it.
func (c *cable) set(cut bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cut = cut
	if cut {
		for end := range c.ends {
			_ = end.Close()
		}
		clear(c.ends)
	}
}

func (c *cable) run() {
	for {
		near, err := c.listen.Accept()
		if err != nil {
			return
		}
		far, err := c.dial()
		if err != nil {
			_ = near.Close()
			continue
		}
		c.mu.Lock()
		cut := c.cut
		if !cut {
			c.ends[near], c.ends[far] = true, true
		}
		c.mu.Unlock()
		if cut {
			_, _ = near.Close(), far.Close()
			continue
		}
		for _, way := range [][2]net.Conn{{near, far}, {far, near}} {
			c.work.Go(func() {
				_, _ = io.Copy(way[0], way[1])
				_, _ = way[0].Close(), way[1].Close()
			})
		}
	}
}

// load is clients that create groups until it is stopped.
type load struct {
	mu           sync.Mutex
	kept         []string    // names that were acknowledged
	answers      map[int]int // status → how many
	withoutRetry int         // 503 without Retry-After
	changed      chan struct{}
	strange      string
}

func (w *world) load(ctx context.Context, clients int, token string) (l *load, wait func()) {
	l = &load{answers: map[int]int{}, changed: make(chan struct{}, 1)}
	var all sync.WaitGroup
	for c := range clients {
		all.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				l.create(ctx, w, fmt.Sprintf("g%d-%d", c, n), token)
			}
		})
	}
	return l, all.Wait
}

func (l *load) create(ctx context.Context, w *world, name, token string) {
	body := `{"displayName": "` + name + `", "mailEnabled": false, "mailNickname": "` + name + `", "securityEnabled": true}`
	r, err := http.NewRequestWithContext(context.WithoutCancel(ctx), http.MethodPost, w.site.URL+"/v1.0/groups", strings.NewReader(body))
	if err != nil {
		return
	}
	r.Header.Set("Authorization", "Bearer "+token)
	r.Header.Set("Content-Type", "application/json")
	res, err := w.site.Client().Do(r)
	l.mu.Lock()
	defer l.mu.Unlock()
	if err != nil {
		l.strange = err.Error()
		return
	}
	defer res.Body.Close()
	said, _ := io.ReadAll(res.Body)
	l.answers[res.StatusCode]++
	switch {
	case res.StatusCode == http.StatusCreated:
		l.kept = append(l.kept, name)
	case res.StatusCode != http.StatusServiceUnavailable:
		l.strange = fmt.Sprintf("%d %s", res.StatusCode, said)
	case res.Header.Get("Retry-After") == "":
		l.withoutRetry++
	}
	select {
	case l.changed <- struct{}{}:
	default:
	}
}

// more waits until there were n more answers with status.
func (l *load) more(t *testing.T, status, n int) {
	t.Helper()
	count := func() int {
		l.mu.Lock()
		defer l.mu.Unlock()
		return l.answers[status]
	}
	deadline := time.After(time.Minute)
	for want := count() + n; count() < want; {
		select {
		case <-l.changed:
		case <-deadline:
			t.Fatalf("no %d came: %v %s", status, l.answers, l.strange)
		}
	}
}

func TestADatabaseThatGoesAwayComesBackAndLosesNothing(t *testing.T) {
	direct := pgtest.Open(t)
	c, address := newCable(t, direct)
	w := newWorld(t, func(o *server.Options) { o.Database = address })
	token := w.appToken()
	before := runtime.NumGoroutine()
	ctx, stop := context.WithCancel(t.Context())
	l, wait := w.load(ctx, 4, token)
	defer wait()
	defer stop()

	l.more(t, http.StatusCreated, 10)
	terminate(t, direct) // as a server does that is restarted (57P01)
	l.more(t, http.StatusCreated, 10)
	c.set(true)
	l.more(t, http.StatusServiceUnavailable, 10)
	if status, _ := w.ready(); status != http.StatusServiceUnavailable {
		t.Errorf("readyz without a database: %d", status)
	}
	if a := w.get("/healthz"); a.status != http.StatusOK {
		t.Errorf("healthz without a database: %d", a.status)
	}
	for what, a := range map[string]answer{
		"a page": w.get("/security-info"), "authorize": w.authorize(nil),
		"the token endpoint": w.post("/"+w.created.TenantID+"/oauth2/v2.0/token", url.Values{
			"grant_type": {"client_credentials"}, "client_id": {w.created.ClientID}, "client_secret": {w.created.ClientSecret}, "scope": {"https://graph.microsoft.com/.default"},
		}),
	} {
		if what == "a page" && a.status == http.StatusSeeOther {
			continue // nobody is signed in, which needs no database
		}
		if a.status != http.StatusServiceUnavailable || a.header.Get("Retry-After") == "" {
			t.Errorf("%s without a database: %d\n%s", what, a.status, a.body)
		}
	}
	w.server.Look(t.Context())
	c.set(false)
	l.more(t, http.StatusCreated, 10)
	if status, said := w.ready(); status != http.StatusOK {
		t.Errorf("readyz with the database back: %d %s", status, said)
	}
	stop()
	wait()

	if l.strange != "" || l.withoutRetry > 0 {
		t.Errorf("besides 201 and 503 came %s; %d of 503 lack Retry-After", l.strange, l.withoutRetry)
	}
	for line := range strings.SplitSeq(w.log.String(), "\n") {
		if strings.Contains(line, `"level":"ERROR"`) {
			t.Log(line)
		}
	}
	for _, name := range l.kept {
		if status, v := w.api(http.MethodGet, "/v1.0/groups?$filter=displayName%20eq%20'"+name+"'", token, ""); status != http.StatusOK || len(v["value"].([]any)) != 1 {
			t.Errorf("%s was acknowledged and is not there: %d", name, status)
		}
	}
	w.site.CloseClientConnections()
	w.browser.CloseIdleConnections()
	for end := time.Now().Add(10 * time.Second); runtime.NumGoroutine() > before+40; runtime.Gosched() {
		if time.Now().After(end) {
			t.Fatalf("%d goroutines before, %d after", before, runtime.NumGoroutine())
		}
	}
}

// terminate ends all connections to the database at address.
func terminate(t *testing.T, address string) {
	t.Helper()
	db, err := sql.Open("pgx", address)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(t.Context(), `
		SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`); err != nil {
		t.Fatal(err)
	}
}
