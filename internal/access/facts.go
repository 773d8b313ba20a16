package access

import (
	"math/bits"
	"time"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/membership"
)

// space is the memory of a request, on the stack.
type space struct {
	applies, what, except, exempt, places [room]uint64
	filters                               [2 * room]answer
}

// An answer of a device filter; the zero value was not asked for yet.
type answer int8

const (
	yes answer = iota + 1
	no
)

// facts is a request with what was found out about it.
type facts struct {
	set     *Set
	r       *Request
	who     bitset // policies that are for who asks, then those that apply
	what    bitset // policies that are for what is asked
	exempt  bitset // policies of which a recovery exemption names who asks
	places  bitset // where the address is
	filters []answer
	passed  bool // a pass is among the proofs

	client, platform, userRisk, signInRisk, workloadRisk, flow mask
}

func (s *Set) facts(r *Request, m *space) facts {
	n := s.people.words
	f := facts{
		set: s, r: r, who: zeros(&m.applies, n), what: zeros(&m.what, n), exempt: zeros(&m.exempt, n), places: zeros(&m.places, (len(s.places)+63)/64),
		client: bit(clientTypes, r.Client), platform: bit(platforms, r.Platform), flow: bit(flows, r.Flow),
		userRisk: riskOf(r.UserRisk), signInRisk: riskOf(r.SignInRisk), workloadRisk: riskOf(r.WorkloadRisk),
	}
	if len(s.filters) <= len(m.filters) {
		f.filters = m.filters[:len(s.filters)]
	} else {
		f.filters = make([]answer, len(s.filters))
	}
	except := zeros(&m.except, n)
	s.who(&f, except)
	s.wants(&f, except)
	s.where(&f)
	for i := range r.Proofs {
		f.passed = f.passed || r.Proofs[i].Mode&(PassOneTime|PassMultiUse) != 0
	}
	return f
}

// seen is the device of a request for the filters of s. It goes beside the facts: what they hold
// has to stay on the stack, which the compiler can't tell of what a filter is given.
func (s *Set) seen(r *Request) *membership.Seen {
	if r.Device == nil || len(s.filters) == 0 {
		return nil
	}
	return membership.See(r.Device.Device, r.Device.Compliant)
}

func riskOf(r Risk) mask {
	if r == "" {
		r = RiskNone
	}
	return bit(risks, r)
}

// who finds the policies for whoever asks.
func (s *Set) who(f *facts, except bitset) {
	if w := f.r.Subject.Workload; w != "" {
		f.who.add(s.workloads.every)
		except.add(s.workloads.except)
		s.workloads.find(f.who, except, string(w))
		f.who.drop(except)
		return
	}
	f.who.add(s.people.every)
	except.add(s.people.except)
	s.person(f, except, string(f.r.Subject.User))
	for _, id := range f.r.Subject.Groups {
		s.person(f, except, string(id))
	}
	for _, id := range f.r.Subject.Roles {
		s.people.find(f.who, except, string(id))
	}
	if f.r.Subject.Guest {
		s.people.find(f.who, except, Guests)
	}
	f.who.drop(except)
}

func (s *Set) person(f *facts, except bitset, id string) {
	s.people.find(f.who, except, id)
	f.exempt.add(s.exempt.in[id])
}

// wants finds the policies for what is asked. An exception counts if it is made for all that
// is asked: the application, and the API that it wants.
func (s *Set) wants(f *facts, except bitset) {
	f.what.add(s.wanted.every)
	for _, id := range [...]string{string(f.r.App), string(f.r.Resource), f.r.Action, f.r.Context} {
		if id != "" {
			f.what.add(s.wanted.in[id])
		}
	}
	if f.r.App == "" {
		return
	}
	clear(except)
	except.add(s.wanted.out[string(f.r.App)])
	if f.r.Resource != "" && f.r.Resource != f.r.App {
		except.keep(s.wanted.out[string(f.r.Resource)])
	}
	f.what.drop(except)
}

func (s *Set) where(f *facts) {
	if len(s.places) == 0 {
		return
	}
	address, country := f.r.Address.Unmap().WithZone(""), f.r.Country
	if country == "" && s.abroad && s.countries != nil && address.IsValid() {
		country = s.countries.Country(address)
	}
	for i := range s.places {
		if s.places[i].holds(address, country) {
			f.places.set(i)
		}
	}
}

