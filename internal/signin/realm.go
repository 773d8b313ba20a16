package signin

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/postern-id/postern/internal/directory"
)

// A Realm is what the domain of a name says about where its people sign in. It is the same for
// every name of the domain. The zero Realm is that of a domain whose people sign in here.
type Realm struct {
	Federated bool
	Name      string // of the identity provider elsewhere, the upstream
	PassFirst bool   // a pass comes before the upstream
	Yield     Yield  // the most that the upstream's word shows
}

// Realms returns the realm of a domain, which need not be one of the tenant.
type Realms interface {
	Realm(ctx context.Context, tenant directory.TenantID, domain string) (Realm, error)
}

// A Voucher is a [Method] in which the upstream of a domain says who the person is. It is there
// for people of federated domains only.
type Voucher interface {
	Method
	// Leave returns the address at the upstream where the person goes.
	Leave(ctx context.Context, a Attempt) (string, error)
	// Vouch checks the upstream's answer a.Typed. It returns who it is of, whom it may have
	// created. A.User is empty when nobody has the name. A refusal is one as of
	// [Method.Verify], or ErrBack.
	Vouch(ctx context.Context, a Attempt) (directory.User, Proof, error)
}

// ErrBack says that the upstream has to be asked once more, for what its answer did not show.
var ErrBack = errors.New("the upstream has to be asked for more")

// Away is the way of a transaction to an upstream.
type Away struct {
	Round int  `json:"round"` // from 1; an answer to an earlier one counts for nothing
	Again bool `json:"again,omitempty"`
	// Since leaves out what the person showed there before it: their sessions were ended then.
	Since time.Time `json:"since,omitzero"`
}

// maxRounds is how often a transaction may go to an upstream.
const maxRounds = 20

// over returns a whose answer nobody waits for.
func (a *Away) over() *Away {
	if a == nil {
		return nil
	}
	return &Away{Round: a.Round + 1}
}

// Domain is the domain of the typed name, in lower case.
func (t Transaction) Domain() string {
	return strings.ToLower(t.Username[strings.LastIndexByte(t.Username, '@')+1:])
}

// realm returns the realm of the typed name.
func (s *Service) realm(ctx context.Context, t Transaction) (Realm, error) {
	if s.Realms == nil || t.Username == "" {
		return Realm{}, nil
	}
	r, err := s.Realms.Realm(ctx, t.Home, t.Domain())
	if err != nil {
		return r, fmt.Errorf("read the realm of a domain: %w", err)
	}
	return r, nil
}

// takes reports whether people of the realm may use m now. What they know is asked by their
// upstream and never here; a pass is a first proof only where the realm says so, or where it
// breaks the glass.
func (r Realm) takes(t Transaction, m Method, glass bool) bool {
	_, prior := m.(Prior)
	_, vouches := m.(Voucher)
	switch {
	case vouches:
		return r.Federated
	case !r.Federated:
		return true
	case m.Yield().Factors == Knowledge:
		return false
	}
	return !prior || r.PassFirst || glass || !t.bare()
}

// bare reports whether no proof of t counts yet.
func (t Transaction) bare() bool { return t.Require.shown(t.all()).None() }

// led returns offers as the realm has them: who is led to the upstream is led there before
// anything else, and a pass that breaks the glass comes last.
func (s *Service) led(r Realm, t Transaction, offers []Offer) []Offer {
	if !r.Federated || r.PassFirst || !t.bare() {
		return offers
	}
	offers = slices.Clone(offers)
	for i, o := range offers {
		_, vouches := s.method(o.Method).(Voucher)
		_, prior := s.method(o.Method).(Prior)
		offers[i].First, offers[i].Led, offers[i].Later = vouches, vouches, prior
	}
	return offers
}

// voucher is the method of upstreams, or empty.
func (s *Service) voucher() MethodID {
	for _, m := range s.Methods {
		if _, ok := m.(Voucher); ok {
			return m.ID()
		}
	}
	return ""
}

// Leave sends the person to the upstream of the typed name's domain, and returns the address
// there. The answer to an earlier round counts for nothing from now on.
func (s *Service) Leave(ctx context.Context, t Transaction, place Place) (Transaction, string, error) {
	id := s.voucher()
	v, ok := s.method(id).(Voucher)
	if !ok || t.Username == "" || t.Done() {
		return t, "", ErrGone
	}
	t.OtherWays, t.Chosen = false, id
	t, step, _, err := s.Next(ctx, t, 0, place)
	switch {
	case err != nil:
		return t, "", err
	case step != Step(id), t.Away != nil && t.Away.Round >= maxRounds:
		return t, "", ErrGone
	}
	next := Away{Round: 1}
	if t.Away != nil {
		next = *t.Away
		next.Round++
	}
	t.Away = &next
	a, err := s.attempt(ctx, t, id, "", place, s.Now())
	if err != nil {
		return t, "", err
	}
	to, err := v.Leave(ctx, a)
	if err != nil {
		return t, "", err
	}
	t, err = s.save(ctx, t)
	return t, to, err
}

// vouch takes the upstream's word for who the person is: who the name was typed of, or a new
// person with it.
func (s *Service) vouch(ctx context.Context, t Transaction, v Voucher, a Attempt) (Transaction, Proof, error) {
	if t.Away == nil {
		return t, Proof{}, ErrGone
	}
	// Who has no account, or one that is off, is told what went wrong at the upstream like anybody:
	// else its failures would tell who that is.
	if err := s.someone(ctx, t); err != nil && !errors.Is(err, errDisabled) && (t.User != "" || !errors.Is(err, errUnknownUser)) {
		return t, Proof{}, err
	}
	user, proof, err := v.Vouch(ctx, a)
	if errors.Is(err, ErrBack) {
		back := *t.Away
		back.Again = true
		return s.sendBack(ctx, t, back)
	}
	if err != nil {
		return t, proof, err
	}
	if t.User != "" && t.User != user.ID || !strings.EqualFold(user.UserPrincipalName, t.Username) {
		return t, proof, errUnknownUser
	}
	t.User, t.DisplayName = user.ID, user.DisplayName
	if !user.AccountEnabled {
		return t, proof, errDisabled
	}
	// Known of the person only now that the upstream named them: no departure tells of it before.
	if !proof.Undated && proof.At.Before(user.SessionsValidFrom) {
		back := *t.Away
		back.Since = user.SessionsValidFrom
		return s.sendBack(ctx, t, back)
	}
	return t, proof, nil
}

// sendBack keeps what the upstream is asked for the next time.
func (s *Service) sendBack(ctx context.Context, t Transaction, back Away) (Transaction, Proof, error) {
	t.Away = &back
	t, err := s.save(ctx, t)
	if err == nil {
		err = ErrBack
	}
	return t, Proof{}, err
}

// Realm returns the realm of the typed name, for pages.
func (s *Service) Realm(ctx context.Context, t Transaction) (Realm, error) { return s.realm(ctx, t) }
