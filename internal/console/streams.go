package console

import (
	"net/http"
	"sync"
)

// How many streams there are at once: of one person, whose browser has a few pages open, and of
// all. Each asks Graph every second or two, so that they cost as much as people who click.
const (
	streamsEach = 8
	streamsAll  = 400
)

// streams counts those that are open.
type streams struct {
	mu  sync.Mutex
	all int
	of  map[string]int
}

func (s *streams) enter(who string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.all >= streamsAll || s.of[who] >= streamsEach {
		return false
	}
	if s.of == nil {
		s.of = map[string]int{}
	}
	s.all, s.of[who] = s.all+1, s.of[who]+1
	return true
}

func (s *streams) leave(who string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all--
	if s.of[who]--; s.of[who] == 0 {
		delete(s.of, who)
	}
}

// stream counts a stream of events that begins, until leave. Where there are too many it answers
// 429, after which a browser does not ask again: the page is there, and is not live.
func (c *Call) stream() (leave func(), ok bool) {
	who := c.Person.TenantID + " " + c.Person.ID
	if !c.console.streams.enter(who) {
		c.W.WriteHeader(http.StatusTooManyRequests)
		return nil, false
	}
	return func() { c.console.streams.leave(who) }, true
}
