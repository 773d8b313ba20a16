package soft

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"errors"

	"github.com/postern-id/postern/internal/agent/container"
	"github.com/postern-id/postern/internal/device"
	"github.com/postern-id/postern/internal/pinkey/software"
)

// Create sets up a device PIN. The person is told that it is set when Create returns nil. A
// container that the person has already is replaced, and its key is lost.
func (s *Store) Create(ctx context.Context, server Server, plan Plan, pin string) error {
	defer s.lock(plan.IDs.User)()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	public, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		return err
	}
	d, guard, err := newDraft(plan.IDs, plan.RecoveryKey, pin)
	if err != nil {
		return err
	}
	proof, err := ecdsa.SignASN1(rand.Reader, key, software.Proof(plan.IDs, plan.Challenge))
	if err != nil {
		return err
	}
	answer, err := server.RegisterSoftware(ctx, plan.IDs, device.KeyRequest{Public: public, Signature: proof, Guard: &guard})
	if err != nil {
		return err
	}
	c := container.New(plan.IDs, s.Now())
	c.State, c.Method = container.Ready, answer.MethodID
	if c.Software, err = d.finish(key, container.Formers{}, answer.Share, s.Offline(plan.IDs.User)); err != nil {
		return err
	}
	if err := s.save(c); err != nil {
		return err
	}
	return s.setTries(plan.IDs.User, 0)
}

// Sign signs a SHA-256 digest with a person's key if pin is theirs. The server counts the try
// before it gives its share; without a server (nil) the PIN alone has to do, where policy
// allows it.
func (s *Store) Sign(ctx context.Context, server Server, user, pin string, digest []byte) ([]byte, error) {
	defer s.lock(user)()
	c, err := s.usable(user)
	if err != nil {
		return nil, err
	}
	if c, err = s.settled(ctx, server, c); err != nil {
		return nil, err
	}
	p := stretch(pin, c.Software.Salt)
	box, err := s.unlock(ctx, server, c, p)
	if err != nil {
		return nil, err
	}
	key, _, err := contents(c, box)
	if err != nil {
		return nil, err
	}
	if err := s.followPolicy(c, p, box); err != nil {
		return nil, err
	}
	return ecdsa.SignASN1(rand.Reader, key, digest)
}

func (s *Store) usable(user string) (container.Container, error) {
	c, err := s.Find(user)
	if err == nil && c.State != container.Ready {
		err = container.ErrNoPIN
	}
	return c, err
}

// followPolicy adds or takes away what opens the box without the server.
func (s *Store) followPolicy(c container.Container, p stretched, box []byte) error {
	allowed := s.Offline(c.IDs.User)
	if allowed == (c.Software.Offline != nil) {
		return nil
	}
	next := *c.Software
	next.Offline = nil
	if allowed {
		var err error
		if next.Offline, err = p.offline(c.IDs, box); err != nil {
			return err
		}
	}
	c.Software = &next
	return s.save(c)
}

