package signin

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/fault"
)

// Prove takes what the person typed for a method, or their browser answered. Without a typed
// name the answer of a [Discoverer] names the person. A refusal is ErrRefused, whatever the
// reason, and comes no sooner than Hold after the call. A repeat after success changes
// nothing.
func (s *Service) Prove(ctx context.Context, t Transaction, id MethodID, typed string, place Place) (Transaction, error) {
	if t.Done() || t.Refused != nil {
		return t, nil
	}
	t, err := s.judged(ctx, t, place)
	if err != nil || t.Verdict.Bars() || t.Proved() || t.usedMethod(id) { // the page says why it is blocked
		return t, err
	}
	deadline := time.NewTimer(s.Hold)
	defer deadline.Stop()
	out, err := s.prove(ctx, t, id, typed, place)
	if err == nil || errors.Is(err, ErrBack) {
		return out, err
	}
	if !errors.Is(err, ErrRefused) {
		return t, err
	}
	select {
	case <-deadline.C:
	case <-ctx.Done():
	}
	return t, err
}

func (s *Service) prove(ctx context.Context, t Transaction, id MethodID, typed string, place Place) (Transaction, error) {
	method := s.method(id)
	if method == nil {
		return t, ErrGone
	}
	if t.Username == "" {
		found, err := s.discover(ctx, t, method, typed, place)
		if err != nil {
			return t, err
		}
		t = found
	}
	offers, err := s.enabled(ctx, t)
	switch {
	case err != nil:
		return t, err
	case !among(offers, id):
		return t, s.refuse(ctx, t, id, place, errMethodOff, s.Now())
	case !among(Useful(t, offers), id) && !s.practised(id, typed):
		return t, nil // right or wrong, it would not be enough: nothing is tried, and no pass held
	}
	// A wrong try is an event, and a counter for each name that is typed. Whose browser is known
	// for that name is stopped by the counters before it costs much.
	if !t.Familiar {
		if err := s.charge(ctx, t.Home, place); err != nil {
			return t, err
		}
	}
	now := s.Now()
	counters, err := s.buckets(ctx, t, id, place)
	if err != nil {
		return t, err
	}
	wait, err := s.Store.Charge(ctx, t.Home, counters, now)
	if err != nil {
		return t, fmt.Errorf("charge a try: %w", err)
	}
	if wait > 0 {
		return t, s.refuseLocked(ctx, t, id, place, now)
	}
	if s.practised(id, typed) {
		return t, s.rehearse(ctx, t, id, typed, place, counters, now)
	}
	t, proof, err := s.proof(ctx, t, method, typed, place, now)
	if err == nil {
		err = s.notToIssuer(ctx, t, proof, place, now)
	}
	if errors.Is(err, ErrBack) { // no try was wrong
		if err := s.Store.Refund(ctx, t.Home, counters); err != nil {
			return t, err
		}
		return t, ErrBack
	}
	if err == nil {
		// A newer word of an upstream takes the place of one that was too old.
		t.Proofs = append(slices.DeleteFunc(slices.Clone(t.Proofs), func(p Proof) bool { return p.Method == id }), proof)
		err = s.Store.Accept(ctx, t, counters, now, now.Add(reservation))
		if err == nil {
			t.Version++
			return s.proved(ctx, t, place)
		}
	}
	return t, s.refuse(ctx, t, id, place, err, now)
}

// proved asks the rules about t, which has a new proof. When they block, what the proof holds is
// let go at once.
func (s *Service) proved(ctx context.Context, t Transaction, place Place) (Transaction, error) {
	t, err := s.judged(ctx, t, place)
	if err == nil && t.Verdict.Bars() {
		return s.bar(ctx, t, place, t.Verdict.Refusal())
	}
	return t, err
}

// reservation is how long a proof holds what it will spend (docs/threat-model.md, rule 1).
const reservation = 10 * time.Minute

// proof asks the method, or the upstream of the person's domain.
func (s *Service) proof(ctx context.Context, t Transaction, method Method, typed string, place Place, now time.Time) (Transaction, Proof, error) {
	v, ok := method.(Voucher)
	if !ok {
		p, err := s.verify(ctx, t, method, typed, place, now)
		return t, p, err
	}
	a, err := s.attempt(ctx, t, method.ID(), typed, place, now)
	if err != nil {
		return t, Proof{}, err
	}
	return s.vouch(ctx, t, v, a)
}

