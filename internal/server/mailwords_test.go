package server_test

import (
	"net/http"
	"strings"
	"testing"

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
	w.says("passIssued", "de", `{"subject":"Pass für {{recipientDisplayName}}","body":"Servus {{recipientDisplayName}},\n\nam {{time}} gab es einen Pass."}`)
	w.says("passIssued", "fr", `{"subject":"Un pass","body":"Bonjour {{recipientDisplayName}},\nle {{time}}, par {{issuerDisplayName}}.","notice":"Inconnu ? Appelez le 1234 : {{id}}"}`)
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
		"jonas@contoso.example": {"Servus {{id}}", "Wenn Sie davon nichts wissen"},
		"mira@contoso.example":  {"Bonjour https://evil.example/,", "par automation.", "Inconnu ? Appelez le 1234 : ", "(Europe/Berlin)"},
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
	if text, _ := v["text"].(string); !strings.Contains(text, "This mail does not hold the pass") {
		t.Errorf("what says where the pass is was left out: %v", v)
	}
}
