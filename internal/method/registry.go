package method

import (
	"context"
	"fmt"
	"strings"
	"time"
	"unicode"

	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/fault"
	"github.com/postern-id/postern/internal/outbox"
	"github.com/postern-id/postern/internal/signin"
)

// A Registry adds, changes and removes credentials. It is the one place where that happens,
// whoever asks, so that each change is an event and tells the person. Every field is required.
type Registry struct {
	Store Store
	Now   func() time.Time // UTC
	// Kinds says what the log calls each kind, and whether it is phishing-resistant.
	Kinds map[signin.MethodID]Kind
	// Letters are the mails that tell the person of a change.
	Letters func(ctx context.Context, c Change) ([]outbox.Item, error)
	// Notify tells the person of a change that was made, where mail does not reach; nil tells
	// nobody. It does not wait, and what it can't do is not tried again.
	Notify func(ctx context.Context, c Change)
}

// notify tells of a change if err says that it was made.
func (r Registry) notify(ctx context.Context, err error, what string, c Credential, user directory.User, by Actor) error {
	if err == nil && r.Notify != nil {
		r.Notify(ctx, Change{What: what, Credential: c, User: user, Actor: by, At: r.Now()})
	}
	return err
}

// A Kind is what the registry knows of a kind of credential.
type Kind struct {
	Name   string // as in the log: FIDO2 security key
	Strong bool   // phishing-resistant
	Most   int    // a person may have; 0 is MostOfAKind
	// Guarded keeps a person's own from being removed by [Registry.Remove]: a page of its own asks
	// first for what it takes. A pass would else be enough to set another password in its place.
	Guarded bool
}

// An Actor is who asks for a change: the person, or an administrator or application.
type Actor struct {
	By            audit.Actor
	Self          bool   // the person of the credential
	Session       string // of the person in which they did it; empty for others
	CorrelationID string
}

// A Change is what happened to a person's methods.
type Change struct {
	What       string // Added, Renamed, Removed, Frozen or Thawed
	Credential Credential
	User       directory.User
	Actor      Actor
	At         time.Time
	Event      string // id of the event
}

// What a Change was.
const (
	Added   = "added"
	Renamed = "renamed"
	Removed = "removed"
	Frozen  = "frozen"
	Thawed  = "thawed"
)

// Keys under which events name the kind and the id of a method, and the pass behind it.
const (
	DetailKind   = "Method"
	DetailMethod = "Method Id"
	DetailPass   = "temporaryAccessPassMethodId"
)

// ErrName says that a name can't be that of a method.
var ErrName = &fault.Error{
	Kind: fault.Invalid, Code: "methodName", Target: "name",
	Text: "That name doesn’t work.", Remedy: "Use 1 to 60 characters without control characters.",
}

// MaxName bounds the name of a credential, in characters.
const MaxName = 60

func checkName(name string) (string, error) {
	name = strings.TrimSpace(name)
	if n := len([]rune(name)); n == 0 || n > MaxName || strings.ContainsFunc(name, unicode.IsControl) {
		return name, ErrName
	}
	return name, nil
}

// Add registers c for user. Its id, if empty, and its time are set here. Whether the person may
// is the caller's question: [MayRegister] for the person, roles for others.
func (r Registry) Add(ctx context.Context, c Credential, user directory.User, by Actor) (Credential, error) {
	name, err := checkName(c.Name)
	if err != nil {
		return c, err
	}
	if c.ID == "" {
		c.ID = uuid.NewString()
	}
	c.Name, c.CreatedAt = name, r.Now()
	e, mails, err := r.tell(ctx, Added, c, user, by)
	if err != nil {
		return c, err
	}
	kind := r.Kinds[c.Kind]
	if kind.Most == 0 {
		kind.Most = MostOfAKind
	}
	ended := func(owner directory.UserID, pass string) audit.Event {
		return audit.Event{
			Tenant: string(c.Tenant), ID: uuid.NewString(), At: c.CreatedAt, CorrelationID: by.CorrelationID,
			Change: &audit.Change{
				Activity: audit.AdminDeletedSecurityInfo, Category: audit.CategoryUserManagement, Service: audit.ServiceAuthenticationMethods,
				Operation: audit.OperationDelete, Result: audit.Success, By: by.By, ResultReason: "Bootstrap pass ended: a strong method is registered",
				Targets: []audit.Target{{ID: string(owner), Type: audit.TargetUser}}, Details: []audit.KeyValue{{Key: DetailPass, Value: pass}},
			},
		}
	}
	err = r.Store.AddCredential(ctx, c, Addition{Most: kind.Most, Strong: kind.Strong, Event: e, Ended: ended}, mails...)
	return c, r.notify(ctx, err, Added, c, user, by)
}

// Rename gives c another name.
func (r Registry) Rename(ctx context.Context, c Credential, name string, user directory.User, by Actor) error {
	name, err := checkName(name)
	if err != nil {
		return err
	}
	c.Name = name
	e, mails, err := r.tell(ctx, Renamed, c, user, by)
	if err != nil {
		return err
	}
	return r.notify(ctx, r.Store.RenameCredential(ctx, c, e, mails...), Renamed, c, user, by)
}

