package container

import (
	"context"
	"crypto/ecdsa"
	"errors"
	"io"
	"slices"

	"github.com/google/go-tpm/tpm2"

	"github.com/postern-id/postern/internal/agent/tpm"
	"github.com/postern-id/postern/internal/pinkey"
)

// A Plan is what the server says of a container before it is made.
type Plan struct {
	IDs          pinkey.Container
	Reset        *ecdsa.PublicKey
	ResetVersion int
	Challenge    []byte // what the TPM's statement about the key has to answer
}

const saltSize = 16

// Create sets up a device PIN: it makes the key, has the server register it, and only then
// lets the PIN open anything. The person is told that the PIN is set when Create returns nil,
// and not before. A container that the person has already is replaced in the same moment; its
// key is lost, which they were told before.
func (s *Store) Create(ctx context.Context, server Server, plan Plan, pin string) (Container, error) {
	s.making.Lock()
	defer s.making.Unlock()
	defer s.lock(plan.IDs.User)()
	if err := s.sweep(); err != nil {
		return Container{}, err
	}
	former, formerErr := s.Find(plan.IDs.User)
	c, creation, err := s.make(plan, pin)
	if err != nil {
		return Container{}, err
	}
	if c.Method, err = server.Register(ctx, c.IDs, creation); err != nil {
		return Container{}, errors.Join(err, s.Chip.RemoveCounter(c.Counter))
	}
	c.State = Ready
	if err := s.save(c); err != nil {
		return Container{}, err
	}
	if formerErr == nil && former.Counter.Handle != c.Counter.Handle {
		_ = s.Chip.RemoveCounter(former.Counter) // a place in the TPM, no more
	}
	return c, nil
}

// sweep removes the counters that no container names: of one that was cut off while it was
// made. The TPM's memory has room for some dozens.
func (s *Store) sweep() error {
	counters, err := s.Chip.Counters()
	if err != nil || len(counters) == 0 {
		return err
	}
	users, err := s.Users()
	if err != nil {
		return err
	}
	for _, user := range users {
		c, err := s.Find(user)
		if err != nil {
			return nil //nolint:nilerr // it may name any of them; repair removes it
		}
		counters = slices.DeleteFunc(counters, func(h uint32) bool { return h == c.Counter.Handle })
	}
	for _, h := range counters {
		if err := s.Chip.RemoveCounter(tpm.Counter{Handle: h}); err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) make(plan Plan, pin string) (Container, pinkey.Creation, error) {
	salt, err := s.salt()
	if err != nil {
		return Container{}, pinkey.Creation{}, err
	}
	c, creation, err := s.key(plan, salt, pin)
	if err != nil {
		return Container{}, pinkey.Creation{}, err
	}
	c.Counter, err = s.Chip.NewCounter()
	return c, creation, err
}

// key makes the key of a container, which has no counter yet.
func (s *Store) key(plan Plan, salt []byte, pin string) (Container, pinkey.Creation, error) {
	policy, err := pinkey.NewPolicy(plan.IDs, plan.Reset)
	if err != nil {
		return Container{}, pinkey.Creation{}, err
	}
	public, err := pinkey.ResetPublic(plan.Reset)
	if err != nil {
		return Container{}, pinkey.Creation{}, err
	}
	c := New(plan.IDs, s.Now())
	c.Reset, c.ResetVersion, c.Salt = tpm2.Marshal(public), plan.ResetVersion, salt
	var creation pinkey.Creation
	c.Key, creation, err = s.Chip.NewPINKey(policy, pinkey.Auth(salt, pin), s.Attestation, plan.Challenge)
	return c, creation, err
}

func (s *Store) salt() ([]byte, error) {
	salt := make([]byte, saltSize)
	_, err := io.ReadFull(s.Rand, salt)
	return salt, err
}

// Remove takes a person's PIN away, here and at the server. What the key opened is lost.
func (s *Store) Remove(ctx context.Context, server Server, user string) error {
	defer s.lock(user)()
	c, err := s.Find(user)
	if errors.Is(err, ErrNoPIN) {
		return nil
	}
	if err != nil && !errors.Is(err, ErrBroken) {
		return err
	}
	if err == nil {
		if err := server.Remove(ctx, c.IDs); err != nil {
			return err
		}
		if err := s.Chip.RemoveCounter(c.Counter); err != nil {
			return err
		}
	}
	return s.Files.Remove(fileOf(user))
}
