package webhook

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/postern-id/postern/internal/audit"
)

func TestAWebhookGoesToAnHTTPSAddressAndTellsOfSomething(t *testing.T) {
	good := Webhook{DisplayName: "SIEM", URL: "https://siem.example/postern?x=1", Events: []EventType{"case.opened"}}
	if err := good.Check(); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*Webhook){
		"without a name":         func(w *Webhook) { w.DisplayName = " " },
		"with a name of lines":   func(w *Webhook) { w.DisplayName = "a\nb" },
		"in the clear":           func(w *Webhook) { w.URL = "http://siem.example" },
		"to a file":              func(w *Webhook) { w.URL = "file:///etc/passwd" },
		"with a password":        func(w *Webhook) { w.URL = "https://me:secret@siem.example" },
		"with a fragment":        func(w *Webhook) { w.URL = "https://siem.example/#x" },
		"to nowhere":             func(w *Webhook) { w.URL = "https://" },
		"to a long address":      func(w *Webhook) { w.URL = "https://siem.example/" + strings.Repeat("x", mostURL) },
		"of nothing":             func(w *Webhook) { w.Events = nil },
		"of what there isn't":    func(w *Webhook) { w.Events = []EventType{"case.opened", "case.eaten"} },
		"of tests, as one event": func(w *Webhook) { w.Events = []EventType{Test} },
	} {
		w := good
		change(&w)
		if err := w.Check(); !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAMessageHoldsIdsAndNoNames(t *testing.T) {
	e := audit.Event{Tenant: "t", ID: "e", At: time.Unix(0, 0).UTC(), Change: &audit.Change{
		Activity: audit.CaseDisputed, Result: audit.Success,
		By:      audit.Actor{User: &audit.UserActor{ID: "boss", DisplayName: "Bo Ss", UserPrincipalName: "boss@contoso.example", IPAddress: "192.0.2.1"}},
		Targets: []audit.Target{{ID: "mira", Type: audit.TargetUser, DisplayName: "Mira", UserPrincipalName: "mira@contoso.example", Modified: []audit.ModifiedProperty{{NewValue: "secret"}}}},
		Details: []audit.KeyValue{{Key: audit.DetailCase, Value: "c1"}, {Key: audit.DetailPass, Value: "p1"}, {Key: "Note", Value: "she said so"}},
	}}
	body, err := Tell(TypeOf(e), e).Body()
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"type":"case.disputed","timestamp":"1970-01-01T00:00:00Z","data":{"tenantId":"t","eventId":"e","activity":"Dispute recovery case","userId":"mira","byUserId":"boss","caseId":"c1","passId":"p1"}}`
	if body != want {
		t.Errorf("got  %s\nwant %s", body, want)
	}
}

func TestWhatWasRefusedIsNotTold(t *testing.T) {
	e := audit.Event{Change: &audit.Change{Activity: audit.CaseIssued, Result: audit.Failure}}
	if got := TypeOf(e); got != "" {
		t.Errorf("got %q", got)
	}
	e.Change.Result = audit.Success
	if got := TypeOf(e); got != "case.issued" {
		t.Errorf("got %q", got)
	}
	if got := TypeOf(audit.Event{SignIn: &audit.SignIn{}}); got != "" {
		t.Errorf("a sign-in is %q", got)
	}
}
