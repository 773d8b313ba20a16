package signin

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/postern-id/postern/internal/access"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/outbox"
	"github.com/postern-id/postern/internal/token"
)

// Service runs sign-ins. Every exported field is required that does not say what nil is.
type Service struct {
	Store    Store
	Policies Policies
	Realms   Realms   // nil: no domain is federated
	Methods  []Method // of equal strength the better one first
	Secrets  Secrets
	Now      func() time.Time
	Rand     io.Reader
	Log      *slog.Logger
	// Refusals counts what throttles refuse.
	Refusals *Refusals
	// Hold is how long after its arrival every refusal is answered, so that none is told
	// from another by time.
	Hold time.Duration
	// Room says why nothing new can begin, such as a disk that is nearly full, or nil.
	Room func() error
	// Newcomers is how many requests an hour an address may make that cost a row and that
	// nobody signed in for; 0 is DefaultNewcomers.
	Newcomers int64
	// Access asks the tenants' rules of Conditional Access; nil asks none.
	Access Access
	// Countries says in which country an address is; nil knows none.
	Countries access.Countries
	// Spots says where on earth an address is; nil knows no spot.
	Spots access.Spots
	// Practice knows practice passes; nil: there are none.
	Practice Practice
	// Letters returns the mail that tells of a sign-in with a pass and is queued with it; nil
	// queues none.
	Letters func(ctx context.Context, c Completion) ([]outbox.Item, error)

	shares shares
}

// Secrets returns keyed hashes under keys that are derived from the tenant's own secret.
type Secrets interface {
	MAC(ctx context.Context, tenant, label string, message []byte) (string, error)
}

// Labels of the derived keys.
const (
	labelTransaction = "signin transaction"
	labelSession     = "session"
	labelSecret      = "session secret of a transaction"
	labelName        = "typed name"
	labelPlace       = "familiar place"
	labelDevice      = "familiar device"
	labelChallenge   = "challenge of a transaction"
	labelAsked       = "account whose devices are asked"
)

// Begin starts a sign-in from place. The token is the browser's hold on it.
func (s *Service) Begin(ctx context.Context, t Transaction, place Place) (Transaction, token.Opaque, error) {
	if t.Tenant == "" {
		t.Tenant = directory.NoTenant
	}
	if err := s.admit(ctx, t.Tenant, place); err != nil {
		return t, token.Opaque{}, err
	}
	handle, err := token.NewOpaque(s.Rand, string(t.Tenant))
	if err != nil {
		return t, handle, err
	}
	if t.Raises == "" {
		t = t.own()
	}
	now := s.Now()
	t.ID, t.CreatedAt, t.ExpiresAt = handle.ID, now, now.Add(TransactionLifetime)
	hash, err := s.Secrets.MAC(ctx, string(t.Tenant), labelTransaction, handle.Secret[:])
	if err != nil {
		return t, handle, err
	}
	if err := s.Store.CreateTransaction(ctx, t, hash); err != nil {
		return t, handle, fmt.Errorf("begin a sign-in: %w", err)
	}
	return t, handle, nil
}

// Open returns the transaction that the browser holds, or ErrGone.
func (s *Service) Open(ctx context.Context, handle token.Opaque) (Transaction, error) {
	t, want, err := s.Store.Transaction(ctx, directory.TenantID(handle.Tenant), handle.ID)
	if err != nil {
		return t, err
	}
	got, err := s.Secrets.MAC(ctx, handle.Tenant, labelTransaction, handle.Secret[:])
	if err != nil {
		return t, err
	}
	if !equal(got, want) || !s.Now().Before(t.ExpiresAt) {
		return Transaction{}, ErrGone
	}
	return t, nil
}

