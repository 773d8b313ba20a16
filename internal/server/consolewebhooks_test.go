package server_test

import (
	"html"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/webhook"
)

const consoleWebhooks = "/console/administration/webhooks"

var (
	secretShown = regexp.MustCompile(`id="secret" value="(whsec_[^"]+)"`)
	hostileName = `"><script>alert(1)</script>`
)

// fromElsewhere posts as another site's page would make the browser do.
func (w *world) fromElsewhere(path string, form url.Values) answer {
	w.t.Helper()
	r := w.request(http.MethodPost, path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Origin", "https://evil.example")
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	return w.do(r)
}

func (w *world) etagOn(path string) string {
	w.t.Helper()
	page := w.get(path)
	tag := etagOfForm.FindStringSubmatch(page.body)
	if tag == nil {
		w.t.Fatalf("%s has no tag: %d\n%s", path, page.status, page.body)
	}
	return html.UnescapeString(tag[1])
}

func TestAServiceIsSubscribedItsSecretShownOnceAndEachMessageFollowed(t *testing.T) {
	r := newReceiver(t)
	w := newWorld(t, r.trust)
	start(t, w.options)
	w.consoleAs("gina", directory.GlobalAdministrator)
	w.wantPage("none", w.get(consoleWebhooks), 200, "No service is told")
	fill := func(more url.Values) url.Values {
		page := w.get(consoleWebhooks + "/new")
		v := url.Values{"form": {formToken.FindStringSubmatch(page.body)[1]}, "displayName": {hostileName}, "url": {r.site.URL + "/in?k=<script>alert(2)"}, "event": {"case.opened", "pass.issued"}}
		maps.Copy(v, more)
		return v
	}
	for _, one := range webhook.Types() {
		if !strings.Contains(w.get(consoleWebhooks+"/new").body, `name="event" value="`+string(one)+`"`) {
			t.Errorf("the form does not offer %s", one)
		}
	}
	for address, field := range map[string]string{"javascript:alert(1)": "url-wrong", "http://siem.example/": "url-wrong", "https://a:b@siem.example/": "url-wrong"} {
		w.wantPage(address, w.post(consoleWebhooks+"/new", fill(url.Values{"url": {address}})), 400, `id="`+field+`"`, `value="`+address)
	}
	w.wantPage("no event", w.post(consoleWebhooks+"/new", fill(url.Values{"event": nil})), 400, `id="events-wrong"`, "&lt;script&gt;")
	v := fill(nil)
	sent := w.post(consoleWebhooks+"/new", v)
	page := w.get(sent.location)
	secret := secretShown.FindStringSubmatch(page.body)
	if sent.status != http.StatusSeeOther || secret == nil || strings.Contains(sent.location, "whsec") {
		t.Fatalf("%d %s\n%s", sent.status, sent.location, page.body)
	}
	if a := w.get(sent.location); a.status == http.StatusOK || strings.Contains(a.body, secret[1]) {
		t.Errorf("the secret again: %d", a.status)
	}
	if a := w.post(consoleWebhooks+"/new", v); a.status != http.StatusConflict || len(w.ids(webhooksAt)) != 1 {
		t.Errorf("a second click: %d", a.status)
	}
	at, _, _ := strings.Cut(sent.location, "/secret")
	id := strings.TrimPrefix(at, consoleWebhooks+"/")

	r.answer(http.StatusTeapot)
	tested := w.post(at+"/test", nil)
	message, _, _ := strings.Cut(tested.location, "?")
	if tested.status != http.StatusSeeOther || !strings.HasPrefix(message, at+"/deliveries/") {
		t.Fatalf("test: %d %s\n%s", tested.status, tested.location, tested.body)
	}
	w.delivered(id, "waiting")
	w.wantPage("a message that is not taken", w.get(message), 200, `data-state="waiting"`, "Answer <bdi>418", "webhook.test", message+"/events")
	for _, path := range []string{consoleWebhooks, at, at + "?state=waiting", at + "/edit", at + "/delete", message} {
		a := w.get(path)
		w.wantPage(path, a, 200, "&lt;script&gt;alert(1)")
		if strings.Contains(a.body, "<script>alert") || strings.Contains(a.body, `href="`+r.site.URL) || strings.Contains(a.body, secret[1]) {
			t.Errorf("%s has markup, a link to the receiver or the secret\n%s", path, a.body)
		}
	}
	if a := w.get(at + "?state=failed"); strings.Contains(a.body, message) {
		t.Error("what waits is among what was given up")
	}
	r.answer(http.StatusNoContent)
	for _, what := range []string{"at once", "again"} {
		if a := w.post(message+"/again", nil); a.status != http.StatusSeeOther {
			t.Errorf("%s: %d\n%s", what, a.status, a.body)
		}
		w.delivered(id, "delivered")
	}
	w.wantPage("sent again", w.get(message), 200, "Sent again: <bdi>1")

	rotated := w.post(at+"/secret", url.Values{"etag": {w.etagOn(at + "/secret")}, "overlap": {"168"}})
	if next := secretShown.FindStringSubmatch(w.get(rotated.location).body); next == nil || next[1] == secret[1] {
		t.Errorf("a new secret: %d %s %v", rotated.status, rotated.location, next)
	}
}

func TestAWebhookIsChangedTurnedOffAndDeletedAndNobodyIsOverwritten(t *testing.T) {
	r := newReceiver(t)
	w := newWorld(t, r.trust)
	id, _ := w.subscribe(r, `"case.opened"`)
	at := consoleWebhooks + "/" + id
	w.consoleAs("gina", directory.GlobalAdministrator)
	old := w.etagOn(at + "/edit")
	form := url.Values{"etag": {old}, "displayName": {"Mine"}, "url": {"https://siem.example/"}, "event": {"case.closed"}}
	w.wantPage("proof is for new ones", w.post(at+"/edit", url.Values{"etag": {old}, "displayName": {"Mine"}, "url": {"https://siem.example/"}, "event": {"proof.asked"}}), 400, `id="events-wrong"`, "Only a new webhook")
	if a := w.post(at+"/edit", form); a.status != http.StatusSeeOther {
		t.Fatalf("%d\n%s", a.status, a.body)
	}
	form.Set("displayName", "Theirs")
	w.wantPage("an old form", w.post(at+"/edit", form), http.StatusPreconditionFailed, `id="quicker"`, "<bdi>Mine</bdi></td><td><bdi>Theirs")
	for _, step := range []string{"/switch", "/secret", "/delete"} {
		if a := w.post(at+step, url.Values{"etag": {old}, "name": {"Mine"}}); a.status != http.StatusPreconditionFailed {
			t.Errorf("%s with an old form: %d", step, a.status)
		}
	}
	w.wantPage("what holds", w.get(at), 200, "Mine", "Turn off")
	if a := w.post(at+"/switch", url.Values{"etag": {w.etagOn(at)}}); a.status != http.StatusSeeOther {
		t.Errorf("off: %d\n%s", a.status, a.body)
	}
	w.wantPage("off", w.get(at), 200, "Turn on")
	w.wantPage("a test while it is off", w.post(at+"/test", nil), http.StatusConflict, `id="trouble"`)
	w.wantPage("another name", w.post(at+"/delete", url.Values{"etag": {w.etagOn(at + "/delete")}, "name": {"SIEM"}}), 400, "aria-invalid")
	if a := w.post(at+"/delete", url.Values{"etag": {w.etagOn(at + "/delete")}, "name": {"Mine"}}); a.status != http.StatusSeeOther || len(w.ids(webhooksAt)) != 0 {
		t.Errorf("delete: %d\n%s", a.status, a.body)
	}
}

func TestWebhooksAreSeenByWhoMayAndOthersOfNoTenantButTheirOwn(t *testing.T) {
	r := newReceiver(t)
	w := newWorld(t, r.trust)
	var theirs string
	w.inAnotherTenant(func() { theirs, _ = w.subscribe(r, `"case.opened"`) })
	mine, _ := w.subscribe(r, `"case.opened"`)
	at := consoleWebhooks + "/" + mine
	w.consoleAs("gina", directory.GlobalAdministrator)
	for _, path := range []string{"", "/edit", "/secret", "/delete", "/events", "/deliveries/" + mine} {
		if a := w.get(consoleWebhooks + "/" + theirs + path); a.status != http.StatusNotFound {
			t.Errorf("another tenant's%s: %d", path, a.status)
		}
	}
	for _, path := range []string{"/test", "/switch", "/secret", "/edit", "/delete"} {
		if a := w.post(consoleWebhooks+"/"+theirs+path, url.Values{"name": {"SIEM"}}); a.status != http.StatusNotFound {
			t.Errorf("a form to another tenant's%s: %d", path, a.status)
		}
		if a := w.fromElsewhere(at+path, url.Values{"name": {"SIEM"}, "etag": {w.etagOn(at)}}); a.status != http.StatusForbidden {
			t.Errorf("another site's form to %s: %d", path, a.status)
		}
	}
	w.wantPage("afterwards", w.get(at), 200, "SIEM", "Turn off")

	w.consoleAs("reader", directory.GlobalReader)
	page := w.get(at)
	w.wantPage("a reader", page, 200, "SIEM")
	if strings.Contains(page.body, "/edit") || strings.Contains(page.body, at+"/test") || strings.Contains(page.body, at+"/delete") {
		t.Errorf("a reader is offered changes\n%s", page.body)
	}
	for _, path := range []string{"/new", "/" + mine + "/test", "/" + mine + "/switch", "/" + mine + "/secret", "/" + mine + "/edit", "/" + mine + "/delete"} {
		if a := w.post(consoleWebhooks+path, url.Values{"name": {"SIEM"}}); a.status != http.StatusForbidden {
			t.Errorf("a reader posts to %s: %d", path, a.status)
		}
	}
	w.consoleAs("sec", directory.SecurityAdministrator)
	for _, path := range []string{consoleWebhooks, at} {
		if a := w.get(path); a.status != http.StatusForbidden {
			t.Errorf("a Security Administrator sees %s: %d", path, a.status)
		}
	}
}
