package passes

import (
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/postern-id/postern/internal/console"
	"github.com/postern-id/postern/internal/graphclient"
)

// How a pass is followed: often enough that a call does not wait for it, and by a connection that
// ends soon, so that none outlives its page, its session or the server for long. The browser
// comes back with what it saw last.
const (
	look = time.Second
	long = 50 * time.Second
)

// follow serves GET /console/people/{id}/pass/{pass}/events: it says when the course of a pass has
// changed, not how.
func follow(c *console.Call) error {
	if c.Foreign() {
		return console.ErrNowhere
	}
	seen := c.R.Header.Get("Last-Event-ID")
	if seen == "" {
		seen = c.Form("seen")
	}
	k, now, err := courseOf(c, c.R.PathValue("id"))
	if err != nil {
		return err
	}
	leave, ok := c.Stream()
	if !ok {
		return nil
	}
	defer leave()
	c.W.Header().Set("Content-Type", "text/event-stream")
	c.W.Header().Set("Cache-Control", "no-store")
	c.W.Header().Set("X-Accel-Buffering", "no") // of proxies that would wait for more
	out := http.NewResponseController(c.W)
	until := c.Now().Add(long)
	if err := out.SetWriteDeadline(until.Add(10 * time.Second)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	tell(c, k, now, seen, until, func(text string) bool {
		_, err := io.WriteString(c.W, text)
		return err == nil && out.Flush() == nil
	})
	return nil
}

// tell says what changes until then, until nothing more can come of the pass, or until the
// browser is gone. Where Graph refuses it ends: the browser comes back and is told why.
func tell(c *console.Call, k course, now, seen string, until time.Time, say func(string) bool) {
	for ok := say("retry: 1000\n\n"); ok; {
		if now != seen {
			ok = say("event: changed\nid: " + now + "\ndata: .\n\n")
		}
		if k.Over() {
			say("event: over\ndata: .\n\n")
			return
		}
		if graphclient.Wait(c.Context(), look) != nil || c.Now().After(until) {
			return
		}
		seen = now
		var err error
		if k, now, err = courseOf(c, c.R.PathValue("id")); err != nil {
			return
		}
	}
}
