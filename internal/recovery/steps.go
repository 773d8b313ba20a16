package recovery

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/method"
)

// Prove adds a proof that an agent attests. It takes directory.HandleCase on the person.
func (s Service) Prove(ctx context.Context, ref Ref, proof Proof, by Actor) (Case, error) {
	return s.step(ctx, ref, audit.CaseProven, by, func(v View, now time.Time) (Case, Effects, error) {
		if err := directory.May(by.Caller, directory.HandleCase, v.Subject.Target); err != nil {
			return v.Case, Effects{}, err
		}
		if by.Caller.AppOnly() {
			return v.Case, Effects{}, ErrProofKind.With("", "An application attests nothing: a person does.")
		}
		if rung, ok := RungOf(proof.Kind); !ok || !rung.Attested {
			return v.Case, Effects{}, ErrProofKind.With("", "An agent attests inPerson, callBack and video.")
		}
		// How long ago they signed in does not matter, but that it was them.
		who, err := s.speaker(ctx, v.Tenant, by.Caller.User)
		if err == nil {
			err = who.settled(by.SignIn, now)
		}
		if err != nil {
			return v.Case, Effects{}, err
		}
		return s.prove(v, proof, by, now)
	})
}

// ProveSelf adds a proof of the person's own that the caller has checked: something that they
// still have, a code, a credential, the answer of another service.
func (s Service) ProveSelf(ctx context.Context, ref Ref, proof Proof, by Actor) (Case, error) {
	return s.step(ctx, ref, audit.CaseProven, by, func(v View, now time.Time) (Case, Effects, error) {
		if rung, ok := RungOf(proof.Kind); !ok || !rung.Person || by.Browser == "" || proof.Kind == ProofExternal { // that takes an answer
			return v.Case, Effects{}, ErrProofKind
		}
		proof.Browser = by.Browser
		return s.prove(v, proof, by, now)
	})
}

func (s Service) prove(v View, proof Proof, by Actor, now time.Time) (Case, Effects, error) {
	if !noteOK(proof.Note, maxNote) || !noteOK(proof.Reference, maxNote) {
		return v.Case, Effects{}, ErrInvalid.With("note", "")
	}
	proof.By = by.person()
	if proof.With == "" {
		proof.With = by.SignIn.ProvedBy
	}
	var err error
	if proof.Numbered, err = by.numbered(v.Case); err != nil {
		return v.Case, Effects{}, err
	}
	c, err := v.WithProof(v.Policy, proof, v.Subject, now)
	if err != nil {
		return c, Effects{}, err
	}
	return c, Effects{Events: []audit.Event{c.event(audit.CaseProven, v.Subject.User, by, now,
		audit.KeyValue{Key: "Proof", Value: string(proof.Kind)}, audit.KeyValue{Key: "Level", Value: string(c.Proofs[len(c.Proofs)-1].Level)})}}, nil
}

// Vouch adds a colleague's word. They have to be signed in freshly and phishing-resistant.
func (s Service) Vouch(ctx context.Context, ref Ref, note string, by Actor) (Case, error) {
	other, err := s.Subject(ctx, ref.Tenant, by.Caller.User)
	if err != nil {
		return Case{}, err
	}
	return s.step(ctx, ref, audit.CaseProven, by, func(v View, now time.Time) (Case, Effects, error) {
		switch {
		case by.Caller.User == v.User:
			return v.Case, Effects{}, ErrOwnCase
		case v.Opener.is(by.Caller.User):
			return v.Case, Effects{}, ErrOwnRequest
		case !v.Subject.Colleague(other, v.Policy, now):
			return v.Case, Effects{}, ErrNotColleague
		}
		if err := s.maySpeak(ctx, v, by, now); err != nil {
			return v.Case, Effects{}, err
		}
		return s.prove(v, Proof{Kind: ProofVouch, Note: note}, by, now)
	})
}

