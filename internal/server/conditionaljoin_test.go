package server_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/postern-id/postern/internal/access"
	"github.com/postern-id/postern/internal/directory"
)

// Only the agent joins devices: an application whose address somebody changed, so that it asks for
// that API, is asked for a device as it is without.
func TestAskingForTheAPIOfDevicesLeadsAroundNoRule(t *testing.T) {
	asking := url.Values{"scope": {"openid profile " + string(directory.DeviceRegistrationAppID) + "/.default"}}
	t.Run("a device", func(t *testing.T) {
		w := newWorld(t)
		_, pass := w.issue(`{"isUsableOnce":false}`)
		w.rule("Good devices only", func(p *access.Policy) {
			p.Grant = &access.Grant{Operator: "OR", Controls: []access.Control{access.CompliantDevice}}
		})
		w.newBrowser()
		page := w.authorize(asking).location
		w.signIn(page, adminName, pass)
		if a := w.get(page); stepOf(a) != "blocked" || !strings.Contains(a.body, "Good devices only") {
			t.Errorf("without a device: step %s, %d to %q\n%s", stepOf(a), a.status, a.location, a.body)
		}
	})
	t.Run("a strength", func(t *testing.T) {
		w := newKeyWorld(t)
		_, pass := w.passFor(w.createUser("mira"))
		w.keysOnly()
		w.rule("Join with anything", func(p *access.Policy) {
			p.Conditions.Applications = access.Applications{UserActions: []string{access.RegisterDevice}}
			asks(access.StrengthMFA)(p)
		})
		w.newBrowser()
		page := w.authorize(asking).location
		w.signIn(page, "mira@contoso.example", pass)
		if a := w.get(page); stepOf(a) != "blocked" || !strings.Contains(a.body, "Keys only") {
			t.Errorf("with a pass: step %s, %d to %q\n%s", stepOf(a), a.status, a.location, a.body)
		}
	})
}

// A rule for an API is asked by whatever name an application asks for it.
func TestARuleForAnAPIHoldsByEachOfItsNames(t *testing.T) {
	w := newWorld(t)
	api := w.register(`{"displayName":"Orders","signInAudience":"AzureADMyOrg","publicClient":{"redirectUris":["http://localhost"]},"identifierUris":["https://contoso.example/Orders"]}`)
	_, pass := w.issue(`{"isUsableOnce":false}`)
	w.rule("No orders", func(p *access.Policy) { p.Conditions.Applications = access.Applications{Include: []string{api}} })
	for _, name := range []string{api, "api://" + api, "https://contoso.example/orders"} {
		asking := url.Values{"scope": {"openid profile " + name + "/.default"}}
		w.newBrowser()
		page := w.authorize(asking).location
		w.signIn(page, adminName, pass)
		if a := w.get(page); stepOf(a) != "blocked" || !strings.Contains(a.body, "No orders") {
			t.Errorf("%s: step %s, %d to %q\n%s", name, stepOf(a), a.status, a.location, a.body)
		}
		w.newBrowser()
		w.code(adminName, pass) // a session that is there leads around nothing
		if a := w.authorize(url.Values{"scope": asking["scope"], "prompt": {"none"}}); !strings.Contains(a.location, "error=interaction_required") {
			t.Errorf("%s silently: %d to %q", name, a.status, a.location)
		}
	}
}
