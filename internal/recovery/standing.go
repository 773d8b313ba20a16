package recovery

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/method"
	"github.com/postern-id/postern/internal/webhook"
)

// standing is c with what still stands of what was said and shown, and the versions of the people whose word
// was looked at. Who could not say it any more, or may not have been themselves, lets nobody have a pass; what was
// taken away shows nothing.
func (s Service) standing(ctx context.Context, c Case, about Subject, p Policy) (Case, map[directory.UserID]int64, error) {
	read, known := map[directory.UserID]int64{about.User.ID: about.User.Version}, map[directory.UserID]speaker{}
	var failed error
	falls := func(w word) bool {
		who, met := known[w.by.User]
		if !met {
			var err error
			if who, err = s.speaker(ctx, c.Tenant, w.by.User); err != nil && !errors.Is(err, directory.ErrUserUnknown) {
				failed = errors.Join(failed, err)
			}
			known[w.by.User] = who
			if err == nil {
				read[who.user.ID] = who.user.Version
			}
		}
		return !who.gave(w, about)
	}
	var own method.Estate
	if slices.ContainsFunc(c.Proofs, func(q Proof) bool { return q.Kind == ProofMatch }) {
		if own, failed = s.Registry.Store.Estate(ctx, c.Tenant, c.User, s.Now()); failed != nil {
			return c, nil, failed
		}
	}
	now := s.Now()
	c.Approvals = slices.DeleteFunc(slices.Clone(c.Approvals), func(a Approval) bool {
		return falls(word{a.By, a.Part, a.At, a.SignIn.ProvedBy})
	})
	c.Proofs = slices.DeleteFunc(slices.Clone(c.Proofs), func(q Proof) bool {
		if w, said := q.word(); said && falls(w) || !about.shows(q, p, own, now) {
			return true
		}
		answered, err := s.answered(ctx, c.Tenant, q)
		failed = errors.Join(failed, err)
		return !answered
	})
	return c, read, failed
}

// speaker reads who gives a word.
func (s Service) speaker(ctx context.Context, tenant directory.TenantID, id directory.UserID) (who speaker, err error) {
	if who.user, err = s.People.User(ctx, tenant, id); err != nil {
		return speaker{}, err
	}
	if who.target, err = s.People.TargetOf(ctx, tenant, id); err != nil {
		return speaker{}, err
	}
	if who.estate, err = s.Registry.Store.Estate(ctx, tenant, id, s.Now()); err != nil {
		return speaker{}, err
	}
	who.cases, err = s.Cases.PassCases(ctx, tenant, id)
	return who, err
}

// maySpeak reports, as a fault, why who signed in like by gives no word for others.
func (s Service) maySpeak(ctx context.Context, v View, by Actor, now time.Time) error {
	if err := by.SignIn.fresh(v.Policy, now); err != nil {
		return err
	}
	who, err := s.speaker(ctx, v.Tenant, by.Caller.User)
	if err != nil {
		return err
	}
	return who.settled(by.SignIn, now)
}

// answered reports whether the service that gave an external proof is still asked.
func (s Service) answered(ctx context.Context, tenant directory.TenantID, p Proof) (bool, error) {
	if p.Kind != ProofExternal || p.With == "" {
		return true, nil
	}
	w, err := s.Webhooks.Webhook(ctx, tenant, p.With)
	if errors.Is(err, webhook.ErrUnknown) {
		return false, nil
	}
	return w.Wants(webhook.ProofAsked), err
}