// Sweep takes away what opens boxes without the server where policy allows it no more. Copies
// of the disk from before keep it.
func (s *Store) Sweep() error {
	users, err := s.Users()
	if err != nil {
		return err
	}
	for _, user := range users {
		if err := s.sweep(user); err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) sweep(user string) error {
	defer s.lock(user)()
	c, err := s.Find(user)
	if err != nil || c.Software.Offline == nil || s.Offline(user) {
		return nil // repair tells of what is broken
	}
	c.Software.Offline = nil
	return s.save(c)
}

// unlock returns the key of the box for a right PIN. Who was wrong too often here is not
// looked at by the server either.
func (s *Store) unlock(ctx context.Context, server Server, c container.Container, p stretched) ([]byte, error) {
	n, err := s.tries(c.IDs.User)
	if err != nil {
		return nil, err
	}
	if n >= container.MaxWrong {
		return nil, container.ErrStopped
	}
	if server != nil {
		box, _, err := s.ask(ctx, server, c, p, nil)
		return box, err
	}
	if c.Software.Offline == nil || !s.Offline(c.IDs.User) {
		return nil, ErrAway
	}
	if err := s.setTries(c.IDs.User, n+1); err != nil { // before it is tried
		return nil, err
	}
	key, err := p.derive(nil, "box offline")
	if err != nil {
		return nil, err
	}
	box, err := open(key, c.IDs, "box offline", c.Software.Offline)
	if err != nil {
		return nil, container.WrongAfter(n + 1)
	}
	return box, s.setTries(c.IDs.User, 0)
}

// ask has the server look at a PIN and opens the box with its share; with next it also gets
// the share for the PIN that follows.
func (s *Store) ask(ctx context.Context, server Server, c container.Container, p stretched, next *software.Guard) (box, share []byte, err error) {
	verifier, err := p.verifier()
	if err != nil {
		return nil, nil, err
	}
	answer, err := server.Try(ctx, c.IDs, device.TryRequest{Verifier: verifier, Next: next})
	if err != nil {
		return nil, nil, err
	}
	if !answer.Right {
		here, err := s.tries(c.IDs.User)
		if err != nil {
			return nil, nil, err
		}
		n := min(container.MaxWrong, max(here+1, container.MaxWrong-answer.Left))
		return nil, nil, errors.Join(container.WrongAfter(n), s.setTries(c.IDs.User, n))
	}
	key, err := p.derive(answer.Share, "box")
	if err != nil {
		return nil, nil, err
	}
	if box, err = open(key, c.IDs, "box by PIN", c.Software.ByPIN); err != nil {
		return nil, nil, err
	}
	return box, answer.Next, s.setTries(c.IDs.User, 0)
}

// Change replaces the PIN, as container.Store's Change. It needs the server: nil is ErrAway.
func (s *Store) Change(ctx context.Context, server Server, user, former, pin string, past int) error {
	defer s.lock(user)()
	if past > 0 && former == pin {
		return container.ErrPresent
	}
	if server == nil {
		return ErrAway
	}
	c, err := s.usable(user)
	if err != nil {
		return err
	}
	if c, err = s.settled(ctx, server, c); err != nil {
		return err
	}
	p := stretch(former, c.Software.Salt)
	box, err := s.unlock(ctx, server, c, p)
	if err != nil {
		return err
	}
	key, known, err := contents(c, box)
	if err != nil {
		return err
	}
	if err := known.Refuse(pin, past-1); err != nil {
		return err
	}
	d, guard, err := newDraft(c.IDs, c.Software.RecoveryKey, pin)
	if err != nil {
		return err
	}
	_, share, err := s.ask(ctx, server, c, p, &guard)
	if err != nil {
		return err
	}
	if c.Software, err = d.finish(key, known.With(former, past-1), share, s.Offline(user)); err != nil {
		return err
	}
	return s.replace(ctx, server, c, d.pin)
}

// replace keeps the box of a new PIN, and tells the server that it counts from now on. Until
// the server heard it, here or at the next sign-in, it takes the former PIN, too, which opens
// nothing that is on this disk.
func (s *Store) replace(ctx context.Context, server Server, c container.Container, p stretched) error {
	c.SetAt = s.Now()
	if err := s.save(c); err != nil {
		return err
	}
	if err := s.setTries(c.IDs.User, 0); err != nil {
		return err
	}
	_, _, err := s.ask(ctx, server, c, p, nil)
	if errors.Is(err, container.ErrBroken) {
		return err
	}
	return nil
}

// Reset gives a forgotten PIN's key a new PIN: the server opens the recovery secret after a
// fresh strong sign-in. The key stays; former PINs are forgotten, as by every reset.
func (s *Store) Reset(ctx context.Context, server Server, user, pin string) error {
	defer s.lock(user)()
	c, err := s.usable(user)
	if err != nil {
		return err
	}
	if c, err = s.settled(ctx, server, c); err != nil {
		return err
	}
	request, err := software.KEM().GenerateKey()
	if err != nil {
		return err
	}
	d, guard, err := newDraft(c.IDs, c.Software.RecoveryKey, pin)
	if err != nil {
		return err
	}
	answer, err := server.Release(ctx, c.IDs, device.ReleaseRequest{Sealed: c.Software.Recovery, To: request.PublicKey().Bytes(), Next: guard})
	if err != nil {
		return err
	}
	opened, err := software.Open(request, software.Release, c.IDs, answer.Sealed)
	if err != nil || len(opened) != software.SecretSize+software.ShareSize {
		return container.ErrBroken
	}
	box, err := open(opened[:software.SecretSize], c.IDs, "box by recovery", c.Software.ByRecovery)
	if err != nil {
		return err
	}
	key, _, err := contents(c, box)
	if err != nil {
		return err
	}
	if c.Software, err = d.finish(key, container.Formers{}, opened[software.SecretSize:], s.Offline(user)); err != nil {
		return err
	}
	return s.replace(ctx, server, c, d.pin)
}

// Remove takes a person's PIN away, here and at the server. What the key opened is lost.
func (s *Store) Remove(ctx context.Context, server Server, user string) error {
	defer s.lock(user)()
	c, err := s.Find(user)
	if errors.Is(err, container.ErrNoPIN) {
		return nil
	}
	if err != nil && !errors.Is(err, container.ErrBroken) {
		return err
	}
	if err == nil {
		if err := server.Remove(ctx, c.IDs); err != nil {
			return err
		}
	}
	return errors.Join(s.Files.Remove(triesFile(user)), s.Files.Remove(user+".json"))
}
