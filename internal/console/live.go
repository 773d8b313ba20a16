package console

import (
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/postern-id/postern/internal/graphclient"
)

// How a page is kept alive: often enough that a call does not wait for it, less often of a Graph
// that counts requests, and by a connection that ends soon, so that none outlives its page, its
// session or the server for long. The browser comes back with what it saw last.
const (
	liveEvery   = time.Second
	liveForeign = 10 * time.Second
	liveEnds    = 50 * time.Second
)

// Live answers with a stream of events that says "changed", not how, whenever state returns
// another text than the page shows: what the address says in seen, or what the browser saw last;
// without either what state returns first. It ends when state says that it is over, when Graph
// refuses (the browser comes back and is told why) and when the browser is gone. The text has no
// line breaks.
func (c *Call) Live(state func(ctx context.Context) (now string, over bool, err error)) error {
	now, over, err := state(c.Context())
	if err != nil {
		return err
	}
	leave, ok := c.stream()
	if !ok {
		return nil
	}
	defer leave()
	h := c.W.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("X-Accel-Buffering", "no") // of proxies that would wait for more
	out := http.NewResponseController(c.W)
	until := c.Now().Add(liveEnds)
	if err := out.SetWriteDeadline(until.Add(10 * time.Second)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	say := func(text string) bool {
		_, err := io.WriteString(c.W, text)
		return err == nil && out.Flush() == nil
	}
	every := liveEvery
	if c.Foreign() {
		every = liveForeign
	}
	seen := c.seen(now)
	for ok := say("retry: 1000\n\n"); ok && err == nil; now, over, err = state(c.Context()) {
		if now != seen {
			ok = say("event: changed\nid: " + now + "\ndata: .\n\n")
		}
		if over {
			say("event: over\ndata: .\n\n")
			return nil
		}
		if seen = now; !ok || graphclient.Wait(c.Context(), every) != nil || c.Now().After(until) {
			return nil
		}
	}
	return nil // the answer has begun
}

// seen is the state that the page shows.
func (c *Call) seen(first string) string {
	if last := c.R.Header.Get("Last-Event-ID"); last != "" {
		return last
	}
	if shown := c.Form("seen"); shown != "" {
		return shown
	}
	return first
}

func asRefused(err error) (*graphclient.Error, bool) {
	var refused *graphclient.Error
	ok := asError(err, &refused)
	return refused, ok
}
