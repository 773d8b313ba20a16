package deviceapi

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"math/big"
	"time"

	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/keyring"
)

// A CA signs the certificates of devices with each tenant's own key.
type CA struct {
	Keys Signers
	Now  func() time.Time
}

// Signers returns the signing keys of tenants; keyring.Ring is one.
type Signers interface {
	Signer(ctx context.Context, tenant string, purpose keyring.Purpose) (keyring.Key, crypto.Signer, error)
}

// How long certificates live: a device's own, from when it is renewed, and the CA's.
const (
	certificateLifetime = 365 * 24 * time.Hour
	renewBefore         = 30 * 24 * time.Hour
	caLifetime          = 30 * 365 * 24 * time.Hour
)

// extensionTenant and extensionDevice are the ids that Entra puts into the certificates of
// its devices.
var (
	extensionDevice = asn1.ObjectIdentifier{1, 2, 840, 113556, 1, 5, 284, 2}
	extensionTenant = asn1.ObjectIdentifier{1, 2, 840, 113556, 1, 5, 284, 4}
)

// Issue returns the certificate of a device for its key and the tenant's own, in PEM, and
// notes the former in d.
func (ca CA) Issue(ctx context.Context, d *directory.Device, key *ecdsa.PublicKey) ([]string, error) {
	k, signer, err := ca.Keys.Signer(ctx, string(d.Tenant), keyring.DeviceCA)
	if err != nil {
		return nil, err
	}
	root := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Postern devices", OrganizationalUnit: []string{string(d.Tenant)}},
		NotBefore: k.CreatedAt, NotAfter: k.CreatedAt.Add(caLifetime), IsCA: true, BasicConstraintsValid: true, MaxPathLenZero: true,
		KeyUsage: x509.KeyUsageCertSign,
	}
	rootDER, err := x509.CreateCertificate(rand.Reader, root, root, signer.Public(), signer)
	if err != nil {
		return nil, fmt.Errorf("certify the device CA: %w", err)
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return nil, err
	}
	now := ca.Now()
	leaf := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: d.DeviceID},
		NotBefore: now.Add(-10 * time.Minute), NotAfter: now.Add(certificateLifetime),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	for id, text := range map[*asn1.ObjectIdentifier]string{&extensionDevice: d.DeviceID, &extensionTenant: string(d.Tenant)} {
		raw, err := uuid.Parse(text)
		if err != nil {
			return nil, err
		}
		value, err := asn1.Marshal(raw[:])
		if err != nil {
			return nil, err
		}
		leaf.ExtraExtensions = append(leaf.ExtraExtensions, pkix.Extension{Id: *id, Value: value})
	}
	leafDER, err := x509.CreateCertificate(rand.Reader, leaf, root, key, signer)
	if err != nil {
		return nil, fmt.Errorf("certify a device: %w", err)
	}
	sum := sha256.Sum256(leafDER)
	d.CertificateThumbprint, d.CertificateEndsAt = hex.EncodeToString(sum[:]), leaf.NotAfter.Truncate(time.Second)
	var chain []string
	for _, der := range [][]byte{leafDER, rootDER} {
		chain = append(chain, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})))
	}
	return chain, nil
}
