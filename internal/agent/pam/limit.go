package pam

import "sync"

// Limits of connections at one time. What others hold never reaches what is kept for root,
// whose programs sign everybody in.
const (
	perUser   = 4
	forOthers = 64
	forRoot   = 256
)

// A limiter counts connections by uid.
type limiter struct {
	mu     sync.Mutex
	open   map[uint32]int
	others int
}

// enter takes a place for uid, if there is one; leave gives it back.
func (l *limiter) enter(uid uint32) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if uid == 0 {
		if l.open[0] >= forRoot {
			return false
		}
	} else {
		if l.open[uid] >= perUser || l.others >= forOthers {
			return false
		}
		l.others++
	}
	if l.open == nil {
		l.open = map[uint32]int{}
	}
	l.open[uid]++
	return true
}

func (l *limiter) leave(uid uint32) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if uid != 0 {
		l.others--
	}
	if l.open[uid]--; l.open[uid] == 0 {
		delete(l.open, uid)
	}
}
