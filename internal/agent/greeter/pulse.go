package greeter

import (
	"sync"
	"time"
)

// quietFor is how long a page that is looked at may say nothing. It speaks every five seconds
// (lock.js), as long as its script runs.
const quietFor = 25 * time.Second

// A pulse watches the page of a browser that runs: a page whose script spins for ever, or that
// draws nothing any more, looks well from outside. Pages without script are not watched, and
// neither are those that nobody sees, whose script browsers slow down.
type pulse struct {
	hangs func()

	mu    sync.Mutex
	timer *time.Timer
	ended bool
}

// beat notes that the page speaks.
func (p *pulse) beat(hidden bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.timer != nil {
		p.timer.Stop()
		p.timer = nil
	}
	if !hidden && !p.ended {
		p.timer = time.AfterFunc(quietFor, p.hangs)
	}
}

// end ends the watch.
func (p *pulse) end() {
	p.mu.Lock()
	p.ended = true
	p.mu.Unlock()
	p.beat(true)
}
