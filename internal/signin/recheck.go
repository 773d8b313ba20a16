package signin

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/postern-id/postern/internal/directory"
)

// Recheck asks once more, within a session, for what a method of the person checks, such as
// the password that is to be changed. It counts and is held like a try at a sign-in, so that
// a session that was left open is no place to guess at; a failure is a sign-in event. What the
// method's credential counts does not move. The error is ErrRefused, or an outage.
func (s *Service) Recheck(ctx context.Context, session Session, user directory.User, app App, correlation string, id MethodID, typed string, place Place) error {
	deadline := time.NewTimer(s.Hold)
	defer deadline.Stop()
	err := s.recheck(ctx, Transaction{
		Tenant: session.Tenant, Home: session.Tenant, ID: session.ID, CorrelationID: correlation, Application: app,
		Username: user.UserPrincipalName, User: user.ID, DisplayName: user.DisplayName,
	}, id, typed, place)
	if errors.Is(err, ErrRefused) {
		select {
		case <-deadline.C:
		case <-ctx.Done():
		}
	}
	return err
}

func (s *Service) recheck(ctx context.Context, t Transaction, id MethodID, typed string, place Place) error {
	method := s.method(id)
	if method == nil {
		return ErrGone
	}
	var err error
	if t.NameHash, err = s.Secrets.MAC(ctx, string(t.Home), labelName, []byte(strings.ToLower(t.Username))); err != nil {
		return err
	}
	if _, t.Familiar, err = s.familiar(ctx, t, place); err != nil {
		return err
	}
	now := s.Now()
	counters, err := s.buckets(ctx, t, id, place)
	if err != nil {
		return err
	}
	wait, err := s.Store.Charge(ctx, t.Home, counters, now)
	if err != nil {
		return fmt.Errorf("charge a try: %w", err)
	}
	if wait > 0 {
		return s.refuseLocked(ctx, t, id, place, now)
	}
	if _, err := s.verify(ctx, t, method, typed, place, now); err != nil {
		return s.refuse(ctx, t, id, place, err, now)
	}
	return s.Store.Refund(ctx, t.Home, counters)
}

// refuseLocked refuses a try that a throttle stopped. Of those of a minute the first is an
// event, all others are counted.
func (s *Service) refuseLocked(ctx context.Context, t Transaction, id MethodID, place Place, now time.Time) error {
	if s.Refusals.Add(t.Home, t.NameHash, place.Network(), s.event(t, id, place, errLocked, now)) {
		return s.refuse(ctx, t, id, place, errLocked, now)
	}
	return ErrRefused
}