// Approve adds somebody's approval: the manager's, or that of who may by directory.ApproveCase.
func (s Service) Approve(ctx context.Context, ref Ref, part ApprovalPart, note string, by Actor) (Case, error) {
	return s.step(ctx, ref, audit.CaseApproved, by, func(v View, now time.Time) (Case, Effects, error) {
		if part != AsManager && part != AsApprover || !noteOK(note, maxNote) {
			return v.Case, Effects{}, ErrInvalid.With("", "An approval is a manager's or an approver's, with a short note.")
		}
		if part == AsApprover {
			if err := directory.May(by.Caller, directory.ApproveCase, v.Subject.Target); err != nil {
				return v.Case, Effects{}, err
			}
		}
		numbered, err := by.numbered(v.Case)
		if err != nil {
			return v.Case, Effects{}, err
		}
		c, err := v.WithApproval(v.Policy, Approval{By: by.person(), Part: part, SignIn: by.SignIn, Note: note, Numbered: numbered}, v.Subject, now)
		if err == nil {
			err = s.maySpeak(ctx, v, by, now)
		}
		if err != nil {
			return v.Case, Effects{}, err
		}
		return c, Effects{Events: []audit.Event{c.event(audit.CaseApproved, v.Subject.User, by, now, audit.KeyValue{Key: "Part", Value: string(part)})}}, nil
	})
}

// handle is a step that takes directory.HandleCase, unless the person takes it or the server.
func (s Service) handle(ctx context.Context, ref Ref, activity string, by Actor, change func(v View, now time.Time) (Case, Effects, error)) (Case, error) {
	return s.step(ctx, ref, activity, by, func(v View, now time.Time) (Case, Effects, error) {
		own := by.Self || by.server() || by.Caller.User == v.User || v.Opener.is(by.Caller.User)
		if !own {
			if err := directory.May(by.Caller, directory.HandleCase, v.Subject.Target); err != nil {
				return v.Case, Effects{}, err
			}
		}
		return change(v, now)
	})
}

// Cancel gives a case up. The person, its opener and who handles cases may; the browser in which it was
// asked for, only while it is that browser's alone.
func (s Service) Cancel(ctx context.Context, ref Ref, why string, by Actor) (Case, error) {
	return s.handle(ctx, ref, audit.CaseCancelled, by, func(v View, now time.Time) (Case, Effects, error) {
		if !noteOK(why, maxNote) {
			return v.Case, Effects{}, ErrInvalid.With("note", "")
		}
		if by.Self && !v.alone(by.Browser) {
			return v.Case, Effects{}, ErrOthers
		}
		c, err := v.WithCancel(why, now)
		return c, Effects{EndPass: true}, err
	})
}

// Refuse ends a case because nobody believes that the right person asks. A manager, who says that
// it is not their report, may.
func (s Service) Refuse(ctx context.Context, ref Ref, why string, by Actor) (Case, error) {
	return s.step(ctx, ref, audit.CaseRefused, by, func(v View, now time.Time) (Case, Effects, error) {
		if !v.Subject.ManagedBy(by.Caller.User, v.Policy, now) {
			if err := directory.May(by.Caller, directory.HandleCase, v.Subject.Target); err != nil {
				return v.Case, Effects{}, err
			}
		}
		if !noteOK(why, maxNote) {
			return v.Case, Effects{}, ErrInvalid.With("note", "")
		}
		c, err := v.WithRefusal(why, now)
		return c, Effects{}, err
	})
}

// Dispute freezes a case: its pass and its sessions end, what was registered with it can't be used, and
// devices that joined with it are off. The person, their manager and who handles cases may.
func (s Service) Dispute(ctx context.Context, ref Ref, note string, by Actor) (Case, error) {
	return s.dispute(ctx, ref, note, by, func(Case) error { return nil })
}

func (s Service) dispute(ctx context.Context, ref Ref, note string, by Actor, may func(Case) error) (Case, error) {
	return s.step(ctx, ref, audit.CaseDisputed, by, func(v View, now time.Time) (Case, Effects, error) {
		if !by.Self && !by.server() && by.Caller.User != v.User && !v.Subject.ManagedBy(by.Caller.User, v.Policy, now) {
			if err := directory.May(by.Caller, directory.HandleCase, v.Subject.Target); err != nil {
				return v.Case, Effects{}, err
			}
		}
		if !noteOK(note, maxNote) {
			return v.Case, Effects{}, ErrInvalid.With("note", "")
		}
		if err := may(v.Case); err != nil {
			return v.Case, Effects{}, err
		}
		c, err := v.WithDispute(v.Policy, by.person(), note, now)
		if err != nil || c.Pass == nil {
			return c, Effects{}, err
		}
		q := s.Registry.Quarantining(ctx, v.Subject.User, c.ID, c.passID(), true, by.registryActor())
		q.At = now // by which a release finds what it froze
		return c, Effects{Quarantine: &q}, nil
	})
}

