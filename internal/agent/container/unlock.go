package container

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/postern-id/postern/internal/agent/tpm"
	"github.com/postern-id/postern/internal/pinkey"
)

// Wrong reports a wrong PIN. It is a tpm.ErrWrongPIN.
type Wrong struct {
	Left int           // tries before the container stops
	Wait time.Duration // before the next one is looked at
}

// Error implements error.
func (w Wrong) Error() string { return tpm.ErrWrongPIN.Text }

// Unwrap makes Wrong a fault.
func (w Wrong) Unwrap() error {
	switch w.Left {
	case 0:
		return ErrStopped
	case 1:
		return tpm.ErrWrongPIN.With("", "That's not the PIN. One try is left; then you need web sign-in.")
	}
	return tpm.ErrWrongPIN.With("", fmt.Sprintf("That's not the PIN. %d tries are left.", w.Left))
}

// waits grow with the wrong PINs in a row.
var waits = [MaxWrong + 1]time.Duration{0, 0, time.Second, 5 * time.Second, 15 * time.Second, 0}

// WrongAfter is what is said of the nth wrong PIN in a row.
func WrongAfter(n int) Wrong {
	n = max(0, min(n, MaxWrong))
	return Wrong{Left: MaxWrong - n, Wait: waits[n]}
}

// Left returns how many wrong PINs the container still takes, and how long to wait before
// the next one, counted from the last.
func (s *Store) Left(c Container) (left int, wait time.Duration, err error) {
	n, err := s.Chip.Count(c.Counter)
	if err != nil {
		return 0, 0, broken(err)
	}
	next := WrongAfter(int(min(n, MaxWrong)))
	return next.Left, next.Wait, nil
}

// Sign signs a SHA-256 digest with a person's key if pin is theirs. The wrong PIN is counted
// in the TPM before it is tried, so that taking the power away costs a try and gains none. A
// wrong one is Wrong; after MaxWrong in a row nothing but a reset helps: ErrStopped.
func (s *Store) Sign(user, pin string, digest []byte) ([]byte, error) {
	defer s.lock(user)()
	c, err := s.usable(user)
	if err != nil {
		return nil, err
	}
	left, err := s.try(c)
	if err != nil {
		return nil, err
	}
	signature, err := s.Chip.Sign(c.Key, pinkey.Auth(c.Salt, pin), digest)
	if err != nil {
		return nil, s.failed(c, left, err)
	}
	return signature, s.Chip.Set(c.Counter, 0)
}

// usable returns a container that is ready.
func (s *Store) usable(user string) (Container, error) {
	c, err := s.Find(user)
	if err == nil && c.State != Ready {
		err = ErrNoPIN
	}
	if err == nil && c.Software != nil {
		err = ErrBroken
	}
	return c, err
}

// Holds reports whether the TPM can use the key of c, and counts nothing.
func (s *Store) Holds(c Container) error {
	if c.Software != nil {
		return ErrBroken
	}
	return s.Chip.Holds(c.Key)
}

// try counts one try and returns how many are left after it.
func (s *Store) try(c Container) (int, error) {
	n, err := s.Chip.Count(c.Counter)
	if err != nil {
		return 0, broken(err)
	}
	if n >= MaxWrong {
		return 0, ErrStopped
	}
	n, err = s.Chip.Add(c.Counter)
	return int(MaxWrong - min(n, MaxWrong)), broken(err)
}

// failed says what became of a try. One that the TPM did not look at is given back.
func (s *Store) failed(c Container, left int, err error) error {
	switch {
	case errors.Is(err, tpm.ErrLocked):
		return errors.Join(err, s.Chip.Set(c.Counter, uint64(MaxWrong-left-1)))
	case errors.Is(err, tpm.ErrWrongPIN):
		return WrongAfter(MaxWrong - left)
	case errors.Is(err, tpm.ErrForeign):
		return err
	}
	return fmt.Errorf("use a PIN: %w", err)
}

// broken says that a counter which is gone is a damaged container: it may not count anew.
func broken(err error) error {
	if errors.Is(err, tpm.ErrForeign) {
		return fmt.Errorf("%w (%w)", ErrBroken, err)
	}
	return err
}

// Change replaces the PIN by one that the person chose, if former is the present one and the
// chosen one is none of the last past PINs, the present one counted; the other rules are the
// caller's to check before. A wrong former PIN counts like at Sign.
func (s *Store) Change(user, former, pin string, past int) error {
	defer s.lock(user)()
	if past > 0 && former == pin {
		return ErrPresent
	}
	c, err := s.usable(user)
	if err != nil {
		return err
	}
	policy, _, err := c.policy()
	if err != nil {
		return err
	}
	left, err := s.try(c)
	if err != nil {
		return err
	}
	known, err := s.openHistory(c, former)
	if err != nil {
		return s.failed(c, left, err)
	}
	if err := known.Refuse(pin, past-1); err != nil { // the TPM took the former one
		return errors.Join(err, s.Chip.Set(c.Counter, 0))
	}
	salt, err := s.salt()
	if err != nil {
		return err
	}
	auth := pinkey.Auth(salt, pin)
	next, err := s.Chip.ChangePIN(c.Key, policy, pinkey.Auth(c.Salt, former), auth)
	if err != nil {
		return s.failed(c, left, err)
	}
	if c.Next, err = s.changeNext(c, pinkey.Auth(c.Salt, former), auth); err != nil {
		return err
	}
	if c.History, err = s.keepHistory(c, known.With(former, past-1), auth); err != nil {
		return err
	}
	return s.replace(c, next, salt)
}

// changeNext gives the new PIN to the key that is to take the place of c's, too: it may be the
// one that the server has.
func (s *Store) changeNext(c Container, former, auth []byte) (*Successor, error) {
	if c.Next == nil {
		return nil, nil //nolint:nilnil // as it is in c
	}
	next := *c.Next
	policy, _, err := c.Succeeded().policy()
	if err != nil {
		return nil, err
	}
	next.Key, err = s.Chip.ChangePIN(next.Key, policy, former, auth)
	return &next, err
}

// replace keeps the new wrapping of a key: from then on the new PIN opens it.
func (s *Store) replace(c Container, next tpm.Key, salt []byte) error {
	c.Key, c.Salt, c.SetAt = next, salt, s.Now()
	if err := s.save(c); err != nil {
		return err
	}
	return s.Chip.Set(c.Counter, 0)
}

// resetLifetime is how long the server's signature for a reset works.
const resetLifetime = time.Minute

// Reset gives a forgotten PIN's key a new PIN, which the server authorises after a fresh
// strong sign-in; the caller has checked the rules for the new one. The key, and what hangs on
// it, stays. When it returns an error the former PIN still holds.
func (s *Store) Reset(ctx context.Context, server Server, user, pin string) error {
	defer s.lock(user)()
	c, err := s.usable(user)
	if err != nil {
		return err
	}
	if c, err = s.settled(ctx, server, c); err != nil { // the server signs for the key that it has
		return err
	}
	_, key, err := c.policy()
	if err != nil {
		return err
	}
	salt, err := s.salt()
	if err != nil {
		return err
	}
	reset, err := s.Chip.StartReset()
	if err != nil {
		return err
	}
	defer func() { _ = reset.Close() }()
	signature, err := server.SignReset(ctx, c.IDs, reset.Nonce, resetLifetime)
	if err != nil {
		return err
	}
	next, err := reset.Finish(c.Key, c.IDs, key, signature, resetLifetime, pinkey.Auth(salt, pin))
	if err != nil {
		return err
	}
	c.History = nil // the forgotten PIN would open it
	return s.replace(c, next, salt)
}
