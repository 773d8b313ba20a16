package gate

import (
	"cmp"
	"slices"
)

// A waiter is a caller in a line.
type waiter struct {
	class Class
	// turn gets nil when the waiter may enter and ErrBusy when it lost its place. It gets
	// one of them once, after the waiter was taken out of its line, and never blocks.
	turn chan error
}

// A line is where callers of one kind wait.
type line struct {
	queue    queue
	networks map[string]int // how many wait, by network
	inside   int            // how many of this line are inside
}

func newLine() line { return line{networks: map[string]int{}} }

func (l *line) add(w *waiter) {
	l.networks[w.class.Network]++
	l.queue.add(w.class.path(), w)
}

// next takes out the waiter whose turn it is. The line must not be empty.
func (l *line) next() *waiter {
	w := l.queue.next()
	l.forget(w)
	return w
}

// remove takes w out and reports whether it was there.
func (l *line) remove(w *waiter) bool {
	if !l.queue.remove(w.class.path(), w) {
		return false
	}
	l.forget(w)
	return true
}

func (l *line) forget(w *waiter) {
	l.networks[w.class.Network]--
	if l.networks[w.class.Network] == 0 {
		delete(l.networks, w.class.Network)
	}
}

// path names the queues that a caller is in, outermost first.
func (c Class) path() []string { return []string{c.Tenant, c.Network} }

// A queue has parts that take turns, which are queues as well, or at the end of a path the
// waiters themselves. Searching is linear: a full line is a few hundred places long.
type queue struct {
	name    string
	size    int      // waiters, those of all parts included
	parts   []*queue // none is empty; the first has the next turn
	waiters []*waiter
}

func (q *queue) add(path []string, w *waiter) {
	q.size++
	if len(path) == 0 {
		q.waiters = append(q.waiters, w)
		return
	}
	i := q.index(path[0])
	if i < 0 {
		i = len(q.parts)
		q.parts = append(q.parts, &queue{name: path[0]})
	}
	q.parts[i].add(path[1:], w)
}

// next takes out the first waiter of the first part, whose next turn comes after those of
// all others.
func (q *queue) next() *waiter {
	q.size--
	if len(q.parts) == 0 {
		w := q.waiters[0]
		q.waiters = slices.Delete(q.waiters, 0, 1)
		return w
	}
	first := q.parts[0]
	w := first.next()
	q.parts = slices.Delete(q.parts, 0, 1)
	if first.size > 0 {
		q.parts = append(q.parts, first)
	}
	return w
}

func (q *queue) remove(path []string, w *waiter) bool {
	if len(path) == 0 {
		i := slices.Index(q.waiters, w)
		if i < 0 {
			return false
		}
		q.size--
		q.waiters = slices.Delete(q.waiters, i, i+1)
		return true
	}
	i := q.index(path[0])
	if i < 0 || !q.parts[i].remove(path[1:], w) {
		return false
	}
	q.size--
	if q.parts[i].size == 0 {
		q.parts = slices.Delete(q.parts, i, i+1)
	}
	return true
}

// givesWay returns the last waiter of the longest part when that stays no shorter than the
// newcomer's part becomes, and looks for one within the newcomer's part otherwise. It
// returns nil when the newcomer has no better right to a place than those who wait.
func (q *queue) givesWay(path []string) *waiter {
	if len(path) == 0 {
		return nil
	}
	i, own := q.index(path[0]), 0
	if i >= 0 {
		own = q.parts[i].size
	}
	if longest := q.longest(); own+1 < longest.size {
		return longest.last()
	}
	if i < 0 {
		return nil
	}
	return q.parts[i].givesWay(path[1:])
}

func (q *queue) last() *waiter {
	if len(q.parts) == 0 {
		return q.waiters[len(q.waiters)-1]
	}
	return q.longest().last()
}

func (q *queue) longest() *queue {
	return slices.MaxFunc(q.parts, func(a, b *queue) int { return cmp.Compare(a.size, b.size) })
}

func (q *queue) index(name string) int {
	return slices.IndexFunc(q.parts, func(part *queue) bool { return part.name == name })
}
