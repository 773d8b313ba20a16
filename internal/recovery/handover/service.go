package handover

import (
	"cmp"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/fault"
	"github.com/postern-id/postern/internal/method/tap"
	"github.com/postern-id/postern/internal/outbox"
	"github.com/postern-id/postern/internal/token"
)

// Service seals and opens. Every field is required.
type Service struct {
	Store Store
	// MAC is a keyed hash under a key of the tenant and of this life of the store.
	MAC  func(ctx context.Context, tenant, label string, message []byte) (string, error)
	Now  func() time.Time // UTC
	Rand io.Reader
	// ManagerOf is who is somebody's manager now: a link with somebody else's pass is for them alone.
	ManagerOf func(ctx context.Context, tenant directory.TenantID, user directory.UserID) (directory.UserID, error)
	// Letters tell the reader of the link with that code. They queue with the row.
	Letters func(ctx context.Context, h Handover, code string) ([]outbox.Item, error)
	// Page is where links lead; their code comes behind it, in the part that no browser sends.
	Page string
}

// Link is the link with that code.
func (s Service) Link(code string) string { return s.Page + "#" + code }

// The labels of the keys.
const (
	hashLabel = "link of a hand-over"
	keyLabel  = "key of a hand-over"
	sayLabel  = "spoken code of a hand-over"
)

// An Order is what is to be handed over, to whom.
type Order struct {
	Tenant   directory.TenantID
	Case     string
	Pass     string // id
	Owner    directory.User
	Reader   directory.User
	Until    time.Time // when the pass ends
	Lifetime time.Duration
	// By and CorrelationID are those of the request that issued the pass.
	By            audit.Actor
	CorrelationID string
}

// Seal seals secret for the reader of o and queues the letters with the link. Whoever issues a
// pass so never holds it, nor the link.
func (s Service) Seal(ctx context.Context, o Order, secret string) (Handover, error) {
	h, code, sealed, err := s.seal(ctx, o, secret, time.Time{})
	if err != nil {
		return Handover{}, err
	}
	mails, err := s.Letters(ctx, h, code)
	if err != nil {
		return Handover{}, err
	}
	return h, s.Store.PutHandover(ctx, h, sealed, h.made(o), mails...)
}

// Give seals secret as Seal does and returns the link, for whoever issues the pass to send. No mail goes. They never hold
// the pass: it opens for its reader alone, by a method that was registered by methodBy.
func (s Service) Give(ctx context.Context, o Order, secret string, methodBy time.Time) (h Handover, link string, err error) {
	h, code, sealed, err := s.seal(ctx, o, secret, methodBy)
	if err != nil {
		return Handover{}, "", err
	}
	e := h.made(o)
	e.Change.Details = append(e.Change.Details, audit.KeyValue{Key: "Link given to", Value: "who issued the pass"})
	if err := s.Store.PutHandover(ctx, h, sealed, e); err != nil {
		return Handover{}, "", err
	}
	return h, s.Link(code), nil
}

func (s Service) seal(ctx context.Context, o Order, secret string, methodBy time.Time) (h Handover, code, sealed string, err error) {
	none := func(err error) (Handover, string, string, error) { return Handover{}, "", "", err }
	t, err := token.NewOpaque(s.Rand, string(o.Tenant))
	if err != nil {
		return none(err)
	}
	if code, err = t.Reveal(); err != nil {
		return none(err)
	}
	now := s.Now()
	lifetime := o.Lifetime
	if lifetime <= 0 {
		lifetime = Lifetime
	}
	h = Handover{
		Tenant: o.Tenant, ID: t.ID, Case: o.Case, Pass: o.Pass, Owner: o.Owner.ID, Reader: o.Reader.ID, CreatedAt: now, EndsAt: now.Add(lifetime), MethodBy: methodBy,
	}
	if !o.Until.IsZero() && o.Until.Before(h.EndsAt) {
		h.EndsAt = o.Until
	}
	if h.Hash, err = s.MAC(ctx, string(h.Tenant), hashLabel, t.Secret[:]); err != nil {
		return none(err)
	}
	aead, err := s.key(ctx, t)
	if err != nil {
		return none(err)
	}
	return h, code, base64.RawURLEncoding.EncodeToString(aead.Seal(nil, nil, []byte(secret), h.place())), nil
}

