package presentation

import (
	"crypto"
	"crypto/ecdsa"
	"io"
)

// steady signs the same in the same way (RFC 6979), so that a certificate is the same wherever it
// is made.
type steady struct{ *ecdsa.PrivateKey }

// Sign implements crypto.Signer.
func (s steady) Sign(_ io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	return s.PrivateKey.Sign(nil, digest, opts)
}
