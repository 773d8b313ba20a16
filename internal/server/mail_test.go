package server_test

import (
	"encoding/pem"
	"errors"
	"mime"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/postern-id/postern/internal/fault"
	"github.com/postern-id/postern/internal/outbox/smtptest"
	"github.com/postern-id/postern/internal/server"
)

// office is a data directory with several administrators.
func office(t *testing.T, m server.Mail) (*world, server.Options) {
	t.Helper()
	w := newWorld(t)
	o := w.options
	o.Mail = m
	token := w.appToken()
	for _, u := range []struct{ body, role string }{
		{`{"accountEnabled":true,"userPrincipalName":"aylin@contoso.example","mailNickname":"aylin","displayName":"Aylin \"the\" Demir","mail":"aylin@contoso.example","preferredLanguage":"en-GB"}`, globalAdministrator},
		{`{"accountEnabled":true,"userPrincipalName":"jonas@contoso.example","mailNickname":"jonas","displayName":"Jonas Lind","mail":"jonas@contoso.example","preferredLanguage":"de-AT"}`, globalAdministrator},
		{`{"accountEnabled":false,"userPrincipalName":"gone@contoso.example","mailNickname":"gone","displayName":"Gone","mail":"gone@contoso.example"}`, globalAdministrator},
		{`{"accountEnabled":true,"userPrincipalName":"mira@contoso.example","mailNickname":"mira","displayName":"Mira","mail":"mira@contoso.example"}`, ""},
	} {
		status, v := w.api(http.MethodPost, "/v1.0/users", token, u.body)
		if status != http.StatusCreated {
			t.Fatalf("create a user: %d %v", status, v)
		}
		if u.role == "" {
			continue
		}
		if status, v := w.api(http.MethodPost, "/v1.0/roleManagement/directory/roleAssignments", token,
			`{"principalId":"`+v["id"].(string)+`","roleDefinitionId":"`+u.role+`","directoryScopeId":"/"}`); status != http.StatusCreated {
			t.Fatalf("give a role: %d %v", status, v)
		}
	}
	return w, o
}

const globalAdministrator = "62e90394-69f5-4237-9190-012177145e10"

// start runs the work in the background of a server on the same data.
func start(t *testing.T, o server.Options) {
	t.Helper()
	s, err := server.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
}

// mailTo returns the settings for sending to server.
func mailTo(t *testing.T, office *smtptest.Server) server.Mail {
	t.Helper()
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: office.Certificate}), 0o600); err != nil {
		t.Fatal(err)
	}
	return server.Mail{Host: smtptest.Host, Port: office.Port, From: "postern@contoso.example", CAFile: ca}
}

func TestRecoveryIsToldToAllGlobalAdministrators(t *testing.T) {
	mail := &smtptest.Server{User: "postern", Password: "s3cret"}
	mail.Start(t)
	password := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(password, []byte("s3cret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	settings := mailTo(t, mail)
	settings.User, settings.PasswordFile = "postern", password
	w, o := office(t, settings)

	created, err := server.Recover(t.Context(), o, w.created.Administrator, true)
	if err != nil {
		t.Fatal(err)
	}
	start(t, o) // after a restart, so to speak: the mail was queued by another process
	got := mail.Wait(t, 2)
	slices.SortFunc(got, func(a, b smtptest.Mail) int { return strings.Compare(a.To[0], b.To[0]) })
	if len(got) != 2 || got[0].To[0] != "aylin@contoso.example" || got[1].To[0] != "jonas@contoso.example" {
		t.Fatalf("mail went to %+v", got)
	}
	subject := regexp.MustCompile(`^(A new pass for an administrator|Auf dem Server wurde ein neuer Pass)`)
	for i, want := range []string{"Hello Aylin", "Guten Tag Jonas Lind"} {
		m := got[i].Message(t)
		if s, err := new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject")); err != nil || !subject.MatchString(s) {
			t.Errorf("the subject is %q", s)
		}
		text, _ := got[i].Parts(t)
		for _, part := range []string{want, "admin@contoso.example", "(Europe/Berlin)", "Recover administrator access"} {
			if !strings.Contains(text, part) {
				t.Errorf("%q is not in the mail\n%s", part, text)
			}
		}
		if strings.Contains(string(got[i].Raw)+text, created.Pass) || strings.Contains(text, "http") {
			t.Error("the mail has the pass or a link in it")
		}
	}
	// The event that the mail names is there.
	text, _ := got[0].Parts(t)
	id := regexp.MustCompile(`id ([0-9a-f-]{36})`).FindStringSubmatch(text)
	if id == nil {
		t.Fatal("the mail names no event")
	}
	status, v := w.api(http.MethodGet, "/v1.0/auditLogs/directoryAudits?$filter=correlationId%20eq%20'"+id[1]+"'", w.appToken(), "")
	if all, ok := v["value"].([]any); status != http.StatusOK || !ok || len(all) != 1 {
		t.Errorf("the event of the mail: %d %v", status, v)
	}
}

func TestMailOutlivesAServerWithoutMailSettings(t *testing.T) {
	w, o := office(t, server.Mail{})
	if _, err := server.Recover(t.Context(), o, w.created.Administrator, false); err != nil {
		t.Fatal(err)
	}
	mail := &smtptest.Server{}
	mail.Start(t)
	o.Mail = mailTo(t, mail)
	start(t, o)
	mail.Wait(t, 2)
}

func TestTwoReplicasSendEachMailOnce(t *testing.T) {
	mail := &smtptest.Server{}
	mail.Start(t)
	w, o := office(t, mailTo(t, mail))
	for range 3 {
		if _, err := server.Recover(t.Context(), o, w.created.Administrator, false); err != nil {
			t.Fatal(err)
		}
	}
	start(t, o)
	start(t, o)
	ids := map[string]int{}
	for _, m := range mail.Wait(t, 6) {
		ids[m.Message(t).Header.Get("Message-Id")]++
	}
	if len(ids) != 6 || len(mail.Mails()) != 6 {
		t.Errorf("%d mails with the ids %v came, want 6 of each", len(mail.Mails()), ids)
	}
}

func TestMailSettingsAreChecked(t *testing.T) {
	for _, c := range []struct {
		name   string
		m      server.Mail
		target string
	}{
		{"no mail", server.Mail{}, ""},
		{"a sender but no server", server.Mail{From: "postern@contoso.example"}, "smtp-host"},
		{"a server but no sender", server.Mail{Host: "mail.contoso.example"}, "smtp-from"},
		{"a password file that is not there", server.Mail{Host: "h", From: "postern@contoso.example", User: "u", PasswordFile: "/nowhere/password"}, "smtp-password-file"},
		{"a CA that is not there", server.Mail{Host: "h", From: "postern@contoso.example", CAFile: "/nowhere/ca.pem"}, "smtp-ca"},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := c.m.Check()
			f, _ := errors.AsType[*fault.Error](err)
			if c.target == "" && err != nil || c.target != "" && (f == nil || f.Target != c.target) {
				t.Errorf("Check: %v, want one about %q", err, c.target)
			}
		})
	}
}

func TestOnlyDevHasAMailbox(t *testing.T) {
	w := newWorld(t)
	for _, path := range []string{"/mailbox", "/mailbox/0c1d2e3f-4a5b-4c6d-8e7f-90a1b2c3d4e5"} {
		if a := w.get(path); a.status != http.StatusNotFound {
			t.Errorf("%s answers %d\n%s", path, a.status, a.body)
		}
	}
}
