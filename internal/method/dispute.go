package method

import (
	"context"
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"time"

	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/fault"
	"github.com/postern-id/postern/internal/outbox"
	"github.com/postern-id/postern/internal/signin"
)

// A Dispute is what the person who is told of a change may do about it without signing in:
// freeze what was added in the session of the change and end what came from it. Whoever reads
// their mail can do no more than that.
type Dispute struct {
	Tenant     directory.TenantID
	User       directory.UserID
	Credential string // that changed; it may be gone
	Session    string // in which it was changed; empty for an administrator's change
	Event      string // of the change; a dispute of it works once
	EndsAt     time.Time
	// SignedIn says that the person disputes it on their own page, and not by the link in a mail.
	SignedIn bool
}

// DisputeWithin is how long after a change the link in the mail works.
const DisputeWithin = 7 * 24 * time.Hour

// ErrDispute says that a link is not one of ours, or is over.
var ErrDispute = &fault.Error{
	Kind: fault.Invalid, Code: "disputeOver",
	Text: "This link does not work, or not any more.", Remedy: "Call the helpdesk: they see what was changed, and can undo it.",
}

// MAC is a keyed hash under a key of the tenant and of this life of the store.
type MAC func(ctx context.Context, tenant, label string, message []byte) (string, error)

const (
	disputeLabel = "dispute of a change"
	disputeSize  = 5*16 + 8
)

// Code is what the link in the mail has: the dispute and a keyed hash of it. Nothing is stored
// before it is used.
func (d Dispute) Code(ctx context.Context, mac MAC) (string, error) {
	var plain []byte
	for _, id := range []string{string(d.Tenant), string(d.User), d.Credential, d.Session, d.Event} {
		parsed, err := uuid.Parse(orNil(id))
		if err != nil {
			return "", err
		}
		plain = append(plain, parsed[:]...)
	}
	plain = binary.BigEndian.AppendUint64(plain, uint64(d.EndsAt.Unix()))
	sum, err := mac(ctx, string(d.Tenant), disputeLabel, plain)
	return base64.RawURLEncoding.EncodeToString(plain) + sum, err
}

func orNil(id string) string {
	if id == "" {
		return uuid.Nil.String()
	}
	return id
}

// ParseDispute returns the dispute of a code, or ErrDispute.
func ParseDispute(ctx context.Context, code string, mac MAC, now time.Time) (Dispute, error) {
	size := base64.RawURLEncoding.EncodedLen(disputeSize)
	if len(code) <= size || len(code) > 2*size {
		return Dispute{}, ErrDispute
	}
	plain, err := base64.RawURLEncoding.Strict().DecodeString(code[:size])
	if err != nil {
		return Dispute{}, ErrDispute
	}
	var ids [5]string
	for i := range ids {
		if id := uuid.UUID(plain[i*16 : i*16+16]); id != uuid.Nil {
			ids[i] = id.String()
		}
	}
	d := Dispute{
		Tenant: directory.TenantID(ids[0]), User: directory.UserID(ids[1]), Credential: ids[2], Session: ids[3], Event: ids[4],
		EndsAt: time.Unix(int64(binary.BigEndian.Uint64(plain[5*16:])), 0).UTC(),
	}
	if d.Tenant == "" || d.Tenant == directory.NoTenant || d.User == "" || d.Event == "" {
		return Dispute{}, ErrDispute
	}
	want, err := mac(ctx, string(d.Tenant), disputeLabel, plain)
	if err != nil {
		return Dispute{}, ErrDispute // a tenant that is not there has no key
	}
	if subtle.ConstantTimeCompare([]byte(code[size:]), []byte(want)) != 1 || !now.Before(d.EndsAt) {
		return Dispute{}, ErrDispute
	}
	return d, nil
}

// Seed is where what d disputes begins.
func (d Dispute) Seed() Seed {
	return Seed{Sessions: []string{d.Session}, Credentials: []string{d.Credential}}
}

// A Frost is what a dispute does.
type Frost struct {
	Dispute Dispute
	At      time.Time
	// Change makes the event and the mails of each credential that is frozen.
	Change func(c Credential) (audit.Event, []outbox.Item, error)
	// PIN makes the event of a device PIN that is removed.
	PIN func(p PIN) audit.Event
	// Event says that somebody disputed, also when there is nothing to freeze.
	Event audit.Event
}

// MayThaw reports whether the person of s may say that c is theirs after all: with a fresh proof
// that owes nothing to c, nor to the session or the pass that c came from; else ErrProof.
func MayThaw(s signin.Session, c Credential, e Estate, now time.Time) error {
	if err := MayRegister(s, now); err != nil {
		return err
	}
	if s.Purpose != "" {
		return directory.ErrPurposeBound
	}
	from := e.From(Seed{Pass: c.Origin.Pass, Sessions: []string{c.Origin.Session}, Credentials: []string{c.ID}})
	for _, one := range from.Sessions {
		if one.ID == s.ID {
			return ErrThaw
		}
	}
	if s.ID == c.Origin.Session {
		return ErrThaw
	}
	return nil
}

// ErrThaw says that a method can't vouch for itself.
var ErrThaw = &fault.Error{
	Kind: fault.Forbidden, Code: "thawNeedsAnother",
	Text: "You signed in with what was frozen, or with what it came from.", Remedy: "Sign in with another method that you have, or ask the helpdesk.",
}
