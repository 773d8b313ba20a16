package saml_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/beevik/etree"

	"github.com/postern-id/postern/internal/saml"
)

const envelopeBegin = `<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/">`

// bySOAP reads a logout request that came by SOAP.
func bySOAP(body []byte, x saml.Expect) (saml.LogoutRequest, error) {
	e, err := saml.FromSOAP(body, false)
	if err != nil {
		return saml.LogoutRequest{}, err
	}
	in, err := saml.Read(e)
	if err != nil {
		return saml.LogoutRequest{}, err
	}
	return in.LogoutRequest(x)
}

func TestALogoutBySOAPCountsAsItWasSigned(t *testing.T) {
	t.Parallel()
	q := saml.LogoutRequest{
		ID: "_logout1", Issuer: sp, Destination: "https://idp.contoso.example/sso", IssueInstant: nine,
		Subject: saml.NameID{Format: saml.Persistent, Value: "amelie"}, SessionIndexes: []string{"_session1"},
	}
	body, err := q.SOAP(keys.ours())
	if err != nil {
		t.Fatal(err)
	}
	if got, err := bySOAP(body, fromSP()); err != nil || !reflect.DeepEqual(q, got) {
		t.Errorf("%v %+v", err, got)
	}
	evil := q
	evil.Subject.Value = "somebody else"
	byEvil, err := evil.SOAP(keys.evil())
	if err != nil {
		t.Fatal(err)
	}
	genuine := func(root *etree.Element) *etree.Element { return root.FindElement("./Body/LogoutRequest") }
	forged := func(change func(body, message *etree.Element)) []byte {
		return edited(t, body, func(root *etree.Element) { change(root.SelectElement("Body"), genuine(root)) })
	}
	late, other, elsewhere := fromSP(), fromSP(), fromSP()
	late.Trust.Now, other.Issuer, elsewhere.Destination = nine.Add(time.Hour), "https://other.example", "https://other.example/slo"
	for name, c := range map[string]struct {
		body []byte
		x    saml.Expect
		want error
	}{
		"unsigned":                {forged(func(_, m *etree.Element) { withoutSignature(m) }), fromSP(), saml.ErrUnsigned},
		"by a key of theirs":      {byEvil, fromSP(), saml.ErrSignature},
		"a name that was changed": {forged(func(_, m *etree.Element) { m.SelectElement("NameID").SetText("somebody else") }), fromSP(), saml.ErrSignature},
		"wrapped: theirs beside the signed one": {forged(func(b, m *etree.Element) {
			c := m.Copy()
			withoutSignature(c)
			b.InsertChildAt(0, c)
		}), fromSP(), saml.ErrMalformed},
		"wrapped: the signed one in theirs": {forged(func(b, m *etree.Element) {
			c := m.Copy()
			withoutSignature(c)
			c.CreateAttr("ID", "_theirs")
			b.RemoveChild(m)
			c.CreateElement("samlp:Extensions").AddChild(m)
			b.AddChild(c)
		}), fromSP(), saml.ErrSignature},
		"wrapped: the signed one in the header": {edited(t, body, func(root *etree.Element) {
			m := genuine(root)
			c := m.Copy()
			withoutSignature(c)
			c.CreateAttr("ID", "_theirs")
			root.SelectElement("Body").RemoveChild(m)
			root.SelectElement("Body").AddChild(c)
			h := etree.NewElement("soap:Header")
			h.AddChild(m)
			root.InsertChildAt(0, h)
		}), fromSP(), saml.ErrMalformed},
		"two bodies":         {[]byte(strings.Replace(string(body), "</soap:Envelope>", "<soap:Body></soap:Body></soap:Envelope>", 1)), fromSP(), saml.ErrMalformed},
		"no envelope":        {[]byte(strings.TrimSuffix(strings.TrimPrefix(string(body), envelopeBegin+"<soap:Body>"), "</soap:Body></soap:Envelope>")), fromSP(), saml.ErrMalformed},
		"another envelope":   {[]byte(strings.Replace(string(body), "http://schemas.xmlsoap.org/soap/envelope/", "http://www.w3.org/2003/05/soap-envelope", 1)), fromSP(), saml.ErrMalformed},
		"an external entity": {[]byte(`<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>` + string(body)), fromSP(), saml.ErrMalformed},
		"an entity":          {[]byte(strings.Replace(string(body), "amelie", "&e;", 1)), fromSP(), saml.ErrMalformed},
		"a comment":          {[]byte(strings.Replace(string(body), "amelie", "ame<!-- -->lie", 1)), fromSP(), saml.ErrMalformed},
		"nothing":            {nil, fromSP(), saml.ErrMalformed},
		"too much":           {make([]byte, saml.MaxMessage+1), fromSP(), saml.ErrTooLarge},
		"an hour old":        {body, late, saml.ErrConditions},
		"of another":         {body, other, saml.ErrConditions},
		"for elsewhere":      {body, elsewhere, saml.ErrConditions},
	} {
		if _, err := bySOAP(c.body, c.x); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}

	seen := map[string]bool{}
	once := fromSP()
	once.Once = func(id string, until time.Time) error {
		if seen[id] || !until.After(nine) {
			return saml.ErrReplayed
		}
		seen[id] = true
		return nil
	}
	if _, err := bySOAP(byEvil, once); !errors.Is(err, saml.ErrSignature) || len(seen) > 0 {
		t.Errorf("what is not believed uses an id up: %v", err)
	}
	if _, err := bySOAP(body, once); err != nil {
		t.Error(err)
	}
	if _, err := bySOAP(body, once); !errors.Is(err, saml.ErrReplayed) {
		t.Errorf("once more: %v", err)
	}
}

func TestAnAnswerBySOAPIsForItsRequest(t *testing.T) {
	t.Parallel()
	body, err := saml.LogoutResponse{ID: "_answer1", Issuer: sp, InResponseTo: "_logout1", IssueInstant: nine, Status: saml.StatusSuccess}.SOAP(keys.ours())
	if err != nil {
		t.Fatal(err)
	}
	read := func(asResponse bool) (saml.Incoming, error) {
		e, err := saml.FromSOAP(body, asResponse)
		if err != nil {
			t.Fatal(err)
		}
		return saml.Read(e)
	}
	if _, err := read(false); !errors.Is(err, saml.ErrMalformed) {
		t.Errorf("an answer as a request: %v", err)
	}
	in, err := read(true)
	if err != nil {
		t.Fatal(err)
	}
	x := fromSP()
	x.Destination, x.InResponseTo = "", "_logout1"
	if err := in.LogoutResponse(x); err != nil {
		t.Error(err)
	}
	if x.InResponseTo = "_logout2"; in.LogoutResponse(x) == nil {
		t.Error("the answer to another request is taken")
	}
	fault, err := saml.SOAPFault("<no>")
	if err != nil || !strings.Contains(string(fault), "&lt;no&gt;") {
		t.Errorf("a fault: %s, %v", fault, err)
	}
}
