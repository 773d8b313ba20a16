package server

import (
	"crypto/rand"

	"github.com/postern-id/postern/internal/method"
	"github.com/postern-id/postern/internal/method/authenticator"
	"github.com/postern-id/postern/internal/method/passkey"
	"github.com/postern-id/postern/internal/method/password"
	"github.com/postern-id/postern/internal/method/totp"
	"github.com/postern-id/postern/internal/signin"
)

// registry adds and removes people's methods.
func (s *Server) registry() *method.Registry {
	return &method.Registry{
		Store: s.db, Now: s.now, Letters: s.methodLetters, Notify: s.tellPhones,
		Kinds: map[signin.MethodID]method.Kind{
			passkey.MethodID:       {Name: passkey.Name, Strong: true},
			authenticator.MethodID: {Name: "Authenticator app"},
			totp.MethodID:          {Name: "OATH software token", Most: totp.Most},
			password.MethodID:      {Name: "Password", Most: 1, Guarded: true},
		},
	}
}

// codes are the one-time codes of people's apps.
func (s *Server) codes() totp.Enrolment {
	return totp.Enrolment{
		Method: totp.Method{Credentials: s.db, Policies: s.db, Groups: s.db, Keys: s.ring}, Rand: rand.Reader, Now: s.now,
	}
}

// passwords are there for tenants that turned them on.
func (s *Server) passwords() password.Passwords {
	return password.Passwords{
		Method:   password.Method{Credentials: s.db, Policies: s.db, Groups: s.db, Keys: s.ring, Gate: s.gate},
		Registry: s.registry(), Rand: rand.Reader,
	}
}
