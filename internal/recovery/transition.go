package recovery

import (
	"fmt"
	"slices"
	"time"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/method/tap"
)

// Level is what the proofs of c show at now, and since when they do.
func (c Case) Level(p Policy, now time.Time) (Level, time.Time) { return p.level(c.Proofs, now) }

// Approvers are who approves at now: each once, none whose word is too old, and a manager only
// of somebody without a role.
func (c Case) Approvers(p Policy, class Class, now time.Time) []directory.UserID {
	var all []directory.UserID
	for _, a := range c.Approvals {
		counts := a.Part == AsApprover || a.Part == AsManager && class == Everyone
		if counts && now.Before(a.At.Add(p.approvalLife())) && !slices.Contains(all, a.By.User) {
			all = append(all, a.By.User)
		}
	}
	return all
}

// needs is how many have to approve under g at now.
func (p Policy) needs(g Grant, s Subject, now time.Time) int {
	if p.OutOfHours == OutApprove && !p.within(now, s.zone()) {
		return g.Approvals + 1
	}
	return g.Approvals
}

// Missing is how many approvals c still waits for at now.
func (c Case) Missing(p Policy, s Subject, now time.Time) int {
	level, _ := c.Level(p, now)
	g, ok := p.Grant(s.Class, level)
	if !ok {
		return 0
	}
	return max(0, p.needs(g, s, now)-len(c.Approvers(p, s.Class, now)))
}

// Settled is c with the state that its proofs and approvals come to at now.
func (c Case) Settled(p Policy, s Subject, now time.Time) Case {
	if !c.State.Waits() {
		return c
	}
	level, _ := c.Level(p, now)
	_, ok := p.Grant(s.Class, level)
	switch {
	case !ok:
		c.State = Open
	case c.Missing(p, s, now) > 0:
		c.State = Proven
	default:
		c.State = Approved
	}
	return c
}

// waits reports, as a fault, why nobody adds anything to c.
func (c Case) waits(now time.Time) error {
	switch {
	case c.State == Disputed:
		return ErrFrozen
	case !c.State.Waits(), !now.Before(c.ExpiresAt):
		return ErrState.With("", fmt.Sprintf("The case is %s: nothing can be added.", c.shown(now)))
	}
	return nil
}

// shown is the state of c at now, also when nobody has noted yet that its time is over.
func (c Case) shown(now time.Time) CaseState {
	if due := c.Due(); !due.IsZero() && !now.Before(due) {
		return c.Ticked(now).State
	}
	return c.State
}

// WithProof is c with one more proof. That it may be given, and by whom, is checked here; that it
// was given is for the caller to know.
func (c Case) WithProof(p Policy, proof Proof, s Subject, now time.Time) (Case, error) {
	if err := c.waits(now); err != nil {
		return c, err
	}
	rung, ok := RungOf(proof.Kind)
	proof.Level = p.worth(proof)
	switch {
	case !ok || proof.Level == LevelNone:
		return c, ErrProofKind
	case !rung.Person && proof.By.is(c.User):
		return c, ErrOwnCase
	case c.approvedBy(proof.By.User): // or else one person would be two, the other way round
		return c, ErrOwnRequest
	}
	if len(rung.Contact) > 0 && (rung.Attested || rung.Person) {
		if proof.Contact == "" {
			proof.Contact = rung.Contact[0]
		}
		if !slices.Contains(rung.Contact, proof.Contact) {
			return c, ErrContact.With("contact", fmt.Sprintf("%.40q is nothing that this proof goes by.", proof.Contact))
		}
		if !s.OnFile(proof.Contact, p, now) {
			return c, ErrContact
		}
	}
	if proof.Kind == ProofVouch && slices.ContainsFunc(c.Proofs, func(q Proof) bool {
		return q.Kind == ProofVouch && q.By.User == proof.By.User && now.Before(q.At.Add(p.proofLife())) && (q.Numbered || !proof.Numbered)
	}) {
		return c, ErrTwice
	}
	if len(c.Proofs) >= mostSteps {
		return c, ErrInvalid.With("", "The case has too many proofs.")
	}
	proof.At = now
	c.Proofs = append(slices.Clone(c.Proofs), proof)
	return c.Settled(p, s, now), nil
}

// mostSteps bounds what one case keeps.
const mostSteps = 50

