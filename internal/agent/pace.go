package agent

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/postern-id/postern/internal/agent/container"
	"github.com/postern-id/postern/internal/graphclient"
)

// pace makes people wait after wrong PINs, longer each time, wherever they type them. The
// count is the TPM's, so that starting anew does not shorten the wait.
type pace struct {
	mu   sync.Mutex
	last map[string]pause // by object id
}

// A pause is the wait that a wrong PIN brought.
type pause struct {
	from time.Time
	wait time.Duration
}

// left is what is left of p. A clock that was set back begins it anew, and no more.
func (p pause) left(now time.Time) time.Duration {
	return min(p.wait, max(0, p.wait-now.Sub(p.from)))
}

func (p *pace) set(user string, one pause) {
	if p.last == nil {
		p.last = map[string]pause{}
	}
	p.last[user] = one
}

// PINWait is how long it takes until the next PIN of a person is looked at.
func (a *Agent) PINWait(user string) time.Duration {
	d, err := a.pinned(user)
	if err != nil {
		return 0
	}
	return a.pinWait(d, user)
}

func (a *Agent) pinWait(d *Device, user string) time.Duration {
	now := a.options.Now()
	a.pace.mu.Lock()
	defer a.pace.mu.Unlock()
	one, known := a.pace.last[user]
	if !known { // since the start: what was counted before still holds
		if c, err := d.PINs.Containers.Find(user); err == nil {
			if _, wait, err := d.PINs.Containers.Left(c); err == nil {
				one = pause{now, wait}
			}
		}
		a.pace.set(user, one)
	}
	return one.left(now)
}

// hold waits until the next PIN of a person is looked at.
func (a *Agent) hold(ctx context.Context, d *Device, user string) error {
	return graphclient.Wait(ctx, a.pinWait(d, user))
}

// tried notes how a try went.
func (a *Agent) tried(user string, err error) {
	one := pause{from: a.options.Now()}
	if wrong, ok := errors.AsType[container.Wrong](err); ok {
		one.wait = wrong.Wait
	} else if err != nil {
		return // it was not looked at
	}
	a.pace.mu.Lock()
	defer a.pace.mu.Unlock()
	a.pace.set(user, one)
}
