package cli

import (
	"context"
	"encoding/json"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/postern-id/postern/internal/graphclient"
)

const (
	followEvery = time.Second
	// overlap is how long after its time an event may still appear: it gets its time before
	// its transaction commits, and replicas commit in any order.
	overlap = 10 * time.Second
)

// A cursor knows which events of a log were shown, so that none is shown twice or left out
// although they appear late and many have the same time.
type cursor struct {
	newest time.Time            // time of the newest event
	shown  map[string]time.Time // times of the shown events that can come again, by id
}

func newCursor(from time.Time) *cursor {
	return &cursor{newest: from, shown: map[string]time.Time{}}
}

// from is the time from which to ask again, in whole seconds.
func (c *cursor) from(start time.Time) time.Time {
	from := c.newest.Add(-overlap).Truncate(time.Second)
	if from.Before(start) {
		return start
	}
	return from
}

// show reports whether an event is to be shown, and notes that it was.
func (c *cursor) show(id string, at time.Time) bool {
	if _, again := c.shown[id]; again {
		return false
	}
	c.shown[id] = at
	if at.After(c.newest) {
		c.newest = at
	}
	return true
}

// forget drops the events that can't come again.
func (c *cursor) forget(from time.Time) {
	for id, at := range c.shown {
		if at.Before(from) {
			delete(c.shown, id)
		}
	}
}

// follow prints each event from start on once, until the command is stopped. A server that
// goes away is asked until it is back.
func (e *env) follow(t trail, user string, start time.Time) error {
	ctx, stop := signal.NotifyContext(e.command.Context(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	c, away := newCursor(start), false
	for {
		from := c.from(start)
		err := e.catchUp(ctx, t, user, from, c)
		switch {
		case ctx.Err() != nil:
			return nil // stopped by the person
		case err == nil && away:
			e.say("The server is back.")
		case err != nil && !lost(err):
			return err
		case err != nil && !away:
			e.say("%s Waiting for it.", err)
		}
		away = err != nil
		c.forget(from)
		if graphclient.Wait(ctx, followEvery) != nil {
			return nil
		}
	}
}

// catchUp shows what is new from a time on, the oldest first.
func (e *env) catchUp(ctx context.Context, t trail, user string, from time.Time, c *cursor) error {
	q := t.query(user, from.UTC().Format(time.RFC3339))
	q.OrderBy = t.time
	for event, err := range t.list(e.graph, ctx, q) {
		if err != nil {
			return err
		}
		at, err := time.Parse(time.RFC3339, event.Text(t.time))
		if err != nil {
			return graphclient.ErrAnswer.With("", "An event has no time.")
		}
		if !c.show(event.Text("id"), at) {
			continue
		}
		if err := e.event(t, event); err != nil {
			return err
		}
	}
	return nil
}

// event prints one event as a line.
func (e *env) event(t trail, event graphclient.Object) error {
	if e.json {
		return json.NewEncoder(e.command.OutOrStdout()).Encode(event)
	}
	return e.result(strings.Join(cells(event, t.columns), "  "))
}
