package server_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/postern-id/postern/internal/server"
)

// deny presses the button behind the link of a mail, and returns the fault that is shown.
func (x trip) deny(code string) string {
	x.t.Helper()
	a := x.post("/recover/not-me", url.Values{"code": {code}})
	if _, after, ok := strings.Cut(a.body, `data-error="`); ok {
		code, _, _ := strings.Cut(after, `"`)
		return code
	}
	if !strings.Contains(a.body, "It is stopped") {
		x.t.Fatalf("deny: %d\n%s", a.status, a.body)
	}
	return ""
}

// released lifts the dispute of a case, and returns its state.
func (d *desk) released(number string) any {
	d.t.Helper()
	state := d.does("issuer", "/"+number+"/release", "")["state"]
	d.clock.move(time.Minute)
	return state
}

func TestALinkThatWasDecidedAboutFreezesNothingAgain(t *testing.T) {
	d := newDesk(t, func(o *server.Options) { o.Mail.Mailbox = true })
	x := trip{world: d.world, clock: d.clock}
	d.change(http.MethodPatch, "/v1.0/users/"+d.ids["lost"], `{"mail":"lost@contoso.example","otherMails":["lost@home.example"]}`)
	d.change(http.MethodPatch, "/v1.0/users/"+d.ids["boss"], `{"mail":"boss@contoso.example"}`)
	v := d.does("agent", "", `{"userId":"`+d.ids["lost"]+`","channel":"phone"}`)
	number, id := v["number"].(string), v["id"].(string)
	first := x.linked(linkToDeny)
	x.clock.move(time.Minute)
	if said := x.deny(first); said != "" {
		t.Fatalf("the first time: %s", said)
	}
	if said := x.deny(first); said != "" { // nothing else happens, see the mails below
		t.Errorf("while it stands still: %q", said)
	}
	if state := d.released(number); state != "open" {
		t.Fatalf("released: %v", state)
	}
	if said := x.deny(first); said != "caseDecided" {
		t.Errorf("after the release: %q", said)
	}
	x.wantMails("is stopped", 1)
	x.wantMails("is no longer stopped", 1)

	// It goes on, and leads to a pass: that is something new, and has a mail with a link of its own.
	link := "/recover/approve/" + x.created.TenantID + "/" + id
	x.asKey(link, d.keys["boss"])
	if a := x.post(link, url.Values{"answer": {"yes"}, "number": {number}, "way": {"me"}}); a.status != http.StatusOK {
		t.Fatalf("approve: %d\n%s", a.status, a.body)
	}
	x.post("/recover/open", url.Values{"code": {x.linked(linkToOpen)}})
	pass := handedPass.FindStringSubmatch(x.post("/recover/open/now", url.Values{"open": {"yes"}}).body)
	x.newBrowser()
	x.toOwnPage("lost@contoso.example", pass[1])
	key := x.newKey()
	x.addKey(key)
	second := x.linked(linkToDeny)
	x.clock.move(time.Minute)
	if said := x.deny(second); said != "" {
		t.Fatalf("a mail from after the release: %s", said)
	}
	if state := d.released(number); state != "closed" {
		t.Fatalf("released: %v", state)
	}
	for _, code := range []string{first, second} {
		if said := x.deny(code); said != "caseDecided" {
			t.Errorf("after the second release: %q", said)
		}
	}
	x.wantMails("is stopped", 2)
	x.wantMails("is no longer stopped", 2)
	x.newBrowser()
	page := x.get("/security-info").location
	x.use(page, key)
	if a := x.get(page); !strings.Contains(a.body, `data-step="stay"`) {
		t.Errorf("what they added does not sign in:\n%s", a.body)
	}
	// Who finds out later that it was an impostor after all can still stop it.
	if status, v := x.api(http.MethodPost, recoveryCases+"/"+number+"/dispute", x.appToken(), `{"note":"They came by"}`); status != http.StatusOK {
		t.Errorf("the helpdesk: %d %v", status, v)
	}
}

// wantMails checks how many steps with such a subject were told to both addresses of a person.
func (x trip) wantMails(subject string, want int) {
	x.t.Helper()
	if err := x.server.Deliver(x.t.Context()); err != nil {
		x.t.Fatal(err)
	}
	if got := strings.Count(x.get("/mailbox").body, subject); got != 2*want {
		x.t.Errorf("%d mails say that it %s, want %d to each of two addresses", got, subject, want)
	}
}

func TestARequestThatIsDeniedBeforeThereIsAPassIsOver(t *testing.T) {
	x := onATrip(t)
	number := x.ask("sam@contoso.example")
	theirs := x.browser
	x.clock.move(time.Minute)
	deny := x.linked(linkToDeny)
	x.newBrowser()
	a := x.post("/recover/not-me", url.Values{"code": {deny}})
	if a.status != http.StatusOK || !strings.Contains(a.body, "It is stopped") || !strings.Contains(a.body, "There was no pass yet") || !strings.Contains(a.body, number) {
		t.Fatalf("deny: %d\n%s", a.status, a.body)
	}
	// Who presses twice, or in the mail to their other address, hears what is so, and nobody is told again.
	for range 2 {
		if a := x.post("/recover/not-me", url.Values{"code": {deny}}); a.status != http.StatusOK || !strings.Contains(a.body, "It is stopped") || !strings.Contains(a.body, "There was no pass yet") ||
			strings.Contains(a.body, "data-error") {
			t.Errorf("again: %d\n%s", a.status, a.body)
		}
	}
	_, v := x.api(http.MethodGet, recoveryCases+"/"+number, x.appToken(), "")
	if v["state"] != "refused" || v["dispute"] == nil {
		t.Errorf("the case is %v, %v", v["state"], v["dispute"])
	}
	x.wantMails("was refused", 1)
	x.wantMails("is stopped", 0)
	x.browser = theirs
	if a := x.get("/recover/case"); strings.Contains(a.body, "This request is over") { // or a stranger would see who is known
		t.Errorf("where they asked:\n%s", a.body)
	}
	_, steps := x.api(http.MethodGet, recoveryCases+"/"+number+"/timeline", x.appToken(), "")
	if got := strings.Count(fmt.Sprint(steps), "It is stopped already."); got != 2 {
		t.Errorf("it was pressed twice more, and the timeline tells of %d: %v", got, steps)
	}
	x.newBrowser()
	second := x.ask("sam@contoso.example") // whoever it was may ask again

	// So does who was late: it was given up, or refused by the helpdesk.
	deny = x.linked(linkToDeny)
	if status, v := x.api(http.MethodPost, recoveryCases+"/"+second+"/refuse", x.appToken(), `{}`); status != http.StatusOK {
		t.Fatalf("refuse: %d %v", status, v)
	}
	if said := x.deny(deny); said != "" {
		t.Errorf("after it was refused: %q", said)
	}
}
