package server_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// Who is shown their pass need not type it: the button signs in here.
func TestAPassThatIsShownToItsPersonSignsInByAButton(t *testing.T) {
	w := newWorld(t)
	id := w.createUser("mira")
	_, pass := w.passFor(id)
	a := w.post("/signin/pass", url.Values{"username": {"mira@contoso.example"}, "accesspass": {pass}})
	if a.status != http.StatusSeeOther || !strings.HasPrefix(a.location, "/signin?t=") {
		t.Fatalf("the button: %d %s\n%s", a.status, a.location, a.body)
	}
	done := w.post(a.location, url.Values{"stay": {"no"}})
	if own := w.get(w.get(done.location).location); own.status != http.StatusOK && w.get("/security-info").status != http.StatusOK {
		t.Errorf("own page: %d\n%s", own.status, own.body)
	}
}

// The address checks no less than the pages: names are told alike, and wrong passes count.
func TestTheButtonUnderAPassChecksNoLessThanThePages(t *testing.T) {
	w := newWorld(t)
	id := w.createUser("mira")
	_, pass := w.passFor(id)
	send := func(name, pass string) answer {
		return w.post("/signin/pass", url.Values{"username": {name}, "accesspass": {pass}})
	}
	for _, name := range []string{"mira@contoso.example", "nobody@contoso.example"} {
		w.wantFault(name, send(name, "WRONGWRONG"), "credentialRefused")
	}
	for range 40 {
		send("mira@contoso.example", "WRONGWRONG")
	}
	if a := send("mira@contoso.example", pass); a.status == http.StatusSeeOther {
		t.Error("the right one after too many wrong ones")
	}
}
