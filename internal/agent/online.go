package agent

import (
	"context"
	"errors"
	"time"

	"github.com/postern-id/postern/internal/agent/link"
	"github.com/postern-id/postern/internal/fault"
	"github.com/postern-id/postern/internal/graphclient"
)

// ErrAway says that there is no server to ask.
var ErrAway = &fault.Error{
	Kind: fault.Unavailable, Code: "promptOffline",
	Text: "This device has no connection to its server.", Remedy: "Try again when it has one, or use your PIN.",
}

// Told turns an outage into words for who wants to sign in.
func Told(err error) error {
	if errors.Is(err, graphclient.ErrUnreachable) || errors.Is(err, context.DeadlineExceeded) {
		return errors.Join(ErrAway, err)
	}
	return err
}

// lookFor is how long a server may take to say that it is there.
const lookFor = 1500 * time.Millisecond

// Online tells whether the server can be reached, so that nobody types a pass for nothing. It
// is asked when it was not heard within the given time.
func (d *Device) Online(ctx context.Context, within time.Duration) bool {
	return d.Reach(ctx, within) == nil
}

// Reach says why the server can't be reached, as Online asks it.
func (d *Device) Reach(ctx context.Context, within time.Duration) error {
	if d.options.Now().Sub(d.Link.Heard()) < within {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, lookFor)
	defer cancel()
	_, err := link.Discover(ctx, d.Link.HTTP, d.Link.Base, d.Link.Tenant)
	return err
}
