package server_test

import (
	"bytes"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/emersion/go-msgauth/dkim"

	"github.com/postern-id/postern/internal/outbox/smtp"
	"github.com/postern-id/postern/internal/outbox/smtptest"
	"github.com/postern-id/postern/internal/server"
)

func TestMailIsSignedWithAKeyThatIsSealed(t *testing.T) {
	mail := &smtptest.Server{}
	mail.Start(t)
	w, o := office(t, mailTo(t, mail))
	o.Mail.DKIMSelector = "p1"
	if _, err := server.Open(t.Context(), o); !errors.Is(err, smtp.ErrConfig) {
		t.Fatalf("without a key: %v", err)
	}
	name, text, made, err := server.DKIMRecord(o, "contoso.example", "p1")
	if err != nil || !made || name != "p1._domainkey.contoso.example" || !strings.HasPrefix(text, "v=DKIM1; k=rsa; p=") {
		t.Fatalf("%s %s %t: %v", name, text, made, err)
	}
	if _, again, made, err := server.DKIMRecord(o, "contoso.example", "P1"); err != nil || made || again != text {
		t.Errorf("asked again: %s %t %v", again, made, err)
	}
	for _, bad := range []string{"../ca", "a/b", "", "a b"} {
		if _, _, _, err := server.DKIMRecord(o, "contoso.example", bad); !errors.Is(err, smtp.ErrConfig) {
			t.Errorf("%q: %v", bad, err)
		}
	}
	sealed, err := os.ReadFile(o.Dir + "/dkim-p1.sealed")
	if err != nil || bytes.Contains(sealed, []byte("PRIVATE KEY")) {
		t.Errorf("it lies open: %v", err)
	}
	start(t, o)
	if _, err := server.Recover(t.Context(), o, w.created.Administrator, true); err != nil { // it is told by mail
		t.Fatal(err)
	}
	got := mail.Wait(t, 2)
	found, err := dkim.VerifyWithOptions(bytes.NewReader(got[0].Raw), &dkim.VerifyOptions{LookupTXT: func(string) ([]string, error) { return []string{text}, nil }})
	if err != nil || len(found) != 1 || found[0].Err != nil || found[0].Domain != "contoso.example" {
		t.Errorf("%v %+v\n%s", err, found, got[0].Raw)
	}
}
