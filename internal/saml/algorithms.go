package saml

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/x509"
	"encoding/asn1"
	"math/big"

	dsig "github.com/russellhaering/goxmldsig"
)

// A method is an accepted signature method. SHA-1 and HMAC are not: the first is broken, and
// with the second a public key would do as a secret.
type method struct {
	hash    crypto.Hash
	ecdsa   bool
	checkBy x509.SignatureAlgorithm
}

var methods = map[string]method{
	dsig.RSASHA256SignatureMethod:   {crypto.SHA256, false, x509.SHA256WithRSA},
	dsig.RSASHA384SignatureMethod:   {crypto.SHA384, false, x509.SHA384WithRSA},
	dsig.RSASHA512SignatureMethod:   {crypto.SHA512, false, x509.SHA512WithRSA},
	dsig.ECDSASHA256SignatureMethod: {crypto.SHA256, true, x509.ECDSAWithSHA256},
	dsig.ECDSASHA384SignatureMethod: {crypto.SHA384, true, x509.ECDSAWithSHA384},
	dsig.ECDSASHA512SignatureMethod: {crypto.SHA512, true, x509.ECDSAWithSHA512},
}

// digests are the accepted digest methods.
var digests = map[string]bool{
	"http://www.w3.org/2001/04/xmlenc#sha256":       true,
	"http://www.w3.org/2001/04/xmldsig-more#sha384": true,
	"http://www.w3.org/2001/04/xmlenc#sha512":       true,
}

// minRSA is the smallest accepted RSA modulus, in bits.
const minRSA = 2048

// strong reports whether the key of c may sign here.
func strong(c *x509.Certificate) bool {
	switch k := c.PublicKey.(type) {
	case *rsa.PublicKey:
		return k.N.BitLen() >= minRSA
	case *ecdsa.PublicKey:
		return k.Params().BitSize >= 256
	}
	return false
}

// methodOf returns the signature method for a key.
func methodOf(key crypto.PublicKey) (string, bool) {
	switch key.(type) {
	case *rsa.PublicKey:
		return dsig.RSASHA256SignatureMethod, true
	case *ecdsa.PublicKey:
		return dsig.ECDSASHA256SignatureMethod, true
	}
	return "", false
}

// ECDSA signatures are two numbers side by side in XML (xmldsig-core1 6.4.3) and an ASN.1
// sequence in Go and in the signature library.
type ecSignature struct{ R, S *big.Int }

func toASN1(raw []byte) ([]byte, bool) {
	if len(raw) == 0 || len(raw)%2 != 0 || len(raw) > 2*66 {
		return nil, false
	}
	half := len(raw) / 2
	der, err := asn1.Marshal(ecSignature{new(big.Int).SetBytes(raw[:half]), new(big.Int).SetBytes(raw[half:])})
	return der, err == nil
}

func fromASN1(der []byte, key *ecdsa.PublicKey) ([]byte, bool) {
	var s ecSignature
	if rest, err := asn1.Unmarshal(der, &s); err != nil || len(rest) > 0 {
		return nil, false
	}
	size := (key.Params().BitSize + 7) / 8
	raw := make([]byte, 2*size)
	s.R.FillBytes(raw[:size])
	s.S.FillBytes(raw[size:])
	return raw, true
}
