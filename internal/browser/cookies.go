// Package browser owns what Postern keeps in a person's browser: sessions, the hold on
// sign-ins under way, and the secret that makes a browser familiar. All cookies are
// host-only, Secure, HttpOnly and SameSite=Lax; the __Host- prefix makes browsers insist.
// https://datatracker.ietf.org/doc/html/draft-ietf-httpbis-rfc6265bis
package browser

import (
	"crypto/rand"
	"encoding/base64"
	"net/http"
	"strings"
	"time"

	"github.com/postern-id/postern/internal/token"
)

const (
	sessionCookie     = "__Host-postern-session"
	transactionPrefix = "__Host-postern-signin-"
	placeCookie       = "__Host-postern-place"
	startedCookie     = "__Host-postern-started"

	// maxSessions bounds how many accounts a browser is signed in with at once.
	maxSessions = 5
	// maxTransactions bounds how many sign-ins a browser has under way at once.
	maxTransactions = 20
	placeLifetime   = 365 * 24 * time.Hour
)

// Sessions returns the session tokens that the browser holds, the last used first.
func Sessions(r *http.Request) []token.Opaque {
	c, err := r.Cookie(sessionCookie)
	if err != nil {
		return nil
	}
	var all []token.Opaque
	for _, text := range strings.SplitN(c.Value, ".", maxSessions+1) {
		if o, err := token.ParseOpaque(text); err == nil && len(all) < maxSessions {
			all = append(all, o)
		}
	}
	return all
}

// KeepSessions replaces the session tokens that the browser holds. The cookie lasts until
// until, or until the browser closes when until is zero.
func KeepSessions(w http.ResponseWriter, all []token.Opaque, until time.Time) error {
	var texts []string
	for _, o := range all[:min(len(all), maxSessions)] {
		text, err := o.Reveal()
		if err != nil {
			return err
		}
		texts = append(texts, text)
	}
	c := cookie(sessionCookie, strings.Join(texts, "."))
	c.Expires = until
	if len(texts) == 0 {
		c.MaxAge = -1
	}
	http.SetCookie(w, c)
	return nil
}

// AddSession puts o in front of the sessions that r brought, in place of an older one of
// the same id.
func AddSession(w http.ResponseWriter, r *http.Request, o token.Opaque, until time.Time) error {
	return KeepSessions(w, append([]token.Opaque{o}, Without(Sessions(r), o.ID)...), until)
}

// Without returns all but the session with the given id.
func Without(all []token.Opaque, id string) []token.Opaque {
	var rest []token.Opaque
	for _, o := range all {
		if o.ID != id {
			rest = append(rest, o)
		}
	}
	return rest
}

// HandleName returns the short name under which a browser's hold on a sign-in is kept; it
// goes into URLs and is no secret.
func HandleName(o token.Opaque) string { return o.ID[:8] }

// KeepTransaction gives the browser its hold on a sign-in.
func KeepTransaction(w http.ResponseWriter, r *http.Request, o token.Opaque, lifetime time.Duration) error {
	text, err := o.Reveal()
	if err != nil {
		return err
	}
	held := 0
	for _, c := range r.Cookies() {
		if !strings.HasPrefix(c.Name, transactionPrefix) {
			continue
		}
		if held++; held >= maxTransactions {
			old := cookie(c.Name, "")
			old.MaxAge = -1
			http.SetCookie(w, old)
		}
	}
	c := cookie(transactionPrefix+HandleName(o), text)
	c.MaxAge = int(lifetime / time.Second)
	http.SetCookie(w, c)
	return nil
}

// Transaction returns the browser's hold on the sign-in with the given short name.
func Transaction(r *http.Request, name string) (token.Opaque, error) {
	if len(name) != 8 || strings.Trim(name, "0123456789abcdef") != "" {
		return token.Opaque{}, token.ErrOpaque
	}
	c, err := r.Cookie(transactionPrefix + name)
	if err != nil {
		return token.Opaque{}, token.ErrOpaque
	}
	o, err := token.ParseOpaque(c.Value)
	if err != nil || HandleName(o) != name {
		return token.Opaque{}, token.ErrOpaque
	}
	return o, nil
}

// Place returns the browser's lasting secret, or "".
func Place(r *http.Request) string {
	c, err := r.Cookie(placeCookie)
	if err != nil || len(c.Value) != 43 {
		return ""
	}
	return c.Value
}

// KeepPlace gives the browser a lasting secret, or renews the one it has, and returns it.
func KeepPlace(w http.ResponseWriter, r *http.Request) string {
	secret := Place(r)
	if secret == "" {
		raw := make([]byte, 32)
		_, _ = rand.Read(raw) // never fails
		secret = base64.RawURLEncoding.EncodeToString(raw)
	}
	c := cookie(placeCookie, secret)
	c.MaxAge = int(placeLifetime / time.Second)
	http.SetCookie(w, c)
	return secret
}

func cookie(name, value string) *http.Cookie {
	return &http.Cookie{Name: name, Value: value, Path: "/", Secure: true, HttpOnly: true, SameSite: http.SameSiteLaxMode}
}

// Started returns the mark of a registration that was started, or "".
func Started(r *http.Request) string {
	c, err := r.Cookie(startedCookie)
	if err != nil || len(c.Value) > 200 {
		return ""
	}
	return c.Value
}

// KeepStarted gives the browser the mark of a registration; an empty one takes it away.
func KeepStarted(w http.ResponseWriter, value string, lifetime time.Duration) {
	c := cookie(startedCookie, value)
	if c.MaxAge = int(lifetime / time.Second); value == "" {
		c.MaxAge = -1
	}
	http.SetCookie(w, c)
}
