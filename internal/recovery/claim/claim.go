// Package claim is about the browser in which somebody asked for help, and about the people who
// are told of it. A [Claim] is the browser's hold on a recovery case, a [Denial] what a link in a
// mail says against it.
//
// Nothing of either is stored: both carry a keyed hash of what they say. A browser gets a claim for
// every name that is typed, known or not, so that nothing shows who is known: the claim of an
// unknown name has no case, and a number of its own.
package claim

import (
	"context"
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/directory"
)

// MAC is a keyed hash under a key of the tenant and of this life of the store.
type MAC func(ctx context.Context, tenant, label string, message []byte) (string, error)

// A Claim is a browser's hold on a case.
type Claim struct {
	Tenant directory.TenantID
	Case   string // id; of a claim without a case, one that no case has
	At     time.Time
	Secret [16]byte
	// Account is what requests to the phones of the person are counted by: as much is known of a
	// name that nobody has.
	Account [32]byte
	// Device is the joined device whose key proved the sign-in from which help was asked for: the
	// browser at its lock screen is a new one each time. Empty for a browser by itself.
	Device directory.DeviceObjectID
}

// The labels of the keys.
const (
	claimLabel  = "browser of a recovery case"
	holderLabel = "holder of a recovery case"
	numberLabel = "number of no recovery case"
	codeLabel   = "code by mail for a recovery case"
	denialLabel = "denial of a recovery case"
)

const claimSize = 16 + 16 + 8 + 16 + 32 + 16

// New returns the claim of a browser on a case; an empty id is that of nobody's case. The account
// is a keyed hash, as a MAC gives it.
func New(rand io.Reader, tenant directory.TenantID, id, account string, at time.Time) (Claim, error) {
	c := Claim{Tenant: tenant, Case: id, At: at.UTC().Truncate(time.Second)}
	raw, err := base64.RawURLEncoding.DecodeString(account)
	if err != nil || len(raw) != len(c.Account) {
		return c, errAccount
	}
	copy(c.Account[:], raw)
	if id == "" {
		made, err := uuid.NewRandomFromReader(rand)
		if err != nil {
			return c, err
		}
		c.Case = made.String()
	}
	_, err = io.ReadFull(rand, c.Secret[:])
	return c, err
}

var errAccount = errors.New("the account of a claim is no keyed hash")

// AccountKey is the account as it was given to New.
func (c Claim) AccountKey() string { return base64.RawURLEncoding.EncodeToString(c.Account[:]) }

func (c Claim) plain() ([]byte, error) {
	var out []byte
	for _, id := range []string{string(c.Tenant), c.Case} {
		parsed, err := uuid.Parse(id)
		if err != nil {
			return nil, err
		}
		out = append(out, parsed[:]...)
	}
	out = binary.BigEndian.AppendUint64(out, uint64(c.At.Unix()))
	out = append(out, c.Secret[:]...)
	out = append(out, c.Account[:]...)
	var device uuid.UUID
	if c.Device != "" {
		var err error
		if device, err = uuid.Parse(string(c.Device)); err != nil {
			return nil, err
		}
	}
	return append(out, device[:]...), nil
}

// Text is what the browser keeps.
func (c Claim) Text(ctx context.Context, mac MAC) (string, error) {
	plain, err := c.plain()
	if err != nil {
		return "", err
	}
	sum, err := mac(ctx, string(c.Tenant), claimLabel, plain)
	return base64.RawURLEncoding.EncodeToString(plain) + sum, err
}

// Parse reads what a browser keeps; false when it is none of ours.
func Parse(ctx context.Context, text string, mac MAC) (Claim, bool) {
	plain, sum, ok := split(text, claimSize)
	if !ok {
		return Claim{}, false
	}
	c := Claim{
		Tenant: directory.TenantID(uuid.UUID(plain[:16]).String()), Case: uuid.UUID(plain[16:32]).String(),
		At: time.Unix(int64(binary.BigEndian.Uint64(plain[32:40])), 0).UTC(),
	}
	copy(c.Secret[:], plain[40:56])
	copy(c.Account[:], plain[56:88])
	if device := uuid.UUID(plain[88:]); device != uuid.Nil {
		c.Device = directory.DeviceObjectID(device.String())
	}
	return c, right(ctx, mac, c.Tenant, claimLabel, plain, sum)
}

func split(text string, size int) (plain []byte, sum string, ok bool) {
	n := base64.RawURLEncoding.EncodedLen(size)
	if len(text) <= n || len(text) > 2*n+64 {
		return nil, "", false
	}
	plain, err := base64.RawURLEncoding.Strict().DecodeString(text[:n])
	return plain, text[n:], err == nil
}

func right(ctx context.Context, mac MAC, tenant directory.TenantID, label string, plain []byte, sum string) bool {
	if tenant == directory.NoTenant {
		return false
	}
	want, err := mac(ctx, string(tenant), label, plain)
	return err == nil && subtle.ConstantTimeCompare([]byte(want), []byte(sum)) == 1
}

// Holder is the keyed hash by which proofs name the browser.
func (c Claim) Holder(ctx context.Context, mac MAC) (string, error) {
	return mac(ctx, string(c.Tenant), holderLabel, c.Secret[:])
}

// alphabet is that of case numbers (and of passes), which are dictated.
const alphabet = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"

// Number is what stands where a case would have its number, R-7K4MQ2, for a claim without one.
func (c Claim) Number(ctx context.Context, mac MAC) (string, error) {
	return c.drawn(ctx, mac, numberLabel, "R-", 6, 0)
}

// The codes by mail.
const (
	codeLength = 8
	// CodeLifetime is how long a code works at least; it may work twice as long.
	CodeLifetime = 30 * time.Minute
)

// Slot is the time in which a code was made: there is one code in each.
func Slot(now time.Time) int64 { return now.Unix() / int64(CodeLifetime/time.Second) }

// SlotAt is the beginning of a slot.
func SlotAt(slot int64) time.Time { return time.Unix(slot*int64(CodeLifetime/time.Second), 0).UTC() }

// CodeEnds is when the code of now works no more.
func CodeEnds(now time.Time) time.Time { return SlotAt(Slot(now) + 2) }

// Code is what the mail to a private address says. It is of one browser, and works there alone.
func (c Claim) Code(ctx context.Context, mac MAC, slot int64) (string, error) {
	return c.drawn(ctx, mac, codeLabel, "", codeLength, slot)
}

func (c Claim) drawn(ctx context.Context, mac MAC, label, prefix string, length int, slot int64) (string, error) {
	sum, err := mac(ctx, string(c.Tenant), label, fmt.Appendf(nil, "%s %x %d", c.Case, c.Secret, slot))
	if err != nil {
		return "", err
	}
	raw, err := base64.RawURLEncoding.DecodeString(sum)
	if err != nil {
		raw = []byte(hex.EncodeToString([]byte(sum)))
	}
	out := []byte(prefix)
	for _, b := range raw[:length] {
		out = append(out, alphabet[int(b)%len(alphabet)])
	}
	return string(out), nil
}

// CodeIs reports whether somebody typed the code of now or of the time before.
func (c Claim) CodeIs(ctx context.Context, mac MAC, typed string, now time.Time) (bool, error) {
	typed = strings.ToUpper(strings.NewReplacer(" ", "", "-", "").Replace(typed))
	for _, slot := range []int64{Slot(now), Slot(now) - 1} {
		code, err := c.Code(ctx, mac, slot)
		if err != nil {
			return false, err
		}
		if subtle.ConstantTimeCompare([]byte(code), []byte(typed)) == 1 {
			return true, nil
		}
	}
	return false, nil
}