// Release ends a dispute that was wrong: what it froze works again, pass and device PINs stay gone.
// It takes directory.RevertPass on the person, and a person who had no part in the case.
func (s Service) Release(ctx context.Context, ref Ref, note string, by Actor) (Case, error) {
	return s.decide(ctx, ref, audit.CaseLifted, note, by, func(v View, now time.Time) (Case, Effects, error) {
		c, err := v.WithRelease(now)
		if err != nil || c.Pass == nil {
			return c, Effects{}, err
		}
		r := s.Registry.Releasing(ctx, v.Subject.User, c.ID, c.passID(), c.Disputed.At, by.registryActor())
		return c, Effects{Release: &r}, nil
	})
}

// Revert ends a dispute that was right: what was registered with the pass goes for good, and devices that
// joined with it stay off. It takes directory.RevertPass on the person.
func (s Service) Revert(ctx context.Context, ref Ref, note string, by Actor) (Case, error) {
	return s.decide(ctx, ref, audit.CaseReverted, note, by, func(v View, now time.Time) (Case, Effects, error) {
		c, err := v.WithReversal(now)
		if err != nil || c.Pass == nil {
			return c, Effects{}, err
		}
		r := s.Registry.Reverting(ctx, v.Subject.User, c.ID, c.passID(), true, by.registryActor())
		return c, Effects{Revert: &r}, nil
	})
}

func (s Service) decide(ctx context.Context, ref Ref, activity, note string, by Actor, change func(v View, now time.Time) (Case, Effects, error)) (Case, error) {
	return s.step(ctx, ref, activity, by, func(v View, now time.Time) (Case, Effects, error) {
		if err := directory.May(by.Caller, directory.RevertPass, v.Subject.Target); err != nil {
			return v.Case, Effects{}, err
		}
		// Who took part does not say that all was well, with a pass or before there is one; an application is
		// whoever holds its secret.
		if activity == audit.CaseLifted && by.Caller.User == "" {
			return v.Case, Effects{}, ErrPersonOnly
		}
		if activity == audit.CaseLifted && v.tookPart(by.person()) {
			return v.Case, Effects{}, ErrOwnRequest
		}
		if !noteOK(note, maxNote) {
			return v.Case, Effects{}, ErrInvalid.With("note", "")
		}
		c, e, err := change(v, now)
		c.Why = note
		return c, e, err
	})
}

// registryActor is by as package method knows it.
func (a Actor) registryActor() method.Actor {
	return method.Actor{By: a.By, CorrelationID: a.CorrelationID, Self: a.Self}
}

// passID is the pass of c, or empty.
func (c Case) passID() string {
	if c.Pass == nil {
		return ""
	}
	return c.Pass.ID
}

// sweepBatch is how many cases one round of [Service.Sweep] looks at.
const sweepBatch = 200

// Sweep does what cases of a tenant do by themselves: they expire, or close.
func (s Service) Sweep(ctx context.Context, tenant directory.TenantID) error {
	now := s.Now()
	due, err := s.Cases.DueCases(ctx, tenant, now, sweepBatch)
	if err != nil {
		return err
	}
	var unread error
	for _, c := range due {
		if c.Unreadable { // those of others end all the same
			unread = errors.Join(unread, fmt.Errorf("recovery case %s: %w", c.ID, directory.ErrUnreadable))
			continue
		}
		next := c.Ticked(now)
		if next.State == c.State {
			continue
		}
		activity := audit.CaseExpired
		if next.State == Closed {
			activity = audit.CaseClosed
		}
		u, err := s.People.User(ctx, tenant, c.User)
		if err != nil && !isFault(err) {
			return err
		}
		e, err := s.effects(ctx, next, activity, u, Actor{}, audit.KeyValue{Key: "Outcome", Value: string(next.Outcome)})
		if err != nil {
			return err
		}
		switch err := s.Cases.SaveCase(ctx, next, e); {
		case err == nil:
			s.tell(ctx, next, activity, u, Actor{})
		case !isFault(err): // else somebody was faster
			return err
		}
	}
	return unread
}
