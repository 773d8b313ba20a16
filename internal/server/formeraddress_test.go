package server_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"
)

var toWhom = regexp.MustCompile(`(?s)<a href="(/mailbox/[^"]+)"[^>]*>.*?</a><br><span class="soft">(.*?)</span>`)

// mailsTo are the texts of all mails to an address.
func (w *world) mailsTo(address string) string {
	w.t.Helper()
	if err := w.server.Deliver(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
	var all strings.Builder
	for _, row := range toWhom.FindAllStringSubmatch(w.get("/mailbox").body, -1) {
		if strings.Contains(row[2], address) {
			all.WriteString(w.get(row[1]).body)
		}
	}
	return all.String()
}

// Who changes where somebody is told what happens, and then asks for help in their name, would be the only one told.
func TestWhoseAddressWasJustChangedIsToldAtTheFormerOneToo(t *testing.T) {
	x := onATrip(t)
	work, home := x.sam[:8]+"@contoso.example", "sam@home.example"
	before := len(x.mailsTo(work))
	for _, evil := range []string{"evil", "worse"} { // twice, to shake the first ones off
		x.change(http.MethodPatch, "/v1.0/users/"+x.sam, `{"mail":"`+evil+`@else.example","otherMails":["`+evil+`@private.example"]}`)
	}
	x.newBrowser()
	number := x.ask("sam@contoso.example")
	for address, want := range map[string]bool{work: true, home: true, "worse@else.example": true, "worse@private.example": true, "evil@else.example": false} {
		if got := linkToDeny.MatchString(x.mailsTo(address)); got != want {
			t.Errorf("%s is told of the case, with what stops it: %v", address, got)
		}
	}
	_, v := x.api(http.MethodGet, recoveryCases+"/"+number, x.appToken(), "")
	seen := false
	for _, one := range v["contactChanges"].([]any) {
		if one := one.(map[string]any); one["property"] == "mail" && one["counts"] == false {
			seen = true
		}
	}
	if !seen {
		t.Errorf("the case tells of no new address: %v", v["contactChanges"])
	}
	if page := x.asKey(x.linked(linkToApprove), x.key).body; !strings.Contains(page, `id="changed"`) || !strings.Contains(page, "<li><bdi>Mail</bdi>,") {
		t.Errorf("the manager sees no new address:\n%s", page)
	}

	// Somebody who reads an address that is no more the person's gets no code and no link to a pass.
	x.newBrowser()
	x.ask("sam@contoso.example")
	x.post("/recover/case", url.Values{"ask": {"mail"}})
	status, pass := x.api(http.MethodPost, "/v1.0/users/"+x.sam+"/authentication/temporaryAccessPassMethods", x.appToken(), `{"postern_handOver":"person"}`)
	if status != http.StatusCreated {
		t.Fatalf("pass: %d %v", status, pass)
	}
	if !linkToOpen.MatchString(x.mailsTo("worse@else.example")) {
		t.Error("the link to the pass went nowhere")
	}
	for _, address := range []string{work, home} {
		if all := x.mailsTo(address); linkToOpen.MatchString(all) || codeInMail.MatchString(all) {
			t.Errorf("%s got a code or a link to a pass:\n%s", address, all)
		}
	}

	// Of passes without a case and of methods they are told as well.
	x.setPolicy(`{"postern_notifyPerson":true}`)
	_, code := x.passFor(x.sam)
	x.newBrowser()
	x.toOwnPage("sam@contoso.example", code)
	x.addKey(x.newKey())
	for what, want := range map[string]string{"a pass": "A pass was issued for you", "its use": "signed in with your pass", "a new key": "/security-info/not-me#"} {
		if !strings.Contains(x.mailsTo(home), want) {
			t.Errorf("%s is not told of %s", home, what)
		}
	}

	// After the time in which what is new proves nothing, the former ones are forgotten.
	told := len(x.mailsTo(work))
	if told <= before {
		t.Error("nothing was told")
	}
	x.clock.move(8 * 24 * time.Hour)
	x.newBrowser()
	x.ask("sam@contoso.example")
	if len(x.mailsTo(work)) != told {
		t.Errorf("%s is told for ever", work)
	}
}
