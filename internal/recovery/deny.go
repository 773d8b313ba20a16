package recovery

import (
	"context"
	"errors"
	"time"
)

// Deny is what the link of a mail does that was sent at a time: it disputes the case for its
// person, who is known by the link alone.
func (s Service) Deny(ctx context.Context, ref Ref, sent time.Time, by Actor) (c Case, err error) {
	for range denyTries { // a pass that is issued at this moment is what it has to stop
		c, err = s.dispute(ctx, ref, "by the link in a mail", by, func(c Case) error {
			if c.Disputed != nil && c.Stopped() {
				return ErrStopped // it is said again
			}
			return c.deniable(sent)
		})
		if !errors.Is(err, ErrChanged) || ref.Version != 0 {
			break
		}
	}
	return c, err
}

// denyTries bounds how often a link meets another step of its case.
const denyTries = 5

// deniable reports, as a fault, why the link of a mail that was sent at a time does nothing. What
// was decided since then stands: whoever reads old mail does not freeze the same things again. What
// came later has a mail and a link of its own.
func (c Case) deniable(sent time.Time) error {
	if !c.Stopped() && c.Disputed != nil && !sent.After(c.Disputed.At) {
		return ErrDecided
	}
	return nil
}

// Stopped reports whether c is as a link would leave it: it stands still, or is over and there was
// no pass. Who presses theirs a second time, or late, is told just that.
func (c Case) Stopped() bool {
	return c.State == Disputed || c.State.Over() && c.Pass == nil
}
