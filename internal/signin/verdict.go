package signin

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/postern-id/postern/internal/access"
	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/fault"
)

// Faults of Conditional Access.
var (
	// ErrBlocked says that a rule lets nobody in like this, whatever they prove.
	ErrBlocked = &fault.Error{
		Kind: fault.Forbidden, Code: "accessBlocked", AADSTS: 53003,
		Text: "A rule of your organisation stops this sign-in.", Remedy: "Ask the helpdesk, and tell them the name of the rule and the code below.",
	}
	// ErrDeviceNotCompliant wants a device that meets what its policy demands.
	ErrDeviceNotCompliant = &fault.Error{
		Kind: fault.Forbidden, Code: "deviceNotCompliant", AADSTS: 53000,
		Text: "A rule of your organisation wants a device that meets its policy.", Remedy: "Use a device that your organisation manages, or ask the helpdesk what this one lacks.",
	}
	// ErrDeviceNotJoined wants a device of the organisation's domain.
	ErrDeviceNotJoined = &fault.Error{
		Kind: fault.Forbidden, Code: "domainDeviceNeeded", AADSTS: 53001,
		Text: "A rule of your organisation wants a device of its domain.", Remedy: "Use such a device, or ask the helpdesk.",
	}
	// ErrMoreAsked says that a rule changed between the last proof and the end of a sign-in.
	ErrMoreAsked = &fault.Error{
		Kind: fault.Conflict, Code: "signInMoreAsked", AADSTS: 50076,
		Text: "More is asked for now than when this sign-in began.", Remedy: "Go on with the sign-in.",
	}
)

// A Verdict is what a tenant's rules come to for one [Question]. The nil Verdict wants nothing.
type Verdict struct {
	Version   int64 // of the rules
	Blocked   bool
	By        *access.Policy // that blocks, or is not met yet
	Reason    access.Control // why it blocks
	Met       bool           // by the proofs of the question
	MFA       bool
	Strengths []access.Strength
	Since     time.Time // proofs from before it don't count
	// SecondSince is the same for proofs that are more than a first factor.
	SecondSince time.Time
	// Lifetime is the shortest sign-in frequency; zero is none.
	Lifetime time.Duration
	// NoContinuous leaves out continuous access evaluation, which none of the contexts wants.
	NoContinuous bool
	// NeverPersistent keeps the browser from staying signed in; AlwaysPersistent makes it.
	NeverPersistent, AlwaysPersistent bool
	Applied                           []access.Applied // policies with something to say, each once
	Unknown                           bool             // a context was asked for that the tenant does not have
	Compliant                         bool             // the device that asked is
	Risk                              *Risk            // nil: no rule asked for it
}

// passed is met by a pass alone: what a recovery exemption comes to.
var passed = access.Strength{ID: "recoveryExemption", Combinations: []access.Modes{access.PassOneTime, access.PassMultiUse}}

// add makes v want what d wants, too. A block by which a pass would be let is a want of a pass.
func (v *Verdict) add(d access.Decision) {
	if d.Blocked && d.PassHelps {
		d.Blocked, d.Strengths = false, append(slices.Clone(d.Strengths), &passed)
	}
	if d.By != nil && (v.By == nil || d.Blocked && !v.Blocked) {
		v.By, v.Reason = d.By, d.Reason
	}
	v.Blocked, v.MFA, v.Met = v.Blocked || d.Blocked, v.MFA || d.MFA, v.Met && d.Met
	v.NoContinuous = v.NoContinuous && d.NoContinuous
	if d.SecondSince.After(v.SecondSince) {
		v.SecondSince = d.SecondSince
	}
	v.NeverPersistent, v.AlwaysPersistent = v.NeverPersistent || d.NeverPersistent, v.AlwaysPersistent || d.AlwaysPersistent
	for _, s := range d.Strengths {
		if !slices.ContainsFunc(v.Strengths, func(has access.Strength) bool { return has.ID == s.ID && len(has.Combinations) == len(s.Combinations) }) {
			v.Strengths = append(v.Strengths, *s)
		}
	}
	if d.Since.After(v.Since) {
		v.Since = d.Since
	}
	if d.Lifetime > 0 && (v.Lifetime == 0 || d.Lifetime < v.Lifetime) {
		v.Lifetime = d.Lifetime
	}
	for _, one := range d.Applied {
		v.note(one)
	}
}

