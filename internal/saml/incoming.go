package saml

import (
	"crypto"
	"slices"
	"time"
)

// Incoming is a message that was read and is not believed yet: only what it claims to be.
type Incoming struct {
	e    Envelope
	root *node
}

// Read parses the message of an envelope.
func Read(e Envelope) (Incoming, error) {
	root, err := parse(e.xml)
	if err != nil {
		return Incoming{}, err
	}
	if e.Binding == SOAP {
		if root, err = inSOAP(root); err != nil {
			return Incoming{}, err
		}
	}
	in := Incoming{e, root}
	names := []string{"AuthnRequest", "LogoutRequest"}
	if e.Response {
		names = []string{"Response", "LogoutResponse"}
	}
	if root.space != nsProtocol || !slices.Contains(names, root.name) || root.attrs["Version"] != "2.0" || !ncName.MatchString(root.attrs["ID"]) {
		return in, ErrMalformed
	}
	if e.Binding == Redirect && len(root.all(nsSignature, "Signature")) > 0 {
		return in, ErrMalformed // saml-bindings 3.4.4.1: the signature is beside the message
	}
	// A signature anywhere else is somebody's attempt to have the wrong element signed.
	places := len(root.all(nsSignature, "Signature"))
	for _, a := range root.all(nsAssertion, "Assertion") {
		places += len(a.all(nsSignature, "Signature"))
	}
	if root.count(func(n *node) bool { return n.space == nsSignature && n.name == "Signature" }) != places {
		return in, ErrSignature
	}
	return in, nil
}

// Kind is the name of the message: AuthnRequest, Response, LogoutRequest or LogoutResponse.
func (in Incoming) Kind() string { return in.root.name }

// Binding is how it came.
func (in Incoming) Binding() string { return in.e.Binding }

// Issuer is who it says that it is from. It chooses whose certificates are asked, no more.
func (in Incoming) Issuer() string {
	issuer, err := issuerOf(in.root)
	if err != nil {
		return ""
	}
	return issuer
}

// ID is the id that the message gives itself.
func (in Incoming) ID() string { return in.root.attrs["ID"] }

// Destination is where it says that it is to go.
func (in Incoming) Destination() string { return in.root.attrs["Destination"] }

// InResponseTo is the id of the request that it says it answers.
func (in Incoming) InResponseTo() string { return in.root.attrs["InResponseTo"] }

// RelayState is what came beside it.
func (in Incoming) RelayState() string { return in.e.RelayState }

// Signed reports whether there is a signature at all.
func (in Incoming) Signed() bool {
	return in.e.signature != nil || len(in.root.all(nsSignature, "Signature")) > 0
}

// verified returns the message as it was signed.
func (in Incoming) verified(t Trust) (*node, error) {
	if in.e.Binding == Redirect {
		if in.e.signature == nil {
			return nil, ErrUnsigned
		}
		return in.root, in.e.signedBy(t)
	}
	return t.signed(in.root)
}

// issuerOf reads the Issuer of a message or assertion.
func issuerOf(n *node) (string, error) {
	i, err := n.need(nsAssertion, "Issuer")
	if err != nil {
		return "", err
	}
	if f := i.attrs["Format"]; f != "" && f != entityFormat && f != Unspecified {
		return "", ErrMalformed
	}
	v, err := i.value()
	if err == nil && (v == "" || len(v) > 1024) {
		err = ErrMalformed
	}
	return v, err
}

// Expect is what a message must be for. Every field is required, except where it says so.
type Expect struct {
	Trust  Trust  // whose signatures count, and the time
	Issuer string // entity id of the other side
	// Destination is the address at which the message came in.
	Destination string
	// InResponseTo is the id of the request that is answered; empty with Unsolicited only.
	InResponseTo string
	// Unsolicited takes a response that nobody asked for, and only such a one.
	Unsolicited bool

	Audience string             // own entity id; for responses
	Keys     []crypto.Decrypter // open encrypted assertions; may be empty
	// Once remembers the id of an assertion until it has ended, and returns ErrReplayed when it
	// was there before. For responses, and for logout requests, where nil remembers nothing.
	Once func(id string, until time.Time) error
}

// check compares what every message from the other side has. A destination must be there when
// the message is signed (saml-bindings 3.4.5.2 and 3.5.5.2).
func (x Expect) check(n *node, signed bool) error {
	issuer, err := issuerOf(n)
	if err != nil {
		return err
	}
	if issuer != x.Issuer {
		return ErrConditions.With("Issuer", "The SAML message is from somebody else than was asked.")
	}
	return x.addressed(n, signed)
}

func (x Expect) addressed(n *node, signed bool) error {
	if d, ok := n.attrs["Destination"]; (ok || signed) && d != x.Destination {
		return ErrConditions.With("Destination", "The SAML message is for another address.")
	}
	at, err := n.at("IssueInstant")
	if err != nil {
		return err
	}
	if at.IsZero() || at.After(x.Trust.Now.Add(Skew)) {
		return ErrConditions.With("IssueInstant", "The SAML message is from the future: a clock is wrong.")
	}
	return nil
}

// answers checks InResponseTo where it stands: in a message, or in the confirmation of an assertion.
func (x Expect) answers(n *node, must bool) error {
	said, ok := n.attrs["InResponseTo"]
	switch {
	case x.Unsolicited && ok, !x.Unsolicited && (x.InResponseTo == "" || ok && said != x.InResponseTo || must && !ok):
		return ErrConditions.With("InResponseTo", "The SAML response answers nothing that was asked here.")
	}
	return nil
}
