// Package provision makes people and groups be as another system says they are: the personnel
// department's, by SCIM (package scim) or by a file (package graph). It owns what is the same
// for both: who may, what the source of an account means, which events tell of a change, and
// that somebody else's change in between is not lost. What an account may look like is package
// directory's; how it is written on the wire is its callers'.
//
// A person who holds a role is changed only by a caller that reaches the role, whatever the
// property: every change counts as one of directory.UpdateUserSensitive.
package provision

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
)

// Store is what is read and written. A change and its events are stored together or not at all.
type Store interface {
	// TargetOf returns what of a person matters to directory.May.
	TargetOf(ctx context.Context, tenant directory.TenantID, user directory.UserID) (directory.Target, error)
	// CreateUser stores u; directory.ErrUPNTaken, directory.ErrExternalIDTaken, and
	// directory.ErrUserUnknown for a manager who is not there.
	CreateUser(ctx context.Context, u directory.User, events ...audit.Event) error
	// UpdateUser stores u with its manager if its version is still the stored one, else
	// directory.ErrChanged. Disabling ends sessions, tokens and pass; it refuses the last administrator.
	UpdateUser(ctx context.Context, u directory.User, at time.Time, events ...audit.Event) error
	DeleteUser(ctx context.Context, u directory.User, at time.Time, e audit.Event) error

	CreateGroup(ctx context.Context, g directory.Group, members, owners []directory.Ref, events ...audit.Event) error
	// ChangeGroup stores g if its version is still the stored one, else directory.ErrChanged, and
	// adds and removes members. Who is there already or not there changes nothing; note makes
	// the event of each of the others.
	ChangeGroup(ctx context.Context, g directory.Group, add, remove []directory.Ref, note func(m directory.Ref, added bool) audit.Event, events ...audit.Event) error
	DeleteGroup(ctx context.Context, g directory.Group, at time.Time, e audit.Event) error
}

// By is who provisions.
type By struct {
	Tenant      directory.Tenant
	Caller      directory.Caller
	Actor       audit.Actor
	Correlation string
	// Source is what the accounts come from; a person who uses the same interface by hand is none.
	Source directory.Source
}

// Provisioner provisions. Every field is required.
type Provisioner struct {
	Store Store
	Now   func() time.Time
}

// CreateUser checks and stores a new person, whose id it chooses.
func (p Provisioner) CreateUser(ctx context.Context, by By, u directory.User) (directory.User, error) {
	u, err := p.planUser(by, u)
	if err != nil {
		return u, err
	}
	return u, p.Store.CreateUser(ctx, u, p.userEvent(by, audit.AddUser, audit.OperationAdd, u, Modified(directory.User{}, u)))
}

// planUser returns the person that u would become, or why by may not make them.
func (p Provisioner) planUser(by By, u directory.User) (directory.User, error) {
	if err := directory.May(by.Caller, directory.CreateUser, directory.Target{}); err != nil {
		return u, err
	}
	if !u.EmployeeLeaveDateTime.IsZero() {
		if err := directory.May(by.Caller, directory.WriteLeaveDate, directory.Target{}); err != nil {
			return u, err
		}
	}
	return p.complete(by, u)
}

// complete fills in what a new person has and no source says, and checks the whole.
func (p Provisioner) complete(by By, u directory.User) (directory.User, error) {
	u.Tenant, u.ID, u.CreatedDateTime = by.Tenant.ID, directory.UserID(uuid.NewString()), p.Now().UTC()
	u.Source = by.Source
	if u.UserType == "" {
		u.UserType = "Member"
	}
	if u.MailNickname == "" {
		u.MailNickname, _, _ = strings.Cut(u.UserPrincipalName, "@")
	}
	if u.DisplayName == "" {
		u.DisplayName = strings.TrimSpace(u.GivenName + " " + u.Surname)
	}
	if u.DisplayName == "" {
		u.DisplayName = u.UserPrincipalName
	}
	return u, u.Check(by.Tenant)
}

// MayChange returns the person's source after a change by by, or why by may not change them.
func (p Provisioner) MayChange(ctx context.Context, by By, u directory.User) (directory.Source, error) {
	target, err := p.Store.TargetOf(ctx, by.Tenant.ID, u.ID)
	if err != nil {
		return "", err
	}
	if err := directory.May(by.Caller, directory.UpdateUserSensitive, target); err != nil {
		return "", err
	}
	return u.Source.Claim(by.Source)
}

