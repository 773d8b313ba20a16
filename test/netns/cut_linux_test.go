package netns

import (
	"net/http"
	"testing"

	"github.com/postern-id/postern/test/live"
)

func rounds(few, many int) int { return live.Rounds(few, many) }

// The link breaks at each record of the device's, so that the server never hears a request, and
// at each of the server's, so that an answer is lost.
func TestInsideTheLinkBreaksWhenSomebodySignsIn(t *testing.T) {
	w := newWorld(t)
	c := newCutter(w)
	c.after(-1)
	m := w.machine().joined()
	records := c.after(-1)
	m.start().online()
	t.Run("joining", func(t *testing.T) { joins(t, w, c, records) })
	t.Run("by pass", func(t *testing.T) { signsIn(t, m, c) })
}

func TestInsideTheLinkBreaksWhenAPINIsSet(t *testing.T) {
	w := newWorld(t)
	c := newCutter(w)
	m := w.machine().joined().start().online()
	t.Run("up", func(t *testing.T) { setsUp(t, m, c) })
	t.Run("anew", func(t *testing.T) { resets(t, m, c) })
}

func TestInsideTheLinkBreaksWhenAPINIsTyped(t *testing.T) {
	w := newWorld(t)
	unlocks(t, w.machine().joined().start().online(), newCutter(w))
}

// Wherever a join is cut off, that one or the next goes through with the same one-time pass, and
// the tenant has one device more.
func joins(t *testing.T, w *world, c *cutter, records int) {
	for _, b := range cuts(t, records, 2, 0) {
		before, m, pass := w.devices(), w.machine(), w.pass(once)
		var words string
		var err error
		c.during(b, func() { words, err = m.join(pass) })
		if err != nil {
			if words, err = m.join(pass); err != nil {
				t.Fatalf("%+v: the next join ends with %v\n%s", b, err, words)
			}
		}
		if got := w.devices(); got != before+1 {
			t.Errorf("%+v: the tenant has %d devices more", b, got-before)
		}
		if s := m.status(); s.DeviceID == "" || len(s.Problems) > 0 {
			t.Errorf("%+v: joined as %+v", b, s)
		}
		if _, words, err := m.says("", "leave"); err != nil { // a person may have fifty
			t.Errorf("%+v: leaving: %v %s", b, err, words)
		}
	}
}

// Wherever a sign-in is cut off, a one-time pass gets its owner in all the same: at once, or
// when they type it again.
func signsIn(t *testing.T, m *machine, c *cutter) {
	c.after(-1)
	m.does(true, "auth", m.w.pass(once))
	for _, b := range cuts(t, c.after(-1), 3, 1) {
		pass := m.w.pass(once)
		var p prompt
		var err error
		c.during(b, func() { p, err = m.talk("auth", pass) })
		if err == nil && p.code != "0" {
			p, err = m.talk("auth", pass)
		}
		if err != nil || p.code != "0" {
			t.Errorf("%+v: the pass gets nobody in: %v %+v", b, err, p)
		}
		m.does(false, "auth", pass) // and once is once
	}
}

// removePIN takes the PIN away, as an administrator does, waits until the device knows, and
// signs the person in so that they may set up another.
func (m *machine) removePIN() {
	m.w.t.Helper()
	path := "/v1.0/users/" + admin + "/authentication/windowsHelloForBusinessMethods"
	all, err := live.List[struct{ ID string }](m.w.t.Context(), m.w.graph, site, path)
	must(m.w.t, err)
	for _, one := range all {
		status, err := m.w.graph.Do(m.w.t.Context(), site, http.MethodDelete, path+"/"+one.ID, "", nil)
		if err != nil || status != http.StatusNoContent {
			m.w.t.Fatalf("delete a PIN: %d %v", status, err)
		}
	}
	m.online()
	within(m.w.t, "the PIN is gone", func() bool { return m.status().Users[0].PIN == "none" })
	m.does(true, "auth", m.w.pass(once))
}

// Wherever the set-up of a PIN is cut off: one that was promised works, and one that was not
// can be set up again.
func setsUp(t *testing.T, m *machine, c *cutter) {
	m.removePIN()
	c.after(-1)
	m.does(true, "chauthtok", firstPIN, firstPIN)
	for _, b := range cuts(t, c.after(-1), 3, 0) {
		m.removePIN()
		var p prompt
		var err error
		c.during(b, func() { p, err = m.talk("chauthtok", firstPIN, firstPIN) })
		must(t, err)
		m.online()
		if p.code != "0" {
			m.does(true, "chauthtok", firstPIN, firstPIN)
		}
		m.does(true, "auth", firstPIN)
		m.does(false, "auth", secondPIN)
	}
}

// Wherever the reset of a PIN is cut off, one PIN works: the new one where it was promised,
// else the former.
func resets(t *testing.T, m *machine, c *cutter) {
	m.removePIN()
	m.does(true, "chauthtok", firstPIN, firstPIN)
	c.after(-1)
	m.does(true, "chauthtok", "", secondPIN, secondPIN)
	for _, b := range cuts(t, c.after(-1), 2, 0) {
		m.removePIN() // five resets an hour are each container's
		m.does(true, "chauthtok", firstPIN, firstPIN)
		var p prompt
		var err error
		c.during(b, func() { p, err = m.talk("chauthtok", "", secondPIN, secondPIN) })
		must(t, err)
		m.online()
		right, wrong := firstPIN, secondPIN
		if p.code == "0" {
			right, wrong = wrong, right
		}
		m.does(false, "auth", wrong)
		m.does(true, "auth", right)
	}
}

// Wherever the sign-in by a PIN is cut off, the right one opens and the wrong one does not.
func unlocks(t *testing.T, m *machine, c *cutter) {
	m.online() // by way of the cutter
	m.does(true, "auth", m.w.pass(once))
	m.does(true, "chauthtok", firstPIN, firstPIN)
	c.after(-1)
	m.does(true, "auth", firstPIN)
	for i, b := range cuts(t, c.after(-1), 0, 2) {
		if i%20 == 19 {
			m.forgive()
			m.online()
		}
		for pin, well := range map[string]bool{firstPIN: true, secondPIN: false} {
			c.during(b, func() { m.does(well, "auth", pin) })
		}
		m.does(true, "auth", firstPIN)
	}
}
