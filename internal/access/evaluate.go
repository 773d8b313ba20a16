package access

import (
	"cmp"
	"slices"
	"time"

	"github.com/postern-id/postern/internal/directory"
)

// Evaluate holds r against every policy. All that apply count, whatever their order: each may
// ask for more, none for less, with the two exceptions that docs/conditional-access.md names
// (the strength of a user action, and a recovery exemption, which is part of its policy). What
// only reports is in Applied, and changes nothing else.
//
// A policy that doesn't apply costs some nanoseconds, whoever asks, and no allocation.
func (s *Set) Evaluate(r Request) Decision {
	if s.Len() == 0 {
		return Decision{Met: true}
	}
	var room space
	f := s.facts(&r, &room)
	f.apply(s.seen(&r))
	var d Decision
	count, preferred := 0, false // preferred: a policy on the user action brings a strength of its own
	for i := f.next(0); i >= 0; i = f.next(i + 1) {
		count++
		if p := &s.rules[i]; p.enforce {
			p.session.bind(&d, r.At)
			preferred = preferred || p.forAction && f.acts() && !f.spared(i) && p.asks(&f).strength != nil
		}
	}
	if count > 0 {
		d.Applied = make([]Applied, 0, count)
	}
	d.PassHelps = true
	for i := f.next(0); i >= 0; i = f.next(i + 1) {
		d.add(&s.rules[i], &f, preferred, f.spared(i))
	}
	d.PassHelps = d.PassHelps && d.Blocked
	slices.SortFunc(d.Strengths, func(a, b *Strength) int {
		return cmp.Or(cmp.Compare(a.ID, b.ID), cmp.Compare(len(a.Combinations), len(b.Combinations)))
	})
	d.settle(&f)
	return d
}

// settle says whether the proofs meet all that d asks for, and who decides if they don't.
func (d *Decision) settle(f *facts) {
	d.Met = !d.Blocked && f.meets(asked{mfa: d.MFA}, d.Since, d.SecondSince)
	for _, s := range d.Strengths {
		d.Met = d.Met && f.meets(asked{strength: s}, d.Since, d.SecondSince)
	}
	if d.Met || d.By != nil {
		return
	}
	// Each is met by itself, and one wants it newer than the others do.
	for i := f.next(0); i >= 0; i = f.next(i + 1) {
		p := &f.set.rules[i]
		if p.enforce && (p.session.age > 0 && p.since(f.r.At).Equal(d.Since) || p.session.secondAge > 0 && p.secondSince(f.r.At).Equal(d.SecondSince)) {
			d.By = p.policy
			return
		}
	}
}

// add lets a policy that applies count. Spared says that a recovery exemption of the policy
// names who asks.
func (d *Decision) add(p *rule, f *facts, preferred, spared bool) {
	out := Applied{ID: p.policy.ID, DisplayName: p.policy.DisplayName, Controls: p.controls, Session: p.sessions}
	a := p.asks(f)
	switch {
	case spared && f.passed:
		a, out.Controls, out.Note = asked{}, nil, Exempted
	case preferred && p.all && !p.forAction && a.strength != nil:
		a.strength, a.unreachable, out.Note = nil, false, GaveWay
	case spared && a.strength != nil:
		a.strength = p.grant.opened
	}
	if a.refused == "" && a.unreachable {
		a.refused = StrengthControl
	}
	met := a.refused == "" && f.meets(a, p.since(f.r.At), p.secondSince(f.r.At))
	out.Result = p.result(met, a.refused != "")
	d.Applied = append(d.Applied, out)
	if p.enforce {
		d.enforce(p.policy, a, met, spared)
	}
}

// enforce makes d as strict as what a policy asks for.
func (d *Decision) enforce(p *Policy, a asked, met, spared bool) {
	if a.refused != "" {
		// Of several the sternest decides: a block says more than the want of a device.
		if !d.Blocked || a.refused == Block && d.Reason != Block {
			d.Reason, d.By = a.refused, p
		}
		d.Blocked, d.PassHelps = true, d.PassHelps && spared
	}
	if !met && d.By == nil {
		d.By = p
	}
	d.MFA = d.MFA || a.mfa
	if a.strength != nil && !slices.ContainsFunc(d.Strengths, a.strength.same) {
		d.Strengths = append(d.Strengths, a.strength)
	}
}

// same reports whether other is as strong, in the same words.
func (s *Strength) same(other *Strength) bool {
	return s.ID == other.ID && len(s.Combinations) == len(other.Combinations)
}

func (p *rule) result(met, refused bool) Result {
	switch {
	case p.enforce && met:
		return Success
	case p.enforce:
		return Failure
	case met:
		return ReportedSuccess
	case refused:
		return ReportedFailure
	}
	return ReportedInterrupted
}

// asked is what a policy asks for in one request.
type asked struct {
	refused     Control // what can't be given now
	mfa         bool
	strength    *Strength
	unreachable bool // strength can't be met in this flow
}

// asks returns what p asks for of what a request with f can still give.
func (p *rule) asks(f *facts) asked {
	g := p.grant
	if g.block {
		return asked{refused: Block}
	}
	want := asked{mfa: g.mfa, strength: g.strength}
	// Another device signs in on behalf of this one: nobody can tell where its passkey was asked for.
	want.unreachable = g.strength != nil && f.r.Flow == DeviceCodeFlow && g.strength.Resistant()
	if f.r.Action == RegisterDevice && f.acts() {
		return want // the device is about to be: nothing can be asked of it yet
	}
	comply := g.comply && f.r.Device != nil && f.r.Device.Compliant
	joined := g.joined && f.r.Device != nil && f.r.Device.TrustType == directory.TrustHybrid
	switch {
	case g.or && (comply || joined):
		return asked{}
	case g.or && (g.mfa || g.strength != nil && !want.unreachable):
		return want
	case g.comply && !comply:
		want.refused = CompliantDevice
	case g.joined && !joined:
		want.refused = DomainJoinedDevice
	}
	return want
}

func (p *rule) since(at time.Time) time.Time {
	if p.session.age == 0 {
		return time.Time{}
	}
	return at.Add(-p.session.age)
}

func (p *rule) secondSince(at time.Time) time.Time {
	if p.session.secondAge == 0 {
		return time.Time{}
	}
	return at.Add(-p.session.secondAge)
}
