package server_test

import (
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/postern-id/postern/internal/server"
)

// What is done for a person, such as to queue a mail, takes longer than what is done for a name
// that nobody has: every step waits for as long.
func TestTheStepsOfACaseTakeTheSameTimeForAnybody(t *testing.T) {
	c := &wrist{}
	const hold = 40 * time.Millisecond
	w := newKeyWorld(t, func(o *server.Options) { o.Wall, o.Mail.Mailbox, o.Hold = c.now, true, hold })
	x := trip{world: w, clock: c}
	x.sam = w.createUser("sam")
	w.change(http.MethodPatch, "/v1.0/users/"+x.sam, `{"otherMails":["sam@home.example"]}`)
	c.move(8 * 24 * time.Hour)
	steps := []url.Values{
		{"ask": {"mail"}},
		{"code": {"000000"}},
		{"ask": {"colleague"}, "colleague": {"admin@contoso.example"}},
		{"ask": {"matched"}},
		{"ask": {"pass"}},
		{"ask": {"nothing"}},
		{"ask": {"cancel"}},
	}
	for _, name := range []string{"sam@contoso.example", "nobody@contoso.example"} {
		x.newBrowser()
		x.ask(name)
		took := func(what string, step func() answer) {
			t.Helper()
			began := time.Now()
			a := step()
			if d := time.Since(began); d < hold {
				t.Errorf("%s, %s: answered %d after %v", name, what, a.status, d)
			}
		}
		took("look", func() answer { return x.get("/recover/case") })
		took("look again", func() answer { return x.get("/recover/case/stands") })
		took("back from a wallet", func() answer { return x.get("/recover/presented?id=none") })
		for _, step := range steps {
			took(step.Encode(), func() answer { return x.post("/recover/case", step) })
		}
		took("no case", func() answer { return x.get("/recover/case") })
	}
}
