// Package saml speaks SAML 2.0 to upstreams, as their service provider: Web Browser SSO that is
// begun here (saml-profiles 4.1), with a request by redirect and an answer by POST. Package
// internal/saml reads, signs and believes messages; here is what an answer must be for, and what
// of it counts.
package saml

import (
	"context"
	"crypto"
	"crypto/subtle"
	"crypto/x509"
	"errors"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/federation"
	"github.com/postern-id/postern/internal/saml"
)

// MethodsClaim is the attribute in which Microsoft's software says how a person signed in.
const MethodsClaim = "http://schemas.microsoft.com/claims/authnmethodsreferences"

// Client speaks to upstreams. Every field is required.
type Client struct {
	// Signers are the keys of the tenant: the one that signs now first, then those for which
	// something may still be encrypted.
	Signers func(ctx context.Context, tenant directory.TenantID) ([]saml.Signer, error)
	// Seen remembers an id until a time, and reports whether it was new.
	Seen func(ctx context.Context, tenant, kind, id string, until time.Time) (bool, error)
	Now  func() time.Time
}

// requestID is the id of the request, which an answer has to name.
func requestID(r federation.Request) string { return "_" + r.Nonce }

// Leave returns the address that brings a request to the upstream, signed where it wants that.
func (o *Client) Leave(ctx context.Context, c federation.Configuration, r federation.Request) (string, error) {
	q := saml.AuthnRequest{
		ID: requestID(r), Issuer: r.Entity, Destination: c.SignInURI, IssueInstant: r.At, ACS: r.Answer, ACSIndex: -1, ProtocolBinding: saml.POST,
		ForceAuthn: r.Again || !r.Since.IsZero(),
	}
	if r.MFA {
		q.Contexts, q.Comparison = contexts(c), "exact"
	}
	var by *saml.Signer
	if c.SignedRequests {
		all, err := o.Signers(ctx, c.Tenant)
		if err != nil {
			return "", err
		}
		by = &all[0]
	}
	to, err := q.Redirect(r.State, by)
	if err != nil || r.LoginHint == "" {
		return to, err
	}
	// A Subject in the request would bind the answer (saml-core 3.4.1), and a name here is no
	// NameID there. What is beside the message only fills in a form: Microsoft, Okta and Google read
	// login_hint there, AD FS username. No signature is over it (saml-bindings 3.4.4.1).
	return to + "&login_hint=" + url.QueryEscape(r.LoginHint) + "&username=" + url.QueryEscape(r.LoginHint), nil
}

// contexts are those of the values for multifactor authentication that name a class.
func contexts(c federation.Configuration) []string {
	var all []string
	for _, v := range c.MFAValues {
		if strings.Contains(v, ":") {
			all = append(all, v)
		}
	}
	return all
}

// Take believes the form that an upstream's page posted, or says what is wrong with it.
func (o *Client) Take(ctx context.Context, c federation.Configuration, r federation.Request, answer string) (federation.Assertion, error) {
	var none federation.Assertion
	form, err := url.ParseQuery(answer)
	if err != nil {
		return none, saml.ErrMalformed
	}
	if len(form["RelayState"]) != 1 || subtle.ConstantTimeCompare([]byte(form.Get("RelayState")), []byte(r.State)) != 1 {
		return none, federation.ErrAnswer.With("", "The answer is to no request, or to one that is over.")
	}
	e, err := saml.FromPOST(form)
	if err != nil {
		return none, err
	}
	in, err := saml.Read(e)
	if err != nil {
		return none, err
	}
	x, err := o.expect(ctx, c, r)
	if err != nil {
		return none, err
	}
	a, err := in.Response(x)
	if no, ok := errors.AsType[*saml.StatusError](err); ok {
		if no.Has(saml.StatusNoAuthnContext) {
			return none, federation.ErrNoMFA
		}
		return none, federation.ErrUpstream
	}
	if err != nil {
		return none, err
	}
	return read(a)
}

