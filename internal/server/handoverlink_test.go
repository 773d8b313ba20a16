package server_test

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/server"
)

// give issues a pass for a person whose manager's link comes back, and returns the link's code.
func (w *world) give(user string) string {
	w.t.Helper()
	status, v := w.api(http.MethodPost, "/v1.0/users/"+user+"/authentication/temporaryAccessPassMethods", w.appToken(), `{"isUsableOnce":true,"postern_handOver":"managerLink"}`)
	handed, _ := v["postern_handedOver"].(map[string]any)
	link, _ := handed["link"].(string)
	code, found := strings.CutPrefix(link, w.options.PublicURL+"/recover/open#")
	if status != http.StatusCreated || v["temporaryAccessPass"] != nil || !found {
		w.t.Fatalf("issue: %d %v", status, v)
	}
	return code
}

// openAs opens a link in a new browser with a passkey, as far as that goes.
func (w *world) openAs(code, name string, key interface{ Get([]byte) (string, error) }) answer {
	w.t.Helper()
	w.newBrowser()
	page := w.post("/recover/open", url.Values{"code": {code}})
	if page.status != http.StatusSeeOther || !strings.HasPrefix(page.location, "/signin") {
		return page
	}
	text, err := key.Get(w.keyOptions(w.get(page.location)))
	if err != nil {
		w.t.Fatalf("%s: %v", name, err)
	}
	w.post(page.location, url.Values{"assertion": {text}})
	if ready := w.get(w.post(page.location, url.Values{"stay": {"no"}}).location); ready.status != http.StatusOK {
		return ready
	}
	return w.post("/recover/open/now", url.Values{"open": {"yes"}})
}

