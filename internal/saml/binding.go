package saml

import (
	"bytes"
	"compress/flate"
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"io"
	"net/url"
	"strings"
)

// maxRelayState is longer than the 80 bytes of saml-bindings 3.4.3, which others don't keep to.
const maxRelayState = 2 << 10

// An Envelope is a message as a binding brought it. Nothing of it is believed yet.
type Envelope struct {
	Binding    string
	Response   bool // it came as SAMLResponse
	RelayState string

	xml       []byte
	method    string // of the signature beside the message; empty when there is none
	signature []byte
	octets    []byte // what that signature is over
}

// FromRedirect reads a query of the HTTP-Redirect binding (saml-bindings 3.4). It takes the raw
// query, since the signature is over the octets that were sent.
func FromRedirect(query string) (Envelope, error) {
	e := Envelope{Binding: Redirect}
	raw := map[string]string{}
	for part := range strings.SplitSeq(query, "&") {
		name, value, _ := strings.Cut(part, "=")
		switch name {
		case "SAMLRequest", "SAMLResponse", "RelayState", "SigAlg", "Signature", "SAMLEncoding":
			if _, twice := raw[name]; twice {
				return e, ErrMalformed
			}
			raw[name] = value
		}
	}
	name, err := e.which(func(name string) bool { _, ok := raw[name]; return ok })
	if err != nil {
		return e, err
	}
	plain := map[string]string{}
	for k, v := range raw {
		if plain[k], err = url.QueryUnescape(v); err != nil {
			return e, ErrMalformed
		}
	}
	if enc := plain["SAMLEncoding"]; enc != "" && enc != "urn:oasis:names:tc:SAML:2.0:bindings:URL-Encoding:DEFLATE" {
		return e, ErrMalformed
	}
	if e.xml, err = inflate(plain[name]); err != nil {
		return e, err
	}
	if e.RelayState = plain["RelayState"]; len(e.RelayState) > maxRelayState {
		return e, ErrTooLarge
	}
	if plain["Signature"] == "" {
		return e, nil
	}
	if e.signature, err = base64.StdEncoding.DecodeString(squeeze(plain["Signature"])); err != nil {
		return e, ErrMalformed
	}
	e.method = plain["SigAlg"]
	signed := name + "=" + raw[name]
	if state, ok := raw["RelayState"]; ok {
		signed += "&RelayState=" + state
	}
	e.octets = []byte(signed + "&SigAlg=" + raw["SigAlg"])
	return e, nil
}

// FromPOST reads a form of the HTTP-POST binding (saml-bindings 3.5).
func FromPOST(form url.Values) (Envelope, error) {
	e := Envelope{Binding: POST}
	for _, name := range []string{"SAMLRequest", "SAMLResponse", "RelayState"} {
		if len(form[name]) > 1 {
			return e, ErrMalformed
		}
	}
	name, err := e.which(form.Has)
	if err != nil {
		return e, err
	}
	if len(form.Get(name)) > MaxMessage*3/2 {
		return e, ErrTooLarge
	}
	if e.RelayState = form.Get("RelayState"); len(e.RelayState) > maxRelayState {
		return e, ErrTooLarge
	}
	if e.xml, err = base64.StdEncoding.DecodeString(squeeze(form.Get(name))); err != nil {
		return e, ErrMalformed
	}
	return e, nil
}

// which returns the name of the one message that is there.
func (e *Envelope) which(has func(string) bool) (string, error) {
	request, response := has("SAMLRequest"), has("SAMLResponse")
	if request == response {
		return "", ErrMalformed.With("SAMLRequest", "A SAMLRequest or a SAMLResponse is missing, or there are both.")
	}
	if e.Response = response; response {
		return "SAMLResponse", nil
	}
	return "SAMLRequest", nil
}

// inflate undoes the DEFLATE encoding, and gives up before a small message becomes a large one.
func inflate(encoded string) ([]byte, error) {
	if len(encoded) > MaxMessage {
		return nil, ErrTooLarge
	}
	packed, err := base64.StdEncoding.DecodeString(squeeze(encoded))
	if err != nil {
		return nil, ErrMalformed
	}
	out, err := io.ReadAll(io.LimitReader(flate.NewReader(bytes.NewReader(packed)), MaxMessage+1))
	if err != nil {
		return nil, ErrMalformed
	}
	if len(out) > MaxMessage {
		return nil, ErrTooLarge
	}
	return out, nil
}

// signedBy reports whether the signature beside the message is by whom t trusts.
func (e Envelope) signedBy(t Trust) error {
	m, ok := methods[e.method]
	if !ok {
		return ErrAlgorithm
	}
	signature := e.signature
	if m.ecdsa {
		// Some send ASN.1 here; both are the same two numbers.
		if der, ok := toASN1(signature); ok && signature[0] != 0x30 {
			signature = der
		}
	}
	certificates, err := t.valid()
	if err != nil {
		return err
	}
	for _, c := range certificates {
		if c.CheckSignature(m.checkBy, e.octets, signature) == nil {
			return nil
		}
		if m.ecdsa { // the first byte of a raw one may be 0x30 by chance
			if der, ok := toASN1(e.signature); ok && c.CheckSignature(m.checkBy, e.octets, der) == nil {
				return nil
			}
		}
	}
	return ErrSignature
}

// toRedirect returns location with a message in its query, signed when by is not nil.
func toRedirect(location, name string, xml []byte, relayState string, by *Signer) (string, error) {
	var packed bytes.Buffer
	w, err := flate.NewWriter(&packed, flate.BestCompression)
	if err == nil {
		_, err = w.Write(xml)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		return "", fmt.Errorf("deflate a SAML message: %w", err)
	}
	query := name + "=" + url.QueryEscape(base64.StdEncoding.EncodeToString(packed.Bytes()))
	if relayState != "" {
		query += "&RelayState=" + url.QueryEscape(relayState)
	}
	if by != nil {
		if query, err = by.signQuery(query); err != nil {
			return "", err
		}
	}
	separator := "?"
	if strings.Contains(location, "?") {
		separator = "&"
	}
	return location + separator + query, nil
}

// signQuery adds a signature to a query (saml-bindings 3.4.4.1).
func (s Signer) signQuery(query string) (string, error) {
	id, ok := methodOf(s.Key.Public())
	if !ok {
		return "", ErrAlgorithm
	}
	query += "&SigAlg=" + url.QueryEscape(id)
	h := crypto.SHA256.New()
	_, _ = io.WriteString(h, query) // a hash takes everything
	signature, err := s.Key.Sign(rand.Reader, h.Sum(nil), crypto.SHA256)
	if err != nil {
		return "", fmt.Errorf("sign a query: %w", err)
	}
	if key, ok := s.Key.Public().(*ecdsa.PublicKey); ok {
		if signature, ok = fromASN1(signature, key); !ok {
			return "", ErrAlgorithm
		}
	}
	return query + "&Signature=" + url.QueryEscape(base64.StdEncoding.EncodeToString(signature)), nil
}

// toPOST returns the fields of a form that carries a message.
func toPOST(name string, xml []byte, relayState string) url.Values {
	v := url.Values{name: {base64.StdEncoding.EncodeToString(xml)}}
	if relayState != "" {
		v.Set("RelayState", relayState)
	}
	return v
}
