package saml

import (
	"crypto/x509"
	"encoding/base64"
	"strconv"
	"time"

	"github.com/beevik/etree"
)

// An Endpoint is where messages go, by one binding.
type Endpoint struct {
	Binding, Location string
	// ResponseLocation is where answers go, when that is elsewhere.
	ResponseLocation string
	Index            int // of an assertion consumer service
	Default          bool
}

// A Role is what an entity does, as identity provider or as service provider.
type Role struct {
	Signing    []*x509.Certificate
	Encryption []*x509.Certificate
	SSO        []Endpoint // identity provider
	ACS        []Endpoint // service provider
	SLO        []Endpoint
	Formats    []string
	// Signed says that requests are to be signed (identity provider: wanted, service provider:
	// done); AssertionsSigned that a service provider wants signed assertions.
	Signed, AssertionsSigned bool
}

// Metadata describes an entity (saml-metadata-2.0-os).
type Metadata struct {
	EntityID   string
	ValidUntil time.Time // zero: open
	IDP, SP    *Role
}

// ReadMetadata parses an EntityDescriptor. With trust its signature must be good; without, who
// calls vouches for where it came from. now is compared with its end.
func ReadMetadata(raw []byte, trust *Trust, now time.Time) (Metadata, error) {
	var m Metadata
	n, err := parseMetadata(raw)
	if err != nil {
		return m, err
	}
	if !n.is(nsMetadata, "EntityDescriptor") {
		return m, ErrMalformed.With("", "The metadata is no EntityDescriptor.")
	}
	if trust != nil {
		if n, err = trust.signed(n); err != nil {
			return m, err
		}
	}
	m.EntityID = n.attrs["entityID"]
	if m.ValidUntil, err = n.at("validUntil"); err != nil {
		return m, err
	}
	if m.EntityID == "" || len(m.EntityID) > 1024 {
		return m, ErrMalformed.With("entityID", "The metadata has no entityID.")
	}
	if !m.ValidUntil.IsZero() && !now.Before(m.ValidUntil) {
		return m, ErrConditions.With("validUntil", "The metadata has ended.")
	}
	if m.IDP, err = readRole(n, "IDPSSODescriptor"); err != nil {
		return m, err
	}
	m.SP, err = readRole(n, "SPSSODescriptor")
	return m, err
}

func readRole(n *node, name string) (*Role, error) {
	d, err := n.one(nsMetadata, name)
	if err != nil || d == nil {
		return nil, err
	}
	r := &Role{}
	signed := "AuthnRequestsSigned"
	if name == "IDPSSODescriptor" {
		signed = "WantAuthnRequestsSigned"
	}
	if r.Signed, err = d.flag(signed); err != nil {
		return nil, err
	}
	if r.AssertionsSigned, err = d.flag("WantAssertionsSigned"); err != nil {
		return nil, err
	}
	for _, k := range d.kids {
		if k.space != nsMetadata {
			continue
		}
		switch k.name {
		case "KeyDescriptor":
			err = r.readKey(k)
		case "SingleSignOnService":
			err = readEndpoint(k, &r.SSO)
		case "AssertionConsumerService":
			err = readEndpoint(k, &r.ACS)
		case "SingleLogoutService":
			err = readEndpoint(k, &r.SLO)
		case "NameIDFormat":
			r.Formats = append(r.Formats, squeeze(k.text))
		}
		if err != nil {
			return nil, err
		}
	}
	return r, nil
}

func (r *Role) readKey(n *node) error {
	info, err := n.need(nsSignature, "KeyInfo")
	if err != nil {
		return err
	}
	for _, data := range info.all(nsSignature, "X509Data") {
		for _, k := range data.all(nsSignature, "X509Certificate") {
			c, err := ReadCertificate(k.text)
			if err != nil {
				return err
			}
			if use := n.attrs["use"]; use != "encryption" {
				r.Signing = append(r.Signing, c)
			}
			if use := n.attrs["use"]; use != "signing" {
				r.Encryption = append(r.Encryption, c)
			}
		}
	}
	return nil
}

