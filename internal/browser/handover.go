package browser

import (
	"net/http"
	"time"
)

const handoverCookie = "__Host-postern-handover"

// Handover returns the code of a link that this browser is opening, or "".
func Handover(r *http.Request) string {
	c, err := r.Cookie(handoverCookie)
	if err != nil || len(c.Value) > 200 {
		return ""
	}
	return c.Value
}

// KeepHandover keeps the code of a link while the opener signs in; an empty one takes it away.
func KeepHandover(w http.ResponseWriter, code string, lifetime time.Duration) {
	c := cookie(handoverCookie, code)
	if c.MaxAge = int(lifetime / time.Second); code == "" {
		c.MaxAge = -1
	}
	http.SetCookie(w, c)
}
