package server_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/outbox/smtptest"
)

const templates = "/v1.0/postern/mailTemplates/"

// says puts a kind of mail into words of the tenant's own.
func (w *world) says(kind, lang, body string) {
	w.t.Helper()
	if status, v := w.api(http.MethodPatch, templates+kind+"/translations/"+lang, w.appToken(), body); status != http.StatusNoContent {
		w.t.Fatalf("%s in %s: %d %v", kind, lang, status, v)
	}
}

func TestMailIsInTheTenantsWordsAndTheReadersLanguage(t *testing.T) {
	mail := &smtptest.Server{}
	mail.Start(t)
	w, o := office(t, mailTo(t, mail))
	w.setPolicy(`{"state":"enabled","postern_notifyPerson":true}`)
	token := w.appToken()
	w.says("passIssued", "de", `{"subject":"Pass für {{recipientDisplayName}}","body":"Servus {{recipientDisplayName}},\n\nam {{time}} gab es einen Pass.\n\n{{explanation}}"}`)
	w.says("passIssued", "fr", `{"subject":"Un pass","body":"Bonjour {{recipientDisplayName}},\nle {{time}}, par {{issuerDisplayName}}.\n\n{{explanation}}","notice":"Inconnu ? Appelez le 1234 : {{id}}"}`)
	w.says("phrases", "fr", `{"body":"passIssuedMulti: Toujours, de {{startTime}} à {{endTime}}."}`)
	w.says("passIssued", "default", `{"subject":"Pass <b>","body":"<script>{{recipientDisplayName}}</script> {{time}}"}`)
	for upn, body := range map[string]string{
		"jonas@contoso.example": `{"displayName":"{{id}}\u2028Bcc"}`,
		"mira@contoso.example":  `{"preferredLanguage":"fr-CH","displayName":"https://evil.example/"}`,
		"aylin@contoso.example": `{"preferredLanguage":"fi","displayName":"<img src=x>"}`,
	} {
		w.change(http.MethodPatch, "/v1.0/users/"+upn, body)
		if status, v := w.api(http.MethodPost, "/v1.0/users/"+upn+"/authentication/temporaryAccessPassMethods", token, `{"postern_reason":"new laptop"}`); status != http.StatusCreated {
			t.Fatalf("issue: %d %v", status, v)
		}
	}
	start(t, o)
	want := map[string][]string{
		"jonas@contoso.example": {"Servus {{id}}", "Er gilt beliebig oft von ", "Wenn Sie davon nichts wissen"},
		"mira@contoso.example":  {"Bonjour https://evil.example/,", "par automation.", "Toujours, de 20", "Inconnu ? Appelez le 1234 : ", "(Europe/Berlin)"},
		"aylin@contoso.example": {"<script><img src=x></script>", "If you know nothing of it, tell the helpdesk at once"},
	}
	for _, m := range mail.Wait(t, 3) {
		text, html := m.Parts(t)
		for _, one := range want[m.To[0]] {
			if !strings.Contains(text, one) {
				t.Errorf("%s: %q is not in\n%s", m.To, one, text)
			}
		}
		if len(m.To) != 1 || m.Message(t).Header.Get("Bcc") != "" || strings.Contains(html, "<script>") || strings.Contains(html, "<img") || strings.Contains(html, "<a ") {
			t.Errorf("%s got\n%s", m.To, m.Raw)
		}
	}
}

func TestATestOfATemplateGoesToWhoAsksForIt(t *testing.T) {
	mail := &smtptest.Server{}
	mail.Start(t)
	w, o := office(t, mailTo(t, mail))
	w.inConsole("aylin@contoso.example", w.longPass("aylin@contoso.example"))
	a := w.post(administration+"/mail/templates/methodAdded", url.Values{
		"language": {"de"}, "do": {"test"}, "subject": {"Neu: {{method}}"}, "body": {"Am {{time}} kam {{method}} dazu."},
	})
	w.shows(a, http.StatusOK, "A test mail is on its way to you", `value="Neu: {{method}}"`)
	start(t, o)
	m := mail.Wait(t, 1)[0]
	text, html := m.Parts(t)
	if m.To[0] != "aylin@contoso.example" || !strings.HasPrefix(m.Message(t).Header.Get("Subject"), "[Test] Neu: Passkey") || !strings.Contains(text, "#example\n") || !strings.Contains(html, "#example\">") {
		t.Errorf("%s got\n%s\n%s", m.To, m.Raw, html)
	}
	if n := len(w.directoryAudits(w.appToken(), "Send test mail")); n != 1 {
		t.Errorf("%d events", n)
	}
}

