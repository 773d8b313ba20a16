package signin

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/token"
)

// Stay takes the answer to “stay signed in?” and ends the sign-in in a session. The token is
// the same at every repeat by the same browser; held are the sessions that the browser has, of
// which one is raised if t raises one.
func (s *Service) Stay(ctx context.Context, t Transaction, stay bool, handle token.Opaque, place Place, held []token.Opaque) (Transaction, Session, token.Opaque, error) {
	if (!t.Proved() || t.Renews() != "" || t.Refused != nil || !t.fits()) && !t.Done() {
		return t, Session{}, token.Opaque{}, ErrGone
	}
	t, err := s.lastAsked(ctx, t, place)
	if err != nil {
		return t, Session{}, token.Opaque{}, err
	}
	if t.Stay == nil {
		t.Stay = &stay
	}
	t = t.stayRuled()
	now := s.Now()
	done := Completion{At: now}
	if t.Raises != "" && !t.Done() {
		again, old, hash, err := s.raised(ctx, t, held)
		if errors.Is(err, ErrGone) { // perhaps it was raised by this very sign-in, at the same moment
			if t, err = s.Open(ctx, handle); err == nil && !t.Done() {
				err = ErrGone
			}
		} else {
			t, done.Session, done.Raised = again, old, hash
		}
		if err != nil {
			return t, Session{}, token.Opaque{}, err
		}
	}
	if !t.Done() {
		ok, err := s.stillGood(ctx, t)
		if err == nil && !ok {
			// Perhaps it is done, by the same form at the same moment, and a pass is spent.
			again, gone := s.Open(ctx, handle)
			if gone != nil || !again.Done() {
				return t, Session{}, token.Opaque{}, s.refuse(ctx, t, t.lastMethod(), place, errMethodOff, now)
			}
			t, done = again, Completion{At: now}
		}
		if err != nil {
			return t, Session{}, token.Opaque{}, err
		}
	}
	secret, err := s.sessionToken(ctx, t, handle)
	if err != nil {
		return t, Session{}, secret, err
	}
	if done.SecretHash, err = s.Secrets.MAC(ctx, string(t.Home), labelSession, secret.Secret[:]); err != nil {
		return t, Session{}, secret, err
	}
	if t.Device == nil { // the store remembers who signed in on a device by itself
		if done.PlaceHash, err = s.placeHash(ctx, t, place); err != nil {
			return t, Session{}, secret, err
		}
	}
	if done.Raised == "" {
		done.Session = newSession(t, secret.ID, place, now)
	} else {
		done.Session = done.Session.raise(t, place, now)
	}
	done.Transaction, done.Event, done.Method = t, s.event(t, t.lastMethod(), place, nil, now), s.primary(t)
	if err := s.tellGlass(ctx, t, &done.Event); err != nil {
		return t, Session{}, secret, err
	}
	if !t.Done() {
		if err := s.assess(ctx, t, place, &done); err != nil {
			return t, Session{}, secret, err
		}
	}
	if s.Letters != nil && t.Pass() != nil && !t.Done() {
		if done.Mails, err = s.Letters(ctx, done); err != nil {
			return t, Session{}, secret, fmt.Errorf("write the letters about a sign-in: %w", err)
		}
	}
	session, err := s.Store.Complete(ctx, done)
	if errors.Is(err, directory.ErrUserUnknown) { // the log says which: deleted, or disabled since the proof
		err = cmp.Or(s.someone(ctx, t), err)
	}
	switch {
	case errors.Is(err, ErrGone):
		return t, Session{}, secret, err
	case err != nil:
		refused := s.refuse(ctx, t, t.lastMethod(), place, err, now)
		if errors.Is(refused, ErrRefused) && (errors.Is(err, directory.ErrDeviceDisabled) || errors.Is(err, directory.ErrDeviceUnknown) || errors.Is(err, directory.ErrDevicePrepared)) {
			refused = err // tells nothing about the person
		}
		return t, Session{}, secret, refused
	}
	t.Session, secret.ID = session.ID, session.ID
	return t, session, secret, nil
}

// lastAsked asks the rules about t once more, since the policy may have changed after the last
// proof. Who is blocked now keeps their pass.
func (s *Service) lastAsked(ctx context.Context, t Transaction, place Place) (Transaction, error) {
	t, err := s.judged(ctx, t, place)
	switch {
	case err != nil:
		return t, err
	case t.Verdict.Bars():
		if t, err = s.bar(ctx, t, place, t.Verdict.Refusal()); err == nil {
			err = t.Refused.Fault()
		}
		return t, err
	case !t.Proved() && !t.Done():
		return t, ErrMoreAsked
	}
	return t, nil
}

// stayRuled is t with what rules say about staying signed in.
func (t Transaction) stayRuled() Transaction {
	if t.staySettled() {
		stay := !t.Verdict.NeverPersistent
		t.Stay = &stay
	}
	return t
}

func (t Transaction) lastMethod() MethodID {
	if len(t.Proofs) == 0 {
		return ""
	}
	return t.Proofs[len(t.Proofs)-1].Method
}

// sessionToken derives id and secret of the session from the transaction and the browser's
// hold on it, so that a repeat after a lost answer gets the same session.
func (s *Service) sessionToken(ctx context.Context, t Transaction, handle token.Opaque) (token.Opaque, error) {
	o := token.Opaque{Tenant: string(t.Home), ID: uuid.NewSHA1(uuid.MustParse(t.ID), []byte("session")).String()}
	sum, err := s.Secrets.MAC(ctx, string(t.Home), labelSecret, append([]byte(t.ID), handle.Secret[:]...))
	if err != nil {
		return o, err
	}
	copy(o.Secret[:], decode(sum))
	return o, nil
}

// Session returns the living session behind a token and its user, or ErrGone.
func (s *Service) Session(ctx context.Context, o token.Opaque) (Session, directory.User, error) {
	hash, err := s.Secrets.MAC(ctx, o.Tenant, labelSession, o.Secret[:])
	if err != nil {
		return Session{}, directory.User{}, err
	}
	return s.Store.Session(ctx, directory.TenantID(o.Tenant), o.ID, hash, s.Now())
}
