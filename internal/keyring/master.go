// Package keyring owns Postern's keys: the master key that seals everything else, and each
// tenant's signing keys, peppers and derivation secret. Private parts are stored sealed
// (AES-256-GCM under a key derived from the master key); the additional data names table,
// column, tenant and row, so that a sealed value can't be moved to another place.
// docs/keys.md says what each key is for and how it is rotated.
package keyring

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/postern-id/postern/internal/fault"
)

// A Wrapper seals small secrets. The master key is one; a KMS can be another.
type Wrapper interface {
	// Wrap seals secret for the place that context names.
	Wrap(secret []byte, context ...string) (string, error)
	// Unwrap opens what Wrap sealed for the same context, and fails for any other.
	Unwrap(sealed string, context ...string) ([]byte, error)
}

// MasterKey is a Wrapper with a key of its own.
type MasterKey struct{ aead cipher.AEAD }

// masterKeySize is the length of a master key in bytes.
const masterKeySize = 32

// Faults of the master key.
var (
	ErrNoMasterKey = &fault.Error{
		Kind: fault.Unavailable, Code: "masterKeyMissing",
		Text:   "The master key is missing.",
		Remedy: "Put master.key back into the data directory, or set POSTERN_MASTER_KEY.",
	}
	ErrMasterKeyOpen = &fault.Error{
		Kind: fault.Unavailable, Code: "masterKeyReadable",
		Text:   "Other users of this machine can read the master key.",
		Remedy: "Run: chmod 600 master.key",
	}
	ErrMasterKeyBad = &fault.Error{
		Kind: fault.Unavailable, Code: "masterKeyBad",
		Text:   "The master key is not 32 bytes of base64.",
		Remedy: "Restore the file, or the variable POSTERN_MASTER_KEY, from where you keep it safe.",
	}
	ErrMasterKeyWrong = &fault.Error{
		Kind: fault.Unavailable, Code: "masterKeyWrong",
		Text:   "This master key does not open this store.",
		Remedy: "Use the master key that was made with this data directory.",
	}
)

// MasterKeyFile is the name of the file in the data directory.
const MasterKeyFile = "master.key"

// LoadMaster returns the key from variable, the value of POSTERN_MASTER_KEY, when it is
// set, and else from the file in dir.
func LoadMaster(dir, variable string) (*MasterKey, error) {
	text, err := MasterText(dir, variable)
	if err != nil {
		return nil, err
	}
	return ParseMaster(text)
}

// MasterText returns what LoadMaster reads, for a backup that is to hold the key.
func MasterText(dir, variable string) (string, error) {
	if variable != "" {
		return variable, nil
	}
	path := filepath.Join(dir, MasterKeyFile)
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return "", ErrNoMasterKey
	}
	if err != nil {
		return "", fmt.Errorf("read the master key: %w", err)
	}
	if othersCanRead(info) {
		return "", ErrMasterKeyOpen
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("read the master key: %w", err)
	}
	return string(text), nil
}

// CreateMaster makes a new key file in dir, readable by its owner only, and fails if one
// is there.
func CreateMaster(dir string, rand io.Reader) (*MasterKey, error) {
	key := make([]byte, masterKeySize)
	if _, err := io.ReadFull(rand, key); err != nil {
		return nil, err
	}
	if err := SaveMaster(dir, base64.StdEncoding.EncodeToString(key)); err != nil {
		return nil, err
	}
	return newMaster(key)
}

// SaveMaster writes the text of a key to the file in dir, readable by its owner only, and
// fails if one is there.
func SaveMaster(dir, text string) error {
	path := filepath.Join(dir, MasterKeyFile)
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("create the master key: %w", err)
	}
	_, err = fmt.Fprintln(file, strings.TrimSpace(text))
	if err := errors.Join(err, file.Sync(), file.Close(), syncDir(dir)); err != nil {
		// Half a key would be in the way of the next try, and nothing is sealed by it yet.
		return fmt.Errorf("write the master key: %w", errors.Join(err, os.Remove(path)))
	}
	return nil
}

// ParseMaster reads the text of a key.
func ParseMaster(text string) (*MasterKey, error) {
	key, err := base64.StdEncoding.DecodeString(strings.TrimSpace(text))
	if err != nil || len(key) != masterKeySize {
		return nil, ErrMasterKeyBad
	}
	return newMaster(key)
}

func newMaster(key []byte) (*MasterKey, error) {
	sub, err := hkdf.Key(sha256.New, key, nil, "postern wrap 1", masterKeySize)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(sub)
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, err
	}
	return &MasterKey{aead: aead}, nil
}

// Wrap implements [Wrapper].
func (m *MasterKey) Wrap(secret []byte, context ...string) (string, error) {
	return base64.RawURLEncoding.EncodeToString(m.aead.Seal(nil, nil, secret, place(context))), nil
}

// Unwrap implements [Wrapper]. A value that was sealed elsewhere or under another key is
// ErrMasterKeyWrong.
func (m *MasterKey) Unwrap(sealed string, context ...string) ([]byte, error) {
	raw, err := base64.RawURLEncoding.DecodeString(sealed)
	if err != nil {
		return nil, ErrMasterKeyWrong
	}
	secret, err := m.aead.Open(nil, nil, raw, place(context))
	if err != nil {
		return nil, ErrMasterKeyWrong
	}
	return secret, nil
}

// place encodes context so that no two different lists are equal.
func place(context []string) []byte {
	var b []byte
	for _, part := range context {
		b = fmt.Appendf(b, "%d:%s,", len(part), part)
	}
	return b
}
