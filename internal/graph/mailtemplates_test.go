package graph_test

import (
	"context"
	"strings"
	"testing"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/outbox"
	"github.com/postern-id/postern/internal/outbox/letter"
)

// scribe knows one kind of mail.
type scribe struct{}

func (scribe) Kinds() ([]letter.Kind, error) {
	return []letter.Kind{{Name: "pinReset", Placeholders: []string{"recipientDisplayName", "time", "id"}, Required: []string{"time"}, Notice: []string{"link", "id"}}}, nil
}

func (scribe) Words(kind, lang string) (letter.Template, error) {
	return letter.Template{Kind: kind, Language: lang, Subject: "PIN", Body: "It was replaced at {{time}}."}, nil
}

func (scribe) Sample(_ context.Context, _ directory.Tenant, _, preferred string, own letter.Template) (outbox.Mail, error) {
	return outbox.Mail{Subject: own.Subject, Text: "for " + preferred + ": " + own.Body, HTML: "<p>"}, nil
}

func (scribe) Post(context.Context, directory.Tenant, directory.UserID, string, outbox.Mail) ([]outbox.Item, error) {
	return nil, nil
}

const pinReset = "/v1.0/postern/mailTemplates/pinReset/translations/"

func scribeWorld(t *testing.T) *world {
	w := newWorld(t, "OrganizationalBranding.ReadWrite.All")
	w.api.Letters = scribe{}
	return w
}

func TestATenantsWordsAreKeptUntilTheyAreReset(t *testing.T) {
	w := scribeWorld(t)
	got := w.call(200, "GET", pinReset+"DE-at", "")
	if got["id"] != "de-AT" || got["isOwn"] != false || got["subject"] != "PIN" || got["@odata.etag"] != `W/"0"` {
		t.Errorf("before: %v", got)
	}
	w.call(404, "DELETE", pinReset+"de-AT", "")
	w.call(204, "PATCH", pinReset+"de-AT", `{"subject":"Neuer PIN"}`)
	got = w.call(200, "GET", pinReset+"de-at", "")
	if got["isOwn"] != true || got["subject"] != "Neuer PIN" || got["body"] != "It was replaced at {{time}}." || got["notice"] != nil {
		t.Errorf("after: %v", got)
	}
	if all := list(w.call(200, "GET", "/v1.0/postern/mailTemplates?$select=id,languages", "")); len(all) != 1 || all[0].(map[string]any)["languages"].([]any)[0] != "de-AT" {
		t.Errorf("listed: %v", all)
	}
	tag, _ := got["@odata.etag"].(string)
	w.wantStatus(204, w.stream("PATCH", pinReset+"de-AT", "application/json", []byte(`{"body":"{{time}}!"}`), "If-Match", tag))
	w.wantStatus(412, w.stream("PATCH", pinReset+"de-AT", "application/json", []byte(`{"body":"late {{time}}"}`), "If-Match", tag))
	w.wantStatus(412, w.stream("PATCH", pinReset+"de-AT", "application/json", []byte(`{"body":"first {{time}}"}`), "If-Match", `W/"0"`))
	w.wantStatus(412, w.stream("DELETE", pinReset+"de-AT", "", nil, "If-Match", tag))
	if got := w.call(200, "POST", "/v1.0/postern/mailTemplates/preview", `{"kind":"pinReset","language":"de-AT"}`); got["text"] != "for de-AT: {{time}}!" {
		t.Errorf("the preview is %v", got)
	}
	if got := w.call(200, "POST", "/v1.0/postern/mailTemplates/preview", `{"kind":"pinReset","language":"de-AT","body":"draft {{time}}"}`); got["text"] != "for de-AT: draft {{time}}" || got["subject"] != "Neuer PIN" {
		t.Errorf("the preview of a draft is %v", got)
	}
	w.call(204, "DELETE", pinReset+"de-AT", "")
	if got := w.call(200, "GET", pinReset+"de-AT", ""); got["isOwn"] != false {
		t.Errorf("reset: %v", got)
	}
	updates, resets := w.eventsOf(audit.UpdateMailTemplate), w.eventsOf(audit.ResetMailTemplate)
	if len(updates) != 2 || len(resets) != 1 {
		t.Fatalf("%d updates and %d resets are recorded", len(updates), len(resets))
	}
	target := resets[0].Change.Targets[0]
	if target.ID != "pinReset/de-AT" || len(target.Modified) != 2 || target.Modified[1].OldValue != `"{{time}}!"` || target.Modified[1].NewValue != `""` {
		t.Errorf("the event is about %+v", target)
	}
}