// apply leaves the policies of which every condition holds.
func (f *facts) apply(seen *membership.Seen) {
	for w := range f.who {
		f.who[w] &= f.what[w]
	}
	for i := f.next(0); i >= 0; i = f.next(i + 1) {
		for c := platform; c < conditions; c++ {
			if !f.holds(c, i, seen) {
				f.who.unset(i)
				break
			}
		}
	}
}

// next is the first of the policies that apply from i on, or -1.
func (f *facts) next(i int) int {
	for w := i / 64; w < len(f.who); w++ {
		if rest := f.who[w] >> (i % 64); rest != 0 {
			return i + bits.TrailingZeros64(rest)
		}
		i = (w + 1) * 64
	}
	return -1
}

// A condition of a policy.
type condition int

// The conditions; those from platform on are looked at one by one.
const (
	who condition = iota
	what
	platform
	client
	location
	userRisk
	signInRisk
	workloadRisk
	flow
	device
	conditions
)

// holds reports whether a condition of policy i holds.
func (f *facts) holds(c condition, i int, seen *membership.Seen) bool {
	p := &f.set.rules[i]
	switch c {
	case who:
		return f.who.has(i)
	case what:
		return f.what.has(i)
	case platform:
		return (p.everyPlatform || p.platforms&f.platform != 0) && p.without&f.platform == 0
	case client:
		return p.clients == 0 || p.clients&f.client != 0
	case location:
		return !p.limited && p.everywhere || !p.nowhere && (p.everywhere || f.places.meets(p.inside)) && !f.places.meets(p.outside)
	case userRisk:
		return p.userRisk == 0 || p.userRisk&f.userRisk != 0
	case signInRisk:
		return p.signInRisk == 0 || p.signInRisk&f.signInRisk != 0
	case workloadRisk:
		return p.workloadRisk == 0 || p.workloadRisk&f.workloadRisk != 0
	case flow:
		return p.flows == 0 || p.flows&f.flow != 0
	case device:
		return p.filter < 0 || f.filtered(p.filter, seen) != p.unlessFilter
	}
	return true
}

// filtered reports whether the device meets a filter; each is asked once a request.
func (f *facts) filtered(i int, seen *membership.Seen) bool {
	if f.filters[i] == 0 {
		f.filters[i] = no
		if f.set.filters[i].Has(seen) {
			f.filters[i] = yes
		}
	}
	return f.filters[i] == yes
}

// spared reports whether a recovery exemption of policy i names who asks, now.
func (f *facts) spared(i int) bool {
	e := f.set.rules[i].policy.Exemption
	return e != nil && f.exempt.has(i) && f.r.At.Before(e.Until)
}

// acts reports whether a user action is all that is asked for. Only the agent joins devices: the
// address of another application's request can be changed to ask for that API, too, and what comes
// of it opens that application.
func (f *facts) acts() bool {
	return f.r.Action != RegisterDevice || f.r.App == "" || f.r.App == directory.AgentAppID
}

// meets reports whether the proofs from since on meet what is asked, one of them being more
// than a first factor from second on.
func (f *facts) meets(a asked, since, second time.Time) bool {
	var modes Modes
	mfa, newest := false, since.IsZero()
	more := second.IsZero()
	for i := range f.r.Proofs {
		p := &f.r.Proofs[i]
		if !p.from(since) {
			continue
		}
		modes, mfa, newest = modes|p.Mode, mfa || p.MFA, true
		more = more || p.Mode&^firstOnly != 0 && p.from(second)
	}
	if !newest || !more || a.mfa && !mfa && !modes.Multifactor() {
		return false
	}
	return a.strength == nil || a.strength.metSince(f.r.Proofs, modes, since)
}

// from reports whether p is of at or later; any proof is, where at is zero.
func (p *Proof) from(at time.Time) bool {
	return at.IsZero() || !p.Undated && !p.At.Before(at)
}

// firstOnly are modes that nobody takes for a second factor.
const firstOnly = Password | Email | CertificateSingle | FederatedSingle

// metSince is [Strength.MetBy] for proofs whose modes from since on are known.
func (s *Strength) metSince(proofs []Proof, modes Modes, since time.Time) bool {
	for _, c := range s.Combinations {
		if !modes.Has(c) {
			continue
		}
		if c&FIDO2 == 0 || len(s.AAGUIDs) == 0 {
			return true
		}
		for i := range proofs {
			if p := &proofs[i]; p.Mode&FIDO2 != 0 && p.from(since) && s.allows(p.AAGUID) {
				return true
			}
		}
	}
	return false
}
