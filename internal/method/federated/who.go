package federated

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/fault"
	"github.com/postern-id/postern/internal/federation"
	"github.com/postern-id/postern/internal/signin"
)

// Accounts makes accounts for those whom an upstream brings.
type Accounts interface {
	Tenant(ctx context.Context, id directory.TenantID) (directory.Tenant, error)
	// CreateUser stores u and records e, or neither; directory.ErrUPNTaken.
	CreateUser(ctx context.Context, u directory.User, events ...audit.Event) error
}

var toldFaults = []*fault.Error{
	federation.ErrUpstream, federation.ErrNoMFA, federation.ErrStale, federation.ErrOther, federation.ErrForeign, federation.ErrNoAccount, federation.ErrLinked,
}

// who returns the person that said is about: who is linked to the subject, and else who has the
// name that the upstream gives them; they are linked then. It is always who the name was typed
// of, and of c's domain.
func (m Method) who(ctx context.Context, c federation.Configuration, said federation.Assertion, a signin.Attempt) (directory.User, error) {
	id, err := m.Store.LinkedUser(ctx, c.Tenant, c.Domain, said.Subject)
	switch {
	case err == nil:
		return m.linked(ctx, c, id, a)
	case !errors.Is(err, federation.ErrUnlinked):
		return directory.User{}, err
	}
	name, err := c.Name(said)
	if err != nil {
		return directory.User{}, err
	}
	if !federation.SameName(name, a.Username) {
		return directory.User{}, federation.ErrOther
	}
	user, err := m.Users.UserByName(ctx, c.Tenant, name)
	if errors.Is(err, directory.ErrUserUnknown) {
		user, err = m.create(ctx, c, said, name, a)
	}
	if err != nil || !user.AccountEnabled { // who may not sign in is linked to nobody
		return user, err
	}
	return user, m.Store.Link(ctx, federation.Link{
		Tenant: c.Tenant, Domain: c.Domain, Federation: c.ID, Subject: said.Subject, User: user.ID, At: a.At,
	}, m.event(c, audit.LinkFederatedIdentity, audit.OperationAdd, user, a))
}

// linked returns the person with the id, who may have got another name meanwhile.
func (m Method) linked(ctx context.Context, c federation.Configuration, id directory.UserID, a signin.Attempt) (directory.User, error) {
	user, err := m.Users.User(ctx, c.Tenant, id)
	switch {
	case errors.Is(err, directory.ErrUserUnknown):
		return user, federation.ErrNoAccount
	case err != nil:
		return user, err
	case federation.DomainOf(user.UserPrincipalName) != c.Domain:
		return user, federation.ErrForeign
	case user.ID != a.User || !federation.SameName(user.UserPrincipalName, a.Username):
		return user, federation.ErrOther
	}
	return user, nil
}

// create makes an account for who has none, where the domain lets it.
func (m Method) create(ctx context.Context, c federation.Configuration, said federation.Assertion, name string, a signin.Attempt) (directory.User, error) {
	if !c.CreateUsers {
		return directory.User{}, federation.ErrNoAccount
	}
	tenant, err := m.Accounts.Tenant(ctx, c.Tenant)
	if err != nil {
		return directory.User{}, err
	}
	u := c.User(said, name)
	u.ID, u.CreatedDateTime = directory.UserID(uuid.NewString()), a.At.UTC()
	if err := u.Check(tenant); err != nil {
		return u, federation.ErrAnswer.With("", fmt.Sprintf("No account can be made of what the identity provider says: %s", err))
	}
	return u, m.Accounts.CreateUser(ctx, u, m.event(c, audit.AddUser, audit.OperationAdd, u, a))
}

func (m Method) event(c federation.Configuration, activity, operation string, u directory.User, a signin.Attempt) audit.Event {
	return audit.Event{
		Tenant: string(c.Tenant), ID: uuid.NewString(), At: a.At, CorrelationID: a.CorrelationID,
		Change: &audit.Change{
			Activity: activity, Category: audit.CategoryUserManagement, Service: audit.ServiceCoreDirectory, Operation: operation, Result: audit.Success,
			By:      audit.Actor{App: &audit.AppActor{DisplayName: "Federation of " + c.Domain}},
			Targets: []audit.Target{{ID: string(u.ID), Type: audit.TargetUser, DisplayName: u.DisplayName, UserPrincipalName: u.UserPrincipalName}},
			Details: []audit.KeyValue{{Key: "Federation Id", Value: c.ID}},
		},
	}
}
