package netns

import (
	"os/exec"
	"strings"
	"testing"
)

// On a link that is slow and drops packets all works, and takes longer.
func TestInsideASlowLinkThatDropsPackets(t *testing.T) {
	need(t, "tc")
	w := newWorld(t)
	slow := []string{"root", "netem", "delay", "120ms", "loss", "5%"}
	for _, end := range []*host{w.device, w.router} {
		dev := map[*host]string{w.device: "d0", w.router: "m1"}[end]
		args := append([]string{"--net=" + end.path(), "tc", "qdisc", "add", "dev", dev}, slow...)
		if out, err := exec.CommandContext(t.Context(), "nsenter", args...).CombinedOutput(); err != nil {
			// Without that part of the kernel: 256 kbit/s with room for three packets, what comes
			// faster is dropped.
			t.Logf("no netem (%s); a thin line with a short queue instead", strings.TrimSpace(string(out)))
			slow = []string{"root", "tbf", "rate", "256kbit", "burst", "1600", "limit", "4600"}
			run(t, "nsenter", append([]string{"--net=" + end.path(), "tc", "qdisc", "add", "dev", dev}, slow...)...)
		}
	}
	m := w.machine().joined().start().online().withPIN()
	m.does(false, "auth", secondPIN)
	m.does(true, "auth", firstPIN)
	m.does(true, "chauthtok", "", secondPIN, secondPIN)
	m.does(true, "auth", secondPIN)
	out := run(t, "nsenter", "--net="+w.router.path(), "tc", "-s", "qdisc", "show", "dev", "m1")
	if strings.Contains(out, "dropped 0,") {
		t.Errorf("nothing was dropped:\n%s", out)
	}
}

// A server that is started anew in the middle of a sign-in costs nobody a pass.
func TestInsideAServerThatStartsAnew(t *testing.T) {
	w := newWorld(t)
	c := newCutter(w)
	m := w.machine().joined().start().online()
	c.after(-1)
	m.does(true, "auth", w.pass(once))
	for _, b := range cuts(t, c.after(-1), 0, 2) {
		pass := w.pass(once)
		var p prompt
		c.during(b, func() {
			var err error
			p, err = m.talk("auth", pass)
			must(t, err)
			w.restart()
		})
		if p.code != "0" {
			p = m.does(true, "auth", pass)
		}
		m.does(false, "auth", pass)
	}
	// Between question and answer.
	m.online()
	pass := w.pass(once)
	p, err := m.answering("auth", func(string) string {
		w.restart()
		return pass
	})
	if err != nil || p.code != "0" {
		t.Errorf("started anew at the prompt: %v %+v", err, p)
	}
}
