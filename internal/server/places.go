package server

import "github.com/postern-id/postern/internal/places"

// OpenPlaces opens a file that says which country an address is in.
func OpenPlaces(path string) (*places.File, error) { return places.Open(path) }

// readPlaces reads the file of countries again if it changed; when that fails the old one stays.
func (s *Server) readPlaces() {
	again, err := s.options.Places.Reload()
	switch {
	case err != nil:
		s.options.Log.Error("the file of countries was not read; the old one stays", "err", err)
	case again:
		s.options.Log.Info("the file of countries was read again")
	}
}
