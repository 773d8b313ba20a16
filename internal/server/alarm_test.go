package server_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/postern-id/postern/internal/outbox/smtptest"
	"github.com/postern-id/postern/internal/server"
)

// guess types wrong passes of somebody until nobody would call it a slip.
func (w *world) guess(name string) {
	w.t.Helper()
	for range 6 {
		w.newBrowser()
		w.typed(name, "WRONGWRONG")
	}
}

func TestWhoKeepsATenantIsWrittenToOnceAnHourWhenPassesAreTried(t *testing.T) {
	mail := &smtptest.Server{}
	mail.Start(t)
	var c wrist
	c.move(time.Until(time.Now().Truncate(time.Hour).Add(90 * time.Minute))) // half past: all of it is in one hour
	w := newWorld(t, func(o *server.Options) { o.Wall, o.Mail = c.now, mailTo(t, mail) })
	w.change(http.MethodPatch, "/v1.0/organization/"+w.created.TenantID, `{"technicalNotificationMails":["it@contoso.example"]}`)
	jonas := w.createUser("jonas")
	w.change(http.MethodPatch, "/v1.0/users/"+jonas, `{"mail":"jonas@contoso.example"}`)
	if status, v := w.api(http.MethodPost, "/v1.0/roleManagement/directory/roleAssignments", w.appToken(),
		`{"principalId":"`+jonas+`","roleDefinitionId":"`+globalAdministrator+`","directoryScopeId":"/"}`); status != http.StatusCreated {
		t.Fatalf("give a role: %d %v", status, v)
	}
	for _, nick := range []string{"mira", "ewan", "nils"} {
		w.passFor(w.createUser(nick))
	}
	guessed := func(names ...string) {
		t.Helper()
		for _, name := range names {
			w.guess(name + "@contoso.example")
		}
		if err := w.server.Counted(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	start(t, w.options)
	guessed("mira", "ewan")
	first := mail.Wait(t, 1)[0]
	text, _ := first.Parts(t)
	if len(first.To) != 1 || first.To[0] != "it@contoso.example" || !strings.Contains(text, "at Contoso") || !strings.Contains(text, "five times in a row") {
		t.Errorf("to %v:\n%s", first.To, text)
	}
	for _, secret := range []string{"mira", "ewan", "WRONG", "http"} {
		if strings.Contains(text, secret) {
			t.Errorf("the letter says %q:\n%s", secret, text)
		}
	}
	w.change(http.MethodPatch, "/v1.0/organization/"+w.created.TenantID, `{"technicalNotificationMails":[]}`)
	c.move(time.Hour)
	guessed("mira", "nils") // of Mira it is known, and one letter an hour is what there is
	all := mail.Wait(t, 2)
	if last := all[1]; len(all) != 2 || len(last.To) != 1 || last.To[0] != "jonas@contoso.example" {
		t.Errorf("%d letters, the last to %v", len(all), all[1].To)
	}
}

func TestAWebhookIsToldOfPassesThatAreTried(t *testing.T) {
	r := newReceiver(t)
	w := newWorld(t, r.trust)
	start(t, w.options)
	id, secret := w.subscribe(r, `"pass.refused"`)
	mira := w.createUser("mira")
	w.passFor(mira)
	w.guess("mira@contoso.example")
	if err := w.server.Counted(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.delivered(id, "delivered")
	got := r.got()
	if len(got) != 1 || got[0].kind() != "pass.refused" || !got[0].verifies(secret) || !strings.Contains(got[0].body, mira) || strings.Contains(got[0].body, "contoso") {
		t.Fatalf("it got %+v", got)
	}
}
