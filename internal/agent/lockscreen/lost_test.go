//go:build linux

package lockscreen_test

import (
	"strings"
	"testing"
	"time"

	"github.com/postern-id/postern/internal/agent/lockscreen"
)

// The browser has come back, the pass is spent, and the link breaks before the screen has asked
// who it was. Nobody has to ask for another pass.
func TestALinkThatBreaksAsTheBrowserComesBackCostsNoPass(t *testing.T) {
	w := newWorld(t)
	user := w.withPIN()
	b := w.browser()
	v := b.submit(b.home(w, "?person="+user+"&way=web"), "/web", "person", user)
	b.stop = strings.TrimPrefix(w.lock.URL, "http://")
	v = b.signIn(v, admin, w.pass(admin))
	if v.at.Host != b.stop || !v.at.Query().Has("code") {
		t.Fatalf("the sign-in leads to %s", v.at)
	}
	b.stop = ""
	w.down.Store(true)
	up := time.AfterFunc(time.Second/2, func() { w.down.Store(false) })
	defer up.Stop()
	if v = b.get(v.at.String()); v.at.Path != "/desktop" {
		t.Fatalf("the screen shows %s: %s %s", v.at, v.failure(), v.text)
	}
	if all := w.seat.sessions(); len(all) != 1 || all[0].By != lockscreen.Web || all[0].Account.ID != user {
		t.Errorf("sessions: %+v", all)
	}
}
