// Package slowhash is the one slow hash of secrets that people type: Argon2id (RFC 9106),
// written with its cost and salt. It knows no key: whoever uses it hashes what is peppered
// before, or seals what comes out (docs/threat-model.md, rule 12), and waits at package gate.
package slowhash

import (
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strings"

	"golang.org/x/crypto/argon2"
)

// Argon2id's cost: 19 MiB, two passes, one lane (OWASP Password Storage Cheat Sheet).
const (
	memory   = 19 * 1024 // KiB
	passes   = 2
	lanes    = 1
	size     = 32
	saltSize = 16
)

// Memory is how many bytes one hash takes while it runs.
const Memory = memory * 1024

// cost is how the cost stands in a hash.
var cost = fmt.Sprintf("m=%d,t=%d,p=%d", memory, passes, lanes)

// errForm says that a stored hash is not one of ours.
var errForm = errors.New("the hash has an unknown form")

// New hashes secret with a salt from rand: argon2id$m=…,t=…,p=…$salt$hash. It takes about
// 20 ms of a core and Memory bytes: callers gate it.
func New(rand io.Reader, secret []byte) (string, error) {
	salt := make([]byte, saltSize)
	if _, err := io.ReadFull(rand, salt); err != nil {
		return "", err
	}
	enc := base64.RawURLEncoding
	return strings.Join([]string{"argon2id", cost, enc.EncodeToString(salt), enc.EncodeToString(sum(secret, salt))}, "$"), nil
}

// Matches reports whether hash is one of secret, at the price of New. An error means that the
// hash can't be read.
func Matches(hash string, secret []byte) (bool, error) {
	parts := strings.Split(hash, "$")
	if len(parts) != 4 || parts[0] != "argon2id" || parts[1] != cost {
		return false, errForm
	}
	salt, err := base64.RawURLEncoding.DecodeString(parts[2])
	if err != nil {
		return false, err
	}
	want, err := base64.RawURLEncoding.DecodeString(parts[3])
	if err != nil {
		return false, err
	}
	return subtle.ConstantTimeCompare(sum(secret, salt), want) == 1, nil
}

func sum(secret, salt []byte) []byte {
	return argon2.IDKey(secret, salt, passes, memory, lanes, size)
}
