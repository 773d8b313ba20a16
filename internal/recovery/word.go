package recovery

import (
	"slices"
	"time"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/method"
	"github.com/postern-id/postern/internal/signin"
)

// A word is what somebody said in a case: an approval, or a proof that is no more than that.
type word struct {
	by   Person
	part ApprovalPart
	at   time.Time
	with string // id of the method that it was given with; empty where that is not known
}

// The parts of who says who asks.
const (
	asColleague ApprovalPart = "colleague" // it takes an account that is on
	asAgent     ApprovalPart = "agent"     // directory.HandleCase
)

// word is that of p; false for a proof that the person gave themselves.
func (p Proof) word() (word, bool) {
	part, said := map[ProofKind]ApprovalPart{
		ProofManager: AsManager, ProofVouch: asColleague, ProofInPerson: asAgent, ProofVideo: asAgent, ProofCallBack: asAgent,
	}[p.Kind]
	return word{p.By, part, p.At, p.With}, said
}

// A speaker is who gave a word, as they are now.
type speaker struct {
	user   directory.User
	target directory.Target
	estate method.Estate
	cases  []Case // of theirs, that led to a pass
}

// gave reports whether w still is the speaker's word about somebody. It takes what they could give it by, and
// it falls when they may have been somebody else: when their sessions were ended after it, when what it was given
// with is gone or frozen, or when it is from between the pass of a case of theirs and its dispute.
func (s speaker) gave(w word, about Subject) bool {
	switch {
	case !s.user.AccountEnabled, s.user.SessionsValidFrom.After(w.at), w.with != "" && !has(s.estate, w.with),
		slices.ContainsFunc(s.cases, func(c Case) bool { return c.Doubts(w.at) }):
		return false
	case w.part == AsManager:
		return about.User.Manager == s.user.ID
	case w.part == AsApprover:
		return directory.Holds(s.target.Roles, directory.ApproveCase, about.Target)
	case w.part == asAgent:
		return directory.Holds(s.target.Roles, directory.HandleCase, about.Target)
	}
	return true
}

// Doubts reports whether what the person of c did at at may have been an impostor: after the pass, until somebody
// denied c. What came later was not by what came from the pass, which is frozen or gone. A release ends it. A case
// that can't be read can't be denied either, and nobody can tell.
func (c Case) Doubts(at time.Time) bool {
	if c.Unreadable {
		return !at.Before(c.OpenedAt)
	}
	return (c.State == Disputed || c.State == Reverted) && c.Pass != nil && !at.Before(c.Pass.At) && !at.After(c.Disputed.At)
}

// Spoke reports whether u let c have its pass by a word from then on: they issued it, approved or said who asks.
func (c Case) Spoke(u directory.UserID, from time.Time) bool {
	late := func(by Person, at time.Time) bool { return by.is(u) && !at.Before(from) }
	return c.Pass != nil && late(c.Pass.By, c.Pass.At) ||
		slices.ContainsFunc(c.Approvals, func(a Approval) bool { return late(a.By, a.At) }) ||
		slices.ContainsFunc(c.Proofs, func(p Proof) bool { return late(p.By, p.At) })
}

// recovered is how long who was recovered speaks for nobody by what came from that.
const recovered = 24 * time.Hour

// settled reports, as a fault, that a sign-in came from a recovery of the speaker that is not over, or is less than
// a day old: time for whom it really is to hear of it. A word that would count for nothing is not taken.
func (s speaker) settled(in SignIn, now time.Time) error {
	for _, c := range s.cases {
		if c.Unreadable {
			return ErrApproverUnreadable
		}
		young := now.Before(c.Pass.At.Add(recovered)) || !c.shown(now).Over()
		if young && s.came(in, c) {
			return ErrApproverRecovered
		}
	}
	return nil
}

// came reports whether a sign-in is by what came from c. An agent may have given no proof that resists phishing: then
// their session says so, and where there is none, such as by a device code, nobody can tell.
func (s speaker) came(in SignIn, c Case) bool {
	from := s.estate.From(method.Seed{Case: c.ID, Pass: c.Pass.ID})
	switch {
	case in.Pass == c.Pass.ID:
		return true
	case in.ProvedBy != "":
		return has(from, in.ProvedBy)
	case in.Session != "":
		return slices.ContainsFunc(from.Sessions, func(one signin.Session) bool { return one.ID == in.Session })
	}
	return !c.UsedAt.IsZero()
}

// has reports whether a method is there and signs its person in.
func has(e method.Estate, id string) bool {
	return slices.ContainsFunc(e.Credentials, func(c method.Credential) bool { return c.ID == id && !c.Frozen() }) ||
		slices.ContainsFunc(e.PINs, func(p method.PIN) bool { return p.ID == id })
}

// shows reports whether p, which the person gave or was reached by, still shows who they are: until their sessions
// are ended, what they were reached by changes, or the method that they had is gone.
func (s Subject) shows(p Proof, policy Policy, own method.Estate, now time.Time) bool {
	rung, _ := RungOf(p.Kind)
	changed, ok := s.Changed[p.Contact]
	switch {
	case rung.Person && s.User.SessionsValidFrom.After(p.At),
		p.Contact != "" && (ok && changed.After(p.At) || !s.OnFile(p.Contact, policy, now)),
		p.Kind == ProofMatch && p.With != "" && !has(own, p.With):
		return false
	}
	return true
}
