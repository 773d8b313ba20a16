// Package saml is the one place that parses, signs and verifies SAML 2.0 XML, for both sides:
// Postern as identity provider and as service provider of another one. It owns the messages,
// the HTTP-Redirect and HTTP-POST bindings, metadata, and what must hold before a message is
// believed. It knows no HTTP, no store and no sign-in.
//
// Everything is read through one parser (etree) and one view of its result, [node], in which
// names are resolved. A signed message is read only from the element that the signature library
// returns, never from what arrived. docs/saml.md lists the attacks and the tests that try them.
//
//	Read ─▶ Incoming ─▶ AuthnRequest | Response | LogoutRequest | LogoutResponse
//	        (claims only)        (verified, or refused)
//
// The rules are those of saml-core-2.0-os, saml-bindings-2.0-os, saml-profiles-2.0-os,
// xmldsig-core and xmlenc-core1.
package saml

import (
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"encoding/hex"
	"time"

	"github.com/postern-id/postern/internal/fault"
)

// Namespaces.
const (
	nsProtocol  = "urn:oasis:names:tc:SAML:2.0:protocol"
	nsAssertion = "urn:oasis:names:tc:SAML:2.0:assertion"
	nsMetadata  = "urn:oasis:names:tc:SAML:2.0:metadata"
	nsSignature = "http://www.w3.org/2000/09/xmldsig#"
	nsEncrypt   = "http://www.w3.org/2001/04/xmlenc#"
	nsEncrypt11 = "http://www.w3.org/2009/xmlenc11#"
	nsXML       = "http://www.w3.org/XML/1998/namespace"
	nsXMLNS     = "http://www.w3.org/2000/xmlns/"
	nsInstance  = "http://www.w3.org/2001/XMLSchema-instance"
	nsSchema    = "http://www.w3.org/2001/XMLSchema"
)

// Bindings.
const (
	Redirect = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect"
	POST     = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST"
)

// Formats of name ids.
const (
	Unspecified  = "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified"
	EmailAddress = "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress"
	Persistent   = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"
	Transient    = "urn:oasis:names:tc:SAML:2.0:nameid-format:transient"
	entityFormat = "urn:oasis:names:tc:SAML:2.0:nameid-format:entity"
)

// Status codes.
const (
	StatusSuccess          = "urn:oasis:names:tc:SAML:2.0:status:Success"
	StatusRequester        = "urn:oasis:names:tc:SAML:2.0:status:Requester"
	StatusResponder        = "urn:oasis:names:tc:SAML:2.0:status:Responder"
	StatusAuthnFailed      = "urn:oasis:names:tc:SAML:2.0:status:AuthnFailed"
	StatusNoPassive        = "urn:oasis:names:tc:SAML:2.0:status:NoPassive"
	StatusNoAuthnContext   = "urn:oasis:names:tc:SAML:2.0:status:NoAuthnContext"
	StatusInvalidNameID    = "urn:oasis:names:tc:SAML:2.0:status:InvalidNameIDPolicy"
	StatusRequestDenied    = "urn:oasis:names:tc:SAML:2.0:status:RequestDenied"
	StatusPartialLogout    = "urn:oasis:names:tc:SAML:2.0:status:PartialLogout"
	StatusUnknownPrincipal = "urn:oasis:names:tc:SAML:2.0:status:UnknownPrincipal"
)

// Skew is how far two clocks may be apart.
const Skew = 60 * time.Second

// Faults of messages. Their texts never repeat what a message says.
var (
	ErrMalformed = &fault.Error{
		Kind: fault.Invalid, Code: "samlMalformed", AADSTS: 75005,
		Text: "The SAML message can't be read.", Remedy: "Check what the other side sends.",
	}
	ErrTooLarge = &fault.Error{
		Kind: fault.TooLarge, Code: "samlTooLarge", AADSTS: 75005,
		Text: "The SAML message is larger than is accepted.", Remedy: "Send fewer attributes.",
	}
	ErrSignature = &fault.Error{
		Kind: fault.Unauthorized, Code: "samlSignatureInvalid", AADSTS: 50008,
		Text:   "The SAML message is not signed by a certificate that is trusted here.",
		Remedy: "Check the signing certificate that is registered for the other side.",
	}
	ErrUnsigned = &fault.Error{
		Kind: fault.Unauthorized, Code: "samlUnsigned", AADSTS: 76021,
		Text: "The SAML message is not signed.", Remedy: "Let the other side sign what it sends.",
	}
	ErrAlgorithm = &fault.Error{
		Kind: fault.Unsupported, Code: "samlAlgorithmUnsupported", AADSTS: 50008,
		Text:   "The SAML message uses an algorithm that is not accepted.",
		Remedy: "Use RSA or ECDSA with SHA-256 or better, exclusive canonicalization, and AES-GCM with RSA-OAEP.",
	}
	ErrCertificate = &fault.Error{
		Kind: fault.Unauthorized, Code: "samlCertificateInvalid", AADSTS: 50008,
		Text: "No certificate of the other side is valid now.", Remedy: "Register its new certificate.",
	}
	ErrEncryption = &fault.Error{
		Kind: fault.Invalid, Code: "samlEncryption", AADSTS: 50008,
		Text: "The encrypted assertion can't be opened.", Remedy: "Check which certificate the other side encrypts for.",
	}
	ErrConditions = &fault.Error{
		Kind: fault.Unauthorized, Code: "samlConditions", AADSTS: 50008,
		Text: "The SAML message is not for this sign-in.", Remedy: "Start again at the application.",
	}
	ErrReplayed = &fault.Error{
		Kind: fault.Unauthorized, Code: "samlReplayed", AADSTS: 50008,
		Text: "The SAML message was used before.", Remedy: "Start again at the application.",
	}
)

// A Signer is the key that messages are signed with, and its certificate.
type Signer struct {
	Key         crypto.Signer
	Certificate *x509.Certificate
}

// NewID returns an id for a message: 160 random bits, as saml-core 1.3.4 recommends.
func NewID() string {
	var b [20]byte
	_, _ = rand.Read(b[:]) // never fails
	return "_" + hex.EncodeToString(b[:])
}

const timeFormat = "2006-01-02T15:04:05.000Z"

func stamp(t time.Time) string { return t.UTC().Format(timeFormat) }