// ErrGuarded says that a method has a page of its own, where it is removed.
var ErrGuarded = &fault.Error{
	Kind: fault.Precondition, Code: "methodGuarded",
	Text: "This is removed on a page of its own.", Remedy: "Open it from the list of your methods.",
}

// Remove deletes c and ends what came from it. ErrGuarded when the person has to show more.
func (r Registry) Remove(ctx context.Context, c Credential, user directory.User, by Actor) error {
	if by.Self && r.Kinds[c.Kind].Guarded {
		return ErrGuarded
	}
	return r.RemoveGuarded(ctx, c, user, by)
}

// RemoveGuarded is Remove after what a guarded kind asks for.
func (r Registry) RemoveGuarded(ctx context.Context, c Credential, user directory.User, by Actor) error {
	e, mails, err := r.tell(ctx, Removed, c, user, by)
	if err != nil {
		return err
	}
	return r.notify(ctx, r.Store.RemoveCredential(ctx, c, r.Now(), e, mails...), Removed, c, user, by)
}

// Freeze keeps c from signing anybody in and ends what came from it; Thaw lifts that.
func (r Registry) Freeze(ctx context.Context, c Credential, user directory.User, by Actor) error {
	c.FrozenAt = r.Now()
	return r.freeze(ctx, Frozen, c, user, by)
}

// Thaw lets c sign in again.
func (r Registry) Thaw(ctx context.Context, c Credential, user directory.User, by Actor) error {
	c.FrozenAt = time.Time{}
	return r.freeze(ctx, Thawed, c, user, by)
}

func (r Registry) freeze(ctx context.Context, what string, c Credential, user directory.User, by Actor) error {
	e, mails, err := r.tell(ctx, what, c, user, by)
	if err != nil {
		return err
	}
	return r.notify(ctx, r.Store.FreezeCredential(ctx, c, r.Now(), e, mails...), what, c, user, by)
}

// tell makes the event of a change and the mails about it.
func (r Registry) tell(ctx context.Context, what string, c Credential, user directory.User, by Actor) (audit.Event, []outbox.Item, error) {
	now := r.Now()
	name := r.Kinds[c.Kind].Name
	if name == "" {
		return audit.Event{}, nil, fmt.Errorf("no kind of method %q", c.Kind)
	}
	who, activity, operation := "Admin", audit.AdminUpdatedSecurityInfo, audit.OperationUpdate
	activities := map[string]string{Added: audit.AdminRegisteredSecurityInfo, Removed: audit.AdminDeletedSecurityInfo}
	if by.Self {
		who, activity = "User", audit.UserUpdatedSecurityInfo
		activities = map[string]string{Added: audit.UserRegisteredSecurityInfo, Removed: audit.UserDeletedSecurityInfo}
	}
	if a := activities[what]; a != "" {
		activity = a
	}
	switch what {
	case Added:
		operation = audit.OperationAdd
	case Removed:
		operation = audit.OperationDelete
	}
	e := audit.Event{
		Tenant: string(c.Tenant), ID: uuid.NewString(), At: now, CorrelationID: by.CorrelationID,
		Change: &audit.Change{
			Activity: activity, Category: audit.CategoryUserManagement, Service: audit.ServiceAuthenticationMethods,
			Operation: operation, Result: audit.Success, ResultReason: who + " " + what + " " + name, By: by.By,
			Targets: []audit.Target{{
				ID: string(user.ID), Type: audit.TargetUser, DisplayName: user.DisplayName, UserPrincipalName: user.UserPrincipalName,
			}},
			Details: []audit.KeyValue{{Key: DetailKind, Value: string(c.Kind)}, {Key: DetailMethod, Value: c.ID}},
		},
	}
	if c.Origin.Pass != "" {
		e.Change.Details = append(e.Change.Details, audit.KeyValue{Key: DetailPass, Value: c.Origin.Pass})
	}
	if c.Origin.Case != "" {
		e.Change.Details = append(e.Change.Details, audit.KeyValue{Key: audit.DetailCase, Value: c.Origin.Case})
	}
	mails, err := r.Letters(ctx, Change{What: what, Credential: c, User: user, Actor: by, At: now, Event: e.ID})
	return e, mails, err
}

// What returns what an event of a registry says was done, and to a method of which kind; nothing
// for other events.
func What(e audit.Event) (what string, kind signin.MethodID) {
	if e.Change == nil || e.Change.Service != audit.ServiceAuthenticationMethods {
		return "", ""
	}
	for _, d := range e.Change.Details {
		if d.Key == DetailKind {
			kind = signin.MethodID(d.Value)
		}
	}
	words := strings.Fields(e.Change.ResultReason) // Admin removed FIDO2 security key
	if kind == "" || len(words) < 2 {
		return "", ""
	}
	switch words[1] {
	case Added, Renamed, Removed, Replaced, Frozen, Thawed:
		return words[1], kind
	}
	return "", ""
}
