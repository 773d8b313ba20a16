package pinkey

import (
	"crypto/ecdsa"
	"crypto/sha256"
	"encoding/binary"

	"github.com/postern-id/postern/internal/fault"
)

// ErrSuccessor says that the former key does not stand for the one that is to take its place.
var ErrSuccessor = &fault.Error{
	Kind: fault.Invalid, Code: "pinSuccessorUnsigned",
	Text: "The key of this PIN does not stand for the one that is to take its place.", Remedy: "Set the PIN up again.",
}

// Successor is the digest by which the key of container c stands for the one that takes its
// place, for one challenge of the server. public is that key as it is registered: TPMT_PUBLIC,
// or PKIX without a TPM. No assertion has this form, so that neither passes for the other.
func Successor(c Container, challenge, public []byte) []byte {
	h := sha256.New()
	for _, part := range [][]byte{[]byte("postern device PIN key successor"), c.Ref(), challenge, public} {
		var size [4]byte
		binary.BigEndian.PutUint32(size[:], uint32(len(part)))
		h.Write(size[:])
		h.Write(part)
	}
	return h.Sum(nil)
}

// CheckSuccessor accepts by, in ASN.1, only as the word of former for the key public.
func CheckSuccessor(former *ecdsa.PublicKey, c Container, challenge, public, by []byte) error {
	if !ecdsa.VerifyASN1(former, Successor(c, challenge, public), by) {
		return ErrSuccessor
	}
	return nil
}
