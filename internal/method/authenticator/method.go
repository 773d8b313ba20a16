package authenticator

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/postern-id/postern/internal/access"
	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/fault"
	"github.com/postern-id/postern/internal/signin"
)

// Method lets people sign in by their phone.
type Method struct{ Phones }

// ID implements [signin.Method].
func (Method) ID() signin.MethodID { return MethodID }

// Name implements [signin.Method].
func (Method) Name() string { return audit.MethodAuthenticator }

// Yield implements [signin.Method].
func (Method) Yield() signin.Yield { return yield(true) }

func yield(verified bool) signin.Yield {
	if verified {
		return signin.Yield{Factors: signin.Possession | signin.Inherence, Modes: access.DeviceBasedPush}
	}
	return signin.Yield{Factors: signin.Possession, Modes: access.AuthenticatorPush}
}

// Yield is what approving by p shows for somebody who may approve in mode, and nothing when they
// may not with this phone.
func (p Phone) Yield(mode string) signin.Yield {
	if len(usable([]Phone{p}, mode)) == 0 {
		return signin.Yield{}
	}
	return yield(mode != ModePush && p.Verifies)
}

// Enabled implements [signin.Method].
func (m Method) Enabled(ctx context.Context, tenant directory.TenantID) (bool, error) {
	p, _, err := m.Policy(ctx, tenant)
	return p.Enabled(), err
}

// InScope implements [signin.Scoped]: whether policy lets the user approve by a phone.
func (m Method) InScope(ctx context.Context, tenant directory.TenantID, user directory.UserID) (bool, error) {
	mode, _, _, err := m.mode(ctx, tenant, user)
	return mode != "", err
}

// Offered implements [signin.Method]: two factors when a phone of the person verifies its user.
func (m Method) Offered(ctx context.Context, tenant directory.TenantID, user directory.UserID) (signin.Yield, error) {
	mode, _, _, err := m.mode(ctx, tenant, user)
	if err != nil || mode == "" {
		return signin.Yield{}, err
	}
	all, err := m.Of(ctx, tenant, user)
	if err != nil {
		return signin.Yield{}, err
	}
	all = usable(all, mode)
	if len(all) == 0 {
		return signin.Yield{}, nil
	}
	return yield(mode != ModePush && slices.ContainsFunc(all, func(p Phone) bool { return p.Verifies })), nil
}

// Ask implements [signin.Asker].
func (m Method) Ask(ctx context.Context, a signin.Attempt) error {
	if a.Asked == nil {
		return errNotPhone
	}
	r := Request{
		Tenant: a.Tenant, User: a.User, ID: a.Asked.Request, Transaction: a.Transaction, CreatedAt: a.At, EndsAt: a.Asked.EndsAt,
		Number: Number(a.Challenge, a.Asked.Round), Familiar: a.Familiar,
		Application: a.Application.DisplayName, Address: a.Place.Address.String(), Device: a.Device.Name(), Joined: a.Device != nil,
	}
	if r.Device == "" {
		browser, system := signin.DescribeAgent(a.Place.UserAgent)
		r.Device = strings.Trim(browser+", "+system, ", ")
	}
	err := m.Store.Ask(ctx, r, a.At)
	var held *fault.Error
	if errors.As(err, &held) && held.AADSTS != 0 { // held back, which no page tells
		return nil
	}
	if err == nil {
		m.Send(a.Tenant, a.User)
	}
	return err
}

// Waiting implements [signin.Asker]. That somebody denied is told in familiar places only:
// elsewhere it would tell who has a phone.
func (m Method) Waiting(ctx context.Context, a signin.Attempt) (bool, error) {
	if a.Asked == nil || !a.At.Before(a.Asked.EndsAt) {
		return false, nil
	}
	r, err := m.Store.Request(ctx, a.Tenant, a.User)
	if err != nil {
		return false, err
	}
	_, err = r.Proof(a.Asked.Request, a.Transaction, a.At)
	if err == nil {
		return false, nil
	}
	open := errors.Is(err, ErrWaiting) || errors.Is(err, ErrNotSent)
	return open || !a.Familiar && len(a.Proofs) == 0, nil
}

// A Prompt is what the page shows.
type Prompt struct {
	Number string    `json:"number"` // of the request that is out, else of the next one
	EndsAt time.Time `json:"endsAt,omitzero"`
	Again  bool      `json:"again,omitempty"` // a request ended before
}

// Prompt implements [signin.Prompter]. The number is there before a request goes out.
func (m Method) Prompt(ctx context.Context, a signin.Attempt) ([]byte, error) {
	p, round := Prompt{}, 1
	if a.Asked != nil {
		out, err := m.out(ctx, a)
		if err != nil {
			return nil, err
		}
		round = a.Asked.Round
		if out {
			p.EndsAt = a.Asked.EndsAt
		} else {
			round, p.Again = round+1, true
		}
	}
	p.Number = Number(a.Challenge, round)
	return json.Marshal(p)
}

// out reports whether the page goes on with the request that it sent: nobody answered yet, as
// far as it may tell, or it was approved.
func (m Method) out(ctx context.Context, a signin.Attempt) (bool, error) {
	if !a.At.Before(a.Asked.EndsAt) || a.User == "" {
		return a.At.Before(a.Asked.EndsAt), nil
	}
	waiting, err := m.Waiting(ctx, a)
	if err != nil || waiting {
		return waiting, err
	}
	r, err := m.Store.Request(ctx, a.Tenant, a.User)
	return r.ID == a.Asked.Request && r.Outcome == Approved, err
}

// Verify implements [signin.Method]: the answer is in the store, and nothing is typed.
func (m Method) Verify(ctx context.Context, a signin.Attempt) (signin.Proof, error) {
	if a.Asked == nil || a.Asked.Method != MethodID {
		return signin.Proof{}, ErrNotSent
	}
	mode, _, _, err := m.mode(ctx, a.Tenant, a.User)
	if err != nil {
		return signin.Proof{}, err
	}
	if mode == "" {
		return signin.Proof{}, errOff
	}
	r, err := m.Store.Request(ctx, a.Tenant, a.User)
	if err != nil {
		return signin.Proof{}, err
	}
	if r.Outcome == Approved && mode == ModeUser && !r.Verified { // policy wants more since it was approved
		return signin.Proof{}, errOff
	}
	return r.Proof(a.Asked.Request, a.Transaction, a.At)
}

// Queue implements [signin.Method]: nothing here is slow.
func (Method) Queue(context.Context, signin.Attempt) error { return nil }
