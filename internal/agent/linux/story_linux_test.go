package linux_test

import (
	"strings"
	"testing"

	"github.com/postern-id/postern/internal/agent"
	"github.com/postern-id/postern/internal/agent/container"
	"github.com/postern-id/postern/internal/agent/linux/linuxtest"
	"github.com/postern-id/postern/internal/agent/pin"
)

// A person's PIN stops working, and they know no password. This is the way back at text
// consoles, with the machine's own login, sudo, su and ssh.
func TestInsideTheWayBackFromABrokenPIN(t *testing.T) {
	w := newWorld(t)
	console := func() *linuxtest.Terminal { return linuxtest.Open(t, "login").Expect("login:").Say("ada") }

	// Ada chooses a PIN on her first day, and works with it.
	p := console().Expect("Temporary Access Pass").Say(w.pass).Expect("choose a device PIN").Expect("$").Say("passwd")
	p.Expect("New device PIN:").Say("271828").Expect("again").Say("271828").Expect("is changed").Expect("$").Say("exit").Ends(0)
	p = console().Expect("Device PIN").Say("271828").Expect("$")
	p.Say("echo kept > ~/letter; echo by $POSTERN_METHOD").Expect("by pin").Expect("$").Say("exit").Ends(0)
	before := w.key()

	// One day it is wrong, and wrong again, until it counts for nothing.
	for range 2 {
		linuxtest.PAMTester(t, "prompt", "ada", "authenticate").Expect("Device PIN").Say("314159").Ends(1)
	}
	for range container.MaxWrong - 2 { // without the wait that grows at each prompt, 21 seconds in all
		w.wrong("314159")
	}
	linuxtest.PAMTester(t, "prompt", "ada", "authenticate").Expect("Temporary Access Pass").Say("271828").Ends(1)
	linuxtest.As(t, "30001", "su", "-", "ada", "-c", "id -un").Expect("Temporary Access Pass").Say("271828").Ends(1)

	// The helpdesk issues a pass. She types it at the prompt, and sets a new PIN at once, with no
	// further proof.
	p = console().Expect("Temporary Access Pass").Say(strings.ToLower(w.pass)).Expect("choose a device PIN").Expect("$")
	p.Say("passwd").Expect("New device PIN:").Say("161803").Expect("again").Say("161803").Expect("is changed").Expect("$").Say("exit").Ends(0)

	// The new PIN opens; the former one does not. Key and files are the same.
	p = console().Expect("Device PIN").Say("161803").Expect("$")
	p.Say("cat ~/letter; echo by $POSTERN_METHOD").Expect("kept").Expect("by pin").Expect("$").Say("exit").Ends(0)
	linuxtest.PAMTester(t, "prompt", "ada", "authenticate").Expect("Device PIN").Say("271828").Expect("4 tries are left").Ends(1)
	if after := w.key(); after != before {
		t.Error("the key behind the PIN is another one")
	}
	linuxtest.As(t, "30001", "su", "-", "ada", "-c", "id -un").Expect("Device PIN").Say("161803").Expect("ada").Ends(0)

	// From afar the PIN is worth nothing, and the pass is.
	linuxtest.SSH(t, "-o", "PreferredAuthentications=keyboard-interactive", "ada@here", "cat letter").
		Expect("Temporary Access Pass:").Say("161803").Expect("works at the device itself only").
		Expect("Temporary Access Pass:").Say(w.pass).Expect("kept").Ends(0)

	// And it works without the server, as it did before.
	w.unplug()
	linuxtest.PAMTester(t, "prompt", "ada", "authenticate", "acct_mgmt").Expect("Device PIN").Say("161803").Ends(0)
}

// wrong tries a PIN that is wrong.
func (w *world) wrong(typed string) {
	w.t.Helper()
	d, err := w.agent.Device()
	linuxtest.Must(w.t, err)
	if _, err := w.containers(d).Sign(w.me.ID, typed, make([]byte, 32)); err == nil {
		w.t.Error("a wrong PIN signs")
	}
}

func (w *world) containers(d *agent.Device) *container.Store {
	w.t.Helper()
	all, ok := d.PINs.Containers.(pin.TPM)
	if !ok {
		w.t.Fatal("PINs are in no TPM")
	}
	return all.Store
}

// key is the public part of the key behind ada's PIN.
func (w *world) key() string {
	w.t.Helper()
	d, err := w.agent.Device()
	linuxtest.Must(w.t, err)
	c, err := d.PINs.Containers.Find(w.me.ID)
	linuxtest.Must(w.t, err)
	return string(c.Key.Public)
}
