package server_test

import (
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"regexp"
	"testing"
	"time"

	"github.com/postern-id/postern/internal/request"
	"github.com/postern-id/postern/internal/server"
)

func TestAStrangersCasesKeepNobodyFromTheHelpdesk(t *testing.T) {
	d := newDesk(t, func(o *server.Options) { o.Proxies = request.Proxies{netip.MustParsePrefix("127.0.0.0/8")} })
	x := trip{world: d.world, clock: d.clock}
	from := func(address string) {
		x.newBrowser()
		x.browser.Transport = &traveller{x.browser.Transport, address}
	}
	stateOf := func(number string) any {
		t.Helper()
		status, v := d.api(http.MethodGet, recoveryCases+"/"+number, d.appToken(), "")
		if status != http.StatusOK {
			t.Fatalf("%s: %d %v", number, status, v)
		}
		return v["state"]
	}
	var theirs []string
	var first *http.Client
	for range 6 { // a stranger, hour by hour
		from("203.0.113.9")
		theirs = append(theirs, x.ask("lost@contoso.example"))
		if first == nil {
			first = x.browser
		}
		d.clock.move(21 * time.Minute)
	}
	from("198.51.100.1")
	own := x.ask("lost@contoso.example")
	d.clock.move(25 * time.Hour) // who asks often is held up for a day
	for range 2 {                // and again
		from("203.0.113.9")
		theirs = append(theirs, x.ask("lost@contoso.example"))
		d.clock.move(21 * time.Minute)
	}
	// What gave way looks as what nobody's name leads to, whatever is pressed.
	from("203.0.113.9")
	x.ask("nobody@contoso.example")
	nobody := x.browser
	differs := regexp.MustCompile(`R-[A-Z2-9]{6}|<bdi>[^<]*@[^<]*</bdi>|[0-9a-f]{8}-[0-9a-f-]{27}|t=[0-9a-f]{8}|<time[^>]*>[^<]*</time>|<p class="small">.*|match-number">\d+`)
	if got := stateOf(theirs[0]); got != "cancelled" {
		t.Fatalf("the first of the stranger's is %v", got)
	}
	for _, form := range []string{"", "ask=mail", "ask=colleague&colleague=boss%40contoso.example", "code=AAAAAAAA", "ask=phone", "ask=matched", "ask=credential", "ask=pass", "ask=cancel"} {
		var seen []string
		for _, x.browser = range []*http.Client{first, nobody} {
			a := x.get("/recover/case")
			if form != "" {
				asked, _ := url.ParseQuery(form)
				a = x.post("/recover/case", asked)
			}
			seen = append(seen, fmt.Sprint(a.status, a.location, differs.ReplaceAllString(a.body, "")))
		}
		if seen[0] != seen[1] {
			t.Errorf("%q differs for a name that nobody has:\n%s\n----\n%s", form, seen[0], seen[1])
		}
	}
	if got := stateOf(own); got != "open" {
		t.Errorf("the person's own is %v", got)
	}
	waiting := 0
	for _, number := range theirs {
		if stateOf(number) == "open" {
			waiting++
		}
	}
	if waiting != 2 {
		t.Errorf("%d of the stranger's wait beside it", waiting)
	}
	d.signInAs("agent")
	if status, code, _ := d.tries("agent", "", `{"userId":"`+d.ids["lost"]+`","channel":"phone","lost":["phoneLost"]}`); status != http.StatusCreated {
		t.Errorf("the helpdesk: %d %s", status, code)
	}

	// Who denies each of them ends them.
	d.clock.move(25 * time.Hour)
	d.signInAs("agent")
	for range 6 {
		from("203.0.113.9")
		number := x.ask("lost@contoso.example")
		d.does("agent", "/"+number+"/dispute", "")
		if got := stateOf(number); got != "refused" {
			t.Errorf("denied: %v", got)
		}
		d.clock.move(21 * time.Minute)
		d.signInAs("agent")
	}
	// One that an agent opened and somebody denied stands still, and keeps nobody from the next.
	for range 6 {
		_, _, v := d.tries("agent", "", `{"userId":"`+d.ids["lost"]+`","channel":"phone","lost":["phoneLost"]}`)
		d.does("agent", "/"+v["number"].(string)+"/dispute", "")
	}

	// One network spends what it has and nobody else's.
	d.clock.move(25 * time.Hour)
	for range 3 {
		from("203.0.113.9")
		x.ask("lost@contoso.example")
	}
	from("203.0.113.9")
	page := x.get("/security-info").location
	x.post(page, url.Values{"username": {"lost@contoso.example"}})
	if a := x.post("/recover"+page[len("/signin"):], url.Values{"lost": {"phoneLost"}}); a.status != http.StatusTooManyRequests {
		t.Errorf("the fourth of one network: %d", a.status)
	}
	from("198.51.100.1")
	x.ask("lost@contoso.example")
}

