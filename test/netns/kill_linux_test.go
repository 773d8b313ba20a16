package netns

import (
	"math/rand/v2"
	"testing"
	"time"
)

// The agent is killed at random moments while it works on a PIN. Whatever it had said holds:
// the PIN is the new one where that was promised, else one of the two; no other PIN opens, and
// there is nothing to repair.
func TestInsideAnAgentThatIsKilled(t *testing.T) {
	w := newWorld(t)
	m := w.machine().joined().start().online().withPIN()
	now, next, promised, kills := firstPIN, secondPIN, 0, rounds(20, 200)
	for i := range kills {
		action, answers, changes := "chauthtok", []string{now, next, next}, true
		switch rand.N(5) {
		case 0:
			action, answers, changes = "auth", []string{now}, false
		case 1:
			action, answers, changes = "auth", []string{"999999"}, false
		case 2: // forgotten
			m.online()
			m.does(true, "auth", "pass "+w.pass(once))
			answers[0] = ""
		}
		done := make(chan prompt, 1)
		go func() {
			p, err := m.talk(action, answers...)
			if err != nil {
				p.code = err.Error()
			}
			done <- p
		}()
		select {
		case <-time.After(rand.N(80 * time.Millisecond)):
		case p := <-done:
			done <- p
		}
		m.kill()
		p := <-done
		m.forgive()
		said := p.code == "0"
		if said && answers[0] == "999999" {
			t.Fatal("a wrong PIN opens")
		}
		if changes {
			if said {
				promised++
				m.does(false, "auth", now)
			}
			if q, err := m.talk("auth", next); err == nil && q.code == "0" {
				now, next = next, now
			} else if said {
				t.Fatalf("kill %d: %s %q was promised, and the new PIN does not open: %v %+v", i+1, action, answers, err, q)
			}
		}
		m.does(true, "auth", now)
		if s := m.status(); len(s.Problems) > 0 {
			t.Errorf("kill %d: %+v", i+1, s.Problems)
		}
	}
	t.Logf("%d kills, %d changes were promised before", kills, promised)
	m.online()
	if out, words, err := m.says("", "repair"); err != nil {
		t.Errorf("repair: %v %s %s", err, out, words)
	}
}
