package server_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/emersion/go-smtp"

	"github.com/postern-id/postern/internal/outbox/smtptest"
	"github.com/postern-id/postern/internal/server"
)

func TestAPersonIsToldOfAPassAndItsUseWherePolicySaysSo(t *testing.T) {
	mail := &smtptest.Server{}
	mail.Start(t)
	w, o := office(t, mailTo(t, mail))
	w.setPolicy(`{"state":"enabled"}`)
	issue := func() string {
		t.Helper()
		status, v := w.api(http.MethodPost, "/v1.0/users/mira@contoso.example/authentication/temporaryAccessPassMethods", w.appToken(),
			`{"isUsableOnce":false,"postern_reason":"new laptop"}`)
		if status != http.StatusCreated {
			t.Fatalf("issue: %d %v", status, v)
		}
		return v["temporaryAccessPass"].(string)
	}
	w.code("mira@contoso.example", issue()) // off by default: this tells nobody
	w.newBrowser()
	w.setPolicy(`{"postern_notifyPerson":true}`)
	pass := issue()
	if a := w.signIn(w.authorize(nil).location, "mira@contoso.example", "WRONGWRONG"); a.status == http.StatusSeeOther {
		t.Fatal("a wrong pass got somebody in")
	}
	page := w.authorize(nil).location
	if a := w.signIn(page, "mira@contoso.example", pass); a.status != http.StatusSeeOther {
		t.Fatalf("sign-in: %d", a.status)
	}
	w.post(page, url.Values{"stay": {"no"}}) // a repeat tells nothing new
	_, listed := w.api(http.MethodGet, "/v1.0/postern/mails", w.appToken(), "")
	kinds := map[string]int{}
	for _, one := range listed["value"].([]any) {
		m := one.(map[string]any)
		kinds[m["kind"].(string)]++
		if m["state"] != "waiting" || m["userId"] == nil {
			t.Errorf("listed is %v", m)
		}
	}
	if len(kinds) != 2 || kinds["passIssued"] != 1 || kinds["passRedeemed"] != 1 {
		t.Errorf("the mail that waits is %v", kinds)
	}

	start(t, o)
	var all strings.Builder
	for _, one := range mail.Wait(t, 2) {
		if len(one.To) != 1 || one.To[0] != "mira@contoso.example" {
			t.Errorf("mail went to %v", one.To)
		}
		text, html := one.Parts(t)
		if strings.Contains(string(one.Raw)+text+html, pass) || strings.Contains(text, "http") {
			t.Error("the mail has the pass or a link in it")
		}
		all.WriteString(text)
	}
	for _, want := range []string{"Hello Mira", "automation issued a Temporary Access Pass", "any number of times", "signed in to", "127.0.0.1", "(Europe/Berlin)"} {
		if !strings.Contains(all.String(), want) {
			t.Errorf("%q is not in\n%s", want, all.String())
		}
	}
}

func TestMailThatWasGivenUpIsListed(t *testing.T) {
	mail := &smtptest.Server{Refuse: func(step string) error {
		if step != "rcpt" {
			return nil
		}
		return &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "no such person"}
	}}
	mail.Start(t)
	w, o := office(t, mailTo(t, mail))
	w.setPolicy(`{"state":"enabled","postern_notifyPerson":true}`)
	w.api(http.MethodPost, "/v1.0/users/mira@contoso.example/authentication/temporaryAccessPassMethods", w.appToken(), `{}`)
	s, err := server.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.Deliver(t.Context()); err != nil {
		t.Fatal(err)
	}
	status, listed := w.api(http.MethodGet, "/v1.0/postern/mails?$select=state,kind,lastError,nextTryDateTime", w.appToken(), "")
	if status != http.StatusOK || len(listed["value"].([]any)) != 1 {
		t.Fatalf("%d %v", status, listed)
	}
	m := listed["value"].([]any)[0].(map[string]any)
	if m["state"] != "givenUp" || m["kind"] != "passIssued" || !strings.Contains(m["lastError"].(string), "550") || m["nextTryDateTime"] != nil {
		t.Errorf("listed is %v", m)
	}
}
