package server

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/tls"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/postern-id/postern/internal/backup"
	"github.com/postern-id/postern/internal/keyring"
)

// caPlace is what the local CA in a backup is sealed for.
func caPlace(id string) []string { return []string{"backup", "localCa", id} }

// sealedCA is the local CA of dir for a backup with that id, or empty where there is none.
func sealedCA(dir, id string, wrapper keyring.Wrapper) (string, error) {
	certificate, err := os.ReadFile(CAFile(dir))
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("read the local CA: %w", err)
	}
	key, err := os.ReadFile(filepath.Join(dir, "tls", "ca.key"))
	if err != nil {
		return "", fmt.Errorf("read the key of the local CA: %w", err)
	}
	return wrapper.Wrap(append(certificate, key...), caPlace(id)...)
}

// restoreCA puts the local CA of a backup into dir, so that whoever trusted the server before
// still does. One that is there stays.
func restoreCA(dir string, h backup.Header, wrapper keyring.Wrapper) error {
	if _, err := os.Stat(CAFile(dir)); err == nil || h.LocalCA == "" {
		return nil
	}
	both, err := wrapper.Unwrap(h.LocalCA, caPlace(h.ID)...)
	if err != nil {
		return backup.ErrDamaged
	}
	pair, err := tls.X509KeyPair(both, both)
	if err != nil {
		return backup.ErrDamaged
	}
	if _, ok := pair.PrivateKey.(*ecdsa.PrivateKey); !ok || !pair.Leaf.IsCA {
		return backup.ErrDamaged
	}
	if err := os.MkdirAll(filepath.Join(dir, "tls"), 0o700); err != nil {
		return fmt.Errorf("make a folder for certificates: %w", err)
	}
	block, _ := pem.Decode(both)
	certificate := pem.EncodeToMemory(block)
	key := bytes.TrimPrefix(both, certificate)
	base := filepath.Join(dir, "tls", "ca")
	if err := replaceFile(base+".key", key, 0o600); err != nil {
		return err
	}
	return replaceFile(base+".pem", certificate, 0o644)
}
