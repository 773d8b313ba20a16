package saml

import "time"

// NameID names a person to the other side.
type NameID struct {
	Format, Value                  string
	NameQualifier, SPNameQualifier string
}

// An Attribute is a claim about a person.
type Attribute struct {
	Name, FriendlyName string
	Values             []string
}

// An Assertion says who signed in, and how.
type Assertion struct {
	ID      string
	Issuer  string
	Subject NameID
	// SessionIndex names the session at the identity provider, for single logout.
	SessionIndex        string
	AuthnInstant        time.Time
	SessionNotOnOrAfter time.Time // zero when the identity provider sets no end
	// AuthnContext is the class of how the person signed in.
	AuthnContext string
	Attributes   []Attribute
	// InResponseTo is the id of the request that it answers; empty when nobody asked.
	InResponseTo string
	// NotOnOrAfter is when the assertion itself ends, for those who remember its id.
	NotOnOrAfter time.Time
}

// Values returns all values of the attribute with the name.
func (a Assertion) Values(name string) []string {
	var all []string
	for _, x := range a.Attributes {
		if x.Name == name {
			all = append(all, x.Values...)
		}
	}
	return all
}

// read believes n, which was verified, if it is for x, and reads it.
func (x Expect) read(n *node) (Assertion, error) {
	a := Assertion{ID: n.attrs["ID"]}
	var err error
	if a.Issuer, err = issuerOf(n); err != nil {
		return a, err
	}
	if a.Issuer != x.Issuer || !ncName.MatchString(a.ID) || n.attrs["Version"] != "2.0" {
		return a, ErrConditions.With("Issuer", "The SAML assertion is from somebody else than was asked.")
	}
	for _, k := range n.kids {
		switch {
		case k.space == nsAssertion && (k.name == "Issuer" || k.name == "Subject" || k.name == "Conditions" ||
			k.name == "AuthnStatement" || k.name == "AttributeStatement"):
		case k.is(nsSignature, "Signature"):
		default: // Advice and foreign statements: none is understood
			return a, ErrMalformed
		}
	}
	if err := x.subject(n, &a); err != nil {
		return a, err
	}
	if err := x.conditions(n, &a); err != nil {
		return a, err
	}
	if err := x.statement(n, &a); err != nil {
		return a, err
	}
	err = attributesOf(n, &a)
	return a, err
}

// subject reads whom the assertion is about, and whether its bearer may use it here
// (saml-profiles 4.1.4.3).
func (x Expect) subject(n *node, a *Assertion) error {
	s, err := n.need(nsAssertion, "Subject")
	if err != nil {
		return err
	}
	name, err := s.need(nsAssertion, "NameID")
	if err != nil {
		return err
	}
	if a.Subject, err = nameOf(name); err != nil {
		return err
	}
	var why error = ErrConditions.With("SubjectConfirmation", "The SAML assertion has no bearer.")
	for _, c := range s.all(nsAssertion, "SubjectConfirmation") {
		if c.attrs["Method"] != bearer {
			continue
		}
		if why = x.confirms(c, a); why == nil {
			return nil
		}
	}
	return why
}

const bearer = "urn:oasis:names:tc:SAML:2.0:cm:bearer"

func (x Expect) confirms(n *node, a *Assertion) error {
	d, err := n.need(nsAssertion, "SubjectConfirmationData")
	if err != nil {
		return err
	}
	if d.attrs["Recipient"] != x.Destination {
		return ErrConditions.With("Recipient", "The SAML assertion is for another recipient.")
	}
	if err := x.answers(d, true); err != nil {
		return err
	}
	if _, ok := d.attrs["NotBefore"]; ok { // saml-profiles 4.1.4.2 forbids it
		return ErrConditions
	}
	end, err := d.at("NotOnOrAfter")
	if err != nil {
		return err
	}
	if end.IsZero() || !x.Trust.Now.Before(end.Add(Skew)) {
		return errEnded
	}
	a.InResponseTo, a.NotOnOrAfter = d.attrs["InResponseTo"], end
	return nil
}

var errEnded = ErrConditions.With("NotOnOrAfter", "The SAML assertion has ended, or a clock is wrong.")

