package server_test

import (
	"net/http"
	"net/netip"
	"net/url"
	"testing"
	"time"

	"github.com/postern-id/postern/internal/request"
	"github.com/postern-id/postern/internal/server"
)

// postal is a desk whose mails are counted.
type postal struct {
	*desk
	seen map[string]bool
}

func newPostal(t *testing.T) *postal {
	t.Helper()
	d := newDesk(t, func(o *server.Options) {
		o.Proxies, o.Mail.Mailbox, o.Hold = request.Proxies{netip.MustParsePrefix("127.0.0.0/8")}, true, time.Nanosecond
	})
	return &postal{d, map[string]bool{}}
}

// came is how many mails came since it was last asked.
func (p *postal) came() int {
	p.t.Helper()
	if err := p.server.Deliver(p.t.Context()); err != nil {
		p.t.Fatal(err)
	}
	was := len(p.seen)
	for _, row := range mailRow.FindAllStringSubmatch(p.get("/mailbox").body, -1) {
		p.seen[row[1]] = true
	}
	return len(p.seen) - was
}

// opens asks for help in a browser of the kind that is in use.
func (p *postal) opens(name string) int {
	page := p.authorize(url.Values{"prompt": {"login"}}).location
	p.post(page, url.Values{"username": {name}})
	return p.post("/recover"+page[len("/signin"):], url.Values{"lost": {"phoneLost"}}).status
}

func (p *postal) from(address string) *http.Client {
	p.newBrowser()
	p.browser.Transport = &traveller{p.browser.Transport, address}
	return p.browser
}

// A code, or a question to a colleague, is a mail like that about a new case: who may open few would have each
// of them write all day long.
func TestTheCasesOfAStrangerWriteNobodyAllDayLong(t *testing.T) {
	p := newPostal(t)
	p.change(http.MethodPatch, "/v1.0/users/"+p.ids["mate"], `{"otherMails":["mate@home.example"]}`)
	p.signInAs("mate")
	home := p.browser
	var strangers [2][]*http.Client
	for i, name := range []string{"mate@contoso.example", "nobody@contoso.example"} {
		for range 2 {
			strangers[i] = append(strangers[i], p.from("203.0.113.9"))
			if status := p.opens(name); status != http.StatusSeeOther {
				t.Fatalf("ask: %d", status)
			}
		}
	}
	p.came()
	codes, peers := 0, 0
	for range 24 {
		for _, form := range []url.Values{{"ask": {"mail"}}, {"ask": {"mail"}}, {"ask": {"colleague"}, "colleague": {"peer@contoso.example"}}} {
			for i := range strangers[0] {
				var told [2]int
				for j := range strangers {
					p.browser = strangers[j][i]
					told[j] = p.post("/recover/case", form).status
				}
				if told[0] != told[1] {
					t.Fatalf("%v: %d, and %d for a name that nobody has", form, told[0], told[1])
				}
				if form.Has("colleague") && told[0] == http.StatusSeeOther {
					peers++
				}
			}
		}
		codes += p.came()
		p.clock.move(time.Hour)
	}
	if codes < 6 || codes > 10 {
		t.Errorf("%d codes in a day", codes)
	}
	if peers < 6 || peers > 10 {
		t.Errorf("colleagues could be asked %d times in a day", peers)
	}
	// Where the person signed in before they have a day of their own, and no more.
	p.browser = home
	if status := p.opens("mate@contoso.example"); status != http.StatusSeeOther {
		t.Fatalf("their own: %d", status)
	}
	p.came()
	if a := p.post("/recover/case", url.Values{"ask": {"mail"}}); a.status != http.StatusSeeOther || p.came() != 1 {
		t.Errorf("their own code: %d %s", a.status, told(a))
	}
	opened := 1
	for range 24 {
		for range 2 {
			p.post("/recover/case", url.Values{"ask": {"cancel"}}) // else it is the same
			if p.opens("mate@contoso.example") == http.StatusSeeOther {
				opened++
			}
		}
		p.clock.move(time.Hour)
	}
	if opened < 10 || opened > 18 {
		t.Errorf("%d cases in a day from where the person signed in before", opened)
	}
}

// A manager of many is not written to about each of them, and one network does not use up what they are asked.
func TestAManagerOfManyIsNotAskedAboutEachAllDayLong(t *testing.T) {
	p := newPostal(t)
	p.change(http.MethodPatch, "/v1.0/users/"+p.ids["boss"], `{"mail":"boss@contoso.example"}`)
	reports := []string{"lost", "peer", "mate", "stranger"}
	for _, nick := range reports[1:] {
		p.change(http.MethodPut, "/v1.0/users/"+p.ids[nick]+"/manager/$ref", reference(p.ids["boss"]))
	}
	p.came()
	opened := 0
	for range 2 {
		for range 3 {
			for _, nick := range reports {
				p.from("203.0.113.9")
				if p.opens(nick+"@contoso.example") == http.StatusSeeOther {
					opened++
				}
			}
		}
		p.clock.move(time.Hour)
	}
	if n := p.came(); opened != 24 || n != 10 {
		t.Errorf("%d cases, about which the manager has %d mails", opened, n)
	}
	p.from("198.51.100.1")
	if status := p.opens("lost@contoso.example"); status != http.StatusSeeOther || p.came() != 1 {
		t.Errorf("from elsewhere: %d, and the manager hears nothing of it", status)
	}
	p.signInAs("mate") // the stranger is where they signed in
	p.clock.move(time.Hour)
	if status := p.opens("mate@contoso.example"); status != http.StatusSeeOther || p.came() != 1 {
		t.Errorf("from where they signed in before: %d, and the manager hears nothing of it", status)
	}
}