// Each case is told to the person, their phones and their manager: who asks for help in somebody's name all day
// long tires the manager, and buries the one notice that matters.
func TestAStrangerWritesNobodyAllDayLong(t *testing.T) {
	for _, x := range []struct {
		name     string
		networks []string
		most     int // cases a day
		own      int // what the person's own request is answered with, from where they never signed in
	}{
		{"one network", []string{"203.0.113.9"}, 9, http.StatusSeeOther},
		{"two", []string{"203.0.113.9", "192.0.2.4"}, 14, http.StatusTooManyRequests},
	} {
		d := newDesk(t, func(o *server.Options) {
			o.Proxies, o.Mail.Mailbox, o.Hold = request.Proxies{netip.MustParsePrefix("127.0.0.0/8")}, true, time.Nanosecond
		})
		d.change(http.MethodPatch, "/v1.0/users/"+d.ids["lost"], `{"mail":"lost@contoso.example"}`)
		d.change(http.MethodPatch, "/v1.0/users/"+d.ids["boss"], `{"mail":"boss@contoso.example"}`)
		y := trip{world: d.world, clock: d.clock}
		asks := func(address string) answer {
			y.newBrowser()
			y.browser.Transport = &traveller{y.browser.Transport, address}
			page := y.get("/security-info").location
			y.post(page, url.Values{"username": {"lost@contoso.example"}})
			return y.post("/recover"+page[len("/signin"):], url.Values{"lost": {"phoneLost"}})
		}
		opened, mails := 0, map[string]bool{}
		for i := range 24 {
			if i == 23 {
				if a := asks("198.51.100.1"); a.status != x.own {
					t.Errorf("from %s: the person's own is answered %d", x.name, a.status)
				}
			}
			switch a := asks(x.networks[i%len(x.networks)]); a.status {
			case http.StatusSeeOther:
				opened++
			case http.StatusTooManyRequests:
			default:
				t.Fatalf("ask: %d\n%s", a.status, a.body)
			}
			if err := d.server.Deliver(t.Context()); err != nil {
				t.Fatal(err)
			}
			for _, row := range mailRow.FindAllStringSubmatch(d.get("/mailbox").body, -1) {
				mails[row[1]] = true
			}
			d.clock.move(time.Hour)
		}
		if opened > x.most || len(mails) > 2*x.most+2 || len(mails) < 2*opened { // to the person and to the manager
			t.Errorf("from %s: %d cases and %d mails in a day", x.name, opened, len(mails))
		}
		d.signInAs("agent")
		if status, code, _ := d.tries("agent", "", `{"userId":"`+d.ids["lost"]+`","channel":"phone","lost":["phoneLost"]}`); status != http.StatusCreated {
			t.Errorf("from %s: the helpdesk: %d %s", x.name, status, code)
		}
	}
}

func TestAStrangersCaseKeepsNobodyFromADrill(t *testing.T) {
	d := newDesk(t)
	x := trip{world: d.world, clock: d.clock}
	x.newBrowser()
	x.ask("lost@contoso.example")
	if drill, _ := d.startDrill(d.ids["lost"], "anywhere"); d.practised(drill)["state"] != "asked" {
		t.Errorf("it stands at %v", d.practised(drill))
	}
	// Once somebody has spoken for who asks it may be the person, who is helped first.
	x.newBrowser()
	d.does("agent", "/"+x.ask("stranger@contoso.example")+"/prove", `{"kind":"inPerson"}`)
	if status, v := d.api(http.MethodPost, recoveryDrills, d.appToken(), `{"userId":"`+d.ids["stranger"]+`","where":"anywhere"}`); innerCode(v) != "drillInCase" {
		t.Errorf("in a case that somebody spoke in: %d %v", status, v)
	}
}
