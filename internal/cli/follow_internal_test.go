package cli

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestAFollowedEventIsShownOnceHoweverLateItAppears(t *testing.T) {
	start := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	type event struct {
		id string
		at time.Duration // after start
	}
	// What the log holds at each poll; the server sends what is not before the cursor.
	polls := [][]event{
		{{"before", -time.Second}, {"a", 0}, {"b", 1500 * time.Millisecond}},
		{{"b2", 1500 * time.Millisecond}},
		{{"later", 8 * time.Second}},
		{{"late", 1600 * time.Millisecond}},
		{{"much later", time.Hour}},
		{{"again", time.Hour}},
	}
	c, log, shown := newCursor(start), []event{}, []string{}
	for _, more := range polls {
		log = append(log, more...)
		from := c.from(start)
		for _, e := range log {
			if at := start.Add(e.at); !at.Before(from) && c.show(e.id, at) {
				shown = append(shown, e.id)
			}
		}
		c.forget(from)
	}
	if got := strings.Join(shown, ", "); got != "a, b, b2, later, late, much later, again" {
		t.Errorf("shown: %s", got)
	}
	if len(c.shown) > 3 {
		t.Errorf("%d events are remembered: %s", len(c.shown), fmt.Sprint(c.shown))
	}
}