// shortest is the shortest sign-in frequency that is a time: what has to be proved every time does not end by itself.
const shortest = time.Hour

// Ends is when a session that lasts until end has to be proved anew, if that is earlier.
func (v *Verdict) Ends(proved, end time.Time) time.Time {
	if v == nil || v.Lifetime < shortest {
		return end
	}
	if sooner := proved.Add(v.Lifetime); sooner.Before(end) {
		return sooner
	}
	return end
}

// gravity orders the results of one policy for several things that were asked for at once.
var gravity = map[access.Result]int{
	access.Failure: 3, access.Success: 2, access.ReportedFailure: 3, access.ReportedInterrupted: 2, access.ReportedSuccess: 1,
}

// note keeps how a policy came out. Those that said nothing are left out: an event would be as
// large as the tenant's list of policies.
func (v *Verdict) note(one access.Applied) {
	if gravity[one.Result] == 0 {
		return
	}
	i := slices.IndexFunc(v.Applied, func(has access.Applied) bool { return has.ID == one.ID })
	switch {
	case i < 0:
		v.Applied = append(v.Applied, one)
	case gravity[one.Result] > gravity[v.Applied[i].Result]:
		v.Applied[i] = one
	}
}

// Requirement is what proofs must show for v.
func (v *Verdict) Requirement() Requirement {
	if v == nil {
		return Requirement{}
	}
	return Requirement{Strengths: v.Strengths, Since: v.Since, SecondSince: v.SecondSince}
}

// Bars reports whether no proof helps.
func (v *Verdict) Bars() bool { return v != nil && v.Blocked }

// Allows reports whether v lets in who asked.
func (v *Verdict) Allows() bool { return v == nil || v.Met && !v.Blocked && !v.Unknown }

// Outdated reports whether the proofs are enough but for their age.
func (v *Verdict) Outdated(proofs []Proof) bool {
	return v != nil && !(v.Since.IsZero() && v.SecondSince.IsZero()) && Requirement{Strengths: v.Strengths}.Met(proofs)
}

// Refusal is why v bars; it names the rule.
func (v *Verdict) Refusal() *Refusal {
	r := &Refusal{Code: ErrBlocked.Code}
	if v == nil || v.By == nil {
		return r
	}
	r.Rule, r.Hint = v.By.DisplayName, hintOf(v.By)
	switch v.Reason {
	case access.CompliantDevice:
		r.Code, r.Hint = ErrDeviceNotCompliant.Code, ""
	case access.DomainJoinedDevice:
		r.Code, r.Hint = ErrDeviceNotJoined.Code, ""
	case access.StrengthControl:
		r.Hint = HintFlow
	}
	return r
}

// hintOf says by what a person could be let in by the rule all the same: the first of its
// conditions that is theirs to change.
func hintOf(p *access.Policy) string {
	c := p.Conditions
	switch {
	case c.Flows != nil:
		return HintFlow
	case c.Locations != nil:
		return HintPlace
	case c.Devices != nil || c.Platforms != nil:
		return HintDevice
	}
	return ""
}

// What a person can change who is blocked.
const (
	HintFlow   = "flow"   // sign in on the device itself
	HintPlace  = "place"  // another network
	HintDevice = "device" // another device
)

// A Refusal is that a rule blocks, as it is kept and shown.
type Refusal struct {
	Code string `json:"code"` // of the fault
	Rule string `json:"rule,omitempty"`
	Hint string `json:"hint,omitempty"`
	// Register says that the person may add a method that would do.
	Register bool `json:"register,omitempty"`
}

// Fault is what is told of r.
func (r *Refusal) Fault() *fault.Error {
	for _, f := range []*fault.Error{ErrDeviceNotCompliant, ErrDeviceNotJoined, ErrCantGoOn} {
		if r.Code == f.Code {
			return f
		}
	}
	return ErrBlocked
}

// Text says which rule blocks.
func (r *Refusal) Text() string {
	if r.Rule == "" {
		return r.Fault().Text
	}
	return "The rule “" + r.Rule + "” of your organisation stops this sign-in."
}