// made is the event of a new hand-over.
func (h Handover) made(o Order) audit.Event {
	e := h.event(audit.HandoverSealed, audit.Success, "", o.By, o.CorrelationID, h.CreatedAt)
	e.Change.Targets = slices.Insert(e.Change.Targets, 0, audit.Target{ID: string(o.Owner.ID), DisplayName: o.Owner.DisplayName, UserPrincipalName: o.Owner.UserPrincipalName, Type: audit.TargetUser})
	return e
}

// Look returns the hand-over of a code, or ErrLink. It changes nothing and opens nothing.
func (s Service) Look(ctx context.Context, code string) (Handover, error) {
	h, _, err := s.find(ctx, code)
	return h, err
}

// Open returns what a code carries, once, to the right opener. Every refusal of a real link is
// an event; three by somebody else make it void.
func (s Service) Open(ctx context.Context, code string, o Opener, by audit.Actor, correlationID string) (string, Handover, error) {
	h, t, err := s.find(ctx, code)
	if err != nil {
		return "", h, err
	}
	now := s.Now()
	how := audit.KeyValue{Key: "Shown by", Value: "phishing-resistant sign-in"}
	if o.Spoken {
		how.Value = "code that was read out"
	}
	if err := h.Check(o, now); err != nil {
		return "", h, s.refuse(ctx, h, err, by, correlationID, now)
	}
	aead, err := s.key(ctx, t)
	if err != nil {
		return "", h, err
	}
	opened := h.event(audit.HandoverOpened, audit.Success, "", by, correlationID, now)
	opened.Change.Details = append(opened.Change.Details, how)
	sealed, err := s.Store.OpenHandover(ctx, h.Tenant, h.ID, now, opened)
	if errors.Is(err, ErrOpened) || errors.Is(err, ErrLink) {
		return "", h, s.refuse(ctx, h, err, by, correlationID, now)
	}
	if err != nil {
		return "", h, err
	}
	raw, err := base64.RawURLEncoding.DecodeString(sealed)
	if err != nil {
		return "", h, fmt.Errorf("open hand-over %s: %w", h.ID, err)
	}
	plain, err := aead.Open(nil, nil, raw, h.place())
	if err != nil {
		return "", h, fmt.Errorf("open hand-over %s: %w", h.ID, err)
	}
	return string(plain), h, nil
}

// reasons are what the log says of a refusal. That the right reader has to prove it is none.
var reasons = []struct {
	why *fault.Error
	say string
}{
	{ErrLink, "The link was over or void"},
	{ErrOpened, "The link was opened before"},
	{ErrReader, "Somebody other than the reader had the link"},
	{ErrMethod, "The reader's method was registered a short time ago"},
	{ErrSpoken, "A code was typed that nobody read out"},
}

func (s Service) refuse(ctx context.Context, h Handover, why error, by audit.Actor, correlationID string, now time.Time) error {
	if h.Former && h.OpenedAt.IsZero() && h.live(now) { // void from now on
		e := h.event(audit.HandoverRefused, audit.Failure, "The reader is not the manager any more", by, correlationID, now)
		return cmp.Or(s.Store.RefuseHandover(ctx, h.Tenant, h.ID, MostOthers, now, e), why)
	}
	for _, r := range reasons {
		if !errors.Is(why, r.why) {
			continue
		}
		e := h.event(audit.HandoverRefused, audit.Failure, r.say, by, correlationID, now)
		others := 0
		if r.why == ErrReader || r.why == ErrSpoken {
			others = 1
		}
		if err := s.Store.RefuseHandover(ctx, h.Tenant, h.ID, others, now, e); err != nil {
			return err
		}
	}
	return why
}

// Spoken is the code that whoever issued the pass may read out to the person whose link it is. It
// opens nothing without the link, which whoever issued it does not have.
func (s Service) Spoken(ctx context.Context, h Handover) (string, error) {
	text, err := s.MAC(ctx, string(h.Tenant), sayLabel, []byte(h.ID))
	if err != nil {
		return "", err
	}
	raw, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return "", err
	}
	said := make([]byte, spokenLength)
	for i := range said {
		said[i] = tap.Alphabet[int(raw[i])%len(tap.Alphabet)] // 32 of them: none is likelier
	}
	return string(said), nil
}

