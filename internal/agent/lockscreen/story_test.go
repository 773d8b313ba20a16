//go:build linux

package lockscreen_test

import (
	"net/http"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"github.com/postern-id/postern/internal/agent/lockscreen"
	"github.com/postern-id/postern/internal/device"
)

// The story of docs/design.md: a PIN that does not work any more, a pass, a new PIN.
func TestAPersonWhoForgotTheirPINIsBackByAPassAndANewPIN(t *testing.T) {
	w := newWorld(t)
	user := w.withPIN()
	b := w.browser()
	v := b.home(w, "?person="+user)
	if v.step() != "lock" || !v.has("/pin") {
		t.Fatalf("the lock screen: %s %s", v.step(), v.text)
	}
	v = b.submit(v, "/pin", "pin", firstPIN)
	if v.at.Path != "/desktop" || len(w.seat.sessions()) != 1 || w.seat.sessions()[0].By != lockscreen.PIN {
		t.Fatalf("the PIN opens %s, %+v", v.at, w.seat.sessions())
	}

	v = b.get(w.lock.URL + "/forgot?person=" + user)
	attempt := attr(v.find(func(n *html.Node) bool { return attr(n, "name") == "attempt" }), "value")
	v = b.submit(v, "/forgot")
	if v.at.Host != w.site.Listener.Addr().String() || v.step() != "identify" || !strings.Contains(v.source, `value="`+admin+`"`) {
		t.Fatalf("one click leads to %s (%s): %s", v.at, v.step(), v.text)
	}
	// Who goes back to the screen is not sent away again, and may go on.
	if back := b.home(w, ""); back.step() != "websignin" || !back.has("/cancel") {
		t.Errorf("the way back leads to %s (%s)", back.at, back.step())
	}
	pass := w.pass(admin)
	v = b.signIn(v, admin, pass)
	if v.step() != "register" {
		t.Fatalf("after the pass: %s at %s: %s", v.step(), v.at, v.text)
	}
	v = b.submit(v, "/new-pin", "pin", secondPIN, "repeat", secondPIN)
	if v.at.Path != "/desktop" {
		t.Fatalf("after the wizard: %s %s: %s", v.at, v.failure(), v.text)
	}
	last := w.seat.sessions()[1]
	if last.By != lockscreen.Web || !last.PINSet || last.PINDue || last.Account.ID != user {
		t.Errorf("the session is opened as %+v", last)
	}
	v = b.submit(b.home(w, "?person="+user), "/pin", "pin", secondPIN)
	if v.at.Path != "/desktop" || w.pinState(user) != device.PINSet {
		t.Errorf("the new PIN: %s %s", v.at, v.text)
	}
	// The id on the screen is the id in the server's log, and in the device's.
	var log struct {
		Value []struct {
			ID string `json:"correlationId"`
		} `json:"value"`
	}
	w.graph(http.MethodGet, "/v1.0/auditLogs/signIns?$filter=correlationId eq '"+attempt+"'", "", http.StatusOK, &log)
	if len(log.Value) == 0 || !strings.Contains(w.log.String(), "correlationId="+attempt) {
		t.Errorf("the attempt %s is in no log: %+v\n%s", attempt, log, w.log.String())
	}
	w.nothingSecret(b, firstPIN, secondPIN, pass)
}
