package browser

import (
	"encoding/base64"
	"net/http"
	"strings"
	"time"
)

const signOutPrefix = "__Host-postern-out-"

// KeepSignOut lets the browser keep where to go on when it comes back with state from where its
// person signs out; "" is nowhere.
func KeepSignOut(w http.ResponseWriter, state, back string, lifetime time.Duration) {
	c := cookie(signOutPrefix+stateName(state), state+"."+base64.RawURLEncoding.EncodeToString([]byte(back)))
	c.MaxAge = int(lifetime / time.Second)
	http.SetCookie(w, c)
}

// SignOut returns where to go on, and whether this browser left with state.
func SignOut(r *http.Request, state string) (back string, ok bool) {
	c, err := r.Cookie(signOutPrefix + stateName(state))
	if err != nil || len(c.Value) > 4096 {
		return "", false
	}
	kept, encoded, _ := strings.Cut(c.Value, ".")
	raw, err := base64.RawURLEncoding.DecodeString(encoded)
	if kept != state || state == "" || err != nil {
		return "", false
	}
	return string(raw), true
}

// DropSignOut takes away what KeepSignOut gave.
func DropSignOut(w http.ResponseWriter, state string) {
	c := cookie(signOutPrefix+stateName(state), "")
	c.MaxAge = -1
	http.SetCookie(w, c)
}
