package console

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/postern-id/postern/internal/graphclient"
)

const (
	liveEvery   = 2 * time.Second
	liveForeign = 10 * time.Second // of a Graph that counts requests
	liveEnds    = 10 * time.Minute // the browser connects again by itself
)

// Live answers with a stream of events that says "changed" whenever state returns another text
// than before, until state says that it is over, the browser leaves or the person's session
// ends. It is asked every two seconds, every ten of another Graph.
func (c *Call) Live(state func(ctx context.Context) (now string, over bool, err error)) error {
	leave, ok := c.Stream()
	if !ok {
		return nil
	}
	defer leave()
	out := http.NewResponseController(c.W)
	if err := out.SetWriteDeadline(time.Time{}); err != nil {
		return err
	}
	h := c.W.Header()
	h.Set("Content-Type", "text/event-stream")
	c.W.WriteHeader(http.StatusOK)
	ctx, cancel := context.WithTimeout(c.Context(), liveEnds)
	defer cancel()
	every := liveEvery
	if c.console.foreign() {
		every = liveForeign
	}
	last, began := "", false
	for {
		now, over, err := state(ctx)
		if refused, ok := asRefused(err); ok && refused.Status < 500 && refused.Status != http.StatusTooManyRequests {
			over = true // the page finds out why when it loads itself
		}
		if said := c.say(began && err == nil && now != last, over); said != nil || over {
			return nil
		}
		if err == nil {
			last, began = now, true
		}
		if out.Flush() != nil || graphclient.Wait(ctx, every) != nil {
			return nil
		}
	}
}

// say writes the events that are due, or a comment that keeps the line open.
func (c *Call) say(changed, over bool) error {
	text := ": \n\n"
	if changed || over {
		text = "event: changed\ndata: \n\n"
	}
	if over {
		text += "event: over\ndata: \n\n"
	}
	_, err := fmt.Fprint(c.W, text)
	_ = http.NewResponseController(c.W).Flush()
	return err
}

func asRefused(err error) (*graphclient.Error, bool) {
	var refused *graphclient.Error
	ok := asError(err, &refused)
	return refused, ok
}