func TestAManagersLinkThatWhoIssuedThePassSendsOpensForTheManagerAlone(t *testing.T) {
	var c wrist
	w := newKeyWorld(t, func(o *server.Options) { o.Wall, o.Mail.Mailbox = c.now, true })
	sam, _ := w.person("sam")
	mira, key := w.person("mira")
	_, agentsKey := w.person("otto")
	if status, v := w.api(http.MethodPut, "/v1.0/users/"+sam+"/manager/$ref", w.appToken(), reference(mira)); status != http.StatusNoContent {
		t.Fatalf("manager: %d %v", status, v)
	}
	c.move(8 * 24 * time.Hour)

	// Nobody gets the link where policy does not say so, and privileged people's links go by mail whatever it says.
	if status, v := w.api(http.MethodPost, "/v1.0/users/"+sam+"/authentication/temporaryAccessPassMethods", w.appToken(), `{"postern_handOver":"managerLink"}`); status != http.StatusForbidden {
		t.Fatalf("a policy that says nothing: %d %v", status, v)
	}
	if status, v := w.api(http.MethodPatch, "/v1.0/postern/recovery/policy", w.appToken(),
		`{"rules":[{"targetClass":"privileged","handOver":["managerLink"],"grants":[]}]}`); status != http.StatusBadRequest {
		t.Fatalf("for privileged people: %d %v", status, v)
	}
	w.handPolicy(`"handOver":["read","manager","managerLink"],"personOpensBy":"spokenCode"`)

	// A preview of the chat opens it, follows it and posts it; whoever issued it does so with a passkey of their own.
	code := w.give(sam)
	for range 3 {
		w.newBrowser()
		if a := w.get("/recover/open"); a.status != http.StatusOK || strings.Contains(a.body, "og:") {
			t.Fatalf("a preview: %d\n%s", a.status, a.body)
		}
		if a := w.post("/recover/open", url.Values{"code": {code}}); a.status != http.StatusSeeOther || !strings.HasPrefix(a.location, "/signin") {
			t.Fatalf("a preview that posts: %d\n%s", a.status, a.body)
		}
		if a := w.post("/recover/open/now", url.Values{"open": {"yes"}, "spoken": {"AAAAAAAA"}}); a.status != http.StatusForbidden || strings.Contains(a.body, `name="spoken"`) {
			t.Fatalf("without a sign-in: %d\n%s", a.status, a.body)
		}
		c.move(time.Minute)
	}
	code = w.give(sam) // three tries by nobody are three by somebody else
	if a := w.openAs(code, "otto", agentsKey); a.status != http.StatusForbidden || !strings.Contains(a.body, `data-error="handoverReader"`) || strings.Contains(a.body, "sam") {
		t.Fatalf("whoever issued it: %d\n%s", a.status, a.body)
	}

	// Whoever issues passes may sign in as the manager and add a passkey: it is too new.
	w.newBrowser()
	w.toOwnPage("mira@contoso.example", w.longPass(mira))
	taken := w.newKey()
	w.addKey(taken)
	a := w.openAs(code, "mira's new key", taken)
	if a.status != http.StatusForbidden || !strings.Contains(a.body, `data-error="handoverMethod"`) || strings.Contains(a.body, "data-pass") {
		t.Fatalf("a passkey of a moment ago: %d\n%s", a.status, a.body)
	}

	// The manager, who has no mail address, opens it; once.
	a = w.openAs(code, "mira", key)
	found := handedPass.FindStringSubmatch(a.body)
	if a.status != http.StatusOK || found == nil || a.header.Get("Cache-Control") != "no-store" {
		t.Fatalf("the manager: %d\n%s", a.status, a.body)
	}
	if a := w.openAs(code, "mira", key); strings.Contains(a.body, "data-pass") || !strings.Contains(a.body, `data-error="handover`) {
		t.Errorf("again: %d\n%s", a.status, a.body)
	}

	// A repeat of the request is another pass with another link: the first opens nothing.
	first := w.give(sam)
	second := w.give(sam)
	if first == second {
		t.Error("a code was given twice")
	}
	if a := w.openAs(first, "mira", key); !strings.Contains(a.body, `data-error="handoverOver"`) {
		t.Errorf("the link of a pass that was replaced: %d\n%s", a.status, a.body)
	}
	if a := w.openAs(second, "mira", key); handedPass.FindString(a.body) == "" {
		t.Errorf("the newest link: %d\n%s", a.status, a.body)
	}

	// No mail has a link, the log says who has it, and nothing keeps its code.
	if err := w.server.Deliver(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, row := range mailRow.FindAllStringSubmatch(w.get("/mailbox").body, -1) {
		if mail := w.get(row[1]); linkToOpen.MatchString(mail.body) {
			t.Errorf("a mail has the link\n%s", mail.body)
		}
	}
	events := fmt.Sprint(w.directoryAudits(w.appToken(), "Hand over temporary access pass"))
	if n := strings.Count(events, "Link given to"); n != 4 {
		t.Errorf("%d events say who has the link\n%s", n, events)
	}
	if got := fmt.Sprint(w.directoryAudits(w.appToken(), "Refuse link of handed-over pass")); !strings.Contains(got, "registered a short time ago") {
		t.Errorf("%s", got)
	}
	_, pass := w.api(http.MethodGet, "/v1.0/users/"+sam+"/authentication/temporaryAccessPassMethods", w.appToken(), "")
	if strings.Contains(fmt.Sprint(pass), "recover/open") {
		t.Errorf("it can be read again: %v", pass)
	}
	w.close()
	for _, name := range []string{"postern.db", "postern.db-wal"} {
		if raw, err := os.ReadFile(filepath.Join(w.options.Dir, name)); err == nil && (strings.Contains(string(raw), found[1]) || strings.Contains(string(raw), code) || strings.Contains(string(raw), second)) {
			t.Errorf("%s has the pass or its link", name)
		}
	}
}

func TestAnAgentGetsTheManagersLinkOnceAndNeverThePass(t *testing.T) {
	var c wrist
	w := newWorld(t, func(o *server.Options) { o.Wall = c.now })
	sam, mira := w.createUser("sam"), w.createUser("mira")
	if status, v := w.api(http.MethodPut, "/v1.0/users/"+sam+"/manager/$ref", w.appToken(), reference(mira)); status != http.StatusNoContent {
		t.Fatalf("manager: %d %v", status, v)
	}
	c.move(8 * 24 * time.Hour)
	w.handPolicy(`"handOver":["manager","managerLink"]`)
	w.consoleAs("dana", directory.AuthenticationAdministrator)
	at, form := w.agentCase(sam)
	if page := w.get(at + "/pass"); !strings.Contains(page.body, `value="managerLink"`) {
		t.Fatalf("it is not offered\n%s", page.body)
	}
	form.Set("hand", "managerLink")
	sent := w.caseStep(at, "pass", form)
	page := w.get(sent.location)
	link := linkToOpen.FindString(page.body)
	if sent.status != http.StatusSeeOther || link == "" || strings.Contains(page.body, "data-pass") || page.header.Get("Cache-Control") != "no-store" {
		t.Fatalf("%d %d %v\n%s\n%s", sent.status, page.status, page.header, sent.body, page.body)
	}
	if strings.Contains(sent.location, link) {
		t.Error("the address has the link")
	}
	for _, again := range []string{sent.location, at} {
		if a := w.get(again); linkToOpen.MatchString(a.body) || !strings.Contains(a.body, "sent by who issued it") {
			t.Errorf("%s shows it again\n%s", again, a.body)
		}
	}
	// The manager gets none for themselves: it would be read out and called sealed.
	w.newBrowser()
	eve := w.consoleAs("eve", directory.AuthenticationAdministrator)
	otto := w.createUser("otto")
	if status, v := w.api(http.MethodPut, "/v1.0/users/"+otto+"/manager/$ref", w.appToken(), reference(eve)); status != http.StatusNoContent {
		t.Fatalf("manager: %d %v", status, v)
	}
	c.move(8 * 24 * time.Hour)
	w.newBrowser()
	w.inConsole("eve@contoso.example", w.longPass(eve))
	at, form = w.agentCase(otto)
	form.Set("hand", "managerLink")
	if a := w.caseStep(at, "pass", form); a.status != http.StatusForbidden || !strings.Contains(a.body, "You are the manager") || linkToOpen.MatchString(a.body) {
		t.Errorf("the manager: %d\n%s", a.status, a.body)
	}
}
