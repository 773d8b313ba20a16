package browser

import (
	"net/http"
	"strings"
	"time"
)

const (
	consoleCookie = "__Host-postern-console"
	consolePrefix = "__Host-postern-console-signin-"
)

// Console returns the key of the browser's session in the console, or "".
func Console(r *http.Request) string {
	c, err := r.Cookie(consoleCookie)
	if err != nil || len(c.Value) > 200 {
		return ""
	}
	return c.Value
}

// KeepConsole gives the browser the key of a session in the console; an empty one takes it away.
// The browser forgets it when it closes.
func KeepConsole(w http.ResponseWriter, value string) {
	c := cookie(consoleCookie, value)
	if value == "" {
		c.MaxAge = -1
	}
	http.SetCookie(w, c)
}

// ConsoleSignIn returns what the browser keeps of a sign-in to the console with that state, or "".
func ConsoleSignIn(r *http.Request, state string) string {
	c, err := r.Cookie(consolePrefix + stateName(state))
	if err != nil || len(c.Value) > 4096 {
		return ""
	}
	return c.Value
}

// KeepConsoleSignIn lets the browser keep value of a sign-in, for lifetime; an empty one is taken
// away. Of many under way the earlier ones go.
func KeepConsoleSignIn(w http.ResponseWriter, r *http.Request, state, value string, lifetime time.Duration) {
	held := 0
	for _, c := range r.Cookies() {
		if !strings.HasPrefix(c.Name, consolePrefix) {
			continue
		}
		if held++; held >= maxSessions {
			old := cookie(c.Name, "")
			old.MaxAge = -1
			http.SetCookie(w, old)
		}
	}
	c := cookie(consolePrefix+stateName(state), value)
	if c.MaxAge = int(lifetime / time.Second); value == "" {
		c.MaxAge = -1
	}
	http.SetCookie(w, c)
}

// stateName is the part of a state that names its cookie.
func stateName(state string) string {
	name := strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' || '2' <= r && r <= '7' { // of crypto/rand.Text
			return r
		}
		return -1
	}, state)
	return name[:min(len(name), 8)]
}
