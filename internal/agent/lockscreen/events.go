package lockscreen

import (
	"fmt"
	"net/http"
	"sync"
	"time"
)

// A bell tells all who wait that something has changed. The zero value is one.
type bell struct {
	mu   sync.Mutex
	rung int64
	next chan struct{}
}

// ring wakes all who wait.
func (b *bell) ring() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.rung++
	if b.next != nil {
		close(b.next)
		b.next = nil
	}
}

// state returns how often the bell rang, and what is closed when it rings again.
func (b *bell) state() (int64, <-chan struct{}) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.next == nil {
		b.next = make(chan struct{})
	}
	return b.rung, b.next
}

// Times of the stream of changes.
const (
	lookEvery = 5 * time.Second  // at the network, while somebody looks at the screen
	pingEvery = 20 * time.Second // so that a browser which went away is noticed
)

// events tells the screen's pages of each change, by server-sent events
// (https://html.spec.whatwg.org/multipage/server-sent-events.html). What changed they see
// when they load anew.
func (s *Screen) events(w http.ResponseWriter, r *http.Request) error {
	out := http.NewResponseController(w)
	_ = out.SetWriteDeadline(time.Time{}) // where there is none, nothing is to be lifted
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	look, ping := time.NewTicker(lookEvery), time.NewTicker(pingEvery)
	defer look.Stop()
	defer ping.Stop()
	for {
		rung, next := s.bell.state()
		if _, err := fmt.Fprintf(w, "data: %d\n\n", rung); err != nil {
			return nil
		}
		if out.Flush() != nil {
			return nil
		}
		for waiting := true; waiting; {
			select {
			case <-r.Context().Done():
				return nil
			case <-next:
				waiting = false
			case <-look.C:
				s.look(r.Context())
			case <-ping.C:
				if _, err := fmt.Fprint(w, ":\n\n"); err != nil || out.Flush() != nil {
					return nil
				}
			}
		}
	}
}
