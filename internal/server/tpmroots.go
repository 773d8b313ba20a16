package server

import (
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// tpmRoots reads who is trusted to certify the TPMs of devices.
func (s *Server) tpmRoots() ([]*x509.Certificate, error) {
	text := s.options.TPMRoots
	if text == nil {
		var err error
		text, err = os.ReadFile(filepath.Join(s.options.Dir, "tpm-roots.pem"))
		if errors.Is(err, fs.ErrNotExist) {
			return nil, nil
		}
		if err != nil {
			return nil, ErrTPMRoots.With("", fmt.Sprintf("tpm-roots.pem can't be read: %v.", err))
		}
	}
	var all []*x509.Certificate
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		certificate, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, ErrTPMRoots.With("", fmt.Sprintf("tpm-roots.pem holds what is no certificate: %v.", err))
		}
		all = append(all, certificate)
	}
	return all, nil
}
