package server_test

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/postern-id/postern/internal/clock"
	"github.com/postern-id/postern/internal/server"
)

// wrist is a clock that a test moves.
type wrist struct{ ahead atomic.Int64 }

func (c *wrist) now() time.Time       { return time.Now().Add(time.Duration(c.ahead.Load())) }
func (c *wrist) move(d time.Duration) { c.ahead.Add(int64(d)) }

// ready is the status and body of /readyz.
func (w *world) ready() (int, string) {
	a := w.get("/readyz")
	return a.status, a.body
}

func TestSettingTheClockBackBringsNoPassBack(t *testing.T) {
	var c wrist
	w := newWorld(t, func(o *server.Options) { o.Wall = c.now })
	app := w.appToken()
	_, user := w.api(http.MethodPost, "/v1.0/users", app, `{
		"accountEnabled": true, "displayName": "Mira", "mailNickname": "mira", "userPrincipalName": "mira@contoso.example",
		"passwordProfile": {"password": "long and never used 1!"}}`)
	passes := "/v1.0/users/" + user["id"].(string) + "/authentication/temporaryAccessPassMethods"
	status, pass := w.api(http.MethodPost, passes, app, `{"lifetimeInMinutes": 60, "isUsableOnce": false}`)
	if status != http.StatusCreated {
		t.Fatalf("issue: %d %v", status, pass)
	}
	code := pass["temporaryAccessPass"].(string)
	w.server.Look(t.Context())

	c.move(50 * time.Minute)
	w.server.Look(t.Context())
	c.move(20 * time.Minute)
	w.server.Look(t.Context())
	begin := w.authorize(nil).location
	if a := w.signIn(begin, "mira@contoso.example", code); a.status == http.StatusSeeOther {
		t.Fatal("the pass works after its end")
	}

	c.move(-70 * time.Minute)
	for what, a := range map[string]answer{
		"authorize": w.authorize(nil),
		"token":     w.post("/"+w.created.TenantID+"/oauth2/v2.0/token", url.Values{"grant_type": {"client_credentials"}}),
		"sign-in":   w.post(begin, url.Values{"accesspass": {code}}),
		"issue":     w.do(w.request(http.MethodPost, passes, strings.NewReader(`{}`))),
	} {
		if a.status != http.StatusServiceUnavailable || a.header.Get("Retry-After") == "" || !strings.Contains(a.body, "clock") {
			t.Errorf("%s with the clock set back: %d\n%s", what, a.status, a.body)
		}
	}
	if status, said := w.ready(); status != http.StatusServiceUnavailable || !strings.Contains(said, "postern clock accept") {
		t.Errorf("readyz: %d %s", status, said)
	}
	if a := w.get("/healthz"); a.status != http.StatusOK {
		t.Errorf("healthz: %d", a.status)
	}
	if a := w.get("/" + w.created.TenantID + "/discovery/v2.0/keys"); a.status != http.StatusOK {
		t.Errorf("keys: %d", a.status)
	}
	if _, err := server.Recover(t.Context(), w.options, w.created.Administrator, false); !errors.Is(err, clock.ErrBehind) {
		t.Errorf("recover: %v", err)
	}

	// Somebody says that this clock is right. What had ended stays so.
	if _, err := server.AcceptClock(t.Context(), w.options); err != nil {
		t.Fatal(err)
	}
	w.server.Look(t.Context())
	if status, said := w.ready(); status != http.StatusOK {
		t.Errorf("readyz after accept: %d %s", status, said)
	}
	w.newBrowser()
	if a := w.signIn(w.authorize(nil).location, "mira@contoso.example", code); a.status == http.StatusSeeOther {
		t.Error("the pass that had ended works again")
	}
}

func TestAServerThatStartsBehindTheMarkServesNothing(t *testing.T) {
	var c wrist
	w := newWorld(t, func(o *server.Options) { o.Wall = c.now })
	w.server.Look(t.Context())
	c.move(-2 * time.Minute)
	s, err := server.Open(t.Context(), w.options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	w.site.Config.Handler = s.Handler()
	if status, _ := w.ready(); status != http.StatusServiceUnavailable {
		t.Errorf("readyz: %d", status)
	}
	c.move(2 * time.Minute)
	if status, said := w.ready(); status != http.StatusOK {
		t.Errorf("with the clock right again: %d %s", status, said)
	}
}

func TestALeapAheadRemovesNothingUntilItIsAccepted(t *testing.T) {
	var c wrist
	w := newWorld(t, func(o *server.Options) { o.Wall = c.now })
	w.server.Look(t.Context())
	if a := w.signIn(w.get("/security-info").location, w.created.Administrator, w.created.Pass); a.status != http.StatusSeeOther {
		t.Fatalf("sign-in: %d", a.status)
	}
	signedIn := func() bool { return w.get("/security-info").status == http.StatusOK }
	if !signedIn() {
		t.Fatal("nobody is signed in")
	}

	c.move(100 * 24 * time.Hour)
	w.server.Look(t.Context())
	w.server.CleanOnce(t.Context())
	if status, said := w.ready(); status != http.StatusOK || !strings.Contains(said, "postern clock accept") {
		t.Errorf("readyz: %d %s", status, said)
	}
	c.move(-100 * 24 * time.Hour)
	w.server.Look(t.Context())
	if status, said := w.ready(); status != http.StatusOK || strings.Contains(said, "accept") {
		t.Errorf("readyz with the clock right again: %d %s", status, said)
	}
	if !signedIn() {
		t.Error("the leap has ended a session")
	}

	c.move(100 * 24 * time.Hour)
	if _, err := server.AcceptClock(t.Context(), w.options); err != nil {
		t.Fatal(err)
	}
	w.server.Look(t.Context())
	if status, said := w.ready(); status != http.StatusOK || strings.Contains(said, "accept") {
		t.Errorf("readyz after accept: %d %s", status, said)
	}
	c.move(-100 * 24 * time.Hour)
	w.server.Look(t.Context())
	if status, _ := w.ready(); status != http.StatusServiceUnavailable {
		t.Errorf("readyz far behind the accepted mark: %d", status)
	}
}
