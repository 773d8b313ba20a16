package saml

import (
	"slices"
	"strconv"
	"time"
)

// An AuthnRequest asks an identity provider to sign a person in.
type AuthnRequest struct {
	ID, Issuer, Destination string
	IssueInstant            time.Time
	// ACS is where the answer is to go, or ACSIndex says which of the registered ones; -1 for none.
	ACS             string
	ACSIndex        int
	ProtocolBinding string // of the answer; empty means POST
	NameIDFormat    string // empty: any
	ForceAuthn      bool
	IsPassive       bool
	// Contexts are the classes that are asked for, Comparison how: exact, minimum, maximum or better.
	Contexts   []string
	Comparison string
	Subject    NameID // who is to sign in; its zero value leaves it open
}

// maxRequestAge is how old a request may be. A person may have left the page open; the answer
// goes to a registered address only, so that an old one does no harm.
const maxRequestAge = 10 * time.Minute

// AuthnRequest reads an AuthnRequest. With must it has to be signed by whom x trusts; without,
// one that is not signed is taken, and one that is signed is verified if there is whom to trust.
func (in Incoming) AuthnRequest(x Expect, must bool) (AuthnRequest, error) {
	q := AuthnRequest{ACSIndex: -1}
	if in.root.name != "AuthnRequest" {
		return q, ErrMalformed
	}
	n, signed := in.root, false
	if must || in.Signed() && len(x.Trust.Certificates) > 0 {
		var err error
		if n, err = in.verified(x.Trust); err != nil {
			return q, err
		}
		signed = true
	}
	if err := x.check(n, signed); err != nil {
		return q, err
	}
	q.ID, q.Issuer, q.Destination = n.attrs["ID"], x.Issuer, n.attrs["Destination"]
	var err error
	if q.IssueInstant, err = n.at("IssueInstant"); err != nil {
		return q, err
	}
	if !x.Trust.Now.Before(q.IssueInstant.Add(maxRequestAge + Skew)) {
		return q, ErrConditions.With("IssueInstant", "The SAML request is too old, or a clock is wrong.")
	}
	err = q.read(n)
	return q, err
}

func (q *AuthnRequest) read(n *node) error {
	q.ACS, q.ProtocolBinding = n.attrs["AssertionConsumerServiceURL"], n.attrs["ProtocolBinding"]
	if v, ok := n.attrs["AssertionConsumerServiceIndex"]; ok {
		i, err := strconv.ParseUint(v, 10, 16)
		if err != nil || q.ACS != "" { // saml-core 3.4.1: one or the other
			return ErrMalformed
		}
		q.ACSIndex = int(i)
	}
	if q.ProtocolBinding != "" && q.ProtocolBinding != POST {
		return ErrMalformed.With("ProtocolBinding", "The SAML request wants an answer by a binding that is not offered.")
	}
	var err error
	if q.ForceAuthn, err = n.flag("ForceAuthn"); err != nil {
		return err
	}
	if q.IsPassive, err = n.flag("IsPassive"); err != nil {
		return err
	}
	policy, err := n.one(nsProtocol, "NameIDPolicy")
	if err != nil {
		return err
	}
	if policy != nil {
		q.NameIDFormat = policy.attrs["Format"]
	}
	subject, err := n.one(nsAssertion, "Subject")
	if err != nil {
		return err
	}
	if subject != nil {
		name, err := subject.need(nsAssertion, "NameID")
		if err != nil {
			return err
		}
		if q.Subject, err = nameOf(name); err != nil {
			return err
		}
	}
	return q.contexts(n)
}

// maxContexts bounds what is asked for.
const maxContexts = 16

func (q *AuthnRequest) contexts(n *node) error {
	asked, err := n.one(nsProtocol, "RequestedAuthnContext")
	if err != nil || asked == nil {
		return err
	}
	if q.Comparison = asked.attrs["Comparison"]; q.Comparison == "" {
		q.Comparison = "exact"
	}
	if !slices.Contains([]string{"exact", "minimum", "maximum", "better"}, q.Comparison) || len(asked.kids) > maxContexts {
		return ErrMalformed
	}
	for _, k := range asked.kids {
		if !k.is(nsAssertion, "AuthnContextClassRef") {
			return ErrMalformed
		}
		v, err := k.value()
		if err != nil || v == "" || len(v) > 256 {
			return ErrMalformed
		}
		q.Contexts = append(q.Contexts, v)
	}
	return nil
}
