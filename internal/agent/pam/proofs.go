package pam

import (
	"sync"
	"time"
)

// justNow is how old a proof may be in the account phase of the same sign-in.
const justNow = time.Minute

// A terminal is where a proof was given: the session leader of the program that asked, so that
// the next one who gets the same terminal has to prove themselves.
type terminal struct {
	tty     string
	session int32
	started uint64 // of the leader, in ticks since boot
}

// proofs remembers, in memory only, who gave a proof to which service, when.
type proofs struct {
	mu  sync.Mutex
	all map[proofKey]proof
}

type proofKey struct {
	user    string // object id
	service string
}

type proof struct {
	at    time.Time
	where terminal
}

func (p *proofs) given(user, service string, where terminal, at time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.all == nil {
		p.all = map[proofKey]proof{}
	}
	p.all[proofKey{user, service}] = proof{at, where}
}

// counts tells whether a proof spares the next one, for who sits at the same terminal.
func (p *proofs) counts(user, service string, where terminal, window time.Duration, now time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	last, ok := p.all[proofKey{user, service}]
	return ok && where.session != 0 && last.where == where && within(last.at, window, now)
}

// covers tells whether the account phase comes after a proof that still counts. Programs ask
// for it in a process of their own (sshd) or long after (sudo), so it goes by the person.
func (p *proofs) covers(user, service string, window time.Duration, now time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	last, ok := p.all[proofKey{user, service}]
	return ok && within(last.at, max(window, justNow), now)
}

func within(at time.Time, window time.Duration, now time.Time) bool {
	age := now.Sub(at)
	return age >= 0 && age < window
}

// marks are people, by object id, who came by a PIN that has to be changed and did not change
// it yet. Whoever they are to a program, the account phase says so until they did, or came in
// another way.
type marks struct {
	mu  sync.Mutex
	all map[string]bool
}

func (m *marks) set(user string, on bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.all == nil {
		m.all = map[string]bool{}
	}
	if on {
		m.all[user] = true
	} else {
		delete(m.all, user)
	}
}

func (m *marks) has(user string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.all[user]
}
