package pinkey

import (
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"time"

	"github.com/google/go-tpm/tpm2"

	"github.com/postern-id/postern/internal/fault"
)

// MaxReset is the longest that a reset signature may work, counted by the TPM from the
// moment at which it drew the nonce.
const MaxReset = 60 * time.Second

// nonce sizes that a reset is signed over, in bytes: what agents draw, and the largest hash
// that a TPM has.
const (
	leastNonce = 16
	mostNonce  = 64
)

// ErrReset says that a reset can't be signed like this.
var ErrReset = &fault.Error{
	Kind: fault.Invalid, Code: "pinResetInvalid",
	Text: "The request to reset the PIN is not one that may be signed.", Remedy: "Start again on the device.",
}

// SignReset signs one change of the PIN of container c with its reset key: over the TPM's
// nonce, and for lifetime, in whole seconds, from when the TPM drew it. An empty nonce, which
// would work at any time, and a lifetime that is not positive, which would yield a ticket to
// use again, are refused (TPM 2.0 Library, Part 3, TPM2_PolicySigned).
func SignReset(c Container, key *ecdsa.PrivateKey, nonce []byte, lifetime time.Duration) (tpm2.TPMTSignature, error) {
	seconds := int32(lifetime / time.Second)
	if len(nonce) < leastNonce || len(nonce) > mostNonce || seconds < 1 || lifetime > MaxReset {
		return tpm2.TPMTSignature{}, ErrReset
	}
	hash := resetDigest(nonce, seconds, c.Ref())
	r, s, err := ecdsa.Sign(rand.Reader, key, hash)
	if err != nil {
		return tpm2.TPMTSignature{}, err
	}
	return tpm2.TPMTSignature{
		SigAlg: tpm2.TPMAlgECDSA,
		Signature: tpm2.NewTPMUSignature(tpm2.TPMAlgECDSA, &tpm2.TPMSSignatureECC{
			Hash:       tpm2.TPMAlgSHA256,
			SignatureR: tpm2.TPM2BECCParameter{Buffer: r.FillBytes(make([]byte, 32))},
			SignatureS: tpm2.TPM2BECCParameter{Buffer: s.FillBytes(make([]byte, 32))},
		}),
	}, nil
}

// resetDigest is aHash of TPM2_PolicySigned: nonceTPM, expiration, no cpHash, policyRef.
func resetDigest(nonce []byte, seconds int32, ref []byte) []byte {
	h := sha256.New()
	h.Write(nonce)
	var expiration [4]byte
	binary.BigEndian.PutUint32(expiration[:], uint32(seconds))
	h.Write(expiration[:])
	h.Write(ref)
	return h.Sum(nil)
}
