package server

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/postern-id/postern/internal/method/passkey"
)

// passkeys are how people sign in with passkeys.
func (s *Server) passkeys(makers *passkey.Makers) passkey.Method {
	return passkey.Method{
		Store: s.db, Policies: s.db, Groups: s.db, Party: passkey.NewRelyingParty(s.options.PublicURL), Makers: makers,
	}
}

// makers reads who is trusted to say what a security key is; without the files nobody is.
func (s *Server) makers() (*passkey.Makers, error) {
	blob, err := s.optionalFile("passkey-metadata.jwt")
	if err != nil {
		return nil, err
	}
	roots, err := s.optionalFile("passkey-roots.pem")
	if err != nil {
		return nil, err
	}
	return passkey.LoadMakers(blob, roots, nil)
}

// optionalFile reads a file of the data directory; nil when it is not there.
func (s *Server) optionalFile(name string) ([]byte, error) {
	text, err := os.ReadFile(filepath.Join(s.options.Dir, name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, passkey.ErrMetadata.With("", fmt.Sprintf("%s can't be read: %v.", name, err))
	}
	return text, nil
}
