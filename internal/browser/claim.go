package browser

import (
	"net/http"
	"time"
)

const claimCookie = "__Host-postern-case"

// Claim returns the browser's hold on a recovery case, or "".
func Claim(r *http.Request) string {
	c, err := r.Cookie(claimCookie)
	if err != nil || len(c.Value) > 300 {
		return ""
	}
	return c.Value
}

// KeepClaim gives the browser its hold on a recovery case; an empty one takes it away.
func KeepClaim(w http.ResponseWriter, text string, lifetime time.Duration) {
	c := cookie(claimCookie, text)
	if c.MaxAge = int(lifetime / time.Second); text == "" {
		c.MaxAge = -1
	}
	http.SetCookie(w, c)
}
