package lockscreen

import (
	"context"
	"time"

	"github.com/postern-id/postern/internal/graphclient"
)

// reach is what is known of the way to the server.
type reach struct {
	at      time.Time // when it was looked at; zero for never
	online  bool
	portal  bool // something else answers in its place: the network wants a sign-in of its own
	network NetworkState
	busy    chan struct{} // closed when the look under way ends; nil while there is none
}

// Times of looking at the network. A page does not wait longer than patience for it: what is
// found later comes to the page as a change.
const (
	lookAgain = 3 * time.Second
	patience  = 250 * time.Millisecond
	lookFor   = 3 * time.Second
)

// reached returns what is known of the network, and looks where that is old.
func (s *Screen) reached(ctx context.Context) reach {
	s.mu.Lock()
	known := s.reach
	s.mu.Unlock()
	if age := s.now().Sub(known.at); age >= 0 && age < lookAgain {
		return known
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.look(context.WithoutCancel(ctx))
	}()
	select {
	case <-done:
	case <-time.After(patience):
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.reach
}

// look looks at the network, one at a time, and tells the pages when it has changed.
func (s *Screen) look(ctx context.Context) {
	s.mu.Lock()
	if busy := s.reach.busy; busy != nil {
		s.mu.Unlock()
		<-busy
		return
	}
	busy := make(chan struct{})
	s.reach.busy = busy
	s.mu.Unlock()

	ctx, cancel := context.WithTimeout(ctx, lookFor)
	defer cancel()
	found := s.find(ctx)

	s.mu.Lock()
	changed := !s.reach.at.IsZero() && (s.reach.online != found.online || s.reach.portal != found.portal || s.reach.network != found.network)
	s.reach = found
	s.mu.Unlock()
	close(busy)
	if changed {
		s.bell.ring()
	}
}

func (s *Screen) find(ctx context.Context) reach {
	found := reach{at: s.now()}
	if s.network != nil {
		state, err := s.network.State(ctx)
		if err != nil {
			s.log.WarnContext(ctx, "state of the network", "err", err)
		}
		found.network = state
		if err == nil && !state.Connected {
			return found
		}
	}
	if d, err := s.agent.Device(); err == nil {
		if s.agent.Connected() {
			found.online = true
			return found
		}
		err := d.Reach(ctx, lookAgain)
		found.online = err == nil
		found.portal = err != nil && found.network.Portal || graphclient.Interposed(err)
	}
	return found
}
