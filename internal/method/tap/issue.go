package tap

import (
	"context"
	"fmt"
	"io"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/outbox"
)

// A Request asks for a pass. What is not set follows the policy.
type Request struct {
	User     directory.User
	Tenant   directory.Tenant
	Groups   map[directory.GroupID]bool // the user's, transitive
	Power    directory.Power            // the user's, by which it was decided who may
	Lifetime *int                       // minutes
	Once     *bool
	Start    time.Time
	Reason   string
	Ticket   string
	Case     string // id of the recovery case that asks for it; empty for none
	Purpose  Purpose
	Device   string // name of the purpose's device
	Check    IdentityCheck
	Preset   Preset // fills in what of Lifetime, Once and Start is not set
	Issuer   Issuer
}

// Passes issues passes. Every field but Letters is required.
type Passes struct {
	Store       Store
	Peppers     Peppers
	Now         func() time.Time // UTC
	Rand        io.Reader        // crypto/rand.Reader, except in tests
	Incarnation string           // of the store
	// Letters returns the mail that tells of a new pass and is queued with it, never the pass
	// itself; nil queues none.
	Letters func(ctx context.Context, p Pass) ([]outbox.Item, error)
}

// Skew is how far in the past a start may lie; it then counts as now.
const Skew = 5 * time.Minute

// furthestStart bounds how far ahead a pass may be issued.
const furthestStart = 366 * 24 * time.Hour

// maxNote bounds reason and ticket, in characters.
const maxNote = 256

// Decide returns the pass that r asks for under policy at now, without id and hash, or the
// fault that says why there can be none. ErrCheckMissing comes last: with it the pass is what
// it will be once the check is told.
func Decide(policy Policy, r Request, now time.Time) (Pass, error) {
	switch {
	case !policy.Enabled():
		return Pass{}, ErrPolicyOff
	case r.User.ExternalGuest(r.Tenant):
		return Pass{}, ErrExternalGuest
	case !policy.InScope(r.Groups):
		return Pass{}, ErrOutOfScope
	case !r.Purpose.Valid():
		return Pass{}, ErrPurpose
	case !noteOK(r.Reason):
		return Pass{}, ErrNote.With("postern_reason", "")
	case !noteOK(r.Ticket):
		return Pass{}, ErrNote.With("postern_ticket", "")
	}
	if err := r.Check.valid(); err != nil {
		return Pass{}, err
	}
	r, err := r.Preset.Fill(policy, r, now)
	if err != nil {
		return Pass{}, err
	}
	minutes := policy.DefaultLifetime
	if r.Lifetime != nil {
		minutes = *r.Lifetime
	}
	if minutes < policy.MinimumLifetime || minutes > policy.MaximumLifetime {
		return Pass{}, ErrLifetime.With("", fmt.Sprintf("lifetimeInMinutes must be between %d and %d.", policy.MinimumLifetime, policy.MaximumLifetime))
	}
	once := policy.UsableOnce
	if r.Once != nil {
		once = *r.Once
	}
	if policy.UsableOnce && !once {
		return Pass{}, ErrOnceOnly
	}
	start, err := startOf(r.Start, now)
	if err != nil {
		return Pass{}, err
	}
	p := Pass{
		Tenant: r.Tenant.ID, User: r.User.ID, CreatedAt: now, Start: start,
		Lifetime: time.Duration(minutes) * time.Minute, SingleUse: once,
		Issuer: r.Issuer, Reason: r.Reason, Ticket: r.Ticket, Case: r.Case, Purpose: r.Purpose, DeviceName: r.Device, Check: r.Check, Power: r.Power, Preset: r.Preset,
	}
	if policy.Checks() == CheckRequired && !r.Check.Done() {
		return p, ErrCheckMissing
	}
	return p, nil
}

func startOf(asked, now time.Time) (time.Time, error) {
	switch {
	case asked.IsZero():
		return now, nil
	case asked.Before(now.Add(-Skew)):
		return time.Time{}, ErrStart.With("", "startDateTime lies in the past.")
	case asked.After(now.Add(furthestStart)):
		return time.Time{}, ErrStart.With("", "startDateTime is more than a year ahead.")
	case asked.Before(now):
		return now, nil
	}
	return asked.UTC(), nil
}

func noteOK(s string) bool {
	if utf8.RuneCountInString(s) > maxNote || !utf8.ValidString(s) {
		return false
	}
	for _, r := range s {
		if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) {
			return false
		}
	}
	return true
}

// Issue makes the pass that r asks for and replaces whatever pass the user has; what came
// from the old one ends. event makes the audit event of the new pass. The passcode is
// returned here and nowhere else.
func (s Passes) Issue(ctx context.Context, r Request, event func(Pass) audit.Event) (Pass, Passcode, error) {
	policy, err := s.Store.PassPolicy(ctx, r.Tenant.ID)
	if err != nil {
		return Pass{}, Passcode{}, fmt.Errorf("read the pass policy: %w", err)
	}
	p, err := Decide(policy, r, s.Now())
	if err != nil {
		return Pass{}, Passcode{}, err
	}
	return s.put(ctx, p, policy.DefaultLength, event)
}

// bootstrapLength is the length of a bootstrap pass in characters: 60 bits.
const bootstrapLength = 12

// BootstrapLifetime is how long the pass of init, recover and dev works.
const BootstrapLifetime = 24 * time.Hour

// Bootstrap makes a pass for user that works whatever the policy says, for
// BootstrapLifetime and one use, or many when multi is set.
func (s Passes) Bootstrap(ctx context.Context, tenant directory.TenantID, user directory.UserID, multi bool, event func(Pass) audit.Event) (Pass, Passcode, error) {
	now := s.Now()
	return s.put(ctx, Pass{
		Tenant: tenant, User: user, CreatedAt: now, Start: now, Lifetime: BootstrapLifetime,
		SingleUse: !multi, Bootstrap: true, Issuer: Issuer{DisplayName: "Postern"},
	}, bootstrapLength, event)
}

func (s Passes) put(ctx context.Context, p Pass, length int, event func(Pass) audit.Event) (Pass, Passcode, error) {
	id, err := uuid.NewRandomFromReader(s.Rand)
	if err != nil {
		return Pass{}, Passcode{}, err
	}
	p.ID, p.Incarnation = id.String(), s.Incarnation
	code, err := NewPasscode(s.Rand, length)
	if err != nil {
		return Pass{}, Passcode{}, err
	}
	if p.Hash, err = NewHash(ctx, s.Peppers, s.Rand, p, code); err != nil {
		return Pass{}, Passcode{}, fmt.Errorf("hash a passcode: %w", err)
	}
	var mails []outbox.Item
	if s.Letters != nil {
		if mails, err = s.Letters(ctx, p); err != nil {
			return Pass{}, Passcode{}, fmt.Errorf("write the letters about pass %s: %w", p.ID, err)
		}
	}
	if err := s.Store.PutPass(ctx, p, event(p), mails...); err != nil {
		return Pass{}, Passcode{}, fmt.Errorf("store pass %s: %w", p.ID, err)
	}
	return p, code, nil
}