// WithApproval is c with one more approval, by somebody who had no part in it so far.
func (c Case) WithApproval(p Policy, a Approval, s Subject, now time.Time) (Case, error) {
	if err := c.waits(now); err != nil {
		return c, err
	}
	later := a.addsNumber(c)
	switch {
	case a.By.is(c.User):
		return c, ErrOwnCase
	case a.By.User == "":
		return c, ErrOwnRequest.With("", "Only a person approves.")
	case !later && c.took(a.By.User):
		return c, ErrOwnRequest
	case !later && slices.ContainsFunc(c.Approvals, func(b Approval) bool { return b.By.User == a.By.User && now.Before(b.At.Add(p.approvalLife())) }):
		return c, ErrTwice
	case a.Part == AsManager && !s.ManagedBy(a.By.User, p, now):
		return c, ErrNotManager
	case len(c.Approvals) >= mostSteps:
		return c, ErrInvalid.With("", "The case has too many approvals.")
	}
	if err := a.SignIn.fresh(p, now); err != nil {
		return c, err
	}
	a.At = now
	c.Approvals = append(slices.Clone(c.Approvals), a)
	if a.Part == AsManager && p.LevelOf(ProofManager) != LevelNone {
		c.Proofs = append(slices.Clone(c.Proofs), Proof{Kind: ProofManager, Level: p.LevelOf(ProofManager), At: now, By: a.By, Note: a.Note, Numbered: a.Numbered, With: a.SignIn.ProvedBy})
	}
	return c.Settled(p, s, now), nil
}

// fresh reports, as a fault, why somebody who signed in like this vouches for nobody.
func (in SignIn) fresh(p Policy, now time.Time) error {
	if in.Pass != "" || in.Purpose != "" || in.ProvedAt.IsZero() || !now.Before(in.ProvedAt.Add(p.fresh())) {
		return ErrApproverSignIn
	}
	return nil
}

// An Order says what pass somebody wants for a case. What is not set follows the policy.
type Order struct {
	Minutes *int
	Once    *bool
	Purpose *tap.Purpose
	// Handed says that nobody sees the pass but who opens it sealed: the server issues it.
	Handed bool
	// Hand is how the pass reaches the person; empty for HandRead.
	Hand Hand
}

// Granted returns the pass that order comes to for c at now, when by issues it; or the fault that
// says why there is none.
func (c Case) Granted(p Policy, order Order, by Person, s Subject, now time.Time) (Order, error) {
	if c.Pass != nil && c.State != Disputed {
		return order, ErrPassGone
	}
	if err := c.waits(now); err != nil {
		return order, err
	}
	if by.is(c.User) {
		return order, ErrOwnCase
	}
	if order.Hand == "" {
		order.Hand = HandRead
	}
	if order.Hand == HandBrowser && !order.Handed { // only the server knows which browser it is
		return order, ErrHand
	}
	if err := p.MayHand(order.Hand, s, by.User); err != nil {
		return order, err
	}
	if order.Hand.ToManager() && !s.ManagedBy(s.User.Manager, p, now) {
		return order, ErrHandManager
	}
	level, since := c.Level(p, now)
	g, ok := p.Grant(s.Class, level)
	if !ok {
		return order, ErrNotProven
	}
	if p.OutOfHours == OutRefuse && !p.within(now, s.zone()) {
		return order, ErrOutOfHours
	}
	approvers := c.Approvers(p, s.Class, now)
	need := p.needs(g, s, now)
	if s.Class == Privileged {
		// Two different people: who issues is one of them, unless it is the server or an application, which may be
		// at the hands of who approved.
		need = max(need, 1)
		if by.User == "" {
			need = max(need, 2)
		}
	}
	switch {
	case len(approvers) < need:
		return order, ErrNotApproved
	case by.User != "" && need > 0 && slices.Contains(approvers, by.User):
		return order, ErrSecondPerson
	}
	if ready := since.Add(time.Duration(g.CoolDown) * time.Minute); now.Before(ready) {
		return order, ErrCoolDown.After(int(ready.Sub(now)/time.Second) + 1)
	}
	return g.fill(order, c.Device)
}

// fill sets what order leaves open, for a case about device, and refuses what g does not allow.
func (g Grant) fill(order Order, device string) (Order, error) {
	if order.Minutes != nil && *order.Minutes > g.Minutes {
		return order, ErrGrant.With("lifetimeInMinutes", fmt.Sprintf("For this level of proof a pass works for %d minutes at most.", g.Minutes))
	}
	if g.Once {
		if order.Once != nil && !*order.Once {
			return order, ErrGrant.With("isUsableOnce", "For this level of proof a pass works once only.")
		}
		order.Once = new(bool)
		*order.Once = true
	}
	if order.Purpose == nil {
		order.Purpose = new(g.Purposes[0].on(device))
	}
	if !slices.Contains(g.Purposes, KindOf(*order.Purpose)) {
		return order, ErrGrant.With("postern_purpose", "For this level of proof a pass is not for that purpose.")
	}
	return order, nil
}

// Lifetime is how many minutes a pass works that order says nothing about: the default of the
// policy of passes, or less.
func (g Grant) Lifetime(usual int) int { return min(usual, g.Minutes) }

// WithPass is c after its pass was issued.
func (c Case) WithPass(i Issued) Case {
	c.State, c.Pass = PassIssued, &i
	return c
}

