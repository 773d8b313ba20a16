package totp

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/fault"
	"github.com/postern-id/postern/internal/keyring"
	"github.com/postern-id/postern/internal/method"
)

// Enrolment brings a key into a person's app, and registers it once a code shows that it is
// there. Until then the server keeps nothing: the page's form carries the key, sealed for the
// person, their session and a time. Every field is required.
type Enrolment struct {
	Method Method
	Rand   io.Reader
	Now    func() time.Time
}

// enrolmentLifetime is how long a page with a key may be used.
const enrolmentLifetime = 30 * time.Minute

// ErrPending says that the page is too old, or somebody else's.
var ErrPending = &fault.Error{
	Kind: fault.Conflict, Code: "codeSetupGone",
	Text: "This set-up has ended.", Remedy: "Scan the new code below. You can delete the old entry in your app.",
}

// ErrConfirm says that the app does not count the codes of this key.
var ErrConfirm = &fault.Error{
	Kind: fault.Invalid, Code: "codeNotConfirmed",
	Text: "That is not the code of this key.", Remedy: "Type the six digits that the app shows now. If they are always wrong, set the phone’s clock to automatic.",
}

// An Owner is who enrols, and in which session.
type Owner struct {
	Tenant  directory.TenantID
	User    directory.UserID
	Session string
}

func (o Owner) where(head ...string) []string {
	return append([]string{"otc enrolment", string(o.User), o.Session}, head...)
}

// Begin draws a key for o. The ticket is what the form brings back.
func (e Enrolment) Begin(ctx context.Context, o Owner, a Algorithm) (Key, string, error) {
	if ok, err := e.Method.InScope(ctx, o.Tenant, o.User); err != nil || !ok {
		return Key{}, "", errors.Join(err, method.ErrOff)
	}
	k, err := NewKey(e.Rand, a)
	if err != nil {
		return k, "", err
	}
	id, until := uuid.NewString(), strconv.FormatInt(e.Now().Add(enrolmentLifetime).Unix(), 10)
	sealed, err := sealKey(ctx, e.Method.Keys, o.Tenant, k, o.where(id, until)...)
	return k, strings.Join([]string{id, until, sealed}, "."), err
}

// Resume returns the key of a ticket that Begin gave to o, and the id that its credential
// will have, or ErrPending.
func (e Enrolment) Resume(ctx context.Context, o Owner, ticket string) (Key, string, error) {
	parts := strings.Split(ticket, ".")
	if len(parts) != 3 {
		return Key{}, "", ErrPending
	}
	until, err := strconv.ParseInt(parts[1], 10, 64)
	if err != nil || e.Now().Unix() >= until {
		return Key{}, "", ErrPending
	}
	k, err := openKey(ctx, e.Method.Keys, o.Tenant, parts[2], o.where(parts[0], parts[1])...)
	if errors.Is(err, keyring.ErrSealed) {
		err = ErrPending
	}
	return k, parts[0], err
}

// Finish fills c, a credential of o, with the key of ticket if typed is its code now, else
// ErrConfirm. That code signs nobody in afterwards.
func (e Enrolment) Finish(ctx context.Context, o Owner, ticket, typed string, c method.Credential) (method.Credential, error) {
	if ok, err := e.Method.InScope(ctx, o.Tenant, o.User); err != nil || !ok {
		return c, errors.Join(err, method.ErrOff)
	}
	k, id, err := e.Resume(ctx, o, ticket)
	if err != nil {
		return c, err
	}
	code, ok := ParseCode(typed)
	if !ok {
		return c, ErrConfirm
	}
	step, ok := k.Match(code, e.Now())
	if !ok {
		return c, ErrConfirm
	}
	c.ID, c.Kind, c.Counter = id, MethodID, step
	// Two entries of one key would let each of its codes sign in twice.
	if c.Lookup, err = e.Method.Keys.MAC(ctx, string(o.Tenant), "otc secret", k.Secret); err != nil {
		return c, err
	}
	var d data
	if d.Key, err = sealKey(ctx, e.Method.Keys, o.Tenant, k, row(c.ID)...); err != nil {
		return c, err
	}
	c.Data, err = json.Marshal(d)
	return c, err
}
