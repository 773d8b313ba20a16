package soft

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"

	"github.com/postern-id/postern/internal/agent/container"
	"github.com/postern-id/postern/internal/device"
	"github.com/postern-id/postern/internal/pinkey"
	"github.com/postern-id/postern/internal/pinkey/software"
)

// Rotate makes a new key for a person's PIN, as container.Store's Rotate: with it all that
// follows from the tenant's root is new, the recovery key and the server's share.
func (s *Store) Rotate(ctx context.Context, server Server, user, pin string) error {
	defer s.lock(user)()
	c, err := s.usable(user)
	if err != nil {
		return err
	}
	if c, err = s.settled(ctx, server, c); err != nil {
		return err
	}
	box, err := s.unlock(ctx, server, c, stretch(pin, c.Software.Salt))
	if err != nil {
		return err
	}
	former, known, err := contents(c, box)
	if err != nil {
		return err
	}
	plan, err := server.BeginSoftRotation(ctx, c.IDs)
	if err != nil {
		return err
	}
	d, guard, err := newDraft(c.IDs, plan.RecoveryKey, pin)
	if err != nil {
		return err
	}
	next, in, err := d.succeed(former, known, plan)
	if err != nil {
		return err
	}
	in.Guard = &guard
	c.Next = &container.Successor{Software: next}
	if err := s.save(c); err != nil {
		return err
	}
	if err := server.RotateSoftware(ctx, c.IDs, in); err != nil {
		return err // whether the server took it is asked when it matters: settled
	}
	c = c.Succeeded()
	if err := s.save(c); err != nil {
		return err
	}
	return s.followPolicy(c, d.pin, d.box)
}

// succeed makes a new key, ready to be used, and what shows the server that the former one
// stands for it.
func (d *draft) succeed(former *ecdsa.PrivateKey, known container.Formers, plan Plan) (*container.Software, device.RotateRequest, error) {
	var in device.RotateRequest
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, in, err
	}
	next, err := d.finish(key, known, plan.Share, false)
	if err != nil {
		return nil, in, err
	}
	in.Public = next.Public
	if in.Signature, err = ecdsa.SignASN1(rand.Reader, key, software.Proof(d.c, plan.Challenge)); err != nil {
		return nil, in, err
	}
	in.By, err = ecdsa.SignASN1(rand.Reader, former, pinkey.Successor(d.c, plan.Challenge, next.Public))
	return next, in, err
}

// Settle finds out which key the server has, where two are kept.
func (s *Store) Settle(ctx context.Context, server Server, user string) error {
	defer s.lock(user)()
	c, err := s.usable(user)
	if err == nil {
		_, err = s.settled(ctx, server, c)
	}
	return err
}

// settled is c with the key that the server has; without a server it is c as it is.
func (s *Store) settled(ctx context.Context, server Server, c container.Container) (container.Container, error) {
	if c.Next == nil || server == nil {
		return c, nil
	}
	key, err := server.Registered(ctx, c.IDs)
	if err != nil {
		return c, err
	}
	if c, err = c.Settled(key); err != nil {
		return c, err
	}
	return c, s.save(c)
}
