package samlidp

import (
	"errors"
	"testing"
	"time"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/saml"
	"github.com/postern-id/postern/internal/signin"
)

// orders is an application with two addresses.
func orders(settings *directory.SAMLSettings) application {
	var a application
	a.app.AppID, a.app.IdentifierURIs, a.app.SAML = "7b1c52f0-0c0e-4c55-9d5e-2f6a3a9d4e31", []string{"https://orders.example/sp"}, settings
	a.app.Web.RedirectURIs = []string{"https://orders.example/acs", "https://orders.example/other"}
	return a
}

func TestAnAnswerGoesToARegisteredAddressOnly(t *testing.T) {
	nowhere := orders(nil)
	nowhere.app.Web.RedirectURIs = nil
	for name, c := range map[string]struct {
		a    application
		q    saml.AuthnRequest
		want string
	}{
		"none is asked for":            {orders(nil), saml.AuthnRequest{ACSIndex: -1}, "https://orders.example/acs"},
		"the second":                   {orders(nil), saml.AuthnRequest{ACS: "https://orders.example/other", ACSIndex: -1}, "https://orders.example/other"},
		"the second, by its number":    {orders(nil), saml.AuthnRequest{ACSIndex: 1}, "https://orders.example/other"},
		"one of somebody else":         {orders(nil), saml.AuthnRequest{ACS: "https://evil.example/acs", ACSIndex: -1}, ""},
		"one that begins so":           {orders(nil), saml.AuthnRequest{ACS: "https://orders.example/acs/../x", ACSIndex: -1}, ""},
		"in other letters":             {orders(nil), saml.AuthnRequest{ACS: "https://orders.example/ACS", ACSIndex: -1}, ""},
		"a number that nobody has":     {orders(nil), saml.AuthnRequest{ACSIndex: 2}, ""},
		"of one that registered none":  {nowhere, saml.AuthnRequest{ACSIndex: -1}, ""},
		"a number, of one with none":   {nowhere, saml.AuthnRequest{ACSIndex: 0}, ""},
		"an address, of one with none": {nowhere, saml.AuthnRequest{ACS: "https://orders.example/acs", ACSIndex: -1}, ""},
	} {
		got, err := c.a.reply(c.q)
		if got != c.want || errors.Is(err, ErrReply) != (c.want == "") {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

func TestAnAssertionThatIsToBeEncryptedIsNeverSentInTheClear(t *testing.T) {
	a := orders(nil)
	var r saml.Response
	if err := a.seal(&r); err != nil || r.EncryptTo != nil {
		t.Errorf("an application that wants none: %v", err)
	}
	a.app.TokenEncryptionKeyID = "k"
	for name, keys := range map[string][]directory.KeyCredential{
		"no key":                 nil,
		"a key for signatures":   {{KeyID: "k", Usage: directory.UsageVerify}},
		"another key":            {{KeyID: "other", Usage: directory.UsageEncrypt}},
		"one that is no key":     {{KeyID: "k", Usage: directory.UsageEncrypt, Key: []byte("x")}},
		"nothing in its place":   {{KeyID: "k", Usage: directory.UsageEncrypt}},
		"several, of which none": {{KeyID: "a", Usage: directory.UsageEncrypt}, {KeyID: "b", Usage: directory.UsageVerify}},
	} {
		a.app.KeyCredentials = keys
		if err := a.seal(&r); err == nil {
			t.Errorf("%s: nothing is wrong", name)
		}
	}
}

func TestWhatARequestTakesFromTheApplication(t *testing.T) {
	for name, c := range map[string]struct {
		settings *directory.SAMLSettings
		asked    saml.AuthnRequest
		format   string
		hint     string
		since    time.Time
	}{
		"nothing is said":              {nil, saml.AuthnRequest{}, saml.EmailAddress, "", time.Time{}},
		"the application's format":     {&directory.SAMLSettings{NameIDFormat: "persistent"}, saml.AuthnRequest{NameIDFormat: saml.Unspecified}, saml.Persistent, "", time.Time{}},
		"the request's goes before it": {&directory.SAMLSettings{NameIDFormat: "persistent"}, saml.AuthnRequest{NameIDFormat: saml.Transient}, saml.Transient, "", time.Time{}},
		"a person":                     {nil, saml.AuthnRequest{Subject: saml.NameID{Value: "mira@contoso.example"}}, saml.EmailAddress, "mira@contoso.example", time.Time{}},
		"a person by a pairwise name":  {nil, saml.AuthnRequest{Subject: saml.NameID{Value: "x7"}}, saml.EmailAddress, "", time.Time{}},
		"a proof of now":               {nil, saml.AuthnRequest{ForceAuthn: true}, saml.EmailAddress, "", nine},
	} {
		c.asked.ACSIndex = -1
		q, err := newRequest(orders(c.settings), c.asked, "", nine)
		if err != nil || q.Format != c.format || q.Hint != c.hint || !q.Since.Equal(c.since) {
			t.Errorf("%s: %+v, %v", name, q, err)
		}
	}
}

func TestASessionAnswersForItsPersonAndForNoPurpose(t *testing.T) {
	mira := directory.User{UserPrincipalName: "mira@contoso.example"}
	good, narrow := shown(signin.Knowledge|signin.Possession, false), shown(signin.Knowledge|signin.Possession, false)
	narrow.Purpose = "registration"
	for name, c := range map[string]struct {
		q    request
		s    signin.Session
		want bool
	}{
		"anybody":                  {request{}, good, true},
		"mira, in other letters":   {request{Hint: "MIRA@contoso.example"}, good, true},
		"bea":                      {request{Hint: "bea@contoso.example"}, good, false},
		"a session with a purpose": {request{}, narrow, false},
		"one factor":               {request{}, shown(signin.Knowledge, false), false},
		"what it does not show":    {request{Contexts: []string{classResistant}, Comparison: "exact"}, good, false},
		"a proof of after nine":    {request{Since: nine}, good, false},
	} {
		if got := c.q.answeredBy(c.s, mira); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
