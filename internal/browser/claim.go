package browser

import (
	"net/http"
	"time"
)

const (
	claimCookie = "__Host-postern-case"
	codeCookie  = "__Host-postern-case-code"
)

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

// CodeOut returns the id of the case for which a code was asked for in the browser and may still come,
// or "".
func CodeOut(r *http.Request) string {
	c, err := r.Cookie(codeCookie)
	if err != nil {
		return ""
	}
	return c.Value
}

// KeepCodeOut notes that a code for a case was asked for, for as long as it works.
func KeepCodeOut(w http.ResponseWriter, id string, lifetime time.Duration) {
	c := cookie(codeCookie, id)
	c.MaxAge = int(lifetime / time.Second)
	http.SetCookie(w, c)
}
