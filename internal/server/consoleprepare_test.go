package server_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/postern-id/postern/internal/agent/tpm/tpmtest"
	"github.com/postern-id/postern/internal/directory"
)

func TestADeviceIsPreparedForSomebodyInTheConsoleHandedOverAndFreed(t *testing.T) {
	w := newWorld(t)
	const name = "mira@contoso.example"
	var theirs string
	w.inAnotherTenant(func() {
		theirs = w.create("/v1.0/users", `{"accountEnabled":true,"displayName":"x","mailNickname":"x","userPrincipalName":"x@fabrikam.example"}`)
	})
	w.addPerson(name)
	mira := w.userID(name)
	w.change(http.MethodPatch, "/v1.0/users/"+mira, `{"displayName":"Mira <script>alert(1)</script>"}`)
	_, pass := w.addPerson("theo@contoso.example")
	p := withPINs(w, "theo@contoso.example", pass, tpmtest.New(t))
	at := "/console/devices/" + p.joined.ObjectID

	w.consoleAs("cleo", directory.AuthenticationAdministrator) // may prepare, and not take what others joined
	w.wantPage("who may not take it", w.get(at), 200, "Somebody else joined it")
	w.wantPage("the form for them", w.get(at+"/prepare?person="+mira), 200, "Not this device")
	if a := w.post(at+"/prepare", url.Values{"person": {mira}}); a.status != http.StatusForbidden {
		t.Errorf("cleo prepares what theo joined: %d", a.status)
	}
	w.consoleAs("reader", directory.GlobalReader)
	if a := w.get(at); strings.Contains(a.body, at+"/prepare") {
		t.Error("a reader is offered to prepare it")
	}
	if a := w.post(at+"/prepare", url.Values{"person": {mira}}); a.status != http.StatusForbidden {
		t.Errorf("a reader prepares: %d", a.status)
	}

	self := w.consoleAs("gina", directory.GlobalAdministrator)
	w.wantPage("found by name", w.get(at+"/prepare?q=mira"), 200, at+"/prepare?person="+mira, "Mira &lt;script&gt;")
	w.wantPage("what happens", w.get(at+"/prepare?person="+mira), 200, "Their first sign-in makes it theirs")
	for what, one := range map[string]struct {
		person string
		status int
	}{"for oneself": {self, 403}, "for somebody of another tenant": {theirs, 404}, "for nobody": {"", 404}} {
		if a := w.post(at+"/prepare", url.Values{"person": {one.person}}); a.status < 400 || a.status >= 500 {
			t.Errorf("%s: %d, want %d", what, a.status, one.status)
		}
	}
	if a := w.fromElsewhere(at+"/prepare", url.Values{"person": {mira}}); a.status != http.StatusForbidden {
		t.Errorf("from another site: %d", a.status)
	}
	if a := w.get(at); !strings.Contains(a.body, `data-prepared=""`) {
		t.Fatalf("it is prepared already\n%s", a.body)
	}
	if a := w.post(at+"/prepare", url.Values{"person": {mira}}); a.status != http.StatusSeeOther {
		t.Fatalf("prepare: %d\n%s", a.status, a.body)
	}
	tap := "/console/people/" + mira + "/pass?purpose=resetPin&amp;device=" + p.joined.DeviceID
	w.wantPage("waiting", w.get(at), 200, `data-prepared="waiting"`, "Mira &lt;script&gt;", tap)
	w.wantPage("the pass for it", w.get(strings.ReplaceAll(tap, "&amp;", "&")), 200, `value="`+p.joined.DeviceID+`" selected`)
	w.wantPage("an old form", w.post(at+"/prepare", url.Values{"person": {w.userID("theo@contoso.example")}}), http.StatusConflict, "while this page was open")
	agent := w.browser

	p.tokensAtLock(p.joined.DeviceID, name, w.passForOnly(mira, "resetPin", p.joined.DeviceID))
	w.browser = agent
	w.wantPage("handed over", w.get(at), 200, `data-prepared="handedOver"`)
	w.wantPage("undone too late", w.post(at+"/prepare", url.Values{"end": {"1"}, "seen": {"waiting" + mira}}), http.StatusConflict, "while this page was open")
	if a := w.post(at+"/prepare", url.Values{"end": {"1"}, "seen": {"handedOver" + mira}}); a.status != http.StatusSeeOther {
		t.Errorf("free it: %d\n%s", a.status, a.body)
	}
	w.wantPage("free", w.get(at), 200, `data-prepared=""`)
	if a := w.get("/console/devices/" + w.created.TenantID + "/prepare"); a.status != http.StatusNotFound {
		t.Errorf("no such device: %d", a.status)
	}
}

func TestADeviceIsPreparedForTheFirstOfAGroupInTheConsole(t *testing.T) {
	w := newWorld(t)
	_, pass := w.addPerson("theo@contoso.example")
	p := withPINs(w, "theo@contoso.example", pass, tpmtest.New(t))
	at := "/console/devices/" + p.joined.ObjectID
	group := w.create("/v1.0/groups", `{"displayName":"Field <i>staff</i>","mailEnabled":false,"mailNickname":"field","securityEnabled":true}`)
	var theirs string
	w.inAnotherTenant(func() {
		theirs = w.create("/v1.0/groups", `{"displayName":"Field","mailEnabled":false,"mailNickname":"field","securityEnabled":true}`)
	})
	w.consoleAs("reader", directory.GlobalReader)
	if a := w.post(at+"/prepare", url.Values{"group": {group}}); a.status != http.StatusForbidden {
		t.Errorf("a reader prepares: %d", a.status)
	}
	w.consoleAs("gina", directory.GlobalAdministrator)
	found := w.get(at + "/prepare?q=field")
	w.wantPage("found by name", found, 200, at+"/prepare?group="+group, "Field &lt;i&gt;staff")
	if strings.Contains(found.body, "Nobody called") || strings.Contains(found.body, theirs) {
		t.Errorf("beside the group it says\n%s", found.body)
	}
	w.wantPage("neither", w.get(at+"/prepare?q=xyz"), 200, "Nobody called")
	w.wantPage("what happens", w.get(at+"/prepare?group="+group), 200, "The first sign-in of one of them", `name="group" value="`+group+`"`)
	for what, other := range map[string]string{"a group of another tenant": theirs, "no group": "x"} {
		if a := w.post(at+"/prepare", url.Values{"group": {other}}); a.status < 400 || a.status >= 500 {
			t.Errorf("for %s: %d", what, a.status)
		}
	}
	if a := w.get(at); !strings.Contains(a.body, `data-prepared=""`) {
		t.Fatalf("it is prepared already\n%s", a.body)
	}
	if a := w.post(at+"/prepare", url.Values{"group": {group}}); a.status != http.StatusSeeOther {
		t.Fatalf("prepare: %d\n%s", a.status, a.body)
	}
	w.wantPage("waiting", w.get(at), 200, `data-prepared="waiting"`, "Waits for whoever of")
	if a := w.get(at); strings.Contains(a.body, "Issue their first pass") {
		t.Error("a pass is offered for nobody in particular")
	}
	w.wantPage("an old form", w.post(at+"/prepare", url.Values{"group": {group}}), http.StatusConflict, "while this page was open")
}
