package lifecycle

import (
	"context"
	"time"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/jobs"
	"github.com/postern-id/postern/internal/recovery"
)

// settled makes a pass wait while who gets it was changed a short time ago, as in a recovery: more
// people may set managers and addresses than may issue passes. Whoever may, and runs the workflow
// on demand, is not held up: they could issue the pass themselves. That is so while nothing changed since.
func (e *Engine) settled(ctx context.Context, w work, manager directory.User) error {
	policy, err := e.Directory.RecoveryPolicy(ctx, w.tenant.ID)
	if err != nil {
		return err
	}
	own, err := e.Directory.ContactChanges(ctx, w.tenant.ID, w.user.ID)
	if err != nil {
		return err
	}
	theirs, err := e.Directory.ContactChanges(ctx, w.tenant.ID, manager.ID)
	if err != nil {
		return err
	}
	if w.person.Vouch.For(manager.ID, own, theirs) {
		return nil
	}
	if until, why := heldFor(own, theirs, policy.ContactDelay()); w.now.Before(until) {
		return jobs.Later{At: until, Why: why}
	}
	return nil
}

// heldFor says until when a pass waits after changes of the person and of their manager, and why.
// What a new account gets first counts at once: Graph makes a person and sets the manager in two
// requests.
func heldFor(person, manager map[string]time.Time, delay time.Duration) (until time.Time, why string) {
	for _, c := range []struct {
		changed       map[string]time.Time
		property, why string
	}{
		{person, recovery.ContactManager, "The person has had this manager for a short time only."},
		{manager, "mail", "The manager has had this mail address for a short time only."},
	} {
		at, ok := c.changed[c.property]
		if ok && !at.Equal(c.changed[recovery.First(c.property)]) && at.Add(delay).After(until) {
			until, why = at.Add(delay), c.why
		}
	}
	return until, why
}