// WithUse is c after the pass was used; false when that changes nothing.
func (c Case) WithUse(at time.Time) (Case, bool) {
	if c.State != PassIssued {
		return c, false
	}
	c.State, c.UsedAt = Used, at
	return c, true
}

// WithRegistered is c after something was registered with its pass; false when that changes
// nothing. It goes on being noted when c is closed.
func (c Case) WithRegistered(r Registered) (Case, bool) {
	if c.Pass == nil || len(c.Registered) >= mostSteps || slices.ContainsFunc(c.Registered, func(q Registered) bool { return q.ID == r.ID }) {
		return c, false
	}
	c.Registered = append(slices.Clone(c.Registered), r)
	if c.Outcome == SignedIn {
		c.Outcome = Recovered
	}
	return c, true
}

// WithoutPass is c after somebody removed or replaced its pass; false when that changes nothing.
func (c Case) WithoutPass(at time.Time) (Case, bool) {
	switch c.State {
	case PassIssued:
		return c.end(Cancelled, PassTaken, at), true
	case Used:
		return c.end(Closed, c.result(), at), true
	}
	return c, false
}

// Superseded is c after another case of the person got a pass; false when that changes nothing.
func (c Case) Superseded(at time.Time) (Case, bool) {
	if !c.State.Waits() {
		return c, false
	}
	return c.end(Cancelled, Superseded, at), true
}

// Ticked is c after what it does by itself, if that is due at now.
func (c Case) Ticked(now time.Time) Case {
	due := c.Due()
	if due.IsZero() || now.Before(due) {
		return c
	}
	switch c.State {
	case PassIssued:
		return c.end(Expired, NeverUsed, now)
	case Used:
		return c.end(Closed, c.result(), now)
	}
	return c.end(Expired, NotDecided, now)
}

func (c Case) result() Outcome {
	if len(c.Registered) > 0 {
		return Recovered
	}
	return SignedIn
}

func (c Case) end(s CaseState, o Outcome, at time.Time) Case {
	c.State, c.Outcome, c.ClosedAt = s, o, at
	return c
}

// WithCancel is c after it was given up; its pass, if it has one that was not used, goes.
func (c Case) WithCancel(why string, now time.Time) (Case, error) {
	switch {
	case c.State == Disputed:
		return c, ErrFrozen
	case !c.State.Waits() && c.State != PassIssued:
		return c, ErrState.With("", fmt.Sprintf("The case is %s: it can't be cancelled.", c.State))
	}
	c.Why = why
	return c.end(Cancelled, GivenUp, now), nil
}

// WithRefusal is c after somebody did not believe who asked.
func (c Case) WithRefusal(why string, now time.Time) (Case, error) {
	switch {
	case c.State == Disputed:
		return c, ErrFrozen
	case !c.State.Waits():
		return c, ErrState.With("", fmt.Sprintf("The case is %s: it can't be refused.", c.State))
	}
	c.Why = why
	return c.end(Refused, NotBelieved, now), nil
}

// WithDispute is c after somebody denied that it is theirs. Whatever c could still do, it stands
// still; a case that is over can be disputed until the window closes. What was asked for by
// somebody who is not signed in, and has no pass, is over: there is nothing to give back or to
// undo, and whoever it was may ask again.
func (c Case) WithDispute(p Policy, by Person, note string, now time.Time) (Case, error) {
	switch {
	case c.State == Disputed:
		return c, ErrFrozen
	case c.State == Reverted, c.State == Refused, c.State.Over() && c.Pass == nil:
		return c, ErrState.With("", fmt.Sprintf("The case is %s: there is nothing to dispute.", c.State))
	case c.State.Over() && !now.Before(c.ClosedAt.Add(p.DisputeWindow())):
		return c, ErrDisputeOver
	}
	c.Disputed = &Dispute{At: now, By: by, Was: c.State, Note: note}
	if c.Opener.Kind == BySelf && c.Pass == nil {
		c.Why = note
		return c.end(Refused, NotBelieved, now), nil
	}
	c.State = Disputed
	return c, nil
}

// WithRelease is c after somebody found that the dispute was wrong. Its pass stays gone, so that a
// case with one is closed.
func (c Case) WithRelease(now time.Time) (Case, error) {
	if c.State != Disputed {
		return c, ErrState.With("", "The case is not disputed.")
	}
	if was := c.Disputed.Was; was.Waits() {
		c.State = was
		return c, nil
	}
	if c.Outcome == "" {
		c.Outcome = DisputeLifted
	}
	return c.end(Closed, c.Outcome, now), nil
}

// WithReversal is c after somebody found that the dispute was right.
func (c Case) WithReversal(now time.Time) (Case, error) {
	if c.State != Disputed {
		return c, ErrState.With("", "Only a disputed case is reverted.")
	}
	return c.end(Reverted, Impostor, now), nil
}