// ReadCertificate reads a certificate in base64, as metadata and Graph have it.
func ReadCertificate(text string) (*x509.Certificate, error) {
	raw, err := base64.StdEncoding.DecodeString(squeeze(text))
	if err != nil {
		return nil, ErrMalformed.With("X509Certificate", "A certificate can't be read.")
	}
	c, err := x509.ParseCertificate(raw)
	if err != nil {
		return nil, ErrMalformed.With("X509Certificate", "A certificate can't be read.")
	}
	return c, nil
}

func readEndpoint(n *node, to *[]Endpoint) error {
	e := Endpoint{Binding: n.attrs["Binding"], Location: n.attrs["Location"], ResponseLocation: n.attrs["ResponseLocation"], Index: -1}
	var err error
	if e.Default, err = n.flag("isDefault"); err != nil {
		return err
	}
	if v, ok := n.attrs["index"]; ok {
		i, err := strconv.ParseUint(v, 10, 16)
		if err != nil {
			return ErrMalformed
		}
		e.Index = int(i)
	}
	*to = append(*to, e)
	return nil
}

// XML returns m as a document, signed when by is not nil.
func (m Metadata) XML(by *Signer) ([]byte, error) {
	el := etree.NewElement("md:EntityDescriptor")
	el.CreateAttr("xmlns:md", nsMetadata)
	el.CreateAttr("ID", NewID())
	el.CreateAttr("entityID", m.EntityID)
	if !m.ValidUntil.IsZero() {
		el.CreateAttr("validUntil", stamp(m.ValidUntil))
	}
	if m.IDP != nil {
		d := el.CreateElement("md:IDPSSODescriptor")
		d.CreateAttr("WantAuthnRequestsSigned", strconv.FormatBool(m.IDP.Signed))
		m.IDP.put(d)
	}
	if m.SP != nil {
		d := el.CreateElement("md:SPSSODescriptor")
		d.CreateAttr("AuthnRequestsSigned", strconv.FormatBool(m.SP.Signed))
		d.CreateAttr("WantAssertionsSigned", strconv.FormatBool(m.SP.AssertionsSigned))
		m.SP.put(d)
	}
	if by != nil {
		if err := by.sign(el); err != nil {
			return nil, err
		}
	}
	return text(el)
}

// put writes r in the order of the schema.
func (r *Role) put(el *etree.Element) {
	el.CreateAttr("protocolSupportEnumeration", nsProtocol)
	putKeys(el, "signing", r.Signing)
	putKeys(el, "encryption", r.Encryption)
	putEndpoints(el, "SingleLogoutService", r.SLO)
	for _, f := range r.Formats {
		child(el, "md:NameIDFormat", f)
	}
	putEndpoints(el, "SingleSignOnService", r.SSO)
	putEndpoints(el, "AssertionConsumerService", r.ACS)
}

func putKeys(el *etree.Element, use string, all []*x509.Certificate) {
	for _, c := range all {
		k := el.CreateElement("md:KeyDescriptor")
		k.CreateAttr("use", use)
		info := k.CreateElement("ds:KeyInfo")
		info.CreateAttr("xmlns:ds", nsSignature)
		child(info.CreateElement("ds:X509Data"), "ds:X509Certificate", base64.StdEncoding.EncodeToString(c.Raw))
	}
}

func putEndpoints(el *etree.Element, name string, all []Endpoint) {
	for _, e := range all {
		k := el.CreateElement("md:" + name)
		k.CreateAttr("Binding", e.Binding)
		k.CreateAttr("Location", e.Location)
		if e.ResponseLocation != "" {
			k.CreateAttr("ResponseLocation", e.ResponseLocation)
		}
		if name == "AssertionConsumerService" {
			k.CreateAttr("index", strconv.Itoa(e.Index))
			if e.Default {
				k.CreateAttr("isDefault", "true")
			}
		}
	}
}