const spokenLength = 8 // characters of 5 bits, and three tries

// Said reports whether typed is the spoken code of h. A wrong one of a link that still works is an
// event, and the third makes it void.
func (s Service) Said(ctx context.Context, h Handover, typed string, by audit.Actor, correlationID string) error {
	said, err := s.Spoken(ctx, h)
	if err != nil {
		return err
	}
	typed = strings.ToUpper(strings.NewReplacer(" ", "", "-", "").Replace(typed))
	if subtle.ConstantTimeCompare([]byte(typed), []byte(said)) == 1 {
		return nil
	}
	now := s.Now()
	why := h.Check(Opener{Spoken: true}, now)
	if why == nil {
		why = ErrSpoken
	} else if errors.Is(why, ErrOpened) {
		why = ErrLink // they have not shown that they are its reader
	}
	return s.refuse(ctx, h, why, by, correlationID, now)
}

// find returns the hand-over of a code whose secret is right.
func (s Service) find(ctx context.Context, code string) (Handover, token.Opaque, error) {
	t, err := token.ParseOpaque(strings.TrimSpace(code))
	if err != nil || directory.TenantID(t.Tenant) == directory.NoTenant {
		return Handover{}, t, ErrLink
	}
	h, err := s.Store.Handover(ctx, directory.TenantID(t.Tenant), t.ID)
	if err != nil {
		return Handover{}, t, err
	}
	hash, err := s.MAC(ctx, t.Tenant, hashLabel, t.Secret[:])
	if err != nil {
		return Handover{}, t, err
	}
	if subtle.ConstantTimeCompare([]byte(hash), []byte(h.Hash)) != 1 {
		return Handover{}, t, ErrLink
	}
	if h.Owner != h.Reader {
		manager, err := s.ManagerOf(ctx, h.Tenant, h.Owner)
		if err != nil && !errors.Is(err, directory.ErrUserUnknown) {
			return Handover{}, t, err
		}
		h.Former = manager != h.Reader
	}
	return h, t, nil
}

// key is made of the code and of a key of the server, which is also of this life of the store.
func (s Service) key(ctx context.Context, t token.Opaque) (cipher.AEAD, error) {
	text, err := s.MAC(ctx, t.Tenant, keyLabel, append([]byte(t.ID), t.Secret[:]...))
	if err != nil {
		return nil, err
	}
	raw, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(raw)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}

// place binds what is sealed to whom it is for: a row that somebody changed does not open.
func (h Handover) place() []byte {
	parts := []string{"handover", string(h.Tenant), h.ID, h.Case, h.Pass, string(h.Owner), string(h.Reader)}
	if !h.MethodBy.IsZero() {
		parts = append(parts, strconv.FormatInt(h.MethodBy.UnixMicro(), 10))
	}
	return []byte(strings.Join(parts, "\x00"))
}

func (h Handover) event(activity, result, reason string, by audit.Actor, correlationID string, now time.Time) audit.Event {
	c := &audit.Change{
		Activity: activity, Category: audit.CategoryUserManagement, Service: audit.ServicePostern, Operation: audit.OperationUpdate,
		Result: result, ResultReason: reason, By: by,
		Details: []audit.KeyValue{{Key: "handover", Value: h.ID}, {Key: "passId", Value: h.Pass}, {Key: "reader", Value: string(h.Reader)}},
	}
	if h.Case != "" {
		c.Details = append(c.Details, audit.KeyValue{Key: audit.DetailCase, Value: h.Case})
		c.Targets = append(c.Targets, audit.Target{ID: h.Case, Type: audit.TargetOther}) // it is in the case's timeline
	}
	if activity != audit.HandoverSealed {
		c.Targets = slices.Insert(c.Targets, 0, audit.Target{ID: string(h.Owner), Type: audit.TargetUser})
	}
	return audit.Event{Tenant: string(h.Tenant), ID: uuid.NewString(), At: now, CorrelationID: correlationID, Change: c}
}
