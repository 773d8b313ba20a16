package saml_test

import (
	"bytes"
	"compress/flate"
	"errors"
	"net/url"
	"testing"
	"time"

	"github.com/beevik/etree"

	"github.com/postern-id/postern/internal/saml"
)

// reworded is a response that the identity provider signed with other words than package saml
// writes: what it says is changed first, and signed then.
func reworded(t *testing.T, edit func(root *etree.Element)) []byte {
	t.Helper()
	r := response()
	r.SignResponse, r.SignAssertion = true, false
	raw := edited(t, sent(t, r, keys.theirs()), func(root *etree.Element) {
		withoutSignature(root)
		edit(root)
	})
	return saml.SignedForTest(t, raw, keys.theirs())
}

// A signature is no reason to overlook what a message says, or leaves out.
func TestWhatASignedResponseMustSay(t *testing.T) {
	t.Parallel()
	set := func(path, name, value string) func(*etree.Element) {
		return func(root *etree.Element) { root.FindElement(path).CreateAttr(name, value) }
	}
	unset := func(path, name string) func(*etree.Element) {
		return func(root *etree.Element) { root.FindElement(path).RemoveAttr(name) }
	}
	remove := func(path string) func(*etree.Element) {
		return func(root *etree.Element) {
			el := root.FindElement(path)
			el.Parent().RemoveChild(el)
		}
	}
	add := func(path, name string) func(*etree.Element) {
		return func(root *etree.Element) { root.FindElement(path).CreateElement(name) }
	}
	const (
		confirmed  = ".//SubjectConfirmation"
		data       = ".//SubjectConfirmationData"
		conditions = ".//Conditions"
	)
	ended, later := nine.Add(-2*time.Minute).Format(time.RFC3339), nine.Add(time.Hour).Format(time.RFC3339)
	for name, c := range map[string]struct {
		edit func(*etree.Element)
		want error
	}{
		"what it says":                          {func(*etree.Element) {}, nil},
		"a condition that is known to be met":   {add(conditions, "saml:OneTimeUse"), nil},
		"a condition that nobody knows":         {add(conditions, "saml:Condition"), saml.ErrConditions},
		"no audience":                           {remove(".//AudienceRestriction"), saml.ErrConditions},
		"a second audience, which is not us":    {add(conditions, "saml:AudienceRestriction"), saml.ErrConditions},
		"no conditions":                         {remove(conditions), saml.ErrMalformed},
		"conditions that have ended":            {set(conditions, "NotOnOrAfter", ended), saml.ErrConditions},
		"conditions that are for later":         {set(conditions, "NotBefore", later), saml.ErrConditions},
		"another recipient":                     {set(data, "Recipient", "https://other.example/acs"), saml.ErrConditions},
		"no recipient":                          {unset(data, "Recipient"), saml.ErrConditions},
		"a confirmation that has ended":         {set(data, "NotOnOrAfter", ended), saml.ErrConditions},
		"a confirmation without end":            {unset(data, "NotOnOrAfter"), saml.ErrConditions},
		"a confirmation for later":              {set(data, "NotBefore", ended), saml.ErrConditions},
		"a confirmation of no request":          {unset(data, "InResponseTo"), saml.ErrConditions},
		"a confirmation by a key, not a bearer": {set(confirmed, "Method", "urn:oasis:names:tc:SAML:2.0:cm:holder-of-key"), saml.ErrConditions},
		"no confirmation":                       {remove(confirmed), saml.ErrConditions},
		"a response to another request":         {set(".", "InResponseTo", "_other"), saml.ErrConditions},
		"another destination":                   {set(".", "Destination", "https://other.example/acs"), saml.ErrConditions},
		"no destination":                        {unset(".", "Destination"), saml.ErrConditions},
		"a response of another issuer":          {func(root *etree.Element) { root.SelectElement("Issuer").SetText("https://evil.example") }, saml.ErrConditions},
		"a response of nobody":                  {func(root *etree.Element) { root.RemoveChild(root.SelectElement("Issuer")) }, saml.ErrMalformed},
		"a response of no time":                 {unset(".", "IssueInstant"), saml.ErrConditions},
		"a response of later":                   {set(".", "IssueInstant", later), saml.ErrConditions},
		"a statement that nobody knows":         {add(".//Assertion", "saml:AuthzDecisionStatement"), saml.ErrMalformed},
		"advice":                                {add(".//Assertion", "saml:Advice"), saml.ErrMalformed},
		"an encrypted attribute":                {add(".//AttributeStatement", "saml:EncryptedAttribute"), saml.ErrMalformed},
		"no sign-in":                            {remove(".//AuthnStatement"), saml.ErrMalformed},
		"two sign-ins": {func(root *etree.Element) {
			s := root.FindElement(".//AuthnStatement")
			s.Parent().AddChild(s.Copy())
		}, saml.ErrMalformed},
		"an assertion inside of another place": {func(root *etree.Element) {
			root.FindElement(".//AttributeValue").CreateElement("saml:Assertion").CreateAttr("ID", "_inner")
		}, saml.ErrMalformed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if a, err := opened(reworded(t, c.edit), expect()); !errors.Is(err, c.want) || err == nil && a.Subject.Value != "amelie" {
				t.Errorf("got %+v %v, want %v", a, err, c.want)
			}
		})
	}
}

func TestAnIDIsRememberedAsLongAsAnythingOfTheAssertionLasts(t *testing.T) {
	t.Parallel()
	hour := nine.Add(time.Hour)
	raw := reworded(t, func(root *etree.Element) {
		root.FindElement(".//Conditions").CreateAttr("NotOnOrAfter", hour.Format(time.RFC3339))
	})
	x := expect()
	var until time.Time
	x.Once = func(_ string, end time.Time) error { until = end; return nil }
	if _, err := opened(raw, x); err != nil || until.Before(nine.Add(5*time.Minute+saml.Skew)) || until.Before(hour) {
		t.Errorf("until %s, %v", until, err)
	}
}

// A signature around an assertion does not stand for a bad one of its own.
func TestEachSignatureThatIsThereMustBeGood(t *testing.T) {
	t.Parallel()
	raw := saml.SignedForTest(t, sent(t, response(), keys.evil()), keys.theirs())
	if a, err := opened(raw, expect()); !errors.Is(err, saml.ErrSignature) {
		t.Errorf("got %+v %v", a, err)
	}
}

// A response is too long for a URL, and URLs are written down in many places: only a form brings
// one (saml-profiles 4.1.2).
func TestAResponseComesByAFormAndInItsOwnPlaceOnly(t *testing.T) {
	t.Parallel()
	var packed bytes.Buffer
	w, err := flate.NewWriter(&packed, flate.BestCompression)
	if err != nil {
		t.Fatal(err)
	}
	if _, err = w.Write(sent(t, response(), keys.theirs())); err != nil || w.Close() != nil {
		t.Fatal(err)
	}
	location := acs + "?SAMLResponse=" + url.QueryEscape(encoded(packed.Bytes()))
	if a, err := received(t, location, nil).Response(expect()); !errors.Is(err, saml.ErrMalformed) {
		t.Errorf("by redirect: %+v %v", a, err)
	}
	in := received(t, "", url.Values{"SAMLResponse": {encoded(sent(t, response(), keys.theirs()))}})
	if err := in.LogoutResponse(expect()); !errors.Is(err, saml.ErrMalformed) {
		t.Errorf("as the answer to a logout: %v", err)
	}
}
