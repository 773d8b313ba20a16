package claim

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"time"

	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/fault"
)

// A Denial is what a link in a mail says: "this wasn't me". It freezes one case and can do nothing
// else.
type Denial struct {
	Tenant directory.TenantID
	Case   string
	User   directory.UserID
	EndsAt time.Time
}

// DenialLifetime is how long the link works; the policy's window may end before.
const DenialLifetime = 60 * 24 * time.Hour

// SentAt is when the mail was written that has the link.
func (d Denial) SentAt() time.Time { return d.EndsAt.Add(-DenialLifetime) }

const denialSize = 3*16 + 8

// ErrDenial says that a link is not one of ours, or is over.
var ErrDenial = &fault.Error{
	Kind: fault.Invalid, Code: "denialOver",
	Text: "This link does not work, or not any more.", Remedy: "Call the helpdesk: they see the case, and can stop it.",
}

// Code is what the link in the mail has.
func (d Denial) Code(ctx context.Context, mac MAC) (string, error) {
	var plain []byte
	for _, id := range []string{string(d.Tenant), d.Case, string(d.User)} {
		parsed, err := uuid.Parse(id)
		if err != nil {
			return "", err
		}
		plain = append(plain, parsed[:]...)
	}
	plain = binary.BigEndian.AppendUint64(plain, uint64(d.EndsAt.Unix()))
	sum, err := mac(ctx, string(d.Tenant), denialLabel, plain)
	return base64.RawURLEncoding.EncodeToString(plain) + sum, err
}

// ParseDenial returns the denial of a code, or ErrDenial.
func ParseDenial(ctx context.Context, code string, mac MAC, now time.Time) (Denial, error) {
	plain, sum, ok := split(code, denialSize)
	if !ok {
		return Denial{}, ErrDenial
	}
	d := Denial{
		Tenant: directory.TenantID(uuid.UUID(plain[:16]).String()), Case: uuid.UUID(plain[16:32]).String(), User: directory.UserID(uuid.UUID(plain[32:48]).String()),
		EndsAt: time.Unix(int64(binary.BigEndian.Uint64(plain[48:])), 0).UTC(),
	}
	if !right(ctx, mac, d.Tenant, denialLabel, plain, sum) || !now.Before(d.EndsAt) {
		return Denial{}, ErrDenial
	}
	return d, nil
}