// verify asks the method. When there is nobody to ask about, the slow hash is saved; the
// queue before it and the deadline hide that.
func (s *Service) verify(ctx context.Context, t Transaction, method Method, typed string, place Place, now time.Time) (Proof, error) {
	a, err := s.attempt(ctx, t, method.ID(), typed, place, now)
	if err != nil {
		return Proof{}, err
	}
	if err := s.someone(ctx, t); err != nil {
		if busy := method.Queue(ctx, a); busy != nil {
			return Proof{}, busy
		}
		return Proof{}, err
	}
	return method.Verify(ctx, a)
}

// discover returns t with the name of who the answer claims to be of. A claim that nobody can
// have is charged to the network like any other.
func (s *Service) discover(ctx context.Context, t Transaction, method Method, answer string, place Place) (Transaction, error) {
	d, ok := method.(Discoverer)
	if !ok {
		return t, ErrGone
	}
	if err := s.charge(ctx, t.Tenant, place); err != nil {
		return t, err
	}
	now := s.Now()
	a, err := s.attempt(ctx, t, method.ID(), answer, place, now)
	if err != nil {
		return t, err
	}
	tenant, id, err := d.Discover(ctx, a)
	if err == nil && t.Tenant != directory.NoTenant && tenant != t.Tenant {
		err = errUnknownUser
	}
	var user directory.User
	if err == nil {
		user, err = s.Store.User(ctx, tenant, id)
	}
	if errors.Is(err, directory.ErrUserUnknown) || errors.Is(err, directory.ErrTenantUnknown) {
		err = errUnknownUser
	}
	if err != nil {
		if t.Home == "" {
			t.Home = t.Tenant
		}
		return t, s.refuse(ctx, t, method.ID(), place, err, now)
	}
	t.Home, t.Username, t.User, t.DisplayName = tenant, user.UserPrincipalName, id, user.DisplayName
	if t.NameHash, err = s.Secrets.MAC(ctx, string(tenant), labelName, []byte(strings.ToLower(t.Username))); err != nil {
		return t, err
	}
	t.Last, t.Familiar, err = s.familiar(ctx, t, place)
	return t, err
}

// someone reports why there is nobody to verify, or nil.
func (s *Service) someone(ctx context.Context, t Transaction) error {
	if t.User == "" {
		return errUnknownUser
	}
	user, err := s.Store.UserByName(ctx, t.Home, t.Username)
	switch {
	case errors.Is(err, directory.ErrUserUnknown) || err == nil && user.ID != t.User:
		return errUnknownUser
	case err != nil:
		return err
	case !user.AccountEnabled:
		return errDisabled
	}
	return nil
}

// refuse logs why and says only ErrRefused, or NotYet. What is no refusal (an outage, a busy
// gate) is returned as it is.
func (s *Service) refuse(ctx context.Context, t Transaction, id MethodID, place Place, why error, now time.Time) error {
	var f *fault.Error
	told := error(ErrRefused)
	if early, ok := errors.AsType[*NotYet](why); ok {
		f, told = early.Why, early
	} else if said, ok := errors.AsType[*Told](why); ok {
		f, told = said.Why, said
	} else if !errors.As(why, &f) || f.AADSTS == 0 {
		return why
	}
	if err := s.Store.RecordSignIn(ctx, s.event(t, id, place, f, now)); err != nil {
		return fmt.Errorf("record a failed sign-in: %w", err)
	}
	return told
}

func (s *Service) method(id MethodID) Method {
	for _, m := range s.Methods {
		if m.ID() == id {
			return m
		}
	}
	return nil
}

func (s *Service) buckets(ctx context.Context, t Transaction, id MethodID, place Place) ([]Bucket, error) {
	familiar := ""
	if t.Familiar {
		var err error
		if familiar, err = s.placeHash(ctx, t, place); err != nil {
			return nil, err
		}
	}
	return buckets(t.NameHash, accountBucket(t.NameHash, s.method(id), len(t.Proofs) > 0), place, familiar), nil
}
