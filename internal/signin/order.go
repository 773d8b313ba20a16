package signin

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sort"

	"github.com/postern-id/postern/internal/directory"
)

// A Prior is a [Method] that is asked for before all others while it works: the pass, which is
// there because others fail.
type Prior interface {
	// Prior reports whether the user can use the method right now.
	Prior(ctx context.Context, tenant directory.TenantID, user directory.UserID) (bool, error)
}

// Sorted returns offers in the order in which they are made: what comes first by itself, then
// what the person used last here, unless strongest is asked for, then by strength. Equal ones
// stay as they are.
func Sorted(offers []Offer, last MethodID, strongest bool) []Offer {
	place := func(o Offer) int {
		switch {
		case o.First:
			return 0
		case o.Method == last && !strongest:
			return 1
		case o.Later:
			return 3
		}
		return 2
	}
	all := slices.Clone(offers)
	sort.SliceStable(all, func(i, j int) bool {
		a, b := all[i], all[j]
		return cmp.Or(cmp.Compare(place(a), place(b)), cmp.Compare(b.Yield.strength(), a.Yield.strength())) < 0
	})
	return all
}

// strength ranks what a proof shows.
func (y Yield) strength() int {
	switch {
	case y.PhishingResistant && y.Factors.Multi():
		return 4
	case y.PhishingResistant:
		return 3
	case y.Factors.Multi():
		return 2
	case y.Factors&Possession != 0:
		return 1
	}
	return 0
}

// offers returns what t may be asked for, in order: in a familiar place, and after a first
// proof, what this person can use now, elsewhere what policy enables for anybody, so that no
// page tells who exists.
func (s *Service) offers(ctx context.Context, t Transaction) ([]Offer, error) {
	all, err := s.enabled(ctx, t)
	if err != nil {
		return nil, err
	}
	realm, err := s.realm(ctx, t)
	if err != nil {
		return nil, err
	}
	if !t.Familiar && len(t.Proofs) == 0 && t.Raises == "" {
		for i, o := range all {
			_, all[i].First = s.method(o.Method).(Prior)
		}
		return Sorted(s.led(realm, t, all), "", true), nil
	}
	var own []Offer
	for _, o := range all {
		m := s.method(o.Method)
		if o.Yield, err = m.Offered(ctx, t.Home, t.User); err != nil {
			return nil, fmt.Errorf("ask method %s: %w", o.Method, err)
		}
		if o.Yield.None() {
			continue
		}
		if prior, ok := m.(Prior); ok {
			if o.First, err = prior.Prior(ctx, t.Home, t.User); err != nil {
				return nil, fmt.Errorf("ask method %s: %w", o.Method, err)
			}
			o.Later = !o.First
		}
		own = append(own, o)
	}
	if len(own) < 2 {
		return own, nil
	}
	strongest, err := s.Policies.StrongestFirst(ctx, t.Home, t.User)
	if err != nil {
		return nil, fmt.Errorf("read whose strongest method comes first: %w", err)
	}
	last := t.Last
	if realm.Federated && !among(own, last) { // a PIN is not asked for on a page
		last = s.voucher()
	}
	return Sorted(s.led(realm, t, own), last, strongest), nil
}

// enabled returns what policy enables where t is shown, for anybody.
func (s *Service) enabled(ctx context.Context, t Transaction) ([]Offer, error) {
	tenant := t.Home
	if tenant == "" {
		tenant = t.Tenant
	}
	p, err := s.Policies.SignInPolicy(ctx, tenant)
	if err != nil {
		return nil, fmt.Errorf("read the sign-in policy: %w", err)
	}
	realm, err := s.realm(ctx, t)
	if err != nil {
		return nil, err
	}
	var all []Offer
	for _, m := range s.Methods {
		if ok, _ := p.Allows(t.Surface(), m.ID()); !ok || t.Text && needsPage(m) || !realm.takes(t, m, slices.Contains(p.BreakGlass, m.ID())) {
			continue
		}
		ok, err := m.Enabled(ctx, tenant)
		if err != nil {
			return nil, fmt.Errorf("ask method %s: %w", m.ID(), err)
		}
		if !ok {
			continue
		}
		o := Offer{Method: m.ID(), Yield: m.Yield()}
		if _, vouches := m.(Voucher); vouches {
			o.Yield = realm.Yield
		}
		all = append(all, o)
	}
	return s.led(realm, t, all), nil
}

// needsPage reports whether a method can't be asked for by one line of text.
func needsPage(m Method) bool {
	_, prompts := m.(Prompter)
	_, asks := m.(Asker)
	_, vouches := m.(Voucher)
	return prompts || asks || vouches
}

// stillGood reports whether the methods of t's own proofs may still be used, here and by this
// person: a policy may have changed between the first proof and the last, and a method too.
func (s *Service) stillGood(ctx context.Context, t Transaction) (bool, error) {
	all, err := s.enabled(ctx, t)
	if err != nil {
		return false, err
	}
	for _, p := range t.Proofs {
		if !among(all, p.Method) {
			return false, nil
		}
		y, err := s.method(p.Method).Offered(ctx, t.Home, t.User)
		if err != nil || y.None() {
			return false, err
		}
	}
	return true, nil
}

// primary is the method that is asked for first when the person of t comes back; empty when
// that stays as it was.
func (s *Service) primary(t Transaction) MethodID {
	if len(t.Earlier) > 0 || len(t.Proofs) == 0 {
		return ""
	}
	if _, prior := s.method(t.Proofs[0].Method).(Prior); prior {
		return ""
	}
	return t.Proofs[0].Method
}

func among(offers []Offer, id MethodID) bool {
	return slices.ContainsFunc(offers, func(o Offer) bool { return o.Method == id })
}