// wants is what the proofs of t must show: what was asked for, and what the tenant's rules add.
// How old a proof may be says nothing about those of the sign-in itself; and one more factor
// beside a session stays one.
func (t Transaction) wants() Requirement {
	r := t.Require
	if t.Verdict == nil || r.SingleFactor {
		return r
	}
	r.Strengths = t.Verdict.Strengths
	if since := earlier(t.Verdict.Since, t.CreatedAt); since.After(r.Since) {
		r.Since = since
	}
	r.SecondSince = earlier(t.Verdict.SecondSince, t.CreatedAt)
	return r
}

// judged returns t with what the tenant's rules say of it from place. Before a first proof they
// are not asked, so that no page tells whom they are for (docs/threat-model.md, rule 2).
func (s *Service) judged(ctx context.Context, t Transaction, place Place) (Transaction, error) {
	t.Verdict = nil
	if s.Access == nil || t.User == "" || len(t.Proofs) == 0 && t.Raises == "" || t.Done() || t.Refused != nil {
		return t, nil
	}
	var err error
	t.Verdict, err = s.Judge(ctx, t.question(place, s.Now()))
	return t, err
}

// question is what the rules are asked about t.
func (t Transaction) question(place Place, now time.Time) Question {
	q := Question{
		Tenant: t.Home, User: t.User, Username: t.Username, App: t.Application.ID, Resource: t.Resource, Contexts: t.Contexts,
		Client: access.Browser, Flow: t.Flow, Device: t.Device, Place: place, Unfamiliar: !t.Familiar, Proofs: t.all(), At: now,
	}
	if t.Native || t.Text || t.Flow != "" || t.Application.ID == directory.AgentAppID {
		q.Client = access.NativeClient
	}
	return q
}

// short is the refusal of t, whose proofs are not what a rule wants while nothing that is left
// would be: who may add what would do is told so.
func (s *Service) short(ctx context.Context, t Transaction) (*Refusal, error) {
	r := &Refusal{Code: ErrBlocked.Code}
	if t.Verdict.By != nil {
		r.Rule = t.Verdict.By.DisplayName
	}
	want, have := t.wants(), t.wants().shown(t.all())
	for _, m := range s.Methods {
		if _, pass := m.(Prior); pass || !want.metBy(have.add(m.Yield())) {
			continue
		}
		may, err := s.MayRegister(ctx, t.Home, t.User, m.ID())
		if err != nil {
			return r, err
		}
		if may {
			r.Code, r.Register = ErrCantGoOn.Code, true
			break
		}
	}
	return r, nil
}

// bar ends what t came to because a rule stops it: the proofs are gone, so that nothing goes on
// from them, and a pass that they hold is free again, unspent (docs/threat-model.md, rule 1).
func (s *Service) bar(ctx context.Context, t Transaction, place Place, r *Refusal) (Transaction, error) {
	f := r.Fault()
	e := s.event(t, "", place, nil, s.Now())
	e.SignIn.ErrorCode, e.SignIn.FailureReason = f.AADSTS, f.Text
	pass := t.Pass()
	t.Refused, t.Proofs, t.Stay, t.Chosen, t.OtherWays, t.Asked = r, nil, nil, "", false, t.Asked.over()
	if err := s.Store.Bar(ctx, t, pass, e); err != nil {
		return t, err
	}
	t.Version++
	return t, nil
}

// Describe puts what the rules came to into a sign-in event.
func (v *Verdict) Describe(in *audit.SignIn) {
	if v == nil {
		return
	}
	in.DeviceCompliant = v.Compliant
	v.Risk.Describe(in)
	for _, one := range v.Applied {
		in.Policies = append(in.Policies, audit.AppliedPolicy{
			ID: one.ID, DisplayName: one.DisplayName, Result: string(one.Result), Grant: one.Controls, Session: one.Session, Note: string(one.Note),
		})
		if one.Note == access.Exempted {
			in.AdditionalDetails = audit.RecoveryExemption + one.DisplayName
		}
		if one.Result == access.Failure || one.Result == access.Success {
			in.ConditionalAccess = cmp.Or(in.ConditionalAccess, audit.AccessSuccess)
		}
	}
	if in.ConditionalAccess != "" && !v.Allows() {
		in.ConditionalAccess = audit.AccessFailure
	}
}
