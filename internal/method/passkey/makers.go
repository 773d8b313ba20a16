package passkey

import (
	"context"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"slices"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-webauthn/webauthn/metadata"
	"github.com/go-webauthn/webauthn/metadata/providers/memory"
	"github.com/go-webauthn/webauthn/protocol"
	"github.com/google/uuid"
)

// Makers are the makers of authenticators that are trusted to say what a key is. There is no
// network to ask: they come from files, a FIDO Metadata Service BLOB
// (https://fidoalliance.org/specs/mds/fido-metadata-service-v3.0-ps-20210518.html) and plain
// root certificates. Nil trusts nobody.
type Makers struct {
	provider metadata.Provider
	entries  map[uuid.UUID]*metadata.Entry
	roots    []*x509.Certificate
}

// LoadMakers reads both files; either may be empty. Signer is who signs the BLOB, in DER;
// nil is the FIDO Alliance's root.
func LoadMakers(blob, roots, signer []byte) (*Makers, error) {
	m := &Makers{}
	for block, rest := pem.Decode(roots); block != nil; block, rest = pem.Decode(rest) {
		certificate, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, ErrMetadata.With("", fmt.Sprintf("The roots of security keys hold what is no certificate: %v.", err))
		}
		m.roots = append(m.roots, certificate)
	}
	if len(roots) > 0 && len(m.roots) == 0 {
		return nil, ErrMetadata.With("", "The roots of security keys hold no certificate.")
	}
	if len(blob) == 0 {
		return m, nil
	}
	payload, err := openBLOB(blob, signer)
	if err != nil {
		return nil, ErrMetadata.With("", fmt.Sprintf("The metadata of security keys can't be used: %v.", err))
	}
	m.entries = map[uuid.UUID]*metadata.Entry{}
	for _, raw := range payload.Entries {
		entry, err := raw.Parse()
		if err == nil && entry.AaGUID != uuid.Nil { // what this version can't read vouches for nobody
			m.entries[entry.AaGUID] = &entry
		}
	}
	if len(m.entries) == 0 {
		return nil, ErrMetadata.With("", "The metadata of security keys names no model.")
	}
	m.provider, err = memory.New(memory.WithMetadata(m.entries))
	return m, err
}

// openBLOB checks the signature of the BLOB: its certificate must lead to the signer.
func openBLOB(blob, signer []byte) (metadata.PayloadJSON, error) {
	var payload metadata.PayloadJSON
	if signer == nil {
		der, err := base64.StdEncoding.DecodeString(metadata.ProductionMDSRoot)
		if err != nil {
			return payload, err
		}
		signer = der
	}
	root, err := x509.ParseCertificate(signer)
	if err != nil {
		return payload, err
	}
	signed, err := jose.ParseSignedCompact(string(trim(blob)), []jose.SignatureAlgorithm{jose.RS256, jose.ES256})
	if err != nil {
		return payload, err
	}
	pool := x509.NewCertPool()
	pool.AddCert(root)
	chains, err := signed.Signatures[0].Header.Certificates(x509.VerifyOptions{Roots: pool, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}})
	if err != nil {
		return payload, err
	}
	text, err := signed.Verify(chains[0][0].PublicKey)
	if err != nil {
		return payload, err
	}
	err = json.Unmarshal(text, &payload)
	return payload, err
}

func trim(blob []byte) []byte {
	return slices.DeleteFunc(slices.Clone(blob), func(b byte) bool { return b == '\n' || b == '\r' || b == ' ' })
}

// vouch reports whether a maker that is trusted says what the authenticator is; the signatures
// in the attestation itself are checked already. ErrRevoked says that the metadata knows the
// model and speaks against it.
func (m *Makers) vouch(a *protocol.AttestationObject, model uuid.UUID) (bool, error) {
	certificates := chain(a)
	if m == nil || len(certificates) == 0 {
		return false, nil // none, or signed by the new key itself
	}
	if m.entries[model] != nil {
		var x5c []any
		for _, der := range certificates {
			x5c = append(x5c, der)
		}
		if err := protocol.ValidateMetadataWithAuthenticatorData(context.Background(), m.provider, model, a.Type, a.Format, x5c, &a.AuthData); err != nil {
			return false, fmt.Errorf("%w (%s)", ErrRevoked, err.Details)
		}
		return true, nil
	}
	return m.leads(certificates), nil
}

// leads reports whether the certificates lead to one of the plain roots.
func (m *Makers) leads(certificates [][]byte) bool {
	roots, between := x509.NewCertPool(), x509.NewCertPool()
	for _, root := range m.roots {
		roots.AddCert(root)
	}
	for _, der := range certificates[1:] {
		if c, err := x509.ParseCertificate(der); err == nil {
			between.AddCert(c)
		}
	}
	leaf, err := x509.ParseCertificate(certificates[0])
	if err != nil {
		return false
	}
	_, err = leaf.Verify(x509.VerifyOptions{Roots: roots, Intermediates: between, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}})
	return err == nil
}

// Model is what the authenticators with an AAGUID are called, or empty.
func (m *Makers) Model(aaguid uuid.UUID) string {
	if m != nil && m.entries[aaguid] != nil {
		return m.entries[aaguid].MetadataStatement.Description
	}
	return models[aaguid.String()]
}

// models are the common ones that keep passkeys, most of which are in no metadata. Names come
// from their makers' documentation.
var models = map[string]string{
	"ea9b8d66-4d01-1d21-3ce4-b6b48cb575d4": "Google Password Manager",
	"adce0002-35bc-c60a-648b-0b25f1f05503": "Chrome on Mac",
	"08987058-cadc-4b81-b6e1-30de50dcbe96": "Windows Hello",
	"9ddd1817-af5a-4672-a2b9-3e3dd95000a9": "Windows Hello",
	"6028b017-b1d4-4c02-b4b3-afcdafc96bb2": "Windows Hello",
	"dd4ec289-e01d-41c9-bb89-70fa845d4bf2": "iCloud Keychain (managed)",
	"fbfc3007-154e-4ecc-8c0b-6e020557d7bd": "iCloud Keychain",
	"bada5566-a7aa-401f-bd96-45619a55120d": "1Password",
	"d548826e-79b4-db40-a3d8-11116f7e8349": "Bitwarden",
	"531126d6-e717-415c-9320-3d9aa6981239": "Dashlane",
	"fdb141b2-5d84-443e-8a35-4698c205a502": "KeePassXC",
	"53414d53-554e-4700-0000-000000000000": "Samsung Pass",
	"de1e552d-db1d-4423-a619-566b625cdc84": "Microsoft Authenticator on Android",
	"90a3ccdf-635c-4729-a248-9b709135078f": "Microsoft Authenticator on iOS",
	"cb69481e-8ff7-4039-93ec-0a2729a154a8": "YubiKey 5",
	"ee882879-721c-4913-9775-3dfcce97072a": "YubiKey 5",
	"2fc0579f-8113-47ea-b116-bb5a8db9202a": "YubiKey 5 NFC",
	"fa2b99dc-9e39-4257-8f92-4a30d23c4118": "YubiKey 5 NFC",
	"c5ef55ff-ad9a-4b9f-b580-adebafe026d0": "YubiKey 5Ci",
	"d8522d9f-575b-4866-88a9-ba99fa02f35b": "YubiKey Bio",
	"6d44ba9b-f6ec-2e49-b930-0c8fe920cb73": "Security Key NFC by Yubico",
}
