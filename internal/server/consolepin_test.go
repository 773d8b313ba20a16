package server_test

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/postern-id/postern/internal/agent/tpm/tpmtest"
	"github.com/postern-id/postern/internal/directory"
)

func TestADevicePINGoesInTheConsoleOnlyOnceTheNameIsTyped(t *testing.T) {
	w := newWorld(t)
	_, pass := w.addPerson("mira@contoso.example")
	p := withPINs(w, "mira@contoso.example", pass, tpmtest.New(t))
	c, err := p.store.Create(t.Context(), p, p.begin(), "271828")
	if err != nil {
		t.Fatal(err)
	}
	at := "/v1.0/users/" + p.user + "/authentication/windowsHelloForBusinessMethods/" + c.Method
	there := func() bool {
		status, _ := w.api(http.MethodGet, at, w.appToken(), "")
		return status == http.StatusOK
	}
	w.newBrowser()
	w.consoleAs("dana", directory.AuthenticationAdministrator)
	person := "/console/people/" + p.user
	remove := person + "/methods/" + c.Method + "/remove"

	// What is lost is said first; a form that types nothing, or another name, removes nothing.
	asked := w.get(remove).body
	wantParts(t, "the page", asked, "What is lost", "can’t be copied", "No files are encrypted with this key", "nothing to make a copy of", `name="name"`)
	name := hintOf(t, asked)
	for _, typed := range []string{"", "yes", "mira@contoso.example", strings.ToUpper(name) + "x"} {
		if a := w.post(remove, url.Values{"name": {typed}}); a.status != http.StatusBadRequest || !has(a.body, "That is not the name. Nothing was removed.") || !there() {
			t.Errorf("%q: %d, there %v", typed, a.status, there())
		}
	}
	// Nor does the list of what may be gone go round it, where sign-ins end with it.
	gone := url.Values{"gone": {"method:" + c.Method}, "signout": {"on"}}
	if a := w.post(person+"/lost", gone); a.status != http.StatusBadRequest || !has(a.body, "That is not the name. Nothing was removed.") || !strings.Contains(a.body, "checked") || !there() {
		t.Errorf("by the list: %d, there %v\n%s", a.status, there(), a.body)
	}
	if a := w.post(remove, url.Values{"name": {" " + name + " "}}); a.status != http.StatusSeeOther || there() {
		t.Fatalf("with its name: %d, there %v\n%s", a.status, there(), a.body)
	}

	// The log says who, whose, and on which device.
	events := w.directoryAudits(w.appToken(), "Admin deleted security info")
	if len(events) != 1 {
		t.Fatalf("%d events\n%v", len(events), events)
	}
	for _, want := range []string{"dana@contoso.example", "mira@contoso.example", name, c.Method, p.joined.DeviceID} {
		if !strings.Contains(fmt.Sprint(events[0]), want) {
			t.Errorf("no %q in\n%v", want, events[0])
		}
	}

	// The list, with the person's name.
	next, err := p.store.Create(t.Context(), p, p.begin(), "314159")
	if err != nil {
		t.Fatal(err)
	}
	gone.Set("gone", "method:"+next.Method)
	gone.Set("name", hintOf(t, w.get(person+"/lost").body))
	if a := w.post(person+"/lost", gone); a.status != http.StatusSeeOther {
		t.Errorf("by the list, with the name: %d\n%s", a.status, a.body)
	}
}

// hintOf is the name that a page wants typed.
func hintOf(t *testing.T, page string) string {
	t.Helper()
	_, after, ok := strings.Cut(page, `id="sure-hint">`)
	text, _, _ := strings.Cut(after, "</p>")
	text, _, _ = strings.Cut(text, " · ")
	if text = strings.TrimSpace(regexp.MustCompile(`<[^>]*>`).ReplaceAllString(text, "")); !ok || text == "" {
		t.Fatalf("no name is asked for\n%s", page)
	}
	return text
}
