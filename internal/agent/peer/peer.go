// Package peer says who is at the other end of a local socket, and keeps everybody from
// taking all places at it.
package peer

import "sync"

// A Process is the other end of a connection, as the kernel knows it. A process that is gone
// may have left its number to another one.
type Process struct {
	UID uint32
	PID int32
}

// A Limiter counts connections by uid. What others hold never reaches what is kept for root.
type Limiter struct {
	Each   int // of one uid
	Others int // of all uids but 0
	Root   int // of uid 0

	mu     sync.Mutex
	open   map[uint32]int
	others int
}

// Enter takes a place for uid, if there is one; Leave gives it back.
func (l *Limiter) Enter(uid uint32) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case uid == 0 && l.open[0] >= l.Root,
		uid != 0 && (l.open[uid] >= l.Each || l.others >= l.Others):
		return false
	}
	if uid != 0 {
		l.others++
	}
	if l.open == nil {
		l.open = map[uint32]int{}
	}
	l.open[uid]++
	return true
}

// Leave gives back a place that Enter gave.
func (l *Limiter) Leave(uid uint32) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if uid != 0 {
		l.others--
	}
	if l.open[uid]--; l.open[uid] == 0 {
		delete(l.open, uid)
	}
}
