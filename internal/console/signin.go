package console

import (
	"context"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/postern-id/postern/internal/browser"
	"github.com/postern-id/postern/internal/graphclient"
)

// pendingLifetime is how long a sign-in may take.
const pendingLifetime = time.Hour

// pending is a sign-in under way, in a cookie of the browser that began it.
type pending struct {
	graphclient.Pending
	Back  string `json:"back"` // where it leads
	Scope string `json:"scope"`
}

func (c *Console) authority(ctx context.Context) (*graphclient.Authority, error) {
	return graphclient.Discover(ctx, c.HTTP, c.Now, c.Authority, c.Tenant)
}

// scope is what a person is asked for at first: all that the console was granted at Graph, which
// their roles limit further; of another Graph only what says who they are.
func (c *Console) scope() string {
	if c.Other {
		return "openid profile offline_access " + c.permissions(firstPermissions)
	}
	return "openid profile offline_access " + strings.TrimSuffix(c.Graph, "/") + "/.default"
}

func (c *Console) redirectURI() string { return c.PublicURL + Root + "/signin/done" }

// begin sends the browser to sign in and then back to where it wanted to go. What a form held is
// lost; the page says so.
func (c *Console) begin(w http.ResponseWriter, r *http.Request) {
	call := &Call{W: w, R: r, console: c}
	if r.Method != http.MethodGet {
		c.fail(call, ErrSignedOut)
		return
	}
	if r.Header.Get("HX-Request") != "" || strings.Contains(r.Header.Get("Accept"), "text/event-stream") {
		w.Header().Set("HX-Refresh", "true") // a part of a page can't sign in; the page does
		w.WriteHeader(http.StatusNoContent)
		return
	}
	c.ask(w, r, c.scope())
}

// again serves GET /console/signin/again?to=PATH: who is signed in proves once more who they are,
// and goes back to where a fresh proof is asked for.
func (c *Console) again(w http.ResponseWriter, r *http.Request) {
	c.askFor(w, r, c.scope(), r.URL.Query().Get("to"), true)
}

// ask sends the browser to sign in for scope and back to where r wanted to go.
func (c *Console) ask(w http.ResponseWriter, r *http.Request, scope string) {
	c.askFor(w, r, scope, r.URL.RequestURI(), false)
}

func (c *Console) askFor(w http.ResponseWriter, r *http.Request, scope, back string, anew bool) {
	call := &Call{W: w, R: r, console: c}
	a, err := c.authority(r.Context())
	if err != nil {
		c.fail(call, err)
		return
	}
	p := pending{graphclient.NewPending(), onlyPath(back), scope}
	asked := a.Pending(c.ClientID, scope, c.redirectURI(), p.Pending)
	asked.Anew = anew
	to, err := asked.URL("")
	if err != nil {
		c.fail(call, err)
		return
	}
	raw, err := json.Marshal(p)
	if err != nil {
		c.fail(call, err)
		return
	}
	browser.KeepConsoleSignIn(w, r, p.State, base64.RawURLEncoding.EncodeToString(raw), pendingLifetime)
	http.Redirect(w, r, to, http.StatusSeeOther)
}

// signedIn serves GET /console/signin/done: the answer of the sign-in server.
func (c *Console) signedIn(w http.ResponseWriter, r *http.Request) {
	call := &Call{W: w, R: r, console: c}
	answer := r.URL.Query()
	p, ok := pendingOf(r, answer.Get("state"))
	if !ok {
		c.fail(call, ErrStaleSignIn)
		return
	}
	browser.KeepConsoleSignIn(w, r, p.State, "", 0)
	a, err := c.authority(r.Context())
	if err != nil {
		c.fail(call, err)
		return
	}
	t, err := a.Pending(c.ClientID, p.Scope, c.redirectURI(), p.Pending).Redeem(r.Context(), answer)
	if refused, ok := errors.AsType[*graphclient.Refused](err); ok {
		c.fail(call, ErrSignInRefused.With("", refused.Error()))
		return
	}
	if err != nil {
		c.fail(call, err)
		return
	}
	k, err := c.start(r.Context(), t, p.Scope)
	if err != nil {
		c.fail(call, err)
		return
	}
	browser.KeepConsole(w, k.cookie())
	http.Redirect(w, r, onlyPath(p.Back), http.StatusSeeOther)
}

func pendingOf(r *http.Request, state string) (pending, bool) {
	raw, err := base64.RawURLEncoding.DecodeString(browser.ConsoleSignIn(r, state))
	var p pending
	if err != nil || json.Unmarshal(raw, &p) != nil {
		return p, false
	}
	return p, state != "" && subtle.ConstantTimeCompare([]byte(p.State), []byte(state)) == 1
}

// signOut serves POST /console/signout: the session here ends, its refresh token, and then the
// one at the sign-in server.
func (c *Console) signOut(w http.ResponseWriter, r *http.Request) {
	call := &Call{W: w, R: r, console: c}
	to := Root + "/"
	a, err := c.authority(r.Context())
	if k, bad := parseKey(browser.Console(r)); bad == nil {
		row, gone := c.Sessions.TakeConsole(r.Context(), k.tenant, k.id(sessionRow), c.Now())
		var old kept
		if gone == nil && k.open(sessionRow, row.Sealed, &old) == nil && err == nil {
			_ = a.Revoke(r.Context(), c.ClientID, old.tokens().Refresh) // it is gone from here anyway
		}
	}
	browser.KeepConsole(w, "")
	if err != nil {
		c.fail(call, err)
		return
	}
	if a.EndURL != "" {
		to = a.EndURL
	}
	http.Redirect(w, r, to, http.StatusSeeOther)
}
