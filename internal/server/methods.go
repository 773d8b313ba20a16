package server

import (
	"context"

	"github.com/postern-id/postern/internal/method"
	"github.com/postern-id/postern/internal/outbox"
	"github.com/postern-id/postern/internal/signin"
)

// registry adds and removes people's methods.
func (s *Server) registry() *method.Registry {
	return &method.Registry{
		Store: s.db, Now: s.now, Letters: s.methodLetters,
		Kinds: map[signin.MethodID]method.Kind{},
	}
}

// methodLetters tell a person that their methods changed.
func (s *Server) methodLetters(context.Context, method.Change) ([]outbox.Item, error) { return nil, nil }
