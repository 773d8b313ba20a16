package server_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
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
func (x trip) released(number string) any {
	x.t.Helper()
	status, v := x.api(http.MethodPost, recoveryCases+"/"+number+"/release", x.appToken(), `{}`)
	if status != http.StatusOK {
		x.t.Fatalf("release: %d %v", status, v)
	}
	x.clock.move(time.Minute)
	return v["state"]
}

func TestALinkThatWasDecidedAboutFreezesNothingAgain(t *testing.T) {
	x := onATrip(t)
	number := x.ask("sam@contoso.example")
	sams := x.browser
	first := x.linked(linkToDeny)
	x.clock.move(time.Minute)
	if said := x.deny(first); said != "" {
		t.Fatalf("the first time: %s", said)
	}
	if said := x.deny(first); said != "caseDisputed" {
		t.Errorf("while it stands still: %q", said)
	}
	if state := x.released(number); state != "open" {
		t.Fatalf("released: %v", state)
	}
	if said := x.deny(first); said != "caseDecided" {
		t.Errorf("after the release: %q", said)
	}
	x.wantMails("is stopped", 1)
	x.wantMails("is no longer stopped", 1)

	// It goes on, and leads to a pass: that is something new, and has a mail with a link of its own.
	x.asKey(x.linked(linkToApprove), x.key)
	link := x.linked(linkToApprove)
	if a := x.post(link, url.Values{"answer": {"yes"}, "number": {number}, "way": {"there"}}); a.status != http.StatusOK {
		t.Fatalf("approve: %d\n%s", a.status, a.body)
	}
	x.browser = sams
	pass := handedPass.FindStringSubmatch(x.post("/recover/case", url.Values{"ask": {"pass"}}).body)
	x.toOwnPage("sam@contoso.example", pass[1])
	key := x.newKey()
	x.addKey(key)
	second := x.linked(linkToDeny)
	x.clock.move(time.Minute)
	if said := x.deny(second); said != "" {
		t.Fatalf("a mail from after the release: %s", said)
	}
	if state := x.released(number); state != "closed" {
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
		t.Errorf("what Sam added does not sign in:\n%s", a.body)
	}
	// Who finds out later that it was an impostor after all can still stop it.
	if status, v := x.api(http.MethodPost, recoveryCases+"/"+number+"/dispute", x.appToken(), `{"note":"Sam came by"}`); status != http.StatusOK {
		t.Errorf("the helpdesk: %d %v", status, v)
	}
}

// wantMails checks how many steps with such a subject were told to both addresses of Sam.
func (x trip) wantMails(subject string, want int) {
	x.t.Helper()
	if err := x.server.Deliver(x.t.Context()); err != nil {
		x.t.Fatal(err)
	}
	if got := strings.Count(x.get("/mailbox").body, subject); got != 2*want {
		x.t.Errorf("%d mails say that it %s, want %d to each of two addresses", got, subject, want)
	}
}