// expect is what an answer to r must be for.
func (o *Client) expect(ctx context.Context, c federation.Configuration, r federation.Request) (saml.Expect, error) {
	trusted, err := c.Trusted()
	if err != nil {
		return saml.Expect{}, err
	}
	x := saml.Expect{
		Trust: saml.Trust{Certificates: trusted, Now: o.Now()}, Issuer: c.Issuer, Destination: r.Answer, InResponseTo: requestID(r), Audience: r.Entity,
		Once: func(id string, until time.Time) error {
			fresh, err := o.Seen(ctx, string(c.Tenant), "samlAssertion", id, until)
			if err == nil && !fresh {
				err = saml.ErrReplayed
			}
			return err
		},
	}
	all, err := o.Signers(ctx, c.Tenant)
	if err != nil {
		return x, err
	}
	for _, s := range all {
		if key, ok := s.Key.(crypto.Decrypter); ok {
			x.Keys = append(x.Keys, key)
		}
	}
	return x, nil
}

// read returns what counts of a.
func read(a saml.Assertion) (federation.Assertion, error) {
	if a.Subject.Format == saml.Transient || a.Subject.Value == "" || len(a.Subject.Value) > 1024 {
		return federation.Assertion{}, federation.ErrAnswer.With("", "The assertion names people by transient ids, so that nobody is known again.")
	}
	said := federation.Assertion{Subject: a.Subject.Value, Claims: map[string][]string{}, At: a.AuthnInstant}
	said.Origin = federation.Origin{Session: a.SessionIndex, Subject: &federation.Subject{
		Value: a.Subject.Value, Format: a.Subject.Format, NameQualifier: a.Subject.NameQualifier, SPNameQualifier: a.Subject.SPNameQualifier,
	}}
	for _, one := range a.Attributes {
		said.Claims[one.Name] = append(said.Claims[one.Name], one.Values...)
	}
	if a.AuthnContext != "" {
		said.Methods = append(said.Methods, a.AuthnContext)
	}
	said.Methods = append(said.Methods, said.Claims[MethodsClaim]...)
	return said, nil
}

// Metadata describes this server as a service provider to the upstreams of a tenant, signed.
func (o *Client) Metadata(ctx context.Context, tenant directory.TenantID, entity, acs, slo string) ([]byte, error) {
	all, err := o.Signers(ctx, tenant)
	if err != nil {
		return nil, err
	}
	sp := &saml.Role{
		ACS: []saml.Endpoint{{Binding: saml.POST, Location: acs, Default: true}}, Formats: []string{saml.Persistent, saml.Unspecified, saml.EmailAddress},
		SLO:    []saml.Endpoint{{Binding: saml.Redirect, Location: slo}, {Binding: saml.SOAP, Location: slo}}, // the answer to a POST would come without cookies
		Signed: true, AssertionsSigned: true,
	}
	for _, s := range all {
		sp.Signing, sp.Encryption = append(sp.Signing, s.Certificate), append(sp.Encryption, s.Certificate)
	}
	return saml.Metadata{EntityID: entity, SP: sp}.XML(&all[0])
}

// Renewed returns c with the certificates that the upstream's metadata have now, and whether that
// is another set. The present certificate stays while it is there, and the next takes its place
// when it is not, so that answers are believed before, during and after the change.
func Renewed(c federation.Configuration, raw []byte, now time.Time) (federation.Configuration, bool, error) {
	m, err := saml.ReadMetadata(raw, nil, now) // it came by https from the address that was configured
	if err != nil {
		return c, false, err
	}
	if m.EntityID != c.Issuer || m.IDP == nil {
		return c, false, federation.ErrAnswer.With("", "The metadata are of somebody else.")
	}
	said := encoded(m.IDP.Signing)
	if len(said) == 0 {
		return c, false, saml.ErrCertificate
	}
	present, next := squeeze(c.SigningCertificate), squeeze(c.NextSigningCertificate)
	if !slices.Contains(said, present) {
		if present = said[0]; slices.Contains(said, next) {
			present = next
		}
	}
	next = ""
	for _, one := range said {
		if one != present {
			next = one
			break
		}
	}
	changed := present != squeeze(c.SigningCertificate) || next != squeeze(c.NextSigningCertificate)
	c.SigningCertificate, c.NextSigningCertificate = present, next
	return c, changed, nil
}

func squeeze(s string) string { return strings.Join(strings.Fields(s), "") }

func encoded(all []*x509.Certificate) []string {
	var texts []string
	for _, c := range all {
		texts = append(texts, federation.FormatCertificate(c))
	}
	return texts
}