// conditions refuses what is not for x, or not for now. One that is not understood is not met
// (saml-core 2.5.1.1).
func (x Expect) conditions(n *node, a *Assertion) error {
	c, err := n.need(nsAssertion, "Conditions")
	if err != nil {
		return err
	}
	if err := x.within(c, a); err != nil {
		return err
	}
	meant := false
	for _, k := range c.kids {
		switch {
		case k.is(nsAssertion, "AudienceRestriction"):
			ok := false
			for _, v := range k.all(nsAssertion, "Audience") {
				text, err := v.value()
				if err != nil {
					return err
				}
				ok = ok || text == x.Audience
			}
			if !ok {
				return ErrConditions.With("Audience", "The SAML assertion is for another audience.")
			}
			meant = true
		case k.is(nsAssertion, "OneTimeUse"), k.is(nsAssertion, "ProxyRestriction"):
		default:
			return ErrConditions
		}
	}
	if !meant {
		return ErrConditions.With("Audience", "The SAML assertion names no audience.")
	}
	return nil
}

func (x Expect) within(c *node, a *Assertion) error {
	start, err := c.at("NotBefore")
	if err != nil {
		return err
	}
	end, err := c.at("NotOnOrAfter")
	if err != nil {
		return err
	}
	switch {
	case x.Trust.Now.Add(Skew).Before(start):
		return ErrConditions.With("NotBefore", "The SAML assertion is not valid yet: a clock is wrong.")
	case !end.IsZero() && !x.Trust.Now.Before(end.Add(Skew)):
		return errEnded
	}
	if end.After(a.NotOnOrAfter) {
		a.NotOnOrAfter = end
	}
	return nil
}

// statement reads the one sign-in that the assertion tells of.
func (x Expect) statement(n *node, a *Assertion) error {
	s, err := n.need(nsAssertion, "AuthnStatement")
	if err != nil {
		return err
	}
	a.SessionIndex = s.attrs["SessionIndex"]
	if a.AuthnInstant, err = s.at("AuthnInstant"); err != nil {
		return err
	}
	if a.SessionNotOnOrAfter, err = s.at("SessionNotOnOrAfter"); err != nil {
		return err
	}
	switch {
	case a.AuthnInstant.IsZero(), len(a.SessionIndex) > 512:
		return ErrMalformed
	case a.AuthnInstant.After(x.Trust.Now.Add(Skew)):
		return ErrConditions.With("AuthnInstant", "The sign-in of the SAML assertion lies in the future: a clock is wrong.")
	case !a.SessionNotOnOrAfter.IsZero() && !x.Trust.Now.Before(a.SessionNotOnOrAfter.Add(Skew)):
		return errEnded
	}
	c, err := s.need(nsAssertion, "AuthnContext")
	if err != nil {
		return err
	}
	class, err := c.one(nsAssertion, "AuthnContextClassRef")
	if err != nil || class == nil {
		return err
	}
	a.AuthnContext, err = class.value()
	return err
}

func attributesOf(n *node, a *Assertion) error {
	for _, s := range n.all(nsAssertion, "AttributeStatement") {
		for _, k := range s.kids {
			if !k.is(nsAssertion, "Attribute") { // EncryptedAttribute among them
				return ErrMalformed
			}
			at := Attribute{Name: k.attrs["Name"], FriendlyName: k.attrs["FriendlyName"]}
			for _, v := range k.all(nsAssertion, "AttributeValue") {
				if len(v.kids) > 0 { // a name id inside, say: no claim that is read here
					continue
				}
				text, err := v.value()
				if err != nil {
					return err
				}
				at.Values = append(at.Values, text)
			}
			a.Attributes = append(a.Attributes, at)
		}
	}
	return nil
}

func nameOf(n *node) (NameID, error) {
	v, err := n.value()
	id := NameID{Format: n.attrs["Format"], Value: v, NameQualifier: n.attrs["NameQualifier"], SPNameQualifier: n.attrs["SPNameQualifier"]}
	if err == nil && (v == "" || len(v) > 1024) {
		err = ErrMalformed
	}
	return id, err
}
