package server_test

import (
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/postern-id/postern/internal/server"
)

var (
	linkToOpen = regexp.MustCompile(`/recover/open#([A-Za-z0-9_-]+)`)
	handedPass = regexp.MustCompile(`data-pass="([^"]+)"`)
)

// linked returns the code in the newest mail that has a link of that form.
func (w *world) linked(link *regexp.Regexp) string {
	w.t.Helper()
	if err := w.server.Deliver(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
	for _, row := range mailRow.FindAllStringSubmatch(w.get("/mailbox").body, -1) {
		if m := link.FindStringSubmatch(w.get(row[1]).body); m != nil {
			return m[1]
		}
	}
	w.t.Fatalf("no mail with %v in\n%s", link, w.get("/mailbox").body)
	return ""
}

// handOver issues a pass for a person that goes to their manager, and returns the link's code.
func (w *world) handOver(user string) string {
	w.t.Helper()
	status, v := w.api(http.MethodPost, "/v1.0/users/"+user+"/authentication/temporaryAccessPassMethods", w.appToken(), `{"isUsableOnce":true,"postern_handOver":"manager"}`)
	if status != http.StatusCreated || v["temporaryAccessPass"] != nil || v["postern_handedOver"] == nil {
		w.t.Fatalf("issue: %d %v", status, v)
	}
	return w.linked(linkToOpen)
}

// reports makes somebody with a passkey and an address, whose manager is another like them.
func (w *world) managed(nick, manager string) {
	w.t.Helper()
	for _, id := range []string{nick, manager} {
		if status, v := w.api(http.MethodPatch, "/v1.0/users/"+id, w.appToken(), `{"mail":"`+id[:8]+`@contoso.example"}`); status != http.StatusNoContent {
			w.t.Fatalf("mail: %d %v", status, v)
		}
	}
	if status, v := w.api(http.MethodPut, "/v1.0/users/"+nick+"/manager/$ref", w.appToken(), reference(manager)); status != http.StatusNoContent {
		w.t.Fatalf("manager: %d %v", status, v)
	}
}

func TestAPassGoesToTheManagerByALinkThatOpensOnce(t *testing.T) {
	var c wrist
	w := newKeyWorld(t, func(o *server.Options) { o.Wall, o.Mail.Mailbox = c.now, true })
	sam, _ := w.person("sam")
	status, v := w.api(http.MethodPost, "/v1.0/users/"+sam+"/authentication/temporaryAccessPassMethods", w.appToken(), `{"postern_handOver":"manager"}`)
	if status != http.StatusBadRequest {
		t.Fatalf("without a manager: %d %v", status, v)
	}
	mira, key := w.person("mira")
	_, otherKey := w.person("otto")
	w.managed(sam, mira)
	code := w.handOver(sam)

	// A scanner that follows the link, and one that posts what it read, spend nothing.
	for range 3 {
		if a := w.get("/recover/open"); a.status != http.StatusOK || !strings.Contains(a.body, `data-step="handover"`) {
			t.Fatalf("look: %d\n%s", a.status, a.body)
		}
	}
	first := w.post("/recover/open", url.Values{"code": {code}})
	if first.status != http.StatusSeeOther || !strings.HasPrefix(first.location, "/signin") {
		t.Fatalf("nobody: %d %s\n%s", first.status, first.location, first.body)
	}
	if a := w.post("/recover/open/now", url.Values{"open": {"yes"}}); a.status != http.StatusForbidden || strings.Contains(a.body, "data-pass") {
		t.Errorf("nobody opened it: %d\n%s", a.status, a.body)
	}

	// Forwarded: somebody else, with a passkey of their own.
	w.newBrowser()
	page := w.post("/recover/open", url.Values{"code": {code}}).location
	w.use(page, otherKey)
	if a := w.get(w.post(page, url.Values{"stay": {"no"}}).location); a.status != http.StatusForbidden || !strings.Contains(a.body, `data-error="handoverReader"`) || strings.Contains(a.body, "sam") {
		t.Errorf("somebody else: %d\n%s", a.status, a.body)
	}

	// The manager with a pass only may not; with the passkey, once.
	w.newBrowser()
	w.toOwnPage("mira@contoso.example", w.longPass(mira))
	if a := w.post("/recover/open", url.Values{"code": {code}}); a.status != http.StatusSeeOther || !strings.HasPrefix(a.location, "/signin") {
		t.Errorf("a manager who proved nothing strong: %d %s", a.status, a.location)
	}
	w.newBrowser()
	page = w.post("/recover/open", url.Values{"code": {"https://x.example/recover/open#" + code}}).location
	if a := w.use(page, key); a.status != http.StatusSeeOther {
		t.Fatalf("the manager's passkey: %d\n%s", a.status, a.body)
	}
	if a := w.get(w.post(page, url.Values{"stay": {"no"}}).location); a.status != http.StatusOK || !strings.Contains(a.body, "sam") {
		t.Fatalf("ready: %d %s\n%s", a.status, a.location, a.body)
	}
	c.move(11 * time.Minute)
	if a := w.post("/recover/open/now", url.Values{"open": {"yes"}}); a.status != http.StatusSeeOther {
		t.Fatalf("with a proof that is old: %d\n%s", a.status, a.body)
	}
	page = w.post("/recover/open", url.Values{"code": {code}}).location
	w.use(page, key)
	w.post(page, url.Values{"stay": {"no"}})
	opened := w.post("/recover/open/now", url.Values{"open": {"yes"}})
	found := handedPass.FindStringSubmatch(opened.body)
	if opened.status != http.StatusOK || found == nil || opened.header.Get("Cache-Control") != "no-store" {
		t.Fatalf("open: %d %v\n%s", opened.status, opened.header, opened.body)
	}
	// Replayed.
	if a := w.post("/recover/open", url.Values{"code": {code}}); !strings.Contains(a.body, `data-error="handoverOpened"`) {
		t.Errorf("replayed by its reader: %d\n%s", a.status, a.body)
	}
	w.newBrowser()
	if a := w.post("/recover/open", url.Values{"code": {code}}); !strings.Contains(a.body, `data-error="handoverOver"`) && a.status != http.StatusSeeOther {
		t.Errorf("replayed by somebody: %d\n%s", a.status, a.body)
	}
	// What nobody made.
	for _, bad := range []string{"", "x", code[:80], code[:80] + "AAAAAAA", strings.Repeat("A", 87)} {
		if a := w.post("/recover/open", url.Values{"code": {bad}}); !strings.Contains(a.body, `data-error="handoverOver"`) {
			t.Errorf("%q: %d", bad, a.status)
		}
	}

	// A second one, which ends with its time, and with its pass.
	second := w.handOver(sam)
	c.move(25 * time.Hour)
	if a := w.post("/recover/open", url.Values{"code": {second}}); !strings.Contains(a.body, `data-error="handoverOver"`) {
		t.Errorf("late: %d\n%s", a.status, a.body)
	}
	third := w.handOver(sam)
	w.handOver(sam) // replaces the pass
	if a := w.post("/recover/open", url.Values{"code": {third}}); !strings.Contains(a.body, `data-error="handoverOver"`) {
		t.Errorf("a link to a pass that was replaced: %d\n%s", a.status, a.body)
	}

	for activity, want := range map[string]int{"Hand over temporary access pass": 4, "Open handed-over pass": 1, "Refuse link of handed-over pass": 6} {
		if got := w.directoryAudits(w.appToken(), activity); len(got) != want {
			t.Errorf("%d events %q, want %d", len(got), activity, want)
		}
	}
	w.close()
	for _, name := range []string{"postern.db", "postern.db-wal"} {
		if raw, err := os.ReadFile(filepath.Join(w.options.Dir, name)); err == nil && (strings.Contains(string(raw), found[1]) || strings.Contains(string(raw), code)) {
			t.Errorf("%s has the pass or its link", name)
		}
	}
}
