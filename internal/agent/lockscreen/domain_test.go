package lockscreen_test

import (
	"strings"
	"testing"

	"github.com/postern-id/postern/internal/agent"
	"github.com/postern-id/postern/internal/device"
)

// A member of a directory domain joins by a pass, and its people begin with one: there is no
// sign-in at the domain before it, and the same wizard after it.
func TestAMachineOfADomainNeedsNoOtherSignInThanThePass(t *testing.T) {
	w := newWorld(t, func(j *agent.Join) { j.Type, j.Domain = device.HybridJoined, "corp.contoso.example" })
	d, err := w.agent.Device()
	must(t, err)
	if got := d.Identity().JoinType; got != device.HybridJoined {
		t.Fatalf("it joined as %s", got)
	}
	b := w.browser()
	v := b.submit(b.home(w, "?person=other"), "/web")
	if v = b.signIn(v, mira, w.pass(mira)); v.step() != "register" {
		t.Fatalf("the first sign-in on it leads to %s: %s", v.step(), v.text)
	}
	v = b.submit(v, "/new-pin", "pin", firstPIN, "repeat", firstPIN)
	if v.at.Path != "/desktop" || w.pinState(w.person(mira)) != device.PINSet {
		t.Errorf("the new PIN: %s %s", v.at, v.text)
	}
	if v = b.get(w.lock.URL + "/help"); !strings.Contains(v.text, "hybrid joined") {
		t.Errorf("help does not say what it is: %s", v.text)
	}
}
