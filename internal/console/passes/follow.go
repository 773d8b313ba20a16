package passes

import (
	"context"

	"github.com/postern-id/postern/internal/console"
)

// follow serves GET /console/people/{id}/pass/{pass}/events: it says when the course of a pass has
// changed, until nothing more can come of it.
func follow(c *console.Call) error {
	if c.Foreign() {
		return console.ErrNowhere
	}
	return c.Live(func(context.Context) (string, bool, error) {
		k, now, err := courseOf(c, c.R.PathValue("id"))
		return now, k.Over(), err
	})
}