func TestTheWordsOfAMailAreTriedSavedAndResetInTheConsole(t *testing.T) {
	w := newWorld(t)
	w.consoleAs("bran", directory.OrganizationalBrandingAdministrator)
	const list, page = administration + "/mail/templates", administration + "/mail/templates/methodAdded"
	w.shows(w.get(administration), http.StatusOK, "Words of mails")
	w.shows(w.get(list), http.StatusOK, "A way to sign in was added", "Workflow: welcome")
	first := w.get(page + "?language=FR-ch")
	w.shows(first, http.StatusOK, "for people who prefer <bdi>fr-CH</bdi>", "{{recipientDisplayName}}", `id="notice"`, "<iframe class=\"letter\" sandbox title=")
	form := url.Values{
		"tag": {tagOf(first.body)}, "language": {"fr-CH"}, "do": {"preview"}, "subject": {"<b>{{method}}"}, "body": {"Le {{time}}\r\n\r\n<script>{{method}}</script>"}, "notice": {"{{id}}"},
	}
	w.shows(w.post(page, form), http.StatusOK, "The notice has to have {{link}}.", "&lt;b&gt;{{method}}")
	form.Set("notice", "")
	seen := w.post(page, form)
	w.shows(seen, http.StatusOK, "&amp;lt;script&amp;gt;Passkey&amp;lt;/script&amp;gt;", "&lt;script&gt;Passkey&lt;/script&gt;", `lang=&#34;fr-CH&#34;`)
	if strings.Contains(seen.body, "<script>Passkey") {
		t.Error("a script is on the page")
	}
	form.Set("do", "save")
	if a := w.post(page, form); a.location != page+"?language=fr-CH&done=mail_saved" {
		t.Fatalf("%d %s\n%s", a.status, a.location, a.body)
	}
	w.shows(w.post(page, form), http.StatusPreconditionFailed, "Somebody was quicker")
	form.Set("body", "Rien.")
	form.Set("tag", tagOf(w.get(page+"?language=fr-CH").body))
	w.shows(w.post(page, form), http.StatusBadRequest, "has to have {{time}}", ">Rien.</textarea>")
	w.shows(w.get(list), http.StatusOK, "<bdi>fr-CH</bdi>")
	form.Set("do", "reset")
	if a := w.post(page, form); a.location != page+"?language=fr-CH&done=mail_reset" {
		t.Errorf("%d %s\n%s", a.status, a.location, a.body)
	}
	w.shows(w.get(page+"?language=no_language"), http.StatusBadRequest, "such as de or de-AT")
	w.shows(w.get(list+"/nothing"), http.StatusNotFound)
	w.consoleAs("reader", directory.GlobalReader)
	if a := w.get(page); a.status != http.StatusOK || strings.Contains(a.body[strings.Index(a.body, "<main"):], "<button") {
		t.Errorf("a reader is offered a change: %d\n%s", a.status, a.body)
	}
	if a := w.post(page, form); a.status != http.StatusForbidden {
		t.Errorf("a reader changes words: %d", a.status)
	}
}

func TestAWorkflowsMailIsInTheTenantsWordsUnlessTheTaskHasItsOwn(t *testing.T) {
	w := newWorld(t)
	w.says("workflowWelcome", "fr", `{"subject":"Bienvenue {{userGivenName}}","body":"Le {{userEmployeeHireDate}}.\n\nhttps://intra.example/"}`)
	preview := func(arguments string) map[string]any {
		t.Helper()
		status, v := w.api(http.MethodPost, "/v1.0/postern/lifecycleWorkflows/preview", w.appToken(),
			`{"taskDefinitionId":"70b29d51-b59a-4773-9280-8841dfd3f2ea","displayName":"x","arguments":[{"name":"locale","value":"fr-BE"}`+arguments+`]}`)
		if status != http.StatusOK {
			t.Fatalf("%d %v", status, v)
		}
		return v
	}
	if got := preview(""); got["subject"] != "Bienvenue Nils" || !strings.Contains(got["html"].(string), `<html lang="fr">`) || !strings.Contains(got["html"].(string), `<a href="https://intra.example/">`) {
		t.Errorf("the mail is %v", got)
	}
	if got := preview(`,{"name":"customSubject","value":"Hi {{userDisplayName}}"}`); got["subject"] != "Hi Nils Holm" || !strings.HasPrefix(got["text"].(string), "Le 20") {
		t.Errorf("with a subject of the task's: %v", got)
	}
	for _, body := range []string{`{"subject":"{{temporaryAccessPass}}"}`, `{"notice":"x"}`} {
		if status, _ := w.api(http.MethodPatch, templates+"workflowPass/translations/fr", w.appToken(), body); status != http.StatusBadRequest {
			t.Errorf("%s: %d", body, status)
		}
	}
	if status, _ := w.api(http.MethodPatch, templates+"workflowWelcome/translations/fr", w.appToken(), `{"body":"{{temporaryAccessPass}}"}`); status != http.StatusBadRequest {
		t.Errorf("a pass in another mail: %d", status)
	}
	w.says("workflowPass", "fr", `{"subject":"x","body":"Bonjour."}`)
	_, v := w.api(http.MethodPost, templates+"preview", w.appToken(), `{"kind":"workflowPass","language":"fr"}`)
	if text, _ := v["text"].(string); !strings.Contains(text, "This mail does not hold it") {
		t.Errorf("what says where the pass is was left out: %v", v)
	}
}
