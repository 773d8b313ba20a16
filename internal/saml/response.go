package saml

import "strings"

// StatusError is an answer of the other side that says no.
type StatusError struct {
	Code, Second string // status codes; Second may be empty
	// Message is the other side's, for a log and no page: anybody may have written it.
	Message string
}

func (e *StatusError) Error() string { return "the other side answered " + e.Code + " " + e.Second }

// Has reports whether the answer has a status code.
func (e *StatusError) Has(code string) bool { return e.Code == code || e.Second == code }

func isAssertion(n *node) bool { return n.name == "Assertion" || n.name == "EncryptedAssertion" }

// Response believes a Response and returns its assertion, or says what is wrong. What is wrong
// at the other side is a *StatusError. Response or assertion must be signed; each signature that
// is there must be good.
func (in Incoming) Response(x Expect) (Assertion, error) {
	if in.root.name != "Response" || in.e.Binding != POST { // saml-profiles 4.1.2: never by redirect
		return Assertion{}, ErrMalformed
	}
	n, signed := in.root, len(in.root.all(nsSignature, "Signature")) > 0
	var err error
	if signed {
		if n, err = x.Trust.signed(n); err != nil {
			return Assertion{}, err
		}
	}
	if err := checkParts(n); err != nil {
		return Assertion{}, err
	}
	// An issuer may be missing in a response that is not signed itself (saml-profiles 4.1.4.2).
	if len(n.all(nsAssertion, "Issuer")) > 0 || signed {
		err = x.check(n, signed)
	} else {
		err = x.addressed(n, signed)
	}
	if err != nil {
		return Assertion{}, err
	}
	if err := x.answers(n, false); err != nil {
		return Assertion{}, err
	}
	if err := statusOf(n); err != nil {
		return Assertion{}, err
	}
	held, err := x.assertion(n, signed)
	if err != nil {
		return Assertion{}, err
	}
	a, err := x.read(held)
	if err != nil {
		return Assertion{}, err
	}
	return a, x.Once(a.Issuer+" "+a.ID, a.NotOnOrAfter.Add(Skew))
}

// checkParts allows what saml-core 3.3.3 does, with one assertion at most, in its place.
func checkParts(n *node) error {
	direct := 0
	for _, k := range n.kids {
		switch {
		case k.is(nsAssertion, "Issuer"), k.is(nsSignature, "Signature"), k.is(nsProtocol, "Extensions"), k.is(nsProtocol, "Status"):
		case k.space == nsAssertion && isAssertion(k):
			direct++
		default:
			return ErrMalformed
		}
	}
	if direct > 1 || n.count(isAssertion) != direct {
		return ErrMalformed.With("Assertion", "The SAML response has more than one assertion, or one in a wrong place.")
	}
	return nil
}

// assertion returns the one assertion of n, as it was signed: by itself, or with n.
func (x Expect) assertion(n *node, signed bool) (*node, error) {
	a, err := n.one(nsAssertion, "Assertion")
	if err != nil {
		return nil, err
	}
	if a == nil {
		sealed, err := n.need(nsAssertion, "EncryptedAssertion")
		if err != nil {
			return nil, err
		}
		if a, err = decrypt(sealed, x.Keys, signed); err != nil {
			return nil, err
		}
	}
	own := len(a.all(nsSignature, "Signature"))
	if a.count(func(k *node) bool { return k.is(nsSignature, "Signature") }) != own {
		return nil, ErrSignature
	}
	switch {
	case own > 0:
		return x.Trust.signed(a)
	case signed:
		return a, nil
	}
	return nil, ErrUnsigned
}

// statusOf returns nil for success, else what the other side says.
func statusOf(n *node) error {
	s, err := n.need(nsProtocol, "Status")
	if err != nil {
		return err
	}
	code, err := s.need(nsProtocol, "StatusCode")
	if err != nil {
		return err
	}
	if code.attrs["Value"] == StatusSuccess {
		return nil
	}
	said := &StatusError{Code: code.attrs["Value"]}
	if second := code.all(nsProtocol, "StatusCode"); len(second) > 0 {
		said.Second = second[0].attrs["Value"]
	}
	if m, err := s.one(nsProtocol, "StatusMessage"); err == nil && m != nil {
		said.Message = strings.ToValidUTF8(m.text[:min(len(m.text), 500)], "")
	}
	return said
}