func TestWordsThatBreakAMailAreRefusedWithACode(t *testing.T) {
	w := scribeWorld(t)
	for body, code := range map[string]string{
		`{"subject":"a\r\nBcc: eve@evil.example"}`:          "mailTemplateInvalid",
		`{"body":"` + strings.Repeat("x", 7000) + `"}`:      "mailTemplateInvalid",
		`{"subject":null}`:                                  "mailTemplateInvalid",
		`{"body":"nothing to see"}`:                         "mailTemplateRequired",
		`{"body":"{{time}} {{link}}"}`:                      "mailTemplatePlaceholder",
		`{"body":"{{time}} {{passcode}}"}`:                  "mailTemplatePlaceholder",
		`{"notice":"{{link}} {{id}}"}`:                      "mailTemplateNotice",
		`{"subject":"x","html":"<p>"}`:                      "Request_BadRequest",
		`{"body":"{{time}} \u202e"}`:                        "mailTemplateInvalid",
		`{"body":"` + strings.Repeat("{{time}}", 40) + `"}`: "mailTemplateInvalid",
	} {
		for path, method := range map[string]string{pinReset + "de": "PATCH", "/v1.0/postern/mailTemplates/preview": "POST"} {
			sent := body
			if method == "POST" {
				sent = `{"kind":"pinReset","language":"de",` + body[1:]
			}
			if a := w.send(method, path, sent); a.Code != 400 || !strings.Contains(a.Body.String(), code) && code != "Request_BadRequest" {
				t.Errorf("%s %.60s: %d %s, want %s", method, sent, a.Code, a.Body, code)
			}
		}
	}
	if a := w.send("PATCH", pinReset+"fr", `{"notice":"rien"}`); !strings.Contains(a.Body.String(), "mailTemplateRequired") {
		t.Errorf("a notice without a link: %s", a.Body)
	}
	w.call(404, "GET", "/v1.0/postern/mailTemplates/nothing/translations/de", "")
	w.call(404, "GET", "/v1.0/postern/mailTemplates/nothing", "")
	w.call(404, "POST", "/v1.0/postern/mailTemplates/preview", `{"kind":"nothing"}`)
	w.call(400, "GET", pinReset+"d_e", "")
	w.call(400, "POST", "/v1.0/postern/mailTemplates/test", `{"kind":"pinReset"}`) // an application has no mailbox
}

func TestWhoDecidesWhatMailsSay(t *testing.T) {
	w := scribeWorld(t)
	for role, want := range map[directory.RoleID][2]int{
		directory.OrganizationalBrandingAdministrator: {200, 204}, directory.GlobalAdministrator: {200, 204}, directory.GlobalReader: {200, 403}, directory.UserAdministrator: {403, 403},
	} {
		w.token = w.signIn(w.member("m"+string(role)[:6], role), "OrganizationalBranding.ReadWrite.All")
		w.wantStatus(want[0], w.send("GET", pinReset+"de", ""))
		w.wantStatus(want[0], w.send("POST", "/v1.0/postern/mailTemplates/preview", `{"kind":"pinReset"}`))
		w.wantStatus(want[1], w.send("PATCH", pinReset+"de", `{"subject":"x"}`))
		if a := w.send("POST", "/v1.0/postern/mailTemplates/test", `{"kind":"pinReset"}`); a.Code != 400 && want[1] == 204 || a.Code != 403 && want[1] == 403 { // 400: no address
			t.Errorf("a test: %d %s", a.Code, a.Body)
		}
	}
	w.token = w.signIn(w.member("plain"), "User.Read")
	w.wantStatus(403, w.send("GET", "/v1.0/postern/mailTemplates", ""))
}
