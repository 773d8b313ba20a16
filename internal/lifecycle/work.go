package lifecycle

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
)

// work is one task to be done for one person, with what is known.
type work struct {
	tenant   directory.Tenant
	settings Settings
	workflow Workflow
	person   Person
	result   TaskResult
	user     directory.User
	now      time.Time
}

// unprotected refuses what must not be done by a workflow to people with power: whoever
// manages workflows has less of it.
func (e *Engine) unprotected(ctx context.Context, w work) error {
	t, err := e.Directory.TargetOf(ctx, w.tenant.ID, w.user.ID)
	if err == nil && t.Protected() {
		return failure("The person holds a role, or is in a group that can: a workflow does not touch them. An administrator does it by hand.")
	}
	return err
}

// userChange is the event of a change of the account.
func userChange(w work, activity, operation string, changes ...audit.ModifiedProperty) audit.Event {
	return newEvent(w.person, w.now, audit.Change{
		Activity: activity, Category: audit.CategoryUserManagement, Service: audit.ServiceCoreDirectory, Operation: operation, Result: audit.Success,
		Targets: []audit.Target{userTarget(w.user, changes...)},
		Details: details(w),
	})
}

func userTarget(u directory.User, changes ...audit.ModifiedProperty) audit.Target {
	return audit.Target{ID: string(u.ID), Type: audit.TargetUser, DisplayName: u.DisplayName, UserPrincipalName: u.UserPrincipalName, Modified: changes}
}

func details(w work) []audit.KeyValue {
	return []audit.KeyValue{{Key: audit.DetailWorkflow, Value: w.person.Workflow}, {Key: "runId", Value: w.person.Run}, {Key: "taskId", Value: w.result.Task.ID}}
}

// switchAccount lets the person sign in, or stops them. Who stands like that already is left alone.
func switchAccount(on bool) func(context.Context, *Engine, work) (Effect, error) {
	return func(ctx context.Context, e *Engine, w work) (Effect, error) {
		if err := e.unprotected(ctx, w); err != nil {
			return Effect{}, err
		}
		if w.user.AccountEnabled == on {
			return Effect{}, nil
		}
		u := w.user
		u.AccountEnabled = on
		activity, before, after := audit.DisableAccount, "true", "false"
		if on {
			activity, before, after = audit.EnableAccount, after, before
		}
		change := audit.ModifiedProperty{DisplayName: "accountEnabled", OldValue: before, NewValue: after}
		return Effect{User: &u, Events: []audit.Event{userChange(w, activity, audit.OperationUpdate, change)}}, nil
	}
}

func memberChange(w work, activity, operation string, g directory.Group) audit.Event {
	return newEvent(w.person, w.now, audit.Change{
		Activity: activity, Category: audit.CategoryGroupManagement, Service: audit.ServiceCoreDirectory, Operation: operation, Result: audit.Success,
		Targets: []audit.Target{userTarget(w.user), {ID: string(g.ID), Type: audit.TargetGroup, DisplayName: g.DisplayName}},
		Details: details(w),
	})
}

// groupsOf returns the groups that the task names. A group that gives roles, or whose members a rule
// makes, is not for workflows.
func (e *Engine) groupsOf(ctx context.Context, w work) ([]directory.Group, error) {
	var all []directory.Group
	for _, id := range idsIn(w.result.Task.Argument(argGroups)) {
		g, err := e.Directory.Group(ctx, w.tenant.ID, directory.GroupID(id))
		if errors.Is(err, directory.ErrGroupUnknown) {
			return nil, failure("The group " + id + " is not there any more.")
		}
		if err != nil {
			return nil, err
		}
		if why := unfit(g); why != "" {
			return nil, failure(why)
		}
		all = append(all, g)
	}
	return all, nil
}

// unfit says why no workflow changes members of g, or nothing.
func unfit(g directory.Group) string {
	switch {
	case g.IsAssignableToRole:
		return "The group " + g.DisplayName + " can hold roles: a workflow changes no members of it."
	case g.Dynamic():
		return "A rule makes the members of the group " + g.DisplayName + "."
	}
	return ""
}

func addToGroups(ctx context.Context, e *Engine, w work) (Effect, error) {
	named, err := e.groupsOf(ctx, w)
	if err != nil {
		return Effect{}, err
	}
	own, err := e.Directory.OwnGroups(ctx, w.tenant.ID, w.user.ID, mostGroups)
	var did Effect
	for _, g := range named {
		if !isIn(own, g) {
			did.Join = append(did.Join, g)
			did.Events = append(did.Events, memberChange(w, audit.AddGroupMember, audit.OperationAssign, g))
		}
	}
	return did, err
}

func removeFromGroups(ctx context.Context, e *Engine, w work) (Effect, error) {
	named, err := e.groupsOf(ctx, w)
	if err != nil {
		return Effect{}, err
	}
	own, err := e.Directory.OwnGroups(ctx, w.tenant.ID, w.user.ID, mostGroups)
	return leave(w, slices.DeleteFunc(named, func(g directory.Group) bool { return !isIn(own, g) })), err
}

// mostGroups bounds of how many groups one person is taken out.
const mostGroups = 1000

func removeFromAllGroups(ctx context.Context, e *Engine, w work) (Effect, error) {
	if err := e.unprotected(ctx, w); err != nil {
		return Effect{}, err
	}
	own, err := e.Directory.OwnGroups(ctx, w.tenant.ID, w.user.ID, mostGroups)
	return leave(w, slices.DeleteFunc(own, directory.Group.Dynamic)), err
}

func leave(w work, all []directory.Group) Effect {
	did := Effect{Leave: all}
	for _, g := range all {
		did.Events = append(did.Events, memberChange(w, audit.RemoveGroupMember, audit.OperationUnassign, g))
	}
	return did
}

func isIn(all []directory.Group, g directory.Group) bool {
	return slices.ContainsFunc(all, func(one directory.Group) bool { return one.ID == g.ID })
}