// ChangeUser checks and stores what has become of old, and returns it with its new version. Where
// nothing differs it stores nothing.
func (p Provisioner) ChangeUser(ctx context.Context, by By, old, u directory.User) (directory.User, error) {
	u, changes, err := p.planChange(ctx, by, old, u)
	if err != nil {
		return u, err
	}
	if len(changes) == 0 {
		return old, nil
	}
	activity := audit.UpdateUser
	switch {
	case old.AccountEnabled && !u.AccountEnabled:
		activity = audit.DisableAccount
	case !old.AccountEnabled && u.AccountEnabled:
		activity = audit.EnableAccount
	}
	return u, p.Store.UpdateUser(ctx, u, p.Now(), p.userEvent(by, activity, audit.OperationUpdate, u, changes))
}

// planChange returns u with its source and what differs from old, or why by may not change it so.
func (p Provisioner) planChange(ctx context.Context, by By, old, u directory.User) (directory.User, []audit.ModifiedProperty, error) {
	var err error
	if u.Source, err = p.MayChange(ctx, by, old); err != nil {
		return u, nil, err
	}
	if u.Manager != old.Manager {
		if err := directory.May(by.Caller, directory.UpdateManager, directory.Target{User: u.ID}); err != nil {
			return u, nil, err
		}
	}
	if !u.EmployeeLeaveDateTime.Equal(old.EmployeeLeaveDateTime) {
		if err := directory.May(by.Caller, directory.WriteLeaveDate, directory.Target{User: u.ID}); err != nil {
			return u, nil, err
		}
	}
	return u, Modified(old, u), u.Check(by.Tenant)
}

// DeleteUser deletes a person, who can be restored for 30 days.
func (p Provisioner) DeleteUser(ctx context.Context, by By, u directory.User) error {
	target, err := p.Store.TargetOf(ctx, by.Tenant.ID, u.ID)
	if err != nil {
		return err
	}
	if err := directory.May(by.Caller, directory.DeleteUser, target); err != nil {
		return err
	}
	if _, err := u.Source.Claim(by.Source); err != nil {
		return err
	}
	return p.Store.DeleteUser(ctx, u, p.Now(), p.userEvent(by, audit.DeleteUser, audit.OperationDelete, u, nil))
}

// CreateGroup checks and stores a new group with its members.
func (p Provisioner) CreateGroup(ctx context.Context, by By, g directory.Group, members []directory.Ref) (directory.Group, error) {
	if err := directory.May(by.Caller, directory.CreateGroup, directory.Target{}); err != nil {
		return g, err
	}
	g.Tenant, g.ID, g.CreatedDateTime, g.SecurityEnabled = by.Tenant.ID, directory.GroupID(uuid.NewString()), p.Now().UTC(), true
	if g.MailNickname == "" {
		g.MailNickname = nickname(g)
	}
	if err := g.Check(); err != nil {
		return g, err
	}
	events := []audit.Event{p.groupEvent(by, audit.AddGroup, audit.OperationAdd, g, nil)}
	for _, m := range members {
		events = append(events, p.memberEvent(by, g, m, true))
	}
	return g, p.Store.CreateGroup(ctx, g, members, nil, events...)
}

// nickname is a mailNickname for a group whose source has none: the letters of its name and
// some of its id, as groups may have the same name.
func nickname(g directory.Group) string {
	plain := strings.Map(func(r rune) rune {
		if 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' {
			return r
		}
		return -1
	}, g.DisplayName)
	return plain[:min(len(plain), 40)] + "-" + string(g.ID)[:8]
}