// Next returns t with what rules say of it from place, its next step, and what that is based on.
func (s *Service) Next(ctx context.Context, t Transaction, accounts int, place Place) (Transaction, Step, Facts, error) {
	f := Facts{Accounts: accounts}
	t, err := s.judged(ctx, t, place)
	if err != nil {
		return t, "", f, err
	}
	if t.Username == "" {
		if f.Nameless, err = s.nameless(ctx, t); err != nil {
			return t, "", f, err
		}
	}
	if t.Username != "" && !t.Proved() {
		if f.Offers, err = s.offers(ctx, t); err != nil {
			return t, "", f, err
		}
	}
	return t, Next(t, f), f, nil
}

// nameless returns the methods that need no name.
func (s *Service) nameless(ctx context.Context, t Transaction) ([]MethodID, error) {
	offers, err := s.enabled(ctx, t)
	var all []MethodID
	for _, o := range offers {
		if _, ok := s.method(o.Method).(Discoverer); ok {
			all = append(all, o.Method)
		}
	}
	return all, err
}

// Prompt returns what the page of a method asks with; nothing for one that only has a field.
func (s *Service) Prompt(ctx context.Context, t Transaction, id MethodID, place Place) ([]byte, error) {
	p, ok := s.method(id).(Prompter)
	if !ok {
		return nil, nil
	}
	a, err := s.attempt(ctx, t, id, "", place, s.Now())
	if err != nil {
		return nil, err
	}
	return p.Prompt(ctx, a)
}

func (s *Service) attempt(ctx context.Context, t Transaction, id MethodID, typed string, place Place, now time.Time) (Attempt, error) {
	challenge, err := s.Secrets.MAC(ctx, string(t.Tenant), labelChallenge, []byte(t.ID+"|"+string(id)))
	if err != nil {
		return Attempt{}, err
	}
	want := t.wants()
	if t.Away != nil && t.Away.Since.After(want.Since) {
		want.Since = t.Away.Since
	}
	return Attempt{
		Tenant: t.Home, User: t.User, Username: t.Username, Away: t.Away, Since: want.Since, SecondSince: want.SecondSince, Transaction: t.ID, CorrelationID: t.CorrelationID, Challenge: decode(challenge), Chosen: t.Chosen == id, Application: t.Application,
		Device: t.Device, Asked: t.Asked, Proofs: t.all(), Typed: typed, Place: place, Familiar: t.Familiar, At: now,
	}, nil
}

// ShowOtherWays lists the methods; Choose picks one of them. What is done stays as it is, here
// and at every other step.
func (s *Service) ShowOtherWays(ctx context.Context, t Transaction) (Transaction, error) {
	if t.Done() {
		return t, nil
	}
	t.OtherWays = true
	return s.save(ctx, t)
}

// Choose picks the method that is asked for next.
func (s *Service) Choose(ctx context.Context, t Transaction, method MethodID) (Transaction, error) {
	if t.Done() {
		return t, nil
	}
	t.OtherWays, t.Chosen = false, method
	return s.save(ctx, t)
}

// Block tells the log, once, that t is at [StepBlocked].
func (s *Service) Block(ctx context.Context, t Transaction, place Place) (Transaction, error) {
	if t.Blocked || t.Done() || t.Refused != nil {
		return t, nil
	}
	t, err := s.judged(ctx, t, place)
	if err != nil {
		return t, err
	}
	switch {
	case t.Verdict.Bars():
		return s.bar(ctx, t, place, t.Verdict.Refusal())
	case t.Verdict != nil && len(t.Verdict.Strengths) > 0: // a pass that is not enough stays the person's
		r, err := s.short(ctx, t)
		if err != nil {
			return t, err
		}
		return s.bar(ctx, t, place, r)
	}
	t.Blocked = true
	err = s.Store.NoteTransaction(ctx, t, s.event(t, t.lastMethod(), place, ErrCantGoOn, s.Now()))
	if errors.Is(err, ErrChanged) { // another window was told at the same moment
		return t, nil
	}
	t.Version++
	return t, err
}

func (s *Service) save(ctx context.Context, t Transaction) (Transaction, error) {
	if err := s.Store.SaveTransaction(ctx, t); err != nil {
		return t, err
	}
	t.Version++
	return t, nil
}
