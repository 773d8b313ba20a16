package container

import (
	"bytes"
	"context"
	"crypto/x509"

	"github.com/postern-id/postern/internal/agent/tpm"
	"github.com/postern-id/postern/internal/pinkey"
)

// A Successor is a key that is to take the place of a container's, under a newer reset key. It
// has the same PIN, salt and counter. Both keys are kept until it is known which of the two the
// server has.
type Successor struct {
	Key          tpm.Key `json:"key"`
	Reset        []byte  `json:"reset"` // TPMT_PUBLIC
	ResetVersion int     `json:"resetVersion"`
	// Software is the new key on a device without a TPM, where the others are not used.
	Software *Software `json:"software,omitempty"`
}

// Rotator is what the replacement of a key needs of the server.
type Rotator interface {
	Registry

	// BeginRotation returns what the new key of c is made from.
	BeginRotation(ctx context.Context, c pinkey.Container) (Plan, error)
	// Rotate has the server put the new key in the place of the former one, by whose signature
	// it is to be taken. A repeat answers the same.
	Rotate(ctx context.Context, c pinkey.Container, creation pinkey.Creation, by []byte) error
}

// Rotate makes a new key for a person's PIN under the tenant's present reset root, and has the
// server put it in the place of the former one, which signs for it: the id of the method, and
// what hangs on it, stays (docs/device-protocol.md). The new key is on the disk before the server
// hears of it, and the former one until the server has said that it took the new one.
func (s *Store) Rotate(ctx context.Context, server Rotator, user, pin string) error {
	defer s.lock(user)()
	c, err := s.usable(user)
	if err != nil {
		return err
	}
	if c, err = s.settled(ctx, server, c); err != nil {
		return err
	}
	plan, err := server.BeginRotation(ctx, c.IDs)
	if err != nil {
		return err
	}
	made, creation, err := s.key(plan, c.Salt, pin)
	if err != nil {
		return err
	}
	left, err := s.try(c)
	if err != nil {
		return err
	}
	by, err := s.Chip.Sign(c.Key, pinkey.Auth(c.Salt, pin), pinkey.Successor(c.IDs, plan.Challenge, creation.Public))
	if err != nil {
		return s.failed(c, left, err)
	}
	if err := s.Chip.Set(c.Counter, 0); err != nil {
		return err
	}
	c.Next = &Successor{Key: made.Key, Reset: made.Reset, ResetVersion: made.ResetVersion}
	if err := s.save(c); err != nil {
		return err
	}
	if err := server.Rotate(ctx, c.IDs, creation, by); err != nil {
		return err // whether the server took it is asked when it matters: settled
	}
	return s.save(c.Succeeded())
}

// Settle finds out which key the server has, where two are kept.
func (s *Store) Settle(ctx context.Context, server Registry, user string) error {
	defer s.lock(user)()
	c, err := s.usable(user)
	if err == nil {
		_, err = s.settled(ctx, server, c)
	}
	return err
}

func (s *Store) settled(ctx context.Context, server Registry, c Container) (Container, error) {
	if c.Next == nil {
		return c, nil
	}
	key, err := server.Registered(ctx, c.IDs)
	if err != nil {
		return c, err
	}
	c, err = c.Settled(key)
	if err != nil {
		return c, err
	}
	return c, s.save(c)
}

// Settled is c with the one of its two keys that is key, PKIX; the other one is dropped. It is
// ErrBroken when it is neither.
func (c Container) Settled(key []byte) (Container, error) {
	next := c.Succeeded()
	for _, one := range []Container{next, c} {
		public, err := one.PublicKey()
		if err != nil {
			continue
		}
		if text, err := x509.MarshalPKIXPublicKey(public); err == nil && bytes.Equal(text, key) {
			one.Next = nil
			return one, nil
		}
	}
	return c, ErrBroken
}

// Succeeded is c with its next key in the place of the former one.
func (c Container) Succeeded() Container {
	if n := c.Next; n != nil && n.Software != nil {
		c.Software = n.Software
	} else if n != nil {
		c.Key, c.Reset, c.ResetVersion = n.Key, n.Reset, n.ResetVersion
	}
	c.Next = nil
	return c
}