// ChangeGroup checks and stores what has become of old and of its members.
func (p Provisioner) ChangeGroup(ctx context.Context, by By, old, g directory.Group, add, remove []directory.Ref) error {
	changes := Modified(old, g)
	if len(changes) > 0 || len(add)+len(remove) == 0 {
		if err := directory.May(by.Caller, directory.UpdateGroup.OnGroup(old), directory.Target{}); err != nil {
			return err
		}
	}
	if len(add)+len(remove) > 0 {
		if err := directory.May(by.Caller, directory.ChangeMembers.OnGroup(old), directory.Target{}); err != nil {
			return err
		}
	}
	if err := g.Check(); err != nil {
		return err
	}
	if len(changes)+len(add)+len(remove) == 0 {
		return nil
	}
	var events []audit.Event
	if len(changes) > 0 {
		events = append(events, p.groupEvent(by, audit.UpdateGroup, audit.OperationUpdate, g, changes))
	}
	note := func(m directory.Ref, added bool) audit.Event { return p.memberEvent(by, g, m, added) }
	return p.Store.ChangeGroup(ctx, g, add, remove, note, events...)
}

// DeleteGroup deletes a group, which can be restored for 30 days.
func (p Provisioner) DeleteGroup(ctx context.Context, by By, g directory.Group) error {
	if err := directory.May(by.Caller, directory.DeleteGroup.OnGroup(g), directory.Target{}); err != nil {
		return err
	}
	return p.Store.DeleteGroup(ctx, g, p.Now(), p.groupEvent(by, audit.DeleteGroup, audit.OperationDelete, g, nil))
}

func (p Provisioner) userEvent(by By, activity, operation string, u directory.User, changes []audit.ModifiedProperty) audit.Event {
	return p.event(by, activity, audit.CategoryUserManagement, operation, audit.Target{
		ID: string(u.ID), Type: audit.TargetUser, DisplayName: u.DisplayName, UserPrincipalName: u.UserPrincipalName, Modified: changes,
	})
}

func (p Provisioner) groupEvent(by By, activity, operation string, g directory.Group, changes []audit.ModifiedProperty, more ...audit.Target) audit.Event {
	target := audit.Target{ID: string(g.ID), Type: audit.TargetGroup, DisplayName: g.DisplayName, Modified: changes}
	return p.event(by, activity, audit.CategoryGroupManagement, operation, append(more, target)...)
}

func (p Provisioner) memberEvent(by By, g directory.Group, m directory.Ref, added bool) audit.Event {
	kind := audit.TargetOther
	switch m.Kind {
	case directory.KindUser:
		kind = audit.TargetUser
	case directory.KindGroup:
		kind = audit.TargetGroup
	}
	member := audit.Target{ID: m.ID, Type: kind}
	if added {
		return p.groupEvent(by, audit.AddGroupMember, audit.OperationAssign, g, nil, member)
	}
	return p.groupEvent(by, audit.RemoveGroupMember, audit.OperationUnassign, g, nil, member)
}

func (p Provisioner) event(by By, activity, category, operation string, targets ...audit.Target) audit.Event {
	change := audit.Change{
		Activity: activity, Category: category, Service: audit.ServiceCoreDirectory, Operation: operation,
		Result: audit.Success, By: by.Actor, Targets: targets,
	}
	if by.Source != "" {
		change.Details = []audit.KeyValue{{Key: "source", Value: string(by.Source)}}
	}
	return audit.Event{Tenant: string(by.Tenant.ID), ID: uuid.NewString(), At: p.Now(), CorrelationID: by.Correlation, Change: &change}
}

// Modified lists what differs between two states of a user or group, by Graph's names.
func Modified(old, fresh any) []audit.ModifiedProperty {
	before, after := fields(old), fields(fresh)
	names := []string{}
	for name := range after {
		names = append(names, name)
	}
	for name := range before {
		if _, ok := after[name]; !ok {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	var all []audit.ModifiedProperty
	for _, name := range names {
		if name != "id" && name != "createdDateTime" && string(before[name]) != string(after[name]) {
			all = append(all, audit.ModifiedProperty{DisplayName: name, OldValue: shown(before[name]), NewValue: shown(after[name])})
		}
	}
	return all
}

func shown(raw json.RawMessage) string {
	if raw == nil {
		return "null"
	}
	return string(raw)
}

// fields returns what x holds as JSON, with the manager of a user, which its document leaves out.
func fields(x any) map[string]json.RawMessage {
	all := map[string]json.RawMessage{}
	raw, err := json.Marshal(x)
	if err == nil {
		_ = json.Unmarshal(raw, &all) // an object that was just written
	}
	if u, ok := x.(directory.User); ok && u.Manager != "" {
		all["manager"] = json.RawMessage(`"` + string(u.Manager) + `"`)
	}
	return all
}
